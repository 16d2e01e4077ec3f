/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * runlog_lean.c - two numbers from a log that does not tell the five of a law apart; the rest is the known row.
 *
 * What the engine does beside the GPU differs most between versions, and prefills and contexts hide behind it: so first
 * h0 and h1, the time of a step and of each sequence in it, with the law of the GPU as it is known; h1 alone where h0
 * drowns in it (the replay of the requests finds h0 then). Where the two cannot be told apart, or come out below 0
 * because the GPU itself is faster than the row says, the whole row is scaled.
 */
#include "sim/calibrate/runlog.h"

#include <math.h>
#include <stdlib.h>

void runlog_law(const mdl_profile *row, double d, double law[RUNLOG_TERMS])
{
    law[0] = row->c1_us + row->x_us - row->c2_us + row->h0_us + row->e0_us;
    law[1] = row->c2_us + row->h1_us + row->e1_us;
    law[2] = row->e2_us;
    law[3] = row->c4_us;
    law[4] = row->g0_us + row->c3_us - row->c1_us - row->x_us + (row->c4_us - row->c2_us) * d;
}

/* y = K steps + s (what the base row says): two numbers where five cannot be told apart, one where two cannot. */
static bool lean_on_base(const runlog_sums *s, double running, calibration *out)
{
    fit *f = &out->fits[out->fit_count];
    double law[RUNLOG_TERMS];
    double *x = calloc((s->n + 1) * 2, sizeof *x);
    if (x == NULL) {
        return false;
    }
    runlog_law(&out->row, running, law);
    for (size_t i = 0; i < s->n; i++) {
        x[2 * i] = s->x[i * s->terms];
        for (size_t k = 0; k < s->terms; k++) {
            x[2 * i + 1] += law[k] * s->x[i * s->terms + k];
        }
    }
    *f = (fit){.what = "the same, leaning on the known row: K steps + s (what that row says)",
               .terms = {{.name = "K", .unit = "us/step", .any_sign = true}, {.name = "s", .unit = ""}},
               .term_count = 2};
    bool ok = fit_linear(x, s->y, s->n, 0.0, RUNLOG_TRIM, f);
    free(x);
    if (!ok) {
        return false;
    }
    out->fit_count++;
    mdl_profile *row = &out->row;
    bool apart = fabs(f->terms[0].twin_correlation) <= FIT_TWIN && f->terms[1].half_width >= 0.0;
    if (!apart) {
        calibrate_note(out, "K and s cannot be told apart either: the known row stands, but for a constant a step");
        return true;
    }
    double *const scaled[] = {&row->c1_us, &row->c2_us, &row->c3_us, &row->c4_us, &row->h0_us, &row->h1_us,
                              &row->e0_us, &row->e1_us, &row->e2_us, &row->g0_us, &row->g1_us, &row->x_us};
    for (size_t i = 0; i < sizeof scaled / sizeof scaled[0]; i++) {
        *scaled[i] *= f->terms[1].value;
    }
    row->h0_us = row->h0_us + f->terms[0].value > 0.0 ? row->h0_us + f->terms[0].value : 0.0;
    return true;
}

/*
 * y - (what the row says without them) = h0 steps + h1 sequences; or h1 sequences alone, with h0 as the row has it.
 * False if they do not stand on their own.
 */
static bool host_costs(const runlog_sums *s, double running, bool both, calibration *out, bool *no_memory)
{
    fit *f = &out->fits[out->fit_count];
    mdl_profile bare = out->row;
    double law[RUNLOG_TERMS];
    const size_t terms = both ? 2 : 1;
    double *x = calloc((s->n + 1) * (terms + 1), sizeof *x);
    *no_memory = x == NULL;
    if (x == NULL) {
        return false;
    }
    double *y = x + terms * s->n;
    bare.h0_us = both ? 0.0 : bare.h0_us;
    bare.h1_us = 0.0;
    runlog_law(&bare, running, law);
    for (size_t i = 0; i < s->n; i++) {
        const double *row = &s->x[i * s->terms];
        x[terms * i] = row[both ? 0 : 1];
        x[terms * i + terms - 1] = row[1];
        y[i] = s->y[i];
        for (size_t k = 0; k < s->terms; k++) {
            y[i] -= law[k] * row[k];
        }
    }
    *f = (fit){.what = both ? "the same, with the known row for the GPU: what is left = h0 n + h1 sum D"
                            : "the same, with the known row for the GPU and h0: what is left = h1 sum D",
               .terms = {{.name = both ? "h0" : "h1", .unit = both ? "us/step" : "us/sequence"},
                         {.name = "h1", .unit = "us/sequence"}},
               .term_count = terms};
    bool ok = fit_linear(x, y, s->n, 0.0, RUNLOG_TRIM, f) && f->n >= s->n / 2;
    free(x);
    for (size_t k = 0; ok && k < terms; k++) {
        const fit_term *t = &f->terms[k];
        ok = t->half_width >= 0.0 && t->half_width < t->value && fabs(t->twin_correlation) <= FIT_TWIN;
    }
    return ok;
}

bool runlog_lean(const runlog_sums *s, double running, calibration *out)
{
    bool no_memory = false;
    bool both = host_costs(s, running, true, out, &no_memory);
    const fit *f = &out->fits[out->fit_count];
    const bool apart = !no_memory && fabs(f->terms[0].twin_correlation) <= FIT_TWIN && f->terms[1].half_width >= 0.0;
    if (!both && !(apart && host_costs(s, running, false, out, &no_memory))) {
        return !no_memory && lean_on_base(s, running, out);
    }
    out->fit_count++;
    out->row.h0_us = both ? f->terms[0].value : out->row.h0_us;
    out->row.h1_us = f->terms[f->term_count - 1].value;
    return true;
}
