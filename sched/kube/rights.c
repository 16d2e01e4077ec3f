/* SPDX-License-Identifier: Apache-2.0 */
/** rights.c - the table of rights, and asking for them. */
#include "sched/kube/rights.h"
#include "sched/kube/objects_int.h"
#include "sched/kube/verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

static const kube_right rights[] = {
    {KUBE_USE_CLUSTER | KUBE_USE_HUB | KUBE_USE_POLICIES, "apps", "deployments", "", "list"},
    {KUBE_USE_CLUSTER | KUBE_USE_HUB, "apps", "deployments", "", "watch"},
    {KUBE_USE_CLUSTER | KUBE_USE_HUB | KUBE_USE_POLICIES, "apps", "statefulsets", "", "list"},
    {KUBE_USE_CLUSTER | KUBE_USE_HUB, "apps", "statefulsets", "", "watch"},
    {KUBE_USE_CLUSTER, "", "pods", "", "list"},
    {KUBE_USE_CLUSTER, "", "pods", "", "watch"},
    {KUBE_USE_CLUSTER, "", "nodes", "", "list"},
    {KUBE_USE_CLUSTER, "", "nodes", "", "watch"},
    {KUBE_USE_SCALE, "apps", "deployments", "scale", "get"},
    {KUBE_USE_SCALE, "apps", "deployments", "scale", "patch"},
    {KUBE_USE_SCALE, "apps", "statefulsets", "scale", "get"},
    {KUBE_USE_SCALE, "apps", "statefulsets", "scale", "patch"},
    {KUBE_USE_HUB, "cluster.karmada.io", "clusters", "", "list"},
    {KUBE_USE_HUB, "cluster.karmada.io", "clusters", "", "watch"},
    {KUBE_USE_HUB, "work.karmada.io", "resourcebindings", "", "list"},
    {KUBE_USE_HUB, "work.karmada.io", "resourcebindings", "", "watch"},
    {KUBE_USE_BINDINGS, "work.karmada.io", "resourcebindings", "", "get"},
    {KUBE_USE_BINDINGS, "work.karmada.io", "resourcebindings", "", "patch"},
    {KUBE_USE_BINDINGS, "work.karmada.io", "resourcebindings", "status", "patch"},
    {KUBE_USE_LEASE, "coordination.k8s.io", "leases", "", "get"},
    {KUBE_USE_LEASE, "coordination.k8s.io", "leases", "", "create"},
    {KUBE_USE_LEASE, "coordination.k8s.io", "leases", "", "patch"},
    {KUBE_USE_POLICIES, "policy.karmada.io", "propagationpolicies", "", "list"},
    {KUBE_USE_POLICIES, "policy.one.alibabacloud.com", "propagationpolicies", "", "list"},
    {KUBE_USE_POLICIES, "autoscaling", "horizontalpodautoscalers", "", "list"},
    {KUBE_USE_POLICIES, "autoscaling.karmada.io", "federatedhpas", "", "list"},
    {KUBE_USE_POLICIES, "autoscaling.karmada.io", "cronfederatedhpas", "", "list"},
    {KUBE_USE_POLICIES, "keda.sh", "scaledobjects", "", "list"},
    {KUBE_USE_POLICIES, "scaling.spillway.dev", "queuescalers", "", "list"},
    {KUBE_USE_POLICIES, "scaling.spillway.dev", "forecastscalers", "", "list"},
    {KUBE_USE_POLICIES, "scheduling.k8s.io", "priorityclasses", "", "list"},
    {KUBE_USE_POLICIES, "policy", "poddisruptionbudgets", "", "list"},
    {KUBE_USE_POLICIES, "apps.karmada.io", "workloadrebalancers", "", "list"},
    {KUBE_USE_POLICIES, "scheduling.spillway.dev", "roundtrips", "", "list"},
};

const kube_right *kube_rights(size_t *count)
{
    *count = sizeof rights / sizeof rights[0];
    return rights;
}

/* Kinds without a namespace: asked for as such. */
static bool is_spaced(const kube_right *right)
{
    static const char *const wide[] = {"nodes", "clusters", "priorityclasses", "workloadrebalancers", "roundtrips"};
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++) {
        if (strcmp(right->resource, wide[i]) == 0) {
            return false;
        }
    }
    return true;
}

size_t kube_reviews_for(uint32_t uses, size_t server, const char *prefix, const char *space, kube_review *reviews,
                        size_t room)
{
    size_t n = 0;
    for (size_t i = 0; i < sizeof rights / sizeof rights[0]; i++) {
        if ((rights[i].uses & uses) == 0) {
            continue;
        }
        if (n < room) {
            reviews[n] = (kube_review){.right = &rights[i],
                                       .server = server,
                                       .prefix = prefix,
                                       .space = is_spaced(&rights[i]) ? space : "",
                                       .answer = KUBE_NOT_SAID};
        }
        n++;
    }
    return n;
}

