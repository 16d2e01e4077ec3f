/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ways.c - bytes of requests and answers where users enter the network of a provider, and what they cost.
 *
 * A request moves whenever it leaves the entry for a cluster: again for each attempt, after each refusal, and when its
 * replica was lost. An answer moves from the cluster to the entry and from there to the user; it counts, as far as it
 * got, when it ends: whole, broken off because the user gave up, or lost with its replica. Where a server does not
 * notice that its client has gone, the rest of the answer still travels to the entry, and no further. What is under way
 * when the run ends, refusals and error messages do not count.
 *
 * Where users enter nowhere, whole answers alone count, from the cluster straight to them, at its provider's price.
 *
 * Three sums for each pair of region and cluster; prices come in when a bin of the timeline or the run ends.
 */
#include "sim/fleet/world.h"

#include <stdlib.h>

bool fl_ways_init(fl_world *w)
{
    w->ways = calloc((size_t)w->sc->region_count * (size_t)w->sc->cluster_count + 1, sizeof *w->ways);
    return w->ways != NULL;
}

static fl_bytes *way_of(fl_world *w, const fl_request *q, uint32_t cluster)
{
    return &w->ways[(size_t)q->region * (size_t)w->sc->cluster_count + cluster];
}

static bool counts(const fl_world *w, const fl_request *q)
{
    return fl_enters(w, q) && w->counting;
}

static bool streams(const fl_world *w, const fl_request *q)
{
    return w->services[q->service].sc->engine == SC_ENGINE_LLM;
}

static const sc_payload *payload_of(const fl_world *w, const fl_request *q)
{
    const sc_payload *own = w->services[q->service].sc->payload;

    return own != NULL ? own : &w->sc->payload;
}

static int64_t answer_bytes(const fl_world *w, const fl_request *q, int32_t tokens)
{
    const sc_payload *payload = payload_of(w, q);

    return fl_round(payload->response_bytes_fixed + payload->response_bytes_per_token * (double)tokens);
}

/* Of an answer that is still under way: nothing before its first token. */
static int64_t sent_bytes(const fl_world *w, const fl_request *q)
{
    const mdl_engine *engine = w->replicas[q->place.at.replica].engine;
    int32_t tokens = mdl_engine_sampled(engine, w->now, q->place.at.handle);

    return tokens > 0 ? answer_bytes(w, q, tokens) : 0;
}

void fl_ways_forth(fl_world *w, const fl_request *q, uint32_t cluster)
{
    const sc_payload *payload = payload_of(w, q);

    if (counts(w, q)) {
        int32_t tokens = streams(w, q) ? q->need.tokens.input : 0;

        way_of(w, q, cluster)->forth +=
            fl_round(payload->request_bytes_fixed + payload->request_bytes_per_token * (double)tokens);
    }
}

void fl_ways_back(fl_world *w, const fl_request *q, uint32_t cluster)
{
    fl_bytes *way = way_of(w, q, cluster);
    int64_t bytes = answer_bytes(w, q, streams(w, q) ? q->need.tokens.output : 0);

    if (w->counting) {
        way->back += fl_enters(w, q) ? bytes : 0;
        way->out += bytes;
    }
}

void fl_ways_unheard(fl_world *w, const fl_request *q, uint32_t cluster)
{
    if (counts(w, q)) {
        way_of(w, q, cluster)->back += answer_bytes(w, q, streams(w, q) ? q->need.tokens.output : 0);
    }
}

void fl_ways_broken(fl_world *w, const fl_request *q)
{
    if (counts(w, q)) {
        fl_bytes *way = way_of(w, q, w->replicas[q->place.at.replica].cluster);
        int64_t bytes = sent_bytes(w, q);

        way->back += bytes;
        way->out += bytes;
    }
}

void fl_ways_abandoned(fl_world *w, const fl_request *q)
{
    if (counts(w, q)) {
        way_of(w, q, w->replicas[q->place.at.replica].cluster)->out += sent_bytes(w, q);
    }
}

void fl_ways_lost(fl_world *w, uint32_t replica)
{
    const fl_replica *r = &w->replicas[replica];
    size_t inside = w->sc->ways != NULL ? mdl_engine_tags(r->engine, NULL, 0) : 0;
    uint32_t *tags = inside > 0 ? malloc(inside * sizeof *tags) : NULL;

    if (tags == NULL) {
        w->no_memory = w->no_memory || inside > 0;
        return;
    }
    mdl_engine_tags(r->engine, tags, inside);
    for (size_t i = 0; i < inside; i++) {
        const fl_request *q = &w->requests[tags[i]];

        if (q->state != FL_RQ_ABANDONED) {
            fl_ways_broken(w, q);
        } else if (counts(w, q)) {
            way_of(w, q, r->cluster)->back += sent_bytes(w, q);
        }
    }
    free(tags);
}

/* One pair, priced. */
static res_way way_priced(const fl_world *w, int32_t region, int32_t cluster)
{
    const size_t at = (size_t)region * (size_t)w->sc->cluster_count + (size_t)cluster;
    const fl_bytes *bytes = &w->ways[at];
    const sc_way free_of_charge = {0};
    const sc_way *price = w->sc->ways != NULL ? &w->sc->ways[at] : &free_of_charge;
    const bool enters = w->sc->ways != NULL && w->sc->regions[region].provider != NULL;
    const int64_t out =
        enters ? w->sc->regions[region].egress_uusd_per_gb : w->sc->clusters[cluster].egress_uusd_per_gb;

    return (res_way){.forth_bytes = (int64_t)bytes->forth,
                     .back_bytes = (int64_t)bytes->back,
                     .out_bytes = (int64_t)bytes->out,
                     .forth_uusd = mdl_egress_uusd(bytes->forth, price->forth_uusd_per_gb),
                     .back_uusd = mdl_egress_uusd(bytes->back, price->back_uusd_per_gb),
                     .out_uusd = mdl_egress_uusd(bytes->out, out)};
}

int64_t fl_ways_cost(const fl_world *w)
{
    int64_t sum = 0;

    for (int32_t r = 0; r < w->sc->region_count; r++) {
        for (int32_t c = 0; c < w->sc->cluster_count; c++) {
            res_way way = way_priced(w, r, c);

            sum += way.forth_uusd + way.back_uusd + way.out_uusd;
        }
    }
    return sum;
}

void fl_ways_close(fl_world *w)
{
    for (int32_t r = 0; r < w->sc->region_count; r++) {
        for (int32_t c = 0; c < w->sc->cluster_count; c++) {
            res_way *way = &w->run->ways[r * w->sc->cluster_count + c];

            *way = way_priced(w, r, c);
            w->run->cost.ways_uusd += way->forth_uusd + way->back_uusd;
        }
    }
}
