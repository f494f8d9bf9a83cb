/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ref.h"

#include "scratch.h"

static struct bk_err err;

static struct bk_ref parsed(const char *s)
{
	struct bk_ref ref;

	memset(&err, 0, sizeof(err));
	if (bk_ref_parse(s, &ref, &err) < 0)
		CHECK_FAIL("'%s' refused: %s", s, err.msg);
	CHECK(ref.text && ref.rest);
	return ref;
}

static void check_pair(const char *s, enum bk_ref_kind kind,
		       const char *service, const char *user)
{
	struct bk_ref ref = parsed(s);

	CHECK_INT(ref.kind, kind);
	CHECK_STR(ref.text, s);
	CHECK_STR(ref.service, service);
	CHECK_STR(ref.user, user);
	CHECK_INT(ref.words.n, 0);
	bk_ref_free(&ref);
}

static void check_refused(const char *s, const char *why)
{
	struct bk_ref ref = BK_REF_INIT;

	CHECK_INT(bk_ref_parse(s, &ref, &err), -1);
	CHECK_INT(err.exit, BK_EX_CONFIG);
	CHECK_HAS(err.msg, why);
	CHECK(!ref.text && !ref.service && !ref.user && !ref.words.v);
}

CHECK_TEST(ask)
{
	struct bk_ref ref = parsed("ask");

	CHECK_INT(ref.kind, BK_REF_ASK);
	CHECK_STR(ref.text, "ask");
	CHECK_STR(ref.rest, "");
	bk_ref_free(&ref);
	check_refused("ask:", "none of");
	check_refused("ask ", "none of");
	check_refused("Ask", "none of");
}

CHECK_TEST(pairs_are_split_at_the_last_slash)
{
	check_pair("keyring:s/u", BK_REF_KEYRING, "s", "u");
	check_pair("keyring:restic/nas:main", BK_REF_KEYRING, "restic",
		   "nas:main");
	check_pair("keyring:https://h/p/u", BK_REF_KEYRING, "https://h/p", "u");
	check_pair("keyring://u", BK_REF_KEYRING, "/", "u");
	check_pair("keyring:a//u", BK_REF_KEYRING, "a/", "u");
	check_pair("keyring:s/u=1,v", BK_REF_KEYRING, "s", "u=1,v");
	check_pair("keyring: s / u ", BK_REF_KEYRING, " s ", " u ");
	check_pair("keyring:\xc3\x9c/\xff", BK_REF_KEYRING, "\xc3\x9c", "\xff");
	check_pair("secret-service:s/u", BK_REF_SERVICE, "s", "u");
	check_pair("secret-service:a/b/u", BK_REF_SERVICE, "a/b", "u");
}

CHECK_TEST(percent_stands_for_bytes)
{
	check_pair("keyring:a%2Fb/c%2fd", BK_REF_KEYRING, "a/b", "c/d");
	check_pair("keyring:%25/%41%7a", BK_REF_KEYRING, "%", "Az");
	check_pair("keyring:%2525/u", BK_REF_KEYRING, "%25", "u");
	check_pair("keyring:%0A/%ff", BK_REF_KEYRING, "\n", "\xff");
	check_pair("keyring:%01/%10", BK_REF_KEYRING, "\x01", "\x10");
	check_pair("keyring:x%20/%20", BK_REF_KEYRING, "x ", " ");
	check_pair("secret-service:%2F%3D/u", BK_REF_SERVICE, "/=", "u");
}

CHECK_TEST(pairs_that_are_none)
{
	static const char *const halves[] = {
		"keyring:",  "keyring:s",	"keyring:/u",	   "keyring:s/",
		"keyring:/", "secret-service:", "secret-service:s"
	};
	static const char *const percents[] = {
		"keyring:%/u",	     "keyring:s/%",    "keyring:%4/u",
		"keyring:s/%4",	     "keyring:%4G/u",  "keyring:%G4/u",
		"keyring:%00/u",     "keyring:s/a%00", "keyring:%%41/u",
		"keyring:%-1/u",     "keyring:% 1/u",  "keyring:%+1/u",
		"secret-service:%/u"
	};

	for (size_t i = 0; i < BK_COUNT(halves); i++)
		check_refused(halves[i], "SERVICE/USER");
	for (size_t i = 0; i < BK_COUNT(percents); i++)
		check_refused(percents[i], "hexadecimal");
	/* Python's parser keeps its defaults there */
	check_refused("keyring:DEFAULT/u", "DEFAULT");
	check_refused("keyring:%44EFAULT/u", "DEFAULT");
	check_pair("keyring:default/u", BK_REF_KEYRING, "default", "u");
	check_pair("secret-service:DEFAULT/u", BK_REF_SERVICE, "DEFAULT", "u");
}

CHECK_TEST(attributes)
{
	struct bk_ref ref = parsed("secret-service:Path=/a/b,xdg:x=1%2C2%3D=3");

	CHECK_INT(ref.kind, BK_REF_SERVICE);
	CHECK_STR(ref.service, NULL);
	CHECK_STR(ref.user, NULL);
	CHECK_INT(ref.words.n, 2);
	CHECK_STR(ref.words.v[0], "Path=/a/b");
	CHECK_STR(ref.words.v[1], "xdg:x=1,2==3");
	bk_ref_free(&ref);
	ref = parsed("secret-service:a=");
	CHECK_STR(ref.words.v[0], "a=");
	bk_ref_free(&ref);
	/* a slash before the '=' makes it a pair */
	check_pair("secret-service:a/b=c", BK_REF_SERVICE, "a", "b=c");
	check_refused("secret-service:a=1,b", "KEY=VALUE");
	check_refused("secret-service:a=1,=2", "KEY=VALUE");
	check_refused("secret-service:a=%", "KEY=VALUE");
	check_refused("secret-service:a=%00", "KEY=VALUE");
	check_refused("secret-service:=1", "SERVICE/USER");
}

