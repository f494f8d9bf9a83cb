/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A box behind ssh, for box_sftp.c (what it answers at once), box_read.c
 * (what is read), box_send.c (uploads) and box_sums.c (their hashes) alone.
 */
#ifndef BOX_SFTP_H
#define BOX_SFTP_H

#include "box_impl.h"
#include "hash.h"
#include "sftp.h"

enum { HASH_RUNS = 2, LANES = 4 };

/*
 * Another sftp-server behind the same connection, for files: one does one
 * thing after the other, and waits for the disk at each file.
 */
struct lane {
	struct bk_child child;
	struct sftp *s; /* NULL: there is none */
	bool used;	/* by a file */
	size_t opening; /* uploads that have, or will have, a handle */
};

struct sftpbox {
	struct box b;
	struct ssh *ssh;
	struct bk_child child; /* the ssh of sftp */
	struct sftp *s;
	enum { SHELL_UNKNOWN, SHELL_NONE, SHELL_HASHES } shell;
	struct bk_strv made; /* folders that are there; sorted */
	struct hash_run *runs[HASH_RUNS];
	struct sendlist *hashing[HASH_RUNS]; /* whose temporary names */
	struct lane main; /* the same s, for files while there is no other */
	struct lane lanes[LANES];
	bool few;	   /* it is not asked for more lanes */
	unsigned int busy; /* commands in a row that found no channel */
	int64_t rest;	   /* milliseconds; no command before then */
	size_t early;	   /* bytes that wait for a handle */
};

static inline struct sftpbox *sftpbox(struct box *b)
{
	return (struct sftpbox *)b;
}

static inline const struct sftpbox *sftpbox_const(const struct box *b)
{
	return (const struct sftpbox *)b;
}

/* The path of a name on the machine. The caller frees it. */
char *sftpbox_path(const struct box *b, const char *name);
/* The connection is over: 75. */
int sftpbox_lost(struct box *b, struct bk_err *err);
/* What a status means for what was done to name. */
int sftpbox_fail(const struct box *b, uint32_t status, const char *what,
		 const char *name, struct bk_err *err);

/*
 * OpenSSH never renames onto what is there; its sftp-server has hardlink@, too,
 * which another behind its sshd may lack. Of others nothing is known, rclone's
 * overwrites: what was seen a while ago is not enough.
 */
bool sftpbox_may_overwrite(const struct box *b);

/* A question for what is left there; false: the server does not tell. */
bool sftpbox_ask_room(const struct box *b, struct bk_buf *body);
bool sftpbox_room(const struct reply *r, uint64_t *ret_free,
		  uint64_t *ret_total);

/* Folders that are known to be there. */
bool folders_have(const struct bk_strv *made, const char *name);
void folders_add(struct bk_strv *made, const char *name);

/* One request and its reply, waited for. */
struct answer {
	bool over, lost;
	int type;
	uint32_t status;
	struct bk_buf body; /* behind the id or the code */
};
#define ANSWER_AUTO BK_AUTO(answer_free)
int sftpbox_call(struct box *b, int type, const struct bk_buf *body,
		 struct answer *ret, struct bk_err *err);
void answer_free(struct answer *a);
/* A request whose body is the path of name alone. */
int sftpbox_call_path(struct box *b, int type, const char *name,
		      struct answer *ret, struct bk_err *err);
/* OPEN or OPENDIR: the handle into ret. 66, 77, 74. */
int sftpbox_open(struct box *b, const char *name, uint32_t flags,
		 struct bk_buf *ret, struct bk_err *err);
int sftpbox_close(struct box *b, const struct bk_buf *handle,
		  struct bk_err *err);

/* Have lanes, where that is not so and nothing speaks against it. */
void lanes_open(struct sftpbox *b);
/* One for a file: with the fewest; NULL where none takes more than most. */
struct lane *lanes_pick(struct sftpbox *b, size_t most);
bool lanes_any(const struct sftpbox *b);
size_t lanes_wait(struct sftpbox *b, struct pollfd *fds);
void lanes_advance(struct sftpbox *b);
void lanes_kill(struct sftpbox *b); /* what is in flight gets no answer */
void lanes_close(struct sftpbox *b);

int sftp_box_get(struct box *b, const char *name, uint64_t size,
		 int (*sink)(void *arg, const void *p, size_t n,
			     struct bk_err *err),
		 void *arg, struct bk_err *err);
int sftp_box_get_small(struct box *b, struct box_small *v, size_t n,
		       struct bk_err *err);
int sftp_box_hash(struct box *b, struct box_hash *v, size_t n, bool read_back,
		  void (*done)(void *arg, const struct box_hash *h), void *arg,
		  struct bk_err *err);
bool sftp_box_hashes_there(struct box *b);

struct upload *sftp_box_upload(struct box *b);
void sftp_box_discard(struct upload *u);
size_t sftp_box_room(const struct upload *u);
void sftp_box_write(struct upload *u, const void *p, size_t n);
size_t sftp_box_wait(struct box *b, struct pollfd *fds, bool *ret_ready);
void sftp_box_advance(struct box *b);
/* Forget the commands that run. */
void sftp_box_stop(struct box *b);

#endif
