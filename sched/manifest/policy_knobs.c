/* SPDX-License-Identifier: Apache-2.0 */
/** policy_knobs.c - one row per annotation; the values go through the same readers as every other key. */
#include "sched/manifest/policy_knobs.h"

#include <string.h>

#define MOVES_MAX    1000000
#define CAPACITY_MAX 1000000 /* requests per second of one replica */
#define WEIGHT_MAX   1000000

typedef struct knobs {
    int32_t failback;
    int64_t failback_window_ns;
    int32_t moves_per_tick;
    int64_t move_deadline_ns;
    int64_t provision_deadline_ns;
    int64_t node_unneeded_ns;
    int32_t step_major;
    int32_t partial;
    int32_t elastic;
    int32_t preempt;
    int64_t min_runtime_ns;
    int32_t nodes_per_batch;
    int32_t compat;
    int32_t rounding;
    int64_t failover_after_ns;
    int64_t evict_grace_ns;
    int32_t failover_moves;
    int64_t flap_window_ns;
    int32_t deschedule;
    int64_t unschedulable_after_ns;
    int64_t deschedule_cooldown_ns;
    int64_t dwell_ns;
    int32_t moves_per_cluster;
    int32_t route;
    int64_t route_capacity_milli;
    double route_fill;
    int64_t route_lag_ns;
    double prefetch;
} knobs;

static const bind_name failback_names[] = {{"never", SPW_FAILBACK_NEVER},
                                           {"on-resize", SPW_FAILBACK_ON_RESIZE},
                                           {"automatic", SPW_FAILBACK_AUTOMATIC},
                                           {NULL, 0}};
static const bind_name step_names[] = {
    {"per-tier", SPW_STEP_PER_TIER}, {"per-cluster", SPW_STEP_PER_CLUSTER}, {"global", SPW_STEP_GLOBAL}, {NULL, 0}};
static const bind_name compat_names[] = {{"none", 0}, {"karmada", 1}, {NULL, 0}};
static const bind_name rounding_names[] = {{"webster", SPW_ROUND_WEBSTER}, {"floor", SPW_ROUND_FLOOR}, {NULL, 0}};
static const bind_name preempt_names[] = {{"off", SPW_PREEMPT_OFF},
                                          {"before-elastic", SPW_PREEMPT_BEFORE_ELASTIC},
                                          {"after-elastic", SPW_PREEMPT_AFTER_ELASTIC},
                                          {NULL, 0}};
static const bind_name bool_names[] = {{"true", 1}, {"false", 0}, {NULL, 0}};

static const bind_name route_names[] = {{"proportional", SPW_ROUTE_PROPORTIONAL},
                                        {"waterfall", SPW_ROUTE_WATERFALL},
                                        {"weights", SPW_ROUTE_WEIGHTS},
                                        {"levels", SPW_ROUTE_LEVELS},
                                        {NULL, 0}};

static const bind_name switch_names[] = {{"on", 1}, {"off", 0}, {NULL, 0}};

#define KNOB(name) .key = "spillway.dev/" name
#define DURATION_KNOB(name, member, low)                                                                               \
    {                                                                                                                  \
        KNOB(name), .kind = BIND_DURATION, .range = (low), .min = 0, BIND_AT(knobs, member)                            \
    }

