/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Uploads to a box behind ssh: each is a small machine that goes from stage to
 * stage when the replies that it waits for are there. Requests that need no
 * answer of one another are sent in one go.
 */
#include "box_sums.h"

enum {
	HANDLES_MAX = 64,      /* of one lane */
	FEW = 4,	       /* files at a time are no work for more lanes */
	EARLY_MAX = 64 * 1024, /* kept until the file is open there */
	EARLY_ALL = 4 << 20,   /* of all files */
	WINDOW = 4 << 20,      /* bytes of one file in flight */
	FLUSHED_PER_MS = 5000, /* bytes, at least */
};
/* A box with less room than that is full. */
#define ROOM_LEAST ((uint64_t)1 << 20)

enum stage {
	STAGE_NEW,
	STAGE_OPENING,
	STAGE_SENDING,
	STAGE_CLOSING,
	STAGE_HASH,    /* its temporary file is to be hashed */
	STAGE_PLACE,   /* rename it, unless the name is taken */
	STAGE_LOOK,    /* at another name */
	STAGE_COMPARE, /* what has the name is to be hashed */
	STAGE_RENAMING,
	STAGE_LOOK_AGAIN, /* it was renamed, and is not there? */
	STAGE_CHECKING,
	STAGE_CLEANING,
};

struct sending {
	struct upload u;
	enum stage stage;
	struct lane *lane; /* where its handle is */
	struct bk_buf handle;
	bool open;
	struct bk_buf early;
	uint64_t offset;
	size_t flying, window; /* requests, bytes without a reply */
	char *plain;	       /* the name that it should get */
	unsigned int candidate;
	bool taken;	 /* there is something of that name */
	bool again;	 /* its folders were made a second time */
	uint32_t status; /* of RENAME */
	struct box_stat st;
	bool proved; /* its temporary file has the right hash */
	struct to_sum sum;
	bool failed;
	struct bk_err err;
};

struct flight {
	struct sending *x;
	size_t n;
};

static struct sending *of(struct upload *u)
{
	return (struct sending *)u;
}

static const struct sending *of_const(const struct upload *u)
{
	return (const struct sending *)u;
}

static void fail(struct sending *x, uint32_t status, const char *what,
		 const char *name)
{
	if (!x->failed)
		(void)sftpbox_fail(x->u.box, status, what, name, &x->err);
	x->failed = true;
}

struct upload *sftp_box_upload(struct box *b)
{
	struct sending *x = bk_calloc(1, sizeof(*x));

	(void)b;
	return &x->u;
}

/* Requests. */

static void send(struct sending *x, int type, const struct bk_buf *body,
		 sftp_reply *reply)
{
	x->flying++;
	sftp_send(sftpbox(x->u.box)->s, type, body, reply, x);
}

/* What is for its handle, or must keep an order with that. */
static void send_lane(struct sending *x, int type, const struct bk_buf *body,
		      sftp_reply *reply)
{
	x->flying++;
	sftp_send(x->lane->s, type, body, reply, x);
}

static void send_path(struct sending *x, int type, const char *name,
		      sftp_reply *reply)
{
	BK_AUTO_FREE char *path = sftpbox_path(x->u.box, name);
	BK_AUTO_BUF struct bk_buf body = BK_BUF_INIT;

	wire_text(&body, path);
	send(x, type, &body, reply);
}

static void on_open(void *arg, const struct reply *r)
{
	struct sending *x = arg;
	const unsigned char *p;
	struct wire w;
	size_t n;

	x->flying--;
	if (!r)
		return;
	w = r->body;
	p = wire_get_string(&w, &n);
	if (r->type != FXP_HANDLE || w.bad || n > 256) {
		fail(x, r->status, "create", x->u.temp);
		return;
	}
	bk_buf_add(&x->handle, p, n);
	x->open = true;
}

