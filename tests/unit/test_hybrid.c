/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_hybrid.c - the founding idea on the decision log of scenarios/hybrid-burst.yaml, read back from its JSON lines:
 * owned GPUs saturate before the first cloud node is asked for, overflow follows the order of the groups, release
 * happens in reverse; the same objects with two groups swapped give a different bill.
 *
 * The log is replayed by this test's own bookkeeping of who is assigned what: nothing is taken from the core's
 * accounts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "sim/fleet/fleet.h"

enum { IDC, NEAR, FAR, CLUSTERS };
static const char *const NAMES[CLUSTERS] = {"idc-hangzhou", "ack-hangzhou", "ack-beijing"};
typedef struct ledger {
    int32_t assigned[CLUSTERS];
    int order[CLUSTERS];    /* clusters, best group first */
    int32_t room[CLUSTERS]; /* GPUs each could have at most, from the scenario */
    int32_t peak[CLUSTERS];
    int64_t first_node_ns; /* first order of a cloud node */
    int32_t owned_then;    /* replicas assigned to the best group at that time */
    int order_violations, release_violations, lines, scale_ins;
} ledger;

static int cluster_of(const char *name)
{
    for (int c = 0; c < CLUSTERS; c++) {
        if (strcmp(NAMES[c], name) == 0) {
            return c;
        }
    }
    fail_msg("unknown cluster %s in the decision log", name);
    return -1;
}

/** Rank of a cluster in the policy. */
static int rank_of(const ledger *l, int cluster)
{
    for (int r = 0; r < CLUSTERS; r++) {
        if (l->order[r] == cluster) {
            return r;
        }
    }
    return -1;
}

static void check_place(ledger *l, int cluster, int32_t to, const char *reason, const int32_t *after)
{
    int rank = rank_of(l, cluster);
    if (strncmp(reason, "overflow", 8) == 0) {
        for (int r = 0; r < rank; r++) { /* every better group is full once this tick is carried out, the spot pool
                                            excepted: reclaimed nodes leave it less room than its maximum */
            int better = l->order[r];
            l->order_violations += better != FAR && after[better] < l->room[better] ? 1 : 0;
        }
    }
    if (strcmp(reason, "scale-in") == 0 && to < l->assigned[cluster]) {
        l->scale_ins++;
        for (int r = rank + 1; r < CLUSTERS; r++) { /* every worse group is empty once this tick is carried out */
            l->release_violations += after[l->order[r]] > 0 ? 1 : 0;
        }
    }
}

static int read_line(void *user, const char *text, size_t size)
{
    ledger *l = user;
    json_error_t error;
    json_t *line = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (line == NULL) {
        fail_msg("line %d: %s", l->lines + 1, error.text);
    }
    assert_int_equal(json_integer_value(json_object_get(line, "tick")), l->lines);
    l->lines++;
    json_t *plan = json_object_get(line, "plan");
    size_t i;
    json_t *action;
    int32_t after[CLUSTERS];
    memcpy(after, l->assigned, sizeof after);
    json_array_foreach(plan, i, action)
    {
        if (strcmp(json_string_value(json_object_get(action, "verb")), "place") == 0) {
            after[cluster_of(json_string_value(json_object_get(action, "cluster")))] =
                (int32_t)json_integer_value(json_object_get(action, "amount"));
        }
    }
    json_array_foreach(plan, i, action)
    {
        const char *verb = json_string_value(json_object_get(action, "verb"));
        const char *reason = json_string_value(json_object_get(action, "reason"));
        assert_non_null(reason);
        if (strcmp(verb, "place") == 0) {
            int cluster = cluster_of(json_string_value(json_object_get(action, "cluster")));
            int32_t to = (int32_t)json_integer_value(json_object_get(action, "amount"));
            check_place(l, cluster, to, reason, after);
        }
        if (strcmp(verb, "provision") == 0 && l->first_node_ns < 0) {
            l->first_node_ns = json_integer_value(json_object_get(line, "now_ns"));
            l->owned_then = after[l->order[0]];
        }
    }
    memcpy(l->assigned, after, sizeof after);
    for (int c = 0; c < CLUSTERS; c++) {
        l->peak[c] = after[c] > l->peak[c] ? after[c] : l->peak[c];
    }
    json_decref(line);
    return 0;
}

static res_run *run(const char *path, ledger *l)
{
    sc_messages messages = {0};
    sc_options options = {0};
    sc_scenario *sc = sc_load(path, &options, &messages);
    if (sc == NULL) {
        fail_msg("%s", messages.text);
    }
    sc_messages_fini(&messages);
    for (int32_t c = 0; c < sc->cluster_count; c++) {
        for (int32_t p = 0; p < sc->clusters[c].pool_count; p++) {
            const sc_pool *pool = &sc->clusters[c].pools[p];
            l->room[cluster_of(sc->clusters[c].name)] += pool->nodes_max * pool->gpus_per_node;
        }
    }
    fleet_hooks hooks = {.decision = read_line, .user = l};
    char err[256];
    res_run *result = fleet_run(sc, 1, 0, &hooks, err, sizeof err);
    if (result == NULL) {
        fail_msg("%s", err);
    }
    sc_free(sc);
    return result;
}

