/* SPDX-License-Identifier: GPL-3.0-or-later */
/* output.c - see output.h. */
#include "sim/stats/output.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

enum { BATCHES_KEPT = 5, BATCHES_MIN = 10 };

#define FRONT_SIGMAS 3.0
#define ROUNDING     1e-9

static double mean_of(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += x[i];
    }
    return sum / (double)n;
}

stat_warmup stat_mser(const double *x, size_t n, size_t batch)
{
    const size_t batches = batch > 0 ? n / batch : 0;
    if (batches < BATCHES_MIN) {
        return (stat_warmup){0, true};
    }
    size_t best = 0;
    double least = INFINITY;
    stat_tally tail; /* of the batches that stay: grown from the back */
    stat_tally_init(&tail);
    for (size_t d = batches; d-- > 0;) {
        stat_tally_add(&tail, mean_of(x + d * batch, batch));
        if (tail.n >= BATCHES_KEPT) {
            const double score = tail.m2 / ((double)tail.n * (double)tail.n);
            if (score <= least) { /* of equals the earliest: leave out no more than needed */
                least = score;
                best = d;
            }
        }
    }
    return (stat_warmup){best * batch, 2 * best > batches};
}

bool stat_front_differs(const double *x, size_t n, size_t batch, size_t cut)
{
    const size_t batches = batch > 0 ? n / batch : 0, front = batch > 0 ? cut / batch : 0;
    if (front == 0 || front >= batches) {
        return false;
    }
    double square = 0, before = 0;
    stat_tally head, tail;
    stat_tally_init(&head);
    stat_tally_init(&tail);
    for (size_t b = 0; b < batches; b++) {
        const double z = mean_of(x + b * batch, batch);
        stat_tally_add(b < front ? &head : &tail, z);
        square += b > 0 ? (z - before) * (z - before) : 0;
        before = z;
    }
    const double deviation = sqrt(square / (2.0 * (double)(batches - 1)));
    const double noise = deviation * sqrt(1.0 / (double)head.n + 1.0 / (double)tail.n);
    const double difference = fabs(head.mean - tail.mean);
    return difference > FRONT_SIGMAS * noise && difference > ROUNDING * fmax(fabs(head.mean), fabs(tail.mean));
}

double stat_batch_means(const double *x, size_t n, size_t batches, double level, double *mean)
{
    const size_t size = batches >= 2 ? n / batches : 0;
    stat_tally tally;
    stat_tally_init(&tally);
    for (size_t b = 0; size >= 2 && b < batches; b++) {
        stat_tally_add(&tally, mean_of(x + (n - batches * size) + b * size, size));
    }
    if (mean != NULL) {
        *mean = tally.n > 0 ? tally.mean : (double)NAN;
    }
    return stat_student_half_width(&tally, level);
}

int stat_goal_parse(const char *text, stat_goal *goal)
{
    char *end;
    const double value = strtod(text, &end);
    const bool percent = end[0] == '%';
    if (end == text || !(value > 0) || isinf(value) || end[percent ? 1 : 0] != '\0') {
        return -1;
    }
    *goal = (stat_goal){percent ? value / 100 : value, percent};
    return 0;
}

bool stat_goal_met(const stat_goal *goal, double half_width, double reference)
{
    return half_width <= (goal->relative ? goal->half_width * fabs(reference) : goal->half_width);
}

double stat_student_below(double x, double freedom)
{
    return freedom < 1 ? gsl_cdf_ugaussian_P(x) : gsl_cdf_tdist_P(x, freedom);
}

double stat_student_p(const stat_tally *t)
{
    if (t->n < 2) {
        return (double)NAN;
    }
    const double error = sqrt(stat_tally_variance(t) / (double)t->n);
    if (!(error > 0)) {
        return t->mean < 0 || t->mean > 0 ? 0 : 1;
    }
    return 2 * gsl_cdf_tdist_Q(fabs(t->mean) / error, (double)t->n - 1);
}

/* Hypothesis a is tested before b: the smaller value first, of equals the earlier. */
static bool before(const double *p, size_t a, size_t b)
{
    return p[a] < p[b] || (!(p[b] < p[a]) && a < b);
}

/* The value of rank k counts (valid - k) times; an adjusted value is never below that of a smaller rank, so each is
 * the largest among all ranks up to its own. n is a handful of candidates: no sorting. */
static double holm_of(const double *p, size_t n, size_t valid, size_t i)
{
    double largest = 0;
    for (size_t j = 0; j < n; j++) {
        if (isnan(p[j]) || (j != i && !before(p, j, i))) {
            continue;
        }
        size_t rank = 0;
        for (size_t k = 0; k < n; k++) {
            rank += !isnan(p[k]) && before(p, k, j) ? 1 : 0;
        }
        largest = fmax(largest, p[j] * (double)(valid - rank));
    }
    return fmin(largest, 1);
}

void stat_holm(const double *p, size_t n, double *adjusted)
{
    size_t valid = 0;
    for (size_t i = 0; i < n; i++) {
        valid += isnan(p[i]) ? 0 : 1;
    }
    for (size_t i = 0; i < n; i++) {
        adjusted[i] = isnan(p[i]) ? p[i] : holm_of(p, n, valid, i);
    }
}