static void on_name(void *arg, const struct reply *r)
{
	struct sending *x = arg;
	struct wire_attrs a;
	struct wire w;

	x->flying--;
	if (!r)
		return;
	x->taken = !(r->type == FXP_STATUS && r->status == FX_NO_SUCH_FILE);
	x->st = (struct box_stat){ .type = '?' };
	if (r->type != FXP_ATTRS)
		return;
	w = r->body;
	wire_get_attrs(&w, &a);
	if (!w.bad && a.has_size && a.has_mode)
		x->st = (struct box_stat){
			.type = (a.mode & 0170000) == 0100000 ? 'f' : '?',
			.size = a.size,
		};
}

static void ignore(void *arg, const struct reply *r)
{
	struct sending *x = arg;

	(void)r;
	x->flying--;
}

/* A full disk is a mere failure in SFTP; how much room is left tells it. */
static void on_room(void *arg, const struct reply *r)
{
	struct sending *x = arg;
	uint64_t room, total;

	x->flying--;
	if (r && sftpbox_room(r, &room, &total) && room < ROOM_LEAST)
		(void)bk_err_set(&x->err, BK_EX_IOERR, 0, "box %s is full",
				 x->u.box->name);
}

static void ask_room(struct sending *x)
{
	BK_AUTO_BUF struct bk_buf body = BK_BUF_INIT;

	if (sftpbox_ask_room(x->u.box, &body))
		send(x, FXP_EXTENDED, &body, on_room);
}

/* Folders above a name that are not known to be there. Who fails, is. */
static void make_folders(struct sending *x, const char *name)
{
	struct bk_strv *made = &sftpbox(x->u.box)->made;

	for (const char *p = strchr(name, '/'); p; p = strchr(p + 1, '/')) {
		BK_AUTO_FREE char *up = bk_memdup(name, (size_t)(p - name));
		BK_AUTO_FREE char *path = NULL;
		BK_AUTO_BUF struct bk_buf body = BK_BUF_INIT;

		if (folders_have(made, up))
			continue;
		path = sftpbox_path(x->u.box, up);
		wire_text(&body, path);
		wire_no_attrs(&body);
		send(x, FXP_MKDIR, &body, ignore);
		folders_add(made, up);
	}
}

static void start(struct sending *x)
{
	struct sftpbox *b = sftpbox(x->u.box);
	BK_AUTO_FREE char *path = sftpbox_path(&b->b, x->u.temp);
	BK_AUTO_BUF struct bk_buf body = BK_BUF_INIT;

	if (b->main.opening >= FEW)
		lanes_open(b);
	x->lane = lanes_pick(b, HANDLES_MAX);
	if (!x->lane)
		return;
	x->lane->opening++;
	x->stage = STAGE_OPENING;
	x->plain = bk_strdup(x->u.name);
	make_folders(x, x->plain);
	wire_text(&body, path);
	wire_u32(&body, FXF_READ | FXF_WRITE | FXF_CREAT | FXF_EXCL);
	wire_no_attrs(&body);
	send_lane(x, FXP_OPEN, &body, on_open);
	send_path(x, FXP_LSTAT, x->plain, on_name);
}

static void on_write(void *arg, const struct reply *r)
{
	struct flight *f = arg;
	struct sending *x = f->x;

	x->flying--;
	x->window -= f->n;
	free(f);
	if (r && (r->type != FXP_STATUS || r->status != FX_OK))
		fail(x, r->status, "write", x->u.temp);
}

static void send_bytes(struct sending *x, const char *p, size_t n)
{
	struct sftp *s = x->lane->s;
	size_t most = sftp_write_max(s);

	while (n > 0) {
		struct flight *f = bk_malloc(sizeof(*f));
		size_t k = n < most ? n : most;

		*f = (struct flight){ x, k };
		x->flying++;
		x->window += k;
		sftp_send_write(s, x->handle.p, x->handle.len, x->offset, p, k,
				on_write, f);
		x->offset += k;
		p += k;
		n -= k;
	}
}

