/* SPDX-License-Identifier: Apache-2.0 */
/**
 * scaler.h - what every owner of a replica count looks like to the core: one descriptor for each kind.
 *
 *     (spec, what is seen now, state) -> (replicas wanted, why), state
 *
 * Pure: no clock, no allocation, no globals. `state` is memory of size(spec) bytes aligned for any type, owned by the
 * core, which never moves it; it may point into itself and into the spec, which outlives it.
 */
#ifndef SCHED_SCALE_SCALER_H
#define SCHED_SCALE_SCALER_H

#include <spillway/autoscale.h>
#include <spillway/plan.h>

#include "scale/hpa.h"

#define SCALER_NEVER INT64_MIN /**< a clock that does not run */

typedef struct scaler_input {
    spw_time now;
    spw_time unix_ns;            /**< the same instant in Unix time */
    spw_dur patience;            /**< how long a write that does not show is believed and repeated */
    int32_t current;             /**< spec.replicas of the template */
    int32_t pods;                /**< that exist */
    int32_t assigned;            /**< sum over ready clusters */
    bool by_reference;           /**< counts are in replicas on the reference GPU class, pods are copies */
    const hpa_reading *readings; /**< one for each metric, in their order */
} scaler_input;

typedef struct scaler_result {
    int32_t desired;
    spw_reason reason; /**< SPW_WHY_NONE = nothing new: the reason of the count stays what it was */
} scaler_result;

typedef struct scaler_class {
    const char *name;
    bool fresh_only; /**< a value or sample older than stale_after is none */
    bool steady;     /**< asks for its count all the time, so that another writer is an opponent */
    size_t (*size)(const void *spec);
    void (*init)(void *state, const void *spec);
    /** Metrics that `readings` must answer; *count may be 0. */
    const spw_hpa_metric *(*metrics)(const void *spec, const void *state, size_t *count);
    int32_t (*sync_s)(const void *spec); /**< 0 = asked in every tick */
    void (*decide)(const void *spec, void *state, const scaler_input *in, scaler_result *out);
    /** The plan carries `to`; told only when it differs from `from`. May be NULL. */
    void (*record)(void *state, spw_time now, int32_t from, int32_t to);
    /** What was asked for before this state began, oldest first. NULL = that means nothing to it; so do steps then. */
    void (*recall)(void *state, spw_time at, int32_t recommended);
    size_t (*save_size)(const void *state); /**< at most twice size(spec) */
    spw_rc (*save)(const void *state, void *buf, size_t size);
    /** @return SPW_OK with *used; SPW_STATE with the content it had */
    spw_rc (*load)(void *state, const void *buf, size_t size, size_t *used);
} scaler_class;

extern const scaler_class scaler_hpa;      /**< spec: spw_hpa */
extern const scaler_class scaler_cron;     /**< spec: spw_cron */
extern const scaler_class scaler_keda;     /**< spec: spw_keda */
extern const scaler_class scaler_queue;    /**< spec: spw_queue */
extern const scaler_class scaler_forecast; /**< spec: spw_forecast */

/** The class of a kind and the spec it takes; NULL for a kind that does not exist. */
const scaler_class *scaler_class_of(const spw_scaler *scaler, const void **spec);

/**
 * @return NULL if the knobs of a scaler make sense, else a static sentence. Targets and metric names are not looked at;
 *         durations are within ten years.
 */
const char *scaler_check(const spw_scaler *scaler);

#endif
