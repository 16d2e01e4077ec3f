/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * datadir.h - where the tables and scenarios are that came with the program.
 *
 * An installed tree can be moved, and packages are built for one prefix and unpacked under another, so the place of the
 * program itself comes first. In this order, the first folder that holds tables/gpus.csv:
 *   1. near the program: ../share/spillway, then scenarios/ beside it and in each folder above it, at most five levels
 *   2. the prefix that the program was built for
 *   3. scenarios/ in the working directory
 */
#ifndef SIM_SCENARIO_DATADIR_H
#define SIM_SCENARIO_DATADIR_H

#include <stdbool.h>
#include <stddef.h>

#define DATADIR_PATH_MAX 1200

/** The folder, e.g. "/usr/share/spillway". @return false: none of the places has one; *path is then undefined */
bool datadir_find(char *path, size_t path_size);
/** Step 1 for a program at an absolute path. */
bool datadir_near(const char *program, char *path, size_t path_size);
/** The folder of the parameter tables in it. @return false with a sentence that names the places and the way out */
bool datadir_tables(char *path, size_t path_size, char *err, size_t err_size);
/**
 * A shipped scenario by the name that the manual calls it: "x.yaml" or "scenarios/x.yaml", ".yaml" optional.
 * @return false: no such file, or the name has another folder in it
 */
bool datadir_scenario(const char *name, char *path, size_t path_size);

#endif
