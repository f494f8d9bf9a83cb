/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SCRATCH_H
#define SCRATCH_H
/*
 * For checks that need a folder of their own, or a process whose end and
 * output they look at.
 */
#include <fcntl.h>
#include <ftw.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "check.h"

static char scratch_path[256];
static pid_t scratch_owner;

static inline int scratch_remove(const char *path, const struct stat *st,
				 int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

static inline void scratch_end(void)
{
	if (getpid() == scratch_owner)
		(void)nftw(scratch_path, scratch_remove, 16,
			   FTW_DEPTH | FTW_PHYS);
}

/* Makes an empty folder, goes there, and removes it when the test ends. */
static inline const char *scratch(void)
{
	const char *tmp = getenv("TMPDIR");

	(void)snprintf(scratch_path, sizeof(scratch_path), "%s/bk-unit-XXXXXX",
		       tmp ? tmp : "/tmp");
	CHECK(mkdtemp(scratch_path));
	CHECK_INT(chdir(scratch_path), 0);
	scratch_owner = getpid();
	atexit(scratch_end);
	umask(022);
	return scratch_path;
}

static inline void put_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	CHECK(f);
	CHECK(fputs(text, f) >= 0);
	CHECK_INT(fclose(f), 0);
}

/* "" where there is no such file. */
static inline const char *text_of(const char *path)
{
	static char text[65536];
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	text[n] = '\0';
	if (f)
		fclose(f);
	return text;
}

static inline int mode_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) < 0 ? -1 : (int)(st.st_mode & 07777);
}

struct ran {
	int status; /* as waitpid(2) has it */
	char out[16384], err[16384];
};

static inline void ran_read(int fd, char *text, size_t size)
{
	ssize_t n = pread(fd, text, size - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	close(fd);
}

/* Runs fn in a child of its own. */
static inline const struct ran *ran(void (*fn)(void))
{
	static struct ran r;
	int out = memfd_create("out", MFD_CLOEXEC);
	int err = memfd_create("err", MFD_CLOEXEC);
	pid_t pid = fork();

	CHECK(out >= 0 && err >= 0 && pid >= 0);
	if (pid == 0) {
		dup2(out, 1);
		dup2(err, 2);
		fn();
		fflush(stdout);
		_exit(0);
	}
	CHECK_INT(waitpid(pid, &r.status, 0), pid);
	ran_read(out, r.out, sizeof(r.out));
	ran_read(err, r.err, sizeof(r.err));
	return &r;
}

#define CHECK_EXIT(r, code)                                \
	do {                                               \
		CHECK(WIFEXITED((r)->status));             \
		CHECK_INT(WEXITSTATUS((r)->status), code); \
	} while (0)

#define CHECK_HAS(a, b)                                                \
	do {                                                           \
		const char *h_ = (a), *n_ = (b);                       \
		if (!h_ || !strstr(h_, n_))                            \
			CHECK_FAIL("%s is \"%s\", without \"%s\"", #a, \
				   h_ ? h_ : "(null)", n_);            \
	} while (0)

/* ASan is to return NULL as malloc(3) does, so that we see what follows. */
#if defined(__SANITIZE_ADDRESS__)
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}
#endif

#endif
