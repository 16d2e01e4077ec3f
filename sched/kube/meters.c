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

/* --- requests -------------------------------------------------------------------------------------------------- */

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

/* The path with its query, malloc'ed; NULL when out of memory. */
static char *path_of(const meter *m)
{
    const kube_meter_spec *s = m->spec;
    const char *series = s->series != NULL ? s->series : or_empty(s->metric);
    const char *asked = s->kind == KUBE_METER_PROMETHEUS ? or_empty(s->query) : or_empty(s->selector);
    const char *prefix = or_empty(s->prefix), *space = or_empty(s->space), *object = or_empty(s->object);
    const char *custom = m->older ? "v1beta1" : "v1beta2";
    const size_t escaped_room = 3 * strlen(asked) + 8;
    const size_t room = strlen(prefix) + strlen(space) + strlen(object) + strlen(series) + escaped_room + 160;
    char *escaped = malloc(escaped_room), *path = malloc(room);
    if (escaped == NULL || path == NULL) {
        free(escaped);
        free(path);
        return NULL;
    }
    kube_wire_escape(escaped, escaped_room, asked);
    int n = 0;
    switch (s->kind) {
    case KUBE_METER_RESOURCE:
        n = snprintf(path, room, "%s/apis/metrics.k8s.io/v1beta1/namespaces/%s/pods", prefix, space);
        break;
    case KUBE_METER_PODS:
        n = snprintf(path, room, "%s/apis/custom.metrics.k8s.io/%s/namespaces/%s/pods/*/%s", prefix, custom, space,
                     series);
        break;
    case KUBE_METER_OBJECT:
        n = snprintf(path, room, "%s/apis/custom.metrics.k8s.io/%s/namespaces/%s/%s/%s", prefix, custom, space, object,
                     series);
        break;
    case KUBE_METER_EXTERNAL:
        n = snprintf(path, room, "%s/apis/external.metrics.k8s.io/v1beta1/namespaces/%s/%s", prefix, space, series);
        break;
    case KUBE_METER_PROMETHEUS:
        n = snprintf(path, room, "%s/api/v1/query", prefix);
        break;
    }
    if (n > 0 && asked[0] != '\0') {
        const char *key = s->kind == KUBE_METER_PROMETHEUS ? "query"
                          : s->kind == KUBE_METER_OBJECT   ? "metricLabelSelector"
                                                           : "labelSelector";
        (void)snprintf(path + n, room - (size_t)n, "?%s=%s", key, escaped);
    }
    free(escaped);
    return path;
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
    char *path = path_of(m);
    const kube_call call = {
        .server = m->spec->server, .method = "GET", .path = path, .timeout = CALL_TIMEOUT, .done = done, .user = m};
    m->due = m->all->now + (m->spec->period > 0 ? m->spec->period : PERIOD_DEFAULT);
    if (path == NULL || m->all->wire->start(m->all->wire->self, &call, &m->ticket) != SPW_OK) {
        m->ticket = 0;
        failed_saying(m, "the call could not be started");
    }
    free(path);
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

bool kube_meters_report(const kube_meters *m, size_t index, kube_meter_state *out)
{
    if (index >= m->count) {
        return false;
    }
    *out = m->meters[index].state;
    return true;
}
