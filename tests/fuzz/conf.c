/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NONE 0xfedcba9876543210ULL

/* A getter never falls back where the key is there: its value was checked. */
static void get_all(const struct bk_conf_section *s)
{
	static const char *const durations[] = { "retry-pause", "lock-wait",
						 "prune-every", "min-age" };
	static const char *const counts[] = { "jobs", "retries", "copies",
					      "shrink-alarm" };
	static const char *const sizes[] = { "limit-upload", "limit-download" };
	static const char *const bools[] = { "cross-mounts", "markers",
					     "delete" };

	for (size_t i = 0; i < BK_COUNT(durations); i++)
		if (bk_conf_value(s, durations[i], NULL) &&
		    bk_conf_duration(s, durations[i], NONE) == NONE)
			abort();
	for (size_t i = 0; i < BK_COUNT(counts); i++)
		if (bk_conf_value(s, counts[i], NULL) &&
		    bk_conf_u64(s, counts[i], NONE) > 256)
			abort();
	for (size_t i = 0; i < BK_COUNT(sizes); i++)
		if (bk_conf_value(s, sizes[i], NULL) &&
		    bk_conf_size(s, sizes[i], NONE) == NONE)
			abort();
	for (size_t i = 0; i < BK_COUNT(bools); i++)
		if (bk_conf_value(s, bools[i], NULL) &&
		    bk_conf_bool(s, bools[i], false) !=
			    bk_conf_bool(s, bools[i], true))
			abort();
}

static void check(const struct bk_conf *conf)
{
	for (size_t i = 0; i < conf->nsections; i++) {
		const struct bk_conf_section *s = &conf->sections[i];
		const struct bk_conf_value *v = NULL;

		get_all(s);
		if (bk_conf_find(conf, s->kind, s->name) != s)
			abort();
		while ((v = bk_conf_value(s, "path", v)))
			if (v->value[0] != '/')
				abort();
		if (strcmp(s->kind, "repo") == 0 &&
		    !(bk_conf_str(s, "url", NULL) &&
		      bk_conf_str(s, "password", NULL)))
			abort();
		if (strcmp(s->kind, "backup") == 0 &&
		    !bk_conf_find(conf, "repo", bk_conf_str(s, "repo", NULL)))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BK_AUTO_STRV struct bk_strv problems = BK_STRV_INIT;
	BK_AUTO_CLOSE int fd = memfd_create("conf", MFD_CLOEXEC);
	struct bk_conf *conf;
	struct bk_err err = { 0 };
	char path[32];

	if (fd < 0 || fchmod(fd, 0600) < 0 || bk_fd_write(fd, data, size) < 0)
		abort();
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	conf = bk_conf_load(path, &problems, &err);
	if (!conf != (problems.n > 0) || !conf != (err.exit == BK_EX_CONFIG))
		abort();
	if (conf)
		check(conf);
	bk_conf_free(conf);
	return 0;
}
