/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rclone.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "exec.h"
#include "file.h"
#include "sig.h"
#include "time.h"

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define TIMEOUT_MS 45000
#define ANSWER_LIMIT ((size_t)1 << 20)
#define HEAD 9 /* bytes before what a frame holds */

enum frame {
	FRAME_DATA = 0,
	FRAME_HEADERS = 1,
	FRAME_RST_STREAM = 3,
	FRAME_SETTINGS = 4,
	FRAME_GOAWAY = 7,
};
enum { END_STREAM = 0x1, END_HEADERS = 0x4, PADDED = 0x8, PRIORITY = 0x20 };

/* ---- the question ---------------------------------------------------------- */

static void add_frame(struct bk_buf *b, enum frame type, int flags, int stream,
		      const struct bk_buf *what)
{
	size_t n = what ? what->len : 0;

	bk_buf_addc(b, (char)(n >> 16));
	bk_buf_addc(b, (char)(n >> 8));
	bk_buf_addc(b, (char)n);
	bk_buf_addc(b, (char)type);
	bk_buf_addc(b, (char)flags);
	for (int i = 0; i < 3; i++)
		bk_buf_addc(b, 0);
	bk_buf_addc(b, (char)stream);
	if (n > 0)
		bk_buf_add(b, what->p, n);
}

/* A header whose name is number index of the static table, not to be kept. */
static void add_header(struct bk_buf *b, char index, const char *value)
{
	size_t n = strlen(value);

	bk_buf_addc(b, index);
	bk_buf_addc(b, (char)(n < 127 ? n : 127));
	if (n >= 127)
		bk_buf_addc(b, (char)(n - 127));
	bk_buf_adds(b, value);
}

static void add_question(struct bk_buf *b, const char *method, const char *path,
			 const char *body)
{
	static const char no_table[] = { 0, 1, 0, 0, 0, 0 };
	BK_AUTO_BUF struct bk_buf settings = BK_BUF_INIT, head = BK_BUF_INIT,
				  data = BK_BUF_INIT;

	bk_buf_adds(b, PREFACE);
	bk_buf_add(&settings, no_table, sizeof(no_table));
	add_frame(b, FRAME_SETTINGS, 0, 0, &settings);
	add_header(&head, 2, method);
	bk_buf_addc(&head, (char)0x86); /* :scheme http */
	add_header(&head, 4, path);
	add_header(&head, 1, "localhost"); /* :authority */
	add_frame(b, FRAME_HEADERS, END_HEADERS | (body ? 0 : END_STREAM), 1,
		  &head);
	if (!body)
		return;
	bk_buf_adds(&data, body);
	add_frame(b, FRAME_DATA, END_STREAM, 1, &data);
}

/* ---- the answer ------------------------------------------------------------ */

/* Bit n of them; what is behind the end is one, as the padding is. */
static unsigned int bit_of(const unsigned char *p, size_t len, size_t n)
{
	return n < len * 8 ? p[n / 8] >> (7 - n % 8) & 1U : 1;
}

/* Three digits in the code of Huffman of RFC 7541, appendix B. */
static int huffman_digits(const unsigned char *p, size_t len)
{
	size_t at = 0;
	int n = 0;

	for (int digit = 0; digit < 3; digit++) {
		unsigned int code = 0;

		for (size_t i = 0; i < 6; i++)
			code = code << 1 | bit_of(p, len, at + i);
		if (code >> 1 <= 2) { /* 00000 00001 00010 */
			n = n * 10 + (int)(code >> 1);
			at += 5;
		} else if (code >= 0x19 && code <= 0x1f) { /* 3 to 9 */
			n = n * 10 + (int)(code - 0x19 + 3);
			at += 6;
		} else {
			return 0;
		}
	}
	return at <= len * 8 ? n : 0;
}

static int plain_digits(const unsigned char *p, size_t len)
{
	int n = 0;

	for (size_t i = 0; i < len; i++) {
		if (p[i] < '0' || p[i] > '9')
			return 0;
		n = n * 10 + (p[i] - '0');
	}
	return n;
}

/* ":status" has the numbers 8 to 14, in each of three ways of keeping. */
static bool is_status_name(unsigned char c)
{
	unsigned char number = c & 0x40 ? c & 0x3f : c & 0x0f;

	return c < 0x80 && (c & 0x60) != 0x20 && (c & 0x70) != 0x30 &&
	       number >= 8 && number <= 14;
}

int rclone_status(const unsigned char *p, size_t len)
{
	static const int known[] = { 200, 204, 206, 304, 400, 404, 500 };
	size_t n;

	/* The size of the table, which we set to nothing. */
	while (len > 0 && (*p & 0xe0) == 0x20) {
		p++;
		len--;
	}
	if (len > 0 && *p >= 0x88 && *p <= 0x8e)
		return known[*p - 0x88];
	if (len < 2 || !is_status_name(*p))
		return 0;
	n = p[1] & 0x7f;
	if (n > 3 || n + 2 > len)
		return 0;
	return p[1] & 0x80 ? huffman_digits(p + 2, n)
	       : n == 3	   ? plain_digits(p + 2, n)
			   : 0;
}

