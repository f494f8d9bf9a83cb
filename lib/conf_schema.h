/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a configuration may say: kinds of sections, their keys, the type of
 * each value. For conf.c, and for bk-config, which asks for values.
 */
#ifndef BK_CONF_SCHEMA_H
#define BK_CONF_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>

enum bk_conf_type {
	BK_CONF_HOST,
	BK_CONF_BOOL,
	BK_CONF_COUNT, /* min to max */
	BK_CONF_PERCENT,
	BK_CONF_SIZE,
	BK_CONF_DURATION,
	BK_CONF_PATH, /* absolute; becomes clean */
	BK_CONF_PATTERN,
	BK_CONF_TABLES, /* db or db.table, with wildcards */
	BK_CONF_FSTYPE,
	BK_CONF_URL,
	BK_CONF_SECRET, /* a reference to one */
	BK_CONF_UNLOCK, /* the same, for what opens the keyring */
	BK_CONF_USER,	/* of this host, or of a server */
	BK_CONF_KEEP,
	BK_CONF_OPTION, /* NAME=VALUE */
	BK_CONF_PROGRAM,
	BK_CONF_REF,	 /* the name of a section of kind ref */
	BK_CONF_REFS,	 /* some of them, separated by blanks */
	BK_CONF_CHOICE,	 /* one of the words in ref: "a|b|c" */
	BK_CONF_WEB,	 /* http:// or https:// */
	BK_CONF_BOX,	 /* sftp://[user@]host[:port]/dir or dir:/path */
	BK_CONF_SUBJECT, /* of bk-verify: "packs", or "packs:main" */
	BK_CONF_SEAL,	 /* age:/path, of recipients */
	BK_CONF_WATCH,	 /* a job: "backup home", or all of a kind: "backup" */
};

struct bk_conf_key {
	const char *name;
	const char *example;
	enum bk_conf_type type;
	bool list;
	bool required;
	const char *ref;
	uint64_t min, max; /* of a duration min alone */
};

struct bk_conf_kind {
	const char *name;
	bool named;
	const struct bk_conf_key *keys; /* the last one has no name */
	/* of the section of this kind without a name, where there is one */
	const struct bk_conf_kind *plain;
};

/* NULL where there is none of this name. */
const struct bk_conf_kind *bk_conf_schema_kind(const char *name);
/* That of the section [kind name]; name "": [kind]. */
const struct bk_conf_kind *bk_conf_schema_section(const char *kind,
						  const char *name);
const struct bk_conf_key *bk_conf_schema_key(const struct bk_conf_kind *kind,
					     const char *name);

/*
 * What to do about an unknown kind, or (kind not NULL) key: "did you mean
 * 'url'?", or which ones there are. The caller frees it.
 */
char *bk_conf_schema_hint(const struct bk_conf_kind *kind, const char *name);
/* Might someone who wrote a have meant b? */
bool bk_conf_schema_near(const char *a, const char *b);

/* 1 to 64 of A-Z a-z 0-9 . _ -, and neither '.' nor '-' first. */
bool bk_conf_schema_name(const char *s);

/*
 * The value as it is kept, paths cleaned and so on; the caller frees it. NULL
 * and *ret_why ("'x' is not ..., write e.g. ..."; the caller frees it) where
 * it is malformed. What may hold a secret is not repeated there.
 */
char *bk_conf_schema_check(const struct bk_conf_key *key, const char *value,
			   char **ret_why);

#endif
