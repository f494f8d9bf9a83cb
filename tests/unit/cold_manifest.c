/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-cold/manifest.c bin/bk-cold/manifest_read.c bin/bk-cold/manifest_readme.c bin/bk-cold/manifest_readme_age.c bin/bk-cold/entry.c bin/bk-cold/meta.c bin/bk-cold/meta_json.c bin/bk-cold/name.c bin/bk-cold/age_key.c bin/bk-cold/age_seal.c bin/bk-cold/age_open.c */
#include "manifest.h"

#include <dirent.h>
#include <sys/resource.h>

#include "digest.h"
#include "exec.h"
#include "file.h"
#include "name.h"
#include "rec.h"
#include "scratch.h"

/* A box that is the folder "cold" of the scratch folder. */
struct box {
	const char *prefix;
};
static struct box box = { "cold/" };

const char *box_prefix(const struct box *b)
{
	return b->prefix;
}

const char *box_name(const struct box *b)
{
	(void)b;
	return "fake";
}

int box_stat(struct box *b, const char *name, struct box_stat *ret,
	     struct bk_err *err)
{
	BK_AUTO_FREE char *path = bk_asprintf("cold/%s", name);
	struct stat st;

	(void)b;
	(void)err;
	if (stat(path, &st) < 0)
		return 0;
	*ret = (struct box_stat){ S_ISDIR(st.st_mode) ? 'd' : 'f',
				  (uint64_t)st.st_size, st.st_mtime };
	return 1;
}

int box_list(struct box *b, const char *dir,
	     int (*each)(void *arg, const char *name,
			 const struct box_stat *st),
	     void *arg, struct bk_err *err)
{
	BK_AUTO_FREE char *path = bk_asprintf("cold/%s", dir);
	struct box_stat st = { 'f', 0, 0 };
	DIR *d = opendir(path);
	const struct dirent *e;

	(void)b;
	(void)err;
	CHECK(d);
	while ((e = readdir(d)))
		CHECK_INT(each(arg, e->d_name, &st), 0);
	closedir(d);
	return 0;
}

int box_get(struct box *b, const char *name, uint64_t size,
	    int (*sink)(void *arg, const void *p, size_t n, struct bk_err *err),
	    void *arg, struct bk_err *err)
{
	BK_AUTO_FREE char *path = bk_asprintf("cold/%s", name);
	FILE *f = fopen(path, "re");
	char buf[777];
	size_t n;

	(void)b;
	(void)size;
	CHECK(f);
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		if (sink(arg, buf, n, err) < 0) {
			fclose(f);
			return -1;
		}
	fclose(f);
	return 0;
}

/* Its status; everything that it says goes to the check's own output. */
static int shell(const char *script)
{
	char *copy = bk_strdup(script);
	char *const argv[] = { (char[]){ "bash" }, (char[]){ "-c" }, copy,
			       NULL };
	const struct bk_exec x = {
		.argv = argv, .in = BK_EXEC_NULL, .out = 2, .err = 2
	};
	struct bk_err err = { 0 };
	int status = bk_exec_run(&x, 0, 15000, NULL, NULL, &err);

	free(copy);
	return status;
}

/* A host "h" with these files, links and folders, and their entries. */
static const char *const paths[] = {
	"/srv",
	"/srv/photos",
	"/srv/photos/a b",
	"/srv/photos/a b/x=[*\n\\y",
	"/srv/photos/empty",
	"/srv/photos/l",
	"/srv/photos/\xff\xc3\xa9#",
	"/srv/photos/-rf",
	"/srv/photos/.hidden",
};

