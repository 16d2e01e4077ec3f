/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core.c - life of a core, and one decision.
 *
 * All memory is one block, laid out twice by the same function (arena.h). A decision notes what it changes
 * (memory_undo.c), and takes it back if it fails.
 */
#include <spillway/core.h>

#include "core/bits.h"
#include "core/config.h"
#include "core/decide.h"
#include "core/errors.h"
#include "core/hash.h"
#include "core/mend.h"
#include "core/sort.h"

void spw_settings_default(spw_settings *s)
{
    *s = (spw_settings){.api_version = SPW_API_VERSION,
                        .clusters_max = 64,
                        .pools_max = 256,
                        .placements_max = 1024,
                        .pods_max = 16384,
                        .samples_max = 131072,
                        .tick = INT64_C(15) * SPW_NS_PER_S,
                        .stale_after = INT64_C(120) * SPW_NS_PER_S,
                        .promise_ttl = INT64_C(300) * SPW_NS_PER_S,
                        .fight_window = INT64_C(600) * SPW_NS_PER_S};
}

/** Groups that need a clock of failback each: all of a policy where one has a window of its own. */
static int32_t group_clocks(const spw_config *config, size_t work)
{
    spw_id policy = config->workloads[work].policy;
    if (policy == SPW_ID_NONE) {
        return 0;
    }
    const spw_policy *p = &config->policies[policy];
    for (size_t g = 0; g < p->group_count; g++) {
        if (p->groups[g].has_window) {
            return (int32_t)p->group_count;
        }
    }
    return 0;
}

static void layout_memory(spw_core *core, arena *a, const spw_config *config, const spw_settings *s)
{
    memory *m = &core->memory;
    m->work_count = config->workload_count;
    m->works = arena_take(a, m->work_count, sizeof *m->works);
    m->seat_max = s->placements_max * 2;
    m->seats = arena_take(a, m->seat_max * MEMORY_SPACE, sizeof *m->seats);
    m->seat_keys = arena_take(a, m->seat_max * MEMORY_SPACE, sizeof *m->seat_keys);
    m->seat_times = arena_take(a, m->seat_max * MEMORY_SPACE, sizeof *m->seat_times);
    m->runs = arena_take(a, m->work_count, sizeof *m->runs);
    m->pool_max = s->pools_max * 2;
    m->pools = arena_take(a, m->pool_max, sizeof *m->pools);
    m->cluster_max = s->clusters_max * 2;
    m->clusters = arena_take(a, m->cluster_max, sizeof *m->clusters);
    memory_undo_layout(m, a, config);
    for (size_t w = 0; w < config->workload_count; w++) {
        int32_t groups = group_clocks(config, w);
        spw_time *since = arena_take(a, (size_t)groups, sizeof *since);
        owner own;
        owner_layout(&own, a, a->base != NULL ? &core->config : config, (spw_id)w); /* keeps pointers to its spec */
        if (m->works != NULL) {
            m->works[w] = (memory_work){.key = config->workloads[w].key,
                                        .place_digest = config_place_digest(config, (spw_id)w),
                                        .scale_digest = config_scale_digest(config, (spw_id)w),
                                        .failover = config_failover(&core->config, (spw_id)w),
                                        .group_since = since,
                                        .group_count = groups,
                                        .owner = own};
            memory_begin(&m->works[w]);
        }
    }
}

