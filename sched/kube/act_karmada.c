/* SPDX-License-Identifier: Apache-2.0 */
/**
 * act_karmada.c - a Karmada control plane: one write to the spec of each ResourceBinding that changes, then one to its
 * status. Nobody else checks what stands in spec.clusters: negative counts, unknown clusters and duplicates would all
 * be accepted and carried out, so they are stopped here.
 *
 * A cluster that a workload leaves gets a graceful eviction task of ours in the same write: Karmada keeps the copies
 * there until the replacements are healthy. A workload that goes to zero everywhere leaves nothing: its clusters stay
 * in the list with 0 replicas, which keeps its objects for the next time.
 */
#include "sched/kube/binding.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The actions and outcomes of a tick by workload. */
typedef struct plane {
    kube_act *act;
    size_t *first, *next;        /* [workloads] and [actions]: place actions of each workload; SIZE_MAX = no more */
    const spw_outcome **outcome; /* [workloads] NULL where the core does not govern */
    binding_wish *wishes;        /* [wish_count] */
    size_t wish_count;
} plane;

static act_entry *first_of(const plane *k, spw_id row)
{
    return k->first[row] != SIZE_MAX ? &k->act->entries[k->first[row]] : NULL;
}

static act_entry *next_of(const plane *k, const act_entry *e)
{
    const size_t next = k->next[e - k->act->entries];
    return next != SIZE_MAX ? &k->act->entries[next] : NULL;
}

static int by_name(const void *a, const void *b)
{
    const kube_target *x = a, *y = b;
    const int names = strcmp(x->cluster, y->cluster);
    return names != 0 ? names : (x->replicas > y->replicas) - (x->replicas < y->replicas);
}

/* A sorted copy in the zone. NULL when out of memory */
static kube_target *copy_targets(kube_act *act, const kube_target *from, size_t count, size_t room)
{
    kube_target *to = zone_array(&act->zone, room + 1, sizeof *to);
    for (size_t i = 0; to != NULL && i < count; i++) {
        to[i].replicas = from[i].replicas;
        to[i].cluster = zone_text(&act->zone, from[i].cluster, strlen(from[i].cluster));
    }
    if (act->zone.failed) {
        return NULL;
    }
    qsort(to, count, sizeof *to, by_name);
    return to;
}

static kube_target *target_of(kube_target *targets, size_t count, const char *cluster)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(targets[i].cluster, cluster) == 0) {
            return &targets[i];
        }
    }
    return NULL;
}

/* Why a binding is not ours to write, NULL if it is. */
static const char *foreign(const kube_act *act, const kube_binding *b)
{
    const char *ours = kube_fleet_spec_get(act->spec.fleet)->scheduler;
    return b == NULL                         ? "it has no ResourceBinding"
           : strcmp(b->scheduler, ours) != 0 ? "its ResourceBinding belongs to another scheduler"
           : b->suspended                    ? "scheduling of its ResourceBinding is suspended"
           : !b->managed                     ? "no policy manages its ResourceBinding"
           : b->meta.deleting                ? "its ResourceBinding is being deleted"
                                             : NULL;
}

static bool is_evicted_by_others(const kube_binding *b, const char *cluster)
{
    json_t *tasks = json_loads(b->evictions, 0, NULL);
    bool found = false;
    for (size_t i = 0; i < json_array_size(tasks); i++) {
        const json_t *task = json_array_get(tasks, i);
        const char *from = json_string_value(json_object_get(task, "fromCluster"));
        const char *by = json_string_value(json_object_get(task, "producer"));
        found = found || (from != NULL && strcmp(from, cluster) == 0 && (by == NULL || strcmp(by, BINDING_US) != 0));
    }
    json_decref(tasks);
    return found;
}

/* Why an action cannot go into the list, NULL if it can. */
static const char *unfit(const kube_act *act, const act_entry *e, const kube_binding *b, const kube_target *held)
{
    const char *cluster = act->info.snap->clusters.name[e->action.cluster];
    const int32_t now = held != NULL && held->replicas > 0 ? held->replicas : 0;
    if (now != e->action.before) {
        return "its list of clusters has changed since the snapshot";
    }
    if (kube_store_find(kube_fleet_hub(act->spec.fleet, KUBE_HUB_MEMBERS), "", cluster) == NULL) {
        return "Karmada knows no cluster of this name";
    }
    if (e->action.amount > now && is_evicted_by_others(b, cluster)) {
        return "it is being evicted from there by somebody else";
    }
    return NULL;
}

/* Duplicates go, the first of each name stays, as the source counts it; nothing is below 0. */
static size_t cleaned(kube_target *targets, size_t count, const kube_binding *b)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || strcmp(targets[kept - 1].cluster, targets[i].cluster) != 0) {
            const kube_target *first = target_of(b->targets, b->target_count, targets[i].cluster);
            targets[kept] = targets[i];
            targets[kept++].replicas = first->replicas > 0 ? first->replicas : 0;
        }
    }
    return kept;
}

