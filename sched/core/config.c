/* SPDX-License-Identifier: Apache-2.0 */
/* config.c - see config.h; also the documented defaults of a policy. */
#include "core/config.h"

#include <spillway/autoscale.h>
#include <spillway/limits.h>

#include "core/errors.h"
#include "core/hash.h"
#include "core/sort.h"

#define SECONDS(n) (INT64_C(n) * SPW_NS_PER_S)

void spw_policy_default(spw_policy *policy)
{
    *policy = (spw_policy){
        .order = SPW_GROUPS_ORDERED,
        .division = SPW_DIVIDE_DYNAMIC,
        .partial = true,
        .elastic = false,
        .step_major = SPW_STEP_PER_TIER,
        .failback = SPW_FAILBACK_AUTOMATIC,
        .failback_window = SECONDS(300),
        .moves_per_tick = 2,
        .move_deadline = SECONDS(900),
        .provision_deadline = SECONDS(900), /* cluster-autoscaler: max-node-provision-time 15 min */
        .node_unneeded = SECONDS(600),      /* cluster-autoscaler: scale-down-unneeded-time 10 min */
    };
}

/* --- check --- */

static bool is_window(spw_dur d)
{
    return d >= 0 && d <= CONFIG_DUR_MAX;
}

static spw_rc check_policy(const spw_policy *p, spw_id row, spw_err *err)
{
    if (p->group_count == 0 || p->group_count > SPW_GROUPS_MAX || p->groups == NULL) {
        return err_set(err, SPW_INVAL, row, "policies.groups", "a policy needs 1 to 64 groups");
    }
    if (p->division < SPW_DIVIDE_DUPLICATED || p->division > SPW_DIVIDE_AGGREGATED) {
        return err_set(err, SPW_INVAL, row, "policies.division", "unknown division");
    }
    if (p->order != SPW_GROUPS_FAILOVER && p->order != SPW_GROUPS_ORDERED) {
        return err_set(err, SPW_INVAL, row, "policies.order", "unknown order of groups");
    }
    if (p->step_major < SPW_STEP_PER_TIER || p->step_major > SPW_STEP_GLOBAL) {
        return err_set(err, SPW_INVAL, row, "policies.step_major", "unknown order of steps");
    }
    if (p->failback < SPW_FAILBACK_NEVER || p->failback > SPW_FAILBACK_AUTOMATIC) {
        return err_set(err, SPW_INVAL, row, "policies.failback", "unknown failback");
    }
    if (p->preempt > SPW_PREEMPT_AFTER_ELASTIC) {
        return err_set(err, SPW_INVAL, row, "policies.preempt", "unknown order of preemption");
    }
    if (p->moves_per_tick < 0 || !is_window(p->failback_window) || !is_window(p->move_deadline) ||
        !is_window(p->provision_deadline) || !is_window(p->node_unneeded) || !is_window(p->min_runtime) ||
        p->nodes_per_batch < 0) {
        return err_set(err, SPW_INVAL, row, "policies", "a budget, window or deadline is negative or over ten years");
    }
    if (!is_window(p->failover_after) || !is_window(p->evict_grace) || !is_window(p->flap_window) ||
        !is_window(p->route_lag) || !is_window(p->unschedulable_after) || !is_window(p->deschedule_cooldown) ||
        !is_window(p->dwell) || p->failover_moves < 0 || p->moves_per_cluster < 0) {
        return err_set(err, SPW_INVAL, row, "policies", "a window or budget of mending is negative or over ten years");
    }
    if (p->route > SPW_ROUTE_LEVELS || p->route_region_count > SPW_GROUPS_MAX || p->route_capacity_milli < 0 ||
        p->route_fill_ppm < 0 || p->route_fill_ppm > 1000000) {
        return err_set(err, SPW_INVAL, row, "policies.route", "unknown route, or a capacity or part out of range");
    }
    if (p->prefetch_ppm < 0 || p->prefetch_ppm > 1000000) {
        return err_set(err, SPW_INVAL, row, "policies.prefetch_ppm", "a part of 0 to 1000000 expected");
    }
    for (size_t i = 0; i < p->route_weight_count; i++) {
        if (p->route_weights[i].weight < 0 || p->route_weights[i].weight > 1000000) {
            return err_set(err, SPW_INVAL, row, "policies.route_weights", "a weight of 0 to 1000000 expected");
        }
    }
    for (size_t i = 0; i < p->group_count; i++) {
        if (p->groups[i].has_window && !is_window(p->groups[i].failback_window)) {
            return err_set(err, SPW_INVAL, row, "policies.groups", "a window is negative or over ten years");
        }
    }
    if (p->division == SPW_DIVIDE_STATIC && p->static_weight_count == 0) {
        return err_set(err, SPW_INVAL, row, "policies.static_weights", "static division needs weights");
    }
    for (size_t i = 0; i < p->static_weight_count; i++) {
        if (p->static_weights[i].weight < 1 || p->static_weights[i].weight > INT32_MAX) {
            return err_set(err, SPW_INVAL, row, "policies.static_weights", "a weight must be 1 or more");
        }
    }
    return config_check_place(p, row, err);
}

