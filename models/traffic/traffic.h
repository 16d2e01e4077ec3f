/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * traffic.h - when requests come, and from whom. Passive: (random stream) in, next request out.
 *
 * The rate of a drawn source is  base(t) x growth(t) x holidays(t) x crowds(t),  in requests per second; the source
 * is a Poisson process of that rate unless it is bursty. Every draw is made in the order of the calls, and a part that
 * is absent draws nothing: adding a crowd to one source moves no draw of another.
 *
 * Specs are checked by whoever reads them; here an impossible one (no rate, empty trace) means "nothing ever comes".
 */
#ifndef MODELS_TRAFFIC_TRAFFIC_H
#define MODELS_TRAFFIC_TRAFFIC_H

#include <gsl/gsl_rng.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/engine/chain.h"
#include "models/traffic/lengths.h"

#define MDL_SHAPE_HOURS 168 /**< a week of hours; hour 0 = Monday 00:00 local time */

typedef enum mdl_arrival_kind {
    MDL_ARRIVAL_POISSON = 1, /**< constant rate */
    MDL_ARRIVAL_DIURNAL = 2, /**< a rate that follows the local hour of the day and day of the week */
    MDL_ARRIVAL_TRACE = 3,   /**< replay */
    MDL_ARRIVAL_RATES = 4    /**< a rate that changes in steps, e.g. one that was measured */
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
    const int64_t *chain_end;     /**< [count] where the blocks of a row's prompt end in `chain`, and those of the next
                                     begin; NULL: the trace lists none */
    const int64_t *chain;         /**< equal ids: the same tokens from the beginning of the prompt to the block's end */
    int32_t chain_tokens;         /**< of each block */
} mdl_trace;

/** per_s[i] requests/s from at_ns[i] on, the last for ever; none before at_ns[0]. Borrowed. */
typedef struct mdl_rates {
    size_t count;
    const int64_t *at_ns; /**< [count] simulated times, ascending */
    const double *per_s;  /**< [count] each >= 0 */
} mdl_rates;

/** The rate multiplies by `factor` in every `over_ns`: factor^(t/over), or linear 1 + (factor - 1) t/over, not below 0.
 */
typedef struct mdl_growth {
    double factor;   /**< >= 0, compound > 0 */
    int64_t over_ns; /**< 0 = no growth */
    bool linear;
} mdl_growth;

/** The rate times `factor` from begin to end, e.g. a holiday by the local clock. Overlapping ones multiply. */
typedef struct mdl_season {
    int64_t begin_ns, end_ns; /**< simulated time; may lie before 0 */
    double factor;            /**< >= 0 */
} mdl_season;

/**
 * A flash crowd: the rate times 1 + (factor - 1) e(t), where e climbs from 0 to 1 in a straight line over rise_ns,
 * stays for hold_ns and falls, in a straight line over decay_ns or (spike) as exp(-t / decay_ns), which is cut off
 * after MDL_CROWD_TAIL of them. These are the phases of Ari, Hong, Miller, Brandt, Long, "Managing flash crowds on the
 * Internet", MASCOTS 2003. Several crowds multiply; one that comes back is two of them.
 */
typedef struct mdl_crowd {
    int64_t at_ns, rise_ns, hold_ns, decay_ns; /**< each >= 0; rise_ns, decay_ns 0 = at once */
    double factor;                             /**< >= 0 */
    bool spike;
} mdl_crowd;
#define MDL_CROWD_TAIL 20

typedef enum mdl_renewal {
    MDL_RENEWAL_POISSON = 0, /**< exponential gaps */
    MDL_RENEWAL_GAMMA = 1,   /**< shape 1 / cv^2 */
    MDL_RENEWAL_WEIBULL = 2  /**< shape k with 1 + cv^2 = Gamma(1 + 2/k) / Gamma(1 + 1/k)^2 */
} mdl_renewal;

