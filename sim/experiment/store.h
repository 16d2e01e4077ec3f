/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * store.h - the runs of a folder on disk (runs.bin), so that `report` can draw it again without running anything.
 *
 * A file is read back by the same build on the same kind of machine only: structs are written as they are. It begins
 * with a text line that says what wrote it; host figures are left out, so that the same run gives the same bytes.
 */
#ifndef SIM_EXPERIMENT_STORE_H
#define SIM_EXPERIMENT_STORE_H

#include "sim/experiment/result.h"

/** Where the runs came from. */
typedef struct store_head {
    char *scenario; /**< path as it was given */
    char *tables;   /**< --tables as given; NULL = not given */
    uint64_t hash;  /**< of the scenario */
    int32_t count;  /**< replications */
    sc_override *sets;
    size_t set_count;
} store_head;

/** @param in version  of the program. @return 0, -1: stream error */
int store_write(FILE *out, const char *version, const sc_scenario *sc, const char *tables, res_run *const *runs,
                int32_t count);

/** Reads the head; the stream stands before the runs then. @return 0, or -1 with a sentence in err */
int store_read_head(FILE *in, const char *version, store_head *head, char *err, size_t err_size);
void store_head_fini(store_head *head);

/**
 * Reads the runs.
 * @param in  sc    the scenario of head->hash
 * @param out runs  [head->count], each to be freed with res_free, whatever the outcome
 * @return 0; -1: the file is cut short or memory ran out
 */
int store_read_runs(FILE *in, const sc_scenario *sc, const store_head *head, res_run **runs);

/** One run by itself, without a head. @return 0, -1: stream error */
int store_write_run(FILE *out, const sc_scenario *sc, res_run *run);
/** @return to be freed with res_free; NULL: the stream is cut short, or memory ran out */
res_run *store_read_run(FILE *in, const sc_scenario *sc);
/** Changes with the layout of what these two write. */
uint64_t store_layout(void);

#endif
