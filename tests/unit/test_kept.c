/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * test_kept.c - replications that are kept: what is taken equals what was simulated, hooks included; what is damaged or
 * belongs to something else is never taken; what was not finished is not there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/experiment/experiment.h"
#include "sim/experiment/trials.h"
#include "sim/report/report.h"

enum { REPLICATIONS = 3, PASSES = 2 };

static sc_scenario *load(const char *path, const char *duration)
{
    const sc_override sets[] = {{"spec.duration", duration}, {"spec.warmup", "1m"}};
    const sc_options options = {.sets = sets, .set_count = sizeof sets / sizeof sets[0]};
    sc_messages messages = {0};
    sc_scenario *sc = sc_load(path, &options, &messages);
    if (sc == NULL) {
        fail_msg("%s", messages.text);
    }
    sc_messages_fini(&messages);
    return sc;
}

/* A folder that does not exist yet, in one that does. */
typedef struct rig {
    char parent[64], dir[80];
    kept_folder k;
} rig;

static void rig_init(rig *r)
{
    strcpy(r->parent, "/tmp/spillway-kept-XXXXXX");
    assert_non_null(mkdtemp(r->parent));
    (void)snprintf(r->dir, sizeof r->dir, "%s/some.part", r->parent);
    r->k = (kept_folder){.dir = r->dir, .version = "1", .resume = true};
}

static void rig_fini(rig *r)
{
    kept_remove(&r->k);
    assert_int_equal(rmdir(r->parent), 0); /* nothing else was left in it */
}

static void again(rig *r)
{
    r->k.taken = r->k.simulated = 0;
}

static void assert_counts(const rig *r, int taken, int simulated)
{
    assert_int_equal(r->k.taken, taken);
    assert_int_equal(r->k.simulated, simulated);
}

/* What replications left: the summary of their runs, and what their hooks heard. */
typedef struct outcome {
    char *summary, *log;
    size_t summary_size, log_size;
    uint64_t events;
} outcome;

static int on_decision(void *user, const char *line, size_t size)
{
    return fwrite(line, 1, size, user) == size ? 0 : -1;
}

static int on_request(void *user, const fleet_request *q)
{
    return fprintf(user, "%d %d %d %d %lld %lld %d %s\n", (int)q->number, q->service, q->cluster, q->pool,
                   (long long)q->sent_ns, (long long)q->done_ns, q->output_tokens, q->outcome) > 0
               ? 0
               : -1;
}

static void hooks_for(void *user, uint32_t replication, fleet_hooks *hooks)
{
    if (replication == 0) {
        *hooks = (fleet_hooks){.decision = on_decision, .request = on_request, .user = user};
    }
}

static outcome replicate(const sc_scenario *sc, rig *r, int32_t jobs)
{
    outcome o = {0};
    FILE *log = open_memstream(&o.log, &o.log_size), *out = open_memstream(&o.summary, &o.summary_size);
    res_run *runs[REPLICATIONS];
    char err[512] = "";
    const exp_options options = {.seed = 3,
                                 .replications = REPLICATIONS,
                                 .jobs = jobs,
                                 .hooks_for = hooks_for,
                                 .user = log,
                                 .kept = r != NULL ? &r->k : NULL};
    if (exp_replicate(sc, &options, runs, err, sizeof err) != 0) {
        fail_msg("%s", err);
    }
    assert_int_equal(report_json(sc, runs, REPLICATIONS, 0, out), 0);
    for (int i = 0; i < REPLICATIONS; i++) {
        o.events += runs[i]->host.events;
        res_free(runs[i]);
    }
    assert_int_equal(fclose(out), 0);
    assert_int_equal(fclose(log), 0);
    return o;
}

static void assert_same(outcome *a, const outcome *b)
{
    assert_string_equal(a->summary, b->summary);
    assert_string_equal(a->log, b->log);
    assert_true(a->events == b->events);
    free(a->summary);
    free(a->log);
}

