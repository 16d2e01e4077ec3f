/* SPDX-License-Identifier: Apache-2.0 */
/**
 * lease.c - leader election. One call at a time is under way; its answer is kept and judged in the next step, which has
 * the time. So an observation is never dated before it was made, and a renewal never after it was asked for.
 */
#include "sched/kube/lease.h"
#include "sched/kube/jitter.h"
#include "sched/kube/objects_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DURATION_DEFAULT (15 * SPW_NS_PER_S)
#define DEADLINE_DEFAULT (10 * SPW_NS_PER_S)
#define RETRY_DEFAULT    (2 * SPW_NS_PER_S)
#define JITTER           1.2 /* followers wait 1 to 1.2 of `retry` */
#define CALLS            3   /* tries of a release, and calls that fit before a renewal is too late */
#define DURATION_MOST    3600

typedef enum call_kind { CALL_NONE = 0, CALL_READ = 1, CALL_CREATE = 2, CALL_TAKE = 3, CALL_RENEW = 4 } call_kind;

/** The Lease as last seen. */
typedef struct record {
    bool known, absent;
    char version[64], uid[64], holder[128];
    spw_time acquired; /* SPW_TIME_MAX = not known */
    int64_t transitions;
    spw_dur duration;
} record;

struct kube_lease {
    kube_lease_spec spec;
    char *path, *collection;
    record seen;
    spw_time seen_at; /* when its version last changed, on our clock */
    call_kind call;   /* under way, or answered and not yet judged */
    uint64_t ticket;  /* 0 = not under way */
    spw_time began;   /* of the call */
    bool answered;
    kube_status status;
    json_t *object; /* of the answer */
    spw_time due;
    uint64_t luck, floor;
    kube_lease_state state;
};

kube_lease *kube_lease_new(const kube_lease_spec *spec)
{
    kube_lease *l = calloc(1, sizeof *l);
    if (l == NULL) {
        return NULL;
    }
    l->spec = *spec;
    l->spec.duration = spec->duration > 0 ? spec->duration : DURATION_DEFAULT;
    l->spec.renew_deadline = spec->renew_deadline > 0 ? spec->renew_deadline : DEADLINE_DEFAULT;
    l->spec.retry = spec->retry > 0 ? spec->retry : RETRY_DEFAULT;
    l->luck = spec->seed;
    l->due = INT64_MIN;
    l->state.renewed = SPW_TIME_MAX;
    const size_t room = strlen(spec->space) + strlen(spec->name) + 64;
    l->path = malloc(room);
    l->collection = malloc(room);
    const bool ordered = l->spec.retry < l->spec.renew_deadline && l->spec.renew_deadline < l->spec.duration;
    if (l->path == NULL || l->collection == NULL || !ordered) {
        kube_lease_free(l);
        return NULL;
    }
    (void)snprintf(l->collection, room, "/apis/coordination.k8s.io/v1/namespaces/%s/leases", spec->space);
    (void)snprintf(l->path, room, "%s/%s", l->collection, spec->name);
    return l;
}

static void drop_call(kube_lease *l)
{
    if (l->ticket != 0) {
        l->spec.wire->cancel(l->spec.wire->self, l->ticket);
    }
    json_decref(l->object);
    l->object = NULL;
    l->ticket = 0;
    l->call = CALL_NONE;
    l->answered = false;
}

void kube_lease_free(kube_lease *l)
{
    if (l != NULL) {
        drop_call(l);
        free(l->path);
        free(l->collection);
        free(l);
    }
}

/* --- bodies ---------------------------------------------------------------------------------------------------- */

static int64_t seconds_of(spw_dur time)
{
    return (time + SPW_NS_PER_S - 1) / SPW_NS_PER_S;
}

static int64_t raised(const kube_lease *l, int64_t transitions)
{
    return l->floor > (uint64_t)transitions && l->floor < INT32_MAX ? (int64_t)l->floor : transitions;
}

