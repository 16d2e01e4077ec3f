/* SPDX-License-Identifier: GPL-3.0-or-later */
/* check.c - the list of lines and its verdicts. */
#include "sim/check/check.h"

#include <math.h>
#include <stdlib.h>

void check_add(check_list *list, const check_line *line)
{
    if (list->count == list->cap) {
        size_t cap = list->cap > 0 ? 2 * list->cap : 32;
        check_line *lines = realloc(list->lines, cap * sizeof *lines);
        if (lines == NULL) {
            list->failed = true;
            return;
        }
        list->lines = lines;
        list->cap = cap;
    }
    check_line *to = &list->lines[list->count++];
    *to = *line;
    if (line->verdict == CHECK_NOT_RUN) {
        return;
    }
    bool held = fabs(line->measured - line->expected) <= line->tolerance * fabs(line->expected);
    to->verdict = held ? CHECK_HELD : line->note[0] != '\0' ? CHECK_EXPLAINED : CHECK_FAILED;
    if (held) {
        to->note[0] = '\0';
    }
}

void check_free(check_list *list)
{
    free(list->lines);
    *list = (check_list){.lines = NULL};
}

const char *check_verdict_name(check_verdict verdict)
{
    static const char *const names[] = {"", "held", "explained", "FAILED", "not run"};
    return names[verdict];
}