static const bind_field knob_fields[] = {
    {KNOB("failback"), .kind = BIND_ENUM, .names = failback_names, BIND_AT(knobs, failback)},
    DURATION_KNOB("failback-window", failback_window_ns, BIND_MIN),
    {KNOB("moves-per-tick"), .kind = BIND_INT32, .range = BIND_MIN | BIND_MAX, .min = 0, .max = MOVES_MAX,
     BIND_AT(knobs, moves_per_tick)},
    DURATION_KNOB("move-deadline", move_deadline_ns, BIND_ABOVE),
    DURATION_KNOB("provision-deadline", provision_deadline_ns, BIND_ABOVE),
    DURATION_KNOB("node-unneeded", node_unneeded_ns, BIND_MIN),
    {KNOB("step-major"), .kind = BIND_ENUM, .names = step_names, BIND_AT(knobs, step_major)},
    {KNOB("partial"), .kind = BIND_ENUM, .names = bool_names, BIND_AT(knobs, partial)},
    {KNOB("elastic"), .kind = BIND_ENUM, .names = bool_names, BIND_AT(knobs, elastic)},
    {KNOB("preempt"), .kind = BIND_ENUM, .names = preempt_names, BIND_AT(knobs, preempt)},
    DURATION_KNOB("min-runtime", min_runtime_ns, BIND_MIN),
    {KNOB("nodes-per-batch"), .kind = BIND_INT32, .range = BIND_MIN | BIND_MAX, .min = 0, .max = SPW_NODES_MAX,
     BIND_AT(knobs, nodes_per_batch)},
    {.key = POLICY_COMPAT, .kind = BIND_ENUM, .names = compat_names, BIND_AT(knobs, compat)},
    {.key = POLICY_ROUNDING, .kind = BIND_ENUM, .names = rounding_names, BIND_AT(knobs, rounding)},
    DURATION_KNOB("failover-after", failover_after_ns, BIND_MIN),
    DURATION_KNOB("eviction-grace", evict_grace_ns, BIND_MIN),
    {KNOB("failover-moves"), .kind = BIND_INT32, .range = BIND_MIN | BIND_MAX, .min = 0, .max = MOVES_MAX,
     BIND_AT(knobs, failover_moves)},
    DURATION_KNOB("flap-window", flap_window_ns, BIND_MIN),
    {KNOB("deschedule"), .kind = BIND_ENUM, .names = switch_names, BIND_AT(knobs, deschedule)},
    DURATION_KNOB("unschedulable-after", unschedulable_after_ns, BIND_ABOVE),
    DURATION_KNOB("deschedule-cooldown", deschedule_cooldown_ns, BIND_MIN),
    DURATION_KNOB("dwell", dwell_ns, BIND_MIN),
    {KNOB("moves-per-cluster"), .kind = BIND_INT32, .range = BIND_MIN | BIND_MAX, .min = 0, .max = MOVES_MAX,
     BIND_AT(knobs, moves_per_cluster)},
    {KNOB("route"), .kind = BIND_ENUM, .names = route_names, BIND_AT(knobs, route)},
    {KNOB("route-capacity"), .kind = BIND_QUANTITY, .range = BIND_MIN | BIND_MAX, .min = 0, .max = CAPACITY_MAX,
     BIND_AT(knobs, route_capacity_milli)},
    {KNOB("route-fill"), .kind = BIND_DOUBLE, .range = BIND_ABOVE | BIND_MAX, .min = 0, .max = 1,
     BIND_AT(knobs, route_fill)},
    DURATION_KNOB("route-lag", route_lag_ns, BIND_MIN),
    {KNOB("prefetch"), .kind = BIND_DOUBLE, .range = BIND_MIN | BIND_MAX, .min = 0, .max = 1, BIND_AT(knobs, prefetch)},
};

#define KNOB_COUNT (sizeof(knob_fields) / sizeof(knob_fields[0]))

/* Lists with commas: read by code. */
#define ROUTE_REGIONS "spillway.dev/route-regions"
#define ROUTE_WEIGHTS "spillway.dev/route-weights"
#define GROUP_WINDOWS "spillway.dev/failback-windows"
#define LIST_COUNT    3

#define SECONDS(n) (INT64_C(n) * SPW_NS_PER_S)

/** What policies from manifests do unless they say otherwise: see the sources in core/mend.h. */
static void set_mending(spw_policy *policy)
{
    bool by_itself = policy->failback == SPW_FAILBACK_AUTOMATIC; /* ACK One's manners; Karmada waits for a change */

    policy->failover_after = SECONDS(30);
    policy->evict_grace = SECONDS(600);
    policy->unschedulable_after = by_itself ? SECONDS(30) : SECONDS(300);
    policy->deschedule_cooldown = SECONDS(600);
}

/** Next item of a list with commas, without the spaces around it. @return NULL at the end; length 0 = an empty item */
static const char *next_item(const char **at, size_t *length)
{
    if (*at == NULL) {
        return NULL;
    }
    const char *start = *at + strspn(*at, " ");
    size_t n = strcspn(start, ",");
    *at = start[n] == ',' ? start + n + 1 : NULL;
    while (n > 0 && start[n - 1] == ' ') {
        n--;
    }
    *length = n;
    return start;
}

static bool read_regions(bind *b, const bind_pair *pair, spw_policy *policy)
{
    const char *at = pair->value;
    const char **regions = zone_array(b->zone, strlen(pair->value) + 1, sizeof(*regions));
    size_t length = 0;

    for (const char *item = next_item(&at, &length); item != NULL && regions != NULL; item = next_item(&at, &length)) {
        if (length == 0 || policy->route_region_count == SPW_GROUPS_MAX) {
            ynode_error(b->diag, pair->node, "annotation '%s' must name 1 to %d regions with commas between, not '%s'",
                        pair->key, SPW_GROUPS_MAX, pair->value);
            return false;
        }
        regions[policy->route_region_count++] = zone_text(b->zone, item, length);
    }
    policy->route_regions = regions;
    return regions != NULL;
}

