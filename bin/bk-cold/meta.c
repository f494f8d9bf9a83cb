/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meta.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <linux/limits.h>
#include <pwd.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "at.h"

#define ATTRS_MAX ((size_t)1 << 20)
enum { ATTRS = 4096, NAMES = 64, NAME_LEN = 64, NSS_MAX = 1 << 20 };

static char type_of(mode_t mode)
{
	if (S_ISREG(mode))
		return 'f';
	if (S_ISDIR(mode))
		return 'd';
	return S_ISLNK(mode) ? 'l' : '?';
}

void meta_from_stat(struct meta *m, const struct stat *st)
{
	*m = (struct meta){
		.type = type_of(st->st_mode),
		.mode = st->st_mode & 07777,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.mtime = st->st_mtim.tv_sec,
		.mtime_ns = (uint32_t)st->st_mtim.tv_nsec,
		.ctime = st->st_ctim.tv_sec,
		.ctime_ns = (uint32_t)st->st_ctim.tv_nsec,
		.ino = st->st_ino,
		.nlink = st->st_nlink,
	};
	if (m->type != 'f')
		return;
	m->size = (uint64_t)st->st_size;
	m->sparse = (uint64_t)st->st_blocks * 512 < m->size;
}

static int cannot(struct bk_err *err, const char *what)
{
	bool denied = errno == EPERM || errno == EACCES;

	return bk_err_set(err, denied ? BK_EX_NOPERM : BK_EX_IOERR, errno,
			  "cannot read %s", what);
}

/* Names of owners were looked up before, for most files. */
struct owner {
	bool known;
	uint32_t id;
	char name[NAME_LEN]; /* "": has none */
};

static const char *ask_user(uint32_t id, char *buf, size_t n, int *ret)
{
	struct passwd pw, *found = NULL;

	*ret = getpwuid_r(id, &pw, buf, n, &found);
	return found ? found->pw_name : NULL;
}

static const char *ask_group(uint32_t id, char *buf, size_t n, int *ret)
{
	struct group gr, *found = NULL;

	*ret = getgrgid_r(id, &gr, buf, n, &found);
	return found ? found->gr_name : NULL;
}

static char *ask(const char *(*fn)(uint32_t, char *, size_t, int *),
		 uint32_t id)
{
	for (size_t n = 4096; n <= NSS_MAX; n *= 4) {
		BK_AUTO_FREE char *buf = bk_malloc(n);
		int status = 0;
		const char *name = fn(id, buf, n, &status);

		if (name)
			return bk_strdup(name);
		if (status != ERANGE)
			break;
	}
	return NULL;
}

static char *owner_name(struct owner *seen,
			const char *(*fn)(uint32_t, char *, size_t, int *),
			uint32_t id)
{
	struct owner *o = &seen[id % NAMES];
	char *name;

	if (o->known && o->id == id)
		return *o->name ? bk_strdup(o->name) : NULL;
	name = ask(fn, id);
	o->known = !name || strlen(name) < sizeof(o->name);
	o->id = id;
	(void)snprintf(o->name, sizeof(o->name), "%s", name ? name : "");
	return name;
}

static void read_names(struct meta *m)
{
	static _Thread_local struct owner users[NAMES], groups[NAMES];

	m->user = owner_name(users, ask_user, m->uid);
	m->group = owner_name(groups, ask_group, m->gid);
}

static bool find_user(const char *name, char *buf, size_t n, uint32_t *ret,
		      int *status)
{
	struct passwd pw, *found = NULL;

	*status = getpwnam_r(name, &pw, buf, n, &found);
	if (found)
		*ret = pw.pw_uid;
	return found != NULL;
}

static bool find_group(const char *name, char *buf, size_t n, uint32_t *ret,
		       int *status)
{
	struct group gr, *found = NULL;

	*status = getgrnam_r(name, &gr, buf, n, &found);
	if (found)
		*ret = gr.gr_gid;
	return found != NULL;
}

