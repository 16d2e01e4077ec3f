/* SPDX-License-Identifier: Apache-2.0 */
/** writes.c - one small state machine for each write, and the limits that all of them share. */
#include "sched/kube/writes.h"
#include "sched/kube/jitter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALL_DEFAULT    (10 * SPW_NS_PER_S)
#define RATE_DEFAULT    40.0
#define BURST_DEFAULT   60.0
#define AT_ONCE_DEFAULT 8
#define AFTER_DEFAULT   5
#define FOR_DEFAULT     (30 * SPW_NS_PER_S)
#define BACKOFF_FIRST   (SPW_NS_PER_S / 10)
#define BACKOFF_MOST    (5 * SPW_NS_PER_S)
#define TRIES_MOST      6 /* writes sent for one action in one tick */
#define SLICE           (SPW_NS_PER_S / 10)

typedef enum step { TO_READ = 1, READING = 2, TO_SEND = 3, SENDING = 4, OVER = 5 } step;

typedef struct job {
    kube_writer *writer;
    kube_write *write;
    step step;
    uint64_t ticket;
    spw_time due;
    spw_dur backoff;
    bool strange; /* answered 401 once */
    bool trial;   /* the one write that a breaker lets through */
} job;

typedef struct breaker {
    int32_t failures;
    spw_time open_until; /* 0 = closed */
    bool on_trial;
} breaker;

typedef struct bucket {
    double tokens;
    spw_time filled;
} bucket;

struct kube_writer {
    kube_writer_spec spec;
    breaker *breakers;
    bucket *buckets;
    uint64_t luck;
    int32_t under_way;
    kube_writer_stats stats;
};

kube_writer *kube_writer_new(const kube_writer_spec *spec)
{
    kube_writer *w = calloc(1, sizeof *w);
    if (w == NULL) {
        return NULL;
    }
    w->spec = *spec;
    w->spec.call_timeout = spec->call_timeout > 0 ? spec->call_timeout : CALL_DEFAULT;
    w->spec.at_once = spec->at_once > 0 ? spec->at_once : AT_ONCE_DEFAULT;
    w->spec.rate = spec->rate > 0 ? spec->rate : RATE_DEFAULT;
    w->spec.burst = spec->burst >= 1 ? spec->burst : BURST_DEFAULT;
    w->spec.breaker_after = spec->breaker_after > 0 ? spec->breaker_after : AFTER_DEFAULT;
    w->spec.breaker_for = spec->breaker_for > 0 ? spec->breaker_for : FOR_DEFAULT;
    w->luck = spec->seed;
    w->breakers = calloc(spec->breaker_count + 1, sizeof *w->breakers);
    w->buckets = calloc(spec->server_count + 1, sizeof *w->buckets);
    if (w->breakers == NULL || w->buckets == NULL) {
        kube_writer_free(w);
        return NULL;
    }
    for (size_t i = 0; i < spec->server_count; i++) {
        w->buckets[i] = (bucket){.tokens = w->spec.burst, .filled = spec->clock(spec->user)};
    }
    return w;
}

void kube_writer_free(kube_writer *w)
{
    if (w != NULL) {
        free(w->breakers);
        free(w->buckets);
        free(w);
    }
}

static spw_time now_of(const kube_writer *w)
{
    return w->spec.clock(w->spec.user);
}

static void over(job *j, kube_fate fate)
{
    uint64_t *const counts[] = {
        [KUBE_FATE_NONE] = NULL,
        [KUBE_FATE_DONE] = &j->writer->stats.done,
        [KUBE_FATE_OUTRUN] = &j->writer->stats.outrun,
        [KUBE_FATE_REFUSED] = &j->writer->stats.refused,
        [KUBE_FATE_UNKNOWN] = &j->writer->stats.unknown,
        [KUBE_FATE_BROKEN] = &j->writer->stats.broken,
        [KUBE_FATE_FORBIDDEN] = &j->writer->stats.forbidden,
    };
    j->step = OVER;
    j->write->fate = fate;
    if (counts[fate] != NULL) {
        ++*counts[fate];
    }
    if (j->trial) {
        j->writer->breakers[j->write->breaker].on_trial = false;
        j->trial = false;
    }
}

