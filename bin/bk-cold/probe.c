/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * probe: on any box.
 */
#include "probe.h"

#include <stdio.h>
#include <sys/random.h>

#include "box_impl.h"
#include "digest.h"
#include "log.h"
#include "sig.h"
#include "time.h"

enum { ROUNDS = 5, NAME_LONGEST = 255, UPLOAD = 8 << 20, PIECE = 64 * 1024 };

void probe_say(struct probe *p, const char *what, const char *value,
	       const char *remark)
{
	json_t *o;

	if (p->c->out.mode != BK_REC_JSON) {
		bk_rec_text(&p->c->out, what, value, remark, NULL);
		return;
	}
	o = json_object();
	bk_rec_set_str(o, "box", box_name(p->b));
	bk_rec_set_str(o, "what", what);
	bk_rec_set_str(o, "value", value);
	bk_rec_set_str(o, "remark", remark);
	bk_rec_json(&p->c->out, "probe", o);
}

static char *inside(const struct probe *p, const char *name)
{
	return bk_asprintf("%s/%s", p->dir, name);
}

int probe_file(struct probe *p, const char *name, const void *data, size_t len,
	       struct bk_err *err)
{
	BK_AUTO_FREE char *path = inside(p, name);

	return box_put(p->b, path, data, len, err);
}

static int probe_place(struct probe *p, struct bk_err *err)
{
	uint64_t left, total;
	int got = box_space(p->b, &left, &total, err);
	BK_AUTO_BUF struct bk_buf room = BK_BUF_INIT;

	probe_say(p, box_is_dir(p->b) ? "disk" : "host-key", box_peer(p->b),
		  "tells this box from others");
	if (got < 0)
		return -1;
	if (got == 0) {
		probe_say(p, "room", "unknown",
			  "a full box is noticed only when writing fails");
		return 0;
	}
	bk_str_add_size(&room, left);
	bk_buf_adds(&room, " of ");
	bk_str_add_size(&room, total);
	probe_say(p, "room", room.p, "free");
	return 0;
}

