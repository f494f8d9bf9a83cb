/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * init: ssh servers: a key that needs no passphrase, the key of the host,
 * pinned, and ours on the server.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "file.h"
#include "log.h"
#include "path.h"
#include "setup.h"
#include "sig.h"
#include "ssh.h"

#define KEYGEN_TIMEOUT_MS 60000

/* The key. */

int login_make_key(const char *file, const char *comment, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	AUTO_SAID struct said said = SAID_INIT;
	BK_AUTO_FREE char *folder = bk_path_parent(file);
	BK_AUTO_FREE char *tmp = bk_asprintf("%s.new", file);
	BK_AUTO_FREE char *tmp_pub = bk_asprintf("%s.new.pub", file);
	BK_AUTO_FREE char *pub = bk_asprintf("%s.pub", file);

	if (bk_file_mkdirs(folder, 0700, err) < 0)
		return -1;
	/* What an interrupted one left. */
	(void)unlink(tmp);
	(void)unlink(tmp_pub);
	child_add(&argv, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C",
		  comment, "-f", tmp);
	if (child_run(&argv, KEYGEN_TIMEOUT_MS, &said, err) < 0)
		return -1;
	if (said.status != 0) {
		BK_AUTO_FREE char *why = said_why(&said);

		return bk_err_set(err, BK_EX_CANTCREAT, 0, "%s", why);
	}
	if (rename(tmp_pub, pub) < 0 || rename(tmp, file) < 0)
		return bk_err_sys(err, "cannot make '%s'", file);
	return bk_file_sync_folder(file, err);
}

/* The public key of one that is there; made again where it is missing. */
static int read_public(const char *file, struct bk_buf *b, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	AUTO_SAID struct said said = SAID_INIT;
	BK_AUTO_FREE char *pub = bk_asprintf("%s.pub", file);

	if (access(pub, R_OK) == 0)
		return bk_file_read(pub, 65536, b, err);
	child_add(&argv, "ssh-keygen", "-y", "-P", "", "-f", file);
	if (child_run(&argv, KEYGEN_TIMEOUT_MS, &said, err) < 0)
		return -1;
	if (said.status != 0)
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "'%s' is no key without a passphrase", file);
	bk_buf_add(b, said.out.p, said.out.len);
	return bk_file_write(pub, b->p, b->len, 0644, err);
}

/* The key that ssh would offer, or one that it names is made: its file. */
static char *have_key(struct setup *s, const char *name,
		      const struct ssh_view *v)
{
	BK_AUTO_FREE char *folder = ssh_file(NULL);
	BK_AUTO_FREE char *line = NULL;
	struct bk_err err;

	for (size_t i = 0; i < v->keys.n; i++)
		if (access(v->keys.v[i], R_OK) == 0)
			return bk_strdup(v->keys.v[i]);
	line = bk_asprintf("ssh-keygen -t ed25519 -N '' -f %s",
			   v->keys.n > 0 ? v->keys.v[0] : "KEY");
	if (v->keys.n == 0 || !folder ||
	    !bk_path_within(v->keys.v[0], folder)) {
		step_failed(s, BK_EX_NOINPUT, name, line,
			    "there is no key for it");
		return NULL;
	}
	if (s->t->cli.dry_run) {
		step(s, STEP_WOULD, name, line, "make a key");
		return NULL;
	}
	if (login_make_key(v->keys.v[0], "bk", &err) < 0) {
		step_failed(s, err.exit, name, line, "%s", err.msg);
		return NULL;
	}
	step(s, STEP_DONE, name, line, "made the key '%s'", v->keys.v[0]);
	return bk_strdup(v->keys.v[0]);
}

/* Our key on the server. */

/* A storage box takes it by a command of its own; others by sftp. */
static void put_command(const struct bk_remote *h, const struct ssh_view *v,
			const char *key, struct bk_strv *argv)
{
	BK_AUTO_FREE char *config = bk_remote_ssh_config();

	if (strcmp(v->port, "23") == 0) {
		ssh_args("ssh", h, false, argv);
		child_add(argv, h->host, "install-ssh-key");
		return;
	}
	child_add(argv, "ssh-copy-id", "-s", "-i");
	bk_strv_addf(argv, "%s.pub", key);
	if (config)
		child_add(argv, "-F", config);
	if (h->user) {
		bk_strv_add(argv, "-o");
		bk_strv_addf(argv, "User=%s", h->user);
	}
	if (h->port)
		child_add(argv, "-p", h->port);
	bk_strv_add(argv, h->host);
}

/* The password of the server is typed into ssh itself. */
static void put_key(const struct bk_remote *h, const struct bk_strv *argv,
		    const char *key)
{
	BK_AUTO_FREE char *text = ssh_text(h);
	BK_AUTO_FREE char *pub = bk_asprintf("%s.pub", key);
	BK_AUTO_CLOSE int fd = open(pub, O_RDONLY | O_CLOEXEC);
	bool by_ssh = strcmp(argv->v[0], "ssh") == 0;
	const char *home = getenv("HOME");
	BK_AUTO_FREE char *work = home ? bk_path_join(home, ".ssh") : NULL;
	struct bk_err err;

	/* ssh-copy-id works in there, and does not make it. */
	if (!by_ssh && work && bk_file_mkdirs(work, 0700, &err) < 0)
		bk_warning("%s", err.msg);

	bk_notice("the key of this host is to be put on %s; type its password, "
		  "this once",
		  text);
	if (child_pass(argv, by_ssh ? fd : BK_EXEC_INHERIT, STDERR_FILENO,
		       &err) < 0)
		bk_warning("%s", err.msg);
}

