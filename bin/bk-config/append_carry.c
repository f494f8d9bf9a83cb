/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * append-only: the folder that is carried away: the full key, and what
 * bk-restic needs to forget and prune with it on another machine.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "append.h"
#include "file.h"
#include "path.h"
#include "rec.h"
#include "state.h"
#include "time.h"

#define TIMEOUT_MS 10000
#define WITHIN "within 90d"

static int put(const struct append *a, const char *name, const struct bk_buf *b,
	       mode_t mode, struct bk_err *err)
{
	BK_AUTO_FREE char *path = bk_path_join(a->carry, name);

	return bk_file_write(path, b->p, b->len, mode, err);
}

/* "[MARKER] NAMES TYPE KEY", under the name that our ssh_config uses. */
static void add_known(struct bk_buf *b, const char *line)
{
	BK_AUTO_STRV struct bk_strv words = BK_STRV_INIT;
	size_t i;

	bk_strv_split(&words, line, " \t\r");
	i = words.n > 0 && words.v[0][0] == '@' ? 1 : 0;
	if (line[0] != '#' && words.n >= i + 3)
		bk_buf_addf(b, "%s%sbox %s %s\n", i ? words.v[0] : "",
			    i ? " " : "", words.v[i + 1], words.v[i + 2]);
}

static int put_known(const struct append *a, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	bk_buf_adds(&b, "");
	for (size_t i = 0; i < a->view.known.n; i++) {
		BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
		BK_AUTO_STRV struct bk_strv lines = BK_STRV_INIT;
		AUTO_SAID struct said said = SAID_INIT;

		if (access(a->view.known.v[i], R_OK) < 0)
			continue;
		child_add(&argv, "ssh-keygen", "-F", a->view.key_name, "-f",
			  a->view.known.v[i]);
		if (child_run(&argv, TIMEOUT_MS, &said, err) < 0)
			return -1;
		bk_strv_split(&lines, said.out.p ? said.out.p : "", "\n");
		for (size_t k = 0; k < lines.n; k++)
			add_known(&b, lines.v[k]);
	}
	return put(a, "known_hosts", &b, 0644, err);
}

/* "[user@]host[:port],..." of our ssh_config, in words that need none. */
static void add_jumps(struct bk_buf *b, const char *jumps)
{
	BK_AUTO_STRV struct bk_strv hops = BK_STRV_INIT;

	bk_strv_split(&hops, jumps, ",");
	for (size_t i = 0; i < hops.n; i++) {
		BK_AUTO_FREE char *url = bk_asprintf("sftp://%s/", hops.v[i]);
		BK_AUTO_REMOTE struct bk_remote h = BK_REMOTE_INIT;
		AUTO_SSH_VIEW struct ssh_view v = SSH_VIEW_INIT;
		bool six;

		bk_buf_adds(b, i > 0 ? "," : "\tProxyJump ");
		if (bk_remote_parse(url, &h, NULL) < 0 ||
		    ssh_view(&h, &v, NULL) < 0 || !v.user) {
			bk_buf_adds(b, hops.v[i]);
			continue;
		}
		six = strchr(v.hostname, ':');
		bk_buf_addf(b, "%s@%s%s%s:%s", v.user, six ? "[" : "",
			    v.hostname, six ? "]" : "", v.port);
	}
	bk_buf_addc(b, '\n');
}

static void add_way(const struct append *a, struct bk_buf *b)
{
	if (!a->view.jump && !a->view.proxy)
		return;
	bk_buf_adds(b,
		    "\t# So that host gets there, with a key of its own "
		    "that is not in here.\n"
		    "\t# Take it away where the server is reached without.\n");
	if (a->view.jump)
		add_jumps(b, a->view.jump);
	else
		bk_buf_addf(b, "\tProxyCommand %s\n", a->view.proxy);
}

static int put_ssh_config(const struct append *a, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	bk_buf_addf(&b,
		    "# Names of files are as seen from this folder.\n"
		    "Host box\n\tHostName %s\n\tUser %s\n\tPort %s\n"
		    "\tHostKeyAlias box\n\tIdentityFile key\n"
		    "\tIdentitiesOnly yes\n\tUserKnownHostsFile known_hosts\n"
		    "\tGlobalKnownHostsFile /dev/null\n",
		    a->view.hostname, a->view.user, a->view.port);
	add_way(a, &b);
	return put(a, "ssh_config", &b, 0644, err);
}

