/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spec_traffic.c - the accepted keys of spec.services[].traffic[] and of lengths. See spec.c. */
#include "sim/scenario/spec_part.h"

#include <stdio.h>
#include <string.h>

/* A row for each key reads best as a row. */
/* clang-format off */

static const bind_name traffic_names[] = {{"poisson", MDL_ARRIVAL_POISSON},
                                          {"diurnal", MDL_ARRIVAL_DIURNAL},
                                          {"trace", MDL_ARRIVAL_TRACE},
                                          {"rates", MDL_ARRIVAL_RATES},
                                          {NULL, 0}};

/* --- lengths ----------------------------------------------------------------------------------------------- */

#define TOKENS_MAX 1048576

static const bind_field lognormal_fields[] = {
    {.key = "median", .kind = BIND_DOUBLE, .required = true, .unit = "tokens", .range = BIND_MIN | BIND_MAX, .min = 1.0,
     .max = TOKENS_MAX, BIND_AT(spec_lognormal, median), .help = "half of the requests are shorter"},
    {.key = "sigma", .kind = BIND_DOUBLE, .required = true, .range = BIND_MIN | BIND_MAX, .min = 0.0, .max = 5.0,
     BIND_AT(spec_lognormal, sigma), .help = "standard deviation of the logarithm"},
    {.key = NULL}};
static const bind_table lognormal_table = {.name = "lognormal", .size = sizeof(spec_lognormal),
                                           .fields = lognormal_fields};
static const bind_field empirical_fields[] = {
    {.key = "file", .kind = BIND_STRING, .required = true, BIND_AT(spec_empirical, file),
     BIND_NODE_AT(spec_empirical, file_node), .help = "a trace whose column is drawn from, relative to this file"},
    {.key = NULL}};
static const bind_table empirical_table = {.name = "empirical", .size = sizeof(spec_empirical),
                                           .fields = empirical_fields};

static const bind_field geometric_fields[] = {
    {.key = "mean", .kind = BIND_DOUBLE, .required = true, .range = BIND_MIN | BIND_MAX, .min = 1.0, .max = TOKENS_MAX,
     BIND_AT(spec_geometric, mean), .help = "before it is cut to max"},
    {.key = NULL}};
static const bind_table geometric_table = {.name = "geometric", .size = sizeof(spec_geometric),
                                           .fields = geometric_fields};

static bool length_check(bind *b, const ynode *node, void *object)
{
    spec_length *l = object;
    if ((l->lognormal != NULL) + (l->fixed > 0) + (l->empirical != NULL) + (l->geometric != NULL) != 1) {
        ynode_error(b->diag, node, "a length needs exactly one law: lognormal, fixed, empirical or geometric");
        return false;
    }
    if (l->fixed > l->max && !l->has_max) {
        l->max = l->fixed; /* the default bound is for laws with a tail */
    }
    if (l->min > l->max) {
        ynode_error(b->diag, node, "a length with 'min' %d above 'max' %d", l->min, l->max);
        return false;
    }
    if (l->fixed > 0 && (l->fixed < l->min || l->fixed > l->max)) {
        ynode_error(b->diag, node, "'fixed' %d is not within 'min' %d and 'max' %d", l->fixed, l->min, l->max);
        return false;
    }
    return true;
}

