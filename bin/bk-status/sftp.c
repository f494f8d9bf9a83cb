/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A box behind ssh, by sftp(1) of OpenSSH in batch mode: it logs in as the
 * user's ssh_config says, and any server that speaks the protocol will do.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "box.h"
#include "dirs.h"
#include "exec.h"
#include "file.h"
#include "log.h"

#define SAID_MAX ((size_t)1 << 20)
#define SFTP_MS 120000
#define ECHO "sftp> "
/* What sftp ends with where there is no connection, or none any more. */
enum { NO_CONNECTION = 255 };

/* A word of a batch: sftp knows quotes, and these escapes in them. */
static void add_word(struct bk_buf *b, const char *s)
{
	bk_buf_adds(b, " \"");
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			bk_buf_addc(b, '\\');
		bk_buf_addc(b, *s);
	}
	bk_buf_addc(b, '"');
}

static void add_command(struct bk_buf *b, const char *verb, const char *one,
			const char *two)
{
	bk_buf_adds(b, verb);
	add_word(b, one);
	if (two)
		add_word(b, two);
	bk_buf_addc(b, '\n');
}

/* Make a folder, and those above it; most of them are there. */
static void add_mkdirs(struct bk_buf *b, const char *path)
{
	for (size_t n = 1; n <= strlen(path); n++) {
		BK_AUTO_FREE char *up = bk_memdup(path, n);

		if (path[n] == '/' || path[n] == '\0')
			add_command(b, "-mkdir", up, NULL);
	}
}

/* Into bk-fleet; one that is missing is made, or ends the batch. */
static void add_cd(struct bk_buf *b, const struct box *box, bool create)
{
	if (*box->at.path) {
		if (create)
			add_mkdirs(b, box->at.path);
		add_command(b, "cd", box->at.path, NULL);
	}
	if (create)
		add_command(b, "-mkdir", BOX_FOLDER, NULL);
	add_command(b, "cd", BOX_FOLDER, NULL);
}

static void add_args(struct bk_strv *argv, const struct box *b)
{
	BK_AUTO_FREE char *config = bk_remote_ssh_config();
	bool address = strchr(b->at.host, ':') != NULL;

	bk_strv_add(argv, "sftp");
	if (config) {
		bk_strv_add(argv, "-F");
		bk_strv_add(argv, config);
	}
	bk_remote_add_options(argv);
	bk_strv_add(argv, "-o");
	bk_strv_add(argv, "StrictHostKeyChecking=yes");
	if (b->at.user) {
		bk_strv_add(argv, "-o");
		bk_strv_addf(argv, "User=%s", b->at.user);
	}
	if (b->at.port) {
		bk_strv_add(argv, "-P");
		bk_strv_add(argv, b->at.port);
	}
	bk_strv_add(argv, "-b");
	bk_strv_add(argv, "-");
	bk_strv_add(argv, "--");
	bk_strv_addf(argv, "%s%s%s", address ? "[" : "", b->at.host,
		     address ? "]" : "");
}

