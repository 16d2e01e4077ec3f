/* SPDX-License-Identifier: Apache-2.0 */
/**
 * quantity.h - Kubernetes quantities ("500m", "1Gi", "2e3", "0.5") in exact integer arithmetic.
 *
 * Grammar (resource.Quantity): sign? digits with an optional point, then one suffix of
 * n u m (none) k M G T P E | Ki Mi Gi Ti Pi Ei | e/E with a signed decimal exponent.
 * The value is rounded away from zero to whole milli-units, as Kubernetes does for finer values.
 */
#ifndef SCHED_MANIFEST_QUANTITY_H
#define SCHED_MANIFEST_QUANTITY_H

#include <stdint.h>

/**
 * @param text  terminated, no spaces around.
 * @param milli the value in thousandths; untouched on failure.
 * @return NULL on success, else a static sentence for people: bad form, unknown suffix, or |value| over int64.
 *         Negative values are accepted here; callers that refuse them test the sign.
 */
const char *quantity_parse(const char *text, int64_t *milli);

/** The same with another grain: value * 10^power rounded away from zero, e.g. power 6 for parts per million. */
const char *quantity_parse_scaled(const char *text, int power, int64_t *scaled);

/** Shortest decimal text of a value in milli-units ("1500m" for 1500, "2" for 2000). @return snprintf rules. */
int quantity_print(int64_t milli, char *buf, unsigned size);

#endif
