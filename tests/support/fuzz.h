/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * fuzz.h - random and malformed inputs for the deciding core, one case for each seed.
 *
 * Three ways in, chosen by the seed: snapshot rows and configurations made by hand (a valid random world, then a few
 * cells, columns and texts are damaged); the snapshot JSON of a worked example, damaged as a tree or as text; the
 * manifests of one, damaged as text. What must come out is a clear error or a valid plan:
 *   error  a code other than SPW_OK and a sentence that says what is wrong
 *   plan   passes spw_plan_check(); every action has a reason and every cluster a verdict; nothing grows where the
 *          verdict forbids it; wanted = placed + unplaced; shares of traffic are a million in all where nothing was
 *          damaged; a second core that explains nothing, loads the state of the first and sees the rows backwards
 *          decides the same and ends in the same state; so does one that lets settled workloads rest
 */
#ifndef TESTS_SUPPORT_FUZZ_H
#define TESTS_SUPPORT_FUZZ_H

#include <spillway/core.h>
#include <spillway/json.h>

#include "tests/support/choice.h"

typedef struct fuzz_tally {
    uint64_t cases;
    uint64_t refused; /**< cases that met a clear error */
    uint64_t valid;   /**< cases that came to a valid plan, at least one */
    uint64_t plans;   /**< plans that were judged */
    uint64_t actions; /**< in them */
} fuzz_tally;

/** One worked example. */
typedef struct fuzz_example {
    char *name, *manifests;
    char *snapshot[8];
    int snapshots;
} fuzz_example;

typedef struct fuzz {
    fuzz_example *examples;
    size_t count;
    fuzz_tally tally;
    spw_settings settings; /**< of the case's core */
    bool sound;            /**< the world at hand was never damaged: a cluster keeps its key */
    spw_core *silent;      /**< explains nothing and rests where it can, from tick to tick; NULL = none */
    spw_plan *silent_plan; /**< the one plan that it decides into */
    bool plain;            /**< in: plain worlds in the place of wide ones */
    char why[512];         /**< of the first failure */
} fuzz;

/** Reads the worked examples of a folder. @return 0; -1 if it cannot be read or has none */
int fuzz_init(fuzz *f, const char *folder);
void fuzz_fini(fuzz *f);

/** Runs the case of a seed. @return true; false with f->why */
bool fuzz_case(fuzz *f, uint64_t seed);

/* --- for the parts of the fuzzer itself --- */

/** Records a failure. @return false */
bool fuzz_fail(fuzz *f, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** f->settings: room for a snapshot and what may be added to it, with an explanation, else the defaults. */
void fuzz_settings(fuzz *f, const spw_config *config, const spw_snapshot *snap);

/** A core of f->settings, or NULL when it refuses the configuration; a refusal without a text fails. */
spw_core *fuzz_core(fuzz *f, const spw_config *config, bool *ok);

/**
 * Decides on snap with core, judges the outcome, and compares with a second core on `twin`, the same snapshot in
 * another order of rows. *decided = there is a plan, which stands in *plan until the caller frees it.
 */
bool fuzz_judge(fuzz *f, spw_core *core, const spw_config *config, const spw_snapshot *snap, const spw_snapshot *twin,
                spw_plan **plan, bool *decided);

/** Sets a silent core beside one, with the state that has; core NULL: takes it away. */
void fuzz_silence(fuzz *f, const spw_core *core, const spw_config *config, const spw_snapshot *snap);

/**
 * A snapshot and a configuration from choices, damaged or not, for some ticks. Wide: with everything that a
 * configuration may say, for more ticks of a world that lives, and with edits and restarts between them.
 */
bool fuzz_rows(fuzz *f, choice *c, bool wide);

/** Damages a text of lines that reads like YAML. @return a new text, free()d by the caller */
char *fuzz_damage_lines(choice *c, const char *text, const char *other);

/** Puts other numbers into a text, which is likely to stay valid. @return a new text, free()d by the caller */
char *fuzz_vary_numbers(choice *c, const char *text);

/** Damages a JSON text, as a tree or byte by byte. @return a new text, free()d by the caller */
char *fuzz_damage_json(choice *c, const char *text);

#endif
