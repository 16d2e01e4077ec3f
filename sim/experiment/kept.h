/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * kept.h - replications that are done, kept in a folder, so that an interrupted experiment goes on where it was.
 *
 *   DIR/0123456789abcdef.rep  one replication: a line with its key, what its hooks were told, its result, a checksum
 * The key is a hash of everything that decides what is in the file: the build, the scenario with its manifests,
 * tables and overrides, the seed, the replication, what the hooks want, the form of the result. What another experiment
 * left in the folder is therefore never taken, and a damaged file counts as absent. Files are whole or not there
 * (whole.h).
 */
#ifndef SIM_EXPERIMENT_KEPT_H
#define SIM_EXPERIMENT_KEPT_H

#include <stdatomic.h>

#include "sim/fleet/fleet.h"

/** Zeroed but for the first three. Shared by the threads of an experiment. */
typedef struct kept_folder {
    const char *dir;     /**< made with the first replication; its parent exists */
    const char *version; /**< of the program, and what tells its builds apart */
    bool resume;         /**< take what is there; else it is only written */
    atomic_int taken, simulated;
    atomic_bool failed; /**< a replication could not be written */
} kept_folder;

/** What becomes of a replication. Each function @return 0, -1: out of memory or (write, read) a stream error. */
typedef struct kept_form {
    uint64_t hash;                           /**< of what `write` writes about a run: which figures, which layout */
    int (*result)(void *user, res_run *run); /**< takes the run */
    int (*write)(void *user, FILE *out);     /**< the result */
    int (*read)(void *user, FILE *in);       /**< the result, in place of `result` */
    void *user;
} kept_form;

/**
 * fleet_run(), but what is kept is taken: then the hooks for decisions and requests are told what they were told when
 * it was simulated, and the hook for progress hears of the end alone.
 * @param in k  NULL: nothing is kept
 * @return 0, or -1 with a sentence in err
 */
int kept_replicate(kept_folder *k, const sc_scenario *sc, uint64_t seed, uint32_t replication, const fleet_hooks *hooks,
                   const kept_form *form, char *err, size_t err_size);

/** How many replications the folder holds, of whatever experiment; -1: something else than a folder stands there. */
int32_t kept_count(const kept_folder *k);

/** Removes the replications and the folder, as far as it holds nothing else. */
void kept_remove(const kept_folder *k);

#endif
