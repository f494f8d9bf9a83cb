/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-verify/listing.c bin/bk-verify/ssh.c bin/bk-verify/child.c */
/* with: bin/bk-verify/sample.c */
#include <stdlib.h>
#include <string.h>

#include "listing.h"
#include "rec.h"
#include "sample.h"
#include "ssh.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As ls prints a listing. */
static void try_ls(const struct bk_strv *lines)
{
	struct listing l = LISTING_INIT;
	struct listing_ls ls = { .list = &l, .dir = "repo" };

	for (size_t i = 0; i < lines->n; i++)
		listing_ls_line(&ls, lines->v[i]);
	free(ls.folder);
	listing_sort(&l);
	for (size_t i = 0; i < l.n; i++) {
		BK_AUTO_FREE char *path = listing_path(&l.v[i]);
		char name[65];

		listing_name(&l.v[i], name);
		if (!strstr(path, name) ||
		    !listing_has(&l, l.v[i].kind, name) ||
		    (i > 0 && l.v[i].kind < l.v[i - 1].kind))
			abort();
	}
	listing_free(&l);
}

/* As sha256sum prints a sum. */
static void try_sum(const char *line)
{
	char hash[65];
	BK_AUTO_FREE char *name = ssh_parse_sum(line, hash);

	if (name && (strspn(hash, "0123456789abcdef") != 64 || hash[64] ||
		     strlen(name) + 66 > strlen(line)))
		abort();
}

/* As restic prints a node. */
static void try_node(const char *line)
{
	BK_AUTO_JSON json_t *o = json_loads(line, 0, NULL);
	struct sample_file f;

	if (!sample_parse(o, &f))
		return;
	BK_AUTO_FREE char *pattern = sample_pattern(&f);
	if (f.path[0] != '/' || pattern[0] != '/' || f.mode > 07777 ||
	    f.mtime.tv_nsec < 0 || f.mtime.tv_nsec > 999999999 ||
	    strlen(pattern) > 2 * strlen(f.path))
		abort();
	sample_file_free(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BK_AUTO_FREE char *text = bk_memdup(data, size);
	BK_AUTO_STRV struct bk_strv lines = BK_STRV_INIT;

	bk_strv_split(&lines, text, "\n");
	try_ls(&lines);
	for (size_t i = 0; i < lines.n; i++) {
		try_sum(lines.v[i]);
		try_node(lines.v[i]);
	}
	return 0;
}
