/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sftp.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "sig.h"
#include "str.h"
#include "time.h"

enum {
	SLOTS = 1024, /* at first; a power of two */
	ENOUGH = 512, /* requests in flight, for sftp_may_send() */
	EXTENSIONS_MAX = 64,
};
/* What waits to be sent, at most, before sftp_may_send() says no. */
#define UNSENT_MAX ((size_t)1 << 20)
/* Of data in a packet where the server does not say: the draft promises it. */
#define DATA_MAX ((size_t)32768)
/* Room in a packet for all but the data. */
#define OVERHEAD ((size_t)1024)

struct slot {
	bool used;
	uint32_t id;
	sftp_reply *reply;
	void *arg;
};

struct sftp {
	int in, out;
	struct bk_buf unsent, received;
	size_t sent, taken; /* of them */
	struct slot *slots; /* a request is at its id modulo nslots */
	size_t nslots, inflight;
	uint32_t next;
	struct bk_strv extensions;
	size_t write_max, read_max;
	int silence_ms;
	int64_t heard;	 /* milliseconds; when something came or went */
	int64_t patient; /* until then it may be silent */
	bool ready;	 /* VERSION came */
	bool settled;	 /* and so did its limits, where it tells them */
	bool dead;
	int exit; /* of what ended it */
	const char *why;
};

bool sftp_has(const struct sftp *s, const char *extension)
{
	return bk_strv_has(&s->extensions, extension);
}

size_t sftp_write_max(const struct sftp *s)
{
	return s->write_max;
}

size_t sftp_read_max(const struct sftp *s)
{
	return s->read_max;
}

bool sftp_may_send(const struct sftp *s)
{
	return !s->dead && s->inflight < ENOUGH &&
	       s->unsent.len - s->sent < UNSENT_MAX;
}

bool sftp_is_ready(const struct sftp *s)
{
	return s->settled && !s->dead;
}

bool sftp_is_dead(const struct sftp *s)
{
	return s->dead;
}

const char *sftp_why(const struct sftp *s)
{
	return s->why;
}

void sftp_be_patient(struct sftp *s, int64_t ms)
{
	int64_t until = bk_time_mono_ms() + ms;

	if (until > s->patient)
		s->patient = until;
}

static void die(struct sftp *s, int exit, const char *why)
{
	if (s->dead)
		return;
	s->dead = true;
	s->exit = exit;
	s->why = why;
	for (size_t i = 0; i < s->nslots; i++) {
		struct slot *x = &s->slots[i];

		if (!x->used)
			continue;
		x->used = false;
		if (x->reply)
			x->reply(x->arg, NULL);
	}
	s->inflight = 0;
}

static void nonsense(struct sftp *s)
{
	die(s, BK_EX_PROTOCOL,
	    s->ready ? "its answers make no sense"
		     : "what answers there is no SFTP");
}

void sftp_kill(struct sftp *s)
{
	die(s, BK_EX_TEMPFAIL, "the connection was lost");
}

/* Sending. */

/* Two ids that differ modulo n do so modulo 2 n, too. */
static void grow(struct sftp *s)
{
	size_t n = s->nslots ? 2 * s->nslots : SLOTS;
	struct slot *v = bk_calloc(n, sizeof(*v));

	for (size_t i = 0; i < s->nslots; i++)
		if (s->slots[i].used)
			v[s->slots[i].id % n] = s->slots[i];
	free(s->slots);
	s->slots = v;
	s->nslots = n;
}

static uint32_t begin(struct sftp *s, sftp_reply *reply, void *arg)
{
	if (2 * s->inflight >= s->nslots)
		grow(s);
	while (s->slots[s->next % s->nslots].used)
		s->next++;
	s->slots[s->next % s->nslots] =
		(struct slot){ true, s->next, reply, arg };
	if (s->inflight++ == 0)
		s->heard = bk_time_mono_ms();
	return s->next++;
}

void sftp_send(struct sftp *s, int type, const struct bk_buf *body,
	       sftp_reply *reply, void *arg)
{
	if (s->dead) {
		if (reply)
			reply(arg, NULL);
		return;
	}
	wire_u32(&s->unsent, (uint32_t)(1 + 4 + body->len));
	bk_buf_addc(&s->unsent, (char)type);
	wire_u32(&s->unsent, begin(s, reply, arg));
	bk_buf_add(&s->unsent, body->p, body->len);
}