/* The number of a name; the last one is kept: most files have the same. */
static uint32_t number_of(struct owner *last,
			  bool (*fn)(const char *, char *, size_t, uint32_t *,
				     int *),
			  const char *name, uint32_t otherwise)
{
	bool found = false;
	uint32_t id = otherwise;

	if (last->known && strcmp(last->name, name) == 0)
		return last->id;
	for (size_t n = 4096; n <= NSS_MAX && !found; n *= 4) {
		BK_AUTO_FREE char *buf = bk_malloc(n);
		int status = 0;

		found = fn(name, buf, n, &id, &status);
		if (!found && status != ERANGE)
			break;
	}
	last->known = found && strlen(name) < sizeof(last->name);
	last->id = id;
	(void)snprintf(last->name, sizeof(last->name), "%s", name);
	return id;
}

void meta_owners_by_name(struct meta *m)
{
	static _Thread_local struct owner user, group;

	if (m->user)
		m->uid = number_of(&user, find_user, m->user, m->uid);
	if (m->group)
		m->gid = number_of(&group, find_group, m->group, m->gid);
}

static int read_link(const struct at *at, struct meta *m, struct bk_err *err)
{
	char *target = bk_malloc(PATH_MAX + 1);
	ssize_t n = readlinkat(at->fd, "", target, PATH_MAX + 1);

	if (n > 0 && n <= PATH_MAX) {
		m->link = bk_memdup(target, (size_t)n);
		free(target);
		return 0;
	}
	free(target);
	if (n >= 0)
		errno = n ? ENAMETOOLONG : ENOENT;
	return cannot(err, "the target of a symbolic link");
}

/* Fewer blocks than bytes may be compression, or data that is not there yet. */
static void look_for_holes(int fd, struct meta *m)
{
	off_t here = lseek(fd, 0, SEEK_CUR), hole;

	if (here < 0)
		return;
	hole = lseek(fd, 0, SEEK_HOLE);
	m->sparse = hole >= 0 && (uint64_t)hole < m->size;
	(void)lseek(fd, here, SEEK_SET);
}

static ssize_t list_attrs(const struct at *at, char *p, size_t n)
{
	return at->path ? listxattr(at->name, p, n) : flistxattr(at->fd, p, n);
}

static ssize_t get_attr(const struct at *at, const char *name, void *p,
			size_t n)
{
	return at->path ? getxattr(at->name, name, p, n)
			: fgetxattr(at->fd, name, p, n);
}

static int too_many(struct bk_err *err)
{
	return bk_err_set(err, BK_EX_DATAERR, 0,
			  "it has more than 1 MiB of extended attributes");
}

static void append_attr(struct meta *m, const char *name, const char *value,
			size_t len)
{
	m->attrs = bk_realloc(m->attrs, m->nattrs + 1, sizeof(*m->attrs));
	m->attrs[m->nattrs++] = (struct meta_attr){
		.name = bk_strdup(name),
		.value = bk_memdup(value, len),
		.len = len,
	};
}

int meta_add_attr(struct meta *m, const char *name, const char *value,
		  size_t len, struct bk_err *err)
{
	size_t sum = strlen(name) + len;

	/* Small ones are many only where somebody means harm. */
	for (size_t i = 0; i < m->nattrs; i++)
		sum += strlen(m->attrs[i].name) + m->attrs[i].len;
	if (sum > ATTRS_MAX || m->nattrs >= ATTRS)
		return too_many(err);
	append_attr(m, name, value, len);
	return 0;
}

/* One that went away meanwhile, or is listed but not to be had, is none. */
static int read_attr(const struct at *at, const char *name, struct meta *m,
		     struct bk_err *err)
{
	BK_AUTO_FREE char *value = bk_malloc(XATTR_SIZE_MAX);
	ssize_t n = get_attr(at, name, value, XATTR_SIZE_MAX);

