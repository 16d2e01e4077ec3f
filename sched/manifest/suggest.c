/* SPDX-License-Identifier: Apache-2.0 */
/** suggest.c - optimal string alignment over three rows; words are short, so the plain table is fast enough. */
#include "sched/manifest/suggest.h"

#include <stdint.h>
#include <string.h>

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t suggest_distance(const char *a, const char *b)
{
    size_t rows[3][SUGGEST_LENGTH_MAX + 1];
    const size_t na = strlen(a);
    const size_t nb = strlen(b);

    if (na > SUGGEST_LENGTH_MAX || nb > SUGGEST_LENGTH_MAX) {
        return SIZE_MAX;
    }
    for (size_t j = 0; j <= nb; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= na; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3];
        const size_t *above2 = rows[(i + 1) % 3];

        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            const size_t change = lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1;

            row[j] = least(least(above[j] + 1, row[j - 1] + 1), above[j - 1] + change);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1])) {
                row[j] = least(row[j], above2[j - 2] + 1);
            }
        }
    }
    return rows[na % 3][nb];
}

void suggest_init(suggest *s, const char *word)
{
    s->word = word;
    s->best = NULL;
    s->distance = SIZE_MAX;
}

void suggest_offer(suggest *s, const char *candidate)
{
    const size_t third = strlen(s->word) / 3;
    const size_t limit = third > 1 ? third : 1;
    const size_t distance = suggest_distance(s->word, candidate);

    if (distance <= limit && distance < s->distance && distance < strlen(candidate)) {
        s->best = candidate;
        s->distance = distance;
    }
}
