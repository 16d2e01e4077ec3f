/* SPDX-License-Identifier: Apache-2.0 */
/** errors.h - fills a spw_err and returns its code, so that a failing check is one line. */
#ifndef SCHED_CORE_ERRORS_H
#define SCHED_CORE_ERRORS_H

#include <spillway/types.h>

/** err may be NULL. @return code */
spw_rc err_set(spw_err *err, spw_rc code, spw_id row, const char *field, const char *text);

#endif
