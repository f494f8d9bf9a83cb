/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mark, unmark: make or remove a marker, and say what comes of it.
 *
 * A marker made by root belongs to root, with mode 0644: it counts in any
 * folder, everyone can see it, and the folder's owner can still remove it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"
#include "log.h"
#include "path.h"
#include "scan.h"

static int find_kind(const char *arg)
{
	static const char *const others[MARKERS] = {
		[MARKER_BACKUP] = "restic",
		[MARKER_COLD] = "cold",
		[MARKER_REDUNDANT] = "redundant",
		[MARKER_DELETE] = "delete",
	};

	if (*arg == '.')
		arg++;
	for (int i = 0; i < MARKERS; i++)
		if (strcmp(arg, marker_name((enum marker_kind)i) + 1) == 0 ||
		    (others[i] && strcmp(arg, others[i]) == 0))
			return i;
	return -1;
}

struct job {
	struct scan *scan;
	struct bk_rec *out;
	const char *name; /* of the marker */
	bool remove;
};

/* Report what happened to file, or with -n the command that does it. */
static void report(const struct job *j, const char *file)
{
	const char *command = j->remove ? "rm -- " : "touch -- ";
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	json_t *o;

	if (j->out->mode == BK_REC_JSON) {
		o = json_object();
		bk_rec_set_path(o, "path", file);
		bk_rec_set_bool(o, "done", !j->scan->cli.dry_run);
		bk_rec_json(j->out, j->remove ? "unmarked" : "marked", o);
	} else if (j->scan->cli.dry_run && j->out->mode == BK_REC_TEXT) {
		bk_buf_adds(&b, command);
		bk_str_add_shell(&b, file);
		bk_rec_text(j->out, b.p, NULL);
	} else if (j->out->mode == BK_REC_NUL) {
		bk_rec_text(j->out, file, NULL);
	}
}

static int make(int dirfd, const char *name, struct bk_err *err)
{
	BK_AUTO_CLOSE int fd =
		openat(dirfd, name,
		       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		       0644);

	if (fd < 0 || fchmod(fd, 0644) < 0)
		return bk_err_sys(err, "cannot make '%s'", name);
	return 0;
}

static int mark(const struct job *j, int dirfd, const char *file,
		struct bk_err *err)
{
	BK_AUTO(marker_free) struct marker m = { 0 };
	enum marker_kind kind = (enum marker_kind)find_kind(j->name);
	struct stat dir;

	if (fstat(dirfd, &dir) < 0)
		return bk_err_sys(err, "cannot look at '%s'", file);
	if (marker_read(dirfd, kind, dir.st_uid, &m)) {
		if (m.refused)
			return bk_err_set(err, BK_EX_CANTCREAT, 0,
					  "'%s' is there, but %s", file,
					  m.refused);
		bk_notice("'%s' is there already", file);
		return 0;
	}
	if (!j->scan->cli.dry_run && make(dirfd, j->name, err) < 0) {
		if (err->exit == BK_EX_OSERR)
			err->exit = BK_EX_CANTCREAT;
		return -1;
	}
	report(j, file);
	return 0;
}

static int unmark(const struct job *j, int dirfd, const char *file,
		  struct bk_err *err)
{
	struct stat st;

	if (fstatat(dirfd, j->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return bk_err_sys(err, "cannot find '%s'", file);
	if (S_ISDIR(st.st_mode))
		return bk_err_set(err, BK_EX_CANTCREAT, 0,
				  "'%s' is a folder, not a marker", file);
	if (!j->scan->cli.dry_run && unlinkat(dirfd, j->name, 0) < 0)
		return bk_err_sys(err, "cannot remove '%s'", file);
	report(j, file);
	return 0;
}

static bool warned_here(const struct plan *p, const char *path)
{
	for (size_t i = 0; i < p->warnings.n; i++) {
		const struct warning *w = &p->warnings.v[i];
		BK_AUTO_FREE char *dir =
			w->path ? bk_path_parent(w->path) : NULL;

		if (w->partial && dir && strcmp(dir, path) == 0)
			return true;
	}
	return false;
}

/* What the plan says of the folder now. 3 where the marker does not count. */
static int verdict(struct job *j, const char *path)
{
	struct scan *s = j->scan;
	struct scan again = { .cli = s->cli,
			      .filter = { .restic = true, .cold = true } };
	int status = scan_run(&again, &(struct scan_how){ .only = path,
							  .only_way = true });

	if (status == BK_EX_OK) {
		(void)why_print(&again, path, j->out);
		if (!scan_is_below_root(&again, path)) {
			bk_warning("%s: markers do not count here: it is "
				   "below no [scan] root",
				   path);
			status = BK_EX_PARTIAL;
		} else if (warned_here(&again.plan, path)) {
			status = BK_EX_PARTIAL;
		}
	}
	scan_free(&again);
	return status;
}

static int one(struct job *j, const char *arg)
{
	struct bk_err err;
	int status;
	BK_AUTO_FREE char *path = scan_path(arg, &status), *file = NULL;
	BK_AUTO_CLOSE int fd = -1;

	if (!path)
		return status;
	file = bk_path_join(path, j->name);
	fd = walk_open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	if (fd < 0) {
		(void)bk_err_sys(&err, "cannot open the folder '%s'", path);
		return bk_log_err(&err);
	}
	if ((j->remove ? unmark(j, fd, file, &err) : mark(j, fd, file, &err)) <
	    0)
		return bk_log_err(&err);
	return j->scan->cli.dry_run ? BK_EX_OK : verdict(j, path);
}

static int run(struct scan *s, bool remove, int argc, char **argv)
{
	struct bk_rec out = bk_rec_stdout(s->cli.mode);
	struct job j = { .scan = s, .out = &out, .remove = remove };
	int status = BK_EX_OK, kind;

	if (s->cached)
		return bk_cli_usage("--cached changes nothing");
	if (argc < 2)
		return bk_cli_usage("which marker, and which PATH?");
	kind = find_kind(argv[0]);
	if (kind < 0)
		return bk_cli_usage("'%s' is no marker; there are backup, "
				    "nobackup, coldstorage, "
				    "coldstorage_redundant and "
				    "coldstorage_delete",
				    argv[0]);
	j.name = marker_name((enum marker_kind)kind);
	/* a broken configuration is better known before than after */
	s->conf = bk_cli_conf(&s->cli, &status);
	for (int i = 1; s->conf && i < argc; i++) {
		int here = one(&j, argv[i]);

		if (status == BK_EX_OK || status == BK_EX_PARTIAL)
			status = here == BK_EX_OK ? status : here;
	}
	if (s->conf)
		bk_rec_end(&out, status);
	return status;
}

int cmd_mark(struct scan *s, int argc, char **argv)
{
	return run(s, false, argc, argv);
}

int cmd_unmark(struct scan *s, int argc, char **argv)
{
	return run(s, true, argc, argv);
}
