/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-restic/outcome.c */
#include "outcome.h"

#include "check.h"
#include "mem.h"

/* What releases 0.14, 0.18 and 0.19 say. */

#define NO_REPO_14                                                    \
	"Fatal: unable to open config file: stat /r/config: no such " \
	"file or directory\n"                                         \
	"Is there a repository at the following location?\n/r\n"
#define NO_REPO_18                                                 \
	"Fatal: repository does not exist: unable to open config " \
	"file: stat /r/config: no such file or directory\n"        \
	"Is there a repository at the following location?\n/r\n"
#define PASSWORD_14 "Fatal: wrong password or no key found\n"
#define LOCK_14                                                           \
	"unable to create lock in backend: repository is already locked " \
	"by PID 4711 on box.example.org by root (UID 0, GID 0)\n"         \
	"lock was created at 2026-11-22 17:00:00 (2.4s ago)\n"            \
	"storage ID 0a1b2c3d\n"
#define LOCK_18                                                            \
	"repo already locked, waiting up to 0s for the lock\n"             \
	"Fatal: unable to create lock in backend: repository is already "  \
	"locked exclusively by PID 12 on nas by backup (UID 34, GID 34)\n" \
	"lock was created at 2026-11-22 17:00:00 (1h2m3.456s ago)\n"       \
	"storage ID 0a1b2c3d\n"                                            \
	"the `unlock` command can be used to remove stale locks\n"
#define NO_PARENT "Fatal: no matching ID found for prefix \"abcd\"\n"
#define UNREADABLE                              \
	"error: open /x/s: permission denied\n" \
	"Warning: at least one source file could not be read\n"
#define SKIPPED "/p does not exist, skipping\n"

CHECK_TEST(statuses)
{
	CHECK_INT(outcome_of(0, ""), OUTCOME_OK);
	CHECK_INT(outcome_of(3, UNREADABLE), OUTCOME_PARTIAL);
	CHECK_INT(outcome_of(3, ""), OUTCOME_PARTIAL);
	CHECK_INT(outcome_of(1, ""), OUTCOME_FAILED);
	CHECK_INT(outcome_of(2, ""), OUTCOME_FAILED);
	CHECK_INT(outcome_of(99, ""), OUTCOME_FAILED);
	CHECK_INT(outcome_of(130, ""), OUTCOME_FAILED);
	CHECK_INT(outcome_of(137, ""), OUTCOME_FAILED);
	CHECK_INT(outcome_of(11, ""), OUTCOME_LOCKED);
	CHECK_INT(outcome_of(12, ""), OUTCOME_PASSWORD);
	CHECK_INT(outcome_of(10, ""), OUTCOME_NO_REPOSITORY);
}

CHECK_TEST(of_0_14)
{
	CHECK_INT(outcome_of(1, NO_REPO_14), OUTCOME_NO_REPOSITORY);
	CHECK_INT(outcome_of(1, PASSWORD_14), OUTCOME_PASSWORD);
	CHECK_INT(outcome_of(1, LOCK_14), OUTCOME_LOCKED);
	CHECK_INT(outcome_of(1, NO_PARENT), OUTCOME_NO_PARENT);
	CHECK_INT(outcome_of(0, SKIPPED), OUTCOME_PARTIAL);
	CHECK_INT(outcome_of(
			  1, SKIPPED
			  "Fatal: all target directories/files do not exist\n"),
		  OUTCOME_FAILED);
	CHECK_INT(outcome_of(1, "unknown flag: --retry-lock\n"),
		  OUTCOME_FAILED);
	CHECK_INT(outcome_of(1, "Fatal: --files-from-raw: trailing zero byte "
				"missing\n"),
		  OUTCOME_FAILED);
}

CHECK_TEST(of_0_18)
{
	CHECK_INT(outcome_of(10, NO_REPO_18), OUTCOME_NO_REPOSITORY);
	CHECK_INT(outcome_of(12, PASSWORD_14), OUTCOME_PASSWORD);
	CHECK_INT(outcome_of(11, LOCK_18), OUTCOME_LOCKED);
	CHECK_INT(outcome_of(0, SKIPPED), OUTCOME_PARTIAL);
	CHECK_INT(outcome_of(1, "Fatal: command failed: exit status 4\n"),
		  OUTCOME_FAILED);
}

CHECK_TEST(of_0_19)
{
	CHECK_INT(outcome_of(10, NO_REPO_18), OUTCOME_NO_REPOSITORY);
	CHECK_INT(outcome_of(3, SKIPPED), OUTCOME_PARTIAL);
	CHECK_INT(outcome_of(1, NO_PARENT), OUTCOME_NO_PARENT);
}

CHECK_TEST(network)
{
	static const char *const said[] = {
		"subprocess ssh: client_loop: send disconnect: Broken pipe",
		"subprocess ssh: Connection to box closed by remote host.\n"
		"Fatal: unable to open repository: unexpected EOF",
		"subprocess ssh: ssh: connect to host box port 22: Connection "
		"refused",
		"ssh: Could not resolve hostname box: Temporary failure in name "
		"resolution",
		"ssh: connect to host box port 22: No route to host",
		"ssh: connect to host box port 22: Connection timed out",
		"kex_exchange_identification: read: Connection reset by peer",
		"Timeout, server box not responding.",
		"Fatal: ssh command exited: exit status 255",
		"dial tcp: lookup s3.example.org: no such host",
		"dial tcp 192.0.2.1:443: i/o timeout",
		"net/http: TLS handshake timeout",
		"unexpected HTTP response (503): 503 Service Unavailable",
	};

	for (size_t i = 0; i < BK_COUNT(said); i++)
		if (outcome_of(1, said[i]) != OUTCOME_NETWORK)
			CHECK_FAIL("no network: %s", said[i]);
	/* with any other status it is no reason to try again */
	CHECK_INT(outcome_of(3, said[0]), OUTCOME_PARTIAL);
	CHECK_INT(outcome_of(0, said[0]), OUTCOME_OK);
	CHECK_INT(outcome_of(2, said[0]), OUTCOME_FAILED);
}

