/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * spec.c - the accepted keys of a scenario file: one row for each, with unit, range, default and help. The reader and
 * `spillway schema` both work from these tables, so that they cannot disagree.
 */
#include "sim/scenario/spec.h"

#include <math.h>
#include <string.h>

#include "sim/scenario/messages.h"
#include "sim/scenario/spec_part.h"

/* A row for each key reads best as a row. */
/* clang-format off */

#define SECONDS_PER_YEAR (366.0 * 86400.0)

static const bind_name api_names[] = {{"spillway.dev/v1alpha1", 1}, {NULL, 0}};
static const bind_name kind_names[] = {{"Scenario", 1}, {NULL, 0}};
static const bind_name price_names[] = {{"default", SPEC_PRICES_DEFAULT}, {"full", SPEC_PRICES_FULL}, {NULL, 0}};
static const bind_name capacity_names[] = {{"owned", SPW_CAPACITY_OWNED},
                                           {"reserved", SPW_CAPACITY_RESERVED},
                                           {"on-demand", SPW_CAPACITY_ON_DEMAND},
                                           {"spot", SPW_CAPACITY_SPOT},
                                           {NULL, 0}};

/* --- metadata ---------------------------------------------------------------------------------------------- */

/* The name becomes a folder name of results, so it is kept to what every file system and shell takes. */
static bool metadata_check(bind *b, const ynode *node, void *object)
{
    (void)node;
    const spec_metadata *m = object;
    return sc_check_name(b->diag, m->name_node, m->name);
}

static const bind_field metadata_fields[] = {
    {.key = "name", .kind = BIND_STRING, .required = true, BIND_AT(spec_metadata, name),
     BIND_NODE_AT(spec_metadata, name_node),
     .help = "names the run and its folder of results: small letters, digits, '-'"},
    {.key = "description", .kind = BIND_STRING, .preset = "", BIND_AT(spec_metadata, description),
     .help = "one line for people"},
    {.key = NULL}};
static const bind_table metadata_table = {.name = "metadata", .size = sizeof(spec_metadata), .fields = metadata_fields,
                                          .check = metadata_check};

/* --- regions ----------------------------------------------------------------------------------------------- */

/* "+08:00" -> ns. */
static bool read_offset(bind *b, const bind_field *field, const ynode *node, void *at)
{
    (void)field;
    spec_region *region = at;
    const char *t = node->kind == YNODE_SCALAR ? node->text : "";
    int64_t clock_ns = 0;
    if ((t[0] == '+' || t[0] == '-') && strlen(t) == 6 && bind_parse_clock(t + 1, &clock_ns) == NULL &&
        clock_ns <= INT64_C(14) * 3600 * SPW_NS_PER_S) {
        region->utc_offset_ns = t[0] == '-' ? -clock_ns : clock_ns;
        region->has_utc_offset = true;
        return true;
    }
    char got[64];
    ynode_error(b->diag, node, "'utcOffset' must be a difference to UTC like \"+08:00\", got %s",
                ynode_describe(node, got, sizeof got));
    return false;
}

static const bind_field region_fields[] = {
    {.key = "name", .kind = BIND_STRING, .required = true, BIND_AT(spec_region, name),
     BIND_NODE_AT(spec_region, name_node), .help = "a region of tables/rtt.csv, e.g. cn-hangzhou"},
    {.key = "jurisdiction", .kind = BIND_STRING, .preset = "", BIND_AT(spec_region, jurisdiction),
     .help = "whose law the region is under, e.g. CN"},
    {.key = "utcOffset", .kind = BIND_CUSTOM, .custom = read_offset, .offset = 0,
     .help = "local time of users here, \"+08:00\"; default: the offset of spec.start"},
    {.key = "provider", .kind = BIND_STRING, BIND_AT(spec_region, provider), BIND_NODE_AT(spec_region, provider_node),
     .help = "whose network users here enter, of tables/egress.csv: prices requests and answers on their way between "
             "there and the clusters; default: only answers cost, at the cluster's price to users"},
    {.key = NULL}};
static const bind_table region_table = {.name = "region", .size = sizeof(spec_region), .fields = region_fields,
                                        .self_at = offsetof(spec_region, self) + 1u};

/* --- clusters and pools ------------------------------------------------------------------------------------ */

static bool nodes_check(bind *b, const ynode *node, void *object)
{
    spec_nodes *n = object;
    if (n->start < 0) {
        n->start = n->min;
    }
    if (n->min > n->max || n->start < n->min || n->start > n->max) {
        ynode_error(b->diag, node, "'nodes' must satisfy min <= start <= max, got min %d, start %d, max %d", n->min,
                    n->start, n->max);
        return false;
    }
    return true;
}

