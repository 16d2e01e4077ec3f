/* SPDX-License-Identifier: Apache-2.0 */
/** policy_knobs.h - our own annotations of a PropagationPolicy; spillway/manifest.h lists them. */
#ifndef SCHED_MANIFEST_POLICY_KNOBS_H
#define SCHED_MANIFEST_POLICY_KNOBS_H

#include "sched/manifest/manifest_int.h"

#define POLICY_COMPAT   "spillway.dev/compat"
#define POLICY_ROUNDING "spillway.dev/rounding"

/** Applies the annotations in spillway.dev/ to a policy that holds its defaults. @return false = errors added. */
bool policy_knobs_read(bind *b, const km_meta *meta, spw_policy *policy);

#endif
