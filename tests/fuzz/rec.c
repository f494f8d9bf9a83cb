/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rec.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "file.h"
#include "str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_record(const json_t *o)
{
	BK_AUTO_FREE char *path = bk_rec_get_path(o, "path");
	const char *type = bk_rec_str(o, "type");

	if (!json_is_object(o) || !type || strcmp(type, "end") == 0 ||
	    bk_rec_int(o, "v", 0) != 1)
		abort();
	(void)bk_rec_time(o, "time", 0);
	(void)bk_rec_bool(o, "nested", false);
	if (path) {
		BK_AUTO_JSON json_t *copy = json_object();
		BK_AUTO_FREE char *again = NULL;

		bk_rec_set_path(copy, "path", path);
		again = bk_rec_get_path(copy, "path");
		if (!again || strcmp(again, path) != 0)
			abort();
	}
}

/* A stream is good only with an end that counts what was read. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BK_AUTO_CLOSE int fd = memfd_create("records", MFD_CLOEXEC);
	BK_AUTO(bk_rec_in_free) struct bk_rec_in in = { .lines = { .fd = fd } };
	struct bk_err err = { 0 };
	uint64_t n = 0;
	json_t *o;
	int got;

	if (fd < 0 || bk_fd_write(fd, data, size) < 0 ||
	    lseek(fd, 0, SEEK_SET) != 0)
		abort();
	while ((got = bk_rec_next(&in, &o, &err)) == 1) {
		check_record(o);
		json_decref(o);
		n++;
	}
	if (in.count != n || (got == 0 && !in.ended))
		abort();
	if (got == 0 && in.status != BK_EX_OK && in.status != BK_EX_PARTIAL)
		abort();
	if (got < 0 && err.exit != BK_EX_PROTOCOL)
		abort();
	return 0;
}
