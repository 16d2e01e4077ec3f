/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * Leader election: how one daemon behaves; and, over random schedules of partitions, lost answers, sleeping processes,
 * crashes and skewed clocks, that no two may ever write at the same time and that somebody leads in the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sched/kube/jitter.h"
#include "sched/kube/lease.h"
#include "tests/support/kube_scale.h"
#include "tests/support/kube_world.h"

#define S       SPW_NS_PER_S
#define MS      (SPW_NS_PER_S / 1000)
#define LEASES  "/apis/coordination.k8s.io/v1/leases"
#define DAEMONS 3
#define SLICE   (50 * MS) /* how finely daemons look at the time */

typedef struct node {
    kw_world *world;
    kube_wire wire;
    kube_lease *lease;
    char identity[40];
    int life;
    double rate;          /* of its clock against the world's */
    spw_time zero, wall;  /* its clocks at the world's beginning */
    spw_time asleep_till; /* a process that gets no processor time */
    spw_time cut_till;    /* calls meet `fault` until then */
    kw_fault fault;
    spw_dur drowsy;     /* it will fall asleep for so long, once it has sent its next request */
    spw_time busy_till; /* a write of its own is on its way until then */
} node;

static spw_rc start_call(void *self, const kube_call *call, uint64_t *ticket)
{
    node *n = self;
    const kube_wire inner = kw_wire(n->world);
    if (kw_now(n->world) < n->cut_till) {
        kw_fail_at(n->world, 0, false, n->fault);
    }
    if (n->drowsy > 0) {
        n->asleep_till = kw_now(n->world) + n->drowsy;
        n->drowsy = 0;
    }
    return inner.start(inner.self, call, ticket);
}

static void cancel_call(void *self, uint64_t ticket)
{
    const kube_wire inner = kw_wire(((node *)self)->world);
    inner.cancel(inner.self, ticket);
}

static spw_rc run_calls(void *self, spw_dur longest)
{
    const kube_wire inner = kw_wire(((node *)self)->world);
    return inner.run(inner.self, longest);
}

static spw_time mono(const node *n)
{
    return n->zero + (spw_time)((double)(kw_now(n->world) - 1000000000 * S) * n->rate);
}

static spw_time wall(const node *n)
{
    return n->wall + kw_now(n->world);
}

static void be_born(node *n, int number)
{
    (void)snprintf(n->identity, sizeof n->identity, "host-%d_%d", number, n->life++);
    n->wire = (kube_wire){.self = n, .start = start_call, .cancel = cancel_call, .run = run_calls};
    const kube_lease_spec spec = {.wire = &n->wire,
                                  .space = "spillway",
                                  .name = "spillwayd",
                                  .identity = n->identity,
                                  .seed = (uint64_t)number * 1000 + (uint64_t)n->life};
    n->lease = kube_lease_new(&spec);
    assert_non_null(n->lease);
}

static void node_init(node *n, kw_world *w, int number)
{
    *n = (node){.world = w, .rate = 1.0};
    be_born(n, number);
}

static bool may_write(const node *n)
{
    return n->asleep_till <= kw_now(n->world) && kube_lease_may_write(n->lease, mono(n));
}

static uint64_t overlaps; /* moments at which two could write */

/* A piece of the world's time for all. */
static void live_on(node *nodes, size_t count, spw_dur piece)
{
    kw_world *w = nodes[0].world;
    const kube_wire inner = kw_wire(w);
    const spw_time until = kw_now(w) + piece;
    while (kw_now(w) < until) {
        for (size_t i = 0; i < count; i++) {
            if (nodes[i].asleep_till <= kw_now(w)) {
                (void)kube_lease_step(nodes[i].lease, mono(&nodes[i]), wall(&nodes[i]));
            }
        }
        int writers = 0;
        for (size_t i = 0; i < count; i++) {
            writers += may_write(&nodes[i]) ? 1 : 0;
        }
        overlaps += writers > 1 ? 1 : 0;
        (void)inner.run(inner.self, until - kw_now(w) < SLICE ? until - kw_now(w) : SLICE);
    }
}

static const json_t *in_lease(const kw_world *w, const char *key)
{
    return json_object_get(json_object_get(kw_get(w, 0, LEASES, "spillway", "spillwayd"), "spec"), key);
}

