/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "quarantine.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>

#include "below.h"
#include "file.h"
#include "log.h"
#include "walk.h"

static int fail(struct bk_err *err, const char *what)
{
	return bk_err_set(err, BK_EX_IOERR, errno, "cannot %s", what);
}

/* Nobody else can change what is in it, and it is on the same file system. */
static int check_folder(const struct safe_top *t, int q, struct bk_err *err)
{
	struct statx st;

	if (statx(q, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID, &st) <
	    0)
		return fail(err, "look at the quarantine");
	if (S_ISDIR(st.stx_mode) && st.stx_uid == geteuid() &&
	    (st.stx_mode & 077) == 0 &&
	    st.stx_dev_major == t->st.stx_dev_major &&
	    st.stx_dev_minor == t->st.stx_dev_minor &&
	    st.stx_mnt_id == t->st.stx_mnt_id)
		return 0;
	return bk_err_set(err, BK_EX_NOPERM, 0,
			  "'%s/" WALK_QUARANTINE "' is not what bk-cold made",
			  t->path);
}

static int open_folder(const struct safe_top *t)
{
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			   RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS,
	};

	return below_open(t->fd, WALK_QUARANTINE, &how);
}

int quarantine_open(const struct safe_top *t, bool create, struct bk_err *err)
{
	int q = open_folder(t);

	if (q < 0 && errno == ENOENT && create) {
		if (mkdirat(t->fd, WALK_QUARANTINE, 0700) < 0)
			return fail(err, "make the quarantine");
		q = open_folder(t);
	}
	if (q < 0)
		return bk_err_set(
			err, errno == ENOENT ? BK_EX_NOINPUT : BK_EX_NOPERM,
			errno, "cannot open the quarantine of '%s'", t->path);
	/* the entry of a folder that is new, and of one that a crash left */
	if (check_folder(t, q, err) == 0) {
		if (!create || fsync(t->fd) == 0)
			return q;
		(void)fail(err, "flush the quarantine's folder");
	}
	(void)close(q);
	return -1;
}

static char *new_place(void)
{
	unsigned char b[8];

	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		abort();
	return bk_asprintf("%02x%02x%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2],
			   b[3], b[4], b[5], b[6], b[7]);
}

/* A step came to nothing, as err says; -1. Is it not noted, it failed. */
static int give_up(struct catalog *cat, struct hold *h, enum hold_state state,
		   struct bk_err *err)
{
	struct bk_err first = *err, why;

	if (hold_set(cat, h, state, &why) == 0)
		return -1;
	return bk_err_set(err, BK_EX_IOERR, 0,
			  "%s; the next run settles it: %s", first.msg,
			  why.msg);
}

/* It moved, and is not what it was: as if nothing had been done. */
static int put_back(struct catalog *cat, int q, const struct safe *f,
		    struct hold *h, struct bk_err *err)
{
	struct bk_err first = *err;

	if (renameat2(q, h->place, f->dir, f->name, RENAME_NOREPLACE) < 0) {
		(void)bk_err_set(err, BK_EX_IOERR, errno,
				 "%s, and it stays in the quarantine",
				 first.msg);
		return give_up(cat, h, HOLD_HELD, err);
	}
	/* what the disk refuses is settled by the next run */
	if (fsync(f->dir) < 0 || fsync(q) < 0)
		return fail(err, "flush its folder");
	return give_up(cat, h, HOLD_BACK, err);
}

/* What was done to it; a file is not left where that cannot be noted. */
static int note(struct catalog *cat, struct hold *h, enum hold_state state,
		struct bk_err *err)
{
	if (hold_set(cat, h, state, err) == 0)
		return 0;
	err->exit = BK_EX_IOERR;
	return -1;
}

int quarantine_take(struct catalog *cat, int q, struct safe *f, struct hold *h,
		    struct bk_err *err)
{
	h->place = new_place();
	h->ino = f->st.stx_ino;
	if (hold_add(cat, h, err) < 0 || catalog_commit(cat, err) < 0)
		return -1;
	if (safe_holds(f, f->dir, f->name, false, err) < 0)
		return give_up(cat, h, HOLD_BACK, err);
	if (renameat2(f->dir, f->name, q, h->place, RENAME_NOREPLACE) < 0) {
		(void)fail(err, "move it");
		return give_up(cat, h, HOLD_BACK, err);
	}
	if (fsync(q) < 0 || fsync(f->dir) < 0)
		return fail(err, "flush its folder");
	if (safe_holds(f, q, h->place, true, err) < 0 || safe_again(f, err) < 0)
		return put_back(cat, q, f, h, err);
	return note(cat, h, HOLD_HELD, err);
}

