/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * world.h - the state of one replication, private to sim/fleet.
 *
 * Everything hangs off fl_world; nothing is global. Entities are rows of growable arrays named by 32-bit indices, so
 * that growth moves them freely: never keep a pointer to a row across a call that may add one.
 * Every entity with a future owns one slot of the event queue; fl_slot says who it is.
 *
 * Memory: one record for each request in the system (not for each request ever sent) and a word for each one sent since
 * the oldest of them, at most a time-out ago; one record for each living node and replica, and a fixed number of
 * timeline bins. The horizon does not enter.
 */
#ifndef SIM_FLEET_WORLD_H
#define SIM_FLEET_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gsl/gsl_rng.h>

#include <spillway/seam.h>

#include "sim/fleet/fleet.h"
#include "sim/kernel/evq.h"
#include "sim/kernel/rng.h"

#define FL_NONE   UINT32_MAX
#define FL_COMING 8u /* power of two */
#define FL_NEVER  INT64_MAX
#define FL_NAN    ((double)NAN)

__extension__ typedef __int128 fl_wide;

/* --- requests -------------------------------------------------------------------------------------------------- */

typedef enum fl_rq_state {
    FL_RQ_FREE = 0,     /**< or in hand: between two of the others, within one event */
    FL_RQ_GATEWAY = 1,  /**< waits there, linked in the service's FIFO */
    FL_RQ_FLYING = 2,   /**< in a delay line */
    FL_RQ_RUNNING = 3,  /**< in a replica's engine, queued or in work */
    FL_RQ_GHOST = 4,    /**< over, but its index is still in a delay line: freed when it falls out */
    FL_RQ_BACKOFF = 5,  /**< waits to be tried again */
    FL_RQ_ABANDONED = 6 /**< given up, but the engine does not know: freed when it is done */
} fl_rq_state;

#define FL_RQ_COUNTED 1u  /**< sent at or after warm-up */
#define FL_RQ_STARTED 2u  /**< first work done */
#define FL_RQ_HURT    4u  /**< already counted as hurt by a burst */
#define FL_RQ_INSIDE  16u /**< an attempt is under way */
#define FL_RQ_FIRST   8u  /**< the user has seen the first token */

/** The hot record: one cache line. A request sits at the gateway or in a replica, never both: the links share.
 * All that is needed when the engine answers and when the request ends is here: by then the line is out of the caches,
 * and one beside it would cost as much again. */
typedef struct fl_request {
    int64_t sent_ns;
    int64_t started_ns;
    int64_t first_ns; /**< as the user sees it, of any attempt */
    int64_t wire_ns;  /**< spent travelling so far */
    uint32_t seat; /**< in the service's order of deadlines, FL_NONE = none within the run; free: the next free one */
    float late;    /**< jitter of its way back, in units of its mean: see fl_talk */
    union {
        struct {
            int32_t input, output;
        } tokens;
        int64_t service_ns; /**< station */
    } need;
    union {
        struct {
            uint32_t replica, handle;
        } at;
        struct {
            uint32_t before, after;
        } queue;
        uint32_t refused; /**< in hand or on a wire: engines that were full since it last left the gateway */
        uint32_t slot;    /**< in back-off */
    } place;
    uint16_t service, region;
    uint16_t tenant; /**< its number and 1; 0 = of none */
    uint8_t state, flags;
} fl_request;

_Static_assert(sizeof(fl_request) <= 64, "one cache line for each request");
_Static_assert(SC_NAMES_MAX <= UINT16_MAX, "numbers of services, regions and tenants, the last plus 1, fit");

/** Of each request, where a service retries. */
typedef struct fl_try {
    int64_t begin_ns; /**< of the attempt under way */
    int64_t first_ns; /**< its first token, as the user sees it: FL_NEVER = still to come; -1 = that of the request */
    uint32_t seat;    /**< in the service's order of attempts that may time out; FL_NONE = not there */
    int32_t number;   /**< attempts before this one */
} fl_try;

/** Requests in the order in which they came; see order.c. All zero is an empty one. */
typedef struct fl_order {
    uint32_t *ring; /**< [cap] requests, FL_NONE = taken out */
    uint32_t cap;   /**< a power of two, or 0 */
    uint32_t head;  /**< seat of the first; it is no hole */
    uint32_t span;  /**< seats from there, holes counted */
} fl_order;

/** Of each request, where a source has conversations or a priority, or ways have jitter. */
typedef struct fl_talk {
    uint64_t prefix_key;    /**< of the conversation; 0 = none */
    const mdl_chain *chain; /**< NULL = none */
    int32_t prefix_tokens, shared_tokens;
    int32_t priority;
    float late; /**< jitter of its way forth, in units of its mean, of the request alone: no policy changes this luck */
    uint32_t source;
    int32_t turn, turns; /**< of a conversation that goes on when it is answered; else 0 */
} fl_talk;

/** Beside each request, where there is need: one more cache line. */
typedef struct fl_beside {
    _Alignas(64) fl_try attempt;
    fl_talk talk;
} fl_beside;

