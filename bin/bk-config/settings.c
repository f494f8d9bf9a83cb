/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "settings.h"

#include <string.h>
#include <unistd.h>

#include "mem.h"

static const struct {
	const char *kind, *key, *value;
} defaults[] = {
	{ "scan", "cross-mounts", "no" },
	{ "scan", "jobs", "32" },
	{ "keyring", "path", BK_SYSCONFDIR "/cryptfile_pass.cfg" },
	{ "keyring", "unlock", "credential:bk.keyring" },
	{ "keyring", "unlock", "ask" },
	{ "repo", "retries", "4" },
	{ "repo", "retry-pause", "10s" },
	{ "repo", "lock-wait", "5m" },
	{ "repo", "prune-every", "7d" },
	{ "repo", "limit-upload", "0" },
	{ "repo", "limit-download", "0" },
	{ "repo", "program", "restic" },
	{ "repo", "append-only", "no" },
	{ "box", "read-only", "no" },
	{ "backup", "markers", "no" },
	{ "backup", "shrink-alarm", "50%" },
	{ "backup", "max-age", "3h" },
	{ "mariadb", "globals", "yes" },
	{ "mariadb", "shrink-alarm", "50%" },
	{ "mariadb", "connections", "2" },
	{ "mariadb", "backup-stage", "no" },
	{ "mariadb", "broken", "fail" },
	{ "mariadb", "layout", "spool" },
	{ "mariadb", "max-hold", "12h" },
	{ "mariadb", "max-age", "9h" },
	{ "verify", "cycle", "30d" },
	{ "verify", "budget", "2h" },
	{ "verify", "budget-bytes", "20G" },
	{ "verify", "max-age", "7d" },
	{ "verify", "lock-time", "15m" },
	{ "verify", "drill-size", "1G" },
	{ "monitor", "type", "kuma" },
	{ "monitor", "remind", "1d" },
	{ "box", "connections", "4" },
	{ "cold", "settle", "24h" },
	{ "cold", "quarantine", "7d" },
	{ "cold", "release-age", "7d" },
	{ "cold", "proof-max-age", "7d" },
	{ "cold", "max-percent", "50%" },
	{ "cold", "max-age", "50h" },
	{ "cold", "copies", "1" },
	{ "cold", "delete", "no" },
};

const char *setting_default(const char *kind, const char *key, size_t n)
{
	/* For others it is wherever their Python keyring is. */
	if (geteuid() != 0 && strcmp(kind, "keyring") == 0 &&
	    strcmp(key, "path") == 0)
		return NULL;
	for (size_t i = 0; i < BK_COUNT(defaults); i++)
		if (strcmp(defaults[i].kind, kind) == 0 &&
		    strcmp(defaults[i].key, key) == 0 && n-- == 0)
			return defaults[i].value;
	return NULL;
}