static kube_lease_state state_of(const node *n)
{
    kube_lease_state s;
    kube_lease_state_get(n->lease, &s);
    return s;
}

/* --- one at a time --------------------------------------------------------------------------------------------- */

static void creates_renews_and_is_written_in_six_digits(void **state)
{
    (void)state;
    kw_world *w = kw_new(1);
    node n[1];
    node_init(&n[0], w, 0);
    n[0].wall = INT64_C(790000000) * S + 120 * MS;
    assert_false(may_write(&n[0]));
    live_on(n, 1, S);
    assert_true(may_write(&n[0]));
    assert_int_equal(kube_lease_epoch(n[0].lease), 1);
    assert_string_equal(json_string_value(in_lease(w, "holderIdentity")), "host-0_0");
    assert_int_equal(json_integer_value(in_lease(w, "leaseDurationSeconds")), 15);
    assert_string_equal(json_string_value(in_lease(w, "acquireTime")), "2026-09-21T14:13:20.120000Z");
    live_on(n, 1, 9 * S);
    assert_int_equal(kw_writes(w), 1 + 4); /* at 2, 4, 6 and 8 s */
    assert_string_equal(json_string_value(in_lease(w, "acquireTime")), "2026-09-21T14:13:20.120000Z");
    assert_int_equal(json_integer_value(in_lease(w, "leaseTransitions")), 0);
    kube_lease_free(n[0].lease);
    kw_free(w);
}

static void another_waits_for_fifteen_seconds_of_silence(void **state)
{
    (void)state;
    kw_world *w = kw_new(1);
    node n[2];
    node_init(&n[0], w, 0);
    live_on(n, 1, S);
    node_init(&n[1], w, 1);
    n[1].wall = 1000000 * S; /* eleven days ahead: of no consequence */
    live_on(n, 2, 30 * S);
    assert_true(may_write(&n[0]));
    assert_false(may_write(&n[1]));
    assert_string_equal(state_of(&n[1]).holder, "host-0_0");
    n[0].asleep_till = SPW_TIME_MAX; /* its last renewal began at most 2 s ago */
    live_on(n, 2, 12900 * MS);
    assert_false(may_write(&n[1]));
    live_on(n, 2, 5 * S);
    assert_true(may_write(&n[1]));
    assert_int_equal(kube_lease_epoch(n[1].lease), 2);
    n[0].asleep_till = 0; /* it wakes: and knows at once, before any step */
    assert_false(may_write(&n[0]));
    live_on(n, 2, 5 * S);
    assert_false(may_write(&n[0]));
    kube_lease_free(n[0].lease);
    kube_lease_free(n[1].lease);
    kw_free(w);
}

/* The answer to a renewal is judged long after it came: what counts is when the renewal was asked for. */
static void an_answer_that_is_read_late_gives_no_time(void **state)
{
    (void)state;
    kw_world *w = kw_new(1);
    node n[2];
    node_init(&n[0], w, 0);
    live_on(n, 1, S);
    node_init(&n[1], w, 1);
    n[0].drowsy = 40 * S; /* falls asleep as it asks: the answer comes, and nobody looks at it */
    live_on(n, 2, 21500 * MS);
    assert_true(n[0].asleep_till > kw_now(w));
    assert_true(may_write(&n[1]));
    n[0].asleep_till = 0;
    (void)kube_lease_step(n[0].lease, mono(&n[0]), wall(&n[0]));
    assert_false(may_write(&n[0]));
    kube_lease_free(n[0].lease);
    kube_lease_free(n[1].lease);
    kw_free(w);
}

static void stops_before_the_others_may_begin(void **state)
{
    (void)state;
    kw_world *w = kw_new(1);
    node n[1];
    node_init(&n[0], w, 0);
    live_on(n, 1, S);
    kw_break(w, 0, KW_DEAF); /* no answer to anything */
    const spw_time last = state_of(&n[0]).renewed;
    live_on(n, 1, last + 10 * S - MS - mono(&n[0]));
    assert_true(may_write(&n[0]));
    live_on(n, 1, MS);
    assert_false(may_write(&n[0]));
    kw_break(w, 0, KW_NONE);
    live_on(n, 1, 6 * S);
    assert_true(may_write(&n[0])); /* nobody else was there */
    assert_int_equal(kube_lease_epoch(n[0].lease), 1);
    assert_int_equal(state_of(&n[0]).lost, 1);
    kube_lease_free(n[0].lease);
    kw_free(w);
}

