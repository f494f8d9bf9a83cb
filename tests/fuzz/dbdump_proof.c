/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-dbdump/proof.c bin/bk-dbdump/manifest.c */
#include "proof.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is called whole is what its last line proves. */
static void try_stream(const char *s, size_t size)
{
	int fd = memfd_create("stream", MFD_CLOEXEC);
	struct proof p;
	char hash[65];

	if (fd < 0 || write(fd, s, size) != (ssize_t)size ||
	    lseek(fd, 0, SEEK_SET) != 0)
		abort();
	if (proof_stream(fd, &p, NULL) == 0) {
		if (p.bytes >= size || s[size - 1] != '\n' ||
		    bk_digest_text(s, p.bytes, hash, NULL) < 0 ||
		    strcmp(hash, p.sha256) != 0)
			abort();
	}
	(void)close(fd);
}

/* No file of a manifest is outside of its folder. */
static void try_manifest(const char *s, size_t size)
{
	struct manifest m = MANIFEST_INIT;

	if (manifest_parse(s, size, &m, NULL) < 0)
		return;
	for (size_t i = 0; i < m.n; i++) {
		const char *path = m.files[i].path;

		if (*path == '/' || strncmp(path, "../", 3) == 0 ||
		    strstr(path, "/../"))
			abort();
	}
	manifest_free(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *s = (const char *)data;

	try_stream(s, size);
	try_manifest(s, size);
	return 0;
}