/* What keep says, and everything of the last time, whatever was added. */
static void add_keep(struct bk_buf *b, const struct bk_conf_section *s)
{
	const struct bk_conf_value *v = NULL;
	bool within = false, any = false;

	while ((v = bk_conf_value(s, "keep", v)))
		within = within || strstr(v->value, "within ");
	for (v = NULL; (v = bk_conf_value(s, "keep", v)); any = true)
		bk_buf_addf(b, "%s%s%s", any ? "  " : "keep = ",
			    !any && !within ? WITHIN ", " : "", v->value),
			bk_buf_addc(b, '\n');
}

static void add_sets(const struct append *a, const char *kind, struct bk_buf *b)
{
	const struct bk_conf_section *s = NULL;

	while ((s = bk_conf_next(a->s.t->conf, kind, s))) {
		if (strcmp(bk_conf_str(s, "repo", ""), a->repo->name) != 0)
			continue;
		bk_buf_addf(b, "[%s %s]\nrepo = %s\n", kind, s->name,
			    a->repo->name);
		add_keep(b, s);
	}
}

static int put_conf(const struct append *a, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	BK_AUTO_FREE char *host = plain_value(a->s.t->conf->host);
	BK_AUTO_FREE char *path = plain_value(a->path);

	bk_buf_addf(&b,
		    "# [repo %s] of %s, with the full key: by bk-config "
		    "append-only. See README.\n"
		    "[host]\nname = %s\n"
		    "[repo %s]\nurl = sftp:box:%s\npassword = ask\n"
		    "option = sftp.command=ssh -F ssh_config -o BatchMode=yes "
		    "-o ServerAliveInterval=20 -o ServerAliveCountMax=5 box "
		    "-s sftp\n",
		    a->repo->name, host, host, a->repo->name, path);
	if (!bk_conf_value(a->repo, "keep", NULL))
		bk_buf_adds(&b, "# Nothing is forgotten without it:\n#keep = "
				"within 1y\n");
	add_keep(&b, a->repo);
	add_sets(a, "backup", &b);
	add_sets(a, "mariadb", &b);
	return put(a, "bk.conf", &b, 0600, err);
}

static int put_readme(const struct append *a, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	bk_buf_addf(
		&b,
		"The full key of [repo %s] of %s.\n"
		"\n"
		"Whoever has it can delete that repository. Keep this folder "
		"on another machine,\nor on a disk in a drawer, and not on "
		"%s. There, with bk-restic and restic:\n"
		"\n"
		"    ./bk-restic.sh snapshots\n"
		"    ./bk-restic.sh forget -n\n"
		"    ./bk-restic.sh forget --prune\n"
		"\n"
		"It asks for the password of the repository. Look at the "
		"snapshots before you\nforget: whoever broke into the host "
		"can add any, with any date. \"keep = within\nTIME\" in "
		"bk.conf keeps all of that time whatever was added; rules "
		"that count\n(last, daily, weekly ...) and within-daily and "
		"the like can be filled with\nsnapshots of no use. So have it "
		"long enough to notice, and forget seldom.\n"
		"\n"
		"To let the host delete again, run there, with this folder at "
		"hand:\n"
		"\n"
		"    bk-config append-only %s --undo --full-key FOLDER/key\n",
		a->repo->name, a->s.t->conf->host, a->s.t->conf->host,
		a->repo->name);
	return put(a, "README", &b, 0644, err);
}

static int put_script(const struct append *a, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	/* Its state is no concern of the machine on which it runs. */
	bk_buf_adds(&b, "#!/bin/sh\n"
			"cd \"$(dirname \"$0\")\" || exit\n"
			"BK_STATE_DIR=$PWD/state exec bk-restic -c "
			"\"$PWD/bk.conf\" \"$@\"\n");
	return put(a, "bk-restic.sh", &b, 0755, err);
}

int append_carry(const struct append *a, struct bk_err *err)
{
	return put_known(a, err) < 0 || put_ssh_config(a, err) < 0 ||
			       put_conf(a, err) < 0 || put_readme(a, err) < 0 ||
			       put_script(a, err) < 0
		       ? -1
		       : 0;
}

int append_remember(const struct append *a, struct bk_err *err)
{
	BK_AUTO_FREE char *job = bk_asprintf("full-key %s", a->repo->name);
	BK_AUTO_JSON json_t *extra = json_object();

	bk_rec_set_str(extra, "path", a->full);
	return bk_state_write("bk-config", job, a->s.t->conf->host,
			      bk_time_now(), BK_EX_OK, "a full key was made",
			      NULL, extra, err);
}