static const bind_field length_fields[] = {
    {.key = "lognormal", .kind = BIND_OPTION, .table = &lognormal_table, BIND_AT(spec_length, lognormal),
     .help = "{median, sigma}"},
    {.key = "fixed", .kind = BIND_INT32, .unit = "tokens", .range = BIND_MIN | BIND_MAX, .min = 1, .max = TOKENS_MAX,
     BIND_AT(spec_length, fixed), .help = "every request the same"},
    {.key = "empirical", .kind = BIND_OPTION, .table = &empirical_table, BIND_AT(spec_length, empirical),
     .help = "{file}: drawn from the lengths of a trace"},
    {.key = "geometric", .kind = BIND_OPTION, .table = &geometric_table, BIND_AT(spec_length, geometric),
     .help = "{mean}: every further token as likely as the one before"},
    {.key = "min", .kind = BIND_INT32, .unit = "tokens", .preset = "1", .range = BIND_MIN | BIND_MAX, .min = 1,
     .max = TOKENS_MAX, BIND_AT(spec_length, min), .help = "shorter draws are raised to this"},
    {.key = "max", .kind = BIND_INT32, .unit = "tokens", .preset = "8192", .range = BIND_MIN | BIND_MAX, .min = 1,
     .max = TOKENS_MAX, BIND_AT(spec_length, max), BIND_HAS(spec_length, has_max),
     .help = "longer draws are cut to this; the default does not bound 'fixed'"},
    {.key = NULL}};
static const bind_table length_table = {.name = "length", .size = sizeof(spec_length), .fields = length_fields,
                                        .self_at = offsetof(spec_length, self) + 1u, .check = length_check};
static bool lengths_check(bind *b, const ynode *node, void *object)
{
    const spec_lengths *l = object;
    if (l->pairs != NULL ? l->input != NULL || l->output != NULL || l->correlation != 0.0
                         : l->input == NULL || l->output == NULL) {
        ynode_error(b->diag, node,
                    "lengths are 'input' and 'output', and perhaps their 'correlation', or 'pairs' alone");
        return false;
    }
    if (l->correlation != 0.0 && (l->input->fixed > 0 || l->output->fixed > 0)) {
        ynode_error(b->diag, node, "'correlation' needs two lengths that vary; one of these is 'fixed'");
        return false;
    }
    return true;
}

static const bind_field lengths_fields[] = {
    {.key = "input", .kind = BIND_OPTION, .table = &length_table, BIND_AT(spec_lengths, input),
     .help = "prompt tokens"},
    {.key = "output", .kind = BIND_OPTION, .table = &length_table, BIND_AT(spec_lengths, output),
     .help = "generated tokens"},
    {.key = "correlation", .kind = BIND_DOUBLE, .preset = "0", .range = BIND_MIN | BIND_MAX, .min = -1.0, .max = 1.0,
     BIND_AT(spec_lengths, correlation),
     .help = "of input and output, by a Gaussian copula: that of their normal scores"},
    {.key = "pairs", .kind = BIND_OPTION, .table = &empirical_table, BIND_AT(spec_lengths, pairs),
     .help = "{file}: input and output of one row of a trace, drawn together"},
    {.key = NULL}};
const bind_table spec_lengths_table = {.name = "lengths", .size = sizeof(spec_lengths), .fields = lengths_fields,
                                       .check = lengths_check};

/* --- rate over time ---------------------------------------------------------------------------------------- */

#define FACTOR_MAX 10000.0
#define YEAR_S     (366.0 * 86400.0)

static const bind_name growth_names[] = {{"compound", 0}, {"linear", 1}, {NULL, 0}};
static const bind_name crowd_names[] = {
    {"ramp", SPEC_CROWD_RAMP}, {"spike", SPEC_CROWD_SPIKE}, {"double", SPEC_CROWD_DOUBLE}, {NULL, 0}};

static bool growth_check(bind *b, const ynode *node, void *object)
{
    const spec_growth *g = object;
    if (!g->linear && !(g->factor > 0.0)) {
        ynode_error(b->diag, node, "compound growth needs a 'factor' above 0");
        return false;
    }
    return true;
}

static const bind_field growth_fields[] = {
    {.key = "factor", .kind = BIND_DOUBLE, .required = true, .range = BIND_MIN | BIND_MAX, .min = 0.0, .max = 100.0,
     BIND_AT(spec_growth, factor), .help = "by which the rate multiplies; at the start of the simulation it is 1"},
    {.key = "over", .kind = BIND_DURATION, .preset = "1d", .range = BIND_MIN | BIND_MAX, .min = 3600.0,
     .max = 100.0 * YEAR_S, BIND_AT(spec_growth, over_ns), .help = "time in which it does"},
    {.key = "law", .kind = BIND_ENUM, .preset = "compound", .names = growth_names, BIND_AT(spec_growth, linear),
     .help = "compound: again in every such time; linear: as much more in every such time"},
    {.key = NULL}};
