/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ssh.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dirs.h"
#include "log.h"
#include "sig.h"
#include "time.h"

/* ConnectTimeout of lib/remote.c, and time to log in. */
enum { LOGIN_MS = 60000, STEP_MS = 20, STOP_MS = 2000 };
/* sun_path, less what ssh appends while it makes the socket. */
enum { SOCKET_PATH_MAX = 107 - 18 };
#define SAID_MAX ((size_t)64 * 1024)

struct ssh {
	const char *name;
	const struct bk_remote *at;
	struct bk_child master;
	char *dir, *socket;
	char *peer;
	bool openssh;
	struct bk_buf said; /* the end of what it said */
};

const char *ssh_peer(const struct ssh *s)
{
	return s->peer ? s->peer : "";
}

bool ssh_is_openssh(const struct ssh *s)
{
	return s->openssh;
}

int ssh_fd(const struct ssh *s)
{
	return s->master.err;
}

static void add_common(struct bk_strv *argv)
{
	static const char *const options[] = {
		"StrictHostKeyChecking=yes", "FingerprintHash=sha256",
		"ClearAllForwardings=yes",   "PermitLocalCommand=no",
		"RemoteCommand=none",	     "RequestTTY=no",
		"ControlPersist=no",
	};
	BK_AUTO_FREE char *config = bk_remote_ssh_config();

	bk_strv_add(argv, "ssh");
	if (config) {
		bk_strv_add(argv, "-F");
		bk_strv_add(argv, config);
	}
	bk_remote_add_options(argv);
	for (size_t i = 0; i < BK_COUNT(options); i++) {
		bk_strv_add(argv, "-o");
		bk_strv_add(argv, options[i]);
	}
}

/* A path for the socket that is short enough, in a folder of our own. */
static int make_socket(struct ssh *s, struct bk_err *err)
{
	s->dir = bk_dirs_path(BK_DIRS_RUN, "ssh.XXXXXX", err);
	if (!s->dir)
		return -1;
	if (strlen(s->dir) + 2 > SOCKET_PATH_MAX) {
		free(s->dir);
		s->dir = bk_strdup("/tmp/bk-ssh.XXXXXX");
	}
	if (!mkdtemp(s->dir)) {
		(void)bk_err_sys(err, "cannot create '%s'", s->dir);
		free(s->dir);
		s->dir = NULL;
		return -1;
	}
	s->socket = bk_asprintf("%s/s", s->dir);
	return 0;
}

static int start_master(struct ssh *s, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	char locale[] = "LC_ALL=C", *env[] = { locale, NULL };
	struct bk_exec x = { .env = env,
			     .in = BK_EXEC_NULL,
			     .out = BK_EXEC_NULL,
			     .err = BK_EXEC_PIPE };

	add_common(&argv);
	bk_strv_add(&argv, "-v"); /* it tells the key of the server then */
	bk_strv_add(&argv, "-M");
	bk_strv_add(&argv, "-N");
	bk_strv_add(&argv, "-S");
	bk_strv_add(&argv, s->socket);
	bk_remote_add_login(&argv, s->at);
	bk_strv_add(&argv, "--");
	bk_strv_add(&argv, s->at->host);
	x.argv = argv.v;
	if (bk_exec_start(&x, &s->master, err) < 0)
		return -1;
	(void)fcntl(s->master.err, F_SETFL, O_NONBLOCK);
	return 0;
}

/*
 * The last line that begins so, or NULL. With a jump host another ssh that has
 * the same stderr tells of it first; the last one before the login is the box.
 * The caller frees it.
 */
static char *last_line(const struct ssh *s, const char *head)
{
	const char *line = s->said.p, *found = NULL;

	for (; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (bk_str_starts(line, head))
			found = line;
	}
	return found ? bk_memdup(found, strcspn(found, "\r\n")) : NULL;
}

static void find_peer(struct ssh *s)
{
	BK_AUTO_FREE char *key = last_line(s, "debug1: Server host key: ");
	BK_AUTO_FREE char *version =
		last_line(s, "debug1: Remote protocol version ");
	const char *hash = key ? strstr(key, "SHA256:") : NULL;

	if (hash)
		s->peer = bk_memdup(hash, strcspn(hash, " "));
	s->openssh = version && strstr(version, "software version OpenSSH");
}

