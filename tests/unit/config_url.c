/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-config/url.c */
#include "url.h"

#include "check.h"
#include "mem.h"

static void hides(const char *text, const char *want)
{
	char *got = url_hide_password(text);

	CHECK_STR(got, want);
	CHECK(url_has_password(text) == (strcmp(text, want) != 0));
	free(got);
}

CHECK_TEST(passwords_of_urls)
{
	hides("", "");
	hides("/srv/repo", "/srv/repo");
	hides("rest:https://host/x", "rest:https://host/x");
	hides("rest:https://me@host/x", "rest:https://me@host/x");
	hides("rest:https://me:geheim@host/x", "rest:https://me:***@host/x");
	hides("https://me:ge:he@im@host/", "https://me:***@host/");
	hides("https://me:@host/", "https://me:***@host/");
	/* rather too much than too little */
	hides("https://me:ge/heim@host/", "https://me:***@host/");
}

CHECK_TEST(sftp_has_none)
{
	hides("sftp:box:restic", "sftp:box:restic");
	hides("sftp:me@box:restic", "sftp:me@box:restic");
	hides("sftp://me@box:23/restic", "sftp://me@box:23/restic");
	hides("sftp://me:geheim@box:23/x", "sftp://me:***@box:23/x");
}

CHECK_TEST(in_the_midst_of_words)
{
	char *got = url_hide_password("Fatal: cannot open "
				      "rest:https://a:b@h/ \"http://c:d@h\"");

	CHECK_STR(got, "Fatal: cannot open rest:https://a:***@h/ "
		       "\"http://c:***@h\"");
	free(got);
}

static void shows(const char *kind, const char *key, const char *value,
		  const char *want)
{
	char k[16], n[] = "x", f[] = "f", e[16], text[128];
	struct bk_conf_value v = { e, text, f, 1 };
	struct bk_conf_section s = { k, n, f, 1, &v, 1 };
	char *got;

	(void)snprintf(k, sizeof(k), "%s", kind);
	(void)snprintf(e, sizeof(e), "%s", key);
	(void)snprintf(text, sizeof(text), "%s", value);
	got = url_show(&s, &v);
	CHECK_STR(got, want);
	free(got);
}

CHECK_TEST(settings)
{
	shows("repo", "url", "rest:https://a:b@h/", "rest:https://a:***@h/");
	shows("repo", "option", "b2.account-key=x=y", "b2.account-key=***");
	shows("repo", "option", "s3.Secret=x", "s3.Secret=***");
	shows("repo", "option", "sftp.connections=3", "sftp.connections=3");
	shows("repo", "password", "command:pass show x", "command:pass show x");
	shows("monitor", "url", "https://h", "https://h");
	shows("monitor", "url", "https://h/", "https://h/");
	shows("monitor", "url", "https://h:3/api/push/",
	      "https://h:3/api/push/");
	shows("monitor", "url", "https://h/api/push/abc", "https://h/***");
	shows("monitor", "url", "https://a:b@h/topic", "https://a:***@h/***");
	shows("backup", "path", "/a@b:c", "/a@b:c");
}
