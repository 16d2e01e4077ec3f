/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_state.c - saved state in a core that is configured otherwise: it is taken over workload by workload.
 *
 * Four services, each with an autoscaler and clusters of its own, so that nothing ties one to another: "near" of 8 GPUs
 * and "far" of 12. Their load comes and goes; the controller is stopped in the middle, an object of one service is
 * edited, and another core goes on from the saved state. What it decides for the other services is what a core that was
 * never stopped decides.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <spillway/core.h>
#include <spillway/manifest.h>

#define S     SPW_NS_PER_S
#define WORKS 4

enum { NEAR, FAR, SITES };

static const char *const NAMES[WORKS] = {"prod/a", "prod/b", "prod/c", "prod/d"};
static const char *const CLUSTERS[WORKS][SITES] = {
    {"a-near", "a-far"}, {"b-near", "b-far"}, {"c-near", "c-far"}, {"d-near", "d-far"}};

/** What is configured: an edit changes something in here. */
typedef struct objects {
    size_t order[WORKS]; /**< services in the order of the configuration */
    size_t count;
    spw_selector selector[WORKS][SITES];
    spw_group groups[WORKS][SITES + 1];
    spw_policy policy[WORKS];
    spw_hpa hpa[WORKS];
    const char *hpa_name[WORKS];
} objects;

static const spw_hpa_metric LOAD = {
    .kind = SPW_METRIC_EXTERNAL, .target_kind = SPW_TARGET_AVERAGE_VALUE, .target = 1000, .name = "load"};

static void objects_init(objects *o)
{
    *o = (objects){.count = WORKS};
    for (size_t k = 0; k < WORKS; k++) {
        o->order[k] = k;
        for (size_t s = 0; s < SITES; s++) {
            o->selector[k][s] = (spw_selector){.names = &CLUSTERS[k][s], .name_count = 1};
            o->groups[k][s] = (spw_group){.name = s == NEAR ? "near" : "far", .selector = o->selector[k][s]};
        }
        spw_policy_default(&o->policy[k]);
        o->policy[k].name = NAMES[k];
        o->policy[k].groups = o->groups[k];
        o->policy[k].group_count = SITES;
        o->policy[k].failback_window = 90 * S;
        o->policy[k].order = k == 3 ? SPW_GROUPS_FAILOVER : SPW_GROUPS_ORDERED;
        o->hpa[k] = (spw_hpa){.name = NAMES[k],
                              .replicas_min = 1,
                              .replicas_max = 12,
                              .metrics = &LOAD,
                              .metric_count = 1,
                              .up = {.window_s = -1, .select = SPW_SELECT_MAX, .tolerance_ppm = -1},
                              .down = {.window_s = -1, .select = SPW_SELECT_MAX, .tolerance_ppm = -1},
                              .sync_s = 15};
    }
}

static spw_core *core_of(const objects *o)
{
    spw_workload works[WORKS];
    spw_policy policies[WORKS];
    spw_hpa hpas[WORKS];
    for (size_t i = 0; i < o->count; i++) {
        const size_t k = o->order[i];
        works[i] = (spw_workload){.key = spw_key(NAMES[k]),
                                  .name = NAMES[k],
                                  .replicas = 2,
                                  .gpus = 1,
                                  .policy = (spw_id)i,
                                  .hpa = (spw_id)i};
        policies[i] = o->policy[k];
        hpas[i] = o->hpa[k];
    }
    const spw_config config = {.workloads = works,
                               .workload_count = o->count,
                               .policies = policies,
                               .policy_count = o->count,
                               .hpas = hpas,
                               .hpa_count = o->count};
    spw_settings settings;
    spw_settings_default(&settings);
    spw_core *core = NULL;
    spw_err err = {0};
    if (spw_core_new(&settings, &config, spw_mem_libc(), &core, &err) != SPW_OK) {
        fail_msg("%s: %s", err.field, err.text);
    }
    return core;
}

/** The fleet. Replicas are ready one tick after they are placed. */
typedef struct fleet {
    spw_time now;
    int32_t replicas[WORKS], assigned[WORKS][SITES], ready[WORKS][SITES];
    char said[WORKS][200]; /**< what the last plan does for each service, reasons apart: those say which group it is */
} fleet;

static int32_t load_of(size_t k, spw_time now)
{
    static const int32_t loads[] = {4, 9, 9, 3, 7, 11, 5, 2, 8, 4};
    return loads[((size_t)(now / (120 * S)) + 3 * k) % (sizeof loads / sizeof loads[0])];
}

