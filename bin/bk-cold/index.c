/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "file.h"
#include "path.h"
#include "quarantine.h"
#include "time.h"
#include "walk.h"

#define FIRST "# Files that were here, and are in cold storage now (bk-cold).\n"
#define INDEX_MAX ((size_t)256 << 20)
/* In the quarantine, where nobody else can touch it. */
#define INDEX_NEW "index"

struct index {
	struct catalog *cat;
	const struct names *names;
	const char *dir; /* absolute */
	int fd;
	struct bk_buf text;
	struct bk_strv known; /* names as in the text, in the journal */
	size_t lines;
	ino_t old; /* the inode of the one that is there; 0: none */
};

/* The name of a path directly in the folder, or NULL. */
static const char *name_here(const struct index *x, const char *path)
{
	BK_AUTO_FREE char *parent = bk_path_parent(path);

	return strcmp(parent, x->dir) == 0 ? bk_path_base(path) : NULL;
}

static char *field(const char *name)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	bk_str_add_tsv(&b, name);
	return bk_buf_steal(&b);
}

static int add_boxes(struct index *x, const struct entry *e, struct bk_err *err)
{
	struct copy *v = NULL;
	ssize_t n = catalog_copies(x->cat, e, &v, err);
	const char *between = "";

	for (ssize_t i = 0; i < n; i++) {
		if (v[i].state != COPY_OK)
			continue;
		bk_buf_addf(&x->text, "%s%s", between, x->names->v[v[i].box]);
		between = ",";
	}
	copies_free(v, n < 0 ? 0 : (size_t)n);
	return n < 0 ? -1 : 0;
}

static int add_line(void *arg, struct hold *h, struct bk_err *err)
{
	struct index *x = arg;
	ENTRY_AUTO struct entry e = ENTRY_INIT;
	const char *name = name_here(x, h->path);
	BK_AUTO_FREE char *text = name ? field(name) : NULL;

	if (!name)
		return 0;
	bk_strv_add(&x->known, text);
	if (h->state == HOLD_BACK || h->state == HOLD_LOST)
		return 0;
	if (hold_entry(x->cat, h->file, &e, err) != 1)
		return -1;
	bk_time_add_utc(&x->text, h->moved ? h->moved : h->began);
	bk_buf_addf(&x->text, "\t%s\t%llu\t", e.sha256,
		    (unsigned long long)e.meta.size);
	if (add_boxes(x, &e, err) < 0)
		return -1;
	bk_buf_addf(&x->text, "\t%s\t%s\n",
		    h->state == HOLD_GONE ? "-" : h->place, text);
	x->lines++;
	return 0;
}

static void add_head(struct index *x)
{
	BK_AUTO_BUF struct bk_buf dir = BK_BUF_INIT;
	BK_AUTO_FREE char *quoted = NULL;

	bk_str_add_shell(&dir, x->dir);
	quoted = field(dir.p);
	bk_buf_adds(&x->text, FIRST);
	bk_buf_addf(&x->text,
		    "# To bring back all of them:  bk-cold get --in-place %s\n"
		    "# or one of them:  bk-cold get --in-place FILE\n"
		    "# Those with a name in the fifth column are still in "
		    "quarantine:  bk-cold undo FILE\n"
		    "# date\tsha256\tsize\tboxes\tquarantine\tname\n",
		    quoted);
}

static int by_bytes(const void *a, const void *b)
{
	const char *const *member = b;

	return strcmp(a, *member);
}

static bool is_known(const struct index *x, const char *line)
{
	const char *tab = strrchr(line, '\t');

	return tab && x->known.n > 0 &&
	       bsearch(tab + 1, x->known.v, x->known.n, sizeof(*x->known.v),
		       by_bytes);
}

/* Lines about files that the journal has never heard of. */
static void keep_lines(struct index *x, char *text)
{
	char *end;

	bk_strv_sort(&x->known);
	for (char *line = text; *line; line = end) {
		end = line + strcspn(line, "\n");
		if (*end)
			*end++ = '\0';
		if (*line == '#' || !*line || is_known(x, line))
			continue;
		bk_buf_addf(&x->text, "%s\n", line);
		x->lines++;
	}
}

