/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cmd_replay.c - spillway replay: decides once more what a log says was decided, or compares two logs, and shows the
 * first difference.
 *
 * A recorded log begins with a head (settings, manifests) and has a snapshot in every tick. Each snapshot goes through
 * the same loop that made the log; what the loop's record actuator writes is compared with what stands there. Whether
 * the actuator of the recorded run failed is not in the log, but shows in the state of the tick after: then the tick is
 * done again with one that fails. A daemon's log has a head wherever it was started again or its configuration changed:
 * from there on the state and the configuration of that head hold.
 */
#include "sim/cli/commands.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <spillway/json.h>
#include <spillway/seam.h>

#include "sim/history/head.h"
#include "sim/history/log.h"

#define MESSAGES_KEPT 64
#define CONTEXT_LINES 40 /* of each plan that a difference shows */

typedef struct replay_values {
    const char *against;
} replay_values;

static const opt_row rows[] = {
    {"against", "FILE", "compare with this log, tick by tick, and decide nothing", OPT_TEXT,
     offsetof(replay_values, against), 0, 0},
};

/* --- logs --- */

static cli_status out_of_memory(void)
{
    fputs("spillway: out of memory\n", stderr);
    return CLI_INTERNAL;
}

/* Says what a reading had to say against the log. */
static cli_status log_status(spw_rc rc, spw_diag *diag)
{
    for (size_t i = 0; rc != SPW_OK && i < spw_diag_count(diag); i++) {
        fprintf(stderr, "%s\n", spw_diag_at(diag, i));
    }
    spw_diag_free(diag);
    return rc == SPW_OK ? CLI_DONE : rc == SPW_NOMEM ? out_of_memory() : CLI_BAD;
}

static cli_status log_open(hist_log **log, const char *path)
{
    spw_diag *diag = NULL;
    const spw_rc rc = spw_diag_new(NULL, MESSAGES_KEPT, &diag);
    return log_status(rc == SPW_OK ? hist_log_open(path, diag, log) : rc, diag);
}

/* The next line; *line is NULL at the end of the log. */
static cli_status log_next(hist_log *log, const spw_json_line **line)
{
    spw_diag *diag = NULL;
    const spw_rc rc = spw_diag_new(NULL, MESSAGES_KEPT, &diag);
    return log_status(rc == SPW_OK ? hist_log_next(log, diag, line) : rc, diag);
}

/* The next tick; a head is stepped over. */
static cli_status log_next_tick(hist_log *log, const spw_json_line **line)
{
    cli_status status = log_next(log, line);
    while (status == CLI_DONE && *line != NULL && (*line)->tick == NULL) {
        spw_json_line_free(*line);
        status = log_next(log, line);
    }
    return status;
}

/* --- comparing --- */

static bool same_plan(const spw_json_tick *a, const spw_json_tick *b)
{
    bool same = a->plan_count == b->plan_count;
    for (size_t i = 0; same && i < a->plan_count; i++) {
        same = strcmp(a->plan[i], b->plan[i]) == 0;
    }
    return same;
}

static bool same_tick(const spw_json_tick *a, const spw_json_tick *b)
{
    return a->tick == b->tick && a->now == b->now && a->snapshot_hash == b->snapshot_hash &&
           a->state_hash == b->state_hash && same_plan(a, b);
}

static void show_hash(const char *what, uint64_t a, uint64_t b)
{
    printf("  %-8s %016" PRIx64 " %s %016" PRIx64 "\n", what, a, a == b ? "=" : "!", b);
}

static void show_plan(const char *name, const spw_json_tick *t)
{
    printf("%s:\n", name);
    for (size_t i = 0; i < t->plan_count && i < CONTEXT_LINES; i++) {
        printf("  %s\n", t->plan[i]);
    }
    if (t->plan_count == 0) {
        puts("  (nothing to do)");
    } else if (t->plan_count > CONTEXT_LINES) {
        printf("  ... and %zu more\n", t->plan_count - CONTEXT_LINES);
    }
}

