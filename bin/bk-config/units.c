/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check: do timers do it all, with programs of this release, and did they do
 * it well when last they ran?
 */
#include "units.h"

#include <pwd.h>
#include <unistd.h>

#include "health.h"
#include "path.h"
#include "remote.h"

#define SYSTEMCTL_TIMEOUT_MS 20000

void unit_systemctl(struct bk_strv *argv)
{
	bk_strv_add(argv, "systemctl");
	if (geteuid() != 0)
		bk_strv_add(argv, "--user");
}

char *unit_get(const char *unit, const char *property)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	AUTO_SAID struct said said = SAID_INIT;

	unit_systemctl(&argv);
	child_add(&argv, "show", "-p", property, "--value", unit);
	if (child_run(&argv, SYSTEMCTL_TIMEOUT_MS, &said, NULL) < 0 ||
	    said.status != 0 || !said.out.p)
		return bk_strdup("");
	return bk_strdup(bk_str_trim(said.out.p));
}

static bool unit_has(const char *unit, const char *property, const char *value)
{
	BK_AUTO_FREE char *got = unit_get(unit, property);

	return strcmp(got, value) == 0;
}

bool unit_is_on(const char *timer)
{
	return bk_str_starts(timer, "bk-") &&
	       unit_has(timer, "ActiveState", "active") &&
	       (unit_has(timer, "UnitFileState", "enabled") ||
		unit_has(timer, "UnitFileState", "static"));
}

/* Sets that a timer backs up: not those that only take streams. */
static bool is_timed(const struct bk_conf_section *s)
{
	return bk_conf_bool(s, "markers", false) ||
	       bk_conf_value(s, "path", NULL);
}

void unit_timers(const struct bk_conf *conf, struct bk_strv *ret)
{
	const struct bk_conf_section *host = bk_conf_find(conf, "host", NULL);
	const struct bk_conf_section *s = NULL;
	bool timed = false, dumped = false, keep = false;

	while ((s = bk_conf_next(conf, "backup", s))) {
		timed = timed || is_timed(s);
		keep = keep || bk_health_forgets(conf, s);
	}
	while ((s = bk_conf_next(conf, "mariadb", s))) {
		dumped = dumped || bk_conf_value(s, "repo", NULL);
		keep = keep || bk_health_forgets(conf, s);
	}
	if (timed)
		bk_strv_add(ret, "bk-restic.timer");
	if (dumped)
		bk_strv_add(ret, "bk-dbdump.timer");
	if (keep)
		bk_strv_add(ret, "bk-forget.timer");
	if (bk_health_pushes(conf))
		bk_strv_add(ret, "bk-cold.timer");
	if (bk_conf_find(conf, "verify", NULL))
		bk_strv_add(ret, "bk-verify.timer");
	if (bk_conf_next(conf, "monitor", NULL))
		bk_strv_add(ret, "bk-notify.timer");
	if (bk_conf_value(host, "fleet", NULL) ||
	    bk_conf_value(host, "prometheus", NULL))
		bk_strv_add(ret, "bk-status.timer");
}

/* Folders of services. */

/* The next word of a list as systemctl shows it, or NULL: "a \"b\" c" d */
static char *next_word(const char **list)
{
	const char *p = *list + strspn(*list, " ");
	bool quoted = *p == '"';
	struct bk_buf b = BK_BUF_INIT;

	if (!*p)
		return NULL;
	bk_buf_adds(&b, "");
	for (p += quoted; *p && *p != (quoted ? '"' : ' '); p++) {
		if (*p == '\\' && p[1])
			p++;
		bk_buf_addc(&b, *p);
	}
	*list = *p ? p + 1 : p;
	return bk_buf_steal(&b);
}

/* Is path within one of these, of which some start with '-' or '+'? */
static bool is_listed(const char *list, const char *path)
{
	bool found = false;
	char *word;

	while (!found && (word = next_word(&list))) {
		BK_AUTO_FREE char *clean =
			bk_path_clean(word + strspn(word, "-+"));

		found = clean && bk_path_within(path, clean);
		free(word);
	}
	return found;
}

/* Takes path. */
static void add_need(struct unit_needs *l, const char *service,
		     const struct bk_conf_section *s, char *path)
{
	l->v = bk_realloc(l->v, l->n + 1, sizeof(*l->v));
	l->v[l->n++] = (struct unit_need){
		.service = service,
		.name = bk_asprintf("%s%s%s", s->kind, *s->name ? " " : "",
				    s->name),
		.path = path,
	};
}

/* The folder of a box on a disk, else NULL; the caller frees it. */
static char *box_folder(const struct bk_conf_section *box)
{
	const char *url = bk_conf_str(box, "url", "");

	return bk_str_starts(url, "dir:/") ? bk_path_clean(url + strlen("dir:"))
					   : NULL;
}