/* --- asking ---------------------------------------------------------------------------------------------------- */

typedef struct question {
    kube_review *review;
    bool over;
} question;

static void on_answer(void *user, const kube_answer *answer)
{
    question *q = user;
    kube_status status;
    q->over = true;
    kube_status_of(answer, false, &status);
    json_t *root = status.verdict == KUBE_OK ? json_loadb(answer->body, answer->size, 0, NULL) : NULL;
    const json_t *said = json_object_get(root, "status"), *allowed = json_object_get(said, "allowed");
    if (json_is_boolean(allowed)) {
        q->review->answer = json_is_true(allowed) ? KUBE_MAY : KUBE_MAY_NOT;
        (void)snprintf(q->review->why, sizeof q->review->why, "%.150s", obj_text(said, "reason"));
    } else {
        q->review->answer = KUBE_NOT_SAID;
        (void)snprintf(q->review->why, sizeof q->review->why, "%.150s",
                       status.verdict != KUBE_OK ? status.text : "the answer is no review");
    }
    json_decref(root);
}

static json_t *attributes_of(const kube_review *r)
{
    json_t *a =
        json_pack("{s:s,s:s,s:s}", "group", r->right->group, "resource", r->right->resource, "verb", r->right->verb);
    int failed = a == NULL;
    if (r->right->sub[0] != '\0') {
        failed |= json_object_set_new(a, "subresource", json_string(r->right->sub));
    }
    if (r->space[0] != '\0') {
        failed |= json_object_set_new(a, "namespace", json_string(r->space));
    }
    if (failed != 0) {
        json_decref(a);
        return NULL;
    }
    return a;
}

static bool ask(const kube_wire *wire, question *q, spw_dur timeout)
{
    const size_t room = strlen(q->review->prefix) + sizeof PATH;
    char *path = malloc(room);
    uint64_t ticket = 0;
    json_t *root = json_pack("{s:s,s:s,s:{s:o}}", "apiVersion", "authorization.k8s.io/v1", "kind",
                             "SelfSubjectAccessReview", "spec", "resourceAttributes", attributes_of(q->review));
    char *body = root != NULL ? json_dumps(root, JSON_COMPACT) : NULL;
    bool asked = false;
    if (path != NULL && body != NULL) {
        (void)snprintf(path, room, "%s%s", q->review->prefix, PATH);
        const kube_call call = {.server = q->review->server,
                                .method = "POST",
                                .path = path,
                                .content_type = "application/json",
                                .body = body,
                                .body_size = strlen(body),
                                .timeout = timeout,
                                .done = on_answer,
                                .user = q};
        asked = wire->start(wire->self, &call, &ticket) == SPW_OK;
    }
    json_decref(root);
    free(body);
    free(path);
    return asked;
}

spw_rc kube_reviews_ask(const kube_wire *wire, kube_review *reviews, size_t count, spw_dur timeout)
{
    question *questions = calloc(count + 1, sizeof *questions);
    size_t left = count;
    bool all = true;
    if (questions == NULL) {
        return SPW_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        questions[i].review = &reviews[i];
        reviews[i].answer = KUBE_NOT_SAID;
        (void)snprintf(reviews[i].why, sizeof reviews[i].why, "it could not be asked");
        questions[i].over = !ask(wire, &questions[i], timeout);
    }
    while (left > 0) { /* every call has a timeout, so this ends */
        left = 0;
        for (size_t i = 0; i < count; i++) {
            left += questions[i].over ? 0 : 1;
        }
        if (left > 0) {
            (void)wire->run(wire->self, SPW_NS_PER_S / 10);
        }
    }
    for (size_t i = 0; i < count; i++) {
        all = all && reviews[i].answer == KUBE_MAY;
    }
    free(questions);
    return all ? SPW_OK : SPW_BACKEND;
}

size_t kube_review_text(const kube_review *r, char *out, size_t room)
{
    const bool grouped = r->right->group[0] != '\0', sub = r->right->sub[0] != '\0', spaced = r->space[0] != '\0';
    const int n = snprintf(out, room, "%s %s%s%s%s%s%s%s", r->right->verb, r->right->resource, grouped ? "." : "",
                           r->right->group, sub ? "/" : "", r->right->sub, spaced ? " in " : "", r->space);
    return n > 0 ? (size_t)n : 0;
}
