/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rec.h"

#include <errno.h>

#include "file.h"
#include "scratch.h"
#include "sig.h"
#include "str.h"

static struct bk_err err;

/* Writing: all goes into a text. */

static char *text;
static size_t text_len;

static struct bk_rec writer(enum bk_rec_mode mode)
{
	struct bk_rec r = { .mode = mode };

	r.f = open_memstream(&text, &text_len);
	CHECK(r.f);
	return r;
}

static const char *written(struct bk_rec *r)
{
	CHECK_INT(fclose(r->f), 0);
	return text;
}

CHECK_TEST(writes_json)
{
	struct bk_rec r = writer(BK_REC_JSON);
	json_t *o = json_object();

	bk_rec_set_str(o, "s", "a\nb\xff");
	bk_rec_set_int(o, "n", INT64_MIN);
	bk_rec_set_bool(o, "b", true);
	bk_rec_set_time(o, "t", 1795366800);
	bk_rec_json(&r, "x", o);
	bk_rec_json(&r, "y", json_object());
	bk_rec_end(&r, 3);
	CHECK_INT(r.count, 2);
	CHECK_STR(written(&r),
		  "{\"v\":1,\"type\":\"x\",\"s\":\"a\\nb\xef\xbf\xbd\","
		  "\"n\":-9223372036854775808,\"b\":true,"
		  "\"t\":\"2026-11-22T17:00:00Z\"}\n"
		  "{\"v\":1,\"type\":\"y\"}\n"
		  "{\"v\":1,\"type\":\"end\",\"status\":3,\"count\":2}\n");
	free(text);
}

CHECK_TEST(writes_text)
{
	struct bk_rec r = writer(BK_REC_TEXT);

	bk_rec_text(&r, "a\tb", "c\\d\n", "", "\x1b\xff", NULL);
	bk_rec_text(&r, "e", NULL);
	bk_rec_end(&r, 0);
	CHECK_INT(r.count, 2);
	CHECK_STR(written(&r), "a\\tb\tc\\\\d\\n\t\t\x1b\xff\ne\n");
	free(text);
	r = writer(BK_REC_TEXT);
	r.tty = true;
	bk_rec_text(&r, "\x1b[2J", "a\tb\xff", NULL);
	CHECK_STR(written(&r), "\\x1b[2J\ta\\tb\\xff\n");
	free(text);
}

CHECK_TEST(writes_nul)
{
	struct bk_rec r = writer(BK_REC_NUL);

	bk_rec_text(&r, "a\tb\n\\\xff", "second", NULL);
	bk_rec_text(&r, "c", NULL);
	bk_rec_end(&r, 0);
	CHECK_INT(r.count, 2);
	(void)written(&r);
	CHECK_INT(text_len, 9);
	CHECK(memcmp(text, "a\tb\n\\\xff\0c", 9) == 0);
	free(text);
}

CHECK_TEST(stdout_is_no_terminal_here)
{
	struct bk_rec r = bk_rec_stdout(BK_REC_JSON);

	CHECK(r.f == stdout && !r.tty && r.count == 0);
	CHECK_INT(r.mode, BK_REC_JSON);
}

/* Members. */

static void path_there_and_back(const char *path, const char *b64)
{
	json_t *o = json_object(), *again;
	char *line, *got;

	bk_rec_set_path(o, "path", path);
	CHECK_STR(bk_rec_str(o, "path_b64"), b64);
	CHECK(bk_str_utf8(bk_rec_str(o, "path"),
			  strlen(bk_rec_str(o, "path"))));
	line = json_dumps(o, JSON_COMPACT);
	CHECK(line && !strchr(line, '\n'));
	again = json_loads(line, 0, NULL);
	got = bk_rec_get_path(again, "path");
	CHECK_STR(got, path);
	free(got);
	free(line);
	json_decref(again);
	json_decref(o);
}

CHECK_TEST(paths)
{
	path_there_and_back("/a", NULL);
	path_there_and_back("", NULL);
	path_there_and_back("/\xc3\xa9\n\t\"\\\x01\x7f$*", NULL);
	path_there_and_back("/\xff", "L/8=");
	path_there_and_back("/\xc3\xa9\xed\xa0\x80", "L8Op7aCA");
	path_there_and_back("/\xc0\x80 \xe2\x82", "L8CAIOKC");
}

