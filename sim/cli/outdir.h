/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * outdir.h - a folder of results that appears whole or not at all.
 *
 * Results are written into a folder with a temporary name beside the final one, which is renamed at the end. What an
 * earlier run left under the final name is replaced then, and only then; a folder that holds anything else is refused.
 * A process that is killed leaves its temporary folder; the next one with the same final name removes it: the marker in
 * it is locked (fcntl) for as long as its process lives.
 */
#ifndef SIM_CLI_OUTDIR_H
#define SIM_CLI_OUTDIR_H

#include <stddef.h>

#define OUTDIR_PATH_MAX 4096
#define OUTDIR_MARKER   ".spillway-run" /**< an empty file by which our own folders are known */

typedef struct outdir {
    char target[OUTDIR_PATH_MAX]; /**< the final name */
    char work[OUTDIR_PATH_MAX];   /**< the temporary name; "" when there is none */
    int lock;                     /**< the marker in work, open */
} outdir;

/**
 * Says whether `target` may be written: it does not exist, is an empty folder, or was made by an earlier run.
 * @return 0; -1 with a sentence in err: something else stands there. Nothing is changed.
 */
int outdir_check(const char *target, char *err, size_t err_size);

/** Makes the parents of `target` and the temporary folder, removes those of dead processes. @return 0, or -1 with a
 * sentence in err */
int outdir_begin(outdir *dir, const char *target, char *err, size_t err_size);

/** Puts the temporary folder in place. @return 0, or -1 with a sentence in err; the results then stay in dir->work */
int outdir_commit(outdir *dir, char *err, size_t err_size);

/** Removes the temporary folder. Does nothing after a commit. */
void outdir_abort(outdir *dir);

/** Makes the folders above `target`. @return 0, or -1 with errno */
int outdir_make_parents(const char *target);

/** Removes a folder of results that outdir_check() allowed to be replaced. @return 0, or -1 with errno */
int outdir_remove(const char *target);

#endif
