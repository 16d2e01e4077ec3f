/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_mend.c - the guard against flapping, worked by hand, and the annotations of mending and routing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/toy.h"

#define S SPW_NS_PER_S

enum { IDC, ACK };

static void make(toy *t, spw_dur window)
{
    static const char *const groups[] = {"idc", "ack"};
    toy_init(t);
    (void)toy_cluster(t, "idc");
    (void)toy_cluster(t, "ack");
    (void)toy_pool_add(t, IDC, "own", SPW_CAPACITY_OWNED, 4, 4);
    (void)toy_pool_add(t, ACK, "own", SPW_CAPACITY_OWNED, 4, 4);
    t->policy.flap_window = window;
    t->policy.failback = SPW_FAILBACK_NEVER;
    toy_start(t, groups, 2);
}

/** @return replicas assigned to ack after a tick that wants so many in all */
static int tick_at(toy *t, int second, int wanted)
{
    t->now = second * S;
    t->template_replicas[0] = wanted;
    (void)toy_tick(t);
    toy_settle(t);
    return t->assigned[0][ACK];
}

static void twice_up_and_down(void **state)
{
    (void)state;
    toy t;
    make(&t, 900 * S);
    assert_int_equal(tick_at(&t, 0, 6), 2);
    assert_int_equal(tick_at(&t, 15, 4), 0);
    assert_int_equal(tick_at(&t, 30, 6), 2);
    assert_int_equal(tick_at(&t, 45, 4), 0); /* the third turn: frozen until 945 s */
    assert_int_equal(tick_at(&t, 60, 7), 3); /* more is never held back */
    assert_int_equal(tick_at(&t, 75, 4), 3);
    assert_int_equal(spw_plan_outcome_at(t.plan, 0)->surge, 3);
    assert_int_equal(tick_at(&t, 930, 4), 3);
    assert_int_equal(tick_at(&t, 945, 4), 0);
    assert_int_equal(spw_plan_outcome_at(t.plan, 0)->surge, 0);
    toy_end(&t);
}

/** The same rhythm, slower than the window, or without one. */
static void slow_or_without_a_window(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        toy t;
        make(&t, k == 0 ? 900 * S : 0);
        int step = k == 0 ? 451 : 15; /* three turns in 902 s */
        for (int i = 0; i < 20; i++) {
            assert_int_equal(tick_at(&t, i * step, i % 2 == 0 ? 6 : 4), i % 2 == 0 ? 2 : 0);
        }
        toy_end(&t);
    }
}

/** One direction in many steps is no flapping. */
static void steps_are_no_turns(void **state)
{
    (void)state;
    toy t;
    make(&t, 900 * S);
    static const int wanted[] = {5, 6, 7, 8, 7, 6, 5, 4, 5, 6, 7, 8, 7};
    for (int i = 0; i < 13; i++) { /* the last one is the third turn: it happens, and freezes */
        assert_int_equal(tick_at(&t, 15 * i, wanted[i]), wanted[i] - 4);
    }
    assert_int_equal(tick_at(&t, 200, 6), 3);
    toy_end(&t);
}

/** A cluster that is lost is left all the same. */
static void a_lost_cluster_is_not_frozen(void **state)
{
    (void)state;
    toy t;
    make(&t, 900 * S);
    for (int i = 0; i < 5; i++) {
        (void)tick_at(&t, 15 * i, i % 2 == 0 ? 6 : 4);
    }
    assert_int_equal(t.assigned[0][ACK], 2);
    t.ready[ACK] = false;
    assert_int_equal(tick_at(&t, 75, 4), 0);
    toy_end(&t);
}

static void the_guard_survives_a_restart(void **state)
{
    (void)state;
    static unsigned char bytes[65536];
    toy t;
    make(&t, 900 * S);
    for (int i = 0; i < 6; i++) {
        (void)tick_at(&t, 15 * i, i % 2 == 0 ? 6 : 4);
        size_t size = spw_state_size(t.core);
        assert_int_equal(spw_state_save(t.core, bytes, sizeof bytes), SPW_OK);
        toy_restart(&t);
        assert_int_equal(spw_state_load(t.core, bytes, size), SPW_OK);
    }
    assert_int_equal(t.assigned[0][ACK], 2);
    assert_int_equal(tick_at(&t, 945, 4), 0);
    toy_end(&t);
}

