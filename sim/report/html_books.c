/* SPDX-License-Identifier: GPL-3.0-or-later */
/* html_books.c - the tables of report.html about money, machines, lag and control. Cells are means over replications.
 */
#include "sim/report/html.h"

#include <inttypes.h>
#include <math.h>

static const spw_capacity kinds[REP_KINDS] = {SPW_CAPACITY_OWNED, SPW_CAPACITY_RESERVED, SPW_CAPACITY_ON_DEMAND,
                                              SPW_CAPACITY_SPOT};

static void name_cell(FILE *out, const char *name)
{
    fputs("<tr><th scope=\"row\">", out);
    rep_escape(out, name);
    fputs("</th>", out);
}

static void text_cell(FILE *out, const char *text)
{
    fputs("<td class=\"text\">", out);
    rep_escape(out, text);
    fputs("</td>", out);
}

static void number_cell(FILE *out, double value, int decimals)
{
    fputs("<td>", out);
    rep_grouped(out, value, decimals);
    fputs("</td>", out);
}

static double total_usd(const rep_view *v, const res_run *run, int32_t i, int32_t j)
{
    (void)v, (void)i, (void)j;
    return (double)run->cost.total_uusd / 1e6;
}

static double egress_usd(const rep_view *v, const res_run *run, int32_t i, int32_t j)
{
    (void)v, (void)i, (void)j;
    return (double)run->cost.egress_uusd / 1e6;
}

static double pool_usd(const rep_view *v, const res_run *run, int32_t p, int32_t j)
{
    (void)v, (void)j;
    return (double)run->pools[p].cost_uusd / 1e6;
}

static double kind_usd(const rep_view *v, const res_run *run, int32_t k, int32_t j)
{
    (void)v, (void)j;
    return (double)rep_kind_uusd(&run->cost, kinds[k]) / 1e6;
}

static void put_cost_row(const rep_view *v, const char *name, const char *kind, const char *gpu, double usd, FILE *out)
{
    name_cell(out, name);
    text_cell(out, kind);
    text_cell(out, gpu);
    number_cell(out, usd, 2);
    number_cell(out, 100 * rep_ratio(usd, rep_cell_mean(v, total_usd, 0, 0)), 1);
    fputs("</tr>\n", out);
}

void rep_html_cost(const rep_view *v, FILE *out)
{
    double total = rep_cell_mean(v, total_usd, 0, 0);
    static const rep_head heads[] = {{"Pool", NULL, true},   {"Kind", NULL, true},      {"GPU", NULL, true},
                                     {"USD", "cost", false}, {"Share, %", NULL, false}, {NULL, NULL, false}};
    rep_table_begin(out, "cost", "Cost by pool", "From the end of warm-up to the end of the run.", heads);
    for (int32_t p = 0; p < v->sc->pool_count; p++) {
        put_cost_row(v, v->pools[p].name, rep_kind_word(v->pools[p].pool->capacity), v->pools[p].gpu,
                     rep_cell_mean(v, pool_usd, p, 0), out);
    }
    double gb, between, images;
    put_cost_row(v, "Data to users", "egress", "", rep_to_users(v), out);
    if (rep_between(v, &gb, &between)) {
        char label[64];
        snprintf(label, sizeof label, "Between entry and cluster, %.4g GB", gb);
        put_cost_row(v, label, "egress", "", between, out);
    }
    if (rep_images(v, &images)) {
        put_cost_row(v, "Images moved and stored", "egress", "", images, out);
    }
    fputs("<tr class=\"sum\"><th scope=\"row\">Total</th><td class=\"text\"></td><td class=\"text\"></td>", out);
    number_cell(out, total, 2);
    number_cell(out, total > 0 ? 100 : (double)NAN, 1);
    fputs("</tr>\n</tbody>\n</table>\n</div>\n<p class=\"hint\">By kind of capacity: ", out);
    for (int32_t k = 0; k < REP_KINDS; k++) {
        fprintf(out, "%s%s ", k > 0 ? ", " : "", rep_kind_word(kinds[k]));
        rep_grouped(out, rep_cell_mean(v, kind_usd, k, 0), 2);
    }
    fputs(", egress ", out);
    rep_grouped(out, rep_cell_mean(v, egress_usd, 0, 0), 2);
    fputs(" USD.</p>\n</section>\n", out);
}

static double gpu_hours(const rep_view *v, const res_run *run, int32_t p, int32_t j)
{
    (void)v;
    const res_pool *pool = &run->pools[p];
    return rep_gpu_hours((double)(j == 0 ? pool->gpu_ns : j == 1 ? pool->held_gpu_ns : pool->busy_gpu_ns));
}

static double node_count(const rep_view *v, const res_run *run, int32_t p, int32_t j)
{
    (void)v;
    const res_pool *pool = &run->pools[p];
    const int64_t counts[] = {pool->nodes_peak, pool->provisioned, pool->failed_to_provision, pool->preempted_by_market,
                              pool->released};
    return (double)counts[j];
}

