/* SPDX-License-Identifier: Apache-2.0 */
/* rights.c - from a Daemon file to reviews, from their answers to lines. */
#include "sched/daemon/rights.h"

#include <stdlib.h>
#include <string.h>

#include "sched/kube/rights.h"
#include "sched/manifest/zone.h"

#define TIMEOUT (10 * SPW_NS_PER_S)

/** Reviews and whom they are asked of. */
typedef struct list {
    kube_review *at;
    const char **whom;
    size_t count, room;
    bool failed;
} list;

/* Room for so many more. */
static bool grow(list *l, size_t more)
{
    const size_t need = l->count + more;
    if (need > l->room) {
        const size_t room = 2 * need;
        kube_review *at = realloc(l->at, room * sizeof *at);
        l->at = at != NULL ? at : l->at;
        const char **names = realloc(l->whom, room * sizeof *names);
        l->whom = names != NULL ? names : l->whom;
        if (at == NULL || names == NULL) {
            l->failed = true;
            return false;
        }
        l->room = room;
    }
    return true;
}

static void add(list *l, uint32_t uses, const char *whom, size_t server, const char *prefix, const char *space)
{
    const size_t more = kube_reviews_for(uses, server, prefix, space, NULL, 0);
    if (!grow(l, more)) {
        return;
    }
    (void)kube_reviews_for(uses, server, prefix, space, l->at + l->count, more);
    for (size_t i = 0; i < more; i++) {
        l->whom[l->count++] = whom;
    }
}

static bool is_skipped(const dm_config *c, const char *resource)
{
    for (size_t i = 0; i < c->skip.count; i++) {
        if (strcmp(c->skip.at[i], resource) == 0) {
            return true;
        }
    }
    return false;
}

/* Kinds that the configuration does not ask for need no right. */
static void drop_skipped(const dm_config *c, list *l, size_t from)
{
    size_t kept = from;
    for (size_t i = from; i < l->count; i++) {
        if (!is_skipped(c, l->at[i].right->resource)) {
            l->whom[kept] = l->whom[i];
            l->at[kept++] = l->at[i];
        }
    }
    l->count = kept;
}

/* The server of leases, policies and values that no cluster has. */
static const char *first_server(const kube_fleet_spec *fleet)
{
    return fleet->mode == KUBE_MODE_KARMADA ? "control-plane" : fleet->cluster_count > 0 ? fleet->clusters[0].name : "";
}

static void gather(const dm_config *c, const kube_fleet_spec *fleet, list *l)
{
    const bool karmada = fleet->mode == KUBE_MODE_KARMADA;
    const bool writes = dm_acts_on_servers(c);
    const char *first = first_server(fleet);
    for (size_t i = 0; i < fleet->cluster_count; i++) {
        const kube_cluster_spec *cluster = &fleet->clusters[i];
        if (cluster->reachable) {
            add(l, KUBE_USE_CLUSTER | (writes && !karmada ? (uint32_t)KUBE_USE_SCALE : 0), cluster->name,
                cluster->server, cluster->prefix, "");
        }
    }
    if (karmada) {
        add(l, KUBE_USE_HUB | (writes ? (uint32_t)(KUBE_USE_BINDINGS | KUBE_USE_SCALE) : 0), first, fleet->hub, "", "");
    }
    if (c->lease) {
        add(l, KUBE_USE_LEASE, first, 0, "", c->lease_space);
    }
    const size_t policies = l->count;
    for (size_t i = 0; c->from_server && i < (c->spaces.count > 0 ? c->spaces.count : 1); i++) {
        add(l, KUBE_USE_POLICIES, first, 0, "", c->spaces.count > 0 ? c->spaces.at[i] : "");
    }
    drop_skipped(c, l, policies);
}

/* --- metrics: what is asked for depends on what autoscalers and entries of `meters` name --- */

/* The right that a meter uses. Prometheus knows no reviews: false. Out of memory: z->failed. */
static bool right_of(zone *z, const kube_meter_spec *m, kube_right *out)
{
    const char *series = m->series != NULL ? m->series : m->metric;
    switch (m->kind) {
    case KUBE_METER_RESOURCE:
        *out = (kube_right){0, "metrics.k8s.io", "pods", "", "list"};
        return true;
    case KUBE_METER_PODS:
        *out = (kube_right){0, "custom.metrics.k8s.io", "pods", series, "get"};
        return true;
    case KUBE_METER_OBJECT:
        *out = (kube_right){0, "custom.metrics.k8s.io", zone_format(z, "%.*s", (int)strcspn(m->object, "/"), m->object),
                            series, "get"};
        return true;
    case KUBE_METER_EXTERNAL:
        *out = (kube_right){0, "external.metrics.k8s.io", series, "", "list"};
        return true;
    case KUBE_METER_PROMETHEUS:
        break;
    }
    return false;
}

