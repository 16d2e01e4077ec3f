/* SPDX-License-Identifier: Apache-2.0 */
/** act_command.c - a tick as JSON for a program, and what it says of it. */
#include "sched/kube/act_command.h"
#include "sched/kube/child.h"
#include "sched/kube/objects_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_DEFAULT (10 * SPW_NS_PER_S)
#define OUTPUT_MOST     (4u << 20)

typedef struct item {
    spw_action action;
    uint64_t ticket;
    bool landed; /* in an earlier try of this tick */
    kube_fate fate;
    char why[160];
} item;

struct act_command {
    act_command_spec spec;
    spw_tick_info info;
    bool begun;
    item *items; /* [count] of this tick, in the order of submit; a retry finds those of the first try */
    size_t count, room;
    size_t said; /* of those, submitted in this try */
};

act_command *act_command_new(const act_command_spec *spec)
{
    act_command *act = calloc(1, sizeof *act);
    if (act != NULL) {
        act->spec = *spec;
        act->spec.timeout = spec->timeout > 0 ? spec->timeout : TIMEOUT_DEFAULT;
    }
    return act;
}

void act_command_free(act_command *act)
{
    if (act != NULL) {
        free(act->items);
        free(act);
    }
}

static uint64_t epoch_of(const act_command *act)
{
    return act->spec.epoch != NULL ? act->spec.epoch(act->spec.user) : 0;
}

static spw_rc fail(spw_err *err, spw_rc code, const char *text)
{
    if (err != NULL) {
        *err = (spw_err){.code = code, .row = SPW_ID_NONE, .field = "command"};
        (void)snprintf(err->text, sizeof err->text, "%s", text);
    }
    return code;
}

static spw_rc begin(void *self, const spw_tick_info *info, spw_err *err)
{
    act_command *act = self;
    (void)err;
    size_t kept = 0;
    const bool again = act->begun && info->tick == act->info.tick && info->now == act->info.now;
    for (size_t i = 0; again && i < act->count; i++) {
        if (act->items[i].fate == KUBE_FATE_DONE) {
            act->items[kept] = act->items[i];
            act->items[kept++].landed = true;
        }
    }
    act->count = act->said = kept;
    act->info = *info;
    act->begun = true;
    return SPW_OK;
}

static spw_rc submit(void *self, const spw_action *action, uint64_t ticket, spw_err *err)
{
    act_command *act = self;
    if (act->spec.verbs != 0 && (act->spec.verbs & (1u << action->verb)) == 0) {
        return SPW_OK;
    }
    for (size_t i = 0; i < act->count; i++) {
        if (act->items[i].ticket == ticket) {
            return SPW_OK;
        }
    }
    if (act->count == act->room) {
        const size_t room = act->room == 0 ? 64 : act->room * 2;
        item *items = realloc(act->items, room * sizeof *items);
        if (items == NULL) {
            return fail(err, SPW_NOMEM, "out of memory");
        }
        act->items = items;
        act->room = room;
    }
    act->items[act->count++] = (item){.action = *action, .ticket = ticket};
    return SPW_OK;
}

/* --- what the program gets ------------------------------------------------------------------------------------- */

static int put_text(json_t *one, const char *key, const char *text)
{
    return json_object_set_new(one, key, json_string(text));
}

/* @return NULL when out of memory */
static json_t *action_json(const act_command *act, const item *it)
{
    const spw_action *a = &it->action;
    const spw_snapshot *snap = act->info.snap;
    json_t *one =
        json_pack("{s:I,s:s,s:I,s:I,s:s}", "ticket", (json_int_t)it->ticket, "verb", spw_verb_name(a->verb), "before",
                  (json_int_t)a->before, "amount", (json_int_t)a->amount, "reason", spw_reason_name(a->reason));
    int failed = one == NULL;
    if (a->workload != SPW_ID_NONE) {
        const char *full = snap->workloads.name[a->workload], *slash = strchr(full, '/');
        const size_t length = slash != NULL ? (size_t)(slash - full) : 0;
        failed |= json_object_set_new(one, "namespace", json_stringn(full, length));
        failed |= put_text(one, "name", slash != NULL ? slash + 1 : full);
    }
    const spw_id cluster =
        a->cluster == SPW_ID_NONE && a->pool != SPW_ID_NONE ? snap->pools.cluster[a->pool] : a->cluster;
    if (cluster != SPW_ID_NONE) {
        failed |= put_text(one, "cluster", snap->clusters.name[cluster]);
    }
    if (a->pool != SPW_ID_NONE) {
        failed |= put_text(one, "pool", snap->pools.name[a->pool]);
    }
    if (a->after != UINT32_MAX) {
        const json_int_t after = (json_int_t)((act->info.tick << 20) + a->after);
        failed |= json_object_set_new(one, "after", json_integer(after));
    }
    if (failed != 0) {
        json_decref(one);
        return NULL;
    }
    return one;
}

