/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * spec_supply.c - the accepted keys of spec.quotas and spec.delivery. All of it is off unless it is written.
 */
#include "sim/scenario/spec_part.h"

/* clang-format off */

static const bind_field quota_fields[] = {
    {.key = "provider", .kind = BIND_STRING, .required = true, BIND_AT(spec_quota, provider),
     BIND_NODE_AT(spec_quota, provider_node), .help = "whose quota"},
    {.key = "region", .kind = BIND_STRING, .required = true, BIND_AT(spec_quota, region),
     BIND_NODE_AT(spec_quota, region_node), .help = "one of spec.regions"},
    {.key = "gpu", .kind = BIND_STRING, .required = true, BIND_AT(spec_quota, gpu), BIND_NODE_AT(spec_quota, gpu_node),
     .help = "a GPU of tables/gpus.csv"},
    {.key = "gpus", .kind = BIND_INT32, .required = true, .range = BIND_MIN | BIND_MAX, .min = 0, .max = 100000000,
     BIND_AT(spec_quota, gpus), .help = "GPUs that on-demand and spot pools there may hold in all; orders beyond fail"},
    {.key = NULL}};
const bind_table spec_quota_table = {.name = "quota", .size = sizeof(spec_quota), .fields = quota_fields};

static const bind_field delivery_fields[] = {
    {.key = "network", .kind = BIND_STRING, .preset = "default", BIND_AT(spec_delivery, network),
     BIND_NODE_AT(spec_delivery, network_node), .help = "a row of tables/delivery.csv: bandwidths, disks, replication"},
    {.key = "origin", .kind = BIND_STRING, BIND_AT(spec_delivery, origin), BIND_NODE_AT(spec_delivery, origin_node),
     .help = "region of the origin registry, one of spec.regions; default: the first"},
    {.key = "provider", .kind = BIND_STRING, .preset = "default", BIND_AT(spec_delivery, provider),
     BIND_NODE_AT(spec_delivery, provider_node),
     .help = "of the registries, in tables/egress.csv and tables/storage.csv: what images cost that are stored, or "
             "leave for another region, or for nodes of another provider; default: a typical one, and no other"},
    {.key = "regional", .kind = BIND_BOOL, .preset = "true", BIND_AT(spec_delivery, regional),
     .help = "every region with a cluster has a registry that the origin replicates to"},
    {.key = "peers", .kind = BIND_BOOL, .preset = "false", BIND_AT(spec_delivery, peers),
     .help = "nodes of a region that are up pass content on; one fetch a region goes to a registry"},
    {.key = "published", .kind = BIND_DURATION, .range = BIND_MIN | BIND_MAX, .min = 0, .max = 366.0 * 86400.0,
     BIND_AT(spec_delivery, published_ns), BIND_HAS(spec_delivery, has_published),
     .help = "when images are pushed to the origin, simulated time: who has to fetch them waits until then, and only "
             "nodes with replicas at time 0 have them before; default: long ago, replicated everywhere"},
    {.key = "preheat", .kind = BIND_SCALARS, .item = BIND_STRING, BIND_AT(spec_delivery, preheat),
     BIND_COUNT(spec_delivery, preheat_count), BIND_NODE_AT(spec_delivery, preheat_node),
     .help = "clusters whose nodes, and whose region's seed, fetch the images of all services at time 0"},
    {.key = NULL}};
const bind_table spec_delivery_table = {.name = "delivery", .size = sizeof(spec_delivery), .fields = delivery_fields,
                                        .self_at = offsetof(spec_delivery, self) + 1u};
