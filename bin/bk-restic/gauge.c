/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "gauge.h"

#include <inttypes.h>
#include <stdio.h>

#include "file.h"
#include "log.h"
#include "str.h"
#include "time.h"

#define STEADY_MS 2000

/* 0 where it cannot be read. */
static uint64_t moved(pid_t pid, bool reading)
{
	BK_AUTO_FREE char *path = bk_asprintf("/proc/%ld/io", (long)pid);
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	uint64_t in = 0, out = 0;

	if (bk_file_read(path, 4096, &b, NULL) < 0 || !b.p ||
	    sscanf(b.p, "rchar: %" SCNu64 " wchar: %" SCNu64, &in, &out) != 2)
		return 0;
	return reading ? in : out;
}

static void measure(struct gauge *g, pid_t pid)
{
	uint64_t n = moved(pid, g->verifying);

	if (g->started == 0) {
		g->started = bk_time_mono_ms();
		g->base = g->verifying ? n : 0;
	}
	if (n >= g->base && n - g->base > g->done)
		g->done = n - g->base;
	if (g->done > g->total)
		g->done = g->total;
}

void gauge_show(struct gauge *g, pid_t pid)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	uint64_t rate;
	int64_t ms;

	measure(g, pid);
	ms = bk_time_mono_ms() - g->started;
	if (g->total == 0 || ms <= 0)
		return;
	rate = g->done * 1000 / (uint64_t)ms;
	bk_buf_addf(&b, "%s: %s %3.0f %%  ", g->name,
		    g->verifying ? "reading back" : "restoring",
		    (double)g->done * 100 / (double)g->total);
	bk_str_add_size(&b, g->done);
	bk_buf_adds(&b, " of ");
	bk_str_add_size(&b, g->total);
	/* What is read at the start says nothing of the rest. */
	if (rate > 0 && ms > STEADY_MS) {
		bk_buf_adds(&b, ", ");
		bk_str_add_size(&b, rate);
		bk_buf_adds(&b, "/s, ");
		bk_str_add_duration(&b, (g->total - g->done) / rate);
		bk_buf_adds(&b, " left");
	}
	bk_log_progress(b.p);
}

void gauge_verify(struct gauge *g)
{
	g->verifying = true;
	g->started = 0;
	g->base = g->done = 0;
}
