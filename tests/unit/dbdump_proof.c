/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-dbdump/proof.c bin/bk-dbdump/manifest.c */
#include "proof.h"

#include "buf.h"
#include "digest.h"
#include "rec.h"
#include "scratch.h"

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define START "-- bk-dbdump: complete "

static struct bk_err err;
static struct proof p;

static int trailer(const char *line)
{
	return proof_trailer(line, strlen(line), &p);
}

CHECK_TEST(trailers)
{
	CHECK_INT(trailer(START "objects=1 rows=2 broken=3 sha256=" HASH
				" bytes=4"),
		  0);
	CHECK_INT(p.objects, 1);
	CHECK_INT(p.rows, 2);
	CHECK_INT(p.broken, 3);
	CHECK_INT(p.bytes, 4);
	CHECK_STR(p.sha256, HASH);
	/* in any order, with others */
	CHECK_INT(trailer(START "bytes=4 later=x sha256=" HASH
				" rows=2 objects=1 broken=0"),
		  0);
}

CHECK_TEST(no_trailers)
{
	CHECK_INT(trailer(""), -1);
	CHECK_INT(trailer(START), -1);
	CHECK_INT(trailer(START "objects=1 rows=2 broken=3 bytes=4"), -1);
	CHECK_INT(trailer(START "objects=1 rows=2 broken=3 sha256=abc bytes=4"),
		  -1);
	CHECK_INT(trailer(START "objects=1 objects=2 broken=3 sha256=" HASH
				" bytes=4"),
		  -1);
	CHECK_INT(trailer(START "objects=1 rows=-2 broken=3 sha256=" HASH
				" bytes=4"),
		  -1);
	CHECK_INT(trailer("-- bk-dbdump: completed objects=1 rows=2 broken=3 "
			  "sha256=" HASH " bytes=4"),
		  -1);
	CHECK_INT(proof_trailer(START "\0", sizeof(START), &p), -1);
}

/* A stream with its trailer; more is added to the count of its bytes. */
static char *stream(const char *text, int more)
{
	char hash[65];

	CHECK_INT(bk_digest_text(text, strlen(text), hash, &err), 0);
	return bk_asprintf("%s" START "objects=1 rows=0 broken=0 sha256=%s "
			   "bytes=%zu\n",
			   text, hash, strlen(text) + (size_t)more);
}

static int prove(const char *text, size_t len)
{
	FILE *f = tmpfile();
	int got;

	CHECK(f);
	CHECK_INT(fwrite(text, 1, len, f), len);
	rewind(f);
	got = proof_stream(fileno(f), &p, &err);
	fclose(f);
	return got;
}

CHECK_TEST(whole_streams)
{
	char *s = stream("SELECT 1;\n", 0);

	CHECK_INT(prove(s, strlen(s)), 0);
	CHECK_INT(p.bytes, 10);
	free(s);
	s = stream("", 0);
	CHECK_INT(prove(s, strlen(s)), 0);
	free(s);
}

CHECK_TEST(cut_anywhere)
{
	char *s = stream("SELECT 1;\nSELECT 2;\n", 0);
	size_t len = strlen(s);

	for (size_t n = 0; n < len; n++) {
		CHECK_INT(prove(s, n), -1);
		CHECK_INT(err.exit, BK_EX_DATAERR);
	}
	free(s);
}

CHECK_TEST(any_changed_byte)
{
	char *s = stream("SELECT 1;\n", 0);
	size_t len = strlen(s);

	for (size_t i = 0; i < len; i++) {
		s[i] ^= 4;
		/* counts of objects are not part of the proof */
		if (!strchr("041", s[i] ^ 4) || i < 10)
			CHECK_INT(prove(s, len), -1);
		s[i] ^= 4;
	}
	free(s);
	s = stream("SELECT 1;\n", 1);
	CHECK_INT(prove(s, strlen(s)), -1);
	CHECK_HAS(err.msg, "the trailer counts 11 bytes, there are 10");
	free(s);
}

/* As a dump has it: the numbers of the trailer stand before it, too. */
static char *counted(const char *text)
{
	struct bk_buf b = BK_BUF_INIT;
	char *s;

	bk_buf_adds(&b, text);
	proof_add_counts(&b, 1, 0, 0);
	s = stream(b.p, 0);
	bk_buf_free(&b);
	return s;
}

CHECK_TEST(changed_counts)
{
	char *s = counted("SELECT 1;\n");
	size_t len = strlen(s);

	CHECK_INT(prove(s, len), 0);
	CHECK_INT(p.objects, 1);
	for (size_t i = 0; i < len; i++) {
		s[i] ^= 1;
		CHECK_INT(prove(s, len), -1);
		CHECK_INT(err.exit, BK_EX_DATAERR);
		s[i] ^= 1;
	}
	free(s);
	s = counted("");
	CHECK_INT(prove(s, strlen(s)), 0);
	free(s);
}

CHECK_TEST(something_behind)
{
	char *s = stream("SELECT 1;\n", 0);
	char *more = bk_asprintf("%sSELECT 2;\n", s);

	CHECK_INT(prove(more, strlen(more)), -1);
	free(more);
	more = bk_asprintf("%s\n", s);
	CHECK_INT(prove(more, strlen(more)), -1);
	free(more);
	free(s);
}

