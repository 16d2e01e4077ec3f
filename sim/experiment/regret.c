/* SPDX-License-Identifier: GPL-3.0-or-later */
/* regret.c - see regret.h. */
#include "sim/experiment/regret.h"

#include <inttypes.h>
#include <math.h>

static bool is_eligible(const comparison *c, int32_t side, int32_t r, double slack)
{
    const double own = compare_value(c, side, r, CMP_ATTAINMENT), base = compare_value(c, 0, r, CMP_ATTAINMENT);
    return side == 0 || (isfinite(compare_value(c, side, r, CMP_COST)) && (!isfinite(base) || own >= base - slack));
}

regret regret_of(const comparison *c, double slack)
{
    regret out = {0};
    stat_tally more, least;
    stat_tally_init(&more);
    stat_tally_init(&least);
    for (int32_t r = 0; r < c->replications; r++) {
        const double cost = compare_value(c, 0, r, CMP_COST);
        if (!isfinite(cost)) {
            continue;
        }
        int32_t best = 0;
        for (int32_t s = 1; s < c->options->side_count; s++) {
            const bool eligible = is_eligible(c, s, r, slack);
            out.out[s] += eligible ? 0 : 1;
            best = eligible && compare_value(c, s, r, CMP_COST) < compare_value(c, best, r, CMP_COST) ? s : best;
        }
        out.wins[best]++;
        stat_tally_add(&least, compare_value(c, best, r, CMP_COST));
        stat_tally_add(&more, cost - compare_value(c, best, r, CMP_COST));
    }
    for (int32_t s = 1; s < c->options->side_count; s++) {
        out.best = out.wins[s] > out.wins[out.best] ? s : out.best;
    }
    out.pairs = (int32_t)more.n;
    out.mean = more.n > 0 ? more.mean : (double)NAN;
    out.half = stat_student_half_width(&more, 0.95);
    out.share = more.n > 0 && least.mean > 0 ? more.mean / least.mean : (double)NAN;
    return out;
}

char *regret_words(const comparison *c, const regret *r, double slack, char *buf, size_t size)
{
    char mean[48], low[48], high[48];
    const char *cost = cmp_default_metrics[CMP_COST].name;
    if (r->pairs == 0) {
        snprintf(buf, size, "no cost of A is known, so no regret");
    } else if (!(r->mean > 0)) {
        snprintf(buf, size,
                 "no regret: in none of %" PRId32 " pairs did a side cost less than A whose share of requests within "
                 "all targets fell by %g percentage points at most",
                 r->pairs, slack * 100);
    } else {
        snprintf(buf, size,
                 "regret of A: %s (95 %% CI %s to %s, %" PRId32 " pairs), %.1f %% of the best in hindsight, which most "
                 "often was %c, %s: in %" PRId32 " of them. A side counts where its share of requests within all "
                 "targets fell by %g percentage points at most",
                 compare_text(cost, r->mean, false, mean, sizeof mean),
                 compare_text(cost, fmax(r->mean - r->half, 0), false, low, sizeof low),
                 compare_text(cost, r->mean + r->half, false, high, sizeof high), r->pairs, r->share * 100,
                 'A' + r->best, c->options->labels[r->best], r->wins[r->best], slack * 100);
    }
    return buf;
}
