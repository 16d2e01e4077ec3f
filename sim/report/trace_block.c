/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trace_block.c - a fit as an entry of spec.services[].traffic, with how good it is as comments. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "sim/report/trace_report.h"

#define PER_LINE 6

static void put_errors(FILE *out, const char *name, const double *errors)
{
    static const char *const names[] = {"p10", "p25", "p50", "p75", "p90", "p95", "p99"};
    fprintf(out, "#   %-13s", name);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (isfinite(errors[i])) {
            fprintf(out, " %s %+.1f", names[i], 100.0 * errors[i]);
        }
    }
    fputs(" %\n", out);
}

static void put_source(FILE *out, const char *path, const trace_fit *f)
{
    static const char *const days[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
    const char *slash = strrchr(path, '/');
    fprintf(out, "# Fitted to %.50s: %zu requests.\n", slash != NULL ? slash + 1 : path, f->requests);
    if (f->hours_seen < MDL_SHAPE_HOURS) {
        fprintf(out, "# Hours of the week seen: %zu of %d, the others are means of the same hour or of all.\n",
                f->hours_seen, MDL_SHAPE_HOURS);
    }
    if (f->clock) {
        fprintf(out, "# The trace begins on a %s, %02d:00 to %02d:59 UTC: take hours as local time.\n",
                days[f->start_hour / 24], (int)(f->start_hour % 24), (int)(f->start_hour % 24));
    } else {
        fputs("# The trace knows no calendar: its time 0 is taken for a Monday 00:00.\n", out);
    }
}

/* Where the source draws with another CV than the trace has. */
static void put_source_cv(FILE *out, const trace_fit *f)
{
    const double cv = trace_fit_cv(f);
    if (!(cv > FIT_CV_LEAST && cv < FIT_CV_MOST)) {
        fprintf(out, "# A source has a CV from %g to %g: it draws with %g.\n", FIT_CV_LEAST, FIT_CV_MOST, cv);
    } else if (fabs(cv - f->cv) > 0.0) {
        fprintf(out, "# Over so long, gaps drawn with CV %.4g have the trace's CV on the wall clock.\n", cv);
    }
}

static void put_hours(FILE *out, const trace_fit_errors *e)
{
    if (e->hours == 0) {
        fprintf(out, "#   hourly rates  %s to compare\n",
                e->hours_whole > 0 ? "no hour has enough requests" : "the trace covers too little of any hour");
        return;
    }
    fprintf(out, "#   hourly rates  mean %.1f, worst %.1f %% (%zu hours%s", 100.0 * e->hour_mean, 100.0 * e->hour_worst,
            e->hours, e->hours < e->hours_whole ? "" : ")\n");
    if (e->hours < e->hours_whole) {
        fprintf(out, "; %zu have too few requests to compare)\n", e->hours_whole - e->hours);
    }
}

static void put_quality(FILE *out, const trace_fit *f, const char *pairs)
{
    static const char *const laws[] = {"exponential", "Gamma", "Weibull"};
    const trace_fit_errors *e = &f->errors;
    fprintf(out, "# Gaps on the clock of the rates: CV %.3f, %s, KS distance %.4f.\n", f->cv, laws[f->renewal], f->ks);
    if (f->renewal != MDL_RENEWAL_POISSON) {
        put_source_cv(out, f);
    }
    fprintf(out, "# Gaps on the wall clock: CV %.3f.\n", f->wall_cv);
    if (f->drawn) {
        fputs("# The source has CVs of single clients only: gaps and lengths are those of requests\n"
              "# drawn from it.\n",
              out);
    }
    if (f->zero_gap_share > 0.05) {
        fprintf(out, "# %.0f %% of the gaps are zero: times were rounded; read the trace with --spread.\n",
                100.0 * f->zero_gap_share);
    }
    if (e->scale < 1.0) {
        fputs("# Drawn from this fit, rates scaled down to 10 million requests: differences to the trace\n", out);
    } else {
        fprintf(out, "# Drawn from this fit %zu times: differences to the trace\n", e->times);
    }
    put_hours(out, e);
    fprintf(out, "#   CV of gaps    %+.1f %%%s\n", 100.0 * e->cv, f->drawn ? " (on the clock of the rates)" : "");
    put_errors(out, "input tokens", pairs != NULL ? e->input : f->lognormal_in);
    put_errors(out, "output tokens", pairs != NULL ? e->output : f->lognormal_out);
}

static void put_length(FILE *out, const char *key, double median, double sigma, const stats_values *v)
{
    fprintf(out, "        %s: {lognormal: {median: %.6g, sigma: %.4g}, min: %.0f, max: %.0f}\n", key, median, sigma,
            v->min, v->at[STATS_POINTS - 1]);
}

/* Lengths are rarely lognormal: where a quantile is further off than this, the way to have them as they are is said. */
#define LENGTHS_FAR 0.05

static void put_advice(FILE *out, const trace_fit *f)
{
    double far = 0.0, near = 0.0;
    for (size_t i = 0; i < STATS_POINTS - 1; i++) {
        far = fmax(far, fmax(fabs(f->lognormal_in[i]), fabs(f->lognormal_out[i])));
        near = fmax(near, fmax(fabs(f->errors.input[i]), fabs(f->errors.output[i])));
    }
    if (far > LENGTHS_FAR && near < far) {
        fprintf(out,
                "# Lognormal lengths lie further off than 5 %%. As pairs, 'trace fit FILE lengths.trace',\n"
                "# their quantiles are within %.1f %%.\n",
                100.0 * near);
    }
}

/* A rate as scenarios are written: without an exponent. */
static void put_rate(FILE *out, double per_s)
{
    fprintf(out, per_s > 0.0 && per_s < 1e-4 ? "%.14f/s" : "%.6g/s", per_s);
}

/* Rates to print: a day where all days are alike. */
static size_t hours_of(const trace_fit *f)
{
    for (size_t h = 24; h < MDL_SHAPE_HOURS; h++) {
        if (fabs(f->hours[h] - f->hours[h - 24]) > 0.0) {
            return MDL_SHAPE_HOURS;
        }
    }
    return 24;
}

void trace_left_out(const char *lead, const trace_fit *f, FILE *out)
{
    const struct {
        size_t requests;
        const char *what, *which;
    } left[] = {
        {f->with_session, "conversations", "are turns of one"},
        {f->with_prefix, "shared prefixes", "begin with tokens that earlier ones had"},
        {f->with_priority, "priorities", "have one other than 0"},
    };
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        if (left[i].requests > 0) {
            fprintf(out, "%sThe fit leaves out %s: %.3g %% of the requests %s.\n", lead, left[i].what,
                    100.0 * (double)left[i].requests / (double)f->requests, left[i].which);
        }
    }
}

