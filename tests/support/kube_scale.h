/* SPDX-License-Identifier: GPL-3.0-or-later */
/** kube_scale.h - the simplest write there is, for tests: a Deployment from 2 replicas to 5. */
#ifndef TESTS_SUPPORT_KUBE_SCALE_H
#define TESTS_SUPPORT_KUBE_SCALE_H

#include "sched/kube/writes.h"

#define SCALE_FROM 2
#define SCALE_TO   5

/** To server 0 at `path`, not read before if `version` is given. path is borrowed. */
kube_write scale_write(const char *path, const char *version);

#endif