static bool is_listed(const list *l, size_t from, const kube_review *asked)
{
    for (size_t i = from; i < l->count; i++) {
        const kube_review *r = &l->at[i];
        if (r->server == asked->server && strcmp(r->prefix, asked->prefix) == 0 &&
            strcmp(r->space, asked->space) == 0 && strcmp(r->right->group, asked->right->group) == 0 &&
            strcmp(r->right->resource, asked->right->resource) == 0 && strcmp(r->right->sub, asked->right->sub) == 0) {
            return true;
        }
    }
    return false;
}

static void gather_meters(const kube_meters *meters, const char *first, zone *z, list *l)
{
    const size_t from = l->count;
    kube_meter_state state;
    for (size_t i = 0; meters != NULL && kube_meters_report(meters, i, &state); i++) {
        const kube_meter_spec *m = state.spec;
        kube_right *right = zone_take(z, sizeof *right);
        if (right == NULL || !right_of(z, m, right) || z->failed) {
            continue;
        }
        const kube_review asked = {.right = right,
                                   .server = m->server,
                                   .prefix = m->prefix != NULL ? m->prefix : "",
                                   .space = m->space != NULL ? m->space : "",
                                   .answer = KUBE_NOT_SAID};
        if (!is_listed(l, from, &asked) && grow(l, 1)) {
            l->whom[l->count] = m->cluster != NULL ? m->cluster : first;
            l->at[l->count++] = asked;
        }
    }
    l->failed = l->failed || z->failed;
}

/* Sets the meters up as the daemon would. @return SPW_OK; else the objects that govern cannot be read, or no memory */
static spw_rc measure(dm_links *links, const dm_config *c, spw_diag *diag)
{
    spw_manifest_set *set = spw_manifest_new(NULL);
    const spw_config *governed = NULL;
    kube_manifests_result result;
    spw_rc rc = set != NULL ? SPW_OK : SPW_NOMEM;
    for (size_t i = 0; i < c->manifests.count && rc == SPW_OK; i++) {
        rc = spw_manifest_add_file(set, c->manifests.at[i], diag);
    }
    if (rc == SPW_OK && c->from_server) {
        rc = dm_links_manifests(links, set, NULL, NULL, diag, &result);
    }
    rc = rc == SPW_OK ? spw_manifest_config(set, diag, &governed) : rc;
    if (rc == SPW_OK && !dm_links_measure(links, governed)) {
        rc = SPW_NOMEM;
    }
    spw_manifest_free(set);
    return rc;
}

static void print_some(const list *l, int answer, const char *word, FILE *out)
{
    for (size_t i = 0; i < l->count; i++) {
        const kube_review *r = &l->at[i];
        char text[256];
        if ((int)r->answer == answer) {
            const bool said = answer != KUBE_MAY && r->why[0] != '\0';
            (void)kube_review_text(r, text, sizeof text);
            fprintf(out, "%-4s %s  %s%s%s%s\n", word, l->whom[i], text, said ? "  (" : "", said ? r->why : "",
                    said ? ")" : "");
        }
    }
}

spw_rc dm_rights(const dm_config *config, const dm_host *host, FILE *out, spw_diag *diag, bool *all)
{
    dm_links *links = NULL;
    list l = {0};
    zone z;
    spw_rc known = SPW_OK;
    *all = true;
    if (config->mode == DM_MODE_FILE) {
        return SPW_OK; /* no server, no right */
    }
    zone_init(&z, NULL);
    spw_rc rc = dm_links_new(config, host, diag, &links);
    if (rc == SPW_OK) {
        known = measure(links, config, diag);
        rc = known == SPW_NOMEM ? known : SPW_OK;
    }
    if (rc == SPW_OK) {
        const kube_fleet_spec *fleet = kube_fleet_spec_get(dm_links_fleet(links));
        gather(config, fleet, &l);
        gather_meters(dm_links_meters(links), first_server(fleet), &z, &l);
        rc = l.failed ? SPW_NOMEM : kube_reviews_ask(dm_links_wire(links), l.at, l.count, TIMEOUT);
        *all = rc == SPW_OK && known == SPW_OK;
        rc = rc == SPW_BACKEND ? SPW_OK : rc;
    }
    if (rc == SPW_OK) {
        print_some(&l, KUBE_MAY_NOT, "NO", out);
        print_some(&l, KUBE_NOT_SAID, "?", out);
        if (known != SPW_OK) {
            fputs("?    metrics: not asked for, what autoscalers name is not known\n", out);
        }
        print_some(&l, KUBE_MAY, "yes", out);
    }
    dm_links_free(links);
    zone_fini(&z);
    free(l.at);
    free(l.whom);
    return rc;
}
