/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-restic/findings.c */
#include "findings.h"

#include "check.h"

#define ID "0e0ad6f0406497b27765290d372f0dde804afb40f0231c335cbc048d7dd821af"
#define GOT "594d0b8bff6fa77932f15042a182cefa9b1b7ba1fabf5d84ce626348922cd280"

CHECK_TEST(words_of_old_releases)
{
	struct findings f;

	findings_read("Load(<data/0e0ad6f040>, 249, 488) returned error, "
		      "retrying after 15.1s: EOF\n"
		      "error for tree fd8ad555:\n"
		      "decrypting blob fd8ad555 failed: ciphertext "
		      "verification failed\n"
		      "Pack ID does not match, want " ID ", got " GOT "\n"
		      "Fatal: repository contains errors\n",
		      &f);
	CHECK(f.damaged);
	CHECK_INT(f.n, 2);
	CHECK_STR(f.errors.v[0],
		  "error for tree fd8ad555: decrypting blob fd8ad555 "
		  "failed: ciphertext verification failed");
	CHECK_INT(f.packs.n, 1);
	CHECK_STR(f.packs.v[0], ID);
	findings_free(&f);
}

CHECK_TEST(words_of_new_releases)
{
	struct findings f;

	findings_read("pack " ID ": does not exist\n"
		      "pack " ID ": does not exist\n"
		      "\n"
		      "The repository is damaged and must be repaired. Please "
		      "follow the troubleshooting guide at https://x .\n"
		      "restic repair packs " GOT "\n"
		      "Fatal: repository contains errors\n",
		      &f);
	CHECK(f.damaged);
	CHECK_INT(f.n, 2);
	CHECK_INT(f.packs.n, 2);
	CHECK_STR(f.packs.v[1], GOT);
	findings_free(&f);
}

CHECK_TEST(what_is_no_damage)
{
	struct findings f;

	findings_read("2 additional files were found in the repo, which likely "
		      "contain duplicate data.\n"
		      "Fatal: unable to open config file: no route to host\n",
		      &f);
	CHECK(!f.damaged);
	CHECK_INT(f.n, 1);
	findings_free(&f);
	findings_read("", &f);
	CHECK(!f.damaged && f.n == 0);
	findings_free(&f);
}

CHECK_TEST(many_errors)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	struct findings f;

	for (int i = 0; i < 5000; i++)
		bk_buf_addf(&b, "pack %064x: does not exist\n", i);
	findings_read(b.p, &f);
	CHECK_INT(f.n, 5000);
	CHECK_INT(f.errors.n, 20);
	CHECK_INT(f.packs.n, 1000);
	findings_free(&f);
}