static void drop_early(struct sending *x)
{
	sftpbox(x->u.box)->early -= x->early.len;
	bk_buf_free(&x->early);
	x->early = BK_BUF_INIT;
}

static void on_done(void *arg, const struct reply *r)
{
	struct sending *x = arg;

	x->flying--;
	if (r && (r->type != FXP_STATUS || r->status != FX_OK))
		fail(x, r->status, "finish", x->u.temp);
}

static void send_close(struct sending *x, sftp_reply *reply)
{
	BK_AUTO_BUF struct bk_buf body = BK_BUF_INIT;

	wire_string(&body, x->handle.p, x->handle.len);
	send_lane(x, FXP_CLOSE, &body, reply);
	x->open = false;
}

/* All bytes are on their way; so is what makes them durable. */
static void finish(struct sending *x)
{
	BK_AUTO_BUF struct bk_buf body = BK_BUF_INIT;

	sftp_be_patient(x->lane->s, (int64_t)(x->u.size / FLUSHED_PER_MS));
	if (sftp_has(x->lane->s, "fsync@openssh.com")) {
		wire_text(&body, "fsync@openssh.com");
		wire_string(&body, x->handle.p, x->handle.len);
		send_lane(x, FXP_EXTENDED, &body, on_done);
	}
	send_close(x, on_done);
	x->stage = STAGE_CLOSING;
}

static void on_rename(void *arg, const struct reply *r)
{
	struct sending *x = arg;

	x->flying--;
	if (r)
		x->status = r->type == FXP_STATUS ? r->status : FX_BAD_MESSAGE;
}

static void send_rename(struct sending *x)
{
	BK_AUTO_FREE char *from = sftpbox_path(x->u.box, x->u.temp);
	BK_AUTO_FREE char *to = sftpbox_path(x->u.box, x->u.name);
	BK_AUTO_BUF struct bk_buf body = BK_BUF_INIT;

	wire_text(&body, from);
	wire_text(&body, to);
	send(x, FXP_RENAME, &body, on_rename);
	/* right behind it: what is there under that name now? */
	send_path(x, FXP_LSTAT, x->u.name, on_name);
	x->stage = STAGE_RENAMING;
}

static void clean(struct sending *x)
{
	BK_AUTO_FREE char *path = sftpbox_path(x->u.box, x->u.temp);
	BK_AUTO_BUF struct bk_buf body = BK_BUF_INIT;

	if (x->stage == STAGE_OPENING || x->stage == STAGE_SENDING ||
	    x->stage == STAGE_CLOSING)
		x->lane->opening--;
	if (x->open)
		send_close(x, ignore);
	if (x->err.exit == BK_EX_IOERR)
		ask_room(x);
	wire_text(&body, path);
	send_lane(x, FXP_REMOVE, &body, ignore);
	x->stage = STAGE_CLEANING;
}

/* Stages. */

static void look(struct sending *x, enum stage stage)
{
	send_path(x, FXP_LSTAT, x->u.name, on_name);
	x->stage = stage;
}

static void next_name(struct sending *x)
{
	if (++x->candidate >= UPLOAD_NAMES_MAX) {
		fail(x, FX_FAILURE, "find a free name for", x->plain);
		return;
	}
	free(x->u.name);
	x->u.name = upload_candidate(&x->u, x->plain, x->candidate);
	look(x, STAGE_LOOK);
}

/* Behind RENAME and the look at what has the name. */
static void renamed(struct sending *x)
{
	if (x->status == FX_OK && !x->taken) {
		/* some servers do not keep the order of requests */
		look(x, STAGE_LOOK_AGAIN);
	} else if (x->status == FX_OK) {
		x->stage = STAGE_CHECKING;
	} else if (x->taken && x->st.type == 'f') {
		x->stage = STAGE_COMPARE;
	} else if (x->status == FX_NO_SUCH_FILE && !x->again) {
		x->again = true;
		bk_strv_free(&sftpbox(x->u.box)->made);
		make_folders(x, x->u.name);
		look(x, STAGE_LOOK);
	} else {
		fail(x, x->status, "rename", x->u.temp);
	}
}

