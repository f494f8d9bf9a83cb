/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The text of a keyring file, as Python's RawConfigParser reads and writes
 * it (keyrings.cryptfile and keyrings.alt): sections are services, options
 * are users, both escaped, values are base64 over several lines.
 *
 * Nothing here knows about ciphers. Changes are made to the text itself, so
 * that all the rest of it stays as it was.
 */
#ifndef CRYPTFILE_H
#define CRYPTFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "err.h"

/* Escaped names of the entry that every file has. */
#define CRYPTFILE_SETTING "keyring_2Dsetting"
#define CRYPTFILE_REFERENCE "password_20reference"

/* Larger is no keyring. */
#define CRYPTFILE_MAX ((size_t)16 << 20)

struct cryptfile_entry {
	char *section;
	char *option;	   /* in lower case */
	char *value;	   /* its lines, separated by newlines */
	size_t start, end; /* its bytes in the text */
	size_t line;
};

struct cryptfile_section {
	char *name;
	size_t end; /* in the text, behind its last entry */
	size_t line;
};

struct cryptfile {
	struct bk_buf text;
	struct cryptfile_section *sections;
	size_t nsections;
	struct cryptfile_entry *entries;
	size_t nentries;
};

/*
 * Take the text apart. 65 for what Python would refuse as well: a line that
 * is none, an option before any section, a section or option that is there
 * twice; the message names the line. f is empty before; cryptfile_free() it
 * in any case.
 */
int cryptfile_parse(const char *text, size_t len, struct cryptfile *f,
		    struct bk_err *err);
void cryptfile_free(struct cryptfile *f);

/* NULL where there is none; option in any case of letters. */
const struct cryptfile_entry *cryptfile_find(const struct cryptfile *f,
					     const char *section,
					     const char *option);

/*
 * Set one value, and take the new text apart. base64: it is written as the
 * Python tool does, in indented lines of 76.
 */
int cryptfile_put(struct cryptfile *f, const char *section, const char *option,
		  const char *value, bool base64, struct bk_err *err);
/* Remove an entry of f. */
int cryptfile_remove(struct cryptfile *f, const struct cryptfile_entry *e,
		     struct bk_err *err);

/*
 * A name with every byte but A-Z a-z 0-9 as _XX, and back: NULL for what is
 * no such name. The caller frees it.
 */
char *cryptfile_escape(const char *name);
char *cryptfile_unescape(const char *escaped);

/*
 * Base64 with anything else between its characters, as Python reads it. NULL
 * where what is left is none.
 */
char *cryptfile_unbase64(const char *s, size_t *ret_len);

#endif
