/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_manifest_place.c - where: tolerations, spread constraints, data and users, Karmada's manner, from YAML. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <spillway/manifest.h>

typedef struct reading {
    spw_manifest_set *set;
    spw_diag *diag;
    const spw_config *config;
} reading;

static void read_text(reading *r, const char *text)
{
    assert_int_equal(spw_diag_new(NULL, 20, &r->diag), SPW_OK);
    r->set = spw_manifest_new(NULL);
    r->config = NULL;
    if (spw_manifest_add_text(r->set, "f", text, strlen(text), r->diag) == SPW_OK) {
        (void)spw_manifest_config(r->set, r->diag, &r->config);
    }
}

static void done(reading *r)
{
    spw_manifest_free(r->set);
    spw_diag_free(r->diag);
}

#define POLICY(annotations, placement)                                                                                 \
    "apiVersion: policy.karmada.io/v1alpha1\nkind: PropagationPolicy\n"                                                \
    "metadata: {name: p, annotations: {" annotations "}}\nspec:\n"                                                     \
    "  resourceSelectors: [{apiVersion: apps/v1, kind: Deployment}]\n  placement:\n" placement
#define DEPLOYMENT(annotations)                                                                                        \
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d, annotations: {" annotations "}}\n"                     \
    "spec:\n  selector: {matchLabels: {a: b}}\n  template:\n    metadata: {labels: {a: b}}\n"                          \
    "    spec: {containers: [{name: c, image: i}]}\n"

static void tolerations_and_constraints(void **state)
{
    (void)state;
    reading r;
    read_text(&r, POLICY("spillway.dev/compat: karmada, spillway.dev/rounding: floor",
                         "    clusterTolerations:\n"
                         "    - {key: dedicated, value: llm, effect: NoSchedule}\n"
                         "    - {operator: Exists, effect: NoExecute}\n"
                         "    - {key: old, operator: Exists}\n"
                         "    spreadConstraints:\n"
                         "    - {spreadByField: region, minGroups: 2, maxGroups: 3}\n"
                         "    - {maxGroups: 4}\n"
                         "    replicaScheduling: {replicaDivisionPreference: Aggregated}\n"));
    assert_non_null(r.config);
    const spw_policy *p = &r.config->policies[0];
    assert_true(p->compat);
    assert_int_equal(p->rounding, SPW_ROUND_FLOOR);
    assert_int_equal(p->toleration_count, 3);
    assert_string_equal(p->tolerations[0].key, "dedicated");
    assert_string_equal(p->tolerations[0].value, "llm");
    assert_int_equal(p->tolerations[0].effect, SPW_TAINT_NO_SCHEDULE);
    assert_false(p->tolerations[0].exists);
    assert_string_equal(p->tolerations[1].key, "");
    assert_true(p->tolerations[1].exists);
    assert_int_equal(p->tolerations[1].effect, SPW_TAINT_NO_EXECUTE);
    assert_int_equal(p->tolerations[2].effect, 0);
    assert_int_equal(p->spread_count, 2);
    assert_int_equal(p->spreads[0].field, SPW_SPREAD_REGION);
    assert_int_equal(p->spreads[0].min_groups, 2);
    assert_int_equal(p->spreads[0].max_groups, 3);
    assert_int_equal(p->spreads[1].field, SPW_SPREAD_CLUSTER);
    assert_int_equal(p->spreads[1].min_groups, 1);
    assert_int_equal(p->spreads[1].max_groups, 4);
    done(&r);
    read_text(&r, POLICY("", "    replicaScheduling: {replicaDivisionPreference: Aggregated}\n"));
    assert_non_null(r.config);
    assert_false(r.config->policies[0].compat);
    assert_int_equal(r.config->policies[0].rounding, SPW_ROUND_WEBSTER);
    assert_int_equal(r.config->policies[0].spread_count, 0);
    done(&r);
}

static void data_and_users(void **state)
{
    (void)state;
    reading r;
    read_text(&r, DEPLOYMENT("spillway.dev/jurisdictions: \"CN, SG\", spillway.dev/latency-budget: 80ms, "
                             "spillway.dev/user-regions: \"cn-hangzhou,ap-southeast-1\", "
                             "spillway.dev/dataset-region: cn-beijing, spillway.dev/dataset-movable: \"true\""));
    assert_non_null(r.config);
    const spw_workload *w = &r.config->workloads[0];
    assert_int_equal(w->jurisdiction_count, 2);
    assert_string_equal(w->jurisdictions[0], "CN");
    assert_string_equal(w->jurisdictions[1], "SG");
    assert_true(w->latency_budget == 80 * (SPW_NS_PER_S / 1000));
    assert_int_equal(w->user_region_count, 2);
    assert_string_equal(w->user_regions[1], "ap-southeast-1");
    assert_string_equal(w->dataset_region, "cn-beijing");
    assert_true(w->dataset_movable);
    done(&r);
    read_text(&r, DEPLOYMENT(""));
    assert_int_equal(r.config->workloads[0].jurisdiction_count, 0);
    assert_true(r.config->workloads[0].latency_budget == 0);
    done(&r);
}

static void mistakes_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {POLICY("", "    clusterTolerations: [{value: x}]\n"), "a toleration without a key needs operator Exists"},
        {POLICY("", "    clusterTolerations: [{key: k, operator: Exists, value: x}]\n"), "Exists takes no value"},
        {POLICY("", "    clusterTolerations: [{key: k, effect: NoShedule}]\n"), "did you mean 'NoSchedule'"},
        {POLICY("", "    spreadConstraints: [{minGroups: 3, maxGroups: 2}]\n"), "'maxGroups' is below 'minGroups'"},
        {POLICY("", "    spreadConstraints: [{spreadByField: rack}]\n"), "rack"},
        {POLICY("", "    spreadConstraints: [{maxGroups: 1}, {maxGroups: 2}]\n"), "two spreadConstraints by the same"},
        {POLICY("", "    spreadConstraints: [{spreadByLabel: x}]\n"), "spreadByLabel"},
        {POLICY("spillway.dev/compat: acme", "    clusterAffinity: {}\n"), "acme"},
        {DEPLOYMENT("spillway.dev/jurisdictions: \"CN,,SG\""), "must list different names"},
        {DEPLOYMENT("spillway.dev/jurisdictions: \"CN,CN\""), "must list different names"},
        {DEPLOYMENT("spillway.dev/latency-budget: 80ms"), "belong together"},
        {DEPLOYMENT("spillway.dev/user-regions: hz"), "belong together"},
        {DEPLOYMENT("spillway.dev/latency-budget: 80, spillway.dev/user-regions: hz"), "latency-budget"},
        {DEPLOYMENT("spillway.dev/dataset-movable: \"true\""), "needs 'spillway.dev/dataset-region'"},
        {DEPLOYMENT("spillway.dev/dataset-regions: hz"), "did you mean 'spillway.dev/dataset-region'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reading r;
        bool found = false;
        read_text(&r, cases[i].text);
        assert_null(r.config);
        for (size_t k = 0; k < spw_diag_count(r.diag); k++) {
            found = found || strstr(spw_diag_at(r.diag, k), cases[i].message) != NULL;
        }
        if (!found) {
            fail_msg("case %zu: no '%s' in '%s'", i, cases[i].message, spw_diag_at(r.diag, 0));
        }
        done(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tolerations_and_constraints),
        cmocka_unit_test(data_and_users),
        cmocka_unit_test(mistakes_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