int quarantine_delete(struct catalog *cat, int q, struct safe *f,
		      struct hold *h, struct bk_err *err)
{
	if (f->st.stx_ino != h->ino)
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "is another file than was moved there");
	if (hold_set(cat, h, HOLD_DELETING, err) < 0)
		return -1;
	if (safe_holds(f, q, h->place, false, err) < 0)
		return give_up(cat, h, HOLD_HELD, err);
	if (unlinkat(q, h->place, 0) < 0) {
		(void)fail(err, "delete it");
		return give_up(cat, h, HOLD_HELD, err);
	}
	if (fsync(q) < 0)
		return fail(err, "flush the quarantine");
	return note(cat, h, HOLD_GONE, err);
}

/* ---- where is it? ------------------------------------------------------------ */

struct where {
	struct safe_top top;
	int q;	 /* the quarantine, or -1 */
	int dir; /* the folder where it was, or -1 */
	const char *name;
	bool in_quarantine; /* something has its name there */
	bool is_it;	    /* and it is the very inode */
	bool at_home;	    /* the inode is where it was */
};
#define WHERE_INIT ((struct where){ .top = SAFE_TOP_INIT, .q = -1, .dir = -1 })

static void where_close(struct where *w)
{
	if (w->q >= 0)
		(void)close(w->q);
	if (w->dir >= 0)
		(void)close(w->dir);
	safe_top_close(&w->top);
}
#define WHERE_AUTO BK_AUTO(where_close)

/* What cannot be looked at may be there: -1. */
static int look_for(int dir, const char *name, uint64_t ino, bool *ret_any,
		    bool *ret_is_it, struct bk_err *err)
{
	struct stat st;

	*ret_any = fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
	*ret_is_it = *ret_any && st.st_ino == ino;
	return *ret_any || errno == ENOENT ? 0 : fail(err, "look for it");
}

static int find(const struct hold *h, struct where *w, struct bk_err *err)
{
	struct bk_err why;
	bool any;

	if (safe_top_look(&w->top, h->top, err) < 0)
		return -1;
	w->q = quarantine_open(&w->top, false, &why);
	if (w->q >= 0 && look_for(w->q, h->place, h->ino, &w->in_quarantine,
				  &w->is_it, err) < 0)
		return -1;
	if (safe_folder(&w->top, h->path, &w->dir, &w->name, &why) < 0)
		return 0;
	return look_for(w->dir, w->name, h->ino, &any, &w->at_home, err);
}

/*
 * A power cut between the flushes of two folders leaves both names of a file
 * that was moved, on Btrfs: the one in the quarantine goes, if the inode says
 * that it is not the last.
 */
static int drop_second_name(const struct hold *h, const struct where *w,
			    struct bk_err *err)
{
	struct stat here, home;

