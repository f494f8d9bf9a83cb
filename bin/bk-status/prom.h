/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The text format of Prometheus (exposition format 0.0.4), for the textfile
 * collector of its node exporter.
 */
#ifndef PROM_H
#define PROM_H

#include <jansson.h>

#include "buf.h"

void prom_add(struct bk_buf *b, const json_t *jobs, int64_t now);

#endif
