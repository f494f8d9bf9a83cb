/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-config/authkeys.c */
#include "authkeys.h"

#include "check.h"
#include "mem.h"

#define APPEND                                                               \
	"restrict,command=\"rclone serve restic --stdio --append-only r/h\"" \
	" ssh-ed25519 AAAA bk\n"

static const char text[] =
	"# ssh-ed25519 AAAA is no key here\n"
	"\n"
	"ssh-ed25519 AAAA old key of h\n" APPEND
	"from=\"10.0.0.1, x\",command=\"echo \\\"ssh-rsa BBBB\\\"\" "
	"ssh-rsa CCCC third\n"
	"---- BEGIN SSH2 PUBLIC KEY ----\n"
	"Comment: \"a \\\n"
	"b\"\n"
	"DD\n"
	"DD\n"
	"---- END SSH2 PUBLIC KEY ----\n"
	"ecdsa-sha2-nistp256\tEEEE";

static void without(const char *blob, const char *want, size_t n)
{
	BK_AUTO_STRV struct bk_strv blobs = BK_STRV_INIT;
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	size_t got;

	bk_strv_add(&blobs, blob);
	authkeys_without(text, &blobs, &b, &got);
	CHECK_INT(got, n);
	CHECK((strstr(b.p, want) == NULL) == (n > 0));
	CHECK(strstr(b.p, APPEND));
	CHECK(strstr(b.p, "# ssh-ed25519 AAAA is no key here\n\n"));
}

CHECK_TEST(keys_are_taken_out)
{
	without("AAAA", "old key of h", 1);
	without("CCCC", "third", 1);
	without("DDDD", "SSH2", 1);
	without("EEEE", "EEEE", 1);
	/* a word in a command is no key, nor is a part of one */
	without("BBBB", "BBBB", 0);
	without("AAA", "AAAA", 0);
	without("DD", "SSH2", 0);
}

CHECK_TEST(who_may_do_all)
{
	CHECK(authkeys_has_full(text, "AAAA"));
	CHECK(authkeys_has_full(text, "DDDD"));
	CHECK(!authkeys_has_full(text, "BBBB"));
	CHECK(!authkeys_has_full(APPEND, "AAAA"));
	/* the words behind the key promise nothing */
	CHECK(authkeys_has_full(
		"ssh-ed25519 AAAA command=\"rclone serve restic --stdio "
		"--append-only r\"\n",
		"AAAA"));
}

CHECK_TEST(others_are_named)
{
	BK_AUTO_STRV struct bk_strv blobs = BK_STRV_INIT;
	BK_AUTO_STRV struct bk_strv got = BK_STRV_INIT;

	bk_strv_add(&blobs, "AAAA");
	authkeys_others(text, &blobs, &got);
	CHECK_INT(got.n, 3);
	CHECK_STR(got.v[0], "third");
	CHECK_STR(got.v[1], "one in the form of RFC 4716");
	CHECK_STR(got.v[2], "one without a name");
}

CHECK_TEST(lines)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	BK_AUTO_FREE char *line =
		authkeys_append_line("r/h", "ssh-ed25519 AAAA comment", "bk");

	CHECK_INT(strlen(line) + 1, strlen(APPEND));
	CHECK(authkeys_has_line(text, line));
	authkeys_without_line(text, line, &b);
	CHECK(!authkeys_has_line(b.p, line));
	CHECK_INT(b.len + strlen(APPEND), strlen(text));
	CHECK(!authkeys_has_line(text, "ssh-ed25519 AAAA"));
}
