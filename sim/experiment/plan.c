/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plan.c - screening and allocation of runs; see plan.h. Knobs and what is read off a plan: plan_words.c. */
#include "sim/experiment/plan.h"
#include "sim/stats/prior.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/stats/output.h"

enum { NEIGHBOURS_OF = 8, STEP_MIN = 4, VOUCHERS = 12 };

/* What is known of one figure of a point, or of a point's way past a condition. */
typedef struct estimate {
    double mean, sd; /* of one run */
    int32_t runs;
    double freedom; /* of sd */
} estimate;

typedef struct search {
    plan *p;
    stat_prior *priors;     /* [metrics] of variances within points; where relative: of values over their mean */
    bool *relative;         /* [metrics] every value so far is positive */
    stat_prior prior_apart; /* of the cost of a point less that of the best, run by run */
    double *squares;        /* [points] room for what a prior is made of */
    int32_t *freedoms;
    trial *list;
    double *values, *need;
    sc_scenario **settings;
    char *err;
    size_t err_size;
} search;

static void tally_of(const plan *p, int32_t point, int32_t metric, stat_tally *t)
{
    const plan_point *at = &p->points[point];
    stat_tally_init(t);
    for (int32_t r = 0; r < at->runs; r++) {
        stat_tally_add(t, at->values[r * p->metrics + metric]);
    }
}

double plan_mean(const plan *p, int32_t point, int32_t metric)
{
    stat_tally t;
    tally_of(p, point, metric, &t);
    return t.n > 0 ? t.mean : (double)NAN;
}

double plan_half(const plan *p, int32_t point, int32_t metric)
{
    stat_tally t;
    tally_of(p, point, metric, &t);
    return stat_student_half_width(&t, 0.95);
}

bool plan_feasible(const plan *p, int32_t point)
{
    for (int32_t k = 0; k < p->options->slo_count; k++) {
        if (!check_holds(&p->options->slos[k], plan_mean(p, point, PLAN_FIXED + k))) {
            return false;
        }
    }
    return p->points[point].runs > 0;
}

/* Figures that do not exist (no request came through) count as the worst there is. */
static void keep(search *s, int32_t point, const double *values)
{
    plan *p = s->p;
    plan_point *at = &p->points[point];
    double *more = realloc(at->values, (size_t)(at->runs + 1) * (size_t)p->metrics * sizeof *more);
    if (more == NULL) {
        return; /* the caller sees that runs did not grow */
    }
    at->values = more;
    memcpy(more + at->runs * p->metrics, values, (size_t)p->metrics * sizeof *more);
    at->runs++;
}

/* One more run of each point of the list. */
static int run_points(search *s, const int32_t *points, int32_t count)
{
    plan *p = s->p;
    const plan_options *o = p->options;
    for (int32_t i = 0; i < count; i++) {
        plan_point *at = &p->points[points[i]];
        if (at->sc == NULL) {
            int32_t value[PLAN_KNOBS_MAX];
            plan_values(p, points[i], value);
            at->sc = o->load(o->load_user, value, s->err, s->err_size);
            if (at->sc == NULL) {
                return -2;
            }
            p->tried++;
        }
        s->settings[i] = at->sc;
        s->list[i] = (trial){i, at->runs};
        for (int32_t before = 0; before < i; before++) {
            s->list[i].replication += points[before] == points[i] ? 1 : 0;
        }
    }
    const trials t = {.settings = s->settings,
                      .seed = o->seed,
                      .metrics = p->names,
                      .metric_count = p->metrics,
                      .jobs = o->jobs,
                      .stop = o->stop,
                      .kept = o->kept};
    const int rc = trials_run(&t, s->list, count, s->values, s->err, s->err_size);
    for (int32_t i = 0; rc == 0 && i < count; i++) {
        const int32_t before = p->points[points[i]].runs;
        keep(s, points[i], s->values + (size_t)i * (size_t)p->metrics);
        if (p->points[points[i]].runs == before) {
            snprintf(s->err, s->err_size, "out of memory");
            return -1;
        }
    }
    p->used += rc == 0 ? count : 0;
    if (rc == 0 && o->done != NULL) {
        o->done(o->user, p->used, o->budget);
    }
    return rc;
}

/* --- what is known --- */

static bool all_positive(const plan *p, int32_t metric)
{
    for (int32_t i = 0; i < p->point_count; i++) {
        for (int32_t r = 0; r < p->points[i].runs; r++) {
            if (!(p->points[i].values[r * p->metrics + metric] > 0)) {
                return false;
            }
        }
    }
    return true;
}

