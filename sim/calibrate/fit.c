/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fit.c - linear and piecewise-linear least squares on GSL. */
#include "sim/calibrate/fit.h"

#include <gsl/gsl_blas.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_linalg.h>
#include <gsl/gsl_multifit.h>
#include <gsl/gsl_multifit_nlinear.h>
#include <math.h>
#include <stdlib.h>

#define CONFIDENCE_TAIL 0.025
#define ROUNDS_OF_TRIM  2
#define LM_ITERATIONS   200
#define LM_TOLERANCE    1e-10

/* One least-squares problem: which rows and which terms take part. */
typedef struct problem {
    const double *x, *y;
    double base;
    size_t n, terms;
    bool *row_used;
    bool term_used[FIT_TERMS];
} problem;

static size_t rows_used(const problem *p)
{
    size_t count = 0;
    for (size_t i = 0; i < p->n; i++) {
        count += p->row_used[i];
    }
    return count;
}

/* Relative residual of an observation. */
static double residual(const problem *p, const fit *f, size_t i)
{
    double sum = 0.0;
    for (size_t k = 0; k < p->terms; k++) {
        sum += p->x[i * p->terms + k] * f->terms[k].value;
    }
    return (sum - p->y[i]) / (p->y[i] + p->base);
}

/* Intervals and twins from a covariance of the used terms, in the order of `index`. */
static void judge(fit *f, const gsl_matrix *cov, const size_t *index, size_t used, double freedom)
{
    double t = freedom > 0.0 ? gsl_cdf_tdist_Qinv(CONFIDENCE_TAIL, freedom) : (double)INFINITY;
    for (size_t a = 0; a < used; a++) {
        fit_term *term = &f->terms[index[a]];
        double va = gsl_matrix_get(cov, a, a);
        term->half_width = t * sqrt(va > 0.0 ? va : 0.0);
        term->twin = index[a];
        for (size_t b = 0; b < used; b++) {
            double vb = gsl_matrix_get(cov, b, b);
            double r = a != b && va > 0.0 && vb > 0.0 ? gsl_matrix_get(cov, a, b) / sqrt(va * vb) : 0.0;
            if (fabs(r) > fabs(term->twin_correlation)) {
                term->twin_correlation = r;
                term->twin = index[b];
            }
        }
    }
}

static bool solve(const problem *p, fit *f)
{
    size_t index[FIT_TERMS];
    size_t used = 0;
    for (size_t k = 0; k < p->terms; k++) {
        f->terms[k].value = 0.0;
        f->terms[k].half_width = FIT_NOT_FITTED;
        f->terms[k].twin_correlation = 0.0;
        f->terms[k].twin = k;
        if (p->term_used[k]) {
            index[used++] = k;
        }
    }
    size_t n = rows_used(p);
    if (used == 0 || n < used) {
        return false;
    }
    gsl_matrix *x = gsl_matrix_alloc(n, used);
    gsl_vector *y = gsl_vector_alloc(n);
    gsl_vector *c = gsl_vector_alloc(used);
    gsl_matrix *cov = gsl_matrix_alloc(used, used);
    gsl_multifit_linear_workspace *w = gsl_multifit_linear_alloc(n, used);
    double scale[FIT_TERMS] = {0.0};
    bool ok = x != NULL && y != NULL && c != NULL && cov != NULL && w != NULL;
    if (ok) {
        size_t row = 0;
        for (size_t i = 0; i < p->n; i++) {
            if (p->row_used[i]) {
                for (size_t a = 0; a < used; a++) {
                    double v = p->x[i * p->terms + index[a]] / (p->y[i] + p->base);
                    gsl_matrix_set(x, row, a, v);
                    scale[a] += v * v;
                }
                gsl_vector_set(y, row++, p->y[i] / (p->y[i] + p->base));
            }
        }
        for (size_t a = 0; a < used; a++) {
            scale[a] = scale[a] > 0.0 ? sqrt(scale[a]) : 1.0;
            gsl_vector_view column = gsl_matrix_column(x, a);
            gsl_vector_scale(&column.vector, 1.0 / scale[a]);
        }
        double chisq = 0.0;
        ok = gsl_multifit_linear(x, y, c, cov, &chisq, w) == 0;
        double rcond = gsl_multifit_linear_rcond(w);
        f->condition = rcond > 0.0 ? 1.0 / rcond : (double)INFINITY;
    }
    if (ok) {
        for (size_t a = 0; a < used; a++) {
            f->terms[index[a]].value = gsl_vector_get(c, a) / scale[a];
            for (size_t b = 0; b < used; b++) {
                gsl_matrix_set(cov, a, b, gsl_matrix_get(cov, a, b) / (scale[a] * scale[b]));
            }
        }
        judge(f, cov, index, used, (double)(n - used));
    }
    gsl_multifit_linear_free(w);
    gsl_matrix_free(cov);
    gsl_vector_free(c);
    gsl_vector_free(y);
    gsl_matrix_free(x);
    return ok;
}