/* Boxes that cold storage uses. */
static void add_cold_needs(const struct bk_conf *conf, struct unit_needs *ret)
{
	static const char *const keys[] = { "boxes", "redundant" };
	const struct bk_conf_section *cold = bk_conf_find(conf, "cold", NULL);
	BK_AUTO_STRV struct bk_strv names = BK_STRV_INIT;
	const struct bk_conf_section *box = NULL;

	for (size_t i = 0; i < BK_COUNT(keys); i++) {
		const struct bk_conf_value *v = NULL;

		while ((v = bk_conf_value(cold, keys[i], v)))
			bk_strv_split(&names, v->value, " ");
	}
	while ((box = bk_conf_next(conf, "box", box))) {
		char *path =
			bk_strv_has(&names, box->name) ? box_folder(box) : NULL;

		if (path)
			add_need(ret, "bk-cold", box, path);
	}
}

void unit_needs(const struct bk_conf *conf, struct unit_needs *ret)
{
	const struct bk_conf_section *host = bk_conf_find(conf, "host", NULL);
	const struct bk_conf_section *s = NULL, *box;
	const char *file = bk_conf_str(host, "prometheus", NULL);
	char *folder;

	*ret = (struct unit_needs){ NULL, 0 };
	while ((s = bk_conf_next(conf, "repo", s))) {
		const char *path = bk_remote_local(bk_conf_str(s, "url", ""));

		if (!path)
			continue;
		add_need(ret, "bk-restic", s, bk_path_clean(path));
		add_need(ret, "bk-forget", s, bk_path_clean(path));
		if (bk_conf_find(conf, "verify", NULL))
			add_need(ret, "bk-verify", s, bk_path_clean(path));
		if (bk_conf_next(conf, "mariadb", NULL))
			add_need(ret, "bk-dbdump", s, bk_path_clean(path));
	}
	while ((s = bk_conf_next(conf, "mariadb", s))) {
		const char *spool = bk_conf_str(s, "spool", NULL);

		if (spool)
			add_need(ret, "bk-dbdump", s, bk_path_clean(spool));
	}
	box = bk_conf_find(conf, "box", bk_conf_str(host, "fleet", ""));
	folder = box ? box_folder(box) : NULL;
	if (folder)
		add_need(ret, "bk-status", box, folder);
	add_cold_needs(conf, ret);
	if (file)
		add_need(ret, "bk-status", host, bk_path_parent(file));
}

void unit_needs_free(struct unit_needs *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].name);
		free(l->v[i].path);
	}
	free(l->v);
	*l = (struct unit_needs){ NULL, 0 };
}

bool unit_is_barred(const struct unit_need *need)
{
	BK_AUTO_FREE char *unit = bk_asprintf("%s.service", need->service);
	BK_AUTO_FREE char *writable = unit_get(unit, "ReadWritePaths");

	return unit_has(unit, "ProtectSystem", "strict") &&
	       !is_listed(writable, need->path);
}

char *unit_drop_in(const struct unit_need *need)
{
	char *file = bk_asprintf("/etc/systemd/system/%s.service.d/%s.conf",
				 need->service, need->name);
	char *blank = strrchr(file, ' ');

	if (blank)
		*blank = '-';
	return file;
}

/* ReadWritePaths= splits at blanks, unquotes, and has its own '%'. */
char *unit_drop_in_text(const struct unit_need *need)
{
	struct bk_buf b = BK_BUF_INIT;

	bk_buf_adds(&b, "[Service]\nReadWritePaths=\"");
	for (const char *p = need->path; *p; p++) {
		if (*p == '"' || *p == '\\')
			bk_buf_addc(&b, '\\');
		if (*p == '%')
			bk_buf_addc(&b, '%');
		bk_buf_addc(&b, *p);
	}
	bk_buf_adds(&b, "\"\n");
	return bk_buf_steal(&b);
}

/* Timers. */

/* Instead of the timer for all sets, each set may have one of its own. */
static bool has_instances(const struct bk_conf *conf, const char *timer)
{
	size_t n = strcspn(timer, ".");
	const struct bk_conf_section *s = NULL;

	if (!bk_str_starts(timer, "bk-restic.") &&
	    !bk_str_starts(timer, "bk-forget."))
		return false;
	while ((s = bk_conf_next(conf, "backup", s))) {
		BK_AUTO_FREE char *name =
			bk_asprintf("%.*s@%s.timer", (int)n, timer, s->name);

		if (is_timed(s) && !unit_is_on(name))
			return false;
	}
	return true;
}

static void check_timer(struct check *c, const char *timer)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_FREE char *line = NULL;

	if (unit_has(timer, "LoadState", "not-found")) {
		report_add(&c->report, LEVEL_ERROR, timer,
			   "install the package of bk again",
			   "there is no such unit");
		return;
	}
	if (unit_is_on(timer) || has_instances(c->t->conf, timer))
		return;
	unit_systemctl(&argv);
	if (unit_has(timer, "LoadState", "masked"))
		bk_strv_add(&argv, "unmask");
	else
		child_add(&argv, "enable", "--now");
	bk_strv_add(&argv, timer);
	line = child_line(&argv);
	report_add(&c->report, LEVEL_ERROR, timer, line,
		   "it is not enabled and active, so nothing runs by itself");
}

/* What services must be able to write. */

