/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where INSERT statements end: behind a row by what the row's key and length
 * are, and so in the same places whatever changes elsewhere. After one deleted
 * row all others stand where they stood, in the eyes of who deduplicates.
 */
#ifndef FRAME_H
#define FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a statement has on average, and at most, unless one row has more. */
#define FRAME_SIZE (64U << 10)
#define FRAME_MAX (4U << 20)

/* Behind a row with this hash of its key, and of so many bytes? */
bool frame_ends(uint64_t hash, size_t size);

#endif
