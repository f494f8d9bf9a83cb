/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "path.h"

#include "buf.h"
#include "str.h"

char *bk_path_clean(const char *path)
{
	struct bk_buf b = BK_BUF_INIT;

	if (path[0] != '/')
		return NULL;
	while (*path) {
		size_t n = strcspn(path, "/");

		if (n == 2 && memcmp(path, "..", 2) == 0) {
			while (b.len > 0 && b.p[--b.len] != '/')
				;
		} else if (n > 0 && !(n == 1 && path[0] == '.')) {
			bk_buf_addc(&b, '/');
			bk_buf_add(&b, path, n);
		}
		path += n;
		path += strspn(path, "/");
	}
	if (b.len == 0)
		bk_buf_addc(&b, '/');
	b.p[b.len] = '\0';
	return bk_buf_steal(&b);
}

bool bk_path_within(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (n == 1)
		return true;
	return strncmp(path, dir, n) == 0 && (path[n] == '/' || !path[n]);
}

char *bk_path_join(const char *dir, const char *name)
{
	const char *slash = bk_str_ends(dir, "/") ? "" : "/";

	return bk_asprintf("%s%s%s", dir, slash, name);
}

char *bk_path_parent(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash || slash == path)
		return bk_strdup("/");
	return bk_memdup(path, (size_t)(slash - path));
}

const char *bk_path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

int bk_path_compare(const char *a, const char *b)
{
	int x, y;

	while (*a && *a == *b) {
		a++;
		b++;
	}
	x = *a == '/' ? 1 : (unsigned char)*a + (*a ? 1 : 0);
	y = *b == '/' ? 1 : (unsigned char)*b + (*b ? 1 : 0);
	return x - y;
}
