/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Conditional writes: applied once or not at all, whatever fails on the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sched/kube/writes.h"
#include "tests/support/kube_world.h"

#define DEPLOYMENTS "/apis/apps/v1/deployments"
#define S           SPW_NS_PER_S

typedef struct wish {
    const char *name;
    int from, to;
} wish;

static const wish wishes[] = {{"grows", 3, 5}, {"shrinks", 4, 2}, {"wakes", 0, 1}};
#define WISHES (sizeof wishes / sizeof wishes[0])

typedef struct rig {
    kw_world *world;
    kube_wire wire;
    kube_writer *writer;
    kube_write writes[WISHES];
    char paths[WISHES][128];
    bool forbidden;
} rig;

static void put(kw_world *w, const char *name, int replicas)
{
    char json[200];
    (void)snprintf(json, sizeof json, "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"p\"},\"spec\":{\"replicas\":%d}}",
                   name, replicas);
    kw_put(w, 0, DEPLOYMENTS, json);
}

static char *body(const kube_write *write, const char *version)
{
    const wish *x = write->user;
    char text[160];
    (void)snprintf(text, sizeof text, "{\"metadata\":{\"resourceVersion\":\"%s\"},\"spec\":{\"replicas\":%d}}", version,
                   x->to);
    return strdup(text);
}

static kube_seen seen(const kube_write *write, const json_t *object)
{
    const wish *x = write->user;
    const json_int_t n = json_integer_value(json_object_get(json_object_get(object, "spec"), "replicas"));
    return n == x->to ? KUBE_SEEN_WANTED : n == x->from ? KUBE_SEEN_BEFORE : KUBE_SEEN_OTHER;
}

static spw_time clock_of(void *user)
{
    return kw_now(((rig *)user)->world);
}

static bool may_write(void *user)
{
    return !((rig *)user)->forbidden;
}

static void start(rig *r)
{
    memset(r, 0, sizeof *r);
    r->world = kw_new(1);
    r->wire = kw_wire(r->world);
    const kube_writer_spec spec = {.wire = &r->wire,
                                   .server_count = 1,
                                   .breaker_count = 1,
                                   .clock = clock_of,
                                   .may_write = may_write,
                                   .seed = 3,
                                   .user = r};
    r->writer = kube_writer_new(&spec);
    assert_non_null(r->writer);
    for (size_t i = 0; i < WISHES; i++) {
        put(r->world, wishes[i].name, wishes[i].from);
        (void)snprintf(r->paths[i], sizeof r->paths[i], "/apis/apps/v1/namespaces/p/deployments/%s/scale",
                       wishes[i].name);
        const json_t *o = kw_get(r->world, 0, DEPLOYMENTS, "p", wishes[i].name);
        r->writes[i] = (kube_write){.method = "PATCH",
                                    .path = r->paths[i],
                                    .query = "fieldManager=spillway",
                                    .shrinks = wishes[i].to < wishes[i].from,
                                    .body = body,
                                    .seen = seen,
                                    .user = (void *)(uintptr_t)&wishes[i]};
        (void)snprintf(r->writes[i].version, sizeof r->writes[i].version, "%s",
                       json_string_value(json_object_get(json_object_get(o, "metadata"), "resourceVersion")));
    }
}

static void stop(rig *r)
{
    kube_writer_free(r->writer);
    kw_free(r->world);
}

static spw_rc run(rig *r, spw_dur time)
{
    spw_err err = {0};
    return kube_writer_run(r->writer, r->writes, WISHES, kw_now(r->world) + time, &err);
}

static int changes_of(const rig *r, const char *name)
{
    int n = 0;
    for (size_t i = 0; i < kw_writes(r->world); i++) {
        const kw_write *e = kw_write_at(r->world, i);
        n += e->changed && strstr(e->path, name) != NULL ? 1 : 0;
    }
    return n;
}

static void grows_before_it_shrinks(void **state)
{
    (void)state;
    rig r;
    start(&r);
    assert_int_equal(run(&r, 60 * S), SPW_OK);
    assert_int_equal(kw_writes(r.world), 3);
    assert_non_null(strstr(kw_write_at(r.world, 2)->path, "shrinks"));
    for (size_t i = 0; i < WISHES; i++) {
        assert_int_equal(kw_replicas(r.world, 0, "p", wishes[i].name), wishes[i].to);
    }
    stop(&r);
}

