/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * html_notes.c - the end of report.html: what each figure means, and where the run and its constants come from.
 *
 * The definitions repeat those of result.h and view.h for readers; where one changes, the other has to.
 */
#include "sim/report/html.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/scenario/hash.h"

typedef struct definition {
    const char *id; /**< of the anchor, without "def-" */
    const char *term, *text;
} definition;

static void put_definitions(FILE *out, const char *heading, const definition *list)
{
    fprintf(out, "<details>\n<summary>%s</summary>\n<dl>\n", heading);
    for (; list->term != NULL; list++) {
        fprintf(out, "<dt id=\"def-%s\">%s</dt><dd>%s</dd>\n", list->id, list->term, list->text);
    }
    fputs("</dl>\n</details>\n", out);
}

static const definition on_users[] = {
    {"ttft", "TTFT, time to first token",
     "From the moment the user sends the request until the first token arrives back, "
     "network both ways and <code>engine.frontend</code> included. Without tokens: until the answer begins. Of a "
     "request that is tried again: from its first sending until the first token of any attempt."},
    {"tpot", "TPOT, time per output token",
     "Time between the first and the last token, divided by the number of output tokens "
     "less one, in the attempt that answered; requests with a single output token have none."},
    {"e2e", "E2E, end to end", "From sending, be it tried again, to the last token received."},
    {"queue", "Queue", "Waiting at the gateway and inside the replica before the request's first work."},
    {"percentile", "p95",
     "95 % of the values are not larger. Percentiles are interpolated inside buckets of a histogram: "
     "less than one part in a hundred from the true value (three in a hundred in the pictures and timeline.csv). "
     "Means and maxima are exact."},
    {"target", "Target, or SLO",
     "A limit for one percentile of one metric of a service. It is met when at least that percentage of all requests "
     "with an outcome stayed within the limit; rejected and timed-out requests count as beyond it. Decided by exact "
     "counts. Measured is the percentile with lost requests as infinitely late: <b>never</b> means that more were "
     "lost than the target leaves over."},
    {"network", "Network", "Time on the way to the cluster and back, both directions together."},
    {"rejected", "Rejected or timed out",
     "Rejected: the gateway was full, or every cluster refused. Timed out: the user "
     "gave up before the answer was whole."},
    {"within", "Within the limit",
     "Share of single requests that stayed within the limit. Rejected and timed-out requests count "
     "as beyond it."},
    {"minutes", "Minutes missed",
     "Minutes with traffic in which the percentile, taken over that minute alone, was beyond the "
     "limit."},
    {"goodput", "Met every target, goodput",
     "Completed requests that met all targets of their service: as a share of all "
     "requests with an outcome, and per second."},
    {NULL, NULL, NULL}};

static const definition on_money[] = {
    {"cost", "Cost",
     "What was paid between the end of warm-up and the end of the run. Owned nodes are paid for all the time, "
     "whether used or not; the parts sum to the total exactly."},
    {"gpu-hours", "GPU-hours paid", "GPUs of nodes that were up (owned: of all nodes), times the time they were."},
    {"held", "Held, busy", "GPU-hours taken by replicas; of those, GPU-hours in which an engine step was running."},
    {"utilisation", "Utilisation", "Busy GPU-hours as a share of those paid for."},
    {"capacity", "Capacity, requests/s",
     "Ready replicas times the rate that one of them sustains on that pool with the lengths of "
     "the service's requests."},
    {"peak-nodes", "Peak nodes",
     "Most nodes at once. May be above nodes.max: that bounds the nodes that are wanted, and a node under "
     "reclaim notice still stands beside the one ordered in its place."},
    {"provisioned", "Provisioned, failed, reclaimed",
     "Nodes that came up; orders the provider did not fulfil; spot nodes that the "
     "market took back."},
    {"worked-off", "Worked off, rerouted, recomputed, lost",
     "Of the requests on a replica when the notice for its node came: finished there in time; sent to another "
     "replica before they had begun; begun again elsewhere when the node went; given up with it. A service whose "
     "replicas go on serving takes more requests after the notice: what of them was worked off is not told apart (-), "
     "and more may be recomputed or lost than were there."},
    {NULL, NULL, NULL}};

static const definition on_bursts[] = {
    {"burst", "Burst", "One stay beyond the capacity of the best group of clusters: from onset to release."},
    {"onset", "Onset", "Demand begins to outrun the ready replicas."},
    {"saturated", "Saturated", "The best group has no room for another replica."},
    {"overflow", "Overflow starts", "The first replica is assigned to a later group."},
    {"absorbed", "First absorbed",
     "Ready replicas have caught up with the wanted number for the first time. The burst goes on "
     "until its overflow is released, and may fall short again."},
    {"released", "Released", "The later groups are empty again and their extra nodes are gone."},
    {"entry", "Entry",
     "Where users enter the network of a provider, if the scenario says so: requests travel from there to the cluster "
     "and answers back, at the price of whoever sends, each time they do, retries and broken off answers included."},
    {"hurt", "Requests hurt",
     "Beyond the first TTFT limit of their service, rejected or timed out, from the onset until the "
     "release or the end of the run; each request counts once, none during warm-up."},
    {"extra", "Extra GPU cost",
     "What the elastic pools of later groups cost between the start of the overflow and its release. "
     "A pool that several services use is divided by the GPUs they hold; nodes that boot or idle are "
     "split evenly between the services that overflow there. Data sent to users (egress) is not "
     "included."},
    {"lag", "Lag",
     "Time from the moment the metric was read to a replica that serves: decision, waiting for a node (inventory: "
     "until the provider finds one, through orders that come to nothing for want of stock or quota, and until there "
     "is room again where no pool has any), node boot, join and device ready, image pull, weights fetch (0 where "
     "loading streams them), loading to the GPU, warm-up. The stages sum to the whole time: a replica that was "
     "asked for in vain and comes at last has waited since it was first asked for. Starts that needed a node waited "
     "for one to be found or to boot; the others were placed on a node that was up."},
    {"flap", "Flap",
     "A move taken back: replicas leave a cluster for another one and within 15 minutes return. Counted for each "
     "cluster "
     "that gets them back. Scaling up and down in one place is no flap."},
    {"grade", "Grade",
     "How a constant is known: <b>measured</b> (on the thing itself), <b>vendor</b> (a maker's or provider's "
     "statement), "
     "<b>derived</b> (worked out from others), <b>estimate</b>. In this order of trust."},
    {"replication", "Replication", "The same scenario with another seed for every random stream."},
    {NULL, NULL, NULL}};

