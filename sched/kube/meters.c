/* SPDX-License-Identifier: Apache-2.0 */
/** meters.c - one small state machine for each meter: due, asked, answered. */
#include "sched/kube/jitter.h"
#include "sched/kube/meters_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PERIOD_DEFAULT (15 * SPW_NS_PER_S)
#define CALL_TIMEOUT   (10 * SPW_NS_PER_S)
#define BACKOFF_FIRST  SPW_NS_PER_S
#define BACKOFF_MOST   (60 * SPW_NS_PER_S)

typedef struct meter {
    const kube_meter_spec *spec;
    kube_meters *all;
    uint64_t ticket; /* 0 = none under way */
    spw_time due;
    spw_dur backoff;
    bool older; /* custom metrics: the server has v1beta1 alone */
    meter_rows rows;
    kube_meter_state state;
} meter;

struct kube_meters {
    const kube_fleet *fleet;
    const kube_wire *wire;
    meter *meters;
    size_t count;
    uint64_t luck;
    spw_time now, unix_ns; /* of the last step */
    bool changed;
    kube_metric_row *rows; /* all of them, when not changed */
    size_t row_count;
};

kube_meters *kube_meters_new(const kube_meter_spec *specs, size_t count, const kube_fleet *fleet, const kube_wire *wire,
                             uint64_t seed)
{
    kube_meters *m = calloc(1, sizeof *m);
    if (m == NULL) {
        return NULL;
    }
    *m = (kube_meters){.fleet = fleet, .wire = wire, .luck = seed};
    m->meters = calloc(count + 1, sizeof *m->meters);
    if (m->meters == NULL) {
        free(m);
        return NULL;
    }
    m->count = count;
    for (size_t i = 0; i < count; i++) {
        m->meters[i] = (meter){.spec = &specs[i], .all = m, .due = INT64_MIN};
        m->meters[i].state.sampled = SPW_TIME_MAX;
        m->meters[i].state.spec = &specs[i];
        zone_init(&m->meters[i].rows.zone, NULL);
    }
    return m;
}

void kube_meters_free(kube_meters *m)
{
    if (m != NULL) {
        for (size_t i = 0; i < m->count; i++) {
            if (m->meters[i].ticket != 0) {
                m->wire->cancel(m->wire->self, m->meters[i].ticket);
            }
            zone_fini(&m->meters[i].rows.zone);
        }
        free(m->meters);
        free(m->rows);
        free(m);
    }
}

static bool same_text(const char *a, const char *b)
{
    return (a == NULL && b == NULL) || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool is_same(const kube_meter_spec *a, const kube_meter_spec *b)
{
    const char *const texts[][2] = {{a->prefix, b->prefix},
                                    {a->cluster, b->cluster},
                                    {a->metric, b->metric},
                                    {a->series, b->series},
                                    {a->space, b->space},
                                    {a->name, b->name},
                                    {a->selector, b->selector},
                                    {a->object, b->object},
                                    {a->query, b->query},
                                    {a->pod_label, b->pod_label},
                                    {a->space_label, b->space_label},
                                    {a->cluster_label, b->cluster_label}};
    bool same = a->kind == b->kind && a->server == b->server && a->workload == b->workload && a->period == b->period;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0] && same; i++) {
        same = same_text(texts[i][0], texts[i][1]);
    }
    return same;
}

void kube_meters_adopt(kube_meters *m, kube_meters *from)
{
    size_t next = 0; /* both lists are mostly in one order */
    m->now = from->now;
    m->unix_ns = from->unix_ns;
    for (size_t i = 0; i < m->count; i++) {
        for (size_t n = 0; n < from->count; n++) {
            const size_t k = (next + n) % from->count;
            meter *to = &m->meters[i], *old = &from->meters[k];
            if (is_same(to->spec, old->spec) && to->rows.count == 0) {
                const meter_rows none = to->rows;
                to->rows = old->rows;
                old->rows = none;
                to->state = old->state;
                to->older = old->older;
                to->backoff = old->backoff;
                to->state.spec = to->spec;
                to->due = old->ticket == 0 ? old->due : INT64_MIN; /* what is under way is lost: ask again */
                next = k + 1;
                break;
            }
        }
    }
    m->changed = true;
    from->changed = true;
}

/* --- requests -------------------------------------------------------------------------------------------------- */

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