static void tick(fleet *f, spw_core *core)
{
    enum { C = WORKS * SITES };
    uint64_t cluster_key[C], pool_key[C], work_key[WORKS], metric[WORKS];
    const char *cluster_name[C], *none[C], *pool_name[C], *gpu[C];
    spw_labels labels[C];
    uint8_t answers[C], capacity[C];
    spw_time seen[C];
    spw_id pool_cluster[C], seat_work[C], seat_cluster[C], value_work[WORKS];
    int32_t one[C], nodes[C], stock[C], free_nodes[C][SPW_NODE_GPUS_MAX + 1], assigned[C], ready[C];
    int64_t price[C], value[WORKS];
    memset(free_nodes, 0, sizeof free_nodes);
    for (size_t i = 0; i < C; i++) {
        const size_t k = i / SITES;
        const size_t s = i % SITES;
        cluster_name[i] = CLUSTERS[k][s];
        cluster_key[i] = spw_key(CLUSTERS[k][s]);
        none[i] = "";
        labels[i] = (spw_labels){0};
        answers[i] = 1;
        seen[i] = f->now;
        pool_name[i] = "own";
        pool_key[i] = spw_key2(CLUSTERS[k][s], "own");
        pool_cluster[i] = (spw_id)i;
        gpu[i] = "G";
        capacity[i] = SPW_CAPACITY_OWNED;
        one[i] = 1;
        nodes[i] = s == NEAR ? 8 : 12;
        stock[i] = -1;
        price[i] = 1;
        free_nodes[i][1] = nodes[i] - f->ready[k][s];
        free_nodes[i][0] = f->ready[k][s];
        seat_work[i] = (spw_id)k;
        seat_cluster[i] = (spw_id)i;
        assigned[i] = f->assigned[k][s];
        ready[i] = f->ready[k][s];
    }
    for (size_t k = 0; k < WORKS; k++) {
        work_key[k] = spw_key(NAMES[k]);
        value_work[k] = (spw_id)k;
        metric[k] = spw_key("load");
        value[k] = (int64_t)load_of(k, f->now) * 1000;
        f->said[k][0] = '\0';
    }
    const spw_snapshot snap = {
        .version = SPW_API_VERSION,
        .now = f->now,
        .clusters = {.count = C,
                     .key = cluster_key,
                     .name = cluster_name,
                     .region = none,
                     .zone = none,
                     .provider = none,
                     .labels = labels,
                     .ready = answers,
                     .observed = seen},
        .pools = {.count = C,
                  .key = pool_key,
                  .name = pool_name,
                  .cluster = pool_cluster,
                  .gpu = gpu,
                  .capacity = capacity,
                  .gpus_per_node = one,
                  .nodes = nodes,
                  .nodes_target = nodes,
                  .nodes_min = nodes,
                  .nodes_max = nodes,
                  .stock = stock,
                  .price_uusd_per_gpu_h = price,
                  .free_nodes = (const int32_t(*)[SPW_NODE_GPUS_MAX + 1]) free_nodes,
                  .observed = seen},
        .workloads = {.count = WORKS, .key = work_key, .name = NAMES, .replicas = f->replicas},
        .placements = {.count = C,
                       .workload = seat_work,
                       .cluster = seat_cluster,
                       .assigned = assigned,
                       .scheduled = ready,
                       .ready = ready,
                       .observed = seen},
        .values = {.count = WORKS, .workload = value_work, .metric = metric, .value_milli = value, .observed = seen},
    };
    spw_err err = {0};
    spw_plan *plan = NULL;
    assert_int_equal(spw_plan_new(spw_mem_libc(), 200, WORKS, &plan), SPW_OK);
    assert_int_equal(spw_snapshot_check(&snap, &err), SPW_OK);
    assert_int_equal(spw_decide(core, &snap, plan, &err), SPW_OK);
    assert_int_equal(spw_plan_check(plan, &snap, &err), SPW_OK);
    memcpy(f->ready, f->assigned, sizeof f->ready);
    for (size_t i = 0; i < spw_plan_count(plan); i++) {
        const spw_action *a = spw_plan_at(plan, i);
        char *said = f->said[a->workload];
        const size_t used = strlen(said);
        (void)snprintf(said + used, sizeof f->said[0] - used, "%s %d %lld; ", spw_verb_name(a->verb), (int)a->cluster,
                       (long long)a->amount);
        if (a->verb == SPW_VERB_SCALE) {
            f->replicas[a->workload] = (int32_t)a->amount;
        } else if (a->verb == SPW_VERB_PLACE) {
            int32_t *at = &f->assigned[a->workload][a->cluster % SITES];
            *at = (int32_t)a->amount;
            f->ready[a->workload][a->cluster % SITES] =
                f->ready[a->workload][a->cluster % SITES] < *at ? f->ready[a->workload][a->cluster % SITES] : *at;
        }
    }
    spw_plan_free(plan);
    f->now += 15 * S;
}

