/* SPDX-License-Identifier: GPL-3.0-or-later */
/** messages.h - what the readers of scenario and sweep files share. Internal to sim/scenario. */
#ifndef SIM_SCENARIO_MESSAGES_H
#define SIM_SCENARIO_MESSAGES_H

#include "sched/manifest/yamldoc.h"
#include "sim/scenario/scenario.h"

#define SC_MESSAGES_KEPT 64 /**< a page or two; the rest is counted */

/** Joins the kept messages, one line each. */
void sc_messages_collect(const spw_diag *diag, sc_messages *out);

/** A name that becomes a folder name: small letters, digits, '-'. @return false with an error at the node */
bool sc_check_name(spw_diag *diag, const ynode *node, const char *name);

/** A file's text in the zone, NULL when it cannot be read or memory ran out. */
const char *sc_keep_text(zone *z, const char *path);

/** Continues a hash over a file's bytes; a file that cannot be read leaves it as it is. */
uint64_t sc_hash_file(uint64_t hash, const char *path);

#endif