static int compare_ms(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static int probe_round_trip(struct probe *p, struct bk_err *err)
{
	int64_t ms[ROUNDS];
	struct box_stat st;
	BK_AUTO_FREE char *text = NULL;

	for (int i = 0; i < ROUNDS; i++) {
		int64_t start = bk_time_mono_ms();

		if (box_stat(p->b, BOX_ID_FILE, &st, err) < 0)
			return -1;
		ms[i] = bk_time_mono_ms() - start;
	}
	qsort(ms, ROUNDS, sizeof(*ms), compare_ms);
	text = bk_asprintf("%lld ms", (long long)ms[ROUNDS / 2]);
	probe_say(p, "round-trip", text, "a question and its answer");
	return 0;
}

/* Which of two files has the name afterwards? */
static int probe_rename(struct probe *p, struct bk_err *err)
{
	BK_AUTO_FREE char *one = inside(p, "one"), *two = inside(p, "two");
	BK_AUTO_BUF struct bk_buf text = BK_BUF_INIT;
	bool kept;

	if (probe_file(p, "one", "1", 1, err) < 0 ||
	    probe_file(p, "two", "2", 1, err) < 0)
		return -1;
	if (p->b->ops->rename(p->b, two, one, err) < 0 && p->b->lost)
		return -1;
	if (box_read(p->b, one, 1, &text, err) < 0)
		return -1;
	kept = text.len == 1 && *text.p == '1';
	probe_say(p, "rename-onto-file", kept ? "refused" : "overwrites",
		  kept ? "what is there stays"
		       : "bk-cold looks first whether a name is free");
	return 0;
}

static int is_listed(void *arg, const char *name, const struct box_stat *st)
{
	const char **want = arg;

	(void)st;
	if (*want && strcmp(name, *want) == 0)
		*want = NULL;
	return 0;
}

/* Can a folder have this name, and is it listed by it? 1, 0, -1. */
static int try_name(struct probe *p, const char *name, const char *alias,
		    struct bk_err *err)
{
	BK_AUTO_FREE char *path = inside(p, name);
	BK_AUTO_FREE char *other = inside(p, alias ? alias : name);
	const char *want = name;
	struct box_stat st;
	int got = 0;

	if (box_mkdirs(p->b, path, err) < 0)
		return p->b->lost ? -1 : 0;
	if (alias)
		got = box_stat(p->b, other, &st, err);
	if (got < 0 || box_list(p->b, p->dir, is_listed, &want, err) < 0 ||
	    p->b->ops->rmdir(p->b, path, err) < 0)
		return -1;
	return alias ? got == 0 : want == NULL;
}

static int probe_names(struct probe *p, struct bk_err *err)
{
	char longest[NAME_LONGEST + 1];
	const struct {
		const char *what, *name, *alias, *good, *remark;
	} v[] = {
		{ "name-255", longest, NULL, "yes", "bytes in a name" },
		{ "name-case", "Aa", "aA", "kept",
		  "A and a are two names, as bk-cold needs it" },
		{ "name-dot", "a.", NULL, "kept", "a dot at the end" },
		{ "name-signs", "%41~+=@,-_", NULL, "kept",
		  "what bk-cold makes names of" },
	};

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	for (size_t i = 0; i < BK_COUNT(v); i++) {
		int got = try_name(p, v[i].name, v[i].alias, err);

		if (got < 0)
			return -1;
		probe_say(p, v[i].what, got ? v[i].good : "no", v[i].remark);
		p->bad = p->bad || got == 0;
	}
	return 0;
}

struct sent {
	bool over;
	struct bk_err err;
};

static void on_sent(void *arg, struct upload *u, const struct bk_err *err)
{
	struct sent *s = arg;

	(void)u;
	s->over = true;
	s->err.exit = 0;
	if (err)
		s->err = *err;
}

static int send_all(struct probe *p, struct upload *u, const char *data,
		    const char *sha256, struct sent *s, struct bk_err *err)
{
	size_t at = 0;

	while (!s->over) {
		while (at < UPLOAD && upload_room(u) > 0) {
			size_t n = upload_room(u);

			n = n < PIECE ? n : PIECE;
			n = n < UPLOAD - at ? n : UPLOAD - at;
			upload_write(u, data + at, n);
			at += n;
			if (at == UPLOAD)
				upload_finish(u, sha256);
		}
		if (box_poll(&p->b, 1, 500, err) < 0)
			return -1;
	}
	return s->err.exit ? bk_err_set(err, s->err.exit, 0, "%s", s->err.msg)
			   : 0;
}

/* As a push does it: sent, flushed, proved, renamed. */
static int probe_upload(struct probe *p, char sha256[static 65],
			struct bk_err *err)
{
	BK_AUTO_FREE char *parts = inside(p, BOX_PARTS);
	BK_AUTO_FREE char *name = inside(p, "sent");
	BK_AUTO_FREE char *data = bk_malloc(UPLOAD);
	BK_AUTO_BUF struct bk_buf speed = BK_BUF_INIT;
	struct sent s = { .over = false };
	int64_t start, ms;
	struct upload *u;

	/* at most 256 bytes at a time are sure to come whole */
	for (size_t at = 0; at < UPLOAD; at += 256)
		if (getrandom(data + at, 256, 0) != 256)
			return bk_err_sys(err, "cannot get random bytes");
	if (bk_digest_text(data, UPLOAD, sha256, err) < 0 ||
	    box_mkdirs(p->b, parts, err) < 0)
		return -1;
	start = bk_time_mono_ms();
	u = box_upload(p->b, p->dir, name, UPLOAD, on_sent, &s);
	if (send_all(p, u, data, sha256, &s, err) < 0)
		return -1;
	ms = bk_time_mono_ms() - start;
	bk_str_add_size(&speed, (uint64_t)UPLOAD * 1000 / (uint64_t)(ms + 1));
	bk_buf_adds(&speed, "/s");
	probe_say(p, "upload", speed.p,
		  box_is_dir(p->b)	   ? "flushed and read again"
		  : box_hashes_there(p->b) ? "sent, and hashed there"
					   : "sent, and read back here");
	return 0;
}

/* All that may be in the folder, and itself. */
static void clean(struct probe *p)
{
	static const char *const files[] = { "one", "two", "sent", "sums" };
	BK_AUTO_FREE char *parts = inside(p, BOX_PARTS);
	struct bk_err err;

	for (size_t i = 0; i < BK_COUNT(files) && !p->b->lost; i++) {
		BK_AUTO_FREE char *path = inside(p, files[i]);

		(void)p->b->ops->remove(p->b, path, &err);
	}
	if (!p->b->lost)
		(void)p->b->ops->rmdir(p->b, parts, &err);
	if (p->b->lost || p->b->ops->rmdir(p->b, p->dir, &err) < 0)
		bk_warning("box %s: folder '%s' is left there", box_name(p->b),
			   p->dir);
}

static int make_dir(struct probe *p, struct bk_err *err)
{
	unsigned char r[4];
	struct box_stat st;
	int got = box_stat(p->b, "", &st, err);

	if (got < 0)
		return -1;
	if (got == 0 || st.type != 'd')
		return bk_err_set(err, BK_EX_NOINPUT, 0,
				  "box %s has no folder yet: bk-cold init %s",
				  box_name(p->b), box_name(p->b));
	if (getrandom(r, sizeof(r), 0) != sizeof(r))
		return bk_err_sys(err, "cannot get random bytes");
	p->dir = bk_asprintf(".bk-probe-%02x%02x%02x%02x", r[0], r[1], r[2],
			     r[3]);
	return box_mkdirs(p->b, p->dir, err);
}

static int try_all(struct probe *p, struct bk_err *err)
{
	char sha256[65];

	if (probe_names(p, err) < 0 || probe_rename(p, err) < 0 ||
	    probe_upload(p, sha256, err) < 0)
		return -1;
	return box_is_dir(p->b)
		       ? 0
		       : probe_commands(p, "sent", UPLOAD, sha256, err);
}

static int probe_box(struct probe *p, const char *name, struct bk_err *err)
{
	const struct bk_conf_section *s = cold_section(p->c, name, err);
	int got;

	if (!s)
		return -1;
	if (p->c->cli.dry_run) {
		bk_notice("would try what box %s (%s) can do", name,
			  bk_conf_str(s, "url", ""));
		return 0;
	}
	p->b = box_open(s, err);
	if (!p->b || probe_place(p, err) < 0 || probe_round_trip(p, err) < 0 ||
	    (!box_is_dir(p->b) && probe_sftp(p, err) < 0) ||
	    make_dir(p, err) < 0)
		return -1;
	got = try_all(p, err);
	clean(p);
	return got;
}

int cmd_probe(struct cold *c, char **args)
{
	struct probe p = { .c = c };
	struct bk_err err;
	int status = BK_EX_OK;

	if (!args[0] || args[1])
		return bk_cli_usage("probe wants one BOX");
	if (probe_box(&p, args[0], &err) < 0)
		status = bk_log_err(&err);
	else if (p.bad)
		status = BK_EX_NO;
	box_close(p.b);
	free(p.dir);
	bk_rec_end(&c->out, status);
	return status;
}