/* A server that is away looks like a repository that is not there. */
CHECK_TEST(network_before_repository)
{
	static const char said[] =
		"subprocess ssh: ssh: connect to host box port 22: Connection "
		"refused\n"
		"Fatal: unable to open config file: unexpected EOF\n"
		"Is there a repository at the following location?\n"
		"sftp:box:r\n";

	CHECK_INT(outcome_of(1, said), OUTCOME_NETWORK);
	CHECK_INT(outcome_of(10, said), OUTCOME_NETWORK);
}

/* Nor does it help to try again where ssh may not log in. */
CHECK_TEST(ssh_denied)
{
	static const char *const said[] = {
		"subprocess ssh: root@box: Permission denied "
		"(publickey,password).\n"
		"Fatal: unable to open repository: unable to start the sftp "
		"session, error: unexpected EOF",
		"Host key verification failed.\nunexpected EOF",
		"@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n"
		"Host key verification failed.\nConnection reset",
		"Received disconnect: Too many authentication failures\n"
		"Connection closed by 192.0.2.1",
	};

	for (size_t i = 0; i < BK_COUNT(said); i++) {
		CHECK_INT(outcome_of(1, said[i]), OUTCOME_FAILED);
		CHECK_INT(outcome_of(10, said[i]), OUTCOME_FAILED);
	}
}

CHECK_TEST(exits)
{
	CHECK_INT(outcome_exit(OUTCOME_OK), 0);
	CHECK_INT(outcome_exit(OUTCOME_PARTIAL), 3);
	CHECK_INT(outcome_exit(OUTCOME_FAILED), 1);
	CHECK_INT(outcome_exit(OUTCOME_NO_REPOSITORY), 66);
	CHECK_INT(outcome_exit(OUTCOME_LOCKED), 75);
	CHECK_INT(outcome_exit(OUTCOME_NETWORK), 75);
	CHECK_INT(outcome_exit(OUTCOME_PASSWORD), 77);
	CHECK_INT(outcome_exit(OUTCOME_NO_PARENT), 1);
}

CHECK_TEST(locks)
{
	struct outcome_lock l;

	CHECK(outcome_lock(LOCK_14, &l));
	CHECK_STR(l.host, "box.example.org");
	CHECK_INT(l.pid, 4711);
	CHECK_INT(l.age, 2);
	CHECK(outcome_lock(LOCK_18, &l));
	CHECK_STR(l.host, "nas");
	CHECK_INT(l.pid, 12);
	CHECK_INT(l.age, 3723);
}

CHECK_TEST(no_locks)
{
	struct outcome_lock l;

	CHECK(!outcome_lock("", &l));
	CHECK(!outcome_lock(NO_REPO_14, &l));
	CHECK(!outcome_lock("repository is already locked", &l));
	CHECK(!outcome_lock("repository is already locked by PID x on h by",
			    &l));
	CHECK(!outcome_lock("repository is already locked by PID 7", &l));
	CHECK(!outcome_lock("by PID 7 on h by u", &l));
}

static int64_t age(const char *text)
{
	char *said = bk_asprintf("already locked by PID 1 on h by u\n"
				 "lock was created at 2026-11-22 (%s ago)",
				 text);
	struct outcome_lock l;

	CHECK(outcome_lock(said, &l));
	free(said);
	return l.age;
}

CHECK_TEST(ages)
{
	struct outcome_lock l;

	CHECK_INT(age("512ms"), 0);
	CHECK_INT(age("1.5ms"), 0);
	CHECK_INT(age("59.9s"), 59);
	CHECK_INT(age("1m0s"), 60);
	CHECK_INT(age("31m4.2s"), 1864);
	CHECK_INT(age("1h0m0.5s"), 3600);
	CHECK_INT(age("2562047h47m16.854775807s"), 9223372036);
	/* a clock that went back */
	CHECK_INT(age("-5m0s"), 0);
	/* nothing that a lock has, and nothing to trip over */
	CHECK(age("99999999999999999999999999999h") >= 0);
	CHECK(age("1e308h1e308h") >= 0);
	CHECK(age("1e999h") >= 0);
	CHECK(outcome_lock("already locked by PID 1 on h by u", &l));
	CHECK_INT(l.age, -1);
	CHECK(outcome_lock("already locked by PID 1 on h by u\n"
			   "lock was created at 2026",
			   &l));
	CHECK_INT(l.age, -1);
}

CHECK_TEST(long_names_of_hosts)
{
	char *said = bk_asprintf(
		"already locked by PID 1 on %0300d by u (UID 0)", 7);
	struct outcome_lock l;

	/* cut, so that it is no host's; such a lock is not removed */
	CHECK(outcome_lock(said, &l));
	CHECK_INT(strlen(l.host), 255);
	free(said);
}
