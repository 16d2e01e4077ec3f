/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * services.h - what workloads of a log serve: entries of spec.services, which no log has.
 *
 * From files, each of them either one entry or a whole scenario with several, or from the name of a model and two
 * lengths, for every workload that no file has.
 */
#ifndef SIM_HISTORY_SERVICES_H
#define SIM_HISTORY_SERVICES_H

#include "sched/manifest/yamldoc.h"

typedef struct hist_service {
    const char *workload; /**< namespace/name; NULL = the file does not say: of the only one there is */
    const char *source;   /**< the file, or "--model" */
    yamldoc *doc;
    const char *path; /**< of the entry in it; "" = the first document itself */
    const ynode *entry;
} hist_service;

typedef struct hist_services {
    zone z;
    hist_service *at;
    size_t count;
    yamldoc **docs; /**< [doc_count] open */
    size_t doc_count;
    size_t files; /**< copied so far */
} hist_services;

/**
 * Reads the files.
 * @return SPW_OK; SPW_INVAL, SPW_BACKEND with errors in diag; SPW_NOMEM. Free with hist_services_fini in any case.
 */
spw_rc hist_services_read(hist_services *s, const char *const *files, size_t count, spw_diag *diag);
void hist_services_fini(hist_services *s);

/** What one model with fixed lengths serves; for a workload that no file has. @return as hist_services_read() */
spw_rc hist_services_add(hist_services *s, const char *workload, const char *model, int64_t input, int64_t output,
                         spw_diag *diag);

/** Gives an entry lengths without spread. @return as yamldoc_set() */
spw_rc hist_services_lengths(hist_services *s, hist_service *service, int64_t input, int64_t output, spw_diag *diag);

/** @return the entry of a workload; NULL = none. `only`: it is the only workload */
hist_service *hist_service_of(const hist_services *s, const char *workload, bool only);

/**
 * Puts another value into an entry, as YAML.
 * @return as yamldoc_set()
 */
spw_rc hist_service_set(hist_services *s, hist_service *service, const char *key, const char *value, spw_diag *diag);

/** Copies the files that an entry names to `folder`/files and lets it name these. @return as hist_services_read() */
spw_rc hist_service_files(hist_services *s, hist_service *service, const char *folder, spw_diag *diag);

#endif
