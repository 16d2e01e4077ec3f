/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_json_roundtrip.c - random snapshots keep their digest through JSON and back, give the same bytes whatever the
 * order of their rows, and damaged text is refused or read, but never more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <spillway/json.h>

/* --- help --- */

static spw_diag *new_diag(void)
{
    spw_diag *diag = NULL;
    assert_int_equal(spw_diag_new(NULL, 32, &diag), SPW_OK);
    return diag;
}

/* Reads a text that must be good. */
static spw_json_snapshot *good(const char *text)
{
    spw_json_snapshot *snapshot = NULL;
    spw_diag *diag = new_diag();
    const spw_rc rc = spw_json_snapshot_read(text, strlen(text), "s.json", diag, &snapshot);
    if (rc != SPW_OK || spw_diag_count(diag) != 0) {
        fail_msg("rc %d: %s", (int)rc, spw_diag_count(diag) > 0 ? spw_diag_at(diag, 0) : "no message");
    }
    spw_diag_free(diag);
    return snapshot;
}

/* --- random snapshots --- */

#define CLUSTERS 5
#define POOLS    8
#define WORKS    4
#define SEATS    (CLUSTERS * WORKS)
#define PODS     12
#define SAMPLES  24
#define VALUES   8
#define GRADES   6
#define USAGES   (WORKS * 2)

