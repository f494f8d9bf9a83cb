/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "check.h"
#include "conf_schema.h"
#include "file.h"

/* A folder of its own for each test, and a configuration below it. */

static char *dir;
static struct bk_strv problems;
static struct bk_err err;
static struct bk_conf *conf;

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

static void clean_up(void)
{
	bk_conf_free(conf);
	bk_strv_free(&problems);
	if (getuid() == 0 && seteuid(0) < 0)
		abort();
	(void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(dir);
	/* for the search for leaks, which traces this process */
	(void)prctl(PR_SET_DUMPABLE, 1);
}

#define SKIP(why)                \
	do {                     \
		clean_up();      \
		CHECK_SKIP(why); \
	} while (0)

/* Root becomes another user, whose configuration $XDG_CONFIG_HOME has. */
static bool enter(const char *below)
{
	uid_t nobody = 65534;

	dir = bk_asprintf("%s/bk-conf-XXXXXX", below ? below : "/tmp");
	CHECK(mkdtemp(dir));
	if (geteuid() == 0) {
		CHECK_INT(chown(dir, nobody, (gid_t)nobody), 0);
		CHECK_INT(setegid((gid_t)nobody), 0);
		CHECK_INT(seteuid(nobody), 0);
	}
	return chdir(dir) == 0;
}

static void set_up(void)
{
	if (!enter(getenv("TMPDIR"))) {
		CHECK_INT(seteuid(0), 0);
		CHECK_INT(rmdir(dir), 0);
		free(dir);
		CHECK(enter(NULL));
	}
	atexit(clean_up);
	umask(022);
	unsetenv("BK_CONFIG");
	setenv("XDG_CONFIG_HOME", dir, 1);
	CHECK_INT(mkdir("bk", 0755), 0);
	CHECK_INT(mkdir("bk/conf.d", 0755), 0);
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	CHECK(f);
	CHECK(fputs(text, f) >= 0);
	CHECK_INT(fclose(f), 0);
}

static struct bk_conf *load(const char *file)
{
	bk_conf_free(conf);
	bk_strv_free(&problems);
	memset(&err, 0, sizeof(err));
	conf = bk_conf_load(file, &problems, &err);
	if (conf)
		CHECK_INT(problems.n, 0);
	return conf;
}

/* Load text as a file; NULL where it is fine, else the problems. */
static const char *try(const char *text)
{
	static struct bk_buf all;

	if (!dir)
		set_up();
	put("c", text);
	bk_buf_free(&all);
	all = BK_BUF_INIT;
	if (load("c"))
		return NULL;
	CHECK_INT(err.exit, BK_EX_CONFIG);
	for (size_t i = 0; i < problems.n; i++)
		bk_buf_addf(&all, "%s%s", i ? "\n" : "", problems.v[i]);
	return all.p ? all.p : "no problem, and no configuration";
}

static void has(const char *text, const char *part, const char *file, int line)
{
	if (text && strstr(text, part))
		return;
	printf("# called at %s:%d\n", file, line);
	CHECK_FAIL("\"%s\" does not have \"%s\"", text ? text : "(null)", part);
}

#define HAS(text, part) has(text, part, __FILE__, __LINE__)

#define REPO "[repo main]\nurl = x\npassword = ask\n"

static const char *value_of(const char *kind, const char *name, const char *key)
{
	return bk_conf_str(bk_conf_find(conf, kind, name), key, NULL);
}

/* The values of a list, in order. */
static const char *list_of(const char *kind, const char *name, const char *key)
{
	static struct bk_buf all;
	const struct bk_conf_section *s = bk_conf_find(conf, kind, name);
	const struct bk_conf_value *v = NULL;

	bk_buf_free(&all);
	all = BK_BUF_INIT;
	bk_buf_adds(&all, "");
	while ((v = bk_conf_value(s, key, v)))
		bk_buf_addf(&all, "%s%s", all.len ? "|" : "", v->value);
	return all.p;
}

static const char *node(void)
{
	static struct utsname u;

	CHECK_INT(uname(&u), 0);
	return u.nodename;
}

/* What is well formed. */

CHECK_TEST(nothing_but_comments)
{
	CHECK_STR(try("# a\n\n; b\n"), NULL);
	CHECK_INT(conf->nsections, 0);
	CHECK_STR(conf->host, node());
	CHECK_STR(try(""), NULL);
}

static const char whole[] =
	"[host]\nname = web1\n"
	"[scan]\nroot = /home\nroot = /srv/\ncross-mounts = yes\n"
	"fstype = nfs4\njobs = 8\n"
	"[repo main]\nurl = sftp:box:restic/%H ; comment\n"
	"password = credential:restic.main\n  file:/etc/bk//main.pw\n  ask\n"
	"  command:pass show restic/%H\n"
	"keep = hourly 48,daily  14,\n  within-monthly 1y6m\n"
	"retries = 0\nretry-pause = 90s\nlock-wait = 1h30m\n"
	"prune-every = 0\nlimit-upload = 2M\nlimit-download = 512 KiB\n"
	"option = sftp.args=-i /etc/bk/ssh/key\nprogram = restic\n"
	"[repo second]\nurl: /srv/repo\npassword: ask\n"
	"program = /opt//restic\n"
	"[backup home]\nrepo = main\nmarkers = yes\npath = /etc\n"
	"path =\n  /usr/local/../local/bin/\n  /opt\n"
	"exclude = *.tmp\n  /home/*/[Cc]ache\n  a=b:c\n"
	"shrink-alarm = 30%\nkeep = last 3\n"
	"[mariadb local]\nsocket = /run//mysqld/mysqld.sock\nhost = ::1\n"
	"port = 3307\nuser = bk-dump\npassword = ask\n"
	"defaults-file = /etc/bk/m.cnf\nssl-ca = /etc/bk/ca.pem\n"
	"include = *\n  a\\.b.we`ird na/me\nexclude = test_*\n"
	"schema-only = shop.log_[0-9]\nglobals = no\nrepo = main\n"
	"keep = last 9\nshrink-alarm = 9%\nconnections = 4\nbroken = save\nlayout = stream\n"
	"spool = /srv/spool\nmax-hold = 1h\nmax-age = 1d\n"
	"[cold photos]\npath = /srv/photos\ncopies = 2\ndelete = no\n"
	"exclude = *.xmp\nmin-age = 30d\n";

CHECK_TEST(every_key)
{
	const struct bk_conf_section *repo, *backup, *db, *cold;

	CHECK_STR(try(whole), NULL);
	CHECK_INT(conf->nsections, 7);
	CHECK_STR(conf->host, "web1");
	CHECK_STR(list_of("scan", NULL, "root"), "/home|/srv");
	CHECK_STR(value_of("scan", "", "fstype"), "nfs4");
	CHECK(bk_conf_bool(bk_conf_find(conf, "scan", ""), "cross-mounts", 0));
	repo = bk_conf_find(conf, "repo", "main");
	CHECK_STR(bk_conf_str(repo, "url", NULL), "sftp:box:restic/web1");
	CHECK_STR(list_of("repo", "main", "password"),
		  "credential:restic.main|file:/etc/bk/main.pw|ask|"
		  "command:pass show restic/web1");
	CHECK_STR(list_of("repo", "main", "keep"),
		  "hourly 48, daily 14|within-monthly 1y6m");
	CHECK_INT(bk_conf_u64(repo, "retries", 4), 0);
	CHECK_INT(bk_conf_duration(repo, "retry-pause", 1), 90);
	CHECK_INT(bk_conf_duration(repo, "lock-wait", 1), 5400);
	CHECK_INT(bk_conf_duration(repo, "prune-every", 1), 0);
	CHECK_INT(bk_conf_size(repo, "limit-upload", 0), 2 << 20);
	CHECK_INT(bk_conf_size(repo, "limit-download", 0), 512 << 10);
	CHECK_STR(bk_conf_str(repo, "option", NULL),
		  "sftp.args=-i /etc/bk/ssh/key");
	CHECK_STR(bk_conf_str(repo, "program", NULL), "restic");
	CHECK_STR(value_of("repo", "second", "program"), "/opt/restic");
	backup = bk_conf_find(conf, "backup", "home");
	CHECK_STR(list_of("backup", "home", "path"),
		  "/etc|/usr/local/bin|/opt");
	CHECK_STR(list_of("backup", "home", "exclude"),
		  "*.tmp|/home/*/[Cc]ache|a=b:c");
	CHECK_INT(bk_conf_u64(backup, "shrink-alarm", 50), 30);
	CHECK_STR(bk_conf_str(backup, "keep", NULL), "last 3");
	db = bk_conf_find(conf, "mariadb", "local");
	CHECK_STR(bk_conf_str(db, "socket", NULL), "/run/mysqld/mysqld.sock");
	CHECK_STR(list_of("mariadb", "local", "include"),
		  "*|a\\.b.we`ird na/me");
	CHECK_STR(bk_conf_str(db, "host", NULL), "::1");
	CHECK_INT(bk_conf_u64(db, "port", 0), 3307);
	CHECK_INT(bk_conf_u64(db, "connections", 2), 4);
	CHECK_STR(bk_conf_str(db, "layout", NULL), "stream");
	CHECK_STR(bk_conf_str(db, "broken", NULL), "save");
	CHECK_INT(bk_conf_duration(db, "max-hold", 0), 3600);
	cold = bk_conf_find(conf, "cold", "photos");
	CHECK_INT(bk_conf_u64(cold, "copies", 1), 2);
	CHECK(!bk_conf_bool(cold, "delete", true));
	CHECK_INT(bk_conf_duration(cold, "min-age", 1), 30 * 86400);
}

CHECK_TEST(sections_in_order)
{
	const struct bk_conf_section *s;

	CHECK_STR(try(whole), NULL);
	s = bk_conf_next(conf, "repo", NULL);
	CHECK_STR(s->name, "main");
	CHECK_INT(s->line, 9);
	CHECK_STR(s->file, "c");
	s = bk_conf_next(conf, "repo", s);
	CHECK_STR(s->name, "second");
	CHECK(!bk_conf_next(conf, "repo", s));
	CHECK(!bk_conf_next(conf, "monitor", NULL));
	CHECK(!bk_conf_find(conf, "repo", "third"));
	CHECK(!bk_conf_find(conf, "repo", NULL));
}

CHECK_TEST(fallbacks)
{
	const struct bk_conf_section *s;

	CHECK_STR(try(REPO), NULL);
	s = bk_conf_find(conf, "repo", "main");
	for (int i = 0; i < 2; i++) {
		CHECK_STR(bk_conf_str(s, "program", "restic"), "restic");
		CHECK_INT(bk_conf_u64(s, "retries", 4), 4);
		CHECK_INT(bk_conf_size(s, "limit-upload", 7), 7);
		CHECK_INT(bk_conf_duration(s, "lock-wait", 300), 300);
		CHECK(bk_conf_bool(s, "x", true));
		CHECK(!bk_conf_bool(s, "x", false));
		CHECK(!bk_conf_value(s, "keep", NULL));
		s = NULL;
	}
	bk_conf_free(NULL);
}

CHECK_TEST(values_know_their_line)
{
	const struct bk_conf_value *v;

	CHECK_STR(try("[scan]\nroot = /a\n\n  /b\n"), NULL);
	v = bk_conf_value(conf->sections, "root", NULL);
	CHECK_INT(v->line, 2);
	v = bk_conf_value(conf->sections, "root", v);
	CHECK_INT(v->line, 4);
	CHECK_STR(v->file, "c");
}

CHECK_TEST(host_in_values)
{
	char *want;

	CHECK_STR(try("[scan]\nroot = /%H/%%H/%h/%/%%/%%%H\n"
		      "[host]\nname = x\n"),
		  NULL);
	CHECK_STR(value_of("scan", "", "root"), "/x/%H/%h/%/%%/%%H");
	CHECK_STR(try("[scan]\nroot = /%H\n"), NULL);
	want = bk_asprintf("/%s", node());
	CHECK_STR(value_of("scan", "", "root"), want);
	free(want);
	CHECK_STR(try("[host]\nname = %H-a\n[scan]\nroot = /%H\n"), NULL);
	want = bk_asprintf("%s-a", node());
	CHECK_STR(conf->host, want);
	CHECK_STR(value_of("host", "", "name"), want);
	CHECK_STR(value_of("scan", "", "root") + 1, want);
	free(want);
}

CHECK_TEST(long_values)
{
	struct bk_buf text = BK_BUF_INIT, want = BK_BUF_INIT;

	bk_buf_adds(&text, "[scan]\nroot = /");
	bk_buf_adds(&want, "/");
	for (int i = 0; i < 3000; i++) {
		bk_buf_addc(&text, 'r');
		bk_buf_addc(&want, 'r');
	}
	for (int i = 0; i < 100; i++) {
		bk_buf_addf(&text, "\n\t/%d/%0200d", i, i);
		bk_buf_addf(&want, "|/%d/%0200d", i, i);
	}
	CHECK_STR(try(text.p), NULL);
	CHECK_STR(list_of("scan", "", "root"), want.p);
	bk_buf_free(&text);
	bk_buf_free(&want);
}

CHECK_TEST(value_on_the_next_line)
{
	CHECK_STR(try("[scan]\njobs =\n  7\nroot =\n  /a\n"), NULL);
	CHECK_STR(value_of("scan", "", "jobs"), "7");
	CHECK_STR(list_of("scan", "", "root"), "/a");
}

CHECK_TEST(names_of_sections)
{
	char *s = bk_asprintf("[cold a.B_9-]\npath = /a\n[cold %064d]\n"
			      "path = /b\n[ cold\t c ]\npath = /c\n",
			      0);

	CHECK_STR(try(s), NULL);
	CHECK(bk_conf_find(conf, "cold", "a.B_9-"));
	CHECK(bk_conf_find(conf, "cold", "c"));
	free(s);
}

/* Bad values. */

CHECK_TEST(bad_values)
{
	static const struct {
		const char *section, *line, *want;
	} bad[] = {
		{ "host", "name = a b", "is not a host name" },
		{ "host", "name = -a", "is not a host name" },
		{ "host", "name = a/b", "is not a host name" },
		{ "scan", "root = home",
		  "'home' is not an absolute path; "
		  "write e.g. /home" },
		{ "scan", "root = ~/x", "is not an absolute path" },
		{ "scan", "root = \"/x\"", "is not an absolute path" },
		{ "scan", "cross-mounts = maybe", "'maybe' is not yes or no" },
		{ "scan", "cross-mounts = Yes", "'Yes' is not yes or no" },
		{ "scan", "fstype = nfs cifs", "is not one file system type" },
		{ "scan", "jobs = 0", "'0' is not a number from 1 to 256" },
		{ "scan", "jobs = 257", "is not a number from 1 to 256" },
		{ "scan", "jobs = -1", "is not a number" },
		{ "scan", "jobs = 1.5", "is not a number" },
		{ "scan", "jobs = many", "is not a number" },
		{ "scan", "jobs = 99999999999999999999", "is not a number" },
		{ "repo x", "retries = 21", "is not a number from 0 to 20" },
		{ "repo x", "retry-pause = 10",
		  "'10' is not a time with its "
		  "unit s m h d w or y; write "
		  "e.g. 10s" },
		{ "repo x", "retry-pause = 10 s", "is not a time" },
		{ "repo x", "retry-pause = 10ms", "is not a time" },
		{ "repo x", "lock-wait = forever", "is not a time" },
		{ "repo x", "lock-wait = -1m", "is not a time" },
		{ "repo x", "prune-every = 101y", "is not a time" },
		{ "repo x", "prune-every = 1M", "is not a time" },
		{ "repo x", "limit-upload = fast", "'fast' is not a size" },
		{ "repo x", "limit-upload = 1.5M", "is not a size" },
		{ "repo x", "limit-upload = 2Mbit", "is not a size" },
		{ "repo x", "limit-download = -2M", "is not a size" },
		{ "repo x", "option = sftp.args", "is not NAME=VALUE" },
		{ "repo x", "option = =a", "is not NAME=VALUE" },
		{ "repo x", "option = -o a=b", "is not NAME=VALUE" },
		{ "repo x", "program = ./restic", "is not an absolute path" },
		{ "repo x", "program = -restic", "is not an absolute path" },
		{ "repo x", "url = -x", "is not a repository" },
		{ "repo x", "url = a\tb", "is not a repository" },
		{ "repo x", "keep = hourly",
		  "keep: 'hourly' is not UNIT "
		  "COUNT (1 to 9999); write e.g. "
		  "hourly 14" },
		{ "repo x", "keep = hourly x", "'hourly x' is not UNIT" },
		{ "repo x", "keep = daily 0", "'daily 0' is not UNIT" },
		{ "repo x", "keep = daily 10000", "is not UNIT COUNT" },
		{ "repo x", "keep = daily 1 2", "is not UNIT COUNT" },
		{ "repo x", "keep = daily=1", "'daily=1' is not a unit" },
		{ "repo x", "keep = 14 daily", "'14' is not a unit" },
		{ "repo x", "keep = hourly 4, dayly 2", "'dayly' is not a" },
		{ "repo x", "keep = hourly 4; x", "'hourly 4; x' is not" },
		{ "repo x", "keep = within 3w",
		  "'within 3w' is not UNIT and "
		  "a time in y m d h" },
		{ "repo x", "keep = within 0d", "is not UNIT and a time" },
		{ "repo x", "keep = within 3", "is not UNIT and a time" },
		{ "repo x", "keep = within 3d2d", "is not UNIT and a time" },
		{ "repo x", "keep = within-daily", "is not UNIT and a time" },
		{ "repo x", "keep = within-last 3d", "is not a unit" },
		{ "repo x", "keep = within-within 3d", "is not a unit" },
		{ "repo x", "keep = ,", "keep: says nothing" },
		{ "backup x", "markers = 2", "is not yes or no" },
		{ "backup x", "path = .", "is not an absolute path" },
		{ "backup x", "exclude = !a", "'!a' is not a pattern" },
		{ "backup x", "exclude = #a#", "'#a#' is not a pattern" },
		{ "backup x", "shrink-alarm = 101%", "is not a percentage" },
		{ "backup x", "shrink-alarm = half", "is not a percentage" },
		{ "backup x", "repo = a b", "is not the name of a section" },
		{ "cold x", "copies = 3", "is not a number from 1 to 2" },
		{ "cold x", "copies = 0", "is not a number from 1 to 2" },
		{ "cold x", "delete = never", "is not yes or no" },
		{ "cold x", "min-age = 30", "is not a time" },
		{ "cold x", "encrypt = yes", "is not age:/path" },
		{ "cold x", "encrypt = age:keys", "is not age:/path" },
		{ "cold x", "encrypt = age1qqq", "is not age:/path" },
	};

	for (size_t i = 0; i < BK_COUNT(bad); i++) {
		char *text =
			bk_asprintf("[%s]\n%s\n", bad[i].section, bad[i].line);
		char *at = bk_asprintf("c:2: [%s] %.*s:", bad[i].section,
				       (int)strcspn(bad[i].line, " "),
				       bad[i].line);
		const char *got = try(text);

		HAS(got, at);
		HAS(got, bad[i].want);
		HAS(got, "e.g. ");
		free(text);
		free(at);
	}
}

CHECK_TEST(bad_values_are_shown_short)
{
	char *text = bk_asprintf("[scan]\njobs = %03000d\n", 0);
	const char *got = try(text);

	HAS(got, "000...' is not a number");
	CHECK(strlen(got) < 200);
	free(text);
}

/* A secret put where a reference belongs must not reach the log. */
CHECK_TEST(secrets_are_not_shown)
{
	static const char *const bad[] = { "password = hunter2",
					   "password = credential:hunter2/x",
					   "password = file:hunter2",
					   "password = command: ",
					   "password = ask hunter2",
					   "password = credential:.hunter2",
					   "password = ask\n hunter2",
					   "url = rest:https://u:hunter2@h/\tx",
					   "url = -hunter2",
					   "option = hunter2",
					   "url = x\nurl = hunter2",
					   "url = x\n hunter2",
					   "password = ask\nhunter2" };

	for (size_t i = 0; i < BK_COUNT(bad); i++) {
		char *text = bk_asprintf("[repo x]\n%s\n", bad[i]);
		const char *got = try(text);

		CHECK(got);
		if (strstr(got, "hunter2"))
			CHECK_FAIL("shown: %s", got);
		free(text);
	}
	HAS(try("[repo x]\nurl = y\npassword = hunter2\n"),
	    "c:3: [repo x] password: is no reference to a secret: it is none "
	    "of keyring: secret-service: credential: command: file: ask (the "
	    "secret itself never stands here); write e.g. "
	    "keyring:restic/main");
	HAS(try("[keyring]\nunlock = keyring:a/b\n"),
	    "c:2: [keyring] unlock: is no reference to a secret: what opens "
	    "the keyring cannot lie in it");
}

/* Bad structure. */

CHECK_TEST(unknown_keys)
{
	CHECK_STR(try(REPO "ulr = x\n"),
		  "c:4: [repo main] has no key 'ulr'; did you mean 'url'?");
	CHECK_STR(try(REPO "limit_upload = 1\n"),
		  "c:4: [repo main] has no key 'limit_upload'; did you mean "
		  "'limit-upload'?");
	CHECK_STR(try("[scan]\nRoot = /x\n"),
		  "c:2: [scan] has no key 'Root'; did you mean 'root'?");
	CHECK_STR(try("[scan]\nexclude = x\n y\n z\n"),
		  "c:2: [scan] has no key 'exclude'; there are root "
		  "cross-mounts fstype jobs");
}

CHECK_TEST(unknown_sections)
{
	HAS(try("[repos x]\nurl = y\n"),
	    "c:1: [repos x] is an unknown section; did you mean 'repo'?");
	CHECK_STR(try("[garden x]\nurl = y\n z\nfoo = bar\n"),
		  "c:1: [garden x] is an unknown section; there are host scan "
		  "keyring repo backup mariadb cold box verify monitor");
	HAS(try("[repo]\nurl = y\n"),
	    "c:1: [repo] needs a name; write e.g. [repo main]");
	HAS(try("[scan x]\n"), "c:1: [scan x] takes no name; write [scan]");
	HAS(try("[repo a b]\n"), "has a bad name");
	HAS(try("[repo .a]\n"), "has a bad name");
	HAS(try("[repo -a]\n"), "has a bad name");
	HAS(try("[repo \"a\"]\n"), "has a bad name");
	HAS(try("[repo a/b]\n"), "has a bad name");
	HAS(try("[repo 0123456789012345678901234567890123456789012345678901"
		"2345678901234]\n"),
	    "has a bad name");
}

CHECK_TEST(keys_before_sections)
{
	CHECK_STR(try("root = /\n /x\n[scan]\nroot = /\n"),
		  "c:1: 'root' stands before the first [section]");
}

CHECK_TEST(given_twice)
{
	CHECK_STR(try("[scan]\njobs = 1\n[scan]\njobs = 1\n"),
		  "c:4: [scan] jobs is given twice, first at c:2; remove one");
	CHECK_STR(try("[scan]\njobs =\njobs = 1\n"),
		  "c:2: [scan] jobs has no value; write e.g. jobs = 32\n"
		  "c:3: [scan] jobs is given twice, first at c:2; remove one");
	CHECK_STR(try(REPO "keep = daily 1, daily 2\n"),
		  "c:4: [repo main] keep: daily is given twice; remove one");
	CHECK_STR(try(REPO "keep = daily 1\nkeep = hourly 2\n  daily 2\n"),
		  "c:6: [repo main] keep: daily is given twice; remove one");
}

CHECK_TEST(no_value)
{
	CHECK_STR(try("[scan]\nroot =\n"),
		  "c:2: [scan] root has no value; write e.g. root = /home");
	CHECK_STR(try("[repo x]\nurl = ; gone\npassword = ask\n"),
		  "c:2: [repo x] url has no value; write e.g. url = "
		  "sftp:box:restic/%H");
}

CHECK_TEST(scalar_continued)
{
	CHECK_STR(try("[scan]\njobs = 3\n  4\n"),
		  "c:3: [scan] jobs takes one value, and this indented line "
		  "would be one more; remove it");
}

CHECK_TEST(required)
{
	CHECK_STR(
		try("[repo x]\n[backup y]\n[cold z]\n"),
		"c:1: [repo x] has no url; add e.g. url = sftp:box:restic/%H\n"
		"c:1: [repo x] has no password; add e.g. password = "
		"keyring:restic/main\n"
		"c:2: [backup y] has no repo; add e.g. repo = main\n"
		"c:3: [cold z] has no path; add e.g. path = /srv/photos");
}

CHECK_TEST(references)
{
	CHECK_STR(try(REPO "[backup x]\nrepo = mian\n"),
		  "c:5: [backup x] repo: there is no [repo mian]; did you mean "
		  "'main'?");
	CHECK_STR(try("[backup x]\nrepo = main\n"),
		  "c:2: [backup x] repo: there is no [repo main]; add it, or "
		  "name another");
	CHECK_STR(try("[backup x]\nrepo = main\n" REPO), NULL);
}

CHECK_TEST(databases)
{
	HAS(try("[mariadb m]\ninclude = a.b.c\n  .b\n  a.\n  a\\\n"),
	    "c:2: [mariadb m] include: 'a.b.c' is not a database, or a "
	    "database, '.' and a table; write e.g. shop*");
	CHECK_INT(problems.n, 4);
	CHECK_STR(try("[mariadb m]\nlayout = spoo\nbroken = save fail\n"),
		  "c:2: [mariadb m] layout: 'spoo' is not one of: "
		  "spool|stream; write e.g. spool\n"
		  "c:3: [mariadb m] broken: 'save fail' is not one of: "
		  "fail|save; write e.g. fail");
	CHECK_STR(try("[mariadb m]\nconnections = 17\n"),
		  "c:2: [mariadb m] connections: '17' is not a number from 1 "
		  "to 16; write e.g. 2");
}

CHECK_TEST(indented_by_mistake)
{
	CHECK_STR(
		try("[scan]\n  root = /a\n  jobs = 3\n  fstype: nfs\n"),
		"c:3: [scan]: this indented line is one more value of 'root', "
		"not a key 'jobs' of its own; remove the white space before "
		"it\n"
		"c:4: [scan]: this indented line is one more value of 'root', "
		"not a key 'fstype' of its own; remove the white space before "
		"it");
	HAS(try(REPO " [backup x]\n repo = main\n"),
	    "c:4: [repo main]: this indented line is one more value of "
	    "'password', not a section of its own");
	CHECK_STR(try(REPO "[backup x]\nrepo = main\nexclude = a\n"
			   "  [Cc]ache\n  [repo\n  other = x\n"),
		  NULL);
}

CHECK_TEST(all_problems_in_order)
{
	CHECK_STR(
		try("x\n[scan]\njobs = 0\nroot = a\n  b\nfoo = 1\n[bar]\n"
		    "[cold c]\ndelete = no\ncopies = 9\n"),
		"c:1: line is neither [section], key = value nor a comment\n"
		"c:3: [scan] jobs: '0' is not a number from 1 to 256; write "
		"e.g. 32\n"
		"c:4: [scan] root: 'a' is not an absolute path; write e.g. "
		"/home\n"
		"c:5: [scan] root: 'b' is not an absolute path; write e.g. "
		"/home\n"
		"c:6: [scan] has no key 'foo'; there are root cross-mounts "
		"fstype jobs\n"
		"c:7: [bar] is an unknown section; there are host scan keyring repo "
		"backup mariadb cold box verify monitor\n"
		"c:10: [cold c] copies: '9' is not a number from 1 to 2; "
		"write e.g. 2\n"
		"c:8: [cold c] has no path; add e.g. path = /srv/photos");
	CHECK_STR(err.msg, "the configuration has 8 problems");
}

CHECK_TEST(windows_files)
{
	CHECK_STR(try("\xef\xbb\xbf[scan]\r\nroot = /a\r\n  /b\r\n"), NULL);
	CHECK_STR(list_of("scan", "", "root"), "/a|/b");
}

/* Which files. */

CHECK_TEST(folder_order)
{
	set_up();
	put("bk/bk.conf", "[scan]\nroot = /0\n");
	put("bk/conf.d/b.conf", "[scan]\nroot = /3\n");
	put("bk/conf.d/a.conf", "[scan]\nroot = /2\n");
	put("bk/conf.d/B.conf", "[scan]\nroot = /1\njobs = 5\n");
	put("bk/conf.d/.c.conf", "bad\n");
	put("bk/conf.d/d.conf~", "bad\n");
	put("bk/conf.d/e.conf.bak", "bad\n");
	put("bk/conf.d/conf", "bad\n");
	CHECK(load(NULL));
	CHECK_STR(list_of("scan", "", "root"), "/0|/1|/2|/3");
	CHECK_INT(conf->nsections, 1);
}

CHECK_TEST(folder_alone)
{
	set_up();
	put("bk/conf.d/a.conf", "[scan]\nroot = /2\n");
	CHECK(load(NULL));
}

CHECK_TEST(main_file_alone)
{
	set_up();
	put("bk/bk.conf", "[scan]\nroot = /0\n");
	CHECK_INT(rmdir("bk/conf.d"), 0);
	CHECK(load(NULL));
}

CHECK_TEST(twice_in_two_files)
{
	char *want;

	set_up();
	put("bk/bk.conf", "[scan]\njobs = 3\n");
	put("bk/conf.d/a.conf", "\n[scan]\njobs = 4\n");
	CHECK(!load(NULL));
	CHECK_INT(problems.n, 1);
	want = bk_asprintf("%s/bk/conf.d/a.conf:3: [scan] jobs is given "
			   "twice, first at %s/bk/bk.conf:2; remove one",
			   dir, dir);
	CHECK_STR(problems.v[0], want);
	free(want);
}

/* A file's last key and section do not reach into the next file. */
CHECK_TEST(files_are_apart)
{
	set_up();
	put("bk/bk.conf", "[scan]\nroot = /0");
	put("bk/conf.d/a.conf", "  /1\n");
	put("bk/conf.d/b.conf", "root = /2\n");
	CHECK(!load(NULL));
	CHECK_INT(problems.n, 2);
	HAS(problems.v[0], "a.conf:1: line is neither");
	HAS(problems.v[1], "b.conf:1: 'root' stands before the first");
}

CHECK_TEST(no_configuration)
{
	set_up();
	CHECK(!load(NULL));
	CHECK_INT(err.exit, BK_EX_NOINPUT);
	CHECK_INT(problems.n, 1);
	HAS(problems.v[0],
	    geteuid() == 0
		    ? "/bk/bk.conf: there is no configuration; write this file "
		      "(bk-config init asks for it), or name one with -c"
		    : "/bk/bk.conf: there is no configuration; write this "
		      "file, or name one with -c; that of the whole host is "
		      "root's");
	CHECK_INT(rmdir("bk/conf.d"), 0);
	CHECK_INT(rmdir("bk"), 0);
	CHECK(!load(NULL));
	CHECK_INT(err.exit, BK_EX_NOINPUT);
}

CHECK_TEST(no_home)
{
	set_up();
	unsetenv("HOME");
	unsetenv("XDG_CONFIG_HOME");
	CHECK(!load(NULL));
	CHECK_INT(problems.n, 0);
	CHECK_INT(err.exit, BK_EX_CONFIG);
	HAS(err.msg, "HOME");
}

CHECK_TEST(file_named_by_option_or_environment)
{
	set_up();
	put("bk/bk.conf", "[scan]\nroot = /0\n");
	put("e", "[scan]\nroot = /e\n");
	put("c", "[scan]\nroot = /c\n");
	setenv("BK_CONFIG", "e", 1);
	CHECK(load(NULL));
	CHECK_STR(list_of("scan", "", "root"), "/e");
	CHECK(load("c"));
	CHECK_STR(list_of("scan", "", "root"), "/c");
	setenv("BK_CONFIG", "", 1);
	CHECK(load(NULL));
	CHECK_STR(list_of("scan", "", "root"), "/0");
	setenv("BK_CONFIG", "gone", 1);
	CHECK(!load(NULL));
	CHECK_INT(err.exit, BK_EX_NOINPUT);
	CHECK_STR(problems.v[0], "gone: No such file or directory");
	CHECK(!load(""));
	CHECK_INT(err.exit, BK_EX_NOINPUT);
}

/* Who may read and write them. */

CHECK_TEST(unreadable)
{
	set_up();
	put("c", REPO);
	CHECK_INT(chmod("c", 0), 0);
	CHECK(!load("c"));
	CHECK_INT(err.exit, BK_EX_NOPERM);
	CHECK_INT(problems.n, 1);
	CHECK_STR(problems.v[0], "c: Permission denied");
	put("bk/bk.conf", "[backup x]\nrepo = main\n");
	CHECK_INT(rename("c", "bk/conf.d/c.conf"), 0);
	CHECK(!load(NULL));
	CHECK_INT(err.exit, BK_EX_NOPERM);
	/* [repo main] may be in the file that is not read */
	CHECK_INT(problems.n, 1);
	CHECK_INT(unlink("bk/conf.d/c.conf"), 0);
	CHECK_INT(chmod("bk/conf.d", 0), 0);
	CHECK(!load(NULL));
	CHECK_INT(err.exit, BK_EX_NOPERM);
	HAS(problems.v[0], "conf.d: Permission denied");
	CHECK_INT(chmod("bk/conf.d", 0755), 0);
}

CHECK_TEST(folder_instead_of_file)
{
	set_up();
	CHECK(!load("bk"));
	CHECK_INT(err.exit, BK_EX_CONFIG);
	CHECK_STR(problems.v[0], "bk: is a folder, not a file");
	CHECK_INT(mkdir("bk/conf.d/x.conf", 0755), 0);
	put("bk/conf.d/y.conf", "bad\n");
	CHECK(!load(NULL));
	CHECK_INT(problems.n, 2);
	HAS(problems.v[0], "x.conf: is a folder");
	HAS(problems.v[1], "y.conf:1: line is neither");
}

CHECK_TEST(file_instead_of_folder)
{
	set_up();
	put("bk/bk.conf", "");
	CHECK_INT(rmdir("bk/conf.d"), 0);
	put("bk/conf.d", "");
	CHECK(!load(NULL));
	HAS(problems.v[0], "conf.d: Not a directory");
}

CHECK_TEST(no_regular_file)
{
	set_up();
	CHECK_INT(mkfifo("c", 0600), 0);
	CHECK(!load("c"));
	CHECK_STR(problems.v[0], "c: is not a regular file");
	CHECK(!load("/dev/null"));
	CHECK_STR(problems.v[0], "/dev/null: is not a regular file");
}

CHECK_TEST(links)
{
	set_up();
	put("c", "[scan]\nroot = /c\n");
	CHECK_INT(symlink("../../c", "bk/conf.d/c.conf"), 0);
	CHECK(load(NULL));
	CHECK_STR(list_of("scan", "", "root"), "/c");
	CHECK_INT(chmod("c", 0666), 0);
	CHECK(!load(NULL));
	HAS(problems.v[0], "c.conf: is not trusted");
	CHECK_INT(unlink("c"), 0);
	CHECK(!load(NULL));
	HAS(problems.v[0], "c.conf: No such file or directory");
	CHECK_INT(err.exit, BK_EX_CONFIG);
	CHECK_INT(symlink("c", "c"), 0);
	CHECK(!load("c"));
	HAS(problems.v[0], "c: Too many levels of symbolic links");
}

CHECK_TEST(writable_by_others)
{
	set_up();
	put("c", REPO);
	CHECK_INT(chmod("c", 0602), 0);
	CHECK(!load("c"));
	CHECK_INT(err.exit, BK_EX_CONFIG);
	CHECK_INT(problems.n, 1);
	CHECK_STR(problems.v[0],
		  "c: is not trusted: others can write it; "
		  "make it root's or your own, and chmod go-w it");
	CHECK_INT(chmod("c", 0644), 0);
	CHECK(load("c"));
}

CHECK_TEST(writable_folder)
{
	set_up();
	put("bk/bk.conf", "bad\n");
	put("bk/conf.d/c.conf", "bad\n");
	CHECK_INT(chmod("bk/conf.d", 0777), 0);
	CHECK(!load(NULL));
	CHECK_INT(err.exit, BK_EX_CONFIG);
	CHECK_INT(problems.n, 2);
	HAS(problems.v[0], "bk.conf:1: line is neither");
	HAS(problems.v[1], "conf.d: is not trusted: others can write it");
}

CHECK_TEST(groups)
{
	set_up();
	put("c", REPO);
	/* the own group */
	CHECK_INT(chmod("c", 0660), 0);
	CHECK(load("c"));
	if (geteuid() == getuid())
		SKIP("only root can give files away");
	CHECK_INT(seteuid(0), 0);
	CHECK_INT(chown("c", 65534, 0), 0);
	CHECK_INT(seteuid(65534), 0);
	CHECK(load("c"));
	CHECK_INT(seteuid(0), 0);
	CHECK_INT(chown("c", 65534, 12), 0);
	CHECK_INT(seteuid(65534), 0);
	CHECK(!load("c"));
	HAS(problems.v[0], "is not trusted: a foreign group can write it");
	CHECK_INT(chmod("c", 0640), 0);
	CHECK(load("c"));
}

CHECK_TEST(owners)
{
	set_up();
	put("c", REPO);
	if (geteuid() == getuid())
		SKIP("only root can give files away");
	CHECK_INT(seteuid(0), 0);
	CHECK_INT(chown("c", 0, 0), 0);
	CHECK_INT(seteuid(65534), 0);
	CHECK(load("c"));
	CHECK_INT(seteuid(0), 0);
	CHECK_INT(chown("c", 12, 0), 0);
	CHECK_INT(seteuid(65534), 0);
	CHECK(!load("c"));
	HAS(problems.v[0], "is not trusted: its owner is neither root nor");
	/* nor does root trust what a user owns */
	CHECK_INT(seteuid(0), 0);
	CHECK(!load("c"));
	CHECK_INT(err.exit, BK_EX_CONFIG);
}

CHECK_TEST(too_large)
{
	set_up();
	put("c", "");
	CHECK_INT(truncate("c", (8 << 20) + 1), 0);
	CHECK(!load("c"));
	CHECK_STR(problems.v[0], "c: File too large");
}

/* The sample and the manual, in the source tree. */

static char *text_of(const char *path)
{
	struct bk_buf b = BK_BUF_INIT;

	if (access(path, R_OK) < 0)
		CHECK_SKIP("not in the source tree");
	CHECK_INT(bk_file_read(path, 1 << 20, &b, &err), 0);
	return bk_buf_steal(&b);
}

CHECK_TEST(sample_has_nothing_active)
{
	char *text = text_of("lib/conf/examples/bk.conf");

	CHECK_STR(try(text), NULL);
	CHECK_INT(conf->nsections, 0);
	free(text);
}

/* "#key = value" and "#  value" are settings, "# Text" is text. */
static char *uncommented(const char *text)
{
	struct bk_buf b = BK_BUF_INIT;

	for (const char *p = text; *p; p++) {
		bool start = p == text || p[-1] == '\n';

		if (!start || p[0] != '#' ||
		    (p[1] == ' ' && (p[2] != ' ' || p[3] == ' ')))
			bk_buf_addc(&b, *p);
	}
	return bk_buf_steal(&b);
}

static void each_key_is_in(const char *man, const char *kind, const char *name)
{
	const struct bk_conf_section *s = bk_conf_find(conf, kind, name);
	const struct bk_conf_key *k = bk_conf_schema_section(kind, name)->keys;

	for (; k->name; k++) {
		char *item = bk_asprintf("Example:\n.Ql %s = ", k->name);

		if (!bk_conf_value(s, k->name, NULL))
			CHECK_FAIL("no %s in [%s]", k->name, kind);
		if (!strstr(man, item) &&
		    strcmp(k->name, "limit-download") != 0)
			CHECK_FAIL("no example of %s in the manual", k->name);
		free(item);
	}
}

CHECK_TEST(sample_and_manual_have_every_key)
{
	char *text = text_of("lib/conf/examples/bk.conf");
	char *man = text_of("man/bk.conf.5");
	char *active = uncommented(text);

	CHECK_STR(try(active), NULL);
	each_key_is_in(man, "host", "");
	each_key_is_in(man, "scan", "");
	each_key_is_in(man, "keyring", "");
	each_key_is_in(man, "repo", "main");
	each_key_is_in(man, "backup", "home");
	each_key_is_in(man, "mariadb", "local");
	each_key_is_in(man, "box", "fsn");
	each_key_is_in(man, "monitor", "home");
	each_key_is_in(man, "cold", "");
	each_key_is_in(man, "cold", "photos");
	free(text);
	free(man);
	free(active);
}

CHECK_TEST(examples_of_the_manual)
{
	char *man = text_of("man/bk.conf.5");
	const char *start = man, *end;
	int found = 0;

	while ((start = strstr(start, "\n.Bd -literal -offset indent\n["))) {
		char *block;

		start = strchr(start, '[');
		end = strstr(start, "\n.Ed");
		CHECK(end);
		block = bk_memdup(start, (size_t)(end - start));
		CHECK_STR(try(block), NULL);
		CHECK(bk_conf_find(conf, "backup", "home"));
		free(block);
		found++;
	}
	CHECK_INT(found, 2);
	free(man);
}

CHECK_TEST(monitors_and_boxes)
{
	CHECK_STR(try("[host]\nfleet = b\n[box b]\nurl = dir:/mnt/usb\n"
		      "[monitor m]\nurl = https://kuma.example.org/\n"
		      "token = ask\nwatch = backup home\n two words more\n"),
		  "c:9: [monitor m] watch: 'two words more' is not a job (KIND "
		  "NAME, or KIND for all of them); write e.g. backup home");
	CHECK_STR(try("[monitor m]\nurl = kuma.example.org\ntoken = ask\n"),
		  "c:2: [monitor m] url: is not an address (http:// or "
		  "https://, nothing behind '?'); write e.g. "
		  "https://kuma.example.org");
	CHECK_STR(try("[monitor m]\nurl = https://k\n"),
		  "c:1: [monitor m] has no token; add e.g. token = "
		  "keyring:kuma/m");
	CHECK_STR(try("[monitor m]\ntype = ntfy\nurl = https://k/topic\n"),
		  NULL);
	HAS(try("[monitor m]\ntype = pager\nurl = https://k\n"),
	    "'pager' is not one of: kuma|healthchecks|ntfy|webhook; write e.g. "
	    "kuma");
	HAS(try("[box b]\nurl = /mnt/usb\n"), "is not a box (sftp://");
	CHECK_STR(try("[box b]\nurl = sftp://u@box:23/cold\n"), NULL);
	HAS(try("[box b]\nurl = sftp://-oProxyCommand=x/cold\n"),
	    "is not a box");
	HAS(try("[host]\nfleet = c\n[box b]\nurl = dir:/x\n"),
	    "there is no [box c]; did you mean 'b'?");
}

#define TWO_BOXES "[box a]\nurl = dir:/a\n[box b]\nurl = dir:/b\n"

CHECK_TEST(cold_storage_as_a_whole)
{
	CHECK_STR(try(TWO_BOXES "[cold]\nboxes = a\nredundant = a  b\n"
				"settle = 2d\n[cold p]\npath = /p\n"),
		  NULL);
	CHECK_STR(bk_conf_str(bk_conf_find(conf, "cold", NULL), "redundant",
			      NULL),
		  "a b");
	CHECK_STR(bk_conf_str(bk_conf_find(conf, "cold", "p"), "path", NULL),
		  "/p");
	CHECK_STR(try(TWO_BOXES "[cold]\nredundant = a\n a\n"),
		  "c:7: [cold] redundant wants two boxes and names one; write "
		  "e.g. redundant = a usb");
	CHECK_STR(try("[cold]\nencrypt = age:/etc//x\n"
		      "[cold x]\npath = /x\nencrypt = no\n"),
		  NULL);
	HAS(try(TWO_BOXES "[cold]\nboxes = a c\n"), "there is no [box c]");
	HAS(try(TWO_BOXES "[cold]\nboxes = a,b\n"), "is not names of sections");
	HAS(try("[cold]\npath = /p\n"), "[cold] has no key 'path'");
	HAS(try("[cold p]\npath = /p\nsettle = 2d\n"), "has no key 'settle'");
}
