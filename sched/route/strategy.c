/* SPDX-License-Identifier: Apache-2.0 */
/* strategy.c - see strategy.h. All in integers: millionths, and replicas times trust. */
#include "route/strategy.h"

#define OVERPROVISION_PPM INT64_C(1400000)
#define PANIC_PPM         INT64_C(500000)
#define PPM               INT64_C(1000000)

__extension__ typedef unsigned __int128 u128;

typedef struct levels {
    int64_t ready[ROUTE_LEVELS_MAX];    /* replicas x trust */
    int64_t assigned[ROUTE_LEVELS_MAX]; /* replicas x 1e6 */
    int64_t load[ROUTE_LEVELS_MAX];
    bool panic[ROUTE_LEVELS_MAX];
} levels;

int32_t route_trust(spw_dur age, spw_dur lag)
{
    if (lag == 0 || age <= lag) {
        return (int32_t)PPM;
    }
    if (age / 2 >= lag) {
        return 0;
    }
    return (int32_t)((u128)(uint64_t)(lag - (age - lag)) * (uint64_t)PPM / (uint64_t)lag);
}

static int64_t trusted(const route_site *s)
{
    return (int64_t)s->ready * s->trust;
}

/** What it can serve: trusted replicas by their throughput, and something wherever there are any. */
static int64_t serving(const route_site *s)
{
    int64_t whole = s->pace == 0 ? trusted(s) : trusted(s) * s->pace / 1000;
    return whole == 0 && trusted(s) > 0 ? 1 : whole;
}

/** By what is ready; by weights too where they are given. */
static int64_t share_flat(bool weights, route_site *sites, size_t count, int64_t *parts, int32_t *shares)
{
    int64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        route_site *s = &sites[i];
        int64_t weight = s->ready > 0 ? s->weight * s->trust : 0;
        parts[i] = weights ? weight : serving(s);
        total += parts[i];
        s->reason = weights ? SPW_WHY_ROUTE_WEIGHTS : SPW_WHY_ROUTE_READY;
        s->reason = s->trust < PPM ? SPW_WHY_ROUTE_STALE : s->reason;
    }
    shares_split(parts, count, SHARES_WHOLE, shares);
    return total;
}

static void sum_levels(const route_site *sites, size_t count, int64_t (*of)(const route_site *), levels *l)
{
    *l = (levels){{0}, {0}, {0}, {false}};
    for (size_t i = 0; i < count; i++) {
        l->ready[sites[i].level] += of(&sites[i]);
        l->assigned[sites[i].level] += sites[i].assigned * PPM;
    }
}

/** Loads of the levels to shares of the sites: each level's millionths are split exactly, so that all sum up. */
static void share_levels(const levels *l, route_site *sites, size_t count, int64_t *parts, int32_t *shares)
{
    int32_t load[ROUTE_LEVELS_MAX];
    shares_split(l->load, ROUTE_LEVELS_MAX, SHARES_WHOLE, load);
    for (size_t i = 0; i < count; i++) {
        sites[i].part = 0;
    }
    for (int32_t level = 0; level < ROUTE_LEVELS_MAX; level++) {
        if (load[level] == 0) {
            continue;
        }
        for (size_t i = 0; i < count; i++) {
            int64_t part = l->panic[level] ? sites[i].assigned : serving(&sites[i]);
            parts[i] = sites[i].level == level ? part : 0;
        }
        shares_split(parts, count, load[level], shares);
        for (size_t i = 0; i < count; i++) {
            sites[i].part += shares[i];
        }
    }
    for (size_t i = 0; i < count; i++) {
        shares[i] = (int32_t)sites[i].part;
    }
}

