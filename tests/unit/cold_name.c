/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-cold/name.c */
#include "name.h"

#include "check.h"
#include "digest.h"
#include "mem.h"

static bool object_is(const char *path, const char *want)
{
	BK_AUTO_FREE char *name = name_of_object("web1", path);

	if (strcmp(name, want) != 0)
		printf("# %s\n", name);
	return strcmp(name, want) == 0 && name_is_safe(name);
}

CHECK_TEST(plain_paths_stay)
{
	CHECK(object_is("/srv/photos/a.jpg", "web1/DATA/srv/photos/a.jpg"));
	CHECK(object_is("/a/B_9.+=@,-z", "web1/DATA/a/B_9.+=@,-z"));
	CHECK(object_is("/a..b/c.", "web1/DATA/a..b/c."));
}

CHECK_TEST(hostile_paths)
{
	CHECK(object_is("/a b/\n\t", "web1/DATA/a%20b/%0A%09"));
	CHECK(object_is("/-rf/.x/..y/a-.", "web1/DATA/%2Drf/%2Ex/%2E.y/a-."));
	CHECK(object_is("/$(reboot);'\"\\`*?[]{}!#&|<>",
			"web1/DATA/%24%28reboot%29%3B%27%22%5C%60%2A%3F%5B%5D"
			"%7B%7D%21%23%26%7C%3C%3E"));
	CHECK(object_is("/%20~0123456789abcdef",
			"web1/DATA/%2520%7E0123456789abcdef"));
	CHECK(object_is("/\xff\xc3\xa9", "web1/DATA/%FF%C3%A9"));
}

/* No two paths have one name, and every byte comes back. */
CHECK_TEST(every_byte)
{
	char path[] = "/?";

	for (int i = 1; i < 256; i++) {
		BK_AUTO_FREE char *name = NULL;
		const char *base;
		unsigned int back;

		if (i == '/' || i == '.')
			continue;
		path[1] = (char)i;
		name = name_of_object("h", path);
		CHECK(name_is_safe(name));
		base = name + strlen("h/DATA/");
		if (*base != '%') {
			CHECK_INT((unsigned char)*base, i);
			CHECK_INT(strlen(base), 1);
			continue;
		}
		CHECK_INT(sscanf(base, "%%%2X", &back), 1);
		CHECK_INT(back, i);
		CHECK_INT(strlen(base), 3);
	}
}

CHECK_TEST(long_components)
{
	char path[300], want[600], sum[65];
	struct bk_err err;

	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[1 + NAME_COMPONENT] = '\0';
	(void)snprintf(want, sizeof(want), "web1/DATA%s", path);
	CHECK(object_is(path, want));
	path[1 + NAME_COMPONENT] = 'a';
	path[2 + NAME_COMPONENT] = '\0';
	CHECK_INT(bk_digest_text(path + 1, NAME_COMPONENT + 1, sum, &err), 0);
	(void)snprintf(want, sizeof(want), "web1/DATA/%%~%s", sum);
	CHECK(object_is(path, want));
	/* 80 bytes, 240 when they are written */
	memset(path, ' ', 81);
	memcpy(path, "/", 1);
	path[81] = '\0';
	CHECK_INT(bk_digest_text(path + 1, 80, sum, &err), 0);
	(void)snprintf(want, sizeof(want), "web1/DATA/%%~%s", sum);
	CHECK(object_is(path, want));
}

CHECK_TEST(long_paths)
{
	BK_AUTO_FREE char *path = bk_calloc(1, 20000), *name = NULL;
	BK_AUTO_FREE char *alone = NULL, *other = NULL;
	char *p = path;

	for (int i = 0; i < 4000; i++)
		p = stpcpy(p, "/\xc3\xa9");
	name = name_of_object("web1", path);
	alone = name_of_object_alone("web1", path);
	CHECK_STR(name, alone);
	CHECK_INT(strlen(name), strlen("web1/DATA/%~/%C3%A9") + 64);
	CHECK(name_is_safe(name));
	path[2] = 'x';
	other = name_of_object("web1", path);
	CHECK(strcmp(other, name) != 0);
}

CHECK_TEST(alone)
{
	BK_AUTO_FREE char *name = name_of_object_alone("h", "/srv/a b");
	char want[200], sum[65];
	struct bk_err err;

	CHECK_INT(bk_digest_text("/srv/a b", 8, sum, &err), 0);
	(void)snprintf(want, sizeof(want), "h/DATA/%%~%s/a%%20b", sum);
	CHECK_STR(name, want);
}

CHECK_TEST(hosts)
{
	BK_AUTO_FREE char *a = name_of_host("web1.example.org");
	BK_AUTO_FREE char *b = name_of_host("../x y");
	BK_AUTO_FREE char *c = name_of_host(".partial");

	CHECK_STR(a, "web1.example.org");
	CHECK_STR(b, "%2E.%2Fx%20y");
	CHECK_STR(c, "%2Epartial");
}

CHECK_TEST(safe_or_not)
{
	static const char *const bad[] = {
		"",    "/",	"/a",	"a/",	    "a//b", ".",    "..",
		"a/.", "a/..",	"../a", "a/../b",   "-a",   "a/-b", "a b",
		"a\n", "a\\",	"a'",	"\xc3\xa9", "a*",   "$a",   "a;b",
		"a:b", "a\x7f", "a\t",	"#a",
	};
	static const char *const good[] = {
		".bk-box-id", "h/.partial/x", "a~0123456789abcdef", "%~x/y",
		"...",	      "a-",	      "README.txt",
	};
	char name[300];

	for (size_t i = 0; i < BK_COUNT(bad); i++)
		if (name_is_safe(bad[i]))
			CHECK_FAIL("'%s' is called safe", bad[i]);
	for (size_t i = 0; i < BK_COUNT(good); i++)
		if (!name_is_safe(good[i]))
			CHECK_FAIL("'%s' is not called safe", good[i]);
	memset(name, 'a', sizeof(name));
	name[255] = '\0';
	CHECK(name_is_safe(name));
	name[255] = 'a';
	name[256] = '\0';
	CHECK(!name_is_safe(name));
}
