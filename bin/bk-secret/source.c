/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "source.h"

#include <stdlib.h>
#include <unistd.h>

#include "credential.h"
#include "dirs.h"
#include "exec.h"
#include "file.h"
#include "log.h"
#include "path.h"
#include "terminal.h"

#define COMMAND_TIMEOUT_MS 60000
#define SERVICE_TIMEOUT_MS 10000
/* Names of all items: gnome-keyring takes milliseconds for each. */
#define LIST_TIMEOUT_MS 30000
#define LIST_MAX ((size_t)8 << 20)
#define HELPER "bk-secret-service"

static int absent(struct bk_err *err, int exit, const char *why)
{
	bk_err_set(err, exit, 0, "%s", why);
	return SOURCE_ABSENT;
}

/* command: */

static int from_command(const struct bk_ref *ref, struct bk_secret *ret,
			struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf out = BK_BUF_INIT;
	const char *name = ref->words.v[0];
	struct bk_exec x = { .argv = ref->words.v,
			     .in = BK_EXEC_NULL,
			     .err = BK_EXEC_INHERIT };
	int status;

	/* Enough, so that it is never moved. */
	bk_buf_reserve(&out, 4 * BK_SECRET_MAX);
	status = bk_exec_run(&x, BK_SECRET_MAX, COMMAND_TIMEOUT_MS, &out, NULL,
			     err);
	if (status < 0)
		return -1;
	if (status != 0)
		return bk_err_set(err, BK_EX_NO, 0,
				  "'%s' ended with status %d instead of a "
				  "secret",
				  name, status);
	if (bk_secret_set(ret, out.p, out.len, err) < 0)
		return -1;
	bk_secret_chomp(ret);
	if (ret->len > 0)
		return 0;
	bk_secret_free(ret);
	return bk_err_set(err, BK_EX_DATAERR, 0, "'%s' printed nothing", name);
}

/* ask */

static int from_terminal(const struct tool *t, const char *owner,
			 struct bk_secret *ret, struct bk_err *err)
{
	int got = t->unattended ? TERMINAL_NONE
				: terminal_ask(owner, false, ret, err);

	return got == TERMINAL_NONE
		       ? absent(err, BK_EX_NOINPUT, "there is no terminal")
		       : got;
}

/* secret-service: */

static char *find_helper(void)
{
	BK_AUTO_FREE char *beside = bk_exec_sibling(HELPER);
	static const char installed[] = BK_LIBEXECDIR "/" HELPER;

	if (strchr(beside, '/'))
		return bk_strdup(beside);
	return access(installed, X_OK) == 0 ? bk_strdup(installed) : NULL;
}

static void add_attributes(struct bk_strv *argv, const struct bk_ref *ref)
{
	if (!ref)
		return;
	if (ref->service) {
		bk_strv_addf(argv, "service=%s", ref->service);
		bk_strv_addf(argv, "username=%s", ref->user);
	}
	for (size_t i = 0; i < ref->words.n; i++)
		bk_strv_add(argv, ref->words.v[i]);
}

/* What it said, without its name in front. */
static const char *helper_words(struct bk_buf *said)
{
	static const char prefix[] = HELPER ": error: ";
	char *text = said->p ? bk_str_trim(said->p) : NULL;
	char *start = text ? strstr(text, prefix) : NULL;

	if (start)
		text = start + strlen(prefix);
	if (text)
		text[strcspn(text, "\n")] = '\0';
	return text && *text ? text : "it gave no reason";
}

int service_run(struct tool *t, const char *verb, const struct bk_ref *ref,
		const struct bk_secret *in, struct bk_buf *ret,
		struct bk_err *err)
{
	const struct bk_conf_section *s =
		bk_conf_find(t->conf, "keyring", NULL);
	const char *user = geteuid() == 0 ? bk_conf_str(s, "user", NULL) : NULL;
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_BUF struct bk_buf said = BK_BUF_INIT;
	BK_AUTO_FREE char *helper = find_helper();
	BK_AUTO_CLOSE int fd = in ? bk_secret_pipe(in, err) : -1;
	struct bk_exec x = { .in = in ? fd : BK_EXEC_NULL };
	int status;

	if (!helper)
		return absent(err, BK_EX_UNAVAILABLE,
			      HELPER " is not installed, which reads the "
				     "desktop's keyring (package " HELPER ")");
	if (in && fd < 0)
		return -1;
	bk_strv_add(&argv, helper);
	if (user) {
		bk_strv_add(&argv, "--user");
		bk_strv_add(&argv, user);
	}
	bk_strv_add(&argv, verb);
	bk_strv_add(&argv, "--");
	add_attributes(&argv, ref);
	x.argv = argv.v;
	bk_buf_reserve(ret, 4 * BK_SECRET_MAX);
	status = ref ? bk_exec_run(&x, BK_SECRET_MAX, SERVICE_TIMEOUT_MS, ret,
				   &said, err)
		     : bk_exec_run(&x, LIST_MAX, LIST_TIMEOUT_MS, ret, &said,
				   err);
	if (status < 0)
		return -1;
	if (status == BK_EX_OK)
		return 0;
	bk_err_set(err, status > 128 ? BK_EX_OSERR : status, 0, "%s",
		   helper_words(&said));
	return status == BK_EX_NOINPUT || status == BK_EX_UNAVAILABLE
		       ? SOURCE_ABSENT
		       : -1;
}

static int from_service(struct tool *t, const struct bk_ref *ref,
			struct bk_secret *ret, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf out = BK_BUF_INIT;
	int got = service_run(t, "get", ref, NULL, &out, err);

	return got == 0 ? bk_secret_set(ret, out.p, out.len, err) : got;
}

/* keyring: */