/* @return malloc'ed, NULL when out of memory */
static char *text_of(json_t *root)
{
    char *text = root != NULL ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    return text;
}

static char *body_of(const kube_lease *l, call_kind kind, spw_time unix_ns)
{
    const bool anew = kind != CALL_RENEW;
    const int64_t before = l->seen.absent ? 0 : l->seen.transitions + (anew ? 1 : 0);
    char now[40], acquired[40];
    kube_time_write(unix_ns, now, sizeof now);
    kube_time_write(anew || l->seen.acquired == SPW_TIME_MAX ? unix_ns : l->seen.acquired, acquired, sizeof acquired);
    json_t *spec = json_pack("{s:s,s:I,s:s,s:s,s:I}", "holderIdentity", l->spec.identity, "leaseDurationSeconds",
                             (json_int_t)seconds_of(l->spec.duration), "renewTime", now, "acquireTime", acquired,
                             "leaseTransitions", (json_int_t)raised(l, before));
    if (kind == CALL_CREATE) {
        return text_of(json_pack("{s:s,s:s,s:{s:s,s:s},s:o}", "apiVersion", "coordination.k8s.io/v1", "kind", "Lease",
                                 "metadata", "name", l->spec.name, "namespace", l->spec.space, "spec", spec));
    }
    return text_of(json_pack("{s:{s:s,s:s},s:o}", "metadata", "resourceVersion", l->seen.version, "uid", l->seen.uid,
                             "spec", spec));
}

static char *release_body(const kube_lease *l, spw_time unix_ns)
{
    char now[40];
    kube_time_write(unix_ns, now, sizeof now);
    return text_of(json_pack("{s:{s:s,s:s},s:{s:s,s:i,s:s}}", "metadata", "resourceVersion", l->seen.version, "uid",
                             l->seen.uid, "spec", "holderIdentity", "", "leaseDurationSeconds", 1, "renewTime", now));
}

/* --- calls ----------------------------------------------------------------------------------------------------- */

static void keep(void *user, const kube_answer *answer)
{
    kube_lease *l = user;
    l->ticket = 0;
    l->answered = true;
    kube_status_of(answer, l->call != CALL_READ, &l->status);
    l->object = l->status.verdict == KUBE_OK ? json_loadb(answer->body, answer->size, 0, NULL) : NULL;
    if (l->status.verdict == KUBE_OK && !json_is_object(l->object)) {
        l->status.verdict = KUBE_UNSURE;
        (void)snprintf(l->status.text, sizeof l->status.text, "the answer is no JSON object");
    }
}

static spw_dur call_time(const kube_lease *l)
{
    return l->spec.renew_deadline / CALLS;
}

static void start(kube_lease *l, call_kind kind, spw_time now, spw_time unix_ns)
{
    const bool read = kind == CALL_READ, create = kind == CALL_CREATE;
    char *body = read ? NULL : body_of(l, kind, unix_ns);
    const kube_call call = {.server = l->spec.server,
                            .method = read     ? "GET"
                                      : create ? "POST"
                                               : "PATCH",
                            .path = create ? l->collection : l->path,
                            .content_type = read     ? NULL
                                            : create ? "application/json"
                                                     : "application/merge-patch+json",
                            .body = body,
                            .body_size = body != NULL ? strlen(body) : 0,
                            .timeout = call_time(l),
                            .done = keep,
                            .user = l};
    l->began = now;
    l->due = now + l->spec.retry;
    if ((read || body != NULL) && l->spec.wire->start(l->spec.wire->self, &call, &l->ticket) == SPW_OK) {
        l->call = kind;
    } else {
        l->state.failures++;
    }
    free(body);
}

/* --- what was learned ------------------------------------------------------------------------------------------ */

static void copy(char *out, size_t room, const char *text)
{
    (void)snprintf(out, room, "%s", strlen(text) < room ? text : ""); /* a cut name would be another name */
}

