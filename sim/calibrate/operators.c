/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * operators.c - the step law from operator times: each table summed to what a whole step spends in it, then fitted.
 *
 * A layer calls its norm twice and every other dense operator once; embedding and last norm come once a step. Head and
 * sampler come once a step for all sequences that sample; attention once a layer.
 */
#include "sim/calibrate/calibrate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NORMS_PER_LAYER 2.0

static double times_a_step(const char *layer, double layers)
{
    if (strcmp(layer, "embedding") == 0 || strcmp(layer, "final_layernorm") == 0) {
        return 1.0;
    }
    return strcmp(layer, "layernorm") == 0 ? NORMS_PER_LAYER * layers : layers;
}

typedef struct sums {
    double *n, *us;
    size_t count;
} sums;

static int by_n(const void *a, const void *b)
{
    const observed_operator *x = a;
    const observed_operator *y = b;
    return x->n != y->n ? (x->n > y->n) - (x->n < y->n) : strcmp(x->layer, y->layer);
}

/* One row for each operator and n, sorted by n: the mean of what was measured. @return rows */
static size_t averaged(observed_operator *rows, size_t count)
{
    size_t kept = 0;
    qsort(rows, count, sizeof *rows, by_n);
    for (size_t i = 0; i < count;) {
        observed_operator mean = rows[i];
        const size_t first = i++;
        for (; i < count && by_n(&rows[i], &rows[first]) == 0; i++) {
            mean.time_us += rows[i].time_us;
        }
        mean.time_us /= (double)(i - first);
        rows[kept++] = mean;
    }
    return kept;
}

/* What a step of n tokens (or sequences) spends, for every n that all operators have. Sorted by n. */
static bool sum_by_n(const observed_operator *rows, size_t count, double layers, sums *out)
{
    observed_operator *sorted = malloc((count + 1) * sizeof *sorted);
    out->n = malloc((count + 1) * sizeof *out->n);
    out->us = malloc((count + 1) * sizeof *out->us);
    out->count = 0;
    if (sorted == NULL || out->n == NULL || out->us == NULL) {
        free(sorted);
        return false;
    }
    memcpy(sorted, rows, count * sizeof *sorted);
    count = averaged(sorted, count);
    size_t most = 0;
    for (size_t pass = 0; pass < 2; pass++) { /* first: how many operators there are; then: those n that have all */
        for (size_t i = 0; i < count;) {
            size_t first = i;
            double us = 0.0;
            for (; i < count && sorted[i].n == sorted[first].n; i++) {
                us += sorted[i].time_us * (layers > 0.0 ? times_a_step(sorted[i].layer, layers) : 1.0);
            }
            if (pass == 0) {
                most = i - first > most ? i - first : most;
            } else if (i - first == most) {
                out->n[out->count] = sorted[first].n;
                out->us[out->count++] = us;
            }
        }
    }
    free(sorted);
    return true;
}

static bool fit_dense(const observed *o, double layers, fit *f)
{
    static const fit_term terms[] = {{.name = "c1", .unit = "us"},
                                     {.name = "c2", .unit = "us/token"},
                                     {.name = "c3", .unit = "us"},
                                     {.name = "c4", .unit = "us/token"}};
    sums s = {NULL, NULL, 0};
    memcpy(f->terms, terms, sizeof terms);
    f->what = "dense operators of a step: max(c1 + c2 (n-1), c3 + c4 n)";
    bool ok = sum_by_n(o->dense, o->dense_count, layers, &s) && fit_roofline(s.n, s.us, s.count, f);
    free(s.n);
    free(s.us);
    return ok;
}

static bool fit_head(const observed *o, fit *f)
{
    sums s = {NULL, NULL, 0};
    *f = (fit){.what = "head and sampler: h0 + h1 q",
               .terms = {{.name = "h0", .unit = "us"}, {.name = "h1", .unit = "us/sequence"}},
               .term_count = 2};
    double *x = NULL;
    bool ok = sum_by_n(o->sequence, o->sequence_count, 0.0, &s) && (x = malloc((s.count + 1) * 2 * sizeof *x)) != NULL;
    for (size_t i = 0; ok && i < s.count; i++) {
        x[2 * i] = 1.0;
        x[2 * i + 1] = s.n[i];
    }
    ok = ok && fit_linear(x, s.us, s.count, 0.0, 0.0, f);
    free(x);
    free(s.n);
    free(s.us);
    return ok;
}

/* Rows with decodes alone, or with a prefill alone. `base_us` is what a step spends at least besides: an error counts
 * against the whole step. */
static bool fit_attention(const observed *o, double layers, bool decode, double base_us, fit *f)
{
    if (decode) {
        *f = (fit){.what = "decode attention: e0 + e1 D + e2 S",
                   .terms = {{.name = "e0", .unit = "us"},
                             {.name = "e1", .unit = "us/sequence"},
                             {.name = "e2", .unit = "us/token of context"}},
                   .term_count = 3};
    } else {
        *f = (fit){.what = "prefill attention: g0 + g1 p (k + p/2)",
                   .terms = {{.name = "g0", .unit = "us"}, {.name = "g1", .unit = "us/pair of tokens"}},
                   .term_count = 2};
    }
    double *x = malloc((o->attention_count + 1) * f->term_count * sizeof *x);
    double *y = malloc((o->attention_count + 1) * sizeof *y);
    size_t n = 0;
    for (size_t i = 0; x != NULL && y != NULL && i < o->attention_count; i++) {
        const observed_attention *a = &o->attention[i];
        double *row = &x[n * f->term_count];
        if (decode ? a->chunk > 0.0 || a->decodes < 1.0 : a->chunk < 1.0 || a->decodes > 0.0) {
            continue;
        }
        row[0] = 1.0;
        row[1] = decode ? a->decodes : a->chunk * (a->cached + a->chunk / 2.0);
        if (decode) {
            row[2] = a->decodes * a->context;
        }
        y[n++] = a->time_us * layers;
    }
    bool ok = x != NULL && y != NULL && fit_linear(x, y, n, base_us, 0.0, f);
    free(x);
    free(y);
    return ok;
}

int calibrate_operators(const observed *o, const mdl_model *m, calibration *out, char *err, size_t err_size)
{
    double layers = (double)m->layers;
    fit *f = out->fits;
    if (o->dense_count == 0 || o->sequence_count == 0 || o->attention_count == 0) {
        (void)snprintf(err, err_size,
                       "operator times are incomplete: all of dense.csv, per_sequence.csv and "
                       "attention.csv are needed");
        return -1;
    }
    bool ok = fit_dense(o, layers, &f[0]) && fit_head(o, &f[1]);
    double base_us = f[0].terms[0].value + f[1].terms[0].value;
    ok = ok && fit_attention(o, layers, true, base_us, &f[2]) && fit_attention(o, layers, false, base_us, &f[3]);
    if (!ok) {
        (void)snprintf(err, err_size, "the operator times do not span enough sizes to fit the step law");
        return -1;
    }
    out->fit_count = 4;
    out->row.c1_us = f[0].terms[0].value;
    out->row.c2_us = f[0].terms[1].value;
    out->row.c3_us = f[0].terms[2].value;
    out->row.c4_us = f[0].terms[3].value;
    out->row.h0_us = f[1].terms[0].value;
    out->row.h1_us = f[1].terms[1].value;
    out->row.e0_us = f[2].terms[0].value;
    out->row.e1_us = f[2].terms[1].value;
    out->row.e2_us = f[2].terms[2].value;
    out->row.g0_us = f[3].terms[0].value;
    out->row.g1_us = f[3].terms[1].value;
    return 4;
}
