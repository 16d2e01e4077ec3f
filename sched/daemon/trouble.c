/* SPDX-License-Identifier: Apache-2.0 */
/* trouble.c - says once when something begins to fail, and once when it is well again. */
#include "sched/daemon/daemon_int.h"

#include <stdlib.h>

static void say_trouble(const dm_daemon *d, const char *cluster, const char *what, const kube_status *trouble)
{
    const bool good = trouble->verdict == KUBE_OK;
    dm_say(d->host->voice, good ? DM_INFO : DM_WARN, good ? "server-answers" : "server-trouble",
           DM_TEXT("cluster", cluster), DM_TEXT("what", what), DM_TEXT("verdict", kube_verdict_name(trouble->verdict)),
           DM_TEXT("why", trouble->text));
}

static void watch_fleet(dm_daemon *d)
{
    const kube_fleet *fleet = dm_links_fleet(d->links);
    const char *cluster = "", *kind = "";
    kube_reflect_state state;
    size_t n = 0, objects = 0;
    uint64_t unread = 0;
    if (d->troubled == NULL) {
        d->troubled = calloc(d->config->cluster_count * KUBE_PARTS + KUBE_HUB_PARTS + 1, sizeof *d->troubled);
    }
    while (d->troubled != NULL && kube_fleet_report(fleet, n, &cluster, &kind, &state, &objects, &unread)) {
        const bool bad = state.trouble.verdict != KUBE_OK;
        if (bad != (d->troubled[n] != 0)) {
            say_trouble(d, cluster, kind, &state.trouble);
            d->troubled[n] = bad ? 1 : 0;
        }
        n++;
    }
}

static void watch_lease(dm_daemon *d)
{
    kube_lease_state lease;
    if (dm_links_lease(d->links) == NULL) {
        return;
    }
    kube_lease_state_get(dm_links_lease(d->links), &lease);
    const bool bad = lease.trouble.verdict != KUBE_OK && lease.trouble.verdict != KUBE_CONFLICT;
    if (bad != d->lease_troubled) {
        say_trouble(d, "", "Lease", &lease.trouble);
        d->lease_troubled = bad;
    }
}

/* Without its metric an autoscaler only holds still. */
static void watch_meters(dm_daemon *d)
{
    const kube_meters *meters = dm_links_meters(d->links);
    kube_meter_state state;
    for (size_t i = 0; meters != NULL && kube_meters_report(meters, i, &state); i++) {
        const kube_meter_spec *spec = state.spec;
        const bool bad = state.trouble.verdict != KUBE_OK;
        if (bad != state.said) {
            say_trouble(d, spec->cluster != NULL ? spec->cluster : "",
                        spec->metric != NULL ? spec->metric : "resource metrics", &state.trouble);
            kube_meters_said(dm_links_meters(d->links), i, bad);
        }
    }
}

void dm_watch_trouble(dm_daemon *d)
{
    watch_fleet(d);
    watch_lease(d);
    watch_meters(d);
}