void rep_html_terms(FILE *out)
{
    put_definitions(out, "Requests, latency and targets", on_users);
    put_definitions(out, "Cost and capacity", on_money);
    put_definitions(out, "Bursts, lag and control", on_bursts);
}

void rep_html_definitions(const rep_view *v, FILE *out)
{
    (void)v;
    fputs("<section id=\"definitions\">\n<h2>What the figures mean</h2>\n", out);
    rep_html_terms(out);
    fputs("</section>\n", out);
}

/** A row of the table of grades. */
static void put_source(FILE *out, const char *what, const char *name, const char *date, const char *grade,
                       const char *source)
{
    fputs("<tr><th scope=\"row\">", out);
    rep_escape(out, name);
    fprintf(out, "</th><td class=\"text\">%s</td><td class=\"text\"><span class=\"grade grade-", what);
    rep_escape(out, grade);
    fputs("\">", out);
    rep_escape(out, grade[0] != '\0' ? grade : "not stated");
    fputs("</span></td><td class=\"text\">", out);
    rep_escape(out, date);
    fputs("</td><td class=\"text wide\">", out);
    rep_escape(out, source);
    fputs("</td></tr>\n", out);
}

static const sc_pool *pool_at(const sc_scenario *sc, int32_t index)
{
    for (int32_t c = 0; c < sc->cluster_count; c++) {
        const sc_cluster *cluster = &sc->clusters[c];
        if (index < cluster->pool_first + cluster->pool_count) {
            return &cluster->pools[index - cluster->pool_first];
        }
    }
    return NULL;
}

/** Has an earlier pool the same GPU? */
static bool seen_before(const sc_scenario *sc, int32_t pool)
{
    for (int32_t p = 0; p < pool; p++) {
        if (pool_at(sc, p)->gpu == pool_at(sc, pool)->gpu) {
            return true;
        }
    }
    return false;
}

void rep_html_sources(const sc_scenario *sc, FILE *out)
{
    static const rep_head heads[] = {{"Constant", NULL, true}, {"Kind", NULL, true},   {"Grade", "grade", true},
                                     {"Date", NULL, true},     {"Source", NULL, true}, {NULL, NULL, false}};
    fputs(
        "<p class=\"hint\">Every constant about the world is a row of a parameter table with source, date and grade. A "
        "figure in this report is as good as the weakest row behind it. <code>spillway list</code> prints the rest: "
        "engine profiles, prices, start-up times, markets.</p>\n",
        out);
    rep_table_open(out, "Grades of the data used", heads);
    for (int32_t p = 0; p < sc->pool_count; p++) {
        const mdl_gpu *gpu = pool_at(sc, p)->gpu;
        if (gpu != NULL && !seen_before(sc, p)) {
            put_source(out, "GPU", gpu->name, gpu->date, gpu->grade, gpu->source);
        }
    }
    for (int32_t s = 0; s < sc->service_count; s++) {
        const mdl_model *model = sc->services[s].model;
        bool seen = model == NULL;
        for (int32_t before = 0; before < s && !seen; before++) {
            seen = sc->services[before].model == model;
        }
        if (!seen) {
            put_source(out, "model", model->name, model->date, model->grade, model->source);
        }
    }
    rep_table_close(out);
}

void rep_html_input(FILE *out, const char *name, const char *text, size_t size)
{
    fputs("<details>\n<summary>", out);
    rep_escape(out, name);
    fprintf(out, " <code>%016" PRIx64 "</code></summary>\n<pre tabindex=\"0\">", hash_bytes(HASH_START, text, size));
    rep_escape_lines(out, text);
    fputs("</pre>\n</details>\n", out);
}

void rep_html_inputs(const sc_scenario *sc, FILE *out)
{
    if (sc->text == NULL) {
        return;
    }
    fputs(
        "<section id=\"inputs\">\n<h2>Scenario and manifests</h2>\n<p class=\"hint\">As they were read, each with the "
        "hash of its text.</p>\n",
        out);
    const char *slash = strrchr(sc->path, '/');
    rep_html_input(out, slash != NULL ? slash + 1 : sc->path, sc->text, strlen(sc->text));
    if (sc->set_count > 0) {
        fputs("<p>Overridden for this run:</p>\n<ul>\n", out);
        for (size_t i = 0; i < sc->set_count; i++) {
            fputs("<li><code>", out);
            rep_escape(out, sc->sets[i].path);
            fputs(" = ", out);
            rep_escape(out, sc->sets[i].value);
            fputs("</code></li>\n", out);
        }
        fputs("</ul>\n", out);
    }
    for (size_t i = 0; i < sc->manifest_count; i++) {
        if (sc->manifests[i].text != NULL) {
            rep_html_input(out, sc->manifests[i].name, sc->manifests[i].text, sc->manifests[i].size);
        }
    }
    fputs("</section>\n", out);
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
    rep_html_sources(v->sc, out);
    fputs("</section>\n", out);
}