/* What differs, most telling first, then both plans. */
static void show_difference(const spw_json_tick *a, const spw_json_tick *b, const char *name_a, const char *name_b)
{
    printf("first difference at tick %" PRIu64 ", %" PRId64 ".%03" PRId64 " s\n", a->tick, a->now / SPW_NS_PER_S,
           (a->now < 0 ? -(a->now % SPW_NS_PER_S) : a->now % SPW_NS_PER_S) / 1000000);
    if (a->tick != b->tick) {
        printf("  tick     %" PRIu64 " ! %" PRIu64 "\n", a->tick, b->tick);
    }
    if (a->now != b->now) {
        printf("  now_ns   %" PRId64 " ! %" PRId64 "\n", a->now, b->now);
    }
    show_hash("snapshot", a->snapshot_hash, b->snapshot_hash);
    show_hash("state", a->state_hash, b->state_hash);
    size_t i = 0;
    while (i < a->plan_count && i < b->plan_count && strcmp(a->plan[i], b->plan[i]) == 0) {
        i++;
    }
    if (i < a->plan_count || i < b->plan_count) {
        printf("  plan line %zu\n    %s: %s\n    %s: %s\n", i + 1, name_a, i < a->plan_count ? a->plan[i] : "(none)",
               name_b, i < b->plan_count ? b->plan[i] : "(none)");
    } else {
        puts("  plan     the same");
    }
    show_plan(name_a, a);
    show_plan(name_b, b);
}

static cli_status compare_logs(hist_log *a, hist_log *b)
{
    for (uint64_t ticks = 0;; ticks++) {
        const spw_json_line *left = NULL;
        const spw_json_line *right = NULL;
        cli_status status = log_next_tick(a, &left);
        status = status == CLI_DONE ? log_next_tick(b, &right) : status;
        const bool ended = status != CLI_DONE || left == NULL || right == NULL;
        if (status == CLI_DONE && left == NULL && right == NULL) {
            printf("identical: %" PRIu64 " ticks\n", ticks);
        } else if (status == CLI_DONE && ended) {
            printf("first difference: %s ends after %" PRIu64 " ticks, %s goes on\n",
                   left == NULL ? hist_log_path(a) : hist_log_path(b), ticks,
                   left == NULL ? hist_log_path(b) : hist_log_path(a));
            status = CLI_GATE;
        } else if (status == CLI_DONE && !same_tick(left->tick, right->tick)) {
            show_difference(left->tick, right->tick, hist_log_path(a), hist_log_path(b));
            status = CLI_GATE;
        }
        spw_json_line_free(left);
        spw_json_line_free(right);
        if (ended || status != CLI_DONE) {
            return status;
        }
    }
}

/* --- deciding again --- */

typedef struct again {
    spw_manifest_set *set;
    spw_core *core;
    spw_loop *loop;
    spw_source source;
    spw_actuator recorder, breaker, both;
    spw_record record;
    spw_tee tee;
    const spw_snapshot *snap;  /* what the source shows */
    const spw_json_line *made; /* what the recorder wrote in this tick */
    bool fails;                /* the breaker refuses */
    void *before;              /* state before the last tick */
    size_t before_size, before_room;
} again;

static spw_rc observe(void *self, spw_time now, const spw_snapshot **out, spw_err *err)
{
    const again *g = self;
    (void)now;
    (void)err;
    *out = g->snap;
    return SPW_OK;
}

static spw_rc keep_line(void *user, const char *text, size_t size)
{
    again *g = user;
    spw_diag *diag = NULL;
    spw_json_line_free(g->made);
    g->made = NULL;
    if (spw_diag_new(NULL, 1, &diag) != SPW_OK) {
        return SPW_BACKEND;
    }
    const spw_rc rc = spw_json_line_read(text, size, "replay", 1, diag, &g->made);
    spw_diag_free(diag);
    return rc == SPW_OK ? SPW_OK : SPW_BACKEND;
}

static spw_rc break_begin(void *self, const spw_tick_info *info, spw_err *err)
{
    (void)self;
    (void)info;
    (void)err;
    return SPW_OK;
}

static spw_rc break_submit(void *self, const spw_action *action, uint64_t ticket, spw_err *err)
{
    (void)self;
    (void)action;
    (void)ticket;
    (void)err;
    return SPW_OK;
}

/* After the recorder's commit: the line is written, as it was in the recorded run. */
static spw_rc break_commit(void *self, spw_err *err)
{
    const again *g = self;
    (void)err;
    return g->fails ? SPW_BACKEND : SPW_OK;
}

static void again_fini(again *g)
{
    spw_loop_free(g->loop);
    spw_core_free(g->core);
    spw_manifest_free(g->set);
    spw_json_line_free(g->made);
    free(g->record.buf);
    free(g->before);
}

