/* SPDX-License-Identifier: Apache-2.0 */
/**
 * owner.h - who owns the replica count of a workload: its scaler with its state, the timetable over its bounds, and the
 * watch for somebody else's hand on the count.
 *
 * A fight is a count in the snapshot that is neither what was there nor what was written, or that changed after the
 * write had shown, or a write that has not shown within promise_ttl. Two within settings.fight_window, and the scaler
 * holds still for that long: of two controllers that pull at one count, one must let go.
 */
#ifndef SCHED_CORE_OWNER_H
#define SCHED_CORE_OWNER_H

#include <spillway/core.h>

#include "core/arena.h"
#include "scale/cron.h"
#include "scale/scaler.h"

typedef struct owner {
    const scaler_class *kind; /**< NULL = nobody owns the count */
    const void *spec;
    void *state;
    const spw_cron *cron; /**< timetable over the bounds of the HPA; NULL = none */
    cron_state bounds;
    int32_t wrote;       /**< last written count, -1 = none to watch */
    int32_t wrote_over;  /**< what it replaced */
    int32_t wrote_prior; /**< written before `wrote` and not shown by then, -1 = none */
    bool shown;          /**< the snapshot has had it since */
    spw_time wrote_at;
    spw_time fought_at; /**< last fight that still counts; SCALER_NEVER = none */
    spw_time frozen_until;
} owner;

/** Finds the owner of a workload in the configuration and makes its state in the arena. */
void owner_layout(owner *o, arena *a, const spw_config *config, spw_id work);

/** Before its first round again, with the same spec. */
void owner_begin(owner *o);

/** Bytes that the saved owner of a workload takes at most. */
size_t owner_save_max(const spw_config *config, spw_id work);

/** @return true while the scaler has to hold still. `current` is the count that the snapshot shows. */
bool owner_is_fought(owner *o, int32_t current, spw_time now, const spw_settings *settings);

/** The plan changes the count. */
void owner_wrote(owner *o, int32_t from, int32_t to, spw_time now);

void owner_put(bytes_out *out, const owner *o);
/** Reads what owner_put() wrote; with apply false only checks what can be checked without changing the state. */
void owner_get(bytes_in *in, owner *o, bool apply);

#endif
