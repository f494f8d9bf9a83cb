/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "conf_read.h"
#include "conf_schema.h"

struct loader {
	struct bk_conf_lines lines;
	struct bk_strv *problems;
	size_t nproblems;
	struct bk_conf *conf;

	/* Where check_line() is. */
	const struct bk_conf_kind *kind; /* NULL: in no valid section */
	size_t section;
	const struct bk_conf_key *key;	  /* NULL: one that is not kept */
	const struct bk_conf_line *empty; /* a key whose value may follow */
};

/* Problems, in the order of the lines. */

static void add_problem(struct loader *l, const char *file, size_t line,
			const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void add_problem(struct loader *l, const char *file, size_t line,
			const char *fmt, ...)
{
	BK_AUTO_FREE char *msg = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&msg, fmt, ap) < 0)
		abort();
	va_end(ap);
	l->nproblems++;
	if (line)
		bk_strv_addf(l->problems, "%s:%zu: %s", file, line, msg);
	else
		bk_strv_addf(l->problems, "%s: %s", file, msg);
}

#define LINE_PROBLEM(l, e, ...) \
	add_problem(l, (e)->file, (e)->line, __VA_ARGS__)

/* Sections. */

static struct bk_conf_section *find(const struct bk_conf *conf,
				    const char *kind, const char *name)
{
	for (size_t i = 0; i < conf->nsections; i++) {
		struct bk_conf_section *s = &conf->sections[i];

		if (strcmp(s->kind, kind) == 0 && strcmp(s->name, name) == 0)
			return s;
	}
	return NULL;
}

static struct bk_conf_section *add_section(struct bk_conf *conf,
					   const char *kind, const char *name,
					   const struct bk_conf_line *e)
{
	struct bk_conf_section *s;

	conf->sections =
		bk_realloc(conf->sections, conf->nsections + 1, sizeof(*s));
	s = &conf->sections[conf->nsections++];
	*s = (struct bk_conf_section){
		.kind = bk_strdup(kind),
		.name = bk_strdup(name),
		.file = bk_strdup(e->file),
		.line = e->line,
	};
	return s;
}

/* "[kind name]" of the section that check_line() is in. */
static const struct bk_conf_section *current(const struct loader *l)
{
	return &l->conf->sections[l->section];
}

static char *label(const struct bk_conf_section *s)
{
	return bk_asprintf("[%s%s%s]", s->kind, *s->name ? " " : "", s->name);
}

/* Sets name their snapshots by tags, beside tags of our own. */
static bool is_reserved(const struct bk_strv *words)
{
	return words->n > 1 && strcmp(words->v[0], "backup") == 0 &&
	       (strcmp(words->v[1], "bk") == 0 ||
		strcmp(words->v[1], "stdin") == 0);
}

static bool check_section_name(struct loader *l, const struct bk_conf_line *e,
			       const struct bk_strv *words)
{
	const char *kind = words->v[0];
	const struct bk_conf_kind *k = bk_conf_schema_kind(kind);

	if (!k) {
		BK_AUTO_FREE char *hint = bk_conf_schema_hint(NULL, kind);

		LINE_PROBLEM(l, e, "[%s] is an unknown section; %s", e->section,
			     hint);
	} else if (!k->named && words->n > 1) {
		LINE_PROBLEM(l, e, "[%s] takes no name; write [%s]", e->section,
			     kind);
	} else if (k->named && !k->plain && words->n == 1) {
		LINE_PROBLEM(l, e, "[%s] needs a name; write e.g. [%s main]",
			     kind, kind);
	} else if (words->n > 2 ||
		   (words->n == 2 && !bk_conf_schema_name(words->v[1]))) {
		LINE_PROBLEM(l, e,
			     "[%s] has a bad name: one word of 1 to 64 of "
			     "A-Z a-z 0-9 . _ -, no '.' or '-' first",
			     e->section);
	} else if (is_reserved(words)) {
		LINE_PROBLEM(
			l, e,
			"[%s] has a name that bk itself puts on snapshots; "
			"choose another",
			e->section);
	} else {
		return true;
	}
	return false;
}

