/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * test_images.c - images and weights on their way inside the fleet, against cases worked by hand.
 *
 * Four nodes are up; a replica takes a whole one. Its image has layers of 4 and 6 GB, its weights 20 GB. A node unpacks
 * 1 GB/s, its NIC takes 2, its disk gives 4; the region's registry gives 100, the origin 0.5, a peer 1. A start from
 * the cache takes 2 s, process start 5 s.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/fleet/world.h"
#include "sim/scenario/tables.h"
#include "tests/support/fleet_live.h"
#include "tests/support/folder.h"
#include "tests/support/world.h"
#include <math.h>

#define S  SPW_NS_PER_S
#define GB INT64_C(1000000000)

static mdl_law constant(double value)
{
    return (mdl_law){MDL_LAW_CONSTANT, value, 0, 0};
}

typedef struct images {
    world w;
    sc_part layers[2];
    sc_delivery delivery;
    bool preheat[WORLD_CLUSTERS];
    int64_t copy[WORLD_REGIONS + 1], pull[WORLD_CLUSTERS], local[WORLD_CLUSTERS];
    fl_world *f;
} images;

static void init(images *t, bool regional, bool peers)
{
    world_init(&t->w);
    sc_pool *pool = &t->w.pools[0][0];
    pool->nodes_start = pool->nodes_min = pool->nodes_max = 4;
    pool->lag.pull_gb_per_s = constant(1);
    pool->lag.pull_hit_s = constant(2);
    pool->lag.start_s = constant(5);
    pool->lag.load_gb_per_s = constant(0.001); /* not used: the disk says how fast */
    t->layers[0] = (sc_part){1, 4 * GB};
    t->layers[1] = (sc_part){2, 6 * GB};
    t->w.services[0].layers = t->layers;
    t->w.services[0].layer_count = 2;
    t->w.services[0].weights = (sc_part){3, 20 * GB};
    t->w.workloads[0].gpus = 8;
    t->w.sc.region_count = 2;
    t->preheat[0] = t->preheat[1] = t->preheat[2] = false;
    for (int i = 0; i < 3; i++) {
        t->copy[i] = i == 1 ? 0 : 20000; /* the origin's own region is 1, all clusters are in 0 */
        t->pull[i] = 20000;
        t->local[i] = 0;
    }
    t->delivery = (sc_delivery){.origin = 1,
                                .regional = regional,
                                .peers = peers,
                                .origin_rate = 0.5e9,
                                .region_rate = 100e9,
                                .nic_rate = 2e9,
                                .peer_rate = 1e9,
                                .disk_rate = 4e9,
                                .cache_bytes = 100 * GB,
                                .copy_uusd_per_gb = t->copy,
                                .pull_uusd_per_gb = t->pull,
                                .local_uusd_per_gb = t->local,
                                .storage_uusd_per_gb_month = 100000,
                                .preheat = t->preheat};
    t->w.sc.delivery = &t->delivery;
}

static void start(images *t)
{
    t->f = fleet_open(&t->w);
}

static const fl_replica *replica(const images *t, uint32_t i)
{
    const fl_place *place = &t->f->services[0].places[0];

    assert_true(i < place->count);
    return &t->f->replicas[place->ids[i]];
}

/* Stages in whole seconds (+ 2 ns that come of rounding up). */
static void expect(const images *t, uint32_t i, int64_t pull_s, int64_t fetch_s, int64_t load_s)
{
    const fl_replica *r = replica(t, i);

    assert_int_equal(r->state, FL_RP_READY);
    assert_in_range(r->stage_ns[MDL_STAGE_PULL], pull_s * S, pull_s * S + 2);
    assert_in_range(r->stage_ns[MDL_STAGE_FETCH], fetch_s * S, fetch_s * S + 2);
    assert_int_equal(r->stage_ns[MDL_STAGE_LOAD], load_s * S);
    assert_in_range(r->ready_ns - r->bound_ns, (pull_s + fetch_s + load_s) * S, (pull_s + fetch_s + load_s) * S + 4);
}

