/* SPDX-License-Identifier: Apache-2.0 */
/** config_keys.h - the tables of a Daemon file's keys. Internal to sched/daemon. */
#ifndef SCHED_DAEMON_CONFIG_KEYS_H
#define SCHED_DAEMON_CONFIG_KEYS_H

#include "sched/daemon/config.h"

extern const bind_table dm_root_keys; /**< of a dm_config */

#endif