static void learn(kube_lease *l, spw_time now)
{
    const json_t *meta = json_object_get(l->object, "metadata"), *spec = json_object_get(l->object, "spec");
    const char *version = obj_text(meta, "resourceVersion");
    const int32_t seconds = obj_int(spec, "leaseDurationSeconds", 0);
    if (!l->seen.known || strcmp(version, l->seen.version) != 0) {
        l->seen_at = now;
    }
    l->seen = (record){.known = true, .transitions = obj_int(spec, "leaseTransitions", 0)};
    l->seen.transitions = l->seen.transitions > 0 ? l->seen.transitions : 0;
    l->seen.duration = seconds > 0 && seconds <= DURATION_MOST ? seconds * SPW_NS_PER_S : l->spec.duration;
    copy(l->seen.version, sizeof l->seen.version, version);
    copy(l->seen.uid, sizeof l->seen.uid, obj_text(meta, "uid"));
    l->seen.acquired = kube_time_read(obj_text(spec, "acquireTime"));
    (void)snprintf(l->seen.holder, sizeof l->seen.holder, "%s", obj_text(spec, "holderIdentity"));
    (void)snprintf(l->state.holder, sizeof l->state.holder, "%s", l->seen.holder);
}

static bool is_ours(const kube_lease *l)
{
    return strcmp(l->seen.holder, l->spec.identity) == 0;
}

/* Whether its holder has given it up, or has been silent for too long. */
static bool is_over(const kube_lease *l, spw_time now)
{
    return l->seen.holder[0] == '\0' || now - l->seen_at >= l->seen.duration;
}

static void step_down(kube_lease *l)
{
    l->state.lost += l->state.leading ? 1 : 0;
    l->state.leading = false;
}

static void lead(kube_lease *l)
{
    l->state.gained += l->state.leading ? 0 : 1;
    l->state.leading = true;
    l->state.renewed = l->began;
    l->state.epoch = (uint64_t)l->seen.transitions + 1;
}

static void judge_failure(kube_lease *l, spw_time now)
{
    const bool write = l->call != CALL_READ;
    l->state.trouble = l->status;
    switch (l->status.verdict) {
    case KUBE_OK:
        break; /* not a failure */
    case KUBE_ABSENT:
        l->seen = (record){.known = true, .absent = true};
        l->state.holder[0] = '\0';
        step_down(l);                                   /* whoever creates it next may be another */
        l->due = l->call == CALL_CREATE ? l->due : now; /* then it is the namespace that is not there */
        break;
    case KUBE_CONFLICT:
    case KUBE_EXISTS:
        l->state.conflicts++;
        l->seen.known = false;
        l->due = now;
        break;
    case KUBE_UNSURE:
    case KUBE_GONE:
        l->state.failures++;
        l->seen.known = l->seen.known && !write; /* it may have happened: look */
        l->due = write ? now : l->due;
        break;
    case KUBE_INVALID:
        l->state.failures++;
        l->seen.known = l->seen.known && !write; /* what we took for the Lease may be no such thing */
        break;
    case KUBE_OWNED:
    case KUBE_DENIED:
    case KUBE_UNAUTHENTICATED:
    case KUBE_BUSY:
    case KUBE_UNREACHABLE:
        l->state.failures++;
        l->due = l->status.wait > 0 && l->status.wait < call_time(l) ? now + l->status.wait : l->due;
        break;
    }
    l->due = l->due > now ? l->due : now;
}

static void judge(kube_lease *l, spw_time now)
{
    if (l->status.verdict != KUBE_OK) {
        judge_failure(l, now);
    } else {
        learn(l, now);
        l->state.trouble = (kube_status){.wait = -1};
        if (l->call != CALL_READ && is_ours(l)) {
            lead(l);
        } else if (!is_ours(l)) {
            step_down(l);
        } else {
            l->due = now; /* ours, as it turns out: say so again to be sure of the time */
        }
        if (!l->state.leading && !is_ours(l)) {
            const double spread = 1.0 + (JITTER - 1.0) * jitter_draw(&l->luck);
            l->due = is_over(l, now) ? now : now + (spw_dur)((double)l->spec.retry * spread);
        }
    }
    json_decref(l->object);
    l->object = NULL;
    l->call = CALL_NONE;
    l->answered = false;
}