static void layout_scratch(spw_core *core, arena *a, const spw_config *config, const spw_settings *s)
{
    size_t works = config->workload_count;
    core->by_priority = arena_take(a, works, sizeof *core->by_priority);
    core->copies = arena_take(a, works, sizeof *core->copies);
    core->desired = arena_take(a, works, sizeof *core->desired);
    core->owned = arena_take(a, bits_words(works), sizeof *core->owned);
    core->may_rest = arena_take(a, bits_words(works), sizeof *core->may_rest);
    core->calm = arena_take(a, bits_words(works), sizeof *core->calm);
    core->outcome_at = arena_take(a, works, sizeof *core->outcome_at);
    core->shrink_at = arena_take(a, works, sizeof *core->shrink_at);
    core->fill.slots = arena_take(a, s->clusters_max, sizeof *core->fill.slots);
    core->fill.parties = arena_take(a, s->clusters_max, sizeof *core->fill.parties);
    core->fill.caps = arena_take(a, s->clusters_max, sizeof *core->fill.caps);
    core->fill.heap = arena_take(a, s->clusters_max, sizeof *core->fill.heap);
    core->fill.pick = arena_take(a, s->clusters_max, sizeof *core->fill.pick);
    core->fill.items = arena_take(a, s->clusters_max, sizeof *core->fill.items);
    core->fill.spread.order = arena_take(a, s->clusters_max, sizeof *core->fill.spread.order);
    core->fill.spread.next = arena_take(a, s->clusters_max, sizeof *core->fill.spread.next);
    core->fill.spread.areas = arena_take(a, s->clusters_max, sizeof *core->fill.spread.areas);
    core->fill.spread.by_score = arena_take(a, s->clusters_max, sizeof *core->fill.spread.by_score);
    core->fill.spread.path = arena_take(a, s->clusters_max, sizeof *core->fill.spread.path);
    core->fill.spread.best = arena_take(a, s->clusters_max, sizeof *core->fill.spread.best);
    core->fill.spread.in = arena_take(a, s->clusters_max, sizeof *core->fill.spread.in);
    classes_layout(&core->classes, a, s, a->base != NULL ? &core->config : config);
    core->near = arena_take(a, bits_words(s->clusters_max), sizeof *core->near);
    core->own = arena_take(a, bits_words(s->clusters_max), sizeof *core->own);
    core->shrink_max = s->placements_max;
    core->shrinks = arena_take(a, core->shrink_max, sizeof *core->shrinks);
    core->pod_first = arena_take(a, works + 1, sizeof *core->pod_first);
    core->pods = arena_take(a, s->pods_max, sizeof *core->pods);
    core->sample_first = arena_take(a, s->pods_max, sizeof *core->sample_first);
    core->sample_next = arena_take(a, s->samples_max, sizeof *core->sample_next);
    core->hpa_pods = arena_take(a, s->pods_max * core->metrics_max, sizeof *core->hpa_pods);
    core->readings = arena_take(a, core->metrics_max, sizeof *core->readings);
    core->route_shares = arena_take(a, s->clusters_max, sizeof *core->route_shares);
    core->route_sites = arena_take(a, s->clusters_max, sizeof *core->route_sites);
    core->route_parts = arena_take(a, s->clusters_max, sizeof *core->route_parts);
    core->shadow = arena_take(a, core->shadow_size, 1);
}

/** Room for the saved state, from above: an entry in bytes is never larger than in memory. */
static size_t shadow_bound(const spw_config *config, const spw_settings *s)
{
    size_t bound = 128;
    for (size_t w = 0; w < config->workload_count; w++) {
        bound += owner_save_max(config, (spw_id)w) + (size_t)group_clocks(config, w) * sizeof(spw_time);
        bound += 128;
    }
    bound += s->clusters_max * 2 * sizeof(memory_cluster);
    bound += s->pools_max * 2 * sizeof(memory_pool);
    return bound + s->placements_max * 2 * (sizeof(memory_seat) + sizeof(memory_times));
}

/** Everything that lives as long as the core. Run once to count, once for real. */
static void layout(spw_core *core, arena *a, const spw_config *config, const spw_settings *s)
{
    core->metrics_max = 1;
    for (size_t i = 0; i < config->hpa_count; i++) {
        size_t n = config->hpas[i].metric_count;
        core->metrics_max = n > core->metrics_max ? n : core->metrics_max;
    }
    for (size_t i = 0; i < config->scaler_count; i++) {
        const spw_scaler *scaler = &config->scalers[i];
        size_t n = scaler->kind == SPW_SCALER_KEDA ? scaler->as.keda.trigger_count : 1;
        core->metrics_max = n > core->metrics_max ? n : core->metrics_max;
    }
    core->shadow_size = shadow_bound(config, s);
    config_copy(a, config, &core->config);
    layout_memory(core, a, config, s);
    view_layout(&core->view, a, s, config);
    layout_scratch(core, a, config, s);
    decide_preempt_layout(core, a, config, s);
}

