/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf_schema.h"

#include "err.h"
#include "path.h"
#include "ref.h"
#include "str.h"

/* The table. bk.conf(5) and lib/conf/examples say the same in words. */

#define EXAMPLE_KEEP "hourly 48, daily 14"

static const struct bk_conf_key host_keys[] = {
	{ "name", "web1", BK_CONF_HOST, .list = false },
	{ "fleet", "fsn", BK_CONF_REF, .ref = "box" },
	{ "prometheus", "/var/lib/prometheus/node-exporter/bk.prom",
	  BK_CONF_PATH, .list = false },
	{ 0 },
};

static const struct bk_conf_key scan_keys[] = {
	{ "root", "/home", BK_CONF_PATH, .list = true },
	{ "cross-mounts", "no", BK_CONF_BOOL, .list = false },
	{ "fstype", "nfs4", BK_CONF_FSTYPE, .list = true },
	{ "jobs", "32", BK_CONF_COUNT, .min = 1, .max = 256 },
	{ 0 },
};

static const struct bk_conf_key repo_keys[] = {
	{ "url", "sftp:box:restic/%H", BK_CONF_URL, .required = true },
	{ "password", "keyring:restic/main", BK_CONF_SECRET, .list = true,
	  .required = true },
	{ "keep", EXAMPLE_KEEP, BK_CONF_KEEP, .list = true },
	{ "retries", "4", BK_CONF_COUNT, .min = 0, .max = 20 },
	{ "retry-pause", "10s", BK_CONF_DURATION, .list = false },
	{ "lock-wait", "5m", BK_CONF_DURATION, .list = false },
	{ "prune-every", "7d", BK_CONF_DURATION, .list = false },
	{ "limit-upload", "2M", BK_CONF_SIZE, .list = false },
	{ "limit-download", "10M", BK_CONF_SIZE, .list = false },
	{ "option", "sftp.connections=3", BK_CONF_OPTION, .list = true },
	{ "program", "/usr/bin/restic", BK_CONF_PROGRAM, .list = false },
	{ "append-only", "yes", BK_CONF_BOOL, .list = false },
	{ 0 },
};

static const struct bk_conf_key keyring_keys[] = {
	{ "path", "/etc/bk/cryptfile_pass.cfg", BK_CONF_PATH, .list = false },
	{ "unlock", "credential:bk.keyring", BK_CONF_UNLOCK, .list = true },
	{ "user", "alice", BK_CONF_USER, .list = false },
	{ 0 },
};

static const struct bk_conf_key backup_keys[] = {
	{ "repo", "main", BK_CONF_REF, .required = true, .ref = "repo" },
	{ "markers", "yes", BK_CONF_BOOL, .list = false },
	{ "path", "/etc", BK_CONF_PATH, .list = true },
	{ "exclude", "*.tmp", BK_CONF_PATTERN, .list = true },
	{ "shrink-alarm", "50%", BK_CONF_PERCENT, .list = false },
	{ "keep", EXAMPLE_KEEP, BK_CONF_KEEP, .list = true },
	{ "max-age", "3h", BK_CONF_DURATION, .min = 1 },
	{ 0 },
};

static const struct bk_conf_key box_keys[] = {
	{ "url", "sftp://box-fsn/cold", BK_CONF_BOX, .required = true },
	{ "connections", "4", BK_CONF_COUNT, .min = 2, .max = 16 },
	{ "read-only", "yes", BK_CONF_BOOL, .list = false },
	{ 0 },
};

static const struct bk_conf_key verify_keys[] = {
	{ "cycle", "30d", BK_CONF_DURATION, .min = 1 },
	{ "budget", "2h", BK_CONF_DURATION, .min = 1 },
	{ "budget-bytes", "20G", BK_CONF_SIZE, .list = false },
	{ "max-age", "7d", BK_CONF_DURATION, .min = 1 },
	{ "lock-time", "15m", BK_CONF_DURATION, .min = 1 },
	{ "drill-size", "1G", BK_CONF_SIZE, .min = 1 },
	{ "skip", "packs:main", BK_CONF_SUBJECT, .list = true },
	{ 0 },
};

