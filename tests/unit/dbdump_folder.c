/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-dbdump/folder.c bin/bk-dbdump/sink.c bin/bk-dbdump/manifest.c bin/bk-dbdump/proof.c */
#include "folder.h"

#include "buf.h"
#include "proof.h"
#include "rec.h"
#include "scratch.h"

static struct bk_err err;

static const char *name(const char *s, bool table)
{
	static char text[1024];
	char *got = folder_name(s, table);

	(void)snprintf(text, sizeof(text), "%s", got);
	free(got);
	return text;
}

CHECK_TEST(names_of_files)
{
	CHECK_STR(name("shop_1-a", true), "shop_1-a");
	CHECK_STR(name("we`ird.na/me\n", true), "we%60ird%2Ena%2Fme%0A");
	CHECK_STR(name("..", false), "%2E%2E");
	CHECK_STR(name("100%", true), "100%25");
	CHECK_STR(name("\xe6\x95\xb0", true), "\xe6\x95\xb0");
	CHECK_STR(name("schema", true), "%73chema");
	CHECK_STR(name("post", true), "%70ost");
	CHECK_STR(name("schemas", true), "schemas");
	CHECK_STR(name("schema", false), "schema");
	CHECK_STR(name("globals.sql", false), "globals%2Esql");
}

/* No name of 64 characters is too long for a file. */
CHECK_TEST(long_names)
{
	struct bk_buf b = BK_BUF_INIT;

	for (int i = 0; i < 64; i++)
		bk_buf_adds(&b, "\xe6\x95\xb0");
	CHECK(strlen(name(b.p, true)) + strlen(".sql") <= 255);
	bk_buf_clear(&b);
	for (int i = 0; i < 64; i++)
		bk_buf_addc(&b, '/');
	CHECK(strlen(name(b.p, true)) + strlen(".sql") <= 255);
	bk_buf_free(&b);
}

static void add(struct folder *f, enum manifest_kind kind, const char *db,
		const char *table, const char *text)
{
	struct part part = { kind, db, table };

	CHECK_INT(f->out.begin(&f->out, &part, &err), 0);
	CHECK_INT(sink_add(&f->out.sink, text, strlen(text), &err), 0);
	CHECK_INT(f->out.end(&f->out, 3, &err), 0);
}

static json_t *manifest(void)
{
	json_t *o = bk_rec_object("manifest");

	bk_rec_set_int(o, "objects", 1);
	bk_rec_set_int(o, "broken", 0);
	bk_rec_set_int(o, "largest", 9);
	return o;
}

CHECK_TEST(complete_or_not_there)
{
	struct folder f = { .out.sink.fd = -1 };
	struct manifest m = MANIFEST_INIT;
	json_t *o = manifest();
	struct proof p;

	(void)scratch();
	CHECK_INT(folder_open(&f, "d/", &err), 0);
	add(&f, MANIFEST_SCHEMA, "a", NULL, "A\n");
	add(&f, MANIFEST_SCHEMA, "b/", NULL, "B\n");
	add(&f, MANIFEST_GLOBALS, NULL, NULL, "G\n");
	add(&f, MANIFEST_ROWS, "a", "schema", "R\n");
	CHECK_INT(access("d", F_OK), -1);
	CHECK_INT(folder_finish(&f, o, &err), 0);
	json_decref(o);
	folder_close(&f);
	CHECK_INT(proof_path("d", &p, &err), 0);
	CHECK_INT(p.rows, 3);
	CHECK_INT(p.bytes, 8);
	CHECK_STR(text_of("d/a/%73chema.sql"), "R\n");
	CHECK_STR(text_of("d/b%2F/schema.sql"), "B\n");
	CHECK_INT(mode_of("d"), 0700);
	CHECK_INT(mode_of("d/globals.sql"), 0600);
	CHECK_INT(manifest_read("d", &m, &err), 0);
	CHECK_STR(m.files[3].table, "schema");
	manifest_free(&m);
}

CHECK_TEST(given_up)
{
	struct folder f = { .out.sink.fd = -1 };

	(void)scratch();
	CHECK_INT(folder_open(&f, "d", &err), 0);
	add(&f, MANIFEST_SCHEMA, "a", NULL, "A\n");
	folder_close(&f);
	CHECK_INT(chdir(".."), 0);
	CHECK_INT(rmdir(scratch_path), 0);
}

CHECK_TEST(already_there)
{
	struct folder f = { .out.sink.fd = -1 };
	json_t *o = manifest();

	(void)scratch();
	CHECK_INT(mkdir("d", 0700), 0);
	CHECK_INT(folder_open(&f, "d", &err), -1);
	CHECK_INT(err.exit, BK_EX_CANTCREAT);
	folder_close(&f);
	CHECK_INT(rmdir("d"), 0);
	/* and who comes meanwhile is not replaced */
	CHECK_INT(folder_open(&f, "d", &err), 0);
	add(&f, MANIFEST_SCHEMA, "a", NULL, "A\n");
	CHECK_INT(mkdir("d", 0700), 0);
	CHECK_INT(folder_finish(&f, o, &err), -1);
	CHECK_INT(err.exit, BK_EX_CANTCREAT);
	json_decref(o);
	folder_close(&f);
	CHECK_INT(rmdir("d"), 0);
	CHECK_INT(folder_open(&f, "no/d", &err), -1);
	CHECK_INT(err.exit, BK_EX_CANTCREAT);
	folder_close(&f);
}

/* What a pipe does not take at once is not lost, and a closed one is told. */
CHECK_TEST(sinks)
{
	struct sink s = { .fd = -1 };
	struct bk_buf all = BK_BUF_INIT;
	char hash[65];
	int fd[2];

	(void)scratch();
	(void)signal(SIGPIPE, SIG_IGN);
	put_file("out", "");
	fd[1] = open("out", O_WRONLY | O_CLOEXEC);
	CHECK_INT(sink_open(&s, fd[1], true, &err), 0);
	/* small and large in turns keep their order */
	for (int i = 0; i < 200; i++) {
		size_t n = i % 3 == 0 ? 200000 : (size_t)i * 7;
		char *p = bk_malloc(n + 1);

		memset(p, 'a' + i % 26, n);
		bk_buf_add(&all, p, n);
		CHECK_INT(sink_add(&s, p, n, &err), 0);
		free(p);
	}
	CHECK_INT(sink_digest(&s, hash, &err), 0);
	CHECK_INT(s.bytes, all.len);
	sink_close(&s);
	fd[0] = open("out", O_RDONLY | O_CLOEXEC);
	for (size_t at = 0; at < all.len;) {
		char data[65536];
		ssize_t n = read(fd[0], data, sizeof(data));

		CHECK(n > 0 && memcmp(data, all.p + at, (size_t)n) == 0);
		at += (size_t)n;
	}
	bk_buf_free(&all);
	CHECK_INT(pipe(fd), 0);
	close(fd[0]);
	CHECK_INT(sink_open(&s, fd[1], true, &err), 0);
	CHECK_INT(sink_add(&s, "x", 1, &err), 0);
	CHECK_INT(sink_flush(&s, &err), -1);
	CHECK_INT(err.exit, BK_EX_IOERR);
	sink_close(&s);
}
