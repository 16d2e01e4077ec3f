/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scene_files.c - what a scenario made from a log reads beside itself. See scene.h. */
#include "sim/history/scene.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#define NS_PER_S 1e9

bool scene_note(scene *s, const char *format, ...)
{
    va_list args;
    const char **grown = zone_array(s->z, s->note_count + 1, sizeof *grown);
    va_start(args, format);
    const char *text = zone_vformat(s->z, format, args);
    va_end(args);
    if (grown == NULL || text == NULL) {
        return false;
    }
    if (s->note_count > 0) {
        memcpy(grown, s->notes, s->note_count * sizeof *grown);
    }
    grown[s->note_count++] = text;
    s->notes = grown;
    return true;
}

const char *scene_file(zone *z, const char *kind, const char *name, const char *ending)
{
    char *file = zone_format(z, "%s/%s%s", kind, name, ending);
    for (char *c = file != NULL ? file + strlen(kind) + 1 : NULL; c != NULL && *c != '\0'; c++) {
        const bool plain =
            (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || *c == '_';
        *c = plain || *c == '.' ? *c : '-';
    }
    return file;
}

static spw_rc failed(spw_diag *diag, const char *file)
{
    spw_diag_add(diag, SPW_DIAG_ERROR, file, 0, 0, "cannot be written: %s", strerror(errno));
    return SPW_BACKEND;
}

FILE *scene_open(zone *z, const char *folder, const char *file, spw_diag *diag)
{
    char *path = file != NULL ? zone_format(z, "%s/%s", folder, file) : NULL;
    if (path == NULL) {
        return NULL;
    }
    char *slash = strrchr(path, '/');
    *slash = '\0';
    const bool made = mkdir(path, 0777) == 0 || errno == EEXIST;
    *slash = '/';
    FILE *out = made ? fopen(path, "w") : NULL;
    if (out == NULL) {
        (void)failed(diag, file);
    }
    return out;
}

spw_rc scene_close(FILE *out, const char *file, spw_diag *diag)
{
    const bool bad = ferror(out) != 0;
    return fclose(out) != 0 || bad ? failed(diag, file) : SPW_OK;
}

const char *scene_pool_file(const scene *s, const past_pool *pool, const char *kind, int32_t place)
{
    const char *cluster = s->p->clusters[pool->cluster].name;
    const char *name = place >= 0 ? zone_format(s->z, "%s-%s-%d", cluster, pool->name, place)
                                  : zone_format(s->z, "%s-%s", cluster, pool->name);
    return name != NULL ? scene_file(s->z, kind, name, strcmp(kind, "stocks") == 0 ? ".json" : ".csv") : NULL;
}

int32_t scene_missing(const past_pool *pool)
{
    int32_t least = pool->nodes_most;
    for (size_t i = 0; !pool->elastic && i < pool->level_count; i++) {
        least = pool->levels[i].nodes < least ? pool->levels[i].nodes : least;
    }
    return pool->nodes_most - least;
}

bool scene_stocked(const past_pool *pool)
{
    bool stocked = false;
    for (size_t i = 0; i < pool->level_count; i++) {
        stocked = stocked || pool->levels[i].obtainable >= 0 ||
                  (pool->capacity == SPW_CAPACITY_SPOT && pool->levels[i].price_uusd != pool->levels[0].price_uusd);
    }
    return stocked && pool->elastic &&
           (pool->capacity == SPW_CAPACITY_SPOT || pool->capacity == SPW_CAPACITY_ON_DEMAND);
}

/* --- faults --- */

static void put_window(FILE *out, int64_t begin_ns, int64_t end_ns)
{
    fprintf(out, "%.9g,%.9g\n", (double)begin_ns / NS_PER_S, (double)end_ns / NS_PER_S);
}

static spw_rc windows_write(const scene *s, const past_windows *w, const char *name, const char *folder, spw_diag *diag)
{
    const char *file = scene_file(s->z, "faults", name, ".csv");
    FILE *out = scene_open(s->z, folder, file, diag);
    if (out == NULL) {
        return s->z->failed ? SPW_NOMEM : SPW_BACKEND;
    }
    fputs("begin_s,end_s\n", out);
    for (size_t i = 0; i < w->count; i++) {
        put_window(out, w->at[i].begin_ns, w->at[i].end_ns);
    }
    return scene_close(out, file, diag);
}

/* When fewer than `nodes` were up. */
static spw_rc missing_write(const scene *s, const past_pool *pool, int32_t nodes, const char *folder, spw_diag *diag)
{
    const char *file = scene_pool_file(s, pool, "faults", nodes - 1);
    FILE *out = scene_open(s->z, folder, file, diag);
    int64_t since_ns = -1;
    if (out == NULL) {
        return s->z->failed ? SPW_NOMEM : SPW_BACKEND;
    }
    fputs("begin_s,end_s\n", out);
    for (size_t i = 0; i < pool->level_count; i++) {
        const int64_t at_ns = i > 0 ? pool->levels[i].at_ns : 0; /* a pool that shows late was there before */
        if (pool->levels[i].nodes < nodes && since_ns < 0) {
            since_ns = at_ns;
        } else if (pool->levels[i].nodes >= nodes && since_ns >= 0) {
            put_window(out, since_ns, at_ns);
            since_ns = -1;
        }
    }
    if (since_ns >= 0) {
        put_window(out, since_ns, s->p->last_ns - s->p->first_ns);
    }
    return scene_close(out, file, diag);
}

/* --- stocks --- */

/* One level for each step: what was told last, before the first answer the first. */
static spw_rc stock_write(const scene *s, const past_pool *pool, const char *folder, spw_diag *diag)
{
    const past *p = s->p;
    const char *file = scene_pool_file(s, pool, "stocks", -1);
    FILE *out = scene_open(s->z, folder, file, diag);
    size_t at = 0, first = 0;
    if (out == NULL) {
        return s->z->failed ? SPW_NOMEM : SPW_BACKEND;
    }
    while (first + 1 < pool->level_count && pool->levels[first].obtainable < 0) {
        first++;
    }
    const int32_t told = pool->levels[first].obtainable;
    int32_t level = told >= 0 ? told : pool->nodes_max;
    const double step_s = (double)p->step_ns / NS_PER_S;
    fprintf(out, "{\"metadata\": {\"gap_seconds\": %.9g},\n \"data\": [", step_s);
    for (size_t i = 0; i < p->step_count; i++) {
        for (; at < pool->level_count && pool->levels[at].at_ns <= (int64_t)i * p->step_ns; at++) {
            level = pool->levels[at].obtainable >= 0 ? pool->levels[at].obtainable : level;
        }
        fprintf(out, "%s%d", i > 0 ? ", " : "", level < 1000000 ? level : 1000000);
    }
    fputs("]", out);
    if (pool->capacity == SPW_CAPACITY_SPOT) {
        fputs(",\n \"prices\": [", out);
        at = 0;
        for (size_t i = 0; i < p->step_count; i++) {
            while (at + 1 < pool->level_count && pool->levels[at + 1].at_ns <= (int64_t)i * p->step_ns) {
                at++;
            }
            fprintf(out, "%s%.9g", i > 0 ? ", " : "", (double)pool->levels[at].price_uusd * pool->gpus_per_node / 1e6);
        }
        fputs("]", out);
    }
    fputs("}\n", out);
    return scene_close(out, file, diag);
}

spw_rc scene_series(scene *s, const char *folder, spw_diag *diag)
{
    const past *p = s->p;
    spw_rc rc = SPW_OK;
    for (size_t c = 0; c < p->cluster_count && rc == SPW_OK; c++) {
        const past_cluster *cluster = &p->clusters[c];
        if (cluster->away.count > 0 && scene_has_pools(p, c)) {
            rc = windows_write(s, &cluster->away, cluster->name, folder, diag);
        }
    }
    for (size_t i = 0; i < p->service_count && rc == SPW_OK; i++) {
        if (scene_blind(p, i)) {
            rc = windows_write(s, &p->services[i].blind, p->services[i].name, folder, diag);
        }
    }
    for (size_t i = 0; i < p->pool_count && rc == SPW_OK; i++) {
        const past_pool *pool = &p->pools[i];
        const int32_t missing = scene_missing(pool);
        for (int32_t k = 0; k < missing && rc == SPW_OK; k++) {
            rc = missing_write(s, pool, pool->nodes_most - k, folder, diag);
        }
        rc = rc == SPW_OK && scene_stocked(pool) ? stock_write(s, pool, folder, diag) : rc;
    }
    return rc;
}

/* --- demand --- */

spw_rc scene_demand(const scene *s, size_t service, const char *folder, spw_diag *diag)
{
    const char *file = scene_file(s->z, "demand", s->p->services[service].name, ".csv");
    FILE *out = scene_open(s->z, folder, file, diag);
    if (out == NULL) {
        return s->z->failed ? SPW_NOMEM : SPW_BACKEND;
    }
    fputs("at_s,rate_per_s\n", out);
    for (size_t i = 0; i < s->p->step_count; i++) {
        fprintf(out, "%.9g,%.6g\n", (double)((int64_t)i * s->p->step_ns) / NS_PER_S, s->demands[service].per_s[i]);
    }
    return scene_close(out, file, diag);
}
