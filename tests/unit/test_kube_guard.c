/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Guards: which actions pass, which are cut and which are held, worked out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <spillway/manifest.h>

#include "core/plan_internal.h"
#include "sched/kube/guard.h"
#include "tests/support/kube_rig.h"

#define S   SPW_NS_PER_S
#define NOW (INT64_C(1790000000) * S)

enum { A = 0, B = 1, CLUSTERS = 2, WORKS = 2, SEATS = 4 };

/* A world of two clusters and two workloads, each with a seat on both. */
typedef struct small {
    uint64_t cluster_key[CLUSTERS];
    const char *cluster_name[CLUSTERS];
    uint8_t ready[CLUSTERS];
    spw_time observed[CLUSTERS];
    const char *work_name[WORKS];
    spw_id workload[SEATS], cluster[SEATS];
    int32_t assigned[SEATS], running[SEATS]; /* seat = workload * 2 + cluster */
    spw_id sample_pod[4];
    spw_time sampled[4];
    spw_id pool_cluster[1];
    spw_snapshot snap;
    spw_plan *plan;
} small;

static void small_init(small *w, const int32_t assigned[SEATS], const int32_t running[SEATS])
{
    *w = (small){.cluster_name = {"a", "b"}, .ready = {1, 1}, .observed = {NOW, NOW}, .work_name = {"p/x", "p/y"}};
    for (spw_id i = 0; i < SEATS; i++) {
        w->workload[i] = i / 2;
        w->cluster[i] = i % 2;
        w->assigned[i] = assigned[i];
        w->running[i] = running[i];
    }
    w->snap = (spw_snapshot){
        .now = NOW,
        .clusters = {.count = CLUSTERS, .name = w->cluster_name, .ready = w->ready, .observed = w->observed},
        .workloads = {.count = WORKS, .name = w->work_name},
        .pools = {.count = 1, .cluster = w->pool_cluster},
        .placements = {.count = SEATS,
                       .workload = w->workload,
                       .cluster = w->cluster,
                       .assigned = w->assigned,
                       .ready = w->running}};
    assert_int_equal(spw_plan_new(spw_mem_libc(), 8, 8, &w->plan), SPW_OK);
}

/* The inner actuator: remembers what passes. */
typedef struct passed {
    spw_action action[8];
    uint64_t ticket[8];
    size_t count;
    int commits;
} passed;

static spw_rc on_begin(void *self, const spw_tick_info *info, spw_err *err)
{
    (void)info;
    (void)err;
    ((passed *)self)->count = 0;
    return SPW_OK;
}

static spw_rc on_submit(void *self, const spw_action *action, uint64_t ticket, spw_err *err)
{
    passed *p = self;
    (void)err;
    p->ticket[p->count] = ticket;
    p->action[p->count++] = *action;
    return SPW_OK;
}

static spw_rc on_commit(void *self, spw_err *err)
{
    (void)err;
    ((passed *)self)->commits++;
    return SPW_OK;
}

static passed through;

/* One tick through a new guard. */
static spw_rc tick(const guard_spec *spec, small *w, const spw_action *plan, size_t count)
{
    const spw_actuator inner = {
        .version = SPW_API_VERSION, .self = &through, .begin = on_begin, .submit = on_submit, .commit = on_commit};
    guard *g = guard_new(spec, &inner);
    const spw_actuator seam = guard_seam(g);
    const spw_tick_info info = {.now = NOW, .tick = 5, .snap = &w->snap, .plan = w->plan};
    spw_err err = {0};
    through = (passed){0};
    assert_int_equal(seam.begin(seam.self, &info, &err), SPW_OK);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(seam.submit(seam.self, &plan[i], (UINT64_C(5) << 20) + i, &err), SPW_OK);
    }
    const spw_rc rc = seam.commit(seam.self, &err);
    guard_free(g);
    spw_plan_free(w->plan);
    w->plan = NULL;
    return rc;
}

static kube_rig told_to; /* only its list of what was told is used */

static guard_spec spec_of(void)
{
    guard_spec spec = guard_spec_default();
    spec.told = rig_note;
    spec.user = &told_to;
    told_to.told_count = 0;
    return spec;
}

#define ALL_READY(...)                                                                                                 \
    (const int32_t[SEATS]){__VA_ARGS__}, (const int32_t[SEATS])                                                        \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }

