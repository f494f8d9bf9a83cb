/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <endian.h>
#include <errno.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "at.h"
#include "meta.h"

#define ACL_ACCESS "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"

static void problem(struct bk_strv *problems, const char *what)
{
	bk_strv_addf(problems, "%s: %s", what, strerror(errno));
}

static bool set_owner(const struct at *at, const struct meta *m,
		      struct bk_strv *problems)
{
	char what[64];

	if (fchownat(at->fd, "", m->uid, m->gid, AT_EMPTY_PATH) == 0)
		return true;
	(void)snprintf(what, sizeof(what), "owner %u:%u", m->uid, m->gid);
	problem(problems, what);
	return false;
}

static int set_attr(const struct at *at, const struct meta_attr *a)
{
	return at->path ? setxattr(at->name, a->name, a->value, a->len, 0)
			: fsetxattr(at->fd, a->name, a->value, a->len, 0);
}

static const struct meta_attr *find_attr(const struct meta *m, const char *name)
{
	for (size_t i = 0; i < m->nattrs; i++)
		if (strcmp(m->attrs[i].name, name) == 0)
			return &m->attrs[i];
	return NULL;
}

/* What the folder gave to a new file, and this one had not. */
static void drop_inherited(const struct at *at, const struct meta *m)
{
	static const char *const names[] = { ACL_ACCESS, ACL_DEFAULT };

	for (size_t i = 0; i < BK_COUNT(names); i++) {
		if (find_attr(m, names[i]) || m->type == 'l')
			continue;
		if (at->path)
			(void)removexattr(at->name, names[i]);
		else
			(void)fremovexattr(at->fd, names[i]);
	}
}

/* Returns false where the access control list could not be set. */
static bool set_attrs(const struct at *at, const struct meta *m,
		      struct bk_strv *problems)
{
	bool listed = true;

	drop_inherited(at, m);
	for (size_t i = 0; i < m->nattrs; i++) {
		const struct meta_attr *a = &m->attrs[i];
		BK_AUTO_FREE char *what = NULL;

		if (set_attr(at, a) == 0)
			continue;
		what = bk_asprintf("attribute %s", a->name);
		problem(problems, what);
		if (strcmp(a->name, ACL_ACCESS) == 0)
			listed = false;
	}
	return listed;
}

/*
 * Beside an access control list the group's bits of the mode are the most that
 * any of its users and groups may have. Without it the group itself would get
 * that; so it gets what the list gives it.
 */
static uint32_t mode_without_list(const struct meta *m)
{
	const struct meta_attr *a = find_attr(m, ACL_ACCESS);
	uint16_t tag, perm;

	for (size_t i = 4; a && i + 8 <= a->len; i += 8) {
		memcpy(&tag, a->value + i, 2);
		memcpy(&perm, a->value + i + 2, 2);
		if (le16toh(tag) == 4)
			return m->mode & (07707U | ((le16toh(perm) & 7U) << 3));
	}
	return m->mode & 07707U;
}

/* ours: the owner could be set; listed: the access control list. */
static uint32_t set_mode(const struct at *at, const struct meta *m, bool ours,
			 bool listed, struct bk_strv *problems)
{
	uint32_t mode = listed ? m->mode : mode_without_list(m);
	char what[64];

	if (!ours && (mode & 06000)) {
		bk_strv_addf(problems,
			     "mode %04o: without set-user-ID and set-group-ID, "
			     "since the owner is another",
			     mode);
		mode &= ~06000U;
	}
	if (mode != m->mode && !listed)
		bk_strv_addf(problems,
			     "mode %04o: the group has only what the access "
			     "control list gave it",
			     m->mode);
	if ((at->path ? chmod(at->name, mode) : fchmod(at->fd, mode)) < 0) {
		(void)snprintf(what, sizeof(what), "mode %04o", mode);
		problem(problems, what);
	}
	return mode;
}

static bool set_times(const struct at *at, const struct meta *m,
		      struct bk_strv *problems)
{
	const struct timespec ts[2] = {
		{ .tv_nsec = UTIME_OMIT },
		{ .tv_sec = m->mtime, .tv_nsec = m->mtime_ns },
	};

	if ((at->path ? utimensat(AT_FDCWD, at->name, ts, 0)
		      : futimens(at->fd, ts)) == 0)
		return true;
	problem(problems, "time");
	return false;
}

/* Some file systems say yes and keep something else. */
static void look_again(const struct at *at, const struct meta *m, bool ours,
		       uint32_t mode, bool timed, struct bk_strv *problems)
{
	struct stat st;
	size_t before = problems->n;

	if (fstat(at->fd, &st) < 0)
		return;
	if (ours && (st.st_uid != m->uid || st.st_gid != m->gid))
		bk_strv_addf(problems, "owner %u:%u: not kept", m->uid, m->gid);
	if (m->type != 'l' && (st.st_mode & 07777) != mode && before == 0)
		bk_strv_addf(problems, "mode %04o: not kept", mode);
	if (timed && (st.st_mtim.tv_sec != m->mtime ||
		      (uint32_t)st.st_mtim.tv_nsec != m->mtime_ns))
		bk_strv_add(problems, "time: not kept exactly");
}

void meta_apply(int fd, const struct meta *m, struct bk_strv *problems)
{
	BK_AUTO_STRV struct bk_strv found = BK_STRV_INIT;
	struct at at = at_of(fd);
	bool ours = set_owner(&at, m, &found);
	bool listed = set_attrs(&at, m, &found), timed;
	uint32_t mode = m->mode;

	timed = set_times(&at, m, &found);
	if (m->type != 'l')
		mode = set_mode(&at, m, ours, listed, &found);
	look_again(&at, m, ours, mode, timed, &found);
	for (size_t i = 0; i < found.n; i++)
		bk_strv_add(problems, found.v[i]);
}
