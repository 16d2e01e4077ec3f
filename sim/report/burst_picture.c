/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * burst_picture.c - the picture of a burst's page, panels on one axis of time: demand against the ready capacity of
 * each pool, replicas wanted and ready, those starting by link of the lag chain, the queue, the latency, the decisions.
 * Panels are laid out downwards; what comes first in the file, the axis of time, needs to know where they end.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/report/burst.h"
#include "sim/report/draw.h"
#include "sim/report/html.h"

enum {
    WIDTH = 1000,
    LEFT = 74,
    RIGHT = 980,
    TOP = 46,  /**< marks have their words above */
    HEAD = 44, /**< room above a panel for its name and key */
    KEY_LINE = 16,
    ACT_ROW = 34,
    ACT_ROWS = 24,
    LINES_MAX = 12 /**< of a tip */
};

/** What the parts of the picture share. */
typedef struct canvas {
    rep_scene scene;
    const res_burst *burst;
    const rep_decisions *decisions;
    FILE *out;
    double y; /**< end of the last panel */
} canvas;

/** An entry of a key. */
typedef struct entry {
    char style[32], attributes[32];
    const char *word;
} entry;

static double width_of(const entry *e)
{
    return 33 + 6.6 * (double)strlen(e->word);
}

/** Draws a key, right-aligned from y on, in as many lines as it takes right of x; draw = false: only counts them. */
static int put_key(const entry *entries, int count, double y, double x, bool draw, FILE *out)
{
    int lines = 0;
    for (int from = 0; from < count;) {
        double width = width_of(&entries[from]);
        int to = from + 1;
        while (to < count && width + width_of(&entries[to]) <= RIGHT - x) {
            width += width_of(&entries[to++]);
        }
        double at = RIGHT - width + 14;
        for (int i = from; draw && i < to; at += width_of(&entries[i++])) {
            fprintf(out, "<rect class=\"%s\"%s x=\"%.0f\" y=\"%.0f\" width=\"14\" height=\"9\"/>\n", entries[i].style,
                    entries[i].attributes, at, y + KEY_LINE * lines - 9);
            svg_text(out, at + 19, y + KEY_LINE * lines, "start", 1, entries[i].word);
        }
        from = to;
        lines++;
    }
    return lines;
}

/** Room for a panel of this height below the last one, with its name and its key. @return its top */
static double begin_panel(canvas *c, const char *name, const entry *entries, int count, double height)
{
    const double x = LEFT + 30 + 7 * (double)strlen(name);
    const int lines = put_key(entries, count, 0, x, false, c->out);
    const double head = HEAD + (lines > 1 ? KEY_LINE * (lines - 1) : 0), top = c->y + head;
    svg_text(c->out, LEFT, c->y + HEAD - 12, "start", 0, name);
    put_key(entries, count, c->y + HEAD - 12, x, true, c->out);
    c->y = top + height;
    return top;
}

static svg_axis axis_of(const canvas *c, double low, double high, int ticks, double top)
{
    const svg_axis y = svg_axis_fit(low, high > low ? high : low + 1, ticks, c->y, top);
    svg_axis_up(c->out, &y, LEFT, RIGHT);
    return y;
}

static void put_halo(const canvas *c, const svg_axis *y, rep_level level)
{
    rep_scene_line(&c->scene, y, level, 0, "halo", c->out);
    rep_scene_line(&c->scene, y, level, 0, "demand", c->out);
}

