/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compare_text.c - a comparison on a terminal, in Markdown, and as CSV. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "sim/experiment/regret.h"
#include "sim/report/compare_parts.h"

bool rep_compare_worth(const comparison *c, int32_t side, int32_t metric)
{
    const cmp_figure *f = compare_figure(c, side, metric);
    const bool nothing = !(fabs(f->mean) > 0) && f->same; /* zero or missing on both sides */
    return metric == CMP_COST || !nothing;
}

char *rep_compare_reduction(double reduction, char *buf, size_t size)
{
    if (isnan(reduction)) {
        snprintf(buf, size, "-");
    } else if (isinf(reduction)) {
        snprintf(buf, size, "exact");
    } else {
        snprintf(buf, size, "%.*f x", reduction < 10 ? 1 : 0, reduction);
    }
    return buf;
}

char *rep_compare_p(double p, char *buf, size_t size)
{
    if (isnan(p)) {
        snprintf(buf, size, "-");
    } else if (p < 0.001) {
        snprintf(buf, size, "<0.001");
    } else {
        snprintf(buf, size, "%.3f", p);
    }
    return buf;
}

void rep_compare_cells(const comparison *c, int32_t side, int32_t metric, rep_compare_row *row)
{
    const cmp_figure *f = compare_figure(c, side, metric);
    const char *name = c->options->metrics[metric].name;
    char low[REP_CELL], high[REP_CELL];
    compare_text(name, f->base, false, row->base, sizeof row->base);
    compare_text(name, f->diff, true, row->diff, sizeof row->diff);
    compare_text(name, f->diff - f->diff_half, true, low, sizeof low);
    compare_text(name, f->diff + f->diff_half, true, high, sizeof high);
    if (isnan(f->diff_half)) {
        snprintf(row->interval, sizeof row->interval, "-");
    } else {
        snprintf(row->interval, sizeof row->interval, "%s to %s", low, high);
    }
    rep_compare_p(f->p_holm, row->p, sizeof row->p);
    rep_compare_reduction(f->reduction, row->reduction, sizeof row->reduction);
    const int sense = c->options->metrics[metric].sense;
    row->mark = !f->shown ? "" : sense == 0 ? "differs" : (f->diff > 0) == (sense > 0) ? "better" : "worse";
}

char *rep_compare_regret(const comparison *c, char *buf, size_t size)
{
    const regret r = regret_of(c, *c->options->slack);
    return regret_words(c, &r, *c->options->slack, buf, size);
}

static void put_sides(const comparison *c, const char *before, const char *after, FILE *out)
{
    for (int32_t s = 0; s < c->options->side_count; s++) {
        fprintf(out, "%s%c%s%s%s\n", before, 'A' + s, after, c->options->labels[s], s == 0 ? " (baseline)" : "");
    }
}

static void put_lines(FILE *out, const char *indent, const char *text)
{
    if (text[0] == '\0') {
        fprintf(out, "%snothing\n", indent);
    }
    while (*text != '\0') {
        const size_t n = strcspn(text, "\n");
        fprintf(out, "%s%.*s\n", indent, (int)n, text);
        text += n + (text[n] == '\n' ? 1 : 0);
    }
}

static void put_moments(const comparison *c, int32_t side, FILE *out)
{
    char clock[REP_CLOCK_SIZE];
    if (c->moment_counts[side] == 0) {
        fprintf(out, "\nDecisions of replication 0: the same in A and %c at every tick.\n", 'A' + side);
        return;
    }
    fputs("\nFirst decisions that differ (replication 0):\n", out);
    for (int32_t i = 0; i < c->moment_counts[side]; i++) {
        const cmp_moment *m = &c->moments[side][i];
        const double at_s = (double)m->now_ns / 1e9;
        fprintf(out, "  %s, %.0f s\n    A\n", rep_clock(c->options->sides[0], at_s, clock), at_s);
        put_lines(out, "      ", m->base);
        fprintf(out, "    %c\n", 'A' + side);
        put_lines(out, "      ", m->candidate);
    }
}

void rep_put_wrapped(FILE *out, const char *text)
{
    size_t column = 2;
    fputs(" ", out);
    while (*text != '\0') {
        const size_t n = strcspn(text, " ");
        if (column + 1 + n > 80) {
            fputs("\n ", out);
            column = 2;
        }
        fprintf(out, " %.*s", (int)n, text);
        column += 1 + n;
        text += n + (text[n] == ' ' ? 1 : 0);
    }
    fputs("\n", out);
}

