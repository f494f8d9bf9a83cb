/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "file.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "scratch.h"

static struct bk_err err;

static int count_of(const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	int n = 0;

	CHECK(d);
	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

/* Descriptors. */

CHECK_TEST(reads_up_to_a_limit)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	int fd;

	scratch();
	put_file("f", "0123456789");
	bk_buf_adds(&b, "<");
	fd = open("f", O_RDONLY | O_CLOEXEC);
	CHECK_INT(bk_fd_read(fd, 10, &b), 0);
	CHECK_STR(b.p, "<0123456789");
	CHECK_INT(bk_fd_read(fd, 0, &b), 0);
	CHECK_INT(lseek(fd, 0, SEEK_SET), 0);
	CHECK_INT(bk_fd_read(fd, 9, &b), -1);
	CHECK_INT(errno, EFBIG);
	CHECK_INT(lseek(fd, 0, SEEK_SET), 0);
	CHECK_INT(bk_fd_read(fd, 0, &b), -1);
	CHECK_INT(errno, EFBIG);
	CHECK_INT(lseek(fd, 0, SEEK_SET), 0);
	CHECK_INT(bk_fd_read(fd, SIZE_MAX, &b), 0);
	close(fd);
	CHECK_INT(bk_fd_read(fd, 10, &b), -1);
	CHECK_INT(errno, EBADF);
}

static void nothing(int sig)
{
	(void)sig;
}

/* Through a pipe that is full, with signals in between. */
CHECK_TEST(writes_all)
{
	struct sigaction sa = { .sa_handler = nothing };
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	size_t len = 3000000;
	char *data = bk_malloc(len);
	int p[2], status;
	pid_t pid;

	memset(data, 'x', len);
	CHECK_INT(pipe(p), 0);
	sigaction(SIGUSR1, &sa, NULL);
	pid = fork();
	if (pid == 0) {
		close(p[0]);
		_exit(bk_fd_write(p[1], data, len) < 0);
	}
	close(p[1]);
	for (int i = 0; i < 200 && b.len < len; i++) {
		ssize_t n;

		bk_buf_reserve(&b, 65536);
		n = read(p[0], b.p + b.len, 65536);
		if (n > 0)
			b.len += (size_t)n;
		kill(pid, SIGUSR1);
	}
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK_INT(bk_fd_read(p[0], len, &b), 0);
	CHECK_INT(status, 0);
	CHECK_INT(b.len, len);
	free(data);
}

CHECK_TEST(write_errors)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	CHECK_INT(bk_fd_write(fd, "x", 1), -1);
	CHECK_INT(errno, ENOSPC);
	CHECK_INT(bk_fd_write(fd, NULL, 0), 0);
	close(fd);
	CHECK_INT(bk_fd_write(fd, "x", 1), -1);
	CHECK_INT(errno, EBADF);
}

/* Reading files. */

static int exit_of_read(const char *path, size_t limit)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	memset(&err, 0, sizeof(err));
	return bk_file_read(path, limit, &b, &err) < 0 ? err.exit : 0;
}

CHECK_TEST(reads_files)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	scratch();
	put_file("f", "abc");
	put_file("empty", "");
	CHECK_INT(bk_file_read("f", 3, &b, &err), 0);
	CHECK_STR(b.p, "abc");
	CHECK_INT(bk_file_read("f", 3, &b, &err), 0);
	CHECK_STR(b.p, "abcabc");
	CHECK_INT(bk_file_read("empty", 0, &b, &err), 0);
	CHECK_INT(exit_of_read("f", 2), 65);
	CHECK_STR(err.msg, "'f' is larger than 2 bytes");
}

CHECK_TEST(reads_no_others)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "sock" };
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	scratch();
	CHECK_INT(exit_of_read("gone", 10), 66);
	CHECK_STR(err.msg, "cannot open 'gone': No such file or directory");
	put_file("f", "");
	CHECK_INT(exit_of_read("f/x", 10), 66);
	CHECK_INT(exit_of_read(".", 10), 65);
	CHECK_STR(err.msg, "'.' is not a regular file");
	/* a FIFO without a writer blocks nobody */
	CHECK_INT(mkfifo("fifo", 0600), 0);
	CHECK_INT(exit_of_read("fifo", 10), 65);
	CHECK_INT(exit_of_read("/dev/null", 10), 65);
	CHECK_INT(bind(s, (struct sockaddr *)&a, sizeof(a)), 0);
	CHECK(exit_of_read("sock", 10) != 0);
	close(s);
}

