/* SPDX-License-Identifier: Apache-2.0 */
/** roff.h - text of a man page. */
#ifndef SCHED_MANIFEST_ROFF_H
#define SCHED_MANIFEST_ROFF_H

#include <stdio.h>

/** Hyphens that can be copied, nothing taken for a request. */
void roff_text(const char *text, FILE *out);

#endif
