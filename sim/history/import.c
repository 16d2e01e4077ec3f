/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * import.c - see import.h.
 *
 * The scenario is written twice: first without traffic, to be loaded for the engines that turn what autoscalers saw
 * into requests a second, then with it, to be loaded as whoever runs it will.
 */
#include "sim/history/import.h"

#include <string.h>

#include "sim/scenario/datadir.h"
#include "sim/scenario/tables.h"

#define NS_PER_S 1e9

static spw_rc noted(bool ok)
{
    return ok ? SPW_OK : SPW_NOMEM;
}

/* --- what they serve --- */

/* An entry whose requests came from a trace has no lengths of its own. */
static spw_rc lengths_take(const import_spec *spec, import_result *r, hist_service *service, const char *workload,
                           spw_diag *diag)
{
    if (spec->input <= 0 || spec->output <= 0) {
        ynode_error(diag, service->entry, "no 'lengths' for '%s': --input N and --output N give tokens of a request",
                    workload);
        return SPW_INVAL;
    }
    const spw_rc rc = hist_services_lengths(&r->services, service, spec->input, spec->output, diag);
    return rc != SPW_OK ? rc
                        : noted(scene_note(&r->scene,
                                           "%s: requests of %lld tokens in and %lld out, no spread: --input and "
                                           "--output",
                                           workload, (long long)spec->input, (long long)spec->output));
}

static spw_rc service_take(const import_spec *spec, import_result *r, const char *folder, size_t s, spw_diag *diag)
{
    const char *workload = r->p->services[s].name;
    hist_service *found = hist_service_of(&r->services, workload, r->p->service_count == 1);
    spw_rc rc = SPW_OK;
    if (found == NULL && spec->model == NULL) {
        spw_diag_add(
            diag, SPW_DIAG_ERROR, spec->log.paths[0], 0, 0,
            "no log says what '%s' serves: give --service FILE with its entry of spec.services, or --model NAME "
            "with --input N and --output N",
            workload);
        return SPW_INVAL;
    }
    if (found == NULL) {
        rc = hist_services_add(&r->services, workload, spec->model, spec->input, spec->output, diag);
        found = rc == SPW_OK ? hist_service_of(&r->services, workload, false) : NULL;
    }
    if (rc == SPW_OK && ynode_get(found->entry, "model") != NULL && ynode_get(found->entry, "lengths") == NULL) {
        rc = lengths_take(spec, r, found, workload, diag);
    }
    rc = rc == SPW_OK ? hist_service_set(&r->services, found, "traffic", "[]", diag) : rc;
    rc = rc == SPW_OK ? hist_service_files(&r->services, found, folder, diag) : rc;
    if (rc != SPW_OK) {
        return rc;
    }
    return noted(strcmp(found->source, "--model") == 0
                     ? scene_note(&r->scene,
                                  "%s: --model %s, requests of %lld tokens in and %lld out, no spread; every other key "
                                  "of a service has its default, the engine's profile that of tables/profiles.csv; no "
                                  "latency targets",
                                  workload, spec->model, (long long)spec->input, (long long)spec->output)
                     : scene_note(&r->scene, "%s: model, engine, lengths, targets and the like as in %s", workload,
                                  found->source));
}

static spw_rc services_take(const import_spec *spec, import_result *r, const char *folder, spw_diag *diag)
{
    size_t count = 0;
    spw_rc rc = hist_services_read(&r->services, spec->service_files, spec->service_file_count, diag);
    for (size_t s = 0; s < r->p->service_count && rc == SPW_OK; s++) {
        count += past_served(r->p, s);
        rc = past_served(r->p, s) ? service_take(spec, r, folder, s, diag) : SPW_OK;
    }
    if (rc == SPW_OK && count == 0) {
        spw_diag_add(diag, SPW_DIAG_ERROR, spec->log.paths[0], 0, 0,
                     "no workload of its manifests is in its snapshots; --manifests FILE gives others");
        rc = SPW_INVAL;
    }
    return rc;
}

/* --- where they are asked --- */

/* The region where most ready replicas stood, over all services and the whole log. */
static const char *busiest_region(const past *p)
{
    const char *best = NULL;
    double most = -1.0;
    for (size_t c = 0; c < p->cluster_count; c++) {
        const char *region = scene_region(&p->clusters[c]);
        double ready = 0.0;
        for (size_t s = 0; s < p->service_count; s++) {
            for (size_t i = 0; i < p->step_count; i++) {
                const past_step *step = &p->services[s].steps[i];
                for (size_t k = 0; k < step->place_count; k++) {
                    ready += strcmp(scene_region(&p->clusters[k]), region) == 0 ? step->places[k].ready : 0.0;
                }
            }
        }
        if (scene_has_pools(p, c) && ready > most) {
            most = ready;
            best = region;
        }
    }
    return best != NULL ? best : "unknown";
}