void sftp_send_write(struct sftp *s, const char *handle, size_t handle_len,
		     uint64_t offset, const void *p, size_t n,
		     sftp_reply *reply, void *arg)
{
	if (s->dead) {
		if (reply)
			reply(arg, NULL);
		return;
	}
	wire_u32(&s->unsent, (uint32_t)(1 + 4 + 4 + handle_len + 8 + 4 + n));
	bk_buf_addc(&s->unsent, FXP_WRITE);
	wire_u32(&s->unsent, begin(s, reply, arg));
	wire_string(&s->unsent, handle, handle_len);
	wire_u64(&s->unsent, offset);
	wire_string(&s->unsent, p, n);
}

/* Who reads no more must not end us: SIGPIPE is for what goes to stdout. */
static ssize_t write_quietly(int fd, const void *p, size_t n)
{
	const struct timespec none = { 0, 0 };
	sigset_t pipe_only, before;
	ssize_t got;
	int num;

	(void)sigemptyset(&pipe_only);
	(void)sigaddset(&pipe_only, SIGPIPE);
	(void)pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
	got = write(fd, p, n);
	num = errno;
	if (got < 0 && num == EPIPE)
		(void)sigtimedwait(&pipe_only, NULL, &none);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = num;
	return got;
}

static void flush(struct sftp *s)
{
	while (s->sent < s->unsent.len) {
		ssize_t n = write_quietly(s->out, s->unsent.p + s->sent,
					  s->unsent.len - s->sent);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			sftp_kill(s);
			return;
		}
		s->sent += (size_t)n;
		s->heard = bk_time_mono_ms();
	}
	if (s->sent == s->unsent.len) {
		bk_buf_clear(&s->unsent);
		s->sent = 0;
	} else if (s->sent > UNSENT_MAX) {
		bk_buf_drop(&s->unsent, s->sent);
		s->sent = 0;
	}
}

/* Receiving. */

static void on_limits(void *arg, const struct reply *r)
{
	struct sftp *s = arg;
	uint64_t packet, reading, writing;
	struct wire w;

	s->settled = true;
	if (!r || r->type != FXP_EXTENDED_REPLY)
		return;
	w = r->body;
	packet = wire_get_u64(&w);
	reading = wire_get_u64(&w);
	writing = wire_get_u64(&w);
	if (w.bad || packet < DATA_MAX + OVERHEAD)
		return;
	if (packet > WIRE_PACKET_MAX)
		packet = WIRE_PACKET_MAX;
	packet -= OVERHEAD;
	s->write_max = (size_t)(writing < packet ? writing : packet);
	s->read_max = (size_t)(reading < packet ? reading : packet);
	if (s->write_max < DATA_MAX)
		s->write_max = DATA_MAX;
	if (s->read_max < DATA_MAX)
		s->read_max = DATA_MAX;
}

static void take_version(struct sftp *s, struct wire *w)
{
	uint32_t version = wire_get_u32(w);
	BK_AUTO_BUF struct bk_buf body = BK_BUF_INIT;

	if (w->bad || version < 3) {
		nonsense(s);
		return;
	}
	while (w->len > 0 && s->extensions.n < EXTENSIONS_MAX) {
		size_t n, m;
		const unsigned char *name = wire_get_string(w, &n);

		(void)wire_get_string(w, &m);
		if (w->bad)
			break;
		bk_strv_take(&s->extensions, bk_memdup(name, n));
	}
	s->ready = true;
	if (sftp_has(s, "limits@openssh.com")) {
		wire_text(&body, "limits@openssh.com");
		sftp_send(s, FXP_EXTENDED, &body, on_limits, s);
	} else {
		s->settled = true;
	}
}

static void dispatch(struct sftp *s, struct wire *w)
{
	struct reply r = { .type = wire_get_u8(w) };
	struct slot *x, was;
	uint32_t id;

	if (r.type == FXP_VERSION && !s->ready) {
		take_version(s, w);
		return;
	}
	id = wire_get_u32(w);
	x = s->nslots ? &s->slots[id % s->nslots] : NULL;
	if (w->bad || !s->ready || !x || !x->used || x->id != id) {
		nonsense(s);
		return;
	}
	if (r.type == FXP_STATUS)
		r.status = wire_get_u32(w);
	if (w->bad) {
		nonsense(s);
		return;
	}
	r.body = *w;
	was = *x;
	x->used = false;
	s->inflight--;
	if (was.reply)
		was.reply(was.arg, &r);
}