/** Pools of one kind share a colour; the second and further ones are paler. */
static void put_demand(canvas *c)
{
    const rep_scene *s = &c->scene;
    const rep_view *v = s->v;
    entry *keys = calloc((size_t)v->sc->pool_count + 1, sizeof *keys);
    int32_t *pool = calloc((size_t)v->sc->pool_count + 1, sizeof *pool);
    int count = 0, nth[REP_KINDS + 1] = {0};
    for (int32_t p = 0; keys != NULL && pool != NULL && p < v->sc->pool_count; p++) {
        const spw_capacity kind = v->pools[p].pool->capacity;
        double most = 0;
        for (int32_t bin = s->first; bin <= s->last; bin++) {
            most = fmax(most, rep_capacity_rps(v, s->run, bin, s->service, p));
        }
        if (most > 0) {
            pool[count] = p;
            keys[count].word = v->pools[p].name;
            snprintf(keys[count].style, sizeof keys[count].style, "kind-%s", rep_kind_key(kind));
            snprintf(keys[count].attributes, sizeof keys[count].attributes, " fill-opacity=\"%.2f\"",
                     fmax(0.9 - 0.25 * nth[kind]++, 0.3));
            count++;
        }
    }
    if (keys != NULL && pool != NULL) {
        keys[count] = (entry){"demand-key", "", "demand"};
        const double top = begin_panel(c, "requests/s: demand and ready capacity", keys, count + 1, 170);
        const double most =
            fmax(rep_scene_highest(s, rep_level_ready_rps, 1), rep_scene_highest(s, rep_level_demand, 0));
        const svg_axis y = axis_of(c, 0, most, 4, top);
        for (int i = 0; i < count; i++) {
            rep_scene_area(s, &y, rep_level_capacity, pool[i], keys[i].style, keys[i].attributes, c->out);
        }
        put_halo(c, &y, rep_level_demand);
    }
    free(keys);
    free(pool);
}

static double lowest(const rep_scene *s, rep_level level)
{
    double least = INFINITY;
    for (int32_t bin = s->first; bin <= s->last; bin++) {
        least = fmin(least, level(s, bin, 0));
    }
    return least;
}

static void put_replicas(canvas *c)
{
    static const entry keys[] = {{"wanted-key", "", "wanted"}, {"ready-key", "", "ready"}};
    const rep_scene *s = &c->scene;
    const double top = begin_panel(c, "replicas: wanted and ready", keys, 2, 80);
    const double low = fmin(lowest(s, rep_level_wanted), lowest(s, rep_level_ready));
    const double high = fmax(rep_scene_highest(s, rep_level_wanted, 0), rep_scene_highest(s, rep_level_ready, 0));
    const svg_axis y = axis_of(c, low, high, 2, top);
    rep_scene_line(s, &y, rep_level_ready, 0, "ready-line", c->out);
    rep_scene_line(s, &y, rep_level_wanted, 0, "wanted-line", c->out);
}

static void put_chain(canvas *c)
{
    entry keys[RES_CHAIN] = {0};
    for (int k = 0; k < RES_CHAIN; k++) {
        keys[k].word = rep_chain_words[k];
        snprintf(keys[k].style, sizeof keys[k].style, "chain%d", k);
    }
    const double top = begin_panel(c, "replicas starting, by stage", keys, RES_CHAIN, 130);
    const svg_axis y = axis_of(c, 0, rep_scene_highest(&c->scene, rep_level_chain, RES_CHAIN), 4, top);
    for (int k = 0; k < RES_CHAIN; k++) {
        rep_scene_area(&c->scene, &y, rep_level_chain, k, keys[k].style, "", c->out);
    }
}

static void put_queue(canvas *c)
{
    const double top = begin_panel(c, "requests waiting", NULL, 0, 60);
    const svg_axis y = axis_of(c, 0, rep_scene_highest(&c->scene, rep_level_waiting, 1), 2, top);
    rep_scene_area(&c->scene, &y, rep_level_waiting, 0, "waiting", "", c->out);
}

/** The first TTFT limit of the service, log10 of s; NaN without one. */
static double limit_of(const sc_service *service)
{
    for (int32_t t = 0; t < service->target_count; t++) {
        if (strcmp(service->targets[t].metric, "ttft") == 0) {
            return log10((double)service->targets[t].limit_ns / 1e9);
        }
    }
    return (double)NAN;
}

static void put_latency(canvas *c)
{
    const rep_scene *s = &c->scene;
    const double limit = limit_of(&s->v->sc->services[s->service]);
    double low = isfinite(limit) ? limit : (double)INFINITY, high = isfinite(limit) ? limit : -(double)INFINITY;
    const entry keys[] = {{"p95-key", "", "p95"}, {"p50-key", "", "p50"}, {"limit-key", "", "target"}};
    for (int32_t bin = s->first; bin <= s->last; bin++) {
        for (int32_t k = 0; k < 2; k++) {
            const double late = rep_level_ttft(s, bin, k);
            low = isfinite(late) ? fmin(low, late) : low;
            high = isfinite(late) ? fmax(high, late) : high;
        }
    }
    if (!(high >= low)) {
        return;
    }
    const double top = begin_panel(c, "TTFT", keys, isfinite(limit) ? 3 : 2, 100);
    const svg_axis y = svg_axis_log(pow(10, low), pow(10, high), c->y, top);
    draw_y_log(c->out, &y, LEFT + 2, RIGHT, "latency.ttft_s.p95", "");
    if (isfinite(limit)) {
        draw_line(c->out, LEFT, svg_at(&y, limit), RIGHT, svg_at(&y, limit), "class=\"limit\"");
    }
    rep_scene_line(s, &y, rep_level_ttft, 0, "p50-line", c->out);
    rep_scene_line(s, &y, rep_level_ttft, 1, "p95-line", c->out);
}

