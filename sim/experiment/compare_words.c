/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compare_words.c - differences in words: numbers with their units, the verdict in one sentence. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "sim/experiment/check.h"
#include "sim/experiment/compare.h"

enum { NUMBER = 40 };

const char *compare_label(const cmp_metric *metric)
{
    return metric->label != NULL ? metric->label : metric->name;
}

/* Three significant digits, never an exponent below a million. */
static int decimals_of(double value)
{
    const double a = fabs(value);
    return a >= 100 || !(a > 0) ? 0 : a >= 10 ? 1 : a >= 1 ? 2 : a >= 0.1 ? 3 : 4;
}

char *compare_text(const char *metric, double value, bool sign, char *buf, size_t size)
{
    const metric_unit unit = metric_unit_of(metric);
    const double a = fabs(value);
    const char *minus = value < 0 ? "-" : sign && value > 0 ? "+" : "";
    if (isnan(value)) {
        snprintf(buf, size, "-");
    } else if (isinf(value)) {
        snprintf(buf, size, "%sinfinite", minus);
    } else if (unit == METRIC_USD) {
        snprintf(buf, size, "%s$%.*f", minus, strstr(metric, "usd_per") != NULL && a < 1 && a > 0 ? 5 : 2, a);
    } else if (unit == METRIC_SECONDS && a < 0.9995) {
        snprintf(buf, size, "%s%.*f ms", minus, a >= 0.1 || !(a > 0) ? 0 : a >= 0.01 ? 1 : 2, a * 1e3);
    } else if (unit == METRIC_SECONDS) {
        snprintf(buf, size, "%s%.*f s", minus, a >= 100 ? 0 : a >= 10 ? 1 : 2, a);
    } else if (unit == METRIC_SHARE) {
        snprintf(buf, size, "%s%.2f %%", minus, a * 100);
    } else {
        const bool whole = a < 1e15 && !(floor(a) < a);
        snprintf(buf, size, "%s%.*f", minus, whole ? 0 : decimals_of(a), a);
    }
    return buf;
}

typedef struct words {
    char *buf;
    size_t size, used;
} words;

__attribute__((format(printf, 2, 3))) static void say(words *w, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    const int n = w->used < w->size ? vsnprintf(w->buf + w->used, w->size - w->used, format, list) : 0;
    va_end(list);
    w->used += n > 0 ? (size_t)n : 0;
}

/* "+0.3", without the sign of what rounds to nothing. */
static const char *percent(double share, bool sign, char buf[NUMBER])
{
    snprintf(buf, NUMBER, sign ? "%+.*f" : "%.*f", fabs(share) < 0.001 ? 3 : fabs(share) < 0.01 ? 2 : 1, share * 100);
    return buf;
}

static void say_cost(words *w, const comparison *c, char letter, const cmp_figure *f)
{
    const double base = fabs(f->base), low = (f->diff - f->diff_half) / base, high = (f->diff + f->diff_half) / base;
    char a[NUMBER], b[NUMBER], d[NUMBER], corrected[64] = "";
    if (c->options->side_count > 2) {
        snprintf(corrected, sizeof corrected, " for %" PRId32 " candidates together", c->options->side_count - 1);
    }
    if (f->pairs < COMPARE_MIN || !(base > 0)) {
        say(w, "%c and A cannot be compared in cost", letter);
    } else if (f->same) {
        say(w, "%c costs exactly what A costs in each of %" PRId32 " pairs", letter, f->pairs);
    } else if (!f->shown) {
        say(w, "no difference in cost between %c and A shown (95 %% CI %s to %s %%%s, %" PRId32 " pairs)", letter,
            percent(low, true, a), percent(high, true, b), corrected, f->pairs);
    } else {
        const bool less = f->diff < 0;
        say(w, "%c costs %s %% %s than A (95 %% CI %s-%s%s, %" PRId32 " pairs)", letter,
            percent(fabs(f->diff) / base, false, d), less ? "less" : "more", percent(less ? -high : low, false, a),
            percent(less ? -low : high, false, b), corrected, f->pairs);
    }
}

static void say_figure(words *w, const cmp_metric *m, const cmp_figure *f)
{
    char d[NUMBER], low[NUMBER], high[NUMBER];
    compare_text(m->name, f->diff, true, d, sizeof d);
    compare_text(m->name, f->diff - f->diff_half, true, low, sizeof low);
    compare_text(m->name, f->diff + f->diff_half, true, high, sizeof high);
    if (f->same) {
        say(w, "; %s the same", compare_label(m));
    } else if (f->shown) {
        say(w, "; %s %s (%s to %s)", compare_label(m), d, low, high);
    } else {
        say(w, "; no difference in %s shown (%s to %s)", compare_label(m), low, high);
    }
}

char *compare_verdict(const comparison *c, int32_t side, char *buf, size_t size)
{
    static const char *const further[] = {"slo.minutes_violated", "control.flaps"};
    const char letter = (char)('A' + side);
    words w = {buf, size, 0};
    bool same = true;
    buf[0] = '\0';
    for (int32_t m = 0; m < c->options->metric_count; m++) {
        same = same && compare_figure(c, side, m)->same;
    }
    if (same) {
        say(&w, "no difference: %c and A are equal in every figure of each of %" PRId32 " pairs", letter,
            c->replications);
        return buf;
    }
    say_cost(&w, c, letter, compare_figure(c, side, CMP_COST));
    if (compare_figure(c, side, CMP_TTFT_P99)->pairs >= COMPARE_MIN) {
        say_figure(&w, &c->options->metrics[CMP_TTFT_P99], compare_figure(c, side, CMP_TTFT_P99));
    }
    for (int32_t m = 0; m < c->options->metric_count; m++) {
        const cmp_figure *f = compare_figure(c, side, m);
        for (size_t i = 0; i < sizeof further / sizeof further[0]; i++) {
            if (f->shown && strcmp(c->options->metrics[m].name, further[i]) == 0) {
                say_figure(&w, &c->options->metrics[m], f);
            }
        }
    }
    return buf;
}