static void what_is_harmless_passes_as_it_is(void **state)
{
    (void)state;
    small w;
    const guard_spec spec = spec_of();
    const spw_action plan[] = {rig_place(0, A, 4, 6, SPW_WHY_FILL_IDLE), rig_place(1, B, 3, 1, SPW_WHY_SCALE_IN)};
    small_init(&w, ALL_READY(4, 2, 5, 3));
    assert_int_equal(tick(&spec, &w, plan, 2), SPW_OK);
    assert_int_equal(through.count, 2);
    assert_memory_equal(through.action, plan, sizeof plan);
    assert_int_equal(through.ticket[1], (5 << 20) + 1);
    assert_int_equal(through.commits, 1);
    assert_int_equal(told_to.told_count, 0);
}

/* One move of 3 from a to b: nothing goes before something has come. 6 ready, 6 planned: none to spare. */
static void breaks_only_what_is_made(void **state)
{
    (void)state;
    const struct {
        int32_t ready_b; /* of the new ones */
        int64_t a;       /* what a may go down to */
    } steps[] = {{0, -1}, {1, 5}, {2, 4}, {3, 3}};
    for (size_t i = 0; i < 4; i++) {
        small w;
        const guard_spec spec = spec_of();
        const spw_action plan[] = {rig_place(0, A, 6, 3, SPW_WHY_MOVE_OUT)};
        small_init(&w, (const int32_t[SEATS]){6, 3, 0, 0}, (const int32_t[SEATS]){6, steps[i].ready_b, 0, 0});
        assert_int_equal(tick(&spec, &w, plan, 1), SPW_OK);
        assert_int_equal(through.count, steps[i].a < 0 ? 0 : 1);
        if (steps[i].a >= 0) {
            assert_int_equal(through.action[0].amount, steps[i].a);
        }
        assert_int_equal(told_to.told_count, i < 3 ? 1 : 0);
        if (i < 3) {
            assert_string_equal(told_to.told[0].guard, "not-ready-yet");
        }
    }
}

/* Growth and shrink in one plan: what has just been asked for is not ready yet. */
static void a_growth_of_the_same_tick_is_not_there_yet(void **state)
{
    (void)state;
    small w;
    const guard_spec spec = spec_of();
    const spw_action plan[] = {rig_place(0, B, 0, 4, SPW_WHY_PULLED_BACK), rig_place(0, A, 4, 0, SPW_WHY_PULLED_BACK)};
    small_init(&w, ALL_READY(4, 0, 0, 0));
    assert_int_equal(tick(&spec, &w, plan, 2), SPW_OK);
    assert_int_equal(through.count, 1);
    assert_int_equal(through.action[0].cluster, B);
}

/* A lost cluster serves nobody: its copies may go, and do not count. */
static void copies_on_a_lost_cluster_may_go(void **state)
{
    (void)state;
    small w;
    const guard_spec spec = spec_of();
    const spw_action plan[] = {rig_place(0, A, 4, 0, SPW_WHY_EVICTED)};
    small_init(&w, ALL_READY(4, 4, 0, 0));
    w.ready[A] = 0;
    assert_int_equal(tick(&spec, &w, plan, 1), SPW_OK);
    assert_int_equal(through.count, 1);
    assert_int_equal(through.action[0].amount, 0);
}

/* Replicas that never became ready are no loss. */
static void what_is_not_ready_may_go(void **state)
{
    (void)state;
    small w;
    const guard_spec spec = spec_of();
    const spw_action plan[] = {rig_place(0, A, 6, 4, SPW_WHY_MOVE_GIVEN_UP)};
    small_init(&w, (const int32_t[SEATS]){6, 2, 0, 0}, (const int32_t[SEATS]){4, 2, 0, 0});
    assert_int_equal(tick(&spec, &w, plan, 1), SPW_OK);
    assert_int_equal(through.action[0].amount, 4);
}

/* 10 ready, 4 wanted, 7 at least: 3 may go. By the share: 60 % of 10 wanted is 6. */
static void keeps_the_minimum_available(void **state)
{
    (void)state;
    small w;
    guard_spec spec = spec_of();
    const spw_action plan[] = {rig_place(0, A, 8, 2, SPW_WHY_SCALE_IN)};
    spec.available_least = 7;
    small_init(&w, ALL_READY(8, 2, 0, 0));
    *plan_add_outcome(w.plan, 0) = (spw_outcome){.workload = 0, .desired = 4};
    assert_int_equal(tick(&spec, &w, plan, 1), SPW_OK);
    assert_int_equal(through.action[0].amount, 5);
    assert_string_equal(told_to.told[0].guard, "min-available");

    spec = spec_of();
    spec.available_share = 0.55; /* 5.5: 6 */
    small_init(&w, ALL_READY(8, 2, 0, 0));
    *plan_add_outcome(w.plan, 0) = (spw_outcome){.workload = 0, .desired = 10};
    assert_int_equal(tick(&spec, &w, plan, 1), SPW_OK);
    assert_int_equal(through.action[0].amount, 4);
    assert_string_equal(told_to.told[0].guard, "min-available");
}