static void hands_over_at_once_when_asked(void **state)
{
    (void)state;
    kw_world *w = kw_new(1);
    node n[2];
    node_init(&n[0], w, 0);
    live_on(n, 1, S);
    node_init(&n[1], w, 1);
    live_on(n, 2, 10 * S);
    kube_lease_release(n[0].lease, wall(&n[0]));
    assert_false(may_write(&n[0]));
    assert_string_equal(json_string_value(in_lease(w, "holderIdentity")), "");
    n[0].asleep_till = SPW_TIME_MAX; /* it has ended */
    live_on(n, 2, 2500 * MS);        /* the next look: within 1.2 x 2 s */
    assert_true(may_write(&n[1]));
    assert_int_equal(kube_lease_epoch(n[1].lease), 2);
    kube_lease_release(n[0].lease, wall(&n[0])); /* gives up nothing that is another's */
    assert_string_equal(json_string_value(in_lease(w, "holderIdentity")), "host-1_0");
    kube_lease_free(n[0].lease);
    kube_lease_free(n[1].lease);
    kw_free(w);
}

/* Somebody deletes the Lease: the count begins anew, but not the epochs of those who know better. */
static void a_deleted_lease_is_made_again(void **state)
{
    (void)state;
    kw_world *w = kw_new(1);
    node n[1];
    node_init(&n[0], w, 0);
    live_on(n, 1, S);
    kw_delete(w, 0, LEASES, "spillway", "spillwayd");
    kube_lease_raise(n[0].lease, 7);
    live_on(n, 1, 3 * S);
    assert_true(may_write(&n[0]));
    assert_int_equal(kube_lease_epoch(n[0].lease), 8);
    kube_lease_free(n[0].lease);
    kw_free(w);
}

/* Every call fails in every way, one in each run: one leader in the end, and the count of changes is what it was. */
static void any_call_may_fail(void **state)
{
    (void)state;
    for (int fault = KW_REFUSE; fault < KW_FAULTS; fault++) {
        for (uint64_t call = 0; call < 8; call++) {
            kw_world *w = kw_new(1);
            node n[1];
            node_init(&n[0], w, 0);
            kw_fail_at(w, call, false, (kw_fault)fault);
            live_on(n, 1, 30 * S);
            assert_true(may_write(&n[0]));
            assert_int_equal(kube_lease_epoch(n[0].lease), 1);
            kube_lease_release(n[0].lease, wall(&n[0]));
            assert_string_equal(json_string_value(in_lease(w, "holderIdentity")), "");
            kube_lease_free(n[0].lease);
            kw_free(w);
        }
    }
}

static void times_in_no_order_are_refused(void **state)
{
    (void)state;
    kw_world *w = kw_new(1);
    const kube_wire wire = kw_wire(w);
    kube_lease_spec spec = {.wire = &wire, .space = "s", .name = "n", .identity = "i", .renew_deadline = 20 * S};
    assert_null(kube_lease_new(&spec));
    spec.renew_deadline = S;
    assert_null(kube_lease_new(&spec));
    kw_free(w);
}

/* --- with a batch of writes under way --------------------------------------------------------------------------- */

static spw_time world_clock(void *user)
{
    return kw_now(((node *)user)->world);
}

static bool leave_to_write(void *user)
{
    const node *n = user;
    return kube_lease_may_write(n->lease, mono(n));
}

static void renew_meanwhile(void *user)
{
    node *n = user;
    (void)kube_lease_step(n->lease, mono(n), wall(n));
}