static const bind_table growth_table = {.name = "growth", .size = sizeof(spec_growth), .fields = growth_fields,
                                        .check = growth_check};

/* A day of the calendar: its midnight in UTC; whose midnight it is, the region says. */
static bool read_date(bind *b, const bind_field *field, const ynode *node, void *at)
{
    bind_time midnight;
    char text[32];
    if (node->kind != YNODE_SCALAR || node->length != strlen("2026-01-31") ||
        snprintf(text, sizeof text, "%sT00:00:00Z", node->text) < 0 || bind_parse_time(text, &midnight) != NULL) {
        ynode_error(b->diag, node, "'%s' must be a date such as 2026-05-01", field->key);
        return false;
    }
    *(int64_t *)at = midnight.unix_ns;
    return true;
}

static const bind_field holiday_fields[] = {
    {.key = "date", .kind = BIND_CUSTOM, .custom = read_date, .required = true, BIND_AT(spec_holiday, unix_ns),
     .help = "DATE: first day, by the clock of the region"},
    {.key = "days", .kind = BIND_INT32, .preset = "1", .range = BIND_MIN | BIND_MAX, .min = 1, .max = 366,
     BIND_AT(spec_holiday, days), .help = "how long"},
    {.key = "factor", .kind = BIND_DOUBLE, .required = true, .range = BIND_MIN | BIND_MAX, .min = 0.0,
     .max = FACTOR_MAX, BIND_AT(spec_holiday, factor), .help = "the rate times this; overlapping ones multiply"},
    {.key = NULL}};
static const bind_table holiday_table = {.name = "holiday", .size = sizeof(spec_holiday), .fields = holiday_fields,
                                         .self_at = offsetof(spec_holiday, self) + 1u};

static bool crowd_check(bind *b, const ynode *node, void *object)
{
    const spec_crowd *c = object;
    if ((c->kind == SPEC_CROWD_DOUBLE) != (c->gap_ns > 0)) {
        ynode_error(b->diag, node, c->gap_ns > 0 ? "only a crowd of kind 'double' has a 'gap'"
                                                 : "a crowd of kind 'double' needs a 'gap'");
        return false;
    }
    return true;
}

#define CROWD_TIME(key_, member_, preset_, help_)                                                                \
    {.key = key_, .kind = BIND_DURATION, .preset = preset_, .range = BIND_MIN | BIND_MAX, .min = 0.0,            \
     .max = YEAR_S, BIND_AT(spec_crowd, member_), .help = help_}

static const bind_field crowd_fields[] = {
    {.key = "kind", .kind = BIND_ENUM, .required = true, .names = crowd_names, BIND_AT(spec_crowd, kind),
     .help = "ramp: up, hold, down in straight lines; spike: the way down is exponential; double: a ramp that comes "
             "back"},
    {.key = "at", .kind = BIND_DURATION, .required = true, .range = BIND_MIN | BIND_MAX, .min = 0.0, .max = YEAR_S,
     BIND_AT(spec_crowd, at_ns), .help = "onset, since the start"},
    {.key = "factor", .kind = BIND_DOUBLE, .required = true, .range = BIND_MIN | BIND_MAX, .min = 0.0,
     .max = FACTOR_MAX, BIND_AT(spec_crowd, factor), .help = "the rate times this at the height; crowds multiply"},
    CROWD_TIME("rise", rise_ns, "0s", "way up"),
    CROWD_TIME("hold", hold_ns, "0s", "at the height"),
    CROWD_TIME("decay", decay_ns, "0s", "way down; spike: time in which the excess falls to 1/e"),
    CROWD_TIME("gap", gap_ns, NULL, "double: from the first onset to the second"),
    {.key = "again", .kind = BIND_DOUBLE, .preset = "1", .range = BIND_MIN | BIND_MAX, .min = 0.0, .max = 100.0,
     BIND_AT(spec_crowd, again), .help = "double: excess of the second over that of the first"},
    {.key = NULL}};
