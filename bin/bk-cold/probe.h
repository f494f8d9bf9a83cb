/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * probe: what a box can do, found out by trying in a folder of its own there
 * that is removed afterwards.
 */
#ifndef PROBE_H
#define PROBE_H

#include "cold.h"

struct probe {
	struct cold *c;
	struct box *b;
	char *dir; /* the folder of its own */
	bool bad;  /* it cannot do what a push needs */
};

/* One finding: what, a value of few words, and what that means or may be. */
void probe_say(struct probe *p, const char *what, const char *value,
	       const char *remark);
/* A new file there; -1 with err. */
int probe_file(struct probe *p, const char *name, const void *data, size_t len,
	       struct bk_err *err);

/*
 * What only a box behind ssh has: the protocol, and commands, which get the
 * hash of a file of the probe that has this name, size and hash.
 */
int probe_sftp(struct probe *p, struct bk_err *err);
int probe_commands(struct probe *p, const char *file, uint64_t size,
		   const char *sha256, struct bk_err *err);

#endif