/** "idc=3" */
static bool read_weight(bind *b, const char *item, size_t length, spw_route_weight *out)
{
    const char *equals = memchr(item, '=', length);
    size_t name = equals == NULL ? 0 : (size_t)(equals - item);
    size_t digits = equals == NULL ? 0 : length - name - 1;

    out->weight = 0;
    if (name == 0 || digits == 0 || digits > 7) {
        return false;
    }
    for (size_t i = 0; i < digits; i++) {
        if (equals[1 + i] < '0' || equals[1 + i] > '9') {
            return false;
        }
        out->weight = out->weight * 10 + (equals[1 + i] - '0');
    }
    out->cluster = zone_text(b->zone, item, name);
    return out->weight <= WEIGHT_MAX && out->cluster != NULL;
}

static bool read_weights(bind *b, const bind_pair *pair, spw_policy *policy)
{
    const char *at = pair->value;
    spw_route_weight *weights = zone_array(b->zone, strlen(pair->value) + 1, sizeof(*weights));
    size_t length = 0;

    for (const char *item = next_item(&at, &length); item != NULL && weights != NULL; item = next_item(&at, &length)) {
        if (!read_weight(b, item, length, &weights[policy->route_weight_count++])) {
            ynode_error(b->diag, pair->node,
                        "annotation '%s' must be like 'idc=3,cloud=1' with weights 0..%d, not '%s'", pair->key,
                        WEIGHT_MAX, pair->value);
            return false;
        }
    }
    policy->route_weights = weights;
    return weights != NULL;
}

/** "owned=1m": the window of one group. @return false = another message than its own is due */
static bool read_window(bind *b, const char *item, size_t length, spw_group *groups, size_t count)
{
    const char *equals = memchr(item, '=', length);
    const size_t name = equals == NULL ? 0 : (size_t)(equals - item);
    const char *text = equals == NULL ? NULL : zone_text(b->zone, equals + 1, length - name - 1);
    int64_t ns = 0;

    if (text == NULL || bind_parse_duration(text, &ns) != NULL || ns < 0) {
        return false;
    }
    for (size_t g = 0; g < count; g++) {
        if (strlen(groups[g].name) == name && strncmp(groups[g].name, item, name) == 0 && !groups[g].has_window) {
            groups[g].has_window = true;
            groups[g].failback_window = ns;
            return true;
        }
    }
    return false;
}

static bool read_windows(bind *b, const bind_pair *pair, spw_policy *policy)
{
    const char *at = pair->value;
    spw_group *groups = zone_array(b->zone, policy->group_count + 1, sizeof(*groups));
    size_t length = 0;

    if (groups == NULL) {
        return false;
    }
    memcpy(groups, policy->groups, policy->group_count * sizeof(*groups));
    for (const char *item = next_item(&at, &length); item != NULL; item = next_item(&at, &length)) {
        if (!read_window(b, item, length, groups, policy->group_count)) {
            ynode_error(b->diag, pair->node,
                        "annotation '%s' must be like 'owned=1m,cloud=30m', each name an affinityName of this policy "
                        "and there once, not '%s'",
                        pair->key, pair->value);
            return false;
        }
    }
    policy->groups = groups;
    return true;
}

static bool read_lists(bind *b, const km_meta *meta, spw_policy *policy)
{
    const bind_pair *windows = km_find(meta->annotations, meta->annotation_count, GROUP_WINDOWS);
    const bind_pair *regions = km_find(meta->annotations, meta->annotation_count, ROUTE_REGIONS);
    const bind_pair *weights = km_find(meta->annotations, meta->annotation_count, ROUTE_WEIGHTS);
    bool ok = regions == NULL || read_regions(b, regions, policy);

    ok = (weights == NULL || read_weights(b, weights, policy)) && ok;
    ok = (windows == NULL || read_windows(b, windows, policy)) && ok;
    if (policy->route == SPW_ROUTE_WEIGHTS && weights == NULL) {
        ynode_error(b->diag, km_find(meta->annotations, meta->annotation_count, "spillway.dev/route")->node,
                    "route 'weights' needs the annotation '%s'", ROUTE_WEIGHTS);
        ok = false;
    }
    return ok;
}

