/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-secret check: what the timers would find, reference by reference, and
 * never a secret.
 */
#include <stdio.h>
#include <unistd.h>

#include "log.h"
#include "path.h"
#include "source.h"

/* The worst that was seen: one status, or 1 where there are several. */
struct verdict {
	int exit;
};

static void worsen(struct verdict *v, int exit)
{
	if (v->exit == BK_EX_OK || v->exit == exit)
		v->exit = exit;
	else if (exit != BK_EX_OK)
		v->exit = BK_EX_NO;
}

static const char *state_of(int exit)
{
	switch (exit) {
	case BK_EX_OK:
		return "found";
	case BK_EX_NOINPUT:
	case BK_EX_UNAVAILABLE:
		return "absent";
	case BK_EX_TEMPFAIL:
		return "locked";
	case BK_EX_NOPERM:
		return "denied";
	case BK_EX_DATAERR:
		return "damaged";
	case BK_EX_CONFIG:
		return "misconfigured";
	default:
		return "failed";
	}
}

static void print(struct tool *t, const char *state, const char *ref,
		  const char *where, const char *note)
{
	json_t *o;

	if (t->out.mode != BK_REC_JSON) {
		bk_rec_text(&t->out, state, ref, where, note ? note : "", NULL);
		return;
	}
	o = json_object();
	bk_rec_set_str(o, "state", state);
	bk_rec_set_path(o, "ref", ref);
	bk_rec_set_path(o, "where", where);
	if (note)
		bk_rec_set_path(o, "note", note);
	bk_rec_json(&t->out, "check", o);
}

static const char *advice(const struct bk_ref *ref)
{
	if (ref->kind == BK_REF_FILE)
		return "in plain text; a keyring is safer";
	if (ref->kind == BK_REF_CREDENTIAL &&
	    !getenv("CREDENTIALS_DIRECTORY") &&
	    strcmp(ref->rest, "bk.keyring") != 0)
		return "a unit needs LoadCredentialEncrypted= for it";
	return NULL;
}

/* One source, as the next would be tried or not: SOURCE_ABSENT, or 0. */
static int look(struct tool *t, const struct bk_ref *ref, const char *owner,
		const char *where, int *ret_exit)
{
	BK_AUTO_SECRET struct bk_secret s = BK_SECRET_INIT;
	struct bk_err err = { .exit = BK_EX_OK };
	int got;

	if (ref->kind == BK_REF_ASK) {
		print(t, "asked", ref->text, where,
		      "at a terminal only; a timer has none");
		*ret_exit = BK_EX_NOINPUT;
		return SOURCE_ABSENT;
	}
	got = source_get(t, ref, owner, &s, &err);
	*ret_exit = got == 0 ? BK_EX_OK : err.exit;
	print(t, state_of(*ret_exit), ref->text, where,
	      got == 0 ? advice(ref) : err.msg);
	return got == SOURCE_ABSENT ? SOURCE_ABSENT : 0;
}

/* One key of a section: its sources in order, up to the one that decides. */
static int check_key(struct tool *t, const struct bk_conf_section *s,
		     const char *key)
{
	BK_AUTO_FREE char *owner = bk_asprintf(
		"[%s%s%s] %s", s->kind, *s->name ? " " : "", s->name, key);
	const struct bk_conf_value *v = NULL;
	int got = SOURCE_ABSENT, exit = BK_EX_NOINPUT;

	while (got == SOURCE_ABSENT && (v = bk_conf_value(s, key, v))) {
		BK_AUTO_REF struct bk_ref ref = BK_REF_INIT;
		BK_AUTO_FREE char *where =
			bk_asprintf("%s:%zu: %s", v->file, v->line, owner);

		if (bk_ref_parse(v->value, &ref, NULL) == 0)
			got = look(t, &ref, owner, where, &exit);
	}
	return exit;
}

/* Keys that hold references. */
static const char *const secret_keys[][2] = {
	{ "repo", "password" },
	{ "monitor", "token" },
	{ "mariadb", "password" },
	{ "cold", "identity" },
};

static void check_config(struct tool *t, struct verdict *v)
{
	for (size_t i = 0; i < BK_COUNT(secret_keys); i++) {
		const struct bk_conf_section *s = NULL;

		while ((s = bk_conf_next(t->conf, secret_keys[i][0], s)))
			if (bk_conf_value(s, secret_keys[i][1], NULL))
				worsen(v, check_key(t, s, secret_keys[i][1]));
	}
}

static int check_args(struct tool *t, char **args, struct verdict *v)
{
	for (char **p = args; *p; p++) {
		BK_AUTO_REF struct bk_ref ref = BK_REF_INIT;

		if (take_ref(*p, &ref) != BK_EX_OK)
			return BK_EX_USAGE;
	}
	for (; *args; args++) {
		BK_AUTO_REF struct bk_ref ref = BK_REF_INIT;
		int exit = BK_EX_CONFIG;

		if (bk_ref_parse(*args, &ref, NULL) == 0)
			(void)look(t, &ref, "Secret", "", &exit);
		worsen(v, exit);
	}
	return BK_EX_OK;
}

/*
 * The key of the host beside what it seals: whoever has the backup opens
 * both.
 */
static void warn_of_host_key(struct tool *t)
{
	static const char *const parts[] = {
		"/var/lib/systemd/credential.secret", "/etc/credstore.encrypted"
	};
	const struct bk_conf_section *s = NULL;

	while ((s = bk_conf_next(t->conf, "backup", s))) {
		size_t held = 0;

		for (size_t i = 0; i < BK_COUNT(parts); i++) {
			const struct bk_conf_value *v = NULL;
			bool in = false;

			while ((v = bk_conf_value(s, "path", v)))
				in = in || bk_path_within(parts[i], v->value);
			while ((v = bk_conf_value(s, "exclude", v)))
				in = in && strcmp(parts[i], v->value) != 0;
			held += in;
		}
		if (held == BK_COUNT(parts))
			bk_warning(
				"[backup %s] holds both %s and %s: who can "
				"read that backup can unseal the credentials;"
				" exclude the first",
				s->name, parts[0], parts[1]);
	}
}

/* Does [keyring] unlock open the keyring? Its reference entry tells. */
static int check_keyring(struct tool *t, struct bk_err *err)
{
	int got = keyring_ready(t, true, err);

	if (got == 0)
		got = keyring_prove(&t->ring, err);
	return got == 0 ? 0 : -1;
}

static void check_unlock(struct tool *t, struct verdict *v)
{
	BK_AUTO_FREE char *path = keyring_path(t, NULL);
	struct bk_err err = { .exit = BK_EX_OK };

	if (check_keyring(t, &err) == 0)
		err.exit = BK_EX_OK;
	print(t, err.exit == BK_EX_OK ? "opens" : state_of(err.exit),
	      path ? path : "", "[keyring]",
	      err.exit == BK_EX_OK ? NULL : err.msg);
	worsen(v, err.exit);
}

int cmd_check(struct tool *t, char **args)
{
	struct verdict v = { BK_EX_OK };

	/* What would be asked for here is not there in a unit. */
	t->unattended = true;
	if (args[0] && t->unlock)
		return bk_cli_usage("--unlock takes no references");
	if (t->unlock)
		check_unlock(t, &v);
	else if (!args[0])
		check_config(t, &v);
	else if (check_args(t, args, &v) != BK_EX_OK)
		return BK_EX_USAGE;
	if (!args[0])
		warn_of_host_key(t);
	bk_rec_end(&t->out, v.exit);
	return v.exit;
}
