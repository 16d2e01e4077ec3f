/* SPDX-License-Identifier: GPL-3.0-or-later */
/** The manifests in sched/deploy: they grant what the table of rights says, no more and no less, and configure daemons.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sched/daemon/config.h"
#include "sched/kube/rights.h"

typedef struct grants {
    char text[64][128]; /* "group resource/sub verb" */
    size_t count;
} grants;

static void grant(grants *g, const char *group, const char *resource, const char *verb)
{
    char text[128];
    (void)snprintf(text, sizeof text, "%s %s %s", group, resource, verb);
    for (size_t i = 0; i < g->count; i++) {
        if (strcmp(g->text[i], text) == 0) {
            return;
        }
    }
    assert_true(g->count < 64);
    memcpy(g->text[g->count++], text, sizeof text);
}

static void wildcards_are_refused(const ynode *list)
{
    for (size_t i = 0; i < list->count; i++) {
        assert_null(strchr(list->items[i]->text, '*'));
    }
}

static void read_roles(grants *g, const char *file)
{
    char path[128];
    yamldoc *doc = NULL;
    spw_diag *diag = NULL;
    (void)snprintf(path, sizeof path, "sched/deploy/%s.yaml", file);
    assert_int_equal(spw_diag_new(NULL, 4, &diag), SPW_OK);
    assert_int_equal(yamldoc_read_file(path, NULL, diag, &doc), SPW_OK);
    for (size_t d = 0; d < yamldoc_count(doc); d++) {
        const ynode *rules = ynode_get(yamldoc_root(doc, d), "rules");
        for (size_t r = 0; rules != NULL && r < rules->count; r++) {
            const ynode *groups = ynode_get(rules->items[r], "apiGroups");
            const ynode *resources = ynode_get(rules->items[r], "resources"),
                        *verbs = ynode_get(rules->items[r], "verbs");
            wildcards_are_refused(groups);
            wildcards_are_refused(resources);
            wildcards_are_refused(verbs);
            for (size_t i = 0; i < groups->count * resources->count * verbs->count; i++) {
                grant(g, groups->items[i % groups->count]->text,
                      resources->items[i / groups->count % resources->count]->text,
                      verbs->items[i / groups->count / resources->count]->text);
            }
        }
    }
    yamldoc_free(doc);
    spw_diag_free(diag);
}

static bool has(const grants *g, const char *text)
{
    for (size_t i = 0; i < g->count; i++) {
        if (strcmp(g->text[i], text) == 0) {
            return true;
        }
    }
    return false;
}

static void check_equal(const char *const *files, uint32_t uses)
{
    grants given = {.count = 0}, needed = {.count = 0};
    size_t count = 0;
    const kube_right *rights = kube_rights(&count);
    for (size_t i = 0; files[i] != NULL; i++) {
        read_roles(&given, files[i]);
    }
    for (size_t i = 0; i < count; i++) {
        char resource[96];
        (void)snprintf(resource, sizeof resource, "%s%s%s", rights[i].resource, rights[i].sub[0] != '\0' ? "/" : "",
                       rights[i].sub);
        if ((rights[i].uses & uses) != 0) {
            grant(&needed, rights[i].group, resource, rights[i].verb);
        }
    }
    for (size_t i = 0; i < needed.count; i++) {
        if (!has(&given, needed.text[i])) {
            fail_msg("%s: not granted: %s", files[0], needed.text[i]);
        }
    }
    for (size_t i = 0; i < given.count; i++) {
        if (!has(&needed, given.text[i])) {
            fail_msg("%s: granted, and not needed: %s", files[0], given.text[i]);
        }
    }
}

static void test_rights_are_the_least(void **state)
{
    (void)state;
    check_equal((const char *const[]){"rbac-see", NULL}, KUBE_USE_CLUSTER);
    check_equal((const char *const[]){"rbac-scale", NULL}, KUBE_USE_SCALE);
    check_equal((const char *const[]){"rbac-control-plane", NULL}, KUBE_USE_HUB | KUBE_USE_BINDINGS | KUBE_USE_SCALE);
    check_equal((const char *const[]){"rbac-policies", NULL}, KUBE_USE_POLICIES);
    check_equal((const char *const[]){"rbac-lease", NULL}, KUBE_USE_LEASE);
}