spw_rc config_check_rules(const spw_scaling_rules *r, spw_id row, spw_err *err)
{
    if (r->window_s < -1 || r->window_s > 3600) {
        return err_set(err, SPW_INVAL, row, "hpas.window_s", "a stabilization window is 0..3600 s");
    }
    if (r->select < SPW_SELECT_MAX || r->select > SPW_SELECT_DISABLED) {
        return err_set(err, SPW_INVAL, row, "hpas.select", "unknown selectPolicy");
    }
    for (size_t i = 0; i < r->policy_count; i++) {
        const spw_scaling_policy *p = &r->policies[i];
        if (p->value <= 0 || p->period_s < 1 || p->period_s > 1800 ||
            (p->unit != SPW_SCALING_PODS && p->unit != SPW_SCALING_PERCENT)) {
            return err_set(err, SPW_INVAL, row, "hpas.policies", "value > 0 and period 1..1800 s expected");
        }
    }
    return SPW_OK;
}

static spw_rc check_hpa(const spw_hpa *h, spw_id row, spw_err *err)
{
    if (h->replicas_min < 0 || h->replicas_max < 1 || h->replicas_min > h->replicas_max ||
        h->replicas_max > SPW_REPLICAS_MAX) {
        return err_set(err, SPW_INVAL, row, "hpas.replicas", "0 <= minReplicas <= maxReplicas expected");
    }
    if (h->metric_count == 0 || h->metrics == NULL) {
        return err_set(err, SPW_INVAL, row, "hpas.metrics", "an autoscaler needs a metric");
    }
    if (h->sync_s < 1) {
        return err_set(err, SPW_INVAL, row, "hpas.sync_s", "the sync period must be 1 s or more");
    }
    bool counts_pods = true;
    for (size_t i = 0; i < h->metric_count; i++) {
        const spw_hpa_metric *m = &h->metrics[i];
        bool is_value = m->kind == SPW_METRIC_OBJECT || m->kind == SPW_METRIC_EXTERNAL;
        counts_pods = counts_pods && !is_value;
        if (m->name == NULL || m->target <= 0) {
            return err_set(err, SPW_INVAL, row, "hpas.metrics", "a metric needs a name and a target above 0");
        }
        if ((m->target_kind == SPW_TARGET_VALUE && !is_value) ||
            (m->target_kind == SPW_TARGET_UTILIZATION && m->kind != SPW_METRIC_RESOURCE)) {
            return err_set(err, SPW_INVAL, row, "hpas.metrics", "the kind of target does not fit the kind of metric");
        }
    }
    if (h->replicas_min == 0 && counts_pods) {
        return err_set(err, SPW_INVAL, row, "hpas.replicas_min", "scale to zero needs an Object or External metric");
    }
    spw_rc rc = config_check_rules(&h->up, row, err);
    return rc != SPW_OK ? rc : config_check_rules(&h->down, row, err);
}

