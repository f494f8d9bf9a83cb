/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * append-only: the server, by sftp and by its rclone.
 */
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "append.h"
#include "dirs.h"
#include "file.h"
#include "rclone.h"

#define SFTP_TIMEOUT_MS 90000
#define KEYS_LIMIT ((size_t)1 << 20)
#define KEYS ".ssh/authorized_keys"
#define NEW_KEYS ".ssh/authorized_keys.bk"

void box_as_host(const struct append *a, const char *program,
		 struct bk_strv *argv)
{
	ssh_args(program, &a->at, true, argv);
}

static void add_option(struct bk_strv *argv, const char *name,
		       const char *value)
{
	if (!value)
		return;
	bk_strv_add(argv, "-o");
	bk_strv_addf(argv, "%s=%s", name, value);
}

static void add_way(const struct append *a, struct bk_strv *argv)
{
	BK_AUTO_FREE char *config = bk_remote_ssh_config();

	add_option(argv, "ProxyCommand", a->view.proxy);
	if (!a->view.jump)
		return;
	bk_strv_add(argv, "-o");
	bk_strv_addf(argv, "ProxyCommand=ssh %s%s -W [%%h]:%%p %s",
		     config ? "-F " : "", config ? config : "", a->view.jump);
}

/*
 * The host key of another port may be another one, and nobody has pinned it;
 * whoever poses as it learns no more than that we tried.
 */
static void add_trust(const struct append *a, const char *port,
		      struct bk_strv *argv)
{
	BK_AUTO_BUF struct bk_buf known = BK_BUF_INIT;

	if (port) {
		child_add(argv, "-o", "StrictHostKeyChecking=no", "-o",
			  "UserKnownHostsFile=/dev/null");
		return;
	}
	for (size_t i = 0; i < a->view.known.n; i++)
		bk_buf_addf(&known, "%s\"%s\"", i > 0 ? " " : "",
			    a->view.known.v[i]);
	child_add(argv, "-o", "StrictHostKeyChecking=yes");
	add_option(argv, "HostKeyAlias", a->view.key_name);
	add_option(argv, "UserKnownHostsFile", known.p);
}

void box_as_key(const struct append *a, const char *program, const char *key,
		const char *port, struct bk_strv *argv)
{
	child_add(argv, program, "-F", "/dev/null", "-o", "BatchMode=yes", "-o",
		  "ConnectTimeout=15");
	if (key)
		child_add(argv, "-o", "IdentitiesOnly=yes", "-o",
			  "IdentityAgent=none", "-i", key);
	add_option(argv, "HostName", a->view.hostname);
	add_option(argv, "User", a->view.user);
	add_option(argv, "Port", port ? port : a->view.port);
	add_trust(a, port, argv);
	add_way(a, argv);
}

static void add_all(const struct bk_strv *from, struct bk_strv *to)
{
	for (size_t i = 0; i < from->n; i++)
		bk_strv_add(to, from->v[i]);
}

int box_sftp(const struct append *a, const struct bk_strv *argv,
	     const char *commands, struct said *ret, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv all = BK_STRV_INIT;

	add_all(argv, &all);
	child_add(&all, "-b", "-", a->at.host);
	return child_feed(&all, commands, SFTP_TIMEOUT_MS, ret, err);
}

enum login box_login(const struct append *a, const struct bk_strv *argv,
		     char **ret_why)
{
	BK_AUTO_STRV struct bk_strv all = BK_STRV_INIT;

	add_all(argv, &all);
	child_add(&all, "-b", "-", a->at.host);
	return ssh_login_as(&all, ret_why);
}

/* ---- authorized_keys ------------------------------------------------------- */

static char *work_file(struct bk_err *err)
{
	return bk_dirs_path(BK_DIRS_RUN, "append-only.keys", err);
}

static int fail_said(const struct said *said, const char *what,
		     struct bk_err *err)
{
	BK_AUTO_FREE char *why = said_why(said);

	return bk_err_set(err, BK_EX_UNAVAILABLE, 0, "cannot %s: %s", what,
			  why);
}

int box_read_keys(const struct append *a, const struct bk_strv *argv,
		  struct bk_buf *ret, struct bk_err *err)
{
	BK_AUTO_FREE char *file = work_file(err);
	BK_AUTO_FREE char *get =
		file ? bk_asprintf("get " KEYS " \"%s\"\n", file) : NULL;
	AUTO_SAID struct said said = SAID_INIT;
	int got;

	bk_buf_clear(ret);
	bk_buf_adds(ret, "");
	if (!file)
		return -1;
	(void)unlink(file);
	if (box_sftp(a, argv, get, &said, err) < 0)
		return -1;
	if (said.status != 0) {
		if (said.err.p && strstr(said.err.p, "not found"))
			return 0;
		return fail_said(&said, "read the server's " KEYS, err);
	}
	got = bk_file_read(file, KEYS_LIMIT, ret, err);
	(void)unlink(file);
	bk_buf_adds(ret, "");
	return got;
}

