/* SPDX-License-Identifier: Apache-2.0 */
/* rights.c - from a Daemon file to reviews, from their answers to lines. */
#include "sched/daemon/rights.h"

#include <stdlib.h>
#include <string.h>

#include "sched/kube/rights.h"

#define TIMEOUT (10 * SPW_NS_PER_S)

/** Reviews and whom they are asked of. */
typedef struct list {
    kube_review *at;
    const char **whom;
    size_t count, room;
    bool failed;
} list;

static void add(list *l, uint32_t uses, const char *whom, size_t server, const char *prefix, const char *space)
{
    const size_t more = kube_reviews_for(uses, server, prefix, space, NULL, 0), need = l->count + more;
    if (need > l->room) {
        const size_t room = 2 * need;
        kube_review *at = realloc(l->at, room * sizeof *at);
        l->at = at != NULL ? at : l->at;
        const char **names = realloc(l->whom, room * sizeof *names);
        l->whom = names != NULL ? names : l->whom;
        if (at == NULL || names == NULL) {
            l->failed = true;
            return;
        }
        l->room = room;
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

static void gather(const dm_config *c, const kube_fleet_spec *fleet, list *l)
{
    const bool karmada = fleet->mode == KUBE_MODE_KARMADA;
    const bool writes = dm_acts_on_servers(c);
    const char *first = karmada ? "control-plane" : fleet->cluster_count > 0 ? fleet->clusters[0].name : "";
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
    *all = true;
    if (config->mode == DM_MODE_FILE) {
        return SPW_OK; /* no server, no right */
    }
    spw_rc rc = dm_links_new(config, host, diag, &links);
    if (rc == SPW_OK) {
        gather(config, kube_fleet_spec_get(dm_links_fleet(links)), &l);
        rc = l.failed ? SPW_NOMEM : kube_reviews_ask(dm_links_wire(links), l.at, l.count, TIMEOUT);
        *all = rc == SPW_OK;
        rc = rc == SPW_BACKEND ? SPW_OK : rc;
    }
    if (rc == SPW_OK) {
        print_some(&l, KUBE_MAY_NOT, "NO", out);
        print_some(&l, KUBE_NOT_SAID, "?", out);
        print_some(&l, KUBE_MAY, "yes", out);
    }
    dm_links_free(links);
    free(l.at);
    free(l.whom);
    return rc;
}
