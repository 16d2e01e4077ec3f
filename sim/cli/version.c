/* SPDX-License-Identifier: GPL-3.0-or-later */
/* version.c - see version.h. */
#include "sim/cli/version.h"

#include <string.h>

#include "sim/scenario/hash.h"

#ifndef SPILLWAY_SOURCES /* set by the Makefile */
#define SPILLWAY_SOURCES "unknown"
#endif

const char cli_build[] = CLI_VERSION " " SPILLWAY_SOURCES;

uint64_t cli_build_hash(uint64_t hash)
{
    return hash_bytes(hash, cli_build, strlen(cli_build));
}
