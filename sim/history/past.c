/* SPDX-License-Identifier: GPL-3.0-or-later */
/* past.c - reading a log of decisions, in one part or several. See past.h. */
#include "sim/history/past.h"

#include <stdlib.h>
#include <string.h>

#include "sim/history/head.h"
#include "sim/history/log.h"

#define ROOM_FIRST 16

void *past_grow(zone *z, void *at, size_t count, size_t *room, size_t size)
{
    if (count < *room) {
        return at;
    }
    const size_t more = *room > 0 ? 2 * *room : ROOM_FIRST;
    void *grown = zone_array(z, more, size);
    if (grown != NULL && count > 0) {
        memcpy(grown, at, count * size);
    }
    *room = grown != NULL ? more : *room;
    return grown;
}

/* --- heads --- */

static const spw_json_manifest *copy_manifests(zone *z, const spw_json_manifest *from, size_t count)
{
    spw_json_manifest *copies = zone_array(z, count + 1, sizeof *copies);
    for (size_t i = 0; copies != NULL && i < count; i++) {
        copies[i] = (spw_json_manifest){.name = zone_text(z, from[i].name, strlen(from[i].name)),
                                        .text = zone_text(z, from[i].text, from[i].size),
                                        .size = from[i].size};
    }
    return copies;
}

static bool same_manifests(const past *p, const spw_json_head *head)
{
    bool same = p->manifest_count == head->manifest_count;
    for (size_t i = 0; same && i < head->manifest_count; i++) {
        const spw_json_manifest *a = &p->manifests[i], *b = &head->manifests[i];
        same = a->size == b->size && memcmp(a->text, b->text, a->size) == 0;
    }
    return same;
}

typedef struct reading {
    past *p;
    const past_spec *spec;
    spw_diag *diag;
    past_names names;
    int64_t offset_ns; /* of the newest head */
} reading;

/* The configuration that names workloads and metrics. */
static spw_rc configure(reading *r)
{
    past *p = r->p;
    const spw_rc rc = hist_config(p->manifests, p->manifest_count, r->diag, &p->set, &p->config);
    if (rc != SPW_OK) {
        return rc;
    }
    p->service_count = p->config->workload_count;
    p->services = zone_array(&p->z, p->service_count + 1, sizeof *p->services);
    for (size_t s = 0; p->services != NULL && s < p->service_count; s++) {
        p->services[s] =
            (past_service){.name = p->config->workloads[s].name, .replicas_first = -1, .read_ns = INT64_MIN};
    }
    past_load_names(p, r->spec, &r->names);
    return p->z.failed ? SPW_NOMEM : SPW_OK;
}

static spw_rc head_taken(reading *r, const hist_log *log, const spw_json_head *head)
{
    past *p = r->p;
    r->offset_ns = head->settings.unix_offset;
    if (p->config == NULL) {
        p->tick_ns = head->settings.tick;
        if (!p->manifests_given) {
            p->manifests = copy_manifests(&p->z, head->manifests, head->manifest_count);
            p->manifest_count = head->manifest_count;
        }
        return p->z.failed ? SPW_NOMEM : configure(r);
    }
    if (!p->manifests_given && p->changed == NULL && !same_manifests(p, head)) {
        p->changed = zone_format(&p->z, "%s:%d", hist_log_path(log), hist_log_number(log));
    }
    return p->z.failed ? SPW_NOMEM : SPW_OK;
}

/* --- ticks --- */

static spw_rc wrong(const reading *r, const hist_log *log, const char *text)
{
    spw_diag_add(r->diag, SPW_DIAG_ERROR, hist_log_path(log), hist_log_number(log), 1, "%s", text);
    return SPW_INVAL;
}

static spw_rc tick_taken(reading *r, const hist_log *log, const spw_json_tick *tick)
{
    past *p = r->p;
    if (p->config == NULL) {
        return wrong(r, log,
                     "no head line with settings and manifests before this tick; run writes it with --record, and a "
                     "whole log begins with one");
    }
    if (tick->snapshot == NULL) {
        return wrong(r, log, "no snapshot in this tick; run writes them with --record, spillwayd always");
    }
    if (tick->snapshot_hash != 0 && spw_snapshot_hash(tick->snapshot) != tick->snapshot_hash) {
        return wrong(r, log, "this snapshot is not the one that was decided on: its digest is another");
    }
    if (p->ticks > 0 && tick->now <= p->last_ns) {
        return wrong(r, log,
                     "this tick is not after the one before it: a log is read once, and logs of one fleet only");
    }
    if (p->ticks == 0) {
        p->first_ns = tick->now;
        p->unix_ns = tick->now + r->offset_ns;
    } else if (tick->now - p->last_ns > PAST_GAP_TICKS * p->tick_ns) {
        p->gap_ns += tick->now - p->last_ns;
    }
    past_fleet_tick(p, tick->snapshot, tick->now - p->first_ns);
    if (!p->z.failed) {
        past_load_tick(p, &r->names, tick->snapshot, p->first_ns);
    }
    p->last_ns = tick->now;
    p->ticks++;
    return p->z.failed ? SPW_NOMEM : SPW_OK;
}