/** Decisions of one kind for one reason have a row; those of one tick in it share a mark. */
typedef struct act_row {
    const char *verb, *reason, *why;
    double last_s; /**< time of its last mark */
    size_t mark;   /**< that mark */
} act_row;

typedef struct mark {
    size_t first; /**< of the decisions */
    int row, count;
    int64_t change; /**< of replicas or nodes */
} mark;

typedef struct acts {
    act_row rows[ACT_ROWS]; /**< the last one takes what has no room elsewhere */
    int row_count;
    mark *marks; /**< in the order of the log */
    size_t count;
} acts;

static int row_of(const acts *a, const rep_decision *one)
{
    int row = 0;
    while (row < a->row_count &&
           (strcmp(one->verb, a->rows[row].verb) != 0 || strcmp(one->reason, a->rows[row].reason) != 0)) {
        row++;
    }
    return row < ACT_ROWS ? row : ACT_ROWS - 1;
}

static void collect(const rep_decisions *d, const svg_axis *time, acts *a)
{
    for (size_t i = 0; i < d->count; i++) {
        const rep_decision *one = &d->at[i];
        if (one->at_s < time->low || one->at_s > time->high) {
            continue;
        }
        const int row = row_of(a, one);
        if (row == a->row_count) {
            a->rows[a->row_count++] = (act_row){one->verb, one->reason, one->why, -(double)INFINITY, 0};
        }
        if (one->at_s > a->rows[row].last_s) {
            a->rows[row].last_s = one->at_s;
            a->rows[row].mark = a->count;
            a->marks[a->count++] = (mark){.first = i, .row = row};
        }
        mark *m = &a->marks[a->rows[row].mark];
        m->count++;
        m->change += one->amount - one->before;
    }
}

/** Which way it goes: up, down, or neither. */
static void put_sign(const mark *m, double x, double y, FILE *out)
{
    if (m->change == 0) {
        fprintf(out, "<circle class=\"act\" cx=\"%.1f\" cy=\"%.1f\" r=\"4.5\"/>", x, y);
    } else {
        fprintf(out, "<path class=\"act %s\" d=\"M%.1f %.1fl5.5 %dh-11Z\"/>", m->change > 0 ? "act-up" : "act-down", x,
                m->change > 0 ? y - 5 : y + 5, m->change > 0 ? 10 : -10);
    }
}

/** room: to the next mark of the row */
static void put_mark(const canvas *c, const acts *a, const mark *m, double x, double y, double room)
{
    const rep_decision *first = &c->decisions->at[m->first];
    char clock[REP_CLOCK_SIZE], label[96];
    int told = 0;
    fprintf(c->out, "<a href=\"#act-%zu\" data-t=\"%s", m->first, rep_clock_s(c->scene.v->sc, first->at_s, clock));
    for (size_t i = m->first; told < m->count && told < LINES_MAX; i++) {
        const rep_decision *one = &c->decisions->at[i];
        if (row_of(a, one) == m->row) {
            fprintf(c->out, "|%s ", one->verb);
            rep_escape(c->out, one->target);
            fprintf(c->out, ": %" PRId64 " to %" PRId64, one->before, one->amount);
            told++;
        }
    }
    if (m->count > told) {
        fprintf(c->out, "|and %d more", m->count - told);
    }
    fputc('|', c->out);
    rep_escape(c->out, first->reason);
    fputs(first->why[0] != '\0' ? ": " : "", c->out);
    rep_escape(c->out, first->why);
    fputs("\">", c->out);
    put_sign(m, x, y, c->out);
    int length = snprintf(label, sizeof label, "%" PRId64 " to %" PRId64, first->before, first->amount);
    if (m->count > 1) {
        length += snprintf(label + length, sizeof label - (size_t)length, " +%d", m->count - 1);
    }
    if (5.6 * length < room) {
        fprintf(c->out, "<text class=\"why\" x=\"%.1f\" y=\"%.1f\">%s</text>", x + 8, y + 4, label);
    }
    fputs("</a>\n", c->out);
}

