/* SPDX-License-Identifier: Apache-2.0 */
/** binding.c - bodies of writes to ResourceBindings, and what an object that was read means for them. */
#include "sched/kube/binding.h"
#include "sched/kube/objects_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOTE_APPLIED "policy.karmada.io/applied-placement"
#define NOTE_PLAN    "spillway.dev/plan"
#define NOTE_REASON  "spillway.dev/reason"
#define AFFINITY     "schedulerObservingAffinityName" /* as v1alpha2 spells it */
#define REASON       "LeftByPlan"                     /* of eviction tasks: one word, as the schema wants it */

bool binding_know(kube_act *act, binding_wish *wish, const kube_binding *b)
{
    wish->path = zone_format(&act->zone, "/apis/work.karmada.io/v1alpha2/namespaces/%s/resourcebindings/%s",
                             b->meta.space, b->meta.name);
    wish->status_path = wish->path != NULL ? zone_format(&act->zone, "%s/status", wish->path) : NULL;
    wish->query = zone_format(&act->zone, "fieldManager=%s", act->spec.manager);
    wish->uid = zone_text(&act->zone, b->meta.uid, strlen(b->meta.uid));
    wish->placement = zone_text(&act->zone, b->placement, strlen(b->placement));
    wish->evictions = zone_text(&act->zone, b->evictions, strlen(b->evictions));
    return !act->zone.failed;
}

static int put_time(json_t *object, const char *key, spw_time unix_ns)
{
    char text[40];
    if (unix_ns == SPW_TIME_MAX) {
        return 0;
    }
    kube_time_write(unix_ns, text, sizeof text);
    return json_object_set_new(object, key, json_string(text));
}

bool binding_remember(binding_wish *wish, const kube_binding *b)
{
    json_t *conditions = json_loads(b->conditions, 0, NULL);
    json_t *meta =
        json_pack("{s:s,s:I}", "resourceVersion", b->meta.version, "generation", (json_int_t)b->meta.generation);
    json_t *status = json_pack("{s:I}", "schedulerObservedGeneration", (json_int_t)b->observed_generation);
    json_t *spec = json_object();
    (void)json_object_set_new(status, AFFINITY, json_string(b->affinity)); /* missing, it is only said again */
    int failed = put_time(spec, "rescheduleTriggeredAt", b->reschedule) |
                 put_time(status, "lastScheduledTime", b->last_scheduled) |
                 json_object_set_new(status, "conditions", conditions);
    json_t *object = json_object();
    failed |= json_object_set_new(object, "metadata", meta) | json_object_set_new(object, "spec", spec) |
              json_object_set_new(object, "status", status);
    if (failed != 0) {
        json_decref(object);
        return false;
    }
    binding_forget(wish);
    wish->object = object;
    return true;
}

void binding_forget(binding_wish *wish)
{
    json_decref(wish->object);
    wish->object = NULL;
}

static void keep(const kube_write *write, const json_t *object)
{
    binding_wish *wish = write->user;
    json_decref(wish->object);
    wish->object = json_incref((json_t *)(uintptr_t)object);
}

/* --- what was read --------------------------------------------------------------------------------------------- */

static bool is_named(const kube_target *t, const json_t *one)
{
    return strcmp(t->cluster, obj_text(one, "name")) == 0 && t->replicas == obj_int(one, "replicas", 0);
}

/* Whether a list has exactly these targets, in any order. */
static bool list_is(const json_t *list, const kube_target *targets, size_t count)
{
    if (json_array_size(list) != count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) { /* as often there as here: there may be duplicates */
        size_t here = 0, there = 0;
        for (size_t k = 0; k < count; k++) {
            here += strcmp(targets[k].cluster, targets[i].cluster) == 0 && targets[k].replicas == targets[i].replicas;
            there += is_named(&targets[i], json_array_get(list, k)) ? 1 : 0;
        }
        if (here != there) {
            return false;
        }
    }
    return true;
}