void ssh_drain(struct ssh *s)
{
	for (;;) {
		ssize_t n;

		bk_buf_reserve(&s->said, 4096);
		n = read(s->master.err, s->said.p + s->said.len, 4096);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		s->said.len += (size_t)n;
		s->said.p[s->said.len] = '\0';
		if (s->said.len > SAID_MAX)
			bk_buf_drop(&s->said, s->said.len - SAID_MAX / 2);
	}
}

static bool is_chatter(const char *line)
{
	static const char *const heads[] = {
		"debug1: ",	      "OpenSSH_",
		"Authenticated to ",  "Transferred: ",
		"Bytes per second: ", "Warning: Permanently added ",
		"Disconnected from ", /* behind the reason for it */
	};

	for (size_t i = 0; i < BK_COUNT(heads); i++)
		if (bk_str_starts(line, heads[i]))
			return true;
	return false;
}

/* What tells most, else the last line that is no chatter of -v; or NULL. */
static char *last_words(const char *said)
{
	BK_AUTO_STRV struct bk_strv lines = BK_STRV_INIT;
	static const char *const telling[] = {
		"REMOTE HOST IDENTIFICATION HAS CHANGED",
		"Host key verification failed", "Permission denied",
		"Too many authentication failures"
	};

	bk_strv_split(&lines, said, "\r\n");
	for (size_t k = 0; k < BK_COUNT(telling); k++)
		for (size_t i = 0; i < lines.n; i++)
			if (!is_chatter(lines.v[i]) &&
			    strstr(lines.v[i], telling[k]))
				return bk_strdup(telling[k]);
	for (size_t i = lines.n; i-- > 0;)
		if (!is_chatter(lines.v[i]))
			return bk_strdup(lines.v[i]);
	return NULL;
}

/*
 * A channel that found no connection ends with what it says of its
 * ProxyCommand, false(1): that is no reason.
 */
static bool drop_false(char *text)
{
	static const char *const heads[] = {
		"kex_exchange_identification: ", "banner exchange: ",
		"Connection closed by UNKNOWN ", "Connection reset by UNKNOWN "
	};
	bool any = false;

	for (size_t i = 0; i < BK_COUNT(heads); i++) {
		char *p = strstr(text, heads[i]);

		if (p)
			*p = '\0';
		any = any || p;
	}
	return any;
}

/* The connection that a channel did not find: it may have yet to say why. */
static bool has_ended(struct ssh *s)
{
	struct pollfd f = { .fd = s->master.err, .events = POLLIN };
	int64_t end = bk_time_mono_ms() + STOP_MS;

	while (!(f.revents & POLLHUP) && bk_time_mono_ms() < end) {
		(void)poll(&f, 1, STEP_MS);
		ssh_drain(s);
	}
	return f.revents & POLLHUP;
}

char *ssh_why(struct ssh *s, const struct bk_child *c)
{
	char text[4096] = "";
	char *words = NULL;
	ssize_t n = 0;

	if (c && c->err >= 0) {
		(void)fcntl(c->err, F_SETFL, O_NONBLOCK);
		n = read(c->err, text, sizeof(text) - 1);
	}
	text[n > 0 ? n : 0] = '\0';
	if (!drop_false(text) || !has_ended(s))
		words = last_words(text);
	ssh_drain(s);
	return words || !s->said.p ? words : last_words(s->said.p);
}

/* The master ended before it was ready. */
static int refused(struct ssh *s, struct bk_err *err)
{
	BK_AUTO_FREE char *words = NULL;
	int exit = BK_EX_TEMPFAIL;

	words = ssh_why(s, NULL);
	if (!words)
		words = bk_strdup("ssh does not say why");
	if (strstr(words, "IDENTIFICATION") || strstr(words, "verification") ||
	    strstr(words, "denied") || strstr(words, "Too many"))
		exit = BK_EX_NOPERM;
	else if (strstr(words, "Bad configuration") ||
		 strstr(words, "Bad owner"))
		exit = BK_EX_CONFIG;
	return bk_err_set(err, exit, 0, "box %s: %.500s", s->name, words);
}

