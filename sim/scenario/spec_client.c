/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spec_client.c - the accepted keys of spec.services[].retry and .admission. Formulas: models/client/client.h. */
#include "sim/scenario/spec_part.h"

/* clang-format off */

static const bind_field retry_fields[] = {
    {.key = "attempts", .kind = BIND_INT32, .required = true, .range = BIND_MIN | BIND_MAX, .min = 1, .max = 100,
     BIND_AT(spec_retry, attempts), .help = "in all, the first included"},
    {.key = "backoff", .kind = BIND_DURATION, .preset = "1s", .range = BIND_MIN | BIND_MAX, .min = 0.0, .max = 3600.0,
     BIND_AT(spec_retry, backoff_ns), .help = "before the first retry"},
    {.key = "factor", .kind = BIND_DOUBLE, .preset = "2", .range = BIND_MIN | BIND_MAX, .min = 1.0, .max = 100.0,
     BIND_AT(spec_retry, factor), .help = "each further back-off is so many times longer"},
    {.key = "maxBackoff", .kind = BIND_DURATION, .preset = "30s", .range = BIND_MIN | BIND_MAX, .min = 0.0,
     .max = 86400.0, BIND_AT(spec_retry, max_ns), .help = "but no longer than this"},
    {.key = "jitter", .kind = BIND_DOUBLE, .preset = "1", .range = BIND_MIN | BIND_MAX, .min = 0.0, .max = 1.0,
     BIND_AT(spec_retry, jitter), .help = "share of a back-off that is random: 1 = all of it, 0 = none"},
    {.key = "budget", .kind = BIND_DOUBLE, .preset = "0", .range = BIND_MIN | BIND_MAX, .min = 0.0, .max = 100.0,
     BIND_AT(spec_retry, budget), .help = "retries for each first attempt in the long run, e.g. 0.1; 0 = no bound"},
    {.key = "budgetBurst", .kind = BIND_DOUBLE, .preset = "100", .range = BIND_MIN | BIND_MAX, .min = 1.0, .max = 1e9,
     BIND_AT(spec_retry, budget_burst), .help = "with budget: retries that may come at once"},
    {.key = "attemptTimeout", .kind = BIND_DURATION, .range = BIND_ABOVE | BIND_MAX, .min = 0.0, .max = 86400.0,
     BIND_AT(spec_retry, attempt_timeout_ns), BIND_HAS(spec_retry, has_timeout),
     .help = "an attempt not served by then is given up and tried again; default: only rejections are"},
    {.key = "cancel", .kind = BIND_BOOL, .preset = "true", BIND_AT(spec_retry, cancels),
     .help = "servers stop work on an attempt that was given up; false: they do not notice. attempts: 1: always true"},
    {.key = NULL}};
const bind_table spec_retry_table = {.name = "retry", .size = sizeof(spec_retry), .fields = retry_fields};

static bool admission_check(bind *b, const ynode *node, void *object)
{
    const spec_admission *a = object;
    if (a->per_replica <= 0 && a->rate_per_s <= 0) {
        ynode_error(b->diag, node, "'admission' needs 'perReplica' or 'rate'");
        return false;
    }
    return true;
}

static const bind_field admission_fields[] = {
    {.key = "perReplica", .kind = BIND_DOUBLE, .range = BIND_ABOVE | BIND_MAX, .min = 0.0, .max = 1e6,
     BIND_AT(spec_admission, per_replica), .help = "attempts under way for each ready replica; with none ready: none"},
    {.key = "reserved", .kind = BIND_DOUBLE, .preset = "0", .range = BIND_MIN | BIND_MAX, .min = 0.0, .max = 1.0,
     BIND_AT(spec_admission, reserved),
     .help = "share of perReplica that only traffic of the service's most urgent 'priority' may use: the rest is shed "
             "first"},
    {.key = "rate", .kind = BIND_RATE, .range = BIND_ABOVE | BIND_MAX, .min = 0.0, .max = 1e9,
     BIND_AT(spec_admission, rate_per_s), .help = "token bucket: attempts per second"},
    {.key = "burst", .kind = BIND_DOUBLE, .preset = "100", .range = BIND_MIN | BIND_MAX, .min = 1.0, .max = 1e9,
     BIND_AT(spec_admission, burst), .help = "token bucket: attempts at once"},
    {.key = NULL}};
const bind_table spec_admission_table = {.name = "admission", .size = sizeof(spec_admission),
                                         .fields = admission_fields, .check = admission_check};