int report_compare_text(const comparison *c, FILE *out)
{
    fprintf(out, "%" PRId32 " pairs on common random numbers, seed %" PRIu64 "\n\n", c->replications, c->options->seed);
    put_sides(c, "  ", "  ", out);
    if (c->options->goal != NULL && !c->goal_met) {
        fputs("\nThe wanted half width was not reached: more --replications would narrow the intervals.\n", out);
    }
    if (c->options->slack != NULL) {
        char words[REP_VERDICT];
        fputs("\nBest order in hindsight\n", out);
        rep_put_wrapped(out, rep_compare_regret(c, words, sizeof words));
    }
    for (int32_t s = 1; s < c->options->side_count; s++) {
        char verdict[REP_VERDICT];
        const char head[] = {(char)('A' + s), ' ', '-', ' ', 'A', '\0'};
        fprintf(out, "\nVerdict on %c\n", 'A' + s);
        rep_put_wrapped(out, compare_verdict(c, s, verdict, sizeof verdict));
        fprintf(out, "\n%-27s %8s %10s %22s %7s\n", "", "A", head, "interval", "pairing");
        for (int32_t m = 0; m < c->options->metric_count; m++) {
            rep_compare_row row;
            if (rep_compare_worth(c, s, m)) {
                rep_compare_cells(c, s, m, &row);
                fprintf(out, "%-27s %8s %10s %22s %7s%s\n", compare_label(&c->options->metrics[m]), row.base, row.diff,
                        row.interval, row.reduction, row.mark[0] != '\0' ? " *" : "");
            }
        }
        put_moments(c, s, out);
    }
    fprintf(out,
            "\n* a difference is shown: its %s95 %% interval leaves out zero.\n"
            "pairing: how many times smaller the variance of the difference is than with\n"
            "independent runs.\n",
            c->options->side_count > 2 ? "corrected " : "");
    return ferror(out) ? -1 : 0;
}

int report_compare_markdown(const comparison *c, FILE *out)
{
    put_sides(c, "- **", "** ", out);
    if (c->options->slack != NULL) {
        char words[REP_VERDICT];
        fprintf(out, "\n**Best order in hindsight:** %s.\n", rep_compare_regret(c, words, sizeof words));
    }
    for (int32_t s = 1; s < c->options->side_count; s++) {
        char verdict[REP_VERDICT];
        fprintf(out, "\n**Verdict:** %s.\n\n| figure | A | %c - A | 95 %% interval | p (Holm) | pairing | |\n",
                compare_verdict(c, s, verdict, sizeof verdict), 'A' + s);
        fputs("|---|---:|---:|---:|---:|---:|---|\n", out);
        for (int32_t m = 0; m < c->options->metric_count; m++) {
            rep_compare_row row;
            if (rep_compare_worth(c, s, m)) {
                rep_compare_cells(c, s, m, &row);
                fprintf(out, "| %s | %s | %s | %s | %s | %s | %s |\n", compare_label(&c->options->metrics[m]), row.base,
                        row.diff, row.interval, row.p, row.reduction, row.mark);
            }
        }
    }
    fprintf(out, "\n%" PRId32 " pairs, seed %" PRIu64 ", spillway %s\n", c->replications, c->options->seed,
            REP_VERSION);
    return ferror(out) ? -1 : 0;
}

static void put_number(FILE *out, double value)
{
    char number[REP_NUMBER_SIZE];
    fprintf(out, ",%s", rep_real(value, number));
}

int rep_compare_differences_csv(const void *what, FILE *out)
{
    const comparison *c = what;
    fprintf(out,
            "# spillway %s compare %s seed %" PRIu64 " pairs %" PRId32 "\n"
            "side,candidate,metric,runs,mean,half_width,pairs,baseline_mean,difference,difference_half_width,p,p_holm,"
            "variance_reduction,shown\n",
            REP_VERSION, c->options->sides[0]->name, c->options->seed, c->replications);
    for (int32_t s = 0; s < c->options->side_count; s++) {
        for (int32_t m = 0; m < c->options->metric_count; m++) {
            const cmp_figure *f = compare_figure(c, s, m);
            fprintf(out, "%c,", 'A' + s);
            rep_csv_text(out, c->options->labels[s]);
            fprintf(out, ",%s,%" PRId32, c->options->metrics[m].name, f->runs);
            put_number(out, f->mean);
            put_number(out, f->half);
            if (s == 0) {
                fputs(",,,,,,,,\n", out);
                continue;
            }
            fprintf(out, ",%" PRId32, f->pairs);
            put_number(out, f->base);
            put_number(out, f->diff);
            put_number(out, f->diff_half);
            put_number(out, f->p);
            put_number(out, f->p_holm);
            put_number(out, f->reduction);
            fprintf(out, ",%d\n", f->shown ? 1 : 0);
        }
    }
    return ferror(out) ? -1 : 0;
}

int rep_compare_pairs_csv(const void *what, FILE *out)
{
    const comparison *c = what;
    fprintf(out, "# spillway %s compare %s seed %" PRIu64 "\nside,replication", REP_VERSION, c->options->sides[0]->name,
            c->options->seed);
    for (int32_t m = 0; m < c->options->metric_count; m++) {
        fprintf(out, ",%s", c->options->metrics[m].name);
    }
    fputs("\n", out);
    for (int32_t r = 0; r < c->replications; r++) {
        for (int32_t s = 0; s < c->options->side_count; s++) {
            fprintf(out, "%c,%" PRId32, 'A' + s, r);
            for (int32_t m = 0; m < c->options->metric_count; m++) {
                put_number(out, compare_value(c, s, r, m));
            }
            fputs("\n", out);
        }
    }
    return ferror(out) ? -1 : 0;
}