static void later(job *j, step next, spw_dur asked)
{
    const spw_dur drawn = jitter_wait(&j->writer->luck, &j->backoff, BACKOFF_FIRST, BACKOFF_MOST);
    j->due = now_of(j->writer) + (asked > drawn ? asked : drawn);
    j->step = next;
    j->writer->stats.retries++;
}

/* --- circuit breakers ------------------------------------------------------------------------------------------ */

static void note(kube_writer *w, size_t index, bool well)
{
    breaker *b = &w->breakers[index];
    if (well) {
        *b = (breaker){0};
    } else if (++b->failures >= w->spec.breaker_after) {
        b->open_until = now_of(w) + w->spec.breaker_for;
    }
}

bool kube_writer_is_dry(const kube_writer *w)
{
    return w->spec.server_dry_run;
}

bool kube_writer_is_open(const kube_writer *w, size_t index)
{
    return w->breakers[index].open_until > now_of(w);
}

/* @return false: the job is over */
static bool let_through(job *j)
{
    breaker *b = &j->writer->breakers[j->write->breaker];
    if (b->open_until == 0 || j->trial) {
        return true;
    }
    if (b->open_until > now_of(j->writer) || b->on_trial) {
        over(j, KUBE_FATE_BROKEN);
        return false;
    }
    b->on_trial = true;
    j->trial = true;
    return true;
}

/* --- answers --------------------------------------------------------------------------------------------------- */

static const char *version_in(const json_t *object)
{
    const char *v = json_string_value(json_object_get(json_object_get(object, "metadata"), "resourceVersion"));
    return v != NULL ? v : "";
}

static void take_version(kube_write *write, const json_t *object)
{
    const char *version = version_in(object);
    if (strlen(version) < sizeof write->version) {
        (void)snprintf(write->version, sizeof write->version, "%s", version);
    }
}

static void landed(job *j, const json_t *object)
{
    if (json_is_object(object)) {
        take_version(j->write, object);
        if (j->write->landed != NULL) {
            j->write->landed(j->write, object);
        }
    }
    over(j, KUBE_FATE_DONE);
}

static void judge_failure(job *j, step again)
{
    const kube_status *s = &j->write->status;
    switch (s->verdict) {
    case KUBE_OK:
        break; /* not a failure */
    case KUBE_BUSY:
    case KUBE_UNREACHABLE:
        note(j->writer, j->write->breaker, false);
        later(j, again, s->wait);
        break;
    case KUBE_UNSURE:
    case KUBE_GONE:
        note(j->writer, j->write->breaker, false);
        later(j, TO_READ, s->wait);
        break;
    case KUBE_CONFLICT:
    case KUBE_EXISTS:
        j->writer->stats.conflicts++;
        j->due = now_of(j->writer);
        j->step = TO_READ;
        break;
    case KUBE_UNAUTHENTICATED:
        if (!j->strange) {
            j->strange = true;
            later(j, again, s->wait);
            break;
        }
        note(j->writer, j->write->breaker, false);
        over(j, KUBE_FATE_REFUSED);
        break;
    case KUBE_DENIED:
    case KUBE_ABSENT:
    case KUBE_INVALID:
    case KUBE_OWNED:
        over(j, KUBE_FATE_REFUSED);
        break;
    }
}

static void on_sent(void *user, const kube_answer *answer)
{
    job *j = user;
    j->ticket = 0;
    j->writer->under_way--;
    kube_status_of(answer, true, &j->write->status);
    if (j->write->status.verdict != KUBE_OK) {
        judge_failure(j, TO_SEND);
        return;
    }
    json_t *object = json_loadb(answer->body, answer->size, 0, NULL);
    if (json_is_object(object)) {
        note(j->writer, j->write->breaker, true);
        landed(j, object);
    } else { /* something in between answered: believe nothing */
        j->write->status.verdict = KUBE_UNSURE;
        (void)snprintf(j->write->status.text, sizeof j->write->status.text, "the answer is no JSON object");
        judge_failure(j, TO_SEND);
    }
    json_decref(object);
}