/* Clusters with 0 leave the list, unless nothing would remain in it. */
static void leave(kube_act *act, binding_wish *wish, const kube_binding *b)
{
    int64_t sum = 0;
    size_t kept = 0;
    for (size_t i = 0; i < wish->want_count; i++) {
        sum += wish->want[i].replicas;
    }
    wish->leaving = zone_array(&act->zone, wish->want_count + 1, sizeof *wish->leaving);
    for (size_t i = 0; wish->leaving != NULL && sum > 0 && i < wish->want_count; i++) {
        const kube_target t = wish->want[i];
        const kube_target *held = target_of(b->targets, b->target_count, t.cluster);
        if (t.replicas > 0 || (held != NULL && held->replicas <= 0)) { /* a 0 that stood there before stays */
            wish->want[kept++] = t;
        } else {
            wish->leaving[wish->leaving_count++] =
                (kube_target){.cluster = t.cluster, .replicas = held != NULL ? held->replicas : 0};
        }
    }
    wish->want_count = sum > 0 ? kept : wish->want_count;
    wish->shrinks = sum < wish->base_sum;
    wish->too_much = sum > SPW_REPLICAS_MAX;
}

/* The list as the actions of one workload make it. @return false: out of memory */
static bool apply_actions(plane *k, binding_wish *wish, const kube_binding *b, spw_id row)
{
    kube_act *act = k->act;
    wish->want = copy_targets(act, b->targets, b->target_count, b->target_count + act->count);
    wish->base = copy_targets(act, b->targets, b->target_count, b->target_count);
    if (wish->want == NULL || wish->base == NULL) {
        return false;
    }
    wish->base_count = b->target_count;
    wish->want_count = cleaned(wish->want, b->target_count, b);
    for (size_t i = 0; i < wish->want_count; i++) {
        wish->base_sum += wish->want[i].replicas;
    }
    for (act_entry *e = first_of(k, row); e != NULL; e = next_of(k, e)) {
        const char *cluster = act->info.snap->clusters.name[e->action.cluster];
        kube_target *t = target_of(wish->want, wish->want_count, cluster);
        const char *why = unfit(act, e, b, t);
        if (why != NULL) {
            act_settle(e, KUBE_FATE_REFUSED, why);
            continue;
        }
        if (t == NULL) {
            t = &wish->want[wish->want_count++];
            t->cluster = zone_text(&act->zone, cluster, strlen(cluster));
        }
        t->replicas = (int32_t)e->action.amount;
        wish->changes += e->action.amount != e->action.before ? 1 : 0;
        wish->lead = wish->lead == NULL ? e : wish->lead;
        e->fits = true;
    }
    leave(act, wish, b);
    if (act->zone.failed) {
        return false;
    }
    qsort(wish->want, wish->want_count, sizeof *wish->want, by_name);
    return true;
}

/* Says of every action of a workload the same. */
static void settle_all(plane *k, spw_id row, kube_fate fate, const char *why)
{
    for (act_entry *e = first_of(k, row); e != NULL; e = next_of(k, e)) {
        if (e->fate != KUBE_FATE_REFUSED) {
            act_settle(e, fate, why);
        }
    }
}

static bool plan_binding(plane *k, binding_wish *wish, const kube_binding *b, spw_id row)
{
    kube_act *act = k->act;
    if (!apply_actions(k, wish, b, row)) {
        return false;
    }
    if (wish->too_much) {
        settle_all(k, row, KUBE_FATE_REFUSED, "more replicas in all than any workload may have");
        return true;
    }
    if (wish->changes == 0) {
        settle_all(k, row, KUBE_FATE_DONE, "");
        return true;
    }
    if (!binding_write(act, wish, b, &act->writes[act->write_count])) {
        return false;
    }
    for (act_entry *e = first_of(k, row); e != NULL; e = next_of(k, e)) {
        if (e->fits) {
            e->write = act->write_count;
        }
    }
    wish->write = act->write_count++;
    return true;
}

/* --- a tick ---------------------------------------------------------------------------------------------------- */

static bool sort_out(plane *k)
{
    kube_act *act = k->act;
    const size_t n = act->info.snap->workloads.count;
    k->first = zone_array(&act->zone, n + 1, sizeof *k->first);
    k->next = zone_array(&act->zone, act->count + 1, sizeof *k->next);
    k->outcome = zone_array(&act->zone, n + 1, sizeof(*k->outcome));
    k->wishes = zone_array(&act->zone, n + 1, sizeof *k->wishes);
    act->writes = zone_array(&act->zone, act->count + n + 1, sizeof *act->writes);
    if (act->zone.failed) {
        return false;
    }
    for (size_t w = 0; w < n; w++) {
        k->first[w] = SIZE_MAX;
    }
    for (size_t i = act->count; i-- > 0;) {
        const act_entry *e = &act->entries[i];
        if (e->action.verb == SPW_VERB_PLACE) {
            k->next[i] = k->first[e->action.workload];
            k->first[e->action.workload] = i;
        }
    }
    for (size_t i = 0; act->info.plan != NULL && i < spw_plan_outcome_count(act->info.plan); i++) {
        const spw_outcome *o = spw_plan_outcome_at(act->info.plan, i);
        k->outcome[o->workload] = o;
    }
    return true;
}