static void put_act_row(const canvas *c, const act_row *row, bool rest, double y)
{
    draw_line(c->out, LEFT, y, RIGHT, y, "class=\"grid\"");
    svg_text(c->out, LEFT - 8, y + 4, "end", 1, rest ? "other" : row->verb);
    fprintf(c->out, "<text class=\"why\" x=\"%d\" y=\"%.1f\">", LEFT, y - 10);
    rep_escape(c->out, rest ? "for further reasons" : row->reason);
    if (!rest && row->why[0] != '\0') {
        fputs(": ", c->out);
        rep_escape(c->out, row->why);
    }
    fputs("</text>\n", c->out);
}

static void put_acts(canvas *c)
{
    static const entry keys[] = {{"act act-up", "", "more"}, {"act act-down", "", "fewer"}};
    acts a = {.marks = calloc(c->decisions->count + 1, sizeof *a.marks)};
    if (a.marks != NULL) {
        collect(c->decisions, &c->scene.time, &a);
    }
    if (a.count > 0) {
        const double top = begin_panel(c, "decisions, by reason", keys, 2, ACT_ROW * a.row_count);
        for (int row = 0; row < a.row_count; row++) {
            put_act_row(c, &a.rows[row], row == ACT_ROWS - 1, top + row * ACT_ROW + 22);
        }
        fputs("<g data-rove=\"\">\n", c->out);
        for (size_t i = 0; i < a.count; i++) {
            size_t next = i + 1;
            while (next < a.count && a.marks[next].row != a.marks[i].row) {
                next++;
            }
            const double x = svg_at(&c->scene.time, c->decisions->at[a.marks[i].first].at_s);
            const double limit =
                next < a.count ? svg_at(&c->scene.time, c->decisions->at[a.marks[next].first].at_s) - 6 : RIGHT + 12;
            put_mark(c, &a, &a.marks[i], x, top + a.marks[i].row * ACT_ROW + 22, limit - x - 10);
        }
        fputs("</g>\n", c->out);
    }
    free(a.marks);
}

static void put_burst_marks(const canvas *c)
{
    double right_of = -1;
    int row = 0;
    for (int i = 0; i < REP_MARKS; i++) {
        const double at_s = rep_mark_s(c->burst, i), x = svg_at(&c->scene.time, at_s);
        if (!isfinite(at_s) || at_s > c->scene.time.high) {
            continue;
        }
        const bool turn = x > RIGHT - 110;
        row = x < right_of ? row + 1 : 0;
        right_of = x + 100;
        fprintf(c->out, "<path class=\"mark\" d=\"M%.1f %dV%.1f\"/>\n", x, 4 + 12 * row, c->y);
        svg_text(c->out, turn ? x - 4 : x + 4, 12 + 12 * row, turn ? "end" : "start", 0, rep_mark_words[i]);
    }
}

void rep_burst_picture(const rep_burst_view *b, rep_window window, FILE *out)
{
    const res_burst *burst = &b->v->runs[0]->bursts[b->row];
    char *panels = NULL;
    size_t size = 0;
    canvas c = {.burst = burst, .decisions = b->decisions, .y = TOP};
    c.scene = rep_scene_of(b->v, burst->service, window, LEFT, RIGHT);
    c.out = open_memstream(&panels, &size);
    if (c.out == NULL) {
        return;
    }
    put_demand(&c);
    put_replicas(&c);
    put_chain(&c);
    put_queue(&c);
    put_latency(&c);
    put_acts(&c);
    put_burst_marks(&c);
    if (fclose(c.out) == 0) {
        fputs("<div class=\"card\"", out);
        rep_series_of_scene("series", &c.scene, (double)LEFT / WIDTH, (double)RIGHT / WIDTH, out);
        fprintf(out, "><svg class=\"drawn\" viewBox=\"0 0 %d %.0f\" role=\"group\" aria-label=\"Burst %" PRId32 "\">\n",
                WIDTH, c.y + 30, b->row + 1);
        rep_scene_clock(&c.scene, TOP + HEAD, c.y, out);
        fwrite(panels, 1, size, out);
        fputs("</svg></div>\n", out);
    }
    free(panels);
}
