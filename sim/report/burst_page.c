/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * burst_page.c - the burst microscope: the page of one burst, and the files of all of them. What happened in a
 * sentence, the picture, when each mark was reached, where the start-up time went, every decision with its reason.
 */
#include "sim/report/burst.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/report/html.h"

const char *const rep_mark_words[REP_MARKS] = {"onset", "saturated", "overflow starts", "absorbed", "released"};

double rep_mark_s(const res_burst *b, int mark)
{
    const double marks[REP_MARKS] = {b->onset_s, b->primary_saturated_s, b->overflow_started_s, b->absorbed_s,
                                     b->overflow_released_s};
    return marks[mark];
}

int32_t rep_burst_pages(const rep_view *v, int32_t rows[REP_BURST_PAGES])
{
    return v->runs[0]->timeline.bins < 2 ? 0 : rep_burst_rank(v, v->runs[0], rows, REP_BURST_PAGES);
}

char *rep_burst_file(int32_t row, char buf[REP_BURST_FILE])
{
    snprintf(buf, REP_BURST_FILE, "burst-%" PRId32 ".html", row + 1);
    return buf;
}

/** [from, to] with some time on both sides, within the run. */
static rep_window padded(const rep_view *v, double from_s, double to_s, double share)
{
    const double bin_s = (double)v->runs[0]->timeline.bin_ns / 1e9, end_s = (double)v->sc->duration_ns / 1e9;
    const double pad = fmax(fmax(300, 4 * bin_s), share * (to_s - from_s));
    return (rep_window){fmax(0, from_s - pad), fmin(end_s, to_s + pad)};
}

rep_window rep_burst_window(const rep_view *v, const res_burst *b)
{
    const bool over = isfinite(b->overflow_released_s);
    return padded(v, b->onset_s, over ? rep_burst_end_s(b) : (double)v->sc->duration_ns / 1e9, 0.15);
}

bool rep_burst_beginning(const rep_view *v, const res_burst *b, rep_window *window)
{
    const rep_window whole = rep_burst_window(v, b);
    *window = padded(v, b->onset_s, b->absorbed_s, 0.15);
    return isfinite(b->absorbed_s) && whole.to_s - whole.from_s > 3 * (window->to_s - window->from_s);
}

static const res_burst *burst_of(const rep_burst_view *b)
{
    return &b->v->runs[0]->bursts[b->row];
}

/** Links to the page of the run and to the bursts before and after. */
static void put_links(const rep_burst_view *b, FILE *out)
{
    int32_t rows[REP_BURST_PAGES], at = 0;
    const int32_t count = rep_burst_pages(b->v, rows);
    char file[REP_BURST_FILE];
    while (at < count - 1 && rows[at] != b->row) {
        at++;
    }
    fputs("<nav aria-label=\"Pages\"><a href=\"report.html#bursts\">All bursts of the run</a>", out);
    if (at > 0) {
        fprintf(out, " <a rel=\"prev\" href=\"%s\">Burst %" PRId32 "</a>", rep_burst_file(rows[at - 1], file),
                rows[at - 1] + 1);
    }
    if (at < count - 1) {
        fprintf(out, " <a rel=\"next\" href=\"%s\">Burst %" PRId32 "</a>", rep_burst_file(rows[at + 1], file),
                rows[at + 1] + 1);
    }
    fputs(" <a href=\"#marks\">Marks</a> <a href=\"#decisions\">Decisions</a> <a href=\"#definitions\">Definitions</a>"
          " <a href=\"#provenance\">Provenance</a></nav>\n",
          out);
}

static void put_head(const rep_burst_view *b, FILE *out)
{
    const res_burst *burst = burst_of(b);
    const sc_scenario *sc = b->v->sc;
    char iso[REP_CLOCK_SIZE], span[REP_CLOCK_SIZE];
    fputs("<header>\n<p class=\"name\"><b>", out);
    rep_escape(out, sc->name);
    fprintf(out, "</b> &#183; burst %" PRId32 " of %" PRId32 "%s</p>\n<h1>", b->row + 1, b->v->runs[0]->burst_count,
            b->v->n > 1 ? ", replication 0" : "");
    fprintf(out, "At %s on %.10s the demand for ", rep_clock_s(sc, burst->onset_s, span),
            rep_iso(sc, burst->onset_s, iso));
    rep_escape(out, sc->services[burst->service].name);
    fputs(" began to outrun its ready replicas. ", out);
    if (burst->onset_s < (double)sc->warmup_ns / 1e9) {
        fputs("It began in the warm-up, in which nothing counts as hurt; ", out);
    }
    if (burst->requests_hurt > 0) {
        fputs("<span class=\"bad\">", out);
        rep_grouped(out, (double)burst->requests_hurt, 0);
        fprintf(out, " request%s hurt</span>; ", burst->requests_hurt == 1 ? " was" : "s were");
    } else if (burst->onset_s >= (double)sc->warmup_ns / 1e9) {
        fputs("No request was hurt; ", out);
    }
    if (isfinite(burst->absorbed_s)) {
        fprintf(out, "capacity first caught up after %s.", rep_span(burst->absorbed_s - burst->onset_s, span));
    } else {
        fputs("capacity never caught up.", out);
    }
    fputs("</h1>\n</header>\n", out);
}

