/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Manifests: what lies on a box, told by files beside it, so that a person
 * can verify and restore without bk, and bk can make its catalog anew.
 *
 * In the folder of a host each push leaves one generation, which lists what
 * came or changed with it; together they list everything. GEN is eight digits.
 *
 *	SHA256SUMS.GEN	for sha256sum -c, the other two among them; names begin
 *			where a person who logs in on the box is
 *	MTREE.GEN	mtree(5), by the paths that the files had
 *	FILES.GEN	records (bk-records(5)): one of type "manifest", those of
 *			type "file": all there is to know, and one of type "sum",
 *			the hash of all before; its end record tells that it is
 *			whole
 *
 *
 * The last line of the first two is "# end N SHA256", N lines that tell of
 * files and the hash of all lines before. Beside the hosts' folders lies
 * README.txt.
 *
 * What is encrypted has generations of its own, whose SHA256SUMS.GEN has names
 * that tell nothing, and whose others are encrypted too (age.h), ".age" behind
 * their names. One more is among them, for a person:
 *
 *	NAMES.GEN.age	"SHA256  OBJECT  PATH": the hash of the file itself, the
 *			name of what lies there, and its path, in which each byte
 *			that name.h does not keep is %XX; and a last line like those
 *			above
 *
 * They are told by README.age.txt.
 */
#ifndef MANIFEST_H
#define MANIFEST_H

#include "age.h"
#include "box.h"
#include "entry.h"

#define MANIFEST_README "README.txt"
#define MANIFEST_README_AGE "README.age.txt"

enum manifest_kind {
	MANIFEST_FILES,
	MANIFEST_MTREE,
	MANIFEST_SUMS, /* the last to be put there */
	MANIFEST_SEALED_FILES,
	MANIFEST_SEALED_MTREE,
	MANIFEST_SEALED_NAMES,
	MANIFEST_KINDS,
};

/* The parts that a generation has, in the order in which they are put there. */
const enum manifest_kind *manifest_kinds(bool sealed, size_t *ret_n);

struct manifest;

/*
 * A new one for this host and box, kept in unnamed files of folder dir while
 * it grows: its size does not matter. to: it is encrypted for these; NULL: not.
 */
struct manifest *manifest_new(const char *dir, const char *host,
			      const struct box *b, unsigned int gen,
			      const struct age_recipients *to,
			      struct bk_err *err);
/* e->object is set for files. Folders before what is in them, for mtree(8). */
int manifest_add(struct manifest *m, const struct entry *e, struct bk_err *err);
/* Writes the last lines; afterwards its parts can be had. */
int manifest_end(struct manifest *m, struct bk_err *err);
/* A descriptor at offset 0 (m's own), its size, its hash, its name. */
int manifest_part(struct manifest *m, enum manifest_kind kind,
		  uint64_t *ret_size, const char **ret_sha256,
		  const char **ret_name);
void manifest_free(struct manifest *m);

/* "HOST/FILES.00000001", "HOST/FILES.00000001.age"; the caller frees it. */
char *manifest_name(const char *host, enum manifest_kind kind,
		    unsigned int gen);
/* Is this the name of a part in the folder of a host? Which one? */
bool manifest_is(const char *name, enum manifest_kind *ret_kind,
		 unsigned int *ret_gen);
/* The highest generation of a host on the box, 0 where there is none. */
int manifest_last(struct box *b, const char *host, unsigned int *ret,
		  struct bk_err *err);
/*
 * Read FILES.GEN, or with ids FILES.GEN.age: each() for every entry, once all
 * of it came and proved to be whole. 65 where it is cut off or damaged, 66
 * where there is none, 77 where it is encrypted for others; each() returns 0,
 * or -1 with err.
 */
int manifest_read(struct box *b, const char *host, unsigned int gen,
		  const struct age_identities *ids,
		  int (*each)(void *arg, struct entry *e, struct bk_err *err),
		  void *arg, struct bk_err *err);
/*
 * Read SHA256SUMS.GEN: 65 where it is cut off or damaged, 66 where there is
 * none. The hashes of the parts by their kinds: its own, and what it says of
 * the others, "" where it does not.
 */
int manifest_read_sums(struct box *b, const char *host, unsigned int gen,
		       char ret[static MANIFEST_KINDS][65], struct bk_err *err);

/* An unnamed file in folder dir, for as long as its descriptor. */
int manifest_spool(const char *dir, struct bk_err *err);

/* The text of README.txt for this box. */
void manifest_readme(struct bk_buf *ret, const struct box *b);
/* And of README.age.txt. */
void manifest_readme_age(struct bk_buf *ret, const struct box *b);

#endif