static void check_need(struct check *c, const struct unit_need *n)
{
	BK_AUTO_FREE char *about = bk_asprintf("[%s]", n->name);
	BK_AUTO_FREE char *text = unit_drop_in_text(n);
	BK_AUTO_FREE char *remedy =
		bk_asprintf("systemctl edit %s.service, and write there: %s",
			    n->service, bk_str_trim(text));

	if (unit_is_barred(n))
		report_add(&c->report, LEVEL_ERROR, about, remedy,
			   "%s.service may not write to '%s'", n->service,
			   n->path);
}

/* Those of the sets that go into this repository. */
static void check_instances(struct check *c, const struct unit_need *need)
{
	const struct bk_conf_section *s = NULL;

	while ((s = bk_conf_next(c->t->conf, "backup", s))) {
		BK_AUTO_FREE char *service =
			bk_asprintf("%s@%s", need->service, s->name);
		BK_AUTO_FREE char *name =
			bk_asprintf("repo %s", bk_conf_str(s, "repo", ""));
		struct unit_need n = *need;

		n.service = service;
		if (is_timed(s) && strcmp(name, need->name) == 0)
			check_need(c, &n);
	}
}

static void check_needs(struct check *c)
{
	BK_AUTO(unit_needs_free) struct unit_needs l;

	unit_needs(c->t->conf, &l);
	for (size_t i = 0; i < l.n && geteuid() == 0; i++) {
		BK_AUTO_FREE char *timer =
			bk_asprintf("%s.timer", l.v[i].service);

		if (!unit_is_on(timer) && has_instances(c->t->conf, timer))
			check_instances(c, &l.v[i]);
		else
			check_need(c, &l.v[i]);
	}
}

/* "{ path=/usr/bin/bk-restic ; argv[]=... }" */
static char *program_of(const char *unit)
{
	BK_AUTO_FREE char *exec = unit_get(unit, "ExecStart");
	char *path = strstr(exec, "path=");

	if (!path)
		return NULL;
	path += strlen("path=");
	path[strcspn(path, " ;")] = '\0';
	return bk_strdup(path);
}

static void check_program(struct check *c, const char *unit)
{
	BK_AUTO_FREE char *path = program_of(unit);
	BK_AUTO_FREE char *wanted = NULL;
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	AUTO_SAID struct said said = SAID_INIT;
	struct bk_err err;

	if (!path || !bk_str_starts(bk_path_base(path), "bk-"))
		return;
	wanted = bk_asprintf("%s %s\n", bk_path_base(path), BK_VERSION);
	child_add(&argv, path, "-V");
	if (child_run(&argv, SYSTEMCTL_TIMEOUT_MS, &said, &err) < 0)
		report_add(&c->report, LEVEL_ERROR, unit,
			   "install the package of bk again, and remove units "
			   "made by hand",
			   "it does not belong to what is installed: %s",
			   err.msg);
	else if (strcmp(said.out.p ? said.out.p : "", wanted) != 0)
		report_add(&c->report, LEVEL_WARNING, unit,
			   "remove the other release, or its units",
			   "it runs '%s', which is not of release %s", path,
			   BK_VERSION);
}

static void check_service(struct check *c, const char *unit)
{
	BK_AUTO_FREE char *result = unit_get(unit, "Result");
	BK_AUTO_FREE char *remedy = bk_asprintf("journalctl -e -u %s", unit);

	if (unit_has(unit, "LoadState", "not-found"))
		return;
	if (*result && strcmp(result, "success") != 0)
		report_add(&c->report, LEVEL_WARNING, unit, remedy,
			   "its last run ended with: %s", result);
	if (unit_has(unit, "NeedDaemonReload", "yes"))
		report_add(&c->report, LEVEL_WARNING, unit,
			   "systemctl daemon-reload",
			   "its file has changed since systemd read it");
	check_program(c, unit);
}

/* Units of a user end with the session, unless the user lingers. */
static void check_linger(struct check *c)
{
	const struct passwd *pw = getpwuid(geteuid());
	BK_AUTO_FREE char *file = NULL, *remedy = NULL;

	if (geteuid() == 0 || !pw)
		return;
	file = bk_asprintf("/var/lib/systemd/linger/%s", pw->pw_name);
	remedy = bk_asprintf("loginctl enable-linger %s", pw->pw_name);
	if (access(file, F_OK) < 0)
		report_add(&c->report, LEVEL_WARNING, "units", remedy,
			   "timers of %s run only while %s is logged in",
			   pw->pw_name, pw->pw_name);
}

void check_units(struct check *c)
{
	BK_AUTO_STRV struct bk_strv timers = BK_STRV_INIT;

	if (!systemd_runs()) {
		report_add(&c->report, LEVEL_NOTE, "units", NULL,
			   "systemd does not run here, so no timers do: see "
			   "that something else starts the tools");
		return;
	}
	unit_timers(c->t->conf, &timers);
	for (size_t i = 0; i < timers.n; i++) {
		size_t n = strcspn(timers.v[i], ".");
		BK_AUTO_FREE char *unit =
			bk_asprintf("%.*s.service", (int)n, timers.v[i]);

		check_timer(c, timers.v[i]);
		check_service(c, unit);
	}
	check_needs(c);
	if (timers.n > 0)
		check_linger(c);
}
