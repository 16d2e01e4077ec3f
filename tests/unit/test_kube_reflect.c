/* SPDX-License-Identifier: GPL-3.0-or-later */
/** A collection stays equal to the server's, whatever happens on the way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sched/kube/objects.h"
#include "tests/support/kube_world.h"

#define DEPLOYMENTS "/apis/apps/v1/deployments"
#define S           SPW_NS_PER_S

typedef struct rig {
    kw_world *world;
    kube_wire wire;
    kube_store *store;
    kube_reflect *reflect;
} rig;

static void put(rig *r, const char *name, int replicas)
{
    char json[256];
    (void)snprintf(json, sizeof json,
                   "{\"metadata\":{\"name\":\"%s\",\"namespace\":\"prod\"},\"spec\":{\"replicas\":%d}}", name,
                   replicas);
    kw_put(r->world, 0, DEPLOYMENTS, json);
}

static int set_up(void **state)
{
    static rig r;
    r.world = kw_new(1);
    r.wire = kw_wire(r.world);
    r.store = kube_store_new(&kube_kind_deployment);
    const kube_reflect_spec spec = {
        .path = DEPLOYMENTS, .query = "", .page = 3, .seed = 7, .sink = kube_store_sink(r.store)};
    r.reflect = kube_reflect_new(&spec, &r.wire);
    *state = &r;
    return r.store == NULL || r.reflect == NULL;
}

static int tear_down(void **state)
{
    rig *r = *state;
    kube_reflect_free(r->reflect);
    kube_store_free(r->store);
    kw_free(r->world);
    return 0;
}

/* Lives for a while. */
static void live(rig *r, spw_dur how_long)
{
    const spw_time until = kw_now(r->world) + how_long;
    while (kw_now(r->world) < until) {
        const spw_time next = kube_reflect_step(r->reflect, kw_now(r->world));
        const spw_time end = next < until ? next : until;
        assert_int_equal(r->wire.run(r->wire.self, end - kw_now(r->world) > 0 ? end - kw_now(r->world) : 1), SPW_OK);
    }
}

static void assert_same(rig *r, size_t count)
{
    assert_int_equal(kube_store_count(r->store), count);
    for (size_t i = 0; i < count; i++) {
        const kube_workload *row = kube_store_at(r->store, i);
        assert_int_equal(row->replicas, kw_replicas(r->world, 0, row->meta.space, row->meta.name));
    }
}

static kube_reflect_state look(const rig *r)
{
    kube_reflect_state s;
    kube_reflect_state_get(r->reflect, &s);
    return s;
}

static void lists_in_pages_then_watches(void **state)
{
    rig *r = *state;
    for (int i = 0; i < 8; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "d%d", i);
        put(r, name, i);
    }
    live(r, 1 * S);
    assert_same(r, 8);
    assert_true(look(r).synced);
    assert_int_equal(kw_calls(r->world), 4); /* three pages of 3, 3, 2 and the watch */
    put(r, "d3", 9);
    put(r, "a", 1);
    kw_delete(r->world, 0, DEPLOYMENTS, "prod", "d7");
    live(r, 1 * S);
    assert_same(r, 8);
    assert_string_equal(((const kube_workload *)kube_store_at(r->store, 0))->meta.name, "a");
    assert_int_equal(look(r).events, 3);
    assert_int_equal(kw_calls(r->world), 4);
}

static void events_come_in_any_pieces(void **state)
{
    rig *r = *state;
    put(r, "d", 1);
    live(r, S);
    for (size_t bytes = 1; bytes < 90; bytes += 11) {
        kw_split(r->world, bytes);
        put(r, "d", (int)bytes);
        put(r, "e", (int)bytes + 1);
        live(r, S);
        assert_same(r, 2);
    }
    assert_int_equal(look(r).failures, 0);
}

static void a_bookmark_is_no_object(void **state)
{
    rig *r = *state;
    put(r, "d", 4);
    live(r, S);
    kw_bookmark(r->world, 0);
    live(r, S);
    assert_same(r, 1);
    assert_true(look(r).confirmed >= kw_now(r->world) - S);
    /* ... but its version is where the next watch begins: nothing is seen twice, and a compaction up to it is no harm
     */
    kw_compact(r->world, 0);
    kw_bookmark(r->world, 0);
    live(r, S);
    const uint64_t lists = look(r).lists;
    kw_end_watches(r->world, 0, true);
    live(r, 5 * S);
    assert_int_equal(look(r).lists, lists);
    assert_int_equal(look(r).watches, 2);
}

/* A server that was restored does not know what was heard since its backup: a bookmark gives it away. */
static void a_bookmark_that_goes_back_lists_again(void **state)
{
    rig *r = *state;
    put(r, "kept", 4);
    const json_t *meta = json_object_get(kw_get(r->world, 0, DEPLOYMENTS, "prod", "kept"), "metadata");
    const uint64_t backup = strtoull(json_string_value(json_object_get(meta, "resourceVersion")), NULL, 10);
    put(r, "lost", 1);
    live(r, S);
    assert_same(r, 2);
    kw_bookmark(r->world, 0); /* as far as we are: nothing is listed for it */
    live(r, S);
    assert_int_equal(look(r).lists, 1);
    kw_restore(r->world, 0, backup);
    kw_bookmark(r->world, 0);
    live(r, 5 * S);
    assert_same(r, 1);
    assert_int_equal(look(r).lists, 2);
    assert_string_equal(((const kube_workload *)kube_store_at(r->store, 0))->meta.name, "kept");
}

