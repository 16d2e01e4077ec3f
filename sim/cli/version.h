/* SPDX-License-Identifier: GPL-3.0-or-later */
/** version.h - what the build says about itself. */
#ifndef SIM_CLI_VERSION_H
#define SIM_CLI_VERSION_H

#include <stdint.h>

/* The build passes it in; a single file compiled by hand does without. */
#ifdef SPILLWAY_VERSION
#define CLI_VERSION SPILLWAY_VERSION
#else
#define CLI_VERSION "unversioned"
#endif

/**
 * The version and a digest of the sources that decide what a simulation gives. What is kept of an unfinished command
 * belongs to one build: a model that was changed under the same version gives other results.
 */
extern const char cli_build[];

/** `hash`, bound to this build. */
uint64_t cli_build_hash(uint64_t hash);

#endif