/* 10 GB at the node's 1 GB/s + 2; 20 GB at the NIC's 2; 5 + 20/4. A second start on the node finds everything. */
static void test_alone_and_again(void **state)
{
    (void)state;
    images t;
    init(&t, true, false);
    t.w.workloads[0].gpus = 1;
    start(&t);
    fl_assign(t.f, 0, 0, 1);
    fleet_live(t.f, 100 * S);
    expect(&t, 0, 12, 10, 10);
    fl_assign(t.f, 0, 0, 2);
    fleet_live(t.f, 200 * S);
    assert_int_equal(replica(&t, 0)->node, replica(&t, 1)->node);
    expect(&t, 1, 2, 0, 10);
    assert_int_equal(fl_delivery_cost(t.f) > 0, 1); /* 30 GB kept in two regions */
    fl_world_free(t.f);
}

/* Two replicas on one node at once wait for one copy of each file. */
static void test_one_copy_for_two(void **state)
{
    (void)state;
    images t;
    init(&t, true, false);
    t.w.workloads[0].gpus = 1;
    start(&t);
    fl_assign(t.f, 0, 0, 2);
    fleet_live(t.f, 100 * S);
    expect(&t, 0, 12, 10, 10);
    expect(&t, 1, 12, 10, 10);
    fl_world_free(t.f);
}

/* A disk smaller than the image: what a replica waits for stays, so it starts; the layers come once. */
static void test_small_disk(void **state)
{
    (void)state;
    images t;
    init(&t, false, false);
    t.delivery.cache_bytes = 5 * GB;
    t.delivery.storage_uusd_per_gb_month = 0;
    start(&t);
    fl_assign(t.f, 0, 0, 1);
    fleet_live(t.f, 600 * S);
    expect(&t, 0, 22, 40, 10);
    assert_int_equal(fl_delivery_cost(t.f), 30 * 20000);
    fl_world_free(t.f);
}

/* Four nodes on the origin's 0.5 GB/s: 40 GB take 80 s, 80 GB 160 s. All of it crosses the regions: 120 GB. */
static void test_origin_shared(void **state)
{
    (void)state;
    images t;
    init(&t, false, false);
    t.delivery.storage_uusd_per_gb_month = 0;
    start(&t);
    fl_assign(t.f, 0, 0, 4);
    fleet_live(t.f, 600 * S);
    for (uint32_t i = 0; i < 4; i++) {
        expect(&t, i, 82, 160, 10);
    }
    assert_int_equal(fl_delivery_cost(t.f), 120 * 20000);
    fl_world_free(t.f);
}

/* With peers one copy feeds all four as it comes: 10 GB at 0.5, 20 GB at 0.5. 30 GB cross the regions. */
static void test_peers(void **state)
{
    (void)state;
    images t;
    init(&t, false, true);
    t.delivery.storage_uusd_per_gb_month = 0;
    start(&t);
    fl_assign(t.f, 0, 0, 4);
    fleet_live(t.f, 600 * S);
    for (uint32_t i = 0; i < 4; i++) {
        expect(&t, i, 22, 40, 10);
    }
    assert_int_equal(fl_delivery_cost(t.f), 30 * 20000);
    fl_world_free(t.f);
}

/* A latecomer feeds on who has it: image at its unpacking's 1 GB/s; weights at 2: (3 + 1) peers give 4, the NIC
 * takes 2. */
static void test_peers_late(void **state)
{
    (void)state;
    images t;
    init(&t, false, true);
    start(&t);
    fl_assign(t.f, 0, 0, 3);
    fleet_live(t.f, 600 * S);
    fl_assign(t.f, 0, 0, 4);
    fleet_live(t.f, 900 * S);
    expect(&t, 3, 12, 10, 10);
    fl_world_free(t.f);
}

