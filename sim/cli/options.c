/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * options.c - table-driven command line on top of getopt_long.
 *
 * getopt_long is told to stop at the first operand ("+"), and we step over operands ourselves: that way the word it
 * is about to read is always argv[optind], which is needed to refuse the abbreviations that it accepts silently.
 */
#include "sim/cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sched/manifest/suggest.h"

#define HELP_WIDTH  80 /* no line of --help is longer, unless by one word */
#define HELP_COLUMN 28 /* where the explanations of --help begin */
#define ROWS_MAX    32 /* options of one command, help included */
#define HELP_CODE   1  /* what getopt_long returns for --help; rows follow from ROW_CODE */
#define ROW_CODE    256

int opt_integer(const char *text, int64_t min, int64_t max, int64_t *out)
{
    if (text[0] == '\0' || strspn(text, "-0123456789") != strlen(text)) {
        return -1;
    }
    errno = 0;
    char *end = NULL;
    const long long value = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0' || value < min || value > max) {
        return -1;
    }
    *out = value;
    return 0;
}

int opt_shard(const char *text, int32_t *shard, int32_t *shards)
{
    char first[16];
    int64_t i = 0, n = 0;
    const char *slash = strchr(text, '/');
    if (slash == NULL || (size_t)(slash - text) >= sizeof first) {
        return -1;
    }
    memcpy(first, text, (size_t)(slash - text));
    first[slash - text] = '\0';
    if (opt_integer(slash + 1, 1, 1000000, &n) != 0 || opt_integer(first, 1, n, &i) != 0) {
        return -1;
    }
    *shard = (int32_t)i - 1;
    *shards = (int32_t)n;
    return 0;
}

/* Index of `word` among "a|b|c", or -1. */
static int choice_index(const char *choices, const char *word)
{
    const size_t length = strlen(word);
    int index = 0;
    for (const char *at = choices;; index++) {
        const size_t span = strcspn(at, "|");
        if (span == length && memcmp(at, word, span) == 0) {
            return index;
        }
        if (at[span] == '\0') {
            return -1;
        }
        at += span + 1;
    }
}

static int list_add(opt_list *list, const char *word, size_t room)
{
    if (list->at == NULL) {
        list->at = calloc(room, sizeof *list->at);
        if (list->at == NULL) {
            return -1;
        }
    }
    list->at[list->count++] = word;
    return 0;
}

/* Stores one option's value. @return OPT_GO, or the outcome to leave with */
static opt_outcome store(const opt_command *command, const opt_row *row, const char *text, size_t room, void *values,
                         FILE *err)
{
    char *field = (char *)values + row->offset;
    switch (row->kind) {
    case OPT_FLAG: {
        const int on = 1;
        memcpy(field, &on, sizeof on);
        return OPT_GO;
    }
    case OPT_TEXT:
        if (text[0] == '\0') {
            fprintf(err, "spillway %s: --%s needs a value that is not empty\n", command->name, row->name);
            return OPT_WRONG;
        }
        memcpy(field, &text, sizeof text);
        return OPT_GO;
    case OPT_INT: {
        int64_t value = 0;
        if (opt_integer(text, row->min, row->max, &value) != 0) {
            fprintf(err, "spillway %s: --%s wants a whole number from %" PRId64 " to %" PRId64 ", not '%s'\n",
                    command->name, row->name, row->min, row->max, text);
            return OPT_WRONG;
        }
        memcpy(field, &value, sizeof value);
        return OPT_GO;
    }
    case OPT_CHOICE: {
        const int value = choice_index(row->arg, text);
        if (value < 0) {
            fprintf(err, "spillway %s: --%s wants one of %s, not '%s'\n", command->name, row->name, row->arg, text);
            return OPT_WRONG;
        }
        memcpy(field, &value, sizeof value);
        return OPT_GO;
    }
    case OPT_LIST: {
        opt_list list;
        memcpy(&list, field, sizeof list);
        const int rc = list_add(&list, text, room);
        memcpy(field, &list, sizeof list);
        return rc == 0 ? OPT_GO : OPT_MEMORY;
    }
    }
    return OPT_WRONG;
}

