/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * The whole loop - source, core, guards, actuator - in a world that lives: a service grows out of its own cluster into
 * the next and back. Every request fails once, in every way; whatever fails, the world comes out the same, serves as
 * well on the way, and runs no replica too many.
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

#include <spillway/manifest.h>

#include "sched/kube/guard.h"
#include "tests/support/kube_play.h"

#define S    SPW_NS_PER_S
#define TICK (15 * S)

/* --- memory that runs out -------------------------------------------------------------------------------------- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OWN_HEAP 0 /* the sanitizers have theirs */
#else
#define OWN_HEAP 1
#endif

static struct {
    bool armed;         /* the code under test is at work, not the world around it */
    uint64_t taken;     /* blocks taken while armed */
    uint64_t refuse_at; /* the one that is not to be had; 0 = none */
} heap;

#if OWN_HEAP
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);

static bool refused(void)
{
    return heap.armed && ++heap.taken == heap.refuse_at;
}

void *malloc(size_t size)
{
    return refused() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return refused() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
    return refused() ? NULL : __libc_realloc(block, size);
}
#endif

/* The world's memory does not run out, that of who is called back may. */
typedef struct hungry {
    kube_call call;
} hungry;

static void hungry_done(void *user, const kube_answer *answer)
{
    hungry *h = user;
    const kube_call call = h->call;
    heap.armed = heap.refuse_at > 0;
    call.done(call.user, answer);
    heap.armed = false;
    free(h);
}

static void hungry_data(void *user, const char *bytes, size_t size)
{
    const hungry *h = user;
    heap.armed = heap.refuse_at > 0;
    h->call.data(h->call.user, bytes, size);
    heap.armed = false;
}

typedef struct story {
    kube_rig rig;
    kube_play play;
    guard *guard;
    spw_actuator seam;
    spw_source source;
    spw_manifest_set *set;
    spw_core *core;
    spw_loop *loop;
    bool crashes;                           /* the daemon is another one after each tick: no memory of its own */
    int wanted, ready_least, replicas_most; /* what is watched all the time */
} story;

static void new_mind(story *s)
{
    spw_diag *diag = NULL;
    const spw_config *config = NULL;
    spw_settings settings;
    assert_int_equal(spw_diag_new(NULL, 8, &diag), SPW_OK);
    spw_err err = {0};
    spw_settings_default(&settings);
    settings.tick = TICK;
    assert_int_equal(spw_manifest_config(s->set, diag, &config), SPW_OK);
    kube_source_room(s->rig.source, &settings);
    settings.pods_max = settings.samples_max = 1000;
    assert_int_equal(spw_core_new(&settings, config, spw_mem_libc(), &s->core, &err), SPW_OK);
    assert_int_equal(spw_loop_new(s->core, &s->source, &s->seam, spw_mem_libc(), 64, 8, &s->loop), SPW_OK);
    spw_diag_free(diag);
}

static void lose_mind(story *s)
{
    spw_loop_free(s->loop);
    spw_core_free(s->core);
}

static void start(story *s, kube_mode mode)
{
    spw_diag *diag = NULL;
    const spw_config *config = NULL;
    memset(s, 0, sizeof *s);
    assert_int_equal(spw_diag_new(NULL, 8, &diag), SPW_OK);
    s->set = spw_manifest_new(NULL);
    if (spw_manifest_add_text(s->set, "test", play_manifests, strlen(play_manifests), diag) != SPW_OK ||
        spw_manifest_config(s->set, diag, &config) != SPW_OK) {
        fail_msg("%s", spw_diag_at(diag, 0));
    }
    spw_diag_free(diag);
    rig_start_with(&s->rig, mode, config);
    play_start(&s->play, &s->rig, 2, 2, 4); /* 8 fit into each cluster */
    play_workload(&s->play, "chat", 6);
    const spw_actuator inner = kube_act_seam(s->rig.act);
    const guard_spec guards = guard_spec_default();
    s->guard = guard_new(&guards, &inner);
    s->seam = guard_seam(s->guard);
    s->source = kube_source_seam(s->rig.source);
    s->wanted = 6;
    s->replicas_most = 6;
    new_mind(s);
}