/* Overloaded points vary by more than others have in all: spread goes with size wherever a figure has a size. */
static void pool_variances(search *s)
{
    const plan *p = s->p;
    for (int32_t m = 0; m < p->metrics; m++) {
        int32_t count = 0;
        s->relative[m] = all_positive(p, m);
        for (int32_t i = 0; i < p->point_count; i++) {
            stat_tally t;
            tally_of(p, i, m, &t);
            if (t.n > 1 && isfinite(t.m2)) {
                s->squares[count] = s->relative[m] ? t.m2 / (t.mean * t.mean) : t.m2;
                s->freedoms[count++] = (int32_t)t.n - 1;
            }
        }
        s->priors[m] = stat_prior_of(s->squares, s->freedoms, count);
    }
}

/* A variance drawn towards the prior: as if that many more runs had shown the prior's. */
static estimate drawn(const stat_tally *t, const stat_prior *prior, double scale)
{
    const double freedom = (double)t->n - 1 + prior->freedom;
    return (estimate){t->mean, sqrt((t->m2 + prior->freedom * prior->variance * scale) / freedom), (int32_t)t->n,
                      freedom};
}

static estimate estimate_of(const search *s, int32_t point, int32_t metric)
{
    stat_tally t;
    tally_of(s->p, point, metric, &t);
    return drawn(&t, &s->priors[metric], s->relative[metric] ? t.mean * t.mean : 1);
}

/* How many standard deviations of one run a point is inside (positive) or outside its worst condition. */
static double worst_margin(const search *s, int32_t point, double *probability)
{
    double worst = INFINITY;
    *probability = 1;
    for (int32_t k = 0; k < s->p->options->slo_count; k++) {
        const check *c = &s->p->options->slos[k];
        const estimate e = estimate_of(s, point, PLAN_FIXED + k);
        const double margin = check_margin(c, e.mean);
        const double z = isfinite(margin) && e.sd > 0 ? margin / e.sd
                         : margin >= 0                ? (double)INFINITY
                                                      : -(double)INFINITY;
        worst = fmin(worst, z);
        const double below = stat_student_below(z * sqrt((double)e.runs), e.freedom);
        *probability = fmin(*probability, isinf(z) ? (z > 0 ? 1 : 0) : below);
    }
    return worst;
}

static int32_t choose(const search *s, int32_t but)
{
    const plan *p = s->p;
    int32_t best = -1;
    for (int32_t i = 0; i < p->point_count; i++) {
        if (i != but && p->points[i].runs > 0 && plan_feasible(p, i) &&
            (best < 0 || plan_mean(p, i, PLAN_COST) < plan_mean(p, best, PLAN_COST))) {
            best = i;
        }
    }
    return best;
}

static int32_t choose_nearest(const search *s)
{
    int32_t best = -1;
    double most = -(double)INFINITY, ignored;
    for (int32_t i = 0; i < s->p->point_count; i++) {
        if (s->p->points[i].runs > 0) {
            const double margin = worst_margin(s, i, &ignored);
            if (best < 0 || margin > most) {
                best = i;
                most = margin;
            }
        }
    }
    return best;
}

/* Cost of i less cost of b, over the replications of both. */
static stat_tally tally_apart(const plan *p, int32_t i, int32_t b)
{
    const plan_point *x = &p->points[i], *y = &p->points[b];
    stat_tally t;
    stat_tally_init(&t);
    for (int32_t r = 0; r < (x->runs < y->runs ? x->runs : y->runs); r++) {
        stat_tally_add(&t, x->values[r * p->metrics + PLAN_COST] - y->values[r * p->metrics + PLAN_COST]);
    }
    return t;
}

static void pool_apart(search *s, int32_t best)
{
    int32_t count = 0;
    for (int32_t i = 0; i < s->p->point_count; i++) {
        const stat_tally t = tally_apart(s->p, i, best);
        if (i != best && t.n > 1) {
            s->squares[count] = t.m2;
            s->freedoms[count++] = (int32_t)t.n - 1;
        }
    }
    s->prior_apart = stat_prior_of(s->squares, s->freedoms, count);
}

/* Mean and standard deviation of one pair. */
static estimate cost_apart(const search *s, int32_t i, int32_t b)
{
    const stat_tally t = tally_apart(s->p, i, b);
    return drawn(&t, &s->prior_apart, 1);
}

/* --- allocation --- */