static void on_read(void *user, const kube_answer *answer)
{
    job *j = user;
    kube_write *write = j->write;

    j->ticket = 0;
    j->writer->under_way--;
    kube_status_of(answer, false, &write->status);
    json_t *object = write->status.verdict == KUBE_OK ? json_loadb(answer->body, answer->size, 0, NULL) : NULL;
    if (write->status.verdict == KUBE_OK && !json_is_object(object)) {
        write->status.verdict = KUBE_UNSURE;
    }
    if (write->status.verdict == KUBE_ABSENT && strcmp(write->method, "POST") == 0) {
        j->step = TO_SEND; /* it was not created, so it can be */
    } else if (write->status.verdict != KUBE_OK) {
        judge_failure(j, TO_READ);
    } else {
        note(j->writer, write->breaker, true);
        switch (write->seen(write, object)) {
        case KUBE_SEEN_WANTED:
            landed(j, object);
            break;
        case KUBE_SEEN_BEFORE:
            take_version(write, object);
            j->due = now_of(j->writer);
            j->step = TO_SEND;
            break;
        case KUBE_SEEN_OTHER:
            over(j, KUBE_FATE_OUTRUN);
            break;
        }
    }
    json_decref(object);
}

/* --- calls ----------------------------------------------------------------------------------------------------- */

static bool take_token(kube_writer *w, size_t server)
{
    bucket *b = &w->buckets[server];
    const spw_time now = now_of(w);
    const double more = (double)(now - b->filled) / (double)SPW_NS_PER_S * w->spec.rate;
    b->tokens = b->tokens + more < w->spec.burst ? b->tokens + more : w->spec.burst;
    b->filled = now;
    if (b->tokens < 1.0) {
        return false;
    }
    b->tokens -= 1.0;
    return true;
}

static char *path_of(const kube_write *write, bool read, bool dry)
{
    const char *path = read && write->read_path != NULL ? write->read_path : write->path;
    const char *query = read ? "" : write->query;
    const size_t room = strlen(path) + strlen(query) + 16;
    char *out = malloc(room);
    if (out != NULL) {
        const char *more = !read && dry ? "dryRun=All" : "";
        (void)snprintf(out, room, "%s%s%s%s%s", path, query[0] != '\0' || more[0] != '\0' ? "?" : "", query,
                       query[0] != '\0' && more[0] != '\0' ? "&" : "", more);
    }
    return out;
}

static void start_call(job *j, bool read)
{
    kube_writer *w = j->writer;
    kube_write *write = j->write;
    const bool merge = strcmp(write->method, "PATCH") == 0;
    char *path = path_of(write, read, w->spec.server_dry_run);
    char *body = read ? NULL : write->body(write, write->version);
    kube_call call = {.server = write->server,
                      .method = read ? "GET" : write->method,
                      .path = path,
                      .content_type = read    ? NULL
                                      : merge ? "application/merge-patch+json"
                                              : "application/json",
                      .body = body,
                      .body_size = body != NULL ? strlen(body) : 0,
                      .tag = write->tag[0] != '\0' ? write->tag : NULL,
                      .timeout = w->spec.call_timeout,
                      .done = read ? on_read : on_sent,
                      .user = j};

    const bool ready = path != NULL && (read || body != NULL);
    if (!ready || w->spec.wire->start(w->spec.wire->self, &call, &j->ticket) != SPW_OK) {
        later(j, read ? TO_READ : TO_SEND, 0);
    } else {
        w->under_way++;
        j->step = read ? READING : SENDING;
        if (read) {
            w->stats.reads++;
        } else {
            w->stats.sent++;
            write->attempts++;
        }
    }
    free(path);
    free(body);
}

