/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a host tells the fleet: a record of type "status", with its jobs. Who
 * reads one believes nothing of it before it was checked here.
 */
#ifndef ENTRY_H
#define ENTRY_H

#include "buf.h"
#include "health.h"
#include "rec.h"

struct entry {
	char *host;
	int64_t time;  /* when it was written; 0: not known */
	json_t *jobs;  /* sorted records of jobs; NULL: not known */
	char *problem; /* why it is not believed, or NULL */
	bool silent;   /* the host has not reported for too long */
	bool live;     /* it is this host, just looked at */
};
#define ENTRY_INIT ((struct entry){ 0 })

/* A record "status" of a host; jobs go into it where with_jobs. */
json_t *entry_status(const char *host, int64_t time, const json_t *jobs,
		     bool with_jobs);
/* The text of a file; the caller frees it. */
char *entry_text(const char *host, int64_t time, const json_t *jobs);

/* What lies in host's file, which is to be host's. Fills e in any case. */
void entry_parse(struct entry *e, const char *host, const struct bk_buf *text,
		 int64_t now);
void entry_free(struct entry *e);

/* Is something wrong with this host? */
bool entry_wrong(const struct entry *e);
/* The greater, the sooner people must hear of it. */
int entry_rank(const struct entry *e);
/* "silent", or the name of its health. */
const char *entry_state(const struct entry *e);
/* What is to be said about it; the caller frees it. */
char *entry_say(const struct entry *e, int64_t now);

#endif
