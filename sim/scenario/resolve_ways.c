/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resolve_ways.c - what bytes of requests and answers cost where users enter the network of a provider.
 *
 * Whoever sends pays the own provider: the region's for requests, the cluster's for answers. Within one region of one
 * provider nothing is charged.
 */
#include "sim/scenario/resolve.h"

#include <stdio.h>
#include <string.h>

/* A pair without a price, told once at a place: many clusters may need it there. */
static void no_price(const resolve *r, const char *text, const ynode *at)
{
    char line[512];
    (void)snprintf(line, sizeof line, ":%d:%d: error: %s", (int)at->line, (int)at->column, text);
    for (size_t i = 0; i < spw_diag_count(r->diag); i++) {
        if (strstr(spw_diag_at(r->diag, i), line) != NULL) {
            return;
        }
    }
    ynode_error(r->diag, at, "%s", text);
}

int64_t resolve_way_price(resolve *r, const char *provider, const char *from, const char *to_provider, const char *to,
                          const ynode *at)
{
    const bool same = strcmp(provider, to_provider) == 0;
    if (same && strcmp(from, to) == 0) {
        return 0;
    }
    const mdl_egress_scope scope = same ? MDL_EGRESS_INTER_REGION : MDL_EGRESS_INTER_PROVIDER;
    const table_egress *row = tables_egress(r->tables, provider, scope, from, to);
    if (row == NULL) {
        char text[400];
        (void)snprintf(text, sizeof text, "no %s price of '%s' from %s to %s in tables/egress.csv",
                       mdl_egress_scope_name(scope), provider, from, to);
        no_price(r, text, at);
        return 0;
    }
    return row->uusd_per_gb;
}

static const table_egress *to_users(const resolve *r, const char *provider, const char *region)
{
    return tables_egress(r->tables, provider, MDL_EGRESS_INTERNET, region, TABLES_ANY);
}

int64_t resolve_egress(resolve *r, const char *provider, const char *region, const ynode *at)
{
    const table_egress *row = to_users(r, provider, region);
    if (row == NULL) {
        resolve_unknown(r, at, "provider", provider, TABLES_EGRESS);
        return 0;
    }
    return row->uusd_per_gb;
}

/* Both ways between the users of a region and every cluster. */
static void resolve_ways_of(resolve *r, const spec_region *region, sc_way *ways)
{
    const spec_body *spec = r->spec;
    for (size_t c = 0; c < spec->cluster_count; c++) {
        const spec_cluster *cluster = &spec->clusters[c];
        if (r->sc->clusters[c].region < 0 || to_users(r, region->provider, region->name) == NULL ||
            to_users(r, cluster->provider, cluster->region) == NULL) {
            continue; /* an error of its own */
        }
        ways[c].forth_uusd_per_gb = resolve_way_price(r, region->provider, region->name, cluster->provider,
                                                      cluster->region, region->provider_node);
        ways[c].back_uusd_per_gb = resolve_way_price(r, cluster->provider, cluster->region, region->provider,
                                                     region->name, cluster->provider_node);
    }
}

void resolve_ways(resolve *r, bool bytes_cost)
{
    const spec_body *spec = r->spec;
    bool entered = false;
    for (size_t i = 0; i < spec->region_count; i++) {
        entered = entered || spec->regions[i].provider != NULL;
    }
    sc_way *ways = entered ? zone_array(r->zone, spec->region_count * spec->cluster_count, sizeof *ways) : NULL;
    if (ways == NULL) {
        return;
    }
    for (size_t i = 0; bytes_cost && i < spec->region_count; i++) {
        if (spec->regions[i].provider != NULL) {
            resolve_ways_of(r, &spec->regions[i], &ways[i * spec->cluster_count]);
        }
    }
    r->sc->ways = ways;
}
