/* SPDX-License-Identifier: GPL-3.0-or-later */
/** burst.h - private to sim/report: the burst microscope, a page for each burst beside report.html. */
#ifndef SIM_REPORT_BURST_H
#define SIM_REPORT_BURST_H

#include "sim/report/decisions.h"
#include "sim/report/scene.h"
#include "sim/report/view.h"

enum {
    REP_BURST_PAGES = 40,
    REP_BURST_FILE = 32,
    REP_BURST_DECISIONS = 1000 /**< on a page; decisions.csv has all */
};

/** The bursts of replication 0 that have a page: the worst ones, in row order. @return how many, <= REP_BURST_PAGES */
int32_t rep_burst_pages(const rep_view *v, int32_t rows[REP_BURST_PAGES]);
/** "burst-3.html" for row 2. */
char *rep_burst_file(int32_t row, char buf[REP_BURST_FILE]);
/** What a page shows: the burst, to the end of the run if it was never released, with some time on both sides. */
rep_window rep_burst_window(const rep_view *v, const res_burst *b);
/** From the onset to the first absorption, likewise. @return false: that is no small part of the burst, or never was */
bool rep_burst_beginning(const rep_view *v, const res_burst *b, rep_window *window);
/** The name of a mark, and where it lies, s; NaN: never reached. */
enum { REP_MARKS = 5 };
extern const char *const rep_mark_words[REP_MARKS];
double rep_mark_s(const res_burst *b, int mark);
/** A cell: how long after the onset a mark was reached, "at once" or "never". */
void rep_mark_cell(FILE *out, const res_burst *b, double mark_s);

/** What a page is made from. */
typedef struct rep_burst_view {
    const rep_view *v;
    const rep_decisions *decisions; /**< the first REP_BURST_DECISIONS of this burst */
    size_t decided;                 /**< how many there are */
    int32_t row;
} rep_burst_view;

int rep_burst_page(const void *what, FILE *out); /**< for rep_write_file; what: rep_burst_view */
/** A picture of a part of the page's window, in its card. */
void rep_burst_picture(const rep_burst_view *b, rep_window window, FILE *out);

/**
 * Writes the pages and decisions.csv, a row for each decision of a burst with a page. Pages of bursts that are no more
 * are taken away.
 * @return 0, or -1 with a sentence in err
 */
int rep_write_burst_files(const rep_view *v, const char *dir, char *err, size_t err_size);

#endif
