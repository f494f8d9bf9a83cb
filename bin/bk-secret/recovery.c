/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "recovery.h"

#include <unistd.h>

#include "file.h"
#include "path.h"
#include "source.h"
#include "time.h"

#define MACHINE_ID "/etc/machine-id"

static char *machine_id(void)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	if (bk_file_read(MACHINE_ID, 4096, &b, NULL) < 0 || !b.p)
		return bk_strdup("");
	return bk_strdup(bk_str_trim(b.p));
}

static void write_head(const struct recovery *r, struct sheet *s)
{
	const char *host = r->tool->conf->host;
	BK_AUTO_FREE char *title = bk_asprintf("Recovery sheet of %s", host);
	BK_AUTO_FREE char *id = machine_id();
	BK_AUTO_BUF struct bk_buf now = BK_BUF_INIT;

	bk_time_add_utc(&now, bk_time_now());
	sheet_begin(s, r->tool->html, title);
	sheet_warning(s, "Whoever has this sheet can read the backups, and "
			 "delete them. Keep it away from this host: two "
			 "copies, in two places.");
	sheet_field(s, "Made", now.p);
	sheet_field(s, "Host", host);
	sheet_field(s, "Machine id", *id ? id : "none");
	sheet_field(s, "By", "bk-secret " BK_VERSION);
}

/* restic itself, as far as the repository. */

static void add_word(struct bk_buf *b, const char *word)
{
	bk_buf_addc(b, ' ');
	bk_str_add_shell(b, word);
}

static void add_restic_option(struct bk_buf *b, const char *option)
{
	BK_AUTO_BUF struct bk_buf field = BK_BUF_INIT;

	bk_str_add_csv(&field, option);
	bk_buf_adds(b, " -o");
	add_word(b, field.p);
}

static void add_options(const struct recovery_repo *repo, struct bk_buf *b)
{
	BK_AUTO_FREE char *ssh = hostkey_command(&repo->server);
	const struct bk_conf_value *v = NULL;
	bool own_ssh = false;

	while ((v = bk_conf_value(repo->section, "option", v))) {
		own_ssh = own_ssh || bk_str_starts(v->value, "sftp.command=") ||
			  bk_str_starts(v->value, "sftp.args=");
		add_restic_option(b, v->value);
	}
	if (ssh && !own_ssh) {
		BK_AUTO_FREE char *option = bk_asprintf("sftp.command=%s", ssh);

		add_restic_option(b, option);
	}
}

static void begin_restic(const struct recovery_repo *repo, struct bk_buf *b)
{
	bk_buf_adds(b, "restic -r");
	add_word(b, bk_conf_str(repo->section, "url", ""));
	add_options(repo, b);
}

/* include: of all of the set, or NULL. */
static void write_restore(const struct recovery *r, struct sheet *s,
			  const struct recovery_repo *repo, const char *set,
			  const char *include, const char *target)
{
	BK_AUTO_BUF struct bk_buf line = BK_BUF_INIT;

	begin_restic(repo, &line);
	bk_buf_adds(&line, " restore latest --host");
	add_word(&line, r->tool->conf->host);
	bk_buf_addf(&line, " --tag bk,%s", set);
	if (include) {
		bk_buf_adds(&line, " --include");
		add_word(&line, include);
	}
	bk_buf_adds(&line, " --target");
	add_word(&line, target);
	sheet_command(s, line.p);
}

static const struct bk_conf_section *next_set(const struct recovery *r,
					      const struct recovery_repo *repo,
					      const struct bk_conf_section *set)
{
	const char *name = repo->section->name;

	do {
		set = bk_conf_next(r->tool->conf, "backup", set);
	} while (set && strcmp(bk_conf_str(set, "repo", ""), name) != 0);
	return set;
}

static void write_commands(const struct recovery *r, struct sheet *s,
			   const struct recovery_repo *repo)
{
	BK_AUTO_BUF struct bk_buf line = BK_BUF_INIT;
	const struct bk_conf_section *set = NULL;

	sheet_text(s, "With restic alone: what is there, and get it back. It "
		      "asks for the password.");
	begin_restic(repo, &line);
	bk_buf_adds(&line, " snapshots");
	sheet_command(s, line.p);
	while ((set = next_set(r, repo, set)))
		write_restore(r, s, repo, set->name, NULL, "/mnt/back");
}

