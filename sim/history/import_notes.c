/* SPDX-License-Identifier: GPL-3.0-or-later */
/* import_notes.c - what a log leaves open, in sentences for people. See import.h. */
#include "sim/history/import.h"

#define NS_PER_S 1e9

static bool note_pools(scene *s)
{
    const past *p = s->p;
    bool ok = true, spot = false, missing = false;
    for (size_t i = 0; i < p->pool_count; i++) {
        const past_pool *pool = &p->pools[i];
        const char *cluster = p->clusters[pool->cluster].name;
        spot = spot || (pool->capacity == SPW_CAPACITY_SPOT && pool->elastic);
        missing = missing || scene_missing(pool) > 0;
        if (pool->failures > 0 && pool->told_ns == INT64_MIN) {
            ok = ok && scene_note(s,
                                  "%s/%s: %lld orders of nodes failed, but nothing says how many there were to be had: "
                                  "here there are always enough (pools[].stock bounds them)",
                                  cluster, pool->name, (long long)pool->failures);
        }
        if (scene_stocked(pool)) {
            ok = ok && scene_note(s,
                                  "%s/%s: before the provider's first answer it had what that answer said; between "
                                  "two answers the earlier one holds",
                                  cluster, pool->name);
        }
    }
    ok = ok &&
         scene_note(s, "how long nodes and replicas take to come: tables/lags.csv, on-premises for owned pools, "
                       "cloud-default for the others; prices are the log's, nodes are billed from the first second");
    ok = ok && (!spot || scene_note(s, "when a market takes spot nodes back: tables/markets.csv, row default (what "
                                       "happened to nodes that were held does not say what would have to others)"));
    return ok && (!missing || scene_note(s, "which of a pool's nodes were missing at times: the last ones"));
}

static bool note_clusters(scene *s)
{
    const past *p = s->p;
    bool ok = true;
    for (size_t c = 0; c < p->cluster_count; c++) {
        const past_cluster *cluster = &p->clusters[c];
        if (!scene_has_pools(p, c)) {
            ok = ok && scene_note(s, "cluster %s shows no pools: it is left out", cluster->name);
        } else if (cluster->away.count > 0) {
            ok = ok && scene_note(s, "cluster %s did not answer %zu times: here it is down meanwhile", cluster->name,
                                  cluster->away.count);
        }
        if (cluster->first_ns > 0) {
            ok = ok && scene_note(s, "cluster %s appears after %.6g s: here it is there from the start", cluster->name,
                                  (double)cluster->first_ns / NS_PER_S);
        }
    }
    return ok;
}

bool import_notes(scene *s)
{
    const past *p = s->p;
    bool ok = note_clusters(s) && note_pools(s);
    for (size_t i = 0; i < p->service_count; i++) {
        ok = ok && (past_served(p, i) || scene_note(s,
                                                    "%s stands in the manifests and in no snapshot: nobody asks it for "
                                                    "anything",
                                                    p->services[i].name));
        ok = ok && (!scene_blind(p, i) ||
                    scene_note(s, "%s: %zu times there was no sample of any pod: metrics are missing then",
                               p->services[i].name, p->services[i].blind.count));
    }
    ok = ok && scene_note(s, "noise of metrics: none, as the demand comes from metrics that had it already");
    ok =
        ok && scene_note(s, "what the core remembered when the log began (histories of autoscalers, clocks): it begins "
                            "without");
    ok = ok && (p->changed == NULL ||
                scene_note(s, "the manifests changed at %s: here the first ones hold all the time", p->changed));
    ok = ok && (p->gap_ns == 0 || scene_note(s,
                                             "%.6g s lie in gaps between ticks: demand is on a straight line across "
                                             "them",
                                             (double)p->gap_ns / NS_PER_S));
    return ok;
}