typedef enum fl_outcome { FL_COMPLETED = 1, FL_REJECTED = 2, FL_TIMED_OUT = 3, FL_IN_FLIGHT = 4 } fl_outcome;

/** Requests under way between a region and a cluster, or back, in order of arrival: with jitter, one may overtake. */
typedef struct fl_line {
    struct fl_flight {
        int64_t due_ns;
        uint32_t request;
    } * ring;
    uint32_t cap, head, count; /**< cap is a power of two */
    uint32_t slot;
    uint32_t region, cluster;
    bool back;
    int64_t delay_ns;
    double jitter_ns; /**< mean of what comes on top, 0 = none */
} fl_line;

/** What has moved between users of a region, who enter at a provider, and a cluster, since warm-up. */
typedef struct fl_bytes {
    fl_wide forth; /**< requests, entry to cluster */
    fl_wide back;  /**< answers, cluster to entry */
    fl_wide out;   /**< of those, entry to users */
} fl_bytes;

typedef struct fl_source {
    gsl_rng *jitter_rng; /**< NULL = no jitter */
    uint32_t service, region;
    uint32_t tenant; /**< its number and 1; 0 = of none */
    const sc_traffic *sc;
    mdl_arrivals *arrivals;
    gsl_rng *arrival_rng, *length_rng;
    mdl_sessions sessions; /**< valid with session_rng */
    gsl_rng *session_rng;  /**< of the turn in hand; NULL = no conversations */
    rng_family session_family;
    mdl_arrival next;
    uint32_t slot;
} fl_source;

/* --- nodes and replicas ---------------------------------------------------------------------------------------- */

typedef enum fl_node_state {
    FL_NODE_FREE = 0,
    FL_NODE_ORDERED = 1, /**< waits for the provider's inventory */
    FL_NODE_BOOTING = 2,
    FL_NODE_UP = 3,
    FL_NODE_NOTICE = 4, /**< reclaimed by the market at until_ns: takes nothing new */
    FL_NODE_DOWN = 5    /**< held by a fault: empty, comes back */
} fl_node_state;

typedef struct fl_node {
    fl_node_state state;
    uint32_t pool;
    uint64_t ordinal;
    int32_t gpus_free;
    bool fails;
    uint32_t slot;
    int64_t until_ns;                            /**< end of the present state, FL_NEVER if open */
    int64_t ordered_ns, boot_ns, join_ns, up_ns; /**< each the begin of its stage */
    int64_t gone_ns;                             /**< spot: when the market takes it */
    int64_t empty_since_ns;
    uint32_t first_replica; /**< list through fl_replica.node_next */
    int32_t replica_count;
    uint32_t seat;               /**< with faults: place in its pool */
    int32_t faults, slow_faults; /**< with faults: that hold it down, that slow it */
    int64_t slow_milli;          /**< with faults: work takes this many thousandths of its time */
    uint8_t *cached;             /**< [service_count] image is on the node */
} fl_node;

typedef enum fl_rp_state {
    FL_RP_FREE = 0,
    FL_RP_PENDING = 1, /**< assigned to the cluster, no node yet */
    FL_RP_PULL = 2,
    FL_RP_LOAD = 3,
    FL_RP_WARMUP = 4,
    FL_RP_READY = 5,
    FL_RP_DRAINING = 6, /**< takes nothing new, finishes what it has until until_ns */
    FL_RP_FETCH = 7     /**< after PULL: weights onto the node's disk */
} fl_rp_state;

/** What routing and engine events touch stands first, in one cache line. */
typedef struct fl_replica {
    _Alignas(64) mdl_engine *engine; /**< while READY or DRAINING after it */
    int64_t until_ns;                /**< end of the present state, FL_NEVER if open */
    fl_rp_state state;
    uint32_t slot;
    uint32_t service, cluster;
    int32_t outstanding;                  /**< requests inside */
    uint32_t bucket_before, bucket_after; /**< balancer: list of equal `outstanding` */
    uint32_t pool, node;
    uint32_t seat;                    /**< balancer: position in the array of ready ones */
    uint32_t home;                    /**< position in fl_place.ids */
    uint32_t node_before, node_next;  /**< replicas of its node */
    uint32_t pend_before, pend_after; /**< cluster's FIFO of pending replicas */
    int64_t created_ns, bound_ns, ready_ns;
    int64_t asked_ns;    /**< when its place in the fleet was first asked for: before it was created, see waits.c */
    int64_t decision_ns; /**< age of the reading on which that was */
    int64_t stage_ns[MDL_STAGES];
    int64_t fetch_ns; /**< when FETCH began */
    uint64_t ordinal, key;
    int64_t busy_base_ns, preempt_base, prefill_base, cached_base; /**< engine counters when statistics began */
    int64_t seen_in, seen_out, seen_done, seen_busy_ns;            /**< engine counters at the last scrape */
} fl_replica;

/** Replicas of one service in one cluster. */
typedef struct fl_place {
    int32_t assigned; /**< told by the plan */
    int32_t live;     /**< existing and not draining: follows assigned */
    int32_t ready;
    uint32_t *ids; /**< all, draining ones too */
    uint32_t count, cap;
    int64_t left_ns; /**< flaps: when a replica last moved away, FL_NEVER = never */
} fl_place;