/* What selects the pods of a PODS meter. @return NULL: its workload is not in that cluster */
static const char *pods_of(const meter *m)
{
    const kube_meter_spec *s = m->spec;
    const kube_fleet_spec *fleet = kube_fleet_spec_get(m->all->fleet);
    if (s->name == NULL) {
        return or_empty(s->selector);
    }
    for (size_t c = 0; c < fleet->cluster_count; c++) {
        if (strcmp(fleet->clusters[c].name, s->cluster) == 0) {
            const kube_workload *w = kube_fleet_workload(m->all->fleet, c, s->workload, s->space, s->name);
            return w != NULL ? w->selector : NULL;
        }
    }
    return NULL;
}

/* The name of a metric as one part of a path: names of external metrics may have any sign. */
static const char *segment(zone *z, const char *name)
{
    char *out = zone_take(z, 3 * strlen(name) + 1);
    size_t n = 0;
    for (const char *p = name; out != NULL && *p != '\0'; p++) {
        if (strchr("%/?#|<>\"\\^`{} ", *p) == NULL && *p > ' ' && *p < 127) {
            out[n++] = *p;
        } else {
            n += (size_t)snprintf(out + n, 4, "%%%02X", (unsigned)(unsigned char)*p);
        }
    }
    return out;
}

/* Where a meter asks, without the query. @return NULL when out of memory */
static const char *place_of(zone *z, const meter *m)
{
    const kube_meter_spec *s = m->spec;
    const char *prefix = or_empty(s->prefix), *space = or_empty(s->space), *custom = m->older ? "v1beta1" : "v1beta2";
    const char *series = s->series != NULL ? s->series : or_empty(s->metric);
    const char *escaped = segment(z, series);
    if (escaped == NULL) {
        return NULL;
    }
    switch (s->kind) {
    case KUBE_METER_RESOURCE:
        return zone_format(z, "%s/apis/metrics.k8s.io/v1beta1/namespaces/%s/pods", prefix, space);
    case KUBE_METER_PODS:
        return zone_format(z, "%s/apis/custom.metrics.k8s.io/%s/namespaces/%s/pods/*/%s", prefix, custom, space,
                           escaped);
    case KUBE_METER_OBJECT:
        return zone_format(z, "%s/apis/custom.metrics.k8s.io/%s/namespaces/%s/%s/%s", prefix, custom, space,
                           or_empty(s->object), escaped);
    case KUBE_METER_EXTERNAL:
        return zone_format(z, "%s/apis/external.metrics.k8s.io/v1beta1/namespaces/%s/%s", prefix, space, escaped);
    case KUBE_METER_PROMETHEUS:
        break;
    }
    return zone_format(z, "%s/api/v1/query", prefix);
}

/* The path with one more parameter; as it was when there is no value. */
static const char *with(zone *z, const char *path, const char *key, const char *value)
{
    const size_t room = 3 * strlen(value) + 8;
    char *escaped = value[0] != '\0' && path != NULL ? zone_take(z, room) : NULL;
    if (escaped == NULL) {
        return path;
    }
    kube_wire_escape(escaped, room, value);
    return zone_format(z, "%s%s%s=%s", path, strchr(path, '?') != NULL ? "&" : "?", key, escaped);
}

/* The path with its query; NULL when out of memory. */
static const char *path_of(zone *z, const meter *m, const char *pods)
{
    const kube_meter_spec *s = m->spec;
    const char *path = place_of(z, m), *selector = or_empty(s->selector);
    switch (s->kind) {
    case KUBE_METER_RESOURCE:
        path = with(z, path, "labelSelector", selector);
        break;
    case KUBE_METER_PODS:
        path = with(z, path, "labelSelector", pods);
        path = s->name != NULL ? with(z, path, "metricLabelSelector", selector) : path;
        break;
    case KUBE_METER_OBJECT:
        path = with(z, path, "metricLabelSelector", selector);
        break;
    case KUBE_METER_EXTERNAL:
        path = with(z, path, "labelSelector", selector);
        break;
    case KUBE_METER_PROMETHEUS:
        path = with(z, path, "query", or_empty(s->query));
        break;
    }
    return z->failed ? NULL : path;
}

static void failed(meter *m, const kube_status *status)
{
    const spw_dur wait = jitter_wait(&m->all->luck, &m->backoff, BACKOFF_FIRST, BACKOFF_MOST);
    m->state.failures++;
    m->state.trouble = *status;
    m->due = m->all->now + (status->wait > wait ? status->wait : wait);
}