static spw_rc users_take(const import_spec *spec, import_result *r)
{
    scene *s = &r->scene;
    s->users = spec->users;
    s->user_count = spec->user_count;
    if (spec->user_count > 0) {
        return noted(scene_note(s, "where users are: as --users says"));
    }
    scene_users *all = zone_take(&r->z, sizeof *all);
    if (all == NULL) {
        return SPW_NOMEM;
    }
    *all = (scene_users){busiest_region(r->p), 1.0};
    s->users = all;
    s->user_count = 1;
    return noted(scene_note(s, "where users are: all in %s, the region where most replicas stood", all->region));
}

/* Whether the tables know every region and provider. */
static spw_rc distances_take(const import_spec *spec, import_result *r, spw_diag *diag)
{
    char dir[DATADIR_PATH_MAX], err[1024];
    const past *p = r->p;
    scene *s = &r->scene;
    const char *region = NULL, *provider = NULL;
    const bool found = spec->tables_dir != NULL || datadir_tables(dir, sizeof dir, err, sizeof err);
    tables *t = found ? tables_load(spec->tables_dir != NULL ? spec->tables_dir : dir, err, sizeof err) : NULL;
    if (t == NULL) {
        spw_diag_add(diag, SPW_DIAG_ERROR, NULL, 0, 0, "%s", err);
        return SPW_INVAL;
    }
    const mdl_network *network = tables_network(t);
    for (size_t c = 0; c < p->cluster_count; c++) {
        const past_cluster *cluster = &p->clusters[c];
        if (!scene_has_pools(p, c)) {
            continue;
        }
        region = region == NULL && mdl_network_find(network, scene_region(cluster)) == MDL_NO_REGION ? cluster->name
                                                                                                     : region;
        provider = provider == NULL && tables_egress(t, scene_provider(cluster), MDL_EGRESS_INTERNET,
                                                     scene_region(cluster), TABLES_ANY) == NULL
                       ? cluster->name
                       : provider;
    }
    tables_free(t);
    s->delays = region == NULL;
    s->bytes_cost = provider == NULL;
    bool ok = region == NULL || scene_note(s,
                                           "ways between regions take no time: tables/rtt.csv does not have the "
                                           "region of cluster %s",
                                           region);
    ok = ok && (provider == NULL || scene_note(s,
                                               "bytes to users cost nothing: tables/egress.csv does not have the "
                                               "provider of cluster %s",
                                               provider));
    return noted(ok);
}

/* --- demand --- */

static spw_rc no_demand(const import_spec *spec, const past *p, const char *workload, demand_outcome outcome,
                        spw_diag *diag)
{
    if (outcome == DEMAND_NO_MEMORY) {
        return SPW_NOMEM;
    }
    if (outcome == DEMAND_NO_ENGINE) {
        spw_diag_add(diag, SPW_DIAG_ERROR, spec->log.paths[0], 0, 0,
                     "'%s' is a queueing station: its demand can be told from a metric in requests/s only; --demand "
                     "NAME=rate names one",
                     workload);
    } else if (spec->log.metric != NULL) {
        spw_diag_add(diag, SPW_DIAG_ERROR, spec->log.paths[0], 0, 0,
                     "no sample of metric '%s', which --demand names, "
                     "in it for '%s'",
                     spec->log.metric, workload);
    } else if (spec->log.limited) {
        spw_diag_add(diag, SPW_DIAG_ERROR, spec->log.paths[0], 0, 0,
                     "no metric of the kind that --demand asks for in it "
                     "for '%s'",
                     workload);
    } else if (p->unknown_count > 0) {
        spw_diag_add(
            diag, SPW_DIAG_ERROR, spec->log.paths[0], 0, 0,
            "no metric in it says how much was asked of '%s'; --demand NAME=MEANING says what one counts, '%s' "
            "for example",
            workload, p->unknown[0]);
    } else {
        spw_diag_add(diag, SPW_DIAG_ERROR, spec->log.paths[0], 0, 0, "no metric in it says how much was asked of '%s'",
                     workload);
    }
    return SPW_INVAL;
}

