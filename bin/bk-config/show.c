/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-config show: the configuration that holds, as text of bk.conf(5) that
 * says where each value is from.
 */
#include "conf_schema.h"
#include "log.h"
#include "settings.h"
#include "tool.h"
#include "url.h"

#define COMMENT_COLUMN 48

static const char *const kinds[] = { "host",	"scan",	   "keyring", "repo",
				     "backup",	"mariadb", "box",     "verify",
				     "monitor", "cold" };

static void print_line(struct tool *t, const char *line)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	if (t->out.tty) {
		bk_str_add_term(&b, line);
		line = b.p;
	}
	bk_rec_raw(&t->out, line ? line : "");
}

/* where: "FILE:LINE", or "default". */
static void print_text(struct tool *t, const char *key, const char *value,
		       const char *where)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	bk_buf_addf(&b, "%s = %s ", key, value);
	while (bk_str_columns(b.p) < COMMENT_COLUMN)
		bk_buf_addc(&b, ' ');
	bk_buf_addf(&b, "; %s", where);
	print_line(t, b.p);
}

static void print_json(struct tool *t, const char *kind, const char *name,
		       const char *key, const char *value,
		       const struct bk_conf_value *v)
{
	json_t *o = json_object();

	bk_rec_set_str(o, "kind", kind);
	if (*name)
		bk_rec_set_str(o, "name", name);
	bk_rec_set_str(o, "key", key);
	bk_rec_set_path(o, "value", value);
	bk_rec_set_bool(o, "default", v == NULL);
	if (v) {
		bk_rec_set_path(o, "file", v->file);
		bk_rec_set_int(o, "line", (int64_t)v->line);
		bk_rec_set_bool(o, "hidden", strcmp(value, v->value) != 0);
	}
	bk_rec_json(&t->out, "setting", o);
}

/* v NULL: value is a default. */
static void print(struct tool *t, const char *kind, const char *name,
		  const char *key, const char *value,
		  const struct bk_conf_value *v)
{
	BK_AUTO_FREE char *where = NULL;

	if (t->out.mode == BK_REC_JSON) {
		print_json(t, kind, name, key, value, v);
		return;
	}
	where = v ? bk_asprintf("%s:%zu", v->file, v->line)
		  : bk_strdup("default");
	print_text(t, key, value, where);
}

/* A set without rules of its own is kept by those of its repository. */
static const struct bk_conf_section *
section_for(const struct tool *t, const struct bk_conf_section *s,
	    const char *key)
{
	if (!s || !bk_conf_value(s, "repo", NULL) || strcmp(key, "keep") != 0 ||
	    bk_conf_value(s, key, NULL))
		return s;
	return bk_conf_find(t->conf, "repo", bk_conf_str(s, "repo", ""));
}

/* s may be NULL: a section that nobody wrote. */
static void show_key(struct tool *t, const char *kind,
		     const struct bk_conf_section *s, const char *key)
{
	const char *name = s ? s->name : "", *value;
	const struct bk_conf_section *from = section_for(t, s, key);
	const struct bk_conf_value *v = NULL;
	bool some = false;

	while ((v = bk_conf_value(from, key, v))) {
		BK_AUTO_FREE char *shown = url_show(from, v);

		print(t, kind, name, key, shown, v);
		some = true;
	}
	for (size_t n = 0; !some && (value = setting_default(kind, key, n));
	     n++)
		print(t, kind, name, key, value, NULL);
	if (!some && strcmp(kind, "host") == 0 && strcmp(key, "name") == 0)
		print(t, kind, name, key, t->conf->host, NULL);
}

static void show_section(struct tool *t, const char *kind,
			 const struct bk_conf_section *s)
{
	const struct bk_conf_kind *k =
		bk_conf_schema_section(kind, s ? s->name : "");
	BK_AUTO_FREE char *label =
		s ? section_label(s) : bk_asprintf("[%s]", kind);

	if (t->out.mode != BK_REC_JSON) {
		if (t->out.count > 0)
			print_line(t, "");
		print_line(t, label);
	}
	for (const struct bk_conf_key *key = k->keys; key->name; key++)
		show_key(t, kind, s, key->name);
}

/* name "": all of the kind. Returns how many there were. */
static size_t show_kind(struct tool *t, const char *kind, const char *name)
{
	const struct bk_conf_section *s = NULL;
	size_t n = 0;

	while ((s = bk_conf_next(t->conf, kind, s))) {
		if (*name && strcmp(name, s->name) != 0)
			continue;
		show_section(t, kind, s);
		n++;
	}
	if (n > 0 || bk_conf_schema_kind(kind)->named || *name)
		return n;
	show_section(t, kind, NULL);
	return 1;
}

/* "repo", "repo main", "[repo main]", as one operand or two. */
static int show_named(struct tool *t, char **args)
{
	BK_AUTO_STRV struct bk_strv words = BK_STRV_INIT;

	for (; *args; args++)
		bk_strv_split(&words, *args, " []");
	if (words.n == 0 || words.n > 2)
		return bk_cli_usage("show wants one section: KIND, or KIND "
				    "NAME");
	if (!bk_conf_schema_kind(words.v[0])) {
		BK_AUTO_FREE char *hint = bk_conf_schema_hint(NULL, words.v[0]);

		return bk_cli_usage("'%s' is no kind of section; %s",
				    words.v[0], hint);
	}
	if (show_kind(t, words.v[0], words.n > 1 ? words.v[1] : "") > 0)
		return BK_EX_OK;
	bk_error("there is no [%s%s%s] in the configuration", words.v[0],
		 words.n > 1 ? " " : "", words.n > 1 ? words.v[1] : "");
	return BK_EX_NOINPUT;
}

int cmd_show(struct tool *t, char **args)
{
	int exit = BK_EX_OK;

	t->conf = bk_cli_conf(&t->cli, &exit);
	if (!t->conf)
		return exit;
	if (args[0])
		exit = show_named(t, args);
	for (size_t i = 0; !args[0] && i < BK_COUNT(kinds); i++)
		(void)show_kind(t, kinds[i], "");
	if (exit != BK_EX_USAGE)
		bk_rec_end(&t->out, exit);
	return exit;
}