void rep_html_capacity(const rep_view *v, FILE *out)
{
    static const rep_head heads[] = {{"Pool", NULL, true},
                                     {"GPU-hours paid", "gpu-hours", false},
                                     {"Held", "held", false},
                                     {"Busy", "held", false},
                                     {"Utilisation, %", "utilisation", false},
                                     {"Peak nodes", "peak-nodes", false},
                                     {"Provisioned", "provisioned", false},
                                     {"Failed", "provisioned", false},
                                     {"Reclaimed", "provisioned", false},
                                     {"Released", "released", false},
                                     {NULL, NULL, false}};
    rep_table_begin(out, "capacity", "Capacity",
                    "Utilisation is the share of paid GPU time in which an engine step was running. Peak nodes count "
                    "those under reclaim notice.",
                    heads);
    for (int32_t p = 0; p < v->sc->pool_count; p++) {
        name_cell(out, v->pools[p].name);
        for (int32_t j = 0; j < 3; j++) {
            number_cell(out, rep_cell_mean(v, gpu_hours, p, j), 1);
        }
        number_cell(out, 100 * rep_ratio(rep_cell_mean(v, gpu_hours, p, 2), rep_cell_mean(v, gpu_hours, p, 0)), 1);
        for (int32_t j = 0; j < 5; j++) {
            number_cell(out, rep_cell_mean(v, node_count, p, j), v->n > 1 ? 1 : 0);
        }
        fputs("</tr>\n", out);
    }
    rep_table_end(out);
}

/** i: -1 the decision, MDL_STAGES everything together, else a stage; j: 2 * kind + (0 mean, 1 90th percentile). */
static double lag_s(const rep_view *v, const res_run *run, int32_t i, int32_t j)
{
    (void)v;
    const res_lag *lag = rep_start_lag(run, j / 2);
    bool p90 = j % 2 == 1;
    if (lag->count == 0 || (p90 && (i < 0 || i == MDL_STAGES))) {
        return (double)NAN;
    }
    return i < 0 ? lag->decision_s : i == MDL_STAGES ? rep_lag_whole_s(lag) : p90 ? lag->p90_s[i] : lag->mean_s[i];
}

static double lag_replicas(const rep_view *v, const res_run *run, int32_t kind, int32_t j)
{
    (void)v, (void)j;
    return (double)rep_start_lag(run, kind)->count;
}

void rep_html_lag(const rep_view *v, FILE *out)
{
    static const char *const names[MDL_STAGES + 2] = {"Decision",   "Inventory: waiting for a node",
                                                      "Node boot",  "Node join, driver and device ready",
                                                      "Image pull", "Weights fetch",
                                                      "Model load", "Engine warm-up",
                                                      "Together"};
    char span[REP_CLOCK_SIZE];
    if (!(rep_cell_mean(v, lag_replicas, RES_STARTS, 0) > 0)) {
        return;
    }
    static const rep_head heads[] = {{"Stage", "lag", true}, {"Needed a node: mean", NULL, false},
                                     {"p90", NULL, false},   {"Node was up: mean", NULL, false},
                                     {"p90", NULL, false},   {"All starts: mean", NULL, false},
                                     {"p90", NULL, false},   {NULL, NULL, false}};
    rep_table_begin(out, "lag", "Scaling lag",
                    "From the reading of the metric to a replica that serves, over the replicas that became ready. "
                    "A replica that had to wait for a node and one placed on a node that was up have little in common.",
                    heads);
    name_cell(out, "Replicas");
    for (int32_t kind = 0; kind <= RES_STARTS; kind++) {
        number_cell(out, rep_cell_mean(v, lag_replicas, kind, 0), v->n > 1 ? 1 : 0);
        fputs("<td></td>", out);
    }
    fputs("</tr>\n", out);
    for (int32_t i = -1; i <= MDL_STAGES; i++) {
        if (i == MDL_STAGES) {
            fprintf(out, "<tr class=\"sum\"><th scope=\"row\">%s</th>", names[i + 1]);
        } else {
            name_cell(out, names[i + 1]);
        }
        for (int32_t j = 0; j < 2 * (RES_STARTS + 1); j++) {
            fprintf(out, "<td>%s</td>", rep_span(rep_cell_mean(v, lag_s, i, j), span));
        }
        fputs("</tr>\n", out);
    }
    rep_table_end(out);
}

static double control_figure(const rep_view *v, const res_run *run, int32_t i, int32_t j)
{
    (void)v, (void)j;
    const res_control *c = &run->control;
    const double figures[] = {(double)c->ticks,
                              (double)c->actions,
                              (double)c->flaps,
                              (double)c->stale_decisions,
                              (double)c->moved_replicas,
                              (double)c->workload_preemptions,
                              c->unplaced_replica_seconds / 3600,
                              (double)c->bad_snapshots,
                              (double)c->bad_plans};
    return figures[i];
}

void rep_html_control(const rep_view *v, FILE *out)
{
    static const char *const names[] = {"Control ticks",
                                        "Actions",
                                        "Flaps",
                                        "Decisions on stale data",
                                        "Replicas moved between clusters",
                                        "Workloads preempted",
                                        "Replica-hours wanted but not placed",
                                        "Snapshots refused",
                                        "Plans refused"};
    static const rep_head heads[] = {{"Figure", NULL, true}, {"Value", NULL, false}, {NULL, NULL, false}};
    rep_table_begin(out, "control", "Control", "What the scheduling core did, and how often it had to take it back.",
                    heads);
    for (int32_t i = 0; i < (int32_t)(sizeof names / sizeof names[0]); i++) {
        name_cell(out, names[i]);
        number_cell(out, rep_cell_mean(v, control_figure, i, 0), i == 6 ? 2 : v->n > 1 ? 1 : 0);
        fputs("</tr>\n", out);
    }
    rep_table_end(out);
}
