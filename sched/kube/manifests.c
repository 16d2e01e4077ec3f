/* SPDX-License-Identifier: Apache-2.0 */
/** manifests.c - lists of objects for the manifest readers. */
#include "sched/kube/manifests.h"
#include "sched/kube/objects_int.h"
#include "sched/kube/verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_DEFAULT (5 * SPW_NS_PER_S)
#define PAGE            500
#define PAGES_MOST      10000
#define MESSAGES        8 /* of one object */

typedef struct kind {
    const char *api, *name, *plural;
    bool spaced;
} kind;

static const kind kinds[] = {
    {"apps/v1", "Deployment", "deployments", true},
    {"apps/v1", "StatefulSet", "statefulsets", true}, /* after Deployments: one of that name comes first */
    {"policy.karmada.io/v1alpha1", "PropagationPolicy", "propagationpolicies", true},
    {"policy.one.alibabacloud.com/v1alpha1", "PropagationPolicy", "propagationpolicies", true},
    {"autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", true},
    {"autoscaling.karmada.io/v1alpha1", "FederatedHPA", "federatedhpas", true},
    {"autoscaling.karmada.io/v1alpha1", "CronFederatedHPA", "cronfederatedhpas", true},
    {"keda.sh/v1alpha1", "ScaledObject", "scaledobjects", true},
    {"scaling.spillway.dev/v1alpha1", "QueueScaler", "queuescalers", true},
    {"scaling.spillway.dev/v1alpha1", "ForecastScaler", "forecastscalers", true},
    {"scheduling.k8s.io/v1", "PriorityClass", "priorityclasses", false},
    {"policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", true},
    {"apps.karmada.io/v1alpha1", "WorkloadRebalancer", "workloadrebalancers", false},
    {"scheduling.spillway.dev/v1alpha1", "RoundTrips", "roundtrips", false},
};

typedef struct reader {
    const kube_manifests_spec *spec;
    spw_manifest_set *set;
    spw_diag *diag;
    kube_manifests_result *result;
    const kind *kind;
    char *token; /* of the next page, malloc'ed; NULL = none */
    bool unpaged;
} reader;

static bool is_workload(const kind *k)
{
    return strcmp(k->name, "Deployment") == 0 || strcmp(k->name, "StatefulSet") == 0;
}

/* --- one object ------------------------------------------------------------------------------------------------ */