static bool yes(void *user, const char *workload)
{
    (void)user;
    return strcmp(workload, "p/x") == 0;
}

static void the_last_replica_stays_unless_allowed(void **state)
{
    (void)state;
    small w;
    spw_action scale = rig_place(0, A, 3, 0, SPW_WHY_IDLE);
    scale.verb = SPW_VERB_SCALE;
    scale.cluster = SPW_ID_NONE;
    const spw_action plan[] = {scale, rig_place(0, A, 2, 0, SPW_WHY_SCALE_IN), rig_place(0, B, 1, 0, SPW_WHY_SCALE_IN)};
    guard_spec spec = spec_of();
    small_init(&w, ALL_READY(2, 1, 0, 0));
    assert_int_equal(tick(&spec, &w, plan, 3), SPW_OK);
    assert_int_equal(through.count, 3);
    assert_int_equal(through.action[0].amount, 1);
    assert_int_equal(through.action[1].amount, 1);
    assert_int_equal(through.action[2].amount, 0);
    for (int how = 0; how < 3; how++) {
        spec = spec_of();
        small_init(&w, ALL_READY(2, 1, 0, 0));
        if (how == 0) {
            spec.zero_allowed = true;
        } else if (how == 1) {
            spec.may_be_zero = yes;
        } else { /* its owner's own wish */
            *plan_add_outcome(w.plan, 0) = (spw_outcome){.workload = 0, .desired = 0, .scale_reason = SPW_WHY_SPEC};
        }
        assert_int_equal(tick(&spec, &w, plan, 3), SPW_OK);
        assert_int_equal(through.action[0].amount + through.action[1].amount + through.action[2].amount, 0);
        assert_int_equal(told_to.told_count, 0);
    }
}

/* Cluster a has 30 replicas, b 5. A fifth of a is 6; of b, counted as 10, is 2. */
static void limits_the_change_of_a_cluster(void **state)
{
    (void)state;
    small w;
    guard_spec spec = spec_of();
    const spw_action plan[] = {rig_place(0, A, 20, 24, SPW_WHY_FILL_IDLE), rig_place(1, A, 10, 20, SPW_WHY_FILL_IDLE),
                               rig_place(1, B, 0, 9, SPW_WHY_OVERFLOW_IDLE), rig_place(0, B, 5, 3, SPW_WHY_SCALE_IN)};
    spec.change_share = 0.2;
    small_init(&w, ALL_READY(20, 5, 10, 0));
    assert_int_equal(tick(&spec, &w, plan, 4), SPW_OK);
    assert_int_equal(through.count, 3);
    assert_int_equal(through.action[0].amount, 24);
    assert_int_equal(through.action[1].amount, 12);
    assert_int_equal(through.action[2].amount, 2);
    assert_int_equal(told_to.told_count, 3); /* two cut, the shrink on b held: growth came first */
    spec = spec_of();
    spec.change_share = 0.2;
    spec.change_most = 5;
    small_init(&w, ALL_READY(20, 5, 10, 0));
    assert_int_equal(tick(&spec, &w, plan, 4), SPW_OK);
    assert_int_equal(through.action[1].amount, 11);
}

static void limits_the_nodes_of_a_cluster(void **state)
{
    (void)state;
    small w;
    guard_spec spec = spec_of();
    const spw_action plan[] = {{.verb = SPW_VERB_PROVISION,
                                .workload = SPW_ID_NONE,
                                .cluster = SPW_ID_NONE,
                                .pool = 0,
                                .after = UINT32_MAX,
                                .before = 2,
                                .amount = 12}};
    spec.nodes_most = 4;
    small_init(&w, ALL_READY(0, 0, 0, 0));
    assert_int_equal(tick(&spec, &w, plan, 1), SPW_OK);
    assert_int_equal(through.action[0].amount, 6);
}