static void stop(story *s)
{
    lose_mind(s);
    guard_free(s->guard);
    rig_stop(&s->rig);
    spw_manifest_free(s->set);
}

static void watch(const story *s)
{
    const char *trouble = play_trouble(&s->play, s->ready_least, s->replicas_most);
    if (trouble != NULL) {
        fail_msg("%s", trouble);
    }
}

/* The world in steps of a second, a tick every fifteen. */
static void live(story *s, int ticks)
{
    for (int t = 0; t < ticks; t++) {
        s->rig.told_count = 0;
        if (kube_fleet_is_synced(s->rig.fleet)) {
            (void)spw_loop_tick(s->loop, RIG_UNIX + kw_now(s->rig.world), NULL);
            if (s->crashes) {
                lose_mind(s);
                new_mind(s);
            }
        }
        const spw_time until = kw_now(s->rig.world) + TICK;
        while (kw_now(s->rig.world) < until) {
            play_step(&s->play);
            watch(s);
            rig_live(&s->rig, S);
        }
    }
}

/* Six at home; twelve: the rest overflows; six again: it comes home. */
static void live_the_story(story *s)
{
    live(s, 8);
    assert_int_equal(play_replicas(&s->play, RIG_IDC), 6);
    assert_int_equal(play_ready(&s->play, RIG_IDC, "chat"), 6);
    s->ready_least = 6;
    s->replicas_most = 12;
    play_want(&s->play, "chat", 0, 12);
    live(s, 12);
    assert_int_equal(play_replicas(&s->play, RIG_IDC), 8);
    assert_int_equal(play_replicas(&s->play, RIG_ACK), 4);
    assert_int_equal(play_ready(&s->play, SIZE_MAX, "chat"), 12);
    play_want(&s->play, "chat", 0, 6);
    live(s, 16);
    assert_int_equal(play_replicas(&s->play, RIG_IDC), 6);
    assert_int_equal(play_replicas(&s->play, RIG_ACK), 0);
    assert_int_equal(play_ready(&s->play, SIZE_MAX, "chat"), 6);
}

static void the_story_in(kube_mode mode)
{
    story s;
    start(&s, mode);
    live_the_story(&s);
    stop(&s);
}

static void plain_clusters(void **state)
{
    (void)state;
    the_story_in(KUBE_MODE_KUBERNETES);
}

static void a_karmada_fleet(void **state)
{
    (void)state;
    the_story_in(KUBE_MODE_KARMADA);
}

static void any_call_may_fail_in(kube_mode mode)
{
    story calm;
    start(&calm, mode);
    live(&calm, 1); /* what it takes to see the world first is the reflector's test */
    const uint64_t first = kw_calls(calm.rig.world);
    live_the_story(&calm);
    const uint64_t calls = kw_calls(calm.rig.world) - first;
    const size_t writes = kw_writes(calm.rig.world);
    stop(&calm);
    assert_true(writes >= 4);
    for (int fault = KW_REFUSE; fault < KW_FAULTS; fault++) {
        for (int only_writes = 0; only_writes < 2; only_writes++) {
            for (uint64_t n = 0; n < (only_writes != 0 ? writes : calls < 40 ? calls : 40); n++) {
                story s;
                start(&s, mode);
                live(&s, 1);
                kw_fail_at(s.rig.world, n, only_writes != 0, (kw_fault)fault);
                live_the_story(&s);
                stop(&s);
            }
        }
    }
}

static void any_call_may_fail_in_plain_clusters(void **state)
{
    (void)state;
    any_call_may_fail_in(KUBE_MODE_KUBERNETES);
}

