/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nominal.c - the rate that a replica sustains on each pool, for requests such as the service gets.
 *
 * Lengths are the service's laws, or rows of its traces in proportion to nothing but chance, from each source in turn,
 * on a stream of their own so that no other draw shifts. Conversations are played one after the other, turn by turn, so
 * long ones and late turns have the share of the requests that they have in the traffic; then all are shuffled, for
 * neighbours in the traffic are turns of different ones. What a router might find in prefix caches does not enter,
 * prefixHitShare does.
 */
#include "sim/fleet/world.h"

#include <stdlib.h>
#include <string.h>

#define NOMINAL_REQUESTS 2000u /* enough for about 2 % of the saturation rate at a coefficient of variation of 1 */

/* Where the conversation of one source stands. */
typedef struct talk {
    int32_t turn, turns;
    int64_t context; /* tokens that the next turn begins with */
} talk;

static void next_turn(talk *t, const mdl_sessions *sessions, gsl_rng *r, int32_t *input, int32_t *output)
{
    const int64_t most = sessions->max_context > 0 ? sessions->max_context : INT32_MAX;
    int32_t fresh;

    mdl_lengths_draw(sessions->lengths, r, &fresh, output);
    if (t->turn == t->turns || t->context + fresh + *output > most) {
        *t = (talk){.turns = mdl_length_draw(&sessions->turns, r), .context = sessions->system_tokens};
    }
    t->turn++;
    t->context += fresh;
    *input = (int32_t)(t->context < INT32_MAX ? t->context : INT32_MAX);
    t->context += *output;
}

static void swap(int32_t *x, uint32_t a, uint32_t b)
{
    const int32_t kept = x[a];

    x[a] = x[b];
    x[b] = kept;
}

/* False: no memory. */
static bool nominal_lengths(fl_world *w, const fl_service *s, int32_t *input, int32_t *output)
{
    const uint32_t sources = (uint32_t)s->sc->traffic_count;
    gsl_rng *r = fl_luck(w, "nominal", s->key);
    talk *talks = calloc(sources + 1, sizeof *talks);
    bool talk_any = false;

    for (uint32_t i = 0; talks != NULL && i < NOMINAL_REQUESTS; i++) {
        const sc_traffic *traffic = sources > 0 ? &s->sc->traffic[i % sources] : NULL;
        const mdl_trace *trace = traffic != NULL && traffic->trace_lengths ? traffic->arrivals.trace : NULL;

        if (trace != NULL && trace->count > 0) {
            size_t row = (size_t)(gsl_rng_uniform(r) * (double)trace->count);

            input[i] = trace->input_tokens[row] > 1 ? trace->input_tokens[row] : 1;
            output[i] = trace->output_tokens[row] > 1 ? trace->output_tokens[row] : 1;
        } else if (traffic != NULL && traffic->arrivals.sessions != NULL) {
            talk_any = true;
            next_turn(&talks[i % sources], traffic->arrivals.sessions, r, &input[i], &output[i]);
        } else {
            const bool own = traffic != NULL && traffic->lengths != NULL;

            mdl_lengths_draw(own ? traffic->lengths : &s->sc->lengths, r, &input[i], &output[i]);
        }
    }
    for (uint32_t i = NOMINAL_REQUESTS - 1; talk_any && i > 0; i--) { /* Fisher and Yates */
        const uint32_t other = (uint32_t)gsl_rng_uniform_int(r, i + 1);

        swap(input, i, other);
        swap(output, i, other);
    }
    free(talks);
    return talks != NULL;
}

/* The same engine on two pools has the same rate: look it up among the pools done before. */
static double nominal_of(const fl_service *s, const double *rates, int32_t pool, const int32_t *input,
                         const int32_t *output)
{
    for (int32_t i = 0; i < pool; i++) {
        if (s->pool_ok[i] && memcmp(&s->sc->llm[i], &s->sc->llm[pool], sizeof s->sc->llm[i]) == 0) {
            return rates[i];
        }
    }
    return mdl_saturation_rate(&s->sc->llm[pool], input, output, NOMINAL_REQUESTS, s->sc->prefix_hit_share);
}

bool fl_nominal(fl_world *w)
{
    int32_t *input = malloc(NOMINAL_REQUESTS * sizeof *input);
    int32_t *output = malloc(NOMINAL_REQUESTS * sizeof *output);
    bool ok = input != NULL && output != NULL;

    for (int32_t i = 0; ok && i < w->sc->service_count; i++) {
        const fl_service *s = &w->services[i];
        double *rates = w->run->services[i].nominal_rps;

        if (s->sc->engine == SC_ENGINE_LLM) {
            ok = nominal_lengths(w, s, input, output);
        }
        for (int32_t p = 0; ok && p < w->sc->pool_count; p++) {
            if (!s->pool_ok[p]) {
                rates[p] = 0;
            } else if (s->sc->engine == SC_ENGINE_STATION) {
                rates[p] = (double)s->sc->station.servers / s->sc->station_law.mean_s * fl_speed(s, (uint32_t)p);
            } else {
                rates[p] = nominal_of(s, rates, p, input, output);
                ok = rates[p] >= 0;
            }
        }
    }
    free(input);
    free(output);
    w->no_memory = w->no_memory || !ok;
    return ok;
}
