/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * check.h - conditions on the figures of a run: "ttft.p95<=2s", "cost.total_usd<300", "slo.attainment>=99%".
 *
 *   CONDITION  = METRIC OPERATOR NUMBER [UNIT]
 *   OPERATOR   = <= | >= | < | >
 *   METRIC     = a name of report_value(), e.g. latency.ttft_s.p95, services.prod/chat.attainment. Latencies may be
 *                written short: ttft.p95, services.prod/chat.e2e.p99; cost alone means cost.total_usd
 *   UNIT       = ns us ms s min h d (times only), % (shares only), USD (money only); without one: s, a share of 1, USD
 * Blanks may stand around each part.
 */
#ifndef SIM_EXPERIMENT_CHECK_H
#define SIM_EXPERIMENT_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "sim/report/report.h"

#define CHECK_NAME_SIZE 256

/** What a figure is measured in, by its name. */
typedef enum metric_unit { METRIC_PLAIN = 0, METRIC_SECONDS, METRIC_USD, METRIC_SHARE } metric_unit;
metric_unit metric_unit_of(const char *name);

/**
 * The full name of a metric that may be written short.
 * @param in known  names that exist; NULL: not looked up, only written out
 * @return 0; -1: there is none of that name, out holds the closest one that exists
 */
int metric_resolve(const report_values *known, const char *text, char out[CHECK_NAME_SIZE]);

/** The short way to write a full name, which metric_resolve() takes back: "ttft.p99", "cost". @return out */
char *metric_short(const char *name, char out[CHECK_NAME_SIZE]);

/** The names a scenario's runs will have. @return to be freed with report_values_free; NULL: memory */
report_values *metric_names(const sc_scenario *sc);

typedef struct check {
    char metric[CHECK_NAME_SIZE]; /**< in full */
    const char *text;             /**< as written, borrowed */
    double limit;
    bool at_most; /**< < or <= ; else > or >= */
    bool strict;  /**< < or > */
} check;

/**
 * Reads one condition.
 * @param in where  what stands in front of a message, e.g. "--slo" or "gates.yaml:3"; the column follows
 * @param in known  as metric_resolve
 * @param in offset columns before the text in its line, 0 for an option
 * @return 0, or -1 with "WHERE:COLUMN: error: ..." in err
 */
int check_parse(const char *text, const char *where, size_t offset, const report_values *known, check *out, char *err,
                size_t err_size);

/** Whether a value satisfies the condition; what does not exist (NaN) never does. */
bool check_holds(const check *c, double value);
/** How far a value is inside (positive) or outside (negative), in the unit of the metric. NaN: -infinity. */
double check_margin(const check *c, double value);

#endif