/* The node that fed on the origin goes at 10 s, with 5 of the 10 GB: another goes on with what was left. */
static void test_source_lost(void **state)
{
    (void)state;
    images t;
    init(&t, false, true);
    t.w.pools[0][0].capacity = SPW_CAPACITY_SPOT;
    t.delivery.storage_uusd_per_gb_month = 0;
    start(&t);
    fl_assign(t.f, 0, 0, 4);
    fleet_live(t.f, 10 * S);
    uint32_t first = t.f->pools[0].nodes[0];
    fl_assign(t.f, 0, 0, 3);
    for (uint32_t i = 0; i < 3; i++) { /* the youngest went, so the source is still there, and goes now */
        assert_true(replica(&t, i)->node != FL_NONE);
    }
    fl_node_reclaim(t.f, first, 10 * S);
    fleet_live(t.f, 600 * S);
    int ready = 0;
    const fl_place *place = &t.f->services[0].places[0];
    for (uint32_t i = 0; i < place->count; i++) {
        const fl_replica *r = replica(&t, i);
        if (r->bound_ns == 0) {
            ready++;
            expect(&t, i, 22, 40, 10);
        }
    }
    assert_int_equal(ready, 2);
    assert_in_range(fl_delivery_cost(t.f), 30 * 20000 - 1, 30 * 20000 + 1); /* one copy left the origin, in two parts */
    fl_world_free(t.f);
}

/* One node has it all; another has had 2 GB of each layer from it when the first goes, or makes room as nobody uses its
 * image any more: the other 2 and 4 GB come from the origin, and are paid for. */
static void test_holder_lost(void **state)
{
    (void)state;
    for (int evicts = 0; evicts < 2; evicts++) {
        images t;
        init(&t, false, true);
        t.w.pools[0][0].capacity = SPW_CAPACITY_SPOT;
        t.delivery.cache_bytes = evicts == 1 ? 12 * GB : 100 * GB;
        t.delivery.storage_uusd_per_gb_month = 0;
        start(&t);
        fl_assign(t.f, 0, 0, 1);
        fleet_live(t.f, 100 * S);
        assert_int_equal(fl_delivery_cost(t.f), 30 * 20000);
        const uint32_t first = replica(&t, 0)->node;
        fl_assign(t.f, 0, 0, 2);
        fleet_live(t.f, 104 * S);
        fl_assign(t.f, 0, 0, 0); /* what is under way comes none the less; nobody else begins to fetch */
        if (evicts == 0) {
            fl_node_reclaim(t.f, first, 104 * S);
        }
        fleet_live(t.f, 600 * S);
        assert_in_range(fl_delivery_cost(t.f), 36 * 20000 - 1, 36 * 20000 + 1);
        fl_world_free(t.f);
    }
}

/* A fault holds the first node from `from` to `to`. */
static void hold_first(images *t, sc_fault *f, mdl_window *at, int64_t from, int64_t to)
{
    *at = (mdl_window){from * S, to * S};
    *f = (sc_fault){.kind = MDL_FAULT_NODE,
                    .windows = {.at = at, .count = 1},
                    .region = -1,
                    .cluster = -1,
                    .pool = -1,
                    .service = -1,
                    .index = 0,
                    .nodes_per_rack = 1};
    t->w.sc.faults = f;
    t->w.sc.fault_count = 1;
    start(t);
}

/* The same of the replica on the n-th node. */
static void expect_on(const images *t, uint32_t n, int64_t pull_s, int64_t fetch_s, int64_t load_s)
{
    for (uint32_t i = 0; i < t->f->services[0].places[0].count; i++) {
        if (replica(t, i)->node == t->f->pools[0].nodes[n]) {
            expect(t, i, pull_s, fetch_s, load_s);
            return;
        }
    }
    fail_msg("nothing on node %u", n);
}

