/* SPDX-License-Identifier: GPL-3.0-or-later */
/** kube_world.c - objects, versions, patches: what a server does with a request. The wire is in kube_world_wire.c. */
#include "tests/support/kube_world_int.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

kw_world *kw_new(size_t servers)
{
    kw_world *w = calloc(1, sizeof *w);
    assert(w != NULL && servers <= KW_SERVERS);
    w->now = 1000000000 * SPW_NS_PER_S;
    w->server_count = servers;
    for (size_t i = 0; i < servers; i++) {
        w->server[i].version = 100;
    }
    return w;
}

static void object_free(kw_object *o)
{
    json_decref(o->json);
    free(o);
}

void kw_free(kw_world *w)
{
    kw_calls_free(w);
    for (size_t s = 0; s < w->server_count; s++) {
        for (kw_object *o = w->server[s].objects; o != NULL;) {
            kw_object *next = o->next;
            object_free(o);
            o = next;
        }
        for (size_t i = 0; i < w->server[s].event_count; i++) {
            free(w->server[s].events[i].line);
        }
        free(w->server[s].events);
    }
    free(w->writes);
    free(w);
}

/* --- objects --------------------------------------------------------------------------------------------------- */

static int order(const kw_object *o, const char *collection, const char *space, const char *name)
{
    int by = strcmp(o->collection, collection);
    by = by != 0 ? by : strcmp(o->space, space);
    return by != 0 ? by : strcmp(o->name, name);
}

static kw_object *find(const kw_world *w, size_t server, const char *collection, const char *space, const char *name)
{
    for (kw_object *o = w->server[server].objects; o != NULL; o = o->next) {
        if (order(o, collection, space, name) == 0) {
            return o;
        }
    }
    return NULL;
}

const json_t *kw_get(const kw_world *w, size_t server, const char *collection, const char *space, const char *name)
{
    const kw_object *o = find(w, server, collection, space, name);
    return o != NULL ? o->json : NULL;
}

int64_t kw_replicas(const kw_world *w, size_t server, const char *space, const char *name)
{
    const json_t *o = kw_get(w, server, "/apis/apps/v1/deployments", space, name);
    assert(o != NULL);
    return json_integer_value(json_object_get(json_object_get(o, "spec"), "replicas"));
}

static void note_event(kw_world *w, size_t server, const char *collection, const char *type, const json_t *json)
{
    kw_server *s = &w->server[server];
    json_t *event = json_pack("{s:s,s:O}", "type", type, "object", json);
    char *text = json_dumps(event, JSON_COMPACT);
    json_decref(event);
    s->events = realloc(s->events, (s->event_count + 1) * sizeof *s->events);
    assert(s->events != NULL && text != NULL);
    kw_event *e = &s->events[s->event_count++];
    *e = (kw_event){.version = s->version, .line = text};
    (void)snprintf(e->collection, sizeof e->collection, "%s", collection);
}

static void stamp(kw_world *w, size_t server, json_t *json)
{
    char version[32];
    json_t *meta = json_object_get(json, "metadata");
    (void)snprintf(version, sizeof version, "%" PRIu64, ++w->server[server].version);
    (void)json_object_set_new(meta, "resourceVersion", json_string(version));
}

static kw_object *insert(kw_world *w, size_t server, const char *collection, json_t *json)
{
    const json_t *meta = json_object_get(json, "metadata");
    const char *space = json_string_value(json_object_get(meta, "namespace"));
    const char *name = json_string_value(json_object_get(meta, "name"));
    kw_object *o = calloc(1, sizeof *o), **at = &w->server[server].objects;
    assert(o != NULL && name != NULL);
    (void)snprintf(o->collection, sizeof o->collection, "%s", collection);
    (void)snprintf(o->space, sizeof o->space, "%s", space != NULL ? space : "");
    (void)snprintf(o->name, sizeof o->name, "%s", name);
    o->json = json;
    while (*at != NULL && order(*at, o->collection, o->space, o->name) < 0) {
        at = &(*at)->next;
    }
    o->next = *at;
    *at = o;
    return o;
}

/* A new object as the server stores it: uid, generation, version. */
static kw_object *create(kw_world *w, size_t server, const char *collection, json_t *json)
{
    json_t *meta = json_object_get(json, "metadata");
    char uid[40];
    assert(json_is_object(meta));
    (void)snprintf(uid, sizeof uid, "uid-%zu-%" PRIu64, server, w->server[server].version + 1);
    if (json_object_get(meta, "uid") == NULL) {
        (void)json_object_set_new(meta, "uid", json_string(uid));
    }
    (void)json_object_set_new(meta, "generation", json_integer(1));
    stamp(w, server, json);
    kw_object *o = insert(w, server, collection, json);
    note_event(w, server, collection, "ADDED", json);
    return o;
}