static void unknown_option(const opt_command *command, const char *word, FILE *err)
{
    char bare[SUGGEST_LENGTH_MAX + 1];
    const char *start = word + strspn(word, "-");
    const size_t span = strcspn(start, "=");
    snprintf(bare, sizeof bare, "%.*s", (int)(span < SUGGEST_LENGTH_MAX ? span : SUGGEST_LENGTH_MAX), start);
    suggest near;
    suggest_init(&near, bare);
    for (size_t i = 0; i < command->row_count; i++) {
        suggest_offer(&near, command->rows[i].name);
    }
    fprintf(err, "spillway %s: unknown option '%s'", command->name, word);
    if (near.best != NULL) {
        fprintf(err, " (did you mean '--%s'?)", near.best);
    }
    fprintf(err, "; see 'spillway %s --help'\n", command->name);
}

/* getopt_long accepts any unique prefix of a name; we do not. */
static int spelt_out(const char *word, const char *name)
{
    const size_t length = strlen(name);
    return strncmp(word, "--", 2) == 0 && strncmp(word + 2, name, length) == 0 &&
           (word[2 + length] == '\0' || word[2 + length] == '=');
}

static void build_long(const opt_command *command, struct option *rows)
{
    size_t n = 0;
    for (; n < command->row_count && n < ROWS_MAX - 1; n++) {
        rows[n] =
            (struct option){command->rows[n].name, command->rows[n].kind == OPT_FLAG ? no_argument : required_argument,
                            NULL, ROW_CODE + (int)n};
    }
    rows[n] = (struct option){"help", no_argument, NULL, HELP_CODE};
    rows[n + 1] = (struct option){NULL, 0, NULL, 0};
}

/* Handles what getopt_long returned for `word`. */
static opt_outcome one_option(const opt_command *command, int code, const char *word, size_t room, void *values,
                              FILE *out, FILE *err)
{
    if (code == 'h' || (code == HELP_CODE && spelt_out(word, "help"))) {
        opt_help(command, out);
        return OPT_HELP;
    }
    if (code == ':') {
        fprintf(err, "spillway %s: option '%s' needs a value; see 'spillway %s --help'\n", command->name, word,
                command->name);
        return OPT_WRONG;
    }
    const size_t index = code >= ROW_CODE ? (size_t)(code - ROW_CODE) : SIZE_MAX;
    if (index >= command->row_count || !spelt_out(word, command->rows[index].name)) {
        for (size_t i = 0; i < command->row_count; i++) {
            if (command->rows[i].kind == OPT_FLAG && spelt_out(word, command->rows[i].name)) {
                fprintf(err, "spillway %s: option '--%s' takes no value\n", command->name, command->rows[i].name);
                return OPT_WRONG;
            }
        }
        unknown_option(command, word, err);
        return OPT_WRONG;
    }
    return store(command, &command->rows[index], optarg != NULL ? optarg : "", room, values, err);
}

static opt_outcome check_operands(const opt_command *command, const opt_list *operands, FILE *err)
{
    if (operands->count < command->operands_min) {
        fprintf(err, "spillway %s: %s is missing; see 'spillway %s --help'\n", command->name, command->operands,
                command->name);
        return OPT_WRONG;
    }
    if (operands->count > command->operands_max) {
        fprintf(err, "spillway %s: '%s' is one word too many; see 'spillway %s --help'\n", command->name,
                operands->at[command->operands_max], command->name);
        return OPT_WRONG;
    }
    return OPT_GO;
}