static void make_tree(void)
{
	CHECK_INT(mkdir("host", 0755), 0);
	CHECK_INT(mkdir("host/srv", 0755), 0);
	CHECK_INT(mkdir("host/srv/photos", 0750), 0);
	CHECK_INT(mkdir("host/srv/photos/a b", 0755), 0);
	put_file("host/srv/photos/a b/x=[*\n\\y", "hello");
	put_file("host/srv/photos/empty", "");
	CHECK_INT(symlink("ta \n\xffrget", "host/srv/photos/l"), 0);
	put_file("host/srv/photos/\xff\xc3\xa9#", "one");
	put_file("host/srv/photos/-rf", "two");
	put_file("host/srv/photos/.hidden", "three");
	CHECK_INT(chmod("host/srv/photos/empty", 04711), 0);
	CHECK_INT(shell("touch -d @-1.5 host/srv/photos/empty &&"
			"touch -d @-2.5 host/srv/photos"),
		  0);
	CHECK_INT(mkdir("cold", 0755), 0);
	CHECK_INT(mkdir("cold/h", 0755), 0);
}

static struct entry entry_of(const char *path)
{
	BK_AUTO_FREE char *local = bk_asprintf("host%s", path);
	struct entry e = { .path = bk_strdup(path),
			   .set = bk_strdup("photos"),
			   .since = 1750000000 };
	struct bk_err err = { 0 };
	struct stat st;
	int fd;

	CHECK_INT(lstat(local, &st), 0);
	fd = open(local, S_ISLNK(st.st_mode) ? O_PATH | O_NOFOLLOW : O_RDONLY);
	if (meta_read(fd, &e.meta, &err) < 0)
		CHECK_FAIL("%s", err.msg);
	close(fd);
	if (e.meta.type == 'f') {
		const char *text = text_of(local);

		CHECK_INT(bk_digest_text(text, strlen(text), e.sha256, &err),
			  0);
		e.object = name_of_object("h", path);
	}
	return e;
}

static void put_object(const struct entry *e)
{
	BK_AUTO_FREE char *local = bk_asprintf("host%s", e->path);
	BK_AUTO_FREE char *there = bk_asprintf("cold/%s", e->object);
	BK_AUTO_FREE char *dir =
		bk_memdup(there, (size_t)(strrchr(there, '/') - there));
	struct bk_err err;

	CHECK_INT(bk_file_mkdirs(dir, 0755, &err), 0);
	put_file(there, text_of(local));
}

static void put_part(struct manifest *m, enum manifest_kind kind)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	BK_AUTO_FREE char *path = NULL;
	const char *sha256, *name;
	struct bk_err err;
	char sum[65];
	uint64_t size;
	int fd = manifest_part(m, kind, &size, &sha256, &name);

	CHECK_INT(bk_fd_read(fd, 1 << 24, &b), 0);
	CHECK_INT(b.len, size);
	CHECK_INT(bk_digest_text(b.p, b.len, sum, &err), 0);
	CHECK_STR(sum, sha256);
	path = bk_asprintf("cold/%s", name);
	if (bk_file_write(path, b.p, b.len, 0644, &err) < 0)
		CHECK_FAIL("%s", err.msg);
}

static void push(const char *const *which, size_t n, unsigned int gen)
{
	struct bk_err err = { 0 };
	struct manifest *m = manifest_new(".", "h", &box, gen, NULL, &err);
	const enum manifest_kind *kinds;
	size_t parts;

	if (!m)
		CHECK_FAIL("%s", err.msg);
	for (size_t i = 0; i < n; i++) {
		ENTRY_AUTO struct entry e = entry_of(which[i]);

		if (e.object)
			put_object(&e);
		CHECK_INT(manifest_add(m, &e, &err), 0);
	}
	CHECK_INT(manifest_end(m, &err), 0);
	kinds = manifest_kinds(false, &parts);
	for (size_t i = 0; i < parts; i++)
		put_part(m, kinds[i]);
	manifest_free(m);
}

static void start(void)
{
	const char *dir = scratch();

	CHECK_INT(setenv("BK_STATE_DIR", dir, 1), 0);
	make_tree();
	push(paths, BK_COUNT(paths), 1);
}

