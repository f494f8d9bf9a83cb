/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kept.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "log.h"
#include "room.h"

/* File systems that keep even seconds only. */
#define TIME_SLACK 2

static const char *const names[KEPT_N] = {
	"missing", "kinds", "sizes", "owners", "modes", "times",
};

void kept_free(struct kept *k)
{
	for (size_t i = 0; i < KEPT_N; i++)
		free(k->first[i]);
	*k = KEPT_INIT(NULL);
}

static void lost(struct kept *k, enum kept_what what, char *text)
{
	if (k->count[what]++ == 0)
		k->first[what] = text;
	else
		free(text);
}

static const char *kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "file";
	case S_IFDIR:
		return "dir";
	case S_IFLNK:
		return "symlink";
	case S_IFIFO:
		return "fifo";
	case S_IFBLK:
		return "dev";
	case S_IFCHR:
		return "chardev";
	default:
		return "?";
	}
}

static void compare(struct kept *k, const struct node *n, const char *path,
		    const struct stat *st)
{
	mode_t mode = st->st_mode & 07777;

	if (strcmp(kind_of(st->st_mode), n->type) != 0) {
		lost(k, KEPT_KIND,
		     bk_asprintf("'%s' is a %s, and was a %s", path,
				 kind_of(st->st_mode), n->type));
		return;
	}
	if (S_ISREG(st->st_mode) && (uint64_t)st->st_size != n->size)
		lost(k, KEPT_SIZE,
		     bk_asprintf("'%s' has %lld bytes, and had %" PRIu64, path,
				 (long long)st->st_size, n->size));
	if ((n->uid >= 0 && (int64_t)st->st_uid != n->uid) ||
	    (n->gid >= 0 && (int64_t)st->st_gid != n->gid))
		lost(k, KEPT_OWNER,
		     bk_asprintf("'%s' belongs to %u:%u, and did to %" PRId64
				 ":%" PRId64,
				 path, st->st_uid, st->st_gid, n->uid, n->gid));
	if (!S_ISLNK(st->st_mode) && mode != n->mode)
		lost(k, KEPT_MODE,
		     bk_asprintf("'%s' has mode %04o, and had %04o", path,
				 (unsigned int)mode, (unsigned int)n->mode));
	if (n->mtime != INT64_MIN && (st->st_mtime > n->mtime + TIME_SLACK ||
				      st->st_mtime < n->mtime - TIME_SLACK))
		lost(k, KEPT_TIME,
		     bk_asprintf("'%s' has another time than it had", path));
}

void kept_look(struct kept *k, const struct node *n)
{
	BK_AUTO_FREE char *path = room_path(k->target, n->path);
	struct stat st;

	/* restic leaves sockets out: nobody listens there any more. */
	if (strcmp(n->type, "socket") == 0)
		return;
	if (lstat(path, &st) == 0) {
		k->looked_at++;
		compare(k, n, path, &st);
	} else if (!listing_unclear(n->path)) {
		lost(k, KEPT_MISSING,
		     bk_asprintf("'%s': %s", path, strerror(errno)));
	}
}

static bool unknown(const char *folder, const char *attribute)
{
	return getxattr(folder, attribute, NULL, 0) < 0 && errno == EOPNOTSUPP;
}

void kept_probe(struct kept *k, const char *folder)
{
	k->no_xattrs = k->no_xattrs || unknown(folder, "user.bk");
	k->no_acls = k->no_acls || unknown(folder, "system.posix_acl_access");
}

static void say(const struct kept *k, enum kept_what what, const char *text)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	if (k->count[what] == 0)
		return;
	bk_str_add_count(&b, k->count[what]);
	bk_warning("%s: %s, such as %s", text, b.p, k->first[what]);
}

bool kept_say(const struct kept *k)
{
	bool any = false;

	for (size_t i = 0; i < KEPT_N; i++)
		any = any || k->count[i] > 0;
	say(k, KEPT_MISSING, "not there");
	say(k, KEPT_KIND, "of another kind");
	say(k, KEPT_SIZE, "of another size");
	say(k, KEPT_OWNER,
	    geteuid() == 0 ? "owner not set"
			   : "owner not set, which only root can");
	say(k, KEPT_MODE, "mode not set");
	say(k, KEPT_TIME, "time not set");
	if (k->no_xattrs || k->no_acls)
		bk_warning("'%s' is on a file system that keeps no %s: those "
			   "that files had are not restored",
			   k->target,
			   !k->no_acls	   ? "extended attributes"
			   : !k->no_xattrs ? "ACLs"
					   : "extended attributes and no ACLs");
	return any;
}

json_t *kept_json(const struct kept *k)
{
	json_t *list = json_array();

	for (size_t i = 0; i < KEPT_N; i++)
		if (k->count[i] > 0)
			(void)json_array_append_new(list,
						    json_string(names[i]));
	if (k->no_xattrs)
		(void)json_array_append_new(list, json_string("xattrs"));
	if (k->no_acls)
		(void)json_array_append_new(list, json_string("acls"));
	return list;
}