static spw_rc traffic_set(import_result *r, size_t s, spw_diag *diag)
{
    const past *p = r->p;
    const char *file = scene_file(&r->z, "demand", p->services[s].name, ".csv");
    const char *text = "[";
    for (size_t u = 0; u < r->scene.user_count && text != NULL; u++) {
        text = zone_format(&r->z, "%s%s{kind: rates, from: \"%s\", file: %s, scale: %.9g}", text, u > 0 ? ", " : "",
                           r->scene.users[u].region, file, r->scene.users[u].share);
    }
    text = text != NULL ? zone_format(&r->z, "%s]", text) : NULL;
    hist_service *service = hist_service_of(&r->services, p->services[s].name, p->service_count == 1);
    return text != NULL ? hist_service_set(&r->services, service, "traffic", text, diag) : SPW_NOMEM;
}

static spw_rc demand_take(const import_spec *spec, import_result *r, const sc_scenario *sc, const char *folder,
                          spw_diag *diag)
{
    const past *p = r->p;
    demand *demands = zone_array(&r->z, p->service_count + 1, sizeof *demands);
    spw_rc rc = demands != NULL ? SPW_OK : SPW_NOMEM;
    r->scene.demands = demands;
    for (size_t s = 0; s < p->service_count && rc == SPW_OK; s++) {
        if (!past_served(p, s)) {
            continue;
        }
        const char *name = p->services[s].name;
        const demand_outcome outcome = demand_of(p, &p->services[s], sc, &r->z, &demands[s]);
        if (outcome != DEMAND_FOUND) {
            return no_demand(spec, p, name, outcome, diag);
        }
        rc = scene_demand(&r->scene, s, folder, diag);
        rc = rc == SPW_OK ? traffic_set(r, s, diag) : rc;
        const demand *d = &demands[s];
        bool ok = scene_note(&r->scene, "%s: requests come as %s, mean of each %.6g s; each at random (Poisson)", name,
                             d->how, (double)p->step_ns / NS_PER_S);
        ok = ok && (d->filled == 0 || scene_note(&r->scene, "%s: %zu of %zu steps have no reading: a straight line",
                                                 name, d->filled, p->step_count));
        ok = ok && (d->full == 0 || scene_note(&r->scene,
                                               "%s: in %zu of %zu steps engines were full: it was at least "
                                               "this",
                                               name, d->full, p->step_count));
        rc = rc == SPW_OK ? noted(ok) : rc;
    }
    return rc;
}

/* --- all --- */

/* Loads what was written; its messages are kept. */
static spw_rc load(const import_spec *spec, const char *folder, import_result *r, sc_scenario **sc)
{
    const sc_options options = {.tables_dir = spec->tables_dir};
    const char *path = zone_format(&r->z, "%s/scenario.yaml", folder);
    if (path == NULL) {
        return SPW_NOMEM;
    }
    sc_messages_fini(&r->messages);
    *sc = sc_load(path, &options, &r->messages);
    return *sc != NULL ? SPW_OK : SPW_INVAL;
}

static spw_rc write_all(const import_spec *spec, const char *folder, import_result *r, spw_diag *diag)
{
    scene *s = &r->scene;
    sc_scenario *sc = NULL;
    spw_rc rc = services_take(spec, r, folder, diag);
    rc = rc == SPW_OK ? users_take(spec, r) : rc;
    rc = rc == SPW_OK ? distances_take(spec, r, diag) : rc;
    rc = rc == SPW_OK ? scene_manifests(s, folder, diag) : rc;
    rc = rc == SPW_OK ? scene_series(s, folder, diag) : rc;
    rc = rc == SPW_OK ? scene_scenario(s, folder, diag) : rc;
    rc = rc == SPW_OK ? load(spec, folder, r, &sc) : rc;
    rc = rc == SPW_OK ? demand_take(spec, r, sc, folder, diag) : rc;
    sc_free(sc);
    sc = NULL;
    rc = rc == SPW_OK ? noted(import_notes(s)) : rc;
    rc = rc == SPW_OK ? scene_scenario(s, folder, diag) : rc;
    rc = rc == SPW_OK ? load(spec, folder, r, &sc) : rc;
    sc_free(sc);
    return rc;
}

spw_rc import_log(const import_spec *spec, const char *folder, spw_diag *diag, import_result *result)
{
    *result = (import_result){.p = NULL};
    zone_init(&result->z, NULL);
    zone_init(&result->services.z, NULL);
    const spw_rc rc = past_read(&spec->log, diag, &result->p);
    if (rc != SPW_OK) {
        return rc;
    }
    result->scene = (scene){.p = result->p,
                            .services = &result->services,
                            .name = spec->name,
                            .sources = spec->log.paths,
                            .source_count = spec->log.path_count,
                            .z = &result->z};
    return write_all(spec, folder, result, diag);
}

void import_fini(import_result *result)
{
    sc_messages_fini(&result->messages);
    hist_services_fini(&result->services);
    past_free(result->p);
    zone_fini(&result->z);
}
