/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-cold/sftp.c bin/bk-cold/wire.c */
/* The client, with a server of a few lines, and with that of OpenSSH. */
#include "sftp.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "check.h"
#include "scratch.h"
#include "str.h"
#include "time.h"

enum { QUIET_MS = 300 };

/* ---- a server in a child ------------------------------------------------- */

static void must_read(int fd, void *p, size_t n)
{
	for (char *at = p; n > 0;) {
		ssize_t got = read(fd, at, n);

		if (got <= 0)
			_exit(0);
		at += got;
		n -= (size_t)got;
	}
}

/* The next request: its type, and its id. */
static int next(int fd, uint32_t *ret_id)
{
	static unsigned char body[WIRE_PACKET_MAX];
	unsigned char head[4];
	struct wire w = { .p = head, .len = 4 };
	uint32_t n;
	int type;

	must_read(fd, head, 4);
	n = wire_get_u32(&w);
	must_read(fd, body, n);
	w = (struct wire){ .p = body, .len = n };
	type = wire_get_u8(&w);
	*ret_id = wire_get_u32(&w);
	return type;
}

static void put(int fd, int type, const struct bk_buf *body)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	wire_u32(&b, (uint32_t)(1 + body->len));
	bk_buf_addc(&b, (char)type);
	bk_buf_add(&b, body->p, body->len);
	for (size_t at = 0; at < b.len;) {
		ssize_t n = write(fd, b.p + at, b.len - at);

		if (n <= 0)
			_exit(0);
		at += (size_t)n;
	}
}

static void put_status(int fd, uint32_t id, uint32_t code)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	wire_u32(&b, id);
	wire_u32(&b, code);
	wire_text(&b, "");
	wire_text(&b, "");
	put(fd, FXP_STATUS, &b);
}

/* INIT, and VERSION with these extensions. */
static void greet(int fd, const char *extensions)
{
	BK_AUTO_STRV struct bk_strv names = BK_STRV_INIT;
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	uint32_t version;

	if (next(fd, &version) != FXP_INIT || version != 3)
		_exit(1);
	wire_u32(&b, 3);
	bk_strv_split(&names, extensions, " ");
	for (size_t i = 0; i < names.n; i++) {
		wire_text(&b, names.v[i]);
		wire_text(&b, "1");
	}
	put(fd, FXP_VERSION, &b);
}

static struct sftp *talk(void (*server)(int fd), struct bk_err *err)
{
	int fd[2];
	pid_t pid;

	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		(void)close(fd[0]);
		server(fd[1]);
		_exit(0);
	}
	(void)close(fd[1]);
	return sftp_new(fd[0], fd[0], QUIET_MS, err);
}

static struct sftp *must_talk(void (*server)(int fd))
{
	struct bk_err err;
	struct sftp *s = talk(server, &err);

	if (!s)
		CHECK_FAIL("no client: %s", err.msg);
	return s;
}

/* ---- replies ------------------------------------------------------------- */

struct seen {
	int replies, none;
	uint32_t status[4];
};

static void on_reply(void *arg, const struct reply *r)
{
	struct seen *seen = arg;

	if (!r) {
		seen->none++;
		return;
	}
	if (seen->replies < 4)
		seen->status[seen->replies] = r->status;
	seen->replies++;
}

/* A request of some kind. */
static void ask(struct sftp *s, struct seen *seen)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	wire_text(&b, "x");
	sftp_send(s, FXP_LSTAT, &b, on_reply, seen);
}

/* Until n replies, or the end; the error of that. */
static struct bk_err until(struct sftp *s, const struct seen *seen, int n)
{
	struct bk_err err = { 0 };

	while (seen->replies + seen->none < n || n == 0)
		if (sftp_turn(s, 100, &err) < 0)
			break;
	return err;
}

/* ---- beginning ----------------------------------------------------------- */

static void serve_old(int fd)
{
	uint32_t id;

	greet(fd, "fsync@openssh.com other@example.org");
	(void)next(fd, &id);
}

CHECK_TEST(extensions_are_those_of_version)
{
	struct sftp *s = must_talk(serve_old);

	CHECK(sftp_has(s, "fsync@openssh.com"));
	CHECK(sftp_has(s, "other@example.org"));
	CHECK(!sftp_has(s, "limits@openssh.com"));
	CHECK_INT(sftp_write_max(s), 32768);
	CHECK_INT(sftp_read_max(s), 32768);
	sftp_free(s);
}