/* The first node has it all, with weights of 24 GB here; the second has had 2 GB of each layer from it when a fault
 * holds the first, at 104 s. Then the other 2 and 4 GB come from the origin, in 12 s, and the weights in 48 s; the
 * third node, where the first one's replica goes, has them as soon. At 200 s the node is back: a start there finds all
 * in the cache, and it gives to others again: to the fourth one three holders and itself, 4 GB/s. */
static void test_held_gives_nothing(void **state)
{
    (void)state;
    images t;
    sc_fault fault;
    mdl_window at;
    init(&t, false, true);
    t.w.services[0].weights = (sc_part){3, 24 * GB};
    t.delivery.nic_rate = 4e9;
    t.delivery.storage_uusd_per_gb_month = 0;
    hold_first(&t, &fault, &at, 104, 200);
    fl_assign(t.f, 0, 0, 1);
    fleet_live(t.f, 100 * S);
    expect_on(&t, 0, 22, 48, 11);
    fl_assign(t.f, 0, 0, 2);
    fleet_live(t.f, 199 * S);
    expect_on(&t, 1, 18, 48, 11);
    expect_on(&t, 2, 14, 48, 11);
    assert_in_range(fl_delivery_cost(t.f), 64 * 20000 - 1, 64 * 20000 + 1);
    fleet_live(t.f, 300 * S);
    fl_assign(t.f, 0, 0, 3);
    fleet_live(t.f, 400 * S);
    expect_on(&t, 0, 2, 0, 11);
    fl_assign(t.f, 0, 0, 4);
    fleet_live(t.f, 500 * S);
    expect_on(&t, 3, 12, 6, 11);
    fl_world_free(t.f);
}

/* Four nodes, and a fault holds the one that feeds on the origin, at 10 s with 5 of the 10 GB: another goes on with
 * what was left, and the first gets nothing: when it is back, at 100 s, it has all from the others. */
static void test_held_gets_nothing(void **state)
{
    (void)state;
    for (int ahead = 0; ahead < 2; ahead++) {
        images t;
        sc_fault fault;
        mdl_window at;
        init(&t, false, true);
        t.delivery.storage_uusd_per_gb_month = 0;
        t.preheat[0] = ahead == 1;
        hold_first(&t, &fault, &at, 10, 100);
        fl_assign(t.f, 0, 0, 4);
        if (ahead == 1) { /* what was sent ahead is sent again, without a replica that asks for it */
            fl_delivery_preheat(t.f);
            fleet_live(t.f, 99 * S);
            fl_assign(t.f, 0, 0, 3);
            fleet_live(t.f, 200 * S);
            fl_assign(t.f, 0, 0, 4);
            fleet_live(t.f, 300 * S);
            expect_on(&t, 0, 2, 0, 10);
        } else {
            fleet_live(t.f, 200 * S);
            for (uint32_t n = 1; n < 4; n++) {
                expect_on(&t, n, 22, 40, 10);
            }
            expect_on(&t, 0, 12, 10, 10);
        }
        assert_in_range(fl_delivery_cost(t.f), 30 * 20000 - 1, 30 * 20000 + 1); /* one copy, in two parts */
        fl_world_free(t.f);
    }
}

/* Bytes cost as they go. Two nodes share the origin's 0.5 GB/s, one goes at 10 s and has had 2.5 GB; the other has 10
 * at 25 s. Of both, 2.5 GB came in the first 5 s, which a warm-up may have. */
