/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_trace.c - spillway trace: traces in, statistics, changed traces and traffic blocks out. */
#include "sim/cli/trace_actions.h"

#include <string.h>

#include "sched/manifest/bind.h"
#include "sched/manifest/suggest.h"

#define NS_PER_S 1e9

static const opt_row rows[] = {
    {"form", "NAME", "form of FILE: azure, burstgpt, mooncake, plain, ... (default: told by its first line)", OPT_TEXT,
     offsetof(trace_values, read.form), 0, 0},
    {"columns", "MAP",
     "any other CSV, as time=NAME[:clock|s|ms|us|ns],input=NAME,output=NAME; also session=, prefix=, priority=",
     OPT_TEXT, offsetof(trace_values, read.columns), 0, 0},
    {"zero", "refuse|skip|one", "requests with 0 tokens: an error (default), left out, or 1 token", OPT_CHOICE,
     offsetof(trace_values, zero), 0, 0},
    {"sort", NULL, "take requests in any order of time", OPT_FLAG, offsetof(trace_values, sort), 0, 0},
    {"spread", "DURATION", "spread requests of one instant evenly over this long (mooncake: 3s)", OPT_TEXT,
     offsetof(trace_values, spread), 0, 0},
    {"input", "N", "input tokens of every request, where the file has none", OPT_INT, offsetof(trace_values, input), 0,
     INT32_MAX},
    {"output", "N", "output tokens of every request, where the file has none", OPT_INT, offsetof(trace_values, output),
     0, INT32_MAX},
    {"from", "DURATION", "import of rates, slice, fit: from so long after the first request (default 0s)", OPT_TEXT,
     offsetof(trace_values, from), 0, 0},
    {"to", "DURATION", "likewise: before so long after the first request (default: the end)", OPT_TEXT,
     offsetof(trace_values, to), 0, 0},
    {"factor", "NUMBER", "scale, import of rates: requests for each one", OPT_TEXT, offsetof(trace_values, factor), 0,
     0},
    {"jitter", "DURATION", "scale: copies lie up to this far behind the original (default 0s)", OPT_TEXT,
     offsetof(trace_values, jitter), 0, 0},
    {"by", "DURATION", "shift: later by this, earlier with a leading -", OPT_TEXT, offsetof(trace_values, by), 0, 0},
    {"aligned", NULL, "mix: all traces begin at the same instant", OPT_FLAG, offsetof(trace_values, aligned), 0, 0},
    {"seed", "N", "scale, fit, import of rates: seed of what is drawn (default 1)", OPT_INT,
     offsetof(trace_values, seed), 0, INT64_MAX},
    {"out", "DIR",
     "stats: also CSV files and, but for a table, a picture of the (one) FILE; import --decisions: the folder to make",
     OPT_TEXT, offsetof(trace_values, out), 0, 0},
    {"format", "text|json", "stats: how to print (default text)", OPT_CHOICE, offsetof(trace_values, format), 0, 0},
    {"decisions", NULL,
     "import: FILE... are the parts of a log of decisions with snapshots (run --record, spillwayd); makes a scenario "
     "that begins and is asked as it was, in --out",
     OPT_FLAG, offsetof(trace_values, decisions), 0, 0},
    {"service", "FILE",
     "--decisions: what a workload serves, which no log says: an entry of spec.services, or a scenario that has it; "
     "repeatable",
     OPT_LIST, offsetof(trace_values, services), 0, 0},
    {"model", "NAME", "--decisions: instead of a FILE, the model; with --input and --output", OPT_TEXT,
     offsetof(trace_values, model), 0, 0},
    {"users", "REGION[=SHARE]",
     "--decisions: where users are (default: where most replicas stood); repeatable with shares", OPT_LIST,
     offsetof(trace_values, users), 0, 0},
    {"manifests", "FILE", "--decisions: these objects instead of those in the log; repeatable", OPT_LIST,
     offsetof(trace_values, manifests), 0, 0},
    {"demand", "[NAME=]MEANING",
     "--decisions: derive demand from metric NAME, or from those known to count MEANING: rate (requests/s), "
     "tokens-out, tokens-in, in-flight or busy (default: the first of these that the log has)",
     OPT_TEXT, offsetof(trace_values, demand), 0, 0},
    {"step", "DURATION", "--decisions: demand is averaged over so long (default 1m)", OPT_TEXT,
     offsetof(trace_values, step), 0, 0},
};