static cli_status again_config(again *g, const spw_json_head *head, const char *path, const spw_config **config)
{
    spw_diag *diag = NULL;
    if (spw_diag_new(NULL, MESSAGES_KEPT, &diag) != SPW_OK) {
        return out_of_memory();
    }
    const spw_rc rc = hist_config(head->manifests, head->manifest_count, diag, &g->set, config);
    for (size_t i = 0; i < spw_diag_count(diag); i++) {
        if (rc != SPW_OK || spw_diag_level_at(diag, i) == SPW_DIAG_ERROR) {
            fprintf(stderr, "%s\n", spw_diag_at(diag, i));
        }
    }
    spw_diag_free(diag);
    if (rc == SPW_INVAL) {
        fprintf(stderr, "spillway replay: the manifests in %s are not read by this build\n", path);
    }
    return rc == SPW_OK ? CLI_DONE : rc == SPW_NOMEM ? out_of_memory() : CLI_BAD;
}

/* A core and a loop like those the log was made with. */
static cli_status again_new(again *g, const spw_json_head *head, const char *path)
{
    const spw_config *config = NULL;
    spw_err err = {.code = SPW_OK, .row = SPW_ID_NONE};
    const cli_status status = again_config(g, head, path, &config);
    if (status != CLI_DONE) {
        return status;
    }
    spw_rc rc = spw_core_new(&head->settings, config, spw_mem_libc(), &g->core, &err);
    if (rc == SPW_OK && head->state != NULL) {
        spw_state_report found;
        rc = spw_state_load_report(g->core, head->state, head->state_size, &found);
        rc = rc == SPW_OK && found.changed + found.added + found.gone > 0 ? SPW_STATE : rc;
    }
    if (rc != SPW_OK) {
        fprintf(stderr, "%s: error: the core refuses the head of the log: %s\n", path,
                err.text[0] != '\0' ? err.text : spw_strerror(rc));
        return rc == SPW_NOMEM ? CLI_INTERNAL : CLI_BAD;
    }
    const size_t pairs = head->settings.clusters_max * config->workload_count;
    const size_t actions = config->workload_count + 2 * pairs + 2 * head->settings.pools_max + 16;
    g->record = (spw_record){.emit = keep_line, .user = g, .size = actions * 1024 + 4096};
    g->record.buf = malloc(g->record.size);
    g->source = (spw_source){.version = SPW_API_VERSION, .name = "log", .self = g, .observe = observe};
    g->breaker = (spw_actuator){.version = SPW_API_VERSION,
                                .name = "breaker",
                                .self = g,
                                .begin = break_begin,
                                .submit = break_submit,
                                .commit = break_commit};
    g->recorder = spw_actuator_record(&g->record);
    g->tee = (spw_tee){g->recorder, g->breaker};
    g->both = spw_actuator_tee(&g->tee);
    if (g->record.buf == NULL || spw_loop_new(g->core, &g->source, &g->both, spw_mem_libc(), actions,
                                              config->workload_count + 1, &g->loop) != SPW_OK) {
        return out_of_memory();
    }
    return CLI_DONE;
}

static bool keep_state(again *g)
{
    g->before_size = spw_state_size(g->core);
    if (g->before_size > g->before_room) {
        void *grown = realloc(g->before, g->before_size);
        if (grown == NULL) {
            return false;
        }
        g->before = grown;
        g->before_room = g->before_size;
    }
    return spw_state_save(g->core, g->before, g->before_size) == SPW_OK;
}

/* The core has decided on `last`, with an actuator that succeeded. If the next tick starts from another state, the last
   one is done again with an actuator that fails; if that is not it either, the first way stands. */
static bool settle(again *g, const spw_json_tick *last, uint64_t state_hash)
{
    if (spw_state_hash(g->core) == state_hash) {
        return true;
    }
    for (int failing = 1; failing >= 0; failing--) {
        g->snap = last->snapshot;
        g->fails = failing != 0;
        if (spw_state_load(g->core, g->before, g->before_size) != SPW_OK) {
            return false;
        }
        (void)spw_loop_tick(g->loop, last->now, NULL);
        if (spw_state_hash(g->core) == state_hash) {
            return true;
        }
    }
    return true;
}

