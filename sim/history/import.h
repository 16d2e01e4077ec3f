/* SPDX-License-Identifier: GPL-3.0-or-later */
/** import.h - from a log of decisions to a folder with a scenario that runs. See scene.h for what is in it. */
#ifndef SIM_HISTORY_IMPORT_H
#define SIM_HISTORY_IMPORT_H

#include "sim/history/scene.h"

typedef struct import_spec {
    past_spec log;
    const char *const *service_files; /**< [service_file_count] entries of spec.services, or scenarios that have them */
    size_t service_file_count;
    const char *model;        /**< of workloads that no file has; NULL = none */
    int64_t input, output;    /**< tokens of a request; > 0 with `model`; 0 = not given */
    const scene_users *users; /**< [user_count]; 0 = all in the region where most replicas stood */
    size_t user_count;
    const char *tables_dir; /**< NULL = those that came with the program */
    const char *name;       /**< of the scenario */
} import_spec;

typedef struct import_result {
    zone z;
    past *p;
    hist_services services;
    scene scene;          /**< notes and demands */
    sc_messages messages; /**< of the scenario's last loading: why it is not accepted, or warnings */
} import_result;

/**
 * Writes the folder `folder`, which exists and is empty, and loads its scenario as run does.
 * @return SPW_OK (warnings in diag are possible); SPW_INVAL, SPW_BACKEND with errors in diag; SPW_NOMEM. What was
 *         written stays, and result->messages may say more; *result is to be freed with import_fini in any case.
 */
spw_rc import_log(const import_spec *spec, const char *folder, spw_diag *diag, import_result *result);
void import_fini(import_result *result);

/** Notes what fleets, markets and the core did that no log has. False: no memory. */
bool import_notes(scene *s);

#endif