/* Ours, the same object, and no later leader of ours has written it. */
static bool is_ours(const binding_wish *wish, const json_t *object)
{
    const json_t *spec = json_object_get(object, "spec"), *meta = json_object_get(object, "metadata");
    const char *epoch = obj_text(json_object_get(meta, "annotations"), KUBE_NOTE_EPOCH);
    return strcmp(obj_text(meta, "uid"), wish->uid) == 0 &&
           strcmp(obj_text(spec, "schedulerName"), kube_fleet_spec_get(wish->act->spec.fleet)->scheduler) == 0 &&
           !json_is_true(obj_at(spec, "suspension", "scheduling", NULL)) &&
           strtoull(epoch, NULL, 10) <= act_epoch(wish->act);
}

static kube_seen spec_seen(const kube_write *write, const json_t *object)
{
    const binding_wish *wish = write->user;
    const json_t *list = obj_at(object, "spec", "clusters", NULL);
    if (!is_ours(wish, object)) {
        return KUBE_SEEN_OTHER;
    }
    keep(write, object);
    return list_is(list, wish->want, wish->want_count)   ? KUBE_SEEN_WANTED
           : list_is(list, wish->base, wish->base_count) ? KUBE_SEEN_BEFORE
                                                         : KUBE_SEEN_OTHER;
}

/* --- the spec -------------------------------------------------------------------------------------------------- */

