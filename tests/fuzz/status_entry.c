/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-status/entry.c bin/bk-status/host.c bin/bk-status/verdict.c bin/bk-status/schedule.c */
/*
 * What lies on a box for a host: whatever was believed of it can be said, and
 * written down and read again with the same meaning.
 */
#include "entry.h"

#include <string.h>

#define NOW ((int64_t)1800000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_again(const struct entry *e)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	BK_AUTO_FREE char *text = entry_text(e->host, e->time, e->jobs);
	struct entry again;

	bk_buf_adds(&b, text);
	entry_parse(&again, e->host, &b, NOW);
	if (again.problem || again.time != e->time ||
	    strcmp(entry_state(&again), entry_state(e)) != 0)
		__builtin_trap();
	entry_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	struct entry e;
	char *say;

	bk_buf_add(&b, data, size);
	entry_parse(&e, "web1", &b, NOW);
	if (!e.problem == !e.jobs || (e.problem && !entry_wrong(&e)))
		__builtin_trap();
	say = entry_say(&e, NOW);
	(void)entry_rank(&e);
	free(say);
	if (e.jobs)
		read_again(&e);
	entry_free(&e);
	return 0;
}