/* The object becomes `json` (stolen), if it differs. Generation grows with spec. @return whether it changed */
static bool replace(kw_world *w, size_t server, kw_object *o, json_t *json)
{
    if (json_equal(o->json, json)) {
        json_decref(json);
        return false;
    }
    json_t *meta = json_object_get(json, "metadata");
    if (!json_equal(json_object_get(o->json, "spec"), json_object_get(json, "spec"))) {
        const json_int_t was = json_integer_value(json_object_get(meta, "generation"));
        (void)json_object_set_new(meta, "generation", json_integer(was + 1));
    }
    stamp(w, server, json);
    json_decref(o->json);
    o->json = json;
    note_event(w, server, o->collection, "MODIFIED", json);
    return true;
}

void kw_put(kw_world *w, size_t server, const char *collection, const char *text)
{
    json_error_t error;
    json_t *json = json_loads(text, 0, &error);
    if (json == NULL) {
        fprintf(stderr, "kw_put: %s\n%s\n", error.text, text);
        abort();
    }
    json_t *meta = json_object_get(json, "metadata");
    const char *space = json_string_value(json_object_get(meta, "namespace"));
    kw_object *o =
        find(w, server, collection, space != NULL ? space : "", json_string_value(json_object_get(meta, "name")));
    if (o == NULL) {
        (void)create(w, server, collection, json);
    } else {
        static const char *const kept[] = {"uid", "generation", "resourceVersion"};
        const json_t *old = json_object_get(o->json, "metadata");
        for (size_t i = 0; i < 3; i++) {
            (void)json_object_set(meta, kept[i], json_object_get(old, kept[i]));
        }
        (void)replace(w, server, o, json);
    }
    kw_feed(w);
}

void kw_delete(kw_world *w, size_t server, const char *collection, const char *space, const char *name)
{
    kw_object **at = &w->server[server].objects;
    while (*at != NULL && order(*at, collection, space, name) != 0) {
        at = &(*at)->next;
    }
    assert(*at != NULL);
    kw_object *o = *at;
    *at = o->next;
    stamp(w, server, o->json);
    note_event(w, server, collection, "DELETED", o->json);
    object_free(o);
    kw_feed(w);
}

void kw_compact(kw_world *w, size_t server)
{
    w->server[server].floor = ++w->server[server].version;
}

void kw_restore(kw_world *w, size_t server, uint64_t version)
{
    kw_server *s = &w->server[server];
    for (kw_object **at = &s->objects; *at != NULL;) {
        kw_object *o = *at;
        const char *own = json_string_value(json_object_get(json_object_get(o->json, "metadata"), "resourceVersion"));
        if (strtoull(own, NULL, 10) > version) {
            *at = o->next;
            object_free(o);
        } else {
            at = &o->next;
        }
    }
    while (s->event_count > 0 && s->events[s->event_count - 1].version > version) {
        free(s->events[--s->event_count].line);
    }
    s->version = s->floor = version;
}

/* --- requests -------------------------------------------------------------------------------------------------- */

static int say(char **answer, int status, const char *reason, const char *message)
{
    json_t *s = json_pack("{s:s,s:s,s:{},s:s,s:s,s:s,s:i}", "kind", "Status", "apiVersion", "v1", "metadata", "status",
                          "Failure", "message", message, "reason", reason, "code", status);
    *answer = json_dumps(s, JSON_COMPACT);
    json_decref(s);
    return status;
}

static int give(char **answer, int status, const json_t *json)
{
    *answer = json_dumps(json, JSON_COMPACT);
    return status;
}

/* RFC 7386. `into` is changed in place. */
static void merge(json_t *into, const json_t *patch)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)patch, key, value)
    {
        json_t *old = json_object_get(into, key);
        if (json_is_null(value)) {
            (void)json_object_del(into, key);
        } else if (json_is_object(value) && json_is_object(old)) {
            merge(old, value);
        } else if (json_is_object(value)) {
            json_t *fresh = json_object();
            merge(fresh, value);
            (void)json_object_set_new(into, key, fresh);
        } else {
            json_t *copy = json_deep_copy(value);
            (void)json_object_set_new(into, key, copy);
        }
    }
}

static const char *version_of(const json_t *json)
{
    return json_string_value(json_object_get(json_object_get(json, "metadata"), "resourceVersion"));
}

static bool is_stale(const kw_object *o, const json_t *body)
{
    const json_t *meta = json_object_get(body, "metadata");
    const char *want = version_of(body), *uid = json_string_value(json_object_get(meta, "uid"));
    const char *own = json_string_value(json_object_get(json_object_get(o->json, "metadata"), "uid"));
    return (want != NULL && strcmp(want, version_of(o->json)) != 0) || (uid != NULL && strcmp(uid, own) != 0);
}