static int compare(void *arg, struct entry *e, struct bk_err *err)
{
	size_t *i = arg;
	ENTRY_AUTO struct entry want = entry_of(paths[*i]);

	(void)err;
	CHECK_STR(e->path, want.path);
	CHECK_STR(e->object, want.object);
	CHECK_STR(e->sha256, want.sha256);
	CHECK_STR(e->set, "photos");
	CHECK(meta_same(&e->meta, &want.meta));
	(*i)++;
	return 0;
}

CHECK_TEST(what_was_added_is_read)
{
	struct bk_err err = { 0 };
	unsigned int gen;
	size_t n = 0;

	start();
	if (manifest_read(&box, "h", 1, NULL, compare, &n, &err) < 0)
		CHECK_FAIL("%s", err.msg);
	CHECK_INT(n, BK_COUNT(paths));
	CHECK_INT(manifest_last(&box, "h", &gen, &err), 0);
	CHECK_INT(gen, 1);
	CHECK_INT(manifest_last(&box, "other", &gen, &err), 0);
	CHECK_INT(gen, 0);
	push(paths, 1, 12);
	put_file("cold/h/MTREE.00000044", "");
	put_file("cold/h/FILES.123456789", "");
	put_file("cold/h/FILES.0000001x", "");
	put_file("cold/h/OTHER.00000099", "");
	CHECK_INT(manifest_last(&box, "h", &gen, &err), 0);
	CHECK_INT(gen, 44);
}

CHECK_TEST(records_are_a_stream)
{
	struct bk_rec_in in = { .lines.fd = -1 };
	struct bk_err err = { 0 };
	json_t *o = NULL;
	int got;

	start();
	in.lines.fd = open("cold/h/FILES.00000001", O_RDONLY);
	while ((got = bk_rec_next(&in, &o, &err)) > 0)
		json_decref(o);
	if (got < 0)
		CHECK_FAIL("%s", err.msg);
	CHECK_INT(in.count, BK_COUNT(paths) + 2);
	close(in.lines.fd);
	bk_rec_in_free(&in);
}

CHECK_TEST(sha256sum_checks_it)
{
	start();
	CHECK_INT(shell("sha256sum --strict -c cold/h/SHA256SUMS.00000001"), 0);
	CHECK_INT(shell("f=cold/h/SHA256SUMS.00000001\n"
			"for f in $f cold/h/MTREE.00000001; do\n"
			"set -- $(tail -n 1 $f) && [ \"$1 $2\" = '# end' ] &&"
			"[ $4 = \"$(head -n -1 $f | sha256sum | cut -c -64)\" ]"
			"|| exit; done"),
		  0);
	put_file("cold/h/DATA/srv/photos/%2Drf", "twa");
	CHECK_INT(shell("sha256sum --strict -c cold/h/SHA256SUMS.00000001"), 1);
}

/* Also where nothing but folders came. */
CHECK_TEST(sha256sum_checks_a_push_without_files)
{
	start();
	push(paths, 2, 2);
	CHECK_INT(shell("sha256sum --strict -c cold/h/SHA256SUMS.*"), 0);
}

CHECK_TEST(odd_prefixes)
{
	start();
	box.prefix = "a\\b\nc/cold/";
	push(paths, BK_COUNT(paths), 2);
	CHECK_INT(shell("mkdir $'a\\\\b\\nc' && mv cold $'a\\\\b\\nc/' &&"
			"sha256sum --strict -c a*/cold/h/SHA256SUMS.00000002"),
		  0);
}

CHECK_TEST(mtree_checks_it)
{
	start();
	if (shell("command -v mtree") != 0)
		CHECK_SKIP("no mtree");
	CHECK_INT(shell("mtree -p host -f cold/h/MTREE.00000001"), 0);
	CHECK_INT(chmod("host/srv/photos/-rf", 0600), 0);
	CHECK_INT(shell("mtree -p host -f cold/h/MTREE.00000001"), 2);
	CHECK_INT(shell("mtree -t -u -p host -f cold/h/MTREE.00000001"), 2);
	CHECK_INT(mode_of("host/srv/photos/-rf"), 0644);
	CHECK_INT(shell("mtree -p host -f cold/h/MTREE.00000001"), 0);
}

