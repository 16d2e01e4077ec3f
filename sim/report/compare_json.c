/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compare_json.c - compare.json, and the folder of a comparison. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "sim/experiment/regret.h"
#include "sim/report/compare_parts.h"

void rep_json_scenario(rep_json *j, const sc_scenario *sc)
{
    char hash[24];
    snprintf(hash, sizeof hash, "%016" PRIx64, sc->hash);
    rep_json_text(j, "scenario", sc->name);
    rep_json_text(j, "path", sc->path);
    rep_json_text(j, "hash", hash);
    rep_json_array(j, "overrides");
    for (size_t i = 0; i < sc->set_count; i++) {
        rep_json_object(j, NULL);
        rep_json_text(j, "path", sc->sets[i].path);
        rep_json_text(j, "value", sc->sets[i].value);
        rep_json_end(j, false);
    }
    rep_json_end(j, true);
}

static void put_figure(rep_json *j, const comparison *c, int32_t side, int32_t metric)
{
    const cmp_figure *f = compare_figure(c, side, metric);
    rep_json_object(j, c->options->metrics[metric].name);
    rep_json_count(j, "runs", (uint64_t)f->runs);
    rep_json_real(j, "mean", f->mean);
    rep_json_real(j, "ci95_half_width", f->half);
    if (side > 0) {
        rep_json_count(j, "pairs", (uint64_t)f->pairs);
        rep_json_real(j, "baseline_mean", f->base);
        rep_json_real(j, "difference", f->diff);
        rep_json_real(j, "difference_half_width", f->diff_half);
        rep_json_real(j, "p", f->p);
        rep_json_real(j, "p_holm", f->p_holm);
        rep_json_real(j, "variance_reduction", f->reduction);
        rep_json_bool(j, "same", f->same);
        rep_json_bool(j, "shown", f->shown);
    }
    rep_json_end(j, false);
}

static void put_moments(rep_json *j, const comparison *c, int32_t side)
{
    rep_json_array(j, "first_differing_decisions");
    for (int32_t i = 0; i < c->moment_counts[side]; i++) {
        const cmp_moment *m = &c->moments[side][i];
        rep_json_object(j, NULL);
        rep_json_int(j, "now_ns", m->now_ns);
        rep_json_text(j, "baseline", m->base);
        rep_json_text(j, "candidate", m->candidate);
        rep_json_end(j, false);
    }
    rep_json_end(j, true);
}

static void put_regret(rep_json *j, const comparison *c)
{
    const regret r = regret_of(c, *c->options->slack);
    char words[REP_VERDICT];
    rep_json_object(j, "regret");
    rep_json_text(j, "verdict", regret_words(c, &r, *c->options->slack, words, sizeof words));
    rep_json_real(j, "slack", *c->options->slack);
    rep_json_count(j, "pairs", (uint64_t)r.pairs);
    rep_json_real(j, "mean_usd", r.mean);
    rep_json_real(j, "ci95_half_width", r.half);
    rep_json_real(j, "share_of_best", r.share);
    rep_json_array(j, "sides");
    for (int32_t s = 0; s < c->options->side_count; s++) {
        const char letter[] = {(char)('A' + s), '\0'};
        rep_json_object(j, NULL);
        rep_json_text(j, "side", letter);
        rep_json_count(j, "best_in_pairs", (uint64_t)r.wins[s]);
        rep_json_count(j, "not_eligible_in_pairs", (uint64_t)r.out[s]);
        rep_json_end(j, false);
    }
    rep_json_end(j, true);
    rep_json_end(j, false);
}

int report_compare_json(const comparison *c, FILE *out)
{
    rep_json j;
    rep_json_init(&j, out);
    rep_json_object(&j, NULL);
    rep_json_text(&j, "version", REP_VERSION);
    rep_json_count(&j, "seed", c->options->seed);
    rep_json_count(&j, "replications", (uint64_t)c->replications);
    rep_json_real(&j, "level", c->level);
    if (c->options->goal != NULL) {
        rep_json_bool(&j, "half_width_reached", c->goal_met);
    }
    if (c->options->slack != NULL) {
        put_regret(&j, c);
    }
    rep_json_array(&j, "sides");
    for (int32_t s = 0; s < c->options->side_count; s++) {
        const char letter[] = {(char)('A' + s), '\0'};
        char verdict[REP_VERDICT];
        rep_json_object(&j, NULL);
        rep_json_text(&j, "side", letter);
        rep_json_text(&j, "label", c->options->labels[s]);
        rep_json_scenario(&j, c->options->sides[s]);
        if (s > 0) {
            rep_json_text(&j, "verdict", compare_verdict(c, s, verdict, sizeof verdict));
        }
        rep_json_object(&j, "figures");
        for (int32_t m = 0; m < c->options->metric_count; m++) {
            put_figure(&j, c, s, m);
        }
        rep_json_end(&j, false);
        if (s > 0) {
            put_moments(&j, c, s);
        }
        rep_json_end(&j, false);
    }
    rep_json_end(&j, true);
    rep_json_end(&j, false);
    rep_json_finish(&j);
    return ferror(out) ? -1 : 0;
}

/* --- the folder --- */

static int as_json(const void *what, FILE *out)
{
    return report_compare_json(what, out);
}

static int as_markdown(const void *what, FILE *out)
{
    return report_compare_markdown(what, out);
}

typedef struct log_of_side {
    const comparison *c;
    int32_t side;
} log_of_side;

static int as_log(const void *what, FILE *out)
{
    const log_of_side *l = what;
    const size_t size = l->c->decision_sizes[l->side];
    return fwrite(l->c->decisions[l->side], 1, size, out) == size ? 0 : -1;
}

int report_compare_dir(const comparison *c, const char *dir, char *err, size_t err_size)
{
    static const struct {
        const char *name;
        int (*write)(const void *, FILE *);
    } files[] = {{"compare.json", as_json},
                 {"differences.csv", rep_compare_differences_csv},
                 {"pairs.csv", rep_compare_pairs_csv},
                 {"compare.md", as_markdown},
                 {"report.html", rep_compare_page}};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (rep_write_file(dir, files[i].name, files[i].write, c, err, err_size) != 0) {
            return -1;
        }
    }
    for (int32_t s = 0; s < c->options->side_count; s++) {
        const log_of_side one = {c, s};
        char name[32];
        snprintf(name, sizeof name, "decisions-%c.jsonl", (char)('A' + s));
        if (rep_write_file(dir, name, as_log, &one, err, err_size) != 0) {
            return -1;
        }
    }
    return 0;
}