/* One write in a second. @return how many were done */
static size_t write_slowly(kw_world *w, node *n, kube_write *writes, size_t count)
{
    const kube_writer_spec spec = {.wire = &n->wire,
                                   .server_count = 2,
                                   .breaker_count = 2,
                                   .rate = 1,
                                   .burst = 1,
                                   .clock = world_clock,
                                   .may_write = leave_to_write,
                                   .meanwhile = renew_meanwhile,
                                   .user = n};
    static char paths[40][80];
    size_t done = 0;
    kube_writer *writer = kube_writer_new(&spec);
    for (size_t i = 0; i < count; i++) {
        char json[160];
        (void)snprintf(json, sizeof json,
                       "{\"metadata\":{\"name\":\"d%zu\",\"namespace\":\"p\"},\"spec\":{\"replicas\":2}}", i);
        kw_put(w, 1, "/apis/apps/v1/deployments", json);
        (void)snprintf(paths[i], sizeof paths[i], "/apis/apps/v1/namespaces/p/deployments/d%zu/scale", i);
        writes[i] = scale_write(paths[i], "");
        writes[i].server = writes[i].breaker = 1;
    }
    (void)kube_writer_run(writer, writes, count, kw_now(w) + 100 * S, NULL);
    for (size_t i = 0; i < count; i++) {
        done += writes[i].fate == KUBE_FATE_DONE ? 1 : 0;
    }
    kube_writer_free(writer);
    return done;
}

/* The server of the Lease is cut off while a long batch goes to another one: no write begins after the deadline. */
static void a_batch_stops_with_the_leadership(void **state)
{
    (void)state;
    for (int cut = 0; cut < 2; cut++) {
        kw_world *w = kw_new(2);
        node n[1];
        kube_write writes[30];
        node_init(&n[0], w, 0);
        live_on(n, 1, S);
        if (cut != 0) {
            kw_break(w, 0, KW_DEAF);
        }
        const spw_time end = state_of(&n[0]).renewed + 10 * S + 1000000000 * S;
        const size_t done = write_slowly(w, &n[0], writes, 30);
        if (cut == 0) {
            assert_int_equal(done, 30); /* the lease was renewed meanwhile */
        } else {
            assert_true(done > 0 && done < 30);
            assert_int_equal(writes[29].fate, KUBE_FATE_FORBIDDEN);
            for (size_t i = 0; i < kw_writes(w); i++) {
                assert_true(kw_write_at(w, i)->at < end);
            }
        }
        kube_lease_free(n[0].lease);
        kw_free(w);
    }
}

/* --- many, and a bad day --------------------------------------------------------------------------------------- */

typedef struct late {
    spw_time at; /* when the server carries it out */
    uint64_t epoch;
} late;

typedef struct day {
    double rate_least, rate_most;
    spw_dur delay_most; /* of writes on their way */
    bool calm_end;
} day;

typedef struct verdicts {
    uint64_t together; /* moments at which two could write */
    uint64_t disorder; /* writes of an older epoch after one of a newer */
    bool led;          /* in the end by exactly one */
    uint64_t changes;  /* of leadership */
} verdicts;

static double between(uint64_t *luck, double low, double high)
{
    return low + (high - low) * jitter_draw(luck);
}

static void misfortune(node *n, int number, uint64_t *luck)
{
    static const kw_fault faults[] = {KW_REFUSE, KW_RESET,  KW_MUTE, KW_DEAF,    KW_HALF, KW_ERROR,
                                      KW_LATE,   KW_FROZEN, KW_BUSY, KW_GARBAGE, KW_STRAY};
    const spw_time now = kw_now(n->world);
    const double what = jitter_draw(luck);
    const spw_dur length = (spw_dur)(between(luck, 0.2, 25) * (double)S);
    if (what < 0.5) {
        n->fault = faults[(size_t)between(luck, 0, sizeof faults / sizeof faults[0])];
        n->cut_till = now + length;
    } else if (what < 0.65) {
        n->asleep_till = now + length;
    } else if (what < 0.8) {
        n->drowsy = length;
    } else if (what < 0.9) { /* it crashes, and another process comes */
        kube_lease_free(n->lease);
        be_born(n, number);
    } else if (n->asleep_till <= now && n->busy_till <= now) { /* it is stopped properly */
        kube_lease_release(n->lease, wall(n));
        kube_lease_free(n->lease);
        be_born(n, number);
        n->asleep_till = kw_now(n->world) + length;
    }
}

static int by_time(const void *a, const void *b)
{
    const late *x = a, *y = b;
    return (x->at > y->at) - (x->at < y->at);
}