/** When each mark was reached, and what the burst came to. */
static void put_marks(const rep_burst_view *b, FILE *out)
{
    static const char *const ids[REP_MARKS] = {"onset", "saturated", "overflow", "absorbed", "released"};
    static const rep_head heads[] = {
        {"Mark", NULL, true}, {"Time", NULL, true}, {"After the onset", NULL, false}, {NULL, NULL, false}};
    const res_burst *burst = burst_of(b);
    fputs("<section id=\"marks\">\n<h2>Marks</h2>\n<p class=\"hint\">Requests hurt", out);
    rep_define(out, "hurt");
    fputs(": ", out);
    rep_grouped(out, (double)burst->requests_hurt, 0);
    fputs(". Extra GPU cost", out);
    rep_define(out, "extra");
    fputs(": ", out);
    rep_grouped(out, (double)burst->extra_uusd / 1e6, 2);
    fputs(" USD.</p>\n", out);
    rep_table_open(out, "Marks of this burst", heads);
    for (int i = 0; i < REP_MARKS; i++) {
        char clock[REP_CLOCK_SIZE];
        const double at_s = rep_mark_s(burst, i);
        fprintf(out, "<tr><th scope=\"row\">%s", rep_mark_words[i]);
        rep_define(out, ids[i]);
        fprintf(out, "</th><td class=\"text\">%s</td>", isfinite(at_s) ? rep_clock_s(b->v->sc, at_s, clock) : "-");
        rep_mark_cell(out, burst, at_s);
        fputs("</tr>\n", out);
    }
    rep_table_close(out);
    fputs("</section>\n", out);
}

/** Where the start-up time of this burst's replicas went. */
static void put_stages(const rep_burst_view *b, FILE *out)
{
    static const rep_head heads[] = {{"Stage", NULL, true}, {"Mean", NULL, false}, {NULL, NULL, false}};
    const res_burst *burst = burst_of(b);
    if (burst->replicas_started == 0) {
        return;
    }
    fprintf(out,
            "<section id=\"stages\">\n<h2>Start-up by stage</h2>\n<p class=\"hint\">Means over the %" PRId32
            " replica%s that started in this burst",
            burst->replicas_started, burst->replicas_started == 1 ? "" : "s");
    rep_define(out, "lag");
    fputs(".</p>\n", out);
    rep_table_open(out, "Start-up by stage", heads);
    for (int stage = 0; stage < MDL_STAGES; stage++) {
        char span[REP_CLOCK_SIZE], number[REP_NUMBER_SIZE];
        fprintf(out, "<tr><th scope=\"row\">%s</th><td data-v=\"%s\">%s</td></tr>\n", rep_chain_words[1 + stage],
                rep_real(burst->stage_s[stage], number), rep_span(burst->stage_s[stage], span));
    }
    rep_table_close(out);
    fputs("</section>\n", out);
}

static void put_decision(const rep_burst_view *b, size_t i, FILE *out)
{
    const rep_decision *one = &b->decisions->at[i];
    char clock[REP_CLOCK_SIZE];
    fprintf(out, "<tr id=\"act-%zu\"><th scope=\"row\">%s</th>", i, rep_clock_s(b->v->sc, one->at_s, clock));
    rep_mark_cell(out, burst_of(b), one->at_s);
    fputs("<td class=\"text\">", out);
    rep_escape(out, one->verb);
    fputs("</td><td class=\"text\">", out);
    rep_escape(out, one->target);
    fprintf(out, "</td><td>%" PRId64 "</td><td>%" PRId64 "</td><td class=\"text\"><code>", one->before, one->amount);
    rep_escape(out, one->reason);
    fputs("</code></td><td class=\"text wide\">", out);
    rep_escape(out, one->why);
    fputs("</td></tr>\n", out);
}

