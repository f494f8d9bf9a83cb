/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rec.h"

#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

#include "sig.h"
#include "str.h"
#include "time.h"

#define LINE_LIMIT ((size_t)64 << 20)

struct bk_rec bk_rec_stdout(enum bk_rec_mode mode)
{
	return (struct bk_rec){
		.mode = mode,
		.f = stdout,
		.tty = mode == BK_REC_TEXT && isatty(STDOUT_FILENO),
	};
}

json_t *bk_rec_object(const char *type)
{
	json_t *o = json_object();

	bk_rec_set_int(o, "v", 1);
	bk_rec_set_str(o, "type", type);
	return o;
}

static void write_json(struct bk_rec *r, const json_t *o)
{
	BK_AUTO_FREE char *text = json_dumps(o, JSON_COMPACT);

	if (!text)
		abort();
	(void)fputs(text, r->f);
	(void)fputc('\n', r->f);
}

void bk_rec_json(struct bk_rec *r, const char *type, json_t *o)
{
	BK_AUTO_JSON json_t *whole = bk_rec_object(type);

	if (json_object_update_new(whole, o) < 0)
		abort();
	write_json(r, whole);
	r->count++;
}

void bk_rec_text(struct bk_rec *r, ...)
{
	BK_AUTO_BUF struct bk_buf line = BK_BUF_INIT;
	const char *field;
	va_list ap;
	int n = 0;

	va_start(ap, r);
	while ((field = va_arg(ap, const char *))) {
		if (r->mode == BK_REC_NUL) {
			bk_buf_adds(&line, field);
			break;
		}
		if (n++ > 0)
			bk_buf_addc(&line, '\t');
		if (r->tty)
			bk_str_add_term(&line, field);
		else
			bk_str_add_tsv(&line, field);
	}
	va_end(ap);
	bk_buf_addc(&line, r->mode == BK_REC_NUL ? '\0' : '\n');
	(void)fwrite(line.p, 1, line.len, r->f);
	r->count++;
}

void bk_rec_raw(struct bk_rec *r, const char *line)
{
	(void)fputs(line, r->f);
	(void)fputc(r->mode == BK_REC_NUL ? '\0' : '\n', r->f);
	r->count++;
}

void bk_rec_end(struct bk_rec *r, int status)
{
	BK_AUTO_JSON json_t *o = NULL;

	if (r->mode != BK_REC_JSON)
		return;
	o = bk_rec_object("end");
	bk_rec_set_int(o, "status", status);
	bk_rec_set_int(o, "count", (int64_t)r->count);
	write_json(r, o);
}

/* Members of objects. jansson fails here only without memory. */

static void set(json_t *o, const char *key, json_t *value)
{
	if (json_object_set_new(o, key, value) < 0)
		abort();
}

void bk_rec_set_str(json_t *o, const char *key, const char *s)
{
	BK_AUTO_FREE char *utf8 = bk_str_to_utf8(s, strlen(s));

	set(o, key, json_string(utf8));
}

void bk_rec_set_int(json_t *o, const char *key, int64_t n)
{
	set(o, key, json_integer(n));
}

void bk_rec_set_bool(json_t *o, const char *key, bool b)
{
	set(o, key, json_boolean(b));
}

void bk_rec_set_time(json_t *o, const char *key, int64_t t)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	bk_time_add_utc(&b, t);
	bk_rec_set_str(o, key, b.p);
}

void bk_rec_set_path(json_t *o, const char *key, const char *path)
{
	bk_rec_set_str(o, key, path);
	if (!bk_str_utf8(path, strlen(path))) {
		BK_AUTO_FREE char *b64 = bk_str_base64(path, strlen(path));
		BK_AUTO_FREE char *name = bk_asprintf("%s_b64", key);

		bk_rec_set_str(o, name, b64);
	}
}

char *bk_rec_get_path(const json_t *o, const char *key)
{
	BK_AUTO_FREE char *name = bk_asprintf("%s_b64", key);
	const char *b64 = bk_rec_str(o, name);
	const char *s = bk_rec_str(o, key);
	char *path;
	size_t len;

	if (!b64)
		return s ? bk_strdup(s) : NULL;
	path = bk_str_unbase64(b64, &len);
	if (path && strlen(path) != len) {
		free(path);
		return NULL;
	}
	return path;
}