static int memory_fd(const char *p, size_t len, struct bk_err *err)
{
	int fd = memfd_create("bk", MFD_CLOEXEC);

	if (fd >= 0 && fchmod(fd, 0600) == 0 && bk_fd_write(fd, p, len) == 0 &&
	    lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	(void)bk_err_sys(err, "cannot keep %zu bytes in memory", len);
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

/* The line of what sftp and ssh said that tells most. */
static char *telling_line(const char *said)
{
	static const char *const telling[] = { "Host key verification failed",
					       "Permission denied",
					       "No space left", "ssh: " };
	BK_AUTO_STRV struct bk_strv lines = BK_STRV_INIT;

	bk_strv_split(&lines, said, "\r\n");
	for (size_t k = 0; k < BK_COUNT(telling); k++)
		for (size_t i = 0; i < lines.n; i++)
			if (strstr(lines.v[i], telling[k]))
				return bk_strdup(lines.v[i]);
	return bk_strdup(lines.n ? lines.v[lines.n - 1]
				 : "sftp does not say why");
}

static int fail(const struct box *b, int status, const char *said,
		struct bk_err *err)
{
	BK_AUTO_FREE char *line = telling_line(said);
	int exit = BK_EX_IOERR;

	if (strstr(line, "Host key verification failed") ||
	    strstr(line, "Permission denied"))
		exit = BK_EX_NOPERM;
	else if (strstr(line, "not found") || strstr(line, "No such file"))
		exit = BK_EX_NOINPUT;
	if (status == NO_CONNECTION && exit != BK_EX_NOPERM)
		exit = BK_EX_TEMPFAIL;
	return bk_err_set(err, exit, 0, "box %s: %.500s", b->name, line);
}

/*
 * Run a batch. No file that it writes grows beyond what a host may have
 * there, whatever the server sends.
 */
static int run(const struct box *b, const struct bk_buf *batch, int keep,
	       struct bk_buf *out, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_BUF struct bk_buf said = BK_BUF_INIT;
	BK_AUTO_CLOSE int in = memory_fd(batch->p, batch->len, err);
	char locale[] = "LC_ALL=C", *env[] = { locale, NULL };
	struct bk_exec x = { .env = env, .in = in, .keep = &keep };
	struct rlimit old, small;
	int status;

	if (in < 0)
		return -1;
	add_args(&argv, b);
	x.argv = argv.v;
	x.nkeep = keep >= 0;
	if (getrlimit(RLIMIT_FSIZE, &old) < 0)
		return bk_err_sys(err, "cannot get a limit");
	small = old;
	if (small.rlim_cur > BOX_FILE_MAX)
		small.rlim_cur = BOX_FILE_MAX;
	(void)setrlimit(RLIMIT_FSIZE, &small);
	status = bk_exec_run(&x, SAID_MAX, SFTP_MS, out, &said, err);
	(void)setrlimit(RLIMIT_FSIZE, &old);
	if (status < 0)
		return bk_err_set(err, err->exit, 0, "box %s: %s", b->name,
				  err->msg);
	if (status == 0)
		return 0;
	return fail(b, status, said.p ? said.p : "", err);
}

/*
 * A server without OpenSSH's rename does not rename over a file that is
 * there: then, and only then, that one goes first.
 */
static int rename_over(const struct box *b, const char *tmp, const char *name,
		       struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf batch = BK_BUF_INIT, out = BK_BUF_INIT;

	add_cd(&batch, b, false);
	add_command(&batch, "-rm", name, NULL);
	add_command(&batch, "rename", tmp, name);
	return run(b, &batch, -1, &out, err);
}

int box_sftp_put(const struct box *b, const char *name,
		 const struct bk_buf *data, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf batch = BK_BUF_INIT, out = BK_BUF_INIT;
	BK_AUTO_FREE char *tmp = bk_asprintf(".%s.new", name);
	BK_AUTO_FREE char *from = NULL;
	BK_AUTO_CLOSE int fd = memory_fd(data->p, data->len, err);

	if (fd < 0)
		return -1;
	from = bk_asprintf("/proc/self/fd/%d", fd);
	add_cd(&batch, b, true);
	add_command(&batch, "put", from, tmp);
	add_command(&batch, "rename", tmp, name);
	if (run(b, &batch, fd, &out, err) == 0)
		return 0;
	/* It repeats each command before it does it. */
	if (!out.p || !strstr(out.p, ECHO "rename ") ||
	    err->exit == BK_EX_TEMPFAIL)
		return -1;
	return rename_over(b, tmp, name, err);
}

int box_sftp_remove(const struct box *b, const char *name, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf batch = BK_BUF_INIT, out = BK_BUF_INIT;

	add_cd(&batch, b, false);
	add_command(&batch, "rm", name, NULL);
	return run(b, &batch, -1, &out, err);
}

/* "-rw-r--r-- 1 1000 1000 123 Nov 22 17:00 NAME" */
static void take_line(struct box_files *l, const char *line)
{
	BK_AUTO_STRV struct bk_strv words = BK_STRV_INIT;
	struct box_file *f;
	uint64_t size;

	if (bk_str_starts(line, ECHO))
		return;
	bk_strv_split(&words, line, " ");
	if (words.n != 9 || bk_parse_u64(words.v[4], 0, UINT64_MAX, &size) < 0)
		return;
	f = box_files_add(l, words.v[8]);
	if (!f)
		return;
	if (words.v[0][0] != '-')
		f->problem = bk_strdup("is no file");
	else if (size > BOX_FILE_MAX)
		f->problem = bk_strdup("is too large");
}

int box_sftp_list(const struct box *b, struct box_files *ret,
		  struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf batch = BK_BUF_INIT, out = BK_BUF_INIT;
	BK_AUTO_STRV struct bk_strv lines = BK_STRV_INIT;

	add_cd(&batch, b, false);
	bk_buf_adds(&batch, "ls -ln\n");
	if (run(b, &batch, -1, &out, err) < 0)
		return err->exit == BK_EX_NOINPUT ? 0 : -1;
	bk_strv_split(&lines, out.p ? out.p : "", "\r\n");
	for (size_t i = 0; i < lines.n; i++)
		take_line(ret, lines.v[i]);
	return 0;
}

/* Reading: into a folder of our own, from there into memory. */

static void take_file(const char *folder, struct box_file *f)
{
	BK_AUTO_FREE char *path = bk_asprintf("%s/%s", folder, f->name);
	struct bk_err err;

	if (f->problem)
		return;
	if (bk_file_read(path, BOX_FILE_MAX, &f->data, &err) < 0)
		f->problem = bk_strdup("cannot be fetched");
	(void)unlink(path);
}

static int fetch(const struct box *b, const char *folder, struct box_files *l,
		 struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf batch = BK_BUF_INIT, out = BK_BUF_INIT;
	int got;

	add_cd(&batch, b, false);
	add_command(&batch, "lcd", folder, NULL);
	for (size_t i = 0; i < l->n; i++)
		if (!l->v[i].problem)
			add_command(&batch, "-get", l->v[i].name, l->v[i].name);
	got = run(b, &batch, -1, &out, err);
	for (size_t i = 0; i < l->n; i++)
		take_file(folder, &l->v[i]);
	return got;
}

int box_sftp_read(const struct box *b, struct box_files *l, struct bk_err *err)
{
	BK_AUTO_FREE char *folder =
		bk_dirs_path(BK_DIRS_RUN, "fleet.XXXXXX", err);
	int got;

	if (!folder)
		return -1;
	if (!mkdtemp(folder))
		return bk_err_sys(err, "cannot create '%s'", folder);
	got = fetch(b, folder, l, err);
	if (rmdir(folder) < 0)
		bk_debug("cannot remove '%s', ignoring", folder);
	return got;
}