static const opt_action words[] = {
    {"import FILE OUT", "writes FILE to OUT in columns, as all commands read it fastest; of rates of clients, requests "
                        "are drawn"},
    {"import --decisions FILE...", "makes a scenario from a log of decisions in --out"},
    {"stats FILE...", "prints rates, burstiness and lengths; --out: as files too"},
    {"slice FILE OUT", "writes the requests between --from and --to to OUT"},
    {"scale FILE OUT", "writes --factor times the requests to OUT"},
    {"shift FILE OUT", "writes the requests, moved by --by, to OUT"},
    {"fit FILE [PAIRS]", "prints an entry of a service's traffic that resembles FILE; lengths are drawn as pairs of "
                         "input and output from PAIRS, a trace that is written for it, or without it from lognormals; "
                         "conversations, shared prefixes and priorities are left out"},
    {"mix FILE FILE... OUT", "writes the requests of all FILEs to OUT"},
};

typedef struct action {
    const char *name;
    const char *usage;
    size_t least, most; /* operands behind the name */
    cli_status (*run)(const trace_values *v, const char *const *operands, size_t count);
} action;

static const action actions[] = {
    {"import", "a FILE and the trace to write, or --decisions FILE... --out DIR", 1, TRACE_FILES_MAX, trace_do_import},
    {"stats", "one FILE or more", 1, TRACE_FILES_MAX, trace_do_stats},
    {"slice", "a FILE and the trace to write", 2, 2, trace_do_slice},
    {"scale", "a FILE, the trace to write and --factor", 2, 2, trace_do_scale},
    {"shift", "a FILE, the trace to write and --by", 2, 2, trace_do_shift},
    {"fit", "a FILE, and perhaps the trace to write pairs of lengths to", 1, 2, trace_do_fit},
    {"mix", "two FILEs or more, and the trace to write", 3, TRACE_FILES_MAX, trace_do_mix},
};
#define ACTIONS (sizeof actions / sizeof actions[0])

static cli_status wrong_action(const char *word)
{
    suggest near;
    suggest_init(&near, word);
    fprintf(stderr, "spillway trace: '%s' is none of", word);
    for (size_t i = 0; i < ACTIONS; i++) {
        suggest_offer(&near, actions[i].name);
        fprintf(stderr, "%s %s", i > 0 ? "," : "", actions[i].name);
    }
    if (near.best != NULL) {
        fprintf(stderr, " (did you mean '%s'?)", near.best);
    }
    fputs("; see 'spillway trace --help'\n", stderr);
    return CLI_BAD;
}

/* A duration option; text NULL keeps the preset. */
static bool take_duration(const char *name, const char *text, int64_t *ns)
{
    const char *problem = NULL;
    const bool minus = text != NULL && *text == '-' && strcmp(name, "by") == 0;
    if (text == NULL) {
        return true;
    }
    problem = bind_parse_duration(text + minus, ns);
    if (problem == NULL && *ns < 0) {
        problem = "must not be negative";
    }
    if (problem != NULL) {
        fprintf(stderr, "spillway trace: --%s %s: a duration such as 90s, 15m or 1h30m is needed\n", name, text);
        return false;
    }
    *ns = minus ? -*ns : *ns;
    return true;
}

