/* SPDX-License-Identifier: GPL-3.0-or-later */
/** arrivals_int.h - the parts of mdl_arrivals: a rate walked piece by piece, gaps on its clock, replay, conversations.
 */
#ifndef MODELS_TRAFFIC_ARRIVALS_INT_H
#define MODELS_TRAFFIC_ARRIVALS_INT_H

#include "models/traffic/traffic.h"

#define ARRIVALS_NEVER INT64_MAX

/* ---- week.c ---- */

/** One local hour of the week. Rates in 1/s. */
typedef struct rate_hour {
    double low, high;  /**< extremes within the hour */
    double start, end; /**< at its two ends; a shape is a straight line between them */
} rate_hour;

void week_fill(const mdl_arrival_spec *spec, rate_hour *hours);
bool week_is_cosine(const mdl_arrival_spec *spec);
/** Rate `offset` ns into hour `hour` of the week. */
double week_rate(const mdl_arrival_spec *spec, const rate_hour *hours, int hour, double offset);
/** ns since Monday 00:00 local time */
int64_t week_position(const mdl_arrival_spec *spec, int64_t at_ns);

/* ---- rate.c ---- */

/** A factor of the rate within a piece, x ns after its begin: base + slope x, or base + size exp(slope x). */
typedef struct rate_factor {
    double base, size, slope;
} rate_factor;

/**
 * The rate, and the piece of it that is being walked: part of one hour of the local week in which every factor is a
 * straight line or an exponential, and so has its extremes at the ends.
 */
typedef struct rate_walk {
    const mdl_arrival_spec *spec;
    double share;       /**< of the base: conversations for each request */
    int64_t begin_ns;   /**< of the piece */
    double length;      /**< ns */
    double low, high;   /**< of the rate within it, requests/s */
    double ns_per_unit; /**< 1e9 / high: candidate gap per unit exponential; 0 if high is 0 */
    int hour;           /**< of the week */
    double into_hour;   /**< ns from its begin to begin_ns */
    bool straight;      /**< the rate is a straight line within the piece */
    double scale;       /**< product of the constant factors */
    rate_factor *factors;
    size_t factor_count;
    bool busy;         /**< modulated: within a burst */
    int64_t switch_ns; /**< modulated: end of the present state */
    rate_hour hours[MDL_SHAPE_HOURS];
} rate_walk;

/** @return NULL: out of memory. Borrows spec. */
rate_walk *rate_new(const mdl_arrival_spec *spec, double share);
void rate_free(rate_walk *c); /**< NULL allowed */
/** Some hour or step has a rate. */
bool rate_any(const rate_walk *c);
/** To the piece that holds time 0. @return ns of time 0 into it */
double rate_begin(rate_walk *c, gsl_rng *r);
/** To the next piece. False at the end of time. */
bool rate_next_piece(rate_walk *c, gsl_rng *r);
/** Rate x ns into the piece, x up to and including its length (where it is the limit from within). */
double rate_within(const rate_walk *c, double x);
/** Expected rate at a time. */
double rate_at(const rate_walk *c, int64_t at_ns);
/** growth x seasons x crowds at a time, and the rate of the step that holds it. */
double rate_multiplier(const mdl_arrival_spec *spec, int64_t at_ns);
/** What rate_multiplier never exceeds from a time on, of a source without steps. */
double rate_most(const mdl_arrival_spec *spec, int64_t at_ns);
/** Nothing comes any more: a linear growth downwards has reached 0, or steps have ended with 0. */
bool rate_over(const mdl_arrival_spec *spec, int64_t at_ns);
/** rate_multiplier is something else than 1 at times. */
static inline bool rate_varies(const mdl_arrival_spec *spec)
{
    return spec->growth.over_ns > 0 || spec->season_count > 0 || spec->crowd_count > 0 || spec->rates != NULL;
}

/* ---- renewal.c ---- */

