/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "resolve.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "exec.h"
#include "file.h"
#include "rec.h"
#include "sig.h"

#define HEAD_MAX 64
#define STATUS_MAX 125

struct bk_resolve_item {
	const struct bk_conf_section *section;
	char *key;
	bool known; /* whether it was asked for */
	struct bk_secret secret;
	struct bk_err why; /* where there is no secret */
};

/* The item of a key, which is made where there is none. */
static struct bk_resolve_item *
item_of(struct bk_resolve *r, const struct bk_conf_section *s, const char *key)
{
	struct bk_resolve_item *item;

	for (size_t i = 0; i < r->n; i++)
		if (r->items[i]->section == s &&
		    strcmp(r->items[i]->key, key) == 0)
			return r->items[i];
	item = bk_calloc(1, sizeof(*item));
	item->section = s;
	item->key = bk_strdup(key);
	r->items = bk_realloc(r->items, r->n + 1, sizeof(*r->items));
	r->items[r->n++] = item;
	return item;
}

void bk_resolve_want(struct bk_resolve *r, const struct bk_conf_section *s,
		     const char *key)
{
	(void)item_of(r, s, key);
}

void bk_resolve_free(struct bk_resolve *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->items[i]->key);
		bk_secret_free(&r->items[i]->secret);
		free(r->items[i]);
	}
	free(r->items);
	*r = (struct bk_resolve){ .config = r->config };
}

/* A label, its references in order, each NUL-terminated, and one NUL more. */
static void add_request(struct bk_buf *b, const struct bk_resolve_item *item)
{
	const struct bk_conf_value *v = NULL;

	bk_buf_addf(b, "[%s%s%s] %s", item->section->kind,
		    *item->section->name ? " " : "", item->section->name,
		    item->key);
	bk_buf_addc(b, '\0');
	while ((v = bk_conf_value(item->section, item->key, v)))
		bk_buf_add(b, v->value, strlen(v->value) + 1);
	bk_buf_addc(b, '\0');
}

static int read_all(int fd, char *p, size_t len)
{
	while (len > 0) {
		ssize_t n = bk_sig_await(fd) ? read(fd, p, len) : 0;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* "STATUS SOURCE LENGTH\n" */
static int read_head(int fd, unsigned int ret[static 3])
{
	char head[HEAD_MAX];
	size_t n = 0;

	do {
		if (n == sizeof(head) - 1 || read_all(fd, head + n, 1) < 0)
			return -1;
	} while (head[n++] != '\n');
	head[n] = '\0';
	/* No sign, which sscanf() would take. */
	if (strspn(head, "0123456789 ") != n - 1 ||
	    sscanf(head, "%3u %9u %9u\n", &ret[0], &ret[1], &ret[2]) != 3)
		return -1;
	return ret[0] <= STATUS_MAX && ret[2] <= BK_SECRET_MAX ? 0 : -1;
}

/* The line of the configuration that decided, 1 for the first; or the key. */
static void set_why(struct bk_resolve_item *item, int exit, unsigned int source,
		    const char *msg)
{
	const struct bk_conf_value *v =
		bk_conf_value(item->section, item->key, NULL);

	for (unsigned int i = 1; v && i < source; i++)
		v = bk_conf_value(item->section, item->key, v);
	bk_err_set(&item->why, exit, 0, "%s:%zu: [%s%s%s] %s: %s",
		   v ? v->file : item->section->file,
		   v ? v->line : item->section->line, item->section->kind,
		   *item->section->name ? " " : "", item->section->name,
		   item->key, msg);
}

static int read_reply(int fd, struct bk_resolve_item *item, struct bk_err *err)
{
	unsigned int head[3];
	struct bk_secret got = BK_SECRET_INIT;

	if (read_head(fd, head) < 0)
		return bk_err_set(err, BK_EX_PROTOCOL, 0,
				  "bk-secret broke off");
	if (bk_secret_new(&got, err) < 0)
		return -1;
	if (read_all(fd, got.p, head[2]) < 0) {
		bk_secret_free(&got);
		return bk_err_set(err, BK_EX_PROTOCOL, 0,
				  "bk-secret broke off");
	}
	got.len = head[2];
	got.p[got.len] = '\0';
	if (head[0] == 0) {
		item->secret = got;
	} else {
		set_why(item, (int)head[0], head[1], got.p);
		bk_secret_free(&got);
	}
	return 0;
}

static int read_replies(struct bk_resolve *r, int fd, struct bk_err *err)
{
	char more;

	for (size_t i = 0; i < r->n; i++)
		if (!r->items[i]->known && read_reply(fd, r->items[i], err) < 0)
			return -1;
	if (read_all(fd, &more, 1) < 0)
		return 0;
	return bk_err_set(err, BK_EX_PROTOCOL, 0,
			  "bk-secret says more than it was asked");
}

static int run_helper(struct bk_resolve *r, const struct bk_buf *requests,
		      struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	struct bk_child c = BK_CHILD_INIT;
	struct bk_exec x = { .in = BK_EXEC_PIPE,
			     .out = BK_EXEC_PIPE,
			     .err = BK_EXEC_INHERIT };
	int status, got;

	bk_strv_take(&argv, bk_exec_sibling("bk-secret"));
	if (r->config) {
		bk_strv_add(&argv, "-c");
		bk_strv_add(&argv, r->config);
	}
	bk_strv_add(&argv, "get");
	bk_strv_add(&argv, "--batch");
	x.argv = argv.v;
	if (bk_exec_start(&x, &c, err) < 0)
		return -1;
	/* Where it ends early, its status tells why, and no SIGPIPE. */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)bk_fd_write(c.in, requests->p, requests->len);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)close(c.in);
	c.in = -1;
	got = read_replies(r, c.out, err);
	status = bk_sig_pending() ? bk_exec_stop(&c, 2000) : bk_exec_wait(&c);
	if (bk_sig_pending())
		return bk_err_set(err, BK_EX_TEMPFAIL, 0,
				  "it was stopped while secrets were read");
	/* That may be because we hung up. */
	if (got < 0 && status == 128 + SIGPIPE)
		return -1;
	if (status != BK_EX_OK)
		return bk_err_set(err, status > 128 ? BK_EX_OSERR : status, 0,
				  "bk-secret ended with status %d", status);
	return got;
}

static int fetch(struct bk_resolve *r, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf requests = BK_BUF_INIT;

	for (size_t i = 0; i < r->n; i++)
		if (!r->items[i]->known)
			add_request(&requests, r->items[i]);
	bk_secret_harden();
	if (run_helper(r, &requests, err) < 0) {
		for (size_t i = 0; i < r->n; i++)
			if (!r->items[i]->known)
				bk_secret_free(&r->items[i]->secret);
		return -1;
	}
	for (size_t i = 0; i < r->n; i++)
		r->items[i]->known = true;
	return 0;
}

const struct bk_secret *bk_resolve_get(struct bk_resolve *r,
				       const struct bk_conf_section *s,
				       const char *key, struct bk_err *err)
{
	struct bk_resolve_item *item = item_of(r, s, key);

	if (!item->known && fetch(r, err) < 0)
		return NULL;
	if (item->secret.p)
		return &item->secret;
	*err = item->why;
	return NULL;
}
