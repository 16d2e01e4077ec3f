/* SPDX-License-Identifier: GPL-3.0-or-later */
/** starter.h - the files that `spillway init` writes. */
#ifndef SIM_CLI_STARTER_H
#define SIM_CLI_STARTER_H

typedef struct starter_file {
    const char *name;         /**< relative to the folder; at most one folder deep, in manifests/ */
    const char *const *parts; /**< the text, in parts; ends with NULL */
} starter_file;

/** Ends with a name that is NULL. */
extern const starter_file starter_files[];

#endif