static spw_rc check_requests(const spw_workload *w, spw_id row, spw_err *err)
{
    if (w->cpu_milli < 0 || w->memory_bytes < 0 || w->cpu_milli > SPW_REQUEST_MAX ||
        w->memory_bytes > SPW_REQUEST_MAX) {
        return err_set(err, SPW_INVAL, row, "workloads.cpu_milli", "a request is negative or out of range");
    }
    if (w->min_available < 0) {
        return err_set(err, SPW_INVAL, row, "workloads.min_available", "a disruption budget is 0 or more");
    }
    if (w->has_reschedule && (w->reschedule > (INT64_C(1) << 61) || w->reschedule < -(INT64_C(1) << 61))) {
        return err_set(err, SPW_INVAL, row, "workloads.reschedule", "a time within 73 years of 1970 expected");
    }
    bool percent = w->budget == SPW_BUDGET_MIN_AVAILABLE_PERCENT || w->budget == SPW_BUDGET_MAX_UNAVAILABLE_PERCENT;
    if (w->budget > SPW_BUDGET_MAX_UNAVAILABLE_PERCENT || w->budget_value < 0 || (percent && w->budget_value > 100)) {
        return err_set(err, SPW_INVAL, row, "workloads.budget", "0 or more replicas, or 0 to 100 per cent expected");
    }
    for (size_t i = 0; i < w->gpu_class_count && w->gpu_milli != NULL; i++) {
        if (w->gpu_milli[i] < 1 || w->gpu_milli[i] > SPW_GPU_MILLI_MAX) {
            return err_set(err, SPW_INVAL, row, "workloads.gpu_milli", "a throughput must be above 0, at most 100");
        }
    }
    return SPW_OK;
}

static spw_rc check_workload(const spw_config *config, const spw_workload *w, spw_id row, spw_err *err)
{
    if (w->name == NULL) {
        return err_set(err, SPW_INVAL, row, "workloads.name", "a workload needs a name");
    }
    if (w->gpus < 0 || w->gpus > SPW_NODE_GPUS_MAX) {
        return err_set(err, SPW_INVAL, row, "workloads.gpus", "a replica takes 0 to 16 GPUs of one node");
    }
    if (w->replicas < 0 || w->replicas > SPW_REPLICAS_MAX) {
        return err_set(err, SPW_INVAL, row, "workloads.replicas", "0 to 1000000 replicas expected");
    }
    if ((w->policy != SPW_ID_NONE && w->policy >= config->policy_count) ||
        (w->hpa != SPW_ID_NONE && w->hpa >= config->hpa_count)) {
        return err_set(err, SPW_INVAL, row, "workloads.policy", "no such policy or autoscaler");
    }
    spw_rc rc = config_check_data(w, row, err);
    rc = rc != SPW_OK || w->units == NULL ? rc : config_check_units(w->units, row, err);
    return rc != SPW_OK ? rc : check_requests(w, row, err);
}

static bool key_before(const void *rows, uint32_t a, uint32_t b)
{
    const spw_workload *works = rows;
    return works[a].key != works[b].key ? works[a].key < works[b].key : a < b;
}

static bool hpa_before(const void *rows, uint32_t a, uint32_t b)
{
    const spw_workload *works = rows;
    return works[a].hpa != works[b].hpa ? works[a].hpa < works[b].hpa : a < b;
}

spw_rc config_check_unique(const spw_config *config, uint32_t *index, spw_err *err)
{
    const spw_workload *works = config->workloads;
    const size_t count = config->workload_count;
    for (size_t i = 0; i < count; i++) {
        index[i] = (uint32_t)i;
    }
    sort_rows(index, count, key_before, works);
    for (size_t i = 1; i < count; i++) {
        if (works[index[i]].key == works[index[i - 1]].key) {
            return err_set(err, SPW_INVAL, index[i], "workloads.key", "two workloads have the same key");
        }
    }
    sort_rows(index, count, hpa_before, works);
    for (size_t i = 1; i < count; i++) {
        if (works[index[i]].hpa == works[index[i - 1]].hpa && works[index[i]].hpa != SPW_ID_NONE) {
            return err_set(err, SPW_INVAL, index[i], "workloads.hpa", "an autoscaler governs one workload only");
        }
    }
    return SPW_OK;
}

spw_rc config_check(const spw_config *config, spw_err *err)
{
    spw_rc rc = SPW_OK;
    for (size_t i = 0; i < config->policy_count && rc == SPW_OK; i++) {
        rc = check_policy(&config->policies[i], (spw_id)i, err);
    }
    for (size_t i = 0; i < config->hpa_count && rc == SPW_OK; i++) {
        rc = check_hpa(&config->hpas[i], (spw_id)i, err);
    }
    for (size_t i = 0; i < config->workload_count && rc == SPW_OK; i++) {
        rc = check_workload(config, &config->workloads[i], (spw_id)i, err);
    }
    for (size_t i = 0; i < config->scaler_count && rc == SPW_OK; i++) {
        rc = config_check_scaler(config, &config->scalers[i], (spw_id)i, err);
    }
    for (size_t i = 0; i < config->rtt_count && rc == SPW_OK; i++) {
        rc = config_check_rtt(&config->rtts[i], (spw_id)i, err);
    }
    return rc;
}

