/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-cold/meta.c bin/bk-cold/meta_apply.c bin/bk-cold/meta_json.c */
#include "meta.h"

#include <errno.h>
#include <sys/xattr.h>

#include "exec.h"
#include "rec.h"
#include "scratch.h"

#define NEED_ROOT()                             \
	do {                                    \
		if (geteuid() != 0)             \
			CHECK_SKIP("not root"); \
	} while (0)

static void run_program(char *const *argv)
{
	const struct bk_exec x = {
		.argv = argv,
		.in = BK_EXEC_NULL,
		.out = BK_EXEC_INHERIT,
		.err = BK_EXEC_INHERIT,
	};
	BK_AUTO_FREE char *path = NULL;
	struct bk_err err;

	path = bk_exec_find(argv[0], &err);
	if (!path)
		CHECK_SKIP(err.msg);
	CHECK_INT(bk_exec_run(&x, 0, 10000, NULL, NULL, &err), 0);
}

static struct meta read_meta(const char *path)
{
	struct meta m = META_INIT;
	struct bk_err err = { 0 };
	struct stat st;
	int fd;

	CHECK_INT(lstat(path, &st), 0);
	fd = open(path, S_ISLNK(st.st_mode) ? O_PATH | O_NOFOLLOW : O_RDONLY);
	CHECK(fd >= 0);
	if (meta_read(fd, &m, &err) < 0)
		CHECK_FAIL("%s", err.msg);
	close(fd);
	return m;
}

/* As text and back. */
static struct meta again(const struct meta *m)
{
	BK_AUTO_JSON json_t *o = json_object(), *back = NULL;
	BK_AUTO_FREE char *text = NULL;
	struct meta ret = META_INIT;
	struct bk_err err = { 0 };

	meta_to_json(m, o);
	text = json_dumps(o, JSON_COMPACT);
	back = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	CHECK(back);
	if (meta_from_json(back, &ret, &err) < 0)
		CHECK_FAIL("%s: %s", err.msg, text);
	CHECK(meta_same(m, &ret));
	CHECK_INT(ret.ino, m->ino);
	CHECK_INT(ret.nlink, m->nlink);
	CHECK_INT(ret.ctime, m->ctime);
	CHECK_INT(ret.ctime_ns, m->ctime_ns);
	CHECK_INT(ret.sparse, m->sparse);
	CHECK_STR(ret.user, m->user);
	CHECK_STR(ret.group, m->group);
	return ret;
}

/* m on a new file of this kind, which then says the same. */
static void put_on(const struct meta *m, const char *path)
{
	BK_AUTO_STRV struct bk_strv problems = BK_STRV_INIT;
	META_AUTO struct meta now = META_INIT;
	int fd;

	if (m->type == 'f')
		put_file(path, text_of("a"));
	else if (m->type == 'd')
		CHECK_INT(mkdir(path, 0700), 0);
	else
		CHECK_INT(symlink(m->link, path), 0);
	fd = open(path, m->type == 'l' ? O_PATH | O_NOFOLLOW : O_RDONLY);
	CHECK(fd >= 0);
	meta_apply(fd, m, &problems);
	close(fd);
	if (problems.n > 0)
		CHECK_FAIL("%s", problems.v[0]);
	now = read_meta(path);
	CHECK(meta_same(m, &now));
}

static void round_trip(const char *path)
{
	META_AUTO struct meta m = read_meta(path);
	META_AUTO struct meta back = again(&m);

	put_on(&back, "copy");
}

CHECK_TEST(a_file)
{
	const struct timespec ts[2] = { { 0, UTIME_OMIT }, { 5, 123456789 } };
	META_AUTO struct meta m = META_INIT;

	scratch();
	put_file("a", "hello");
	CHECK_INT(chmod("a", 0640), 0);
	CHECK_INT(utimensat(AT_FDCWD, "a", ts, 0), 0);
	m = read_meta("a");
	CHECK_INT(m.type, 'f');
	CHECK_INT(m.mode, 0640);
	CHECK_INT(m.size, 5);
	CHECK_INT(m.mtime, 5);
	CHECK_INT(m.mtime_ns, 123456789);
	CHECK(!m.sparse);
	round_trip("a");
}

CHECK_TEST(times_before_1970)
{
	const struct timespec ts[2] = { { 0, UTIME_OMIT }, { -2, 500000001 } };
	META_AUTO struct meta m = META_INIT;

	scratch();
	put_file("a", "");
	CHECK_INT(utimensat(AT_FDCWD, "a", ts, 0), 0);
	m = read_meta("a");
	CHECK_INT(m.mtime, -2);
	CHECK_INT(m.mtime_ns, 500000001);
	round_trip("a");
}

