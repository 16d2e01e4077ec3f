/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * json.c - see json.h. The shortest digits are found by trying 15, 16 and 17: 17 always reads back (IEEE 754 double);
 * in single precision 6 to 9.
 */
#include "sim/report/json.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

char *rep_real(double value, char buf[REP_NUMBER_SIZE])
{
    buf[0] = '\0';
    if (!isfinite(value)) {
        return buf;
    }
    if (fpclassify(value) == FP_ZERO) {
        value = 0; /* no "-0" */
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(buf, REP_NUMBER_SIZE, "%.*g", digits, value);
        double back = strtod(buf, NULL);
        if (memcmp(&back, &value, sizeof back) == 0) {
            break;
        }
    }
    return buf;
}

char *rep_single(float value, char buf[REP_NUMBER_SIZE])
{
    buf[0] = '\0';
    if (!isfinite(value)) {
        return buf;
    }
    if (fpclassify(value) == FP_ZERO) {
        value = 0;
    }
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(buf, REP_NUMBER_SIZE, "%.*g", digits, (double)value);
        float back = strtof(buf, NULL);
        if (memcmp(&back, &value, sizeof back) == 0) {
            break;
        }
    }
    return buf;
}

char *rep_usd(int64_t uusd, char buf[REP_NUMBER_SIZE])
{
    uint64_t size = uusd < 0 ? (uint64_t)0 - (uint64_t)uusd : (uint64_t)uusd;
    int length =
        snprintf(buf, REP_NUMBER_SIZE, "%s%" PRIu64 ".%06" PRIu64, uusd < 0 ? "-" : "", size / 1000000, size % 1000000);
    while (buf[length - 1] == '0') {
        buf[--length] = '\0';
    }
    if (buf[length - 1] == '.') {
        buf[--length] = '\0';
    }
    return buf;
}

void rep_json_init(rep_json *j, FILE *out)
{
    *j = (rep_json){.out = out};
}

static void put_string(FILE *out, const char *s)
{
    fputc('"', out);
    for (; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\') {
            fputc('\\', out);
            fputc(c, out);
        } else if (c < 0x20 || c == 0x7f) {
            fprintf(out, "\\u%04x", (unsigned)c);
        } else {
            fputc(c, out);
        }
    }
    fputc('"', out);
}

static void begin_value(rep_json *j, const char *key)
{
    if (j->depth > 0) {
        fputs(j->started[j->depth] ? ",\n" : "\n", j->out);
        j->started[j->depth] = true;
        fprintf(j->out, "%*s", 2 * j->depth, "");
    }
    if (key != NULL) {
        put_string(j->out, key);
        fputs(": ", j->out);
    }
}

static void open_level(rep_json *j, const char *key, char bracket)
{
    begin_value(j, key);
    fputc(bracket, j->out);
    assert(j->depth + 1 < REP_JSON_DEPTH);
    j->started[++j->depth] = false;
}

void rep_json_object(rep_json *j, const char *key)
{
    open_level(j, key, '{');
}

void rep_json_array(rep_json *j, const char *key)
{
    open_level(j, key, '[');
}

void rep_json_end(rep_json *j, bool array)
{
    assert(j->depth > 0);
    bool any = j->started[j->depth--];
    if (any) {
        fprintf(j->out, "\n%*s", 2 * j->depth, "");
    }
    fputc(array ? ']' : '}', j->out);
}

void rep_json_text(rep_json *j, const char *key, const char *value)
{
    begin_value(j, key);
    put_string(j->out, value);
}

void rep_json_real(rep_json *j, const char *key, double value)
{
    char buf[REP_NUMBER_SIZE];
    begin_value(j, key);
    fputs(isfinite(value) ? rep_real(value, buf) : "null", j->out);
}

void rep_json_int(rep_json *j, const char *key, int64_t value)
{
    begin_value(j, key);
    fprintf(j->out, "%" PRId64, value);
}

void rep_json_count(rep_json *j, const char *key, uint64_t value)
{
    begin_value(j, key);
    fprintf(j->out, "%" PRIu64, value);
}

void rep_json_bool(rep_json *j, const char *key, bool value)
{
    begin_value(j, key);
    fputs(value ? "true" : "false", j->out);
}

void rep_json_usd(rep_json *j, const char *key, int64_t uusd)
{
    char buf[REP_NUMBER_SIZE];
    begin_value(j, key);
    fputs(rep_usd(uusd, buf), j->out);
}

void rep_json_finish(rep_json *j)
{
    assert(j->depth == 0);
    fputc('\n', j->out);
}