static void start_section(struct loader *l, const struct bk_conf_line *e)
{
	BK_AUTO_STRV struct bk_strv words = BK_STRV_INIT;
	const struct bk_conf_section *s;
	const char *name;

	l->kind = NULL;
	bk_strv_split(&words, e->section, " \t\v\f\r");
	if (!check_section_name(l, e, &words))
		return;
	name = words.n > 1 ? words.v[1] : "";
	s = find(l->conf, words.v[0], name);
	if (!s)
		s = add_section(l->conf, words.v[0], name, e);
	l->kind = bk_conf_schema_section(words.v[0], name);
	l->section = (size_t)(s - l->conf->sections);
}

/* Values. */

/* %H is the host, %%H is "%H". */
static char *expand(const char *s, const char *host)
{
	struct bk_buf b = BK_BUF_INIT;

	bk_buf_adds(&b, "");
	while (*s) {
		if (bk_str_starts(s, "%%H")) {
			bk_buf_adds(&b, "%H");
			s += 3;
		} else if (bk_str_starts(s, "%H")) {
			bk_buf_adds(&b, host);
			s += 2;
		} else {
			bk_buf_addc(&b, *s++);
		}
	}
	return bk_buf_steal(&b);
}

static void add_value(struct loader *l, const struct bk_conf_line *e,
		      const char *text)
{
	struct bk_conf_section *s = &l->conf->sections[l->section];

	s->values = bk_realloc(s->values, s->nvalues + 1, sizeof(*s->values));
	s->values[s->nvalues++] = (struct bk_conf_value){
		.key = bk_strdup(l->key->name),
		.value = bk_strdup(text),
		.file = bk_strdup(e->file),
		.line = e->line,
	};
}

/* A malformed value is kept as "", so that its key does not seem missing. */
static void keep_value(struct loader *l, const struct bk_conf_line *e)
{
	BK_AUTO_FREE char *where = label(current(l));
	BK_AUTO_FREE char *why = NULL;
	bool own = strcmp(current(l)->kind, "host") == 0 &&
		   strcmp(l->key->name, "name") == 0;
	BK_AUTO_FREE char *text = own ? bk_strdup(l->conf->host)
				      : expand(e->value, l->conf->host);
	BK_AUTO_FREE char *kept = bk_conf_schema_check(l->key, text, &why);

	if (!kept)
		LINE_PROBLEM(l, e, "%s %s: %s", where, l->key->name, why);
	add_value(l, e, kept ? kept : "");
}

/* A key stood there without a value, and no value followed. */
static void close_key(struct loader *l)
{
	BK_AUTO_FREE char *where = NULL;

	if (!l->empty || !l->key)
		return;
	where = label(current(l));
	LINE_PROBLEM(l, l->empty, "%s %s has no value; write e.g. %s = %s",
		     where, l->key->name, l->key->name, l->key->example);
	add_value(l, l->empty, "");
	l->empty = NULL;
}

/* Which of two values is meant, nobody knows. */
static void void_value(struct loader *l, const char *key)
{
	struct bk_conf_section *s = &l->conf->sections[l->section];

	for (size_t i = 0; i < s->nvalues; i++)
		if (strcmp(s->values[i].key, key) == 0)
			s->values[i].value[0] = '\0';
}

static void check_key(struct loader *l, const struct bk_conf_line *e)
{
	const struct bk_conf_section *s = current(l);
	BK_AUTO_FREE char *where = label(s);
	const struct bk_conf_value *first;

	l->key = bk_conf_schema_key(l->kind, e->key);
	if (!l->key) {
		BK_AUTO_FREE char *hint = bk_conf_schema_hint(l->kind, e->key);

		LINE_PROBLEM(l, e, "%s has no key '%s'; %s", where, e->key,
			     hint);
		return;
	}
	first = l->key->list ? NULL : bk_conf_value(s, e->key, NULL);
	if (first) {
		LINE_PROBLEM(l, e,
			     "%s %s is given twice, first at %s:%zu; remove "
			     "one",
			     where, e->key, first->file, first->line);
		void_value(l, e->key);
		l->key = NULL;
	} else if (*e->value) {
		keep_value(l, e);
	} else {
		l->empty = e;
	}
}