static void fleet_init(fleet *f)
{
    *f = (fleet){.now = 15 * S};
    for (size_t k = 0; k < WORKS; k++) {
        f->replicas[k] = 2;
    }
}

typedef void edit(objects *o);

/**
 * Runs one core for 40 min, and beside it one that is replaced at `stop` by a core of edited objects. At all times
 * they decide the same for the services of `same`, a bit each. @return the services for which they decided otherwise
 */
static unsigned compare(int stop, edit *change, unsigned same, spw_state_report want)
{
    objects before;
    objects after;
    objects_init(&before);
    objects_init(&after);
    change(&after);
    fleet whole;
    fleet broken;
    fleet_init(&whole);
    fleet_init(&broken);
    spw_core *goes_on = core_of(&before);
    spw_core *stopped = core_of(&before);
    unsigned otherwise = 0;
    for (int i = 0; i < 160; i++) {
        if (i == stop) {
            const size_t size = spw_state_size(stopped);
            void *bytes = malloc(size);
            assert_int_equal(spw_state_save(stopped, bytes, size), SPW_OK);
            spw_core_free(stopped);
            stopped = core_of(&after);
            spw_state_report found = {0};
            assert_int_equal(spw_state_load_report(stopped, bytes, size, &found), SPW_OK);
            assert_memory_equal(&found, &want, sizeof found);
            free(bytes);
        }
        tick(&whole, goes_on);
        tick(&broken, stopped);
        for (size_t k = 0; k < WORKS; k++) {
            if (strcmp(whole.said[k], broken.said[k]) == 0) {
                continue;
            }
            otherwise |= 1u << k;
            if ((same >> k & 1) != 0) {
                fail_msg("stopped at %d, tick %d, %s:\n%s\ninstead of\n%s", stop, i, NAMES[k], broken.said[k],
                         whole.said[k]);
            }
        }
    }
    spw_core_free(goes_on);
    spw_core_free(stopped);
    return otherwise;
}

static void edit_nothing(objects *o)
{
    (void)o;
}

static void edit_order(objects *o)
{
    for (size_t i = 0; i < WORKS; i++) {
        o->order[i] = WORKS - 1 - i;
    }
}

static void edit_policy_of_b(objects *o)
{
    o->groups[1][0] = (spw_group){.name = "elsewhere", .selector = o->selector[1][FAR]};
    o->groups[1][1] = (spw_group){.name = "near", .selector = o->selector[1][NEAR]};
}

static void edit_hpa_of_c(objects *o)
{
    o->hpa[2].down.window_s = 240;
    o->hpa[2].has_behavior = true;
}

static void edit_without_a(objects *o)
{
    o->count = WORKS - 1;
    for (size_t i = 0; i + 1 < WORKS; i++) {
        o->order[i] = i + 1;
    }
}

static void edit_group_before_those_of_d(objects *o)
{
    o->groups[3][2] = o->groups[3][1];
    o->groups[3][1] = o->groups[3][0];
    o->groups[3][0] = (spw_group){.name = "nowhere", .selector = {.names = &NAMES[0], .name_count = 1}};
    o->policy[3].group_count = 3;
}

/** At each of many moments: nobody notices a restart, whatever the order of the configuration. */
static void unchanged(void **state)
{
    (void)state;
    for (int stop = 1; stop < 160; stop += 7) {
        assert_int_equal(compare(stop, edit_nothing, 0xf, (spw_state_report){.kept = 4}), 0);
        assert_int_equal(compare(stop, edit_order, 0xf, (spw_state_report){.kept = 4}), 0);
    }
}