static void test_cut_short(void **state)
{
    (void)state;
    for (int warm = 0; warm < 2; warm++) {
        const int64_t before = warm == 1 ? 2500 * 20 : 0;
        images t;
        init(&t, false, false);
        t.w.pools[0][0].capacity = SPW_CAPACITY_SPOT;
        t.w.sc.warmup_ns = warm == 1 ? 5 * S : 0;
        t.delivery.storage_uusd_per_gb_month = 0;
        start(&t);
        fl_assign(t.f, 0, 0, 2);
        fleet_live(t.f, 5 * S);
        if (warm == 1) {
            fl_warmup_event(t.f);
        }
        fleet_live(t.f, 10 * S);
        fl_assign(t.f, 0, 0, 0); /* nobody else begins to fetch */
        fl_node_reclaim(t.f, t.f->pools[0].nodes[0], 10 * S);
        fleet_live(t.f, 11 * S);
        assert_in_range(fl_delivery_cost(t.f) + before, 5500 * 20 - 1, 5500 * 20 + 1);
        fleet_live(t.f, 60 * S);
        assert_in_range(fl_delivery_cost(t.f) + before, 12500 * 20 - 1, 12500 * 20 + 1);
        fl_world_free(t.f);
    }
}

/* What was fetched before anybody asked need not be waited for; a node that comes later fetches by itself, too. */
static void test_prefetch(void **state)
{
    (void)state;
    images t;
    init(&t, true, false);
    start(&t);
    fl_delivery_prefetch(t.f, 0, 0, true);
    fleet_live(t.f, 100 * S);
    fl_assign(t.f, 0, 0, 4);
    fleet_live(t.f, 300 * S);
    for (uint32_t i = 0; i < 4; i++) {
        expect(&t, i, 2, 0, 10);
    }
    fl_world_free(t.f);

    init(&t, false, false); /* preheated region without a node up: the registry there pulls through, once */
    t.w.pools[0][0].capacity = SPW_CAPACITY_ON_DEMAND;
    t.w.pools[0][0].nodes_start = t.w.pools[0][0].nodes_min = 0;
    t.preheat[0] = true;
    t.delivery.storage_uusd_per_gb_month = 0;
    start(&t);
    fleet_live(t.f, 100 * S); /* 30 GB at 0.5 */
    assert_int_equal(fl_delivery_cost(t.f), 30 * 20000);
    fl_pool_target(t.f, 0, 4);
    fl_assign(t.f, 0, 0, 4);
    fleet_live(t.f, 300 * S);
    for (uint32_t i = 0; i < 4; i++) { /* image and weights share the NIC: 1 and 1, then 2 for the weights: 15 s */
        expect(&t, i, 12, 3, 10);
    }
    assert_int_equal(fl_delivery_cost(t.f), 30 * 20000);
    fl_world_free(t.f);
}

/* Regional registries have what was pushed at 50 s only after the copy took its time: until 100 s the origin serves. */
static void test_replication_lag(void **state)
{
    (void)state;
    images t;
    init(&t, true, false);
    t.delivery.replicated_ns = 100 * S;
    start(&t);
    fl_assign(t.f, 0, 0, 1); /* 10 GB at 0.5: 20 s, weights 40 s: all before 100 s */
    fleet_live(t.f, 99 * S);
    expect(&t, 0, 22, 40, 10);
    fleet_live(t.f, 100 * S);
    fl_assign(t.f, 0, 0, 2);
    fleet_live(t.f, 200 * S);
    expect(&t, 1, 12, 10, 10);
    fl_world_free(t.f);
}

/* Nothing can be fetched that was not pushed: with one start at 0 and one at 150 s, images pushed at 100 s and in the
 * region at 140 s, the first waits for 100 s and then takes 20 s and 40 s at the origin's 0.5 GB/s, as if it had begun
 * there; the other goes to the regional registry. What is kept costs from the push on: 30 GB for 900 s at the origin,
 * for 860 s in the region, and 60 GB went to it (once to the node, once as the copy). */