	if (fstatat(w->q, h->place, &here, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fstatat(w->dir, w->name, &home, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(err, "look for it");
	if (here.st_ino != home.st_ino || here.st_dev != home.st_dev ||
	    here.st_nlink < 2)
		return bk_err_set(err, BK_EX_CANTCREAT, 0,
				  "is in the quarantine, and where it was");
	/* that one must be there to stay, before this one goes */
	if (fsync(w->dir) < 0 || unlinkat(w->q, h->place, 0) < 0 ||
	    fsync(w->q) < 0)
		return fail(err, "take its second name from the quarantine");
	return 0;
}

int quarantine_return(struct catalog *cat, struct hold *h, struct bk_err *err)
{
	WHERE_AUTO struct where w = WHERE_INIT;

	if (find(h, &w, err) < 0)
		return -1;
	if (!w.in_quarantine)
		return bk_err_set(err, BK_EX_NOINPUT, 0,
				  "is not in the quarantine any more; from a "
				  "box: bk-cold get");
	if (w.dir < 0)
		return bk_err_set(err, BK_EX_NOINPUT, 0,
				  "its folder is gone: make it, or bk-cold get "
				  "--to DIR");
	if (hold_set(cat, h, HOLD_RETURNING, err) < 0)
		return -1;
	if (w.is_it && w.at_home) {
		if (drop_second_name(h, &w, err) < 0)
			return give_up(cat, h, HOLD_HELD, err);
		return note(cat, h, HOLD_BACK, err);
	}
	if (renameat2(w.q, h->place, w.dir, w.name, RENAME_NOREPLACE) < 0) {
		(void)bk_err_set(
			err, errno == EEXIST ? BK_EX_CANTCREAT : BK_EX_IOERR,
			errno, "cannot move it back");
		return give_up(cat, h, HOLD_HELD, err);
	}
	if (fsync(w.dir) < 0 || fsync(w.q) < 0)
		return fail(err, "flush its folder");
	return note(cat, h, HOLD_BACK, err);
}

/* ---- what a crash left -------------------------------------------------------- */

#define OPEN                                               \
	(HOLD_BIT(HOLD_MOVING) | HOLD_BIT(HOLD_DELETING) | \
	 HOLD_BIT(HOLD_RETURNING))

/*
 * What is in the quarantine stays there: before it is deleted everything is
 * looked at and proved again. What is where it was has not been moved.
 */
static int settle(struct catalog *cat, struct hold *h, const struct where *w,
		  struct bk_err *err)
{
	if (w->is_it && w->at_home &&
	    (h->state == HOLD_MOVING || h->state == HOLD_RETURNING)) {
		struct bk_err why;

		if (drop_second_name(h, w, &why) == 0)
			return hold_set(cat, h, HOLD_BACK, err);
		bk_warning("%s: a release of it was interrupted: %s", h->path,
			   why.msg);
		return 0;
	}
	if (w->is_it)
		return hold_set(cat, h, HOLD_HELD, err);
	/* what was deleted may have left its inode to a new file there */
	if (w->at_home && h->state != HOLD_DELETING && h->state != HOLD_LOST)
		return hold_set(cat, h, HOLD_BACK, err);
	if (w->in_quarantine) {
		bk_warning("%s: another file is in the quarantine in its "
			   "place: bk-cold undo",
			   h->path);
		return hold_set(cat, h, HOLD_HELD, err);
	}
	if (h->state == HOLD_LOST)
		return 0;
	if (w->q < 0) {
		bk_warning("%s: a release of it was interrupted, and the "
			   "quarantine of '%s' cannot be opened",
			   h->path, h->top);
		return 0;
	}
	if (h->state == HOLD_DELETING)
		return hold_set(cat, h, HOLD_GONE, err);
	bk_warning("%s: is neither where it was nor in the quarantine; "
		   "somebody else took it away, the boxes have it",
		   h->path);
	return hold_set(cat, h, HOLD_LOST, err);
}

static int replay_one(void *arg, struct hold *h, struct bk_err *err)
{
	struct catalog *cat = arg;
	WHERE_AUTO struct where w = WHERE_INIT;
	struct bk_err why;

	if (find(h, &w, &why) == 0)
		return settle(cat, h, &w, err);
	if (h->state != HOLD_LOST)
		bk_warning("%s: a release of it was interrupted: %s", h->path,
			   why.msg);
	return 0;
}

/* -1: only the catalog failed. */
static int replay(struct catalog *cat, struct bk_err *err)
{
	return hold_each(cat, OPEN | HOLD_BIT(HOLD_LOST), NULL, replay_one, cat,
			 err);
}

static int count_one(void *arg, struct hold *h, struct bk_err *err)
{
	uint64_t *n = arg;

	(void)h;
	(void)err;
	++*n;
	return 0;
}

static void tell_open(uint64_t n, const char *why)
{
	bk_warning("a step of a release is open for %llu %s, at work or "
		   "interrupted (bk-cold status); the next push, check, get or "
		   "undo settles it%s%s",
		   (unsigned long long)n, n == 1 ? "file" : "files",
		   why ? "; not now: " : "", why ? why : "");
}

struct catalog *quarantine_start(bool dry, int wait_ms, struct bk_err *err)
{
	CATALOG_AUTO struct catalog *cat = catalog_open(true, wait_ms, err);
	struct catalog *ret = cat;
	uint64_t n = 0;

	if (!cat)
		return NULL;
	if (dry ? hold_each(cat, OPEN, NULL, count_one, &n, err) < 0
		: replay(cat, err) < 0)
		return NULL;
	if (n)
		tell_open(n, NULL);
	cat = NULL;
	return ret;
}

void quarantine_settle(bool reads)
{
	struct bk_err err;
	CATALOG_AUTO struct catalog *cat = catalog_open(false, 0, &err);
	uint64_t n = 0;

	if (!cat || hold_each(cat, OPEN, NULL, count_one, &n, &err) < 0 ||
	    n == 0)
		return;
	catalog_close(cat);
	cat = reads ? NULL : catalog_open(true, 0, &err);
	if (!cat || replay(cat, &err) < 0)
		tell_open(n, reads ? NULL : err.msg);
}