/* What a file system keeps otherwise is told, not passed over. */
CHECK_TEST(time_that_cannot_be_kept)
{
	BK_AUTO_STRV struct bk_strv problems = BK_STRV_INIT;
	META_AUTO struct meta m = META_INIT;
	struct stat st;
	int fd;

	scratch();
	put_file("a", "");
	m = read_meta("a");
	m.mtime = INT64_C(1) << 40;
	fd = open("a", O_RDONLY);
	meta_apply(fd, &m, &problems);
	CHECK_INT(fstat(fd, &st), 0);
	close(fd);
	if (st.st_mtime == m.mtime)
		CHECK_SKIP("this file system keeps such times");
	CHECK_INT(problems.n, 1);
	CHECK_HAS(problems.v[0], "time: ");
}

CHECK_TEST(folders)
{
	scratch();
	CHECK_INT(mkdir("a", 0755), 0);
	CHECK_INT(chmod("a", 01777), 0);
	round_trip("a");
}

CHECK_TEST(symbolic_links)
{
	const struct timespec ts[2] = { { 0, UTIME_OMIT }, { 77, 7 } };
	META_AUTO struct meta m = META_INIT;

	scratch();
	put_file("target", "x");
	CHECK_INT(symlink("target", "l"), 0);
	CHECK_INT(utimensat(AT_FDCWD, "l", ts, AT_SYMLINK_NOFOLLOW), 0);
	m = read_meta("l");
	CHECK_INT(m.type, 'l');
	CHECK_STR(m.link, "target");
	CHECK_INT(m.mtime, 77);
	CHECK_INT(m.size, 0);
	round_trip("l");
	CHECK_INT(mode_of("target"), 0644);
}

/* Owner and attributes are those of the link, not of what it leads to. */
CHECK_TEST(links_that_lead_nowhere)
{
	META_AUTO struct meta m = META_INIT;

	NEED_ROOT();
	scratch();
	CHECK_INT(symlink("no\nsuch \xff", "l"), 0);
	CHECK_INT(lchown("l", 1234, 4321), 0);
	if (lsetxattr("l", "trusted.bk", "v\0w", 3, 0) < 0)
		CHECK_SKIP("no attributes here");
	m = read_meta("l");
	CHECK_INT(m.uid, 1234);
	CHECK_STR(m.link, "no\nsuch \xff");
	CHECK_INT(m.nattrs, 1);
	round_trip("l");
}

CHECK_TEST(ids_with_and_without_names)
{
	META_AUTO struct meta m = META_INIT, other = META_INIT;

	NEED_ROOT();
	scratch();
	put_file("a", "");
	m = read_meta("a");
	CHECK_STR(m.user, "root");
	CHECK_STR(m.group, "root");
	/* The same place of the memory for names. */
	CHECK_INT(chown("a", 64000000, 4294967294U), 0);
	for (int i = 0; i < 2; i++) {
		meta_free(&other);
		other = read_meta("a");
		CHECK_INT(other.uid, 64000000);
		CHECK_INT(other.gid, 4294967294U);
		CHECK_STR(other.user, NULL);
		CHECK_STR(other.group, NULL);
	}
	round_trip("a");
}

CHECK_TEST(attributes)
{
	META_AUTO struct meta m = META_INIT;
	char big[3000];

	scratch();
	put_file("a", "x");
	memset(big, 0, sizeof(big));
	if (setxattr("a", "user.z", "a\0\xff\n", 4, 0) < 0)
		CHECK_SKIP("no attributes here");
	CHECK_INT(setxattr("a", "user.big", big, sizeof(big), 0), 0);
	CHECK_INT(setxattr("a", "user.empty", "", 0, 0), 0);
	CHECK_INT(setxattr("a", "user.\xff \n=", "x", 1, 0), 0);
	m = read_meta("a");
	CHECK_INT(m.nattrs, 4);
	CHECK_STR(m.attrs[0].name, "user.big");
	CHECK_INT(m.attrs[0].len, 3000);
	CHECK_STR(m.attrs[2].name, "user.z");
	CHECK(memcmp(m.attrs[2].value, "a\0\xff\n", 4) == 0);
	round_trip("a");
}