/** Ready replicas on a circle of hashes; see affinity.c. */
typedef struct fl_point {
    uint64_t at;
    uint32_t replica;
} fl_point;

typedef struct fl_ring {
    fl_point *points; /**< [count] ascending; room for the fresh ones */
    fl_point *fresh;  /**< [fresh_count] of replicas that came since the last pick, in any order */
    uint32_t count, cap;
    uint32_t fresh_count, fresh_cap;
} fl_ring;

/** Ready replicas of one service in one cluster, in buckets of equal load. */
typedef struct fl_balancer {
    uint32_t *ready; /**< [count] any order */
    uint64_t *kv; /**< [count] with has_kv: share of KV blocks taken of each, see balance_kv.c, after its last event */
    uint32_t count, cap, kv_cap;
    uint32_t turn;         /**< round robin */
    uint32_t *head, *tail; /**< [buckets] lists by outstanding requests */
    int32_t buckets;
    int32_t least;  /**< no bucket below it holds a replica */
    int64_t inside; /**< outstanding requests of all */
    bool has_ring;  /**< set before the first replica comes */
    bool has_kv;    /**< set before the first replica comes */
    bool no_levels; /**< set before the first replica comes: no lists, `least` means nothing */
    fl_ring ring;
} fl_balancer;

typedef struct fl_pool {
    const sc_pool *sc;
    uint32_t cluster;
    uint64_t key;
    int32_t target;
    uint32_t *nodes; /**< [count] node indices by ordinal */
    uint32_t count, cap;
    int32_t up;     /**< state UP */
    int32_t coming; /**< ORDERED + BOOTING */
    int32_t notice;
    int32_t down; /**< held by faults */
    uint64_t next_ordinal;
    int64_t failures;                          /**< orders that came to nothing, since the start */
    bool refused;                              /**< the last one: there is no other before the next tick or target */
    int32_t free_nodes[SPW_NODE_GPUS_MAX + 1]; /**< UP nodes by free GPUs */
    stat_timew billed, held, t_up, t_ordered;  /**< nodes, GPUs, nodes, nodes */
    fl_wide tail_gpu_ns;                       /**< minimum billing beyond the life of nodes */
    fl_wide busy_gpu_ns;
    int64_t alive;          /**< booting, up or under notice */
    int64_t cost_seen_uusd; /**< cost up to the last finished bin */
    int64_t shared_uusd;    /**< cost that has been divided between bursts */
    bool paid_always;       /**< owned, reserved */
    bool price_moves;
    int64_t price_uusd;    /**< per GPU-hour, of now */
    fl_wide spells_cost;   /**< uusd per GPU-hour x GPU-ns, at the prices before */
    fl_wide spells_gpu_ns; /**< of which that was the cost */
} fl_pool;

/** What is counted of the requests of one service, region and tenant; see cells.c. */
typedef struct fl_cell {
    res_requests requests;
    res_latency latency; /**< NULLs where there is no traffic */
    uint64_t good, shed; /**< see res_tenant */
} fl_cell;

typedef enum fl_target { FL_TARGET_TTFT = 1, FL_TARGET_TPOT = 2, FL_TARGET_E2E = 3 } fl_target;

#define FL_MINUTE_NS INT64_C(60000000000)
typedef struct fl_minute { /**< a latency target within a minute */
    uint64_t seen, within;
} fl_minute;

typedef struct fl_goal { /**< a latency target of a service */
    int64_t limit_ns;
    fl_target kind;
    fl_minute minutes[2]; /**< that take turns */
} fl_goal;

typedef struct fl_burst fl_burst;
typedef struct fl_starts fl_starts;     /**< starts.c */
typedef struct fl_waits fl_waits;       /**< waits.c */
typedef struct fl_supply fl_supply;     /**< supply.c */
typedef struct fl_delivery fl_delivery; /**< delivery.c */

