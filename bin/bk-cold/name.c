/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "name.h"

#include <sys/random.h>

#include "age.h"
#include "digest.h"
#include "log.h"
#include "path.h"

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c != '\0' && strchr("._+=@,-", c));
}

static void add_hash(struct bk_buf *b, const char *p, size_t n)
{
	struct bk_err err;
	char sum[65];

	/* SHA-256 fails only where libcrypto is broken or memory is out. */
	if (bk_digest_text(p, n, sum, &err) < 0)
		exit(bk_log_err(&err));
	bk_buf_addf(b, "%%~%s", sum);
}

static void add_encoded(struct bk_buf *b, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_plain(p[i]) && (i > 0 || (p[i] != '-' && p[i] != '.')))
			bk_buf_addc(b, p[i]);
		else
			bk_buf_addf(b, "%%%02X", (unsigned char)p[i]);
}

static void add_component(struct bk_buf *b, const char *p, size_t n)
{
	size_t start = b->len;

	add_encoded(b, p, n);
	if (b->len - start <= NAME_COMPONENT)
		return;
	b->len = start;
	add_hash(b, p, n);
}

char *name_of_host(const char *host)
{
	struct bk_buf b = BK_BUF_INIT;

	add_component(&b, host, strlen(host));
	return bk_buf_steal(&b);
}

static void add_data(struct bk_buf *b, const char *host)
{
	add_component(b, host, strlen(host));
	bk_buf_adds(b, "/DATA");
}

char *name_of_object_alone(const char *host, const char *path)
{
	const char *base = bk_path_base(path);
	struct bk_buf b = BK_BUF_INIT;

	add_data(&b, host);
	bk_buf_addc(&b, '/');
	add_hash(&b, path, strlen(path));
	bk_buf_addc(&b, '/');
	add_component(&b, base, strlen(base));
	return bk_buf_steal(&b);
}

char *name_of_object(const char *host, const char *path)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	add_data(&b, host);
	for (const char *p = path + 1, *end; *p; p = *end ? end + 1 : end) {
		end = strchrnul(p, '/');
		bk_buf_addc(&b, '/');
		add_component(&b, p, (size_t)(end - p));
		if (b.len > NAME_MAX_LEN)
			return name_of_object_alone(host, path);
	}
	return bk_buf_steal(&b);
}

char *name_of_sealed(const char *host)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	unsigned char bytes[16];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		abort();
	add_component(&b, host, strlen(host));
	bk_buf_addf(&b, "/AGE/%02x/", bytes[0]);
	for (size_t i = 1; i < sizeof(bytes); i++)
		bk_buf_addf(&b, "%02x", bytes[i]);
	bk_buf_adds(&b, AGE_SUFFIX);
	return bk_buf_steal(&b);
}

void name_add_path(struct bk_buf *b, const char *path)
{
	for (const char *p = path + 1, *end; *p; p = *end ? end + 1 : end) {
		end = strchrnul(p, '/');
		bk_buf_addc(b, '/');
		add_encoded(b, p, (size_t)(end - p));
	}
}

bool name_is_safe(const char *name)
{
	for (const char *p = name, *end;; p = end + 1) {
		size_t n;

		end = strchrnul(p, '/');
		n = (size_t)(end - p);
		if (n == 0 || n > 255 || *p == '-' ||
		    (*p == '.' && (n == 1 || (n == 2 && p[1] == '.'))))
			return false;
		for (size_t i = 0; i < n; i++)
			if (!is_plain(p[i]) && p[i] != '%' && p[i] != '~')
				return false;
		if (!*end)
			return true;
	}
}