static void test_taken_is_what_was_simulated(void **state)
{
    (void)state;
    static const char *const paths[] = {"scenarios/noisy-tenant.yaml", "scenarios/spot-storm.yaml"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        rig r;
        rig_init(&r);
        sc_scenario *sc = load(paths[i], "40m");
        outcome plain = replicate(sc, NULL, 1), o = replicate(sc, &r, 2);
        assert_true(plain.log_size > 10000 && plain.events > 1000);
        assert_counts(&r, 0, REPLICATIONS);
        assert_same(&o, &plain);
        assert_int_equal(kept_count(&r.k), REPLICATIONS);
        for (int32_t jobs = 1; jobs <= 2; jobs++) {
            again(&r);
            o = replicate(sc, &r, jobs);
            assert_counts(&r, REPLICATIONS, 0);
            assert_same(&o, &plain);
        }
        again(&r); /* not asked to take any */
        r.k.resume = false;
        o = replicate(sc, &r, 1);
        assert_counts(&r, 0, REPLICATIONS);
        assert_same(&o, &plain);
        free(plain.summary);
        free(plain.log);
        sc_free(sc);
        rig_fini(&r);
    }
}

/* --- one replication of a station, and a sum of its completed requests as the result --- */

static int result(void *user, res_run *run)
{
    *(uint64_t *)user = run->requests.completed;
    res_free(run);
    return 0;
}

static int write_it(void *user, FILE *out)
{
    return fwrite(user, sizeof(uint64_t), 1, out) == 1 ? 0 : -1;
}

static int read_it(void *user, FILE *in)
{
    return fread(user, sizeof(uint64_t), 1, in) == 1 ? 0 : -1;
}

static uint64_t one(rig *r, const sc_scenario *sc, uint64_t seed, uint32_t replication, uint64_t form_hash)
{
    uint64_t completed = 0;
    char err[512] = "";
    const kept_form form = {form_hash, result, write_it, read_it, &completed};
    if (kept_replicate(&r->k, sc, seed, replication, &(fleet_hooks){0}, &form, err, sizeof err) != 0) {
        fail_msg("%s", err);
    }
    return completed;
}

/* The path of the only file that a folder holds. */
static void only_file(const char *dir, char path[512])
{
    DIR *open = opendir(dir);
    int count = 0;
    assert_non_null(open);
    for (const struct dirent *e = readdir(open); e != NULL; e = readdir(open)) {
        if (e->d_name[0] != '.') {
            (void)snprintf(path, 512, "%s/%s", dir, e->d_name);
            count++;
        }
    }
    closedir(open);
    assert_int_equal(count, 1);
}

static void put_bytes(const char *path, const char *bytes, size_t size)
{
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_true(fwrite(bytes, 1, size, out) == size);
    assert_int_equal(fclose(out), 0);
}

static void test_damage_is_seen(void **state)
{
    (void)state;
    rig r;
    char path[512], bytes[4096];
    rig_init(&r);
    sc_scenario *sc = load("scenarios/theory-mm1.yaml", "10m");
    const uint64_t completed = one(&r, sc, 1, 0, 1);
    assert_true(completed > 1000);
    only_file(r.dir, path);
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    const size_t size = fread(bytes, 1, sizeof bytes - 1, in);
    assert_int_equal(fclose(in), 0);
    assert_true(size > 17 && size < sizeof bytes - 1);
    for (size_t cut = 0; cut <= size + 1; cut++) { /* shorter by each number of bytes, whole, and with one more */
        bytes[size] = 0;
        put_bytes(path, bytes, cut);
        again(&r);
        assert_true(one(&r, sc, 1, 0, 1) == completed);
        assert_counts(&r, cut == size, cut != size);
        only_file(r.dir, path); /* written anew under the same name, nothing beside it */
    }
    for (size_t at = 0; at < size; at++) {
        bytes[at] ^= 4;
        put_bytes(path, bytes, size);
        bytes[at] ^= 4;
        again(&r);
        assert_true(one(&r, sc, 1, 0, 1) == completed);
        assert_counts(&r, 0, 1);
    }
    sc_free(sc);
    rig_fini(&r);
}

static void test_others_are_left_alone(void **state)
{
    (void)state;
    rig r;
    char path[512], moved[512];
    rig_init(&r);
    sc_scenario *sc = load("scenarios/theory-mm1.yaml", "10m"), *longer = load("scenarios/theory-mm1.yaml", "11m");
    const uint64_t completed = one(&r, sc, 1, 0, 1);
    only_file(r.dir, path);
    again(&r);
    assert_true(one(&r, sc, 2, 0, 1) != completed);
    assert_true(one(&r, sc, 1, 1, 1) != completed);
    assert_true(one(&r, longer, 1, 0, 1) > completed);
    assert_true(one(&r, sc, 1, 0, 2) == completed);
    r.k.version = "2";
    assert_true(one(&r, sc, 1, 0, 1) == completed);
    assert_counts(&r, 0, 5);
    assert_int_equal(kept_count(&r.k), 6);
    again(&r);
    r.k.version = "1";
    assert_true(one(&r, sc, 1, 0, 1) == completed);
    assert_counts(&r, 1, 0);
    kept_remove(&r.k); /* one under the name of another: its head says whose it is */
    (void)one(&r, sc, 2, 0, 1);
    only_file(r.dir, moved);
    assert_int_equal(rename(moved, path), 0);
    again(&r);
    assert_true(one(&r, sc, 1, 0, 1) == completed);
    assert_counts(&r, 0, 1);
    sc_free(sc);
    sc_free(longer);
    rig_fini(&r);
}