static const bind_field nodes_fields[] = {
    {.key = "min", .kind = BIND_INT32, .preset = "0", .range = BIND_MIN | BIND_MAX, .min = 0, .max = SPW_NODES_MAX,
     BIND_AT(spec_nodes, min), .help = "never fewer nodes"},
    {.key = "max", .kind = BIND_INT32, .required = true, .range = BIND_MIN | BIND_MAX, .min = 0, .max = SPW_NODES_MAX,
     BIND_AT(spec_nodes, max),
     .help = "never more nodes; those under notice of the market do not count, so that others can take their place"},
    {.key = "start", .kind = BIND_INT32, .preset = "-1", .range = BIND_MIN | BIND_MAX, .min = -1, .max = SPW_NODES_MAX,
     BIND_AT(spec_nodes, start),
     .help = "nodes up at the start, of spot no more than the stock and the quota have; -1 = min"},
    {.key = NULL}};
static const bind_table nodes_table = {.name = "nodes", .size = sizeof(spec_nodes), .fields = nodes_fields,
                                       .check = nodes_check};

static bool read_nodes(bind *b, const bind_field *field, const ynode *node, void *at)
{
    spec_nodes *nodes = at;
    bool ok = true;
    if (node->kind == YNODE_MAPPING) {
        ok = bind_object(b, &nodes_table, node, nodes);
    } else {
        bind_field number = *field;
        number.kind = BIND_INT32;
        number.range = BIND_MIN | BIND_MAX;
        number.min = 0;
        number.max = SPW_NODES_MAX;
        int32_t value = 0;
        ok = bind_scalar(b, &number, node, &value);
        nodes->min = nodes->max = nodes->start = value;
    }
    nodes->node = node;
    return ok;
}

typedef struct price_override {
    double usd_per_gpu_h;
} price_override;

static const bind_field price_fields[] = {
    {.key = "usdPerGpuHour", .kind = BIND_DOUBLE, .required = true, .unit = "USD/h", .range = BIND_MIN | BIND_MAX,
     .min = 0.0, .max = 10000.0, BIND_AT(price_override, usd_per_gpu_h), .help = "price of one GPU for one hour"},
    {.key = NULL}};
static const bind_table price_table = {.name = "price", .size = sizeof(price_override), .fields = price_fields};

static bool read_price(bind *b, const bind_field *field, const ynode *node, void *at)
{
    (void)field;
    spec_price *price = at;
    if (node->kind == YNODE_SCALAR && strcmp(node->text, "default") == 0) {
        return true;
    }
    if (node->kind != YNODE_MAPPING) {
        char got[64];
        ynode_error(b->diag, node, "'price' must be default or {usdPerGpuHour: NUMBER}, got %s",
                    ynode_describe(node, got, sizeof got));
        return false;
    }
    price_override over = {0.0};
    if (!bind_object(b, &price_table, node, &over)) {
        return false;
    }
    price->uusd_per_gpu_h = llround(over.usd_per_gpu_h * 1e6);
    price->given = true;
    return true;
}

static bool pool_check(bind *b, const ynode *node, void *object)
{
    (void)node;
    const spec_pool *p = object;
    if (p->market != NULL && p->capacity != SPW_CAPACITY_SPOT) {
        ynode_error(b->diag, p->market_node, "'market' is for pools with capacity spot only");
        return false;
    }
    const bool elastic = p->capacity == SPW_CAPACITY_ON_DEMAND || p->capacity == SPW_CAPACITY_SPOT;
    if (p->walk != NULL && p->capacity != SPW_CAPACITY_SPOT) {
        ynode_error(b->diag, p->walk_node, "'priceWalk' is for pools with capacity spot only");
        return false;
    }
    if ((p->stock != NULL || p->stock_record != NULL) && !elastic) {
        ynode_error(b->diag, p->stock != NULL ? p->stock_node : p->stock_record_node,
                    "'%s' is for pools with capacity on-demand or spot", p->stock != NULL ? "stock" : "stockRecord");
        return false;
    }
    if (p->stock != NULL && p->stock_record != NULL) {
        ynode_error(b->diag, p->stock_record_node, "a pool has either 'stock' or 'stockRecord'");
        return false;
    }
    if ((p->capacity == SPW_CAPACITY_OWNED || p->capacity == SPW_CAPACITY_RESERVED) && p->nodes.min != p->nodes.max) {
        ynode_error(b->diag, p->nodes.node,
                    "a pool that is owned or reserved has a fixed number of nodes (they are paid all the time); "
                    "write 'nodes: %d'",
                    p->nodes.max);
        return false;
    }
    return true;
}

