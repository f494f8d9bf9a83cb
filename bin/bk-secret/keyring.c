/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "file.h"
#include "seal.h"
#include "sig.h"
#include "str.h"
#include "time.h"

/* What we write: every release since 1.3.9 and before 1.3.6 reads it. */
#define OUR_SCHEME "[Argon2] AES128.GCM"
#define OUR_VERSION "1.3.9"

#define REFERENCE_SERVICE "keyring-setting"
#define REFERENCE_USER "password reference"
#define REFERENCE_VALUE "password reference value"

/* Longer than any change takes, but one that asks a person. */
enum { LOCK_WAIT_MS = 60000 };

/* Where there is no reference: so many other entries, a second each. */
#define PROVE_MOST 8

/* The file. */

const char *keyring_setting(const struct cryptfile *f, const char *option)
{
	const struct cryptfile_entry *e =
		cryptfile_find(f, CRYPTFILE_SETTING, option);

	return e ? e->value : NULL;
}

bool keyring_is_setting(const struct cryptfile_entry *e)
{
	return strcmp(e->section, CRYPTFILE_SETTING) == 0;
}

static int read_scheme(struct keyring *k, struct bk_err *err)
{
	static const struct {
		const char *name;
		enum crypto_mode mode;
	} schemes[] = {
		{ "[Argon2] AES128.GCM", CRYPTO_GCM },
		{ "[Argon2] AES128.EAX", CRYPTO_EAX },
		{ "[Argon2] AES128.CCM", CRYPTO_CCM },
		{ "[Argon2] AES128.OCB", CRYPTO_OCB },
	};
	const char *scheme = keyring_setting(&k->file, "scheme");

	if (!scheme)
		scheme = OUR_SCHEME;
	if (bk_str_starts(scheme, "PyCryptodome "))
		scheme += strlen("PyCryptodome ");
	for (size_t i = 0; i < BK_COUNT(schemes); i++)
		if (strcmp(scheme, schemes[i].name) == 0) {
			k->mode = schemes[i].mode;
			return 0;
		}
	if (strstr(scheme, "[PBKDF2]"))
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "'%s' is a store of keyrings.alt; take it "
				  "over with: bk-secret import %s",
				  k->path, k->path);
	return bk_err_set(err, BK_EX_DATAERR, 0,
			  "'%s' has the scheme '%.60s', which is not known; "
			  "there are [Argon2] AES128.GCM, EAX, CCM and OCB",
			  k->path, scheme);
}

/* "1.3.6": its first three numbers; -1 where it is no version. */
static int parse_version(const char *s, unsigned int v[static 3])
{
	v[0] = v[1] = v[2] = 0;
	for (int i = 0;; i++) {
		size_t n = strspn(s, "0123456789");

		if (n == 0 || n > 4)
			return -1;
		for (size_t d = 0; i < 3 && d < n; d++)
			v[i] = 10 * v[i] + (unsigned int)(s[d] - '0');
		s += n;
		if (!*s)
			return 0;
		if (*s++ != '.')
			return -1;
	}
}

/* Releases 1.3.6 to 1.3.8 joined names by a backslash and a zero. */
static int read_version(struct keyring *k, struct bk_err *err)
{
	static const unsigned char nul[] = { 0 }, odd[] = { '\\', '0' };
	const char *text = keyring_setting(&k->file, "version");
	unsigned int v[3];

	k->joiner = (struct bytes){ nul, sizeof(nul) };
	if (!text)
		return 0;
	if (parse_version(text, v) < 0)
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "'%s' says that its version is '%.40s', "
				  "which is none",
				  k->path, text);
	if (v[0] == 1 && v[1] == 3 && v[2] >= 6 && v[2] < 9)
		k->joiner = (struct bytes){ odd, sizeof(odd) };
	return 0;
}

static int check_file(const struct keyring *k, struct bk_err *err)
{
	const char *why = NULL;

	if (!S_ISREG(k->st.st_mode))
		why = "is not a regular file";
	else if (k->st.st_uid != 0 && k->st.st_uid != geteuid())
		why = "belongs to another user; copy it with bk-secret import, "
		      "or change its owner";
	else if (k->st.st_mode & 077)
		why = "can be read by others; chmod 600 it";
	if (!why)
		return 0;
	return bk_err_set(err, BK_EX_NOPERM, 0, "the keyring '%s' %s", k->path,
			  why);
}