static void check_sums(const res_run *r)
{
    const res_requests *q = &r->requests;
    assert_true(q->offered == q->completed + q->rejected + q->timed_out + q->in_flight);
    int64_t pools = 0;
    for (int32_t p = 0; p < r->pool_count; p++) {
        pools += r->pools[p].cost_uusd;
    }
    const res_cost *c = &r->cost;
    assert_true(c->total_uusd == pools + c->egress_uusd);
    assert_true(c->total_uusd == c->owned_uusd + c->reserved_uusd + c->on_demand_uusd + c->spot_uusd + c->egress_uusd);
    assert_int_equal(r->control.bad_plans, 0);
    assert_int_equal(r->control.bad_snapshots, 0);
}

/** Both scenarios, run once. */
typedef struct pair {
    ledger log, swapped_log;
    res_run *straight, *swapped;
} pair;

static int run_both(void **state)
{
    static pair p = {.log = {.order = {IDC, NEAR, FAR}, .first_node_ns = -1},
                     .swapped_log = {.order = {IDC, FAR, NEAR}, .first_node_ns = -1}};
    p.straight = run("scenarios/hybrid-burst.yaml", &p.log);
    p.swapped = run("scenarios/hybrid-burst-swapped.yaml", &p.swapped_log);
    *state = &p;
    return 0;
}

static int free_both(void **state)
{
    pair *p = *state;
    res_free(p->straight);
    res_free(p->swapped);
    return 0;
}

static void owned_first_then_near_then_far_and_back(void **state)
{
    const pair *p = *state;
    const ledger *l = &p->log;
    check_sums(p->straight);
    assert_true(l->first_node_ns > 0);
    assert_int_equal(l->owned_then, l->room[IDC]); /* saturated before the first cloud node */
    assert_int_equal(l->peak[IDC], l->room[IDC]);
    assert_int_equal(l->peak[NEAR], l->room[NEAR]);
    assert_true(l->peak[FAR] > 0);
    assert_int_equal(l->order_violations, 0);
    assert_int_equal(l->release_violations, 0);
    assert_true(l->scale_ins > 10);
    assert_int_equal(l->assigned[FAR], 0);
    assert_int_equal(l->lines, 24 * 240 + 1);
    assert_true(p->straight->burst_count >= 1);
}

/** The chain from decision to ready, bin by bin, holds exactly the time that the lag of all starts adds up to. */
static void the_chain_holds_all_of_the_lag(void **state)
{
    const pair *p = *state;
    const res_run *r = p->straight;
    const res_timeline *t = &r->timeline;
    double sum[RES_CHAIN] = {0};
    for (int32_t row = 0; row < t->bins * r->service_count; row++) {
        for (int k = 0; k < RES_CHAIN; k++) {
            assert_true(t->chain_s[row * RES_CHAIN + k] >= 0);
            sum[k] += t->chain_s[row * RES_CHAIN + k];
        }
    }
    assert_true(r->lag.count > 50);
    const double n = (double)r->lag.count;
    for (int stage = MDL_STAGE_INVENTORY; stage < MDL_STAGES; stage++) {
        const double lag = r->lag.mean_s[stage] * n, slack = 1e-6 * (1 + lag);
        assert_true(sum[1 + stage] >= lag - slack);
        assert_true(sum[1 + stage] <= lag + slack);
    }
    assert_true(sum[0] > 0 && sum[0] <= r->lag.decision_s * n * (1 + 1e-9));
}

static void groups_swapped_give_another_bill(void **state)
{
    const pair *p = *state;
    check_sums(p->swapped);
    assert_true(p->straight->cost.total_uusd != p->swapped->cost.total_uusd);
    assert_true(p->swapped->cost.spot_uusd > p->straight->cost.spot_uusd);
    assert_true(p->swapped->cost.on_demand_uusd < p->straight->cost.on_demand_uusd);
    assert_int_equal(p->swapped_log.release_violations, 0);
    /* common random numbers: the same users */
    assert_int_equal(p->straight->requests.offered, p->swapped->requests.offered);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(owned_first_then_near_then_far_and_back),
        cmocka_unit_test(the_chain_holds_all_of_the_lag),
        cmocka_unit_test(groups_swapped_give_another_bill),
    };
    return cmocka_run_group_tests(tests, run_both, free_both);
}
