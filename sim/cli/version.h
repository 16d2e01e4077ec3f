/* SPDX-License-Identifier: GPL-3.0-or-later */
/** version.h - what the build says about itself. */
#ifndef SIM_CLI_VERSION_H
#define SIM_CLI_VERSION_H

/* The build passes it in; a single file compiled by hand does without. */
#ifdef SPILLWAY_VERSION
#define CLI_VERSION SPILLWAY_VERSION
#else
#define CLI_VERSION "unversioned"
#endif

#endif