/* The key or section that an indented line was probably meant to be. */
static char *meant_as(const struct loader *l, const char *text)
{
	size_t n = strcspn(text, "=:");
	BK_AUTO_FREE char *word = NULL;
	char *name;

	if (text[0] == '[') {
		word = bk_memdup(text + 1, strcspn(text + 1, " ]"));
		return bk_conf_schema_kind(word) && bk_str_ends(text, "]")
			       ? bk_strdup("section")
			       : NULL;
	}
	if (!text[n])
		return NULL;
	word = bk_memdup(text, n);
	name = bk_str_trim(word);
	if (!bk_conf_schema_key(l->kind, name))
		return NULL;
	return bk_asprintf("key '%s'", name);
}

static void check_continued(struct loader *l, const struct bk_conf_line *e)
{
	BK_AUTO_FREE char *where = label(current(l));
	BK_AUTO_FREE char *meant = meant_as(l, e->value);

	if (meant) {
		LINE_PROBLEM(l, e,
			     "%s: this indented line is one more value of "
			     "'%s', not a %s of its own; remove the white "
			     "space before it",
			     where, e->key, meant);
	} else if (l->key && !l->key->list && !l->empty) {
		LINE_PROBLEM(l, e,
			     "%s %s takes one value, and this indented line "
			     "would be one more; remove it",
			     where, e->key);
		void_value(l, e->key);
	} else if (l->key) {
		l->empty = NULL;
		keep_value(l, e);
	}
}

static void check_line(struct loader *l, const struct bk_conf_line *e)
{
	if (!e->section) {
		LINE_PROBLEM(l, e, "%s", e->value);
		return;
	}
	if (!e->continued)
		close_key(l);
	if (!e->key) {
		start_section(l, e);
	} else if (!*e->section) {
		l->kind = NULL;
		if (!e->continued)
			LINE_PROBLEM(l, e,
				     "'%s' stands before the first [section]",
				     e->key);
	} else if (l->kind && e->continued) {
		check_continued(l, e);
	} else if (l->kind) {
		check_key(l, e);
	}
}

/* The whole. */

static void check_reference(struct loader *l, const struct bk_conf_section *s,
			    const struct bk_conf_key *key,
			    const struct bk_conf_value *v, const char *name)
{
	BK_AUTO_FREE char *where = label(s);
	const struct bk_conf_section *other = NULL;

	if (!*name || find(l->conf, key->ref, name))
		return;
	while ((other = bk_conf_next(l->conf, key->ref, other)))
		if (bk_conf_schema_near(name, other->name))
			break;
	add_problem(l, v->file, v->line, "%s %s: there is no [%s %s]%s%s%s",
		    where, key->name, key->ref, name,
		    other ? "; did you mean '" : "; add it, or name another",
		    other ? other->name : "", other ? "'?" : "");
}

static void check_references(struct loader *l, const struct bk_conf_section *s,
			     const struct bk_conf_key *key,
			     const struct bk_conf_value *v)
{
	BK_AUTO_STRV struct bk_strv names = BK_STRV_INIT;

	bk_strv_split(&names, v->value, " ");
	for (size_t i = 0; i < names.n; i++)
		check_reference(l, s, key, v, names.v[i]);
}

/* Each unit of keep once, over all lines of it. */
static void check_keep(struct loader *l, const struct bk_conf_section *s,
		       const struct bk_conf_value *v, struct bk_strv *seen)
{
	BK_AUTO_FREE char *where = label(s);
	BK_AUTO_STRV struct bk_strv words = BK_STRV_INIT;

	bk_strv_split(&words, v->value, ", ");
	for (size_t i = 0; i < words.n; i += 2) {
		if (bk_strv_has(seen, words.v[i]))
			add_problem(l, v->file, v->line,
				    "%s keep: %s is given twice; remove one",
				    where, words.v[i]);
		bk_strv_add(seen, words.v[i]);
	}
}

/* Without a token nobody could push to it. */
static void check_monitor(struct loader *l, const struct bk_conf_section *s)
{
	BK_AUTO_FREE char *where = label(s);
	const char *type = bk_conf_str(s, "type", "kuma");

	if (bk_conf_value(s, "token", NULL) ||
	    (strcmp(type, "kuma") != 0 && strcmp(type, "healthchecks") != 0))
		return;
	add_problem(l, s->file, s->line,
		    "%s has no token; add e.g. token = keyring:%s/%s", where,
		    type, s->name);
}

