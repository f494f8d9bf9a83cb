/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a monitor was told last: kept in its state file, so that services that
 * hear of changes alone hear of them once.
 */
#ifndef HISTORY_H
#define HISTORY_H

#include "message.h"

struct history {
	bool known; /* it was told something */
	bool up;
	char *text;
	char *about; /* what was wrong most, or NULL */
	struct bk_strv causes;
	int64_t down_since; /* 0: it is up */
	int64_t told_at;
	int64_t reached; /* it took something last; 0: never */
	int exit;	 /* of the last delivery that was tried */
	char *message;
};
#define HISTORY_INIT ((struct history){ 0 })

/* One that is damaged, or of the future, is not known. */
void history_read(struct history *h, const char *monitor, int64_t now);
/* It was told this. */
void history_take(struct history *h, const struct message *m);
/* Less is wrong than it was told: nobody need hear of that, but of more. */
void history_forget(struct history *h, const struct message *m);
/*
 * Does a service that hears of changes alone have to hear of this? remind:
 * seconds after which it hears again that things are wrong; 0: never.
 */
bool history_is_news(const struct history *h, const struct message *m,
		     uint64_t remind, int64_t now);
/*
 * Something that it was to be told is lost: whatever is told next is news.
 */
void history_unsure(struct history *h);
/* For the state file. */
json_t *history_json(const struct history *h);
void history_free(struct history *h);

#endif
