/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-restic/repo.c */
#include "repo.h"

#include "log.h"
#include "scratch.h"

static struct bk_err err;

CHECK_TEST(versions)
{
	CHECK_INT(repo_parse_version("restic 0.14.0 compiled with go1.19.8 on "
				     "linux/amd64\n"),
		  RESTIC(14, 0));
	CHECK_INT(repo_parse_version("restic 0.16.4 compiled with"), 1604);
	CHECK_INT(repo_parse_version("restic 0.18.0-dev (compiled manually)"),
		  1800);
	CHECK_INT(repo_parse_version("restic 0.19.1"), 1901);
	CHECK_INT(repo_parse_version("restic 0.20"), 2000);
	CHECK(repo_parse_version("restic 1.0.0") > RESTIC(999, 99));
	CHECK(RESTIC(14, 0) > RESTIC(9, 6));
	CHECK_INT(repo_parse_version(""), 0);
	CHECK_INT(repo_parse_version("restic"), 0);
	CHECK_INT(repo_parse_version("restic version 0.14.0"), 0);
	CHECK_INT(repo_parse_version("rustic 0.14.0"), 0);
	CHECK_INT(repo_parse_version("restic x.y.z"), 0);
	CHECK_INT(repo_parse_version("restic 0.1000.0"), 0);
	CHECK_INT(repo_parse_version("restic 0.14.100"), 0);
	CHECK_INT(repo_parse_version("{\"version\":\"0.18.0\"}"), 0);
}

/* ssh. */

#define OPTIONS                                  \
	"-o BatchMode=yes -o ConnectTimeout=30 " \
	"-o ServerAliveInterval=20 -o ServerAliveCountMax=5 "

static void ssh(const char *url, const char *config, const char *want)
{
	char *got = repo_ssh_command(url, config);

	CHECK_STR(got, want);
	free(got);
}

CHECK_TEST(no_ssh)
{
	ssh("/srv/repo", NULL, NULL);
	ssh("s3:https://s3.example.org/b", NULL, NULL);
	ssh("rest:https://u:p@h/", NULL, NULL);
	ssh("sftpx:box:r", NULL, NULL);
}

CHECK_TEST(ssh_of_short_urls)
{
	ssh("sftp:box:repo", NULL, "ssh " OPTIONS "box -s sftp");
	ssh("sftp:user@box:repo", NULL, "ssh " OPTIONS "-l user box -s sftp");
	ssh("sftp:user@box:/abs/x:y@z", NULL,
	    "ssh " OPTIONS "-l user box -s sftp");
	/* the last '@' is the one that counts */
	ssh("sftp:u@example.org@box:r", NULL,
	    "ssh " OPTIONS "-l u@example.org box -s sftp");
}

CHECK_TEST(ssh_of_long_urls)
{
	ssh("sftp://box/repo", NULL, "ssh " OPTIONS "box -s sftp");
	ssh("sftp://user@box:2222//abs", NULL,
	    "ssh " OPTIONS "-l user -p 2222 box -s sftp");
	ssh("sftp://u1-sub2@u1.example.org:23/./repo", NULL,
	    "ssh " OPTIONS "-l u1-sub2 -p 23 u1.example.org -s sftp");
	ssh("sftp://box:23", NULL, "ssh " OPTIONS "-p 23 box -s sftp");
	ssh("sftp://box:/r", NULL, "ssh " OPTIONS "box -s sftp");
	ssh("sftp://box/a@b:22", NULL, "ssh " OPTIONS "box -s sftp");
}

CHECK_TEST(ssh_of_addresses)
{
	ssh("sftp://[2001:db8::1]/repo", NULL,
	    "ssh " OPTIONS "2001:db8::1 -s sftp");
	ssh("sftp://user@[2001:db8::1]:2222//abs", NULL,
	    "ssh " OPTIONS "-l user -p 2222 2001:db8::1 -s sftp");
	ssh("sftp://[fe80::1%eth0]:22/x", NULL,
	    "ssh " OPTIONS "-p 22 fe80::1%eth0 -s sftp");
	/* a bracket without its other half, and beyond the host */
	free(repo_ssh_command("sftp://[2001:db8::1", NULL));
	free(repo_ssh_command("sftp://[2001/repo]:7", NULL));
	free(repo_ssh_command("sftp://user@[/a]b", NULL));
}

static void append_only(const char *url, const char *want_url,
			const char *want_program)
{
	struct repo repo = { .url = url, .append_only = true };
	char *got, *program;

	repo_append_only(&repo, NULL, &got, &program);
	CHECK_STR(got, want_url);
	CHECK_STR(program, want_program);
	free(got);
	free(program);
}