static const bind_table crowd_table = {.name = "crowd", .size = sizeof(spec_crowd), .fields = crowd_fields,
                                       .self_at = offsetof(spec_crowd, self) + 1u, .check = crowd_check};

/* --- burstiness -------------------------------------------------------------------------------------------- */

static const bind_field renewal_fields[] = {
    {.key = "cv", .kind = BIND_DOUBLE, .required = true, .range = BIND_MIN | BIND_MAX, .min = 0.05, .max = 20.0,
     BIND_AT(spec_renewal, cv), .help = "coefficient of variation of the gaps; Poisson has 1"},
    {.key = NULL}};
static const bind_table gamma_table = {.name = "gamma", .size = sizeof(spec_renewal), .fields = renewal_fields};
static const bind_table weibull_table = {.name = "weibull", .size = sizeof(spec_renewal), .fields = renewal_fields};
static const bind_field modulated_fields[] = {
    {.key = "factor", .kind = BIND_DOUBLE, .required = true, .range = BIND_ABOVE | BIND_MAX, .min = 0.0,
     .max = FACTOR_MAX, BIND_AT(spec_modulated, factor), .help = "rate in bursts over rate between them"},
    {.key = "on", .kind = BIND_DURATION, .required = true, .range = BIND_MIN | BIND_MAX, .min = 0.001, .max = YEAR_S,
     BIND_AT(spec_modulated, on_ns), .help = "mean length of a burst, exponential"},
    {.key = "off", .kind = BIND_DURATION, .required = true, .range = BIND_MIN | BIND_MAX, .min = 0.001, .max = YEAR_S,
     BIND_AT(spec_modulated, off_ns), .help = "mean time between bursts, exponential"},
    {.key = NULL}};
static const bind_table modulated_table = {.name = "modulated", .size = sizeof(spec_modulated),
                                           .fields = modulated_fields};

static bool burstiness_check(bind *b, const ynode *node, void *object)
{
    const spec_burstiness *s = object;
    if ((s->gamma != NULL) + (s->weibull != NULL) + (s->modulated != NULL) == 0 ||
        (s->gamma != NULL && s->weibull != NULL)) {
        ynode_error(b->diag, node, "'burstiness' needs one of gamma and weibull, or modulated, or both");
        return false;
    }
    return true;
}

static const bind_field burstiness_fields[] = {
    {.key = "gamma", .kind = BIND_OPTION, .table = &gamma_table, BIND_AT(spec_burstiness, gamma),
     .help = "{cv}: gamma gaps on the clock of the rate"},
    {.key = "weibull", .kind = BIND_OPTION, .table = &weibull_table, BIND_AT(spec_burstiness, weibull),
     .help = "{cv}: Weibull gaps on the clock of the rate"},
    {.key = "modulated", .kind = BIND_OPTION, .table = &modulated_table, BIND_AT(spec_burstiness, modulated),
     .help = "{factor, on, off}: the rate switches between two levels"},
    {.key = NULL}};
static const bind_table burstiness_table = {.name = "burstiness", .size = sizeof(spec_burstiness),
                                            .fields = burstiness_fields, .check = burstiness_check};

/* --- sessions ---------------------------------------------------------------------------------------------- */

#define TURNS_MAX 10000

static bool turns_check(bind *b, const ynode *node, void *object)
{
    spec_length *l = object;
    if ((l->lognormal != NULL) + (l->fixed > 0) + (l->geometric != NULL) != 1) {
        ynode_error(b->diag, node, "'turns' needs exactly one law: fixed, geometric or lognormal");
        return false;
    }
    if (l->fixed > l->max) {
        l->max = l->fixed;
    }
    l->min = 1;
    return true;
}