/* Where the repository is, and what reaching it takes. */

/* By what it is known. */
static void write_keys(struct sheet *s, const struct hostkey *h)
{
	if (h->problem)
		sheet_warning(s, "The server could not be looked up: %s",
			      h->problem);
	else if (h->lines.n == 0)
		sheet_warning(s, "No host key of the server is pinned on this "
				 "host: get its fingerprint from its owner.");
	for (size_t i = 0; i < h->prints.n; i++)
		sheet_field(s, "Host key", h->prints.v[i]);
	if (h->lines.n > 0)
		sheet_text(s, "For ~/.ssh/known_hosts:");
	for (size_t i = 0; i < h->lines.n; i++)
		sheet_command(s, h->lines.v[i]);
}

static void write_command_there(struct sheet *s, const struct hostkey *h)
{
	if (!h->proxy)
		return;
	sheet_field(s, "Through", h->proxy);
	sheet_text(s, "ssh gets there through that command: the new machine "
		      "needs its program, and what that needs.");
}

/* What is between this host and the server. */
static void write_way(struct sheet *s, const struct hostkey *h)
{
	write_command_there(s, h);
	if (h->nvia > 0)
		sheet_text(s, "The server is reached through other machines, "
			      "ssh -J, in this order. They have to let the new "
			      "machine in, too.");
	for (size_t i = 0; i < h->nvia; i++) {
		const struct hostkey *v = &h->via[i];
		BK_AUTO_FREE char *who =
			bk_asprintf("%s@%s, port %s", v->user ? v->user : "?",
				    v->host ? v->host : "?",
				    v->port ? v->port : "?");

		sheet_field(s, "Through", who);
		write_command_there(s, v);
		write_keys(s, v);
	}
}

static void write_login(struct sheet *s, const struct hostkey *h)
{
	sheet_field(s, "Server", h->host);
	sheet_field(s, "ssh port", h->port);
	sheet_field(s, "ssh user", h->user);
	for (size_t i = 0; i < h->logins.n; i++)
		if (access(h->logins.v[i], F_OK) == 0)
			sheet_field(s, "ssh key", h->logins.v[i]);
	sheet_text(s, "The ssh key itself is not on this sheet. If it is lost, "
		      "log in to the server as its owner, and let a new one "
		      "in.");
}

static void write_server(struct sheet *s, const struct hostkey *h)
{
	if (h->host && h->port && h->user)
		write_login(s, h);
	write_keys(s, h);
	write_way(s, h);
}

static void write_place(struct sheet *s, const struct recovery_repo *repo,
			const char *url)
{
	if (hostkey_is_ssh(url))
		write_server(s, &repo->server);
	else if (url[0] == '/' || bk_str_starts(url, "local:"))
		sheet_text(s, "It lies in a folder: the disk that holds it is "
			      "needed, mounted at the same place or named "
			      "anew.");
	else
		sheet_text(s, "What the service itself asks for (such as "
			      "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY) is "
			      "not on this sheet, unless it is in the URL. "
			      "Write it here by hand.");
}

static void write_repo(const struct recovery *r, struct sheet *s,
		       const struct recovery_repo *repo)
{
	const char *url = bk_conf_str(repo->section, "url", "");

	sheet_heading(s, "Repository %s", repo->section->name);
	sheet_field(s, "URL", url);
	if (repo->exit != BK_EX_OK) {
		sheet_warning(s,
			      "This sheet does not open it: it could not be "
			      "given a key (status %d). Make another sheet "
			      "when it can be reached.",
			      repo->exit);
		return;
	}
	sheet_secret(s, "Password", &repo->password);
	sheet_field(s, "Key", repo->added.v[0].id);
	sheet_text(s, "Type the password exactly so, with its dashes. The "
		      "letters I, L, O and U do not occur: it is 1 and 0.");
	write_place(s, repo, url);
	write_commands(r, s, repo);
}

