/* SPDX-License-Identifier: GPL-3.0-or-later */
/** drive.h - one engine alone under a list of requests: what a benchmark client measures at a real one. */
#ifndef SIM_CALIBRATE_DRIVE_H
#define SIM_CALIBRATE_DRIVE_H

#include "models/engine/engine.h"

typedef struct drive_request {
    int64_t at_ns; /**< in for an open loop, out for a closed one */
    int32_t input, output;
    int64_t started_ns, first_ns, done_ns; /**< out; -1 = never (refused) */
} drive_request;

/** Sums over the requests that were done. */
typedef struct drive_sums {
    size_t done;
    int64_t makespan_ns;             /**< from the first arrival to the last token */
    double ttft_ms, tpot_ms, e2e_ms; /**< means; tpot over requests of two tokens or more */
    double output_per_s;             /**< generated tokens over the makespan */
    size_t spaced;                   /**< requests of two tokens or more */
    int64_t preemptions;
} drive_sums;

/**
 * @param inout requests  [n] sorted by at_ns for an open loop
 * @param concurrency     0 = open loop, each comes at its at_ns; else a closed one: so many are inside, the next comes
 *                        when one is done
 * @return false if memory ran out or the engine refuses config
 */
bool drive_engine(const mdl_llm_config *config, drive_request *requests, size_t n, size_t concurrency,
                  drive_sums *sums);
/** Adds another run, which did not overlap: means over the requests of both, their makespans one after the other. */
void drive_pool(drive_sums *all, const drive_sums *more);

#endif
