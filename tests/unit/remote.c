/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote.h"

#include "scratch.h"

static struct bk_err err;

/* "user|host|port|path", "-" for what is not there. */
static void parsed(const char *url, const char *want)
{
	BK_AUTO_REMOTE struct bk_remote r = BK_REMOTE_INIT;
	char got[256];

	CHECK_INT(bk_remote_parse(url, &r, &err), 0);
	(void)snprintf(got, sizeof(got), "%s|%s|%s|%s", r.user ? r.user : "-",
		       r.host ? r.host : "-", r.port ? r.port : "-", r.path);
	CHECK_STR(got, want);
}

CHECK_TEST(boxes)
{
	parsed("sftp://box-fsn/cold", "-|box-fsn|-|cold");
	parsed("sftp://u1@u1.example.org:23/cold/a b",
	       "u1|u1.example.org|23|cold/a b");
	parsed("sftp://box//srv/cold", "-|box|-|/srv/cold");
	parsed("sftp://box/", "-|box|-|");
	parsed("sftp://box", "-|box|-|");
	parsed("sftp://box:/x", "-|box|-|x");
	parsed("dir:/mnt/usb/cold", "-|-|-|/mnt/usb/cold");
	parsed("dir:/", "-|-|-|/");
}

CHECK_TEST(repositories)
{
	parsed("sftp:box:restic/main", "-|box|-|restic/main");
	parsed("sftp:u@box:/abs:x@y", "u|box|-|/abs:x@y");
	parsed("sftp:u@example.org@box:r", "u@example.org|box|-|r");
	parsed("sftp:box", "-|box|-|");
	/* there is no port in the short form */
	parsed("sftp:box:23:r", "-|box|-|23:r");
}

CHECK_TEST(addresses)
{
	parsed("sftp://[2001:db8::1]/r", "-|2001:db8::1|-|r");
	parsed("sftp://u@[2001:db8::1]:2222//r", "u|2001:db8::1|2222|/r");
	parsed("sftp://[fe80::1%eth0]/r", "-|fe80::1%eth0|-|r");
	parsed("sftp://[2001:db8::1", "-|2001:db8::1|-|");
	parsed("sftp://[2001/r]:7", "-|2001|-|r]:7");
}

CHECK_TEST(on_this_host)
{
	CHECK_STR(bk_remote_local("/a"), "/a");
	CHECK_STR(bk_remote_local("local:/a"), "/a");
	CHECK_STR(bk_remote_local("local:a"), NULL);
	CHECK_STR(bk_remote_local("a"), NULL);
	CHECK_STR(bk_remote_local("sftp:a:/b"), NULL);
	CHECK_STR(bk_remote_local(""), NULL);
}

CHECK_TEST(no_password_is_kept)
{
	parsed("sftp://u:hunter2@box/r", "u|box|-|r");
	parsed("sftp://u:h:2@box:22/r", "u|box|22|r");
	parsed("sftp://:hunter2@box/r", "|box|-|r");
}

CHECK_TEST(others)
{
	static const char *const urls[] = { "",	     "/srv/r",	"sftp",
					    "dir:",  "dir:rel", "sftpx:a:b",
					    "ssh://" };

	for (size_t i = 0; i < BK_COUNT(urls); i++) {
		struct bk_remote r;

		CHECK_INT(bk_remote_parse(urls[i], &r, &err), -1);
		CHECK_INT(err.exit, BK_EX_CONFIG);
		CHECK(!r.host && !r.path);
	}
}

CHECK_TEST(arguments)
{
	BK_AUTO_REMOTE struct bk_remote r = BK_REMOTE_INIT;
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;

	CHECK_INT(bk_remote_parse("sftp://a b@box:23/", &r, &err), 0);
	bk_remote_add_login(&argv, &r);
	CHECK_INT(argv.n, 4);
	CHECK_STR(argv.v[0], "-l");
	CHECK_STR(argv.v[1], "a b");
	CHECK_STR(argv.v[2], "-p");
	CHECK_STR(argv.v[3], "23");
	bk_remote_add_options(&argv);
	CHECK(bk_strv_has(&argv, "BatchMode=yes"));
	bk_strv_free(&argv);
	bk_remote_free(&r);
	CHECK_INT(bk_remote_parse("sftp://box/", &r, &err), 0);
	bk_remote_add_login(&argv, &r);
	CHECK_INT(argv.n, 0);
}