static const bind_field pool_fields[] = {
    {.key = "name", .kind = BIND_STRING, .required = true, BIND_AT(spec_pool, name), BIND_NODE_AT(spec_pool, name_node),
     .help = "unique within the cluster"},
    {.key = "gpu", .kind = BIND_STRING, .required = true, BIND_AT(spec_pool, gpu), BIND_NODE_AT(spec_pool, gpu_node),
     .help = "a GPU of tables/gpus.csv, e.g. RTX-5090"},
    {.key = "gpusPerNode", .kind = BIND_INT32, .required = true, .range = BIND_MIN | BIND_MAX, .min = 1,
     .max = SPW_NODE_GPUS_MAX, BIND_AT(spec_pool, gpus_per_node), .help = "GPUs of one node"},
    {.key = "capacity", .kind = BIND_ENUM, .required = true, .names = capacity_names, BIND_AT(spec_pool, capacity),
     .help = "how the nodes are paid for"},
    {.key = "nodes", .kind = BIND_CUSTOM, .required = true, .custom = read_nodes, .table = &nodes_table,
     BIND_AT(spec_pool, nodes), .help = "a number, or {min, max, start} for a pool that can grow"},
    {.key = "lag", .kind = BIND_STRING, BIND_AT(spec_pool, lag), BIND_NODE_AT(spec_pool, lag_node),
     .help = "a row of tables/lags.csv; default: on-premises for owned pools, cloud-default for the others"},
    {.key = "market", .kind = BIND_STRING, BIND_AT(spec_pool, market), BIND_NODE_AT(spec_pool, market_node),
     .help = "spot: a row of tables/markets.csv or bathtubs.csv (when nodes are reclaimed, and how long none is at "
             "first), or none; default: default"},
    {.key = "price", .kind = BIND_CUSTOM, .custom = read_price, .table = &price_table, BIND_AT(spec_pool, price),
     .help = "default (tables/prices.csv, tables/owned.csv) or {usdPerGpuHour: NUMBER}"},
    {.key = "minBilling", .kind = BIND_DURATION, .range = BIND_MIN | BIND_MAX, .min = 0, .max = 30.0 * 86400.0,
     BIND_AT(spec_pool, min_billing_ns), BIND_HAS(spec_pool, has_min_billing),
     BIND_NODE_AT(spec_pool, min_billing_node),
     .help = "a node is billed for at least this long; default: as tables/prices.csv says"},
    {.key = "stock", .kind = BIND_STRING, BIND_AT(spec_pool, stock), BIND_NODE_AT(spec_pool, stock_node),
     .help = "on-demand, spot: a row of tables/stocks.csv (what the provider has over time); default: no limit"},
    {.key = "stockRecord", .kind = BIND_STRING, BIND_AT(spec_pool, stock_record),
     BIND_NODE_AT(spec_pool, stock_record_node),
     .help = "instead of stock: a record to replay (JSON of skypilot-org/spot-traces), relative to this file. If it "
             "has prices, that of a spot pool without priceWalk moves with them: its own, times price / mean of the "
             "record"},
    {.key = "stockSeen", .kind = BIND_DURATION, .preset = "0s", .range = BIND_MIN | BIND_MAX, .min = 0.0,
     .max = 366.0 * 86400.0, BIND_AT(spec_pool, stock_seen_ns), BIND_NODE_AT(spec_pool, stock_seen_node),
     .help = "the provider tells what it has left this often, and it is believed as long; 0 = it never does"},
    {.key = "orderBatch", .kind = BIND_INT32, .preset = "0", .range = BIND_MIN | BIND_MAX, .min = 0,
     .max = SPW_NODES_MAX, BIND_AT(spec_pool, order_batch), BIND_NODE_AT(spec_pool, order_batch_node),
     .help = "nodes that one order may ask for; 0 = any number"},
    {.key = "orderEvery", .kind = BIND_DURATION, .preset = "1m", .range = BIND_MIN | BIND_MAX, .min = 1.0,
     .max = 86400.0, BIND_AT(spec_pool, order_every_ns), .help = "with orderBatch: time between orders"},
    {.key = "labels", .kind = BIND_TEXTS, BIND_AT(spec_pool, labels), BIND_COUNT(spec_pool, label_count),
     .help = "of its nodes: units of a ResourcePolicy select pools by them"},
    {.key = "priceWalk", .kind = BIND_STRING, BIND_AT(spec_pool, walk), BIND_NODE_AT(spec_pool, walk_node),
     .help = "spot: a row of tables/walks.csv (how the price moves); default: constant, or as the prices of a "
             "stockRecord, scaled so that their mean is the pool's own price"},
    {.key = NULL}};