CHECK_TEST(access_control_lists)
{
	char *const acl[] = { (char[]){ "setfacl" }, (char[]){ "-m" },
			      (char[]){ "u:1234:rwx,g:77:r,m::rwx,g::-" },
			      (char[]){ "a" }, NULL };
	char *const def[] = { (char[]){ "setfacl" }, (char[]){ "-d" },
			      (char[]){ "-m" },	     (char[]){ "u:1234:rw" },
			      (char[]){ "d" },	     NULL };
	META_AUTO struct meta m = META_INIT;

	scratch();
	put_file("a", "x");
	CHECK_INT(mkdir("d", 0755), 0);
	run_program(acl);
	run_program(def);
	m = read_meta("a");
	CHECK_INT(m.nattrs, 1);
	CHECK_STR(m.attrs[0].name, "system.posix_acl_access");
	round_trip("a");
	CHECK_INT(unlink("copy"), 0);
	round_trip("d");
}

/* What comes from the folder goes, for the file had no such list. */
CHECK_TEST(inherited_lists_go)
{
	char *const def[] = { (char[]){ "setfacl" }, (char[]){ "-d" },
			      (char[]){ "-m" },	     (char[]){ "u:1234:rwx" },
			      (char[]){ "." },	     NULL };
	META_AUTO struct meta file = META_INIT, dir = META_INIT;

	scratch();
	put_file("a", "x");
	CHECK_INT(mkdir("d", 0755), 0);
	file = read_meta("a");
	dir = read_meta("d");
	run_program(def);
	put_on(&file, "file");
	put_on(&dir, "dir");
}

/* Without its list a file is not opened to its group. */
CHECK_TEST(lists_that_cannot_be_set)
{
	char *const acl[] = { (char[]){ "setfacl" }, (char[]){ "-m" },
			      (char[]){ "u:1234:rwx,g::r,m::rwx" },
			      (char[]){ "a" }, NULL };
	BK_AUTO_STRV struct bk_strv problems = BK_STRV_INIT;
	META_AUTO struct meta m = META_INIT;
	struct stat st;
	int fd = memfd_create("x", MFD_CLOEXEC);

	scratch();
	put_file("a", "x");
	run_program(acl);
	m = read_meta("a");
	CHECK_INT(m.mode, 0674);
	/* unknown to every kernel */
	m.attrs[0].value[0] = 99;
	meta_apply(fd, &m, &problems);
	CHECK_INT(fstat(fd, &st), 0);
	CHECK_INT(st.st_mode & 07777, 0644);
	CHECK_INT(problems.n, 2);
	CHECK_HAS(problems.v[0], "attribute system.posix_acl_access: ");
	CHECK_HAS(problems.v[1], "mode 0674: ");
}