	if (n < 0 && (errno == ENODATA || errno == EOPNOTSUPP))
		return 0;
	if (n < 0)
		return cannot(err, "an extended attribute");
	return meta_add_attr(m, name, value, (size_t)n, err);
}

static int by_name(const void *a, const void *b)
{
	const struct meta_attr *x = a, *y = b;

	return strcmp(x->name, y->name);
}

void meta_sort_attrs(struct meta *m)
{
	if (m->nattrs > 1)
		qsort(m->attrs, m->nattrs, sizeof(*m->attrs), by_name);
}

static int read_attrs(const struct at *at, struct meta *m, struct bk_err *err)
{
	BK_AUTO_FREE char *names = NULL;
	ssize_t n = list_attrs(at, NULL, 0);

	if (n > 0) {
		names = bk_malloc(XATTR_LIST_MAX + 1);
		n = list_attrs(at, names, XATTR_LIST_MAX);
	}
	if (n < 0 && errno == EOPNOTSUPP)
		return 0;
	if (n < 0)
		return errno == E2BIG || errno == ERANGE
			       ? too_many(err)
			       : cannot(err, "the extended attributes");
	for (char *p = names; names && p < names + n; p += strlen(p) + 1) {
		names[n] = '\0';
		if (read_attr(at, p, m, err) < 0)
			return -1;
	}
	meta_sort_attrs(m);
	return 0;
}

int meta_read(int fd, struct meta *ret, struct bk_err *err)
{
	META_AUTO struct meta m = META_INIT;
	struct at at = at_of(fd);
	struct stat st;

	if (fstat(fd, &st) < 0)
		return cannot(err, "what kind of file it is");
	meta_from_stat(&m, &st);
	read_names(&m);
	if (m.type == 'l' && read_link(&at, &m, err) < 0)
		return -1;
	if (m.sparse)
		look_for_holes(fd, &m);
	if (read_attrs(&at, &m, err) < 0)
		return -1;
	*ret = m;
	m = META_INIT;
	return 0;
}

/* Comparing. */

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_attrs(const struct meta *a, const struct meta *b)
{
	if (a->nattrs != b->nattrs)
		return false;
	for (size_t i = 0; i < a->nattrs; i++) {
		const struct meta_attr *x = &a->attrs[i], *y = &b->attrs[i];

		if (strcmp(x->name, y->name) != 0 || x->len != y->len ||
		    memcmp(x->value, y->value, x->len) != 0)
			return false;
	}
	return true;
}

bool meta_same(const struct meta *a, const struct meta *b)
{
	return a->type == b->type && a->mode == b->mode && a->uid == b->uid &&
	       a->gid == b->gid && a->size == b->size && a->mtime == b->mtime &&
	       a->mtime_ns == b->mtime_ns && same_text(a->link, b->link) &&
	       same_attrs(a, b);
}

bool meta_untouched(const struct meta *m, const struct stat *st)
{
	struct meta now;

	meta_from_stat(&now, st);
	return m->type == now.type && m->ino == now.ino &&
	       m->size == now.size && m->mtime == now.mtime &&
	       m->mtime_ns == now.mtime_ns && m->ctime == now.ctime &&
	       m->ctime_ns == now.ctime_ns;
}

void meta_copy(struct meta *to, const struct meta *from)
{
	*to = *from;
	to->user = from->user ? bk_strdup(from->user) : NULL;
	to->group = from->group ? bk_strdup(from->group) : NULL;
	to->link = from->link ? bk_strdup(from->link) : NULL;
	to->attrs = NULL;
	to->nattrs = 0;
	for (size_t i = 0; i < from->nattrs; i++)
		append_attr(to, from->attrs[i].name, from->attrs[i].value,
			    from->attrs[i].len);
}

void meta_free(struct meta *m)
{
	free(m->user);
	free(m->group);
	free(m->link);
	for (size_t i = 0; i < m->nattrs; i++) {
		free(m->attrs[i].name);
		free(m->attrs[i].value);
	}
	free(m->attrs);
	*m = META_INIT;
}
