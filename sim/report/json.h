/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * json.h - a small JSON writer with stable bytes, and the number formats that every file of a run shares.
 *
 * Streaming, no tree, two spaces of indentation. Numbers that JSON cannot say (NaN, infinities) become null.
 * Errors of the stream stay in the stream: check ferror() at the end.
 */
#ifndef SIM_REPORT_JSON_H
#define SIM_REPORT_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define REP_NUMBER_SIZE 32 /**< room for any number below */
#define REP_JSON_DEPTH  16

/** Shortest of %.15g, %.16g, %.17g that reads back as the same double. NaN and infinities give "". @return buf */
char *rep_real(double value, char buf[REP_NUMBER_SIZE]);

/** The same of what is kept in single precision: 1.3333334, not the 1.333333430697632 that a double makes of it. */
char *rep_single(float value, char buf[REP_NUMBER_SIZE]);

/** Exact decimal USD, trailing zeros cut: 12500000 -> "12.5". @return buf */
char *rep_usd(int64_t uusd, char buf[REP_NUMBER_SIZE]);

typedef struct rep_json {
    FILE *out;
    int depth;
    bool started[REP_JSON_DEPTH]; /**< this level has a member already */
} rep_json;

void rep_json_init(rep_json *j, FILE *out);
/** All calls: key NULL inside an array and at the top, else the member's name (escaped here). */
void rep_json_object(rep_json *j, const char *key);
void rep_json_array(rep_json *j, const char *key);
void rep_json_end(rep_json *j, bool array);
void rep_json_text(rep_json *j, const char *key,
                   const char *value); /**< bytes >= 0x80 are passed on: UTF-8 in, UTF-8 out */
void rep_json_real(rep_json *j, const char *key, double value);
void rep_json_int(rep_json *j, const char *key, int64_t value);
void rep_json_count(rep_json *j, const char *key, uint64_t value);
void rep_json_bool(rep_json *j, const char *key, bool value);
void rep_json_usd(rep_json *j, const char *key, int64_t uusd);
/** Ends the file: closes the line. */
void rep_json_finish(rep_json *j);

#endif