/* --- copy --- */

static const char *const *copy_names(arena *a, const char *const *from, size_t count)
{
    const char **to = arena_take(a, count, sizeof *to);
    for (size_t i = 0; i < count; i++) {
        const char *name = arena_string(a, from[i]);
        if (to != NULL) {
            to[i] = name;
        }
    }
    return to;
}

static const spw_requirement *copy_requirements(arena *a, const spw_requirement *from, size_t count)
{
    spw_requirement *to = arena_take(a, count, sizeof *to);
    for (size_t i = 0; i < count; i++) {
        spw_requirement copy = from[i];
        copy.key = arena_string(a, from[i].key);
        copy.values = copy_names(a, from[i].values, from[i].value_count);
        if (to != NULL) {
            to[i] = copy;
        }
    }
    return to;
}

static spw_selector copy_selector(arena *a, const spw_selector *from)
{
    spw_selector to = *from;
    to.labels = copy_requirements(a, from->labels, from->label_count);
    to.fields = copy_requirements(a, from->fields, from->field_count);
    to.names = copy_names(a, from->names, from->name_count);
    to.exclude = copy_names(a, from->exclude, from->exclude_count);
    return to;
}

static spw_policy copy_policy(arena *a, const spw_policy *from)
{
    spw_policy to = *from;
    to.name = arena_string(a, from->name);
    spw_group *groups = arena_take(a, from->group_count, sizeof *groups);
    for (size_t i = 0; i < from->group_count; i++) {
        spw_group copy = from->groups[i];
        copy.name = arena_string(a, from->groups[i].name);
        copy.selector = copy_selector(a, &from->groups[i].selector);
        if (groups != NULL) {
            groups[i] = copy;
        }
    }
    to.groups = groups;
    spw_static_weight *weights = arena_take(a, from->static_weight_count, sizeof *weights);
    for (size_t i = 0; i < from->static_weight_count; i++) {
        spw_static_weight copy = {copy_selector(a, &from->static_weights[i].selector), from->static_weights[i].weight};
        if (weights != NULL) {
            weights[i] = copy;
        }
    }
    to.static_weights = weights;
    config_copy_place(a, from, &to);
    to.route_regions = copy_names(a, from->route_regions, from->route_region_count);
    spw_route_weight *routes = arena_take(a, from->route_weight_count, sizeof *routes);
    for (size_t i = 0; i < from->route_weight_count; i++) {
        spw_route_weight copy = {arena_string(a, from->route_weights[i].cluster), from->route_weights[i].weight};
        if (routes != NULL) {
            routes[i] = copy;
        }
    }
    to.route_weights = routes;
    return to;
}

spw_scaling_rules config_copy_rules(arena *a, const spw_scaling_rules *from)
{
    spw_scaling_rules to = *from;
    spw_scaling_policy *policies = arena_take(a, from->policy_count, sizeof *policies);
    if (policies != NULL && from->policy_count > 0) {
        memcpy(policies, from->policies, from->policy_count * sizeof *policies);
    }
    to.policies = policies;
    return to;
}

static spw_hpa copy_hpa(arena *a, const spw_hpa *from)
{
    spw_hpa to = *from;
    to.name = arena_string(a, from->name);
    spw_hpa_metric *metrics = arena_take(a, from->metric_count, sizeof *metrics);
    for (size_t i = 0; i < from->metric_count; i++) {
        spw_hpa_metric copy = from->metrics[i];
        copy.name = arena_string(a, from->metrics[i].name);
        copy.selector = copy.object = NULL;
        if (metrics != NULL) {
            metrics[i] = copy;
        }
    }
    to.metrics = metrics;
    to.up = config_copy_rules(a, &from->up);
    to.down = config_copy_rules(a, &from->down);
    return to;
}

static spw_workload copy_workload(arena *a, const spw_workload *from)
{
    spw_workload to = *from;
    to.name = arena_string(a, from->name);
    to.gpu_classes = copy_names(a, from->gpu_classes, from->gpu_class_count);
    to.jurisdictions = copy_names(a, from->jurisdictions, from->jurisdiction_count);
    to.user_regions = copy_names(a, from->user_regions, from->user_region_count);
    to.dataset_region = arena_string(a, from->dataset_region);
    to.units = from->units == NULL ? NULL : config_copy_units(a, from->units);
    if (from->gpu_milli != NULL) {
        int32_t *milli = arena_take(a, from->gpu_class_count, sizeof *milli);
        if (milli != NULL && from->gpu_class_count > 0) {
            memcpy(milli, from->gpu_milli, from->gpu_class_count * sizeof *milli);
        }
        to.gpu_milli = milli;
    }
    return to;
}

