/* SPDX-License-Identifier: Apache-2.0 */
/** limits.h - fixed bounds of the core; everything else is sized by spw_settings. */
#ifndef SPILLWAY_LIMITS_H
#define SPILLWAY_LIMITS_H

#include <stdint.h>

#define SPW_NODE_GPUS_MAX 16                 /**< GPUs of one node */
#define SPW_GROUPS_MAX    64                 /**< groups of one policy */
#define SPW_UNITS_MAX     8                  /**< units of one ResourcePolicy */
#define SPW_NAME_MAX      253                /**< length of a name, as Kubernetes bounds it */
#define SPW_REPLICAS_MAX  1000000            /**< replicas of one workload */
#define SPW_NODES_MAX     1000000            /**< nodes of one pool */
#define SPW_GPU_MILLI_MAX 100000             /**< throughput of a GPU class, 1000 = the reference class */
#define SPW_REQUEST_MAX   (INT64_C(1) << 42) /**< milli-CPU, or bytes, of one replica */

#endif
