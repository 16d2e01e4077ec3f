/* SPDX-License-Identifier: GPL-3.0-or-later */
/* saturation.c - what one replica completes with a number of requests inside: a closed simulation of the engine alone.
 */
#include "models/gpu/gpu.h"

#define INSIDE_PER_SEQUENCE 2 /* requests kept inside, as a multiple of max_sequences: the queue never runs dry */
#define EVENTS              64
#define NS_PER_S            1e9

typedef struct feed {
    const mdl_llm_config *config;
    const int32_t *input_tokens, *output_tokens;
    size_t n, next;
    double hit_share;
    uint32_t tag;
} feed;

/* The next pair of lengths that fits. @return 0 if none does, -1 if memory ran out, 1 otherwise */
static int submit_next(feed *f, mdl_engine *e, int64_t now_ns)
{
    int64_t room = mdl_llm_room(f->config);
    for (size_t tried = 0; tried < f->n; tried++) {
        mdl_work work = {
            .tag = f->tag++, .input_tokens = f->input_tokens[f->next], .output_tokens = f->output_tokens[f->next]};
        work.cached_tokens = (int32_t)(f->hit_share * work.input_tokens);
        f->next = f->next + 1 == f->n ? 0 : f->next + 1;
        if (work.input_tokens >= 1 && work.output_tokens >= 1 &&
            (int64_t)work.input_tokens + work.output_tokens <= room) {
            return mdl_engine_submit(e, now_ns, &work) >= MDL_STARVED ? -1 : 1;
        }
    }
    return 0;
}

static double run(feed *f, mdl_engine *e, int64_t inside)
{
    for (int64_t i = 0; i < inside; i++) {
        int fed = submit_next(f, e, 0);
        if (fed != 1) {
            return fed;
        }
    }
    size_t start = f->n / 4; /* completions before the measured part */
    size_t done = 0;
    size_t done_before = 0;
    int64_t from_ns = 0;
    for (;;) {
        int64_t now_ns = mdl_engine_next(e);
        mdl_event events[EVENTS];
        size_t count;
        do {
            count = mdl_engine_advance(e, now_ns, events, EVENTS);
            for (size_t i = 0; i < count; i++) {
                if (events[i].kind == MDL_DONE) {
                    done++;
                    if (submit_next(f, e, now_ns) < 0) {
                        return -1.0;
                    }
                }
            }
        } while (count == EVENTS);
        if (done_before == 0 && start > 0 && done >= start) {
            done_before = done;
            from_ns = now_ns;
        } else if ((done_before > 0 || start == 0) && done - done_before >= f->n) {
            return (double)(done - done_before) / ((double)(now_ns - from_ns) / NS_PER_S);
        }
    }
}

double mdl_closed_rate(const mdl_llm_config *config, const int32_t *input_tokens, const int32_t *output_tokens,
                       size_t n, double hit_share, int64_t inside)
{
    if (n < 1 || inside < 1) {
        return 0.0;
    }
    mdl_llm_config unbounded = *config;
    unbounded.max_waiting = INT32_MAX;
    mdl_engine *e = mdl_llm_new(&unbounded);
    if (e == NULL) {
        return -1.0;
    }
    feed f = {.config = &unbounded,
              .input_tokens = input_tokens,
              .output_tokens = output_tokens,
              .n = n,
              .hit_share = hit_share};
    double rate = run(&f, e, inside);
    mdl_engine_free(e);
    return rate;
}

double mdl_saturation_rate(const mdl_llm_config *config, const int32_t *input_tokens, const int32_t *output_tokens,
                           size_t n, double hit_share)
{
    return mdl_closed_rate(config, input_tokens, output_tokens, n, hit_share,
                           (int64_t)config->max_sequences * INSIDE_PER_SEQUENCE);
}