static bool take_values(trace_values *v)
{
    v->to_ns = INT64_MAX;
    v->read.zero = (trace_zero)v->zero;
    v->read.sort = v->sort != 0;
    v->read.input = (int32_t)v->input;
    v->read.output = (int32_t)v->output;
    return take_duration("spread", v->spread, &v->read.spread_ns) && take_duration("from", v->from, &v->from_ns) &&
           take_duration("to", v->to, &v->to_ns) && take_duration("jitter", v->jitter, &v->jitter_ns) &&
           take_duration("by", v->by, &v->by_ns) && take_duration("step", v->step, &v->step_ns);
}

/* Is this word for word one of a list "a, b, c"? */
static bool is_one_of(const char *list, const char *word)
{
    const size_t length = strlen(word);
    for (const char *at = list; at != NULL; at = strchr(at, ',') != NULL ? strchr(at, ',') + 2 : NULL) {
        if (strcspn(at, ",") == length && strncmp(at, word, length) == 0) {
            return true;
        }
    }
    return false;
}

/* An option of other actions would be passed over, and the result not be what was asked for. */
static bool fits(const trace_values *v, const char *name)
{
    const bool log = v->decisions != 0 && strcmp(name, "import") == 0;
    const struct {
        const char *option, *actions;
        bool given;
    } some[] = {
        {"from", "import, slice, fit", v->from != NULL},
        {"to", "import, slice, fit", v->to != NULL},
        {"factor", "import, scale", v->factor != NULL},
        {"jitter", "scale", v->jitter != NULL},
        {"by", "shift", v->by != NULL},
        {"aligned", "mix", v->aligned != 0},
        {"out", "import --decisions, stats", v->out != NULL},
        {"format", "stats", v->format != 0},
        {"decisions", "import --decisions", v->decisions != 0},
        {"service", "import --decisions", v->services.count > 0},
        {"model", "import --decisions", v->model != NULL},
        {"users", "import --decisions", v->users.count > 0},
        {"manifests", "import --decisions", v->manifests.count > 0},
        {"demand", "import --decisions", v->demand != NULL},
        {"step", "import --decisions", v->step != NULL},
    };
    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
        if (some[i].given && !is_one_of(some[i].actions, log ? "import --decisions" : name)) {
            fprintf(stderr, "spillway trace: %s%s takes no --%s; %s %s\n", name, log ? " --decisions" : "",
                    some[i].option, some[i].actions, strchr(some[i].actions, ',') != NULL ? "do" : "does");
            return false;
        }
    }
    return true;
}

static cli_status act(trace_values *v, const opt_list *operands)
{
    for (size_t i = 0; i < ACTIONS; i++) {
        if (strcmp(operands->at[0], actions[i].name) != 0) {
            continue;
        }
        const size_t count = operands->count - 1;
        if (count < actions[i].least || count > actions[i].most) {
            fprintf(stderr, "spillway trace: %s wants %s; see 'spillway trace --help'\n", actions[i].name,
                    actions[i].usage);
            return CLI_BAD;
        }
        return fits(v, actions[i].name) && take_values(v) ? actions[i].run(v, operands->at + 1, count) : CLI_BAD;
    }
    return wrong_action(operands->at[0]);
}

static cli_status run(int argc, char **argv)
{
    trace_values values = {.seed = 1};
    opt_list operands;
    const opt_outcome outcome = opt_parse(&cli_trace, argc, argv, &values, &operands, stdout, stderr);
    const cli_status status = outcome == OPT_GO ? act(&values, &operands) : opt_exit(outcome);
    opt_fini(&cli_trace, &values, &operands);
    return status;
}

const opt_command cli_trace = {
    .name = "trace",
    .operands = "ACTION FILE... [OUT]",
    .summary =
        "import, stats, fit, slice, scale, shift or mix: traces of requests in, columns, figures, traffic out; a "
        "log of decisions in, a scenario out",
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
    .operands_min = 1,
    .operands_max = TRACE_FILES_MAX + 1,
    .actions = words,
    .action_count = sizeof words / sizeof words[0],
    .examples = {"spillway trace import AzureLLMInferenceTrace_conv.csv azure.trace",
                 "spillway trace import --decisions decisions.jsonl --service chat.yaml --out past"},
    .run = run};
