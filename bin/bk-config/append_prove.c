/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * append-only: proof that the new key is good for nothing else.
 */
#include <string.h>

#include "append.h"
#include "rclone.h"

#define TIMEOUT_MS 30000

static int opens(const char *what, struct bk_err *err)
{
	return bk_err_set(err, BK_EX_UNAVAILABLE, 0,
			  "the server lets the new key in to %s: it does not "
			  "heed the command that the key forces",
			  what);
}

static int try_sftp(const struct append *a, const char *port,
		    struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_FREE char *what = bk_asprintf(
		"files by sftp%s%s", port ? " on port " : "", port ? port : "");
	struct bk_err why = { 0 };

	box_as_key(a, "ssh", a->key, port, &argv);
	child_add(&argv, "-s", a->at.host, "sftp");
	if (rclone_is_sftp(&argv, &why) > 0)
		return opens(what, err);
	/* Silence proves nothing. */
	if (why.exit != BK_EX_TEMPFAIL)
		return 0;
	*err = why;
	return -1;
}

/* What would answer, if the command were its own: a hash. */
static int try_command(const struct append *a, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	AUTO_SAID struct said said = SAID_INIT;
	BK_AUTO_FREE char *file = bk_asprintf("%s/config", a->path);
	struct bk_err ignored;

	box_as_key(a, "ssh", a->key, NULL, &argv);
	child_add(&argv, a->at.host, "sha256sum", file);
	if (child_run(&argv, TIMEOUT_MS, &said, &ignored) < 0)
		return 0;
	return said.out.p && strstr(said.out.p, file) ? opens("commands", err)
						      : 0;
}

int prove_shut(const struct append *a, struct bk_err *err)
{
	if (try_sftp(a, NULL, err) < 0 || try_command(a, err) < 0)
		return -1;
	return strcmp(a->view.port, "22") == 0 ? 0 : try_sftp(a, "22", err);
}