/* Until the socket is there, or the master is gone. */
static int await_login(struct ssh *s, struct bk_err *err)
{
	int64_t end = bk_time_mono_ms() + LOGIN_MS;

	while (access(s->socket, F_OK) < 0) {
		struct pollfd f[2] = {
			{ .fd = s->master.err, .events = POLLIN },
			{ .fd = bk_sig_fd(), .events = POLLIN },
		};

		(void)poll(f, 2, STEP_MS);
		if (bk_sig_pending())
			return bk_err_set(err, BK_EX_TEMPFAIL, 0,
					  "it was stopped");
		ssh_drain(s);
		/* with its end of the pipe it is gone */
		if ((f[0].revents & POLLHUP) && !(f[0].revents & POLLIN))
			return refused(s, err);
		if (bk_time_mono_ms() > end)
			return bk_err_set(err, BK_EX_TEMPFAIL, 0,
					  "box %s: no login within %d s",
					  s->name, LOGIN_MS / 1000);
	}
	ssh_drain(s);
	find_peer(s);
	if (s->peer)
		return 0;
	return bk_err_set(err, BK_EX_PROTOCOL, 0,
			  "box %s: ssh does not tell the key of the host",
			  s->name);
}

struct ssh *ssh_open(const char *name, const struct bk_remote *at,
		     struct bk_err *err)
{
	struct ssh *s = bk_calloc(1, sizeof(*s));

	s->name = name;
	s->at = at;
	s->master = BK_CHILD_INIT;
	if (make_socket(s, err) == 0 && start_master(s, err) == 0 &&
	    await_login(s, err) == 0)
		return s;
	ssh_close(s);
	return NULL;
}

void ssh_close(struct ssh *s)
{
	if (!s)
		return;
	if (s->master.pid)
		(void)bk_exec_stop(&s->master, STOP_MS);
	if (s->socket)
		(void)unlink(s->socket);
	if (s->dir)
		(void)rmdir(s->dir);
	free(s->socket);
	free(s->dir);
	free(s->peer);
	bk_buf_free(&s->said);
	free(s);
}

static void add_channel(struct ssh *s, bool subsystem, struct bk_strv *argv)
{
	add_common(argv);
	bk_strv_add(argv, "-o");
	bk_strv_add(argv, "ControlMaster=no");
	/* a channel that is refused must not become a connection */
	bk_strv_add(argv, "-o");
	bk_strv_add(argv, "ProxyCommand=false");
	bk_strv_add(argv, "-S");
	bk_strv_add(argv, s->socket);
	bk_remote_add_login(argv, s->at);
	if (subsystem)
		bk_strv_add(argv, "-s");
	bk_strv_add(argv, "--");
	bk_strv_add(argv, s->at->host);
}

static int start_channel(struct ssh *s, const struct bk_strv *words,
			 bool subsystem, struct bk_child *c, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	char locale[] = "LC_ALL=C", *env[] = { locale, NULL };
	struct bk_exec x = { .env = env,
			     .in = subsystem ? BK_EXEC_PIPE : BK_EXEC_NULL,
			     .out = BK_EXEC_PIPE,
			     .err = BK_EXEC_PIPE };

	add_channel(s, subsystem, &argv);
	for (size_t i = 0; i < words->n; i++)
		bk_strv_add(&argv, words->v[i]);
	x.argv = argv.v;
	return bk_exec_start(&x, c, err);
}

int ssh_sftp(struct ssh *s, struct bk_child *c, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv words = BK_STRV_INIT;

	bk_strv_add(&words, "sftp");
	return start_channel(s, &words, true, c, err);
}

int ssh_command(struct ssh *s, const struct bk_strv *words, struct bk_child *c,
		struct bk_err *err)
{
	return start_channel(s, words, false, c, err);
}

int ssh_run(struct ssh *s, const struct bk_strv *words, int timeout_ms,
	    struct bk_buf *out, struct bk_buf *err_out, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	char locale[] = "LC_ALL=C", *env[] = { locale, NULL };
	struct bk_exec x = { .env = env, .in = BK_EXEC_NULL };
	int got;

	add_channel(s, false, &argv);
	for (size_t i = 0; i < words->n; i++)
		bk_strv_add(&argv, words->v[i]);
	x.argv = argv.v;
	got = bk_exec_run(&x, SAID_MAX, timeout_ms, out, err_out, err);
	ssh_drain(s);
	return got;
}