void config_copy(arena *a, const spw_config *from, spw_config *to)
{
    spw_workload *workloads = arena_take(a, from->workload_count, sizeof *workloads);
    for (size_t i = 0; i < from->workload_count; i++) {
        spw_workload copy = copy_workload(a, &from->workloads[i]);
        if (workloads != NULL) {
            workloads[i] = copy;
        }
    }
    spw_policy *policies = arena_take(a, from->policy_count, sizeof *policies);
    for (size_t i = 0; i < from->policy_count; i++) {
        spw_policy copy = copy_policy(a, &from->policies[i]);
        if (policies != NULL) {
            policies[i] = copy;
        }
    }
    spw_hpa *hpas = arena_take(a, from->hpa_count, sizeof *hpas);
    for (size_t i = 0; i < from->hpa_count; i++) {
        spw_hpa copy = copy_hpa(a, &from->hpas[i]);
        if (hpas != NULL) {
            hpas[i] = copy;
        }
    }
    spw_scaler *scalers = arena_take(a, from->scaler_count, sizeof *scalers);
    for (size_t i = 0; i < from->scaler_count; i++) {
        spw_scaler copy = config_copy_scaler(a, &from->scalers[i]);
        if (scalers != NULL) {
            scalers[i] = copy;
        }
    }
    const spw_rtt *rtts = config_copy_rtts(a, from);
    if (a->base != NULL) {
        *to = (spw_config){.workloads = workloads,
                           .workload_count = from->workload_count,
                           .policies = policies,
                           .policy_count = from->policy_count,
                           .hpas = hpas,
                           .hpa_count = from->hpa_count,
                           .scalers = scalers,
                           .scaler_count = from->scaler_count,
                           .rtts = rtts,
                           .rtt_count = from->rtt_count};
    }
}

uint64_t config_rules_hash(uint64_t h, const spw_scaling_rules *r)
{
    h = hash_word(h, (uint64_t)r->window_s);
    for (size_t i = 0; i < r->policy_count; i++) {
        h = hash_word(h, (uint64_t)r->policies[i].period_s);
    }
    return h;
}

/** Histories are laid out by windows and periods: state of others is not for this configuration. */
static uint64_t hpa_hash(uint64_t h, const spw_hpa *hpa)
{
    h = hash_word(hash_string(h, hpa->name), (uint64_t)hpa->sync_s);
    h = hash_word(h, hpa->has_behavior ? 1 : 0);
    return config_rules_hash(config_rules_hash(h, &hpa->up), &hpa->down);
}

uint64_t config_scale_digest(const spw_config *config, spw_id work)
{
    const spw_id hpa = config->workloads[work].hpa;
    uint64_t h = hpa == SPW_ID_NONE ? hash_word(HASH_SEED, 0) : hpa_hash(HASH_SEED, &config->hpas[hpa]);
    for (size_t i = 0; i < config->scaler_count; i++) {
        const spw_scaler *s = &config->scalers[i];
        h = s->workload == work || (hpa != SPW_ID_NONE && s->hpa == hpa) ? config_scaler_hash(h, s) : h;
    }
    return h;
}

uint64_t config_place_digest(const spw_config *config, spw_id work)
{
    const spw_id policy = config->workloads[work].policy;
    if (policy == SPW_ID_NONE) {
        return 0;
    }
    const spw_policy *p = &config->policies[policy];
    uint64_t h = hash_word(hash_string(HASH_SEED, p->name), p->group_count);
    for (size_t g = 0; g < p->group_count; g++) {
        h = hash_word(hash_string(h, p->groups[g].name), p->groups[g].has_window ? 1 : 0);
    }
    return hash_word(h, (uint64_t)p->order);
}

const spw_policy *config_failover(const spw_config *config, spw_id work)
{
    const spw_id policy = config->workloads[work].policy;
    const spw_policy *p = policy == SPW_ID_NONE ? NULL : &config->policies[policy];
    return p != NULL && p->order == SPW_GROUPS_FAILOVER && p->group_count > 1 ? p : NULL;
}
