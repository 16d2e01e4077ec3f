/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scene.c - see scene.h. */
#include "sim/report/scene.h"

#include <math.h>
#include <string.h>

const char *const rep_chain_words[RES_CHAIN] = {"decision",   "waiting",      "boot",       "join",
                                                "image pull", "weight fetch", "model load", "warm-up"};

static double bin_start_s(const rep_scene *s, int32_t bin)
{
    return (double)s->run->timeline.bin_ns / 1e9 * bin;
}

static double bin_end_s(const rep_scene *s, int32_t bin)
{
    return fmin(bin_start_s(s, bin + 1), (double)s->v->sc->duration_ns / 1e9);
}

static size_t cell(const rep_scene *s, int32_t bin)
{
    return (size_t)bin * (size_t)s->run->service_count + (size_t)s->service;
}

rep_scene rep_scene_of(const rep_view *v, int32_t service, rep_window window, double left, double right)
{
    const res_timeline *t = &v->runs[0]->timeline;
    const double step = (double)t->bin_ns / 1e9;
    rep_scene s = {.v = v, .run = v->runs[0], .service = service};
    s.last = (int32_t)fmin(ceil(window.to_s / step), t->bins) - 1;
    s.last = s.last > 0 ? s.last : 0;
    s.first = (int32_t)fmin(floor(window.from_s / step), s.last);
    s.time = (svg_axis){window.from_s, window.to_s, 0, left, right};
    return s;
}

double rep_chain_replicas(const rep_view *v, const res_run *run, int32_t bin, int32_t service, int link)
{
    const res_timeline *t = &run->timeline;
    const double from = (double)t->bin_ns * bin, to = fmin(from + (double)t->bin_ns, (double)v->sc->duration_ns);
    const size_t row = (size_t)bin * (size_t)run->service_count + (size_t)service;
    return t->chain_s[row * RES_CHAIN + (size_t)link] / ((to - from) / 1e9);
}

double rep_level_demand(const rep_scene *s, int32_t bin, int32_t k)
{
    (void)k;
    return (double)s->run->timeline.arrivals[cell(s, bin)] / (bin_end_s(s, bin) - bin_start_s(s, bin));
}

double rep_level_capacity(const rep_scene *s, int32_t bin, int32_t k)
{
    double sum = 0;
    for (int32_t p = 0; p < k; p++) {
        sum += rep_capacity_rps(s->v, s->run, bin, s->service, p);
    }
    return sum;
}

double rep_level_ready_rps(const rep_scene *s, int32_t bin, int32_t k)
{
    return k == 0 ? 0 : rep_level_capacity(s, bin, s->v->sc->pool_count);
}

double rep_level_chain(const rep_scene *s, int32_t bin, int32_t k)
{
    double sum = 0;
    for (int32_t link = 0; link < k; link++) {
        sum += rep_chain_replicas(s->v, s->run, bin, s->service, link);
    }
    return sum;
}

double rep_level_wanted(const rep_scene *s, int32_t bin, int32_t k)
{
    (void)k;
    return (double)s->run->timeline.desired[cell(s, bin)];
}

double rep_level_ready(const rep_scene *s, int32_t bin, int32_t k)
{
    (void)k;
    return (double)s->run->timeline.ready[cell(s, bin)];
}

double rep_level_waiting(const rep_scene *s, int32_t bin, int32_t k)
{
    return k == 0 ? 0 : (double)s->run->timeline.waiting[cell(s, bin)];
}

double rep_level_ttft(const rep_scene *s, int32_t bin, int32_t k)
{
    const double late_s = rep_quantile_s(s->run->timeline.ttft[cell(s, bin)], k == 0 ? 0.5 : 0.95);
    return late_s > 0 ? log10(late_s) : (double)NAN;
}

double rep_scene_highest(const rep_scene *s, rep_level level, int32_t k)
{
    double most = 0;
    for (int32_t bin = s->first; bin <= s->last; bin++) {
        most = fmax(most, level(s, bin, k));
    }
    return most;
}

/** Left and right of a bin as it is drawn: cut at the ends of the axis. */
static void ends(const rep_scene *s, int32_t bin, double *x0, double *x1)
{
    *x0 = svg_at(&s->time, fmax(bin_start_s(s, bin), s->time.low));
    *x1 = svg_at(&s->time, fmin(bin_end_s(s, bin), s->time.high));
}

void rep_scene_line(const rep_scene *s, const svg_axis *y, rep_level level, int32_t k, const char *style, FILE *out)
{
    bool drawn = false;
    fprintf(out, "<path class=\"%s\" d=\"", style);
    for (int32_t bin = s->first; bin <= s->last; bin++) {
        const double value = level(s, bin, k);
        double x0, x1;
        ends(s, bin, &x0, &x1);
        if (isfinite(value)) {
            fprintf(out, "%c%.1f %.1fH%.1f", drawn ? 'L' : 'M', x0, svg_at(y, value), x1);
        }
        drawn = isfinite(value);
    }
    fputs("\"/>\n", out);
}

void rep_scene_area(const rep_scene *s, const svg_axis *y, rep_level level, int32_t k, const char *style,
                    const char *attributes, FILE *out)
{
    double x0, x1;
    fprintf(out, "<path class=\"%s\"%s d=\"", style, attributes);
    for (int32_t bin = s->first; bin <= s->last; bin++) {
        ends(s, bin, &x0, &x1);
        fprintf(out, "%c%.1f %.1fH%.1f", bin == s->first ? 'M' : 'L', x0, svg_at(y, level(s, bin, k + 1)), x1);
    }
    for (int32_t bin = s->last; bin >= s->first; bin--) {
        ends(s, bin, &x0, &x1);
        fprintf(out, "L%.1f %.1fH%.1f", x1, svg_at(y, level(s, bin, k)), x0);
    }
    fputs("Z\"/>\n", out);
}

void rep_scene_clock(const rep_scene *s, double top, double end, FILE *out)
{
    static const double steps[] = {60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400};
    const double span = s->time.high - s->time.low, most = span > 86400 ? 8 : 12; /* with days, labels are longer */
    double free_from = 0;
    size_t k = 0;
    while (k + 1 < sizeof steps / sizeof steps[0] && span / steps[k] > most) {
        k++;
    }
    const double every = span / steps[k] > most ? ceil(span / steps[k] / most) * steps[k] : steps[k];
    const double zone_s = (double)(s->v->sc->start_unix_ns / 1000000000 % 86400) + s->v->sc->utc_offset_s;
    for (double t = ceil((s->time.low + zone_s) / every) * every - zone_s; t <= s->time.high; t += every) {
        char clock[REP_CLOCK_SIZE];
        const double x = svg_at(&s->time, t);
        fprintf(out, "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/>\n", x, top, end);
        if (span > 86400) {
            rep_clock(s->v->sc, t, clock);
        } else {
            rep_clock_s(s->v->sc, t, clock)[strlen("14:05")] = '\0';
        }
        const double half = 3.5 * (double)strlen(clock);
        const bool edge = x + half > s->time.to + 18;
        if (x - (edge ? 2 : 1) * half >= free_from) {
            svg_text(out, x, end + 18, edge ? "end" : "middle", 1, clock);
            free_from = x + half + 6;
        }
    }
}

char *rep_clock_s(const sc_scenario *sc, double t_s, char buf[REP_CLOCK_SIZE])
{
    char iso[REP_CLOCK_SIZE];
    snprintf(buf, REP_CLOCK_SIZE, "%.8s", rep_iso(sc, t_s, iso) + strlen("2026-03-02T"));
    return buf;
}
