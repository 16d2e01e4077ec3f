/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * summary_schema.c - the keys of summary.json as a reference for people, in the form of the other schemas.
 *
 * The figures themselves are put together in figures.c and summary.c. A key that is in one place and not in the other
 * fails tests/unit/test_schemas.c, whichever it is.
 */
#include "sim/report/report.h"

#include <stddef.h>

#define PATH_SIZE 192

/* A key, or the keys of all entries of a map or list. */
typedef struct row {
    const char *key; /* "name", "name[]" for a list, "<name>" for entries that are called by a name; NULL = the end */
    const char *kind, *help;
    const struct row *inside; /* NULL = a value */
} row;

#define ENTRIES(kind) "mapping by " kind

static const row requests[] = {
    {"offered", "integer", "sent after the warm-up", NULL},
    {"completed", "integer", "answered whole", NULL},
    {"rejected", "integer", "the gateway was full, or every cluster refused", NULL},
    {"timed_out", "integer", "the user gave up before the answer was whole", NULL},
    {"in_flight", "integer", "without an outcome at the end", NULL},
    {NULL, NULL, NULL, NULL},
};
static const row spread[] = {
    {"count", "integer", "values", NULL},
    {"mean", "number [s]", "exact", NULL},
    {"p50", "number [s]", "percentile, interpolated in a histogram: within one part in a hundred", NULL},
    {"p90", "number [s]", "percentile", NULL},
    {"p95", "number [s]", "percentile", NULL},
    {"p99", "number [s]", "percentile", NULL},
    {"max", "number [s]", "exact", NULL},
    {NULL, NULL, NULL, NULL},
};
static const row latency[] = {
    {"ttft_s", "mapping", "from the first sending to the first token at the user", spread},
    {"tpot_s", "mapping", "time between first and last token of an answer, by tokens less one", spread},
    {"e2e_s", "mapping", "from the first sending to the last token at the user", spread},
    {"queue_s", "mapping", "waiting before a request's first work", spread},
    {"network_s", "mapping", "on the way to the cluster and back", spread},
    {NULL, NULL, NULL, NULL},
};
static const row prefix_cache[] = {
    {"tokens_cached", "integer", "prompt tokens found", NULL},
    {"tokens_computed", "integer", "prompt tokens computed", NULL},
    {"hit_share", "number", "found, of both", NULL},
    {NULL, NULL, NULL, NULL},
};
static const row jurisdiction[] = {
    {"served_abroad", "integer", "answered under another law than the user's", NULL},
    {"residency_violations", "integer", "answered where the workload may not run", NULL},
    {NULL, NULL, NULL, NULL},
};
static const row reclaim[] = {
    {"replicas_under_notice", "integer", "on nodes that were to be taken", NULL},
    {"requests_inside", "integer", "on them then", NULL},
    {"requests_rerouted", "integer", "sent to another replica at once", NULL},
    {"requests_recomputed", "integer", "lost with the node and begun anew", NULL},
    {"requests_lost", "integer", "lost with the node for good", NULL},
    {NULL, NULL, NULL, NULL},
};
static const row attempts[] = {
    {"sent", "integer", "attempts, the first ones included", NULL},
    {"rejected", "integer", "that were refused", NULL},
    {"timed_out", "integer", "that the client gave up", NULL},
    {"shed", "integer", "that admission control refused", NULL},
    {"denied", "integer", "that the retry budget did not grant", NULL},
    {NULL, NULL, NULL, NULL},
};
static const row region[] = {
    {"requests", "mapping", "of users there", requests},
    {"latency", "mapping", "that they saw", latency},
    {NULL, NULL, NULL, NULL},
};
static const row regions[] = {{"<region>", "mapping", "a region of users", region}, {NULL, NULL, NULL, NULL}};
static const row ended[] = {
    {"requests", "integer", "completed after the warm-up", NULL},
    {"tokens_in", "integer", "prompt tokens of theirs", NULL},
    {"tokens_out", "integer", "output tokens of theirs", NULL},
    {NULL, NULL, NULL, NULL},
};
static const row service[] = {
    {"requests", "mapping", "outcomes", requests},
    {"latency", "mapping", "as users saw it", latency},
    {"good", "integer", "completed within every target", NULL},
    {"attainment", "number", "good, of those with an outcome", NULL},
    {"goodput_rps", "number [1/s]", "good, by measured_s", NULL},
    {"tokens_in", "integer", "prompt tokens of completed requests", NULL},
    {"tokens_out", "integer", "output tokens of completed requests", NULL},
    {"ended", "mapping", "whenever sent, in the warm-up too", ended},
    {"kv_preemptions", "integer", "requests thrown out of a batch for want of KV blocks", NULL},
    {"prefix_cache", "mapping", "where a prefix cache found something", prefix_cache},
    {"jurisdiction", "mapping", "where regions are under more than one law", jurisdiction},
    {"reclaim", "mapping", "where nodes can be taken", reclaim},
    {"attempts", "mapping", "with retry or admission", attempts},
    {"regions", ENTRIES("region"), "by where users are", regions},
    {NULL, NULL, NULL, NULL},
};
static const row services[] = {{"<namespace/name>", "mapping", "a service", service}, {NULL, NULL, NULL, NULL}};
static const row tenant[] = {
    {"requests", "mapping", "outcomes", requests},
    {"latency", "mapping", "as its users saw it", latency},
    {"good", "integer", "completed within every target", NULL},
    {"attainment", "number", "good, of those with an outcome", NULL},
    {"shed", "integer", "attempts that admission control refused", NULL},
    {NULL, NULL, NULL, NULL},
};
static const row tenants[] = {{"<tenant>", "mapping", "a tenant", tenant}, {NULL, NULL, NULL, NULL}};
static const row target[] = {
    {"service", "string", "namespace/name", NULL},
    {"metric", "string", "ttft, tpot or e2e", NULL},
    {"percentile", "number", "0.95 = p95", NULL},
    {"limit_s", "number [s]", "of the percentile", NULL},
    {"achieved_s", "number [s]", "the percentile, lost requests as infinitely late; null = never", NULL},
    {"holds", "boolean", "null = no traffic", NULL},
    {"met", "integer", "requests within the limit", NULL},
    {"missed", "integer", "requests beyond it, lost ones among them", NULL},
    {"attainment", "number", "met, of both", NULL},
    {"minutes", "integer", "with traffic", NULL},
    {"minutes_violated", "integer", "in which the percentile of the minute was beyond the limit", NULL},
    {NULL, NULL, NULL, NULL},
};
static const row slo[] = {
    {"good", "integer", "completed within every target", NULL},
    {"attainment", "number", "good, of those with an outcome", NULL},
    {"goodput_rps", "number [1/s]", "good, by measured_s", NULL},
    {"minutes_violated", "integer", "of all targets", NULL},
    {"targets[]", "list of mappings", "each target of each service", target},
    {NULL, NULL, NULL, NULL},
};
static const row pools_usd[] = {{"<cluster/pool>", "number [USD]", "", NULL}, {NULL, NULL, NULL, NULL}};
static const row pools_uusd[] = {{"<cluster/pool>", "integer [1e-6 USD]", "", NULL}, {NULL, NULL, NULL, NULL}};
static const row kinds_usd[] = {
    {"<kind>", "number [USD]", "owned, on_demand, reserved, spot; egress: all data and images moved", NULL},
    {NULL, NULL, NULL, NULL},
};
static const row kinds_uusd[] = {{"<kind>", "integer [1e-6 USD]", "likewise", NULL}, {NULL, NULL, NULL, NULL}};
static const row way[] = {
    {"request_bytes", "integer [B]", "from the entry to the cluster", NULL},
    {"request_uusd", "integer [1e-6 USD]", "their price", NULL},
    {"answer_bytes", "integer [B]", "from the cluster to the entry", NULL},
    {"answer_uusd", "integer [1e-6 USD]", "their price", NULL},
    {"to_users_bytes", "integer [B]", "from the entry to users", NULL},
    {"to_users_uusd", "integer [1e-6 USD]", "their price", NULL},
    {NULL, NULL, NULL, NULL},
};
static const row ways[] = {{"<cluster>", "mapping", "a cluster", way}, {NULL, NULL, NULL, NULL}};
static const row entry[] = {
    {"provider", "string", "whose network users enter", NULL},
    {"clusters", ENTRIES("cluster"), "ways between there and the clusters", ways},
    {NULL, NULL, NULL, NULL},
};
static const row entries[] = {{"<region>", "mapping", "a region", entry}, {NULL, NULL, NULL, NULL}};
static const row cost[] = {
    {"total_usd", "number [USD]", "paid after the warm-up", NULL},
    {"total_uusd", "integer [1e-6 USD]", "the same, exact", NULL},
    {"by_pool", ENTRIES("pool"), "nodes", pools_usd},
    {"by_kind", ENTRIES("kind"), "the parts of total_usd", kinds_usd},
    {"by_pool_uusd", ENTRIES("pool"), "the same, exact", pools_uusd},
    {"by_kind_uusd", ENTRIES("kind"), "the same, exact", kinds_uusd},
    {"images_usd", "number [USD]", "with delivery: moving and storing images and weights, a part of egress", NULL},
    {"ways_usd", "number [USD]", "where regions name providers: requests and answers, a part of egress", NULL},
    {"entries", ENTRIES("region"), "the same by where users enter", entries},
    {"usd_per_1k_requests", "number [USD]", "by completed requests", NULL},
    {"usd_per_1m_tokens", "number [USD]", "by tokens in and out", NULL},
    {"usd_per_1m_output_tokens", "number [USD]", "by tokens out", NULL},
    {"tokens_in", "integer", "prompt tokens of completed requests", NULL},
    {"tokens_out", "integer", "output tokens of completed requests", NULL},
    {NULL, NULL, NULL, NULL},
};
static const row pool[] = {
    {"kind", "string", "owned, on_demand, reserved or spot", NULL},
    {"gpu", "string", "GPU class", NULL},
    {"gpu_hours", "number [h]", "paid for", NULL},
    {"held_gpu_hours", "number [h]", "taken by replicas", NULL},
    {"busy_gpu_hours", "number [h]", "in which an engine step ran", NULL},
    {"utilisation", "number", "busy, of those paid for", NULL},
    {"peak_nodes", "integer", "most at once, those under notice included", NULL},
    {"provisioned", "integer", "nodes that came up", NULL},
    {"preempted_by_market", "integer", "nodes that were taken", NULL},
    {"failed_to_provision", "integer", "orders that brought none", NULL},
    {"released", "integer", "nodes given back", NULL},
    {"refused_stock", "integer", "orders refused for want of stock, where supply is limited", NULL},
    {"refused_quota", "integer", "orders beyond the quota", NULL},
    {"taken_by_shocks", "integer", "nodes taken by a shock or a fall of the stock", NULL},
    {NULL, NULL, NULL, NULL},
};
static const row capacity[] = {{"<cluster/pool>", "mapping", "a pool", pool}, {NULL, NULL, NULL, NULL}};
static const row burst_stages[] = {
    {"<stage>_s", "number [s]", "inventory, boot, join, pull, fetch, load, warmup: mean of replicas_started", NULL},
    {NULL, NULL, NULL, NULL},
};
static const row burst_one[] = {
    {"service", "string", "namespace/name", NULL},
    {"onset_s", "number [s]",
     "when demand began to outrun ready replicas, of simulated time like the next four; null = did not come", NULL},
    {"primary_saturated_s", "number [s]", "when the best group had no room left", NULL},
    {"overflow_started_s", "number [s]", "when a later group was first given replicas", NULL},
    {"absorbed_s", "number [s]", "when ready replicas first caught up with the wanted number", NULL},
    {"overflow_released_s", "number [s]", "when the later groups were empty again", NULL},
    {"requests_hurt", "integer", "beyond the TTFT limit or lost, from the onset to the end", NULL},
    {"extra_usd", "number [USD]", "its part of the later groups' elastic pools, without egress", NULL},
    {"extra_uusd", "integer [1e-6 USD]", "the same, exact", NULL},
    {"release_order[]", "list of string", "clusters in the order in which they were left", NULL},
    {"replicas_started", "integer", "that became ready", NULL},
    {"stage_s", ENTRIES("stage"), "where their time went", burst_stages},
    {NULL, NULL, NULL, NULL},
};
static const row burst[] = {
    {"count", "integer", "bursts", NULL},
    {"requests_hurt", "integer", "of all", NULL},
    {"extra_usd", "number [USD]", "of all", NULL},
    {"extra_uusd", "integer [1e-6 USD]", "the same, exact", NULL},
    {"bursts[]", "list of mappings", "each of them; not under pooled", burst_one},
    {NULL, NULL, NULL, NULL},
};
static const row stage[] = {
    {"mean", "number [s]", "of all starts", NULL},
    {"p90", "number [s]", "percentile", NULL},
    {NULL, NULL, NULL, NULL},
};
static const row stages[] = {
    {"<stage>_s", "mapping", "inventory, boot, join, pull, fetch, load, warmup", stage},
    {NULL, NULL, NULL, NULL},
};
static const row start[] = {
    {"replicas", "integer", "that became ready", NULL},
    {"decision_s", "number [s]", "mean age of the reading that asked for them", NULL},
    {"stages", ENTRIES("stage"), "of the lag chain", stages},
    {NULL, NULL, NULL, NULL},
};
static const row starts[] = {
    {"<kind>", "mapping", "node_up: placed on a node that was up; node_ordered: waited for one", start},
    {NULL, NULL, NULL, NULL},
};
static const row lag[] = {
    {"replicas", "integer", "that became ready", NULL},
    {"decision_s", "number [s]", "mean age of the reading that asked for them", NULL},
    {"stages", ENTRIES("stage"), "of the lag chain", stages},
    {"starts", ENTRIES("kind"), "the same by what a start had to wait for", starts},
    {NULL, NULL, NULL, NULL},
};
static const row control[] = {
    {"ticks", "integer", "of the core", NULL},
    {"actions", "integer", "planned", NULL},
    {"flaps", "integer", "placements turned round within their window", NULL},
    {"stale_decisions", "integer", "ticks on old observations", NULL},
    {"moved_replicas", "integer", "from one cluster to another", NULL},
    {"workload_preemptions", "integer", "replicas that gave way to a higher priority", NULL},
    {"unplaced_replica_seconds", "number [s]", "replicas that found no room, times the time", NULL},
    {"bad_snapshots", "integer", "0, or a bug", NULL},
    {"bad_plans", "integer", "0, or a bug", NULL},
    {NULL, NULL, NULL, NULL},
};
static const row fault[] = {
    {"kind", "string", "as in the scenario", NULL},
    {"windows", "integer", "times that it began", NULL},
    {"held_s", "number [s]", "altogether", NULL},
    {"nodes", "integer", "that it took down", NULL},
    {"requests", "integer", "that were on them: routed anew, or lost", NULL},
    {"actions", "integer", "refused, put off, lost or doubled", NULL},
    {"samples", "integer", "of metrics: missing or wrong", NULL},
    {NULL, NULL, NULL, NULL},
};
static const row replication[] = {
    {"replication", "integer", "its number, from 0", NULL},
    {"seed", "integer", "root of its random streams", NULL},
    {"requests", "mapping", "outcomes", requests},
    {"latency", "mapping", "as users saw it", latency},
    {"services", ENTRIES("service"), "the same of each, and its engines", services},
    {"tenants", ENTRIES("tenant"), "where traffic says whose it is", tenants},
    {"slo", "mapping", "targets", slo},
    {"cost", "mapping", "money", cost},
    {"capacity", ENTRIES("pool"), "nodes and GPUs", capacity},
    {"burst", "mapping", "bursts", burst},
    {"lag", "mapping", "from the reading to ready", lag},
    {"control", "mapping", "the scheduling core", control},
    {"faults[]", "list of mappings", "where the scenario has any", fault},
    {NULL, NULL, NULL, NULL},
};
static const row scenario[] = {
    {"name", "string", "metadata.name", NULL},
    {"title", "string", "metadata.description", NULL},
    {"hash", "string", "16 hex digits: of all that decides the results", NULL},
    {"seed", "integer", "of replication 0", NULL},
    {"start", "string", "wall-clock time at simulated time 0", NULL},
    {"duration_s", "number [s]", "simulated", NULL},
    {"warmup_s", "number [s]", "left out of all statistics", NULL},
    {"measured_s", "number [s]", "the rest", NULL},
    {"tick_s", "number [s]", "control period", NULL},
    {"replications", "integer", "how many", NULL},
    {NULL, NULL, NULL, NULL},
};
static const row decide[] = {
    {"p50", "number [us]", "median of a tick of the core", NULL},
    {"p99", "number [us]", "percentile", NULL},
    {"max", "number [us]", "the longest", NULL},
    {NULL, NULL, NULL, NULL},
};
static const row host[] = {
    {"wall_s", "number [s]", "of all replications", NULL},
    {"cpu_s", "number [s]", "of all replications", NULL},
    {"events", "integer", "simulated", NULL},
    {"requests", "integer", "simulated", NULL},
    {"requests_per_cpu_s", "number [1/s]", "speed", NULL},
    {"peak_rss_bytes", "integer [B]", "memory of the process", NULL},
    {"threads", "integer", "that ran replications", NULL},
    {"decide_us", "mapping", "time of a decision", decide},
    {NULL, NULL, NULL, NULL},
};
static const row document[] = {
    {"version", "string", "of the build", NULL},
    {"scenario", "mapping", "what was run", scenario},
    {"replications[]", "list of mappings", "each", replication},
    {"pooled", "mapping", "as a replication, each of its numbers as {mean, ci95_half_width} over replications", NULL},
    {"host", "mapping", "wall-clock figures: all that differs from run to run", host},
    {NULL, NULL, NULL, NULL},
};

static void put_rows(const row *r, const char *path, FILE *out)
{
    for (; r->key != NULL; r++) {
        char full[PATH_SIZE];
        (void)snprintf(full, sizeof full, "%s%s%s", path, path[0] != '\0' ? "." : "", r->key);
        fprintf(out, "%-44s %s%s%s\n", full, r->kind, r->help[0] != '\0' ? "  # " : "", r->help);
        if (r->inside != NULL) {
            put_rows(r->inside, full, out);
        }
    }
}

void report_summary_schema(FILE *out)
{
    fputs("Summary: summary.json, and --format json; a number that does not exist is null\n", out);
    put_rows(document, "", out);
}