static void any_call_may_fail_in_a_karmada_fleet(void **state)
{
    (void)state;
    any_call_may_fail_in(KUBE_MODE_KARMADA);
}

static spw_rc hungry_start(void *self, const kube_call *call, uint64_t *ticket)
{
    kube_rig *r = self;
    const bool armed = heap.armed;
    heap.armed = false;
    hungry *h = malloc(sizeof *h);
    kube_call mine = *call;
    assert_non_null(h);
    h->call = *call;
    mine.done = hungry_done;
    mine.data = hungry_data;
    mine.user = h;
    const spw_rc rc = r->inner.start(r->inner.self, &mine, ticket);
    heap.armed = armed;
    return rc;
}

static spw_rc hungry_run(void *self, spw_dur longest)
{
    kube_rig *r = self;
    const bool armed = heap.armed;
    heap.armed = false;
    const spw_rc rc = r->inner.run(r->inner.self, longest);
    heap.armed = armed;
    return rc;
}

/* The tick in which the service grows, and what its daemon hears in the next 15 s: block number n is not to be had. */
static uint64_t starve(kube_mode mode, uint64_t n)
{
    story s;
    start(&s, mode);
    s.rig.wire.start = hungry_start;
    s.rig.wire.run = hungry_run;
    live(&s, 8);
    s.ready_least = 6;
    s.replicas_most = 12;
    play_want(&s.play, "chat", 0, 12);
    play_step(&s.play);
    rig_live(&s.rig, S);
    heap.taken = 0;
    heap.refuse_at = n;
    heap.armed = true;
    (void)spw_loop_tick(s.loop, RIG_UNIX + kw_now(s.rig.world), NULL);
    heap.armed = false;
    for (int i = 0; i < 15; i++) {
        play_step(&s.play);
        rig_live(&s.rig, S); /* callbacks only */
    }
    heap.refuse_at = 0;
    live(&s, 12);
    const int here = play_replicas(&s.play, RIG_IDC), there = play_replicas(&s.play, RIG_ACK);
    if (here != 8 || there != 4 || play_ready(&s.play, SIZE_MAX, "chat") != 12) {
        fail_msg("mode %d, block %" PRIu64 ": %d and %d replicas", (int)mode, n, here, there);
    }
    stop(&s);
    return heap.taken;
}

static void memory_may_run_out_at_any_block(void **state)
{
    (void)state;
    const kube_mode modes[] = {KUBE_MODE_KUBERNETES, KUBE_MODE_KARMADA};
#if !OWN_HEAP
    print_message("skip: the sanitizer has the heap\n");
    skip();
#else
    json_set_alloc_funcs(__libc_malloc,
                         free); /* jansson 2.14 frees blocks twice when it finds none: not ours to mend */
#endif
    for (size_t i = 0; i < 2; i++) {
        const uint64_t blocks = starve(modes[i], UINT64_MAX);
        assert_true(blocks > 100);
        for (uint64_t n = 1; n <= blocks; n += blocks > 1500 ? 3 : 1) {
            (void)starve(modes[i], n);
        }
    }
}

/* All that counts stands in the cluster: a daemon that forgets everything after each tick comes to the same. */
static void a_daemon_without_memory(void **state)
{
    (void)state;
    const kube_mode modes[] = {KUBE_MODE_KUBERNETES, KUBE_MODE_KARMADA};
    for (size_t i = 0; i < 2; i++) {
        story s;
        start(&s, modes[i]);
        s.crashes = true;
        live_the_story(&s);
        stop(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_clusters),
        cmocka_unit_test(a_karmada_fleet),
        cmocka_unit_test(any_call_may_fail_in_plain_clusters),
        cmocka_unit_test(any_call_may_fail_in_a_karmada_fleet),
        cmocka_unit_test(memory_may_run_out_at_any_block),
        cmocka_unit_test(a_daemon_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