typedef struct fl_service {
    const sc_service *sc;
    const spw_workload *workload;
    const spw_policy *policy; /**< NULL = not placed by groups */
    uint64_t key;
    int32_t gpus;
    uint8_t *pool_ok;  /**< [pool_count] it can run there */
    int32_t *unit_of;  /**< [pool_count] unit of its ResourcePolicy; all 0 without one */
    int32_t *group_of; /**< [cluster_count] group of its policy, -1 = none */
    int32_t replicas;  /**< template */
    int32_t desired;
    uint64_t next_pod;
    fl_place *places;          /**< [cluster_count] */
    fl_balancer *balancers;    /**< [cluster_count] */
    int64_t *weight, *current; /**< [cluster_count] the plan's route, and the smooth pick's memory */
    uint32_t *eligible;        /**< [eligible_count] clusters with ready replicas and a share */
    int64_t *effective;        /**< [eligible_count] */
    uint32_t eligible_count;
    bool routes_stale;
    uint32_t gate_head, gate_tail, gate_count;
    fl_order deadlines; /**< of requests that may time out within the run, by sending */
    fl_order attempts;  /**< the same of attempts, by their beginning */
    uint32_t timeout_slot, attempt_slot;
    int64_t inside;    /**< attempts under way */
    mdl_budget budget; /**< of retries */
    mdl_bucket admission;
    int32_t urgent; /**< smallest priority of its traffic */
    gsl_rng *retry_rng;
    gsl_rng *route_rng; /**< random routers */
    gsl_rng *service_rng;
    int64_t waiting; /**< sent, first work not yet done */
    uint64_t sent, sent_scraped;
    int32_t ready_total, assigned_total, live_total;
    stat_timew t_desired, t_assigned, t_ready, t_starting;
    stat_timew *t_ready_pool; /**< [pool_count] */
    fl_goal *goals;           /**< [target_count] */
    int64_t ttft_limit_ns;    /**< the first ttft target, FL_NEVER if none */
    uint64_t *metric_keys;    /**< [metric_count] per-pod metrics its HPA reads, by the core's key */
    uint8_t *metric_kinds;    /**< [metric_count] fl_metric */
    uint8_t *metric_resource; /**< [metric_count] 1 = measured against the pod's request */
    uint32_t metric_count;
    fl_burst *burst;
    fl_waits *waits;
} fl_service;

/* --- what the control plane sees ------------------------------------------------------------------------------- */

typedef struct fl_obs fl_obs;
typedef struct fl_faults fl_faults; /**< faults.h */
typedef struct fl_eye fl_eye;       /**< observe.c: the ring of readings and the snapshot columns */

/* --- the whole ------------------------------------------------------------------------------------------------- */

typedef enum fl_owner {
    FL_OWNER_REPLICA = 1,
    FL_OWNER_NODE = 2,
    FL_OWNER_SOURCE = 3,
    FL_OWNER_LINE = 4,
    FL_OWNER_TIMEOUT = 5,
    FL_OWNER_SCRAPE = 6,
    FL_OWNER_TICK = 7,
    FL_OWNER_SAMPLE = 8,
    FL_OWNER_WARMUP = 9,
    FL_OWNER_END = 10,
    FL_OWNER_SUPPLY = 11,
    FL_OWNER_DELIVERY = 12,
    FL_OWNER_FAULT = 13,
    FL_OWNER_LATE = 14,
    FL_OWNER_ATTEMPT = 15,
    FL_OWNER_RETRY = 16,
    FL_OWNER_MINUTE = 17
} fl_owner;

typedef struct fl_slot {
    fl_owner owner;
    uint32_t index;
} fl_slot;

typedef struct fl_world {
    const sc_scenario *sc;
    uint64_t seed;
    uint32_t replication;
    const fleet_hooks *hooks;
    evq *queue;
    fl_slot *slots, *busy; /**< by number: ordinary slots, busy ones less EVQ_BUSY */
    uint32_t slot_cap, busy_cap;
    int64_t now, end_ns, warmup_ns;
    int64_t minute_ns; /**< begin of the minute whose end is the next one to be counted */
    bool minute_odd;
    bool warm_start; /**< the first tick: placements on nodes that are up are ready at once */
    bool counting;   /**< warm-up is over */
    int32_t laws;    /**< see sc_laws */
    bool no_memory;
    bool hook_stopped;
    uint64_t events;
    gsl_rng *draw; /**< re-keyed for each entity */

    fl_service *services;
    fl_pool *pools;
    uint32_t *pending_head, *pending_tail; /**< [cluster_count] replicas without a node, first come first served */
    fl_line *lines;                        /**< [2 * region_count * cluster_count]: forth at 2i, back at 2i+1 */
    fl_source *sources;
    uint32_t source_count;

    fl_request *requests;
    fl_beside *beside; /**< [request_cap] if there are tries or talks, else NULL */
    uint32_t beside_cap;
    bool has_tries;    /**< a service retries */
    bool has_talks;    /**< a source has something of the kind */
    bool has_answers;  /**< a source has conversations that go on when they are answered */
    uint64_t *numbers; /**< request numbers; only with a request hook */
    uint32_t request_cap, request_free, request_used;
    uint32_t coming[FL_COMING]; /**< replicas whose engines come soon, see fl_replica_arm; a ring */
    uint32_t coming_at;
    uint64_t request_next;
    fl_node *nodes;
    uint32_t node_cap, node_free;
    fl_replica *replicas;
    uint32_t replica_cap, replica_free, replica_rows;

    fl_faults *faults; /**< NULL = none in this scenario */
    fl_eye *eye;
    uint64_t last_ticket;
    bool ticket_seen;
    int64_t reading_ns;        /**< when the state was read that the plan under way is based on */
    const spw_snapshot *shown; /**< snapshot of the tick under way */
    int32_t *assigned_before;  /**< [service_count * cluster_count] when the plan under way began */
    uint8_t *moved;            /**< [service_count * cluster_count] named by a move of that plan */

    res_run *run;
    fl_cell *cells; /**< [cell_count] by service, region, and tenant: its number and 1, 0 = of none */
    size_t cell_count;
    int32_t bin;
    int64_t bin_start_ns;
    fl_bytes *ways; /**< [region_count * cluster_count] of users who enter at a provider; NULL = none do */
    int64_t egress_seen_uusd, images_seen_uusd;
    int64_t in_system, in_system_last_ns;
    stat_hist *lag_hist[MDL_STAGES];
    fl_wide lag_decision_ns;
    fl_wide lag_sum_ns[MDL_STAGES];
    fl_starts *starts;
    fl_supply *supply;
    fl_delivery *delivery; /**< NULL = the rates of the lag tables alone */
    double unplaced_replica_s;
    int64_t unplaced;
    int64_t unplaced_since_ns;
    size_t burst_cap;
} fl_world;