static bool important_before(const void *rows, uint32_t a, uint32_t b)
{
    const spw_workload *w = rows;
    if (w[a].priority != w[b].priority) {
        return w[a].priority > w[b].priority;
    }
    int names = strcmp(w[a].name, w[b].name);
    return names != 0 ? names < 0 : w[a].key < w[b].key;
}

static void start(spw_core *core)
{
    core->memory.last = MEMORY_NEVER;
    core->route_metric = spw_key(SPW_ROUTE_RATE);
    for (size_t i = 0; i < core->config.workload_count; i++) {
        core->by_priority[i] = (uint32_t)i;
    }
    sort_rows(core->by_priority, core->config.workload_count, important_before, core->config.workloads);
    view_start(&core->view, &core->config, core->by_priority);
    core->memory.work_by_key = core->view.work_by_key;
    decide_rest_start(core);
}

/** Rows are numbered in 32 bits and arrays are sized in one addition: 2^28 of anything is out of the question. */
static bool too_large(const spw_settings *s)
{
    const size_t max = (size_t)1 << 28;
    return s->clusters_max > max || s->pools_max > max || s->placements_max > max || s->pods_max > max ||
           s->samples_max > max;
}

static spw_rc settings_check(const spw_settings *s, spw_err *err)
{
    if (s->api_version != SPW_API_VERSION) {
        return err_set(err, SPW_VERSION, SPW_ID_NONE, "settings", "settings are of another version of this library");
    }
    if (s->clusters_max == 0 || s->pools_max == 0 || s->placements_max == 0 || too_large(s)) {
        return err_set(err, SPW_INVAL, SPW_ID_NONE, "settings", "room for 1 to 2^28 clusters, pools and placements");
    }
    if (s->unix_offset > (INT64_C(1) << 61) || s->unix_offset < -(INT64_C(1) << 61)) {
        return err_set(err, SPW_INVAL, SPW_ID_NONE, "settings.unix_offset", "within 73 years of 1970 expected");
    }
    if (s->stock_tau < 0 || s->stock_tau > CONFIG_DUR_MAX) {
        return err_set(err, SPW_INVAL, SPW_ID_NONE, "settings.stock_tau", "0 to ten years expected");
    }
    if (s->tick < 1 || s->stale_after < 0 || s->promise_ttl < 0 || s->fight_window < 0 || s->tick > CONFIG_DUR_MAX ||
        s->fight_window > CONFIG_DUR_MAX) {
        return err_set(err, SPW_INVAL, SPW_ID_NONE, "settings", "a period above 0 and windows of 0 or more expected");
    }
    return SPW_OK;
}

spw_rc spw_core_new(const spw_settings *settings, const spw_config *config, const spw_mem *mem, spw_core **out,
                    spw_err *err)
{
    spw_rc rc = settings_check(settings, err);
    rc = rc != SPW_OK ? rc : config_check(config, err);
    if (rc != SPW_OK) {
        return rc;
    }
    spw_core probe = {0};
    arena count = {0};
    layout(&probe, &count, config, settings);
    size_t size = count.used + 2 * ARENA_ALIGN;
    spw_core *core = mem->take(sizeof *core, mem->user);
    void *block = mem->take(size, mem->user);
    if (core == NULL || block == NULL) {
        mem->give(block, mem->user);
        mem->give(core, mem->user);
        return err_set(err, SPW_NOMEM, SPW_ID_NONE, "core", "out of memory");
    }
    *core = (spw_core){.mem = *mem, .block = block, .settings = *settings};
    size_t skip = (ARENA_ALIGN - (uintptr_t)block % ARENA_ALIGN) % ARENA_ALIGN;
    arena real = {.base = (unsigned char *)block + skip, .size = size - skip};
    layout(core, &real, config, settings);
    rc = config_check_unique(&core->config, core->by_priority, err);
    if (rc != SPW_OK) {
        spw_core_free(core);
        return rc;
    }
    start(core);
    *out = core;
    return SPW_OK;
}