static const bind_table pool_table = {.name = "pool", .size = sizeof(spec_pool), .fields = pool_fields,
                                      .self_at = offsetof(spec_pool, self) + 1u, .check = pool_check};

static const bind_field cluster_fields[] = {
    {.key = "name", .kind = BIND_STRING, .required = true, BIND_AT(spec_cluster, name),
     BIND_NODE_AT(spec_cluster, name_node), .help = "the name that placement policies refer to"},
    {.key = "region", .kind = BIND_STRING, .required = true, BIND_AT(spec_cluster, region),
     BIND_NODE_AT(spec_cluster, region_node), .help = "one of spec.regions"},
    {.key = "zone", .kind = BIND_STRING, .preset = "", BIND_AT(spec_cluster, zone), .help = "zone within the region"},
    {.key = "provider", .kind = BIND_STRING, .required = true, BIND_AT(spec_cluster, provider),
     BIND_NODE_AT(spec_cluster, provider_node), .help = "a provider of tables/egress.csv, e.g. on-premises, alibaba"},
    {.key = "labels", .kind = BIND_TEXTS, BIND_AT(spec_cluster, labels), BIND_COUNT(spec_cluster, label_count),
     .help = "what label selectors of policies see"},
    {.key = "pools", .kind = BIND_LIST, .required = true, .count_min = 1, .table = &pool_table,
     BIND_AT(spec_cluster, pools), BIND_COUNT(spec_cluster, pool_count), .help = "groups of equal nodes"},
    {.key = NULL}};
static const bind_table cluster_table = {.name = "cluster", .size = sizeof(spec_cluster), .fields = cluster_fields,
                                         .self_at = offsetof(spec_cluster, self) + 1u};

/* --- the rest ---------------------------------------------------------------------------------------------- */

static const bind_field network_fields[] = {
    {.key = "rtt", .kind = BIND_STRING, .preset = "default", BIND_AT(spec_network, rtt),
     BIND_NODE_AT(spec_network, rtt_node), .help = "default (tables/rtt.csv) or none (no delay anywhere)"},
    {.key = "jitter", .kind = BIND_STRING, .preset = "none", BIND_AT(spec_network, jitter),
     BIND_NODE_AT(spec_network, jitter_node), .help = "none (constant delays) or a row of tables/jitter.csv: default"},
    {.key = "egress", .kind = BIND_STRING, .preset = "default", BIND_AT(spec_network, egress),
     BIND_NODE_AT(spec_network, egress_node), .help = "default (tables/egress.csv) or none (bytes are free)"},
    {.key = NULL}};
static const bind_table network_table = {.name = "network", .size = sizeof(spec_network), .fields = network_fields};

static const bind_field metrics_fields[] = {
    {.key = "scrape", .kind = BIND_DURATION, .preset = "15s", .range = BIND_MIN | BIND_MAX, .min = 1.0, .max = 3600.0,
     BIND_AT(spec_metrics, scrape_ns), .help = "period in which metrics and state are read"},
    {.key = "delay", .kind = BIND_DURATION, .preset = "5s", .range = BIND_MIN | BIND_MAX, .min = 0.0, .max = 3600.0,
     BIND_AT(spec_metrics, delay_ns), .help = "from reading to being visible to the control plane"},
    {.key = "noise", .kind = BIND_DOUBLE, .preset = "0", .range = BIND_MIN | BIND_MAX, .min = 0.0, .max = 1.0,
     BIND_AT(spec_metrics, noise), .help = "relative standard deviation of a sample"},
    {.key = "dropout", .kind = BIND_DOUBLE, .preset = "0", .range = BIND_MIN | BIND_MAX, .min = 0.0, .max = 1.0,
     BIND_AT(spec_metrics, dropout), .help = "probability that a sample is lost"},
    {.key = NULL}};
static const bind_table metrics_table = {.name = "metrics", .size = sizeof(spec_metrics), .fields = metrics_fields};