static void apply_mending(const knobs *k, spw_policy *policy)
{
    policy->failover_after = k->failover_after_ns;
    policy->evict_grace = k->evict_grace_ns;
    policy->failover_moves = k->failover_moves;
    policy->flap_window = k->flap_window_ns;
    policy->unschedulable_after = k->deschedule != 0 ? k->unschedulable_after_ns : 0;
    policy->deschedule_cooldown = k->deschedule_cooldown_ns;
    policy->dwell = k->dwell_ns;
    policy->moves_per_cluster = k->moves_per_cluster;
    policy->route = (spw_route)k->route;
    policy->route_capacity_milli = k->route_capacity_milli;
    policy->route_fill_ppm = (int32_t)(k->route_fill * 1e6 + 0.5);
    policy->route_lag = k->route_lag_ns;
    policy->prefetch_ppm = (int32_t)(k->prefetch * 1e6 + 0.5);
}

bool policy_knobs_read(bind *b, const km_meta *meta, spw_policy *policy)
{
    const char *known[KNOB_COUNT + LIST_COUNT + 1];

    set_mending(policy);
    knobs k = {
        .failback = (int32_t)policy->failback,
        .failback_window_ns = policy->failback_window,
        .moves_per_tick = policy->moves_per_tick,
        .move_deadline_ns = policy->move_deadline,
        .provision_deadline_ns = policy->provision_deadline,
        .node_unneeded_ns = policy->node_unneeded,
        .step_major = (int32_t)policy->step_major,
        .partial = policy->partial ? 1 : 0,
        .elastic = policy->elastic ? 1 : 0,
        .preempt = (int32_t)policy->preempt,
        .min_runtime_ns = policy->min_runtime,
        .nodes_per_batch = policy->nodes_per_batch,
        .compat = policy->compat ? 1 : 0,
        .rounding = (int32_t)policy->rounding,
        .failover_after_ns = policy->failover_after,
        .evict_grace_ns = policy->evict_grace,
        .failover_moves = policy->failover_moves,
        .flap_window_ns = policy->flap_window,
        .deschedule = policy->failback == SPW_FAILBACK_AUTOMATIC ? 1 : 0,
        .unschedulable_after_ns = policy->unschedulable_after,
        .deschedule_cooldown_ns = policy->deschedule_cooldown,
        .dwell_ns = policy->dwell,
        .moves_per_cluster = policy->moves_per_cluster,
        .route = (int32_t)policy->route,
        .route_capacity_milli = policy->route_capacity_milli,
        .route_fill = 0.8,
        .route_lag_ns = policy->route_lag,
    };
    bool ok;

    for (size_t i = 0; i < KNOB_COUNT; i++) {
        known[i] = knob_fields[i].key;
    }
    known[KNOB_COUNT] = ROUTE_REGIONS;
    known[KNOB_COUNT + 1] = ROUTE_WEIGHTS;
    known[KNOB_COUNT + 2] = GROUP_WINDOWS;
    known[KNOB_COUNT + LIST_COUNT] = NULL;
    ok = km_check_annotations(b, meta->annotations, meta->annotation_count, known);
    for (size_t i = 0; i < KNOB_COUNT; i++) {
        const bind_pair *pair = km_find(meta->annotations, meta->annotation_count, knob_fields[i].key);

        if (pair != NULL) {
            ynode plain = *pair->node; /* an annotation is always quoted, so its text may be any kind of value */

            plain.quoted = false;
            ok = bind_scalar(b, &knob_fields[i], &plain, (char *)&k + knob_fields[i].offset) && ok;
        }
    }
    policy->failback = (spw_failback)k.failback;
    policy->failback_window = k.failback_window_ns;
    policy->moves_per_tick = k.moves_per_tick;
    policy->move_deadline = k.move_deadline_ns;
    policy->provision_deadline = k.provision_deadline_ns;
    policy->node_unneeded = k.node_unneeded_ns;
    policy->step_major = (spw_step_major)k.step_major;
    policy->partial = k.partial != 0;
    policy->elastic = k.elastic != 0;
    policy->preempt = (spw_preempt)k.preempt;
    policy->min_runtime = k.min_runtime_ns;
    policy->nodes_per_batch = k.nodes_per_batch;
    policy->compat = k.compat != 0;
    policy->rounding = (spw_rounding)k.rounding;
    apply_mending(&k, policy);
    return read_lists(b, meta, policy) && ok;
}