const char *bk_rec_str(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

int64_t bk_rec_int(const json_t *o, const char *key, int64_t fallback)
{
	const json_t *n = json_object_get(o, key);

	return json_is_integer(n) ? json_integer_value(n) : fallback;
}

bool bk_rec_is_newer(const json_t *o, const char *path, struct bk_err *err)
{
	if (bk_rec_int(o, "v", -1) <= 1)
		return false;
	(void)bk_err_set(err, BK_EX_DATAERR, 0,
			 "'%s' was written by a newer bk: install that one",
			 path);
	return true;
}

bool bk_rec_bool(const json_t *o, const char *key, bool fallback)
{
	const json_t *b = json_object_get(o, key);

	return json_is_boolean(b) ? json_is_true(b) : fallback;
}

int64_t bk_rec_time(const json_t *o, const char *key, int64_t fallback)
{
	const char *s = bk_rec_str(o, key);
	int64_t t;

	return s && bk_time_parse(s, &t) == 0 ? t : fallback;
}

/* Lines. */

ssize_t bk_lines_fill(struct bk_lines *l)
{
	ssize_t n;

	if (l->start > 0) {
		bk_buf_drop(&l->buf, l->start);
		l->start = 0;
	}
	if (l->stoppable && !bk_sig_await(l->fd)) {
		errno = EINTR;
		return -1;
	}
	bk_buf_reserve(&l->buf, 65536);
	do {
		n = read(l->fd, l->buf.p + l->buf.len, 65536);
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		l->eof = true;
	if (n > 0) {
		l->buf.len += (size_t)n;
		l->buf.p[l->buf.len] = '\0';
	}
	return n;
}

static char *line_end(const struct bk_lines *l)
{
	if (l->buf.len == l->start)
		return NULL;
	return memchr(l->buf.p + l->start, '\n', l->buf.len - l->start);
}

bool bk_lines_ready(const struct bk_lines *l)
{
	return line_end(l) || (l->eof && l->buf.len > l->start);
}

int bk_lines_next(struct bk_lines *l, char **ret_line, size_t *ret_len,
		  struct bk_err *err)
{
	size_t limit = l->limit ? l->limit : LINE_LIMIT;
	char *end;

	while (!(end = line_end(l)) && !l->eof &&
	       l->buf.len - l->start <= limit)
		if (bk_lines_fill(l) < 0)
			return bk_err_sys(err, "cannot read");
	if (!end && l->buf.len == l->start)
		return 0;
	if (!end)
		end = l->buf.p + l->buf.len;
	if ((size_t)(end - l->buf.p) - l->start > limit)
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "a line is longer than %zu bytes", limit);
	*end = '\0';
	*ret_line = l->buf.p + l->start;
	*ret_len = (size_t)(end - *ret_line);
	l->start += *ret_len;
	if (l->start < l->buf.len)
		l->start++;
	return 1;
}

void bk_lines_free(struct bk_lines *l)
{
	bk_buf_free(&l->buf);
}

/* Records in. */

static int protocol(struct bk_err *err, const struct bk_rec_in *in,
		    const char *what)
{
	return bk_err_set(err, BK_EX_PROTOCOL, 0, "record %llu: %s",
			  (unsigned long long)in->count + 1, what);
}

static int check_end(struct bk_rec_in *in, const json_t *o, struct bk_err *err)
{
	int64_t status = bk_rec_int(o, "status", -1);

	if (bk_rec_int(o, "count", -1) != (int64_t)in->count)
		return protocol(err, in,
				"the stream lost records: its end "
				"counts a different number");
	if (status != BK_EX_OK && status != BK_EX_PARTIAL)
		return protocol(err, in,
				"the program that wrote the stream "
				"failed");
	in->status = (int)status;
	in->ended = true;
	return 0;
}

int bk_rec_next(struct bk_rec_in *in, json_t **ret, struct bk_err *err)
{
	BK_AUTO_JSON json_t *o = NULL;
	json_error_t why;
	const char *type;
	char *line = NULL;
	size_t len = 0;
	int got = bk_lines_next(&in->lines, &line, &len, err);

	if (got < 0)
		return -1;
	if (got == 0 && !in->ended)
		return protocol(err, in,
				"the stream ends without an end "
				"record; its writer was cut off");
	if (got == 0)
		return 0;
	if (in->ended)
		return protocol(err, in, "there is data behind the end record");
	o = json_loadb(line, len, JSON_REJECT_DUPLICATES, &why);
	type = bk_rec_str(o, "type");
	if (!o || !type)
		return protocol(err, in, o ? "it has no type" : why.text);
	if (bk_rec_int(o, "v", -1) != 1)
		return protocol(err, in, "its version is not 1");
	if (strcmp(type, "end") == 0) {
		if (check_end(in, o, err) < 0)
			return -1;
		return bk_rec_next(in, ret, err);
	}
	in->count++;
	*ret = o;
	o = NULL;
	return 1;
}

void bk_rec_in_free(struct bk_rec_in *in)
{
	bk_lines_free(&in->lines);
}
