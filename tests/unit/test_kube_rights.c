/* SPDX-License-Identifier: GPL-3.0-or-later */
/** Rights: which are asked for, how, and what the answers mean; and that nothing is ever done without one of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sched/kube/lease.h"
#include "sched/kube/manifests.h"
#include "sched/kube/rights.h"
#include "tests/support/kube_rig.h"

#define S SPW_NS_PER_S

/* An API server's authorizer: refuses what `refused` says, of all else that it knows everything is allowed. */
typedef struct judge {
    const char *refused; /* "patch scale" */
    kube_call pending[64];
    char bodies[64][300];
    size_t count;
    int garbage; /* this many answers are none */
} judge;

static spw_rc start_call(void *self, const kube_call *call, uint64_t *ticket)
{
    judge *j = self;
    assert_string_equal(call->path, "/p/apis/authorization.k8s.io/v1/selfsubjectaccessreviews");
    assert_string_equal(call->method, "POST");
    (void)snprintf(j->bodies[j->count], sizeof j->bodies[0], "%s", call->body);
    j->pending[j->count] = *call;
    *ticket = ++j->count;
    return SPW_OK;
}

static void cancel_call(void *self, uint64_t ticket)
{
    (void)self;
    (void)ticket;
}

static spw_rc run_calls(void *self, spw_dur longest)
{
    judge *j = self;
    (void)longest;
    const size_t n = j->count;
    j->count = 0;
    for (size_t i = 0; i < n; i++) {
        const bool no = j->refused != NULL && strstr(j->bodies[i], j->refused) != NULL;
        const char *body = j->garbage-- > 0 ? "nonsense"
                           : no             ? "{\"status\":{\"allowed\":false,\"reason\":\"no rule\"}}"
                                            : "{\"status\":{\"allowed\":true,\"reason\":\"RBAC: allowed\"}}";
        const kube_answer answer = {.end = KUBE_END_ANSWERED,
                                    .status = 201,
                                    .retry_after = -1,
                                    .body = body,
                                    .size = strlen(body),
                                    .error = ""};
        j->pending[i].done(j->pending[i].user, &answer);
    }
    return SPW_OK;
}

static spw_rc ask(judge *j, uint32_t uses, kube_review *reviews, size_t *count)
{
    const kube_wire wire = {.self = j, .start = start_call, .cancel = cancel_call, .run = run_calls};
    *count = kube_reviews_for(uses, 0, "/p", "prod", reviews, 64);
    return kube_reviews_ask(&wire, reviews, *count, 5 * S);
}

static void asks_for_what_is_used(void **state)
{
    (void)state;
    judge j = {0};
    kube_review reviews[64];
    size_t n = 0;
    assert_int_equal(ask(&j, KUBE_USE_SCALE, reviews, &n), SPW_OK);
    assert_int_equal(n, 4);
    assert_string_equal(j.bodies[1],
                        "{\"apiVersion\":\"authorization.k8s.io/v1\",\"kind\":\"SelfSubjectAccessReview\",\"spec\":{"
                        "\"resourceAttributes\":{\"group\":\"apps\",\"resource\":\"deployments\",\"verb\":\"patch\","
                        "\"subresource\":\"scale\",\"namespace\":\"prod\"}}}");
    assert_int_equal(ask(&j, KUBE_USE_CLUSTER, reviews, &n), SPW_OK);
    assert_null(strstr(j.bodies[6], "namespace")); /* nodes have none */
    char text[100];
    (void)kube_review_text(&reviews[0], text, sizeof text);
    assert_string_equal(text, "list deployments.apps in prod");
    (void)kube_review_text(&reviews[6], text, sizeof text);
    assert_string_equal(text, "list nodes");
}

static void a_missing_right_is_named(void **state)
{
    (void)state;
    judge j = {.refused = "\"status\""};
    kube_review reviews[64];
    size_t n = 0;
    char text[100];
    assert_int_equal(ask(&j, KUBE_USE_BINDINGS, reviews, &n), SPW_BACKEND);
    for (size_t i = 0; i < n; i++) {
        const bool status = reviews[i].right->sub[0] != '\0';
        assert_int_equal(reviews[i].answer, status ? KUBE_MAY_NOT : KUBE_MAY);
        if (status) {
            (void)kube_review_text(&reviews[i], text, sizeof text);
            assert_string_equal(text, "patch resourcebindings.work.karmada.io/status in prod");
            assert_string_equal(reviews[i].why, "no rule");
        }
    }
    j = (judge){.garbage = 1};
    assert_int_equal(ask(&j, KUBE_USE_LEASE, reviews, &n), SPW_BACKEND);
    assert_int_equal(reviews[0].answer, KUBE_NOT_SAID);
    assert_int_equal(reviews[1].answer, KUBE_MAY);
}

/* --- the table against what is really sent --------------------------------------------------------------------- */

typedef struct spy {
    kube_wire inner;
    uint32_t uses;
    size_t seen;
} spy;

