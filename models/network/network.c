/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * network.c - round-trip matrix, payload sizes.
 *
 * One allocation holds the object; names are copied one by one so that the caller's table may go away. Regions number
 * in the tens and are resolved to indices at load time, hence the linear search by name.
 */
#include "models/network/network.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct mdl_network {
    size_t count;
    char **regions;  /* [count] */
    int64_t *rtt_ns; /* [count * count] */
};

static char *copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    if (copy != NULL) {
        memcpy(copy, text, size);
    }
    return copy;
}

void mdl_network_free(mdl_network *network)
{
    if (network == NULL) {
        return;
    }
    for (size_t i = 0; network->regions != NULL && i < network->count; i++) {
        free(network->regions[i]);
    }
    free(network->regions);
    free(network->rtt_ns);
    free(network);
}

mdl_network *mdl_network_new(const char *const *regions, size_t count, const int64_t *rtt_ns)
{
    if (count == 0 || count > UINT32_MAX) {
        return NULL; /* the square must fit in size_t */
    }
    mdl_network *network = calloc(1, sizeof *network);
    if (network == NULL) {
        return NULL;
    }
    network->count = count;
    network->regions = calloc(count, sizeof *network->regions);
    network->rtt_ns = calloc(count * count, sizeof *network->rtt_ns);
    int ok = network->regions != NULL && network->rtt_ns != NULL;
    for (size_t i = 0; ok && i < count; i++) {
        network->regions[i] = copy_text(regions[i]);
        ok = network->regions[i] != NULL;
    }
    if (!ok) {
        mdl_network_free(network);
        return NULL;
    }
    memcpy(network->rtt_ns, rtt_ns, count * count * sizeof *rtt_ns);
    return network;
}

size_t mdl_network_count(const mdl_network *network)
{
    return network->count;
}

const char *mdl_network_region(const mdl_network *network, size_t index)
{
    return network->regions[index];
}

size_t mdl_network_find(const mdl_network *network, const char *region)
{
    for (size_t i = 0; i < network->count; i++) {
        if (strcmp(network->regions[i], region) == 0) {
            return i;
        }
    }
    return MDL_NO_REGION;
}

int64_t mdl_network_rtt_ns(const mdl_network *network, size_t from, size_t to)
{
    return network->rtt_ns[from * network->count + to];
}

int64_t mdl_network_rtt_ns_by_name(const mdl_network *network, const char *from, const char *to)
{
    size_t row = mdl_network_find(network, from);
    size_t column = mdl_network_find(network, to);
    if (row == MDL_NO_REGION || column == MDL_NO_REGION) {
        return -1;
    }
    return mdl_network_rtt_ns(network, row, column);
}

int64_t mdl_jitter_mean_ns(const mdl_jitter *jitter, int64_t rtt_ns)
{
    return (int64_t)llround(jitter->floor_us * 1e3 + jitter->share * 0.5 * (double)rtt_ns);
}

const char *mdl_egress_scope_name(mdl_egress_scope scope)
{
    static const char *const names[] = {"", "internet", "inter-region", "inter-provider"};
    return names[scope];
}

mdl_egress_scope mdl_egress_scope_find(const char *name)
{
    for (int scope = MDL_EGRESS_INTERNET; scope <= MDL_EGRESS_INTER_PROVIDER; scope++) {
        if (strcmp(mdl_egress_scope_name((mdl_egress_scope)scope), name) == 0) {
            return (mdl_egress_scope)scope;
        }
    }
    return (mdl_egress_scope)0;
}

static int64_t bytes_of(double fixed, double per_token, int32_t tokens)
{
    double bytes = fixed + per_token * (double)tokens;
    if (!(bytes > 0.0)) {
        return 0;
    }
    return bytes < 9e18 ? (int64_t)llround(bytes) : INT64_MAX;
}

int64_t mdl_payload_request_bytes(const mdl_payload *payload, int32_t input_tokens)
{
    return bytes_of(payload->request_bytes_fixed, payload->request_bytes_per_token, input_tokens);
}

int64_t mdl_payload_response_bytes(const mdl_payload *payload, int32_t output_tokens)
{
    return bytes_of(payload->response_bytes_fixed, payload->response_bytes_per_token, output_tokens);
}
