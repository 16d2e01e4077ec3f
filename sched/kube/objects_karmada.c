/* SPDX-License-Identifier: Apache-2.0 */
/** objects_karmada.c - Clusters and ResourceBindings of Karmada. */
#include "sched/kube/objects_int.h"

#include <stdlib.h>
#include <string.h>

static const char *memory(bool failed)
{
    return failed ? "" : NULL;
}

/* --- Cluster --------------------------------------------------------------------------------------------------- */

static void read_summary(const json_t *status, kube_member *m)
{
    const json_t *summary = json_object_get(status, "resourceSummary");
    const struct {
        const char *key;
        int64_t *into;
        int64_t absent;
    } parts[] = {{"allocatable", m->allocatable, -1}, {"allocated", m->allocated, 0}, {"allocating", m->allocating, 0}};

    m->has_summary = json_is_object(json_object_get(summary, "allocatable"));
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const json_t *map = json_object_get(summary, parts[i].key);
        parts[i].into[0] = obj_milli(map, "cpu", parts[i].absent);
        parts[i].into[1] = obj_whole(map, "memory", parts[i].absent);
        parts[i].into[2] = obj_whole(map, "pods", parts[i].absent);
    }
}

/* The least amount of one resource in a grade of spec.resourceModels, -1 if that does not list it. */
static int64_t least_of(const json_t *model, const char *resource, bool milli)
{
    const json_t *ranges = json_object_get(model, "ranges");
    for (size_t i = 0; i < json_array_size(ranges); i++) {
        const json_t *range = json_array_get(ranges, i);
        if (strcmp(obj_text(range, "name"), resource) == 0) {
            return milli ? obj_milli(range, "min", 0) : obj_whole(range, "min", 0);
        }
    }
    return -1;
}

static void read_grades(const json_t *object, kube_member *m, bool *failed)
{
    const json_t *models = obj_at(object, "spec", "resourceModels", NULL);
    const json_t *counts = obj_at(object, "status", "resourceSummary", "allocatableModelings", NULL);
    const size_t n = json_array_size(counts);

    m->grades = calloc(n + 1, sizeof *m->grades);
    if (m->grades == NULL) {
        *failed = true;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *count = json_array_get(counts, i);
        const int32_t grade = obj_int(count, "grade", -1);
        for (size_t k = 0; k < json_array_size(models); k++) {
            const json_t *model = json_array_get(models, k);
            if (obj_int(model, "grade", -2) == grade) {
                m->grades[m->grade_count].cpu_milli = least_of(model, "cpu", true);
                m->grades[m->grade_count].memory_bytes = least_of(model, "memory", false);
                m->grades[m->grade_count].nodes = obj_int(count, "count", 0);
                m->grade_count++;
                break;
            }
        }
    }
}

static spw_taint_effect effect_of(const char *text)
{
    return strcmp(text, "NoExecute") == 0    ? SPW_TAINT_NO_EXECUTE
           : strcmp(text, "NoSchedule") == 0 ? SPW_TAINT_NO_SCHEDULE
                                             : SPW_TAINT_PREFER_NO_SCHEDULE;
}

static void read_taints(const json_t *spec, kube_member *m, bool *failed)
{
    const json_t *taints = json_object_get(spec, "taints");
    m->taints = calloc(json_array_size(taints) + 1, sizeof *m->taints);
    *failed = *failed || m->taints == NULL;
    for (size_t i = 0; m->taints != NULL && i < json_array_size(taints); i++) {
        const json_t *taint = json_array_get(taints, i);
        m->taints[i].key = obj_copy(obj_text(taint, "key"), failed);
        m->taints[i].value = obj_copy(obj_text(taint, "value"), failed);
        m->taints[i].effect = effect_of(obj_text(taint, "effect"));
        m->taint_count = i + 1;
    }
}

/* spec.zones with commas between; older objects have spec.zone. */
static char *read_zones(const json_t *spec, bool *failed)
{
    const json_t *zones = json_object_get(spec, "zones");
    size_t size = 1;
    for (size_t i = 0; i < json_array_size(zones); i++) {
        const char *zone = json_string_value(json_array_get(zones, i));
        size += zone != NULL ? strlen(zone) + 1 : 0;
    }
    if (size == 1) {
        return obj_copy(obj_text(spec, "zone"), failed);
    }
    char *text = calloc(size, 1);
    *failed = *failed || text == NULL;
    for (size_t i = 0, used = 0; i < json_array_size(zones) && text != NULL; i++) {
        const char *zone = json_string_value(json_array_get(zones, i));
        if (zone != NULL && zone[0] != '\0') {
            used += (size_t)snprintf(text + used, size - used, "%s%s", used > 0 ? "," : "", zone);
        }
    }
    return text;
}

static const char *read_member(const json_t *object, void *into)
{
    kube_member *m = into;
    const json_t *spec = json_object_get(object, "spec");
    const json_t *ready = obj_condition(object, "Ready");
    bool failed = false;

    m->labels = obj_labels(obj_at(object, "metadata", "labels", NULL), &m->label_count, &failed);
    m->region = obj_copy(obj_text(spec, "region"), &failed);
    m->zone = read_zones(spec, &failed);
    m->provider = obj_copy(obj_text(spec, "provider"), &failed);
    m->ready = strcmp(obj_text(ready, "status"), "True") == 0;
    m->ready_changed = kube_time_read(obj_text(ready, "lastTransitionTime"));
    read_taints(spec, m, &failed);
    read_summary(json_object_get(object, "status"), m);
    read_grades(object, m, &failed);
    return memory(failed);
}

