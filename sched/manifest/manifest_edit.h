/* SPDX-License-Identifier: Apache-2.0 */
/**
 * manifest_edit.h - manifests with single fields replaced on the way in, for experiments that vary a policy.
 *
 * An object is named by kind and name, with its namespace in between where two share a name:
 *   HorizontalPodAutoscaler/chat    Deployment/prod/chat
 */
#ifndef SCHED_MANIFEST_MANIFEST_EDIT_H
#define SCHED_MANIFEST_MANIFEST_EDIT_H

#include "sched/manifest/suggest.h"
#include "sched/manifest/yamldoc.h"

typedef struct manifest_edit {
    const char *object; /**< "Kind/name" or "Kind/namespace/name" */
    const char *path;   /**< inside the object, as yamldoc_set() takes it */
    const char *value;
    size_t matched; /**< objects it was applied to so far; start with 0 */
    suggest near;   /**< the object seen that looks most like it; start with suggest_init(object) */
} manifest_edit;

/**
 * Splits "Kind/name:path" as people write it behind --set.
 * @param out split  length of the object's name
 * @return false: it is a path of the scenario file itself
 */
bool manifest_edit_split(const char *text, size_t *split);

/**
 * spw_manifest_add_file() with the edits applied to the objects that they name.
 * @param z        holds names for messages and the text
 * @param out text the file as it is after the edits, NULL when none of them touched it
 */
spw_rc manifest_edit_add(spw_manifest_set *set, const char *path, manifest_edit *edits, size_t count, zone *z,
                         spw_diag *diag, char **text, size_t *size);

#endif