/* The document, malloc'ed; NULL when out of memory. */
static char *document(const act_command *act)
{
    char id[64];
    json_t *actions = json_array();
    int failed = actions == NULL;
    for (size_t i = 0; i < act->count; i++) {
        if (!act->items[i].landed) {
            failed |= json_array_append_new(actions, action_json(act, &act->items[i]));
        }
    }
    (void)snprintf(id, sizeof id, "e%" PRIu64 "-t%" PRIu64, epoch_of(act), act->info.tick);
    json_t *root = json_pack("{s:s,s:s,s:s,s:I,s:I,s:I,s:o}", "apiVersion", "spillway.dev/v1", "kind", "Plan", "id", id,
                             "epoch", (json_int_t)epoch_of(act), "tick", (json_int_t)act->info.tick, "now_ns",
                             (json_int_t)act->info.now, "actions", actions);
    char *text = root != NULL && failed == 0 ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    const size_t size = text != NULL ? strlen(text) : 0;
    char *line = text != NULL ? malloc(size + 2) : NULL;
    if (line != NULL) {
        memcpy(line, text, size);
        memcpy(line + size, "\n", 2);
    }
    free(text);
    return line;
}

/* --- what it says ---------------------------------------------------------------------------------------------- */

static void settle(item *it, kube_fate fate, const char *why)
{
    it->fate = fate;
    (void)snprintf(it->why, sizeof it->why, "%s", why);
}

static void settle_rest(act_command *act, kube_fate fate, const char *why)
{
    for (size_t i = 0; i < act->count; i++) {
        if (!act->items[i].landed) {
            settle(&act->items[i], fate, why);
        }
    }
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '\0';
}

/* @return false: it said something, and not what it should have */
static bool read_results(act_command *act, const child_result *result)
{
    if (is_blank(result->output)) {
        return true;
    }
    json_t *root = json_loadb(result->output, result->size, JSON_REJECT_DUPLICATES, NULL);
    const json_t *list = json_object_get(root, "results");
    bool good = json_is_array(list);
    for (size_t i = 0; i < json_array_size(list) && good; i++) {
        const json_t *one = json_array_get(list, i), *done = json_object_get(one, "done");
        const json_t *ticket = json_object_get(one, "ticket");
        good = json_is_integer(ticket) && json_is_boolean(done);
        for (size_t k = 0; k < act->count && good; k++) {
            item *it = &act->items[k];
            if (!it->landed && it->ticket == (uint64_t)json_integer_value(ticket)) {
                settle(it, json_is_true(done) ? KUBE_FATE_DONE : KUBE_FATE_REFUSED,
                       json_is_true(done) ? "" : obj_text(one, "why"));
            }
        }
    }
    json_decref(root);
    return good;
}

static spw_rc run(act_command *act)
{
    char *input = document(act);
    child_result result = {0};
    if (input == NULL) {
        return SPW_NOMEM;
    }
    const child_task task = {.argv = act->spec.argv,
                             .input = input,
                             .input_size = strlen(input),
                             .output_most = OUTPUT_MOST,
                             .timeout = act->spec.timeout,
                             .meanwhile = act->spec.meanwhile,
                             .user = act->spec.user};
    const spw_rc rc = child_run(&task, &result);
    if (rc == SPW_OK) {
        settle_rest(act, KUBE_FATE_DONE, "");
    } else if (rc != SPW_NOMEM) { /* a status of its own: a refusal. None: who knows */
        const bool began = result.output != NULL;
        settle_rest(act, result.exit_status > 0 || !began ? KUBE_FATE_REFUSED : KUBE_FATE_UNKNOWN, result.error);
    }
    if (result.output != NULL && !read_results(act, &result)) {
        settle_rest(act, KUBE_FATE_UNKNOWN, "what the program printed is no list of results");
    }
    child_result_fini(&result);
    free(input);
    return rc == SPW_NOMEM ? rc : SPW_OK;
}

static spw_rc commit(void *self, spw_err *err)
{
    act_command *act = self;
    const item *first = NULL;
    if (act->count == act->said) {
        return SPW_OK; /* nothing new */
    }
    if (act->spec.may_write != NULL && !act->spec.may_write(act->spec.user)) {
        settle_rest(act, KUBE_FATE_FORBIDDEN, kube_fate_name(KUBE_FATE_FORBIDDEN));
    } else if (run(act) == SPW_NOMEM) {
        settle_rest(act, KUBE_FATE_FORBIDDEN, "not sent: out of memory");
    }
    for (size_t i = 0; i < act->count; i++) {
        const item *it = &act->items[i];
        first = first == NULL && it->fate != KUBE_FATE_DONE ? it : first;
        if (act->spec.told != NULL && !it->landed) {
            const kube_told told = {.action = &it->action,
                                    .snap = act->info.snap,
                                    .ticket = it->ticket,
                                    .fate = it->fate,
                                    .why = it->why,
                                    .guard = "",
                                    .attempts = it->fate == KUBE_FATE_FORBIDDEN ? 0 : 1};
            act->spec.told(act->spec.user, &told);
        }
    }
    act->said = act->count;
    return first != NULL ? fail(err, SPW_BACKEND, first->why) : SPW_OK;
}

spw_actuator act_command_seam(act_command *act)
{
    return (spw_actuator){
        .version = SPW_API_VERSION, .name = "command", .self = act, .begin = begin, .submit = submit, .commit = commit};
}
