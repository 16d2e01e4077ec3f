/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * flows.c - water-filling over links and limits, and the clock of what is left.
 *
 * A round of filling finds the least room per transfer over all links and limits and fixes everybody who meets it; at
 * most one round for each link and limit. Transfers are walked in order of number, ties end in order of start.
 */
#include "models/delivery/flows.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct flow_link {
    double rate;
    bool used;
    double room;    /**< scratch: rate not given away yet */
    int32_t active; /**< scratch: transfers not fixed yet */
} flow_link;

typedef struct transfer {
    double left, limit, rate;
    int64_t done_ns;
    uint64_t order;
    int32_t links[MDL_FLOW_LINKS];
    int32_t count;
    bool used, fixed;
} transfer;

struct mdl_flows {
    flow_link *links;
    transfer *flows;
    int32_t link_count, link_cap, flow_count, flow_cap;
    int64_t now_ns; /**< `left` of all is as of this time */
    uint64_t started;
};

mdl_flows *mdl_flows_new(void)
{
    return calloc(1, sizeof(mdl_flows));
}

void mdl_flows_free(mdl_flows *f)
{
    if (f != NULL) {
        free(f->links);
        free(f->flows);
        free(f);
    }
}

static void *room_for(void *rows, int32_t count, int32_t *cap, size_t size)
{
    if (count < *cap) {
        return rows;
    }
    int32_t wanted = *cap == 0 ? 16 : 2 * *cap;
    void *grown = realloc(rows, (size_t)wanted * size);
    if (grown != NULL) {
        *cap = wanted;
    }
    return grown;
}

int32_t mdl_flows_link(mdl_flows *f, double bytes_per_s)
{
    int32_t i = 0;
    while (i < f->link_count && f->links[i].used) {
        i++;
    }
    if (i == f->link_count) {
        flow_link *rows = room_for(f->links, f->link_count, &f->link_cap, sizeof *rows);
        if (rows == NULL) {
            return -1;
        }
        f->links = rows;
        f->link_count++;
    }
    f->links[i] = (flow_link){.rate = bytes_per_s, .used = true};
    return i;
}

void mdl_flows_link_remove(mdl_flows *f, int32_t link)
{
    f->links[link].used = false;
}

/* What was carried since the last change. */
static void catch_up(mdl_flows *f, int64_t now_ns)
{
    double s = (double)(now_ns - f->now_ns) / 1e9;
    for (int32_t i = 0; i < f->flow_count && s > 0.0; i++) {
        transfer *w = &f->flows[i];
        if (w->used) {
            w->left = w->done_ns <= now_ns ? 0.0 : fmax(0.0, w->left - w->rate * s);
        }
    }
    f->now_ns = now_ns;
}

/* Room per transfer where it is least; HUGE_VAL when all are fixed. */
static double least(const mdl_flows *f)
{
    double best = HUGE_VAL;
    for (int32_t i = 0; i < f->link_count; i++) {
        const flow_link *l = &f->links[i];
        if (l->used && l->active > 0) {
            best = fmin(best, l->room / l->active);
        }
    }
    for (int32_t i = 0; i < f->flow_count; i++) {
        const transfer *w = &f->flows[i];
        if (w->used && !w->fixed && w->limit > 0.0) {
            best = fmin(best, w->limit);
        }
    }
    return best;
}

static bool meets(const mdl_flows *f, const transfer *w, double level)
{
    const double slack = 1.0 + 1e-12; /* shares of one level that differ by rounding are one level */
    if (w->limit > 0.0 && w->limit <= level * slack) {
        return true;
    }
    for (int32_t k = 0; k < w->count; k++) {
        const flow_link *l = &f->links[w->links[k]];
        if (l->room <= level * slack * l->active) {
            return true;
        }
    }
    return false;
}

