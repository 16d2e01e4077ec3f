/* SPDX-License-Identifier: GPL-3.0-or-later */
/** colour.h - a text summary on a terminal: headings bold, targets green or red. Elsewhere the text as it is. */
#ifndef SIM_CLI_COLOUR_H
#define SIM_CLI_COLOUR_H

#include <stdio.h>

/** Whether colours are welcome: `stream` is a terminal that is not dumb, and NO_COLOR is not set (no-color.org). */
int colour_wanted(FILE *stream);

/**
 * Prints the text with colours. Only lines are looked at: one that does not begin with a blank is a heading; the words
 * "met", "missed" and "FAILED" at the end or the beginning of a line say how something came out.
 */
void colour_print(const char *text, FILE *stream);

#endif