/* Where copies of cold files and the status of the host are. */
static void write_boxes(const struct recovery *r, struct sheet *s)
{
	const struct bk_conf_section *box = NULL;

	while ((box = bk_conf_next(r->tool->conf, "box", box))) {
		const char *url = bk_conf_str(box, "url", "");
		BK_AUTO(hostkey_free) struct hostkey h = HOSTKEY_INIT;

		sheet_heading(s, "Box %s", box->name);
		sheet_field(s, "URL", url);
		if (!hostkey_is_ssh(url)) {
			sheet_text(s, "It is a folder: the disk that holds it "
				      "is needed.");
			continue;
		}
		hostkey_find(url, &h);
		write_server(s, &h);
	}
}

/* Secrets. */

/* What the configuration refers to, by name. */
static void write_refs(const struct recovery *r, struct sheet *s)
{
	const struct bk_conf_section *repo = NULL;

	while ((repo = bk_conf_next(r->tool->conf, "repo", repo))) {
		const struct bk_conf_value *v = NULL;
		BK_AUTO_FREE char *label = bk_asprintf("[repo %s]", repo->name);

		while ((v = bk_conf_value(repo, "password", v)))
			sheet_field(s, label, v->value);
	}
}

static void write_secrets(const struct recovery *r, struct sheet *s)
{
	BK_AUTO_FREE char *path = keyring_path(r->tool, NULL);
	bool there = path && access(path, F_OK) == 0;
	BK_AUTO_STRV struct bk_strv refs = BK_STRV_INIT;

	sheet_heading(s, "Keyring and other secrets");
	sheet_field(s, "Keyring", there ? path : "none on this host");
	if (r->master)
		sheet_secret(s, "Its master", r->master);
	else if (there)
		sheet_field(s, "Its master", "not on this sheet");
	keyring_unlock_refs(r->tool, &refs);
	for (size_t i = 0; there && i < refs.n; i++)
		sheet_field(s, "Opened by", refs.v[i]);
	write_refs(r, s);
	sheet_text(s, "Credentials of systemd are copies that only this host "
		      "can read. They are never restored, but made anew "
		      "(bk-secret enroll).");
}

/* The way back. */

static void write_machine_step(struct sheet *s)
{
	BK_AUTO_FREE char *id = machine_id();
	BK_AUTO_FREE char *line =
		bk_asprintf("echo %s >/etc/machine-id", *id ? id : "ID");

	sheet_step(s, "If /var/lib/systemd of the old host is to come back: "
		      "write the old machine id first, before anything reads "
		      "a credential, and reboot. systemd deletes a host key "
		      "that was made for another machine id, and then every "
		      "credential is lost; if so, step 5 makes new ones.");
	sheet_command(s, line);
}

/* Where apt or dnf has them from, if it was set up as by `make repo`. */
static char *packages_url(void)
{
	static const char *const files[][2] = {
		{ "/etc/apt/sources.list.d/bk.sources", "\nURIs:" },
		{ "/etc/yum.repos.d/bk.repo", "\nbaseurl=" },
	};

	for (size_t i = 0; i < BK_COUNT(files); i++) {
		BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
		char *at;

		if (bk_file_read(files[i][0], 65536, &b, NULL) < 0 || !b.p)
			continue;
		at = strstr(b.p, files[i][1]);
		if (!at)
			continue;
		at += strlen(files[i][1]);
		at[strcspn(at, "\n")] = '\0';
		return bk_strdup(bk_str_trim(at));
	}
	return NULL;
}

static void write_packages_step(struct sheet *s)
{
	BK_AUTO_FREE char *url = packages_url();

	sheet_step(s, "Install restic, ssh and bk, all from packages of the "
		      "distribution or from your own: restic, openssh-client "
		      "(Fedora: openssh-clients), bk-tools, and for the "
		      "keyring of a desktop bk-secret-service.");
	sheet_command(s, "apt install restic openssh-client bk-tools");
	sheet_command(s, "dnf install restic openssh-clients bk-tools");
	if (url)
		sheet_text(s, "This host had bk from %s", url);
}

static void add_option(struct bk_buf *b, const char *name, const char *value)
{
	BK_AUTO_FREE char *option = bk_asprintf("%s=%s", name, value);

	bk_buf_adds(b, " -o");
	add_word(b, option);
}