typedef struct world {
    spw_snapshot snap;
    uint64_t seed;
    uint64_t ckey[CLUSTERS], pkey[POOLS], wkey[WORKS], podkey[PODS], smetric[SAMPLES], vmetric[VALUES];
    const char *cname[CLUSTERS], *region[CLUSTERS], *zone[CLUSTERS], *provider[CLUSTERS], *pname[POOLS], *gpu[POOLS],
        *wname[WORKS];
    spw_label label[CLUSTERS][2];
    spw_labels labels[CLUSTERS], pool_labels[POOLS];
    uint8_t cready[CLUSTERS], capacity[POOLS], phase[PODS], deleting[PODS], podready[PODS];
    spw_time cobs[CLUSTERS], pobs[POOLS], sobs[SEATS], started[PODS], changed[PODS], sampled[SAMPLES], vobs[VALUES];
    spw_id pcluster[POOLS], swork[SEATS], scluster[SEATS], podwork[PODS], podcluster[PODS], spod[SAMPLES],
        vwork[VALUES];
    int32_t gpn[POOLS], nodes[POOLS], target[POOLS], min[POOLS], max[POOLS], stock[POOLS], rank[POOLS],
        free_nodes[POOLS][SPW_NODE_GPUS_MAX + 1], replicas[WORKS], gpus[WORKS], assigned[SEATS], scheduled[SEATS],
        ready[SEATS];
    int64_t summary[9][CLUSTERS], grade_cpu[GRADES], grade_memory[GRADES], work_cpu[WORKS], work_memory[WORKS];
    spw_id grade_cluster[GRADES], usage_work[USAGES], usage_pool[USAGES];
    int32_t grade_nodes[GRADES], usage_ready[USAGES];
    spw_time stock_observed[POOLS], reschedule[WORKS];
    spw_taint taint[CLUSTERS][2];
    spw_taints taints[CLUSTERS];
    const char *jurisdiction[CLUSTERS];
    int64_t failures[POOLS], price[POOLS], svalue[SAMPLES], srequest[SAMPLES], window[SAMPLES], vvalue[VALUES];
} world;

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint64_t draw(world *w)
{
    uint64_t x = (w->seed += UINT64_C(0x9e3779b97f4a7c15));
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static int64_t below(world *w, int64_t n)
{
    return (int64_t)(draw(w) % (uint64_t)n);
}

static const char *const texts[] = {"",       "a", "quote\"back\\slash", "line\nfeed\ttab\x01", "gr\xc3\xbc\xc3\x9f",
                                    "a/b.c-d"};

static const char *some_text(world *w)
{
    return texts[below(w, 6)];
}

static uint64_t key_or(world *w, uint64_t derived)
{
    return below(w, 2) == 0 ? derived : draw(w);
}

static void make_clusters(world *w)
{
    static const char *const names[CLUSTERS] = {"idc", "ack", "\"odd\\", "z", "a b"};
    for (size_t i = 0; i < CLUSTERS; i++) {
        w->cname[i] = names[i];
        w->ckey[i] = key_or(w, spw_key(names[i]));
        w->region[i] = some_text(w);
        w->zone[i] = some_text(w);
        w->provider[i] = some_text(w);
        w->label[i][0] = (spw_label){"z", some_text(w)};
        w->label[i][1] = (spw_label){"k/\"l", some_text(w)};
        w->labels[i] = (spw_labels){w->label[i], (size_t)below(w, 3)};
        w->cready[i] = (uint8_t)below(w, 2);
        w->cobs[i] = below(w, 1000) - 500;
    }
    w->snap.clusters = (spw_cluster_rows){.count = CLUSTERS,
                                          .key = w->ckey,
                                          .name = w->cname,
                                          .region = w->region,
                                          .zone = w->zone,
                                          .provider = w->provider,
                                          .labels = w->labels,
                                          .ready = w->cready,
                                          .observed = w->cobs};
}

static void make_pools(world *w)
{
    static const char *const names[POOLS] = {"p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7"};
    for (size_t i = 0; i < POOLS; i++) {
        w->pname[i] = names[i];
        w->pcluster[i] = (spw_id)below(w, CLUSTERS);
        w->pkey[i] = key_or(w, spw_key2(w->cname[w->pcluster[i]], names[i]));
        w->gpu[i] = some_text(w);
        w->capacity[i] = (uint8_t)(1 + below(w, 4));
        w->gpn[i] = (int32_t)(1 + below(w, SPW_NODE_GPUS_MAX));
        memset(w->free_nodes[i], 0, sizeof w->free_nodes[i]);
        w->nodes[i] = 0;
        for (int k = 0; k <= w->gpn[i]; k++) {
            w->free_nodes[i][k] = (int32_t)below(w, 5);
            w->nodes[i] += w->free_nodes[i][k] + (int32_t)below(w, 2);
        }
        w->target[i] = (int32_t)below(w, 20);
        w->min[i] = (int32_t)below(w, 3);
        w->max[i] = w->min[i] + (int32_t)below(w, 30);
        w->stock[i] = (int32_t)below(w, 4) - 1;
        w->rank[i] = (int32_t)below(w, 7) - 3;
        w->failures[i] = below(w, 9);
        w->price[i] = below(w, INT64_C(1) << 50);
        w->pobs[i] = below(w, 1000) - 500;
    }
    w->snap.pools = (spw_pool_rows){.count = POOLS,
                                    .key = w->pkey,
                                    .name = w->pname,
                                    .cluster = w->pcluster,
                                    .gpu = w->gpu,
                                    .capacity = w->capacity,
                                    .gpus_per_node = w->gpn,
                                    .nodes = w->nodes,
                                    .nodes_target = w->target,
                                    .nodes_min = w->min,
                                    .nodes_max = w->max,
                                    .stock = w->stock,
                                    .rank = below(w, 2) == 0 ? NULL : w->rank,
                                    .failures = below(w, 2) == 0 ? NULL : w->failures,
                                    .price_uusd_per_gpu_h = w->price,
                                    .free_nodes = (const int32_t(*)[SPW_NODE_GPUS_MAX + 1]) w->free_nodes,
                                    .observed = w->pobs};
}

static void make_workloads(world *w)
{
    static const char *const names[WORKS] = {"prod/chat", "bare", "x/y/z", "/odd"};
    size_t n = 0;
    for (size_t i = 0; i < WORKS; i++) {
        w->wname[i] = names[i];
        w->wkey[i] = key_or(w, spw_key(names[i]));
        w->replicas[i] = (int32_t)below(w, 100);
        w->gpus[i] = (int32_t)below(w, 9);
        w->work_cpu[i] = (int64_t)below(w, 9000);
        w->work_memory[i] = SPW_REQUEST_MAX - (int64_t)below(w, 9000);
        for (size_t c = 0; c < CLUSTERS; c++) {
            if (below(w, 2) == 0) {
                w->swork[n] = (spw_id)i;
                w->scluster[n] = (spw_id)c;
                w->assigned[n] = (int32_t)below(w, 50);
                w->scheduled[n] = (int32_t)below(w, 50);
                w->ready[n] = (int32_t)below(w, w->scheduled[n] + 1);
                w->sobs[n] = below(w, 2) == 0 ? w->cobs[c] : below(w, 1000) - 500;
                n++;
            }
        }
    }
    w->snap.workloads = (spw_workload_rows){.count = WORKS,
                                            .key = w->wkey,
                                            .name = w->wname,
                                            .replicas = w->replicas,
                                            .gpus = below(w, 2) == 0 ? NULL : w->gpus,
                                            .cpu_milli = below(w, 2) == 0 ? NULL : w->work_cpu,
                                            .memory_bytes = below(w, 2) == 0 ? NULL : w->work_memory};
    w->snap.placements = (spw_placement_rows){n, w->swork, w->scluster, w->assigned, w->scheduled, w->ready, w->sobs};
}

static void make_pods(world *w)
{
    size_t samples = 0, values = 0;
    for (size_t i = 0; i < PODS; i++) {
        w->podkey[i] = draw(w);
        w->podwork[i] = (spw_id)below(w, WORKS);
        w->podcluster[i] = (spw_id)below(w, CLUSTERS);
        w->phase[i] = (uint8_t)(1 + below(w, 3));
        w->deleting[i] = (uint8_t)below(w, 2);
        w->podready[i] = (uint8_t)below(w, 2);
        w->started[i] = below(w, 2) == 0 ? SPW_TIME_MAX : below(w, 500);
        w->changed[i] = below(w, 2) == 0 ? SPW_TIME_MAX : below(w, 500);
        for (size_t m = 0; m < 2; m++) {
            if (below(w, 3) > 0) {
                w->spod[samples] = (spw_id)i;
                w->smetric[samples] = m == 0 ? spw_key("load") : draw(w);
                w->svalue[samples] = (int64_t)draw(w);
                w->srequest[samples] = below(w, 1000);
                w->sampled[samples] = below(w, 500);
                w->window[samples++] = below(w, 1000);
            }
        }
    }
    for (size_t i = 0; i < VALUES; i++) {
        w->vwork[values] = (spw_id)(i / 2);
        w->vmetric[values] = i % 2 == 0 ? spw_key("queue") : draw(w);
        w->vvalue[values] = (int64_t)draw(w);
        w->vobs[values++] = below(w, 500);
    }
    w->snap.pods = (spw_pod_rows){PODS,        w->podkey,   w->podwork, w->podcluster, w->phase,
                                  w->deleting, w->podready, w->started, w->changed};
    w->snap.samples = (spw_sample_rows){samples,
                                        w->spod,
                                        w->smetric,
                                        w->svalue,
                                        below(w, 2) == 0 ? NULL : w->srequest,
                                        w->sampled,
                                        below(w, 2) == 0 ? NULL : w->window};
    w->snap.values = (spw_value_rows){values, w->vwork, w->vmetric, w->vvalue, w->vobs};
}

/* What a snapshot may have or not. */
static void make_optional(world *w)
{
    spw_cluster_rows *c = &w->snap.clusters;
    const int64_t **const columns[] = {&c->cpu_allocatable,    &c->cpu_allocated,    &c->cpu_allocating,
                                       &c->memory_allocatable, &c->memory_allocated, &c->memory_allocating,
                                       &c->pods_allocatable,   &c->pods_allocated,   &c->pods_allocating};
    for (size_t k = 0; k < 9; k++) {
        for (size_t i = 0; i < CLUSTERS; i++) {
            w->summary[k][i] = below(w, 1000);
        }
        *columns[k] = below(w, 2) == 0 ? NULL : w->summary[k];
    }
    for (size_t i = 0; i < CLUSTERS; i++) {
        w->taint[i][0] = (spw_taint){"k", some_text(w), (spw_taint_effect)(1 + below(w, 3))};
        w->taint[i][1] = (spw_taint){"a", some_text(w), (spw_taint_effect)(1 + below(w, 3))};
        w->taints[i] = (spw_taints){w->taint[i], (size_t)below(w, 3)};
        w->jurisdiction[i] = some_text(w);
    }
    c->taints = below(w, 2) == 0 ? NULL : w->taints;
    c->jurisdiction = below(w, 2) == 0 ? NULL : w->jurisdiction;
    for (size_t i = 0; i < WORKS; i++) {
        w->reschedule[i] = below(w, 2) == 0 ? SPW_TIME_MAX : below(w, 500);
    }
    w->snap.workloads.reschedule = below(w, 2) == 0 ? NULL : w->reschedule;
    for (size_t i = 0; i < POOLS; i++) {
        w->stock_observed[i] = below(w, 500);
        w->pool_labels[i] = (spw_labels){w->label[i % CLUSTERS], (size_t)below(w, 3)};
    }
    w->snap.pools.labels = below(w, 2) == 0 ? NULL : w->pool_labels;
    w->snap.pools.stock_observed = below(w, 2) == 0 ? NULL : w->stock_observed;
    for (size_t i = 0; i < GRADES; i++) {
        w->grade_cluster[i] = (spw_id)below(w, CLUSTERS);
        w->grade_nodes[i] = (int32_t)below(w, 2);
        w->grade_cpu[i] = below(w, 2) * 5000;
        w->grade_memory[i] = below(w, 2) << 40;
    }
    w->snap.grades = (spw_grade_rows){GRADES, w->grade_cluster, w->grade_nodes, w->grade_cpu, w->grade_memory};
    for (size_t i = 0; i < USAGES; i++) {
        w->usage_work[i] = (spw_id)(i / 2);
        w->usage_pool[i] = (spw_id)below(w, POOLS);
        w->usage_ready[i] = (int32_t)below(w, 10);
    }
    w->snap.usage = (spw_usage_rows){USAGES, w->usage_work, w->usage_pool, w->usage_ready};
}

static void make_world(world *w, uint64_t seed)
{
    memset(w, 0, sizeof *w);
    w->seed = seed;
    w->snap.version = SPW_API_VERSION;
    w->snap.now = 500;
    make_clusters(w);
    make_pools(w);
    make_workloads(w);
    make_pods(w);
    make_optional(w);
}

#define SWAP(array, i, j)                                                                                              \
    do {                                                                                                               \
        unsigned char keep_[sizeof(array)[0]];                                                                         \
        memcpy(keep_, &(array)[i], sizeof keep_);                                                                      \
        memcpy(&(array)[i], &(array)[j], sizeof keep_);                                                                \
        memcpy(&(array)[j], keep_, sizeof keep_);                                                                      \
    } while (0)

/* The first two rows of some tables change places, and what refers to them follows. */
static void turn_rows(world *w)
{
    SWAP(w->swork, 0, 1);
    SWAP(w->scluster, 0, 1);
    SWAP(w->assigned, 0, 1);
    SWAP(w->scheduled, 0, 1);
    SWAP(w->ready, 0, 1);
    SWAP(w->sobs, 0, 1);
    SWAP(w->vwork, 0, 7);
    SWAP(w->vmetric, 0, 7);
    SWAP(w->vvalue, 0, 7);
    SWAP(w->vobs, 0, 7);
    SWAP(w->podkey, 0, 1);
    SWAP(w->podwork, 0, 1);
    SWAP(w->podcluster, 0, 1);
    SWAP(w->phase, 0, 1);
    SWAP(w->deleting, 0, 1);
    SWAP(w->podready, 0, 1);
    SWAP(w->started, 0, 1);
    SWAP(w->changed, 0, 1);
    for (size_t i = 0; i < SAMPLES; i++) {
        w->spod[i] = w->spod[i] == 0 ? 1 : w->spod[i] == 1 ? 0 : w->spod[i];
    }
    SWAP(w->ckey, 0, 1);
    SWAP(w->cname, 0, 1);
    SWAP(w->region, 0, 1);
    SWAP(w->zone, 0, 1);
    SWAP(w->provider, 0, 1);
    SWAP(w->labels, 0, 1);
    SWAP(w->cready, 0, 1);
    SWAP(w->cobs, 0, 1);
    for (size_t k = 0; k < 9; k++) {
        SWAP(w->summary[k], 0, 1);
    }
    SWAP(w->taints, 0, 1);
    SWAP(w->jurisdiction, 0, 1);
    spw_id *const ids[] = {w->pcluster, w->scluster, w->podcluster, w->grade_cluster};
    const size_t counts[] = {POOLS, SEATS, PODS, GRADES};
    for (size_t t = 0; t < 4; t++) {
        for (size_t i = 0; i < counts[t]; i++) {
            ids[t][i] = ids[t][i] == 0 ? 1 : ids[t][i] == 1 ? 0 : ids[t][i];
        }
    }
}

static void test_round_trip(void **state)
{
    static world w;
    static const spw_hpa_metric metric = {.name = "load"};
    static const spw_hpa hpa = {.metrics = &metric, .metric_count = 1};
    static const spw_config config = {.hpas = &hpa, .hpa_count = 1};
    (void)state;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        spw_json_buffer first = {0}, second = {0}, third = {0};
        const spw_config *names = seed % 2 == 0 ? &config : NULL;
        make_world(&w, seed);
        assert_int_equal(spw_snapshot_check(&w.snap, NULL), SPW_OK);
        const uint64_t hash = spw_snapshot_hash(&w.snap);
        assert_int_equal(spw_json_snapshot_write(&w.snap, names, &first), SPW_OK);
        assert_int_equal(strlen(first.text), first.size);
        assert_null(strchr(first.text, '\n'));
        assert_true((strstr(first.text, "\"load\"") != NULL) == (names != NULL));
        spw_json_snapshot *read = good(first.text);
        const spw_snapshot *back = spw_json_snapshot_get(read);
        assert_true(spw_snapshot_hash(back) == hash);
        assert_int_equal(spw_json_snapshot_write(back, names, &second), SPW_OK);
        assert_string_equal(second.text, first.text);
        if (w.snap.placements.count > 1) {
            turn_rows(&w);
            assert_true(spw_snapshot_hash(&w.snap) == hash);
            assert_int_equal(spw_json_snapshot_write(&w.snap, names, &third), SPW_OK);
            assert_string_equal(third.text, first.text);
        }
        spw_json_snapshot_free(read);
        spw_json_buffer_fini(&first);
        spw_json_buffer_fini(&second);
        spw_json_buffer_fini(&third);
    }
}

