/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * calibrate.h - from what was measured at an engine to a row of profiles.csv.
 *
 * Operator times give the whole step law (dense: roofline, head, decode attention, prefill attention). A log of
 * requests, or the engine's log by the second, gives what the law depends on as a whole: a decode step costs
 * A + B D + E S (D sequences, S their contexts), a prefill F for each and C for each token; the row then has c1 = A,
 * c2 = B, e2 = E, c4 = C, and zeros where a log cannot tell terms apart; of B what exceeds C is h1, since c2 counts the
 * tokens of prefills too. Where the data does not tell the five terms apart, the row is the known one with h0 and h1,
 * what the engine spends beside the GPU, from the data, or if these two are no better, the known one scaled. The same
 * where the five are none of a GPU (a step shorter than reading the weights takes at the rated bandwidth, a token of
 * context than reading its KV, a prefill with a fixed cost or a saving beyond a whole step), or the replay under them
 * misses by more than CALIBRATE_MISS: in a recording of an overloaded engine, with requests that wait and are thrown
 * out, times between tokens are no samples of steps. Unless the replay under the corrected row misses by that, and by
 * more.
 *
 * With operator times and requests together, the operators give the law and the requests what lies between the
 * operators: one constant a step, added to h0. What a request spends outside the engine is told apart and is no part of
 * the row. The engine settings (meta.json) give the reserved memory: utilisation x memory - weights - KV blocks. At the
 * end the requests are replayed through the engine of this program under the new row: the errors that remain.
 *
 * Grade: "measured" where the data tells the coefficients, "derived" where the row leans on the known one, "estimate"
 * where the replay of the very requests still misses by more than CALIBRATE_MISS, or cannot be done, or the
 * coefficients are none of a GPU.
 */
#ifndef SIM_CALIBRATE_CALIBRATE_H
#define SIM_CALIBRATE_CALIBRATE_H

#include "models/gpu/gpu.h"
#include "sim/calibrate/drive.h"
#include "sim/calibrate/fit.h"
#include "sim/calibrate/observed.h"

#define CALIBRATE_FITS           4
#define CALIBRATE_NOTES          16
#define CALIBRATE_NOTE           240
#define CALIBRATE_BATCHED_TOKENS 2048 /**< budget of a step where nothing tells it */
#define CALIBRATE_SEQUENCES      256  /**< requests of a batch at most where nothing tells it */
#define CALIBRATE_ALONE          20   /**< requests alone with their prompt that it takes to tell the time outside */

#define CALIBRATE_MISS                                                                                                 \
    0.10 /**< of the measured figure, above which a replay denies the row: within it are the recordings known */

/**
 * What a request spends between its client and the engine, from the times to the first token of those requests that
 * were alone with their prompt: how much longer than in the replay they took.
 */
typedef struct calibrate_outside {
    bool sought; /**< the times are a client's */
    bool told;   /**< enough of them, and the interval lies above 0; else nothing is counted */
    size_t n;
    double ms, low_ms, high_ms; /**< median, its 95 % interval */
    double short_ms, long_ms;   /**< median of the half of them with the shorter prompts, and of the other */
    double few_ms, many_ms;     /**< of the half that met the fewer requests in the batch, and of the other */
} calibrate_outside;

/** A run as measured beside the same run as simulated, time outside the engine included. */
typedef struct calibrate_replay {
    bool done;
    drive_sums measured, simulated;
} calibrate_replay;

typedef struct calibration {
    fit fits[CALIBRATE_FITS];
    size_t fit_count;
    mdl_profile row; /**< engine, gpu, model, coefficients, memory, source, date, grade */
    bool leaned;     /**< the data did not tell the coefficients apart: the row is the known one, corrected */
    char unlike[CALIBRATE_NOTE]; /**< why the terms of a log are none of this GPU; "" if they may be */
    double step_constant_us;     /**< what the requests added to h0 beyond the operator times; 0 if they did not */
    bool constant_told;          /**< there is a constant with which the replay lasts as long as the run */
    calibrate_outside outside;
    calibrate_replay replay;
    char notes[CALIBRATE_NOTES][CALIBRATE_NOTE];
    size_t note_count;
} calibration;

/**
 * @param in base  row to take from what the data does not say (reserved memory, block size, prefill attention)
 * @param in engine, date, source  for the row
 * @return false with a sentence in err if the data does not suffice
 */
bool calibrate(const observed *o, const mdl_gpu *g, const mdl_model *m, const mdl_profile *base, calibration *out,
               char *err, size_t err_size);

/**
 * The engine of this program under the same requests, idle at the start of each run.
 * @param out simulated  over the requests that fit its KV cache
 * @param out measured   over the same
 * @return false if the engine refuses the row, or all of them
 */
bool calibrate_replayed(const observed *o, const mdl_gpu *g, const mdl_model *m, const mdl_profile *row,
                        drive_sums *simulated, drive_sums *measured);

/**
 * @param out outside  not sought where times are the engine's own; all zero beside n where too few requests tell it
 * @return false: as calibrate_replayed()
 */
bool calibrate_time_outside(const observed *o, const mdl_gpu *g, const mdl_model *m, const mdl_profile *row,
                            calibrate_outside *outside);
double calibrate_counted_ms(const calibrate_outside *outside); /**< what is counted of it: 0 if it is not told */
/** Adds it to the means of a replay. */
void calibrate_count_outside(const calibrate_outside *outside, drive_sums *sums);

/** @return the largest relative error of a replay: mean TTFT, TPOT, end to end, or output tokens/s */
double calibrate_miss(const calibrate_replay *replay);

/** The fits of the operator times alone. @return how many, or -1 with a sentence */
int calibrate_operators(const observed *o, const mdl_model *m, calibration *out, char *err, size_t err_size);
/**
 * The fit of requests, or where there are none of the engine's log.
 * @param in lean  correct the known row even where the terms of the law stand
 * @return false with a sentence
 */
bool calibrate_log(const observed *o, const mdl_gpu *g, const mdl_model *m, bool lean, calibration *out, char *err,
                   size_t err_size);
/** Adds a remark. */
__attribute__((format(printf, 2, 3))) void calibrate_note(calibration *out, const char *format, ...);

#endif