/* n: of the machines on the way, those that come first. */
static void add_login(const struct hostkey *h, const struct hostkey *way,
		      size_t n, struct bk_strv *lines)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	BK_AUTO_FREE char *jumps = hostkey_jumps(way, n);
	BK_AUTO_FREE char *who = NULL;

	if (!h->host || !h->port || !h->user)
		return;
	who = bk_asprintf("%s@%s", h->user, h->host);
	bk_buf_adds(&b, "ssh-copy-id -s");
	if (h->proxy)
		add_option(&b, "ProxyCommand", h->proxy);
	if (jumps)
		add_option(&b, "ProxyJump", jumps);
	bk_buf_adds(&b, " -p");
	add_word(&b, h->port);
	add_word(&b, who);
	if (!bk_strv_has(lines, b.p))
		bk_strv_add(lines, b.p);
}

static void add_logins(const struct hostkey *h, struct bk_strv *lines)
{
	for (size_t i = 0; i < h->nvia; i++)
		add_login(&h->via[i], h, i, lines);
	add_login(h, h, h->nvia, lines);
}

/* How a key is let in at each of the servers. */
static void find_logins(const struct recovery *r, struct bk_strv *lines)
{
	const struct bk_conf_section *box = NULL;

	for (size_t i = 0; i < r->nrepos; i++)
		add_logins(&r->repos[i].server, lines);
	while ((box = bk_conf_next(r->tool->conf, "box", box))) {
		const char *url = bk_conf_str(box, "url", "");
		BK_AUTO(hostkey_free) struct hostkey h = HOSTKEY_INIT;

		if (!hostkey_is_ssh(url))
			continue;
		hostkey_find(url, &h);
		add_logins(&h, lines);
	}
}

static void write_server_step(const struct recovery *r, struct sheet *s)
{
	BK_AUTO_STRV struct bk_strv lines = BK_STRV_INIT;
	bool any = false;

	for (size_t i = 0; i < r->nrepos; i++)
		any = any || hostkey_is_ssh(bk_conf_str(r->repos[i].section,
							"url", ""));
	if (!any) {
		sheet_step(s, "See that the machine reaches the repositories: "
			      "mount the disk, or set what the service wants.");
		return;
	}
	sheet_step(s, "Make an ssh key, and let it in at the servers above: "
		      "by their web page, or with their password as below. "
		      "ssh shows the key of a server that it does not know: "
		      "compare it with the one above.");
	sheet_command(s, "ssh-keygen -t ed25519");
	find_logins(r, &lines);
	for (size_t i = 0; i < lines.n; i++)
		sheet_command(s, lines.v[i]);
}

/* Is the configuration itself in this set, by its path? */
static bool holds_config(const struct bk_conf_section *set)
{
	const struct bk_conf_value *v = NULL;

	while ((v = bk_conf_value(set, "path", v)))
		if (bk_path_within(BK_SYSCONFDIR, v->value))
			return true;
	return false;
}

static void write_config_step(const struct recovery *r, struct sheet *s)
{
	bool any = false;

	sheet_step(s,
		   "Get the configuration and the keyring back (%s), if "
		   "they were in a backup; else write bk.conf anew.",
		   BK_SYSCONFDIR);
	for (size_t i = 0; i < r->nrepos; i++) {
		const struct recovery_repo *repo = &r->repos[i];
		const struct bk_conf_section *set = NULL;

		while (repo->exit == BK_EX_OK &&
		       (set = next_set(r, repo, set))) {
			if (!holds_config(set))
				continue;
			write_restore(r, s, repo, set->name, BK_SYSCONFDIR,
				      "/");
			any = true;
		}
	}
	if (any)
		sheet_text(s,
			   "The old ssh keys come back with it. Where a "
			   "server no longer lets them in, give it "
			   "%s/ssh/*.pub.",
			   BK_SYSCONFDIR);
	else
		sheet_text(s, "No set of these repositories names that folder "
			      "as a path: look through the snapshots.");
}

/* "COMMAND WORD", as a command. */
static void write_with(struct sheet *s, const char *command, const char *word)
{
	BK_AUTO_BUF struct bk_buf line = BK_BUF_INIT;

	bk_buf_adds(&line, command);
	add_word(&line, word);
	sheet_command(s, line.p);
}

