/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * plots.h - private to sim/report: which pictures a run gets, and having gnuplot draw them.
 *
 * gnuplot is started with an argument list, never through a shell; names from the scenario reach it as single-quoted
 * strings, in which gnuplot substitutes nothing.
 */
#ifndef SIM_REPORT_PLOTS_H
#define SIM_REPORT_PLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "sim/report/report.h"
#include "sim/report/view.h"

enum {
    REP_SERVICE_PICTURES = 8,
    REP_BURST_PICTURES = 6,
    REP_PICTURES = 2 * REP_SERVICE_PICTURES + REP_BURST_PICTURES + 2
};

typedef enum rep_picture_kind {
    REP_PICTURE_DEMAND = 1,
    REP_PICTURE_LATENCY,
    REP_PICTURE_COST,
    REP_PICTURE_BURST,
    REP_PICTURE_LAG
} rep_picture_kind;

typedef struct rep_picture {
    rep_picture_kind kind;
    int32_t index; /**< service (demand, latency) or burst */
    char stem[24]; /**< file name without folder and ending */
    int width, height;
    bool drawn; /**< STEM.svg and STEM.png exist */
} rep_picture;

typedef struct rep_album {
    rep_picture at[REP_PICTURES];
    int32_t count;
    char why_not[256]; /**< why nothing was drawn; "" if something was */
} rep_album;

/* Where the axis of time begins and ends in a picture, as shares of its width: left and right of plots/style.gp. */
#define REP_PLOT_LEFT  0.085
#define REP_PLOT_RIGHT 0.962

/** Simulated time that a picture shows. */
void rep_picture_window(const rep_view *v, const rep_picture *p, double *from_s, double *to_s);

/** Which pictures make sense for replication 0: none over an empty table. */
void rep_album_plan(const rep_view *v, rep_album *album);

/**
 * What a script needs to know, as gnuplot assignments for -e.
 * @param in texts  {name, value} pairs that come first, ended by {NULL, NULL}
 * @return text to be freed, NULL: memory
 */
char *rep_picture_values(const rep_view *v, const rep_picture *p, const char *const texts[][2]);

/** A single-quoted gnuplot string: '' stands for '; control characters and backquotes have no business in a label. */
void rep_quote_text(FILE *out, const char *text);
/** An assignment of one to a name, for -e. */
void rep_quote(FILE *out, const char *name, const char *text);
/** The same for each {name, text}, up to a NULL name. */
void rep_quote_all(FILE *out, const char *const texts[][2]);

typedef struct rep_drawing {
    const char *scripts; /**< folder of the gnuplot scripts */
    const char *gnuplot; /**< program */
} rep_drawing;
/** Assignments for -e, with `texts` first as in rep_picture_values(). To be freed; NULL: memory */
typedef char *(*rep_values_fn)(const void *user, const char *const texts[][2]);
/**
 * Draws DIR/plots/STEM.FORMAT ("svg" or "png") with one script.
 * @return 0; an error number: gnuplot could not be started; -1: it failed, and `said` holds why
 */
int rep_draw(const char *stem, const char *script, const char *format, const char *dir, const rep_drawing *how,
             rep_values_fn values_of, const void *user, char *said, size_t said_size);

/** Draws into DIR/plots, which exists. Problems go to options->log and to why_not; pictures that failed stay undrawn.
 */
void rep_album_draw(const rep_view *v, rep_album *album, const char *dir, const report_options *options);

#endif
