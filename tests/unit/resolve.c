/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "resolve.h"

#include <sys/prctl.h>

#include "scratch.h"

static const char text[] = "[repo one]\nurl = /r1\n"
			   "password = credential:one\n"
			   "password = keyring:s/one\n"
			   "[repo two]\nurl = /r2\npassword = file:/two\n"
			   "[repo three]\nurl = /r3\npassword = ask\n";

static struct bk_conf *conf;
static struct bk_err err;
static struct bk_resolve r;
static char program[600];

static void clean_up(void)
{
	bk_resolve_free(&r);
	bk_conf_free(conf);
	/* for the search for leaks, which traces this process */
	(void)prctl(PR_SET_DUMPABLE, 1);
}

/*
 * A script stands in for bk-secret: it keeps its arguments in "args", and
 * stdin in "in".
 */
static void set_up(const char *script)
{
	const char *dir = scratch();
	BK_AUTO_STRV struct bk_strv problems = BK_STRV_INIT;
	char *path;

	umask(077);
	put_file("conf", text);
	(void)snprintf(program, sizeof(program),
		       "#!/bin/sh\necho \"$@\" >>args\ncat >in\n%s", script);
	put_file("bk-secret", program);
	CHECK_INT(chmod("bk-secret", 0700), 0);
	path = bk_asprintf("%s:%s", dir, getenv("PATH"));
	CHECK_INT(setenv("PATH", path, 1), 0);
	free(path);
	conf = bk_conf_load("conf", &problems, &err);
	if (!conf)
		CHECK_FAIL("%s", problems.n ? problems.v[0] : err.msg);
	r.config = "conf";
	atexit(clean_up);
}

static const struct bk_conf_section *repo(const char *name)
{
	return bk_conf_find(conf, "repo", name);
}

static void want_all(void)
{
	bk_resolve_want(&r, repo("one"), "password");
	bk_resolve_want(&r, repo("two"), "password");
	bk_resolve_want(&r, repo("one"), "password");
	bk_resolve_want(&r, repo("three"), "password");
}

static const char *get(const char *name)
{
	const struct bk_secret *s =
		bk_resolve_get(&r, repo(name), "password", &err);

	return s ? s->p : NULL;
}

CHECK_TEST(all_in_one_process)
{
	set_up("printf '0 2 3\\nabc0 1 4\\na\\nb\\n0 1 0\\n'");
	want_all();
	CHECK_STR(get("two"), "a\nb\n");
	CHECK_STR(get("one"), "abc");
	CHECK_STR(get("three"), "");
	CHECK_STR(get("one"), "abc");
	CHECK_STR(text_of("args"), "-c conf get --batch\n");
}

CHECK_TEST(requests)
{
	static const char want[] = "[repo one] password\0"
				   "credential:one\0keyring:s/one\0\0"
				   "[repo two] password\0file:/two\0\0"
				   "[repo three] password\0ask\0";

	set_up("printf '0 1 1\\na0 1 1\\nb0 1 1\\nc'");
	want_all();
	CHECK_STR(get("one"), "a");
	CHECK(memcmp(text_of("in"), want, sizeof(want)) == 0);
}

CHECK_TEST(secrets_of_any_bytes)
{
	const struct bk_secret *s;

	set_up("printf '0 1 6\\na\\000\\n0 1'");
	s = bk_resolve_get(&r, repo("two"), "password", &err);
	CHECK(s && s->len == 6 && memcmp(s->p, "a\0\n0 1", 6) == 0);
}

/* One that was not named before costs another process, and only that. */
CHECK_TEST(what_was_not_named)
{
	set_up("printf '0 1 1\\na'");
	CHECK_STR(get("one"), "a");
	CHECK_STR(get("two"), "a");
	CHECK_STR(get("one"), "a");
	CHECK_STR(text_of("args"), "-c conf get --batch\n"
				   "-c conf get --batch\n");
}

