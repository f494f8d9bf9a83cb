/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * init: the keys of a server, shown and compared before one is trusted.
 */
#include "log.h"
#include "setup.h"
#include "ssh.h"

#define SCAN_TIMEOUT_MS 60000

static char *fingerprint(const char *key)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_STRV struct bk_strv words = BK_STRV_INIT;
	AUTO_SAID struct said said = SAID_INIT;

	child_add(&argv, "ssh-keygen", "-l", "-E", "sha256", "-f", "-");
	if (child_feed(&argv, key, SCAN_TIMEOUT_MS, &said, NULL) < 0 ||
	    said.status != 0)
		return NULL;
	bk_strv_split(&words, said.out.p ? said.out.p : "", " \n");
	return words.n > 1 ? bk_strdup(words.v[1]) : NULL;
}

struct host_key {
	char *kind, *line; /* "ssh-ed25519"; as known_hosts has it */
	char *print;
};
struct host_keys {
	struct host_key v[8];
	size_t n;
};

static void host_keys_free(struct host_keys *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].kind);
		free(l->v[i].line);
		free(l->v[i].print);
	}
	l->n = 0;
}

/* "host kind key" of ssh-keyscan. */
static void take_key(struct host_keys *l, const char *name, const char *line)
{
	BK_AUTO_STRV struct bk_strv words = BK_STRV_INIT;
	struct host_key *k = &l->v[l->n];

	bk_strv_split(&words, line, " ");
	if (words.n != 3 || words.v[0][0] == '#' || l->n == BK_COUNT(l->v))
		return;
	k->kind = bk_strdup(words.v[1]);
	k->line = bk_asprintf("%s %s %s\n", name, words.v[1], words.v[2]);
	k->print = fingerprint(k->line);
	if (k->print) {
		l->n++;
		return;
	}
	free(k->kind);
	free(k->line);
}

static int scan_keys(const struct ssh_view *v, struct host_keys *l,
		     struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_STRV struct bk_strv lines = BK_STRV_INIT;
	AUTO_SAID struct said said = SAID_INIT;

	child_add(&argv, "ssh-keyscan", "-T", "15", "-p", v->port, v->hostname);
	if (child_run(&argv, SCAN_TIMEOUT_MS, &said, err) < 0)
		return -1;
	bk_strv_split(&lines, said.out.p ? said.out.p : "", "\n");
	for (size_t i = 0; i < lines.n; i++)
		take_key(l, v->key_name, lines.v[i]);
	if (l->n > 0)
		return 0;
	return bk_err_set(err, BK_EX_TEMPFAIL, 0,
			  "'%s' does not answer on port %s", v->hostname,
			  v->port);
}

static char *prints_of(const struct host_keys *l)
{
	struct bk_buf b = BK_BUF_INIT;

	for (size_t i = 0; i < l->n; i++)
		bk_buf_addf(&b, "%s%s (%s)", i > 0 ? ", " : "", l->v[i].print,
			    l->v[i].kind);
	return bk_buf_steal(&b);
}

/* Appends those that are accepted; false where none is. */
static bool accept_keys(struct setup *s, const char *name,
			const struct host_keys *l, struct bk_buf *b)
{
	const struct bk_strv *wanted = &s->want->host_keys;
	BK_AUTO_FREE char *prints = prints_of(l);
	bool all = false;

	if (wanted->n == 0 && s->person) {
		bk_notice("%s shows these keys: %s", name, prints);
		bk_notice("compare one with what its owner tells: a wrong one "
			  "is another machine");
		all = ask_yes("Are they right?") > 0;
	}
	for (size_t i = 0; i < l->n; i++)
		if (all || bk_strv_has(wanted, l->v[i].print))
			bk_buf_adds(b, l->v[i].line);
	if (b->len > 0)
		return true;
	step_failed(s, BK_EX_NOPERM, name,
		    "bk-config init --host-key SHA256:...",
		    wanted->n == 0 ? "its key was not accepted%s%s%s"
		    : wanted->n == 1
			    ? "it has another key than %s%s%s"
			    : "it has another key than %s and the others%s%s",
		    wanted->n == 0 ? "" : wanted->v[0], ": ", prints);
	return false;
}

bool login_pin(struct setup *s, const char *name, const struct ssh_view *v)
{
	BK_AUTO(host_keys_free) struct host_keys l = { .n = 0 };
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	BK_AUTO_FREE char *line =
		bk_asprintf("ssh-keyscan -p %s %s", v->port, v->hostname);
	const char *file = v->known.n > 0 ? v->known.v[0] : NULL;
	struct bk_err err;

	if (ssh_is_pinned(v))
		return true;
	if (s->t->cli.dry_run) {
		step(s, STEP_WOULD, name, line, "pin the key of the host");
		return false;
	}
	if (!file || scan_keys(v, &l, &err) < 0) {
		step_failed(s, file ? err.exit : BK_EX_CONFIG, name, line, "%s",
			    file ? err.msg : "no file of known hosts");
		return false;
	}
	if (!accept_keys(s, name, &l, &b))
		return false;
	if (login_append(file, b.p, 0600, &err) < 0) {
		step_failed(s, err.exit, name, line, "%s", err.msg);
		return false;
	}
	step(s, STEP_DONE, name, line, "pinned the key of the host in '%s'",
	     file);
	return true;
}
