/* SPDX-License-Identifier: GPL-3.0-or-later */
/** observed_int.h - between the readers of observed.c; private to sim/calibrate. */
#ifndef SIM_CALIBRATE_OBSERVED_INT_H
#define SIM_CALIBRATE_OBSERVED_INT_H

#include <jansson.h>

#include "sim/calibrate/observed.h"
#include "sim/scenario/csvfile.h"

#define OBSERVED_TOKENS_MAX 1e8 /**< of a prompt or an answer */

/** Room for one more. @return false if out of memory */
bool observed_grow(void **at, size_t count, size_t *cap, size_t size);
/** A text that begins with '{': JSON lines of requests, meta.json, a benchmark result or a replay log. */
bool observed_json(observed *o, const char *path, const char *text, size_t size, csv_message *message);
bool observed_add(observed *o, const observed_request *r); /**< @return false if out of memory */
/** Is it a log of BurstGPT played to an engine? */
bool observed_is_replay(json_t *root);
/** Its requests, their output tokens still untold. */
bool observed_replay(observed *o, const char *path, json_t *root, csv_message *message);
/** Tells the output tokens of a run from the engine's log of it. @return false if there is none, or more than one */
bool observed_tell(observed *o, observed_run *run, csv_message *message);
/** Tells limits that no settings state, if the engine's logs show them. @return false if memory ran out */
bool observed_limits(observed *o);

#endif