static void put_decisions(const rep_burst_view *b, FILE *out)
{
    static const rep_head heads[] = {{"Time", NULL, true},   {"After the onset", NULL, false},
                                     {"Verb", NULL, true},   {"What", NULL, true},
                                     {"From", NULL, false},  {"To", NULL, false},
                                     {"Reason", NULL, true}, {"In words", NULL, true},
                                     {NULL, NULL, false}};
    fputs("<section id=\"decisions\">\n<h2>Decisions</h2>\n", out);
    if (b->decisions->count == 0) {
        fputs("<p class=\"note\">The core decided nothing in this time, or decisions.jsonl is not beside this "
              "page.</p>\n</section>\n",
              out);
        return;
    }
    fputs("<p class=\"hint\">Every action for this service, and every order and release of nodes. Replicas for scale "
          "and place, nodes for provision and release.",
          out);
    if (b->decided > b->decisions->count) {
        fprintf(out, " The first %zu of %zu; all of them stand in decisions.csv.", b->decisions->count, b->decided);
    }
    fputs("</p>\n", out);
    rep_table_open(out, "Decisions of this burst", heads);
    for (size_t i = 0; i < b->decisions->count; i++) {
        put_decision(b, i, out);
    }
    rep_table_close(out);
    fputs("</section>\n", out);
}

static void put_notes(const rep_burst_view *b, FILE *out)
{
    const rep_view *v = b->v;
    fputs("<section id=\"definitions\">\n<h2>What the figures mean</h2>\n", out);
    rep_html_terms(out);
    fputs("</section>\n<section id=\"provenance\">\n<h2>Where this comes from</h2>\n<p><code>", out);
    char *line = NULL;
    size_t size = 0;
    FILE *text = open_memstream(&line, &size);
    if (text != NULL) {
        rep_provenance(v, text);
        if (fclose(text) == 0) {
            rep_escape(out, line);
        }
    }
    free(line);
    fprintf(out,
            "</code></p>\n<p>What is drawn here stands in <a href=\"timeline.csv\">timeline.csv</a> (demand, capacity, "
            "replicas, queue, TTFT), <a href=\"stages.csv\">stages.csv</a> (replicas on their way), <a "
            "href=\"bursts.csv\">bursts.csv</a> and <a href=\"decisions.csv\">decisions.csv</a> (burst %" PRId32
            "). Levels are means over %.0f s. Replicas on their way are those that became ready in the end.</p>\n"
            "</section>\n",
            b->row + 1, (double)v->runs[0]->timeline.bin_ns / 1e9);
}

static void put_pictures(const rep_burst_view *b, FILE *out)
{
    rep_window beginning;
    const bool both = rep_burst_beginning(b->v, burst_of(b), &beginning);
    if (both) {
        fputs("<figure id=\"beginning\">\n<h3>Until capacity first caught up</h3>\n", out);
        rep_burst_picture(b, beginning, out);
        fputs("</figure>\n", out);
    }
    fprintf(out, "<figure id=\"microscope\">\n%s", both ? "<h3>The whole burst</h3>\n" : "");
    rep_burst_picture(b, rep_burst_window(b->v, burst_of(b)), out);
    fputs("<figcaption>Read downwards: demand leaves the ready capacity behind; replicas walk down the chain of "
          "stages; the queue drains when they arrive; below, what the core decided and why. A decision leads to its "
          "row in the table; among decisions the arrow keys go from one to the next, elsewhere in the picture from "
          "one moment to the next.</figcaption>\n</figure>\n",
          out);
}

int rep_burst_page(const void *what, FILE *out)
{
    const rep_burst_view *b = what;
    const res_burst *burst = burst_of(b);
    char title[320];
    snprintf(title, sizeof title, "Burst %" PRId32 " of %.280s", b->row + 1, b->v->sc->name);
    rep_page_begin(out, title);
    put_head(b, out);
    put_links(b, out);
    put_pictures(b, out);
    put_marks(b, out);
    put_stages(b, out);
    put_decisions(b, out);
    put_notes(b, out);
    const rep_scene scene = rep_scene_of(b->v, burst->service, rep_burst_window(b->v, burst), 0, 1);
    rep_html_series_of_scene("series", &scene, out);
    rep_page_end(out);
    return ferror(out) ? -1 : 0;
}