/* Holds negative terms at 0, the worst first. */
static bool solve_nonnegative(problem *p, fit *f)
{
    for (size_t k = 0; k < p->terms; k++) {
        p->term_used[k] = true;
    }
    for (;;) {
        if (!solve(p, f)) {
            return false;
        }
        size_t worst = p->terms;
        double least = 0.0;
        for (size_t k = 0; k < p->terms; k++) {
            double sign = f->terms[k].half_width > 0.0 ? f->terms[k].value / f->terms[k].half_width : f->terms[k].value;
            if (!f->terms[k].any_sign && f->terms[k].value < 0.0 && sign < least) {
                least = sign;
                worst = k;
            }
        }
        if (worst == p->terms) {
            return true;
        }
        p->term_used[worst] = false;
    }
}

static void residuals(const problem *p, fit *f)
{
    double sum = 0.0;
    double sizes = 0.0;
    f->worst = 0.0;
    f->n = rows_used(p);
    for (size_t i = 0; i < p->n; i++) {
        if (p->row_used[i]) {
            double r = residual(p, f, i);
            sum += r;
            sizes += fabs(r);
            f->worst = fabs(r) > f->worst ? fabs(r) : f->worst;
        }
    }
    f->bias = sum / (double)f->n;
    f->mean_abs = sizes / (double)f->n;
}

/* Puts rows aside that lie far from the fit. @return how many */
static size_t put_aside(problem *p, const fit *f, double trim)
{
    double square = 0.0;
    for (size_t i = 0; i < p->n; i++) {
        double r = p->row_used[i] ? residual(p, f, i) : 0.0;
        square += r * r;
    }
    double limit = trim * sqrt(square / (double)rows_used(p));
    size_t count = 0;
    for (size_t i = 0; i < p->n; i++) {
        if (p->row_used[i] && fabs(residual(p, f, i)) > limit) {
            p->row_used[i] = false;
            count++;
        }
    }
    return count;
}

bool fit_linear(const double *x, const double *y, size_t n, double base, double trim, fit *f)
{
    problem p = {.x = x, .y = y, .base = base, .n = n, .terms = f->term_count, .row_used = calloc(n + 1, sizeof(bool))};
    f->left_out = 0;
    bool ok = p.row_used != NULL;
    for (size_t i = 0; ok && i < n; i++) {
        p.row_used[i] = y[i] > 0.0;
    }
    ok = ok && solve_nonnegative(&p, f);
    for (int round = 0; ok && trim > 0.0 && round < ROUNDS_OF_TRIM; round++) {
        f->left_out += put_aside(&p, f, trim);
        ok = solve_nonnegative(&p, f);
    }
    if (ok) {
        residuals(&p, f);
    }
    free(p.row_used);
    return ok;
}

/* --- the roofline --------------------------------------------------------------------------------------------- */

typedef struct points {
    const double *n, *y;
    size_t count;
} points;

static double roof(const double *c, double n)
{
    double memory = c[0] + c[1] * (n - 1.0);
    double compute = c[2] + c[3] * n;
    return memory > compute ? memory : compute;
}

static int roof_residuals(const gsl_vector *c, void *context, gsl_vector *f)
{
    const points *p = context;
    const double v[4] = {gsl_vector_get(c, 0), gsl_vector_get(c, 1), gsl_vector_get(c, 2), gsl_vector_get(c, 3)};
    for (size_t i = 0; i < p->count; i++) {
        gsl_vector_set(f, i, roof(v, p->n[i]) / p->y[i] - 1.0);
    }
    return GSL_SUCCESS;
}

static int roof_slopes(const gsl_vector *c, void *context, gsl_matrix *j)
{
    const points *p = context;
    for (size_t i = 0; i < p->count; i++) {
        double n = p->n[i];
        bool memory =
            gsl_vector_get(c, 0) + gsl_vector_get(c, 1) * (n - 1.0) > gsl_vector_get(c, 2) + gsl_vector_get(c, 3) * n;
        gsl_matrix_set(j, i, 0, memory ? 1.0 / p->y[i] : 0.0);
        gsl_matrix_set(j, i, 1, memory ? (n - 1.0) / p->y[i] : 0.0);
        gsl_matrix_set(j, i, 2, memory ? 0.0 : 1.0 / p->y[i]);
        gsl_matrix_set(j, i, 3, memory ? 0.0 : n / p->y[i]);
    }
    return GSL_SUCCESS;
}

/* Line through the points of the given range of n. */
static void line(const points *p, double from, double to, double *at_zero, double *slope)
{
    double count = 0.0, sn = 0.0, sy = 0.0, snn = 0.0, sny = 0.0;
    for (size_t i = 0; i < p->count; i++) {
        if (p->n[i] >= from && p->n[i] <= to) {
            count++;
            sn += p->n[i];
            sy += p->y[i];
            snn += p->n[i] * p->n[i];
            sny += p->n[i] * p->y[i];
        }
    }
    double det = count * snn - sn * sn;
    *slope = det > 0.0 ? (count * sny - sn * sy) / det : 0.0;
    *at_zero = count > 0.0 ? (sy - *slope * sn) / count : 0.0;
}