void spw_core_free(spw_core *core)
{
    if (core != NULL) {
        spw_mem mem = core->mem;
        mem.give(core->block, mem.user);
        mem.give(core, mem.user);
    }
}

/** The stages of one tick. On failure the caller restores the state. */
static spw_rc decide(spw_core *core, const spw_snapshot *snap, spw_plan *plan, spw_err *err)
{
    core->view.snap = snap;
    core->view.now = snap->now;
    decide_late_nodes(core);
    spw_rc rc = view_build(&core->view, &core->settings, &core->config, &core->memory, snap, err);
    if (rc == SPW_OK) {
        mend_health(core);
        rc = decide_scale(core, plan, err);
    }
    if (rc != SPW_OK) {
        return rc;
    }
    decide_place(core, plan);
    mend_review(core, plan);
    decide_orders(core, plan);
    decide_shrinks(core, plan);
    mend_record(core, plan);
    decide_releases(core, plan);
    decide_routes(core, plan);
    decide_prefetch(core, plan);
    if (plan->overflow) {
        return err_set(err, SPW_LIMIT, SPW_ID_NONE, "plan", "more actions than the plan has room for");
    }
    decide_rest(core, plan);
    return SPW_OK;
}

spw_rc spw_decide(spw_core *core, const spw_snapshot *snap, spw_plan *plan, spw_err *err)
{
    plan_open(plan, core, core->serial);
    if (core->memory.last != MEMORY_NEVER && snap->now < core->memory.last) {
        plan_clear(plan);
        return err_set(err, SPW_INVAL, SPW_ID_NONE, "now", "time runs backwards");
    }
    memory_open(&core->memory);
    spw_rc rc = decide(core, snap, plan, err);
    if (rc != SPW_OK) {
        view_catch_up(&core->view, &core->memory);
        view_forget(&core->view);
        memory_back(&core->memory);
        plan_clear(plan);
        return rc;
    }
    core->memory.ticks++;
    core->memory.last = snap->now;
    core->serial++;
    plan_sign(plan, core, core->serial);
    return SPW_OK;
}

spw_time spw_next_wakeup(const spw_core *core)
{
    return core->memory.last == MEMORY_NEVER ? SPW_TIME_MAX : core->memory.last + core->settings.tick;
}

size_t spw_state_size(const spw_core *core)
{
    return memory_save_size(&core->memory);
}

spw_rc spw_state_save(const spw_core *core, void *buf, size_t size)
{
    view_catch_up(&core->view, &core->memory);
    return memory_save(&core->memory, buf, size);
}

spw_rc spw_state_load(spw_core *core, const void *buf, size_t size)
{
    spw_state_report report;
    return spw_state_load_report(core, buf, size, &report);
}

spw_rc spw_state_load_report(spw_core *core, const void *buf, size_t size, spw_state_report *report)
{
    view_catch_up(&core->view, &core->memory); /* it stays in use if the load is refused */
    view_forget(&core->view);
    spw_state_report found = {0};
    spw_rc rc = memory_load(&core->memory, buf, size, &found);
    *report = rc == SPW_OK ? found : (spw_state_report){0};
    return rc;
}

uint64_t spw_state_hash(const spw_core *core)
{
    size_t size = memory_save_size(&core->memory);
    if (spw_state_save(core, core->shadow, core->shadow_size) != SPW_OK) {
        return 0;
    }
    return hash_bytes(HASH_SEED, core->shadow, size);
}

void decide_forget_routes(spw_core *core)
{
    view_catch_up(&core->view, &core->memory);
    view_forget(&core->view);
    memory_forget_routes(&core->memory);
}