static const struct bk_conf_key monitor_keys[] = {
	{ "type", "kuma", BK_CONF_CHOICE,
	  .ref = "kuma|healthchecks|ntfy|webhook" },
	{ "url", "https://kuma.example.org", BK_CONF_WEB, .required = true },
	{ "token", "keyring:kuma/home", BK_CONF_SECRET, .list = true },
	{ "watch", "backup home", BK_CONF_WATCH, .list = true },
	{ "max-age", "2h", BK_CONF_DURATION, .min = 1 },
	{ "remind", "1d", BK_CONF_DURATION, .list = false },
	{ "ca", "/etc/bk/ca.pem", BK_CONF_PATH, .list = false },
	{ 0 },
};

static const struct bk_conf_key mariadb_keys[] = {
	{ "socket", "/run/mysqld/mysqld.sock", BK_CONF_PATH, .list = false },
	{ "host", "db.example.org", BK_CONF_HOST, .list = false },
	{ "port", "3306", BK_CONF_COUNT, .min = 1, .max = 65535 },
	{ "user", "bkdump", BK_CONF_USER, .list = false },
	{ "password", "keyring:mariadb/bkdump", BK_CONF_SECRET, .list = true },
	{ "defaults-file", "/etc/bk/mariadb.cnf", BK_CONF_PATH, .list = false },
	{ "ssl-ca", "/etc/bk/db-ca.pem", BK_CONF_PATH, .list = false },
	{ "include", "shop*", BK_CONF_TABLES, .list = true },
	{ "exclude", "test_*", BK_CONF_TABLES, .list = true },
	{ "schema-only", "*.cache_*", BK_CONF_TABLES, .list = true },
	{ "globals", "yes", BK_CONF_BOOL, .list = false },
	{ "repo", "main", BK_CONF_REF, .ref = "repo" },
	{ "keep", EXAMPLE_KEEP, BK_CONF_KEEP, .list = true },
	{ "shrink-alarm", "50%", BK_CONF_PERCENT, .list = false },
	{ "connections", "2", BK_CONF_COUNT, .min = 1, .max = 16 },
	{ "backup-stage", "no", BK_CONF_BOOL, .list = false },
	{ "broken", "fail", BK_CONF_CHOICE, .ref = "fail|save" },
	{ "layout", "spool", BK_CONF_CHOICE, .ref = "spool|stream" },
	{ "spool", "/srv/spool", BK_CONF_PATH, .list = false },
	{ "max-hold", "12h", BK_CONF_DURATION, .list = false },
	{ "max-age", "9h", BK_CONF_DURATION, .list = false },
	{ 0 },
};

static const struct bk_conf_key cold_keys[] = {
	{ "path", "/srv/photos", BK_CONF_PATH, .list = true, .required = true },
	{ "copies", "2", BK_CONF_COUNT, .min = 1, .max = 2 },
	{ "delete", "no", BK_CONF_BOOL, .list = false },
	{ "exclude", "*.tmp", BK_CONF_PATTERN, .list = true },
	{ "min-age", "30d", BK_CONF_DURATION, .list = false },
	{ "encrypt", "age:/etc/bk/cold.age", BK_CONF_SEAL, .list = false },
	{ 0 },
};

static const struct bk_conf_key cold_all_keys[] = {
	{ "boxes", "fsn", BK_CONF_REFS, .list = true, .ref = "box" },
	{ "redundant", "fsn hel", BK_CONF_REFS, .list = true, .ref = "box" },
	{ "settle", "24h", BK_CONF_DURATION, .min = 1 },
	{ "quarantine", "7d", BK_CONF_DURATION, .list = false },
	{ "release-age", "7d", BK_CONF_DURATION, .list = false },
	{ "proof-max-age", "7d", BK_CONF_DURATION, .min = 1 },
	{ "max-delete", "1T", BK_CONF_SIZE, .list = false },
	{ "max-percent", "50%", BK_CONF_PERCENT, .list = false },
	{ "max-age", "50h", BK_CONF_DURATION, .min = 1 },
	{ "encrypt", "age:/etc/bk/cold.age", BK_CONF_SEAL, .list = false },
	{ "identity", "file:/root/cold.key", BK_CONF_SECRET, .list = true },
	{ 0 },
};

static const struct bk_conf_kind cold_all = { "cold", false, cold_all_keys,
					      NULL };

