/* SPDX-License-Identifier: GPL-3.0-or-later */
/** list_laws.h - spillway list laws: the models of the world, each with formula and source; or as pictures. */
#ifndef SIM_CLI_LIST_LAWS_H
#define SIM_CLI_LIST_LAWS_H

#include "sim/cli/options.h"

/**
 * @param name   one of them; NULL = all
 * @param brief  one line a law, without parameters and source
 * @param plot   folder for points and pictures, instead of the text; NULL = none
 */
cli_status list_laws(const char *name, int brief, const char *plot);

#endif
