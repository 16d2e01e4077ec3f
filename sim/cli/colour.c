/* SPDX-License-Identifier: GPL-3.0-or-later */
/* colour.c - see colour.h. */
#include "sim/cli/colour.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BOLD  "\033[1m"
#define RED   "\033[31m"
#define GREEN "\033[32m"
#define PLAIN "\033[0m"

int colour_wanted(FILE *stream)
{
    const char *none = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return isatty(fileno(stream)) && (none == NULL || none[0] == '\0') && terminal != NULL &&
           strcmp(terminal, "dumb") != 0;
}

static int ends_in(const char *line, size_t length, const char *word)
{
    const size_t n = strlen(word);
    return length >= n && memcmp(line + length - n, word, n) == 0;
}

/* A line, of which the last `tail` bytes get their own colour. */
static void put(const char *line, size_t length, size_t tail, const char *colour, FILE *stream)
{
    fprintf(stream, "%.*s%s%.*s%s", (int)(length - tail), line, colour, (int)tail, line + length - tail, PLAIN);
}

void colour_print(const char *text, FILE *stream)
{
    for (const char *line = text; *line != '\0';) {
        const size_t length = strcspn(line, "\n");
        if (length == 0) {
            /* an empty line has nothing to colour */
        } else if (ends_in(line, length, " met")) {
            put(line, length, 3, GREEN, stream);
        } else if (ends_in(line, length, " missed")) {
            put(line, length, 6, RED, stream);
        } else if (strncmp(line, "FAILED ", 7) == 0) {
            put(line, length, length, RED, stream);
        } else if (line[0] != ' ') {
            put(line, length, length, BOLD, stream);
        } else {
            fprintf(stream, "%.*s", (int)length, line);
        }
        line += length;
        if (*line == '\n') {
            fputc('\n', stream);
            line++;
        }
    }
}
