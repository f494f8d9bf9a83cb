/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "box_sftp.h"

#include <sys/stat.h>

#include "path.h"
#include "time.h"

enum { SILENCE_MS = 120000, STOP_MS = 2000, UPLOADS_MAX = 1000 };

char *sftpbox_path(const struct box *b, const char *name)
{
	const char *base = b->at.path;

	if (!*base)
		return bk_strdup(*name ? name : ".");
	if (!*name)
		return bk_strdup(base);
	return bk_asprintf("%s%s%s", base, bk_str_ends(base, "/") ? "" : "/",
			   name);
}

int sftpbox_lost(struct box *b, struct bk_err *err)
{
	struct sftpbox *x = sftpbox(b);
	BK_AUTO_FREE char *words = NULL;
	const char *why = NULL;

	b->lost = true;
	if (x->s) {
		sftp_kill(x->s);
		why = sftp_why(x->s);
	}
	lanes_kill(x);
	if (x->ssh)
		words = ssh_why(x->ssh, &x->child);
	return bk_err_set(err, BK_EX_TEMPFAIL, 0, "box %s: %s%s%.300s", b->name,
			  why ? why : "the connection was lost",
			  words ? ": " : "", words ? words : "");
}

/* Where it is, or is to be inserted. */
static size_t find_folder(const struct bk_strv *made, const char *name)
{
	size_t low = 0, high = made->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(made->v[middle], name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool folders_have(const struct bk_strv *made, const char *name)
{
	size_t i = find_folder(made, name);

	return i < made->n && strcmp(made->v[i], name) == 0;
}

void folders_add(struct bk_strv *made, const char *name)
{
	size_t i = find_folder(made, name);

	bk_strv_add(made, name);
	for (size_t k = made->n - 1; k > i; k--) {
		char *other = made->v[k];

		made->v[k] = made->v[k - 1];
		made->v[k - 1] = other;
	}
}

int sftpbox_fail(const struct box *b, uint32_t status, const char *what,
		 const char *name, struct bk_err *err)
{
	static const char *const reasons[] = {
		[FX_OK] = "an answer that makes no sense",
		[FX_EOF] = "end of file",
		[FX_NO_SUCH_FILE] = "no such file",
		[FX_PERMISSION_DENIED] = "permission denied",
		[FX_FAILURE] = "it failed there",
		[FX_BAD_MESSAGE] = "it did not understand",
		[FX_NO_CONNECTION] = "no connection",
		[FX_CONNECTION_LOST] = "connection lost",
		[FX_OP_UNSUPPORTED] = "it cannot do that",
		/* of later versions; some servers use them all the same */
		[FX_EXISTS] = "it exists",
		[FX_READ_ONLY] = "the file system is read-only",
		[FX_NO_SPACE] = "there is no room left",
		[FX_QUOTA] = "the quota is used up",
	};
	const char *why = status < BK_COUNT(reasons) ? reasons[status] : NULL;
	int exit = status == FX_NO_SUCH_FILE	    ? BK_EX_NOINPUT
		   : status == FX_PERMISSION_DENIED ? BK_EX_NOPERM
		   : status == FX_OK || status == FX_BAD_MESSAGE
			   ? BK_EX_PROTOCOL
			   : BK_EX_IOERR;

	return bk_err_set(err, exit, 0, "box %s: cannot %s '%s': %s", b->name,
			  what, name, why ? why : "an unknown error");
}

/* One at a time. */

void answer_free(struct answer *a)
{
	bk_buf_free(&a->body);
}

static void on_reply(void *arg, const struct reply *r)
{
	struct answer *a = arg;

	a->over = true;
	a->lost = r == NULL;
	if (!r)
		return;
	a->type = r->type;
	a->status = r->status;
	bk_buf_add(&a->body, r->body.p, r->body.len);
}

int sftpbox_call(struct box *b, int type, const struct bk_buf *body,
		 struct answer *ret, struct bk_err *err)
{
	struct sftp *s = sftpbox(b)->s;
	int64_t stop = 0;

	*ret = (struct answer){ .over = false };
	if (b->lost || !s)
		return sftpbox_lost(b, err);
	sftp_send(s, type, body, on_reply, ret);
	/* who is asked to stop waits a little for the reply, too */
	while (!ret->over) {
		if (sftp_turn(s, 500, err) == 0)
			continue;
		if (!stop)
			stop = bk_time_mono_ms() + STOP_MS;
		else if (bk_time_mono_ms() > stop)
			sftp_kill(s);
	}
	return ret->lost ? sftpbox_lost(b, err) : 0;
}

int sftpbox_call_path(struct box *b, int type, const char *name,
		      struct answer *ret, struct bk_err *err)
{
	BK_AUTO_FREE char *path = sftpbox_path(b, name);
	BK_AUTO_BUF struct bk_buf body = BK_BUF_INIT;

	wire_text(&body, path);
	if (type == FXP_MKDIR)
		wire_no_attrs(&body);
	return sftpbox_call(b, type, &body, ret, err);
}

static struct wire body_of(const struct answer *a)
{
	return (struct wire){ .p = (const unsigned char *)a->body.p,
			      .len = a->body.len };
}

int sftpbox_open(struct box *b, const char *name, uint32_t flags,
		 struct bk_buf *ret, struct bk_err *err)
{
	BK_AUTO_FREE char *path = sftpbox_path(b, name);
	BK_AUTO_BUF struct bk_buf body = BK_BUF_INIT;
	ANSWER_AUTO struct answer a = { 0 };
	const unsigned char *p;
	struct wire w;
	size_t n;

	wire_text(&body, path);
	if (flags) {
		wire_u32(&body, flags);
		wire_no_attrs(&body);
	}
	if (sftpbox_call(b, flags ? FXP_OPEN : FXP_OPENDIR, &body, &a, err) < 0)
		return -1;
	w = body_of(&a);
	p = wire_get_string(&w, &n);
	if (a.type != FXP_HANDLE || w.bad || n > 256)
		return sftpbox_fail(b, a.status, "open", name, err);
	bk_buf_add(ret, p, n);
	return 0;
}

int sftpbox_close(struct box *b, const struct bk_buf *handle,
		  struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf body = BK_BUF_INIT;
	ANSWER_AUTO struct answer a = { 0 };

	wire_string(&body, handle->p, handle->len);
	if (sftpbox_call(b, FXP_CLOSE, &body, &a, err) < 0)
		return -1;
	if (a.type != FXP_STATUS || a.status != FX_OK)
		return sftpbox_fail(b, a.status, "close", "a file", err);
	return 0;
}

/* Connecting. */

static int connect_box(struct sftpbox *x, struct bk_err *err)
{
	struct box *b = &x->b;
	int in, out;

	x->ssh = ssh_open(b->name, &b->at, err);
	if (!x->ssh || ssh_sftp(x->ssh, &x->child, err) < 0)
		return -1;
	in = x->child.out;
	out = x->child.in;
	x->child.in = x->child.out = -1;
	x->s = sftp_new(in, out, SILENCE_MS, err);
	if (!x->s) {
		BK_AUTO_FREE char *words = ssh_why(x->ssh, &x->child);

		return bk_err_set(err, err->exit, 0, "box %s: no SFTP: %.300s",
				  b->name, words ? words : err->msg);
	}
	x->main.s = x->s;
	x->few = x->few || !ssh_is_openssh(x->ssh);
	b->lost = false;
	return 0;
}

static void disconnect(struct sftpbox *x)
{
	sftp_box_stop(&x->b);
	lanes_close(x);
	if (x->s)
		sftp_kill(x->s);
	sftp_free(x->s);
	x->s = NULL;
	if (x->child.pid)
		(void)bk_exec_stop(&x->child, STOP_MS);
	ssh_close(x->ssh);
	x->ssh = NULL;
	bk_strv_free(&x->made);
}

static struct box *sftp_open(const struct bk_conf_section *s,
			     struct bk_err *err)
{
	struct sftpbox *x = bk_calloc(1, sizeof(*x));
	struct box *b = &x->b;

	x->child = BK_CHILD_INIT;
	b->name = s->name; /* for messages until box_open() has its own */
	if (bk_remote_parse(bk_conf_str(s, "url", ""), &b->at, err) == 0 &&
	    connect_box(x, err) == 0) {
		b->peer = bk_strdup(ssh_peer(x->ssh));
		/* an absolute path means what it says to a person, too */
		b->prefix =
			bk_asprintf("%s%s", b->at.path,
				    *b->at.path && !bk_str_ends(b->at.path, "/")
					    ? "/"
					    : "");
		return b;
	}
	disconnect(x);
	bk_remote_free(&b->at);
	free(x);
	return NULL;
}

static void sftp_close(struct box *b)
{
	disconnect(sftpbox(b));
}

static int sftp_reopen(struct box *b, struct bk_err *err)
{
	struct sftpbox *x = sftpbox(b);

	disconnect(x);
	b->lost = true;
	if (connect_box(x, err) < 0) {
		disconnect(x);
		return -1;
	}
	if (strcmp(b->peer, ssh_peer(x->ssh)) == 0)
		return 0;
	disconnect(x);
	b->lost = true;
	return bk_err_set(err, BK_EX_NOPERM, 0,
			  "box %s: another machine answers than before",
			  b->name);
}

/* Looking. */

static struct box_stat stat_of(const struct wire_attrs *a)
{
	return (struct box_stat){
		.type = !a->has_mode	   ? '?'
			: S_ISREG(a->mode) ? 'f'
			: S_ISDIR(a->mode) ? 'd'
			: S_ISLNK(a->mode) ? 'l'
					   : '?',
		.size = a->size,
		.mtime = a->mtime,
	};
}

static int sftp_stat(struct box *b, const char *name, struct box_stat *ret,
		     struct bk_err *err)
{
	ANSWER_AUTO struct answer a = { 0 };
	struct wire_attrs attrs;
	struct wire w;

	if (sftpbox_call_path(b, FXP_LSTAT, name, &a, err) < 0)
		return -1;
	if (a.type == FXP_STATUS && a.status == FX_NO_SUCH_FILE)
		return 0;
	w = body_of(&a);
	wire_get_attrs(&w, &attrs);
	if (a.type != FXP_ATTRS || w.bad)
		return sftpbox_fail(b, a.status, "look at", name, err);
	*ret = stat_of(&attrs);
	return 1;
}

bool sftpbox_may_overwrite(const struct box *b)
{
	const struct sftpbox *x = sftpbox_const(b);

	return !ssh_is_openssh(x->ssh) ||
	       !sftp_has(x->s, "hardlink@openssh.com");
}

bool sftpbox_ask_room(const struct box *b, struct bk_buf *body)
{
	BK_AUTO_FREE char *path = sftpbox_path(b, "");

	if (!sftp_has(sftpbox_const(b)->s, "statvfs@openssh.com"))
		return false;
	wire_text(body, "statvfs@openssh.com");
	wire_text(body, path);
	return true;
}

bool sftpbox_room(const struct reply *r, uint64_t *ret_free,
		  uint64_t *ret_total)
{
	struct wire w = r->body;
	uint64_t v[5];

	/* f_bsize, f_frsize, f_blocks, f_bfree, f_bavail, and more */
	for (size_t i = 0; i < BK_COUNT(v); i++)
		v[i] = wire_get_u64(&w);
	if (r->type != FXP_EXTENDED_REPLY || w.bad)
		return false;
	*ret_total = v[1] * v[2];
	*ret_free = v[1] * v[4];
	return true;
}

static int sftp_space(struct box *b, uint64_t *ret_free, uint64_t *ret_total,
		      struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf body = BK_BUF_INIT;
	ANSWER_AUTO struct answer a = { 0 };

	if (b->lost)
		return sftpbox_lost(b, err);
	if (!sftpbox_ask_room(b, &body))
		return 0;
	if (sftpbox_call(b, FXP_EXTENDED, &body, &a, err) < 0)
		return -1;
	return sftpbox_room(&(struct reply){ .type = a.type,
					     .body = body_of(&a) },
			    ret_free, ret_total);
}

static int make_folder(struct box *b, const char *name, struct bk_err *err)
{
	ANSWER_AUTO struct answer a = { 0 };
	struct box_stat st = { 0 };
	int got;

	if (folders_have(&sftpbox(b)->made, name))
		return 0;
	if (sftpbox_call_path(b, FXP_MKDIR, name, &a, err) < 0)
		return -1;
	got = a.status == FX_OK ? 1 : sftp_stat(b, name, &st, err);
	if (got < 0)
		return -1;
	if (a.status != FX_OK && (got == 0 || st.type != 'd'))
		return sftpbox_fail(b, a.status, "make folder", name, err);
	folders_add(&sftpbox(b)->made, name);
	return 0;
}

/* Of the box's own folder those above it may be missing, too. */
static int make_base(struct box *b, struct bk_err *err)
{
	BK_AUTO_FREE char *base = bk_strdup(b->at.path);
	BK_AUTO_FREE char *saved = b->at.path;
	int got = 0;

	b->at.path = bk_strdup("");
	for (size_t i = 1; got == 0 && base[0] && i <= strlen(base); i++) {
		BK_AUTO_FREE char *up = bk_memdup(base, i);

		if (base[i] == '/' || base[i] == '\0')
			got = make_folder(b, up, err);
	}
	free(b->at.path);
	b->at.path = saved;
	saved = NULL;
	bk_strv_free(&sftpbox(b)->made);
	return got;
}

static int sftp_mkdirs(struct box *b, const char *name, struct bk_err *err)
{
	if (!*name)
		return make_base(b, err);
	for (const char *p = strchr(name, '/'); p; p = strchr(p + 1, '/')) {
		BK_AUTO_FREE char *up = bk_memdup(name, (size_t)(p - name));

		if (make_folder(b, up, err) < 0)
			return -1;
	}
	return make_folder(b, name, err);
}

/* One READDIR: 1, 0 at the end, -1; stop is set where each() wants no more. */
static int
read_names(struct box *b, const char *dir, const struct bk_buf *handle,
	   int (*each)(void *arg, const char *name, const struct box_stat *st),
	   void *arg, bool *stop, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf body = BK_BUF_INIT;
	ANSWER_AUTO struct answer a = { 0 };
	struct wire w;
	uint32_t n;

	wire_string(&body, handle->p, handle->len);
	if (sftpbox_call(b, FXP_READDIR, &body, &a, err) < 0)
		return -1;
	if (a.type == FXP_STATUS && a.status == FX_EOF)
		return 0;
	w = body_of(&a);
	n = wire_get_u32(&w);
	if (a.type != FXP_NAME)
		return sftpbox_fail(b, a.status, "list", dir, err);
	for (uint32_t i = 0; i < n && !*stop; i++) {
		size_t len, longlen;
		const unsigned char *p = wire_get_string(&w, &len);
		struct wire_attrs attrs;
		struct box_stat st;

		(void)wire_get_string(&w, &longlen);
		wire_get_attrs(&w, &attrs);
		if (w.bad)
			return sftpbox_fail(b, FX_OK, "list", dir, err);
		st = stat_of(&attrs);
		if (!memchr(p, '\0', len)) {
			BK_AUTO_FREE char *name = bk_memdup(p, len);

			if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
				*stop = each(arg, name, &st) < 0;
		}
	}
	return 1;
}

static int sftp_list(struct box *b, const char *dir,
		     int (*each)(void *arg, const char *name,
				 const struct box_stat *st),
		     void *arg, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf handle = BK_BUF_INIT;
	struct bk_err ignored;
	bool stop = false;
	int got;

	if (sftpbox_open(b, dir, 0, &handle, err) < 0)
		return -1;
	do
		got = read_names(b, dir, &handle, each, arg, &stop, err);
	while (got > 0 && !stop);
	(void)sftpbox_close(b, &handle, &ignored);
	return got < 0 ? -1 : 0;
}

/* Writing a small file, and removing. */

static int put_bytes(struct box *b, const char *name,
		     const struct bk_buf *handle, const void *p, size_t len,
		     struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf body = BK_BUF_INIT;
	ANSWER_AUTO struct answer a = { 0 };

	wire_string(&body, handle->p, handle->len);
	wire_u64(&body, 0);
	wire_string(&body, p, len);
	if (sftpbox_call(b, FXP_WRITE, &body, &a, err) < 0)
		return -1;
	if (a.type != FXP_STATUS || a.status != FX_OK)
		return sftpbox_fail(b, a.status, "write", name, err);
	return 0;
}

static int sync_handle(struct box *b, const char *name,
		       const struct bk_buf *handle, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf body = BK_BUF_INIT;
	ANSWER_AUTO struct answer a = { 0 };

	if (!sftp_has(sftpbox(b)->s, "fsync@openssh.com"))
		return 0;
	wire_text(&body, "fsync@openssh.com");
	wire_string(&body, handle->p, handle->len);
	if (sftpbox_call(b, FXP_EXTENDED, &body, &a, err) < 0)
		return -1;
	if (a.type != FXP_STATUS || a.status != FX_OK)
		return sftpbox_fail(b, a.status, "sync", name, err);
	return 0;
}

static int sftp_remove(struct box *b, const char *name, struct bk_err *err)
{
	ANSWER_AUTO struct answer a = { 0 };

	if (sftpbox_call_path(b, FXP_REMOVE, name, &a, err) < 0)
		return -1;
	if (a.type == FXP_STATUS &&
	    (a.status == FX_OK || a.status == FX_NO_SUCH_FILE))
		return 0;
	return sftpbox_fail(b, a.status, "remove", name, err);
}

static int sftp_rmdir(struct box *b, const char *name, struct bk_err *err)
{
	ANSWER_AUTO struct answer a = { 0 };

	if (sftpbox_call_path(b, FXP_RMDIR, name, &a, err) < 0)
		return -1;
	if (a.type == FXP_STATUS && a.status == FX_OK)
		return 0;
	return sftpbox_fail(b, a.status, "remove folder", name, err);
}

static int sftp_rename(struct box *b, const char *from, const char *to,
		       struct bk_err *err)
{
	BK_AUTO_FREE char *old = sftpbox_path(b, from);
	BK_AUTO_FREE char *new = sftpbox_path(b, to);
	BK_AUTO_BUF struct bk_buf body = BK_BUF_INIT;
	ANSWER_AUTO struct answer a = { 0 };

	wire_text(&body, old);
	wire_text(&body, new);
	if (sftpbox_call(b, FXP_RENAME, &body, &a, err) < 0)
		return -1;
	if (a.type == FXP_STATUS && a.status == FX_OK)
		return 0;
	return sftpbox_fail(b, a.status, "rename", from, err);
}

static int put_part(struct box *b, const char *name, const void *p, size_t len,
		    struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf handle = BK_BUF_INIT;
	struct bk_err ignored;

	if (sftpbox_open(b, name, FXF_WRITE | FXF_CREAT | FXF_EXCL, &handle,
			 err) < 0)
		return -1;
	if (put_bytes(b, name, &handle, p, len, err) < 0 ||
	    sync_handle(b, name, &handle, err) < 0) {
		(void)sftpbox_close(b, &handle, &ignored);
		return -1;
	}
	return sftpbox_close(b, &handle, err);
}

static int must_be_free(struct box *b, const char *name, struct bk_err *err)
{
	struct box_stat st;
	int got = sftp_stat(b, name, &st, err);

	if (got > 0)
		return bk_err_set(err, BK_EX_CANTCREAT, 0,
				  "box %s: there is a '%s' already", b->name,
				  name);
	return got;
}

/* Whole, or not at all. */
static int sftp_put(struct box *b, const char *name, const void *p, size_t len,
		    struct bk_err *err)
{
	BK_AUTO_FREE char *temp = bk_asprintf("%s" BOX_PUT_PART, name);
	struct bk_err ignored;

	if (must_be_free(b, name, err) < 0)
		return -1;
	if (len > sftp_write_max(sftpbox(b)->s))
		return bk_err_set(err, BK_EX_SOFTWARE, 0,
				  "'%s' is too large for that", name);
	/* what one left that was interrupted */
	if (sftp_remove(b, temp, err) < 0)
		return -1;
	if (put_part(b, temp, p, len, err) == 0 &&
	    (!sftpbox_may_overwrite(b) || must_be_free(b, name, err) == 0) &&
	    sftp_rename(b, temp, name, err) == 0)
		return 0;
	if (!b->lost)
		(void)sftp_remove(b, temp, &ignored);
	return -1;
}

const struct box_ops box_sftp_ops = {
	.open = sftp_open,
	.close = sftp_close,
	.reopen = sftp_reopen,
	.hashes_there = sftp_box_hashes_there,
	.stat = sftp_stat,
	.space = sftp_space,
	.mkdirs = sftp_mkdirs,
	.list = sftp_list,
	.get = sftp_box_get,
	.get_small = sftp_box_get_small,
	.put = sftp_put,
	.remove = sftp_remove,
	.rename = sftp_rename,
	.rmdir = sftp_rmdir,
	.hash = sftp_box_hash,
	.upload = sftp_box_upload,
	.room = sftp_box_room,
	.write = sftp_box_write,
	.wait = sftp_box_wait,
	.advance = sftp_box_advance,
	.discard = sftp_box_discard,
	.uploads_max = UPLOADS_MAX,
};
