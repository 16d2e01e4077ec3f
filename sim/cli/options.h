/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * options.h - one table for each command drives parsing, --help and the checks of ranges and choices.
 *
 * Long options only, never abbreviated; `--name=value` and `--name value` mean the same; options and operands may
 * be mixed; `--` ends the options; `-h` and `--help` are known to every command.
 */
#ifndef SIM_CLI_OPTIONS_H
#define SIM_CLI_OPTIONS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** Exit statuses of the program. */
typedef enum cli_status {
    CLI_DONE = 0,    /**< done */
    CLI_GATE = 1,    /**< finished, but a check failed or the user interrupted it */
    CLI_BAD = 2,     /**< bad usage or bad input; nothing was written */
    CLI_IO = 3,      /**< input/output failure */
    CLI_INTERNAL = 4 /**< our own fault, or out of memory */
} cli_status;

/** What an option's value is, and the type of the field that `opt_row.offset` names. */
typedef enum opt_kind {
    OPT_FLAG = 1,   /**< no value; int, set to 1 */
    OPT_TEXT = 2,   /**< const char *, borrowed from argv */
    OPT_INT = 3,    /**< int64_t within [min, max] */
    OPT_CHOICE = 4, /**< int, index in the '|'-separated `arg` */
    OPT_LIST = 5    /**< opt_list, one entry for each time the option is given */
} opt_kind;

/** Values of a repeatable option, or operands. Freed by opt_fini. */
typedef struct opt_list {
    const char **at;
    size_t count;
} opt_list;

typedef struct opt_row {
    const char *name; /**< without the dashes */
    const char *arg;  /**< what --help shows for the value, e.g. "N"; NULL for a flag */
    const char *help; /**< one line, default included */
    opt_kind kind;
    size_t offset;    /**< of the field in the command's values */
    int64_t min, max; /**< OPT_INT */
} opt_row;

/** What may stand as the first operand, with those that go with it. */
typedef struct opt_action {
    const char *usage; /**< "fit FILE [PAIRS]" */
    const char *help;
} opt_action;

#define OPT_EXAMPLES 2

typedef struct opt_command {
    const char *name;
    const char *operands; /**< as --help shows them, e.g. "SCENARIO"; "" for none */
    const char *summary;  /**< one line */
    const opt_row *rows;
    size_t row_count;
    size_t operands_min, operands_max;
    const opt_action *actions; /**< NULL if the first operand is not one of some words */
    size_t action_count;
    const char *examples[OPT_EXAMPLES];
    /** argv[0] is the command's name. @return the exit status */
    cli_status (*run)(int argc, char **argv);
} opt_command;

typedef enum opt_outcome {
    OPT_GO = 1,    /**< parsed: carry on */
    OPT_HELP = 2,  /**< help was asked for and printed on `out`: leave with CLI_DONE */
    OPT_WRONG = 3, /**< a sentence was printed on `err`: leave with CLI_BAD */
    OPT_MEMORY = 4 /**< out of memory, reported likewise */
} opt_outcome;

/**
 * Reads argv by the command's table.
 * @param in  values    the command's own struct, defaults already in it; fields are named by opt_row.offset
 * @param out operands  freed by opt_fini, whatever the outcome
 * @return see opt_outcome
 */
opt_outcome opt_parse(const opt_command *command, int argc, char **argv, void *values, opt_list *operands, FILE *out,
                      FILE *err);
/** Frees the lists in values and operands. */
void opt_fini(const opt_command *command, void *values, opt_list *operands);

/** Prints usage, options and examples of one command, in 80 columns. */
void opt_help(const opt_command *command, FILE *out);

/**
 * Prints words and a line end; a line that would grow over 80 columns ends with turn and goes on at indent. With a
 * turn the text is a command: what single quotes hold is one word.
 * @param column  where the first word stands
 */
void opt_wrap(FILE *out, const char *text, int column, int indent, const char *turn);

/** @return the exit status of an outcome other than OPT_GO. */
cli_status opt_exit(opt_outcome outcome);

/** "I/N" with 1 <= I <= N, as --shard takes it. @param out shard  from 0. @return 0, or -1 */
int opt_shard(const char *text, int32_t *shard, int32_t *shards);

/**
 * A decimal integer within [min, max] and nothing else.
 * @return 0, or -1: not a number, or out of range
 */
int opt_integer(const char *text, int64_t min, int64_t max, int64_t *out);

#endif