static const struct bk_conf_kind kinds[] = {
	{ "host", false, host_keys, NULL },
	{ "scan", false, scan_keys, NULL },
	{ "keyring", false, keyring_keys, NULL },
	{ "repo", true, repo_keys, NULL },
	{ "backup", true, backup_keys, NULL },
	{ "mariadb", true, mariadb_keys, NULL },
	{ "cold", true, cold_keys, &cold_all },
	{ "box", true, box_keys, NULL },
	{ "verify", false, verify_keys, NULL },
	{ "monitor", true, monitor_keys, NULL },
};

const struct bk_conf_kind *bk_conf_schema_kind(const char *name)
{
	for (size_t i = 0; i < BK_COUNT(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

const struct bk_conf_kind *bk_conf_schema_section(const char *kind,
						  const char *name)
{
	const struct bk_conf_kind *k = bk_conf_schema_kind(kind);

	return k && !*name && k->plain ? k->plain : k;
}

const struct bk_conf_key *bk_conf_schema_key(const struct bk_conf_kind *kind,
					     const char *name)
{
	for (const struct bk_conf_key *k = kind->keys; k->name; k++)
		if (strcmp(k->name, name) == 0)
			return k;
	return NULL;
}

/* Hints. */

#define NEAR_MAX 24

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Edits (change, add, drop, swap neighbours) from a to b. */
static size_t distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	size_t d[NEAR_MAX + 1][NEAR_MAX + 1];

	if (n > NEAR_MAX || m > NEAR_MAX)
		return NEAR_MAX;
	for (size_t i = 0; i <= n; i++)
		d[i][0] = i;
	for (size_t k = 0; k <= m; k++)
		d[0][k] = k;
	for (size_t i = 1; i <= n; i++) {
		for (size_t k = 1; k <= m; k++) {
			size_t change = a[i - 1] != b[k - 1];

			d[i][k] = least(least(d[i - 1][k], d[i][k - 1]) + 1,
					d[i - 1][k - 1] + change);
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] &&
			    a[i - 2] == b[k - 1])
				d[i][k] = least(d[i][k], d[i - 2][k - 2] + 1);
		}
	}
	return d[n][m];
}

bool bk_conf_schema_near(const char *a, const char *b)
{
	return strcasecmp(a, b) == 0 ||
	       distance(a, b) <= (strlen(b) > 4 ? 2 : 1);
}

char *bk_conf_schema_hint(const struct bk_conf_kind *kind, const char *name)
{
	struct bk_buf all = BK_BUF_INIT;
	BK_AUTO_STRV struct bk_strv names = BK_STRV_INIT;

	if (kind)
		for (const struct bk_conf_key *k = kind->keys; k->name; k++)
			bk_strv_add(&names, k->name);
	else
		for (size_t i = 0; i < BK_COUNT(kinds); i++)
			bk_strv_add(&names, kinds[i].name);
	for (size_t i = 0; i < names.n; i++)
		if (bk_conf_schema_near(name, names.v[i]))
			return bk_asprintf("did you mean '%s'?", names.v[i]);
	bk_buf_adds(&all, "there are");
	for (size_t i = 0; i < names.n; i++)
		bk_buf_addf(&all, " %s", names.v[i]);
	return bk_buf_steal(&all);
}

/* Types. Each takes a value apart and returns it as it is kept, or NULL. */

static bool only(const char *s, const char *bytes)
{
	return *s && s[strspn(s, bytes)] == '\0';
}

#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

bool bk_conf_schema_name(const char *s)
{
	return only(s, ALNUM "._-") && *s != '.' && *s != '-' &&
	       strlen(s) <= 64;
}

static bool is_host(const char *s)
{
	return !bk_str_control(s) && !strpbrk(s, " /") && *s != '-' &&
	       strlen(s) <= 255;
}

static bool is_url(const char *s)
{
	return !bk_str_control(s) && *s != '-';
}

static bool is_pattern(const char *s)
{
	return *s != '!' && *s != '#' && !strchr(s, '\n');
}

/* db or db.table; what stands behind a backslash is no dot. */
static bool is_tables(const char *s)
{
	unsigned int dots = 0;

	if (*s == '.' || bk_str_control(s))
		return false;
	for (; *s; s++) {
		if (*s == '.' && (s[1] == '\0' || ++dots > 1))
			return false;
		if (*s == '\\' && *++s == '\0')
			return false;
	}
	return true;
}