#define POLICY                                                                                                         \
    "apiVersion: policy.one.alibabacloud.com/v1alpha1\nkind: PropagationPolicy\n"                                      \
    "metadata: {name: p, annotations: {%s}}\n"                                                                         \
    "spec: {resourceSelectors: [{apiVersion: apps/v1, kind: Deployment}]}\n"

/** @return false if it is refused; else the policy in *out, which lives as long as the set */
static bool read_policy(const char *notes, spw_manifest_set **set, const spw_policy **out)
{
    char text[1024];
    const spw_config *config = NULL;
    spw_diag *diag = NULL;
    *set = spw_manifest_new(NULL);
    assert_int_equal(spw_diag_new(NULL, 8, &diag), SPW_OK);
    (void)snprintf(text, sizeof text, POLICY, notes);
    bool ok = spw_manifest_add_text(*set, "f", text, strlen(text), diag) == SPW_OK &&
              spw_manifest_config(*set, diag, &config) == SPW_OK;
    spw_diag_free(diag);
    *out = ok ? &config->policies[0] : NULL;
    return ok;
}

static void knobs(void **state)
{
    (void)state;
    spw_manifest_set *set = NULL;
    const spw_policy *p = NULL;
    assert_true(read_policy("", &set, &p));
    assert_true(p->failover_after == 30 * S && p->evict_grace == 600 * S && p->flap_window == 0);
    assert_int_equal(p->failover_moves, 0);
    assert_int_equal(p->route, SPW_ROUTE_PROPORTIONAL);
    spw_manifest_free(set);
    assert_true(read_policy("spillway.dev/failover-after: 0s, spillway.dev/eviction-grace: 5m, "
                            "spillway.dev/failover-moves: '4', spillway.dev/flap-window: 15m, "
                            "spillway.dev/route: waterfall, spillway.dev/route-regions: 'cn-hangzhou, cn-shanghai', "
                            "spillway.dev/route-capacity: 2500m, spillway.dev/route-fill: '0.75', "
                            "spillway.dev/route-lag: 45s",
                            &set, &p));
    assert_true(p->failover_after == 0 && p->evict_grace == 300 * S && p->flap_window == 900 * S);
    assert_int_equal(p->failover_moves, 4);
    assert_int_equal(p->route, SPW_ROUTE_WATERFALL);
    assert_int_equal(p->route_region_count, 2);
    assert_string_equal(p->route_regions[0], "cn-hangzhou");
    assert_string_equal(p->route_regions[1], "cn-shanghai");
    assert_int_equal(p->route_capacity_milli, 2500);
    assert_int_equal(p->route_fill_ppm, 750000);
    assert_true(p->route_lag == 45 * S);
    spw_manifest_free(set);
    assert_true(read_policy("spillway.dev/route: weights, spillway.dev/route-weights: 'idc=3, cloud=0'", &set, &p));
    assert_int_equal(p->route_weight_count, 2);
    assert_string_equal(p->route_weights[0].cluster, "idc");
    assert_int_equal(p->route_weights[0].weight, 3);
    assert_string_equal(p->route_weights[1].cluster, "cloud");
    assert_int_equal(p->route_weights[1].weight, 0);
    spw_manifest_free(set);
}

static void bad_knobs(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "spillway.dev/failover-after: soon",
        "spillway.dev/failover-moves: '-1'",
        "spillway.dev/route: nearest",
        "spillway.dev/route: weights",
        "spillway.dev/route-weights: 'idc'",
        "spillway.dev/route-weights: 'idc='",
        "spillway.dev/route-weights: '=1'",
        "spillway.dev/route-weights: 'idc=-1'",
        "spillway.dev/route-weights: 'idc=1000001'",
        "spillway.dev/route-weights: 'idc=1,'",
        "spillway.dev/route-regions: ''",
        "spillway.dev/route-regions: 'a,,b'",
        "spillway.dev/route-fill: '0'",
        "spillway.dev/route-fill: '1.5'",
        "spillway.dev/route-capacity: '-1'",
        "spillway.dev/route-speed: fast",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        spw_manifest_set *set = NULL;
        const spw_policy *p = NULL;
        if (read_policy(bad[i], &set, &p)) {
            fail_msg("accepted: %s", bad[i]);
        }
        spw_manifest_free(set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(twice_up_and_down),
        cmocka_unit_test(slow_or_without_a_window),
        cmocka_unit_test(steps_are_no_turns),
        cmocka_unit_test(a_lost_cluster_is_not_frozen),
        cmocka_unit_test(the_guard_survives_a_restart),
        cmocka_unit_test(knobs),
        cmocka_unit_test(bad_knobs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
