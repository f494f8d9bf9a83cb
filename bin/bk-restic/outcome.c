/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "outcome.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "mem.h"

static bool has_any(const char *said, const char *const *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcasestr(said, text[i]))
			return true;
	return false;
}

static bool says_no_repository(const char *said)
{
	static const char *const text[] = {
		"Is there a repository at the following location?",
		"repository does not exist",
	};

	return has_any(said, text, BK_COUNT(text));
}

static bool says_network(const char *said)
{
	static const char *const text[] = {
		"connection reset",
		"connection refused",
		"connection timed out",
		"connection closed by",
		"connection lost",
		"connection aborted",
		"broken pipe",
		"no route to host",
		"network is unreachable",
		"network is down",
		"could not resolve hostname",
		"temporary failure in name resolution",
		"no such host",
		"i/o timeout",
		"handshake timeout",
		"timeout, server", /* ssh: keep-alives went unanswered */
		"kex_exchange_identification",
		"error dialing",
		"unable to start the sftp session",
		"unexpected eof",
		"ssh command exited",
		"too many open connections",
		"502 bad gateway",
		"503 service unavailable",
		"504 gateway",
	};

	return has_any(said, text, BK_COUNT(text));
}

/* An ssh that cannot log in says so too, but time does not mend it. */
static bool says_ssh_denied(const char *said)
{
	static const char *const text[] = {
		"permission denied (",
		"permission denied, please try again",
		"host key verification failed",
		"remote host identification has changed",
		"too many authentication failures",
	};

	return has_any(said, text, BK_COUNT(text));
}

/* Releases before 0.19 end with 0 where some, but not all, are missing. */
static bool says_missing_source(const char *said)
{
	return strstr(said, "does not exist, skipping") != NULL;
}

static enum outcome of_words(const char *said, enum outcome otherwise)
{
	if (strstr(said, "wrong password or no key found"))
		return OUTCOME_PASSWORD;
	if (strstr(said, "no matching ID found for prefix") ||
	    strstr(said, "failed to load snapshot"))
		return OUTCOME_NO_PARENT;
	if (strstr(said, "repository is already locked"))
		return OUTCOME_LOCKED;
	if (says_ssh_denied(said))
		return OUTCOME_FAILED;
	/* A server that cannot be reached may look like no repository. */
	if (says_network(said))
		return OUTCOME_NETWORK;
	if (says_no_repository(said))
		return OUTCOME_NO_REPOSITORY;
	return otherwise;
}

enum outcome outcome_of(int status, const char *said)
{
	switch (status) {
	case 0:
		return says_missing_source(said) ? OUTCOME_PARTIAL : OUTCOME_OK;
	case 3:
		return OUTCOME_PARTIAL;
	case 11:
		return OUTCOME_LOCKED;
	case 12:
		return OUTCOME_PASSWORD;
	case 1:
		return of_words(said, OUTCOME_FAILED);
	case 10:
		return of_words(said, OUTCOME_NO_REPOSITORY);
	default:
		return OUTCOME_FAILED;
	}
}

int outcome_exit(enum outcome o)
{
	switch (o) {
	case OUTCOME_OK:
		return BK_EX_OK;
	case OUTCOME_PARTIAL:
		return BK_EX_PARTIAL;
	case OUTCOME_NO_REPOSITORY:
		return BK_EX_NOINPUT;
	case OUTCOME_LOCKED:
	case OUTCOME_NETWORK:
		return BK_EX_TEMPFAIL;
	case OUTCOME_PASSWORD:
		return BK_EX_NOPERM;
	case OUTCOME_FAILED:
	case OUTCOME_NO_PARENT:
	default:
		return BK_EX_NO;
	}
}

/* "2.4s", "1m3.5s", "1h2m3s", "512ms" in Go's form, as whole seconds. */
static int64_t go_duration(const char *s)
{
	double total = 0;

	while (*s >= '0' && *s <= '9') {
		char *end;
		double n = strtod(s, &end);

		if (strncmp(end, "ms", 2) == 0)
			end++;
		else if (*end == 'h')
			total += n * 3600;
		else if (*end == 'm')
			total += n * 60;
		else if (*end == 's')
			total += n;
		else
			break;
		s = end + 1;
	}
	return total < 1e15 ? (int64_t)total : INT64_MAX;
}

bool outcome_lock(const char *said, struct outcome_lock *ret)
{
	const char *by = strstr(said, "already locked");
	const char *pid = by ? strstr(by, "by PID ") : NULL;
	const char *created, *age;

	if (!pid ||
	    sscanf(pid, "by PID %ld on %255s by", &ret->pid, ret->host) != 2)
		return false;
	ret->age = -1;
	created = strstr(pid, "lock was created at");
	age = created ? strchr(created, '(') : NULL;
	if (age)
		ret->age = go_duration(age + 1);
	return true;
}
