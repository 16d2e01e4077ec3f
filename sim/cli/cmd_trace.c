/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_trace.c - spillway trace: import a CSV of requests into binary columns; statistics of a trace. */
#include "sim/cli/commands.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sched/manifest/suggest.h"
#include "sim/trace/trace.h"

#define ERR_SIZE 4096

static int by_value(const void *a, const void *b)
{
    int32_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

/* Nearest-rank quantile of sorted values. */
static int32_t quantile(const int32_t *sorted, size_t count, size_t percent)
{
    return sorted[(count * percent + 99) / 100 - 1];
}

static int print_tokens(const char *name, const int32_t *values, size_t count)
{
    int32_t *sorted = malloc(count * sizeof *sorted);
    if (sorted == NULL) {
        return -1;
    }
    memcpy(sorted, values, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_value);
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) {
        sum += (double)sorted[i];
    }
    printf("%s mean %.2f p50 %" PRId32 " p90 %" PRId32 " p99 %" PRId32 " max %" PRId32 "\n", name, sum / (double)count,
           quantile(sorted, count, 50), quantile(sorted, count, 90), quantile(sorted, count, 99), sorted[count - 1]);
    free(sorted);
    return 0;
}

static cli_status print_stats(const mdl_trace *t)
{
    const double span_s = (double)t->at_ns[t->count - 1] / 1e9;
    printf("requests %zu\nspan_s %.3f\nmean_rate_per_s %.4f\n", t->count, span_s,
           span_s > 0.0 ? (double)t->count / span_s : 0.0);
    if (print_tokens("input_tokens", t->input_tokens, t->count) != 0 ||
        print_tokens("output_tokens", t->output_tokens, t->count) != 0) {
        fputs("spillway: out of memory\n", stderr);
        return CLI_INTERNAL;
    }
    return CLI_DONE;
}

static cli_status wrong_action(const char *word)
{
    suggest near;
    suggest_init(&near, word);
    suggest_offer(&near, "import");
    suggest_offer(&near, "stats");
    fprintf(stderr, "spillway trace: '%s' is neither import nor stats", word);
    if (near.best != NULL) {
        fprintf(stderr, " (did you mean '%s'?)", near.best);
    }
    fputs("; see 'spillway trace --help'\n", stderr);
    return CLI_BAD;
}

static cli_status act(const opt_list *operands)
{
    const int import = strcmp(operands->at[0], "import") == 0;
    if (!import && strcmp(operands->at[0], "stats") != 0) {
        return wrong_action(operands->at[0]);
    }
    if (operands->count != (import ? 3u : 2u)) {
        fprintf(stderr, "spillway trace: %s; see 'spillway trace --help'\n",
                import ? "import wants a CSV and the file to write" : "stats wants one file");
        return CLI_BAD;
    }
    char err[ERR_SIZE];
    if (import && !trace_may_replace(operands->at[1], operands->at[2], err, sizeof err)) {
        fprintf(stderr, "%s\n", err);
        return CLI_BAD;
    }
    trace *t = trace_open(operands->at[1], err, sizeof err);
    if (t == NULL) {
        fprintf(stderr, "%s\n", err);
        return CLI_BAD;
    }
    cli_status status = CLI_DONE;
    if (!import) {
        status = print_stats(trace_columns(t));
    } else if (trace_write(t, operands->at[2], err, sizeof err)) {
        printf("%s: %zu requests\n", operands->at[2], trace_columns(t)->count);
    } else {
        fprintf(stderr, "%s\n", err);
        status = CLI_IO;
    }
    trace_close(t);
    return status;
}

static cli_status run(int argc, char **argv)
{
    char none = 0;
    opt_list operands;
    const opt_outcome outcome = opt_parse(&cli_trace, argc, argv, &none, &operands, stdout, stderr);
    const cli_status status = outcome == OPT_GO ? act(&operands) : opt_exit(outcome);
    opt_fini(&cli_trace, &none, &operands);
    return status;
}

const opt_command cli_trace = {.name = "trace",
                               .operands = "import CSV OUT | stats FILE",
                               .summary = "import a CSV of requests into binary columns; statistics of a trace",
                               .rows = NULL,
                               .row_count = 0,
                               .operands_min = 2,
                               .operands_max = 3,
                               .examples = {"spillway trace import AzureLLMInferenceTrace_conv.csv azure.trace",
                                            "spillway trace stats azure.trace"},
                               .run = run};