/** The edited service decides otherwise at one moment or another; the others never do. */
static void only_what_was_edited(void **state)
{
    (void)state;
    static const struct {
        edit *change;
        unsigned edited;
        spw_state_report found;
    } cases[] = {
        {edit_policy_of_b, 1u << 1, {.kept = 3, .changed = 1}},
        {edit_hpa_of_c, 1u << 2, {.kept = 3, .changed = 1}},
        {edit_without_a, 1u << 0, {.kept = 3, .gone = 1}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        unsigned otherwise = 0;
        for (int stop = 1; stop < 160; stop += 7) {
            otherwise |= compare(stop, cases[i].change, 0xf & ~cases[i].edited, cases[i].found);
        }
        assert_int_equal(otherwise, cases[i].edited);
    }
}

/** The group in use goes by its name: one that comes before it changes nothing. */
static void the_group_in_use_keeps_its_name(void **state)
{
    (void)state;
    for (int stop = 1; stop < 160; stop += 7) {
        assert_int_equal(compare(stop, edit_group_before_those_of_d, 0xf, (spw_state_report){.kept = 3, .changed = 1}),
                         0);
    }
}

/** An edited placement leaves the autoscaler's history alone, and an edited autoscaler the promises and clocks. */
static void an_edit_costs_its_own_part(void **state)
{
    (void)state;
    static edit *const edits[] = {edit_policy_of_b, edit_hpa_of_c};
    for (size_t e = 0; e < 2; e++) {
        objects before;
        objects after;
        objects_init(&before);
        objects_init(&after);
        edits[e](&after);
        fleet f;
        fleet_init(&f);
        spw_core *first = core_of(&before);
        for (int i = 0; i < 41; i++) {
            tick(&f, first);
        }
        unsigned char bytes[8192];
        unsigned char again[8192];
        size_t size = spw_state_size(first);
        assert_int_equal(spw_state_save(first, bytes, sizeof bytes), SPW_OK);
        spw_core *second = core_of(&after);
        assert_int_equal(spw_state_load(second, bytes, size), SPW_OK);
        /* back in the first configuration, all that was not lost is still there */
        assert_true(spw_state_size(second) <= sizeof again);
        size_t middle = spw_state_size(second);
        assert_int_equal(spw_state_save(second, again, sizeof again), SPW_OK);
        spw_core *third = core_of(&before);
        assert_int_equal(spw_state_load(third, again, middle), SPW_OK);
        if (e == 0) { /* room in better groups is all that a placement loses: histories are as long as they were */
            assert_int_equal(spw_state_size(third), size);
        } else {
            assert_true(spw_state_size(third) < size);
        }
        fleet one = f;
        fleet other = f;
        tick(&one, first);
        tick(&other, third);
        for (size_t k = 0; k < WORKS; k++) {
            if (e == 0 || k != 2) {
                assert_string_equal(one.said[k], other.said[k]);
            }
        }
        spw_core_free(first);
        spw_core_free(second);
        spw_core_free(third);
    }
}

/** A core that remembers something already takes over what is loaded and nothing else. */
static void loaded_over_another_state(void **state)
{
    (void)state;
    objects o;
    objects_init(&o);
    spw_core *fresh = core_of(&o);
    spw_core *used = core_of(&o);
    fleet f;
    fleet_init(&f);
    unsigned char bytes[8192];
    size_t size = spw_state_size(fresh);
    assert_int_equal(spw_state_save(fresh, bytes, sizeof bytes), SPW_OK);
    const uint64_t hash = spw_state_hash(fresh);
    for (int i = 0; i < 30; i++) {
        tick(&f, used);
    }
    assert_true(spw_state_hash(used) != hash);
    assert_int_equal(spw_state_load(used, bytes, size), SPW_OK);
    assert_true(spw_state_hash(used) == hash);
    /* saved, loaded, saved: the same bytes */
    fleet_init(&f);
    for (int i = 0; i < 30; i++) {
        tick(&f, used);
    }
    unsigned char again[8192];
    size = spw_state_size(used);
    assert_int_equal(spw_state_save(used, bytes, sizeof bytes), SPW_OK);
    assert_int_equal(spw_state_load(fresh, bytes, size), SPW_OK);
    assert_int_equal(spw_state_size(fresh), size);
    assert_int_equal(spw_state_save(fresh, again, sizeof again), SPW_OK);
    assert_memory_equal(bytes, again, size);
    spw_core_free(fresh);
    spw_core_free(used);
}

/** Damage in any byte is noticed, and leaves a core of another configuration as it was. */
static void damage_is_noticed(void **state)
{
    (void)state;
    objects o;
    objects_init(&o);
    spw_core *core = core_of(&o);
    fleet f;
    fleet_init(&f);
    for (int i = 0; i < 20; i++) {
        tick(&f, core);
    }
    unsigned char bytes[8192];
    const size_t size = spw_state_size(core);
    assert_int_equal(spw_state_save(core, bytes, sizeof bytes), SPW_OK);
    edit_without_a(&o);
    spw_core *other = core_of(&o);
    const uint64_t hash = spw_state_hash(other);
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= 0x10;
        spw_state_report found = {.kept = 9};
        const spw_rc rc = spw_state_load_report(other, bytes, size, &found);
        assert_true(rc == SPW_STATE || rc == SPW_VERSION);
        assert_int_equal(found.kept, 0);
        bytes[i] ^= 0x10;
    }
    for (size_t cut = 0; cut < size; cut++) {
        assert_int_equal(spw_state_load(other, bytes, cut), SPW_STATE);
    }
    assert_true(spw_state_hash(other) == hash);
    spw_core_free(core);
    spw_core_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unchanged),
        cmocka_unit_test(only_what_was_edited),
        cmocka_unit_test(the_group_in_use_keeps_its_name),
        cmocka_unit_test(an_edit_costs_its_own_part),
        cmocka_unit_test(loaded_over_another_state),
        cmocka_unit_test(damage_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
