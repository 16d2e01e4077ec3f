/* SPDX-License-Identifier: GPL-3.0-or-later */
/** trace_actions.h - what 'spillway trace' can do, one function for each action. */
#ifndef SIM_CLI_TRACE_ACTIONS_H
#define SIM_CLI_TRACE_ACTIONS_H

#include "sim/cli/commands.h"
#include "sim/trace/trace.h"

#define TRACE_FILES_MAX 256

typedef struct trace_values {
    trace_options read;
    int zero, sort, aligned, format, decisions;
    int64_t input, output, seed;
    const char *spread, *from, *to, *jitter, *by, *factor, *out;
    int64_t from_ns, to_ns, jitter_ns, by_ns;
    /* a log of decisions */
    opt_list services, manifests, users;
    const char *model, *demand, *step;
    int64_t step_ns;
} trace_values;

/** Says a line on stderr. @return status */
cli_status trace_complain(const char *err, cli_status status);
cli_status trace_no_memory(void);
/** Is FILE, of a form not said, one of client rates? Those are no requests yet. */
bool trace_is_rates(const trace_values *v, const char *path);
cli_status trace_do_import(const trace_values *v, const char *const *operands, size_t count);
/** import of a log of decisions, in one part or several, to the folder v->out. */
cli_status trace_do_decisions(const trace_values *v, const char *const *operands, size_t count);
cli_status trace_do_stats(const trace_values *v, const char *const *operands, size_t count);
cli_status trace_do_slice(const trace_values *v, const char *const *operands, size_t count);
cli_status trace_do_scale(const trace_values *v, const char *const *operands, size_t count);
cli_status trace_do_shift(const trace_values *v, const char *const *operands, size_t count);
cli_status trace_do_mix(const trace_values *v, const char *const *operands, size_t count);
cli_status trace_do_fit(const trace_values *v, const char *const *operands, size_t count);

#endif
