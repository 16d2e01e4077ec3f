/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * points.h - a folder of finished points that survives kill -9 at any moment.
 *
 *   DIR/.spillway-points   what the points belong to (one line); written first
 *   DIR/points/000017.csv  point 17: a line that says the same again, and a line of values
 * A point is there whole or not at all (whole.h). Several processes may write different points of one folder at once
 * (shards on a shared file system).
 */
#ifndef SIM_EXPERIMENT_POINTS_H
#define SIM_EXPERIMENT_POINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POINTS_PATH_MAX 4096
#define POINTS_MARKER   ".spillway-points"

typedef struct points {
    const char *dir;
    uint64_t hash; /**< of everything that decides what the points hold */
} points;

/** What a folder holds before anything is done to it. */
typedef enum points_state {
    POINTS_FREE = 0,    /**< does not exist, or is empty */
    POINTS_OURS = 1,    /**< points of this hash */
    POINTS_OTHERS = 2,  /**< points of another hash */
    POINTS_FOREIGN = 3, /**< something else */
} points_state;
points_state points_look(const points *p);

/** Makes the folders (the parent of dir exists) and the marker. @return 0, or -1 with a sentence in err */
int points_begin(const points *p, char *err, size_t err_size);

bool points_has(const points *p, int32_t index);

/**
 * Keeps one point.
 * @param in line  its values, without a line end
 * @return 0, or -1 with a sentence in err
 */
int points_put(const points *p, int32_t index, const char *line, char *err, size_t err_size);

/**
 * Reads a point back.
 * @return its line, to be freed; NULL with a sentence in err: it is not there, damaged, or of another hash
 */
char *points_get(const points *p, int32_t index, char *err, size_t err_size);

/** Removes what interrupted writers left behind. For a folder that nobody writes points into any more. */
void points_sweep_up(const points *p);

/** Takes the lock of the folder: one process at a time puts results together. @return fd to be closed, or -1 (errno) */
int points_lock(const points *p);

#endif
