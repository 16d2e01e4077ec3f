/* SPDX-License-Identifier: Apache-2.0 */
/** act.c - the tick's actions, from submit to report; and the write that both fleets share: a scale subresource. */
#include "sched/kube/act_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WITHIN_DEFAULT (10 * SPW_NS_PER_S)
#define INDEX_BITS     20 /* of a ticket: see seam.h */

kube_act *act_new(const kube_act_spec *spec, const char *name, spw_rc (*carry_out)(kube_act *act, spw_err *err))
{
    kube_act *act = calloc(1, sizeof *act);
    if (act != NULL) {
        act->spec = *spec;
        act->spec.within = spec->within > 0 ? spec->within : WITHIN_DEFAULT;
        act->spec.manager = spec->manager != NULL ? spec->manager : "spillway";
        act->name = name;
        act->carry_out = carry_out;
        zone_init(&act->zone, NULL);
    }
    return act;
}

void kube_act_free(kube_act *act)
{
    if (act != NULL) {
        zone_fini(&act->zone);
        free(act->landed);
        free(act->entries);
        free(act);
    }
}

uint64_t act_epoch(const kube_act *act)
{
    return act->spec.epoch != NULL ? act->spec.epoch(act->spec.user) : 0;
}

spw_workload_kind act_kind(const kube_act *act, spw_id row)
{
    const spw_config *c = act->spec.config;
    return c != NULL && row < c->workload_count ? c->workloads[row].kind : SPW_WORKLOAD_DEPLOYMENT;
}

void act_tag(const kube_act *act, const act_entry *entry, char *out, size_t room)
{
    (void)snprintf(out, room, "spw-e%" PRIu64 "-t%" PRIu64 "-%" PRIu64 "-%s", act_epoch(act), act->info.tick,
                   entry->ticket & ((UINT64_C(1) << INDEX_BITS) - 1), spw_reason_name(entry->action.reason));
}

void act_settle(act_entry *entry, kube_fate fate, const char *why)
{
    entry->write = ACT_NO_WRITE;
    entry->fate = fate;
    entry->why = why;
}

static spw_rc fail(spw_err *err, spw_rc code, spw_id row, const char *text)
{
    if (err != NULL) {
        *err = (spw_err){.code = code, .row = row, .field = "actuator"};
        (void)snprintf(err->text, sizeof err->text, "%s", text);
    }
    return code;
}

/* --- the seam -------------------------------------------------------------------------------------------------- */

static spw_rc begin(void *self, const spw_tick_info *info, spw_err *err)
{
    kube_act *act = self;
    (void)err;
    if (!act->begun || info->tick != act->info.tick || info->now != act->info.now) {
        act->landed_count = 0;
    }
    act->begun = true;
    act->info = *info;
    act->count = 0;
    act->writes = NULL;
    act->write_count = 0;
    zone_fini(&act->zone);
    return SPW_OK;
}

static bool is_landed(const kube_act *act, uint64_t ticket)
{
    for (size_t i = 0; i < act->landed_count; i++) {
        if (act->landed[i] == ticket) {
            return true;
        }
    }
    return false;
}

/* Room for one more element. @return the block, NULL when out of memory (the old one stays) */
static void *room_for(void *block, size_t count, size_t *room, size_t size)
{
    if (count < *room) {
        return block;
    }
    const size_t grown = *room == 0 ? 32 : *room * 2;
    void *more = realloc(block, grown * size);
    if (more != NULL) {
        *room = grown;
    }
    return more;
}

/* The cluster of the fleet's spec with the name that the snapshot has in this row. */
static size_t cluster_of(const kube_act *act, spw_id row)
{
    const kube_fleet_spec *fleet = kube_fleet_spec_get(act->spec.fleet);
    const char *name = act->info.snap->clusters.name[row];
    for (size_t c = 0; c < fleet->cluster_count; c++) {
        if (strcmp(fleet->clusters[c].name, name) == 0) {
            return c;
        }
    }
    return SIZE_MAX;
}

