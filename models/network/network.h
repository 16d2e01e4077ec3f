/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * network.h - round-trip times between regions, what a byte costs on its way out, how many bytes a request has.
 *
 * Pure data with arithmetic: nothing here draws random numbers or changes after creation, so one object may be shared
 * by threads. Figures: scenarios/tables/rtt.csv, jitter.csv, egress.csv, payload.csv. A pair of regions without a
 * figure does not exist here: whoever builds the matrix (the table reader) refuses a hole.
 */
#ifndef MODELS_NETWORK_NETWORK_H
#define MODELS_NETWORK_NETWORK_H

#include <stddef.h>
#include <stdint.h>

#define MDL_NO_REGION SIZE_MAX

/** A full matrix of round-trip times. Row = from (where the user is), column = to (where the cluster is). */
typedef struct mdl_network mdl_network;

/**
 * @param regions  [count] distinct names; copied
 * @param rtt_ns   [count * count] row-major, >= 0; copied; the diagonal is the time inside a region
 * @return NULL if out of memory or count == 0; free with mdl_network_free()
 */
mdl_network *mdl_network_new(const char *const *regions, size_t count, const int64_t *rtt_ns);
void mdl_network_free(mdl_network *network); /**< NULL allowed */

size_t mdl_network_count(const mdl_network *network);
/** @return the name of region `index` < count, owned by the network. */
const char *mdl_network_region(const mdl_network *network, size_t index);
/** @return the index of a region, or MDL_NO_REGION. */
size_t mdl_network_find(const mdl_network *network, const char *region);
/** Round trip in ns; both indices < count. */
int64_t mdl_network_rtt_ns(const mdl_network *network, size_t from, size_t to);
/** Round trip in ns by name, or -1 if either region is unknown. */
int64_t mdl_network_rtt_ns_by_name(const mdl_network *network, const char *from, const char *to);

/**
 * What a packet is late by, on one way: exponential, the law of the wait behind others at a shared link. A table's
 * round trip is then the shortest one, and the mean round trip is longer by twice the mean.
 */
typedef struct mdl_jitter {
    double floor_us; /**< mean on any way, however short */
    double share;    /**< plus this share of half the round trip: long ways cross more links */
} mdl_jitter;
/** Mean of the law between two regions, floor + share * rtt / 2, to the nearest ns; rtt_ns >= 0. */
int64_t mdl_jitter_mean_ns(const mdl_jitter *jitter, int64_t rtt_ns);

/** Where bytes go; each way has its own price with every provider. */
typedef enum mdl_egress_scope {
    MDL_EGRESS_INTERNET = 1,      /**< to users */
    MDL_EGRESS_INTER_REGION = 2,  /**< to another region of the same provider */
    MDL_EGRESS_INTER_PROVIDER = 3 /**< into the network of another provider, in whatever region */
} mdl_egress_scope;
/** "internet", "inter-region", "inter-provider". */
const char *mdl_egress_scope_name(mdl_egress_scope scope);
/** The scope of that name, or 0. */
mdl_egress_scope mdl_egress_scope_find(const char *name);

/** Bytes on the wire of one request and its answer. */
typedef struct mdl_payload {
    double request_bytes_fixed, request_bytes_per_token;   /**< per input token */
    double response_bytes_fixed, response_bytes_per_token; /**< per output token */
} mdl_payload;
/** Rounded to nearest byte, never negative. */
int64_t mdl_payload_request_bytes(const mdl_payload *payload, int32_t input_tokens);
int64_t mdl_payload_response_bytes(const mdl_payload *payload, int32_t output_tokens);

#endif
