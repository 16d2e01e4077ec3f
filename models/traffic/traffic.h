/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * traffic.h - when requests come and how long they are. Passive: (random stream) in, next time out.
 *
 * Specs are checked by whoever reads them; here an impossible one (no rate, empty trace) means "nothing ever comes".
 */
#ifndef MODELS_TRAFFIC_TRAFFIC_H
#define MODELS_TRAFFIC_TRAFFIC_H

#include <gsl/gsl_rng.h>
#include <stddef.h>
#include <stdint.h>

#define MDL_SHAPE_HOURS 168 /**< a week of hours; hour 0 = Monday 00:00 local time */

typedef enum mdl_arrival_kind {
    MDL_ARRIVAL_POISSON = 1, /**< constant rate */
    MDL_ARRIVAL_DIURNAL = 2, /**< Poisson with a rate that follows the local hour of the day and day of the week */
    MDL_ARRIVAL_TRACE = 3    /**< replay */
} mdl_arrival_kind;

/** Requests of a trace as columns, e.g. mapped from an imported file. Borrowed. */
typedef struct mdl_trace {
    size_t count;
    const int64_t *at_ns;         /**< [count] since the trace's first request, non-decreasing */
    const int32_t *input_tokens;  /**< [count]; both NULL: of no matter, as for a station */
    const int32_t *output_tokens; /**< [count] below 1 counts as 1 */
    const int64_t *session;       /**< conversation, -1 = none; NULL: the trace does not say */
    const int32_t *prefix_tokens; /**< leading input tokens that earlier requests had; NULL likewise */
    const int32_t *priority;      /**< NULL likewise */
} mdl_trace;

/**
 * What comes when.
 *
 * DIURNAL without a shape: a raised cosine over the day, exactly peak_per_s at peak_hour and trough_per_s twelve hours
 * away. With a shape: straight lines between its hourly values, mapped so that the working-day average (Monday to
 * Friday, hour by hour) runs from trough_per_s to peak_per_s; values above the trough are mapped linearly, those below
 * it in proportion (a weekend may lie below the trough but never below zero); a flat shape is peak_per_s. In both cases
 * Saturday and Sunday are then multiplied by weekend_factor: give 1 with a shape that has its own weekend.
 *
 * TRACE: a looped trace starts again one mean gap after its last request; a trace whose requests all fall at one
 * instant has no such gap and is played once. Copies of a request come at the same instant. Rows that would fall before
 * time 0 (negative shift) are left out.
 */
typedef struct mdl_arrival_spec {
    mdl_arrival_kind kind;
    double rate_per_s;       /**< POISSON */
    double peak_per_s;       /**< DIURNAL: largest rate of the average working day */
    double trough_per_s;     /**< DIURNAL: smallest rate of that day */
    double peak_hour;        /**< DIURNAL without shape: local hour of the peak, 0..24 */
    double weekend_factor;   /**< DIURNAL: Saturday and Sunday times this */
    const double *shape;     /**< DIURNAL: NULL = raised cosine; else [MDL_SHAPE_HOURS] relative rates, interpolated */
    int64_t local_offset_ns; /**< ns from simulated time 0 back to the preceding Monday 00:00 local time */
    const mdl_trace *trace;  /**< TRACE */
    double trace_scale;     /**< TRACE: each request is replayed scale times on average (2.0 = doubled, 0.5 = halved) */
    int64_t trace_shift_ns; /**< TRACE: simulated time of the first request */
    int trace_loop;         /**< TRACE: 1 = start over at the end */
} mdl_arrival_spec;

/** One request as its source knows it. */
typedef struct mdl_arrival {
    int64_t at_ns;         /**< INT64_MAX: no more come, and nothing else is set */
    size_t row;            /**< TRACE: of the trace; SIZE_MAX = drawn */
    int64_t session;       /**< conversation, numbered from 0 within the source; -1 = none */
    int32_t turn;          /**< of the conversation, from 0; -1 = none */
    int32_t shared_tokens; /**< leading input tokens that every request of the source begins with (a system prompt) */
    int32_t prefix_tokens; /**< leading input tokens that earlier turns had in their input or output */
    uint64_t prefix_key;   /**< conversation whose KV blocks the next turn can use again; 0 = none */
    int32_t input, output; /**< tokens; 0 = not known to the source: draw them */
} mdl_arrival;

typedef struct mdl_arrivals mdl_arrivals;
mdl_arrivals *mdl_arrivals_new(const mdl_arrival_spec *spec); /**< copies spec, borrows shape and trace; NULL: memory */
void mdl_arrivals_free(mdl_arrivals *a);                      /**< NULL allowed */
/**
 * The next arrival strictly in call order (calls give a non-decreasing sequence from time 0 on).
 * Always pass the same stream. TRACE draws only if trace_scale is not a whole number.
 * @return out->at_ns: ns, or INT64_MAX when no more come
 */
int64_t mdl_arrivals_next(mdl_arrivals *a, gsl_rng *r, mdl_arrival *out);
/** Rate at a simulated time, requests/s (TRACE: mean rate over the minute around it). */
double mdl_arrivals_rate(const mdl_arrivals *a, int64_t at_ns);

typedef enum mdl_length_kind {
    MDL_LENGTH_FIXED = 1,
    MDL_LENGTH_LOGNORMAL = 2,
    MDL_LENGTH_EMPIRICAL = 3
} mdl_length_kind;

/** A law of token counts, always clipped to [min, max]. */
typedef struct mdl_length_law {
    mdl_length_kind kind;
    int32_t fixed;
    double median, sigma;  /**< LOGNORMAL: exp(N(ln median, sigma)) rounded */
    const int32_t *values; /**< EMPIRICAL: drawn uniformly; borrowed */
    size_t value_count;    /**< EMPIRICAL: > 0 */
    int32_t min, max;
} mdl_length_law;
int32_t mdl_length_draw(const mdl_length_law *law, gsl_rng *r);
/** Shortest and longest that can be drawn. */
void mdl_length_bounds(const mdl_length_law *law, int32_t *least, int32_t *most);
/** What the clipping does to a law. */
typedef struct mdl_length_cut {
    double raised, lowered; /**< share of the draws that lie below min, and above max, 0..1 */
} mdl_length_cut;
mdl_length_cut mdl_length_clipping(const mdl_length_law *law);

typedef enum mdl_service_kind {
    MDL_SERVICE_FIXED = 1,
    MDL_SERVICE_EXPONENTIAL = 2,
    MDL_SERVICE_LOGNORMAL = 3,
    MDL_SERVICE_ERLANG = 4,
    MDL_SERVICE_HYPEREXP = 5,
    MDL_SERVICE_MEASURED = 6
} mdl_service_kind;
/**
 * Service time of a station request. mean_s > 0; cv2 = squared coefficient of variation where free (LOGNORMAL > 0,
 * HYPEREXP >= 1: two branches with balanced means); stages >= 1 for ERLANG. MEASURED draws from value_count >= 1 values
 * (not copied), each as likely as any other; its mean_s is theirs.
 */
typedef struct mdl_service_law {
    mdl_service_kind kind;
    double mean_s, cv2;
    int32_t stages;
    const double *values_s;
    size_t value_count;
} mdl_service_law;
int64_t mdl_service_draw(const mdl_service_law *law, gsl_rng *r); /**< ns, >= 0 */

#endif