/* Condition number of the Jacobian with columns of unit length. */
static double scaled_condition(const gsl_matrix *j)
{
    gsl_matrix *u = gsl_matrix_alloc(j->size1, j->size2);
    gsl_matrix *v = gsl_matrix_alloc(j->size2, j->size2);
    gsl_vector *s = gsl_vector_alloc(j->size2);
    gsl_vector *work = gsl_vector_alloc(j->size2);
    double condition = (double)INFINITY;
    if (u != NULL && v != NULL && s != NULL && work != NULL && gsl_matrix_memcpy(u, j) == 0) {
        for (size_t k = 0; k < j->size2; k++) {
            gsl_vector_view column = gsl_matrix_column(u, k);
            double length = gsl_blas_dnrm2(&column.vector);
            gsl_vector_scale(&column.vector, length > 0.0 ? 1.0 / length : 1.0);
        }
        if (gsl_linalg_SV_decomp(u, v, s, work) == 0 && gsl_vector_get(s, j->size2 - 1) > 0.0) {
            condition = gsl_vector_get(s, 0) / gsl_vector_get(s, j->size2 - 1);
        }
    }
    gsl_vector_free(work);
    gsl_vector_free(s);
    gsl_matrix_free(v);
    gsl_matrix_free(u);
    return condition;
}

static void finish_roofline(fit *f, const points *p, gsl_multifit_nlinear_workspace *w)
{
    static const size_t index[] = {0, 1, 2, 3};
    double c[4];
    double chisq = 0.0;
    gsl_vector *r = gsl_multifit_nlinear_residual(w);
    gsl_blas_ddot(r, r, &chisq);
    double freedom = (double)(p->count - 4);
    gsl_matrix *cov = gsl_matrix_alloc(4, 4);
    double sum = 0.0;
    double sizes = 0.0;
    for (size_t k = 0; k < 4; k++) {
        c[k] = gsl_vector_get(gsl_multifit_nlinear_position(w), k);
        f->terms[k].value = c[k] > 0.0 ? c[k] : 0.0;
        f->terms[k].half_width = FIT_NOT_FITTED;
    }
    if (cov != NULL && gsl_multifit_nlinear_covar(gsl_multifit_nlinear_jac(w), 0.0, cov) == 0) {
        gsl_matrix_scale(cov, chisq / freedom);
        judge(f, cov, index, 4, freedom);
    }
    gsl_matrix_free(cov);
    f->n = p->count;
    f->worst = 0.0;
    for (size_t i = 0; i < p->count; i++) {
        double e = roof(c, p->n[i]) / p->y[i] - 1.0;
        sum += e;
        sizes += fabs(e);
        f->worst = fabs(e) > f->worst ? fabs(e) : f->worst;
    }
    f->bias = sum / (double)p->count;
    f->mean_abs = sizes / (double)p->count;
    f->condition = scaled_condition(gsl_multifit_nlinear_jac(w));
}

bool fit_roofline(const double *n, const double *y, size_t count, fit *f)
{
    points p = {n, y, count};
    if (count < 8 || !(n[count - 1] > 4.0 * n[0])) {
        return false;
    }
    /* the knee lies where bf16 weights cost as much to stream as to multiply, 100..300 tokens: clear of it both ways */
    double knee = sqrt(n[0] * n[count - 1]) * 2.0;
    double low[2];
    double high[2];
    line(&p, n[0], knee, &low[0], &low[1]);
    line(&p, 2.0 * knee, n[count - 1], &high[0], &high[1]);
    gsl_multifit_nlinear_parameters parameters = gsl_multifit_nlinear_default_parameters();
    parameters.scale = gsl_multifit_nlinear_scale_more;
    gsl_multifit_nlinear_workspace *w = gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &parameters, count, 4);
    double start[4] = {low[0] + low[1], low[1], high[0], high[1]};
    gsl_vector_view at = gsl_vector_view_array(start, 4);
    gsl_multifit_nlinear_fdf system = {.f = roof_residuals, .df = roof_slopes, .n = count, .p = 4, .params = &p};
    int info = 0;
    bool ok = w != NULL && gsl_multifit_nlinear_init(&at.vector, &system, w) == 0;
    if (ok) {
        int status =
            gsl_multifit_nlinear_driver(LM_ITERATIONS, LM_TOLERANCE, LM_TOLERANCE, LM_TOLERANCE, NULL, NULL, &info, w);
        ok = status == GSL_SUCCESS || status == GSL_ENOPROG || status == GSL_EMAXITER;
    }
    if (ok) {
        f->term_count = 4;
        f->left_out = 0;
        finish_roofline(f, &p, w);
    }
    if (w != NULL) {
        gsl_multifit_nlinear_free(w);
    }
    return ok;
}
