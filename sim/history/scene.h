/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * scene.h - the past of a fleet as a folder with a scenario in it:
 *   scenario.yaml  what the log says, and in comments what it does not say and where that was taken from
 *   manifests/     the objects that governed, as the log carries them, each beginning with as many replicas as there
 * were demand/        requests/s of each service over time (traffic of kind rates) faults/        when clusters did not
 * answer, and when nodes of pools that cannot grow were missing stocks/        what providers had, where they said so,
 * and prices that changed files/         what the given entries of services refer to
 */
#ifndef SIM_HISTORY_SCENE_H
#define SIM_HISTORY_SCENE_H

#include <stdio.h>

#include "sim/history/demand.h"
#include "sim/history/services.h"

/** Part of the users of every service. */
typedef struct scene_users {
    const char *region;
    double share; /**< of the demand; all shares add up to 1 */
} scene_users;

typedef struct scene {
    const past *p;
    hist_services *services;
    const scene_users *users;
    size_t user_count;
    const char *name;           /**< of the scenario */
    const char *const *sources; /**< [source_count] the logs, for the first comment */
    size_t source_count;
    bool delays, bytes_cost;     /**< every region has round trips, every provider a price for bytes */
    const char **manifest_files; /**< [past.manifest_count] set by scene_manifests() */
    const demand *demands;       /**< [past.service_count]; NULL: traffic is not known yet */
    const char **notes;          /**< [note_count] what was taken from where, and what was lost */
    size_t note_count;
    zone *z;
} scene;

/** One more sentence for the comments. False: no memory. */
bool scene_note(scene *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/**
 * Writes manifests/, faults/ and stocks/ into a folder.
 * @return SPW_OK; SPW_INVAL, SPW_BACKEND with an error in diag; SPW_NOMEM
 */
spw_rc scene_manifests(scene *s, const char *folder, spw_diag *diag);
spw_rc scene_series(scene *s, const char *folder, spw_diag *diag);
/** Writes demand/ for one service. */
spw_rc scene_demand(const scene *s, size_t service, const char *folder, spw_diag *diag);
/** Writes scenario.yaml. */
spw_rc scene_scenario(const scene *s, const char *folder, spw_diag *diag);

/* --- inside --- */

/** "demand/prod-chat.csv" from a kind of file, a name and an ending: what is not A-Z, a-z, 0-9, '.', '_' becomes '-'.
 */
const char *scene_file(zone *z, const char *kind, const char *name, const char *ending);
/** Opens a file in the folder, whose own folder is made. NULL with an error in diag, or no memory (zone.failed). */
FILE *scene_open(zone *z, const char *folder, const char *file, spw_diag *diag);
/** Closes it. @return SPW_OK, or SPW_BACKEND with an error in diag */
spw_rc scene_close(FILE *out, const char *file, spw_diag *diag);
/** The file of a pool's nodes that were missing (`place` counts from the last one), or of its stock. */
const char *scene_pool_file(const scene *s, const past_pool *pool, const char *kind, int32_t place);
/** Nodes of a pool that cannot grow that were missing at some time. */
int32_t scene_missing(const past_pool *pool);
/** Names for the scenario: "unknown" where the log has none. */
const char *scene_region(const past_cluster *c);
const char *scene_provider(const past_cluster *c);
/** A cluster without pools cannot be simulated and is left out. */
bool scene_has_pools(const past *p, size_t cluster);
/** Whether the autoscaler of a service had no sample at times. */
static inline bool scene_blind(const past *p, size_t service)
{
    return past_served(p, service) && p->services[service].blind.count > 0;
}
/** Whether a pool gets a file in stocks/. */
bool scene_stocked(const past_pool *pool);

#endif