CHECK_TEST(one_that_fails_harms_no_other)
{
	set_up("printf '77 2 5\\nwrong66 0 6\\nabsent0 1 2\\nok'");
	want_all();
	CHECK_STR(get("three"), "ok");
	CHECK_STR(get("one"), NULL);
	CHECK_INT(err.exit, BK_EX_NOPERM);
	/* the second source's line decided */
	CHECK_STR(err.msg, "conf:4: [repo one] password: wrong");
	CHECK_STR(get("two"), NULL);
	CHECK_INT(err.exit, BK_EX_NOINPUT);
	CHECK_STR(err.msg, "conf:7: [repo two] password: absent");
	/* and is not asked for again */
	CHECK_STR(get("one"), NULL);
	CHECK_INT(err.exit, BK_EX_NOPERM);
	CHECK_STR(text_of("args"), "-c conf get --batch\n");
}

static void check_broken(const char *script, int exit, const char *why)
{
	set_up(script);
	want_all();
	CHECK_STR(get("one"), NULL);
	CHECK_INT(err.exit, exit);
	CHECK_HAS(err.msg, why);
	CHECK_STR(get("two"), NULL);
	CHECK_INT(err.exit, exit);
}

#define BROKEN(name, script, exit, why)          \
	CHECK_TEST(name)                         \
	{                                        \
		check_broken(script, exit, why); \
	}

BROKEN(no_answer, "", BK_EX_PROTOCOL, "broke off")
BROKEN(half_an_answer, "printf '0 1 5\\nab'", BK_EX_PROTOCOL, "broke off")
BROKEN(answers_missing, "printf '0 1 1\\na'", BK_EX_PROTOCOL, "broke off")
BROKEN(no_head, "echo rubbish", BK_EX_PROTOCOL, "broke off")
BROKEN(head_without_end, "head -c 100000 /dev/zero | tr '\\0' 0",
       BK_EX_PROTOCOL, "broke off")
BROKEN(too_long, "printf '0 1 32769\\n'; head -c 32769 /dev/zero",
       BK_EX_PROTOCOL, "broke off")
BROKEN(negative, "printf '0 1 -1\\n'", BK_EX_PROTOCOL, "broke off")
BROKEN(own_failure, "exit 78", BK_EX_CONFIG, "status 78")
BROKEN(killed, "kill -9 $$", BK_EX_OSERR, "status 137")
/* The answers are there, but it says that it failed. */
BROKEN(failure_at_the_end, "printf '0 1 1\\na0 1 1\\nb0 1 1\\nc'; exit 74",
       BK_EX_IOERR, "status 74")

/* What it wrote too much does not keep it, nor us. */
CHECK_TEST(more_than_was_asked_for)
{
	set_up("printf '0 1 1\\na'; exec head -c 1000000 /dev/zero");
	CHECK_STR(get("one"), NULL);
	CHECK(err.exit != 0);
}

CHECK_TEST(not_installed)
{
	set_up("");
	CHECK_INT(unlink("bk-secret"), 0);
	CHECK_INT(setenv("PATH", "/nonexistent", 1), 0);
	CHECK_STR(get("one"), NULL);
	CHECK_INT(err.exit, BK_EX_UNAVAILABLE);
	CHECK_HAS(err.msg, "bk-secret");
}

/* It is gone before it has read its requests: no SIGPIPE. */
CHECK_TEST(ends_before_it_reads)
{
	set_up("");
	put_file("bk-secret", "#!/bin/sh\nexec 0</dev/null\nexit 78\n");
	want_all();
	for (int i = 0; i < 50; i++) {
		CHECK_STR(get("one"), NULL);
		CHECK_INT(err.exit, BK_EX_CONFIG);
	}
}

CHECK_TEST(children_see_no_secrets)
{
	const struct bk_secret *s;
	int status;
	pid_t pid;

	set_up("printf '0 1 7\\nhunter2'");
	s = bk_resolve_get(&r, repo("two"), "password", &err);
	CHECK(s);
	CHECK_INT(prctl(PR_GET_DUMPABLE), 0);
	pid = fork();
	if (pid == 0)
		_exit(s->p[0] != '\0');
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK_INT(status, 0);
}
