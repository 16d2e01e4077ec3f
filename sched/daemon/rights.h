/* SPDX-License-Identifier: Apache-2.0 */
/** rights.h - what the Daemon file makes necessary, and whether the servers allow it: `spillwayd --rights`. */
#ifndef SCHED_DAEMON_RIGHTS_H
#define SCHED_DAEMON_RIGHTS_H

#include "sched/daemon/links.h"

/**
 * Asks every server for every right that this configuration uses, and prints a line for each, refused ones first:
 *   "NO   idc  patch deployments.apps/scale  (reason)"; "?" where a server did not say.
 * For metrics, what entries of `meters` and the autoscalers name is asked for, one by one: a role may grant single
 * metrics. When the objects that govern cannot be read, their metrics are one line with "?", the errors are in diag.
 * @param out out  all  whether every right is granted
 * @return SPW_OK; SPW_INVAL or SPW_BACKEND with errors in diag; SPW_NOMEM
 */
spw_rc dm_rights(const dm_config *config, const dm_host *host, FILE *out, spw_diag *diag, bool *all);

#endif
