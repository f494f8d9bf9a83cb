/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * When the cache file may be believed, and when it is written.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "dirs.h"
#include "file.h"
#include "hash.h"
#include "log.h"
#include "scan.h"
#include "stamp.h"
#include "time.h"

enum { WHOLE_EVERY = 24 * 60 * 60 }; /* seconds */

/* ---- what it is about --------------------------------------------------------- */

static void add_file(struct hash *h, const char *path)
{
	BK_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[4096];
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text));

	if (n > 0)
		hash_add(h, text, (size_t)n);
}

/* Does the system look away where permissions are? */
static bool may_read_all(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3,
						 0 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return syscall(SYS_capget, &head, data) == 0 &&
	       data[0].effective &
		       (1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH);
}

/* Who looks may see something else than who looked. */
static void add_user(struct hash *h)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	bool all = may_read_all();
	int n = getgroups(0, NULL);
	BK_AUTO_FREE gid_t *groups =
		bk_calloc(n > 0 ? (size_t)n : 1, sizeof(*groups));

	if (n > 0)
		n = getgroups(n, groups);
	hash_add(h, &uid, sizeof(uid));
	hash_add(h, &gid, sizeof(gid));
	hash_add(h, &all, sizeof(all));
	if (n > 0)
		hash_add(h, groups, (size_t)n * sizeof(*groups));
}

static struct cache_key key_of(const struct walk *w)
{
	struct cache_key key;
	struct hash h;

	hash_begin(&h, 1);
	add_user(&h);
	hash_add(&h, &w->cross, sizeof(w->cross));
	for (size_t i = 0; i < w->fstypes.n; i++)
		hash_add(&h, w->fstypes.v[i], strlen(w->fstypes.v[i]) + 1);
	for (size_t i = 0; i < w->npoints; i++) {
		if (!w->points[i].flags)
			continue; /* what is asked for */
		hash_add(&h, w->points[i].path, strlen(w->points[i].path) + 1);
		hash_add(&h, &w->points[i].flags, sizeof(w->points[i].flags));
	}
	key.conf = hash_end(&h);
	hash_begin(&h, 2);
	add_file(&h, "/etc/machine-id");
	key.host = hash_end(&h);
	return key;
}

/* ---- may it be believed? ------------------------------------------------------- */

static int64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)stamp(t.tv_sec, (uint32_t)t.tv_nsec);
}

/*
 * A folder that changed while the clock showed a time that it had shown
 * before may have got the very stamp that is known of it.
 */
static bool went_back(const struct image *m)
{
	const struct image_head *h = m->head;
	int64_t real = clock_ns(CLOCK_REALTIME);
	int64_t mono = clock_ns(CLOCK_BOOTTIME);
	const int64_t slack = 500000000;
	unsigned char boot[16];

	if (real < h->real || real / 1000000000 < m->verified)
		return true;
	fsid_boot(boot);
	return memcmp(boot, h->boot, sizeof(boot)) == 0 &&
	       real - mono < h->real - h->mono - slack;
}

/*
 * Once a day everything is read, whatever the cache says: should it ever miss
 * something, that lasts no longer.
 */
static bool is_old(const struct image *m)
{
	int64_t age = bk_time_now() - m->head->whole;

	return age < 0 || age >= WHOLE_EVERY;
}

/* NULL where it may be used, "" where nobody need be told why not. */
static const char *distrust(const struct image *m, const struct cache_key *key)
{
	if (m->head->host != key->host)
		return "is of another machine";
	if (m->head->conf != key->conf)
		return "";
	if (went_back(m))
		return "is of a time that the clock has not come to again";
	if (is_old(m))
		return "";
	return NULL;
}