static void test_published(void **state)
{
    (void)state;
    images t;
    init(&t, true, false);
    t.delivery.published_ns = 100 * S;
    t.delivery.replicated_ns = 140 * S;
    start(&t);
    fl_assign(t.f, 0, 0, 1);
    fleet_live(t.f, 99 * S);
    assert_int_equal(fl_delivery_cost(t.f), 0);
    fleet_live(t.f, 150 * S);
    fl_assign(t.f, 0, 0, 2);
    fleet_live(t.f, 1000 * S);
    expect(&t, 0, 122, 40, 10);
    expect(&t, 1, 12, 10, 10);
    const double gb_months = 30.0 * (900 + 860) / (730 * 3600.0);
    assert_int_equal(fl_delivery_cost(t.f), 60 * 20000 + llround(gb_months * 100000));
    fl_world_free(t.f);

    init(&t, true, false); /* nobody asks before: the origin gives all the same */
    t.delivery.published_ns = 100 * S;
    t.delivery.replicated_ns = 1000 * S;
    start(&t);
    fleet_live(t.f, 200 * S);
    fl_assign(t.f, 0, 0, 1);
    fleet_live(t.f, 300 * S);
    expect(&t, 0, 22, 40, 10);
    fl_world_free(t.f);
}

/* Prices go by where the bytes go: two clusters with 30 GB each from the origin; and from the registry of their region,
 * where another provider has the nodes. */
static void test_prices_by_pair(void **state)
{
    (void)state;
    for (int regional = 0; regional < 2; regional++) {
        images t;
        init(&t, regional == 1, false);
        t.w.sc.cluster_count = 2;
        t.w.pools[1][0] = t.w.pools[0][0];
        t.delivery.storage_uusd_per_gb_month = 0;
        t.pull[1] = 50000;
        t.local[1] = 90000;
        start(&t);
        fl_assign(t.f, 0, 0, 1);
        fl_assign(t.f, 0, 1, 1);
        fleet_live(t.f, 600 * S);
        assert_int_equal(fl_delivery_cost(t.f), regional == 1 ? 30 * 90000 : 30 * (20000 + 50000));
        fl_world_free(t.f);
    }
}

/* The shipped scenario, its second site moved to a cloud: the registry on premises sends to another provider. */
static void test_prices_loaded(void **state)
{
    (void)state;
    static const sc_override sets[] = {{"spec.clusters[1].provider", "aws"}, {"spec.delivery.provider", "alibaba"}};
    const sc_options options = {.sets = sets, .set_count = 2};
    sc_messages messages = {0};
    sc_scenario *sc = sc_load("scenarios/cold-cache.yaml", &options, &messages);
    if (sc == NULL) {
        fail_msg("%s", messages.text);
    }
    const sc_delivery *d = sc->delivery;
    assert_int_equal(d->copy_uusd_per_gb[d->origin], 0);
    for (int32_t r = 0; r < sc->region_count; r++) {
        assert_int_equal(d->copy_uusd_per_gb[r], r == d->origin ? 0 : 83000);
    }
    assert_string_equal(sc->clusters[0].provider, "on-premises");
    assert_int_equal(d->pull_uusd_per_gb[0], 110000);
    assert_int_equal(d->pull_uusd_per_gb[1], 110000);
    assert_int_equal(d->local_uusd_per_gb[1], 110000);
    sc_free(sc);
    sc_messages_fini(&messages);
}

/* The shipped tables, but that nodes keep only 20 GB: the 11.8 of the image and 16.06 of weights are too much. */
static void test_small_disk_told(void **state)
{
    (void)state;
    char dir[64];
    folder_make(dir, sizeof dir);
    for (int k = 0; k < TABLES_KINDS; k++) {
        char name[64];
        snprintf(name, sizeof name, "%s.csv", tables_kind_name((tables_kind)k));
        char *text = folder_read("scenarios/tables", name);
        for (char *at = text; k == TABLES_DELIVERY && (at = strstr(at, ",500,")) != NULL; at++) {
            at[1] = '0';
            at[2] = '2';
        }
        folder_write(dir, name, text);
        free(text);
    }
    const sc_options options = {.tables_dir = dir};
    sc_messages messages = {0};
    sc_scenario *sc = sc_load("scenarios/cold-cache.yaml", &options, &messages);
    assert_non_null(sc);
    assert_int_equal(messages.warnings, 1);
    assert_non_null(strstr(messages.text, "scenarios/cold-cache.yaml:38:14: warning: image and weights of "
                                          "'Llama-3.1-8B' are 27.86 GB, more than the 20 GB that a node keeps"));
    sc_free(sc);
    sc_messages_fini(&messages);
    folder_remove(dir);
}