static const bind_field turns_fields[] = {
    {.key = "fixed", .kind = BIND_INT32, .range = BIND_MIN | BIND_MAX, .min = 1, .max = TURNS_MAX,
     BIND_AT(spec_length, fixed), .help = "every conversation the same"},
    {.key = "geometric", .kind = BIND_OPTION, .table = &geometric_table, BIND_AT(spec_length, geometric),
     .help = "{mean}: after each turn, another one is as likely as after any other"},
    {.key = "lognormal", .kind = BIND_OPTION, .table = &lognormal_table, BIND_AT(spec_length, lognormal),
     .help = "{median, sigma}, rounded"},
    {.key = "max", .kind = BIND_INT32, .preset = "100", .range = BIND_MIN | BIND_MAX, .min = 1, .max = TURNS_MAX,
     BIND_AT(spec_length, max), .help = "more are cut to this; does not bound 'fixed'"},
    {.key = NULL}};
static const bind_table turns_table = {.name = "turns", .size = sizeof(spec_length), .fields = turns_fields,
                                       .self_at = offsetof(spec_length, self) + 1u, .check = turns_check};
static const bind_name think_names[] = {{"sending", 0}, {"answer", 1}, {NULL, 0}};
static const bind_field sessions_fields[] = {
    {.key = "turns", .kind = BIND_TABLE, .required = true, .table = &turns_table, BIND_AT(spec_sessions, turns),
     .help = "requests of a conversation"},
    {.key = "think", .kind = BIND_TABLE, .required = true, .table = &spec_law_table, BIND_AT(spec_sessions, think),
     .help = "law of the time until the next one is sent"},
    {.key = "thinkFrom", .kind = BIND_ENUM, .preset = "sending", .names = think_names,
     BIND_AT(spec_sessions, answered),
     .help = "sending: it runs from the sending of the one before, so that what comes is the same whoever serves it; "
             "answer: from the answer to that, so that slow answers make fewer requests, and one that is lost is the "
             "last of its conversation"},
    {.key = "systemPrompt", .kind = BIND_INT32, .unit = "tokens", .preset = "0", .range = BIND_MIN | BIND_MAX,
     .min = 0, .max = TOKENS_MAX, BIND_AT(spec_sessions, system_tokens),
     .help = "leading tokens of every first turn, the same for all: in every prefix cache"},
    {.key = "maxContext", .kind = BIND_INT32, .unit = "tokens", .range = BIND_MIN | BIND_MAX, .min = 1,
     .max = TOKENS_MAX, BIND_AT(spec_sessions, max_context),
     .help = "a conversation whose next turn is over this, in and out, ends; default: what the model takes"},
    {.key = NULL}};
static const bind_table sessions_table = {.name = "sessions", .size = sizeof(spec_sessions),
                                          .fields = sessions_fields,
                                          .self_at = offsetof(spec_sessions, self) + 1u};

/* --- traffic ----------------------------------------------------------------------------------------------- */

#define RATE_MAX 1e6

static const bind_field poisson_fields[] = {
    {.key = "rate", .kind = BIND_RATE, .required = true, .range = BIND_ABOVE | BIND_MAX, .min = 0.0, .max = RATE_MAX,
     BIND_AT(spec_traffic, rate_per_s), .help = "requests per second"},
    {.key = NULL}};