/* The right that a call needs must be in the table, under one of the uses at hand. */
static spw_rc spy_start(void *self, const kube_call *call, uint64_t *ticket)
{
    spy *s = self;
    char group[64] = "", rest[600] = "", resource[64] = "", sub[64] = "";
    char path[512];
    (void)snprintf(path, sizeof path, "%.*s", (int)strcspn(call->path, "?"), call->path);
    if (strncmp(path, "/api/v1/", 8) == 0) {
        (void)snprintf(rest, sizeof rest, "%s", path + 8);
    } else {
        assert_int_equal(sscanf(path, "/apis/%63[^/]/%*[^/]/%599s", group, rest), 2);
    }
    const char *at = rest;
    if (strncmp(at, "namespaces/", 11) == 0) {
        at = strchr(at + 11, '/') + 1;
    }
    char name[64] = "";
    const int parts = sscanf(at, "%63[^/]/%63[^/]/%63s", resource, name, sub);
    const bool get = strcmp(call->method, "GET") == 0;
    const char *verb = strcmp(call->method, "PATCH") == 0         ? "patch"
                       : strcmp(call->method, "POST") == 0        ? "create"
                       : strstr(call->path, "watch=true") != NULL ? "watch"
                       : get && parts == 1                        ? "list"
                                                                  : "get";
    size_t count = 0;
    bool found = false;
    const kube_right *rights = kube_rights(&count);
    for (size_t i = 0; i < count; i++) {
        found = found || ((rights[i].uses & s->uses) != 0 && strcmp(rights[i].group, group) == 0 &&
                          strcmp(rights[i].resource, resource) == 0 && strcmp(rights[i].sub, sub) == 0 &&
                          strcmp(rights[i].verb, verb) == 0);
    }
    if (!found) {
        fail_msg("%s %s: no right to %s %s.%s/%s in the table", call->method, call->path, verb, resource, group, sub);
    }
    s->seen++;
    return s->inner.start(s->inner.self, call, ticket);
}

static void spy_cancel(void *self, uint64_t ticket)
{
    spy *s = self;
    s->inner.cancel(s->inner.self, ticket);
}

static spw_rc spy_run(void *self, spw_dur longest)
{
    spy *s = self;
    return s->inner.run(s->inner.self, longest);
}

static void nothing_is_sent_without_a_right(void **state)
{
    (void)state;
    const struct {
        kube_mode mode;
        uint32_t uses;
    } fleets[] = {{KUBE_MODE_KUBERNETES, KUBE_USE_CLUSTER | KUBE_USE_SCALE},
                  {KUBE_MODE_KARMADA, KUBE_USE_CLUSTER | KUBE_USE_HUB | KUBE_USE_BINDINGS | KUBE_USE_SCALE}};
    for (size_t i = 0; i < 2; i++) {
        kube_rig r;
        spy s = {.uses = fleets[i].uses};
        rig_start(&r, fleets[i].mode);
        s.inner = r.inner;
        r.wire = (kube_wire){.self = &s, .start = spy_start, .cancel = spy_cancel, .run = spy_run};
        kw_put(r.world, RIG_PLANE, "/apis/cluster.karmada.io/v1alpha1/clusters", "{\"metadata\":{\"name\":\"idc\"}}");
        kw_put(r.world, RIG_PLANE, "/apis/work.karmada.io/v1alpha2/resourcebindings",
               "{\"metadata\":{\"name\":\"chat-deployment\",\"namespace\":\"prod\",\"labels\":{"
               "\"resourcebinding.karmada.io/permanent-id\":\"p\"}},\"spec\":{\"schedulerName\":\"spillway\","
               "\"clusters\":[{\"name\":\"idc\",\"replicas\":2}]}}");
        rig_deployment(&r, RIG_IDC, "chat", 2);
        rig_deployment(&r, RIG_PLANE, "code", 1);
        rig_live(&r, S);
        spw_action plan[] = {rig_place(RIG_CODE, RIG_IDC, 1, 3, SPW_WHY_METRIC_ABOVE),
                             rig_place(RIG_CHAT, RIG_IDC, 2, 5, SPW_WHY_FILL_IDLE)};
        plan[0].verb = SPW_VERB_SCALE;
        plan[0].cluster = SPW_ID_NONE;
        kw_fail_at(r.world, 0, true, KW_LATE); /* so that there is something to read again */
        assert_int_equal(rig_act(&r, 1, plan, 2), SPW_OK);
        assert_true(s.seen > 8);
        rig_stop(&r);
    }
    kw_world *w = kw_new(1);
    spy s = {.inner = kw_wire(w), .uses = KUBE_USE_LEASE};
    const kube_wire wire = {.self = &s, .start = spy_start, .cancel = spy_cancel, .run = spy_run};
    const kube_lease_spec lease_spec = {.wire = &wire, .space = "s", .name = "l", .identity = "me"};
    kube_lease *lease = kube_lease_new(&lease_spec);
    for (int i = 0; i < 50; i++) {
        (void)kube_lease_step(lease, kw_now(w), 1790000000 * S);
        (void)wire.run(wire.self, S / 10);
    }
    kube_lease_release(lease, 1790000000 * S);
    kube_lease_free(lease);
    s.uses = KUBE_USE_POLICIES;
    spw_manifest_set *set = spw_manifest_new(NULL);
    spw_diag *diag = NULL;
    kube_manifests_result result;
    const kube_manifests_spec spec = {.wire = &wire, .prefix = ""};
    assert_int_equal(spw_diag_new(NULL, 4, &diag), SPW_OK);
    assert_int_equal(kube_manifests_read(&spec, set, diag, &result), SPW_OK);
    spw_manifest_free(set);
    spw_diag_free(diag);
    kw_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_for_what_is_used),
        cmocka_unit_test(a_missing_right_is_named),
        cmocka_unit_test(nothing_is_sent_without_a_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