static void take_packets(struct sftp *s)
{
	while (!s->dead) {
		struct wire w;
		ssize_t n = wire_packet(s->received.p + s->taken,
					s->received.len - s->taken, &w);

		if (n < 0)
			nonsense(s);
		if (n <= 0)
			break;
		s->taken += (size_t)n;
		dispatch(s, &w);
	}
	bk_buf_drop(&s->received, s->taken);
	s->taken = 0;
}

static void receive(struct sftp *s)
{
	for (int i = 0; i < 16 && !s->dead; i++) {
		ssize_t n;

		bk_buf_reserve(&s->received, (size_t)128 * 1024);
		n = read(s->in, s->received.p + s->received.len,
			 (size_t)128 * 1024);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0) {
			sftp_kill(s);
			return;
		}
		s->received.len += (size_t)n;
		s->received.p[s->received.len] = '\0';
		s->heard = bk_time_mono_ms();
		take_packets(s);
	}
}

size_t sftp_wait(struct sftp *s, struct pollfd *fds)
{
	fds[0] = (struct pollfd){ .fd = s->in, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = -1 };
	flush(s);
	if (!s->dead && s->sent < s->unsent.len)
		fds[1] = (struct pollfd){ .fd = s->out, .events = POLLOUT };
	return 2;
}

void sftp_advance(struct sftp *s)
{
	int64_t now;

	if (!s->dead)
		receive(s);
	if (!s->dead)
		flush(s);
	if (s->dead || s->inflight == 0)
		return;
	now = bk_time_mono_ms();
	if (now - s->heard > s->silence_ms && now > s->patient)
		die(s, BK_EX_TEMPFAIL, "it does not answer any more");
}

int sftp_turn(struct sftp *s, int timeout_ms, struct bk_err *err)
{
	struct pollfd fds[3];
	size_t n = s->dead ? 0 : sftp_wait(s, fds);

	if (!s->dead) {
		fds[n] = (struct pollfd){ .fd = bk_sig_pending() ? -1
								 : bk_sig_fd(),
					  .events = POLLIN };
		(void)poll(fds, (nfds_t)n + 1, timeout_ms);
		sftp_advance(s);
	}
	if (bk_sig_pending())
		return bk_err_set(err, BK_EX_TEMPFAIL, 0, "it was stopped");
	if (s->dead)
		return bk_err_set(err, s->exit, 0, "%s", s->why);
	return 0;
}

/* Beginning. */

struct sftp *sftp_start(int in, int out, int silence_ms)
{
	struct sftp *s = bk_calloc(1, sizeof(*s));

	s->in = in;
	s->out = out;
	s->read_max = s->write_max = DATA_MAX;
	s->silence_ms = silence_ms;
	s->heard = bk_time_mono_ms();
	(void)fcntl(in, F_SETFL, fcntl(in, F_GETFL) | O_NONBLOCK);
	(void)fcntl(out, F_SETFL, fcntl(out, F_GETFL) | O_NONBLOCK);
	(void)fcntl(out, F_SETPIPE_SZ, 1 << 20);
	(void)fcntl(in, F_SETPIPE_SZ, 1 << 20);
	wire_u32(&s->unsent, 5);
	bk_buf_addc(&s->unsent, FXP_INIT);
	wire_u32(&s->unsent, 3);
	return s;
}

static int await(struct sftp *s, struct bk_err *err)
{
	int64_t end = bk_time_mono_ms() + s->silence_ms;

	while (!s->settled) {
		if (!s->ready && bk_time_mono_ms() > end)
			return bk_err_set(err, BK_EX_TEMPFAIL, 0,
					  "there is no answer");
		if (sftp_turn(s, 500, err) < 0)
			return -1;
	}
	return 0;
}

struct sftp *sftp_new(int in, int out, int silence_ms, struct bk_err *err)
{
	struct sftp *s = sftp_start(in, out, silence_ms);

	if (await(s, err) == 0)
		return s;
	sftp_free(s);
	return NULL;
}

void sftp_free(struct sftp *s)
{
	if (!s)
		return;
	/* nobody is told any more */
	(void)close(s->in);
	if (s->out != s->in)
		(void)close(s->out);
	bk_buf_free(&s->unsent);
	bk_buf_free(&s->received);
	bk_strv_free(&s->extensions);
	free(s->slots);
	free(s);
}