CHECK_TEST(credentials)
{
	struct bk_ref ref = parsed("credential:bk.keyring_1-a@b");
	char name[300];

	CHECK_INT(ref.kind, BK_REF_CREDENTIAL);
	CHECK_STR(ref.rest, "bk.keyring_1-a@b");
	bk_ref_free(&ref);
	check_refused("credential:", "credential: wants");
	check_refused("credential:a:b", "credential: wants");
	check_refused("credential:a/b", "credential: wants");
	check_refused("credential:.", "credential: wants");
	check_refused("credential:..", "credential: wants");
	check_refused("credential:.hidden", "credential: wants");
	check_refused("credential:a b", "credential: wants");
	check_refused("credential:%61", "credential: wants");
	check_refused("credential:\xc3\x9c", "credential: wants");
	(void)snprintf(name, sizeof(name), "credential:%0255d", 7);
	ref = parsed(name);
	bk_ref_free(&ref);
	(void)snprintf(name, sizeof(name), "credential:%0256d", 7);
	check_refused(name, "credential: wants");
}

CHECK_TEST(commands)
{
	struct bk_ref ref = parsed("command: /usr/bin/pass  show %41 'x y' ");

	CHECK_INT(ref.kind, BK_REF_COMMAND);
	CHECK_INT(ref.words.n, 5);
	CHECK_STR(ref.words.v[0], "/usr/bin/pass");
	/* no shell, no quotes, no %XX */
	CHECK_STR(ref.words.v[2], "%41");
	CHECK_STR(ref.words.v[3], "'x");
	CHECK_STR(ref.words.v[4], "y'");
	bk_ref_free(&ref);
	check_refused("command:", "wants a program");
	check_refused("command:  ", "wants a program");
}

CHECK_TEST(files)
{
	struct bk_ref ref = parsed("file:/a//b/./c/");

	CHECK_INT(ref.kind, BK_REF_FILE);
	CHECK_STR(ref.rest, "/a/b/c");
	CHECK_STR(ref.text, "file:/a/b/c");
	bk_ref_free(&ref);
	ref = parsed("file:/a b%41");
	CHECK_STR(ref.rest, "/a b%41");
	bk_ref_free(&ref);
	check_refused("file:", "absolute path");
	check_refused("file:a", "absolute path");
	check_refused("file:~/a", "absolute path");
	check_refused("file:../b", "absolute path");
}

CHECK_TEST(control_bytes)
{
	check_refused("keyring:a\n/u", "control");
	check_refused("keyring:a/u\n", "control");
	check_refused("command:a\tb", "control");
	check_refused("file:/a\x7f", "control");
	check_refused("file:/a\x1b[31m", "control");
	check_refused("\x01", "control");
}

/* It may be the secret itself that somebody wrote there. */
CHECK_TEST(never_repeats_the_value)
{
	static const char *const texts[] = {
		"hunter2",
		"keyring:hunter2",
		"keyring:hunter2/",
		"keyring:%hunter2/",
		"keyring:/hunter2",
		"file:hunter2",
		"credential:hunter2/",
		"secret-service:hunter2",
		"secret-service:x=hunter2,y",
		"hunter2:",
		"hunter2\n",
		"command:hunter2\t",
		"Keyring:hunter2/a",
		" keyring:hunter2/a",
	};
	struct bk_ref ref;

	for (size_t i = 0; i < BK_COUNT(texts); i++) {
		CHECK_INT(bk_ref_parse(texts[i], &ref, &err), -1);
		CHECK(!strstr(err.msg, "hunter2"));
	}
	check_refused("", "none of");
	check_refused(":", "none of");
	check_refused("keyring", "none of");
}

/* Back into text. */

static void check_pair_text(const char *service, const char *user,
			    const char *want)
{
	char *text = bk_ref_pair("keyring", service, user);

	CHECK_STR(text, want);
	check_pair(text, BK_REF_KEYRING, service, user);
	free(text);
}

CHECK_TEST(pair_as_text)
{
	char all[256];
	char *text;

	check_pair_text("restic", "nas", "keyring:restic/nas");
	check_pair_text("a/b", "c%d", "keyring:a%2Fb/c%25d");
	check_pair_text("a b\n", "\x7f;#,=\"'",
			"keyring:a%20b%0A/%7F%3B%23%2C%3D%22%27");
	check_pair_text("\xc3\x9c:x", "\xff", "keyring:\xc3\x9c:x/\xff");
	for (int i = 0; i < 255; i++)
		all[i] = (char)(i + 1);
	all[255] = '\0';
	text = bk_ref_pair("secret-service", all, all);
	check_pair(text, BK_REF_SERVICE, all, all);
	free(text);
}

CHECK_TEST(attribute_as_text)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	struct bk_ref ref;

	bk_buf_adds(&b, "secret-service:");
	bk_ref_add_attribute(&b, "Path=/a,b=c d");
	CHECK_STR(b.p, "secret-service:Path=%2Fa%2Cb%3Dc%20d");
	ref = parsed(b.p);
	CHECK_INT(ref.words.n, 1);
	CHECK_STR(ref.words.v[0], "Path=/a,b=c d");
	bk_ref_free(&ref);
}

CHECK_TEST(freeing_nothing)
{
	struct bk_ref ref = BK_REF_INIT;

	bk_ref_free(&ref);
	bk_ref_free(&ref);
}
