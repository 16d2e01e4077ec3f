/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.c - the actuator that writes the audit log: one JSON object on one line for each tick.
 *
 *   {"tick":0,"now_ns":0,"snapshot_sha":"16 hex digits","state_sha":"...","plan":[
 *    {"verb":"place","workload":"prod/chat","cluster":"idc","before":0,"amount":4,"reason":"fill-idle"},...]}
 *
 * The line is built in begin() and handed on in commit(): a tick that failed half-way leaves no line.
 */
#include <spillway/seam.h>

typedef struct line {
    char *buf;
    size_t size, used;
} line;

static void add(line *l, const char *text)
{
    size_t n = strlen(text);
    if (l->used + n < l->size) {
        memcpy(l->buf + l->used, text, n + 1);
    }
    l->used += n;
}

/** A JSON string; names come from manifests and are plain, but nothing is taken for granted. */
static void add_string(line *l, const char *text)
{
    add(l, "\"");
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        char piece[8];
        if (*p == '"' || *p == '\\') {
            (void)snprintf(piece, sizeof piece, "\\%c", *p);
        } else if (*p < 0x20) {
            (void)snprintf(piece, sizeof piece, "\\u%04x", *p);
        } else {
            (void)snprintf(piece, sizeof piece, "%c", *p);
        }
        add(l, piece);
    }
    add(l, "\"");
}

static void add_member(line *l, const char *key, const char *value)
{
    add(l, ",\"");
    add(l, key);
    add(l, "\":");
    add_string(l, value);
}

static void add_action(line *l, const spw_action *a, const spw_snapshot *snap, bool first)
{
    char numbers[96];
    add(l, first ? "{\"verb\":" : ",{\"verb\":");
    add_string(l, spw_verb_name(a->verb));
    if (a->workload != SPW_ID_NONE) {
        add_member(l, "workload", snap->workloads.name[a->workload]);
    }
    if (a->cluster != SPW_ID_NONE) {
        add_member(l, "cluster", snap->clusters.name[a->cluster]);
    }
    if (a->pool != SPW_ID_NONE) {
        add_member(l, "pool", snap->pools.name[a->pool]);
    }
    (void)snprintf(numbers, sizeof numbers, ",\"before\":%" PRId64 ",\"amount\":%" PRId64, a->before, a->amount);
    add(l, numbers);
    if (a->after != UINT32_MAX) {
        (void)snprintf(numbers, sizeof numbers, ",\"after\":%" PRIu32, a->after);
        add(l, numbers);
    }
    add_member(l, "reason", spw_reason_name(a->reason));
    add(l, "}");
}

static spw_rc begin(void *self, const spw_tick_info *info, spw_err *err)
{
    spw_record *record = self;
    line l = {record->buf, record->size, 0};
    char head[160];
    (void)snprintf(head, sizeof head,
                   "{\"tick\":%" PRIu64 ",\"now_ns\":%" PRId64 ",\"snapshot_sha\":\"%016" PRIx64
                   "\",\"state_sha\":\"%016" PRIx64 "\",\"plan\":[",
                   info->tick, info->now, info->snapshot_hash, info->state_hash);
    add(&l, head);
    for (size_t i = 0; i < spw_plan_count(info->plan); i++) {
        add_action(&l, spw_plan_at(info->plan, i), info->snap, i == 0);
    }
    add(&l, "]}\n");
    if (l.used >= l.size) {
        if (err != NULL) {
            err->code = SPW_LIMIT;
            err->row = SPW_ID_NONE;
            (void)snprintf(err->field, sizeof err->field, "record.size");
            (void)snprintf(err->text, sizeof err->text, "the line needs %zu bytes", l.used + 1);
        }
        return SPW_LIMIT;
    }
    return SPW_OK;
}

static spw_rc submit(void *self, const spw_action *action, uint64_t ticket, spw_err *err)
{
    (void)self;
    (void)action;
    (void)ticket;
    (void)err;
    return SPW_OK;
}

static spw_rc commit(void *self, spw_err *err)
{
    (void)err;
    spw_record *record = self;
    return record->emit(record->user, record->buf, strlen(record->buf));
}

spw_actuator spw_actuator_record(spw_record *record)
{
    return (spw_actuator){.version = SPW_API_VERSION,
                          .name = "record",
                          .self = record,
                          .begin = begin,
                          .submit = submit,
                          .commit = commit};
}
