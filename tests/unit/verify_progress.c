/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-verify/progress.c */
#include "progress.h"

#include "mem.h"
#include "scratch.h"

#define DAY ((int64_t)86400)
#define NOW ((int64_t)1800000000)

static struct bk_err err;

static void open_at(struct progress *p, const char *place, int64_t now)
{
	(void)setenv("BK_STATE_DIR", scratch_path, 1);
	CHECK_INT(progress_read(p, "packs:main", place, now, &err), 0);
}

static struct progress_clock at(int64_t now)
{
	return (struct progress_clock){ .now = now, .cycle = 30 * DAY };
}

/* A run that does all that is due; how much that was. */
static size_t run(struct progress *p, int64_t now)
{
	const struct progress_clock c = at(now);
	BK_AUTO_FREE size_t *due = NULL;
	size_t n = progress_due(p, 0, &c, &due);

	for (size_t i = 0; i < n; i++)
		progress_prove(p, p->parts[due[i]].name, now);
	for (size_t i = 0; i < p->n; i++)
		p->parts[i].tried = false;
	return n;
}

CHECK_TEST(each_part_within_the_cycle_and_no_heap_of_them)
{
	BK_AUTO(progress_free) struct progress p = PROGRESS_INIT;
	size_t last_month = 0;

	scratch();
	open_at(&p, "x", NOW);
	progress_expect_bytes(&p, NULL, 0);
	CHECK_INT(p.n, 256);
	CHECK_INT(run(&p, NOW), 256);
	CHECK_INT(run(&p, NOW), 0);
	for (int day = 1; day <= 200; day++) {
		const struct progress_clock c = at(NOW + day * DAY);
		size_t n = run(&p, c.now);
		int64_t oldest;

		CHECK(progress_share(&p, 0, &c, &oldest) >= 1);
		CHECK(c.now - oldest <= 24 * DAY);
		CHECK(n <= 96);
		if (day > 170)
			last_month += n;
	}
	CHECK(last_month >= 256 && last_month <= 450);
}

CHECK_TEST(a_missed_month_is_made_up_for)
{
	BK_AUTO(progress_free) struct progress p = PROGRESS_INIT;
	struct progress_clock c = at(NOW + 40 * DAY);
	int64_t oldest;

	scratch();
	open_at(&p, "x", NOW);
	progress_expect_bytes(&p, NULL, 0);
	(void)run(&p, NOW);
	CHECK(progress_share(&p, 0, &c, &oldest) <= 0);
	CHECK(progress_score(&p, 0, &c) > 1);
	CHECK_INT(progress_next(&p, 0, &c) <= c.now, 1);
	CHECK_INT(run(&p, c.now), 256);
}

CHECK_TEST(what_failed_is_first_and_is_not_proved)
{
	BK_AUTO(progress_free) struct progress p = PROGRESS_INIT;
	struct progress_clock c = at(NOW);
	BK_AUTO_FREE size_t *due = NULL;
	int64_t oldest;

	scratch();
	open_at(&p, "x", NOW);
	progress_expect_bytes(&p, NULL, 0);
	(void)run(&p, NOW);
	progress_fail(&p, "0a", "damaged data/0a/1", "it is", NOW);
	progress_prove(&p, "0a", NOW + 5);
	CHECK(progress_failed(&p, "0a"));
	CHECK_INT((int)(progress_share(&p, 0, &c, &oldest) * 256), 255);
	CHECK_INT(progress_part(&p, "0a")->proved, NOW);
	/* it was tried in this run */
	CHECK_INT(progress_due(&p, 0, &c, &due), 0);
	p.parts[10].tried = false;
	free(due);
	CHECK_INT(progress_due(&p, 0, &c, &due), 1);
	CHECK_INT(due[0], 10);
	/* the first time is kept, the message is the last */
	progress_fail(&p, "0a", "damaged data/0a/1", "still", NOW + 9);
	CHECK_INT(p.nfailures, 1);
	CHECK_INT(p.failures[0].first, NOW);
	CHECK_INT(p.failures[0].last, NOW + 9);
	CHECK_STR(p.failures[0].message, "still");
	progress_clear(&p, "damaged data/0a/1");
	progress_clear(&p, "damaged data/0a/1");
	CHECK_INT(p.nfailures, 0);
}

CHECK_TEST(kept)
{
	BK_AUTO(progress_free) struct progress p = PROGRESS_INIT;
	BK_AUTO(progress_free) struct progress q = PROGRESS_INIT;
	BK_AUTO(progress_free) struct progress r = PROGRESS_INIT;

	scratch();
	open_at(&p, "x", NOW);
	progress_expect_bytes(&p, NULL, 0);
	(void)run(&p, NOW);
	p.since = NOW;
	p.parts[7].proved = NOW + 4000; /* the future */
	progress_fail(&p, "01", "extra keys/\xff\n", "bad \xfe", NOW);
	CHECK_INT(progress_write(&p, &err), 0);
	open_at(&q, "x", NOW + 5);
	CHECK_INT(q.n, 256);
	CHECK_INT(q.since, NOW);
	CHECK_INT(progress_part(&q, "06")->proved, NOW);
	CHECK_INT(progress_part(&q, "07")->proved, 0);
	CHECK_INT(q.nfailures, 1);
	CHECK_STR(q.failures[0].what, "extra keys/\xff\n");
	CHECK_STR(q.failures[0].message, "bad \xfe");
	open_at(&r, "elsewhere", NOW + 5);
	CHECK_INT(r.n, 0);
	CHECK_INT(r.nfailures, 0);
}

CHECK_TEST(parts_come_and_go)
{
	BK_AUTO(progress_free) struct progress p = PROGRESS_INIT;
	char a[] = "a", b[] = "b", d[] = "d";
	char *first[] = { a, b }, *second[] = { b, d };

	scratch();
	open_at(&p, "x", NOW);
	progress_expect(&p, first, 2);
	(void)run(&p, NOW);
	progress_expect(&p, second, 2);
	CHECK_INT(p.n, 2);
	CHECK_INT(progress_part(&p, "b")->proved, NOW);
	CHECK_INT(progress_part(&p, "d")->proved, 0);
	CHECK(!progress_part(&p, "a"));
	CHECK_INT(progress_oldest(&p, 0), 1);
	progress_expect(&p, NULL, 0);
	CHECK_INT(progress_oldest(&p, 0), -1);
}