/* The server chooses the folder; what we name is for restic's cache. */
CHECK_TEST(append_only_is_rclone_over_ssh)
{
	append_only("sftp:box:r/h", "rclone:r/h", "ssh " OPTIONS "box");
	append_only("sftp://u@box:23/r/h", "rclone:r/h",
		    "ssh " OPTIONS "-l u -p 23 box");
	append_only("/srv/repo", NULL, NULL);
	append_only("rest:https://h/", NULL, NULL);
}

/* No password goes into a command line. */
CHECK_TEST(ssh_without_password)
{
	ssh("sftp://user:word@box/r", NULL,
	    "ssh " OPTIONS "-l user box -s sftp");
}

CHECK_TEST(ssh_quotes)
{
	ssh("sftp:a b@c d:r", NULL, "ssh " OPTIONS "-l 'a b' 'c d' -s sftp");
	ssh("sftp:box:r", "/etc/bk/ssh_config",
	    "ssh -F /etc/bk/ssh_config " OPTIONS "box -s sftp");
	ssh("sftp:box:r", "/my conf/ssh",
	    "ssh -F '/my conf/ssh' " OPTIONS "box -s sftp");
	ssh("sftp://box:22 -x/r", NULL,
	    "ssh " OPTIONS "-p '22 -x' box -s sftp");
}

/* A configuration by hand. */

static struct bk_conf_value values[8];
static struct bk_conf_section section = { .kind = (char[]){ "repo" },
					  .name = (char[]){ "main" },
					  .values = values };
static struct bk_resolve secrets;
static struct bk_conf conf = { .sections = &section,
			       .nsections = 1,
			       .host = (char[]){ "box" } };

static void give(const char *key, const char *value)
{
	static char text[8][2][128];
	size_t i = section.nvalues++;

	(void)snprintf(text[i][0], sizeof(text[i][0]), "%s", key);
	(void)snprintf(text[i][1], sizeof(text[i][1]), "%s", value);
	values[i] = (struct bk_conf_value){ .key = text[i][0],
					    .value = text[i][1] };
}

/* A restic that only knows its version, and counts how often it is asked. */
static void put_restic(const char *version)
{
	char *text = bk_asprintf("#!/bin/sh\necho >>asked\n"
				 "[ \"$*\" = version ] || exit 1\n"
				 "echo '%s'\n",
				 version);

	(void)unlink("restic");
	put_file("restic", text);
	free(text);
	CHECK_INT(chmod("restic", 0755), 0);
}

static void set_up(const char *version)
{
	char path[300], cache[300];

	(void)snprintf(path, sizeof(path), "%s/restic", scratch());
	(void)snprintf(cache, sizeof(cache), "%s/cache", scratch_path);
	setenv("BK_CACHE_DIR", cache, 1);
	setenv("BK_RUN_DIR", scratch_path, 1);
	bk_log_set_level(BK_LOG_ERROR);
	put_restic(version);
	give("program", path);
}

static unsigned int opened(void)
{
	struct repo r;
	unsigned int version = 0;

	memset(&err, 0, sizeof(err));
	if (repo_open(&r, &conf, "main", &secrets, &err) == 0)
		version = r.version;
	repo_close(&r);
	return version;
}

CHECK_TEST(opens)
{
	char want[300];
	struct repo r;

	set_up("restic 0.16.4 compiled with go");
	give("url", "/srv/r");
	CHECK_INT(repo_open(&r, &conf, "main", &secrets, &err), 0);
	CHECK_STR(r.name, "main");
	CHECK_STR(r.url, "/srv/r");
	CHECK_STR(r.host, "box");
	CHECK_INT(r.version, RESTIC(16, 4));
	CHECK_INT(r.lock, -1);
	CHECK(bk_strv_has(&r.env, "RESTIC_PASSWORD"));
	CHECK(bk_strv_has(&r.env, "RESTIC_REPOSITORY"));
	(void)snprintf(want, sizeof(want), "RESTIC_CACHE_DIR=%s/restic",
		       scratch_path);
	repo_close(&r);
	repo_close(&r);
}

CHECK_TEST(asks_once)
{
	set_up("restic 0.16.4 compiled with go");
	CHECK_INT(opened(), 1604);
	CHECK_INT(opened(), 1604);
	CHECK_STR(text_of("asked"), "\n");
	/* but again of another program */
	put_restic("restic 0.19.1 compiled with go");
	CHECK_INT(opened(), 1901);
	CHECK_STR(text_of("asked"), "\n\n");
	/* and where what it kept is damaged */
	put_file("cache/restic.version", "rubbish");
	CHECK_INT(opened(), 1901);
	CHECK_STR(text_of("asked"), "\n\n\n");
	CHECK_INT(mode_of("cache/restic.version"), 0600);
}

