/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf_salvage.h"

#include "scratch.h"

static struct bk_conf *conf;

/* "monitor a; keyring": the sections that are left. */
static const char *left(const char *text)
{
	static struct bk_buf b;

	(void)scratch();
	put_file("bk.conf", text);
	bk_conf_free(conf);
	conf = bk_conf_salvage("bk.conf");
	CHECK(conf);
	bk_buf_clear(&b);
	bk_buf_adds(&b, "");
	for (size_t i = 0; i < conf->nsections; i++) {
		const struct bk_conf_section *s = &conf->sections[i];

		bk_buf_addf(&b, "%s%s%s%s", i ? "; " : "", s->kind,
			    *s->name ? " " : "", s->name);
		for (size_t k = 0; k < s->nvalues; k++)
			CHECK(*s->values[k].value ||
			      strcmp(s->kind, "keyring") == 0);
	}
	return b.p;
}

#define URL "url = http://h\n"
#define TOKEN "token = file:/t\n"

CHECK_TEST(monitors_that_are_whole_are_left)
{
	CHECK_STR(left("junk\n[backup home]\npth = /x\n[monitor a]\n" URL TOKEN
		       "[repo r]\nurl = /r\n[monitor b]\ntype = ntfy\n" URL
		       "[keyring]\npath = /k\n[monitor c]\n" URL
		       "[monitor d]\n" TOKEN "[host]\nname = web1\n"),
		  "monitor a; monitor b; keyring; host");
	CHECK_STR(conf->host, "web1");
	CHECK_STR(left(""), "");
	CHECK_STR(left("[monitor a\n" URL TOKEN), "");
}

CHECK_TEST(what_may_be_wrong_with_a_monitor)
{
	CHECK_STR(left("[monitor a]\n" URL TOKEN "max-age = x\nremind =\n"),
		  "monitor a");
	CHECK(!bk_conf_value(bk_conf_find(conf, "monitor", "a"), "max-age",
			     NULL));
	CHECK_STR(left("[monitor a]\n" URL TOKEN URL), "");
	CHECK_STR(left("[monitor a]\n" URL " http://b\n" TOKEN), "");
	CHECK_STR(left("[monitor a]\n" URL TOKEN "token = x y\n"), "");
	CHECK_STR(left("[monitor a]\n" URL TOKEN "ca = x\n"), "");
	CHECK_STR(left("[monitor a]\nurl = file:/x\n" TOKEN), "");
}

CHECK_TEST(no_other_keyring_is_opened)
{
	const struct bk_conf_section *s;

	CHECK_STR(left("[keyring]\npath = k\nunlock = nonsense\n"), "keyring");
	s = bk_conf_find(conf, "keyring", NULL);
	CHECK_STR(bk_conf_str(s, "path", "/default"), "");
	CHECK_STR(bk_conf_str(s, "unlock", "default"), "");
}

CHECK_TEST(a_name_of_the_host_that_is_none)
{
	CHECK_STR(left("[host]\nname = a b/c\n"), "host");
	CHECK(!strchr(conf->host, ' '));
	CHECK(*conf->host);
}

CHECK_TEST(no_file_and_one_that_others_can_write)
{
	bk_conf_free(conf);
	(void)scratch();
	conf = bk_conf_salvage("absent");
	CHECK_INT(conf->nsections, 0);
	bk_conf_free(conf);
	put_file("bk.conf", "[monitor a]\n" URL TOKEN);
	CHECK_INT(chmod("bk.conf", 0666), 0);
	conf = bk_conf_salvage("bk.conf");
	CHECK_INT(conf->nsections, 0);
}
