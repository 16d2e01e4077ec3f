/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * resolve.h - from a bound scenario file to sc_scenario: names looked up, units converted. Internal to sim/scenario.
 *
 * Each step adds its errors to the diagnostics and goes on, so that one load shows several. Memory comes from the
 * zone; a failed take shows in zone.failed, which sc_load checks once at the end.
 */
#ifndef SIM_SCENARIO_RESOLVE_H
#define SIM_SCENARIO_RESOLVE_H

#include "sim/scenario/spec.h"
#include "sim/scenario/tables.h"
#include "sim/trace/trace.h"

/** A trace that is open. The same file named twice is opened once. */
typedef struct resolve_trace {
    const char *path;
    trace *trace;
    struct resolve_trace *next;
} resolve_trace;

typedef struct resolve {
    sc_scenario *sc; /**< being filled */
    const spec_body *spec;
    zone *zone;
    spw_diag *diag;
    const tables *tables;
    const spw_manifest_set *manifests;
    const char *dir;       /**< folder of the scenario file, "." if it has none */
    resolve_trace *traces; /**< closed by sc_free */
    const char **tenants;  /**< those of sc, while they are gathered */
    int32_t *tenant_order; /**< [sc->tenant_count] their numbers by name */
    uint64_t hash;         /**< of everything read so far */
} resolve;

/** Are there no more services and regions than SC_NAMES_MAX? Else an error at the first beyond. */
bool resolve_fits(resolve *r);
/** Regions, round trips, clusters, pools, observation, payload. */
void resolve_world(resolve *r);
/** Services with engines, lengths, targets. Needs the world and sc->config. */
void resolve_services(resolve *r);
/** Market, stock and price walk of a pool. */
void resolve_supply(resolve *r, const spec_pool *spec, sc_pool *pool);
/** Price of bytes to users that leave a region of a provider, micro-USD per GB; 0 with an error at `at` if none. */
int64_t resolve_egress(resolve *r, const char *provider, const char *region, const ynode *at);
/** Price of bytes that leave a region and provider for another place; an error at `at`, and 0, if the table has none.
 */
int64_t resolve_way_price(resolve *r, const char *provider, const char *from, const char *to_provider, const char *to,
                          const ynode *at);
/** What bytes between users who enter at a provider and the clusters cost. Needs regions and clusters. */
void resolve_ways(resolve *r, bool bytes_cost);
/** Quotas and the delivery of images. Needs regions and clusters. */
void resolve_quotas(resolve *r);
void resolve_delivery(resolve *r);
/** Layers and weights of a service with a model. Needs sc->delivery. */
void resolve_parts(resolve *r, const spec_service *spec, sc_service *service);
/** What goes wrong. Needs world, services and sc->config. */
void resolve_faults(resolve *r);
/** Index of a cluster of the scenario, or -1 with an error at `at`. */
int32_t resolve_cluster_named(resolve *r, const char *name, const ynode *at);
/** Traffic of one service. */
void resolve_traffic(resolve *r, const spec_service *spec, sc_service *service);
/** Opens a trace, once however often it is named. @return its columns, or NULL with an error */
const mdl_trace *resolve_open_trace(resolve *r, const char *file, const ynode *at);
/** Rates of traffic from a file, scaled. @return NULL with an error */
const mdl_rates *resolve_rates(resolve *r, const spec_traffic *spec);
/** Service times from a file; adds errors, and what was read to the hash. */
void resolve_measured(resolve *r, const spec_measured *spec, mdl_service_law *law);
/** A law of durations. */
void resolve_law(resolve *r, const spec_station_law *spec, mdl_service_law *law);
/** Input and output of requests. */
void resolve_lengths(resolve *r, const spec_lengths *spec, mdl_lengths *lengths);
/** A law of counts; output says which column of a trace an empirical law draws from. */
void resolve_length(resolve *r, const spec_length *spec, bool output, mdl_length_law *law);
/** Whether requests fit the context of the model and the KV cache of each pool. Needs lengths, traffic, engines. */
void resolve_lengths_fit(resolve *r, const spec_service *spec, const sc_service *service);
/** GPU classes that the manifests ask for, against the fleet. Needs the world and sc->config. */
void resolve_check_classes(resolve *r);
/** What else only shows when scenario and manifests are seen together; for a scenario without errors. */
void resolve_check(resolve *r);
/** Keys that change nothing: warnings. Likewise. */
void resolve_unused(resolve *r);

/** Index of a region of the scenario, or -1 with an error at `at`. */
int32_t resolve_region(resolve *r, const char *name, const ynode *at);
/** Adds "no ... 'name' in tables/FILE.csv (did you mean ...?)" at a node. */
void resolve_unknown(resolve *r, const ynode *at, const char *noun, const char *name, tables_kind kind);
/** Adds an error that a table or trace reader worded: "path:line:col: error: text". */
void resolve_foreign(resolve *r, const char *text);
/** A path as the scenario file names it, relative to that file. NULL when out of memory. */
const char *resolve_path(resolve *r, const char *file);

#endif