static const bind_field diurnal_fields[] = {
    {.key = "peak", .kind = BIND_RATE, .range = BIND_ABOVE | BIND_MAX, .min = 0.0, .max = RATE_MAX,
     BIND_AT(spec_traffic, peak_per_s), BIND_HAS(spec_traffic, has_peak), .help = "largest rate of a working day"},
    {.key = "trough", .kind = BIND_RATE, .range = BIND_MIN | BIND_MAX, .min = 0.0, .max = RATE_MAX,
     BIND_AT(spec_traffic, trough_per_s), BIND_HAS(spec_traffic, has_trough),
     .help = "smallest rate of a working day"},
    {.key = "peakAt", .kind = BIND_CLOCK, .preset = "14:00", BIND_AT(spec_traffic, peak_at_ns),
     BIND_HAS(spec_traffic, has_peak_at),
     .help = "local time of the peak; without shape"},
    {.key = "weekend", .kind = BIND_DOUBLE, .preset = "1", .range = BIND_MIN | BIND_MAX, .min = 0.0, .max = 10.0,
     BIND_AT(spec_traffic, weekend), .help = "Saturday and Sunday times this"},
    {.key = "shape", .kind = BIND_STRING, BIND_AT(spec_traffic, shape), BIND_NODE_AT(spec_traffic, shape_node),
     .help = "a shape of tables/shapes.csv; default: a raised cosine"},
    {.key = "hours", .kind = BIND_SCALARS, .item = BIND_RATE, .range = BIND_MIN | BIND_MAX, .min = 0.0, .max = RATE_MAX,
     BIND_AT(spec_traffic, hours), BIND_COUNT(spec_traffic, hour_count), BIND_NODE_AT(spec_traffic, hours_node),
     .help = "instead of peak, trough, peakAt and shape: 168 rates, each held for an hour, from Monday 00:00 local "
             "time; or 24, the same for every day"},
    {.key = NULL}};
static const bind_field trace_fields[] = {
    {.key = "file", .kind = BIND_STRING, .required = true, BIND_AT(spec_traffic, file),
     BIND_NODE_AT(spec_traffic, file_node), .help = "trace in any form of 'spillway trace', relative to this file"},
    {.key = "scale", .kind = BIND_DOUBLE, .preset = "1", .range = BIND_ABOVE | BIND_MAX, .min = 0.0, .max = 10000.0,
     BIND_AT(spec_traffic, scale), .help = "each request is replayed this many times on average"},
    {.key = "loop", .kind = BIND_BOOL, .preset = "false", BIND_AT(spec_traffic, loop),
     .help = "start over at the end of the trace"},
    {.key = "shift", .kind = BIND_DURATION, .preset = "0s", .range = BIND_MIN | BIND_MAX, .min = 0.0,
     .max = 366.0 * 86400.0, BIND_AT(spec_traffic, shift_ns), .help = "simulated time of the first request"},
    {.key = NULL}};
static const bind_field rates_fields[] = {
    {.key = "file", .kind = BIND_STRING, .required = true, BIND_AT(spec_traffic, file),
     BIND_NODE_AT(spec_traffic, file_node),
     .help = "CSV with at_s and rate_per_s, relative to this file: each rate from that simulated time on, the last for "
             "ever, none before the first"},
    {.key = "scale", .kind = BIND_DOUBLE, .preset = "1", .range = BIND_ABOVE | BIND_MAX, .min = 0.0, .max = 10000.0,
     BIND_AT(spec_traffic, scale), .help = "every rate times this"},
    {.key = NULL}};
static const bind_variant traffic_variants[] = {
    {"poisson", poisson_fields, "Poisson arrivals at a constant rate"},
    {"diurnal", diurnal_fields, "Poisson arrivals whose rate follows the hour and the day of the week"},
    {"trace", trace_fields, "replay of recorded arrivals and lengths"},
    {"rates", rates_fields, "Poisson arrivals whose rate follows a file, e.g. one that was measured"},
    {NULL, NULL, NULL}};

