/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check: ssh servers and boxes. A host is asked once, however many use it.
 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checks.h"
#include "path.h"
#include "ssh.h"

#define SFTP_TIMEOUT_MS 60000

static char *command(const char *words, const char *path)
{
	struct bk_buf b = BK_BUF_INIT;

	bk_buf_adds(&b, words);
	bk_str_add_shell(&b, path);
	return bk_buf_steal(&b);
}

/* Would ssh be asked for the passphrase of this key? */
static bool has_passphrase(const char *file)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	AUTO_SAID struct said said = SAID_INIT;

	child_add(&argv, "ssh-keygen", "-y", "-P", "", "-f", file);
	return child_run(&argv, 10000, &said, NULL) == 0 && said.status != 0;
}

/* Units have no home of root; what they need lies beside bk.conf. */
static bool is_in_home(const char *file)
{
	return geteuid() == 0 &&
	       (bk_path_within(file, "/root") || bk_path_within(file, "/home"));
}

static void check_key(struct check *c, const char *about, const char *file)
{
	BK_AUTO_FREE char *private = command("chmod 600 ", file);
	BK_AUTO_FREE char *plain = command("ssh-keygen -p -f ", file);
	struct stat st;

	if (stat(file, &st) < 0)
		return;
	if (st.st_mode & 077)
		report_add(&c->report, LEVEL_ERROR, about, private,
			   "others can read the key '%s', so ssh refuses it",
			   file);
	else if (has_passphrase(file))
		report_add(&c->report, LEVEL_ERROR, about, plain,
			   "the key '%s' has a passphrase, or is damaged: a "
			   "timer cannot use it",
			   file);
	else if (is_in_home(file))
		report_add(&c->report, LEVEL_WARNING, about,
			   "move it to /etc/bk/ssh, and name it in "
			   "/etc/bk/ssh_config",
			   "the key '%s' lies in a home, which units may not "
			   "see",
			   file);
}

static void check_keys(struct check *c, const char *about,
		       const struct ssh_view *v)
{
	size_t there = 0;

	for (size_t i = 0; i < v->keys.n; i++) {
		there += access(v->keys.v[i], F_OK) == 0;
		check_key(c, about, v->keys.v[i]);
	}
	if (there == 0)
		report_add(&c->report, LEVEL_ERROR, about, "bk-config init",
			   "there is no key for it: '%s' is missing",
			   v->keys.n > 0 ? v->keys.v[0] : "IdentityFile");
}

static void check_pin(struct check *c, const char *about,
		      const struct bk_remote *h, const struct ssh_view *v)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_FREE char *line = NULL;

	for (size_t i = 0; geteuid() == 0 && i < v->known.n; i++)
		if (access(v->known.v[i], F_OK) == 0 &&
		    is_in_home(v->known.v[i]))
			report_add(&c->report, LEVEL_WARNING, about,
				   "name UserKnownHostsFile "
				   "/etc/bk/ssh/known_hosts in "
				   "/etc/bk/ssh_config",
				   "its host key is kept in '%s', in a home, "
				   "which units may not see",
				   v->known.v[i]);
	if (ssh_is_pinned(v))
		return;
	ssh_args("sftp", h, false, &argv);
	bk_strv_add(&argv, h->host);
	line = child_line(&argv);
	check_break(c, about);
	report_add(&c->report, LEVEL_ERROR, about, line,
		   "its host key is not known, and a timer accepts none");
}

static void check_login(struct check *c, const char *about,
			const struct ssh_view *v, const struct bk_remote *h)
{
	static const char *const remedies[] = {
		[LOGIN_UNREACHABLE] = "see that it is up, and its name right",
		[LOGIN_KEY_UNKNOWN] = "log in by hand, compare the fingerprint",
		[LOGIN_KEY_CHANGED] = NULL,
		[LOGIN_DENIED] = "put the public key on it: bk-config init",
		[LOGIN_FAILED] = "log in by hand: ssh -v",
	};
	BK_AUTO_FREE char *why = NULL;
	BK_AUTO_FREE char *forget = bk_asprintf(
		"if its owner says that this is right: ssh-keygen -R %s -f %s",
		v->key_name, v->known.n > 0 ? v->known.v[0] : "known_hosts");
	enum login login = ssh_login(h, &why);

	if (login == LOGIN_OK)
		return;
	check_break(c, about);
	if (login == LOGIN_KEY_CHANGED)
		report_add(&c->report, LEVEL_ERROR, about, forget,
			   "it has another host key than the one that is "
			   "known: %s",
			   why);
	else
		report_add(&c->report, LEVEL_ERROR, about, remedies[login],
			   "%s", why);
}