static void write_restore_steps(const struct recovery *r, struct sheet *s)
{
	const struct bk_conf *conf = r->tool->conf;
	const struct bk_conf_section *set = NULL, *server = NULL;

	sheet_step(s,
		   "Get the files back, and put them in their place, as by "
		   "cp -a /mnt/back/home /. Not all of /etc: the machine id, "
		   "disks and network are those of this machine.");
	write_with(s, "bk-restic snapshots --host", conf->host);
	while ((set = bk_conf_next(conf, "backup", set))) {
		BK_AUTO_BUF struct bk_buf line = BK_BUF_INIT;

		bk_buf_adds(&line, "bk-restic restore");
		add_word(&line, set->name);
		bk_buf_adds(&line, " --host");
		add_word(&line, conf->host);
		bk_buf_adds(&line, " --target /mnt/back");
		sheet_command(s, line.p);
	}
	if (bk_conf_next(conf, "mariadb", NULL)) {
		sheet_step(s, "Databases, with users and grants.");
		sheet_command(s, "apt install mariadb-server bk-dbdump");
	}
	while ((server = bk_conf_next(conf, "mariadb", server)))
		write_with(s, "bk-dbdump restore --globals", server->name);
}

static bool has_encrypted(const struct bk_conf *conf)
{
	const struct bk_conf_section *cold = NULL;

	while ((cold = bk_conf_next(conf, "cold", cold)))
		if (bk_str_starts(bk_conf_str(cold, "encrypt", ""), "age:"))
			return true;
	return false;
}

static void write_cold_step(const struct recovery *r, struct sheet *s)
{
	const struct bk_conf *conf = r->tool->conf;
	const struct bk_conf_section *box = NULL;

	if (!bk_conf_next(conf, "cold", NULL) ||
	    !bk_conf_next(conf, "box", NULL))
		return;
	sheet_step(s, "Cold storage: what there is, from the boxes, then the "
		      "files.");
	while ((box = bk_conf_next(conf, "box", box)))
		write_with(s, "bk-cold rebuild", box->name);
	sheet_command(s, "bk-cold list");
	sheet_command(s, "bk-cold get --in-place PATH");
	if (has_encrypted(conf))
		sheet_warning(s, "Some of it is encrypted with age, and its "
				 "key is not on this sheet. Keep that key with "
				 "the sheet: rebuild and get want it, "
				 "--identity FILE, and without it nothing of "
				 "that comes back.");
}

static void write_steps(const struct recovery *r, struct sheet *s)
{
	sheet_heading(s, "Back on an empty machine");
	write_machine_step(s);
	write_packages_step(s);
	write_server_step(r, s);
	write_config_step(r, s);
	sheet_step(s, "Let the machine open the keyring, with its master.");
	sheet_command(s, "bk-secret enroll");
	sheet_command(s, "bk-secret check");
	sheet_text(s, "Without keyring or master, make a new one (move an old "
		      "file away first), and give it the passwords of this "
		      "sheet.");
	sheet_command(s, "bk-secret enroll --generate");
	sheet_command(s, "bk-secret set keyring:SERVICE/USER");
	write_restore_steps(r, s);
	write_cold_step(r, s);
	sheet_step(s, "See what is left to do: each timer that is off is "
		      "named, with the command for it. Then make a new sheet, "
		      "verify it, and revoke this one, as below.");
	sheet_command(s, "bk-config check");
}

static void write_tail(struct sheet *s)
{
	sheet_heading(s, "This sheet");
	sheet_text(s, "Prove it now, and once a year: type its password on the "
		      "host.");
	sheet_command(s, "bk-secret kit verify");
	sheet_text(s, "When it is lost, or somebody has seen it: print a new "
		      "one, verify that, and take the keys of all others "
		      "away.");
	sheet_command(s, "bk-secret kit");
	sheet_command(s, "bk-secret kit verify");
	sheet_command(s, "bk-secret kit revoke");
}

void recovery_write(const struct recovery *r, struct sheet *s)
{
	write_head(r, s);
	for (size_t i = 0; i < r->nrepos; i++)
		write_repo(r, s, &r->repos[i]);
	write_boxes(r, s);
	write_secrets(r, s);
	write_steps(r, s);
	write_tail(s);
	sheet_end(s);
}