/* Starts what the job needs next, if it may. */
static void advance(job *j)
{
    kube_writer *w = j->writer;
    if ((j->step != TO_READ && j->step != TO_SEND) || j->due > now_of(w) || w->under_way >= w->spec.at_once) {
        return;
    }
    if (j->step == TO_SEND && j->write->attempts >= TRIES_MOST) {
        over(j, KUBE_FATE_UNKNOWN);
        return;
    }
    if (w->spec.may_write != NULL && !w->spec.may_write(w->spec.user)) {
        over(j, j->write->attempts == 0 ? KUBE_FATE_FORBIDDEN : KUBE_FATE_UNKNOWN);
        return;
    }
    if (let_through(j) && take_token(w, j->write->server)) {
        start_call(j, j->step == TO_READ);
    }
}

static void abandon(job *j)
{
    if (j->ticket != 0) {
        j->writer->spec.wire->cancel(j->writer->spec.wire->self, j->ticket);
        j->writer->under_way--;
        j->ticket = 0;
    }
    over(j, KUBE_FATE_UNKNOWN);
}

/* One half of the batch: what grows, or what shrinks. */
static void run_half(kube_writer *w, job *jobs, size_t count, bool shrinks, spw_time deadline)
{
    for (;;) {
        size_t left = 0;
        for (size_t i = 0; i < count; i++) {
            if (jobs[i].write->shrinks == shrinks) {
                advance(&jobs[i]);
                left += jobs[i].step != OVER ? 1 : 0;
            }
        }
        if (left == 0) {
            return;
        }
        const spw_time now = now_of(w);
        if (now >= deadline) {
            break;
        }
        (void)w->spec.wire->run(w->spec.wire->self, deadline - now < SLICE ? deadline - now : SLICE);
        if (w->spec.meanwhile != NULL) {
            w->spec.meanwhile(w->spec.user);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (jobs[i].write->shrinks == shrinks && jobs[i].step != OVER) {
            abandon(&jobs[i]);
        }
    }
}

static void report(const kube_write *writes, size_t count, spw_err *err)
{
    for (size_t i = 0; i < count && err != NULL; i++) {
        if (writes[i].fate != KUBE_FATE_DONE) {
            *err = (spw_err){.code = SPW_BACKEND, .row = writes[i].workload, .field = "actuator"};
            (void)snprintf(err->text, sizeof err->text, "%.90s: %s%s%.70s", writes[i].path,
                           kube_fate_name(writes[i].fate), writes[i].status.text[0] != '\0' ? ": " : "",
                           writes[i].status.text);
            return;
        }
    }
}

spw_rc kube_writer_run(kube_writer *w, kube_write *writes, size_t count, spw_time deadline, spw_err *err)
{
    job *jobs = calloc(count + 1, sizeof *jobs);
    bool all = true;

    if (jobs == NULL) {
        return SPW_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        jobs[i] = (job){.writer = w, .write = &writes[i], .step = writes[i].version[0] != '\0' ? TO_SEND : TO_READ};
        writes[i].fate = KUBE_FATE_NONE;
        writes[i].attempts = 0;
    }
    w->under_way = 0;
    run_half(w, jobs, count, false, deadline);
    run_half(w, jobs, count, true, deadline);
    for (size_t i = 0; i < count; i++) {
        all = all && writes[i].fate == KUBE_FATE_DONE;
    }
    free(jobs);
    if (!all) {
        report(writes, count, err);
        return SPW_BACKEND;
    }
    return SPW_OK;
}

void kube_writer_stats_get(const kube_writer *w, kube_writer_stats *out)
{
    *out = w->stats;
}

const char *kube_fate_name(kube_fate fate)
{
    static const char *const names[] = {"none",
                                        "done",
                                        "outrun",
                                        "refused",
                                        "unknown",
                                        "not sent: its cluster's breaker is open",
                                        "not sent: not allowed to write"};
    return (size_t)fate < sizeof names / sizeof names[0] ? names[fate] : "?";
}