/* Runs that each tried point wants, up to a common factor. */
static void needs(search *s, int32_t best)
{
    const plan *p = s->p;
    const double floor = 1e-4;
    double square = 0, ignored;
    pool_apart(s, best);
    for (int32_t i = 0; i < p->point_count; i++) {
        s->need[i] = 0;
        if (p->points[i].runs == 0 || i == best) {
            continue;
        }
        const estimate apart = cost_apart(s, i, best);
        const double close = PLAN_CLOSE * plan_mean(p, best, PLAN_COST);
        const double dearer = (apart.mean + close) / (apart.sd > 0 ? apart.sd : close + floor);
        const double margin = worst_margin(s, i, &ignored);
        double apart_sd = fmax(dearer, margin < 0 ? -margin : 0);
        apart_sd = fmax(apart_sd, sqrt(floor));
        s->need[i] = isinf(apart_sd) ? 0 : 1 / (apart_sd * apart_sd);
        square += s->need[i] * s->need[i];
    }
    const double margin = worst_margin(s, best, &ignored);
    const double own = isinf(margin) ? 0 : 1 / fmax(margin * margin, floor);
    s->need[best] = fmax(sqrt(square), own);
}

/* The point that is furthest behind its share of `total` runs. */
static int32_t furthest_behind(const search *s, const int32_t *given, int32_t total)
{
    const plan *p = s->p;
    double sum = 0, most = -(double)INFINITY;
    int32_t at = -1;
    for (int32_t i = 0; i < p->point_count; i++) {
        sum += s->need[i];
    }
    for (int32_t i = 0; i < p->point_count; i++) {
        if (s->need[i] > 0) {
            const double behind = total * s->need[i] / sum - p->points[i].runs - given[i];
            if (behind > most) {
                most = behind;
                at = i;
            }
        }
    }
    return at;
}

static int allocate(search *s, int32_t *points, int32_t *given)
{
    plan *p = s->p;
    const int32_t budget = p->options->budget;
    const int32_t step = budget / 50 > STEP_MIN ? budget / 50 : STEP_MIN;
    int rc = 0;
    while (rc == 0 && p->used < budget) {
        pool_variances(s);
        int32_t best = choose(s, -1);
        best = best >= 0 ? best : choose_nearest(s);
        needs(s, best);
        memset(given, 0, (size_t)p->point_count * sizeof *given);
        int32_t count = 0;
        while (count < step && p->used + count < budget) {
            const int32_t at = furthest_behind(s, given, p->used + step);
            if (at < 0) {
                break;
            }
            given[at]++;
            points[count++] = at;
        }
        if (count == 0) {
            break; /* everything is known without doubt */
        }
        rc = run_points(s, points, count);
    }
    return rc;
}

/* --- screening --- */

/* A cheap order of worth for points with one run: dearer by what they lack of their conditions. */
static double rough_score(const plan *p, int32_t point)
{
    double lack = 0;
    for (int32_t k = 0; k < p->options->slo_count; k++) {
        const check *c = &p->options->slos[k];
        const double margin = check_margin(c, plan_mean(p, point, PLAN_FIXED + k));
        lack += margin < 0 ? fmin(-margin / fmax(fabs(c->limit), 1e-9), 1e6) : 0;
    }
    return plan_mean(p, point, PLAN_COST) * (1 + lack);
}

static bool wanted_neighbour(const plan *p, int32_t point, int32_t knob, int32_t by, const int32_t *list, int32_t count,
                             int32_t *out)
{
    int32_t value[PLAN_KNOBS_MAX], stride = 1;
    plan_values(p, point, value);
    value[knob] += by;
    if (value[knob] < 0 || value[knob] >= p->options->knobs[knob].count) {
        return false;
    }
    for (int32_t k = p->options->knob_count - 1; k > knob; k--) {
        stride *= p->options->knobs[k].count;
    }
    *out = point + by * stride;
    for (int32_t i = 0; i < count; i++) {
        if (list[i] == *out) {
            return false;
        }
    }
    return p->points[*out].runs == 0;
}

static int32_t best_rough(const plan *p, const bool *taken)
{
    int32_t best = -1;
    for (int32_t i = 0; i < p->point_count; i++) {
        if (p->points[i].runs > 0 && !taken[i] && (best < 0 || rough_score(p, i) < rough_score(p, best))) {
            best = i;
        }
    }
    return best;
}