static uint64_t limits[4]; /* packet, read, write, handles */

static void serve_limits(int fd)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	uint32_t id;

	greet(fd, "limits@openssh.com");
	if (next(fd, &id) != FXP_EXTENDED)
		_exit(1);
	wire_u32(&b, id);
	for (size_t i = 0; i < 4; i++)
		wire_u64(&b, limits[i]);
	put(fd, FXP_EXTENDED_REPLY, &b);
	(void)next(fd, &id);
}

CHECK_TEST(limits_are_those_of_the_server_and_ours)
{
	static const struct {
		uint64_t packet, reading, writing;
		size_t want_read, want_write;
	} v[] = {
		{ 262144, 261120, 261120, 261120, 261120 },
		{ 262144, 100000, 50000, 100000, 50000 },
		/* never larger than a packet may be, or as its size says */
		{ UINT64_MAX, UINT64_MAX, UINT64_MAX, 261120, 261120 },
		{ 65536, 261120, 261120, 64512, 64512 },
		/* 0 is no limit worth the name; 32 KiB always go */
		{ 262144, 0, 0, 32768, 32768 },
		{ 100, 100, 100, 32768, 32768 },
	};

	for (size_t i = 0; i < BK_COUNT(v); i++) {
		struct sftp *s;

		limits[0] = v[i].packet;
		limits[1] = v[i].reading;
		limits[2] = v[i].writing;
		s = must_talk(serve_limits);
		CHECK_INT(sftp_read_max(s), v[i].want_read);
		CHECK_INT(sftp_write_max(s), v[i].want_write);
		sftp_free(s);
	}
}

static void serve_text(int fd)
{
	uint32_t id;

	(void)!write(fd, "Welcome to the machine!\n", 24);
	(void)next(fd, &id);
	(void)next(fd, &id);
}

static void serve_version_2(int fd)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	uint32_t id;

	(void)next(fd, &id);
	wire_u32(&b, 2);
	put(fd, FXP_VERSION, &b);
	(void)next(fd, &id);
}

static void serve_nothing(int fd)
{
	(void)fd;
}

static void serve_silence(int fd)
{
	uint32_t id;

	for (;;)
		(void)next(fd, &id);
}

CHECK_TEST(what_is_no_sftp_is_told_so)
{
	struct bk_err err;

	CHECK(!talk(serve_text, &err));
	CHECK_INT(err.exit, BK_EX_PROTOCOL);
	CHECK_HAS(err.msg, "no SFTP");
	CHECK(!talk(serve_version_2, &err));
	CHECK_INT(err.exit, BK_EX_PROTOCOL);
	CHECK(!talk(serve_nothing, &err));
	CHECK_INT(err.exit, BK_EX_TEMPFAIL);
	CHECK(!talk(serve_silence, &err));
	CHECK_INT(err.exit, BK_EX_TEMPFAIL);
	CHECK_HAS(err.msg, "no answer");
}

/* ---- talking ------------------------------------------------------------- */

static void serve_backwards(int fd)
{
	uint32_t id[3];

	greet(fd, "");
	for (int i = 0; i < 3; i++)
		(void)next(fd, &id[i]);
	for (int i = 3; i-- > 0;)
		put_status(fd, id[i], (uint32_t)i);
	(void)next(fd, &id[0]);
}

CHECK_TEST(replies_go_to_their_requests_in_any_order)
{
	struct sftp *s = must_talk(serve_backwards);
	struct seen seen[3] = { 0 };

	for (int i = 0; i < 3; i++)
		ask(s, &seen[i]);
	(void)until(s, &seen[0], 1);
	for (int i = 0; i < 3; i++) {
		CHECK_INT(seen[i].replies, 1);
		CHECK_INT(seen[i].status[0], i);
	}
	sftp_free(s);
}

enum { CROWD = 5000 };

static void serve_crowd(int fd)
{
	static uint32_t id[CROWD];

	greet(fd, "");
	for (int i = 0; i < CROWD; i++)
		(void)next(fd, &id[i]);
	for (int i = 0; i < CROWD; i++)
		put_status(fd, id[i * 7 % CROWD], FX_OK);
	(void)next(fd, &id[0]);
}

