/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Time stamps of files as one number: they are only compared for equality,
 * for clocks go back.
 */
#ifndef STAMP_H
#define STAMP_H

#include <stdint.h>

/* Nanoseconds since 1970, before that modulo 2^64. */
static inline uint64_t stamp(int64_t sec, uint32_t nsec)
{
	return (uint64_t)sec * 1000000000 + nsec;
}

/* Both halves in one. */
static inline uint32_t fold(uint64_t stamp)
{
	return (uint32_t)(stamp ^ stamp >> 32);
}

#endif