static void fill(mdl_flows *f)
{
    for (int32_t i = 0; i < f->link_count; i++) {
        f->links[i].room = f->links[i].rate;
        f->links[i].active = 0;
    }
    for (int32_t i = 0; i < f->flow_count; i++) {
        transfer *w = &f->flows[i];
        w->fixed = false;
        for (int32_t k = 0; w->used && k < w->count; k++) {
            f->links[w->links[k]].active++;
        }
    }
    for (double level = least(f); level < HUGE_VAL; level = least(f)) {
        for (int32_t i = 0; i < f->flow_count; i++) {
            transfer *w = &f->flows[i];
            if (w->used && !w->fixed && meets(f, w, level)) {
                w->fixed = true;
                w->rate = level;
            }
        }
        for (int32_t i = 0; i < f->link_count; i++) {
            f->links[i].room = f->links[i].rate;
            f->links[i].active = 0;
        }
        for (int32_t i = 0; i < f->flow_count; i++) {
            const transfer *w = &f->flows[i];
            for (int32_t k = 0; w->used && k < w->count; k++) {
                flow_link *l = &f->links[w->links[k]];
                l->room = fmax(0.0, l->room - (w->fixed ? w->rate : 0.0));
                l->active += w->fixed ? 0 : 1;
            }
        }
    }
    for (int32_t i = 0; i < f->flow_count; i++) {
        transfer *w = &f->flows[i];
        if (w->used) {
            double ns = w->left > 0.0 ? ceil(w->left / w->rate * 1e9 - 1e-3) : 0.0;
            w->done_ns = ns < 9.2e18 - (double)f->now_ns ? f->now_ns + (int64_t)ns : INT64_MAX;
        }
    }
}

void mdl_flows_link_set(mdl_flows *f, int64_t now_ns, int32_t link, double bytes_per_s)
{
    catch_up(f, now_ns);
    f->links[link].rate = bytes_per_s;
    fill(f);
}

int32_t mdl_flows_add(mdl_flows *f, int64_t now_ns, double bytes, double limit, const int32_t *links, int32_t count)
{
    int32_t i = 0;
    while (i < f->flow_count && f->flows[i].used) {
        i++;
    }
    if (i == f->flow_count) {
        transfer *rows = room_for(f->flows, f->flow_count, &f->flow_cap, sizeof *rows);
        if (rows == NULL) {
            return -1;
        }
        f->flows = rows;
        f->flow_count++;
        f->flows[i].used = false;
    }
    catch_up(f, now_ns);
    f->flows[i] = (transfer){.left = bytes, .limit = limit, .count = count, .order = f->started++, .used = true};
    if (count > 0) {
        memcpy(f->flows[i].links, links, (size_t)count * sizeof *links);
    }
    fill(f);
    return i;
}

void mdl_flows_remove(mdl_flows *f, int64_t now_ns, int32_t flow)
{
    catch_up(f, now_ns);
    f->flows[flow].used = false;
    fill(f);
}

int64_t mdl_flows_next(const mdl_flows *f)
{
    int64_t next = INT64_MAX;
    for (int32_t i = 0; i < f->flow_count; i++) {
        if (f->flows[i].used && f->flows[i].done_ns < next) {
            next = f->flows[i].done_ns;
        }
    }
    return next;
}

int32_t mdl_flows_pop(mdl_flows *f, int64_t now_ns)
{
    int32_t first = -1;
    for (int32_t i = 0; i < f->flow_count; i++) {
        const transfer *w = &f->flows[i];
        if (w->used && w->done_ns <= now_ns && (first < 0 || w->order < f->flows[first].order)) {
            first = i;
        }
    }
    if (first >= 0) {
        mdl_flows_remove(f, now_ns, first);
    }
    return first;
}

double mdl_flows_left(const mdl_flows *f, int64_t now_ns, int32_t flow)
{
    double s = (double)(now_ns - f->now_ns) / 1e9;
    return f->flows[flow].done_ns <= now_ns ? 0.0 : fmax(0.0, f->flows[flow].left - f->flows[flow].rate * s);
}

double mdl_flows_rate(const mdl_flows *f, int32_t flow)
{
    return f->flows[flow].rate;
}