/** Checks our own logic, in every build: prints seed, simulated time and event number, and aborts. */
#define FL_CHECK(w, condition) ((condition) ? (void)0 : fl_check_failed((w), #condition, __FILE__, __LINE__))
__attribute__((cold)) _Noreturn void fl_check_failed(const fl_world *w, const char *condition, const char *file,
                                                     int line);

/* world.c */
fl_world *fl_world_new(const sc_scenario *sc, uint64_t seed, uint32_t replication, const fleet_hooks *hooks);
void fl_world_free(fl_world *w);
/** A slot for an owner; FL_NONE and w->no_memory if there is no room. */
uint32_t fl_slot_new(fl_world *w, fl_owner owner, uint32_t index);
/** The same for one of a few owners with far more events than the others. */
uint32_t fl_slot_new_busy(fl_world *w, fl_owner owner, uint32_t index);
static inline fl_slot fl_slot_of(const fl_world *w, uint32_t slot)
{
    return slot < EVQ_BUSY ? w->slots[slot] : w->busy[slot - EVQ_BUSY];
}
/** Makes room for `need` rows, doubling; false and w->no_memory on failure. New bytes are zero, row 0 begins a cache
 * line. */
bool fl_grow(fl_world *w, void **rows, uint32_t *cap, uint32_t need, size_t row_size);
/** The stream of one entity, in w->draw. */
gsl_rng *fl_luck(fl_world *w, const char *name, uint64_t key);
uint64_t fl_mix(uint64_t base, uint64_t ordinal); /**< key of the ordinal-th member of a family */
int64_t fl_ns(double seconds);                    /**< rounded, 0..10^9 s */

/** llround(x) of 0 <= x < 2^63, without the call. */
static inline int64_t fl_round(double x)
{
    const int64_t whole = (int64_t)x;

    return whole + (x - (double)whole >= 0.5 ? 1 : 0);
}

/* groups.c */
bool fl_policy_groups(const sc_scenario *sc, const spw_policy *policy, int32_t *group_of);

/* services.c */
bool fl_service_init(fl_world *w, uint32_t service);
void fl_service_fini(fl_world *w, fl_service *s);
double fl_speed(const fl_service *s, uint32_t pool); /**< of a station on a pool's GPUs */

/* nodes.c */
void fl_node_start(fl_world *w, uint32_t pool); /**< a node that is up at time 0 */
void fl_pool_target(fl_world *w, uint32_t pool, int64_t nodes);
void fl_pool_settle(fl_world *w, uint32_t pool); /**< orders, cancels and releases until the target is met */
void fl_pools_ask(fl_world *w); /**< at a tick: those whose order came to nothing order again what they lack */
void fl_node_until(fl_world *w, uint32_t node); /**< of a node that is up: when the market wants it back */
void fl_node_event(fl_world *w, uint32_t node);
bool fl_node_reclaim(fl_world *w, uint32_t node,
                     int64_t gone_ns); /**< the market wants it back by then; false: it goes before */
/** Whether its market keeps it until after `gone_ns`, in the first hours of its life. */
bool fl_node_protected(const fl_world *w, uint32_t node, int64_t gone_ns);
void fl_node_take(fl_world *w, uint32_t node, int32_t gpus);          /**< gpus < 0 gives back */
uint32_t fl_pool_fit(const fl_world *w, uint32_t pool, int32_t gpus); /**< tightest node, lowest ordinal; FL_NONE */

/* places.c */
void fl_assign(fl_world *w, uint32_t service, uint32_t cluster, int32_t replicas);
void fl_place_settle(fl_world *w, uint32_t service, uint32_t cluster);
void fl_schedule(fl_world *w, uint32_t cluster); /**< pending replicas onto nodes with room */
void fl_schedule_waiting(fl_world *w); /**< the same everywhere, for replicas whose wait in a unit may be over */
bool fl_replica_more_dispensable(const fl_world *w, uint32_t a, uint32_t b);

/* replicas.c */
void fl_replica_new(fl_world *w, uint32_t service, uint32_t cluster); /**< a pending one */
void fl_replica_bind(fl_world *w, uint32_t replica, uint32_t node);   /**< pending -> pull, on a node with room */
/** It takes over a wait: asked for then, on a reading that was so old. */
void fl_replica_asked(fl_world *w, uint32_t replica, int64_t since_ns, int64_t decision_ns);
void fl_replica_event(fl_world *w, uint32_t replica);
void fl_replica_run(fl_world *w, uint32_t replica); /**< brings its engine to now and handles what came out */
/** Handles what its engine has said up to now: starts of work and first tokens may be told late, see mdl_engine_next.
 * An arming has to follow where that can be the end of a request. */
