/* SPDX-License-Identifier: Apache-2.0 */
/**
 * keda.h - a KEDA ScaledObject: two parts that KEDA keeps in two controllers.
 *
 * Every polling_s the triggers are read and the scale executor decides about 0 and idle:
 *     active, at 0, or below replicas_min with an idle count      -> max(replicas_min, 1)
 *     blind: every trigger unreadable more than failures_max times -> the fallback count
 *     some failed (no fallback), none active                      -> nothing
 *     inactive, cool-down over, above idle (or above 0 with min 0) -> idle (or 0)
 *     inactive, below replicas_min, no idle count                 -> replicas_min
 * Every sync_s, above 0 and not asleep at the idle count, the HPA decides between max(replicas_min, 1) and
 * replicas_max. A trigger with too many failed reads shows it the value that asks for exactly the fallback count.
 */
#ifndef SCHED_SCALE_KEDA_H
#define SCHED_SCALE_KEDA_H

#include "scale/scaler.h"

typedef struct keda_state keda_state;

size_t keda_size(const spw_keda *spec);
void keda_init(keda_state *state, const spw_keda *spec);
/** in->readings has one External reading for each trigger, with pods for VALUE targets. Called in every tick. */
void keda_decide(const spw_keda *spec, keda_state *state, const scaler_input *in, scaler_result *out);

#endif