static spw_rc submit(void *self, const spw_action *action, uint64_t ticket, spw_err *err)
{
    kube_act *act = self;
    const spw_snapshot *snap = act->info.snap;
    const bool place = action->verb == SPW_VERB_PLACE;

    if ((!place && action->verb != SPW_VERB_SCALE) || is_landed(act, ticket)) {
        return SPW_OK;
    }
    if (act->count > 0 && ticket <= act->entries[act->count - 1].ticket) {
        return SPW_OK; /* said twice: tickets of a tick rise */
    }
    if (action->workload >= snap->workloads.count || (place && action->cluster >= snap->clusters.count) ||
        action->amount < 0 || action->amount > SPW_REPLICAS_MAX) {
        return fail(err, SPW_INVAL, action->workload, "an action that no plan has: a row or an amount out of range");
    }
    act_entry *entries = room_for(act->entries, act->count, &act->room, sizeof *act->entries);
    const char *full = snap->workloads.name[action->workload], *slash = strchr(full, '/');
    const char *space = zone_text(&act->zone, full, slash != NULL ? (size_t)(slash - full) : 0);
    act->entries = entries != NULL ? entries : act->entries;
    if (entries == NULL || space == NULL) {
        return fail(err, SPW_NOMEM, action->workload, "out of memory");
    }
    act->entries[act->count++] = (act_entry){.action = *action,
                                             .ticket = ticket,
                                             .space = space,
                                             .name = slash != NULL ? slash + 1 : full,
                                             .kind = act_kind(act, action->workload),
                                             .cluster = place ? cluster_of(act, action->cluster) : SIZE_MAX,
                                             .write = ACT_NO_WRITE,
                                             .why = ""};
    return SPW_OK;
}

/* Fate and words of an entry whose write has ended. */
static void take_fate(kube_act *act, act_entry *e)
{
    const kube_write *w = &act->writes[e->write];
    char text[300];
    e->fate = w->fate;
    e->why = "";
    if (w->fate != KUBE_FATE_DONE) {
        const char *said = w->status.verdict != KUBE_OK ? w->status.text : "";
        (void)snprintf(text, sizeof text, "%s%s%s", kube_fate_name(w->fate), said[0] != '\0' ? ": " : "", said);
        const char *kept = zone_text(&act->zone, text, strlen(text));
        e->why = kept != NULL ? kept : kube_fate_name(w->fate);
    }
}

static void tell(const kube_act *act, const act_entry *e)
{
    if (act->spec.told != NULL) {
        const kube_told told = {.action = &e->action,
                                .snap = act->info.snap,
                                .ticket = e->ticket,
                                .fate = e->fate,
                                .why = e->why,
                                .guard = "",
                                .attempts = e->write != ACT_NO_WRITE ? act->writes[e->write].attempts : 0};
        act->spec.told(act->spec.user, &told);
    }
}

static spw_rc commit(void *self, spw_err *err)
{
    kube_act *act = self;
    const act_entry *first = NULL;

    act->deadline = act->spec.clock(act->spec.user) + act->spec.within;
    spw_rc rc = act->carry_out(act, err);

    for (size_t i = 0; i < act->count; i++) {
        act_entry *e = &act->entries[i];
        if (rc == SPW_NOMEM && (e->write != ACT_NO_WRITE || e->fate == KUBE_FATE_NONE)) {
            act_settle(e, KUBE_FATE_FORBIDDEN, "not sent: out of memory");
        } else if (e->write != ACT_NO_WRITE) {
            take_fate(act, e);
        }
        tell(act, e);
        uint64_t *landed = room_for(act->landed, act->landed_count, &act->landed_room, sizeof *act->landed);
        act->landed = landed != NULL ? landed : act->landed;
        if (e->fate == KUBE_FATE_DONE && landed != NULL) { /* else a retry finds the object as wanted */
            act->landed[act->landed_count++] = e->ticket;
        }
        first = first == NULL && e->fate != KUBE_FATE_DONE ? e : first;
    }
    if (first != NULL) {
        char text[sizeof err->text];
        (void)snprintf(text, sizeof text, "%.60s/%.60s: %.70s", first->space, first->name, first->why);
        rc = fail(err, rc == SPW_NOMEM ? SPW_NOMEM : SPW_BACKEND, first->action.workload, text);
    }
    act->count = 0;
    return rc;
}