static void failed_saying(meter *m, const char *why)
{
    kube_status status = {.verdict = KUBE_UNSURE, .wait = -1};
    (void)snprintf(status.text, sizeof status.text, "%s", why[0] != '\0' ? why : "out of memory");
    failed(m, &status);
}

static void take(meter *m, const json_t *answer)
{
    meter_rows fresh = {0};
    zone_init(&fresh.zone, NULL);
    const char *fault = meter_read(m->spec, m->all->fleet, answer, m->all->unix_ns, &fresh);
    if (fault != NULL) {
        zone_fini(&fresh.zone);
        failed_saying(m, fault);
        return;
    }
    zone_fini(&m->rows.zone);
    m->rows = fresh;
    m->all->changed = true;
    m->backoff = 0;
    m->state.answers++;
    m->state.rows = fresh.count;
    m->state.trouble = (kube_status){.wait = -1};
    for (size_t i = 0; i < fresh.count; i++) {
        const bool newer = m->state.sampled == SPW_TIME_MAX || fresh.rows[i].sampled > m->state.sampled;
        m->state.sampled = newer ? fresh.rows[i].sampled : m->state.sampled;
    }
}

static void done(void *user, const kube_answer *answer)
{
    meter *m = user;
    kube_status status;
    m->ticket = 0;
    kube_status_of(answer, false, &status);
    const bool custom = m->spec->kind == KUBE_METER_PODS || m->spec->kind == KUBE_METER_OBJECT;
    if (status.verdict == KUBE_ABSENT && custom && status.reason[0] == '\0') {
        m->older = !m->older; /* a group and version that is not served: no Status, but plain text */
    }
    if (status.verdict != KUBE_OK) {
        failed(m, &status);
        return;
    }
    json_t *json = json_loadb(answer->body, answer->size, 0, NULL);
    if (json_is_object(json)) {
        take(m, json);
    } else {
        failed_saying(m, "the answer is no JSON object");
    }
    json_decref(json);
}

static void ask(meter *m)
{
    const char *pods = m->spec->kind == KUBE_METER_PODS ? pods_of(m) : "";
    zone z;
    m->due = m->all->now + (m->spec->period > 0 ? m->spec->period : PERIOD_DEFAULT);
    if (pods == NULL) {
        return; /* without its workload there are no pods */
    }
    zone_init(&z, NULL);
    const char *path = path_of(&z, m, pods);
    const kube_call call = {
        .server = m->spec->server, .method = "GET", .path = path, .timeout = CALL_TIMEOUT, .done = done, .user = m};
    if (path == NULL || m->all->wire->start(m->all->wire->self, &call, &m->ticket) != SPW_OK) {
        m->ticket = 0;
        failed_saying(m, "the call could not be started");
    }
    zone_fini(&z);
}

spw_time kube_meters_step(kube_meters *m, spw_time now, spw_time unix_ns)
{
    spw_time first = SPW_TIME_MAX;
    m->now = now;
    m->unix_ns = unix_ns;
    for (size_t i = 0; i < m->count; i++) {
        meter *one = &m->meters[i];
        if (one->ticket == 0 && one->due <= now) {
            ask(one);
        }
        first = one->ticket == 0 && one->due < first ? one->due : first;
    }
    return first;
}

size_t kube_meters_rows(kube_meters *m, const kube_metric_row **rows)
{
    size_t n = 0;
    for (size_t i = 0; i < m->count; i++) {
        n += m->meters[i].rows.count;
    }
    if (m->changed) {
        kube_metric_row *all = realloc(m->rows, (n + 1) * sizeof *all);
        m->row_count = 0;
        if (all == NULL) {
            *rows = NULL;
            return 0;
        }
        m->rows = all;
        for (size_t i = 0; i < m->count; i++) {
            const meter_rows *one = &m->meters[i].rows;
            if (one->count > 0) {
                memcpy(all + m->row_count, one->rows, one->count * sizeof *all);
            }
            m->row_count += one->count;
        }
        m->changed = false;
    }
    *rows = m->rows;
    return m->row_count;
}

void kube_meters_said(kube_meters *m, size_t index, bool said)
{
    m->meters[index].state.said = said;
}

bool kube_meters_report(const kube_meters *m, size_t index, kube_meter_state *out)
{
    if (index >= m->count) {
        return false;
    }
    *out = m->meters[index].state;
    return true;
}
