/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * replay.c - requests of a trace once more.
 *
 * Walks the columns. With a fractional scale, the rows that get one more copy are chosen independently; the distance to
 * the next of them is geometric and drawn directly, which keeps tiny scales cheap. Where the scale varies in time,
 * every row is decided by itself; once it stays tiny, rows are drawn so with the most that it can still be, and each is
 * kept with the share of that which its own scale is. The law is the same, and a loop that fades away comes to its end.
 */
#include "models/traffic/arrivals_int.h"

#include <math.h>
#include <stdlib.h>

#include "models/random/variates.h"

#define NEVER       ARRIVALS_NEVER
#define HALF_MIN_NS INT64_C(30000000000)
#define COPIES_MAX  1e15
#define CHAIN_KEYS  ((uint64_t)INT64_MAX + 1) /* beyond the numbers of all sessions */
#define RARE        1e-3                      /* copies of a row: below it, rows without one are passed over at once */

/* Rows of the trace with at_ns < x. */
static size_t rows_before(const mdl_trace *t, int64_t x)
{
    size_t low = 0;
    size_t high = t->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (t->at_ns[middle] < x) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Moves the time of row 0 on by `times` periods. False if that leaves int64. */
static bool move_base(replay *p, uint64_t times)
{
    int64_t shift = 0;
    if (times > (uint64_t)INT64_MAX || __builtin_mul_overflow((int64_t)times, p->period_ns, &shift)) {
        return false;
    }
    return !__builtin_add_overflow(p->base_ns, shift, &p->base_ns);
}

/* The first row at simulated time 0 or later. */
static void skip_the_past(replay *p)
{
    if (p->base_ns >= 0) {
        return;
    }
    int64_t past = p->base_ns == INT64_MIN ? INT64_MAX : -p->base_ns;
    if (p->period_ns > 0) {
        p->base_ns += past / p->period_ns * p->period_ns;
        past %= p->period_ns;
    }
    p->row = rows_before(p->spec->trace, past);
}

/* Leading blocks that two chains have in common, at most `most`. */
static int32_t in_common(const mdl_chain *a, const mdl_chain *b, int32_t most)
{
    int32_t n = 0;
    while (n < most && n < a->count && n < b->count && a->ids[n] == b->ids[n]) {
        n++;
    }
    return n;
}

/* Each row's blocks, and what all rows that have some begin with. False: no memory. */
static bool lay_chains(replay *p)
{
    const mdl_trace *t = p->spec->trace;
    const mdl_chain *first = NULL;
    if (t->chain_end == NULL) {
        return true;
    }
    p->chains = malloc(t->count * sizeof *p->chains);
    if (p->chains == NULL) {
        return false;
    }
    for (size_t i = 0; i < t->count; i++) {
        const int64_t begin = i > 0 ? t->chain_end[i - 1] : 0;
        p->chains[i] = (mdl_chain){.ids = t->chain + begin,
                                   .key = p->spec->trace_key + CHAIN_KEYS,
                                   .count = (int32_t)(t->chain_end[i] - begin),
                                   .block_tokens = t->chain_tokens};
        if (p->chains[i].count > 0) {
            p->common = first == NULL ? INT32_MAX : in_common(first, &p->chains[i], p->common);
            first = first == NULL ? &p->chains[i] : first;
        }
    }
    return true;
}

void replay_fini(replay *p)
{
    free(p->chains);
}

bool replay_start(replay *p, const mdl_arrival_spec *spec)
{
    const mdl_trace *t = spec->trace;
    double scale = spec->trace_scale;
    *p = (replay){.spec = spec, .varies = rate_varies(spec)};
    p->empty = t == NULL || t->count == 0 || !(scale > 0.0) || !(scale < COPIES_MAX);
    if (p->empty || !lay_chains(p)) {
        return p->empty;
    }
    p->whole = (uint64_t)scale;
    p->fraction = scale - (double)p->whole;
    p->base_ns = p->spec->trace_shift_ns;
    int64_t span = t->at_ns[t->count - 1];
    if (p->spec->trace_loop && span > 0) {
        int64_t gap = span / (int64_t)(t->count - 1);
        p->period_ns = span > NEVER - 1 - gap ? 0 : span + (gap > 0 ? gap : 1);
    }
    skip_the_past(p);
    return true;
}

/* Makes p->row < count, looping if the trace loops. False at the end of everything. */
static bool settle_row(replay *p, uint64_t ahead)
{
    size_t count = p->spec->trace->count;
    if (ahead > UINT64_MAX - p->row) {
        return false;
    }
    uint64_t row = p->row + ahead;
    if (row >= count) {
        if (p->period_ns == 0 || !move_base(p, row / count)) {
            return false;
        }
        row %= count;
    }
    p->row = (size_t)row;
    return true;
}

/* Rows without a copy before one that has it, each with this probability. */
static uint64_t draw_skip(double fraction, gsl_rng *r)
{
    double rows = floor(mdl_ran_exponential(r) / -log1p(-fraction));
    return rows < 9e18 ? (uint64_t)rows : UINT64_MAX / 2;
}

/* Copies of the row that comes next; with a scale below 1, walks to the next row that has one. False at the end. */
static bool next_copies(replay *p, gsl_rng *r)
{
    p->copies = p->whole;
    uint64_t ahead = 0;
    if (p->fraction > 0.0) {
        if (!p->skip_known) {
            p->skip = draw_skip(p->fraction, r);
            p->skip_known = true;
        }
        if (p->whole == 0) {
            ahead = p->skip;
            p->skip = 0;
        }
        if (p->skip == 0) {
            p->copies++;
            p->skip_known = false;
        } else {
            p->skip--;
        }
    }
    return settle_row(p, ahead);
}

/* Scale of the row `ahead` of the next one, which it makes the next; *at_ns: its time. False at the end. */
static bool scale_ahead(replay *p, uint64_t ahead, int64_t *at_ns, double *scale)
{
    if (!settle_row(p, ahead) || __builtin_add_overflow(p->base_ns, p->spec->trace->at_ns[p->row], at_ns) ||
        rate_over(p->spec, *at_ns)) {
        return false;
    }
    *scale = fmin(p->spec->trace_scale * rate_multiplier(p->spec, *at_ns), COPIES_MAX);
    return true;
}

/* The same where every row has a scale of its own. */
static bool next_copies_varying(replay *p, gsl_rng *r)
{
    do {
        int64_t at_ns = 0;
        double scale = 0.0;
        if (!scale_ahead(p, 0, &at_ns, &scale)) {
            return false;
        }
        const double most = scale < RARE ? p->spec->trace_scale * rate_most(p->spec, at_ns) : COPIES_MAX;
        if (most < RARE) {
            if (!(most > 0.0) || !scale_ahead(p, draw_skip(most, r), &at_ns, &scale)) {
                return false;
            }
            scale = fmin(scale / most, 1.0);
        }
        p->copies = (uint64_t)scale;
        const double more = scale - (double)p->copies;
        p->copies += more > 0.0 && mdl_ran_uniform_pos(r) < more;
        p->row++;
    } while (p->copies == 0);
    p->row--;
    return true;
}

static int32_t least_one(int32_t tokens)
{
    return tokens > 1 ? tokens : 1;
}

/* Whose KV blocks a row can use again. */
static void describe_prefix(const replay *p, mdl_arrival *out)
{
    const mdl_trace *t = p->spec->trace;
    const mdl_chain *chain = p->chains != NULL && p->chains[out->row].count > 0 ? &p->chains[out->row] : NULL;
    if (t->session != NULL && t->session[out->row] >= 0) {
        out->session = t->session[out->row];
        out->prefix_key = p->spec->trace_key + (uint64_t)out->session + 1;
    }
    if (chain != NULL) {
        const int32_t last = chain->count - 1;
        out->chain = chain;
        out->prefix_key =
            out->session >= 0 ? out->prefix_key : mdl_chain_name(chain, p->common < last ? p->common : last);
    } else if (t->prefix_tokens != NULL) {
        *(out->session >= 0 ? &out->prefix_tokens : &out->shared_tokens) = t->prefix_tokens[out->row];
    }
}

/* All that the trace says of a row. */
static void describe(const replay *p, mdl_arrival *out)
{
    const mdl_trace *t = p->spec->trace;
    if (t->input_tokens != NULL) {
        out->input = least_one(t->input_tokens[out->row]);
        out->output = least_one(t->output_tokens[out->row]);
    }
    describe_prefix(p, out);
    if (t->priority != NULL) {
        out->priority = t->priority[out->row];
    }
}

int64_t replay_next(replay *p, gsl_rng *r, mdl_arrival *out)
{
    if (p->copies == 0) {
        const bool more = p->varies ? next_copies_varying(p, r) : next_copies(p, r);
        if (!more || __builtin_add_overflow(p->base_ns, p->spec->trace->at_ns[p->row], &p->copy_at)) {
            return NEVER;
        }
        p->row++;
    }
    p->copies--;
    out->row = p->row - 1;
    describe(p, out);
    return p->copy_at;
}

/* Requests of the unscaled trace before simulated time x. */
static double trace_before(const replay *p, int64_t x)
{
    const mdl_trace *t = p->spec->trace;
    if (x <= p->spec->trace_shift_ns) {
        return 0.0;
    }
    int64_t since = 0;
    if (__builtin_sub_overflow(x, p->spec->trace_shift_ns, &since)) {
        since = INT64_MAX;
    }
    double rounds = 0.0;
    if (p->period_ns > 0) {
        rounds = (double)(since / p->period_ns);
        since %= p->period_ns;
    }
    return rounds * (double)t->count + (double)rows_before(t, since);
}

double replay_rate(const replay *p, int64_t at_ns)
{
    const mdl_trace *t = p->spec->trace;
    if (t == NULL || t->count == 0 || !(p->spec->trace_scale > 0.0)) {
        return 0.0;
    }
    const int64_t middle = at_ns > NEVER - HALF_MIN_NS ? NEVER - HALF_MIN_NS : at_ns;
    const double rows = trace_before(p, middle + HALF_MIN_NS) - trace_before(p, middle - HALF_MIN_NS);
    return p->spec->trace_scale * rows / 60.0 * rate_multiplier(p->spec, at_ns);
}