CHECK_TEST(opens_no_old_ones)
{
	set_up("restic 0.13.1 compiled with go");
	CHECK_INT(opened(), 0);
	CHECK_INT(err.exit, 69);
	CHECK_HAS(err.msg, "older than restic 0.14.0");
}

CHECK_TEST(opens_no_other_programs)
{
	set_up("GNU coreutils");
	CHECK_INT(opened(), 0);
	CHECK_INT(err.exit, 69);
	CHECK_HAS(err.msg, "is no restic");
	put_file("restic", "#!/bin/sh\necho restic 0.19.0; exit 1\n");
	CHECK_INT(opened(), 0);
	CHECK_INT(err.exit, 69);
	CHECK_INT(unlink("restic"), 0);
	CHECK_INT(opened(), 0);
	CHECK_INT(err.exit, 69);
}

CHECK_TEST(no_such_repository)
{
	struct repo r;

	CHECK_INT(repo_open(&r, &conf, "other", &secrets, &err), -1);
	CHECK_INT(err.exit, 66);
	CHECK_STR(err.msg, "there is no [repo other] in the configuration");
	repo_close(&r);
}

CHECK_TEST(locks)
{
	struct repo r, other;

	set_up("restic 0.14.0");
	give("lock-wait", "0");
	CHECK_INT(repo_open(&r, &conf, "main", &secrets, &err), 0);
	CHECK_INT(repo_open(&other, &conf, "main", &secrets, &err), 0);
	CHECK_INT(repo_lock(&r, &err), 0);
	CHECK_INT(repo_lock(&r, &err), 0);
	CHECK_INT(repo_lock(&other, &err), -1);
	CHECK_INT(err.exit, 75);
	repo_close(&r);
	CHECK_INT(repo_lock(&other, &err), 0);
	repo_close(&other);
}

/* Arguments. */

static const char *args_of(const char *url, int *ret_fd)
{
	static char text[1024];
	struct repo r = { .section = &section,
			  .url = url,
			  .program = (char[]){ "restic" },
			  .lock = -1 };
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	size_t n = 0;

	setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
	CHECK_INT(repo_args(&r, &argv, ret_fd, &err), 0);
	for (size_t i = 0; i < argv.n; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "<%s>",
				      argv.v[i]);
	return text;
}

CHECK_TEST(arguments)
{
	int fd = 99;

	CHECK_STR(args_of("/srv/a b", &fd), "<restic><-r></srv/a b>");
	CHECK_INT(fd, -1);
	CHECK_STR(args_of("rest:https://h:8000/", &fd),
		  "<restic><-r><rest:https://h:8000/>");
	CHECK_INT(fd, -1);
	CHECK(strstr(args_of("sftp:user@h:path", &fd),
		     "<restic><-r><sftp:user@h:path><-o>"));
	CHECK_INT(fd, -1);
}

CHECK_TEST(a_url_with_a_password)
{
	static const char url[] = "rest:https://user:word@h:8000/r";
	char want[100], text[100] = "", path[32];
	int fd = 99;

	(void)args_of(url, &fd);
	CHECK(fd >= 0);
	(void)snprintf(want, sizeof(want),
		       "<restic><--repository-file=/dev/fd/%d>", fd);
	close(fd);
	CHECK_STR(args_of(url, &fd), want);
	CHECK_INT(fcntl(fd, F_GETFD), FD_CLOEXEC);
	(void)snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	close(fd);
	(void)args_of(url, &fd);
	CHECK(pread(fd, text, sizeof(text) - 1, 0) > 0);
	CHECK_STR(text, url);
	close(fd);
}

CHECK_TEST(options)
{
	int fd;

	if (access("/etc/bk/ssh_config", F_OK) == 0)
		CHECK_SKIP("this host has an /etc/bk/ssh_config");
	CHECK_STR(args_of("sftp:box:r", &fd),
		  "<restic><-r><sftp:box:r><-o><sftp.command=ssh " OPTIONS
		  "box -s sftp>");
	give("option", "sftp.connections=2");
	give("option", "s3.region=x y");
	give("limit-upload", "1M");
	give("limit-download", "1");
	CHECK_STR(args_of("/r", &fd),
		  "<restic><-r></r><-o><sftp.connections=2><-o><s3.region=x y>"
		  "<--limit-upload=1024><--limit-download=1>");
}

/* Who sets the command does all of it. */
CHECK_TEST(own_ssh_command)
{
	int fd;

	give("option", "sftp.connections=2");
	CHECK_HAS(args_of("sftp:box:r", &fd), "<sftp.command=ssh ");
	give("option", "sftp.command=my-ssh");
	CHECK_STR(args_of("sftp:box:r", &fd),
		  "<restic><-r><sftp:box:r><-o><sftp.connections=2>"
		  "<-o><sftp.command=my-ssh>");
}