/* The status that a workload's binding is to have; false: none of ours to write. */
static bool wants_status(const plane *k, const binding_wish *wish, const kube_binding *b, spw_id row)
{
    const spw_outcome *o = k->outcome[row];
    const bool asked =
        b->reschedule != SPW_TIME_MAX && (b->last_scheduled == SPW_TIME_MAX || b->reschedule > b->last_scheduled);
    return wish->write != ACT_NO_WRITE ||
           (o != NULL && (o->unplaced > 0 || b->observed_generation != b->meta.generation || asked));
}

/* Writes to specs, and who will want a status. @return false: out of memory */
static bool plan_specs(plane *k)
{
    kube_act *act = k->act;
    const spw_snapshot *snap = act->info.snap;
    for (spw_id row = 0; row < snap->workloads.count; row++) {
        const char *full = snap->workloads.name[row], *slash = strchr(full, '/');
        const act_entry *e = first_of(k, row);
        if (slash == NULL || (e == NULL && k->outcome[row] == NULL)) {
            settle_all(k, row, KUBE_FATE_REFUSED, "its name is no namespace/name");
            continue;
        }
        const char *space = e != NULL ? e->space : zone_text(&act->zone, full, (size_t)(slash - full));
        const kube_binding *b =
            space != NULL ? kube_fleet_binding(act->spec.fleet, act_kind(act, row), space, slash + 1) : NULL;
        const char *why = foreign(act, b);
        if (why != NULL) {
            settle_all(k, row, KUBE_FATE_REFUSED, why);
            continue;
        }
        if (b->epoch > act_epoch(act)) {
            settle_all(k, row, KUBE_FATE_OUTRUN, "a later leader has written its ResourceBinding");
            continue;
        }
        binding_wish *wish = &k->wishes[k->wish_count];
        *wish = (binding_wish){.act = act, .write = ACT_NO_WRITE, .outcome = k->outcome[row], .row = row};
        if (!plan_binding(k, wish, b, row)) {
            return false;
        }
        if (wants_status(k, wish, b, row)) {
            k->wish_count++;
            if (wish->write == ACT_NO_WRITE && (!binding_know(act, wish, b) || !binding_remember(wish, b))) {
                return false;
            }
        }
    }
    return !act->zone.failed;
}

static bool plan_templates(kube_act *act)
{
    const kube_fleet_spec *fleet = kube_fleet_spec_get(act->spec.fleet);
    const act_where where = {.server = fleet->hub, .breaker = fleet->cluster_count, .prefix = ""};
    for (size_t i = 0; i < act->count; i++) {
        act_entry *e = &act->entries[i];
        if (e->action.verb == SPW_VERB_SCALE &&
            !act_scale_write(act, e, kube_fleet_template(act->spec.fleet, e->kind, e->space, e->name), &where)) {
            return false;
        }
    }
    return true;
}

/* Statuses of bindings whose spec is as wanted now. One that fails is written in the next tick. */
static spw_rc write_statuses(plane *k, spw_err *err)
{
    kube_act *act = k->act;
    kube_write *writes = zone_array(&act->zone, k->wish_count + 1, sizeof *writes);
    size_t count = 0;
    for (size_t i = 0; writes != NULL && i < k->wish_count; i++) {
        binding_wish *wish = &k->wishes[i];
        if (wish->write == ACT_NO_WRITE || act->writes[wish->write].fate == KUBE_FATE_DONE) {
            count += binding_status_write(act, wish, &writes[count]) ? 1 : 0;
        }
    }
    return writes == NULL || act->zone.failed ? SPW_NOMEM : act_run(act, writes, count, err);
}

static spw_rc carry_out(kube_act *act, spw_err *err)
{
    plane k = {.act = act};
    spw_rc rc = sort_out(&k) && plan_templates(act) && plan_specs(&k) ? SPW_OK : SPW_NOMEM;
    if (rc == SPW_OK) {
        rc = act_run(act, act->writes, act->write_count, err);
        const spw_rc later = rc != SPW_NOMEM ? write_statuses(&k, rc == SPW_OK ? err : NULL) : SPW_OK;
        rc = rc == SPW_OK && later != SPW_OK ? SPW_BACKEND : rc;
    }
    for (size_t i = 0; i < k.wish_count; i++) {
        binding_forget(&k.wishes[i]);
    }
    return rc;
}

kube_act *kube_act_karmada_new(const kube_act_spec *spec)
{
    return act_new(spec, "karmada", carry_out);
}
