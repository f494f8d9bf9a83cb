/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "credential.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "exec.h"
#include "file.h"
#include "log.h"
#include "path.h"

#define TIMEOUT_MS 60000
#define HOST_KEY "/var/lib/systemd/credential.secret"
#define MACHINE_ID "/etc/machine-id"

enum { ID_BYTES = 16 };

int secret_file(const char *path, bool must_be_private, struct bk_secret *ret,
		struct bk_err *err)
{
	BK_AUTO_CLOSE int fd =
		open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	struct stat st;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		bk_err_set(err, BK_EX_NOINPUT, errno, "'%s'", path);
		return CREDENTIAL_ABSENT;
	}
	if (fd < 0 && errno == ELOOP)
		return bk_err_set(err, BK_EX_NOPERM, 0,
				  "'%s' is a symbolic link; name the file "
				  "itself",
				  path);
	if (fd < 0 || fstat(fd, &st) < 0)
		return bk_err_sys(err, "cannot open '%s'", path);
	if (!S_ISREG(st.st_mode))
		return bk_err_set(err, BK_EX_NOPERM, 0,
				  "'%s' is not a regular file", path);
	if (must_be_private && ((st.st_mode & 077) || bk_file_distrust(&st)))
		return bk_err_set(err, BK_EX_NOPERM, 0,
				  "'%s' holds a secret and is not private: "
				  "make it yours and mode 0600",
				  path);
	if (bk_secret_read(ret, fd, BK_SECRET_MAX, err) < 0)
		return bk_err_set(err, err->exit, 0, "'%s': %s", path,
				  err->msg);
	bk_secret_chomp(ret);
	if (ret->len > 0)
		return 0;
	bk_secret_free(ret);
	return bk_err_set(err, BK_EX_DATAERR, 0, "'%s' is empty", path);
}

/* systemd-creds. */

/*
 * The machine id as systemd-creds hashes it into its key: sd-id128(3),
 * sd_id128_get_machine_app_specific(), with the id that it uses itself.
 */
static int hashed_machine_id(unsigned char ret[static ID_BYTES])
{
	static const unsigned char app[ID_BYTES] = {
		0xd3, 0xac, 0xec, 0xba, 0x0d, 0xad, 0x4c, 0xdf,
		0xb8, 0xc9, 0x38, 0x15, 0x28, 0x93, 0x6c, 0x58,
	};
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	unsigned char id[ID_BYTES], hash[EVP_MAX_MD_SIZE];

	if (bk_file_read(MACHINE_ID, 4096, &b, NULL) < 0 ||
	    b.len < (size_t)2 * ID_BYTES)
		return -1;
	for (int i = 0; i < ID_BYTES; i++)
		if (sscanf(b.p + (ptrdiff_t)2 * i, "%2hhx", &id[i]) != 1)
			return -1;
	if (!HMAC(EVP_sha256(), id, ID_BYTES, app, ID_BYTES, hash, NULL))
		return -1;
	memcpy(ret, hash, ID_BYTES);
	ret[6] = (unsigned char)((ret[6] & 0x0f) | 0x40);
	ret[8] = (unsigned char)((ret[8] & 0x3f) | 0x80);
	return 0;
}

/* The key begins with the machine id for which it was made. */
static int check_host_key(struct bk_err *err)
{
	unsigned char id[ID_BYTES], made_for[ID_BYTES];
	BK_AUTO_CLOSE int fd = open(HOST_KEY, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, made_for, ID_BYTES) != ID_BYTES)
		return 0; /* none yet, or another kind of key */
	if (hashed_machine_id(id) == 0 && memcmp(id, made_for, ID_BYTES) == 0)
		return 0;
	return bk_err_set(err, BK_EX_NOPERM, 0,
			  "'%s' was made for another machine id, and systemd "
			  "would delete it: put the old %s back first, or move "
			  "the key away and run bk-secret enroll again",
			  HOST_KEY, MACHINE_ID);
}

/* The last thing that it said, which is why it failed. */
static const char *last_line(struct bk_buf *b)
{
	char *text = b->p ? bk_str_trim(b->p) : NULL;
	char *nl = text ? strrchr(text, '\n') : NULL;

	if (!text || !*text)
		return "it gave no reason";
	return nl ? nl + 1 : text;
}

