/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf_salvage.h"

#include <sys/utsname.h>

/* What has a problem is there as "". */
static bool is_sound(const struct bk_conf_section *s, const char *key)
{
	const struct bk_conf_value *v = NULL;

	while ((v = bk_conf_value(s, key, v)))
		if (!*v->value)
			return false;
	return true;
}

static bool can_be_told(const struct bk_conf_section *s)
{
	const char *type = bk_conf_str(s, "type", "kuma");
	bool needs_token =
		strcmp(type, "kuma") == 0 || strcmp(type, "healthchecks") == 0;

	return is_sound(s, "type") && is_sound(s, "token") &&
	       is_sound(s, "ca") && *bk_conf_str(s, "url", "") &&
	       (!needs_token || bk_conf_value(s, "token", NULL));
}

static bool is_wanted(const struct bk_conf_section *s)
{
	return strcmp(s->kind, "host") == 0 ||
	       strcmp(s->kind, "keyring") == 0 ||
	       (strcmp(s->kind, "monitor") == 0 && can_be_told(s));
}

static void free_value(struct bk_conf_value *v)
{
	free(v->key);
	free(v->value);
	free(v->file);
}

static void drop_unsound(struct bk_conf_section *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->nvalues; i++)
		if (*s->values[i].value)
			s->values[n++] = s->values[i];
		else
			free_value(&s->values[i]);
	s->nvalues = n;
}

/* A name that is none would be sent, and stand in states. */
static void check_host(struct bk_conf *c)
{
	struct utsname u;

	if (is_sound(bk_conf_find(c, "host", NULL), "name"))
		return;
	free(c->host);
	c->host = bk_strdup(uname(&u) == 0 ? u.nodename : "localhost");
}

struct bk_conf *bk_conf_salvage(const char *file)
{
	struct bk_conf *c = bk_conf_load_unsound(file);
	struct bk_conf *rest = bk_calloc(1, sizeof(*rest));
	size_t n = 0;

	check_host(c);
	rest->sections = bk_calloc(c->nsections, sizeof(*rest->sections));
	for (size_t i = 0; i < c->nsections; i++) {
		struct bk_conf_section *s = &c->sections[i];

		if (!is_wanted(s)) {
			rest->sections[rest->nsections++] = *s;
			continue;
		}
		if (strcmp(s->kind, "keyring") != 0)
			drop_unsound(s);
		c->sections[n++] = *s;
	}
	c->nsections = n;
	bk_conf_free(rest);
	return c;
}