static void no_path(const char *json)
{
	json_t *o = json_loads(json, 0, NULL);

	CHECK(o);
	CHECK(!bk_rec_get_path(o, "path"));
	json_decref(o);
}

CHECK_TEST(no_paths)
{
	no_path("{}");
	no_path("[]");
	no_path("{\"path\":7}");
	no_path("{\"path\":null}");
	no_path("{\"path\":\"/a\",\"path_b64\":\"L\"}");
	no_path("{\"path\":\"/a\",\"path_b64\":\"\\u00e9AAA\"}");
	/* a NUL byte in the middle */
	no_path("{\"path\":\"/a\",\"path_b64\":\"LwBh\"}");
}

CHECK_TEST(members)
{
	json_t *o = json_loads("{\"s\":\"x\",\"n\":5,\"r\":1.5,\"b\":true,"
			       "\"z\":null,\"t\":\"1970-01-01T00:00:07Z\","
			       "\"bad\":\"1970\"}",
			       0, NULL);

	CHECK_STR(bk_rec_str(o, "s"), "x");
	CHECK_STR(bk_rec_str(o, "n"), NULL);
	CHECK_STR(bk_rec_str(o, "none"), NULL);
	CHECK_INT(bk_rec_int(o, "n", -1), 5);
	CHECK_INT(bk_rec_int(o, "r", -1), -1);
	CHECK_INT(bk_rec_int(o, "s", -1), -1);
	CHECK_INT(bk_rec_int(o, "none", -1), -1);
	CHECK(bk_rec_bool(o, "b", false) && bk_rec_bool(o, "n", true));
	CHECK(!bk_rec_bool(o, "z", false) && bk_rec_bool(o, "none", true));
	CHECK_INT(bk_rec_time(o, "t", -1), 7);
	CHECK_INT(bk_rec_time(o, "bad", -1), -1);
	CHECK_INT(bk_rec_time(o, "n", -1), -1);
	CHECK_STR(bk_rec_str(NULL, "s"), NULL);
	json_decref(o);
}

/* Lines. */

