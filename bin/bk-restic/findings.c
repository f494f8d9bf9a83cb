/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "findings.h"

#include <string.h>

#define ERRORS_MAX 20
#define PACKS_MAX 1000
#define ID_LEN 64

static bool has_any(const char *line, const char *const *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strstr(line, text[i]))
			return true;
	return false;
}

/* Progress, advice, and what is no error. */
static bool is_noise(const char *line)
{
	static const char *const text[] = {
		"returned error, retrying after",
		"operation successful after",
		"using temporary cache",
		"additional files were found in the repo",
		"This is non-critical",
		"not referenced in any index",
		"repository contains errors",
		"LoadIndex returned errors",
		"must be repaired",
		"The repository index is damaged",
		"The repository is damaged",
		"restic repair ",
		"The damaged pack files can be repaired",
		"To repair",
		"Damaged pack files can be caused by",
		"troubleshooting",
		"duplicate packs",
		"mixed packs",
		"pruning",
		"repository contains damaged pack",
		"repository contains pack files",
	};

	return !*line || has_any(line, text, BK_COUNT(text));
}

/* Words that say that what was read is not what was written. */
static bool is_damage(const char *said)
{
	static const char *const text[] = {
		"repository contains errors",
		"LoadIndex returned errors",
		"invalid data returned",
		"ciphertext verification failed",
		"Unmarshal: ",
		"does not match",
		"is damaged",
	};

	return has_any(said, text, BK_COUNT(text));
}

static size_t id_length(const char *p)
{
	return strspn(p, "0123456789abcdef");
}

/* "pack ID: does not exist", "Pack ID does not match, want ID, got ID" */
static void take_packs(const char *line, struct findings *f)
{
	const char *p = strcasestr(line, "pack");
	bool want = strstr(line, ", want ") != NULL;

	if (want)
		p = strstr(line, ", want ");
	while (p && *p && f->packs.n < PACKS_MAX) {
		size_t n = id_length(p);

		if (n == ID_LEN) {
			BK_AUTO_FREE char *id = bk_memdup(p, n);

			if (!bk_strv_has(&f->packs, id))
				bk_strv_add(&f->packs, id);
			return;
		}
		p += n ? n : 1;
	}
}

static void take_line(char *text, struct findings *f)
{
	bool goes_on = f->n > 0 && f->n == f->errors.n &&
		       bk_str_ends(f->errors.v[f->n - 1], ":");

	/* Not an error, but it names the packs that are to be repaired. */
	if (bk_str_starts(text, "restic repair packs "))
		take_packs(text + strlen("restic repair "), f);
	if (is_noise(text))
		return;
	take_packs(text, f);
	if (goes_on) {
		char *whole = bk_asprintf("%s %s", f->errors.v[f->n - 1], text);

		free(f->errors.v[f->n - 1]);
		f->errors.v[f->n - 1] = whole;
		return;
	}
	f->n++;
	if (f->errors.n < ERRORS_MAX)
		bk_strv_add(&f->errors, text);
}

void findings_read(const char *said, struct findings *ret)
{
	BK_AUTO_STRV struct bk_strv lines = BK_STRV_INIT;

	*ret = FINDINGS_INIT;
	ret->damaged = is_damage(said);
	bk_strv_split(&lines, said, "\n");
	for (size_t i = 0; i < lines.n; i++)
		take_line(bk_str_trim(lines.v[i]), ret);
}

void findings_free(struct findings *f)
{
	bk_strv_free(&f->errors);
	bk_strv_free(&f->packs);
	*f = FINDINGS_INIT;
}