/* Where nothing is said of the registries' provider, only the regions count. */
static void test_prices_unsaid(void **state)
{
    (void)state;
    static const sc_override sets[] = {{"spec.delivery", "{network: thin}"}};
    const sc_options options = {.sets = sets, .set_count = 1};
    sc_messages messages = {0};
    sc_scenario *sc = sc_load("scenarios/cold-cache.yaml", &options, &messages);
    if (sc == NULL) {
        fail_msg("%s", messages.text);
    }
    for (int32_t c = 0; c < sc->cluster_count; c++) {
        const bool away = sc->clusters[c].region != sc->delivery->origin;
        assert_int_equal(sc->delivery->pull_uusd_per_gb[c], away ? 20000 : 0);
        assert_int_equal(sc->delivery->local_uusd_per_gb[c], 0);
    }
    sc_free(sc);
    sc_messages_fini(&messages);
}

/* Images in a region for an hour: 30 GB x 2 registries x 1 h at 0.1 USD per GB-month of 730 h. */
static void test_storage(void **state)
{
    (void)state;
    images t;
    init(&t, true, false);
    start(&t);
    fleet_live(t.f, 3600 * S);
    assert_int_equal(fl_delivery_cost(t.f), 8219); /* 0.0082191781 USD */
    fl_world_free(t.f);
}

/* A full run conserves requests and gives the same bytes twice. */
static void test_whole_run(void **state)
{
    (void)state;
    images t;
    init(&t, false, true);
    t.w.workloads[0].gpus = 1;
    world_hpa(&t.w, "requests_in_flight", 2000, 1, 16);
    t.w.traffic[0].arrivals.rate_per_s = 8;
    res_run *a = world_run(&t.w, 3);
    res_run *b = world_run(&t.w, 3);
    assert_true(world_same(a, b));
    assert_true(a->lag.count > 3 && a->lag.mean_s[MDL_STAGE_PULL] > 2);
    assert_true(a->cost.images_uusd > 0 && a->cost.egress_uusd >= a->cost.images_uusd);
    assert_true(a->cost.total_uusd == a->cost.owned_uusd + a->cost.egress_uusd);
    int64_t bins = 0;
    for (int32_t i = 0; i < a->timeline.bins; i++) {
        assert_true(a->timeline.images_uusd[i] >= 0 && a->timeline.images_uusd[i] <= a->timeline.egress_uusd[i]);
        bins += a->timeline.images_uusd[i];
    }
    assert_int_equal(bins, a->cost.images_uusd);
    res_free(a);
    res_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alone_and_again),   cmocka_unit_test(test_one_copy_for_two),
        cmocka_unit_test(test_origin_shared),     cmocka_unit_test(test_peers),
        cmocka_unit_test(test_peers_late),        cmocka_unit_test(test_source_lost),
        cmocka_unit_test(test_cut_short),         cmocka_unit_test(test_prefetch),
        cmocka_unit_test(test_replication_lag),   cmocka_unit_test(test_published),
        cmocka_unit_test(test_prices_by_pair),    cmocka_unit_test(test_prices_loaded),
        cmocka_unit_test(test_prices_unsaid),     cmocka_unit_test(test_storage),
        cmocka_unit_test(test_holder_lost),       cmocka_unit_test(test_held_gives_nothing),
        cmocka_unit_test(test_held_gets_nothing), cmocka_unit_test(test_small_disk),
        cmocka_unit_test(test_small_disk_told),   cmocka_unit_test(test_whole_run)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
