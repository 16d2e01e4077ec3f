/* SPDX-License-Identifier: Apache-2.0 */
/** inventory.c - node groups: GETs of objects, runs of a program, rows of both. */
#include "sched/kube/inventory.h"
#include "sched/kube/child.h"
#include "sched/kube/jitter.h"
#include "sched/kube/objects_int.h"
#include "sched/manifest/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PERIOD_DEFAULT  (60 * SPW_NS_PER_S)
#define TIMEOUT_DEFAULT (10 * SPW_NS_PER_S)
#define BACKOFF_FIRST   (5 * SPW_NS_PER_S)
#define OUTPUT_MOST     (8u << 20)

typedef struct source {
    kube_inventory *all;
    const kube_inventory_object *object; /* NULL: the program */
    uint64_t ticket;
    spw_time due;
    spw_dur backoff;
    zone zone; /* of the rows' texts */
    kube_inventory_row *rows;
    size_t count;
} source;

struct kube_inventory {
    kube_inventory_spec spec;
    const kube_wire *wire;
    source *sources; /* objects, then the program */
    size_t source_count;
    spw_time now, unix_ns;
    uint64_t luck;
    bool changed;
    kube_inventory_row *rows;
    size_t row_count;
    kube_inventory_state state;
};

kube_inventory *kube_inventory_new(const kube_inventory_spec *spec, const kube_wire *wire)
{
    kube_inventory *v = calloc(1, sizeof *v);
    source *sources = calloc(spec->object_count + 1, sizeof *sources);
    if (v == NULL || sources == NULL) {
        free(v);
        free(sources);
        return NULL;
    }
    *v = (kube_inventory){.spec = *spec, .wire = wire, .sources = sources, .luck = spec->seed};
    v->spec.period = spec->period > 0 ? spec->period : PERIOD_DEFAULT;
    v->spec.timeout = spec->timeout > 0 ? spec->timeout : TIMEOUT_DEFAULT;
    v->source_count = spec->object_count + (spec->argv != NULL ? 1 : 0);
    for (size_t i = 0; i < v->source_count; i++) {
        sources[i] = (source){.all = v, .object = i < spec->object_count ? &spec->objects[i] : NULL, .due = INT64_MIN};
        zone_init(&sources[i].zone, NULL);
    }
    return v;
}

void kube_inventory_free(kube_inventory *v)
{
    if (v != NULL) {
        for (size_t i = 0; i < v->source_count; i++) {
            if (v->sources[i].ticket != 0) {
                v->wire->cancel(v->wire->self, v->sources[i].ticket);
            }
            zone_fini(&v->sources[i].zone);
        }
        free(v->sources);
        free(v->rows);
        free(v);
    }
}

static void failed(source *s, const char *why)
{
    kube_inventory *v = s->all;
    v->state.failures++;
    (void)snprintf(v->state.trouble, sizeof v->state.trouble, "%.100s: %.90s",
                   s->object != NULL ? s->object->path : v->spec.argv[0], why);
    s->due = v->now + jitter_wait(&v->luck, &s->backoff, BACKOFF_FIRST, v->spec.period);
}

static void succeeded(source *s)
{
    s->all->state.answers++;
    s->all->state.trouble[0] = '\0';
    s->all->changed = true;
    s->backoff = 0;
}

/* --- objects --------------------------------------------------------------------------------------------------- */

/* Follows "a.b.c". */
static const json_t *along(const json_t *object, const char *path)
{
    char key[64];
    while (object != NULL && *path != '\0') {
        const size_t length = strcspn(path, ".");
        if (length >= sizeof key) {
            return NULL;
        }
        memcpy(key, path, length);
        key[length] = '\0';
        object = json_object_get(object, key);
        path += length + (path[length] == '.' ? 1 : 0);
    }
    return object;
}

static void on_object(void *user, const kube_answer *answer)
{
    source *s = user;
    kube_status status;
    s->ticket = 0;
    kube_status_of(answer, false, &status);
    if (status.verdict != KUBE_OK) {
        failed(s, status.text);
        return;
    }
    json_t *json = json_loadb(answer->body, answer->size, 0, NULL);
    const json_t *target = along(json, s->object->target);
    const bool good =
        json_is_integer(target) && json_integer_value(target) >= 0 && json_integer_value(target) <= SPW_NODES_MAX;
    kube_inventory_row *row = s->rows != NULL ? s->rows : zone_array(&s->zone, 1, sizeof *row);
    if (!good || row == NULL) {
        failed(s, row == NULL ? "out of memory" : "it has no count of nodes there");
    } else {
        *row = (kube_inventory_row){.cluster = s->object->cluster,
                                    .pool = s->object->pool,
                                    .target = (int32_t)json_integer_value(target),
                                    .stock = -1,
                                    .observed = s->all->unix_ns};
        s->rows = row;
        s->count = 1;
        succeeded(s);
    }
    json_decref(json);
}

static void ask_object(source *s)
{
    const kube_call call = {.server = s->object->server,
                            .method = "GET",
                            .path = s->object->path,
                            .timeout = s->all->spec.timeout,
                            .done = on_object,
                            .user = s};
    if (s->all->wire->start(s->all->wire->self, &call, &s->ticket) != SPW_OK) {
        s->ticket = 0;
        failed(s, "the call could not be started");
    }
}

/* --- the program ----------------------------------------------------------------------------------------------- */

/* An integer from 0 to most; null or absent: `other`. @return false: something else */
static bool read_count(const json_t *one, const char *key, int64_t most, int64_t other, int64_t *out)
{
    const json_t *value = json_object_get(one, key);
    *out = other;
    if (value == NULL || json_is_null(value)) {
        return true;
    }
    *out = json_integer_value(value);
    return json_is_integer(value) && *out >= 0 && *out <= most;
}