static const bind_field body_fields[] = {
    {.key = "start", .kind = BIND_TIME, .preset = "2026-01-05T00:00:00Z", BIND_AT(spec_body, start),
     .help = "wall-clock time at simulated time 0: anchors daily and weekly patterns"},
    {.key = "duration", .kind = BIND_DURATION, .required = true, .range = BIND_ABOVE | BIND_MAX, .min = 0.0,
     .max = SECONDS_PER_YEAR, BIND_AT(spec_body, duration_ns), .help = "simulated time, warm-up included"},
    {.key = "warmup", .kind = BIND_DURATION, .preset = "0s", .range = BIND_MIN, .min = 0.0,
     BIND_AT(spec_body, warmup_ns), BIND_NODE_AT(spec_body, warmup_node), .help = "left out of all statistics"},
    {.key = "tick", .kind = BIND_DURATION, .preset = "15s", .range = BIND_MIN | BIND_MAX, .min = 1.0, .max = 3600.0,
     BIND_AT(spec_body, tick_ns), .help = "control period of the scheduling core"},
    {.key = "seed", .kind = BIND_UINT64, .preset = "1", BIND_AT(spec_body, seed), .help = "root of all random streams"},
    {.key = "manifests", .kind = BIND_SCALARS, .item = BIND_STRING, .required = true, .count_min = 1,
     BIND_AT(spec_body, manifests), BIND_COUNT(spec_body, manifest_count), BIND_NODE_AT(spec_body, manifests_node),
     .help = "Kubernetes YAML files, relative to this file"},
    {.key = "regions", .kind = BIND_LIST, .required = true, .count_min = 1, .table = &region_table,
     BIND_AT(spec_body, regions), BIND_COUNT(spec_body, region_count), .help = "where users and clusters are"},
    {.key = "clusters", .kind = BIND_LIST, .required = true, .count_min = 1, .table = &cluster_table,
     BIND_AT(spec_body, clusters), BIND_COUNT(spec_body, cluster_count), .help = "the fleet"},
    {.key = "services", .kind = BIND_LIST, .required = true, .count_min = 1, .table = &spec_service_table,
     BIND_AT(spec_body, services), BIND_COUNT(spec_body, service_count),
     .help = "what the workloads serve, and to whom"},
    {.key = "network", .kind = BIND_TABLE, .table = &network_table, BIND_AT(spec_body, network),
     .help = "the wide area"},
    {.key = "metrics", .kind = BIND_TABLE, .table = &metrics_table, BIND_AT(spec_body, metrics),
     .help = "how well the control plane sees"},
    {.key = "prices", .kind = BIND_ENUM, .preset = "default", .names = price_names, BIND_AT(spec_body, prices),
     .help = "tables/prices.csv and tables/owned.csv; full: owned GPUs with cost of capital and staff"},
    {.key = "quotas", .kind = BIND_LIST, .table = &spec_quota_table, BIND_AT(spec_body, quotas),
     BIND_COUNT(spec_body, quota_count), .help = "what providers let an account hold"},
    {.key = "delivery", .kind = BIND_OPTION, .table = &spec_delivery_table, BIND_AT(spec_body, delivery),
     .help = "images and weights by layer, node caches, registries, peers; default: rates of tables/lags.csv alone"},
    {.key = "faults", .kind = BIND_LIST, .table = &spec_fault_table, BIND_AT(spec_body, faults),
     BIND_COUNT(spec_body, fault_count), .help = "what goes wrong, and when"},
    {.key = NULL}};

static bool body_check(bind *b, const ynode *node, void *object)
{
    const spec_body *s = object;
    if (s->warmup_ns >= s->duration_ns) {
        ynode_error(b->diag, s->warmup_node != NULL ? s->warmup_node : node,
                    "'spec.warmup' must be shorter than 'spec.duration': nothing would be counted");
        return false;
    }
    return true;
}

static const bind_table body_table = {.name = "spec", .size = sizeof(spec_body), .fields = body_fields,
                                      .check = body_check};

static const bind_field root_fields[] = {
    {.key = "apiVersion", .kind = BIND_ENUM, .required = true, .names = api_names, BIND_AT(spec_root, api_version),
     .help = "version of this format"},
    {.key = "kind", .kind = BIND_ENUM, .required = true, .names = kind_names, BIND_AT(spec_root, kind),
     .help = "what the file holds"},
    {.key = "metadata", .kind = BIND_TABLE, .required = true, .table = &metadata_table, BIND_AT(spec_root, metadata),
     .help = "name and description"},
    {.key = "spec", .kind = BIND_TABLE, .required = true, .table = &body_table, BIND_AT(spec_root, spec),
     .help = "the world and its load"},
    {.key = NULL}};

const bind_table spec_table = {.name = "Scenario", .size = sizeof(spec_root), .fields = root_fields};

void sc_print_schema(FILE *file)
{
    (void)bind_print_schema(file, &spec_table, BIND_SCHEMA_TEXT);
}