/** Gaps with mean 1 and a given coefficient of variation. */
typedef struct renewal {
    mdl_renewal law;
    double shape, scale;
} renewal;
renewal renewal_of(mdl_renewal law, double cv);
double renewal_gap(const renewal *g, gsl_rng *r);
/** Time from an instant chosen at random to the next arrival: density (1 - F(x)) / mean. */
double renewal_first(const renewal *g, gsl_rng *r);

/* ---- replay.c ---- */

typedef struct replay {
    const mdl_arrival_spec *spec;
    bool varies;
    int64_t base_ns; /**< time of row 0 */
    size_t row;      /**< next row */
    uint64_t whole;  /**< copies that every row gets */
    double fraction; /**< probability of one more */
    uint64_t skip;   /**< rows before the next one with one more */
    bool skip_known;
    uint64_t copies; /**< of row-1, still to come */
    int64_t copy_at;
    int64_t period_ns; /**< 0 = played once */
    mdl_chain *chains; /**< [count] NULL = the trace lists no blocks */
    int32_t common;    /**< leading blocks that all rows with blocks have */
    bool empty;        /**< nothing ever comes */
} replay;
/** False: out of memory. */
bool replay_start(replay *p, const mdl_arrival_spec *spec);
void replay_fini(replay *p);
/** Sets time, row and tokens. */
int64_t replay_next(replay *p, gsl_rng *r, mdl_arrival *out);
double replay_rate(const replay *p, int64_t at_ns);

/* ---- sessions.c ---- */

/** A turn that is to come. */
typedef struct sessions_turn {
    int64_t at_ns, session;
    int32_t turn, turns;
    int32_t input, output;
    int32_t before; /**< tokens of the turns before */
} sessions_turn;

/** Its place in an order by time, conversation. */
typedef struct sessions_wait {
    int64_t at_ns, session;
    uint32_t turn; /**< index in sessions.turns */
} sessions_wait;

#define SESSIONS_BUCKETS  512u /* a power of two */
#define SESSIONS_WIDTH_NS (UINT64_C(1) << 27)

/**
 * Conversations under way. Turns due before open_ns stand in a heap; of the SESSIONS_BUCKETS spans of time after it
 * each has a list without an order; later ones stand in a heap of their own. So only the few of one span are ordered at
 * a time, and a turn that waits is touched when it comes and when its span opens.
 */
typedef struct sessions {
    const mdl_sessions *spec;
    sessions_turn *turns;        /**< [cap] */
    uint32_t *next;              /**< [cap] in its list, + 1; 0 = last */
    sessions_wait *soon, *later; /**< heaps, room for cap in each */
    size_t soon_count, listed, later_count;
    uint32_t cap, unused;              /**< unused: list of free rows, as below */
    uint32_t bucket[SESSIONS_BUCKETS]; /**< first row of its list, + 1; 0 = none */
    uint64_t open_ns;                  /**< a multiple of SESSIONS_WIDTH_NS */
    int64_t begun;                     /**< conversations */
    int64_t start_ns;                  /**< when the next begins */
    bool start_known;
} sessions;
void sessions_fini(sessions *s);
/** The first turn of a conversation that begins at at_ns, or the earliest that waits, into *out. */
int64_t sessions_begin(sessions *s, int64_t at_ns, mdl_arrival *out);
int64_t sessions_go_on(sessions *s, mdl_arrival *out);
/** A turn was answered: the next one waits, if there is to be one. False: no memory. */
bool sessions_answered(sessions *s, const mdl_arrival *turn, int64_t at_ns);
/** A turn that was given out waits again. False: no memory. */
bool sessions_put_back(sessions *s, const mdl_arrival *turn);
/** When the earliest of those that wait is due; ARRIVALS_NEVER = none. */
static inline int64_t sessions_due(const sessions *s)
{
    return s->soon_count > 0 ? s->soon[0].at_ns : ARRIVALS_NEVER;
}

#endif
