/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * check.h - what this build computes beside what is known: queueing theory, runs of real engines, published results.
 *
 * Each line has a figure that is known, the same figure as this build has it, and how far apart they may lie. A line
 * that misses is FAILED, unless the table it comes from explains the miss; then the explanation is printed with it.
 */
#ifndef SIM_CHECK_CHECK_H
#define SIM_CHECK_CHECK_H

#include "models/gpu/gpu.h"
#include "sim/scenario/tables.h"

#define CHECK_ENGINE "vllm-0.19" /**< engine of the profile rows that are checked */
#define CHECK_NAME   96
#define CHECK_NOTE   400

typedef enum check_verdict { CHECK_HELD = 1, CHECK_EXPLAINED, CHECK_FAILED, CHECK_NOT_RUN } check_verdict;

typedef struct check_line {
    const char *group; /**< "theory", "engine run", "cross-check", "published" */
    char name[CHECK_NAME];
    const char *unit;
    double expected, measured; /**< NaN where not run */
    double tolerance;          /**< relative to expected */
    check_verdict verdict;
    char grade[MDL_GRADE_SIZE]; /**< of the expected figure; "theory" for closed forms */
    char note[CHECK_NOTE];      /**< why it may miss, or why it was not run; "" otherwise */
} check_line;

typedef struct check_list {
    check_line *lines;
    size_t count, cap;
    bool failed; /**< out of memory: the list is not whole */
} check_list;

/** A line by its figures: held if |measured - expected| <= tolerance x |expected|, else explained if it has a note. */
void check_add(check_list *list, const check_line *line);
void check_free(check_list *list);
const char *check_verdict_name(check_verdict verdict);

/** What the checks read. */
typedef struct check_input {
    const tables *tables;
    const char *tables_dir;
    const char *data; /**< folder with recordings; NULL = none */
    int32_t jobs;     /**< threads for replications */
} check_input;

/** Waiting times of the shipped stations under the whole fleet, against closed forms. @return false with a sentence */
bool check_theory(const check_input *in, check_list *list, char *err, size_t err_size);
/** Recorded runs under in->data, replayed under the shipped profile rows. @return false with a sentence */
bool check_runs(const check_input *in, check_list *list, char *err, size_t err_size);
/** Output tokens/s of the recorded requests of a model on another GPU; NaN where there is no recording of it. */
bool check_replayed_rate(const check_input *in, const char *gpu, const char *model, double *per_s, char *err,
                         size_t err_size);
/** Published throughput of saturated engines, and what else is published. @return false with a sentence */
bool check_published(const check_input *in, check_list *list, char *err, size_t err_size);

#endif
