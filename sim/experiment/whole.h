/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * whole.h - files that appear under their name whole or not at all, whatever kills the process.
 *
 * A file is written under a name of its own beside the final one ("NAME.PID-N.tmp"), flushed to the disk and renamed,
 * and the folder is flushed. Threads and processes may write the same name at once: the last one stays.
 */
#ifndef SIM_EXPERIMENT_WHOLE_H
#define SIM_EXPERIMENT_WHOLE_H

#include <stdbool.h>
#include <stdio.h>

#define WHOLE_PATH_MAX 4096

typedef struct whole_file {
    FILE *file; /**< to be written, and read back */
    char path[WHOLE_PATH_MAX], temporary[WHOLE_PATH_MAX + 64];
} whole_file;

/** Opens the temporary file; its folder exists. @return 0, or -1 with errno */
int whole_begin(whole_file *w, const char *path);
/** Puts the file in place, or, when not `good`, removes it. @return 0: it is in place; -1 with errno: it is not */
int whole_end(whole_file *w, bool good);
/** Removes the files of a folder whose names end so; ".tmp": what killed writers left. */
void whole_remove(const char *folder, const char *ending);

#endif