void fl_replica_hear(fl_world *w, uint32_t replica);
/** The same for all, before something changes what those are counted for; where none has an end to say now. */
void fl_replicas_hear(fl_world *w);
void fl_replica_arm(fl_world *w, uint32_t replica);
/** The same for one whose engine has just named its next event. */
void fl_replica_arm_at(fl_world *w, uint32_t replica, int64_t next);
void fl_replica_delivered(fl_world *w, uint32_t replica); /**< a file that it may wait for is on its node */
void fl_replica_drain(fl_world *w, uint32_t replica, int64_t until_ns);
void fl_replica_withdraw(fl_world *w, uint32_t replica); /**< takes nothing new; a stop has to follow */
void fl_replica_stop(fl_world *w, uint32_t replica);     /**< at once; its requests go back to the gateway */
void fl_replica_crash(fl_world *w, uint32_t replica);    /**< at once; its requests are lost: rejected */
/** Adds its engine's counters since the last time to the result; `reset`: also before statistics have begun. */
void fl_replica_settle_counters(fl_world *w, uint32_t replica, bool reset);

/* balance.c */
bool fl_balance_add(fl_world *w, fl_balancer *b, uint32_t replica);
void fl_balance_remove(fl_world *w, fl_balancer *b, uint32_t replica);
bool fl_balance_level(fl_world *w, fl_balancer *b, uint32_t replica, int32_t by); /**< the same where there are lists */
void fl_kv_note(const fl_balancer *b, const fl_replica *r); /**< of a ready one, what the KV-aware router goes by */
/** Its outstanding requests have changed by +-1, its engine knows it. */
static inline bool fl_balance_shift(fl_world *w, fl_balancer *b, uint32_t replica, int32_t by)
{
    if (!b->no_levels) {
        return fl_balance_level(w, b, replica, by);
    }
    w->replicas[replica].outstanding += by;
    b->inside += by;
    if (b->has_kv) {
        fl_kv_note(b, &w->replicas[replica]);
    }
    return true;
}
/**
 * key: conversation, for a router with affinity; 0 = none
 * asked: [count] replicas that have refused: none of them, of which there must be fewer than replicas
 */
uint32_t fl_balance_pick(fl_world *w, fl_balancer *b, sc_router router, uint64_t key, gsl_rng *r, const uint32_t *asked,
                         uint32_t count);
/** Whether it is one of those. */
static inline bool fl_asked(const uint32_t *asked, uint32_t count, uint32_t replica)
{
    while (count > 0 && asked[count - 1] != replica) {
        count--;
    }
    return count > 0;
}
void fl_balance_fini(fl_balancer *b);

/* balance_kv.c; see also fl_kv_note above */
/** Of a few of the ready replicas, of which there must be some, that with the smallest share of KV blocks taken. */
uint32_t fl_kv_pick(const fl_world *w, const fl_balancer *b, gsl_rng *r);

/* affinity.c */
bool fl_ring_add(fl_world *w, fl_ring *ring, uint32_t replica);
void fl_ring_remove(fl_ring *ring, uint32_t replica);
void fl_ring_fini(fl_ring *ring);
uint32_t fl_ring_pick(const fl_world *w, fl_balancer *b, uint64_t key, const uint32_t *asked, uint32_t count);
uint32_t fl_cluster_of(const fl_service *s, uint64_t key); /**< of the eligible ones, which there must be */

/* gateway.c */
void fl_route(fl_world *w, uint32_t request, uint32_t avoid); /**< avoid: cluster that just refused, FL_NONE */
void fl_bounce(fl_world *w, uint32_t request, uint32_t cluster);
void fl_line_event(fl_world *w, uint32_t line);
void fl_gate_flush(fl_world *w, uint32_t service);
void fl_gate_unlink(fl_world *w, uint32_t request);

/* requests.c */
void fl_source_event(fl_world *w, uint32_t source);
void fl_source_arm(fl_world *w, uint32_t source);
void fl_timeout_event(fl_world *w, uint32_t service);
void fl_engine_says(fl_world *w, uint32_t replica, const mdl_event *event);
void fl_finish(fl_world *w, uint32_t request, fl_outcome outcome, int64_t seen_ns);
void fl_request_drop(fl_world *w, uint32_t request); /**< frees a record */
void fl_requests_close(fl_world *w);                 /**< end of the run: what is left is in flight */
static inline fl_line *fl_line_of(const fl_world *w, uint32_t region, uint32_t cluster, bool back)
{
    return &w->lines[2 * (region * (uint32_t)w->sc->cluster_count + cluster) + (back ? 1 : 0)];
}
/** How long a request is on this wire: the delay, and what its jitter adds. */
static inline int64_t fl_way_ns(const fl_world *w, const fl_line *line, uint32_t request)
{
    if (line->jitter_ns > 0) {
        const float late = line->back ? w->requests[request].late : w->beside[request].talk.late;

        return line->delay_ns + fl_round(line->jitter_ns * (double)late);
    }
    return line->delay_ns;
}