/* A byte here and there replaced: read, or refused with a message; what is read can be written and read again. */
static void test_mutated(void **state)
{
    static world w;
    static const char bytes[] = "{}[]\",:0-9e.\\ntfau\x01\xff";
    size_t read_count = 0;
    (void)state;
    for (uint64_t round = 0; round < 700; round++) {
        spw_json_buffer whole = {0};
        spw_json_snapshot *read = NULL;
        spw_diag *diag = new_diag();
        make_world(&w, round % 10);
        w.seed = round;
        assert_int_equal(spw_json_snapshot_write(&w.snap, NULL, &whole), SPW_OK);
        for (int64_t n = 1 + below(&w, 3); n > 0; n--) {
            whole.text[below(&w, (int64_t)whole.size)] = bytes[below(&w, (int64_t)sizeof bytes - 1)];
        }
        const spw_rc rc = spw_json_snapshot_read(whole.text, whole.size, "s.json", diag, &read);
        if (rc == SPW_OK) {
            spw_json_buffer out = {0};
            assert_int_equal(spw_json_snapshot_write(spw_json_snapshot_get(read), NULL, &out), SPW_OK);
            spw_json_snapshot *back = good(out.text);
            assert_true(spw_snapshot_hash(spw_json_snapshot_get(back)) ==
                        spw_snapshot_hash(spw_json_snapshot_get(read)));
            spw_json_snapshot_free(back);
            spw_json_snapshot_free(read);
            spw_json_buffer_fini(&out);
            read_count++;
        } else {
            assert_int_equal(rc, SPW_INVAL);
            assert_true(spw_diag_errors(diag) > 0);
        }
        spw_diag_free(diag);
        spw_json_buffer_fini(&whole);
    }
    assert_true(read_count > 20 && read_count < 600);
}

static void test_twins_are_refused(void **state)
{
    static world w;
    spw_json_buffer out = {0};
    (void)state;
    make_world(&w, 3);
    w.cname[1] = w.cname[0];
    assert_int_equal(spw_json_snapshot_write(&w.snap, NULL, &out), SPW_INVAL);
    assert_int_equal(out.size, 0);
    make_world(&w, 3);
    w.vmetric[1] = w.vmetric[0];
    assert_int_equal(spw_json_snapshot_write(&w.snap, NULL, &out), SPW_INVAL);
    assert_int_equal(out.size, 0);
    spw_json_buffer_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip), cmocka_unit_test(test_mutated),
                                       cmocka_unit_test(test_twins_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