/* All lines of one part; with `first` only up to the first tick, whose time it is. */
static spw_rc part_read(reading *r, const char *path, int64_t *first)
{
    hist_log *log = NULL;
    const spw_json_line *line = NULL;
    spw_rc rc = hist_log_open(path, r->diag, &log);
    bool more = rc == SPW_OK;
    while (more) {
        rc = hist_log_next(log, r->diag, &line);
        more = rc == SPW_OK && line != NULL;
        if (more && first != NULL && line->tick != NULL) {
            *first = line->tick->now;
            more = false;
        } else if (more && first == NULL) {
            rc = line->head != NULL ? head_taken(r, log, line->head) : tick_taken(r, log, line->tick);
            more = rc == SPW_OK;
        }
        spw_json_line_free(line);
        line = NULL;
    }
    hist_log_close(log);
    return rc;
}

/* --- parts --- */

typedef struct part {
    const char *path;
    int64_t first_ns;
} part;

static int by_time(const void *left, const void *right)
{
    const part *a = left, *b = right;
    return a->first_ns != b->first_ns ? (a->first_ns > b->first_ns ? 1 : -1) : strcmp(a->path, b->path);
}

/* A single part is read once: it may be a pipe. */
static spw_rc parts_sort(reading *r, part *parts)
{
    const past_spec *spec = r->spec;
    spw_rc rc = SPW_OK;
    for (size_t i = 0; i < spec->path_count; i++) {
        parts[i] = (part){spec->paths[i], INT64_MAX};
    }
    for (size_t i = 0; spec->path_count > 1 && i < spec->path_count && rc == SPW_OK; i++) {
        rc = part_read(r, parts[i].path, &parts[i].first_ns);
    }
    qsort(parts, spec->path_count, sizeof *parts, by_time);
    return rc;
}

static void finish(past *p)
{
    const int64_t end_ns = p->last_ns - p->first_ns;
    p->step_count = (size_t)((end_ns + p->step_ns - 1) / p->step_ns);
    for (size_t i = 0; i < p->cluster_count; i++) {
        past_windows *w = &p->clusters[i].away;
        if (w->count > 0 && w->at[w->count - 1].end_ns == INT64_MAX) {
            w->at[w->count - 1].end_ns = end_ns;
        }
    }
    for (size_t s = 0; s < p->service_count; s++) {
        past_service *service = &p->services[s];
        bool seen = false;
        for (size_t m = 0; m < PAST_METRICS; m++) {
            seen = seen || service->seen[m];
        }
        past_blind_end(service, end_ns, seen);
        while (service->step_room < p->step_count && !p->z.failed) {
            past_step *grown = past_grow(&p->z, service->steps, service->step_room, &service->step_room, sizeof *grown);
            service->steps = grown != NULL ? grown : service->steps;
        }
    }
}

spw_rc past_read(const past_spec *spec, spw_diag *diag, past **out)
{
    past *p = calloc(1, sizeof *p);
    part *parts = calloc(spec->path_count + 1, sizeof *parts);
    reading r = {.p = p, .spec = spec, .diag = diag};
    spw_rc rc = p != NULL && parts != NULL ? SPW_OK : SPW_NOMEM;
    if (rc == SPW_OK) {
        zone_init(&p->z, NULL);
        p->step_ns = spec->step_ns;
        p->manifests = spec->manifests;
        p->manifest_count = spec->manifest_count;
        p->manifests_given = spec->manifest_count > 0;
        rc = parts_sort(&r, parts);
    }
    for (size_t i = 0; i < spec->path_count && rc == SPW_OK; i++) {
        rc = part_read(&r, parts[i].path, NULL);
    }
    free(parts);
    if (rc == SPW_OK && p->ticks < 2) {
        spw_diag_add(diag, SPW_DIAG_ERROR, spec->paths[0], 0, 0, "fewer than two ticks: nothing happens in it");
        rc = SPW_INVAL;
    }
    if (rc == SPW_OK) {
        finish(p);
        rc = p->z.failed ? SPW_NOMEM : SPW_OK;
    }
    if (rc != SPW_OK) {
        past_free(p);
        return rc;
    }
    *out = p;
    return SPW_OK;
}

void past_free(past *p)
{
    if (p != NULL) {
        spw_manifest_free(p->set);
        zone_fini(&p->z);
        free(p);
    }
}