/* Is it one of these words? */
static bool is_choice(const char *words, const char *s)
{
	size_t n = strlen(s);
	const char *at = strstr(words, s);

	return at && only(s, ALNUM "-") && (at == words || at[-1] == '|') &&
	       (at[n] == '\0' || at[n] == '|');
}

static bool is_option(const char *s)
{
	size_t n = strspn(s, ALNUM "._-");

	return n > 0 && *s != '-' && s[n] == '=' && !bk_str_control(s);
}

static char *clean_program(const char *s)
{
	if (*s == '/')
		return bk_path_clean(s);
	return *s == '-' || strchr(s, '/') ? NULL : bk_strdup(s);
}

static bool is_web(const char *s)
{
	const char *rest = bk_str_starts(s, "https://")	 ? s + 8
			   : bk_str_starts(s, "http://") ? s + 7
							 : "";

	return *rest && *rest != '/' && !bk_str_control(s) &&
	       !strpbrk(s, " ?#");
}

static bool is_box(const char *s)
{
	const char *rest = s + strlen("sftp://");

	if (bk_str_control(s))
		return false;
	if (bk_str_starts(s, "dir:"))
		return s[strlen("dir:")] == '/';
	return bk_str_starts(s, "sftp://") && *rest && !strchr("/-@:", *rest) &&
	       !strpbrk(rest, " ?#");
}

/* KIND or KIND NAME, as bk_state_write() has them. */
static bool is_watch(const char *s)
{
	const char *name = strchr(s, ' ');

	return *s != '-' && only(s, ALNUM "._-: ") &&
	       (!name || (name > s && name[1] && !strchr(name + 1, ' ')));
}

/* NAME or mariadb:NAME */
static bool is_job_name(const char *s)
{
	static const char dump[] = "mariadb:";

	return bk_conf_schema_name(bk_str_starts(s, dump) ? s + strlen(dump)
							  : s);
}

/* KIND or KIND:NAME, as bk-verify has them. */
static bool is_subject(const char *s)
{
	static const char *const words[] = { "repo", "packs", "drill",
					     "cold", "dump",  "age" };
	size_t n = strcspn(s, ":");

	for (size_t i = 0; i < BK_COUNT(words); i++)
		if (strlen(words[i]) == n && strncmp(s, words[i], n) == 0)
			return !s[n] || is_job_name(s + n + 1);
	return false;
}

/* One that is to open the keyring cannot lie in it. */
static char *clean_secret(const char *s, bool outside, struct bk_err *err)
{
	BK_AUTO_REF struct bk_ref ref = BK_REF_INIT;

	if (bk_ref_parse(s, &ref, err) < 0)
		return NULL;
	if (!outside || ref.kind != BK_REF_KEYRING)
		return bk_strdup(ref.text);
	bk_err_set(err, BK_EX_CONFIG, 0,
		   "what opens the keyring cannot lie in it");
	return NULL;
}

static char *explain_secret(const struct bk_conf_key *key, const char *s,
			    char **ret_why)
{
	struct bk_err err = { .msg = "it is empty" };
	char *kept =
		*s ? clean_secret(s, key->type == BK_CONF_UNLOCK, &err) : NULL;

	if (!kept)
		*ret_why = bk_asprintf("is no reference to a secret: %s (the "
				       "secret itself never stands here); "
				       "write e.g. %s",
				       err.msg, key->example);
	return kept;
}

static bool is_count(const struct bk_conf_key *key, const char *s)
{
	uint64_t n;

	return bk_parse_u64(s, key->min, key->max, &n) == 0;
}

static bool is_number(const struct bk_conf_key *key, const char *s)
{
	uint64_t n;
	unsigned int percent;
	bool yes;

	switch (key->type) {
	case BK_CONF_BOOL:
		return bk_parse_bool(s, &yes) == 0;
	case BK_CONF_PERCENT:
		return bk_parse_percent(s, &percent) == 0;
	case BK_CONF_SIZE:
		return bk_parse_size(s, &n) == 0;
	default:
		return bk_parse_duration(s, &n) == 0 && n >= key->min;
	}
}

/* keep = UNIT N, UNIT N */