opt_outcome opt_parse(const opt_command *command, int argc, char **argv, void *values, opt_list *operands, FILE *out,
                      FILE *err)
{
    struct option rows[ROWS_MAX + 1];
    build_long(command, rows);
    *operands = (opt_list){NULL, 0};
    const size_t room = (size_t)argc + 1;
    opterr = 0;
    optind = 0; /* glibc: start afresh, whatever was parsed before in this process */
    int at = 1;
    for (;;) {
        const int code = getopt_long(argc, argv, "+:h", rows, NULL);
        if (code != -1) {
            const opt_outcome outcome = one_option(command, code, argv[at], room, values, out, err);
            if (outcome != OPT_GO) {
                if (outcome == OPT_MEMORY) {
                    fputs("spillway: out of memory\n", err);
                }
                return outcome;
            }
            at = optind;
            continue;
        }
        const int ended = optind > at; /* it consumed "--": the rest are operands */
        do {
            if (optind >= argc) {
                return check_operands(command, operands, err);
            }
            if (list_add(operands, argv[optind++], room) != 0) {
                fputs("spillway: out of memory\n", err);
                return OPT_MEMORY;
            }
        } while (ended);
        at = optind;
    }
}

void opt_fini(const opt_command *command, void *values, opt_list *operands)
{
    for (size_t i = 0; i < command->row_count; i++) {
        if (command->rows[i].kind == OPT_LIST) {
            opt_list list;
            char *field = (char *)values + command->rows[i].offset;
            memcpy(&list, field, sizeof list);
            free(list.at);
            list = (opt_list){NULL, 0};
            memcpy(field, &list, sizeof list);
        }
    }
    free(operands->at);
    *operands = (opt_list){NULL, 0};
}

/* Words of a text: what stands between spaces, in a command outside of single quotes. */
static size_t word_length(const char *text, bool command)
{
    bool quoted = false;
    size_t n = 0;
    for (; text[n] != '\0' && (quoted || text[n] != ' '); n++) {
        quoted = quoted != (command && text[n] == '\'');
    }
    return n;
}

void opt_wrap(FILE *out, const char *text, int column, int indent, const char *turn)
{
    const int width = HELP_WIDTH - (int)strlen(turn);
    for (bool first = true; *text != '\0'; first = false) {
        const size_t n = word_length(text, turn[0] != '\0');
        if (!first && column + 1 + (int)n > width) {
            column = fprintf(out, "%s\n%*s", turn, indent, "") - 1 - (int)strlen(turn);
        } else if (!first) {
            fputc(' ', out);
            column++;
        }
        fwrite(text, 1, n, out);
        column += (int)n;
        text += n + strspn(text + n, " ");
    }
    fputc('\n', out);
}

static void help_row(FILE *out, const char *left, const char *right)
{
    const int used = fprintf(out, "  %s", left);
    if (used < HELP_COLUMN) {
        fprintf(out, "%*s", HELP_COLUMN - used, "");
    } else {
        fprintf(out, "\n%*s", HELP_COLUMN, "");
    }
    opt_wrap(out, right, HELP_COLUMN, HELP_COLUMN, "");
}

void opt_help(const opt_command *command, FILE *out)
{
    fprintf(out, "usage: spillway %s%s%s%s\n\n", command->name, command->operands[0] != '\0' ? " " : "",
            command->operands, command->row_count > 0 ? " [OPTIONS]" : "");
    opt_wrap(out, command->summary, 0, 0, "");
    if (command->action_count > 0) {
        fputs("\nactions:\n", out);
    }
    for (size_t i = 0; i < command->action_count; i++) {
        help_row(out, command->actions[i].usage, command->actions[i].help);
    }
    fputs("\noptions:\n", out);
    for (size_t i = 0; i < command->row_count; i++) {
        const opt_row *row = &command->rows[i];
        char left[96];
        snprintf(left, sizeof left, "--%s%s%s", row->name, row->arg != NULL ? " " : "",
                 row->arg != NULL ? row->arg : "");
        help_row(out, left, row->help);
    }
    help_row(out, "-h, --help", "print this help");
    fputs("\nexamples:\n", out);
    for (int i = 0; i < OPT_EXAMPLES; i++) {
        if (command->examples[i] != NULL) {
            fputs("  ", out);
            opt_wrap(out, command->examples[i], 2, 6, " \\");
        }
    }
}

cli_status opt_exit(opt_outcome outcome)
{
    switch (outcome) {
    case OPT_GO:
    case OPT_HELP:
        return CLI_DONE;
    case OPT_WRONG:
        return CLI_BAD;
    case OPT_MEMORY:
        return CLI_INTERNAL;
    }
    return CLI_INTERNAL;
}
