/* SPDX-License-Identifier: GPL-3.0-or-later */
/* drive.c - event loop around one engine. */
#include "sim/calibrate/drive.h"

#define EVENTS 64
#define MS     1e6

typedef struct driver {
    mdl_engine *engine;
    drive_request *requests;
    size_t n, next, concurrency, inside;
    int64_t now_ns;
    bool starved;
} driver;

static void submit(driver *d)
{
    drive_request *r = &d->requests[d->next];
    mdl_work work = {.tag = (uint32_t)d->next, .input_tokens = r->input, .output_tokens = r->output};
    if (d->concurrency > 0) {
        r->at_ns = d->now_ns;
    }
    d->next++;
    const uint32_t handle = mdl_engine_submit(d->engine, d->now_ns, &work);
    d->inside += handle < MDL_STARVED;
    d->starved = d->starved || handle == MDL_STARVED;
}

static void take(driver *d, const mdl_event *e)
{
    drive_request *r = &d->requests[e->tag];
    switch (e->kind) {
    case MDL_STARTED:
        r->started_ns = e->at_ns;
        break;
    case MDL_FIRST:
        r->first_ns = e->at_ns;
        break;
    default:
        r->done_ns = e->at_ns;
        d->inside--;
        break;
    }
}

static void drain(driver *d)
{
    mdl_event events[EVENTS];
    size_t count;
    do {
        count = mdl_engine_advance(d->engine, d->now_ns, events, EVENTS);
        for (size_t i = 0; i < count; i++) {
            take(d, &events[i]);
        }
    } while (count == EVENTS);
}

static void play(driver *d)
{
    for (;;) {
        while (d->next < d->n &&
               (d->concurrency > 0 ? d->inside < d->concurrency : d->requests[d->next].at_ns <= d->now_ns)) {
            submit(d);
        }
        int64_t due_ns = mdl_engine_next(d->engine);
        if (d->concurrency == 0 && d->next < d->n && d->requests[d->next].at_ns < due_ns) {
            due_ns = d->requests[d->next].at_ns;
        }
        if (due_ns == MDL_NEVER) {
            return;
        }
        d->now_ns = due_ns;
        drain(d);
    }
}

static void sum(const drive_request *requests, size_t n, drive_sums *sums)
{
    double tokens = 0.0;
    int64_t end_ns = 0;
    for (size_t i = 0; i < n; i++) {
        const drive_request *r = &requests[i];
        if (r->done_ns < 0) {
            continue;
        }
        sums->done++;
        sums->ttft_ms += (double)(r->first_ns - r->at_ns) / MS;
        sums->e2e_ms += (double)(r->done_ns - r->at_ns) / MS;
        tokens += r->output;
        if (r->output > 1) {
            sums->tpot_ms += (double)(r->done_ns - r->first_ns) / MS / (r->output - 1);
            sums->spaced++;
        }
        end_ns = r->done_ns > end_ns ? r->done_ns : end_ns;
    }
    if (sums->done > 0) {
        sums->ttft_ms /= (double)sums->done;
        sums->e2e_ms /= (double)sums->done;
        sums->tpot_ms /= sums->spaced > 0 ? (double)sums->spaced : 1.0;
        sums->makespan_ns = end_ns - requests[0].at_ns;
        sums->output_per_s = tokens / ((double)sums->makespan_ns / 1e9);
    }
}

static double mean_of(double a, size_t n, double b, size_t m)
{
    return n + m > 0 ? (a * (double)n + b * (double)m) / (double)(n + m) : 0.0;
}

void drive_pool(drive_sums *all, const drive_sums *more)
{
    if (all->done == 0) { /* one alone stands as it is, to the last bit */
        *all = *more;
        return;
    }
    const double s[2] = {(double)all->makespan_ns / 1e9, (double)more->makespan_ns / 1e9};
    all->ttft_ms = mean_of(all->ttft_ms, all->done, more->ttft_ms, more->done);
    all->e2e_ms = mean_of(all->e2e_ms, all->done, more->e2e_ms, more->done);
    all->tpot_ms = mean_of(all->tpot_ms, all->spaced, more->tpot_ms, more->spaced);
    all->output_per_s = (all->output_per_s * s[0] + more->output_per_s * s[1]) / (s[0] + s[1]);
    all->makespan_ns += more->makespan_ns;
    all->preemptions += more->preemptions;
    all->spaced += more->spaced;
    all->done += more->done;
}

bool drive_engine(const mdl_llm_config *config, drive_request *requests, size_t n, size_t concurrency, drive_sums *sums)
{
    driver d = {.engine = mdl_llm_new(config), .requests = requests, .n = n, .concurrency = concurrency, .now_ns = 0};
    *sums = (drive_sums){.done = 0};
    if (d.engine == NULL) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        requests[i].started_ns = requests[i].first_ns = requests[i].done_ns = -1;
    }
    play(&d);
    mdl_load load;
    mdl_engine_load(d.engine, d.now_ns, &load);
    sums->preemptions = load.preemptions;
    sum(requests, n, sums);
    mdl_engine_free(d.engine);
    return !d.starved;
}
