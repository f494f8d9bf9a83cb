/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bk-dbdump check: the proof that a dump is whole, without any server. */
#include <inttypes.h>
#include <stdio.h>

#include "dbdump.h"
#include "log.h"
#include "proof.h"

static void print(struct dbdump *d, const char *path, const struct proof *p,
		  const char *message)
{
	char rows[32], bytes[32];
	json_t *o;

	if (d->out.mode != BK_REC_JSON) {
		(void)snprintf(rows, sizeof(rows), "%" PRIu64, p ? p->rows : 0);
		(void)snprintf(bytes, sizeof(bytes), "%" PRIu64,
			       p ? p->bytes : 0);
		bk_rec_text(&d->out, path, p ? "whole" : "not whole", rows,
			    bytes, p ? p->sha256 : "", NULL);
		return;
	}
	o = json_object();
	bk_rec_set_path(o, "path", path);
	bk_rec_set_bool(o, "whole", p != NULL);
	bk_rec_set_path(o, "message", message);
	if (p) {
		bk_rec_set_int(o, "objects", (int64_t)p->objects);
		bk_rec_set_int(o, "rows", (int64_t)p->rows);
		bk_rec_set_int(o, "broken", (int64_t)p->broken);
		bk_rec_set_int(o, "bytes", (int64_t)p->bytes);
		bk_rec_set_str(o, "sha256", p->sha256);
	}
	bk_rec_json(&d->out, "check", o);
}

int cmd_check(struct dbdump *d, char **args)
{
	int exit = BK_EX_OK;

	if (!*args)
		return bk_cli_usage("check wants files or folders");
	for (; *args; args++) {
		struct bk_err err = { .exit = BK_EX_OK };
		struct proof p;

		if (proof_path(*args, &p, &err) == 0) {
			print(d, *args, &p, "");
			continue;
		}
		bk_error("%s: %s", *args, err.msg);
		print(d, *args, NULL, err.msg);
		if (exit == BK_EX_OK || err.exit == BK_EX_DATAERR)
			exit = err.exit;
	}
	return exit;
}