static verdicts live_through(const day *d, uint64_t seed)
{
    enum { PIECES = 3000, WRITES = 4000 };
    kw_world *w = kw_new(1);
    node n[DAEMONS];
    late *writes = calloc(WRITES, sizeof *writes);
    verdicts v = {0};
    size_t count = 0;
    uint64_t luck = seed, newest = 0;

    overlaps = 0;
    assert_non_null(writes);
    for (int i = 0; i < DAEMONS; i++) {
        node_init(&n[i], w, i);
        n[i].rate = between(&luck, d->rate_least, d->rate_most);
        n[i].zero = (spw_time)(between(&luck, 0, 1e6) * (double)S);
        n[i].wall = (spw_time)(between(&luck, -1e6, 1e6) * (double)S);
    }
    for (int piece = 0; piece < PIECES; piece++) {
        const bool calm = d->calm_end && piece > PIECES - 400; /* the last 80 s */
        live_on(n, DAEMONS, 200 * MS);
        if (!calm && jitter_draw(&luck) < 0.03) {
            const int i = (int)between(&luck, 0, DAEMONS);
            misfortune(&n[i], i, &luck);
        }
        int leaders = 0;
        for (int i = 0; i < DAEMONS; i++) {
            if (calm) {
                n[i].cut_till = n[i].asleep_till = n[i].drowsy = 0;
            }
            if (!may_write(&n[i])) {
                continue;
            }
            leaders++;
            if (count < WRITES) {
                const spw_dur delay = (spw_dur)between(&luck, 0, (double)d->delay_most);
                n[i].busy_till = kw_now(w) + delay > n[i].busy_till ? kw_now(w) + delay : n[i].busy_till;
                writes[count++] = (late){.at = kw_now(w) + delay, .epoch = kube_lease_epoch(n[i].lease)};
            }
        }
        v.led = leaders == 1;
    }
    v.together = overlaps;
    qsort(writes, count, sizeof *writes, by_time);
    for (size_t i = 0; i < count; i++) {
        v.disorder += writes[i].epoch < newest ? 1 : 0;
        v.changes += writes[i].epoch > newest ? 1 : 0;
        newest = writes[i].epoch > newest ? writes[i].epoch : newest;
    }
    for (int i = 0; i < DAEMONS; i++) {
        kube_lease_free(n[i].lease);
    }
    free(writes);
    kw_free(w);
    return v;
}

static void two_never_write_at_once(void **state)
{
    (void)state;
    const day days[] = {
        {.rate_least = 1.0, .rate_most = 1.0, .delay_most = 4800 * MS, .calm_end = true},
        {.rate_least = 0.83, .rate_most = 1.2, .delay_most = 300 * MS, .calm_end = true}, /* 1.2 / 0.83 < 1.5 */
    };
    uint64_t changes = 0;
    for (size_t k = 0; k < 2; k++) {
        for (uint64_t seed = 1; seed <= 30; seed++) {
            const verdicts v = live_through(&days[k], seed * 7919 + k);
            if (v.together > 0 || v.disorder > 0 || !v.led) {
                fail_msg("day %zu, seed %" PRIu64 ": %" PRIu64 " together, %" PRIu64 " late, %s", k, seed, v.together,
                         v.disorder, v.led ? "one leads" : "nobody leads, or two");
            }
            changes += v.changes;
        }
    }
    assert_true(changes > 200); /* or nothing was tried */
}

/* Where the promise ends: a clock twice as fast as another. The test above would have seen it. */
static void a_clock_out_of_bounds_is_seen_by_this_test(void **state)
{
    (void)state;
    const day wild = {.rate_least = 0.5, .rate_most = 2.0, .delay_most = MS};
    uint64_t together = 0;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        together += live_through(&wild, seed).together;
    }
    assert_true(together > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(creates_renews_and_is_written_in_six_digits),
        cmocka_unit_test(another_waits_for_fifteen_seconds_of_silence),
        cmocka_unit_test(an_answer_that_is_read_late_gives_no_time),
        cmocka_unit_test(stops_before_the_others_may_begin),
        cmocka_unit_test(hands_over_at_once_when_asked),
        cmocka_unit_test(a_deleted_lease_is_made_again),
        cmocka_unit_test(any_call_may_fail),
        cmocka_unit_test(times_in_no_order_are_refused),
        cmocka_unit_test(a_batch_stops_with_the_leadership),
        cmocka_unit_test(two_never_write_at_once),
        cmocka_unit_test(a_clock_out_of_bounds_is_seen_by_this_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