/* Untried neighbours of the best points so far. */
static int32_t neighbours(const plan *p, bool *taken, int32_t *list, int32_t room)
{
    int32_t count = 0;
    memset(taken, 0, (size_t)p->point_count * sizeof *taken);
    for (int32_t n = 0; n < NEIGHBOURS_OF; n++) {
        const int32_t at = best_rough(p, taken);
        if (at < 0) {
            break;
        }
        taken[at] = true;
        for (int32_t k = 0; k < p->options->knob_count; k++) {
            for (int32_t by = -1; by <= 1; by += 2) {
                if (count < room && wanted_neighbour(p, at, k, by, list, count, &list[count])) {
                    count++;
                }
            }
        }
    }
    return count;
}

static int screen(search *s, int32_t *points)
{
    plan *p = s->p;
    const int32_t budget = p->options->budget;
    if (p->point_count <= budget / 2) {
        for (int32_t i = 0; i < p->point_count; i++) {
            points[i] = i;
        }
        return run_points(s, points, p->point_count);
    }
    const int32_t first = budget / 4;
    for (int32_t i = 0; i < first; i++) { /* multiples of the golden ratio, in order of the grid */
        const double at = fmod(0.5 + i * 0.6180339887498949, 1);
        points[i] = (int32_t)(at * p->point_count);
    }
    int32_t count = 0;
    for (int32_t i = 0; i < first; i++) {
        bool again = false;
        for (int32_t k = 0; k < count; k++) {
            again = again || points[k] == points[i];
        }
        if (!again) {
            points[count++] = points[i];
        }
    }
    int rc = run_points(s, points, count);
    bool *taken = calloc((size_t)p->point_count, sizeof *taken);
    while (rc == 0 && taken != NULL && p->used < budget * 6 / 10) {
        count = neighbours(p, taken, points, budget * 6 / 10 - p->used);
        if (count == 0) {
            break;
        }
        rc = run_points(s, points, count);
    }
    free(taken);
    return rc;
}

/* Two runs more of the points that look best: their variances tell how far those of the others can be trusted. */
static int vouch(search *s, int32_t *points)
{
    plan *p = s->p;
    const int32_t most = p->options->budget / 20;
    bool *taken = calloc((size_t)p->point_count, sizeof *taken);
    int32_t count = 0;
    int rc = 0;
    while (taken != NULL && count < VOUCHERS && count < most) {
        const int32_t at = best_rough(p, taken);
        if (at < 0) {
            break;
        }
        taken[at] = true;
        points[count++] = at;
    }
    for (int turn = 0; rc == 0 && turn < 2 && p->used + count <= p->options->budget; turn++) {
        rc = run_points(s, points, count);
    }
    free(taken);
    return rc;
}

/* --- the end --- */

static void judge(search *s)
{
    plan *p = s->p;
    pool_variances(s);
    p->best = choose(s, -1);
    p->nearest = p->best >= 0 ? p->best : choose_nearest(s);
    p->second = p->best >= 0 ? choose(s, p->best) : -1;
    p->sure = p->sure_feasible = (double)NAN;
    if (p->best < 0) {
        return;
    }
    pool_apart(s, p->best);
    (void)worst_margin(s, p->best, &p->sure_feasible);
    double doubt = 1 - p->sure_feasible;
    const double close = PLAN_CLOSE * plan_mean(p, p->best, PLAN_COST);
    for (int32_t i = 0; i < p->point_count; i++) {
        if (p->points[i].runs > 0 && i != p->best) {
            double feasible;
            const estimate apart = cost_apart(s, i, p->best);
            (void)worst_margin(s, i, &feasible);
            const double z = apart.sd > 0             ? -(apart.mean + close) / apart.sd * sqrt((double)apart.runs)
                             : apart.mean + close < 0 ? (double)INFINITY
                                                      : -(double)INFINITY;
            const double cheaper = isinf(z) ? (z > 0 ? 1 : 0) : stat_student_below(z, apart.freedom);
            doubt += fmin(cheaper, feasible);
        }
    }
    p->sure = fmax(0, 1 - doubt);
}