CHECK_TEST(capabilities)
{
	char *const argv[] = { (char[]){ "setcap" },
			       (char[]){ "cap_net_raw+ep" }, (char[]){ "a" },
			       NULL };
	META_AUTO struct meta m = META_INIT;

	NEED_ROOT();
	scratch();
	put_file("a", "x");
	CHECK_INT(chown("a", 1234, 0), 0);
	CHECK_INT(chmod("a", 04755), 0);
	if (access("/usr/sbin/setcap", X_OK) < 0 &&
	    access("/sbin/setcap", X_OK) < 0)
		CHECK_SKIP("no setcap");
	CHECK_INT(setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin", 1), 0);
	run_program(argv);
	m = read_meta("a");
	CHECK_INT(m.nattrs, 1);
	CHECK_STR(m.attrs[0].name, "security.capability");
	round_trip("a");
}

CHECK_TEST(set_user_id_goes_with_the_owner)
{
	BK_AUTO_STRV struct bk_strv problems = BK_STRV_INIT;
	META_AUTO struct meta m = META_INIT;
	int fd;

	NEED_ROOT();
	scratch();
	CHECK_INT(chmod(".", 0777), 0);
	put_file("a", "x");
	CHECK_INT(chmod("a", 06755), 0);
	m = read_meta("a");
	CHECK_INT(setgid(1234), 0);
	CHECK_INT(setuid(1234), 0);
	put_file("b", "x");
	fd = open("b", O_RDONLY);
	meta_apply(fd, &m, &problems);
	close(fd);
	CHECK_INT(mode_of("b"), 0755);
	CHECK_INT(problems.n, 2);
	CHECK_STR(problems.v[0], "owner 0:0: Operation not permitted");
	CHECK_HAS(problems.v[1], "mode 6755: without set-user-ID");
}

CHECK_TEST(holes)
{
	META_AUTO struct meta m = META_INIT;
	int fd;

	scratch();
	fd = open("a", O_RDWR | O_CREAT, 0600);
	CHECK_INT(ftruncate(fd, 1 << 20), 0);
	CHECK_INT(pwrite(fd, "x", 1, 500000), 1);
	CHECK_INT(lseek(fd, 3, SEEK_SET), 3);
	CHECK_INT(meta_read(fd, &m, NULL), 0);
	CHECK(m.sparse);
	CHECK_INT(m.size, 1 << 20);
	CHECK_INT(lseek(fd, 0, SEEK_CUR), 3);
	close(fd);
}

CHECK_TEST(untouched)
{
	META_AUTO struct meta m = META_INIT;
	struct stat st;

	scratch();
	put_file("a", "x");
	m = read_meta("a");
	CHECK_INT(stat("a", &st), 0);
	CHECK(meta_untouched(&m, &st));
	st.st_ctim.tv_nsec++;
	CHECK(!meta_untouched(&m, &st));
	CHECK_INT(stat("a", &st), 0);
	st.st_mtim.tv_sec++;
	CHECK(!meta_untouched(&m, &st));
	CHECK_INT(stat("a", &st), 0);
	st.st_size++;
	CHECK(!meta_untouched(&m, &st));
	CHECK_INT(stat("a", &st), 0);
	st.st_ino++;
	CHECK(!meta_untouched(&m, &st));
}

CHECK_TEST(copies_are_whole)
{
	META_AUTO struct meta m = META_INIT, copy = META_INIT;

	scratch();
	put_file("a", "x");
	(void)setxattr("a", "user.a", "1", 1, 0);
	m = read_meta("a");
	meta_copy(&copy, &m);
	CHECK(meta_same(&m, &copy));
	CHECK_STR(copy.user, m.user);
	if (copy.nattrs > 0) {
		copy.attrs[0].value[0] = '2';
		CHECK(!meta_same(&m, &copy));
	}
}

static void refuse(const char *key, const char *value)
{
	BK_AUTO_JSON json_t *o = json_object();
	BK_AUTO_JSON json_t *v =
		value ? json_loads(value, JSON_DECODE_ANY, NULL) : NULL;
	META_AUTO struct meta m = META_INIT, ret = META_INIT;
	struct bk_err err = { 0 };

	scratch();
	put_file("a", "x");
	m = read_meta("a");
	meta_to_json(&m, o);
	CHECK_INT(meta_from_json(o, &ret, &err), 0);
	meta_free(&ret);
	if (value)
		CHECK(v && json_object_set(o, key, v) == 0);
	else
		CHECK_INT(json_object_del(o, key), 0);
	CHECK_INT(meta_from_json(o, &ret, &err), -1);
	CHECK_INT(err.exit, BK_EX_DATAERR);
	CHECK_HAS(err.msg, key);
}

#define REFUSES(name, key, value)   \
	CHECK_TEST(refuses_##name)  \
	{                           \
		refuse(key, value); \
	}
REFUSES(no_kind, "kind", NULL)
REFUSES(other_kind, "kind", "\"fifo\"")
REFUSES(no_mode, "mode", NULL)
REFUSES(long_mode, "mode", "\"10644\"")
REFUSES(odd_mode, "mode", "\"0648\"")
REFUSES(mode_number, "mode", "420")
REFUSES(negative_uid, "uid", "-1")
REFUSES(large_gid, "gid", "4294967296")
REFUSES(text_as_size, "size", "\"5\"")
REFUSES(negative_size, "size", "-5")
REFUSES(no_size, "size", NULL)
REFUSES(no_mtime, "mtime", NULL)
REFUSES(short_mtime, "mtime", "[1]")
REFUSES(long_ns, "mtime", "[1,1000000000]")
REFUSES(odd_ctime, "ctime", "[1.5,0]")
REFUSES(attrs_object, "attrs", "{}")
REFUSES(attr_without_value, "attrs", "[{\"name\":\"user.x\"}]")
REFUSES(attr_without_name, "attrs", "[{\"value_b64\":\"eA==\"}]")
REFUSES(attr_not_base64, "attrs", "[{\"name\":\"user.x\",\"value_b64\":\"!\"}]")
REFUSES(attr_twice, "attrs",
	"[{\"name\":\"user.x\",\"value_b64\":\"eA==\"},"
	"{\"name\":\"user.x\",\"value_b64\":\"eA==\"}]")