static bool is_keep_unit(const char *s)
{
	static const char *const units[] = { "last",   "hourly",  "daily",
					     "weekly", "monthly", "yearly" };

	bool within = bk_str_starts(s, "within-");

	if (within)
		s += strlen("within-");
	for (size_t i = within ? 1 : 0; i < BK_COUNT(units); i++)
		if (strcmp(s, units[i]) == 0)
			return true;
	return !within && strcmp(s, "within") == 0;
}

/* restic's duration: 2y5m7d3h, each unit at most once, not zero in all. */
static bool is_span(const char *s)
{
	static const char units[] = "ymdh";
	bool seen[4] = { false }, some = false;

	do {
		size_t n = strspn(s, "0123456789");
		const char *u = s[n] ? strchr(units, s[n]) : NULL;

		if (n == 0 || n > 4 || !u || seen[u - units])
			return false;
		seen[u - units] = true;
		some = some || strspn(s, "0") < n;
		s += n + 1;
	} while (*s);
	return some;
}

/* Appends "UNIT N", or says why not. */
static char *keep_item(const char *item, struct bk_buf *b)
{
	BK_AUTO_STRV struct bk_strv w = BK_STRV_INIT;
	uint64_t n;
	bool within = bk_str_starts(item, "within");

	bk_strv_split(&w, item, " \t");
	if (w.n == 0)
		return NULL;
	if (!is_keep_unit(w.v[0]))
		return bk_asprintf(
			"'%.40s' is not a unit to keep; there are last "
			"hourly daily weekly monthly yearly within "
			"within-hourly (and so on)",
			w.v[0]);
	if (within && (w.n != 2 || !is_span(w.v[1])))
		return bk_asprintf("'%.40s' is not UNIT and a time in y m d h; "
				   "write e.g. %s 1y6m",
				   item, w.v[0]);
	if (!within && (w.n != 2 || bk_parse_u64(w.v[1], 1, 9999, &n) < 0))
		return bk_asprintf("'%.40s' is not UNIT COUNT (1 to 9999); "
				   "write e.g. %s 14",
				   item, w.v[0]);
	bk_buf_addf(b, "%s%s %s", b->len ? ", " : "", w.v[0], w.v[1]);
	return NULL;
}

static char *clean_keep(const char *s, char **ret_why)
{
	struct bk_buf b = BK_BUF_INIT;
	BK_AUTO_STRV struct bk_strv items = BK_STRV_INIT;

	*ret_why = NULL;
	bk_strv_split(&items, s, ",");
	for (size_t i = 0; i < items.n && !*ret_why; i++) {
		char *item = bk_str_trim(items.v[i]);

		if (*item)
			*ret_why = keep_item(item, &b);
	}
	if (!*ret_why && b.len == 0)
		*ret_why = bk_strdup("says nothing; write e.g. " EXAMPLE_KEEP);
	if (!*ret_why)
		return bk_buf_steal(&b);
	bk_buf_free(&b);
	return NULL;
}

/* All types. */

/* Names with one blank between them. */
static char *clean_names(const char *s)
{
	BK_AUTO_STRV struct bk_strv words = BK_STRV_INIT;
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	bk_strv_split(&words, s, " \t\v\f\r");
	for (size_t i = 0; i < words.n; i++) {
		if (!bk_conf_schema_name(words.v[i]))
			return NULL;
		bk_buf_addf(&b, "%s%s", i ? " " : "", words.v[i]);
	}
	return bk_buf_steal(&b);
}

static char *clean_seal(const char *s)
{
	static const char age[] = "age:";
	BK_AUTO_FREE char *path = NULL;

	if (strcmp(s, "no") == 0)
		return bk_strdup(s);
	path = bk_str_starts(s, age) ? bk_path_clean(s + strlen(age)) : NULL;

	return path ? bk_asprintf("%s%s", age, path) : NULL;
}