static void test_unfinished_is_not_there(void **state)
{
    (void)state;
    rig r;
    char err[512] = "";
    uint64_t completed = 0;
    const volatile int stop = 1;
    const kept_form form = {1, result, write_it, read_it, &completed};
    rig_init(&r);
    sc_scenario *sc = load("scenarios/theory-mm1.yaml", "10m");
    assert_int_equal(kept_replicate(&r.k, sc, 1, 0, &(fleet_hooks){.stop = &stop}, &form, err, sizeof err), -1);
    assert_non_null(strstr(err, "stopped"));
    assert_false(r.k.failed);
    assert_int_equal(kept_count(&r.k), 0);
    assert_int_equal(rmdir(r.dir), 0);
    put_bytes(r.dir, "mine", 4); /* where the folder should be */
    assert_int_equal(kept_count(&r.k), -1);
    assert_int_equal(kept_replicate(&r.k, sc, 1, 0, &(fleet_hooks){0}, &form, err, sizeof err), -1);
    assert_non_null(strstr(err, "cannot keep a replication in"));
    assert_true(r.k.failed);
    assert_counts(&r, 0, 0);
    assert_int_equal(unlink(r.dir), 0);
    sc_free(sc);
    rig_fini(&r);
}

static void test_trials(void **state)
{
    (void)state;
    static const char *const metrics[] = {"requests.completed", "cost.total_usd", "burst.no_such", "latency.e2e_s.p95"};
    const trial list[] = {{0, 0}, {1, 0}, {0, 1}, {1, 1}};
    double values[PASSES][4 * 4], more[4 * 4];
    char *logs[PASSES][2], err[1024] = "";
    size_t sizes[PASSES][2];
    rig r;
    rig_init(&r);
    sc_scenario *sc = load("scenarios/theory-mm1.yaml", "10m");
    sc_scenario *const settings[] = {sc, sc}; /* the same replication twice, perhaps at the same time */
    trials t = {.settings = settings, .seed = 1, .metrics = metrics, .metric_count = 3, .jobs = 2, .kept = &r.k};
    for (int i = 0; i < PASSES; i++) {
        FILE *const files[] = {open_memstream(&logs[i][0], &sizes[i][0]), open_memstream(&logs[i][1], &sizes[i][1])};
        r.k.resume = i > 0;
        again(&r);
        t.decisions = files;
        assert_int_equal(trials_run(&t, list, 4, values[i], err, sizeof err), 0);
        assert_counts(&r, i == 0 ? 0 : 4, i == 0 ? 4 : 0);
        assert_int_equal(fclose(files[0]), 0);
        assert_int_equal(fclose(files[1]), 0);
        assert_int_equal(kept_count(&r.k), 2);
        assert_true(sizes[i][0] > 1000);
        assert_string_equal(logs[i][0], logs[0][0]);
        assert_string_equal(logs[i][1], logs[0][0]);
    }
    assert_true(isnan(values[1][2]) && values[1][0] > 1000);
    assert_memory_equal(values[0], values[1], sizeof(double) * 12);
    t.decisions = NULL;
    t.metric_count = 4; /* a further figure is not in what was kept */
    again(&r);
    assert_int_equal(trials_run(&t, list, 4, more, err, sizeof err), 0);
    assert_int_equal(r.k.taken + r.k.simulated, 4);
    assert_true(r.k.simulated >= 2 && more[3] > 0);
    for (int i = 0; i < PASSES; i++) {
        free(logs[i][0]);
        free(logs[i][1]);
    }
    sc_free(sc);
    rig_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_taken_is_what_was_simulated),
        cmocka_unit_test(test_damage_is_seen),
        cmocka_unit_test(test_others_are_left_alone),
        cmocka_unit_test(test_unfinished_is_not_there),
        cmocka_unit_test(test_trials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
