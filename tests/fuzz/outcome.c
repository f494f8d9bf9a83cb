/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-restic/outcome.c */
#include "outcome.h"

#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Words never make a success of a failure, nor the reverse. */
static void check_outcomes(const char *said)
{
	static const int statuses[] = { 0, 1, 2, 3, 10, 11, 12, 130, 137 };

	for (size_t i = 0; i < BK_COUNT(statuses); i++) {
		int status = statuses[i];
		enum outcome o = outcome_of(status, said);
		bool done = o == OUTCOME_OK || o == OUTCOME_PARTIAL;

		if (done != (status == 0 || status == 3))
			abort();
		if ((outcome_exit(o) == BK_EX_OK) != (o == OUTCOME_OK))
			abort();
		if (o == OUTCOME_NETWORK && status != 1 && status != 10)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BK_AUTO_FREE char *said = bk_memdup(data, size);
	struct outcome_lock lock;

	check_outcomes(said);
	memset(&lock, 'x', sizeof(lock));
	if (outcome_lock(said, &lock) &&
	    (!memchr(lock.host, '\0', sizeof(lock.host)) || !*lock.host ||
	     lock.age < -1 || !strstr(said, lock.host)))
		abort();
	return 0;
}
