/* SPDX-License-Identifier: Apache-2.0 */
/* derived.c - from autoscalers to meters. */
#include "sched/daemon/derived.h"

#include <string.h>

typedef struct deriving {
    dm_derived *list;
    const dm_config *config;
    const kube_fleet_spec *fleet;
    const spw_workload *work;
    const char *space, *name; /* of the workload, in the zone */
    const char *measured;     /* namespace whose Resource meters are in the list: workloads are sorted */
} deriving;

static const char *keep(const deriving *d, const char *text)
{
    return text != NULL ? zone_text(d->list->z, text, strlen(text)) : NULL;
}

static void add(const deriving *d, const kube_meter_spec *spec)
{
    dm_derived *list = d->list;
    if (list->count == list->room) {
        const size_t room = list->room == 0 ? 16 : 2 * list->room;
        kube_meter_spec *grown = zone_array(list->z, room, sizeof *grown);
        if (grown == NULL) {
            return;
        }
        if (list->count > 0) {
            memcpy(grown, list->specs, list->count * sizeof *grown);
        }
        list->specs = grown;
        list->room = room;
    }
    list->specs[list->count++] = *spec;
}

/* --- entries of the Daemon file --- */

static bool same(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* Whether an entry gives what this meter would. */
static bool gives(const dm_meter *m, const kube_meter_spec *spec)
{
    const bool of_pods = m->kind == KUBE_METER_PODS || (m->kind == KUBE_METER_PROMETHEUS && m->pod_label != NULL);
    switch (spec->kind) {
    case KUBE_METER_RESOURCE:
        return m->kind == KUBE_METER_RESOURCE && same(m->cluster, spec->cluster) && same(m->space, spec->space);
    case KUBE_METER_PODS:
        return of_pods && same(m->metric, spec->metric) && (m->space_label != NULL || same(m->space, spec->space)) &&
               (m->cluster_label != NULL || same(m->cluster, spec->cluster));
    case KUBE_METER_OBJECT:
    case KUBE_METER_EXTERNAL:
    case KUBE_METER_PROMETHEUS:
        break;
    }
    return !of_pods && m->kind != KUBE_METER_RESOURCE && same(m->metric, spec->metric) && same(m->space, spec->space) &&
           same(m->name, spec->name);
}

static void offer(const deriving *d, const kube_meter_spec *spec)
{
    for (size_t i = 0; i < d->config->meter_count; i++) {
        if (gives(&d->config->meters[i], spec)) {
            return;
        }
    }
    add(d, spec);
}

/* --- metrics --- */

static void offer_everywhere(const deriving *d, kube_meter_spec spec)
{
    for (size_t c = 0; c < d->fleet->cluster_count; c++) {
        const kube_cluster_spec *cluster = &d->fleet->clusters[c];
        if (cluster->reachable) {
            spec.cluster = cluster->name;
            spec.server = cluster->server;
            spec.prefix = cluster->prefix;
            offer(d, &spec);
        }
    }
}

static void derive(deriving *d, const spw_hpa_metric *m)
{
    const size_t home = d->fleet->mode == KUBE_MODE_KARMADA ? d->fleet->hub : 0;
    kube_meter_spec spec = {
        .server = home, .prefix = "", .space = d->space, .name = d->name, .workload = d->work->kind};
    if (m->kind == SPW_METRIC_RESOURCE) {
        if (!same(d->measured, d->space)) {
            d->measured = d->space;
            spec.kind = KUBE_METER_RESOURCE;
            spec.name = NULL;
            offer_everywhere(d, spec);
        }
        return;
    }
    spec.metric = keep(d, m->name);
    spec.selector = keep(d, m->selector);
    if (m->kind == SPW_METRIC_PODS) {
        spec.kind = KUBE_METER_PODS;
        offer_everywhere(d, spec);
    } else if (m->kind == SPW_METRIC_EXTERNAL || m->object != NULL) {
        spec.kind = m->kind == SPW_METRIC_EXTERNAL ? KUBE_METER_EXTERNAL : KUBE_METER_OBJECT;
        spec.object = keep(d, m->object);
        offer(d, &spec);
    }
}

static void derive_workload(deriving *d, const spw_config *governed, spw_id index, const spw_scaler *scaler)
{
    const spw_workload *w = &governed->workloads[index];
    const char *slash = strchr(w->name, '/');
    if (slash == NULL) {
        return;
    }
    d->work = w;
    d->space = zone_text(d->list->z, w->name, (size_t)(slash - w->name));
    d->name = keep(d, slash + 1);
    const spw_hpa *hpa = w->hpa != SPW_ID_NONE ? &governed->hpas[w->hpa] : NULL;
    for (size_t i = 0; hpa != NULL && i < hpa->metric_count; i++) {
        derive(d, &hpa->metrics[i]);
    }
    if (scaler != NULL && scaler->kind == SPW_SCALER_QUEUE) {
        derive(d, &scaler->as.queue.rate);
    } else if (scaler != NULL && scaler->kind == SPW_SCALER_FORECAST) {
        derive(d, &scaler->as.forecast.rate);
    }
}

void dm_derive_meters(dm_derived *list, const dm_config *config, const spw_config *governed,
                      const kube_fleet_spec *fleet)
{
    deriving d = {.list = list, .config = config, .fleet = fleet};
    const spw_scaler **owner = zone_array(list->z, governed->workload_count + 1, sizeof(*owner));
    if (owner == NULL) {
        return;
    }
    for (size_t i = 0; i < governed->scaler_count; i++) {
        if (governed->scalers[i].workload != SPW_ID_NONE) {
            owner[governed->scalers[i].workload] = &governed->scalers[i];
        }
    }
    for (size_t w = 0; w < governed->workload_count; w++) {
        derive_workload(&d, governed, (spw_id)w, owner[w]);
    }
}
