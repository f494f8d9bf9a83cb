/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The dump that is restored: brought here from restic, or from where --from
 * says, and proved to be whole as far as it is needed.
 */
#ifndef SOURCE_H
#define SOURCE_H

#include "dbdump.h"
#include "fetch.h"
#include "manifest.h"
#include "proof.h"

struct source {
	struct snapshot snapshot; /* id NULL: --from */
	struct spool spool;
	char *path; /* the folder, or the stream */
	bool folder;
	struct proof proof; /* of a stream */
	struct manifest whole;
	struct manifest part; /* files of whole that are needed */
};
#define SOURCE_INIT ((struct source){ .spool = SPOOL_INIT })

/* section may be NULL with --from. 65 where it is not whole. */
int source_open(struct dbdump *d, const struct bk_conf_section *section,
		struct source *ret, struct bk_err *err);
/* Removes what was brought. */
void source_close(struct source *s);

/* What walk_dump() wants to know of it. */
const struct manifest *source_manifest(const struct source *s);

#endif