static char *clean(const struct bk_conf_key *key, const char *s)
{
	bool ok;

	switch (key->type) {
	case BK_CONF_PATH:
		return bk_path_clean(s);
	case BK_CONF_PROGRAM:
		return clean_program(s);
	case BK_CONF_SEAL:
		return clean_seal(s);
	case BK_CONF_HOST:
		ok = is_host(s);
		break;
	case BK_CONF_PATTERN:
		ok = is_pattern(s);
		break;
	case BK_CONF_TABLES:
		ok = is_tables(s);
		break;
	case BK_CONF_CHOICE:
		ok = is_choice(key->ref, s);
		break;
	case BK_CONF_FSTYPE:
		ok = only(s, ALNUM "._-+");
		break;
	case BK_CONF_URL:
		ok = is_url(s);
		break;
	case BK_CONF_OPTION:
		ok = is_option(s);
		break;
	case BK_CONF_USER:
	case BK_CONF_REFS:
		return clean_names(s);
	case BK_CONF_REF:
		ok = bk_conf_schema_name(s);
		break;
	case BK_CONF_COUNT:
		ok = is_count(key, s);
		break;
	case BK_CONF_WEB:
		ok = is_web(s);
		break;
	case BK_CONF_BOX:
		ok = is_box(s);
		break;
	case BK_CONF_WATCH:
		ok = is_watch(s);
		break;
	case BK_CONF_SUBJECT:
		ok = is_subject(s);
		break;
	default:
		ok = is_number(key, s);
		break;
	}
	return ok ? bk_strdup(s) : NULL;
}

static const char *const wanted[] = {
	[BK_CONF_HOST] = "a host name (no blanks, no '/', no '-' first)",
	[BK_CONF_BOOL] = "yes or no",
	[BK_CONF_PERCENT] = "a percentage from 0% to 100%",
	[BK_CONF_SIZE] = "a size in bytes, k, M, G or T",
	[BK_CONF_DURATION] = "a time with its unit s m h d w or y",
	[BK_CONF_PATH] = "an absolute path",
	[BK_CONF_PATTERN] = "a pattern (none starts with '!' or '#')",
	[BK_CONF_TABLES] = "a database, or a database, '.' and a table",
	[BK_CONF_FSTYPE] = "one file system type",
	[BK_CONF_URL] = "a repository of restic",
	[BK_CONF_OPTION] = "NAME=VALUE",
	[BK_CONF_PROGRAM] = "an absolute path or a plain program name",
	[BK_CONF_USER] = "the name of a user",
	[BK_CONF_REF] = "the name of a section",
	[BK_CONF_REFS] = "names of sections",
	[BK_CONF_WEB] = "an address (http:// or https://, nothing behind '?')",
	[BK_CONF_BOX] = "a box (sftp://[user@]host[:port]/folder or dir:/path)",
	[BK_CONF_SEAL] = "age:/path (recipients of age(1)) or no",
	[BK_CONF_SUBJECT] =
		"repo, packs, drill, cold, dump or age, alone or with ':' and a name",
	[BK_CONF_WATCH] = "a job (KIND NAME, or KIND for all of them)",
};

/* Values that may carry a password are not shown. */
static bool is_private(enum bk_conf_type type)
{
	return type == BK_CONF_URL || type == BK_CONF_OPTION ||
	       type == BK_CONF_WEB;
}

static void add_quoted(struct bk_buf *b, const char *s)
{
	size_t n = strlen(s), most = 60;

	if (n > most) {
		while (((unsigned char)s[most] & 0xc0) == 0x80 && most > 50)
			most--;
		n = most;
	}
	bk_buf_addc(b, '\'');
	bk_buf_add(b, s, n);
	bk_buf_adds(b, s[n] ? "...' " : "' ");
}

char *bk_conf_schema_check(const struct bk_conf_key *key, const char *value,
			   char **ret_why)
{
	struct bk_buf b = BK_BUF_INIT;
	char *kept;

	if (key->type == BK_CONF_KEEP)
		return clean_keep(value, ret_why);
	if (key->type == BK_CONF_SECRET || key->type == BK_CONF_UNLOCK)
		return explain_secret(key, value, ret_why);
	kept = *value ? clean(key, value) : NULL;
	if (kept)
		return kept;
	if (!is_private(key->type))
		add_quoted(&b, value);
	if (key->type == BK_CONF_COUNT)
		bk_buf_addf(&b, "is not a number from %llu to %llu",
			    (unsigned long long)key->min,
			    (unsigned long long)key->max);
	else if (key->type == BK_CONF_CHOICE)
		bk_buf_addf(&b, "is not one of: %s", key->ref);
	else
		bk_buf_addf(&b, "is not %s%s", wanted[key->type],
			    key->type == BK_CONF_DURATION && key->min
				    ? ", more than 0"
				    : "");
	bk_buf_addf(&b, "; write e.g. %s", key->example);
	*ret_why = bk_buf_steal(&b);
	return NULL;
}
