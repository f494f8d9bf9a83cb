/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-scan/hash.c bin/bk-scan/image.c bin/bk-scan/marker.c bin/bk-scan/warn.c */
#include "check.h"
#include "file.h"
#include "hash.h"
#include "image.h"
#include "scratch.h"

/* Of the specification's own test, and of its reference implementation. */
CHECK_TEST(hashes_as_xxh64)
{
	struct hash h;

	CHECK(hash64("", 0, 0) == 0xEF46DB3751D8E999u);
	CHECK(hash64("abc", 3, 0) == 0x44BC2CF5AD770999u);
	CHECK(hash64("Nobody inspects the spammish repetition", 39, 0) ==
	      0xFBCEA83C8A378BF1u);
	hash_begin(&h, 0);
	hash_add(&h, "Nobody ins", 10);
	hash_add(&h, "pects the spammish repetition", 29);
	CHECK(hash_end(&h) == 0xFBCEA83C8A378BF1u);
}

struct file {
	struct image_head head;
	struct image_rec recs[4];
	struct image_top top;
	struct image_mark mark;
	char names[8];
	char strings[8];
};

/* /r, /r/a, /r/a/b, /r/c */
static struct file make(void)
{
	struct file f = {
		.head = { .magic = "BKSCAN\0\1",
			  .order = 0x01020304,
			  .version = IMAGE_VERSION,
			  .head_size = sizeof(f.head),
			  .rec_size = sizeof(f.recs[0]),
			  .size = sizeof(f),
			  .count = { 4, 0, 1, 1, 8, 8 } },
		.recs = { { .name = 1 },
			  { .depth = 1 },
			  { .depth = 2, .name = 2 },
			  { .depth = 1, .name = 4 } },
		.names = "a\0b\0c\0",
		.strings = "\0/r\0ext4",
	};

	f.strings[7] = '\0';
	return f;
}

static void sign(struct file *f)
{
	const void *at[SECS] = { f->recs,  NULL,     &f->top,
				 &f->mark, f->names, f->strings };

	for (int i = 0; i < SECS; i++)
		f->head.sum[i] = hash64(at[i], f->head.count[i] * image_item[i],
					(uint64_t)i);
	f->head.head_sum = hash64(
		&f->head, offsetof(struct image_head, head_sum), IMAGE_VERSION);
}

/* 0, or the exit status. */
static int load(const char *path, const struct file *f, struct image *m)
{
	struct bk_err err;

	BK_AUTO_CLOSE int fd = creat(path, 0600);

	CHECK(fd >= 0);
	CHECK_INT(bk_fd_write(fd, f, sizeof(*f)), 0);
	return image_load(path, m, &err) < 0 ? err.exit : 0;
}

CHECK_TEST(finds_what_is_there)
{
	const char *path = bk_asprintf("%s/tree", scratch());
	struct file f = make();
	struct image m;
	char *name;

	sign(&f);
	CHECK_INT(load(path, &f, &m), 0);
	CHECK_INT(m.n, 4);
	CHECK_INT(m.end[0], 4);
	CHECK_INT(m.end[1], 3);
	CHECK_INT(m.parent[3], 0);
	CHECK_INT(image_find(&m, "/r/a/b"), 2);
	CHECK_INT(image_find(&m, "/r/c"), 3);
	CHECK(image_find(&m, "/r/b") == NO_NODE);
	CHECK_INT(image_start(&m, "/r"), 0);
	name = image_path(&m, 2);
	CHECK_STR(name, "/r/a/b");
	free(name);
	image_free(&m);
}

static void spoil(struct file *f, int how)
{
	switch (how) {
	case 0:
		f->recs[0].depth = 1;
		break;
	case 1:
		f->recs[1].depth = 2;
		break;
	case 2:
		f->recs[2].depth = UINT32_MAX;
		break;
	case 3:
		f->recs[3].name = 8;
		break;
	case 4:
		f->recs[0].name = 0;
		break;
	case 5:
		f->recs[0].name = UINT32_MAX;
		break;
	case 6:
		memcpy(f->names, "..", 3);
		break;
	case 7:
		f->names[0] = '/';
		break;
	case 8:
		f->names[7] = 'x';
		break;
	case 9:
		f->names[0] = '\0';
		break;
	case 10:
		f->top.node = 4;
		break;
	case 11:
		f->top.fstype = 8;
		break;
	case 12:
		f->mark.node = 4;
		break;
	case 13:
		f->mark.kind = 5;
		break;
	case 14:
		f->mark.text = 9;
		break;
	case 15:
		f->mark.len = UINT32_MAX;
		break;
	case 16:
		f->mark.refused = 8;
		break;
	case 17:
		f->head.count[SEC_BYTES] = 1;
		break;
	case 18:
		f->head.count[SEC_RECS] = UINT64_MAX / 36;
		break;
	case 19:
		f->head.count[SEC_NAMES] = UINT64_MAX;
		break;
	case 20:
		f->head.version++;
		break;
	case 21:
		f->head.order = 0x04030201;
		break;
	case 22:
		f->head.rec_size = 40;
		break;
	case 23:
		f->head.size++;
		break;
	default:
		f->strings[7] = 'x';
		break;
	}
}

CHECK_TEST(what_makes_no_sense_is_refused_with_a_valid_sum)
{
	const char *path = bk_asprintf("%s/tree", scratch());

	for (int i = 0; i <= 24; i++) {
		struct file f = make();
		uint64_t count[SECS];
		struct image m;

		spoil(&f, i);
		memcpy(count, f.head.count, sizeof(count));
		memcpy(f.head.count, make().head.count, sizeof(count));
		sign(&f);
		memcpy(f.head.count, count, sizeof(count));
		f.head.head_sum =
			hash64(&f.head, offsetof(struct image_head, head_sum),
			       f.head.version);
		if (load(path, &f, &m) != BK_EX_DATAERR)
			CHECK_FAIL("case %d was taken", i);
	}
}

CHECK_TEST(any_flipped_bit_is_found)
{
	const char *path = bk_asprintf("%s/tree", scratch());

	for (size_t i = 0; i < sizeof(struct file); i++) {
		struct file f = make();
		struct image m;

		sign(&f);
		((unsigned char *)&f)[i] ^= (unsigned char)(1u << i % 8);
		if (load(path, &f, &m) != BK_EX_DATAERR)
			CHECK_FAIL("byte %zu was taken", i);
	}
}
