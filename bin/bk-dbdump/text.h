/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The parts of a dump that are no rows, as SQL. Each part stands for itself:
 * it sets what it needs, and can be loaded alone.
 */
#ifndef TEXT_H
#define TEXT_H

#include "catalog.h"

/* The session that loads it. */
void text_add_session(struct bk_buf *b);
/*
 * The order for that: a database after those whose sequences its tables take
 * numbers from. As indexes, c->n of them; the caller frees it.
 */
size_t *text_order(const struct catalog *c);
/* Database, sequences, tables, a stand-in for each view, routines. */
void text_add_schema(const struct database *db, struct bk_buf *b);
/* Triggers, views, events: what rows are to be loaded before. */
void text_add_post(const struct database *db, struct bk_buf *b);
/* Before and behind the rows of a table. */
void text_add_rows_head(const struct object *o, struct bk_buf *b);
void text_add_rows_tail(struct bk_buf *b);

/* A comment of one line, whatever s holds. */
void text_add_comment(struct bk_buf *b, const char *s);

#endif