static int absent_file(const char *path, struct bk_err *err)
{
	bk_err_set(err, BK_EX_NOINPUT, 0,
		   "there is no keyring '%s' (bk-secret set makes one)", path);
	return SOURCE_ABSENT;
}

/* Where the Python tool of this user keeps it. */
static char *users_path(struct bk_err *err)
{
	const char *named = getenv("KEYRING_CRYPTFILE_PATH");
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	static const char file[] = "python_keyring/cryptfile_pass.cfg";

	if (named && *named == '/')
		return bk_path_clean(named);
	if (data && *data == '/')
		return bk_path_join(data, file);
	if (home && *home == '/')
		return bk_asprintf("%s/.local/share/%s", home, file);
	bk_err_set(err, BK_EX_CONFIG, 0,
		   "[keyring] path is not set, and neither is $HOME");
	return NULL;
}

char *keyring_path(const struct tool *t, struct bk_err *err)
{
	const struct bk_conf_section *s =
		bk_conf_find(t->conf, "keyring", NULL);
	const char *path = bk_conf_str(s, "path", NULL);

	if (path)
		return bk_strdup(path);
	if (geteuid() == 0)
		return bk_strdup(BK_SYSCONFDIR "/cryptfile_pass.cfg");
	return users_path(err);
}

void keyring_unlock_refs(const struct tool *t, struct bk_strv *ret)
{
	const struct bk_conf_section *s =
		bk_conf_find(t->conf, "keyring", NULL);
	const struct bk_conf_value *v = NULL;

	while ((v = bk_conf_value(s, "unlock", v)))
		bk_strv_add(ret, v->value);
	if (ret->n == 0) {
		bk_strv_add(ret, "credential:bk.keyring");
		bk_strv_add(ret, "ask");
	}
}

int keyring_master(struct tool *t, struct bk_secret *ret, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv refs = BK_STRV_INIT;
	struct bk_err why;
	size_t source;

	keyring_unlock_refs(t, &refs);
	if (source_first(t, &refs, "Master password of the keyring", &source,
			 ret, &why) == 0)
		return 0;
	if (source > 0)
		return bk_err_set(err, why.exit, 0,
				  "the keyring cannot be opened: [keyring] "
				  "unlock: %s",
				  why.msg);
	return bk_err_set(err, BK_EX_TEMPFAIL, 0,
			  "the keyring is locked, and nothing that [keyring] "
			  "unlock names is here: %s",
			  why.msg);
}

static int open_ring(struct tool *t, struct bk_err *err)
{
	BK_AUTO_FREE char *path = keyring_path(t, err);
	int got = path ? keyring_open(&t->ring, path, false, err) : -1;

	if (got == KEYRING_ABSENT)
		return absent_file(path, err);
	return got;
}

int keyring_ready(struct tool *t, bool master, struct bk_err *err)
{
	if (t->ring_state == RING_UNKNOWN)
		t->ring_state = open_ring(t, &t->ring_err);
	if (t->ring_state == 0 && master && !t->ring.master.p)
		t->ring_state =
			keyring_master(t, &t->ring.master, &t->ring_err);
	if (t->ring_state != 0)
		*err = t->ring_err;
	return t->ring_state;
}

static int from_keyring(struct tool *t, const struct bk_ref *ref,
			struct bk_secret *ret, struct bk_err *err)
{
	int got = keyring_ready(t, false, err);

	if (got != 0)
		return got;
	/* What is not there needs no master. */
	if (!keyring_has(&t->ring, ref->service, ref->user, err))
		return SOURCE_ABSENT;
	got = keyring_ready(t, true, err);
	if (got == 0)
		got = keyring_get(&t->ring, ref->service, ref->user, ret, err);
	if (got == 0)
		t->ring.proved = true;
	if (got < 0 && err->exit == BK_EX_NOPERM && !t->ring.proved &&
	    keyring_setting(&t->ring.file, CRYPTFILE_REFERENCE)) {
		/* The next one would find the same, after a second. */
		t->ring_state = -1;
		t->ring_err = *err;
	}
	return got;
}

/* All of them. */

int source_get(struct tool *t, const struct bk_ref *ref, const char *owner,
	       struct bk_secret *ret, struct bk_err *err)
{
	switch (ref->kind) {
	case BK_REF_COMMAND:
		return from_command(ref, ret, err);
	case BK_REF_CREDENTIAL:
		return credential_get(ref->rest, ret, err);
	case BK_REF_FILE:
		return secret_file(ref->rest, true, ret, err);
	case BK_REF_KEYRING:
		return from_keyring(t, ref, ret, err);
	case BK_REF_SERVICE:
		return from_service(t, ref, ret, err);
	default:
		return from_terminal(t, owner, ret, err);
	}
}

int source_first(struct tool *t, const struct bk_strv *refs, const char *owner,
		 size_t *ret_source, struct bk_secret *ret, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf all = BK_BUF_INIT;
	int exit = BK_EX_NOINPUT;

	for (size_t i = 0; i < refs->n; i++) {
		BK_AUTO_REF struct bk_ref ref = BK_REF_INIT;
		int got;

		*ret_source = i + 1;
		if (bk_ref_parse(refs->v[i], &ref, err) < 0)
			return -1;
		got = source_get(t, &ref, owner, ret, err);
		if (got <= 0)
			return got;
		bk_debug("'%s' does not apply: %s", ref.text, err->msg);
		bk_buf_addf(&all, "%s%s", i ? "; " : "", err->msg);
		exit = refs->n == 1 ? err->exit : BK_EX_NOINPUT;
	}
	*ret_source = 0;
	return bk_err_set(err, exit, 0, "%s",
			  all.p ? all.p : "there is no reference");
}
