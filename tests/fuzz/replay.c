/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs a fuzz target on each file given, and on empty input, without a
 * fuzzer; prints TAP. Each input has a child of its own and 20 seconds.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define INPUT_MAX (16 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path)
{
	FILE *f = fopen(path, "rbe");
	uint8_t *data, *exact;
	size_t n;

	if (!f)
		return perror(path), 1;
	data = malloc(INPUT_MAX);
	if (!data)
		return perror("malloc"), 1;
	n = fread(data, 1, INPUT_MAX, f);
	fclose(f);
	/* a block of the input's own size, so that ASan sees its end */
	exact = malloc(n ? n : 1);
	if (!exact)
		return perror("malloc"), 1;
	memcpy(exact, data, n);
	free(data);
	LLVMFuzzerTestOneInput(exact, n);
	free(exact);
	return 0;
}

static int run_child(const char *path)
{
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		alarm(20);
		exit(run_file(path));
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
	return status;
}

int main(int argc, char **argv)
{
	int failed = 0;

	printf("1..%d\n", argc);
	for (int i = 0; i < argc; i++) {
		const char *path = i ? argv[i] : "/dev/null";
		int status = run_child(path);

		printf("%sok %d %s\n", status ? "not " : "", i + 1, path);
		if (status && WIFSIGNALED(status))
			printf("# ended by %s\n", strsignal(WTERMSIG(status)));
		failed |= status != 0;
	}
	return failed;
}