/**
 * Burstiness beyond Poisson. Both parts keep the rate as it is on average and may be combined.
 *
 * Renewal: gaps of mean 1 and coefficient of variation cv on the clock of the integrated rate (time change; Cox and
 * Isham, Point Processes, section 4.2), so a gap at night is as much longer as the night is quieter. The first gap is
 * drawn from the equilibrium law, hence E[requests by t] is exactly the integral of the rate. The integral is exact
 * where the rate is constant or a straight line, else the rate is taken as straight between points a minute apart
 * (off by less than 2e-6 of the rate for a day's cosine). Gamma gaps: ServeGen (arXiv 2505.09999) and BurstGPT (arXiv
 * 2401.17644) find such bursts in production traffic.
 *
 * Modulated: a Markov-modulated Poisson process of two states (Fischer and Meier-Hellstern, Performance Evaluation 18,
 * 1993): the rate in bursts is `factor` times that between them; lengths of both are exponential with means on_s and
 * off_s. Begins in equilibrium; factors are scaled to mean 1.
 */
typedef struct mdl_burstiness {
    mdl_renewal renewal;
    double cv;     /**< of the gaps, > 0 */
    double factor; /**< > 0; 0 = not modulated */
    double on_s, off_s;
} mdl_burstiness;

/**
 * Conversations. What the rate counts are requests: conversations begin at rate / mean turns, as drawn by the source's
 * law, and each sends its turns `think` apart: from one sending to the next, whatever the answer takes, so that what
 * comes does not depend on who serves it; or, `answered`, from the answer to one to the sending of the next, so that
 * slow answers make fewer requests, and a turn that comes to nothing is its conversation's last. Each turn's input is
 * all that went before, in and out, and new tokens; the first begins with the system prompt. A conversation whose next
 * turn would not fit max_context ends early. At time 0 none is under way: the rate is reached after about one length of
 * a conversation.
 */
typedef struct mdl_sessions {
    mdl_length_law turns;
    mdl_service_law think;
    bool answered;              /**< it runs from the answer: mdl_arrivals_answered tells when that came */
    const mdl_lengths *lengths; /**< new input of each turn, and its output */
    int32_t system_tokens;      /**< of the source, the same for all conversations */
    int32_t max_context;        /**< tokens in and out; 0 = no bound */
    uint64_t key;               /**< prefix_key of conversation n is key + n */
    /** The stream of one turn of one conversation, so that each keeps its own luck. Valid until called again. */
    gsl_rng *(*luck)(void *self, uint64_t session, int32_t turn);
    void *luck_self;
} mdl_sessions;

/**
 * What comes when.
 *
 * DIURNAL with hours: the rate is constant within each hour of the week. Without hours or shape: a raised cosine over
 * the day, exactly peak_per_s at peak_hour and trough_per_s twelve hours away. With a shape: straight lines between its
 * hourly values, mapped so that the working-day average (Monday to Friday, hour by hour) runs from trough_per_s to
 * peak_per_s; values above the trough are mapped linearly, those below it in proportion (a weekend may lie below the
 * trough but never below zero); a flat shape is peak_per_s. In all cases Saturday and Sunday are then multiplied by
 * weekend_factor: give 1 with a table that has its own weekend.
 *
 * TRACE: a looped trace starts again one mean gap after its last request; a trace whose requests all fall at one
 * instant has no such gap and is played once. Copies of a request come at the same instant. Rows that would fall before
 * time 0 (negative shift) are left out. A row whose blocks the trace lists finds those of them that its replica has
 * (chain), one of a session the blocks of that session, up to its prefix. The prefix of a row with neither was left by
 * nobody knows whom and counts as found by any replica (shared_tokens): what a cache without limit would hold. Copies
 * of a row, by scale or loop, have its blocks and its session. Growth, seasons and crowds multiply trace_scale; burst
 * and sessions do not apply. A looped trace whose growth falls thins out and ends where its scale is no longer above 0
 * as a double, if not before.
 */