CHECK_TEST(any_number_of_requests_can_be_in_flight)
{
	struct sftp *s = must_talk(serve_crowd);
	struct seen seen = { 0 };

	for (int i = 0; i < CROWD; i++) {
		ask(s, &seen);
		CHECK(sftp_may_send(s) == (i < 511));
	}
	(void)until(s, &seen, CROWD);
	CHECK_INT(seen.replies, CROWD);
	CHECK(sftp_may_send(s));
	sftp_free(s);
}

static void serve_once(int fd)
{
	uint32_t id;

	greet(fd, "");
	(void)next(fd, &id);
	put_status(fd, id, FX_OK);
	serve_silence(fd);
}

CHECK_TEST(who_is_silent_is_dead)
{
	struct sftp *s = must_talk(serve_once);
	struct seen first = { 0 }, second = { 0 };
	struct bk_err err;
	int64_t start;

	ask(s, &first);
	(void)until(s, &first, 1);
	/* without a question there may be silence */
	(void)poll(NULL, 0, 2 * QUIET_MS);
	CHECK_INT(sftp_turn(s, 0, &err), 0);
	start = bk_time_mono_ms();
	ask(s, &second);
	err = until(s, &second, 1);
	CHECK_INT(second.none, 1);
	CHECK(sftp_is_dead(s));
	CHECK_INT(err.exit, BK_EX_TEMPFAIL);
	CHECK_STR(sftp_why(s), "it does not answer any more");
	CHECK(bk_time_mono_ms() - start >= QUIET_MS);
	/* and nothing can be asked any more */
	ask(s, &second);
	CHECK_INT(second.none, 2);
	sftp_free(s);
}

static void serve_slowly(int fd)
{
	uint32_t id;

	greet(fd, "");
	(void)next(fd, &id);
	(void)poll(NULL, 0, 3 * QUIET_MS);
	put_status(fd, id, FX_OK);
	(void)next(fd, &id);
}

CHECK_TEST(what_takes_long_is_waited_for)
{
	struct sftp *s = must_talk(serve_slowly);
	struct seen seen = { 0 };

	ask(s, &seen);
	sftp_be_patient(s, (int64_t)60 * 1000);
	(void)until(s, &seen, 1);
	CHECK_INT(seen.replies, 1);
	sftp_free(s);
}

static uint32_t wrong_by;
static int wrong_type;
static size_t wrong_len;

static void serve_wrongly(int fd)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	uint32_t id;

	greet(fd, "");
	(void)next(fd, &id);
	wire_u32(&b, id + wrong_by);
	wire_u32(&b, FX_OK);
	b.len = wrong_len;
	put(fd, wrong_type, &b);
	(void)next(fd, &id);
}

CHECK_TEST(replies_to_nobody_and_cut_ones_end_it)
{
	static const struct {
		uint32_t by;
		int type;
		size_t len;
	} v[] = {
		{ 1, FXP_STATUS, 8 },	 { 0, FXP_STATUS, 7 },
		{ 0, FXP_STATUS, 4 },	 { 0, FXP_STATUS, 3 },
		{ 0, FXP_STATUS, 0 },	 { 0x80000000, FXP_STATUS, 8 },
		{ 1024, FXP_STATUS, 8 }, { 7, FXP_HANDLE, 8 },
		{ 99, FXP_VERSION, 8 },
	};

	for (size_t i = 0; i < BK_COUNT(v); i++) {
		struct seen seen = { 0 };
		struct bk_err err;
		struct sftp *s;

		wrong_by = v[i].by;
		wrong_type = v[i].type;
		wrong_len = v[i].len;
		s = must_talk(serve_wrongly);
		ask(s, &seen);
		err = until(s, &seen, 1);
		CHECK_INT(seen.replies, 0);
		CHECK_INT(seen.none, 1);
		CHECK_INT(err.exit, BK_EX_PROTOCOL);
		CHECK(sftp_is_dead(s));
		sftp_free(s);
	}
}

static void serve_and_go(int fd)
{
	uint32_t id;

	greet(fd, "");
	(void)next(fd, &id);
	(void)shutdown(fd, SHUT_RDWR);
}

/* And no SIGPIPE, which would end the test. */
CHECK_TEST(who_is_gone_is_dead)
{
	struct sftp *s = must_talk(serve_and_go);
	struct seen seen = { 0 };

	for (int i = 0; i < 10; i++)
		ask(s, &seen);
	(void)until(s, &seen, 10);
	CHECK_INT(seen.none, 10);
	ask(s, &seen);
	CHECK_INT(seen.none, 11);
	sftp_free(s);
}