static int run_creds(const char *verb, const char *name, const char *with_key,
		     int in, struct bk_buf *ret, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_BUF struct bk_buf said = BK_BUF_INIT;
	struct bk_exec x = { .in = in };
	int status;

	if (check_host_key(err) < 0)
		return -1;
	bk_strv_add(&argv, "systemd-creds");
	bk_strv_addf(&argv, "--name=%s", name);
	if (with_key)
		bk_strv_addf(&argv, "--with-key=%s", with_key);
	if (with_key && strstr(with_key, "tpm2"))
		bk_strv_add(&argv, "--tpm2-pcrs=");
	bk_strv_add(&argv, verb);
	bk_strv_add(&argv, "-");
	bk_strv_add(&argv, "-");
	x.argv = argv.v;
	/* No reallocation of what may be the secret. */
	bk_buf_reserve(ret, 4 * BK_SECRET_MAX);
	status =
		bk_exec_run(&x, 3 * BK_SECRET_MAX, TIMEOUT_MS, ret, &said, err);
	if (status < 0)
		return -1;
	if (status != 0)
		return bk_err_set(err, BK_EX_NOPERM, 0,
				  "cannot %s the credential '%s': "
				  "systemd-creds: %s",
				  verb, name, last_line(&said));
	if (said.len > 0)
		bk_debug("systemd-creds: %s", last_line(&said));
	return 0;
}

static int unseal_fd(const char *name, int fd, struct bk_secret *ret,
		     struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	if (run_creds("decrypt", name, NULL, fd, &b, err) < 0 ||
	    bk_secret_set(ret, b.p, b.len, err) < 0)
		return -1;
	bk_secret_chomp(ret);
	if (ret->len > 0)
		return 0;
	bk_secret_free(ret);
	return bk_err_set(err, BK_EX_DATAERR, 0, "the credential '%s' is empty",
			  name);
}

static int pipe_of(const void *p, size_t len, struct bk_err *err)
{
	const struct bk_secret view = { (char *)(uintptr_t)p, len };

	return bk_secret_pipe(&view, err);
}

int credential_unseal(const char *name, const struct bk_buf *sealed,
		      struct bk_secret *ret, struct bk_err *err)
{
	BK_AUTO_CLOSE int fd = pipe_of(sealed->p, sealed->len, err);

	return fd < 0 ? -1 : unseal_fd(name, fd, ret, err);
}

int credential_seal(const char *name, const char *with_key,
		    const struct bk_secret *secret, struct bk_buf *ret,
		    struct bk_err *err)
{
	BK_AUTO_CLOSE int fd = pipe_of(secret->p, secret->len, err);

	return fd < 0 ? -1
		      : run_creds("encrypt", name, with_key ? with_key : "host",
				  fd, ret, err);
}

int credential_store(const char *name, const struct bk_buf *sealed,
		     struct bk_err *err)
{
	BK_AUTO_FREE char *path = bk_path_join(CREDENTIAL_STORE, name);

	if (bk_file_mkdirs(CREDENTIAL_STORE, 0700, err) < 0)
		return -1;
	return bk_file_write(path, sealed->p, sealed->len, 0600, err);
}

/* Reading. */

static int from_store(const char *dir, const char *name, struct bk_secret *ret,
		      struct bk_err *err)
{
	BK_AUTO_FREE char *sealed =
		bk_asprintf("%s/credstore.encrypted/%s", dir, name);
	BK_AUTO_FREE char *plain = bk_asprintf("%s/credstore/%s", dir, name);
	BK_AUTO_CLOSE int fd =
		open(sealed, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);

	if (fd >= 0)
		return unseal_fd(name, fd, ret, err);
	if (errno != ENOENT && errno != ENOTDIR)
		return bk_err_sys(err, "cannot open '%s'", sealed);
	return secret_file(plain, true, ret, err);
}

int credential_get(const char *name, struct bk_secret *ret, struct bk_err *err)
{
	static const char *const stores[] = { "/etc", "/run", "/usr/lib" };
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	int got = CREDENTIAL_ABSENT;

	if (dir && *dir) {
		BK_AUTO_FREE char *path = bk_path_join(dir, name);

		got = secret_file(path, false, ret, err);
		if (got == CREDENTIAL_ABSENT)
			bk_err_set(err, BK_EX_NOINPUT, 0,
				   "this unit was given no credential '%s': it "
				   "is in no credstore, or the unit has no "
				   "LoadCredentialEncrypted=%s",
				   name, name);
		return got;
	}
	for (size_t i = 0;
	     i < BK_COUNT(stores) && geteuid() == 0 && got == CREDENTIAL_ABSENT;
	     i++)
		got = from_store(stores[i], name, ret, err);
	if (got == CREDENTIAL_ABSENT)
		bk_err_set(err, BK_EX_NOINPUT, 0,
			   "there is no credential '%s'%s", name,
			   geteuid() == 0 ? " in /etc/credstore.encrypted"
					  : " ($CREDENTIALS_DIRECTORY is not "
					    "set)");
	return got;
}
