/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * Two daemons in one world: each with its own eyes, mind, hands and clock, and one Lease between them. They are cut
 * off, fall asleep, crash and come back. At most one of them starts a write at any moment; the service that they share
 * is served all the time, never runs a replica too many, and ends as if there had been one daemon on a quiet day.
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
#include "sched/kube/jitter.h"
#include "sched/kube/lease.h"
#include "tests/support/kube_play.h"

#define S       SPW_NS_PER_S
#define TICK    (15 * S)
#define DAEMONS 2

struct pair;

typedef struct daemon {
    struct pair *pair;
    kube_rig rig;
    kube_wire wire; /* of the rig, behind what happens to this daemon's calls */
    guard *guard;
    spw_actuator seam;
    spw_source source;
    spw_core *core;
    spw_loop *loop;
    kube_lease *lease;
    char identity[24];
    int life;
    double rate;
    spw_time zero, next_tick, asleep_till, cut_till;
    kw_fault fault;
} daemon;

typedef struct pair {
    kube_rig world_keeper; /* the world, and eyes for those who play in it */
    kube_play play;
    spw_manifest_set *set;
    const spw_config *config;
    daemon d[DAEMONS];
    uint64_t luck;
    int ready_least, replicas_most;
    uint64_t writes, epochs, last_epoch;
} pair;

static spw_time mono(const daemon *d)
{
    return d->zero + (spw_time)((double)(kw_now(d->pair->world_keeper.world) - 1000000000 * S) * d->rate);
}

static bool may_write(void *user)
{
    daemon *d = user;
    return kube_lease_may_write(d->lease, mono(d));
}

static uint64_t epoch_of(void *user)
{
    return kube_lease_epoch(((daemon *)user)->lease);
}

/* --- what happens to calls ------------------------------------------------------------------------------------- */

static spw_rc start_call(void *self, const kube_call *call, uint64_t *ticket)
{
    daemon *d = self;
    pair *p = d->pair;
    if (call->body != NULL && strstr(call->path, "/leases") == NULL) { /* a write that matters begins */
        for (size_t i = 0; i < DAEMONS; i++) {
            daemon *other = &p->d[i];
            if (other != d && kube_lease_may_write(other->lease, mono(other))) {
                fail_msg("%s writes while %s may", d->identity, other->identity);
            }
        }
        const uint64_t epoch = epoch_of(d);
        if (epoch < p->last_epoch) {
            fail_msg("%s writes with epoch %" PRIu64 " after %" PRIu64, d->identity, epoch, p->last_epoch);
        }
        p->epochs += epoch > p->last_epoch ? 1 : 0;
        p->last_epoch = epoch;
        p->writes++;
    }
    if (kw_now(p->world_keeper.world) < d->cut_till) {
        kw_fail_at(p->world_keeper.world, 0, false, d->fault);
    }
    return d->rig.inner.start(d->rig.inner.self, call, ticket);
}

static void cancel_call(void *self, uint64_t ticket)
{
    daemon *d = self;
    d->rig.inner.cancel(d->rig.inner.self, ticket);
}

static spw_rc run_calls(void *self, spw_dur longest)
{
    daemon *d = self;
    return d->rig.inner.run(d->rig.inner.self, longest);
}

/* --- a daemon -------------------------------------------------------------------------------------------------- */

static void step(daemon *d)
{
    if (d->asleep_till <= kw_now(d->pair->world_keeper.world)) {
        (void)kube_lease_step(d->lease, mono(d), RIG_UNIX + kw_now(d->pair->world_keeper.world));
        (void)kube_fleet_step(d->rig.fleet, kw_now(d->pair->world_keeper.world));
    }
}

/* Between the writes of one, the other lives on. */
static void meanwhile(void *user)
{
    pair *p = ((daemon *)user)->pair;
    for (size_t i = 0; i < DAEMONS; i++) {
        step(&p->d[i]);
    }
}

static void be_born(daemon *d)
{
    pair *p = d->pair;
    const kube_mode mode = p->world_keeper.fleet_spec.mode;
    (void)snprintf(d->identity, sizeof d->identity, "host-%d_%d", (int)(d - p->d), d->life++);
    rig_join(&d->rig, mode, p->config, p->world_keeper.world);
    d->rig.wire = (kube_wire){.self = d, .start = start_call, .cancel = cancel_call, .run = run_calls};
    d->rig.writer_spec.may_write = may_write;
    d->rig.writer_spec.meanwhile = meanwhile;
    d->rig.writer_spec.user = d;
    d->rig.writer_spec.call_timeout = 3 * S;
    d->rig.act_spec.epoch = epoch_of;
    d->rig.act_spec.user = d;
    d->rig.act_spec.told = NULL;
    const kube_lease_spec lease = {.wire = &d->rig.wire,
                                   .server = RIG_PLANE,
                                   .space = "spillway",
                                   .name = "spillwayd",
                                   .identity = d->identity,
                                   .seed = (uint64_t)d->life};
    d->lease = kube_lease_new(&lease);
    assert_non_null(d->lease);
}

static spw_time world_clock(void *user)
{
    return kw_now(((daemon *)user)->pair->world_keeper.world);
}

static void open_eyes(daemon *d)
{
    spw_settings settings;
    spw_err err = {0};
    d->rig.writer_spec.clock = world_clock;
    d->rig.act_spec.clock = world_clock;
    rig_new_hands(&d->rig);
    const spw_actuator inner = kube_act_seam(d->rig.act);
    const guard_spec guards = guard_spec_default();
    d->guard = guard_new(&guards, &inner);
    d->seam = guard_seam(d->guard);
    d->source = kube_source_seam(d->rig.source);
    spw_settings_default(&settings);
    settings.tick = TICK;
    kube_source_room(d->rig.source, &settings);
    settings.pods_max = settings.samples_max = 1000;
    assert_int_equal(spw_core_new(&settings, d->pair->config, spw_mem_libc(), &d->core, &err), SPW_OK);
    assert_int_equal(spw_loop_new(d->core, &d->source, &d->seam, spw_mem_libc(), 64, 8, &d->loop), SPW_OK);
}