static void check_deployment(const char *path, dm_mode mode)
{
    yamldoc *doc = NULL;
    spw_diag *diag = NULL;
    dm_config_file *file = NULL;
    assert_int_equal(spw_diag_new(NULL, 4, &diag), SPW_OK);
    assert_int_equal(yamldoc_read_file(path, NULL, diag, &doc), SPW_OK);
    const ynode *text = ynode_get(ynode_get(yamldoc_root(doc, 0), "data"), "daemon.yaml");
    assert_non_null(text);
    if (dm_config_read_text("/etc/spillway/daemon.yaml", text->text, text->length, diag, &file) != SPW_OK) {
        fail_msg("%s: %s", path, spw_diag_at(diag, 0));
    }
    const dm_config *c = dm_config_get(file);
    assert_int_equal(c->mode, mode);
    assert_int_equal(c->act, DM_ACT_DRY_RUN); /* whoever applies it unread changes nothing */
    assert_true(c->lease);
    assert_int_equal(c->cluster_count, 2);
    assert_int_equal(c->guards.change_most, 10);
    assert_true(c->guards.change_share > 0.2499 && c->guards.change_share < 0.2501);
    assert_int_equal(c->clusters[1].pools[0].price_uusd, 900000);
    dm_config_free(file);
    yamldoc_free(doc);
    spw_diag_free(diag);
}

static void test_deployments_configure_daemons(void **state)
{
    (void)state;
    check_deployment("sched/deploy/deployment-kubernetes.yaml", DM_MODE_KUBERNETES);
    check_deployment("sched/deploy/deployment-karmada.yaml", DM_MODE_KARMADA);
}

/* What is wrong is said with its place, each in its own words. */
static void test_errors_of_the_daemon_file(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"mode: karmada\n  clusters: [{name: a}]\n  manifests: {fromServer: true}\n",
         "d.yaml:5:3: error: mode karmada needs 'spec.controlPlane': how to come to the Karmada API server"},
        {"mode: kubernetes\n  manifests: {files: [m]}\n",
         "d.yaml:5:3: error: 'spec.clusters' must name at least one cluster"},
        {"mode: kubernetes\n  manifests: {files: [m]}\n  clusters:\n    - {name: a}\n    - {name: a}\n",
         "d.yaml:9:7: error: a cluster of this name is there already"},
        {"mode: kubernetes\n  manifests: {files: [m]}\n  clusters: [{name: a}]\n  lease: {duration: 5s}\n",
         "d.yaml:5:3: error: the lease needs retry < renewDeadline < duration"},
        {"mode: kubernetes\n  manifests: {files: [m]}\n  clusters: [{name: a}]\n  actuator: {callTimeout: 6s}\n",
         "d.yaml:5:3: error: 'spec.actuator.callTimeout' must be shorter than the lease's duration less its "
         "renewDeadline: a write that is under way must end before another may lead"},
        {"mode: kubernetes\n  manifests: {files: [m]}\n  clusters: [{name: a}]\n  meters: [{kind: pods, server: b, "
         "namespace: n, metric: m, cluster: a}]\n",
         "d.yaml:8:12: error: 'server' must be a cluster, an entry of 'spec.servers', or control-plane"},
        {"mode: kubernetes\n  manifests: {files: [m]}\n  clusters: [{name: a}]\n  actuator: {kind: record}\n",
         "d.yaml:5:3: error: actuator record needs 'spec.memory.decisions': where to record"},
        {"mode: kubernetes\n  manifests: {files: [m]}\n  clusters: [{name: a}]\n  actuator: {kind: tee}\n",
         "d.yaml:5:3: error: this actuator needs 'spec.actuator.command'"},
        {"mode: kubernetes\n  manifests: {files: [m]}\n  clusters: [{name: a, reach: proxy}]\n",
         "d.yaml:7:14: error: in mode kubernetes every cluster must be reached directly"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[1024];
        spw_diag *diag = NULL;
        dm_config_file *file = NULL;
        const int size =
            snprintf(text, sizeof text,
                     "apiVersion: spillway.dev/v1alpha1\nkind: Daemon\nmetadata: {name: d}\nspec:\n  %s", cases[i][0]);
        assert_int_equal(spw_diag_new(NULL, 4, &diag), SPW_OK);
        assert_int_equal(dm_config_read_text("d.yaml", text, (size_t)size, diag, &file), SPW_INVAL);
        assert_string_equal(spw_diag_at(diag, 0), cases[i][1]);
        spw_diag_free(diag);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rights_are_the_least),
        cmocka_unit_test(test_deployments_configure_daemons),
        cmocka_unit_test(test_errors_of_the_daemon_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