/* ---- OpenSSH ------------------------------------------------------------- */

static const char *real_server(void)
{
	static const char *const v[] = {
		"/usr/lib/openssh/sftp-server",
		"/usr/libexec/openssh/sftp-server",
		"/usr/lib/ssh/sftp-server",
	};

	for (size_t i = 0; i < BK_COUNT(v); i++)
		if (access(v[i], X_OK) == 0)
			return v[i];
	CHECK_SKIP("there is no sftp-server");
}

static void serve_real(int fd)
{
	const char *server = real_server();

	if (dup2(fd, 0) == 0 && dup2(fd, 1) == 1)
		(void)execl(server, server, (char *)NULL);
	_exit(1);
}

struct kept {
	bool over;
	int type;
	uint32_t status;
	struct bk_buf handle;
};

static void keep(void *arg, const struct reply *r)
{
	struct kept *k = arg;
	struct wire w;
	size_t n;
	const unsigned char *p;

	k->over = true;
	k->type = r ? r->type : 0;
	k->status = r ? r->status : 0;
	if (k->type != FXP_HANDLE)
		return;
	w = r->body;
	p = wire_get_string(&w, &n);
	bk_buf_add(&k->handle, p, n);
}

static void await(struct sftp *s, struct kept *k)
{
	struct bk_err err;

	while (!k->over)
		if (sftp_turn(s, 1000, &err) < 0)
			CHECK_FAIL("lost: %s", err.msg);
}

static void open_new(struct sftp *s, const char *path, struct kept *k)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	wire_text(&b, path);
	wire_u32(&b, FXF_WRITE | FXF_CREAT | FXF_EXCL);
	wire_no_attrs(&b);
	sftp_send(s, FXP_OPEN, &b, keep, k);
	await(s, k);
}

static void check_file(const char *path, const struct bk_buf *want)
{
	BK_AUTO_FREE char *text = bk_malloc(want->len + 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	CHECK_INT(read(fd, text, want->len + 1), want->len);
	CHECK(memcmp(text, want->p, want->len) == 0);
	(void)close(fd);
}

CHECK_TEST(openssh_takes_a_file_in_pieces)
{
	struct kept opened = { 0 }, again = { 0 }, end[3] = { 0 };
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	BK_AUTO_BUF struct bk_buf data = BK_BUF_INIT;
	struct seen seen = { 0 };
	struct sftp *s;
	int writes = 0;
	size_t n;

	(void)real_server();
	(void)scratch();
	for (int i = 0; i < 300000; i++)
		bk_buf_addf(&data, "%d\n", i);
	s = must_talk(serve_real);
	CHECK(sftp_has(s, "fsync@openssh.com"));
	open_new(s, "file", &opened);
	CHECK_INT(opened.type, FXP_HANDLE);
	/* it must not be there */
	open_new(s, "file", &again);
	CHECK_INT(again.type, FXP_STATUS);
	CHECK_INT(again.status, FX_FAILURE);
	for (size_t at = 0; at < data.len; at += n, writes++) {
		n = data.len - at;
		n = n < sftp_write_max(s) ? n : sftp_write_max(s);
		sftp_send_write(s, opened.handle.p, opened.handle.len, at,
				data.p + at, n, on_reply, &seen);
	}
	wire_text(&b, "fsync@openssh.com");
	wire_string(&b, opened.handle.p, opened.handle.len);
	sftp_send(s, FXP_EXTENDED, &b, keep, &end[0]);
	bk_buf_clear(&b);
	wire_string(&b, opened.handle.p, opened.handle.len);
	sftp_send(s, FXP_CLOSE, &b, keep, &end[1]);
	bk_buf_clear(&b);
	wire_text(&b, "file");
	wire_text(&b, "renamed");
	sftp_send(s, FXP_RENAME, &b, keep, &end[2]);
	await(s, &end[2]);
	CHECK_INT(seen.replies, writes);
	for (int i = 0; i < 3; i++) {
		CHECK_INT(end[i].type, FXP_STATUS);
		CHECK_INT(end[i].status, FX_OK);
	}
	sftp_free(s);
	bk_buf_free(&opened.handle);
	check_file("renamed", &data);
}
