/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * html_notes.c - the end of report.html: what each figure means, and where the run and its constants come from.
 *
 * The definitions repeat those of result.h and view.h for readers; where one changes, the other has to.
 */
#include "sim/report/html.h"

#include <inttypes.h>
#include <stdlib.h>

typedef struct definition {
    const char *term, *text;
} definition;

static void put_definitions(FILE *out, const char *heading, const definition *list)
{
    fprintf(out, "<details>\n<summary>%s</summary>\n<dl>\n", heading);
    for (; list->term != NULL; list++) {
        fprintf(out, "<dt>%s</dt><dd>%s</dd>\n", list->term, list->text);
    }
    fputs("</dl>\n</details>\n", out);
}

static const definition on_users[] = {
    {"TTFT, time to first token", "From the moment the user sends the request until the first token arrives back, "
                                  "network both ways included. Without tokens: until the answer begins."},
    {"TPOT, time per output token", "Time between the first and the last token, divided by the number of output tokens "
                                    "less one; requests with a single output token have none."},
    {"E2E, end to end", "From sending to the last token received."},
    {"Queue", "Waiting at the gateway and inside the replica before the request's first work."},
    {"p95",
     "95 % of the values are not larger. Percentiles are interpolated inside buckets of a histogram: "
     "less than one part in a hundred from the true value (three in a hundred in the pictures and timeline.csv). "
     "Means and maxima are exact."},
    {"Target, or SLO",
     "A limit for one percentile of one metric of a service. It is met when at least that percentage of all requests "
     "with an outcome stayed within the limit; rejected and timed-out requests count as beyond it. Decided by exact "
     "counts. Measured is the percentile with lost requests as infinitely late: <b>never</b> means that more were "
     "lost than the target leaves over."},
    {"Within the limit", "Share of single requests that stayed within the limit. Rejected and timed-out requests count "
                         "as beyond it."},
    {"Minutes missed", "Minutes with traffic in which the percentile, taken over that minute alone, was beyond the "
                       "limit."},
    {"Met every target, goodput", "Completed requests that met all targets of their service: as a share of all "
                                  "requests with an outcome, and per second."},
    {NULL, NULL}};

static const definition on_money[] = {
    {"Cost", "What was paid between the end of warm-up and the end of the run. Owned nodes are paid for all the time, "
             "whether used or not; the parts sum to the total exactly."},
    {"GPU-hours paid", "GPUs of nodes that were up (owned: of all nodes), times the time they were."},
    {"Held, busy", "GPU-hours taken by replicas; of those, GPU-hours in which an engine step was running."},
    {"Utilisation", "Busy GPU-hours as a share of those paid for."},
    {"Capacity, requests/s", "Ready replicas times the rate that one of them sustains on that pool with the lengths of "
                             "the service's requests."},
    {"Peak nodes",
     "Most nodes at once. May be above nodes.max: that bounds the nodes that are wanted, and a node under "
     "reclaim notice still stands beside the one ordered in its place."},
    {"Provisioned, failed, reclaimed", "Nodes that came up; orders the provider did not fulfil; spot nodes that the "
                                       "market took back."},
    {NULL, NULL}};

static const definition on_bursts[] = {
    {"Burst", "One stay beyond the capacity of the best group of clusters: from onset to release."},
    {"Onset", "Demand begins to outrun the ready replicas."},
    {"Saturated", "The best group has no room for another replica."},
    {"Overflow starts", "The first replica is assigned to a later group."},
    {"First absorbed", "Ready replicas have caught up with the wanted number for the first time. The burst goes on "
                       "until its overflow is released, and may fall short again."},
    {"Released", "The later groups are empty again and their extra nodes are gone."},
    {"Requests hurt", "Beyond the first TTFT limit of their service, rejected or timed out, from the onset until the "
                      "release or the end of the run; each request counts once, none during warm-up."},
    {"Extra GPU cost", "What the elastic pools of later groups cost between the start of the overflow and its release. "
                       "A pool that several services use is divided by the GPUs they hold; nodes that boot or idle are "
                       "split evenly between the services that overflow there. Data sent to users (egress) is not "
                       "included."},
    {"Lag", "Time from the moment the metric was read to a replica that serves: decision, waiting for the provider "
            "(inventory), node boot, image pull, loading weights, warm-up. Starts that needed a node waited for one to "
            "be found or to boot; the others were placed on a node that was up."},
    {"Flap", "A decision that takes back the one before it."},
    {"Replication", "The same scenario with another seed for every random stream."},
    {NULL, NULL}};