static int headers_status(const unsigned char *p, size_t n, int flags)
{
	size_t skip = (flags & PADDED ? 1 : 0) + (flags & PRIORITY ? 5 : 0);

	return skip < n ? rclone_status(p + skip, n - skip) : 0;
}

/*
 * The answer in what came so far: its status; 0: not yet; -1: there will be
 * none.
 */
static int find_answer(const struct bk_buf *b)
{
	const unsigned char *p = (const unsigned char *)b->p;
	size_t at = 0;

	while (b->len - at >= HEAD) {
		const unsigned char *f = p + at;
		size_t n = (size_t)f[0] << 16 | (size_t)f[1] << 8 | f[2];
		int status;

		/* rclone begins with its settings, whoever else does not. */
		if ((at == 0 && f[3] != FRAME_SETTINGS) || n > ANSWER_LIMIT)
			return -1;
		if (b->len - at - HEAD < n)
			return 0;
		switch (f[3]) {
		case FRAME_HEADERS:
			status = headers_status(f + HEAD, n, f[4]);
			return status ? status : -1;
		case FRAME_RST_STREAM:
		case FRAME_GOAWAY:
			return -1;
		default:
			break;
		}
		at += HEAD + n;
	}
	return 0;
}

/* ---- the connection -------------------------------------------------------- */

static int nobody(const struct bk_buf *said, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv lines = BK_STRV_INIT;

	bk_strv_split(&lines, said->p ? said->p : "", "\r\n");
	return bk_err_set(err, BK_EX_UNAVAILABLE, 0, "no rclone answers: %s",
			  lines.n > 0 ? bk_str_trim(lines.v[lines.n - 1])
				      : "nothing was said");
}

static int more(int *fd, struct bk_buf *b)
{
	ssize_t n;

	bk_buf_reserve(b, 65536);
	n = read(*fd, b->p + b->len, 65536);
	if (n > 0)
		b->len += (size_t)n;
	else if (n == 0 || errno != EINTR)
		*fd = -1;
	return b->len > ANSWER_LIMIT ? -1 : 0;
}

static int await(const struct bk_child *c, int (*find)(const struct bk_buf *),
		 struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf said = BK_BUF_INIT, got = BK_BUF_INIT;
	int64_t end = bk_time_mono_ms() + TIMEOUT_MS, left;
	int out = c->out, errs = c->err, status = 0;

	while (status == 0 && (out >= 0 || errs >= 0)) {
		struct pollfd p[3] = { { .fd = out, .events = POLLIN },
				       { .fd = errs, .events = POLLIN },
				       { .fd = bk_sig_fd(),
					 .events = POLLIN } };

		left = end - bk_time_mono_ms();
		if (left <= 0 || bk_sig_pending())
			return bk_err_set(err, BK_EX_TEMPFAIL, 0,
					  "no answer in time");
		if (poll(p, 3, (int)left) < 0 && errno != EINTR)
			return bk_err_sys(err, "cannot poll");
		if ((p[0].revents && more(&out, &got) < 0) ||
		    (p[1].revents && more(&errs, &said) < 0))
			break;
		status = got.len > 0 ? find(&got) : 0;
	}
	bk_buf_adds(&said, "");
	return status > 0 ? status : nobody(&said, err);
}

static int talk(const struct bk_strv *argv, const struct bk_buf *question,
		int (*find)(const struct bk_buf *), struct bk_err *err)
{
	struct bk_child c = BK_CHILD_INIT;
	struct bk_exec x = { .argv = argv->v,
			     .in = BK_EXEC_PIPE,
			     .out = BK_EXEC_PIPE,
			     .err = BK_EXEC_PIPE };
	int status;

	if (bk_exec_start(&x, &c, err) < 0)
		return -1;
	/* It fits into a pipe; who is gone shows by not answering. */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)bk_fd_write(c.in, question->p, question->len);
	(void)signal(SIGPIPE, SIG_DFL);
	status = await(&c, find, err);
	(void)bk_exec_stop(&c, 2000);
	return status;
}

int rclone_ask(const struct bk_strv *argv, const char *method, const char *path,
	       const char *body, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf question = BK_BUF_INIT;

	add_question(&question, method, path, body);
	return talk(argv, &question, find_answer, err);
}

/* The type of the first packet. */
static int find_version(const struct bk_buf *b)
{
	return b->len < 5 ? 0 : b->p[4] == 2 ? 1 : -1;
}

int rclone_is_sftp(const struct bk_strv *argv, struct bk_err *err)
{
	/* INIT, and REALPATH of "." so often that rclone sees what it is not */
	static const char hello[] = { 0, 0, 0, 5, 1, 0, 0, 0, 3 };
	static const char path[] = { 0, 0, 0, 10, 16, 0, 0,
				     0, 1, 0, 0,  0,  1, '.' };
	BK_AUTO_BUF struct bk_buf question = BK_BUF_INIT;

	bk_buf_add(&question, hello, sizeof(hello));
	for (int i = 0; i < 3; i++)
		bk_buf_add(&question, path, sizeof(path));
	return talk(argv, &question, find_version, err);
}