typedef struct mdl_arrival_spec {
    mdl_arrival_kind kind;
    double rate_per_s;       /**< POISSON */
    double peak_per_s;       /**< DIURNAL: largest rate of the average working day */
    double trough_per_s;     /**< DIURNAL: smallest rate of that day */
    double peak_hour;        /**< DIURNAL without shape: local hour of the peak, 0..24 */
    double weekend_factor;   /**< DIURNAL: Saturday and Sunday times this */
    const double *shape;     /**< DIURNAL: NULL, or [MDL_SHAPE_HOURS] relative rates, interpolated */
    const double *hours;     /**< DIURNAL: NULL, or [MDL_SHAPE_HOURS] requests/s */
    int64_t local_offset_ns; /**< ns from simulated time 0 back to the preceding Monday 00:00 local time */
    const mdl_rates *rates;  /**< RATES; NULL for any other kind */
    const mdl_trace *trace;  /**< TRACE */
    double trace_scale;     /**< TRACE: each request is replayed scale times on average (2.0 = doubled, 0.5 = halved) */
    int64_t trace_shift_ns; /**< TRACE: simulated time of the first request */
    int trace_loop;         /**< TRACE: 1 = start over at the end */
    uint64_t trace_key;     /**< TRACE: prefix_key of session s is trace_key + s + 1; blocks have names beyond those */
    mdl_growth growth;
    const mdl_season *seasons; /**< [season_count] */
    size_t season_count;
    const mdl_crowd *crowds; /**< [crowd_count] */
    size_t crowd_count;
    mdl_burstiness burst;
    const mdl_sessions *sessions; /**< NULL = every request for itself */
} mdl_arrival_spec;

/** One request as its source knows it. */
typedef struct mdl_arrival {
    int64_t at_ns;         /**< INT64_MAX: no more come, and nothing else is set */
    size_t row;            /**< TRACE: of the trace; SIZE_MAX = drawn */
    int64_t session;       /**< conversation, numbered from 0 within the source; -1 = none */
    int32_t turn;          /**< of the conversation, from 0; -1 = none */
    int32_t turns;         /**< that it may have; 0 = none */
    int32_t shared_tokens; /**< leading input tokens that every request of the source begins with (a system prompt) */
    int32_t prefix_tokens; /**< leading input tokens that earlier turns had in their input or output */
    uint64_t prefix_key; /**< conversation whose KV blocks the next turn can use again; 0 = none. TRACE, of a row with a
                            chain and no session: the name of its first block behind those that all rows have */
    const mdl_chain *chain; /**< TRACE: the blocks of the prompt, as long as the source lives; NULL = not known */
    int32_t input, output;  /**< tokens; 0 = not known to the source: draw them */
    int32_t priority;       /**< TRACE: of the row; 0 = none */
} mdl_arrival;

typedef struct mdl_arrivals mdl_arrivals;
/** Copies spec, borrows all that it points to. NULL: out of memory. */
mdl_arrivals *mdl_arrivals_new(const mdl_arrival_spec *spec);
void mdl_arrivals_free(mdl_arrivals *a); /**< NULL allowed */
/**
 * The next arrival strictly in call order (calls give a non-decreasing sequence from time 0 on).
 * Always pass the same stream. TRACE draws only where a request's scale is not a whole number. With sessions, memory
 * grows with the conversations under way.
 * @return out->at_ns: ns; INT64_MAX when no more come; -1 if memory ran out
 */
int64_t mdl_arrivals_next(mdl_arrivals *a, gsl_rng *r, mdl_arrival *out);
/**
 * The answer to a turn has come, of conversations that go on when they are answered: the next one, if there is to be
 * one, will be sent a think time after that.
 * @param turn  as it was sent: session, turn, turns, input and output
 * @param at_ns of the answer; the next turn may not be due before what has happened already
 * @param next  what mdl_arrivals_next has told last, if it has not happened yet
 * @return 0 = it is still the next one; 1 = another one comes before it: it was taken back, mdl_arrivals_next tells
 *         which, and it again in its turn; -1 = memory ran out
 */
int mdl_arrivals_answered(mdl_arrivals *a, const mdl_arrival *turn, int64_t at_ns, const mdl_arrival *next);
/** Expected rate at a simulated time, requests/s (TRACE: mean rate over the minute around it). */
double mdl_arrivals_rate(const mdl_arrivals *a, int64_t at_ns);

#endif
