/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-secret/cryptfile.c */
/*
 * The text of a keyring. One entry is added, one replaced and one removed:
 * each time what comes out can be read, and all the others are as they were.
 */
#include <stdint.h>
#include <strings.h>

#include "cryptfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define VALUE \
	"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5eg=="

static void want(bool so)
{
	if (!so)
		__builtin_trap();
}

static bool is_entry(const struct cryptfile_entry *e, const char *section,
		     const char *option)
{
	return strcmp(e->section, section) == 0 &&
	       strcasecmp(e->option, option) == 0;
}

/* All of old but one are in new, with their values. */
static void compare(const struct cryptfile *old, const struct cryptfile *new,
		    const char *section, const char *option)
{
	for (size_t i = 0; i < old->nentries; i++) {
		const struct cryptfile_entry *o = &old->entries[i], *n;

		if (is_entry(o, section, option))
			continue;
		n = cryptfile_find(new, o->section, o->option);
		want(n && strcmp(n->value, o->value) == 0);
	}
}

static void put(const struct cryptfile *old, const char *section,
		const char *option)
{
	struct cryptfile new;
	const struct cryptfile_entry *e;
	bool more = !cryptfile_find(old, section, option);

	want(cryptfile_parse(old->text.p, old->text.len, &new, NULL) == 0);
	want(cryptfile_put(&new, section, option, VALUE, true, NULL) == 0);
	e = cryptfile_find(&new, section, option);
	want(e && strcmp(e->value, "\n" VALUE) == 0);
	want(new.nentries == old->nentries + more);
	compare(old, &new, section, option);
	want(cryptfile_remove(&new, e, NULL) == 0);
	want(!cryptfile_find(&new, section, option));
	compare(old, &new, section, option);
	cryptfile_free(&new);
}

/* What is outside of the entry stays, byte for byte. */
static void take_out(const struct cryptfile *old,
		     const struct cryptfile_entry *e)
{
	struct cryptfile new;
	size_t rest = old->text.len - e->end;

	want(cryptfile_parse(old->text.p, old->text.len, &new, NULL) == 0);
	want(cryptfile_remove(&new, cryptfile_find(&new, e->section, e->option),
			      NULL) == 0);
	want(new.text.len == e->start + rest);
	want(memcmp(new.text.p, old->text.p, e->start) == 0);
	want(memcmp(new.text.p + e->start, old->text.p + e->end, rest) == 0);
	want(new.nentries == old->nentries - 1);
	compare(old, &new, e->section, e->option);
	cryptfile_free(&new);
}

static void look_at(const struct cryptfile *f, const struct cryptfile_entry *e)
{
	size_t len;

	want(e->start < e->end && e->end <= f->text.len && e->line > 0);
	want(cryptfile_find(f, e->section, e->option) == e);
	free(cryptfile_unescape(e->section));
	free(cryptfile_unescape(e->option));
	free(cryptfile_unbase64(e->value, &len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cryptfile f;
	size_t pick = size > 0 ? data[size / 2] : 0;

	if (cryptfile_parse((const char *)data, size, &f, NULL) == 0) {
		for (size_t i = 0; i < f.nentries; i++)
			look_at(&f, &f.entries[i]);
		put(&f, "fuzz", "New_20");
		if (f.nsections > 0)
			put(&f, f.sections[pick % f.nsections].name, "New_20");
		if (f.nentries > 0) {
			const struct cryptfile_entry *e =
				&f.entries[pick % f.nentries];

			put(&f, e->section, e->option);
			take_out(&f, e);
		}
	}
	cryptfile_free(&f);
	return 0;
}