static void place(struct sending *x)
{
	if (!x->taken && x->stage == STAGE_PLACE &&
	    sftpbox_may_overwrite(x->u.box))
		look(x, STAGE_LOOK);
	else if (!x->taken)
		send_rename(x);
	else if (x->st.type == 'f' && x->st.size == x->u.size)
		x->stage = STAGE_COMPARE;
	else
		next_name(x);
}

static void check(struct sending *x)
{
	if (x->st.type != 'f' || x->st.size != x->u.size) {
		(void)bk_err_set(&x->err, BK_EX_DATAERR, 0,
				 "box %s: '%s' is not there as it was put",
				 x->u.box->name, x->u.name);
		x->failed = true;
	}
}

/* One step; false: it waits for something. */
static bool step(struct sending *x)
{
	enum stage before = x->stage;

	if (x->flying > 0 && x->stage != STAGE_OPENING &&
	    x->stage != STAGE_SENDING)
		return false;
	switch (x->stage) {
	case STAGE_NEW:
		start(x);
		break;
	case STAGE_OPENING:
		if (x->open)
			x->stage = STAGE_SENDING;
		break;
	case STAGE_SENDING:
		send_bytes(x, x->early.p, x->early.len);
		drop_early(x);
		if (*x->u.sha256)
			finish(x);
		break;
	case STAGE_CLOSING:
		if (x->sum.running)
			return false;
		x->lane->opening--;
		x->stage = x->proved ? STAGE_PLACE : STAGE_HASH;
		break;
	case STAGE_PLACE:
	case STAGE_LOOK:
		place(x);
		break;
	case STAGE_RENAMING:
		renamed(x);
		break;
	case STAGE_LOOK_AGAIN:
		x->stage = STAGE_CHECKING;
		break;
	default:
		break;
	}
	return x->stage != before;
}

static void end(struct sending *x, const struct bk_err *err)
{
	struct bk_err why = err ? *err : (struct bk_err){ 0 };

	upload_end(&x->u, err ? &why : NULL);
}

void sftp_box_discard(struct upload *u)
{
	struct sending *x = of(u);

	bk_buf_free(&x->handle);
	drop_early(x);
	free(x->plain);
}

/* true: it is over, and freed. */
static bool turn(struct sending *x)
{
	if (x->u.aborted && !x->failed && !x->sum.running) {
		x->failed = true;
		x->err = x->u.why;
	}
	while (!x->failed && step(x))
		;
	if (!x->failed && x->stage == STAGE_CHECKING) {
		check(x);
		if (!x->failed) {
			end(x, NULL);
			return true;
		}
	}
	if (!x->failed || x->flying > 0 || x->sum.running)
		return false;
	if (x->stage == STAGE_NEW || x->stage == STAGE_CLEANING) {
		end(x, &x->err);
		return true;
	}
	clean(x);
	return false;
}

/* What box_sums.c calls. */

struct to_sum *sending_sum(struct upload *u)
{
	return &of(u)->sum;
}

const char *sending_sum_name(const struct upload *u)
{
	return of_const(u)->stage == STAGE_COMPARE ? u->name : u->temp;
}

/*
 * What is being flushed can be hashed meanwhile, once all of it is written: it
 * counts only if both end well.
 */
bool sending_wants_sum(const struct upload *u)
{
	const struct sending *x = of_const(u);
	bool flushing = x->stage == STAGE_CLOSING && x->window == 0 &&
			!x->proved && sftpbox(u->box)->shell == SHELL_HASHES;

	return (flushing || x->stage == STAGE_HASH ||
		x->stage == STAGE_COMPARE) &&
	       !x->sum.running && !x->failed;
}