CHECK_TEST(bsdtar_reads_it)
{
	start();
	if (shell("command -v bsdtar") != 0)
		CHECK_SKIP("no bsdtar");
	CHECK_INT(shell("bsdtar -tvf cold/h/MTREE.00000001 >list &&"
			"[ $(wc -l <list) = 10 ] && cat list >&2 &&"
			"grep -q '^-rws--x--x.*empty$' list &&"
			"bsdtar -cf x.tar -C host @../cold/h/MTREE.00000001 &&"
			"mkdir x && bsdtar -xpf x.tar -C x &&"
			"diff -r --no-dereference host/srv x/srv"),
		  0);
}

/* By README.txt alone: bash, sha256sum, mkdir and cp. */
CHECK_TEST(a_person_restores)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	struct bk_err err;

	start();
	put_file("host/srv/photos/-rf", "later");
	CHECK_INT(rename("cold/h/DATA/srv/photos/%2Drf", "older"), 0);
	push(paths + 7, 1, 2);
	CHECK_INT(shell("h=$(sha256sum <host/srv/photos/-rf)\n"
			"cd cold/h && mv DATA/srv/photos/%2Drf "
			"DATA/srv/photos/%2Drf~${h:0:16} &&"
			"mv ../../older DATA/srv/photos/%2Drf &&"
			"sed -i 1s/$/~${h:0:16}/ SHA256SUMS.00000002"),
		  0);
	manifest_readme(&b, &box);
	CHECK_INT(bk_file_write("README.txt", b.p, b.len, 0644, &err), 0);
	CHECK_INT(shell("sed -n '/^---8<---$/,//p' README.txt |"
			"grep -v ^--- >restore.sh"),
		  0);
	CHECK_INT(shell("bash restore.sh h new"), 0);
	CHECK_INT(shell("diff -r --no-dereference -x l host new"), 0);
	if (shell("command -v mtree") == 0)
		CHECK_INT(
			shell("grep -q 'mtree -p /new/empty/folder -t -u -f "
			      "MTREE.N' README.txt &&"
			      "for m in cold/h/MTREE.*; do "
			      "mtree -p new -t -u -f $m; [ $? != 1 ] || exit;"
			      "done; mtree -p new -f $m &&"
			      "[ -L new/srv/photos/l ] &&"
			      "[ $(stat -c %a new/srv/photos/empty) = 4711 ]"),
			0);
	put_file("cold/h/DATA/srv/photos/%2Drf", "twa");
	CHECK_INT(shell("bash restore.sh h new2"), 1);
	CHECK_INT(shell("cmp host/srv/photos/.hidden new2/srv/photos/.hidden"),
		  0);
}

static int count(void *arg, struct entry *e, struct bk_err *err)
{
	size_t *n = arg;

	(void)e;
	(void)err;
	(*n)++;
	return 0;
}

/* Cut off anywhere, or with one bit turned anywhere, nothing of it counts. */
CHECK_TEST(damage)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	const char *path = "cold/h/FILES.00000001";
	struct bk_err err = { 0 };
	size_t n = 0;

	start();
	CHECK_INT(bk_file_read(path, 1 << 20, &b, &err), 0);
	for (size_t i = 0; i < b.len; i += 7) {
		/* only its newline is missing: that is still whole */
		if (i == b.len - 1)
			continue;
		CHECK_INT(bk_file_write(path, b.p, i, 0644, &err), 0);
		CHECK_INT(manifest_read(&box, "h", 1, NULL, count, &n, &err),
			  -1);
		CHECK_INT(err.exit, BK_EX_DATAERR);
		CHECK_INT(n, 0);
	}
	for (size_t i = 0; i + 60 < b.len; i += 7) {
		b.p[i] ^= 1;
		CHECK_INT(bk_file_write(path, b.p, b.len, 0644, &err), 0);
		CHECK_INT(manifest_read(&box, "h", 1, NULL, count, &n, &err),
			  -1);
		CHECK_INT(err.exit, BK_EX_DATAERR);
		CHECK_INT(n, 0);
		b.p[i] ^= 1;
	}
	bk_buf_adds(&b, "x");
	CHECK_INT(bk_file_write(path, b.p, b.len, 0644, &err), 0);
	CHECK_INT(manifest_read(&box, "h", 1, NULL, count, &n, &err), -1);
	CHECK_INT(err.exit, BK_EX_DATAERR);
}