static json_t *scale_of(const kw_object *o)
{
    const json_t *meta = json_object_get(o->json, "metadata");
    const json_t *replicas = json_object_get(json_object_get(o->json, "spec"), "replicas");
    json_t *spec = json_object();
    if (json_integer_value(replicas) != 0) {
        (void)json_object_set(spec, "replicas", (json_t *)(uintptr_t)replicas);
    }
    return json_pack("{s:s,s:s,s:{s:s,s:s,s:O,s:O},s:o,s:{s:i}}", "kind", "Scale", "apiVersion", "autoscaling/v1",
                     "metadata", "name", o->name, "namespace", o->space, "uid", json_object_get(meta, "uid"),
                     "resourceVersion", json_object_get(meta, "resourceVersion"), "spec", spec, "status", "replicas",
                     0);
}

static int patch_scale(kw_world *w, size_t server, kw_object *o, const json_t *body, char **answer, bool *changed)
{
    json_t *after = json_deep_copy(o->json);
    const json_t *replicas = json_object_get(json_object_get(body, "spec"), "replicas");
    if (replicas != NULL && !json_is_null(replicas) && !json_is_integer(replicas)) {
        json_decref(after);
        return say(answer, 422, "Invalid", "spec.replicas: wrong type");
    }
    if (json_is_integer(replicas) && json_integer_value(replicas) < 0) {
        json_decref(after);
        return say(answer, 422, "Invalid", "spec.replicas: must be greater than or equal to 0");
    }
    if (replicas != NULL) {
        (void)json_object_set_new(json_object_get(after, "spec"), "replicas",
                                  json_integer(json_integer_value(replicas)));
    }
    *changed = replace(w, server, o, after);
    json_t *scale = scale_of(o);
    const int status = give(answer, 200, scale);
    json_decref(scale);
    return status;
}

static bool six_digits(const json_t *time)
{
    const char *text = json_string_value(time);
    const char *dot = text != NULL ? strchr(text, '.') : NULL;
    return time == NULL || (dot != NULL && strspn(dot + 1, "0123456789") == 6 && dot[7] == 'Z');
}

static bool lease_is_bad(const char *collection, const json_t *json)
{
    const json_t *spec = json_object_get(json, "spec");
    return strstr(collection, "/leases") != NULL &&
           (!six_digits(json_object_get(spec, "renewTime")) || !six_digits(json_object_get(spec, "acquireTime")));
}

static int write_object(kw_world *w, size_t server, const char *method, kw_object *o, const char *sub,
                        const json_t *body, char **answer, bool *changed)
{
    if (is_stale(o, body)) {
        return say(answer, 409, "Conflict",
                   "the object has been modified; please apply your changes to the latest version");
    }
    if (strcmp(sub, "scale") == 0) {
        return patch_scale(w, server, o, body, answer, changed);
    }
    json_t *after = NULL;
    if (strcmp(method, "PUT") == 0) {
        after = json_deep_copy(body);
        json_t *meta = json_object_get(after, "metadata");
        const json_t *old = json_object_get(o->json, "metadata");
        static const char *const kept[] = {"uid", "generation", "resourceVersion"};
        for (size_t i = 0; i < 3; i++) {
            (void)json_object_set(meta, kept[i], json_object_get(old, kept[i]));
        }
    } else {
        after = json_deep_copy(o->json);
        json_t *patch = json_deep_copy(body);
        json_t *meta = json_object_get(patch, "metadata");
        (void)json_object_del(meta, "resourceVersion");
        (void)json_object_del(meta, "uid");
        (void)json_object_del(patch, strcmp(sub, "status") == 0 ? "spec" : "status");
        merge(after, patch);
        json_decref(patch);
    }
    if (lease_is_bad(o->collection, after)) {
        json_decref(after);
        return say(answer, 400, "BadRequest", "parsing time: cannot parse as RFC3339Micro");
    }
    *changed = replace(w, server, o, after);
    return give(answer, 200, o->json);
}

