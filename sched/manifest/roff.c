/* SPDX-License-Identifier: Apache-2.0 */
/** roff.c - what roff would read as its own, escaped. */
#include "sched/manifest/roff.h"

void roff_text(const char *text, FILE *out)
{
    if (*text == '.' || *text == '\'') {
        fputs("\\&", out);
    }
    for (; *text != '\0'; text++) {
        if (*text == '-' || *text == '\\') {
            fputs(*text == '-' ? "\\-" : "\\e", out);
        } else {
            fputc(*text, out);
        }
    }
}
