/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ini.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct check {
	size_t lines;
	size_t last;
	bool section; /* one has started */
};

static void at_line(struct check *c, size_t line)
{
	if (line < 1 || line > c->lines || line <= c->last)
		abort();
	c->last = line;
}

/* Every line is told of at most once, in order, and is what was promised. */
static void each(void *arg, const struct bk_ini_line *l)
{
	struct check *c = arg;

	at_line(c, l->line);
	if (strlen(l->section) > 256 || strlen(l->value) > 1 << 20 ||
	    strchr(l->value, '\n'))
		abort();
	if (!l->key && !*l->section)
		abort();
	if (l->key && (!*l->key || strlen(l->key) > 64 ||
		       !bk_str_utf8(l->key, strlen(l->key))))
		abort();
	if (l->continued && (!l->key || !*l->value))
		abort();
	c->section = c->section || !l->key;
	if (c->section != (*l->section != '\0'))
		abort();
}

static void problem(void *arg, size_t line, const char *msg)
{
	at_line(arg, line);
	if (!*msg || strcmp(msg, "libinih stopped reading") == 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct check c = { .lines = 1 };
	struct bk_ini ini = { each, problem, &c };

	for (size_t i = 0; i < size; i++)
		c.lines += data[i] == '\n';
	bk_ini_parse((const char *)data, size, &ini);
	return 0;
}