static void an_expired_version_lists_again(void **state)
{
    rig *r = *state;
    put(r, "d", 4);
    put(r, "gone", 1);
    live(r, S);
    kw_break(r->world, 0, KW_REFUSE);
    kw_end_watches(r->world, 0, false);
    live(r, 1); /* the watch is lost; meanwhile: */
    kw_delete(r->world, 0, DEPLOYMENTS, "prod", "gone");
    put(r, "d", 5);
    put(r, "new", 2);
    kw_compact(r->world, 0);
    kw_break(r->world, 0, KW_NONE);
    live(r, 200 * S);
    assert_same(r, 2);
    assert_int_equal(look(r).lists, 2);
}

static void silence_is_not_trusted(void **state)
{
    rig *r = *state;
    put(r, "d", 4);
    live(r, S);
    kw_break(r->world, 0, KW_DEAF); /* the watch goes silent without an end */
    put(r, "d", 5);
    live(r, 80 * S);
    assert_int_equal(((const kube_workload *)kube_store_at(r->store, 0))->replicas, 4);
    assert_true(look(r).confirmed <= kw_now(r->world) - 79 * S); /* what is known ages */
    kw_break(r->world, 0, KW_NONE);
    live(r, 120 * S);
    assert_same(r, 1);
    assert_int_equal(look(r).lists, 2); /* that watch brought nothing at all: its version may lie in the future */
}

static void what_is_known_stays_while_a_list_breaks_off(void **state)
{
    rig *r = *state;
    for (int i = 0; i < 6; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "d%d", i);
        put(r, name, i);
    }
    live(r, S);
    kw_compact(r->world, 0);
    kw_fail_at(r->world, 2, false, KW_RESET); /* the watch, the first page, then this */
    kw_end_watches(r->world, 0, true);
    live(r, S / 2);
    assert_same(r, 6);
    live(r, 60 * S);
    assert_same(r, 6);
}

/* Whatever call fails in whatever way, the collection is right in the end and no call is left over. */
static void any_call_may_fail(void **state)
{
    (void)state;
    for (int fault = KW_REFUSE; fault < KW_FAULTS; fault++) {
        for (uint64_t n = 0; n < 7; n++) {
            void *s = NULL;
            assert_int_equal(set_up(&s), 0);
            rig *r = s;
            for (int i = 0; i < 7; i++) {
                char name[8];
                (void)snprintf(name, sizeof name, "d%d", i);
                put(r, name, i);
            }
            kw_fail_at(r->world, n, false, (kw_fault)fault);
            live(r, 5 * S);
            put(r, "d1", 11);
            kw_end_watches(r->world, 0, n % 2 == 0);
            live(r, 5 * S);
            kw_delete(r->world, 0, DEPLOYMENTS, "prod", "d2");
            kw_compact(r->world, 0);
            kw_end_watches(r->world, 0, true);
            live(r, 300 * S);
            assert_same(r, 6);
            assert_int_equal(kw_open(r->world), 1);
            (void)tear_down(&s);
        }
    }
}

static void failures_are_spaced_out(void **state)
{
    rig *r = *state;
    kw_break(r->world, 0, KW_REFUSE);
    live(r, 600 * S);
    /* 0.8, 1.6, ... 25.6 s, then 30 s, each times 1 to 2: at least 600/60 and at most 6 + 600/30 tries */
    assert_in_range(kw_calls(r->world), 12, 27);
    assert_int_equal(look(r).trouble.verdict, KUBE_UNREACHABLE);
    assert_false(look(r).synced);
    assert_true(look(r).confirmed == SPW_TIME_MAX);
}

static void a_server_that_asks_for_time_gets_it(void **state)
{
    rig *r = *state;
    kw_break(r->world, 0, KW_BUSY);
    live(r, 10 * S);
    assert_int_equal(look(r).trouble.verdict, KUBE_BUSY);
    assert_int_equal(look(r).trouble.wait, S);
    assert_in_range(kw_calls(r->world), 3, 6);
}

static void watches_that_end_at_once_are_not_asked_in_a_loop(void **state)
{
    rig *r = *state;
    put(r, "d", 1);
    live(r, S);
    for (int i = 0; i < 600; i++) {
        kw_end_watches(r->world, 0, true);
        live(r, S / 10);
    }
    assert_in_range(look(r).watches, 2, 10); /* in a minute */
    assert_int_equal(look(r).lists, 1);
}

/* An expired version is nobody's fault: the list follows at once. */
static void gone_waits_for_nothing(void **state)
{
    rig *r = *state;
    put(r, "d", 1);
    live(r, S);
    put(r, "e", 2); /* seen, so that this watch was a good one */
    live(r, S / 10);
    kw_compact(r->world, 0);
    kw_compact(r->world, 0);
    kw_end_watches(r->world, 0, true);
    live(r, S / 100);
    assert_int_equal(look(r).lists, 2);
    assert_int_equal(look(r).failures, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lists_in_pages_then_watches, set_up, tear_down),
        cmocka_unit_test_setup_teardown(events_come_in_any_pieces, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_bookmark_is_no_object, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_bookmark_that_goes_back_lists_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_expired_version_lists_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(silence_is_not_trusted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_known_stays_while_a_list_breaks_off, set_up, tear_down),
        cmocka_unit_test(any_call_may_fail),
        cmocka_unit_test_setup_teardown(failures_are_spaced_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(watches_that_end_at_once_are_not_asked_in_a_loop, set_up, tear_down),
        cmocka_unit_test_setup_teardown(gone_waits_for_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_server_that_asks_for_time_gets_it, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