static int list(kw_world *w, size_t server, const kw_target *t, char **answer)
{
    json_t *items = json_array();
    char version[32], token[96] = "";
    (void)snprintf(version, sizeof version, "%" PRIu64, w->server[server].version);
    size_t skip = t->offset, taken = 0;
    if (t->token && t->token_version < w->server[server].floor) {
        json_decref(items);
        return say(answer, 410, "Expired", "The provided continue parameter is too old");
    }
    for (const kw_object *o = w->server[server].objects; o != NULL; o = o->next) {
        if (strcmp(o->collection, t->collection) != 0 || (t->space[0] != '\0' && strcmp(o->space, t->space) != 0)) {
            continue;
        }
        if (skip > 0) {
            skip--;
            continue;
        }
        if (t->limit > 0 && taken == t->limit) {
            (void)snprintf(token, sizeof token, "%zu:%" PRIu64, t->offset + taken,
                           t->token ? t->token_version : w->server[server].version);
            break;
        }
        (void)json_array_append(items, o->json);
        taken++;
    }
    json_t *root = json_pack("{s:s,s:s,s:{s:s},s:o}", "kind", "List", "apiVersion", "v1", "metadata", "resourceVersion",
                             version, "items", items);
    if (token[0] != '\0') {
        (void)json_object_set_new(json_object_get(root, "metadata"), "continue", json_string(token));
    }
    const int status = give(answer, 200, root);
    json_decref(root);
    return status;
}

static void log_write(kw_world *w, size_t server, const char *method, const char *path, const char *body, size_t size,
                      bool changed)
{
    w->writes = realloc(w->writes, (w->write_count + 1) * sizeof *w->writes);
    assert(w->writes != NULL);
    kw_write *e = &w->writes[w->write_count++];
    *e = (kw_write){.server = server, .at = w->now, .changed = changed};
    (void)snprintf(e->method, sizeof e->method, "%s", method);
    (void)snprintf(e->path, sizeof e->path, "%s", path);
    (void)snprintf(e->body, sizeof e->body, "%.*s", (int)size, body);
}

int kw_handle(kw_world *w, size_t server, const char *method, const char *path, const char *type, const char *body,
              size_t size, char **answer)
{
    kw_target t;
    const bool write = strcmp(method, "GET") != 0;
    bool changed = false;
    int status = 0;

    if (strstr(path, "/selfsubjectaccessreviews") != NULL) {
        *answer = strdup("{\"kind\":\"SelfSubjectAccessReview\",\"status\":{\"allowed\":true}}");
        return 201;
    }

    kw_target_of(path, &t);
    if (write && w->before_write != NULL) {
        w->before_write(w->before_user, w);
    }
    kw_object *o = t.name[0] != '\0' ? find(w, server, t.collection, t.space, t.name) : NULL;
    if (!write && t.name[0] == '\0') {
        return list(w, server, &t, answer);
    }
    json_t *json = write ? json_loadb(body, size, 0, NULL) : NULL;
    if (write && !json_is_object(json)) {
        status = say(answer, 400, "BadRequest", "the body is no JSON object");
    } else if (strcmp(method, "PATCH") == 0 && (type == NULL || strcmp(type, "application/merge-patch+json") != 0)) {
        status = say(answer, 415, "UnsupportedMediaType", "the body of the request was in an unknown format");
    } else if (strcmp(method, "POST") == 0) {
        const char *name = json_string_value(json_object_get(json_object_get(json, "metadata"), "name"));
        o = name != NULL ? find(w, server, t.collection, t.space, name) : NULL;
        if (o != NULL) {
            status = say(answer, 409, "AlreadyExists", "object already exists");
        } else if (lease_is_bad(t.collection, json)) {
            status = say(answer, 400, "BadRequest", "parsing time: cannot parse as RFC3339Micro");
        } else {
            (void)json_object_set_new(json_object_get(json, "metadata"), "namespace", json_string(t.space));
            o = create(w, server, t.collection, json_incref(json));
            status = give(answer, 201, o->json);
            changed = true;
        }
    } else if (o == NULL) {
        status = say(answer, 404, "NotFound", "not found");
    } else if (!write) {
        json_t *scale = strcmp(t.sub, "scale") == 0 ? scale_of(o) : NULL;
        status = give(answer, 200, scale != NULL ? scale : o->json);
        json_decref(scale);
    } else if (strstr(t.query, "dryRun=All") != NULL) {
        status = is_stale(o, json) ? say(answer, 409, "Conflict", "the object has been modified")
                                   : give(answer, 200, o->json);
    } else {
        status = write_object(w, server, method, o, t.sub, json, answer, &changed);
    }
    json_decref(json);
    if (write && status < 300 && strstr(t.query, "dryRun=All") == NULL) {
        log_write(w, server, method, path, body, size, changed);
    }
    kw_feed(w);
    return status;
}

size_t kw_writes(const kw_world *w)
{
    return w->write_count;
}

const kw_write *kw_write_at(const kw_world *w, size_t index)
{
    assert(index < w->write_count);
    return &w->writes[index];
}

void kw_before_write(kw_world *w, void (*hook)(void *user, kw_world *w), void *user)
{
    w->before_write = hook;
    w->before_user = user;
}
