/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-cold/hash.c bin/bk-cold/ssh.c */
#include "hash.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * What sha256sum is said to have printed, and behind a NUL byte what it
 * complains of. All of it is believed only if it is, byte by byte, what it
 * prints when all is well.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "a", "h/b", "h/b~0" };
	BK_AUTO_FREE char *text = bk_memdup(data, size);
	const char *complaints = text + strlen(text);
	BK_AUTO_STRV struct bk_strv paths = BK_STRV_INIT;
	BK_AUTO_BUF struct bk_buf again = BK_BUF_INIT;
	struct hash_sum sums[BK_COUNT(names)];
	size_t unknown = 0;

	complaints += (size_t)(complaints - text) < size;
	for (size_t i = 0; i < BK_COUNT(names); i++)
		bk_strv_add(&paths, names[i]);
	hash_parse(text, complaints, &paths, sums);
	bk_buf_adds(&again, "");
	for (size_t i = 0; i < BK_COUNT(names); i++) {
		unknown += sums[i].found == BOX_UNKNOWN;
		if (sums[i].found == BOX_HASHED)
			bk_buf_addf(&again, "%s  %s\n", sums[i].sha256,
				    names[i]);
		else if (sums[i].found == BOX_ABSENT &&
			 !strstr(complaints, names[i]))
			abort();
	}
	if (unknown > 0 && unknown < BK_COUNT(names))
		abort();
	/* the character behind the blank may be an asterisk */
	for (char *p = text; (p = strstr(p, " *"));)
		p[1] = ' ';
	if (unknown == 0 && strcmp(again.p, text) != 0)
		abort();
	return 0;
}
