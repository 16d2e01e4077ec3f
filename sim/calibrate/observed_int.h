/* SPDX-License-Identifier: GPL-3.0-or-later */
/** observed_int.h - between the readers of observed.c; private to sim/calibrate. */
#ifndef SIM_CALIBRATE_OBSERVED_INT_H
#define SIM_CALIBRATE_OBSERVED_INT_H

#include "sim/calibrate/observed.h"
#include "sim/scenario/csvfile.h"

/** Room for one more. @return false if out of memory */
bool observed_grow(void **at, size_t count, size_t *cap, size_t size);
/** A text that begins with '{': JSON lines of requests, meta.json, or a benchmark result. */
bool observed_json(observed *o, const char *path, const char *text, size_t size, csv_message *message);

#endif