static void die(daemon *d)
{
    spw_loop_free(d->loop);
    spw_core_free(d->core);
    guard_free(d->guard);
    kube_lease_free(d->lease);
    rig_stop(&d->rig);
}

static void tick(daemon *d)
{
    const spw_time now = kw_now(d->pair->world_keeper.world);
    if (d->asleep_till > now || d->next_tick > now) {
        return;
    }
    d->next_tick = now + TICK;
    if (may_write(d) && kube_fleet_is_synced(d->rig.fleet)) {
        (void)spw_loop_tick(d->loop, RIG_UNIX + now, NULL);
    }
}

/* --- both ------------------------------------------------------------------------------------------------------ */

static void watch(const pair *p)
{
    const char *trouble = play_trouble(&p->play, p->ready_least, p->replicas_most);
    if (trouble != NULL) {
        fail_msg("%s", trouble);
    }
}

static double between(uint64_t *luck, double low, double high)
{
    return low + (high - low) * jitter_draw(luck);
}

static void misfortune(pair *p)
{
    static const kw_fault faults[] = {KW_REFUSE, KW_RESET, KW_MUTE, KW_DEAF,    KW_HALF, KW_ERROR,
                                      KW_LATE,   KW_BUSY,  KW_DOWN, KW_GARBAGE, KW_STRAY};
    daemon *d = &p->d[(size_t)between(&p->luck, 0, DAEMONS)];
    const spw_time now = kw_now(p->world_keeper.world);
    const spw_dur length = (spw_dur)(between(&p->luck, 1, 30) * (double)S);
    const double what = jitter_draw(&p->luck);
    if (what < 0.5) {
        d->fault = faults[(size_t)between(&p->luck, 0, sizeof faults / sizeof faults[0])];
        d->cut_till = now + length;
    } else if (what < 0.8) {
        d->asleep_till = now + length;
    } else {
        if (what > 0.9) {
            kube_lease_release(d->lease, RIG_UNIX + now);
        }
        die(d);
        be_born(d);
        open_eyes(d);
    }
}

static void live(pair *p, int seconds, bool calm)
{
    kw_world *w = p->world_keeper.world;
    for (int i = 0; i < seconds; i++) {
        const spw_time until = kw_now(w) + S;
        if (!calm && jitter_draw(&p->luck) < 0.04) {
            misfortune(p);
        }
        for (size_t k = 0; calm && k < DAEMONS; k++) {
            p->d[k].asleep_till = p->d[k].cut_till = 0;
        }
        play_step(&p->play);
        watch(p);
        while (kw_now(w) < until) {
            meanwhile(&p->d[0]);
            (void)p->world_keeper.inner.run(p->world_keeper.inner.self, S / 10);
        }
        for (size_t k = 0; k < DAEMONS; k++) {
            tick(&p->d[k]);
        }
    }
}

/* A Karmada fleet: the count that is wanted stands where both can see it. */
static void live_together(uint64_t seed, uint64_t *writes, uint64_t *epochs)
{
    pair p = {.luck = seed, .replicas_most = 6};
    spw_diag *diag = NULL;
    assert_int_equal(spw_diag_new(NULL, 4, &diag), SPW_OK);
    p.set = spw_manifest_new(NULL);
    assert_int_equal(spw_manifest_add_text(p.set, "test", play_manifests, strlen(play_manifests), diag), SPW_OK);
    assert_int_equal(spw_manifest_config(p.set, diag, &p.config), SPW_OK);
    spw_diag_free(diag);
    rig_start_with(&p.world_keeper, KUBE_MODE_KARMADA, p.config);
    play_start(&p.play, &p.world_keeper, 2, 2, 4);
    play_workload(&p.play, "chat", 6);
    for (size_t i = 0; i < DAEMONS; i++) {
        p.d[i] = (daemon){.pair = &p, .rate = between(&p.luck, 0.9, 1.1)};
        p.d[i].zero = (spw_time)(between(&p.luck, 0, 1e6) * (double)S);
        be_born(&p.d[i]);
        open_eyes(&p.d[i]);
    }
    live(&p, 120, true);
    assert_int_equal(play_ready(&p.play, RIG_IDC, "chat"), 6);
    p.ready_least = 6;
    p.replicas_most = 12;
    for (int day = 0; day < 3; day++) {
        play_want(&p.play, "chat", 0, 12);
        live(&p, 150, false);
        play_want(&p.play, "chat", 0, 6);
        live(&p, 150, false);
    }
    live(&p, 240, true);
    assert_int_equal(play_replicas(&p.play, RIG_IDC), 6);
    assert_int_equal(play_replicas(&p.play, RIG_ACK), 0);
    assert_int_equal(play_ready(&p.play, SIZE_MAX, "chat"), 6);
    *writes += p.writes;
    *epochs += p.epochs;
    for (size_t i = 0; i < DAEMONS; i++) {
        die(&p.d[i]);
    }
    rig_stop(&p.world_keeper);
    spw_manifest_free(p.set);
}

static void share_one_service(void **state)
{
    (void)state;
    uint64_t writes = 0, epochs = 0;
    for (uint64_t seed = 1; seed <= 25; seed++) {
        live_together(seed * 104729, &writes, &epochs);
    }
    print_message("%" PRIu64 " writes in %" PRIu64 " leaderships\n", writes, epochs);
    assert_true(writes > 25 * 6 && epochs > 25 * 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(share_one_service)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