CHECK_TEST(of_another_host_or_push)
{
	struct bk_err err = { 0 };
	size_t n = 0;

	start();
	CHECK_INT(manifest_read(&box, "h", 2, NULL, count, &n, &err), -1);
	CHECK_INT(err.exit, BK_EX_NOINPUT);
	CHECK_INT(shell("mv cold/h/FILES.00000001 cold/h/FILES.00000002"), 0);
	CHECK_INT(manifest_read(&box, "h", 2, NULL, count, &n, &err), -1);
	CHECK_INT(err.exit, BK_EX_DATAERR);
	CHECK_HAS(err.msg, "another host or push");
	CHECK_INT(shell("mkdir cold/i; mv cold/h/FILES.00000002 "
			"cold/i/FILES.00000001"),
		  0);
	CHECK_INT(manifest_read(&box, "i", 1, NULL, count, &n, &err), -1);
	CHECK_HAS(err.msg, "another host or push");
	CHECK_INT(n, 0);
}

CHECK_TEST(sums_of_the_others)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	const char *path = "cold/h/SHA256SUMS.00000001";
	char sums[MANIFEST_KINDS][65], cmd[500];
	struct bk_err err = { 0 };

	start();
	if (manifest_read_sums(&box, "h", 1, sums, &err) < 0)
		CHECK_FAIL("%s", err.msg);
	(void)snprintf(cmd, sizeof(cmd),
		       "cd cold/h; [ \"$(cat FILES* | sha256sum)\" = '%s  -' ] "
		       "&& [ \"$(cat MTREE* | sha256sum)\" = '%s  -' ] "
		       "&& [ \"$(cat SHA* | sha256sum)\" = '%s  -' ]",
		       sums[0], sums[1], sums[2]);
	CHECK_INT(shell(cmd), 0);
	CHECK_INT(bk_file_read(path, 1 << 20, &b, &err), 0);
	for (size_t i = 0; i < b.len - 1; i += 3) {
		CHECK_INT(bk_file_write(path, b.p, i, 0644, &err), 0);
		CHECK_INT(manifest_read_sums(&box, "h", 1, sums, &err), -1);
		CHECK_INT(err.exit, BK_EX_DATAERR);
	}
	for (size_t i = 0; i < b.len; i += 3) {
		b.p[i] ^= 1;
		CHECK_INT(bk_file_write(path, b.p, b.len, 0644, &err), 0);
		CHECK_INT(manifest_read_sums(&box, "h", 1, sums, &err), -1);
		CHECK_INT(err.exit, BK_EX_DATAERR);
		b.p[i] ^= 1;
	}
}

CHECK_TEST(no_room)
{
	ENTRY_AUTO struct entry e = ENTRY_INIT;
	struct bk_err err = { 0 };
	struct manifest *m;
	struct rlimit limit = { 100000, 100000 };
	int status = 0;

	start();
	e = entry_of(paths[3]);
	signal(SIGXFSZ, SIG_IGN);
	CHECK_INT(setrlimit(RLIMIT_FSIZE, &limit), 0);
	m = manifest_new(".", "h", &box, 9, NULL, &err);
	CHECK(m);
	for (int i = 0; status == 0 && i < 1000; i++)
		status = manifest_add(m, &e, &err);
	if (status == 0)
		status = manifest_end(m, &err);
	CHECK_INT(status, -1);
	CHECK_INT(err.exit, BK_EX_IOERR);
	manifest_free(m);
}