void trace_block(const char *path, const trace_fit *f, const char *pairs, FILE *out)
{
    put_source(out, path, f);
    trace_left_out("# ", f, out);
    put_quality(out, f, pairs);
    if (pairs == NULL) {
        put_advice(out, f);
    }
    fputs("traffic:\n  - kind: diurnal\n    from: REGION # region of the users\n    hours: [", out);
    for (size_t h = 0; h < hours_of(f); h++) {
        fputs(h == 0 ? "\n        " : h % PER_LINE == 0 ? ",\n        " : ", ", out);
        put_rate(out, f->hours[h]);
    }
    fputs("]\n", out);
    if (f->renewal != MDL_RENEWAL_POISSON) {
        fprintf(out, "    burstiness: {%s: {cv: %.4g}}\n", f->renewal == MDL_RENEWAL_GAMMA ? "gamma" : "weibull",
                trace_fit_cv(f));
    }
    if (pairs != NULL) {
        const char *slash = strrchr(pairs, '/');
        fprintf(out, "    lengths: {pairs: {file: %s}} # beside the scenario\n", slash != NULL ? slash + 1 : pairs);
        return;
    }
    fputs("    lengths:\n", out);
    put_length(out, "input", f->median_in, f->sigma_in, &f->input);
    put_length(out, "output", f->median_out, f->sigma_out, &f->output);
    if (fabs(f->correlation) >= 0.005) {
        fprintf(out, "        correlation: %.3g\n", f->correlation);
    }
}