static int fd_of(const char *p, size_t len)
{
	int fd = memfd_create("stream", MFD_CLOEXEC);

	CHECK_INT(bk_fd_write(fd, p, len), 0);
	CHECK_INT(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void line_is(struct bk_lines *l, const char *want)
{
	char *line;
	size_t len;

	CHECK_INT(bk_lines_next(l, &line, &len, &err), want != NULL);
	if (!want)
		return;
	CHECK_STR(line, want);
	CHECK_INT(len, strlen(want));
}

CHECK_TEST(lines)
{
	struct bk_lines l = { .fd = fd_of("a\n\nb\r\nc", 7) };

	CHECK(!bk_lines_ready(&l));
	line_is(&l, "a");
	CHECK(bk_lines_ready(&l));
	line_is(&l, "");
	line_is(&l, "b\r");
	CHECK(!bk_lines_ready(&l));
	line_is(&l, "c");
	CHECK(!bk_lines_ready(&l));
	line_is(&l, NULL);
	line_is(&l, NULL);
	bk_lines_free(&l);
	close(l.fd);
	l = (struct bk_lines){ .fd = fd_of("", 0) };
	line_is(&l, NULL);
	bk_lines_free(&l);
	close(l.fd);
	l = (struct bk_lines){ .fd = fd_of("a\n", 2) };
	line_is(&l, "a");
	line_is(&l, NULL);
	bk_lines_free(&l);
	close(l.fd);
}

CHECK_TEST(lines_with_nul)
{
	struct bk_lines l = { .fd = fd_of("a\0b\n\0\n", 6) };
	char *line;
	size_t len;

	CHECK_INT(bk_lines_next(&l, &line, &len, &err), 1);
	CHECK_INT(len, 3);
	CHECK(memcmp(line, "a\0b", 4) == 0);
	CHECK_INT(bk_lines_next(&l, &line, &len, &err), 1);
	CHECK_INT(len, 1);
	line_is(&l, NULL);
	bk_lines_free(&l);
	close(l.fd);
}

static void limit(const char *data, size_t max, int want)
{
	struct bk_lines l = { .fd = fd_of(data, strlen(data)), .limit = max };
	char *line;
	size_t len;

	err.exit = 0;
	CHECK_INT(bk_lines_next(&l, &line, &len, &err), want);
	CHECK_INT(err.exit, want < 0 ? 65 : 0);
	bk_lines_free(&l);
	close(l.fd);
}

CHECK_TEST(limit_of_a_line)
{
	limit("0123456789\nx\n", 10, 1);
	limit("0123456789", 10, 1);
	limit("0123456789x\n", 10, -1);
	limit("0123456789x", 10, -1);
	limit("0123456789xyz\nx\n", 10, -1);
}

CHECK_TEST(limit_of_what_has_no_end)
{
	struct bk_lines l = { .fd = open("/dev/zero", O_RDONLY | O_CLOEXEC),
			      .limit = 1 << 20 };
	char *line;
	size_t len;

	CHECK_INT(bk_lines_next(&l, &line, &len, &err), -1);
	CHECK_INT(err.exit, 65);
	bk_lines_free(&l);
	close(l.fd);
}

CHECK_TEST(fill_and_ready)
{
	struct bk_lines l = { 0 };
	int p[2];

	CHECK_INT(pipe(p), 0);
	l.fd = p[0];
	CHECK_INT(write(p[1], "a", 1), 1);
	CHECK_INT(bk_lines_fill(&l), 1);
	CHECK(!bk_lines_ready(&l));
	CHECK_INT(write(p[1], "b\nc\nd", 5), 5);
	CHECK_INT(bk_lines_fill(&l), 5);
	CHECK(bk_lines_ready(&l));
	line_is(&l, "ab");
	line_is(&l, "c");
	CHECK(!bk_lines_ready(&l));
	close(p[1]);
	CHECK_INT(bk_lines_fill(&l), 0);
	CHECK(l.eof && bk_lines_ready(&l));
	line_is(&l, "d");
	close(p[0]);
	bk_lines_free(&l);
	l = (struct bk_lines){ .fd = p[0] };
	CHECK_INT(bk_lines_fill(&l), -1);
	CHECK_INT(errno, EBADF);
	bk_lines_free(&l);
}

CHECK_TEST(stoppable)
{
	struct bk_lines l = { .fd = fd_of("a\nb\n", 4), .stoppable = true };
	char *line;
	size_t len;
	int p[2];

	bk_sig_init();
	line_is(&l, "a");
	line_is(&l, "b");
	line_is(&l, NULL);
	bk_lines_free(&l);
	close(l.fd);
	CHECK_INT(pipe(p), 0);
	l = (struct bk_lines){ .fd = p[0], .stoppable = true };
	if (fork() == 0) {
		usleep(200000);
		kill(getppid(), SIGTERM);
		_exit(0);
	}
	/* p[1] is open, so that without the signal this never ends */
	CHECK_INT(bk_lines_next(&l, &line, &len, &err), -1);
	CHECK_INT(err.num, EINTR);
	CHECK_INT(bk_sig_pending(), SIGTERM);
	bk_lines_free(&l);
	wait(NULL);
}

/* Records. */

#define R(type) "{\"v\":1,\"type\":\"" type "\"}\n"
#define END(status, count)                                                   \
	"{\"v\":1,\"type\":\"end\",\"status\":" #status ",\"count\":" #count \
	"}\n"

static int end_status;

/* Reads all; the number of records, or -1. */
static int read_stream(const char *data, size_t len)
{
	struct bk_rec_in in = { .lines = { .fd = fd_of(data, len) } };
	json_t *o;
	int got, n = 0;

	memset(&err, 0, sizeof(err));
	while ((got = bk_rec_next(&in, &o, &err)) == 1) {
		CHECK_STR(bk_rec_str(o, "type"), "x");
		json_decref(o);
		n++;
	}
	end_status = in.status;
	close(in.lines.fd);
	bk_rec_in_free(&in);
	return got < 0 ? -1 : n;
}

static int stream(const char *data)
{
	return read_stream(data, strlen(data));
}

CHECK_TEST(good_streams)
{
	CHECK_INT(stream(END(0, 0)), 0);
	CHECK_INT(stream(R("x") R("x") END(0, 2)), 2);
	CHECK_INT(end_status, 0);
	CHECK_INT(stream(R("x") END(3, 1)), 1);
	CHECK_INT(end_status, 3);
	/* the last newline may be missing, and members may be added */
	CHECK_INT(stream("{\"type\":\"x\",\"new\":[{}],\"v\":1}\n"
			 "{\"v\":1,\"type\":\"end\",\"status\":0,\"count\":1}"),
		  1);
}

static void broken(const char *data, const char *why)
{
	CHECK_INT(stream(data), -1);
	CHECK_INT(err.exit, 76);
	CHECK_HAS(err.msg, why);
}

CHECK_TEST(cut_off)
{
	broken("", "record 1: the stream ends without an end record");
	broken(R("x"), "record 2: the stream ends without an end record");
	broken(R("x") R("x") "{\"v\":1,\"ty", "record 3: ");
	broken(R("x") "{\"v\":1,\"type\":\"end\",\"status\":0,\"count\":1",
	       "record 2: ");
}

CHECK_TEST(not_ours)
{
	broken("hello\n", "record 1: ");
	broken("\n", "record 1: ");
	broken("[]\n", "it has no type");
	broken("7\n", "record 1: ");
	broken("{}\n", "it has no type");
	broken("{\"v\":1,\"type\":7}\n", "it has no type");
	broken("{\"v\":1,\"type\":\"x\",\"type\":\"y\"}\n", "record 1: ");
	broken("{\"v\":1,\"type\":\"x\"} x\n", "record 1: ");
	broken("{\"v\":1,\"type\":\"x\",\"s\":\"\xff\"}\n", "record 1: ");
	broken("{\"v\":1,\"type\":\"x\",\"s\":\"\\u0000\"}\n", "record 1: ");
	CHECK_INT(read_stream("\0\n", 2), -1);
	CHECK_INT(err.exit, 76);
}

CHECK_TEST(other_versions)
{
	broken("{\"v\":2,\"type\":\"x\"}\n", "its version is not 1");
	broken("{\"v\":\"1\",\"type\":\"x\"}\n", "its version is not 1");
	broken("{\"type\":\"x\"}\n", "its version is not 1");
	broken("{\"v\":1.0,\"type\":\"x\"}\n", "its version is not 1");
	broken("{\"v\":2,\"type\":\"end\",\"status\":0,\"count\":0}\n",
	       "its version is not 1");
}

CHECK_TEST(bad_ends)
{
	broken(R("x") END(0, 2), "lost records");
	broken(R("x") END(0, 0), "lost records");
	broken(R("x") END(0, -1), "lost records");
	broken(R("end"), "lost records");
	broken(R("x") END(1, 1), "failed");
	broken(R("x") END(75, 1), "failed");
	broken(R("x") END(-1, 1), "failed");
	broken(R("x") END(4294967296, 1), "failed");
	broken(END(0, 0) R("x"), "behind the end");
	broken(END(0, 0) "\n", "behind the end");
	broken(END(0, 0) END(0, 0), "behind the end");
}

CHECK_TEST(deep_nesting)
{
	size_t n = 100000;
	char *data = bk_malloc(n + 1);

	memset(data, '[', n);
	data[n] = '\0';
	broken(data, "record 1: ");
	free(data);
}

CHECK_TEST(ten_megabytes)
{
	struct bk_rec r = writer(BK_REC_JSON);
	struct bk_rec_in in = { 0 };
	size_t n = 10 << 20;
	char *big = bk_malloc(n + 1);
	json_t *o = json_object();

	memset(big, 'a', n);
	big[n] = '\0';
	bk_rec_set_str(o, "s", big);
	bk_rec_json(&r, "x", o);
	bk_rec_end(&r, 0);
	(void)written(&r);
	in.lines.fd = fd_of(text, text_len);
	CHECK_INT(bk_rec_next(&in, &o, &err), 1);
	CHECK(strcmp(bk_rec_str(o, "s"), big) == 0);
	json_decref(o);
	CHECK_INT(bk_rec_next(&in, &o, &err), 0);
	CHECK_INT(bk_rec_next(&in, &o, &err), 0);
	bk_rec_in_free(&in);
	close(in.lines.fd);
	free(big);
	free(text);
}
