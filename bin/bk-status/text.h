/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text for people on stdout: 80 columns, colours on a terminal only. What is
 * printed is escaped here.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "health.h"

enum { TEXT_WIDTH = 80 };

struct text {
	bool color;
	bool all; /* nothing is cut */
};

struct text text_stdout(bool all);

/* The number of a colour in SGR, for health; NULL: none. */
const char *text_color(enum bk_health health);
#define TEXT_DIM "2"

/* s in a column of this width, at its left or right end. color may be NULL. */
void text_cell(const struct text *t, const char *s, size_t width, bool right,
	       const char *color);
/*
 * s in lines between indent and TEXT_WIDTH, where the first one has begun at
 * column at; three lines at most unless all is wanted. Ends the line.
 */
void text_wrap(const struct text *t, const char *s, size_t at, size_t indent,
	       const char *color);

#endif