static void by_health(route_site *sites, size_t count, int64_t *parts, int32_t *shares)
{
    levels l;
    int64_t left = PPM;
    sum_levels(sites, count, trusted, &l);
    for (int32_t p = 0; p < ROUTE_LEVELS_MAX; p++) {
        int64_t whole = l.assigned[p] / PPM;
        int64_t available = whole == 0 ? 0 : l.ready[p] / whole;
        int64_t health = available * OVERPROVISION_PPM / PPM;
        l.load[p] = health < left ? health : left;
        left -= l.load[p];
        l.panic[p] = available < PANIC_PPM;
    }
    for (int32_t p = 0; p < ROUTE_LEVELS_MAX && left == PPM; p++) { /* so few that no health comes to a millionth */
        if (l.ready[p] > 0) {
            l.load[p] = PPM;
            break;
        }
    }
    for (int32_t p = 0; p < ROUTE_LEVELS_MAX; p++) {
        l.panic[p] = l.panic[p] && left > 0; /* all healths together are enough: no panic anywhere */
    }
    for (size_t i = 0; i < count; i++) {
        sites[i].reason = l.panic[sites[i].level] ? SPW_WHY_ROUTE_PANIC : SPW_WHY_ROUTE_LEVELS;
    }
    share_levels(&l, sites, count, parts, shares);
}

/** Requests per second, 1e-3, that a level should serve before the next one does. */
static int64_t level_capacity(const route_demand *d, int64_t ready)
{
    u128 used = (u128)(uint64_t)d->capacity_milli * (uint32_t)d->fill_ppm / (uint32_t)PPM;
    u128 capacity = used * (uint64_t)ready / (uint32_t)PPM;
    u128 rate = (uint64_t)d->rate_milli;
    return (int64_t)(uint64_t)(capacity < rate ? capacity : rate); /* more than the rate is never needed */
}

static void by_capacity(const route_demand *d, route_site *sites, size_t count, int64_t *parts, int32_t *shares)
{
    levels l;
    int64_t left = d->rate_milli;
    int32_t first = -1;
    sum_levels(sites, count, serving, &l);
    for (int32_t p = 0; p < ROUTE_LEVELS_MAX; p++) {
        int64_t capacity = level_capacity(d, l.ready[p]);
        first = first < 0 && l.ready[p] > 0 ? p : first;
        l.load[p] = capacity < left ? capacity : left;
        left -= l.load[p];
    }
    if (left > 0) { /* more than all can take: all are equally overloaded */
        (void)share_flat(false, sites, count, parts, shares);
        for (size_t i = 0; i < count; i++) {
            sites[i].reason = SPW_WHY_ROUTE_SPILL;
        }
        return;
    }
    if (d->rate_milli == 0) {
        l.load[first] = 1;
    }
    for (size_t i = 0; i < count; i++) {
        sites[i].reason = sites[i].level > first ? SPW_WHY_ROUTE_SPILL : SPW_WHY_ROUTE_NEAR;
    }
    share_levels(&l, sites, count, parts, shares);
}

void route_share(spw_route route, const route_demand *d, route_site *sites, size_t count, int64_t *parts,
                 int32_t *shares)
{
    int64_t sum = 0;
    int64_t ready = 0;
    for (size_t i = 0; i < count; i++) {
        sum += trusted(&sites[i]);
        ready += sites[i].ready;
        shares[i] = 0;
    }
    for (size_t i = 0; i < count && sum == 0; i++) {
        sites[i].trust = (int32_t)PPM;
    }
    if (ready == 0) {
        return;
    }
    bool measured = d->rate_milli >= 0 && d->capacity_milli > 0;
    if (route == SPW_ROUTE_WATERFALL && measured) {
        by_capacity(d, sites, count, parts, shares);
    } else if (route == SPW_ROUTE_WATERFALL || route == SPW_ROUTE_LEVELS) {
        by_health(sites, count, parts, shares);
    } else if (route != SPW_ROUTE_WEIGHTS || share_flat(true, sites, count, parts, shares) == 0) {
        (void)share_flat(false, sites, count, parts, shares);
    }
}