void rep_html_definitions(const rep_view *v, FILE *out)
{
    (void)v;
    fputs("<section id=\"definitions\">\n<h2>What the figures mean</h2>\n", out);
    put_definitions(out, "Requests, latency and targets", on_users);
    put_definitions(out, "Cost and capacity", on_money);
    put_definitions(out, "Bursts, lag and control", on_bursts);
    fputs("</section>\n", out);
}

/** Has an earlier pool the same GPU? */
static bool seen_before(const rep_view *v, int32_t pool)
{
    for (int32_t p = 0; p < pool; p++) {
        if (v->pools[p].pool->gpu == v->pools[pool].pool->gpu) {
            return true;
        }
    }
    return false;
}

static void put_source(FILE *out, const char *name, const char *date, const char *grade, const char *source)
{
    fputs("<dt>", out);
    rep_escape(out, name);
    fputs("</dt><dd>Grade: <b>", out);
    rep_escape(out, grade[0] != '\0' ? grade : "not stated");
    fputs("</b>", out);
    if (date[0] != '\0') {
        fputs(", ", out);
        rep_escape(out, date);
    }
    if (source[0] != '\0') {
        fputs(". ", out);
        rep_escape(out, source);
    }
    fputs("</dd>\n", out);
}

static void put_sources(const rep_view *v, FILE *out)
{
    fputs(
        "<p>Every constant about the world (GPUs, engine profiles, prices, start-up times, markets) is a row of a "
        "parameter table with source, date and grade. A figure in this report is as good as the weakest row behind it: "
        "<b>measured</b> beats <b>vendor</b> statements, those beat <b>derived</b> values, and an <b>estimate</b> "
        "comes last. GPUs and models of this scenario:</p>\n<dl>\n",
        out);
    for (int32_t p = 0; p < v->sc->pool_count; p++) {
        const mdl_gpu *gpu = v->pools[p].pool->gpu;
        if (gpu != NULL && !seen_before(v, p)) {
            put_source(out, gpu->name, gpu->date, gpu->grade, gpu->source);
        }
    }
    for (int32_t s = 0; s < v->sc->service_count; s++) {
        const mdl_model *model = v->sc->services[s].model;
        bool seen = model == NULL;
        for (int32_t before = 0; before < s && !seen; before++) {
            seen = v->sc->services[before].model == model;
        }
        if (!seen) {
            put_source(out, model->name, model->date, model->grade, model->source);
        }
    }
    fputs("</dl>\n", out);
}

void rep_html_provenance(const rep_view *v, FILE *out)
{
    char clock[REP_CLOCK_SIZE], span[REP_CLOCK_SIZE];
    fputs("<section id=\"provenance\">\n<h2>Where this comes from</h2>\n<p><code>", out);
    char *text = NULL;
    size_t size = 0;
    FILE *line = open_memstream(&text, &size);
    if (line != NULL) {
        rep_provenance(v, line);
        if (fclose(line) == 0) {
            rep_escape(out, text);
        }
    }
    free(text);
    fprintf(out, "</code></p>\n<p>%" PRId32 " replication%s of %s from ", v->n, v->n == 1 ? "" : "s",
            rep_span((double)v->sc->duration_ns / 1e9, span));
    fprintf(out, "%s, ", rep_iso(v->sc, 0, clock));
    fprintf(out,
            "the first %s are warm-up and not counted. Times are local to the scenario. The same version, scenario "
            "and seed give the same bytes.</p>\n",
            rep_span((double)v->sc->warmup_ns / 1e9, span));
    put_sources(v, out);
    fputs("</section>\n", out);
}
