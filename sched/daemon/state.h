/* SPDX-License-Identifier: Apache-2.0 */
/**
 * state.h - what the daemon must know again after a crash, in one file: the core's state, the replica counts of
 * templates that no server holds, the newest epoch of a leadership.
 *
 * PATH holds the newest generation, PATH.previous the one before. Each has a checksum over all of it. Of what is found
 * the newest whole one counts; also a PATH.new that was complete when the crash came. Nothing here can make the daemon
 * fail: a file that is damaged is an error with its reason, and the caller starts anew, carefully.
 *
 *   8   "SPWSTATE"            4 version = 1      4 templates
 *   8   generation            8 epoch            8 bytes of the core's state
 *   ..  the core's state      templates: 4 replicas, 4 length, name
 *   8   FNV-1a 64 of everything before                                           little-endian
 */
#ifndef SCHED_DAEMON_STATE_H
#define SCHED_DAEMON_STATE_H

#include "sched/daemon/files.h"

typedef struct dm_template {
    char *name; /**< "namespace/name" */
    int32_t replicas;
} dm_template;

typedef struct dm_state {
    uint64_t generation, epoch;
    void *core; /**< spw_state_save(); NULL with size 0 */
    size_t core_size;
    dm_template *templates;
    size_t template_count;
} dm_state;

void dm_state_fini(dm_state *state); /**< back to {0} */

/** Bytes of a state as they stand in the file. @return malloc'ed; NULL when out of memory */
void *dm_state_pack(const dm_state *state, size_t *size);
/** @return SPW_OK; SPW_STATE with the reason in err; SPW_VERSION; SPW_NOMEM. *out is untouched on failure. */
spw_rc dm_state_unpack(const void *bytes, size_t size, dm_state *out, spw_err *err);

/** Writes state->generation to PATH; the one before stays as PATH.previous. @return as dm_replace(), SPW_NOMEM */
spw_rc dm_state_save(const dm_files *files, const char *path, const dm_state *state, spw_err *err);

typedef enum dm_found {
    DM_FOUND_NONE = 0,    /**< there is no file: a first start */
    DM_FOUND_WHOLE = 1,   /**< the newest generation */
    DM_FOUND_OLDER = 2,   /**< PATH is damaged or away: an older generation, or one that was not renamed yet */
    DM_FOUND_DAMAGED = 3, /**< files, and none is whole */
    DM_FOUND_NO_MEMORY = 4
} dm_found;

/**
 * @param out out   fini by the caller; filled for WHOLE and OLDER
 * @param out note  what is wrong, for OLDER and DAMAGED; "" else
 */
dm_found dm_state_load(const char *path, dm_state *out, char *note, size_t note_size);

#endif