static void load(struct scan *s, const char *path, const struct cache_key *key)
{
	struct bk_err err;
	const char *why;

	if (image_load(path, &s->cache.image, &err) < 0) {
		if (err.exit != BK_EX_NOINPUT)
			bk_notice("the cache '%s' %s: everything is read", path,
				  err.msg);
		return;
	}
	why = distrust(&s->cache.image, key);
	if (!why)
		return;
	if (*why)
		bk_notice("the cache '%s' %s: everything is read", path, why);
	image_free(&s->cache.image);
}

/* ---- walking ------------------------------------------------------------------- */

static void tell(const struct scan *s)
{
	const struct cache *c = &s->cache;

	bk_info("%llu folders and %llu other files were looked at",
		(unsigned long long)s->walk.dirs,
		(unsigned long long)s->walk.files);
	if (c->state)
		bk_info("of %u known folders, %u were proved, %u read again",
			c->image.n, c->proved, c->nagain);
}

static void keep(struct scan *s, const char *path, const struct cache_key *key)
{
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
					   { .tv_sec = s->plan.time } };
	struct bk_err err;

	if (s->cli.dry_run)
		return;
	if (s->cache.state && !s->cache.changed) {
		(void)utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
		return;
	}
	if (cache_save(&s->cache, path, key, &s->walk, s->plan.time, &err) < 0)
		bk_notice("the cache is not kept: %s", err.msg);
}

static void tell_age(const struct scan *s)
{
	BK_AUTO_BUF struct bk_buf when = BK_BUF_INIT;
	BK_AUTO_BUF struct bk_buf age = BK_BUF_INIT;
	int64_t now = bk_time_now(), then = s->cache.image.verified;

	bk_time_add_local(&when, then);
	bk_str_add_duration(&age, now > then ? (uint64_t)(now - then) : 0);
	bk_notice("from the cache, as it was at %s, %s ago", when.p, age.p);
	if (!s->cache.image.bytes)
		return;
	bk_buf_clear(&when);
	bk_time_add_local(&when, s->cache.image.head->sized);
	bk_notice("sizes are of %s; %llu folders were read again since", when.p,
		  (unsigned long long)s->cache.image.head->unsized);
}

static int use_cached(struct scan *s, const char *path,
		      const struct cache_key *key)
{
	struct image *m = &s->cache.image;
	struct bk_err err;

	if (image_load(path, m, &err) < 0) {
		bk_error("the cache '%s' %s", path, err.msg);
		return err.exit;
	}
	if (m->head->host != key->host || m->head->conf != key->conf) {
		bk_error("the cache '%s' is of another machine, user or "
			 "configuration",
			 path);
		return BK_EX_NOINPUT;
	}
	s->plan.time = m->verified;
	s->walk.sizes = m->bytes != NULL;
	tell_age(s);
	cache_take_all(&s->cache, &s->walk);
	cache_zones(&s->cache, &s->walk);
	sort_zones(&s->walk);
	return BK_EX_OK;
}

int scan_walk(struct scan *s, const struct scan_how *how)
{
	struct cache_key key = key_of(&s->walk);
	struct bk_err err = { 0 };
	BK_AUTO_FREE char *name = scan_file(s, "tree");
	BK_AUTO_FREE char *path = bk_dirs_path(BK_DIRS_CACHE, name, &err);

	if (s->cached && !path)
		return bk_log_err(&err);
	if (s->cached)
		return use_cached(s, path, &key);
	if (!path)
		bk_notice("no cache: %s", err.msg);
	/* nothing is taken from a cache, nor kept for one */
	if (!path || how->only || (s->full && s->cli.dry_run)) {
		if (walk_run(&s->walk, &err) < 0)
			return bk_log_err(&err);
		tell(s);
		return BK_EX_OK;
	}
	s->walk.cache = &s->cache;
	s->cache.began = (uint64_t)clock_ns(CLOCK_REALTIME);
	if (!s->full && !how->sizes)
		load(s, path, &key);
	if (walk_run(&s->walk, &err) < 0)
		return bk_log_err(&err);
	tell(s);
	keep(s, path, &key);
	return BK_EX_OK;
}