/* A server that renames over nothing that is there gets it written in place. */
static int send_keys(const struct append *a, const struct bk_strv *argv,
		     const char *file, struct bk_err *err)
{
	BK_AUTO_FREE char *first =
		bk_asprintf("-mkdir .ssh\nput \"%s\" " NEW_KEYS
			    "\nchmod 600 " NEW_KEYS "\nrename " NEW_KEYS
			    " " KEYS "\n",
			    file);
	BK_AUTO_FREE char *second =
		bk_asprintf("put \"%s\" " KEYS "\n-rm " NEW_KEYS "\n", file);
	AUTO_SAID struct said said = SAID_INIT, again = SAID_INIT;

	if (box_sftp(a, argv, first, &said, err) < 0)
		return -1;
	if (said.status == 0)
		return 0;
	if (box_sftp(a, argv, second, &again, err) < 0)
		return -1;
	return again.status == 0
		       ? 0
		       : fail_said(&again, "write the server's " KEYS, err);
}

int box_write_keys(const struct append *a, const struct bk_strv *argv,
		   const struct bk_buf *text, struct bk_err *err)
{
	BK_AUTO_FREE char *file = work_file(err);
	BK_AUTO_BUF struct bk_buf now = BK_BUF_INIT;
	int got;

	if (!file || bk_file_write(file, text->p, text->len, 0600, err) < 0)
		return -1;
	got = send_keys(a, argv, file, err);
	(void)unlink(file);
	if (got < 0 || box_read_keys(a, argv, &now, err) < 0)
		return -1;
	return strcmp(now.p, text->p) == 0
		       ? 0
		       : bk_err_set(err, BK_EX_IOERR, 0,
				    "the server's " KEYS " is not what was "
				    "written: look at it");
}

/* ---- rclone ---------------------------------------------------------------- */

void box_rclone(const struct append *a, struct bk_strv *argv)
{
	box_as_host(a, "ssh", argv);
	child_add(argv, a->at.host, "rclone", "serve", "restic", "--stdio",
		  "--append-only", a->path);
}

static int refused(int status, const char *what, struct bk_err *err)
{
	if (status == 403)
		return 0;
	if (status > 0)
		bk_err_set(err, BK_EX_UNAVAILABLE, 0,
			   "the server's rclone does not refuse to %s: it "
			   "answers %d",
			   what, status);
	return -1;
}

int box_refuses(const struct bk_strv *argv, struct bk_err *err)
{
	static const char name[] = "/snapshots/"
				   "00000000000000000000000000000000"
				   "00000000000000000000000000000000";
	int status = rclone_ask(argv, "GET", "/config", NULL, err);

	if (status < 0)
		return -1;
	if (status != 200)
		return bk_err_set(err, BK_EX_NOINPUT, 0,
				  "the server's rclone finds no repository "
				  "there: it answers %d",
				  status);
	return refused(rclone_ask(argv, "DELETE", name, NULL, err), "remove",
		       err);
}

/* As packs are called, so that a prune takes away what should be left. */
static int probe_name(char ret[static 65], struct bk_err *err)
{
	unsigned char random[32];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return bk_err_sys(err, "no random numbers");
	for (size_t i = 0; i < sizeof(random); i++)
		(void)snprintf(ret + 2 * i, 3, "%02x", random[i]);
	return 0;
}

static int try_probe(const struct bk_strv *rclone, const char *path,
		     struct bk_err *err)
{
	int status =
		rclone_ask(rclone, "POST", path, "bk-config append-only", err);

	if (status < 0)
		return -1;
	if (status != 200)
		return bk_err_set(err, BK_EX_UNAVAILABLE, 0,
				  "the server's rclone takes no new file: it "
				  "answers %d",
				  status);
	if (refused(rclone_ask(rclone, "POST", path, "overwritten", err),
		    "overwrite", err) < 0)
		return -1;
	return refused(rclone_ask(rclone, "DELETE", path, NULL, err), "remove",
		       err);
}

int box_probe(const struct append *a, const struct bk_strv *rclone,
	      const struct bk_strv *sftp, struct bk_err *err)
{
	char name[65];
	BK_AUTO_FREE char *path = NULL, *rm = NULL;
	AUTO_SAID struct said said = SAID_INIT;
	int got;

	if (probe_name(name, err) < 0)
		return -1;
	path = bk_asprintf("/data/%s", name);
	rm = bk_asprintf("rm \"%s/data/%.2s/%s\"\n", a->path, name, name);
	got = try_probe(rclone, path, err);
	if (box_sftp(a, sftp, rm, &said, NULL) < 0 || said.status != 0)
		return got < 0 ? -1
			       : bk_err_set(err, BK_EX_IOERR, 0,
					    "the probe data/%.2s/%s is left "
					    "there: the next prune takes it",
					    name, name);
	return got;
}
