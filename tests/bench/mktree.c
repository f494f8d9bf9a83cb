/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Makes a tree for measurements, the same one every time:
 *	mktree DIR [DIRS [ENTRIES]]
 * About as deep and as unequal as home folders are: two thirds of the folders
 * hold no other, one holds 27 000 files, names are 4 to 17 bytes long, and
 * every 500th folder has a marker. Files are empty.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t seed = 1;

static unsigned int below(unsigned int n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned int)((seed >> 33) % n);
}

static void die(const char *what)
{
	fprintf(stderr, "mktree: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void touch(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		die(path);
	close(fd);
}

/* Where most folders have one or two others in them, and some have many. */
static unsigned int parent_of(unsigned int i)
{
	unsigned int a = below(i), b = below(i);

	return below(10) < 6 && b < a ? b : a;
}

static char *name_folder(const char *dir, unsigned int i)
{
	static const char *const names[] = {
		"src",	"lib",	       "node_modules", "cur",
		"new",	"photos-2019", "objects",      "cache",
		"docs", "test",	       "package",      "data",
	};
	char *path = NULL;

	if (asprintf(&path, "%s/%s%x", dir, names[i % 12], i) < 0)
		die("asprintf");
	return path;
}

static void fill(const char *dir, unsigned int n)
{
	static const char *const ends[] = { "c", "h", "js", "jpg", "txt" };
	char *path = NULL;

	for (unsigned int i = 0; i < n; i++) {
		if (asprintf(&path, "%s/%x%x.%s", dir, below(1 << 16), i,
			     ends[below(5)]) < 0)
			die("asprintf");
		touch(path);
		free(path);
	}
}

static void mark(const char *dir, unsigned int i)
{
	char *path = NULL;

	if (asprintf(&path, "%s/%s", dir, i % 3 ? ".backup" : ".nobackup") < 0)
		die("asprintf");
	touch(path);
	free(path);
}

int main(int argc, char **argv)
{
	unsigned int ndirs = argc > 2 ? (unsigned int)atol(argv[2]) : 100000;
	unsigned int entries = argc > 3 ? (unsigned int)atol(argv[3]) : 1000000;
	unsigned int mean = ndirs < entries ? (entries - ndirs) / ndirs : 0;
	char **dirs = calloc(ndirs, sizeof(*dirs));

	if (argc < 2 || ndirs < 2 || !dirs)
		return fprintf(stderr, "usage: mktree DIR [DIRS [ENTRIES]]\n"),
		       64;
	dirs[0] = strdup(argv[1]);
	for (unsigned int i = 0; i < ndirs; i++) {
		unsigned int n = mean ? below(2 * mean + 1) : 0;

		if (i > 0)
			dirs[i] = name_folder(dirs[parent_of(i)], i);
		if (!dirs[i] || mkdir(dirs[i], 0755) < 0)
			die(dirs[i] ? dirs[i] : argv[1]);
		if (i == ndirs / 2)
			n = entries / 37;
		fill(dirs[i], n);
		if (i % 500 == 7)
			mark(dirs[i], i);
	}
	for (unsigned int i = 0; i < ndirs; i++)
		free(dirs[i]);
	free(dirs);
	return 0;
}