static bool diurnal_check(bind *b, const ynode *node, const spec_traffic *t)
{
    if (t->hours_node == NULL) {
        if (!t->has_peak || !t->has_trough) {
            ynode_error(b->diag, node, "diurnal traffic needs 'peak' and 'trough', or 'hours'");
        }
        return t->has_peak && t->has_trough;
    }
    if (t->has_peak || t->has_trough || t->has_peak_at || t->shape != NULL) {
        ynode_error(b->diag, t->hours_node, "'hours' says it all: no 'peak', 'trough', 'peakAt' or 'shape' beside it");
        return false;
    }
    if (t->hour_count != MDL_SHAPE_HOURS && t->hour_count != 24) {
        ynode_error(b->diag, t->hours_node, "'hours' has %zu rates; it needs 168, or 24 for every day alike",
                    t->hour_count);
        return false;
    }
    return true;
}

static bool traffic_check(bind *b, const ynode *node, void *object)
{
    const spec_traffic *t = object;
    if (t->kind == MDL_ARRIVAL_TRACE && (t->burstiness != NULL || t->sessions != NULL || t->lengths != NULL)) {
        ynode_error(b->diag, node, "a trace has its own burstiness, sessions and lengths: 'burstiness', 'sessions' and "
                    "'lengths' belong to drawn traffic");
        return false;
    }
    if (t->kind == MDL_ARRIVAL_DIURNAL && !diurnal_check(b, node, t)) {
        return false;
    }
    if (t->kind == MDL_ARRIVAL_DIURNAL && t->trough_per_s > t->peak_per_s) {
        ynode_error(b->diag, node, "'trough' (%g/s) is above 'peak' (%g/s)", t->trough_per_s, t->peak_per_s);
        return false;
    }
    return true;
}

static const bind_field traffic_fields[] = {
    {.key = "kind", .kind = BIND_ENUM, .required = true, .names = traffic_names, BIND_AT(spec_traffic, kind),
     .help = "when requests come"},
    {.key = "from", .kind = BIND_STRING, .required = true, BIND_AT(spec_traffic, from),
     BIND_NODE_AT(spec_traffic, from_node), .help = "region of the users, one of spec.regions"},
    {.key = "priority", .kind = BIND_INT32, .preset = "0", .range = BIND_MIN | BIND_MAX, .min = -1000000,
     .max = 1000000, BIND_AT(spec_traffic, priority), BIND_NODE_AT(spec_traffic, priority_node),
     .help = "in a replica's queue and batch: smaller is more urgent, as in vLLM; llm"},
    {.key = "tenant", .kind = BIND_STRING, .preset = "", BIND_AT(spec_traffic, tenant),
     BIND_NODE_AT(spec_traffic, tenant_node), .help = "whose requests these are"},
    {.key = "growth", .kind = BIND_OPTION, .table = &growth_table, BIND_AT(spec_traffic, growth),
     .help = "the rate multiplies over time; with any kind, as all of these: {factor, over}"},
    {.key = "holidays", .kind = BIND_LIST, .table = &holiday_table, BIND_AT(spec_traffic, holidays),
     BIND_COUNT(spec_traffic, holiday_count), .help = "days on which the rate is another"},
    {.key = "crowds", .kind = BIND_LIST, .table = &crowd_table, BIND_AT(spec_traffic, crowds),
     BIND_COUNT(spec_traffic, crowd_count), .help = "flash crowds"},
    {.key = "burstiness", .kind = BIND_OPTION, .table = &burstiness_table, BIND_AT(spec_traffic, burstiness),
     .help = "beyond Poisson, at the same rate; not with a trace"},
    {.key = "sessions", .kind = BIND_OPTION, .table = &sessions_table, BIND_AT(spec_traffic, sessions),
     .help = "requests are turns of conversations; not with a trace"},
    {.key = "lengths", .kind = BIND_OPTION, .table = &spec_lengths_table, BIND_AT(spec_traffic, lengths),
     BIND_NODE_AT(spec_traffic, lengths_node), .help = "of these requests; default: those of the service"},
    {.key = NULL}};
const bind_table spec_traffic_table = {.name = "traffic", .size = sizeof(spec_traffic), .fields = traffic_fields,
                                         .tag = "kind", .variants = traffic_variants,
                                         .self_at = offsetof(spec_traffic, self) + 1u, .check = traffic_check};