/* What to ask next. While another holds it, look again: its time starts anew with each change. */
static call_kind choose(const kube_lease *l, spw_time now)
{
    if (!l->seen.known) {
        return CALL_READ;
    }
    if (l->seen.absent) {
        return CALL_CREATE;
    }
    if (is_ours(l)) {
        return CALL_RENEW;
    }
    return is_over(l, now) ? CALL_TAKE : CALL_READ;
}

spw_time kube_lease_step(kube_lease *l, spw_time now, spw_time unix_ns)
{
    if (l->answered) {
        judge(l, now);
    }
    if (l->state.leading && !kube_lease_may_write(l, now)) {
        step_down(l);
        l->seen.known = false;
    }
    if (l->call == CALL_NONE && l->due <= now) {
        start(l, choose(l, now), now, unix_ns);
    }
    const spw_time end = l->state.leading ? l->state.renewed + l->spec.renew_deadline : SPW_TIME_MAX;
    const spw_time due = l->call != CALL_NONE ? now + call_time(l) : l->due;
    return due < end ? due : end;
}

bool kube_lease_may_write(const kube_lease *l, spw_time now)
{
    return l->state.leading && now >= l->state.renewed && now - l->state.renewed < l->spec.renew_deadline;
}

uint64_t kube_lease_epoch(const kube_lease *l)
{
    return l->state.epoch;
}

void kube_lease_raise(kube_lease *l, uint64_t epoch)
{
    l->floor = epoch > l->floor ? epoch : l->floor;
}

void kube_lease_state_get(const kube_lease *l, kube_lease_state *out)
{
    *out = l->state;
}

/* --- giving it up ---------------------------------------------------------------------------------------------- */

/* One call to its end. @return whether it was answered well; the answer is in l->object then */
static bool ask(kube_lease *l, const char *method, char *body)
{
    kube_reply reply = {0};
    const kube_call call = {.server = l->spec.server,
                            .method = method,
                            .path = l->path,
                            .content_type = body != NULL ? "application/merge-patch+json" : NULL,
                            .body = body,
                            .body_size = body != NULL ? strlen(body) : 0,
                            .timeout = call_time(l)};
    json_decref(l->object);
    l->object = NULL;
    const bool sent = kube_wire_ask(l->spec.wire, &call, &reply) == SPW_OK;
    if (sent) {
        kube_status_of_reply(&reply, body != NULL, &l->status);
        l->object = l->status.verdict == KUBE_OK ? json_loadb(reply.body, reply.size, 0, NULL) : NULL;
    }
    kube_reply_fini(&reply);
    free(body);
    return json_is_object(l->object);
}

void kube_lease_release(kube_lease *l, spw_time unix_ns)
{
    const bool taking = l->call == CALL_CREATE || l->call == CALL_TAKE || l->call == CALL_RENEW;
    const bool held = l->state.leading || taking || (l->seen.known && !l->seen.absent && is_ours(l));
    drop_call(l);
    step_down(l);
    for (int i = 0; held && i < CALLS; i++) { /* a renewal that was under way may have made a new version */
        if (!ask(l, "GET", NULL)) {
            continue;
        }
        learn(l, l->seen_at);
        char *body = is_ours(l) ? release_body(l, unix_ns) : NULL;
        if (body == NULL || ask(l, "PATCH", body)) {
            break;
        }
    }
    json_decref(l->object);
    l->object = NULL;
    l->seen = (record){0};
    l->state.holder[0] = '\0';
}
