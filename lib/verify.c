/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "verify.h"

#include "remote.h"
#include "str.h"

#define DAY ((uint64_t)86400)

static const struct bk_conf_section *settings(const struct bk_conf *conf)
{
	return bk_conf_find(conf, "verify", NULL);
}

uint64_t bk_verify_cycle(const struct bk_conf *conf)
{
	return bk_conf_duration(settings(conf), "cycle", 30 * DAY);
}

uint64_t bk_verify_max_age(const struct bk_conf *conf)
{
	return bk_conf_duration(settings(conf), "max-age", 7 * DAY);
}

const char *bk_verify_word(enum bk_verify_kind kind)
{
	static const char *const words[BK_VERIFY_KINDS] = {
		[BK_VERIFY_REPO] = "repo",
		[BK_VERIFY_PACKS] = "packs",
		[BK_VERIFY_DRILL] = "drill",
		[BK_VERIFY_COLD] = "cold",
		[BK_VERIFY_DUMP] = "dump",
		[BK_VERIFY_AGE] = "age",
		[BK_VERIFY_AGE_DUMP] = "age:mariadb",
	};

	return words[kind];
}

bool bk_verify_is(const char *subject, const char *name)
{
	size_t n = strlen(name);

	return strcmp(subject, name) == 0 ||
	       (!strchr(name, ':') && strncmp(subject, name, n) == 0 &&
		subject[n] == ':');
}

const struct bk_conf_section *bk_verify_repo(const struct bk_conf *conf,
					     const struct bk_conf_section *s)
{
	const char *name = bk_conf_str(s, "repo", NULL);

	if (strcmp(s->kind, "repo") == 0)
		return s;
	return name ? bk_conf_find(conf, "repo", name) : NULL;
}

/* Does this host back up into it? */
static bool is_used(const struct bk_conf *conf,
		    const struct bk_conf_section *repo)
{
	static const char *const kinds[] = { "backup", "mariadb" };

	for (size_t i = 0; i < BK_COUNT(kinds); i++) {
		const struct bk_conf_section *s = NULL;

		while ((s = bk_conf_next(conf, kinds[i], s)))
			if (bk_verify_repo(conf, s) == repo)
				return true;
	}
	return false;
}

/*
 * Where files can be hashed without being fetched, or may be: not with a key
 * that may only add.
 */
static bool has_place(const struct bk_conf_section *repo)
{
	const char *url = bk_conf_str(repo, "url", "");

	return bk_remote_local(url) ||
	       (bk_str_starts(url, "sftp:") &&
		!bk_conf_bool(repo, "append-only", false));
}

/* One that takes only streams has none. */
static bool has_folders(const struct bk_conf_section *set)
{
	return bk_conf_bool(set, "markers", false) ||
	       bk_conf_value(set, "path", NULL);
}

/* A box that cold copies belong on. */
static bool is_cold(const struct bk_conf *conf,
		    const struct bk_conf_section *box)
{
	static const char *const keys[] = { "boxes", "redundant" };
	const struct bk_conf_section *cold = bk_conf_find(conf, "cold", NULL);
	BK_AUTO_STRV struct bk_strv names = BK_STRV_INIT;

	for (size_t i = 0; i < BK_COUNT(keys); i++) {
		const struct bk_conf_value *v = NULL;

		while ((v = bk_conf_value(cold, keys[i], v)))
			bk_strv_split(&names, v->value, " ");
	}
	return bk_strv_has(&names, box->name);
}

static bool is_wanted(const struct bk_conf *conf, enum bk_verify_kind kind,
		      const struct bk_conf_section *s)
{
	switch (kind) {
	case BK_VERIFY_DRILL:
		return has_folders(s);
	case BK_VERIFY_COLD:
		return is_cold(conf, s);
	case BK_VERIFY_AGE:
		return true;
	case BK_VERIFY_AGE_DUMP:
	case BK_VERIFY_DUMP:
		return bk_conf_value(s, "repo", NULL) != NULL;
	case BK_VERIFY_PACKS:
		return is_used(conf, s) && has_place(s);
	default:
		return is_used(conf, s);
	}
}

/* "packs", or "packs:main" */
static bool is_skipped(const struct bk_conf *conf, enum bk_verify_kind kind,
		       const struct bk_conf_section *s)
{
	const struct bk_conf_value *v = NULL;
	BK_AUTO_FREE char *name =
		bk_asprintf("%s:%s", bk_verify_word(kind), s->name);

	while ((v = bk_conf_value(settings(conf), "skip", v)))
		if (bk_verify_is(name, v->value))
			return true;
	return false;
}

void bk_verify_subjects(const struct bk_conf *conf,
			struct bk_verify_subjects *ret)
{
	static const char *const kinds[BK_VERIFY_KINDS] = {
		[BK_VERIFY_REPO] = "repo",	  [BK_VERIFY_PACKS] = "repo",
		[BK_VERIFY_DRILL] = "backup",	  [BK_VERIFY_COLD] = "box",
		[BK_VERIFY_DUMP] = "mariadb",	  [BK_VERIFY_AGE] = "backup",
		[BK_VERIFY_AGE_DUMP] = "mariadb",
	};

	*ret = BK_VERIFY_SUBJECTS_INIT;
	if (!settings(conf))
		return;
	for (enum bk_verify_kind k = 0; k < BK_VERIFY_KINDS; k++) {
		const struct bk_conf_section *s = NULL;

		while ((s = bk_conf_next(conf, kinds[k], s))) {
			if (!is_wanted(conf, k, s) || is_skipped(conf, k, s))
				continue;
			ret->v =
				bk_realloc(ret->v, ret->n + 1, sizeof(*ret->v));
			ret->v[ret->n++] = (struct bk_verify_subject){ k, s };
		}
	}
}

void bk_verify_subjects_free(struct bk_verify_subjects *l)
{
	free(l->v);
	*l = BK_VERIFY_SUBJECTS_INIT;
}