/* Each call in turn fails in each way: in the end the world is as wanted, and nothing was applied twice. */
static void any_call_may_fail(void **state)
{
    (void)state;
    for (int fault = KW_REFUSE; fault < KW_FAULTS; fault++) {
        for (uint64_t n = 0; n < 5; n++) {
            rig r;
            start(&r);
            kw_fail_at(r.world, n, false, (kw_fault)fault);
            const spw_rc rc = run(&r, 120 * S);
            for (size_t i = 0; i < WISHES; i++) {
                const bool denied = r.writes[i].fate == KUBE_FATE_REFUSED;
                assert_true(r.writes[i].fate == KUBE_FATE_DONE || (denied && fault == KW_FORBID));
                assert_int_equal(kw_replicas(r.world, 0, "p", wishes[i].name), denied ? wishes[i].from : wishes[i].to);
                assert_int_equal(changes_of(&r, wishes[i].name), denied ? 0 : 1);
            }
            assert_int_equal(rc, fault == KW_FORBID && n < 3 ? SPW_BACKEND : SPW_OK);
            assert_int_equal(kw_open(r.world), 0);
            stop(&r);
        }
    }
}

/* After an answer that leaves it open, the object is read: a write that landed is not sent a second time. */
static void an_open_outcome_is_read_first(void **state)
{
    (void)state;
    const kw_fault landed[] = {KW_MUTE, KW_HALF, KW_LATE, KW_GARBAGE};
    for (size_t i = 0; i < sizeof landed / sizeof landed[0]; i++) {
        rig r;
        kube_writer_stats stats;
        start(&r);
        kw_fail_at(r.world, 0, true, landed[i]);
        assert_int_equal(run(&r, 120 * S), SPW_OK);
        kube_writer_stats_get(r.writer, &stats);
        assert_int_equal(stats.sent, WISHES);
        assert_int_equal(stats.reads, 1);
        stop(&r);
    }
}

static void interfere(void *user, kw_world *w)
{
    int *left = user;
    if (*left > 0) {
        --*left;
        put(w, "grows", 9);
    }
}

static void gives_way_to_others(void **state)
{
    (void)state;
    rig r;
    int left = 1;
    start(&r);
    kw_before_write(r.world, interfere, &left);
    assert_int_equal(run(&r, 60 * S), SPW_BACKEND);
    assert_int_equal(r.writes[0].fate, KUBE_FATE_OUTRUN);
    assert_int_equal(kw_replicas(r.world, 0, "p", "grows"), 9);
    assert_int_equal(kw_replicas(r.world, 0, "p", "shrinks"), 2);
    stop(&r);
}

static void writes_nothing_without_leave(void **state)
{
    (void)state;
    rig r;
    start(&r);
    r.forbidden = true;
    assert_int_equal(run(&r, 60 * S), SPW_BACKEND);
    assert_int_equal(kw_writes(r.world), 0);
    assert_int_equal(r.writes[1].fate, KUBE_FATE_FORBIDDEN);
    stop(&r);
}

static void a_dead_cluster_is_left_alone_for_a_while(void **state)
{
    (void)state;
    rig r;
    start(&r);
    kw_break(r.world, 0, KW_REFUSE);
    assert_int_equal(run(&r, 10 * S), SPW_BACKEND);
    assert_true(kube_writer_is_open(r.writer, 0));
    const uint64_t calls = kw_calls(r.world);
    assert_int_equal(run(&r, 5 * S), SPW_BACKEND); /* fails at once, asks nothing */
    assert_int_equal(kw_calls(r.world), calls);
    assert_int_equal(r.writes[0].fate, KUBE_FATE_BROKEN);
    kw_break(r.world, 0, KW_NONE);
    kw_advance(r.world, 31 * S);
    (void)run(&r, 30 * S); /* one on trial, the others as far as its success allows */
    assert_int_equal(run(&r, 30 * S), SPW_OK);
    assert_int_equal(kw_replicas(r.world, 0, "p", "shrinks"), 2);
    stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_before_it_shrinks),       cmocka_unit_test(any_call_may_fail),
        cmocka_unit_test(an_open_outcome_is_read_first), cmocka_unit_test(gives_way_to_others),
        cmocka_unit_test(writes_nothing_without_leave),  cmocka_unit_test(a_dead_cluster_is_left_alone_for_a_while),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