static uint64_t digest_of(const json_t *object, bool workload)
{
    static const char *const servers[] = {"resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"};
    json_t *copy = json_deep_copy(object);
    json_t *meta = json_object_get(copy, "metadata");
    for (size_t i = 0; i < sizeof servers / sizeof servers[0]; i++) {
        (void)json_object_del(meta, servers[i]);
    }
    if (workload) {
        (void)json_object_del(json_object_get(copy, "spec"), "replicas");
    }
    char *text = copy != NULL ? json_dumps(copy, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    const uint64_t digest = text != NULL ? spw_key(text) : 0;
    free(text);
    json_decref(copy);
    return digest;
}

static bool is_there(const reader *r, const char *what, const char *space, const char *name)
{
    char full[2 * SPW_NAME_MAX + 64];
    const char *file = NULL;
    int32_t line = 0, column = 0;
    (void)snprintf(full, sizeof full, "%s/%s", space, name);
    return spw_manifest_where(r->set, what, full, &file, &line, &column);
}

/* Whether an object that is good by itself would spoil the whole: `why` says how. */
static bool is_misplaced(const reader *r, const json_t *item, char *why, size_t room)
{
    const json_t *meta = json_object_get(item, "metadata"), *target = obj_at(item, "spec", "scaleTargetRef", NULL);
    const char *space = obj_text(meta, "namespace"), *what = obj_text(target, "kind"), *name = obj_text(target, "name");
    if (strcmp(r->kind->name, "StatefulSet") == 0 && is_there(r, "Deployment", space, obj_text(meta, "name"))) {
        (void)snprintf(why, room, "a Deployment has this name");
        return true;
    }
    what = what[0] != '\0' ? what : "Deployment";
    if (target != NULL && !is_there(r, what, space, name)) {
        (void)snprintf(why, room, "there is no %.60s '%.120s/%.120s' here", what, space, name);
        return true;
    }
    return false;
}

/* Tried in a set of its own first, so that a refusal spoils nothing. */
static spw_rc add(reader *r, const json_t *item, const char *name, const char *text)
{
    char why[400];
    spw_manifest_set *trial = spw_manifest_new(NULL);
    spw_diag *messages = NULL;
    spw_rc rc = trial != NULL ? spw_diag_new(NULL, MESSAGES, &messages) : SPW_NOMEM;
    if (rc == SPW_OK) {
        rc = spw_manifest_add_text(trial, name, text, strlen(text), messages);
    }
    if (rc == SPW_INVAL) {
        r->result->left_out++;
        for (size_t i = 0; i < spw_diag_count(messages); i++) {
            if (spw_diag_level_at(messages, i) == SPW_DIAG_ERROR) {
                spw_diag_add(r->diag, SPW_DIAG_WARNING, NULL, 0, 0, "left out: %s", spw_diag_at(messages, i));
            }
        }
        rc = SPW_OK;
    } else if (rc == SPW_OK && is_misplaced(r, item, why, sizeof why)) {
        r->result->left_out++;
        spw_diag_add(r->diag, SPW_DIAG_WARNING, NULL, 0, 0, "left out: %s: %s", name, why);
    } else if (rc == SPW_OK) {
        r->result->read++;
        rc = spw_manifest_add_text(r->set, name, text, strlen(text), r->diag);
        rc = rc == SPW_INVAL ? SPW_BACKEND : rc; /* two of one name: the list changed between its pages */
        if (rc == SPW_OK && r->spec->text != NULL && !r->spec->text(r->spec->user, name, text)) {
            rc = SPW_NOMEM;
        }
    }
    spw_diag_free(messages);
    spw_manifest_free(trial);
    return rc;
}

/* An item of a list says neither its kind nor its version. */
static spw_rc add_item(reader *r, json_t *item)
{
    json_t *meta = json_object_get(item, "metadata");
    char name[2 * SPW_NAME_MAX + 64];
    if (json_is_string(json_object_get(meta, "deletionTimestamp"))) {
        return SPW_OK;
    }
    (void)json_object_del(meta, "managedFields");
    (void)json_object_del(item, "status");
    if (json_object_set_new(item, "apiVersion", json_string(r->kind->api)) != 0 ||
        json_object_set_new(item, "kind", json_string(r->kind->name)) != 0) {
        return SPW_NOMEM;
    }
    const char *space = obj_text(meta, "namespace");
    (void)snprintf(name, sizeof name, "%s %s%s%s", r->kind->plural, space, space[0] != '\0' ? "/" : "",
                   obj_text(meta, "name"));
    char *text = json_dumps(item, JSON_COMPACT);
    const spw_rc rc = text != NULL ? add(r, item, name, text) : SPW_NOMEM;
    r->result->digest += digest_of(item, is_workload(r->kind)); /* in any order */
    free(text);
    return rc;
}

/* --- one kind -------------------------------------------------------------------------------------------------- */

/* malloc'ed; NULL when out of memory */
static char *path_of(const reader *r, const char *space)
{
    const kube_manifests_spec *spec = r->spec;
    const char *selector = is_workload(r->kind) && spec->selector != NULL ? spec->selector : "";
    const char *token = r->token != NULL ? r->token : "";
    const size_t long_room = 3 * (strlen(selector) + strlen(token)) + 16;
    const size_t room = strlen(spec->prefix) + strlen(space) + long_room + 200;
    char *path = malloc(room), *escaped = malloc(long_room);
    if (path != NULL && escaped != NULL) {
        int n = snprintf(path, room, "%s/apis/%s%s%s/%s?limit=%d", spec->prefix, r->kind->api,
                         space[0] != '\0' ? "/namespaces/" : "", space, r->kind->plural, r->unpaged ? 0 : PAGE);
        if (selector[0] != '\0') {
            kube_wire_escape(escaped, long_room, selector);
            n += snprintf(path + n, room - (size_t)n, "&labelSelector=%s", escaped);
        }
        if (token[0] != '\0') {
            kube_wire_escape(escaped, long_room, token);
            (void)snprintf(path + n, room - (size_t)n, "&continue=%s", escaped);
        }
    } else {
        free(path);
        path = NULL;
    }
    free(escaped);
    return path;
}

static spw_rc refuse(reader *r, const char *path, const kube_status *status)
{
    const bool denied = status->verdict == KUBE_DENIED;
    spw_diag_add(r->diag, SPW_DIAG_ERROR, NULL, 0, 0, "%.*s: %s%s", (int)strcspn(path, "?"), path, status->text,
                 denied ? " (grant get and list on it, or skip this kind)" : "");
    return SPW_BACKEND;
}

/* Keeps all items of a page in `items`. */
static spw_rc take_page(reader *r, const kube_reply *reply, json_t *items)
{
    json_t *root = json_loadb(reply->body, reply->size, 0, NULL);
    json_t *page = json_object_get(root, "items");
    const char *token = obj_text(json_object_get(root, "metadata"), "continue");
    spw_rc rc = json_is_array(page) ? SPW_OK : SPW_BACKEND;
    if (rc != SPW_OK) {
        spw_diag_add(r->diag, SPW_DIAG_ERROR, NULL, 0, 0, "the list of %s is no list", r->kind->plural);
    }
    rc = rc == SPW_OK && json_array_extend(items, page) != 0 ? SPW_NOMEM : rc;
    free(r->token);
    r->token = rc == SPW_OK && token[0] != '\0' ? strdup(token) : NULL;
    rc = rc == SPW_OK && token[0] != '\0' && r->token == NULL ? SPW_NOMEM : rc;
    json_decref(root);
    return rc;
}

static spw_rc ask(const reader *r, const char *path, kube_reply *reply)
{
    const kube_call call = {.server = r->spec->server,
                            .method = "GET",
                            .path = path,
                            .timeout = r->spec->timeout > 0 ? r->spec->timeout : TIMEOUT_DEFAULT};
    return kube_wire_ask(r->spec->wire, &call, reply);
}

/* All items of a kind in a namespace, "" = in all. An expired token starts over, unpaged. */
static spw_rc list(reader *r, const char *space, json_t *items)
{
    for (int page = 0; page < PAGES_MOST; page++) {
        char *path = path_of(r, space);
        kube_reply reply = {0};
        kube_status status;
        spw_rc rc = path != NULL ? ask(r, path, &reply) : SPW_NOMEM;
        if (rc == SPW_OK) {
            kube_status_of_reply(&reply, false, &status);
            if (status.verdict == KUBE_ABSENT) {
                r->result->absent++;
            } else if (status.verdict == KUBE_GONE && !r->unpaged) {
                r->unpaged = true;
                free(r->token);
                r->token = strdup("");
                rc = r->token != NULL && json_array_clear(items) == 0 ? SPW_OK : SPW_NOMEM;
            } else {
                rc = status.verdict == KUBE_OK ? take_page(r, &reply, items) : refuse(r, path, &status);
            }
        }
        kube_reply_fini(&reply);
        free(path);
        if (rc != SPW_OK || r->token == NULL) {
            return rc;
        }
    }
    spw_diag_add(r->diag, SPW_DIAG_ERROR, NULL, 0, 0, "the list of %s does not end", r->kind->plural);
    return SPW_BACKEND;
}

static spw_rc read_kind(reader *r, const char *space)
{
    json_t *items = json_array();
    spw_rc rc = items != NULL ? list(r, space, items) : SPW_NOMEM;
    for (size_t i = 0; i < json_array_size(items) && rc == SPW_OK; i++) {
        rc = add_item(r, json_array_get(items, i));
    }
    free(r->token);
    r->token = NULL;
    r->unpaged = false;
    json_decref(items);
    return rc;
}

static bool is_skipped(const kube_manifests_spec *spec, const char *plural)
{
    for (size_t i = 0; i < spec->skip_count; i++) {
        if (strcmp(spec->skip[i], plural) == 0) {
            return true;
        }
    }
    return false;
}

spw_rc kube_manifests_read(const kube_manifests_spec *spec, spw_manifest_set *set, spw_diag *diag,
                           kube_manifests_result *out)
{
    reader r = {.spec = spec, .set = set, .diag = diag, .result = out};
    spw_rc rc = SPW_OK;
    *out = (kube_manifests_result){0};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && rc == SPW_OK; i++) {
        r.kind = &kinds[i];
        if (is_skipped(spec, kinds[i].plural)) {
            continue;
        }
        const bool everywhere = spec->space_count == 0 || !kinds[i].spaced;
        for (size_t s = 0; s < (everywhere ? 1 : spec->space_count) && rc == SPW_OK; s++) {
            rc = read_kind(&r, everywhere ? "" : spec->spaces[s]);
        }
    }
    return rc;
}