/* A victim stays while what it was to make room for does not come. */
static void who_waits_for_a_held_action_is_held(void **state)
{
    (void)state;
    small w;
    guard_spec spec = spec_of();
    spw_action victim = rig_place(1, A, 4, 2, SPW_WHY_PREEMPTED);
    victim.after = 0;
    const spw_action plan[] = {rig_place(0, A, 4, 6, SPW_WHY_FILL_PREEMPT), victim};
    spec.paused = yes;
    small_init(&w, ALL_READY(4, 0, 4, 0));
    assert_int_equal(tick(&spec, &w, plan, 2), SPW_OK);
    assert_int_equal(through.count, 0);
    assert_string_equal(told_to.told[0].guard, "paused");
    assert_string_equal(told_to.told[1].guard, "waits-for");
}

static void held_everything(const guard_spec *spec, small *w, const char *name)
{
    const spw_action plan[] = {rig_place(0, A, 4, 6, SPW_WHY_FILL_IDLE), rig_place(1, A, 4, 2, SPW_WHY_SCALE_IN)};
    told_to.told_count = 0;
    assert_int_equal(tick(spec, w, plan, 2), SPW_OK);
    assert_int_equal(through.count, 0);
    assert_int_equal(told_to.told_count, 2);
    assert_string_equal(told_to.told[0].guard, name);
    assert_string_equal(told_to.told[1].guard, name);
    assert_int_equal(told_to.told[1].action.amount, 2); /* as asked */
}

static void everything_can_be_stopped(void **state)
{
    (void)state;
    small w;
    char file[] = "/tmp/spillway-stop-XXXXXX";
    const int fd = mkstemp(file);
    assert_true(fd >= 0);
    (void)close(fd);

    guard_spec spec = spec_of();
    spec.observe_only = true;
    small_init(&w, ALL_READY(4, 0, 4, 0));
    held_everything(&spec, &w, "observe-only");

    spec = spec_of();
    spec.stop_file = file;
    small_init(&w, ALL_READY(4, 0, 4, 0));
    held_everything(&spec, &w, "kill-switch");
    (void)unlink(file);
    const spw_action plan[] = {rig_place(0, A, 4, 6, SPW_WHY_FILL_IDLE)};
    small_init(&w, ALL_READY(4, 0, 4, 0));
    assert_int_equal(tick(&spec, &w, plan, 1), SPW_OK);
    assert_int_equal(through.count, 1);

    const spw_actuator inner = spw_actuator_dry_run();
    guard *g = guard_new(&spec, &inner);
    assert_false(guard_is_stopped(g));
    guard_stop(g, true);
    assert_true(guard_is_stopped(g));
    guard_stop(g, false);
    assert_false(guard_is_stopped(g));
    guard_free(g);
}

/* More than half: one of two clusters is not, both are; two of four samples are not, three are. */
static void old_inputs_stop_a_tick(void **state)
{
    (void)state;
    small w;
    const guard_spec spec = spec_of();
    const spw_action plan[] = {rig_place(0, A, 4, 6, SPW_WHY_FILL_IDLE)};
    small_init(&w, ALL_READY(4, 0, 4, 0));
    w.observed[A] = NOW - 121 * S;
    assert_int_equal(tick(&spec, &w, plan, 1), SPW_OK);
    assert_int_equal(through.count, 1);
    small_init(&w, ALL_READY(4, 0, 4, 0));
    w.observed[A] = w.observed[B] = NOW - 121 * S;
    held_everything(&spec, &w, "stale-inputs");
    for (size_t old = 2; old <= 3; old++) {
        small_init(&w, ALL_READY(4, 0, 4, 0));
        for (size_t i = 0; i < 4; i++) {
            w.sampled[i] = NOW - (i < old ? 301 : 1) * S;
        }
        w.snap.samples = (spw_sample_rows){.count = 4, .pod = w.sample_pod, .sampled = w.sampled};
        assert_int_equal(tick(&spec, &w, plan, 1), SPW_OK);
        assert_int_equal(through.count, old == 2 ? 1 : 0);
    }
}

/* The core takes a share for sent; that it was not must be said. */
static void a_held_share_of_traffic_is_an_error(void **state)
{
    (void)state;
    small w;
    guard_spec spec = spec_of();
    spw_action plan[] = {rig_place(0, A, 0, 500000, SPW_WHY_ROUTE_READY)};
    plan[0].verb = SPW_VERB_ROUTE;
    spec.paused = yes;
    small_init(&w, ALL_READY(4, 0, 4, 0));
    assert_int_equal(tick(&spec, &w, plan, 1), SPW_BACKEND);
}