/* files: it lets us in to files, and not to rclone alone. */
static void check_host(struct check *c, const struct bk_remote *h, bool files)
{
	BK_AUTO_FREE char *text = ssh_text(h);
	BK_AUTO_FREE char *about = bk_asprintf("ssh %s", text);
	AUTO_SSH_VIEW struct ssh_view v = SSH_VIEW_INIT;
	struct bk_err err;

	if (ssh_view(h, &v, &err) < 0) {
		check_break(c, about);
		report_add(&c->report, LEVEL_ERROR, about,
			   "mend /etc/bk/ssh_config", "%s", err.msg);
		return;
	}
	check_keys(c, about, &v);
	check_pin(c, about, h, &v);
	if (files && !c->t->offline && !check_is_broken(c, about))
		check_login(c, about, &v, h);
}

/* Who uses a broken host is broken. */
static void check_hosts_of(struct check *c, const char *kind,
			   struct bk_strv *seen)
{
	const struct bk_conf_section *s = NULL;

	while ((s = bk_conf_next(c->t->conf, kind, s))) {
		BK_AUTO_REMOTE struct bk_remote h = BK_REMOTE_INIT;
		BK_AUTO_FREE char *label = section_label(s);
		BK_AUTO_FREE char *text = NULL, *about = NULL;

		if (!ssh_remote(s, &h))
			continue;
		text = ssh_text(&h);
		about = bk_asprintf("ssh %s", text);
		if (!bk_strv_has(seen, text))
			check_host(c, &h,
				   !bk_conf_bool(s, "append-only", false));
		bk_strv_add(seen, text);
		if (check_is_broken(c, about))
			check_break(c, label);
	}
}

void check_hosts(struct check *c)
{
	BK_AUTO_STRV struct bk_strv seen = BK_STRV_INIT;

	if (check_is_broken(c, "ssh"))
		return;
	check_hosts_of(c, "repo", &seen);
	if (!check_is_broken(c, "sftp"))
		check_hosts_of(c, "box", &seen);
}

/* Boxes. */

static void check_dir(struct check *c, const char *label, const char *path,
		      bool write)
{
	BK_AUTO_FREE char *remedy = command("mount it, or: mkdir -p ", path);
	struct stat st, root;

	if (stat(path, &st) < 0)
		report_add(&c->report, LEVEL_ERROR, label, remedy, "'%s': %s",
			   path, strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		report_add(&c->report, LEVEL_ERROR, label, NULL,
			   "'%s' is no folder", path);
	else if (write && access(path, W_OK | X_OK) < 0)
		report_add(&c->report, LEVEL_ERROR, label, NULL,
			   "'%s' cannot be written: %s", path, strerror(errno));
	else if (stat("/", &root) == 0 && st.st_dev == root.st_dev)
		report_add(&c->report, LEVEL_WARNING, label,
			   "mount a disk of its own there",
			   "'%s' is on the disk of the system, so it is lost "
			   "with it",
			   path);
}

/* One command of sftp. */
static int run_sftp(const struct bk_remote *h, const char *text,
		    struct said *said, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;

	ssh_args("sftp", h, true, &argv);
	child_add(&argv, "-b", "-", h->host);
	return child_feed(&argv, text, SFTP_TIMEOUT_MS, said, err);
}

/* As sftp quotes a name. */
static char *quoted(const char *name)
{
	struct bk_buf b = BK_BUF_INIT;

	bk_buf_addc(&b, '"');
	for (; *name; name++) {
		if (*name == '"' || *name == '\\')
			bk_buf_addc(&b, '\\');
		bk_buf_addc(&b, *name);
	}
	bk_buf_addc(&b, '"');
	return bk_buf_steal(&b);
}

static void check_folder(struct check *c, const char *label,
			 const struct bk_remote *h)
{
	BK_AUTO_FREE char *name = quoted(*h->path ? h->path : ".");
	BK_AUTO_FREE char *cd = bk_asprintf("cd %s\n", name);
	BK_AUTO_FREE char *remedy = NULL;
	AUTO_SAID struct said said = SAID_INIT;
	struct bk_err err;

	if (run_sftp(h, cd, &said, &err) < 0) {
		report_add(&c->report, LEVEL_ERROR, label, NULL, "%s", err.msg);
		return;
	}
	if (said.status == 0)
		return;
	{
		BK_AUTO_FREE char *why = said_why(&said);

		remedy = bk_asprintf("make it there: mkdir %s", name);
		report_add(&c->report, LEVEL_WARNING, label, remedy,
			   "its folder %s is not there: %s", name, why);
	}
}

void check_boxes(struct check *c)
{
	const struct bk_conf_section *s = NULL;

	while ((s = bk_conf_next(c->t->conf, "box", s))) {
		BK_AUTO_REMOTE struct bk_remote h = BK_REMOTE_INIT;
		BK_AUTO_FREE char *label = section_label(s);
		const char *url = bk_conf_str(s, "url", "");

		if (bk_str_starts(url, "dir:"))
			check_dir(c, label, url + strlen("dir:"),
				  !bk_conf_bool(s, "read-only", false));
		else if (!c->t->offline && !check_is_broken(c, label) &&
			 ssh_remote(s, &h))
			check_folder(c, label, &h);
	}
}