static int read_old(struct index *x, struct bk_err *err)
{
	BK_AUTO_CLOSE int fd =
		openat(x->fd, WALK_INDEX,
		       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	BK_AUTO_BUF struct bk_buf old = BK_BUF_INIT;
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    bk_fd_read(fd, INDEX_MAX, &old) < 0 || !old.p ||
	    !bk_str_starts(old.p, FIRST))
		return bk_err_set(err, BK_EX_CANTCREAT, 0,
				  "'%s/" WALK_INDEX "' is not what bk-cold "
				  "wrote, and stays",
				  x->dir);
	x->old = st.st_ino;
	keep_lines(x, old.p);
	return 0;
}

/* Everybody may read it, unless somebody may enter the folder but not read. */
static int let_read(int fd, const struct index *x)
{
	struct stat st;
	bool closed;

	if (fstat(x->fd, &st) < 0)
		return -1;
	closed = ((st.st_mode & S_IXGRP) && !(st.st_mode & S_IRGRP)) ||
		 ((st.st_mode & S_IXOTH) && !(st.st_mode & S_IROTH));
	return fchmod(fd, closed ? 0600 : 0644);
}

/* The other one, that came in its place meanwhile, goes back. */
static int take_old(const struct index *x, int q)
{
	struct stat st;

	if (fstatat(q, INDEX_NEW, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_ino == x->old)
		return unlinkat(q, INDEX_NEW, 0);
	(void)renameat2(q, INDEX_NEW, x->fd, WALK_INDEX,
			x->lines ? RENAME_EXCHANGE : RENAME_NOREPLACE);
	errno = EEXIST;
	return -1;
}

static int put_new(const struct index *x, int q)
{
	BK_AUTO_CLOSE int fd =
		openat(q, INDEX_NEW,
		       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		       0600);

	if (fd < 0 || bk_fd_write(fd, x->text.p, x->text.len) < 0 ||
	    let_read(fd, x) < 0 || fsync(fd) < 0)
		return -1;
	if (!x->old)
		return renameat2(q, INDEX_NEW, x->fd, WALK_INDEX,
				 RENAME_NOREPLACE);
	if (renameat2(q, INDEX_NEW, x->fd, WALK_INDEX, RENAME_EXCHANGE) < 0)
		return -1;
	return take_old(x, q);
}

static int remove_old(const struct index *x, int q)
{
	if (!x->old)
		return 0;
	if (renameat2(x->fd, WALK_INDEX, q, INDEX_NEW, RENAME_NOREPLACE) < 0)
		return -1;
	return take_old(x, q);
}

static int write_it(struct index *x, int q, struct bk_err *err)
{
	unsigned int all = (HOLD_BIT(HOLD_LOST) << 1) - 1;
	int got;

	add_head(x);
	if (hold_each(x->cat, all, x->dir, add_line, x, err) < 0 ||
	    read_old(x, err) < 0)
		return -1;
	(void)unlinkat(q, INDEX_NEW, 0);
	got = x->lines ? put_new(x, q) : remove_old(x, q);
	if (got == 0 && fsync(x->fd) == 0)
		return 0;
	return bk_err_set(err, BK_EX_IOERR, errno,
			  "cannot write '%s/" WALK_INDEX "'", x->dir);
}

int index_write(struct catalog *cat, const struct names *names,
		const struct safe_top *t, const char *dir, struct bk_err *err)
{
	/* any name in the folder leads to it */
	BK_AUTO_FREE char *in = bk_path_join(dir, WALK_INDEX);
	BK_AUTO_CLOSE int q = quarantine_open(t, false, err);
	BK_AUTO_CLOSE int fd = -1;
	struct index x = { .cat = cat, .names = names, .dir = dir };
	const char *name;
	int got;

	if (q < 0 || safe_folder(t, in, &fd, &name, err) < 0)
		return -1;
	x.fd = fd;
	got = write_it(&x, q, err);
	bk_buf_free(&x.text);
	bk_strv_free(&x.known);
	return got;
}
