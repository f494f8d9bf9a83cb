/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A page of headings, paragraphs, fields and commands, as text or as one
 * self-contained HTML page for A4. Nothing that is put on it can leave its
 * place: control bytes and what HTML takes for its own are escaped.
 */
#ifndef SHEET_H
#define SHEET_H

#include <stdbool.h>

#include "buf.h"
#include "secret.h"

enum sheet_item {
	SHEET_HEADING,
	SHEET_TEXT,
	SHEET_STEP,
	SHEET_FIELD,
	SHEET_COMMAND,
};

struct sheet {
	struct bk_buf b; /* so large that secrets in it need not move */
	bool html;
	int step;
	enum sheet_item last; /* what was put on it last */
};

void sheet_begin(struct sheet *s, bool html, const char *title);
void sheet_end(struct sheet *s);
void sheet_free(struct sheet *s);

void sheet_heading(struct sheet *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void sheet_text(struct sheet *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void sheet_warning(struct sheet *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* One of the steps, numbered until the next heading. */
void sheet_step(struct sheet *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void sheet_field(struct sheet *s, const char *label, const char *value);
/* One line to be typed; it is never broken. */
void sheet_command(struct sheet *s, const char *line);
/*
 * As it is, where it is text without blanks at its ends; otherwise in base64,
 * and it says so.
 */
void sheet_secret(struct sheet *s, const char *label,
		  const struct bk_secret *secret);

#endif
