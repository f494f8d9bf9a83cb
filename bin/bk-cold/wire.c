/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wire.h"

#include <sys/types.h>

enum {
	ATTR_SIZE = 1,
	ATTR_UIDGID = 2,
	ATTR_PERMISSIONS = 4,
	ATTR_ACMODTIME = 8,
};
#define ATTR_EXTENDED 0x80000000U

void wire_u32(struct bk_buf *b, uint32_t n)
{
	const unsigned char p[4] = { (unsigned char)(n >> 24),
				     (unsigned char)(n >> 16),
				     (unsigned char)(n >> 8),
				     (unsigned char)n };

	bk_buf_add(b, p, sizeof(p));
}

void wire_u64(struct bk_buf *b, uint64_t n)
{
	wire_u32(b, (uint32_t)(n >> 32));
	wire_u32(b, (uint32_t)n);
}

void wire_string(struct bk_buf *b, const void *p, size_t len)
{
	wire_u32(b, (uint32_t)len);
	bk_buf_add(b, p, len);
}

void wire_text(struct bk_buf *b, const char *s)
{
	wire_string(b, s, strlen(s));
}

void wire_no_attrs(struct bk_buf *b)
{
	wire_u32(b, 0);
}

static const unsigned char *take(struct wire *w, size_t n)
{
	const unsigned char *p = w->p;

	if (w->bad || n > w->len) {
		w->bad = true;
		w->len = 0;
		return NULL;
	}
	w->p += n;
	w->len -= n;
	return p;
}

uint8_t wire_get_u8(struct wire *w)
{
	const unsigned char *p = take(w, 1);

	return p ? p[0] : 0;
}

uint32_t wire_get_u32(struct wire *w)
{
	const unsigned char *p = take(w, 4);

	return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
			       (uint32_t)p[2] << 8 | p[3]
		 : 0;
}

uint64_t wire_get_u64(struct wire *w)
{
	uint64_t high = wire_get_u32(w);

	return high << 32 | wire_get_u32(w);
}

const unsigned char *wire_get_string(struct wire *w, size_t *ret_len)
{
	uint32_t n = wire_get_u32(w);
	const unsigned char *p = take(w, n);

	*ret_len = p ? n : 0;
	return p;
}

static void skip_extended(struct wire *w)
{
	uint32_t n = wire_get_u32(w);
	size_t len;

	for (uint32_t i = 0; i < n && !w->bad; i++) {
		(void)wire_get_string(w, &len);
		(void)wire_get_string(w, &len);
	}
}

void wire_get_attrs(struct wire *w, struct wire_attrs *ret)
{
	uint32_t flags = wire_get_u32(w);

	*ret = (struct wire_attrs){ .has_size = false };
	if (flags & ATTR_SIZE)
		ret->size = wire_get_u64(w);
	if (flags & ATTR_UIDGID)
		(void)wire_get_u64(w);
	if (flags & ATTR_PERMISSIONS)
		ret->mode = wire_get_u32(w);
	if (flags & ATTR_ACMODTIME) {
		(void)wire_get_u32(w);
		ret->mtime = wire_get_u32(w);
	}
	if (flags & ATTR_EXTENDED)
		skip_extended(w);
	ret->has_size = !w->bad && (flags & ATTR_SIZE);
	ret->has_mode = !w->bad && (flags & ATTR_PERMISSIONS);
	ret->has_times = !w->bad && (flags & ATTR_ACMODTIME);
}

ssize_t wire_packet(const void *p, size_t len, struct wire *ret)
{
	struct wire head = { .p = p, .len = len };
	uint32_t n;

	if (len < 4)
		return 0;
	n = wire_get_u32(&head);
	if (n < 1 || n > WIRE_PACKET_MAX)
		return -1;
	if (head.len < n)
		return 0;
	*ret = (struct wire){ .p = head.p, .len = n };
	return (ssize_t)n + 4;
}