static json_t *list_of(const binding_wish *wish)
{
    json_t *list = json_array();
    for (size_t i = 0; i < wish->want_count; i++) {
        json_t *one = json_pack("{s:s,s:i}", "name", wish->want[i].cluster, "replicas", (int)wish->want[i].replicas);
        if (json_array_append_new(list, one) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static bool wants(const binding_wish *wish, const char *cluster)
{
    for (size_t i = 0; i < wish->want_count; i++) {
        if (strcmp(wish->want[i].cluster, cluster) == 0) {
            return wish->want[i].replicas > 0;
        }
    }
    return false;
}

static bool has_task(const json_t *tasks, const char *cluster)
{
    for (size_t i = 0; i < json_array_size(tasks); i++) {
        if (strcmp(obj_text(json_array_get(tasks, i), "fromCluster"), cluster) == 0) {
            return true;
        }
    }
    return false;
}

/* The tasks of the binding as it was last read; NULL = none. */
static json_t *old_tasks(const binding_wish *wish)
{
    json_t *read = json_object_get(json_object_get(wish->object, "spec"), "gracefulEvictionTasks");
    return wish->object != NULL ? json_incref(read) : json_loads(wish->evictions, 0, NULL);
}

/* Others' tasks as they are; ours but for clusters that get replicas again; one for each cluster that leaves. */
static json_t *tasks_of(const binding_wish *wish, const json_t *old)
{
    json_t *tasks = json_array();
    int failed = 0;
    for (size_t i = 0; i < json_array_size(old); i++) {
        json_t *task = json_array_get(old, i);
        const bool back =
            strcmp(obj_text(task, "producer"), BINDING_US) == 0 && wants(wish, obj_text(task, "fromCluster"));
        failed |= back ? 0 : json_array_append(tasks, task);
    }
    for (size_t i = 0; i < wish->leaving_count; i++) {
        const kube_target *t = &wish->leaving[i];
        if (t->replicas > 0 && !has_task(old, t->cluster)) {
            failed |= json_array_append_new(tasks, json_pack("{s:s,s:i,s:s,s:s,s:s}", "fromCluster", t->cluster,
                                                             "replicas", (int)t->replicas, "reason", REASON, "message",
                                                             spw_reason_text(wish->lead->action.reason), "producer",
                                                             BINDING_US));
        }
    }
    if (failed != 0) {
        json_decref(tasks);
        return NULL;
    }
    return tasks;
}

static json_t *notes_of(const binding_wish *wish)
{
    const json_t *placement = obj_at(wish->object, "spec", "placement", NULL);
    char *fresh = placement != NULL ? json_dumps(placement, JSON_COMPACT) : NULL;
    char plan[120], epoch[24];
    (void)snprintf(plan, sizeof plan, "e%" PRIu64 "-t%" PRIu64 "-%016" PRIx64, act_epoch(wish->act),
                   wish->act->info.tick, wish->act->info.snapshot_hash);
    (void)snprintf(epoch, sizeof epoch, "%" PRIu64, act_epoch(wish->act));
    json_t *notes = json_pack("{s:s,s:s,s:s,s:s}", NOTE_APPLIED, fresh != NULL ? fresh : wish->placement, NOTE_PLAN,
                              plan, NOTE_REASON, spw_reason_name(wish->lead->action.reason), KUBE_NOTE_EPOCH, epoch);
    free(fresh);
    return notes;
}

static char *spec_body(const kube_write *write, const char *version)
{
    const binding_wish *wish = write->user;
    json_t *old = old_tasks(wish), *tasks = tasks_of(wish, old);
    json_t *root = json_pack("{s:{s:s,s:s,s:o},s:{s:o}}", "metadata", "resourceVersion", version, "uid", wish->uid,
                             "annotations", notes_of(wish), "spec", "clusters", list_of(wish));
    bool failed = root == NULL || tasks == NULL;
    if (!failed && (json_array_size(old) > 0 || json_array_size(tasks) > 0) && !json_equal(old, tasks)) {
        failed = json_object_set(json_object_get(root, "spec"), "gracefulEvictionTasks", tasks) != 0;
    }
    char *text = !failed ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(old);
    json_decref(tasks);
    json_decref(root);
    return text;
}

bool binding_write(kube_act *act, binding_wish *wish, const kube_binding *b, kube_write *out)
{
    const kube_fleet_spec *fleet = kube_fleet_spec_get(act->spec.fleet);
    if (!binding_know(act, wish, b)) {
        return false;
    }
    *out = (kube_write){.server = fleet->hub,
                        .breaker = fleet->cluster_count,
                        .method = "PATCH",
                        .path = wish->path,
                        .query = wish->query,
                        .shrinks = wish->shrinks,
                        .workload = wish->lead->action.workload,
                        .body = spec_body,
                        .seen = spec_seen,
                        .landed = keep,
                        .user = wish};
    act_tag(act, wish->lead, out->tag, sizeof out->tag);
    (void)snprintf(out->version, sizeof out->version, "%s", b->meta.version);
    return true;
}

/* --- the status ------------------------------------------------------------------------------------------------ */

/* What the condition Scheduled is to say. */
typedef struct verdict {
    bool placed;
    const char *reason;
    char message[120];
} verdict;

static verdict verdict_of(const binding_wish *wish)
{
    const spw_outcome *o = wish->outcome;
    verdict v = {.placed = o == NULL || o->unplaced == 0, .reason = "Success", .message = "All replicas are placed."};
    if (!v.placed) {
        v.reason = o->unplaced >= o->desired ? "NoClusterFit" : "Unschedulable";
        (void)snprintf(v.message, sizeof v.message, "%" PRId32 " of %" PRId32 " replicas fit nowhere.", o->unplaced,
                       o->desired);
    }
    return v;
}

/* Of a policy with failover groups: the one that holds the workload. "" = nothing to say */
static const char *affinity_of(const binding_wish *wish)
{
    const spw_config *config = wish->act->spec.config;
    const spw_outcome *o = wish->outcome;
    if (config == NULL || o == NULL || wish->row >= config->workload_count ||
        config->workloads[wish->row].policy >= config->policy_count) {
        return "";
    }
    const spw_policy *policy = &config->policies[config->workloads[wish->row].policy];
    for (size_t g = 0; policy->order == SPW_GROUPS_FAILOVER && g < policy->group_count && g < o->tier_count; g++) {
        if (o->tiers[g].idle + o->tiers[g].elastic + o->tiers[g].preempted > 0) {
            return policy->groups[g].name;
        }
    }
    return "";
}

static bool status_is_right(const binding_wish *wish, const json_t *object)
{
    const verdict v = verdict_of(wish);
    const json_t *c = obj_condition(object, "Scheduled"), *status = json_object_get(object, "status");
    const json_int_t generation = json_integer_value(obj_at(object, "metadata", "generation", NULL));
    const spw_time asked = kube_time_read(obj_text(json_object_get(object, "spec"), "rescheduleTriggeredAt"));
    const spw_time last = kube_time_read(obj_text(status, "lastScheduledTime"));
    const bool said = strcmp(obj_text(c, "status"), v.placed ? "True" : "False") == 0 &&
                      strcmp(obj_text(c, "reason"), v.reason) == 0 && strcmp(obj_text(c, "message"), v.message) == 0;
    const bool settled = json_integer_value(json_object_get(status, "schedulerObservedGeneration")) == generation &&
                         (asked == SPW_TIME_MAX || (last != SPW_TIME_MAX && asked <= last));
    const char *affinity = affinity_of(wish);
    const bool named = affinity[0] == '\0' || strcmp(obj_text(status, AFFINITY), affinity) == 0;
    return said && ((settled && named) || !v.placed);
}

static kube_seen status_seen(const kube_write *write, const json_t *object)
{
    const binding_wish *wish = write->user;
    if (!is_ours(wish, object) || !list_is(obj_at(object, "spec", "clusters", NULL), wish->want, wish->want_count)) {
        return KUBE_SEEN_OTHER;
    }
    keep(write, object);
    return status_is_right(wish, object) ? KUBE_SEEN_WANTED : KUBE_SEEN_BEFORE;
}

/* Seconds, as metav1.Time has it. */
static void seconds(spw_time unix_ns, char *out, size_t room)
{
    kube_time_write(unix_ns, out, room);
    char *dot = strchr(out, '.');
    if (dot != NULL) {
        (void)snprintf(dot, room - (size_t)(dot - out), "Z");
    }
}

/* Everybody's conditions, ours among them in its old place or at the end. */
static json_t *conditions_of(const binding_wish *wish, const verdict *v, const char *now)
{
    const json_t *old = obj_at(wish->object, "status", "conditions", NULL);
    const json_t *was = obj_condition(wish->object, "Scheduled");
    const char *status = v->placed ? "True" : "False", *since = obj_text(was, "lastTransitionTime");
    const bool same = strcmp(obj_text(was, "status"), status) == 0 && since[0] != '\0';
    json_t *ours = json_pack("{s:s,s:s,s:s,s:s,s:s}", "type", "Scheduled", "status", status, "reason", v->reason,
                             "message", v->message, "lastTransitionTime", same ? since : now);
    json_t *all = json_array();
    int failed = ours == NULL;
    for (size_t i = 0; i < json_array_size(old); i++) {
        json_t *one = json_array_get(old, i);
        failed |= json_array_append(all, one == was ? ours : one);
    }
    failed |= was == NULL ? json_array_append(all, ours) : 0;
    json_decref(ours);
    if (failed != 0) {
        json_decref(all);
        return NULL;
    }
    return all;
}

static char *status_body(const kube_write *write, const char *version)
{
    const binding_wish *wish = write->user;
    const verdict v = verdict_of(wish);
    const json_int_t generation = json_integer_value(obj_at(wish->object, "metadata", "generation", NULL));
    char now[40];
    seconds(wish->act->info.now, now, sizeof now);
    json_t *root = json_pack("{s:{s:s,s:s},s:{s:o}}", "metadata", "resourceVersion", version, "uid", wish->uid,
                             "status", "conditions", conditions_of(wish, &v, now));
    json_t *status = json_object_get(root, "status");
    int failed = root == NULL;
    if (v.placed) { /* a generation is only confirmed when it was served whole */
        failed |= json_object_set_new(status, "schedulerObservedGeneration", json_integer(generation));
        failed |= json_object_set_new(status, "lastScheduledTime", json_string(now));
        if (affinity_of(wish)[0] != '\0') {
            failed |= json_object_set_new(status, AFFINITY, json_string(affinity_of(wish)));
        }
    }
    char *text = failed == 0 ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    return text;
}

bool binding_status_write(kube_act *act, binding_wish *wish, kube_write *out)
{
    const kube_fleet_spec *fleet = kube_fleet_spec_get(act->spec.fleet);
    if (wish->object != NULL && status_is_right(wish, wish->object)) {
        return false;
    }
    *out = (kube_write){.server = fleet->hub,
                        .breaker = fleet->cluster_count,
                        .method = "PATCH",
                        .path = wish->status_path,
                        .query = wish->query,
                        .read_path = wish->path,
                        .workload = wish->row,
                        .body = status_body,
                        .seen = status_seen,
                        .user = wish};
    (void)snprintf(out->tag, sizeof out->tag, "spw-e%" PRIu64 "-t%" PRIu64 "-status", act_epoch(act), act->info.tick);
    if (wish->object != NULL) { /* else it is read first */
        (void)snprintf(out->version, sizeof out->version, "%s",
                       obj_text(json_object_get(wish->object, "metadata"), "resourceVersion"));
    }
    return true;
}
