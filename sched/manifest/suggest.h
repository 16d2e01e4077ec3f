/* SPDX-License-Identifier: Apache-2.0 */
/**
 * suggest.h - "did you mean": the known word closest to a mistyped one.
 *
 * Distance: optimal string alignment (insert, delete, replace, swap of neighbours, each 1); a change of
 * letter case costs nothing. Words longer than SUGGEST_LENGTH_MAX never match.
 */
#ifndef SCHED_MANIFEST_SUGGEST_H
#define SCHED_MANIFEST_SUGGEST_H

#include <stddef.h>

#define SUGGEST_LENGTH_MAX 63u

/** @return edits between a and b, case ignored; SIZE_MAX when either is too long. */
size_t suggest_distance(const char *a, const char *b);

/** The running best of a search over any list of words. */
typedef struct suggest {
    const char *word; /**< what was typed */
    const char *best; /**< NULL = nothing close enough yet */
    size_t distance;  /**< of best */
} suggest;

void suggest_init(suggest *s, const char *word);

/** Offers one candidate; earlier candidates win ties. Close enough = at most a third of the word, at least 1. */
void suggest_offer(suggest *s, const char *candidate);

#endif