static bool begin(search *s, plan *p, int32_t **points, int32_t **given)
{
    const plan_options *o = p->options;
    const size_t room = (size_t)(p->point_count > o->budget ? p->point_count : o->budget) + 1;
    p->metrics = PLAN_FIXED + o->slo_count;
    p->names = calloc((size_t)p->metrics, sizeof *p->names);
    p->points = calloc((size_t)p->point_count, sizeof *p->points);
    p->front = calloc((size_t)p->point_count + 1, sizeof *p->front);
    s->priors = calloc((size_t)p->metrics, sizeof *s->priors);
    s->squares = calloc((size_t)p->point_count, sizeof *s->squares);
    s->freedoms = calloc((size_t)p->point_count, sizeof *s->freedoms);
    s->relative = calloc((size_t)p->metrics, sizeof *s->relative);
    s->list = calloc(room, sizeof *s->list);
    s->settings = calloc(room, sizeof(sc_scenario *));
    s->values = calloc(room * (size_t)p->metrics, sizeof *s->values);
    s->need = calloc((size_t)p->point_count, sizeof *s->need);
    *points = calloc(room, sizeof **points);
    *given = calloc((size_t)p->point_count, sizeof **given);
    if (p->names == NULL || p->points == NULL || p->front == NULL || s->priors == NULL || s->relative == NULL ||
        s->squares == NULL || s->freedoms == NULL || s->list == NULL || s->settings == NULL || s->values == NULL ||
        s->need == NULL || *points == NULL || *given == NULL) {
        return false;
    }
    static const char *const fixed[PLAN_FIXED] = {"cost.total_usd",         "cost.by_kind.owned",
                                                  "cost.by_kind.on_demand", "cost.by_kind.spot",
                                                  "cost.by_kind.reserved",  NULL};
    memcpy(p->names, fixed, sizeof fixed);
    p->names[PLAN_LATENCY] = o->latency;
    for (int32_t k = 0; k < o->slo_count; k++) {
        p->names[PLAN_FIXED + k] = o->slos[k].metric;
    }
    return true;
}

/* Less late on the replications that both have had, and on all: a mean of one run is not held against one of many. */
static bool faster(const plan *p, int32_t i, int32_t than)
{
    const plan_point *a = &p->points[i], *b = &p->points[than];
    double apart = 0;
    for (int32_t r = 0; r < a->runs && r < b->runs; r++) {
        apart += a->values[r * p->metrics + PLAN_LATENCY] - b->values[r * p->metrics + PLAN_LATENCY];
    }
    return apart < 0 && plan_mean(p, i, PLAN_LATENCY) < plan_mean(p, than, PLAN_LATENCY);
}

/* The cheapest, of equals the fastest; then the cheapest that is faster; and so on. */
static void find_front(plan *p)
{
    for (int32_t last = -1, next = 0; next >= 0; last = next) {
        next = -1;
        for (int32_t i = 0; i < p->point_count; i++) {
            const double cost = plan_mean(p, i, PLAN_COST);
            if (p->points[i].runs == 0 || !isfinite(plan_mean(p, i, PLAN_LATENCY)) ||
                (last >= 0 && !(faster(p, i, last) && cost > plan_mean(p, last, PLAN_COST)))) {
                continue;
            }
            const double least = next >= 0 ? plan_mean(p, next, PLAN_COST) : (double)INFINITY;
            if (cost < least || (!(cost > least) && faster(p, i, next))) {
                next = i;
            }
        }
        if (next >= 0) {
            p->front[p->front_count++] = next;
        }
    }
}

int plan_run(plan *p, const plan_options *options, char *err, size_t err_size)
{
    *p =
        (plan){.options = options, .point_count = 1, .best = -1, .second = -1, .nearest = -1, .floor_usd = (double)NAN};
    for (int32_t k = 0; k < options->knob_count; k++) {
        p->point_count *= options->knobs[k].count;
    }
    search s = {.p = p, .err = err, .err_size = err_size};
    int32_t *points = NULL, *given = NULL;
    int rc = -1;
    snprintf(err, err_size, "out of memory");
    if (begin(&s, p, &points, &given)) {
        rc = screen(&s, points);
        rc = rc == 0 ? vouch(&s, points) : rc;
        rc = rc == 0 ? allocate(&s, points, given) : rc;
        if (rc == 0) {
            judge(&s);
            find_front(p);
            plan_bound(p);
        }
    }
    free(points);
    free(given);
    free(s.priors);
    free(s.squares);
    free(s.freedoms);
    free(s.relative);
    free(s.list);
    free(s.settings);
    free(s.values);
    free(s.need);
    return rc;
}

void plan_fini(plan *p)
{
    for (int32_t i = 0; p->points != NULL && i < p->point_count; i++) {
        if (p->points[i].sc != NULL) {
            p->options->unload(p->points[i].sc);
        }
        free(p->points[i].values);
    }
    free(p->points);
    free(p->names);
    free(p->front);
    *p = (plan){0};
}