bool sending_is_coming(const struct upload *u)
{
	const struct sending *x = of_const(u);

	return !x->sum.running && !x->failed && x->stage < STAGE_HASH;
}

void sending_take_sum(struct upload *u, const char *sha256)
{
	struct sending *x = of(u);
	bool same = strcmp(sha256, u->sha256) == 0;

	x->sum.due = 0;
	if (x->stage == STAGE_CLOSING && same) {
		x->proved = true;
	} else if (x->stage == STAGE_HASH && same) {
		x->stage = STAGE_PLACE;
	} else if (x->stage != STAGE_COMPARE) {
		(void)bk_err_set(&x->err, BK_EX_DATAERR, 0,
				 "box %s: other bytes arrived than were sent",
				 u->box->name);
		x->failed = true;
	} else if (same) {
		/* it is there already: then the temporary one can go */
		send_path(x, FXP_REMOVE, u->temp, ignore);
		send_path(x, FXP_LSTAT, u->name, on_name);
		x->status = FX_OK;
		x->stage = STAGE_RENAMING;
	} else {
		next_name(x);
	}
}

void sending_no_sum(struct upload *u, const char *said)
{
	struct sending *x = of(u);

	(void)bk_err_set(&x->err, BK_EX_PROTOCOL, 0,
			 "box %s: no hash of what arrived can be had there: "
			 "%.200s",
			 u->box->name, *said ? said : "no answer");
	x->failed = true;
}

/* What box.c calls. */

size_t sftp_box_room(const struct upload *u)
{
	const struct sending *x = of_const(u);
	size_t room;

	if (x->failed)
		return EARLY_MAX;
	if (x->stage == STAGE_NEW || x->stage == STAGE_OPENING) {
		size_t left = EARLY_ALL - sftpbox(u->box)->early;

		room = EARLY_MAX - x->early.len;
		room = room < left ? room : left;
	} else if (x->stage == STAGE_SENDING && sftp_may_send(x->lane->s)) {
		room = x->window < WINDOW ? WINDOW - x->window : 0;
	} else {
		room = 0;
	}
	return room;
}

static void keep_early(struct sending *x, const void *p, size_t n)
{
	bk_buf_add(&x->early, p, n);
	sftpbox(x->u.box)->early += n;
}

void sftp_box_write(struct upload *u, const void *p, size_t n)
{
	struct sending *x = of(u);

	if (x->failed)
		return;
	if (x->stage == STAGE_SENDING && x->early.len == 0)
		send_bytes(x, p, n);
	else
		keep_early(x, p, n);
}

size_t sftp_box_wait(struct box *b, struct pollfd *fds, bool *ret_ready)
{
	struct sftpbox *x = sftpbox(b);
	size_t n = 0;

	/* requests that were made since may change what there is to do */
	for (struct upload *u = b->uploads; u; u = u->next) {
		struct sending *y = of(u);

		while (!y->failed && !u->aborted && step(y))
			;
		*ret_ready = *ret_ready || ((y->failed || u->aborted) &&
					    y->flying == 0 && !y->sum.running);
	}
	n += sftp_wait(x->s, fds);
	n += lanes_wait(x, fds + n);
	fds[n++] = (struct pollfd){ .fd = ssh_fd(x->ssh), .events = POLLIN };
	return n + sums_wait(x, fds + n);
}

void sftp_box_advance(struct box *b)
{
	struct sftpbox *x = sftpbox(b);
	struct upload *next;

	sftp_advance(x->s);
	lanes_advance(x);
	ssh_drain(x->ssh);
	b->lost = b->lost || sftp_is_dead(x->s);
	sums_take(x);
	for (struct upload *u = b->uploads; !b->lost && u; u = next) {
		next = u->next;
		(void)turn(of(u));
	}
	if (!b->lost)
		sums_ask(x);
	if (b->lost) {
		(void)sftpbox_lost(b, &b->why);
		sftp_box_stop(b);
	}
}