/* Longer than what is read at once, and lines longer than a trailer. */
CHECK_TEST(long_streams)
{
	struct bk_buf b = BK_BUF_INIT;
	char *s;

	for (int i = 0; i < 700000; i++)
		bk_buf_addc(&b, (char)(i % 9001 == 9000 ? '\n' : 'x'));
	bk_buf_addc(&b, '\n');
	s = stream(b.p, 0);
	CHECK_INT(prove(s, strlen(s)), 0);
	CHECK_INT(prove(s, strlen(s) - 1), -1);
	s[650000] ^= 1;
	CHECK_INT(prove(s, strlen(s)), -1);
	CHECK_HAS(err.msg, "damaged or changed");
	free(s);
	bk_buf_free(&b);
}

/* Folders. */

static const char one[] = "SELECT 1;\n", two[] = "SELECT 2;\n";

/* With a proof, whatever it says. */
static char *proved(const char *text)
{
	BK_AUTO_JSON json_t *o = json_loads(text, 0, NULL);
	char proof[65];

	CHECK_INT(manifest_proof(o, proof, &err), 0);
	(void)json_object_set_new(o, "proof", json_string(proof));
	return json_dumps(o, 0);
}

static char *manifest(const char *second, const char *change)
{
	char h1[65], h2[65], sum[65];
	BK_AUTO_FREE char *all = NULL, *text = NULL;

	CHECK_INT(bk_digest_text(one, strlen(one), h1, &err), 0);
	CHECK_INT(bk_digest_text(two, strlen(two), h2, &err), 0);
	all = bk_asprintf("%s  a/schema.sql\n%s  %s\n", h1, h2, second);
	CHECK_INT(bk_digest_text(all, strlen(all), sum, &err), 0);
	text = bk_asprintf(
		"{\"v\":1,\"type\":\"manifest\",\"objects\":2,\"broken\":0,"
		"\"rows\":3,\"bytes\":20,\"largest\":9,\"sha256\":\"%s\",%s"
		"\"files\":["
		"{\"path\":\"a/schema.sql\",\"kind\":\"schema\",\"db\":\"a\","
		"\"bytes\":10,\"sha256\":\"%s\"},"
		"{\"path\":\"%s\",\"kind\":\"rows\",\"db\":\"a\","
		"\"table\":\"t\",\"rows\":3,\"bytes\":10,\"sha256\":\"%s\"}]}",
		sum, change, h1, second, h2);
	return proved(text);
}

static void set_up(void)
{
	char *m = manifest("a/t.sql", "");

	(void)scratch();
	CHECK_INT(mkdir("d", 0700), 0);
	CHECK_INT(mkdir("d/a", 0700), 0);
	put_file("d/a/schema.sql", one);
	put_file("d/a/t.sql", two);
	put_file("d/manifest.json", m);
	free(m);
}

static int folder(void)
{
	struct manifest m = MANIFEST_INIT;
	int got = proof_folder("d", &m, &err);

	manifest_free(&m);
	return got;
}

CHECK_TEST(whole_folder)
{
	struct manifest m = MANIFEST_INIT;

	set_up();
	CHECK_INT(proof_folder("d", &m, &err), 0);
	CHECK_INT(m.n, 2);
	CHECK_INT(m.rows, 3);
	CHECK_INT(m.bytes, 20);
	CHECK_INT(m.files[0].kind, MANIFEST_SCHEMA);
	CHECK_STR(m.files[1].table, "t");
	manifest_free(&m);
	CHECK_INT(proof_path("d", &p, &err), 0);
	CHECK_INT(p.objects, 2);
}

CHECK_TEST(folder_that_lacks)
{
	set_up();
	CHECK_INT(unlink("d/a/t.sql"), 0);
	CHECK_INT(folder(), -1);
	CHECK_INT(err.exit, BK_EX_DATAERR);
	put_file("d/a/t.sql", "SELECT 3;\n");
	CHECK_INT(folder(), -1);
	CHECK_HAS(err.msg, "d/a/t.sql' is not what the manifest says");
	put_file("d/a/t.sql", two);
	CHECK_INT(folder(), 0);
	CHECK_INT(unlink("d/manifest.json"), 0);
	CHECK_INT(folder(), -1);
	CHECK_INT(err.exit, BK_EX_DATAERR);
	CHECK_INT(proof_path("e", &p, &err), -1);
	CHECK_INT(err.exit, BK_EX_NOINPUT);
}

CHECK_TEST(folder_with_more)
{
	set_up();
	put_file("d/a/u.sql", "");
	CHECK_INT(folder(), -1);
	CHECK_HAS(err.msg, "there are 3 files, the manifest has 2");
	CHECK_INT(unlink("d/a/u.sql"), 0);
	CHECK_INT(unlink("d/a/t.sql"), 0);
	CHECK_INT(symlink("schema.sql", "d/a/t.sql"), 0);
	CHECK_INT(folder(), -1);
}

static int parse(const char *second, const char *change)
{
	struct manifest m = MANIFEST_INIT;
	char *text = manifest(second, change);
	int got = manifest_parse(text, strlen(text), &m, &err);

	manifest_free(&m);
	free(text);
	return got;
}

CHECK_TEST(manifests_that_lie)
{
	CHECK_INT(parse("a/t.sql", ""), 0);
	CHECK_INT(parse("../t.sql", ""), -1);
	CHECK_INT(parse("/etc/passwd", ""), -1);
	CHECK_INT(parse("a//t.sql", ""), -1);
	CHECK_INT(parse("a/schema.sql", ""), -1);
	CHECK_INT(parse("manifest.json", ""), -1);
	CHECK_INT(parse("a/t.sql", "\"rows\":4,"), -1);
	CHECK_INT(manifest_parse("{}", 2, &(struct manifest){ 0 }, &err), -1);
	CHECK_INT(err.exit, BK_EX_DATAERR);
	CHECK_INT(manifest_parse("", 0, &(struct manifest){ 0 }, &err), -1);
}