static int await_lock(const struct keyring *k, struct bk_err *err)
{
	struct pollfd stop = { .fd = bk_sig_fd(), .events = POLLIN };
	int64_t end = bk_time_mono_ms() + LOCK_WAIT_MS;

	while (flock(k->fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return bk_err_sys(err, "cannot lock '%s'", k->path);
		if (bk_time_mono_ms() >= end || bk_sig_pending())
			return bk_err_set(err, BK_EX_TEMPFAIL, 0,
					  "another process is changing the "
					  "keyring '%s'",
					  k->path);
		(void)poll(&stop, 1, 100);
	}
	return 0;
}

/* The file may be replaced while we wait for its lock: 1 then. */
static int lock_file(struct keyring *k, struct bk_err *err)
{
	struct stat now;

	if (await_lock(k, err) < 0)
		return -1;
	if (fstat(k->fd, &k->st) < 0)
		return bk_err_sys(err, "cannot look at '%s'", k->path);
	return lstat(k->path, &now) < 0 || now.st_ino != k->st.st_ino ||
	       now.st_dev != k->st.st_dev;
}

static int open_file(struct keyring *k, bool lock, struct bk_err *err)
{
	int again = 1;

	while (again == 1) {
		if (k->fd >= 0)
			(void)close(k->fd);
		k->fd = open(k->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
					      O_NONBLOCK | O_NOCTTY);
		if (k->fd < 0 && (errno == ENOENT || errno == ENOTDIR))
			return KEYRING_ABSENT;
		if (k->fd < 0 && errno == ELOOP)
			return bk_err_set(err, BK_EX_NOPERM, 0,
					  "the keyring '%s' is a symbolic "
					  "link; name the file itself",
					  k->path);
		if (k->fd < 0 || fstat(k->fd, &k->st) < 0)
			return bk_err_sys(err, "cannot open the keyring '%s'",
					  k->path);
		if (check_file(k, err) < 0)
			return -1;
		again = lock ? lock_file(k, err) : 0;
	}
	return again;
}

static int parse_text(struct keyring *k, const char *text, size_t len,
		      struct bk_err *err)
{
	if (cryptfile_parse(text, len, &k->file, err) < 0)
		return bk_err_set(err, err->exit, 0, "'%s' is damaged: %s",
				  k->path, err->msg);
	if (read_scheme(k, err) < 0)
		return -1;
	return read_version(k, err);
}

int keyring_open(struct keyring *k, const char *path, bool lock,
		 struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf text = BK_BUF_INIT;
	int got;

	*k = KEYRING_INIT;
	k->path = bk_strdup(path);
	got = open_file(k, lock, err);
	if (got != 0)
		return got;
	if (bk_fd_read(k->fd, CRYPTFILE_MAX, &text) < 0)
		return bk_err_set(err, BK_EX_DATAERR, errno,
				  "cannot read the keyring '%s'", path);
	return parse_text(k, text.p ? text.p : "", text.len, err);
}

void keyring_close(struct keyring *k)
{
	if (k->fd >= 0)
		(void)close(k->fd);
	free(k->path);
	cryptfile_free(&k->file);
	bk_secret_free(&k->master);
	*k = KEYRING_INIT;
}

static int changed_meanwhile(const struct keyring *k, struct bk_err *err)
{
	return bk_err_set(err, BK_EX_TEMPFAIL, 0,
			  "another program has written the keyring '%s' "
			  "meanwhile; it is left as it is, so try again",
			  k->path);
}

/* A new one takes its name only if nobody else has it meanwhile. */
static int save_new(const struct keyring *k, struct bk_err *err)
{
	BK_AUTO_FREE char *tmp =
		bk_asprintf("%s.new.%ld", k->path, (long)getpid());
	int num;

	if (bk_file_write(tmp, k->file.text.p, k->file.text.len, 0600, err) < 0)
		return -1;
	/* Not every file system has links, or this flag. */
	num = renameat2(AT_FDCWD, tmp, AT_FDCWD, k->path, RENAME_NOREPLACE) == 0
		      ? 0
		      : errno;
	if (num && num != EEXIST)
		num = link(tmp, k->path) < 0 ? errno : 0;
	(void)unlink(tmp);
	if (num == EEXIST)
		return changed_meanwhile(k, err);
	if (num)
		return bk_err_set(err, BK_EX_CANTCREAT, num,
				  "cannot create the keyring '%s'", k->path);
	return bk_file_sync_folder(k->path, err);
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* The Python tool knows of no lock; what it wrote is not to be lost. */
static bool is_unchanged(const struct keyring *k)
{
	struct stat now;

	return lstat(k->path, &now) == 0 && now.st_dev == k->st.st_dev &&
	       now.st_ino == k->st.st_ino && now.st_size == k->st.st_size &&
	       same_time(&now.st_mtim, &k->st.st_mtim) &&
	       same_time(&now.st_ctim, &k->st.st_ctim);
}

int keyring_save(struct keyring *k, struct bk_err *err)
{
	if (k->is_new)
		return save_new(k, err);
	if (!is_unchanged(k))
		return changed_meanwhile(k, err);
	return bk_file_rewrite(k->path, &k->st, k->file.text.p,
			       k->file.text.len, err);
}

/* Entries. */

static const struct cryptfile_entry *
find_entry(const struct keyring *k, const char *service, const char *user)
{
	BK_AUTO_FREE char *section = cryptfile_escape(service);
	BK_AUTO_FREE char *option = cryptfile_escape(user);

	return cryptfile_find(&k->file, section, option);
}

bool keyring_has(const struct keyring *k, const char *service, const char *user,
		 struct bk_err *err)
{
	if (find_entry(k, service, user))
		return true;
	bk_err_set(err, BK_EX_NOINPUT, 0,
		   "the keyring '%s' has no entry for service '%s', user '%s'",
		   k->path, service, user);
	return false;
}

static int wrong_master(const struct keyring *k, struct bk_err *err)
{
	return bk_err_set(err, BK_EX_NOPERM, 0,
			  "the master password of the keyring '%s' is wrong",
			  k->path);
}

/* 1 the reference entry opens, 0 it does not or there is none, -1. */
static int try_reference(const struct keyring *k, bool *ret_there,
			 struct bk_err *err)
{
	BK_AUTO_SECRET struct bk_secret value = BK_SECRET_INIT;
	const struct cryptfile_entry *e =
		find_entry(k, REFERENCE_SERVICE, REFERENCE_USER);

	*ret_there = e != NULL;
	return e ? seal_open(k, e, REFERENCE_SERVICE, REFERENCE_USER, &value,
			     err)
		 : 0;
}

int keyring_get(const struct keyring *k, const char *service, const char *user,
		struct bk_secret *ret, struct bk_err *err)
{
	const struct cryptfile_entry *e = find_entry(k, service, user);
	bool reference;
	int got;

	if (!keyring_has(k, service, user, err))
		return -1;
	got = seal_open(k, e, service, user, ret, err);
	if (got != 0)
		return got < 0 ? -1 : 0;
	/* Which of the two is wrong? */
	got = try_reference(k, &reference, err);
	if (got < 0)
		return -1;
	if (got == 0 && reference)
		return wrong_master(k, err);
	return bk_err_set(
		err, got == 1 ? BK_EX_DATAERR : BK_EX_NOPERM, 0,
		"'%s', line %zu: the seal of service '%s', user '%s' "
		"is broken: %sit was changed, moved here from another "
		"name, or belongs to a user whose name differs in "
		"capitals",
		k->path, e->line, service, user,
		got == 1 ? "" : "the master password is wrong, or ");
}

/* Any entry that opens; names of users are known in lower case only. */
static int prove_by_entries(const struct keyring *k, struct bk_err *err)
{
	size_t tried = 0;

	for (size_t i = 0; i < k->file.nentries && tried < PROVE_MOST; i++) {
		const struct cryptfile_entry *e = &k->file.entries[i];
		BK_AUTO_FREE char *service = cryptfile_unescape(e->section);
		BK_AUTO_FREE char *user = cryptfile_unescape(e->option);
		BK_AUTO_SECRET struct bk_secret value = BK_SECRET_INIT;

		if (keyring_is_setting(e) || !service || !user)
			continue;
		tried++;
		if (seal_open(k, e, service, user, &value, err) == 1)
			return 0;
	}
	if (tried == 0)
		return 0;
	return bk_err_set(err, BK_EX_NOPERM, 0,
			  "the keyring '%s' has no reference entry, and its "
			  "master password opens none of the first %zu others; "
			  "it is wrong, or they are damaged",
			  k->path, tried);
}

int keyring_prove(const struct keyring *k, struct bk_err *err)
{
	bool there;
	int got = try_reference(k, &there, err);

	if (got != 0)
		return got < 0 ? -1 : 0;
	return there ? wrong_master(k, err) : prove_by_entries(k, err);
}

/* Writing. */

/*
 * The Python tool takes a file without version for a new one, and writes its
 * reference anew: say what it is.
 */
static int put_settings(struct keyring *k, struct bk_err *err)
{
	if (!keyring_setting(&k->file, "scheme") &&
	    cryptfile_put(&k->file, CRYPTFILE_SETTING, "scheme", OUR_SCHEME,
			  false, err) < 0)
		return -1;
	if (!keyring_setting(&k->file, "version") &&
	    cryptfile_put(&k->file, CRYPTFILE_SETTING, "version", OUR_VERSION,
			  false, err) < 0)
		return -1;
	return 0;
}

static int put_entry(struct keyring *k, const char *service, const char *user,
		     const struct bk_secret *secret, struct bk_err *err)
{
	BK_AUTO_FREE char *section = cryptfile_escape(service);
	BK_AUTO_FREE char *option = cryptfile_escape(user);
	BK_AUTO_FREE char *value = seal_make(k, service, user, secret, err);

	if (!value)
		return -1;
	return cryptfile_put(&k->file, section, option, value, true, err);
}

static int put_reference(struct keyring *k, struct bk_err *err)
{
	BK_AUTO_SECRET struct bk_secret value = BK_SECRET_INIT;

	if (bk_secret_set(&value, REFERENCE_VALUE, strlen(REFERENCE_VALUE),
			  err) < 0)
		return -1;
	return put_entry(k, REFERENCE_SERVICE, REFERENCE_USER, &value, err);
}

int keyring_load(struct keyring *k, const char *path, const char *text,
		 size_t len, struct bk_err *err)
{
	*k = KEYRING_INIT;
	k->path = bk_strdup(path);
	return parse_text(k, text, len, err);
}

int keyring_create(struct keyring *k, const char *path, struct bk_err *err)
{
	int got = keyring_load(k, path, "", 0, err);

	k->is_new = true;
	return got;
}

/*
 * The master must be the file's own, or the file would have two. A slot is of
 * all users whose names differ in capitals only.
 */
static int check_slot(const struct keyring *k, const char *service,
		      const char *user, struct bk_err *err)
{
	BK_AUTO_SECRET struct bk_secret old = BK_SECRET_INIT;
	struct bk_err why;

	if (!find_entry(k, service, user))
		return k->proved ? 0 : keyring_prove(k, err);
	if (keyring_get(k, service, user, &old, &why) == 0)
		return 0;
	return bk_err_set(
		err, why.exit, 0,
		"%s; so it is not replaced (bk-secret del removes it)",
		why.msg);
}

int keyring_begin(struct keyring *k, struct bk_err *err)
{
	if (put_settings(k, err) < 0)
		return -1;
	return find_entry(k, REFERENCE_SERVICE, REFERENCE_USER)
		       ? 0
		       : put_reference(k, err);
}

/* Without its own entries, or with others in their place, it is none. */
static int check_service(const struct keyring *k, const char *service,
			 struct bk_err *err)
{
	if (strcmp(service, REFERENCE_SERVICE) != 0)
		return 0;
	return bk_err_set(err, BK_EX_NOPERM, 0,
			  "the service '%s' is what the keyring '%s' says of "
			  "itself, and is not for secrets",
			  service, k->path);
}

int keyring_put(struct keyring *k, const char *service, const char *user,
		const struct bk_secret *secret, struct bk_err *err)
{
	BK_AUTO_SECRET struct bk_secret back = BK_SECRET_INIT;

	if (check_service(k, service, err) < 0 ||
	    check_slot(k, service, user, err) < 0)
		return -1;
	k->proved = true;
	if (keyring_begin(k, err) < 0 ||
	    put_entry(k, service, user, secret, err) < 0 ||
	    keyring_get(k, service, user, &back, err) < 0)
		return -1;
	if (back.len == secret->len && memcmp(back.p, secret->p, back.len) == 0)
		return 0;
	return bk_err_set(err, BK_EX_SOFTWARE, 0,
			  "what was written does not read back");
}

int keyring_remove(struct keyring *k, const char *service, const char *user,
		   struct bk_err *err)
{
	if (check_service(k, service, err) < 0 ||
	    !keyring_has(k, service, user, err))
		return -1;
	return cryptfile_remove(&k->file, find_entry(k, service, user), err);
}