uint32_t fl_request_new(fl_world *w);
bool fl_engine_due(fl_world *w, uint32_t request); /**< its engine has something to say first; then it has said it */
void fl_cancel(fl_world *w, uint32_t request);     /**< taken out of its engine, in hand */

/* order.c */
uint32_t fl_order_add(fl_world *w, fl_order *o, uint32_t request); /**< its seat; FL_NONE: no memory */
void fl_order_take(fl_order *o, uint32_t seat);                    /**< out, from anywhere */
void fl_order_move(fl_order *o, uint32_t seat, uint32_t to);       /**< `to` sits there from now on */
uint32_t fl_order_first(const fl_order *o);                        /**< FL_NONE: nobody is there */
void fl_order_fini(fl_order *o);

/* attempts.c */
void fl_attempt(fl_world *w, uint32_t request); /**< the next attempt begins */
/** An attempt ends, for its client at at_ns. @return true if it will be tried again: the end of the request is put off
 */
bool fl_attempt_end(fl_world *w, uint32_t request, fl_outcome outcome, int64_t at_ns);
/** When its client gives up the attempt under way; FL_NEVER = not within the run. */
int64_t fl_attempt_deadline(const fl_world *w, uint32_t request);
void fl_attempt_event(fl_world *w, uint32_t service); /**< attempts time out */
void fl_retry_event(fl_world *w, uint32_t request);   /**< a back-off is over */
/** The first token of the attempt under way, as the user sees it: what TPOT counts from. */
static inline int64_t fl_attempt_first(const fl_world *w, uint32_t request)
{
    const int64_t own_ns = w->has_tries ? w->beside[request].attempt.first_ns : -1;

    return own_ns >= 0 ? own_ns : w->requests[request].first_ns;
}
uint32_t fl_give_up(fl_world *w, uint32_t request); /**< taken back from wherever it is. @return its record, in hand */
/** Does a server stop work on a request that was given up? Always where its users do not try again. */
static inline bool fl_notices(const fl_service *s)
{
    return s->sc->retry.attempts <= 1 || s->sc->retry.cancels;
}

/* cells.c */
bool fl_cells_init(fl_world *w);
/** There will be requests of these. @return false: no memory */
bool fl_cell_open(fl_world *w, uint32_t service, uint32_t region, uint32_t tenant);
static inline fl_cell *fl_cell_of(const fl_world *w, uint32_t service, uint32_t region, uint32_t tenant)
{
    const size_t row = (size_t)service * (size_t)w->run->region_count + region;

    return &w->cells[row * ((size_t)w->run->tenant_count + 1) + tenant];
}
void fl_cells_close(fl_world *w); /**< into the result */
void fl_cells_fini(fl_world *w);

/* measure.c */
void fl_note_sent(fl_world *w, uint32_t request);
bool fl_unlawful(const fl_world *w, const fl_service *s, uint32_t cluster); /**< not where its annotation allows */
void fl_note_shed(fl_world *w, const fl_request *q); /**< an attempt of it, by admission control */
void fl_note_first(fl_world *w, const fl_request *q, int64_t at_ns, int64_t seen_ns); /**< out, and seen by its user */
void fl_note_end(fl_world *w, const fl_request *q, fl_outcome outcome, int64_t seen_ns);
void fl_minute_event(fl_world *w); /**< at the end of each minute, where there are targets */
void fl_note_system(fl_world *w, int change);
void fl_measure_close(fl_world *w);

/* ways.c; without effect for users whose region has no provider */
bool fl_ways_init(fl_world *w);
/** Its region has a provider. */
static inline bool fl_enters(const fl_world *w, const fl_request *q)
{
    return w->sc->ways != NULL && w->sc->regions[q->region].provider != NULL;
}
void fl_ways_forth(fl_world *w, const fl_request *q, uint32_t cluster); /**< it leaves the entry for a cluster */
void fl_ways_back(fl_world *w, const fl_request *q, uint32_t cluster);  /**< its whole answer comes to its user */
void fl_ways_broken(fl_world *w, const fl_request *q); /**< its user gave up: what its replica has sent came to them */
void fl_ways_abandoned(fl_world *w, const fl_request *q); /**< the same, but the replica goes on sending to the entry */
void fl_ways_unheard(fl_world *w, const fl_request *q, uint32_t cluster); /**< and that has come to its end */
void fl_ways_lost(fl_world *w, uint32_t replica); /**< it goes with all its answers that are under way */
int64_t fl_ways_cost(const fl_world *w);
void fl_ways_close(fl_world *w);

/* nominal.c */
bool fl_nominal(fl_world *w); /**< rates of one replica into the result; false: no memory */

/* billing.c */
void fl_bill_node(fl_world *w, uint32_t pool, int change);
void fl_bill_tail(fl_world *w, const fl_node *node); /**< minimum billing of a node that goes now */
int64_t fl_pool_cost(const fl_world *w, uint32_t pool);
int64_t fl_egress_cost(const fl_world *w);
void fl_bill_close(fl_world *w);
void fl_bill_price(fl_world *w, uint32_t pool, int64_t uusd_per_gpu_h); /**< from now on */