static void check_redundant(struct loader *l, const struct bk_conf_section *s)
{
	BK_AUTO_STRV struct bk_strv names = BK_STRV_INIT;
	const struct bk_conf_value *v = NULL, *last = NULL;

	while ((v = bk_conf_value(s, "redundant", v))) {
		bk_strv_split(&names, v->value, " ");
		last = v;
	}
	for (size_t i = 1; i < names.n; i++)
		if (strcmp(names.v[i], names.v[0]) != 0)
			return;
	if (last && names.n > 0)
		add_problem(l, last->file, last->line,
			    "[cold] redundant wants two boxes and names one; "
			    "write e.g. redundant = %s usb",
			    names.v[0]);
}

static void check_section(struct loader *l, const struct bk_conf_section *s)
{
	const struct bk_conf_kind *kind =
		bk_conf_schema_section(s->kind, s->name);
	BK_AUTO_STRV struct bk_strv seen = BK_STRV_INIT;
	BK_AUTO_FREE char *where = label(s);

	for (const struct bk_conf_key *k = kind->keys; k->name; k++) {
		const struct bk_conf_value *v = NULL;

		if (k->required && !bk_conf_value(s, k->name, NULL))
			add_problem(l, s->file, s->line,
				    "%s has no %s; add e.g. %s = %s", where,
				    k->name, k->name, k->example);
		while ((v = bk_conf_value(s, k->name, v))) {
			if (k->type == BK_CONF_REF)
				check_reference(l, s, k, v, v->value);
			if (k->type == BK_CONF_REFS)
				check_references(l, s, k, v);
			if (k->type == BK_CONF_KEEP)
				check_keep(l, s, v, &seen);
		}
	}
	if (strcmp(s->kind, "monitor") == 0)
		check_monitor(l, s);
	if (strcmp(s->kind, "cold") == 0)
		check_redundant(l, s);
}

static char *node_name(void)
{
	struct utsname u;

	return bk_strdup(uname(&u) == 0 ? u.nodename : "localhost");
}

/* The host's name comes first: every value may hold it. */
static char *find_host(const struct loader *l)
{
	char *node = node_name(), *host;

	for (size_t i = 0; i < l->lines.n; i++) {
		const struct bk_conf_line *e = &l->lines.v[i];

		if (!e->key || strcmp(e->section, "host") != 0 ||
		    strcmp(e->key, "name") != 0 || !*e->value)
			continue;
		host = expand(e->value, node);
		free(node);
		return host;
	}
	return node;
}

/* Without a name of its own here, the host has the kernel's. */
static void check_host(struct loader *l)
{
	const struct bk_conf_key *key =
		bk_conf_schema_key(bk_conf_schema_kind("host"), "name");
	BK_AUTO_FREE char *why = NULL;
	BK_AUTO_FREE char *kept = NULL;

	if (bk_conf_value(find(l->conf, "host", ""), "name", NULL) ||
	    l->lines.incomplete)
		return;
	kept = bk_conf_schema_check(key, l->conf->host, &why);
	if (!kept)
		add_problem(l, l->lines.files.v[0], 0,
			    "the system is called '%s', which is no name of a "
			    "host; add to [host] e.g. name = %s",
			    l->conf->host, key->example);
}

static void check_all(struct loader *l)
{
	l->conf->host = find_host(l);
	for (size_t i = 0; i < l->lines.n; i++)
		check_line(l, &l->lines.v[i]);
	close_key(l);
	/* What is missing may stand in a file that could not be read. */
	for (size_t i = 0; i < l->conf->nsections && !l->lines.incomplete; i++)
		check_section(l, &l->conf->sections[i]);
	check_host(l);
}

struct bk_conf *bk_conf_load(const char *file, struct bk_strv *problems,
			     struct bk_err *err)
{
	struct loader l = { .problems = problems };
	int exit_status = BK_EX_CONFIG;

