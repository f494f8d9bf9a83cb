/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-scan/hash.c bin/bk-scan/image.c bin/bk-scan/marker.c bin/bk-scan/warn.c */
/*
 * The cache file of bk-scan, behind checksums that are right: whatever it
 * says, nothing outside of it is read, and paths are found again.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "hash.h"
#include "image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Six bytes of counts, then the sections as they come. */
static size_t make(const uint8_t *data, size_t size, unsigned char *to)
{
	struct image_head h = {
		.magic = "BKSCAN\0\1",
		.order = 0x01020304,
		.version = IMAGE_VERSION,
		.head_size = sizeof(h),
		.rec_size = sizeof(struct image_rec),
	};
	size_t pos = sizeof(h);

	for (int i = 0; i < SECS; i++) {
		size_t len;

		h.count[i] = data[i];
		len = h.count[i] * image_item[i];
		for (size_t k = 0; k < len; k++)
			to[pos + k] =
				size > SECS
					? data[SECS + (pos + k) % (size - SECS)]
					: 0;
		h.sum[i] = hash64(to + pos, len, (uint64_t)i);
		pos += len;
		while (pos % 8)
			to[pos++] = 0;
	}
	h.size = pos;
	h.head_sum = hash64(&h, offsetof(struct image_head, head_sum),
			    IMAGE_VERSION);
	memcpy(to, &h, sizeof(h));
	return pos;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned char file[256 << 10];
	char path[] = "/tmp/bk-fuzz-XXXXXX";
	BK_AUTO_CLOSE int fd = -1;
	struct image m;

	if (size < SECS)
		return 0;
	fd = mkstemp(path);
	if (fd < 0 || bk_fd_write(fd, file, make(data, size, file)) < 0)
		return 0;
	if (image_load(path, &m, NULL) == 0) {
		for (uint32_t i = 0; i < m.n; i++) {
			BK_AUTO_FREE char *name = image_path(&m, i);

			if (m.end[i] <= i || m.end[i] > m.n)
				__builtin_trap();
			(void)image_find(&m, name);
			(void)image_top_of(&m, i);
			(void)image_mark_at(&m, i);
		}
		image_free(&m);
	}
	(void)unlink(path);
	return 0;
}
