/* SPDX-License-Identifier: Apache-2.0 */
/** policy_knobs.c - one row per annotation; the values go through the same readers as every other key. */
#include "sched/manifest/policy_knobs.h"

#include <string.h>

#define MOVES_MAX 1000000

typedef struct knobs {
    int32_t failback;
    int64_t failback_window_ns;
    int32_t moves_per_tick;
    int64_t move_deadline_ns;
    int64_t provision_deadline_ns;
    int64_t node_unneeded_ns;
    int32_t step_major;
    int32_t partial;
    int32_t elastic;
} knobs;

static const bind_name failback_names[] = {{"never", SPW_FAILBACK_NEVER},
                                           {"on-resize", SPW_FAILBACK_ON_RESIZE},
                                           {"automatic", SPW_FAILBACK_AUTOMATIC},
                                           {NULL, 0}};
static const bind_name step_names[] = {
    {"per-tier", SPW_STEP_PER_TIER}, {"per-cluster", SPW_STEP_PER_CLUSTER}, {"global", SPW_STEP_GLOBAL}, {NULL, 0}};
static const bind_name bool_names[] = {{"true", 1}, {"false", 0}, {NULL, 0}};

#define KNOB(name) .key = "spillway.dev/" name
#define DURATION_KNOB(name, member, low)                                                                               \
    {                                                                                                                  \
        KNOB(name), .kind = BIND_DURATION, .range = (low), .min = 0, BIND_AT(knobs, member)                            \
    }

static const bind_field knob_fields[] = {
    {KNOB("failback"), .kind = BIND_ENUM, .names = failback_names, BIND_AT(knobs, failback)},
    DURATION_KNOB("failback-window", failback_window_ns, BIND_MIN),
    {KNOB("moves-per-tick"), .kind = BIND_INT32, .range = BIND_MIN | BIND_MAX, .min = 0, .max = MOVES_MAX,
     BIND_AT(knobs, moves_per_tick)},
    DURATION_KNOB("move-deadline", move_deadline_ns, BIND_ABOVE),
    DURATION_KNOB("provision-deadline", provision_deadline_ns, BIND_ABOVE),
    DURATION_KNOB("node-unneeded", node_unneeded_ns, BIND_MIN),
    {KNOB("step-major"), .kind = BIND_ENUM, .names = step_names, BIND_AT(knobs, step_major)},
    {KNOB("partial"), .kind = BIND_ENUM, .names = bool_names, BIND_AT(knobs, partial)},
    {KNOB("elastic"), .kind = BIND_ENUM, .names = bool_names, BIND_AT(knobs, elastic)},
};

#define KNOB_COUNT (sizeof(knob_fields) / sizeof(knob_fields[0]))

bool policy_knobs_read(bind *b, const km_meta *meta, spw_policy *policy)
{
    const char *known[KNOB_COUNT + 1];
    knobs k = {
        .failback = (int32_t)policy->failback,
        .failback_window_ns = policy->failback_window,
        .moves_per_tick = policy->moves_per_tick,
        .move_deadline_ns = policy->move_deadline,
        .provision_deadline_ns = policy->provision_deadline,
        .node_unneeded_ns = policy->node_unneeded,
        .step_major = (int32_t)policy->step_major,
        .partial = policy->partial ? 1 : 0,
        .elastic = policy->elastic ? 1 : 0,
    };
    bool ok;

    for (size_t i = 0; i < KNOB_COUNT; i++) {
        known[i] = knob_fields[i].key;
    }
    known[KNOB_COUNT] = NULL;
    ok = km_check_annotations(b, meta->annotations, meta->annotation_count, known);
    for (size_t i = 0; i < KNOB_COUNT; i++) {
        const bind_pair *pair = km_find(meta->annotations, meta->annotation_count, knob_fields[i].key);

        if (pair != NULL) {
            ynode plain = *pair->node; /* an annotation is always quoted, so its text may be any kind of value */

            plain.quoted = false;
            ok = bind_scalar(b, &knob_fields[i], &plain, (char *)&k + knob_fields[i].offset) && ok;
        }
    }
    policy->failback = (spw_failback)k.failback;
    policy->failback_window = k.failback_window_ns;
    policy->moves_per_tick = k.moves_per_tick;
    policy->move_deadline = k.move_deadline_ns;
    policy->provision_deadline = k.provision_deadline_ns;
    policy->node_unneeded = k.node_unneeded_ns;
    policy->step_major = (spw_step_major)k.step_major;
    policy->partial = k.partial != 0;
    policy->elastic = k.elastic != 0;
    return ok;
}