static void fini_member(void *row)
{
    kube_member *m = row;
    obj_labels_free(m->labels, m->label_count);
    for (size_t i = 0; i < m->taint_count; i++) {
        free((void *)(uintptr_t)m->taints[i].key); /* ours, made by read_taints */
        free((void *)(uintptr_t)m->taints[i].value);
    }
    free(m->taints);
    free(m->grades);
    free(m->region);
    free(m->zone);
    free(m->provider);
}

const kube_kind kube_kind_member = {"Cluster", sizeof(kube_member), read_member, fini_member};

/* --- ResourceBinding ------------------------------------------------------------------------------------------- */

/* [{name, replicas}] */
static kube_target *read_targets(const json_t *list, const char *name_key, size_t *count, bool *failed)
{
    const size_t n = json_array_size(list);
    kube_target *targets = calloc(n + 1, sizeof *targets);
    *failed = *failed || targets == NULL;
    for (size_t i = 0; targets != NULL && i < n; i++) {
        const json_t *one = json_array_get(list, i);
        targets[i].cluster = obj_copy(obj_text(one, name_key), failed);
        targets[i].replicas = obj_int(one, "replicas", 0);
        *count = i + 1;
    }
    return targets;
}

static void targets_free(kube_target *targets, size_t count)
{
    for (size_t i = 0; targets != NULL && i < count; i++) {
        free(targets[i].cluster);
    }
    free(targets);
}

/* What Karmada's controllers put on the bindings that a policy made. */
static bool is_managed(const json_t *object)
{
    static const char *const marks[] = {"propagationpolicy.karmada.io/permanent-id",
                                        "clusterpropagationpolicy.karmada.io/permanent-id",
                                        "resourcebinding.karmada.io/permanent-id"};
    const json_t *labels = obj_at(object, "metadata", "labels", NULL);
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (obj_text(labels, marks[i])[0] != '\0') {
            return true;
        }
    }
    return obj_text(labels, "app.kubernetes.io/managed-by")[0] != '\0' ||
           obj_text(obj_at(object, "metadata", "annotations", NULL), "policy.karmada.io/managed-by")[0] != '\0';
}

static void read_evictions(const json_t *spec, kube_binding *b, bool *failed)
{
    const json_t *tasks = json_object_get(spec, "gracefulEvictionTasks");
    b->evicting = calloc(json_array_size(tasks) + 1, sizeof *b->evicting);
    *failed = *failed || b->evicting == NULL;
    for (size_t i = 0; b->evicting != NULL && i < json_array_size(tasks); i++) {
        b->evicting[i] = obj_copy(obj_text(json_array_get(tasks, i), "fromCluster"), failed);
        b->evicting_count = i + 1;
    }
    b->evictions = obj_dump(tasks, "[]", failed);
}

static void read_reported(const json_t *status, kube_binding *b, bool *failed)
{
    const json_t *all = json_object_get(status, "aggregatedStatus");
    b->reported = read_targets(all, "clusterName", &b->reported_count, failed);
    for (size_t i = 0; i < b->reported_count; i++) {
        const json_t *one = json_array_get(all, i);
        b->reported[i].replicas = obj_int(json_object_get(one, "status"), "readyReplicas", 0);
    }
}

static const char *read_binding(const json_t *object, void *into)
{
    kube_binding *b = into;
    const json_t *spec = json_object_get(object, "spec"), *status = json_object_get(object, "status");
    const json_t *resource = json_object_get(spec, "resource"), *targets = json_object_get(spec, "clusters");
    const json_t *notes = obj_at(object, "metadata", "annotations", NULL);
    bool failed = false;

    b->scheduler = obj_copy(obj_text(spec, "schedulerName"), &failed);
    b->kind = obj_copy(obj_text(resource, "kind"), &failed);
    b->template_space = obj_copy(obj_text(resource, "namespace"), &failed);
    b->template_name = obj_copy(obj_text(resource, "name"), &failed);
    b->replicas = obj_int(spec, "replicas", 0);
    b->suspended = json_is_true(obj_at(spec, "suspension", "scheduling", NULL));
    b->managed = is_managed(object);
    b->has_targets = json_is_array(targets);
    b->targets = read_targets(targets, "name", &b->target_count, &failed);
    b->reschedule = kube_time_read(obj_text(spec, "rescheduleTriggeredAt"));
    b->last_scheduled = kube_time_read(obj_text(status, "lastScheduledTime"));
    b->observed_generation = json_integer_value(json_object_get(status, "schedulerObservedGeneration"));
    b->affinity = obj_copy(obj_text(status, "schedulerObservingAffinityName"), &failed);
    b->placement = obj_dump(json_object_get(spec, "placement"), "{}", &failed);
    b->applied = obj_copy(obj_text(notes, "policy.karmada.io/applied-placement"), &failed);
    b->epoch = strtoull(obj_text(notes, KUBE_NOTE_EPOCH), NULL, 10);
    b->conditions = obj_dump(json_object_get(status, "conditions"), "[]", &failed);
    read_evictions(spec, b, &failed);
    read_reported(status, b, &failed);
    return memory(failed);
}

static void fini_binding(void *row)
{
    kube_binding *b = row;
    char *const texts[] = {b->scheduler, b->kind,    b->template_space, b->template_name, b->affinity,
                           b->placement, b->applied, b->conditions,     b->evictions};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        free(texts[i]);
    }
    for (size_t i = 0; i < b->evicting_count; i++) {
        free(b->evicting[i]);
    }
    free(b->evicting);
    targets_free(b->targets, b->target_count);
    targets_free(b->reported, b->reported_count);
}

const kube_kind kube_kind_binding = {"ResourceBinding", sizeof(kube_binding), read_binding, fini_binding};