/* One tick of the log through the loop. */
static cli_status decide_again(again *g, const hist_log *log, const spw_json_tick *tick)
{
    spw_err err = {.code = SPW_OK, .row = SPW_ID_NONE};
    if (tick->snapshot == NULL) {
        fprintf(stderr, "%s:%" PRId32 ":1: error: no snapshot in this tick; a log to replay is made with --record\n",
                hist_log_path(log), hist_log_number(log));
        return CLI_BAD;
    }
    if (!keep_state(g)) {
        return out_of_memory();
    }
    g->snap = tick->snapshot;
    g->fails = false;
    spw_json_line_free(g->made);
    g->made = NULL;
    const spw_rc rc = spw_loop_tick(g->loop, tick->now, &err);
    if (rc != SPW_OK || g->made == NULL) {
        printf("first difference at tick %" PRIu64 ": this build refuses: %s%s%s\n", tick->tick, err.field,
               err.field[0] != '\0' ? ": " : "", err.text[0] != '\0' ? err.text : spw_strerror(rc));
        show_plan(hist_log_path(log), tick);
        return CLI_GATE;
    }
    if (!same_tick(tick, g->made->tick)) {
        show_difference(tick, g->made->tick, "recorded", "this build");
        return CLI_GATE;
    }
    return CLI_DONE;
}

/* A head: a log begins, or goes on after a restart or with another configuration, from the state that it holds. */
static cli_status begin_again(again *g, const hist_log *log, const spw_json_line *line)
{
    again_fini(g);
    *g = (again){.set = NULL};
    return again_new(g, line->head, hist_log_path(log));
}

static cli_status replay_ticks(again *g, hist_log *log)
{
    const spw_json_line *last = NULL;
    const spw_json_line *line = NULL;
    uint64_t ticks = 0;
    cli_status status = log_next(log, &line);
    while (status == CLI_DONE && line != NULL) {
        if (line->head != NULL) {
            status = begin_again(g, log, line);
        } else if (last != NULL && last->tick != NULL && !settle(g, last->tick, line->tick->state_hash)) {
            status = CLI_INTERNAL;
        } else {
            status = decide_again(g, log, line->tick);
            ticks += status == CLI_DONE ? 1 : 0;
        }
        if (status != CLI_DONE) {
            break;
        }
        spw_json_line_free(last);
        last = line;
        status = log_next(log, &line);
    }
    if (status == CLI_DONE) {
        printf("identical: %" PRIu64 " ticks\n", ticks);
    }
    if (line != last) {
        spw_json_line_free(line);
    }
    spw_json_line_free(last);
    return status;
}

static cli_status replay(hist_log *log)
{
    const spw_json_line *head = NULL;
    again g = {.set = NULL};
    cli_status status = log_next(log, &head);
    if (status == CLI_DONE && (head == NULL || head->head == NULL)) {
        fprintf(stderr,
                "%s:1:1: error: no head line with settings and manifests; a log to replay is made with --record\n",
                hist_log_path(log));
        status = CLI_BAD;
    }
    status = status == CLI_DONE ? again_new(&g, head->head, hist_log_path(log)) : status;
    status = status == CLI_DONE ? replay_ticks(&g, log) : status;
    spw_json_line_free(head);
    again_fini(&g);
    return status;
}

static cli_status run(int argc, char **argv)
{
    replay_values values = {.against = NULL};
    opt_list operands;
    const opt_outcome outcome = opt_parse(&cli_replay, argc, argv, &values, &operands, stdout, stderr);
    cli_status status = opt_exit(outcome);
    if (outcome == OPT_GO) {
        hist_log *log = NULL, *other = NULL;
        status = log_open(&log, operands.at[0]);
        if (status == CLI_DONE && values.against != NULL) {
            status = log_open(&other, values.against);
            status = status == CLI_DONE ? compare_logs(log, other) : status;
        } else if (status == CLI_DONE) {
            status = replay(log);
        }
        hist_log_close(log);
        hist_log_close(other);
    }
    opt_fini(&cli_replay, &values, &operands);
    return status;
}

const opt_command cli_replay = {.name = "replay",
                                .operands = "DECISIONS",
                                .summary = "decide a recorded log once more; say where this build first differs",
                                .rows = rows,
                                .row_count = sizeof rows / sizeof rows[0],
                                .operands_min = 1,
                                .operands_max = 1,
                                .examples = {"spillway replay out/demo/decisions.jsonl",
                                             "spillway replay out/a/decisions.jsonl --against out/b/decisions.jsonl"},
                                .run = run};