	l.conf = bk_calloc(1, sizeof(*l.conf));
	if (bk_conf_read(file, &l.lines, err) < 0)
		goto fail;
	check_all(&l);
	if (l.lines.exit)
		exit_status = l.lines.exit;
	if (l.nproblems > 0) {
		bk_err_set(err, exit_status, 0,
			   "the configuration has %zu problem%s", l.nproblems,
			   l.nproblems == 1 ? "" : "s");
		goto fail;
	}
	bk_conf_lines_free(&l.lines);
	return l.conf;
fail:
	bk_conf_lines_free(&l.lines);
	bk_conf_free(l.conf);
	return NULL;
}

struct bk_conf *bk_conf_load_unsound(const char *file)
{
	BK_AUTO_STRV struct bk_strv problems = BK_STRV_INIT;
	struct loader l = { .problems = &problems };
	struct bk_err err;

	l.conf = bk_calloc(1, sizeof(*l.conf));
	(void)bk_conf_read(file, &l.lines, &err);
	check_all(&l);
	bk_conf_lines_free(&l.lines);
	return l.conf;
}

struct bk_conf *bk_conf_none(void)
{
	struct bk_conf *conf = bk_calloc(1, sizeof(*conf));

	conf->host = bk_strdup("");
	return conf;
}

void bk_conf_free(struct bk_conf *conf)
{
	if (!conf)
		return;
	for (size_t i = 0; i < conf->nsections; i++) {
		struct bk_conf_section *s = &conf->sections[i];

		for (size_t k = 0; k < s->nvalues; k++) {
			free(s->values[k].key);
			free(s->values[k].value);
			free(s->values[k].file);
		}
		free(s->values);
		free(s->kind);
		free(s->name);
		free(s->file);
	}
	free(conf->sections);
	free(conf->host);
	free(conf);
}

/* Getters. */

const struct bk_conf_section *bk_conf_find(const struct bk_conf *conf,
					   const char *kind, const char *name)
{
	return find(conf, kind, name ? name : "");
}

const struct bk_conf_section *bk_conf_next(const struct bk_conf *conf,
					   const char *kind,
					   const struct bk_conf_section *prev)
{
	size_t i = prev ? (size_t)(prev - conf->sections) + 1 : 0;

	for (; i < conf->nsections; i++)
		if (strcmp(conf->sections[i].kind, kind) == 0)
			return &conf->sections[i];
	return NULL;
}

const struct bk_conf_value *bk_conf_value(const struct bk_conf_section *s,
					  const char *key,
					  const struct bk_conf_value *prev)
{
	size_t i = 0;

	if (!s)
		return NULL;
	if (prev)
		i = (size_t)(prev - s->values) + 1;
	for (; i < s->nvalues; i++)
		if (strcmp(s->values[i].key, key) == 0)
			return &s->values[i];
	return NULL;
}

const char *bk_conf_str(const struct bk_conf_section *s, const char *key,
			const char *fallback)
{
	const struct bk_conf_value *v = bk_conf_value(s, key, NULL);

	return v ? v->value : fallback;
}

bool bk_conf_bool(const struct bk_conf_section *s, const char *key,
		  bool fallback)
{
	const struct bk_conf_value *v = bk_conf_value(s, key, NULL);

	if (v)
		(void)bk_parse_bool(v->value, &fallback);
	return fallback;
}

uint64_t bk_conf_u64(const struct bk_conf_section *s, const char *key,
		     uint64_t fallback)
{
	const struct bk_conf_value *v = bk_conf_value(s, key, NULL);
	unsigned int percent;

	if (!v || bk_parse_u64(v->value, 0, UINT64_MAX, &fallback) == 0)
		return fallback;
	return bk_parse_percent(v->value, &percent) == 0 ? percent : fallback;
}

uint64_t bk_conf_size(const struct bk_conf_section *s, const char *key,
		      uint64_t fallback)
{
	const struct bk_conf_value *v = bk_conf_value(s, key, NULL);

	if (v)
		(void)bk_parse_size(v->value, &fallback);
	return fallback;
}

uint64_t bk_conf_duration(const struct bk_conf_section *s, const char *key,
			  uint64_t fallback)
{
	const struct bk_conf_value *v = bk_conf_value(s, key, NULL);

	if (v)
		(void)bk_parse_duration(v->value, &fallback);
	return fallback;
}