CHECK_TEST(reads_what_it_may)
{
	scratch();
	put_file("f", "x");
	CHECK_INT(chmod("f", 0), 0);
	CHECK_INT(chmod(".", 0755), 0);
	if (geteuid() == 0)
		CHECK_INT(seteuid(65534), 0);
	if (access("/", X_OK) == 0 && exit_of_read("f", 10) != 66)
		CHECK_INT(exit_of_read("f", 10), 77);
	if (getuid() == 0)
		CHECK_INT(seteuid(0), 0);
}

/* Writing files. */

CHECK_TEST(writes_files)
{
	scratch();
	CHECK_INT(bk_file_write("f", "abc", 3, 0600, &err), 0);
	CHECK_STR(text_of("f"), "abc");
	CHECK_INT(mode_of("f"), 0600);
	/* the mode is what was asked for, also under a umask */
	umask(077);
	CHECK_INT(bk_file_write("f", "", 0, 0644, &err), 0);
	CHECK_STR(text_of("f"), "");
	CHECK_INT(mode_of("f"), 0644);
	CHECK_INT(count_of("."), 1);
}

CHECK_TEST(replaces_whole)
{
	int fd;
	char text[8] = "";

	scratch();
	put_file("f", "old");
	fd = open("f", O_RDONLY | O_CLOEXEC);
	CHECK_INT(bk_file_write("f", "newer", 5, 0600, &err), 0);
	CHECK_STR(text_of("f"), "newer");
	/* who has the old one open goes on with it */
	CHECK_INT(read(fd, text, 7), 3);
	CHECK_STR(text, "old");
	close(fd);
	/* a link is replaced, not what it points to */
	CHECK_INT(symlink("f", "link"), 0);
	CHECK_INT(bk_file_write("link", "x", 1, 0600, &err), 0);
	CHECK_STR(text_of("f"), "newer");
	CHECK_STR(text_of("link"), "x");
}

CHECK_TEST(write_without_folder)
{
	scratch();
	CHECK_INT(bk_file_write("gone/f", "x", 1, 0600, &err), -1);
	CHECK_INT(err.exit, 73);
	CHECK_STR(err.msg, "cannot create 'gone/f': No such file or directory");
	CHECK_INT(count_of("."), 0);
}

CHECK_TEST(write_over_a_folder)
{
	scratch();
	CHECK_INT(mkdir("d", 0755), 0);
	CHECK_INT(bk_file_write("d", "x", 1, 0600, &err), -1);
	CHECK_INT(err.exit, 74);
	CHECK_INT(count_of("."), 1);
}

CHECK_TEST(write_beyond_a_limit)
{
	struct rlimit old, few = { 1000, 1000 };
	char *data = bk_calloc(1, 5000);

	scratch();
	put_file("f", "old");
	(void)signal(SIGXFSZ, SIG_IGN);
	CHECK_INT(getrlimit(RLIMIT_FSIZE, &old), 0);
	few.rlim_max = old.rlim_max;
	CHECK_INT(setrlimit(RLIMIT_FSIZE, &few), 0);
	CHECK_INT(bk_file_write("f", data, 5000, 0600, &err), -1);
	CHECK_INT(err.exit, 74);
	CHECK_STR(err.msg, "cannot write 'f': File too large");
	CHECK_INT(setrlimit(RLIMIT_FSIZE, &old), 0);
	CHECK_STR(text_of("f"), "old");
	CHECK_INT(count_of("."), 1);
	free(data);
}

