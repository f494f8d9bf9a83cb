/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "frame.h"

/* The longer the row, the likelier: FRAME_SIZE is what comes out of that. */
bool frame_ends(uint64_t hash, size_t size)
{
	return size >= FRAME_SIZE ||
	       hash >> 32 < ((uint64_t)size << 32) / FRAME_SIZE;
}
