/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_judge.c - the judge of decisions; see fuzz.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/fuzz.h"

bool fuzz_fail(fuzz *f, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(f->why, sizeof f->why, format, args);
    va_end(args);
    return false;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

void fuzz_settings(fuzz *f, const spw_config *config, const spw_snapshot *snap)
{
    const size_t works = larger(config->workload_count, snap->workloads.count);
    const size_t pairs = works * snap->clusters.count;
    spw_settings s;
    spw_settings_default(&s);
    s.clusters_max = larger(snap->clusters.count, 4) + 2;
    s.pools_max = larger(larger(snap->pools.count, snap->grades.count), 4) + 2;
    s.placements_max = larger(larger(pairs, snap->placements.count), 8) + 8;
    s.pods_max = larger(snap->pods.count, 96) + 8;
    s.samples_max = larger(snap->samples.count, 192) + 8;
    s.explain = true;
    f->settings = s;
}

spw_core *fuzz_core(fuzz *f, const spw_config *config, bool *ok)
{
    spw_err err = {.code = SPW_OK};
    spw_core *core = NULL;
    const spw_rc rc = spw_core_new(&f->settings, config, spw_mem_libc(), &core, &err);
    *ok = rc == SPW_OK || (rc != SPW_NOMEM && err.code == rc && err.text[0] != '\0');
    if (!*ok) {
        (void)fuzz_fail(f, "a configuration is refused with code %d and no text", (int)rc);
    }
    return core;
}

/** Room for a snapshot, and for more clusters than it has now if the settings allow them. */
static spw_plan *new_plan(const fuzz *f, const spw_config *config, const spw_snapshot *snap)
{
    const size_t works = larger(config->workload_count, snap->workloads.count);
    const size_t pairs = works * larger(snap->clusters.count, f->settings.clusters_max);
    spw_plan *plan = NULL;
    if (spw_plan_new_explained(spw_mem_libc(), works + 2 * pairs + 2 * snap->pools.count + 16, works + 1, pairs,
                               &plan) != SPW_OK) {
        abort();
    }
    return plan;
}

static bool is_barred(spw_verdict verdict)
{
    return verdict >= SPW_VERDICT_NOT_SELECTED && verdict <= SPW_VERDICT_SPREAD;
}

/** What the snapshot shows of what an action sets; -1 if it does not say. */
static int64_t shown(const spw_snapshot *snap, const spw_action *a)
{
    if (a->verb == SPW_VERB_SCALE) {
        return snap->workloads.replicas[a->workload];
    }
    for (size_t k = 0; k < snap->placements.count && a->verb == SPW_VERB_PLACE; k++) {
        if (snap->placements.workload[k] == a->workload && snap->placements.cluster[k] == a->cluster) {
            return snap->placements.assigned[k];
        }
    }
    return a->verb == SPW_VERB_PLACE ? 0 : -1;
}

/** Shares of traffic are a million in all, from the first on: what one cluster gains another loses. */
static bool judge_routes(fuzz *f, const spw_plan *plan, const spw_snapshot *snap)
{
    for (spw_id w = 0; w < snap->workloads.count; w++) {
        int64_t more = 0;
        int64_t before = 0;
        for (size_t i = 0; i < spw_plan_count(plan); i++) {
            const spw_action *a = spw_plan_at(plan, i);
            const bool route = a->verb == SPW_VERB_ROUTE && a->workload == w;
            more += route ? a->amount - a->before : 0;
            before += route ? a->before : 0;
        }
        if (more != 0 && (more != 1000000 || before != 0)) {
            return fuzz_fail(f, "the traffic of workload row %u changes by %lld in all", (unsigned)w, (long long)more);
        }
    }
    return true;
}

static bool judge_actions(fuzz *f, const spw_plan *plan, const spw_snapshot *snap)
{
    for (size_t i = 0; i < spw_plan_count(plan); i++) {
        const spw_action *a = spw_plan_at(plan, i);
        f->tally.actions++;
        if (strcmp(spw_reason_name(a->reason), "none") == 0) {
            return fuzz_fail(f, "action %zu has no reason", i);
        }
        if (shown(snap, a) >= 0 && shown(snap, a) != a->before) {
            return fuzz_fail(f, "action %zu begins at %lld, not at what is shown", i, (long long)a->before);
        }
        for (size_t k = 0; k < spw_plan_candidate_count(plan) && a->verb == SPW_VERB_PLACE; k++) {
            const spw_candidate *c = spw_plan_candidate_at(plan, k);
            if (c->workload == a->workload && c->cluster == a->cluster && a->amount > a->before &&
                is_barred(c->verdict)) {
                return fuzz_fail(f, "action %zu grows where the verdict is %s", i, spw_verdict_name(c->verdict));
            }
        }
    }
    return true;
}

/** The governed workload of a row, NULL if nobody places it. */
static const spw_workload *work_of(const spw_config *config, const spw_snapshot *snap, spw_id row)
{
    for (size_t w = 0; w < config->workload_count; w++) {
        if (config->workloads[w].key == snap->workloads.key[row] && config->workloads[w].policy != SPW_ID_NONE) {
            return &config->workloads[w];
        }
    }
    return NULL;
}

static bool judge_outcomes(fuzz *f, const spw_plan *plan, const spw_config *config, const spw_snapshot *snap)
{
    for (size_t i = 0; i < spw_plan_outcome_count(plan); i++) {
        const spw_outcome *out = spw_plan_outcome_at(plan, i);
        const spw_workload *work = work_of(config, snap, out->workload);
        const spw_policy *policy = work == NULL ? NULL : &config->policies[work->policy];
        if (policy == NULL || out->desired < 0 || out->desired > SPW_REPLICAS_MAX || out->unplaced < 0 ||
            out->surge < 0 || out->moved < 0 || out->victims < 0) {
            return fuzz_fail(f, "outcome %zu: a count is out of range", i);
        }
        int64_t placed = 0;
        for (uint32_t t = 0; t < out->tier_count; t++) {
            const spw_tier *tier = &out->tiers[t];
            if (tier->idle < 0 || tier->elastic < 0 || tier->preempted < 0) {
                return fuzz_fail(f, "outcome %zu: tier %u has a negative count", i, (unsigned)t);
            }
            placed += (int64_t)tier->idle + tier->elastic + tier->preempted;
        }
        const bool plain = policy->division != SPW_DIVIDE_DUPLICATED && policy->division != SPW_DIVIDE_STATIC &&
                           !policy->compat &&
                           !work->by_reference; /* else placed are copies, wanted are replicas on the reference class */
        if (plain && placed + out->unplaced != out->desired) {
            return fuzz_fail(f, "outcome %zu: placed %lld and unplaced %d are not the %d that are wanted", i,
                             (long long)placed, (int)out->unplaced, (int)out->desired);
        }
    }
    for (size_t k = 0; k < spw_plan_candidate_count(plan); k++) {
        const spw_candidate *c = spw_plan_candidate_at(plan, k);
        if (c->verdict == SPW_VERDICT_NONE || strcmp(spw_verdict_name(c->verdict), "none") == 0 || c->target < 0) {
            return fuzz_fail(f, "candidate %zu has no verdict, or a target below 0", k);
        }
    }
    return true;
}

/** Two plans are the same text, and leave their cores with the same memory. */
static bool judge_same(fuzz *f, const spw_core *core, const spw_core *second, const spw_plan *plan,
                       const spw_snapshot *snap, const spw_plan *other, const spw_snapshot *twin)
{
    const size_t size = spw_plan_text(plan, snap, NULL, 0);
    const size_t size2 = spw_plan_text(other, twin, NULL, 0);
    char *text = malloc(size + size2 + 2);
    if (text == NULL) {
        abort();
    }
    (void)spw_plan_text(plan, snap, text, size + 1);
    (void)spw_plan_text(other, twin, text + size + 1, size2 + 1);
    bool same = strcmp(text, text + size + 1) == 0 && spw_state_hash(core) == spw_state_hash(second);
    same = same || fuzz_fail(f, "the %s core decides otherwise:\n%s---\n%s", second == f->silent ? "silent" : "second",
                             text, text + size + 1);
    free(text);
    return same;
}

/** A core that is new, has the saved state, and sees the rows in another order must decide the same. */
static bool judge_twin(fuzz *f, const spw_core *core, spw_core *second, const spw_plan *plan, const spw_snapshot *snap,
                       const spw_snapshot *twin, spw_plan *other)
{
    spw_err err = {.code = SPW_OK};
    if (spw_decide(second, twin, other, &err) != SPW_OK) {
        return fuzz_fail(f, "the second core refuses: %s", err.text);
    }
    if (spw_snapshot_hash(snap) != spw_snapshot_hash(twin)) {
        return fuzz_fail(f, "the order of rows changes the hash of a snapshot");
    }
    return judge_same(f, core, second, plan, snap, other, twin);
}

/** The core that rests where it can has seen every tick so far, and must have decided the same, whatever the plan. */
static bool judge_silent(fuzz *f, const spw_core *core, const spw_plan *plan, const spw_config *config,
                         const spw_snapshot *snap, spw_rc rc)
{
    spw_err err = {.code = SPW_OK};
    if (spw_state_hash(core) % 4 == 0) { /* now and then into a plan that has not kept what is settled */
        spw_plan_free(f->silent_plan);
        f->silent_plan = new_plan(f, config, snap);
    }
    const spw_rc own = spw_decide(f->silent, snap, f->silent_plan, &err);
    if (own != rc) {
        return fuzz_fail(f, "the silent core says %d instead of %d: %s", (int)own, (int)rc, err.text);
    }
    return judge_same(f, core, f->silent, plan, snap, f->silent_plan, snap);
}

void fuzz_silence(fuzz *f, const spw_core *core, const spw_config *config, const spw_snapshot *snap)
{
    spw_core_free(f->silent);
    spw_plan_free(f->silent_plan);
    f->silent = NULL;
    f->silent_plan = NULL;
    if (core == NULL) {
        return;
    }
    spw_settings silent = f->settings;
    silent.explain = false;
    const size_t size = spw_state_size(core);
    void *state = malloc(size);
    if (state == NULL || spw_core_new(&silent, config, spw_mem_libc(), &f->silent, NULL) != SPW_OK ||
        spw_state_save(core, state, size) != SPW_OK || spw_state_load(f->silent, state, size) != SPW_OK) {
        abort(); /* as its like has done already */
    }
    free(state);
    f->silent_plan = new_plan(f, config, snap);
}

bool fuzz_judge(fuzz *f, spw_core *core, const spw_config *config, const spw_snapshot *snap, const spw_snapshot *twin,
                spw_plan **plan, bool *decided)
{
    spw_err err = {.code = SPW_OK};
    *decided = false;
    *plan = NULL;
    if (spw_snapshot_check(snap, &err) != SPW_OK) {
        return err.text[0] != '\0' || fuzz_fail(f, "a snapshot is refused without a text");
    }
    spw_core *second = NULL;
    spw_settings silent = f->settings;
    silent.explain = false; /* changes no decision, but lets the core skip what is settled */
    (void)spw_core_new(&silent, config, spw_mem_libc(), &second, NULL);
    const size_t size = spw_state_size(core);
    void *state = malloc(size);
    if (second == NULL || state == NULL || spw_state_save(core, state, size) != SPW_OK ||
        spw_state_load(second, state, size) != SPW_OK) {
        free(state);
        spw_core_free(second);
        return fuzz_fail(f, "the state of a core cannot be loaded into its like");
    }
    free(state);
    const uint64_t before = spw_state_hash(core);
    *plan = new_plan(f, config, snap);
    const spw_rc rc = spw_decide(core, snap, *plan, &err);
    if (rc != SPW_OK) {
        spw_core_free(second);
        f->tally.refused++;
        return (f->silent == NULL || judge_silent(f, core, *plan, config, snap, rc)) &&
               ((err.text[0] != '\0' && spw_state_hash(core) == before && spw_plan_count(*plan) == 0) ||
                fuzz_fail(f, "a refusal (code %d) without a text, or not without a trace", (int)rc));
    }
    *decided = true;
    f->tally.plans++;
    bool good = spw_plan_check(*plan, snap, &err) == SPW_OK || fuzz_fail(f, "the plan breaks its check: %s", err.text);
    good = good && judge_actions(f, *plan, snap) && judge_outcomes(f, *plan, config, snap);
    good = good && (!f->sound || judge_routes(f, *plan, snap));
    if (good) {
        spw_plan *other = new_plan(f, config, twin);
        good = judge_twin(f, core, second, *plan, snap, twin, other);
        spw_plan_free(other);
    }
    good = good && (f->silent == NULL || judge_silent(f, core, *plan, config, snap, rc));
    spw_core_free(second);
    return good;
}