/* The person does it in another way, and says so. */
static enum login await_key(const struct bk_remote *h, const struct bk_buf *pub,
			    char **ret_why)
{
	static const struct answer q = {
		"Put this key there in another way, then press Enter; or "
		"'skip'",
		"done", NULL
	};
	enum login login = LOGIN_DENIED;
	struct bk_err err;

	while (login == LOGIN_DENIED && !bk_sig_pending()) {
		BK_AUTO_FREE char *text = NULL;

		bk_notice("%s", pub->p);
		if (ask(&q, &text, &err) < 0 || strcmp(text, "skip") == 0)
			break;
		free(*ret_why);
		login = ssh_login(h, ret_why);
	}
	return login;
}

/* The command that puts the key there, as a person would type it. */
static char *put_line(const struct bk_strv *argv, const char *key)
{
	BK_AUTO_FREE char *line = child_line(argv);

	if (strcmp(argv->v[0], "ssh") == 0)
		return bk_asprintf("%s <%s.pub", line, key);
	return bk_strdup(line);
}

static void report_login(struct setup *s, const char *name,
			 const struct ssh_view *v, enum login login,
			 const char *line, const char *why)
{
	static const int exits[] = {
		[LOGIN_OK] = BK_EX_OK,
		[LOGIN_UNREACHABLE] = BK_EX_TEMPFAIL,
		[LOGIN_KEY_UNKNOWN] = BK_EX_NOPERM,
		[LOGIN_KEY_CHANGED] = BK_EX_NOPERM,
		[LOGIN_DENIED] = BK_EX_NOPERM,
		[LOGIN_FAILED] = BK_EX_UNAVAILABLE,
	};

	if (login == LOGIN_OK)
		step(s, STEP_DONE, name, line, "this host can log in now");
	else if (login == LOGIN_KEY_CHANGED)
		step_failed(s, exits[login], name, NULL,
			    "it has another key than the one that is known; "
			    "ask its owner, and only then: ssh-keygen -R %s "
			    "-f %s",
			    v->key_name, v->known.v[0]);
	else
		step_failed(s, exits[login], name, line, "%s", why);
}

static bool log_in(struct setup *s, const char *name, const struct bk_remote *h,
		   const struct ssh_view *v, const char *key,
		   const struct bk_buf *pub)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_FREE char *line = NULL, *why = NULL;
	enum login login = ssh_login(h, &why);

	put_command(h, v, key, &argv);
	line = put_line(&argv, key);
	if (login == LOGIN_OK) {
		step(s, STEP_KEPT, name, line, "this host can log in");
		return true;
	}
	if (login == LOGIN_DENIED && s->person) {
		put_key(h, &argv, key);
		free(why);
		login = ssh_login(h, &why);
		if (login == LOGIN_DENIED)
			login = await_key(h, pub, &why);
	}
	report_login(s, name, v, login, line, why);
	return login == LOGIN_OK;
}

static bool have_login(struct setup *s, const char *name,
		       const struct bk_remote *h, const struct ssh_view *v,
		       const char *key)
{
	BK_AUTO_BUF struct bk_buf pub = BK_BUF_INIT;
	struct bk_err err;

	if (read_public(key, &pub, &err) < 0) {
		step_failed(s, err.exit, name, NULL, "%s", err.msg);
		return false;
	}
	bk_buf_adds(&pub, "");
	pub.p[strcspn(pub.p, "\n")] = '\0';
	return log_in(s, name, h, v, key, &pub);
}

/*
 * false: it is not ready, and that has been said. files: it lets us in to
 * files; a server that runs rclone for our key was set up by append-only.
 */
static bool step_host(struct setup *s, const struct bk_remote *h, bool files)
{
	AUTO_SSH_VIEW struct ssh_view v = SSH_VIEW_INIT;
	BK_AUTO_FREE char *text = ssh_text(h);
	BK_AUTO_FREE char *name = bk_asprintf("ssh %s", text);
	BK_AUTO_FREE char *key = NULL;
	struct bk_err err;

	if (bk_strv_has(&s->aliases, h->host)) {
		step(s, STEP_WOULD, name, NULL,
		     "write it into ssh_config, make a key, pin the key of "
		     "the host, and put ours there");
		return true;
	}
	if (ssh_view(h, &v, &err) < 0) {
		step_failed(s, err.exit, name, NULL, "%s", err.msg);
		return false;
	}
	key = have_key(s, name, &v);
	if (!login_pin(s, name, &v) || !key)
		return false;
	return s->t->cli.dry_run || !files || have_login(s, name, h, &v, key);
}

void step_hosts(struct setup *s)
{
	static const char *const kinds[] = { "repo", "box" };
	BK_AUTO_STRV struct bk_strv seen = BK_STRV_INIT;
	BK_AUTO_STRV struct bk_strv bad = BK_STRV_INIT;

	for (size_t i = 0; i < BK_COUNT(kinds); i++) {
		const struct bk_conf_section *c = NULL;

		while (!bk_sig_pending() &&
		       (c = bk_conf_next(s->t->conf, kinds[i], c))) {
			BK_AUTO_REMOTE struct bk_remote h = BK_REMOTE_INIT;
			BK_AUTO_FREE char *text = NULL;
			bool files = !bk_conf_bool(c, "append-only", false);

			if (!ssh_remote(c, &h))
				continue;
			text = ssh_text(&h);
			if (!bk_strv_has(&seen, text) &&
			    !step_host(s, &h, files))
				bk_strv_add(&bad, text);
			bk_strv_add(&seen, text);
			if (bk_strv_has(&bad, text))
				bk_strv_take(&s->broken, section_label(c));
		}
	}
}