spw_actuator kube_act_seam(kube_act *act)
{
    return (spw_actuator){
        .version = SPW_API_VERSION, .name = act->name, .self = act, .begin = begin, .submit = submit, .commit = commit};
}

/* --- scale subresources ---------------------------------------------------------------------------------------- */

typedef struct scale_wish {
    int64_t to, before;
    const char *uid;
} scale_wish;

char *act_scale_body(const char *version, const char *uid, int64_t replicas)
{
    json_t *root = json_pack("{s:{s:s,s:s},s:{s:I}}", "metadata", "resourceVersion", version, "uid", uid, "spec",
                             "replicas", (json_int_t)replicas);
    char *text = root != NULL ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    return text;
}

static char *scale_body(const kube_write *write, const char *version)
{
    const scale_wish *wish = write->user;
    return act_scale_body(version, wish->uid, wish->to);
}

/* A Scale of 0 has no spec.replicas. */
static kube_seen scale_seen(const kube_write *write, const json_t *object)
{
    const scale_wish *wish = write->user;
    const char *uid = json_string_value(json_object_get(json_object_get(object, "metadata"), "uid"));
    const json_int_t now = json_integer_value(json_object_get(json_object_get(object, "spec"), "replicas"));
    if (uid == NULL || strcmp(uid, wish->uid) != 0) {
        return KUBE_SEEN_OTHER; /* another object of that name */
    }
    return now == wish->to ? KUBE_SEEN_WANTED : now == wish->before ? KUBE_SEEN_BEFORE : KUBE_SEEN_OTHER;
}

bool act_scale_write(kube_act *act, act_entry *e, const kube_workload *row, const act_where *where)
{
    if (row == NULL || row->meta.deleting) {
        act_settle(e, KUBE_FATE_REFUSED,
                   row != NULL                           ? "it is being deleted"
                   : e->kind == SPW_WORKLOAD_STATEFULSET ? "no StatefulSet of this name there"
                                                         : "no Deployment of this name there");
        return true;
    }
    if (row->replicas == e->action.amount && e->action.before == e->action.amount) {
        act_settle(e, KUBE_FATE_DONE, "");
        return true;
    }
    scale_wish *wish = zone_take(&act->zone, sizeof *wish);
    const char *path = zone_format(&act->zone, "%s/apis/apps/v1/namespaces/%s/%s/%s/scale", where->prefix, e->space,
                                   e->kind == SPW_WORKLOAD_STATEFULSET ? "statefulsets" : "deployments", e->name);
    const char *query = zone_format(&act->zone, "fieldManager=%s", act->spec.manager);
    const char *uid = zone_text(&act->zone, row->meta.uid, strlen(row->meta.uid)); /* rows move */
    if (act->zone.failed) {
        return false;
    }
    *wish = (scale_wish){.to = e->action.amount, .before = e->action.before, .uid = uid};
    kube_write *w = &act->writes[act->write_count];
    *w = (kube_write){.server = where->server,
                      .breaker = where->breaker,
                      .method = "PATCH",
                      .path = path,
                      .query = query,
                      .shrinks = e->action.amount < row->replicas,
                      .workload = e->action.workload,
                      .body = scale_body,
                      .seen = scale_seen,
                      .user = wish};
    act_tag(act, e, w->tag, sizeof w->tag);
    if (row->replicas == e->action.before) { /* else the world has moved since: look first */
        (void)snprintf(w->version, sizeof w->version, "%s", row->meta.version);
    }
    e->write = act->write_count++;
    return true;
}

spw_rc act_run(kube_act *act, kube_write *writes, size_t count, spw_err *err)
{
    return count > 0 ? kube_writer_run(act->spec.writer, writes, count, act->deadline, err) : SPW_OK;
}