/* timeline.c */
void fl_sample_event(fl_world *w);
void fl_warmup_event(fl_world *w);
int64_t fl_bin_width(const sc_scenario *sc);
int32_t fl_bin_later(const fl_world *w, int64_t at_ns); /**< the bin of a time that is not in the present one */
static inline int32_t fl_bin_of(const fl_world *w, int64_t at_ns)
{
    return at_ns - w->bin_start_ns < w->run->timeline.bin_ns ? w->bin : fl_bin_later(w, at_ns);
}
void fl_count_nodes(fl_world *w, uint32_t pool);       /**< after any change of a pool's counts */
void fl_count_replicas(fl_world *w, uint32_t service); /**< after any change of a service's counts */

/* bursts.c */
/** After a plan was carried out. before, moved: [cluster_count] assigned before it, and touched by a move. */
void fl_burst_flaps(fl_world *w, uint32_t service, const int32_t *before, const uint8_t *moved);
void fl_burst_tick(fl_world *w, const spw_plan *plan);
void fl_burst_before_tick(fl_world *w);
void fl_burst_ready(fl_world *w, uint32_t replica);
void fl_burst_emptied(fl_world *w, uint32_t service, uint32_t cluster);
void fl_burst_hurt(fl_world *w, uint32_t service);
void fl_burst_close(fl_world *w);
bool fl_burst_init(fl_world *w);
void fl_burst_fini(fl_world *w);

/* starts.c */
bool fl_starts_init(fl_world *w);
void fl_starts_fini(fl_world *w);
void fl_starts_ready(fl_world *w, const fl_replica *r); /**< a replica became ready, not one of the warm start */
void fl_starts_close(fl_world *w);

/* waits.c */
bool fl_waits_init(fl_world *w, uint32_t service);
void fl_waits_fini(fl_service *s);
/** So many replicas are asked for since then and in no place now. */
void fl_wait_add(fl_world *w, uint32_t service, int64_t since_ns, int64_t decision_ns, int64_t count);
void fl_waits_begin(fl_world *w); /**< a tick begins */
/** Its plan was carried out, and is still w->reading_ns old. */
void fl_waits_settle(fl_world *w, uint32_t service, int32_t unplaced, int32_t moved);

/* supply.c */
bool fl_supply_init(fl_world *w); /**< needs pools */
void fl_supply_fini(fl_world *w);
void fl_supply_event(fl_world *w, uint32_t index);
bool fl_supply_may_order(fl_world *w, uint32_t pool); /**< one more node now; false: asks again by itself later */
bool fl_supply_grants(fl_world *w, uint32_t pool);    /**< an order's turn has come: stock and quota have a node */
bool fl_supply_tells(const fl_world *w);              /**< some pool's provider tells what it has */
/** Nodes left as the provider told last, and when; -1 = not known. */
int32_t fl_supply_told(fl_world *w, uint32_t pool, int64_t *told_ns);

/* delivery.c; without delivery: NULL and no effect, but for the three on a replica, which need it */
bool fl_delivery_init(fl_world *w);
void fl_delivery_fini(fl_world *w);
void fl_delivery_event(fl_world *w);
void fl_delivery_node_up(fl_world *w, uint32_t node);
void fl_delivery_node_gone(fl_world *w, uint32_t node);
void fl_delivery_node_held(fl_world *w, uint32_t node, bool held);      /**< by a fault, from now on */
bool fl_delivery_complete(fl_world *w, uint32_t replica, bool weights); /**< all there; else what lacks is fetched */
void fl_delivery_present(fl_world *w, uint32_t replica);                /**< all of it is there from now on */
void fl_delivery_pin(fl_world *w, uint32_t replica, bool in_use); /**< its files stay on the node, from arrival on */
void fl_delivery_prefetch(fl_world *w, uint32_t service, uint32_t cluster, bool wanted);
void fl_delivery_preheat(fl_world *w);       /**< time 0: what the scenario says is fetched */
void fl_delivery_warm(fl_world *w);          /**< end of the warm-up: bytes that leave a registry count from here */
int64_t fl_delivery_cost(const fl_world *w); /**< moved between regions and stored, since warm-up */

/* reclaim.c */
void fl_reclaim_notice(fl_world *w, uint32_t node, int64_t gone_ns);
void fl_reclaim_end(fl_world *w, uint32_t node);

/* observe.c, source.c */
bool fl_eye_new(fl_world *w);
void fl_eye_free(fl_world *w);
void fl_scrape_event(fl_world *w);
spw_source fl_source_of(fl_world *w);
size_t fl_pods_max(const sc_scenario *sc);
int64_t fl_eye_reading(const fl_world *w); /**< when the visible state was read */

/* actuate.c */
spw_actuator fl_actuator_of(fl_world *w);
spw_rc fl_carry_out(fl_world *w, const spw_action *action, spw_err *err); /**< at once, whatever faults there are */

#endif