static bool has_only_known_keys(const json_t *one)
{
    static const char *const known[] = {"cluster", "pool", "target", "stock", "failures", "observed_ns"};
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)one, key, value)
    {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
            found = found || strcmp(known[i], key) == 0;
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

/* @return NULL, or what is wrong */
static const char *read_pool(const json_t *one, spw_time unix_ns, zone *z, kube_inventory_row *out)
{
    const char *cluster = obj_text(one, "cluster"), *pool = obj_text(one, "pool");
    int64_t target = 0, stock = 0, failures = 0, observed = 0;
    if (!json_is_object(one) || cluster[0] == '\0' || pool[0] == '\0') {
        return "a pool without 'cluster' and 'pool'";
    }
    if (!has_only_known_keys(one)) {
        return "a pool with an unknown key";
    }
    if (!read_count(one, "target", SPW_NODES_MAX, -1, &target) ||
        !read_count(one, "stock", SPW_NODES_MAX, -1, &stock) || !read_count(one, "failures", INT64_MAX, 0, &failures) ||
        !read_count(one, "observed_ns", INT64_MAX - 1, unix_ns, &observed)) {
        return "a pool with a count that is no integer in its range";
    }
    *out = (kube_inventory_row){.cluster = zone_text(z, cluster, strlen(cluster)),
                                .pool = zone_text(z, pool, strlen(pool)),
                                .target = (int32_t)target,
                                .stock = (int32_t)stock,
                                .failures = failures,
                                .observed = observed};
    return z->failed ? "out of memory" : NULL;
}

static const char *read_pools(source *s, const char *text, size_t size)
{
    zone fresh;
    json_error_t error;
    const char *fault = NULL;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    const json_t *pools = json_object_get(root, "pools");
    const size_t n = json_array_size(pools);

    zone_init(&fresh, NULL);
    kube_inventory_row *rows = zone_array(&fresh, n + 1, sizeof *rows);
    if (!json_is_array(pools) || json_object_size(root) != 1) {
        fault = "what it printed is no JSON object with 'pools' alone";
    } else if (rows == NULL) {
        fault = "out of memory";
    }
    for (size_t i = 0; i < n && fault == NULL; i++) {
        fault = read_pool(json_array_get(pools, i), s->all->unix_ns, &fresh, &rows[i]);
        for (size_t k = 0; k < i && fault == NULL; k++) {
            const bool same = strcmp(rows[k].cluster, rows[i].cluster) == 0 && strcmp(rows[k].pool, rows[i].pool) == 0;
            fault = same ? "a pool that is there twice" : NULL;
        }
    }
    json_decref(root);
    if (fault != NULL) {
        zone_fini(&fresh);
        return fault;
    }
    zone_fini(&s->zone);
    s->zone = fresh;
    s->rows = rows;
    s->count = n;
    return NULL;
}

static void run_program(source *s)
{
    const kube_inventory_spec *spec = &s->all->spec;
    child_result result = {0};
    const child_task task = {.argv = spec->argv,
                             .output_most = OUTPUT_MOST,
                             .timeout = spec->timeout,
                             .meanwhile = spec->meanwhile,
                             .user = spec->user};
    const spw_rc rc = child_run(&task, &result);
    const char *fault = rc == SPW_NOMEM ? "out of memory" : rc != SPW_OK ? result.error : NULL;
    fault = fault == NULL ? read_pools(s, result.output, result.size) : fault;
    if (fault != NULL) {
        failed(s, fault);
    } else {
        succeeded(s);
    }
    child_result_fini(&result);
}

/* --- all of them ----------------------------------------------------------------------------------------------- */

spw_time kube_inventory_step(kube_inventory *v, spw_time now, spw_time unix_ns)
{
    spw_time first = SPW_TIME_MAX;
    v->now = now;
    v->unix_ns = unix_ns;
    for (size_t i = 0; i < v->source_count; i++) {
        source *s = &v->sources[i];
        if (s->ticket == 0 && s->due <= now) {
            s->due = now + v->spec.period;
            if (s->object != NULL) {
                ask_object(s);
            } else {
                run_program(s);
            }
        }
        first = s->ticket == 0 && s->due < first ? s->due : first;
    }
    return first;
}

static kube_inventory_row *row_of(kube_inventory *v, const kube_inventory_row *like)
{
    for (size_t i = 0; i < v->row_count; i++) {
        if (strcmp(v->rows[i].cluster, like->cluster) == 0 && strcmp(v->rows[i].pool, like->pool) == 0) {
            return &v->rows[i];
        }
    }
    return NULL;
}

size_t kube_inventory_rows(kube_inventory *v, const kube_inventory_row **rows)
{
    size_t n = 0;
    for (size_t i = 0; i < v->source_count; i++) {
        n += v->sources[i].count;
    }
    if (v->changed) {
        kube_inventory_row *all = realloc(v->rows, (n + 1) * sizeof *all);
        v->row_count = 0;
        if (all == NULL) {
            *rows = NULL;
            return 0;
        }
        v->rows = all;
        for (size_t i = v->source_count; i-- > 0;) { /* the program first */
            for (size_t k = 0; k < v->sources[i].count; k++) {
                const kube_inventory_row *row = &v->sources[i].rows[k];
                kube_inventory_row *old = row_of(v, row);
                if (old == NULL) {
                    all[v->row_count++] = *row;
                } else if (old->target < 0) {
                    old->target = row->target;
                }
            }
        }
        v->changed = false;
    }
    *rows = v->rows;
    return v->row_count;
}

void kube_inventory_state_get(const kube_inventory *v, kube_inventory_state *out)
{
    *out = v->state;
}
