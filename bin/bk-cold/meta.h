/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a file is besides its bytes: kind, mode, owner, times, extended
 * attributes (access control lists and capabilities are some of them), the
 * target of a symbolic link.
 */
#ifndef META_H
#define META_H

#include <jansson.h>
#include <stdint.h>
#include <sys/stat.h>

#include "err.h"
#include "str.h"

struct meta {
	char type;     /* f file, d folder, l symbolic link, ? none of them */
	uint32_t mode; /* the lower 12 bits */
	uint32_t uid, gid;
	char *user, *group; /* names, or NULL */
	uint64_t size;	    /* of f; else 0 */
	int64_t mtime, ctime;
	uint32_t mtime_ns, ctime_ns;
	uint64_t ino, nlink;
	bool sparse; /* it has holes */
	char *link;  /* target of l */
	/* name and value in turn, sorted by name; values may hold NULs */
	struct meta_attr {
		char *name;
		char *value;
		size_t len;
	} * attrs;
	size_t nattrs;
};
#define META_INIT ((struct meta){ 0 })
#define META_AUTO BK_AUTO(meta_free)

/*
 * From stat alone, without owner names, link and attributes. sparse is a guess
 * then: it has fewer blocks than bytes.
 */
void meta_from_stat(struct meta *m, const struct stat *st);
/*
 * All of it. fd is of the file itself (O_PATH for a symbolic link); 74, 77.
 * A file system without attributes has none; at most 1 MiB and 4096 of
 * them (65).
 */
int meta_read(int fd, struct meta *ret, struct bk_err *err);
/*
 * Owner and group become those of this host that have their names; where the
 * name is not known, or nobody has it, the number stays.
 */
void meta_owners_by_name(struct meta *m);
/*
 * Put on what a restored file is to have; fd as above, not for reading its
 * content any more. Owner, attributes, times, mode, in this order. Access
 * control lists that it inherited are taken off. What cannot be set, or is not
 * kept, is added to problems, a text each ("owner 1000:1000: Operation not
 * permitted"), and the rest goes on; but then nobody may do more with the file
 * than before: set-user-ID goes with the owner, and a mode is narrowed where
 * its access control list is missing.
 */
void meta_apply(int fd, const struct meta *m, struct bk_strv *problems);
/*
 * Do both say the same? ctime, ino, nlink, names of owners and holes are left
 * aside.
 */
bool meta_same(const struct meta *a, const struct meta *b);
/* Same inode, size, mtime, ctime: nobody touched it in between. */
bool meta_untouched(const struct meta *m, const struct stat *st);

/* As members of a record, and back (65 where they make no sense). */
void meta_to_json(const struct meta *m, json_t *o);
int meta_from_json(const json_t *o, struct meta *ret, struct bk_err *err);

/* An attribute more, copied; 65 where they get too many or too large. */
int meta_add_attr(struct meta *m, const char *name, const char *value,
		  size_t len, struct bk_err *err);
/* Behind the last one. */
void meta_sort_attrs(struct meta *m);

void meta_copy(struct meta *to, const struct meta *from);
void meta_free(struct meta *m);

#endif
