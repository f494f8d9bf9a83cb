/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The first and only process of a guest: does what the lines of /script say,
 * telling each on the console, and then the power is off.
 *	load FILE             a module of the kernel
 *	dm NAME SECTORS TYPE ARG...   a mapped device of one target
 *	mark TEXT             into the log of the mapped device "log"
 *	mount TYPE DEVICE FOLDER OPTIONS
 *	umount FOLDER
 *	set NAME VALUE        in the environment of what runs from here on
 *	run PROGRAM ARG...
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void over(const char *what)
{
	if (what)
		printf("FAILED %s: %s\n", what, strerror(errno));
	fflush(stdout);
	sync();
	reboot(RB_AUTOBOOT); /* and qemu ends: -no-reboot */
	pause();
}

static void load(const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0 ||
	    (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST))
		over(file);
	close(fd);
}

/* data: behind the header. */
static void dm(unsigned long request, const char *name, unsigned int targets,
	       const void *data, size_t size)
{
	static union {
		struct dm_ioctl header;
		char room[8192];
	} io;
	int fd = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);

	memset(&io, 0, sizeof(io));
	io.header.version[0] = DM_VERSION_MAJOR;
	io.header.data_size = sizeof(io);
	io.header.data_start = sizeof(io.header);
	io.header.target_count = targets;
	snprintf(io.header.name, sizeof(io.header.name), "%s", name);
	if (size)
		memcpy(io.room + sizeof(io.header), data, size);
	if (fd < 0 || ioctl(fd, request, &io) < 0)
		over(name);
	close(fd);
}

static void map(char *args)
{
	char *name = strsep(&args, " "), *sectors = strsep(&args, " ");
	char *type = strsep(&args, " ");
	struct {
		struct dm_target_spec spec;
		char params[1024];
	} t = { .spec = { .length = strtoull(sectors, NULL, 10) } };

	snprintf(t.spec.target_type, sizeof(t.spec.target_type), "%s", type);
	snprintf(t.params, sizeof(t.params), "%s", args);
	t.spec.next = sizeof(t);
	dm(DM_DEV_CREATE, name, 0, NULL, 0);
	dm(DM_TABLE_LOAD, name, 1, &t, sizeof(t));
	dm(DM_DEV_SUSPEND, name, 0, NULL, 0); /* resumes: no flag is set */
}

static void mark(const char *text)
{
	struct {
		struct dm_target_msg head;
		char text[256];
	} m = { 0 };

	snprintf((char *)&m + sizeof(m.head), sizeof(m.text), "mark %s", text);
	dm(DM_TARGET_MSG, "log", 0, &m, sizeof(m));
}

static void run(char *args)
{
	char *argv[64], *word;
	int n = 0, status;
	pid_t pid;

	while (n < 63 && (word = strsep(&args, " ")))
		argv[n++] = word;
	argv[n] = NULL;
	pid = fork();
	if (pid == 0) {
		execv(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		over(argv[0]);
	printf("STATUS %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

static void step(char *line)
{
	char *what = strsep(&line, " "), *name;

	if (strcmp(what, "load") == 0) {
		load(line);
	} else if (strcmp(what, "dm") == 0) {
		map(line);
	} else if (strcmp(what, "mark") == 0) {
		mark(line);
	} else if (strcmp(what, "mount") == 0) {
		char *type = strsep(&line, " ");

		name = strsep(&line, " ");
		what = strsep(&line, " ");
		if (mount(name, what, type, 0, line) < 0)
			over(what);
	} else if (strcmp(what, "umount") == 0) {
		if (umount(line) < 0)
			over(line);
	} else if (strcmp(what, "set") == 0) {
		name = strsep(&line, " ");
		setenv(name, line, 1);
	} else if (strcmp(what, "run") == 0) {
		run(line);
	}
}

int main(void)
{
	char line[4096];
	FILE *script;

	if (mount("dev", "/dev", "devtmpfs", 0, NULL) < 0 ||
	    mount("proc", "/proc", "proc", 0, NULL) < 0 ||
	    mount("sys", "/sys", "sysfs", 0, NULL) < 0 ||
	    !freopen("/dev/console", "w", stdout) ||
	    !freopen("/dev/console", "w", stderr))
		over("it starts");
	setvbuf(stdout, NULL, _IOLBF, 0);
	script = fopen("/script", "re");
	while (script && fgets(line, sizeof(line), script)) {
		line[strcspn(line, "\n")] = '\0';
		printf("STEP %s\n", line);
		step(line);
	}
	puts("END");
	over(NULL);
	return 0;
}