/* --- what people write on the objects -------------------------------------------------------------------------- */

static void marked(kube_rig *r, size_t server, const char *name, const char *meta)
{
    char json[400];
    (void)snprintf(json, sizeof json,
                   "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"prod\"%s},\"spec\":{\"replicas\":2}}", name, meta);
    kw_put(r->world, server, "/apis/apps/v1/deployments", json);
}

static void objects_say_who_is_paused_and_who_is_whose(void **state)
{
    (void)state;
    kube_rig r;
    rig_start(&r, KUBE_MODE_KUBERNETES);
    marked(&r, RIG_IDC, "chat", "");
    marked(&r, RIG_ACK, "chat", ",\"annotations\":{\"spillway.dev/paused\":\"true\"}");
    marked(&r, RIG_IDC, "code",
           ",\"labels\":{\"spillway.dev/canary\":\"next\"},\"annotations\":{\"spillway.dev/allow-zero\":\"true\"}");
    rig_live(&r, S);
    guard_fleet f = {.fleet = r.fleet};
    assert_true(guard_fleet_paused(&f, "prod/chat"));
    assert_false(guard_fleet_paused(&f, "prod/code"));
    assert_true(guard_fleet_may_be_zero(&f, "prod/code"));
    assert_false(guard_fleet_may_be_zero(&f, "prod/chat"));
    assert_true(guard_fleet_ours(&f, "prod/chat"));
    assert_true(guard_fleet_ours(&f, "prod/code"));
    f.canary = "next";
    assert_false(guard_fleet_ours(&f, "prod/chat"));
    assert_true(guard_fleet_ours(&f, "prod/code"));
    f.canary = NULL;
    f.except = "next";
    assert_true(guard_fleet_ours(&f, "prod/chat"));
    assert_false(guard_fleet_ours(&f, "prod/code"));
    rig_stop(&r);
}

/* All of it together: a move between real objects takes the ticks it takes, and service never falls. */
static void a_paused_workload_is_left_alone_in_a_fleet(void **state)
{
    (void)state;
    kube_rig r;
    rig_start(&r, KUBE_MODE_KUBERNETES);
    marked(&r, RIG_IDC, "chat", ",\"annotations\":{\"spillway.dev/paused\":\"true\"}");
    rig_live(&r, S);
    const spw_actuator inner = kube_act_seam(r.act);
    guard_fleet f = {.fleet = r.fleet};
    guard_spec spec = guard_spec_default();
    spec.paused = guard_fleet_paused;
    spec.world = &f;
    spec.told = rig_note;
    spec.user = &r;
    guard *g = guard_new(&spec, &inner);
    const spw_actuator seam = guard_seam(g);
    const spw_action plan[] = {rig_place(RIG_CHAT, RIG_IDC, 2, 5, SPW_WHY_FILL_IDLE)};
    assert_int_equal(rig_tick(&r, &seam, 1, plan, 1), SPW_OK);
    assert_int_equal(kw_writes(r.world), 0);
    assert_int_equal(guard_count(g, GUARD_PAUSED), 1);
    marked(&r, RIG_IDC, "chat", "");
    rig_live(&r, S);
    assert_int_equal(rig_tick(&r, &seam, 2, plan, 1), SPW_OK);
    assert_int_equal(kw_replicas(r.world, RIG_IDC, "prod", "chat"), 5);
    guard_free(g);
    rig_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_harmless_passes_as_it_is),
        cmocka_unit_test(breaks_only_what_is_made),
        cmocka_unit_test(a_growth_of_the_same_tick_is_not_there_yet),
        cmocka_unit_test(copies_on_a_lost_cluster_may_go),
        cmocka_unit_test(what_is_not_ready_may_go),
        cmocka_unit_test(keeps_the_minimum_available),
        cmocka_unit_test(the_last_replica_stays_unless_allowed),
        cmocka_unit_test(limits_the_change_of_a_cluster),
        cmocka_unit_test(limits_the_nodes_of_a_cluster),
        cmocka_unit_test(who_waits_for_a_held_action_is_held),
        cmocka_unit_test(everything_can_be_stopped),
        cmocka_unit_test(old_inputs_stop_a_tick),
        cmocka_unit_test(a_held_share_of_traffic_is_an_error),
        cmocka_unit_test(objects_say_who_is_paused_and_who_is_whose),
        cmocka_unit_test(a_paused_workload_is_left_alone_in_a_fleet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