CHECK_TEST(write_on_a_full_disk)
{
	size_t len = 200000;
	char *data = bk_calloc(1, len);
	int got;

	scratch();
	CHECK_INT(mkdir("disk", 0755), 0);
	if (mount("none", "disk", "tmpfs", 0, "size=64k") < 0)
		CHECK_SKIP("only root can mount a small disk");
	put_file("disk/f", "old");
	got = bk_file_write("disk/f", data, len, 0600, &err);
	free(data);
	if (got != -1 || err.exit != 74 || err.num != ENOSPC ||
	    strcmp(text_of("disk/f"), "old") != 0 || count_of("disk") != 1)
		got = 0;
	CHECK_INT(umount("disk"), 0);
	CHECK_INT(got, -1);
}

/* Folders. */

CHECK_TEST(makes_folders)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/a/b/c", scratch());
	CHECK_INT(bk_file_mkdirs(path, 0700, &err), 0);
	CHECK_INT(mode_of("a"), 0700);
	CHECK_INT(mode_of("a/b"), 0700);
	CHECK_INT(mode_of("a/b/c"), 0700);
	CHECK_INT(bk_file_mkdirs(path, 0755, &err), 0);
	CHECK_INT(mode_of("a/b/c"), 0700);
	CHECK_INT(bk_file_mkdirs("a/x//y/", 0700, &err), 0);
	CHECK_INT(mode_of("a/x/y"), 0700);
	CHECK_INT(bk_file_mkdirs("/", 0700, &err), 0);
}

CHECK_TEST(makes_no_folders)
{
	scratch();
	put_file("f", "");
	CHECK_INT(bk_file_mkdirs("f/x", 0700, &err), -1);
	CHECK_INT(err.exit, 73);
	CHECK_INT(bk_file_mkdirs("f", 0700, &err), -1);
	CHECK_INT(err.exit, 73);
	CHECK_STR(err.msg, "cannot create folder 'f': Not a directory");
	CHECK_INT(symlink("gone", "link"), 0);
	CHECK_INT(bk_file_mkdirs("link", 0700, &err), -1);
	CHECK_INT(bk_file_mkdirs("/proc/none/x", 0700, &err), -1);
	CHECK_INT(err.exit, 73);
	/* through a link to a folder is fine */
	CHECK_INT(mkdir("gone", 0700), 0);
	CHECK_INT(bk_file_mkdirs("link", 0700, &err), 0);
}

CHECK_TEST(removes_a_tree_and_follows_no_link)
{
	scratch();
	CHECK_INT(bk_file_mkdirs("d/e/f", 0700, &err), 0);
	put_file("kept", "x");
	put_file("d/e/g", "y");
	CHECK_INT(symlink("../../kept", "d/e/link"), 0);
	CHECK_INT(symlink("..", "d/up"), 0);
	CHECK_INT(bk_file_remove_tree("d", &err), 0);
	CHECK_INT(access("d", F_OK), -1);
	CHECK_STR(text_of("kept"), "x");
	CHECK_INT(bk_file_remove_tree("d", &err), 0);
	CHECK_INT(bk_file_remove_tree("kept", &err), 0);
	CHECK_INT(bk_file_remove_tree("kept/x", &err), 0);
}

/* Trust. */

static const char *distrust(uid_t uid, gid_t gid, mode_t mode)
{
	struct stat st = { .st_uid = uid,
			   .st_gid = gid,
			   .st_mode = S_IFREG | mode };

	return bk_file_distrust(&st);
}

CHECK_TEST(distrust_rules)
{
	uid_t me = geteuid(), other = me + 12345;
	gid_t mine = getegid(), foreign = mine + 12345;

	CHECK_STR(distrust(0, 0, 0644), NULL);
	CHECK_STR(distrust(me, mine, 0600), NULL);
	CHECK_STR(distrust(me, mine, 0664), NULL);
	CHECK_STR(distrust(0, 0, 0664), NULL);
	CHECK_STR(distrust(me, foreign, 0644), NULL);
	CHECK_HAS(distrust(other, mine, 0600), "owner");
	CHECK_HAS(distrust(other, foreign, 0400), "owner");
	CHECK_HAS(distrust(me, mine, 0602), "others");
	CHECK_HAS(distrust(0, 0, 0666), "others");
	CHECK_HAS(distrust(me, foreign, 0620), "group");
	CHECK_HAS(distrust(0, foreign, 0660), "group");
	/* a sticky bit does not help */
	CHECK_HAS(distrust(0, 0, 01777), "others");
}
