/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * test_cli_options.c - the command line: every kind of option, each way to get it wrong with its sentence, --help from
 * the same table; and the folder of results, which appears whole or not at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <spillway/manifest.h>

#include "sim/cli/commands.h"
#include "sim/cli/outdir.h"
#include "sim/cli/progress.h"

#define WORDS_MAX 12

typedef struct values {
    int64_t count;
    const char *name;
    int loud, shape;
    opt_list sets;
} values;

static const opt_row rows[] = {
    {"count", "N", "how many (default 3)", OPT_INT, offsetof(values, count), 1, 9},
    {"name", "NAME", "what it is called", OPT_TEXT, offsetof(values, name), 0, 0},
    {"loud", NULL, "say more", OPT_FLAG, offsetof(values, loud), 0, 0},
    {"shape", "round|square|flat", "its outline", OPT_CHOICE, offsetof(values, shape), 0, 0},
    {"set", "A=B", "may be repeated", OPT_LIST, offsetof(values, sets), 0, 0},
};

static const opt_command command = {.name = "try",
                                    .operands = "FILE...",
                                    .summary = "tries something",
                                    .rows = rows,
                                    .row_count = 5,
                                    .operands_min = 1,
                                    .operands_max = 2,
                                    .examples = {"spillway try a", "spillway try a b --loud"}};

typedef struct outcome {
    opt_outcome rc;
    values v;
    opt_list operands;
    char *out, *err;
} outcome;

/* Parses "try" and the words given, up to NULL. */
static outcome parse(const char *first, ...)
{
    static char name[] = "try";
    char *argv[WORDS_MAX + 2] = {name};
    int argc = 1;
    va_list words;
    va_start(words, first);
    for (const char *word = first; word != NULL && argc <= WORDS_MAX; word = va_arg(words, const char *)) {
        argv[argc] = strdup(word);
        assert_non_null(argv[argc++]);
    }
    va_end(words);
    outcome o = {.v = {.count = 3}};
    size_t size;
    FILE *out = open_memstream(&o.out, &size), *err = open_memstream(&o.err, &size);
    o.rc = opt_parse(&command, argc, argv, &o.v, &o.operands, out, err);
    fclose(out);
    fclose(err);
    /* values point into argv, so the words have to outlive the outcome: leak nothing, keep a copy of what is looked at
     */
    static char kept[WORDS_MAX + 2][64];
    for (int i = 1; i < argc; i++) {
        snprintf(kept[i], sizeof kept[i], "%s", argv[i]);
        for (size_t k = 0; k < o.operands.count; k++) {
            o.operands.at[k] = o.operands.at[k] == argv[i] ? kept[i] : o.operands.at[k];
        }
        for (size_t k = 0; k < o.v.sets.count; k++) {
            if (o.v.sets.at[k] >= argv[i] && o.v.sets.at[k] <= argv[i] + strlen(argv[i])) {
                o.v.sets.at[k] = kept[i] + (o.v.sets.at[k] - argv[i]);
            }
        }
        if (o.v.name != NULL && o.v.name >= argv[i] && o.v.name <= argv[i] + strlen(argv[i])) {
            o.v.name = kept[i] + (o.v.name - argv[i]);
        }
        free(argv[i]);
    }
    return o;
}

static void finish(outcome *o)
{
    opt_fini(&command, &o->v, &o->operands);
    free(o->out);
    free(o->err);
}

static void reads_every_kind(void **state)
{
    (void)state;
    outcome o = parse("a.yaml", "--count", "7", "--name=x y", "--loud", "--shape", "flat", "--set", "p=1", "--set=q=2",
                      "b.yaml", NULL);
    assert_int_equal(o.rc, OPT_GO);
    assert_int_equal(o.v.count, 7);
    assert_string_equal(o.v.name, "x y");
    assert_int_equal(o.v.loud, 1);
    assert_int_equal(o.v.shape, 2);
    assert_int_equal(o.v.sets.count, 2);
    assert_string_equal(o.v.sets.at[0], "p=1");
    assert_string_equal(o.v.sets.at[1], "q=2");
    assert_int_equal(o.operands.count, 2);
    assert_string_equal(o.operands.at[1], "b.yaml");
    finish(&o);

    o = parse("a", NULL);
    assert_int_equal(o.v.count, 3); /* untouched default */
    assert_int_equal(o.v.loud, 0);
    assert_null(o.v.name);
    finish(&o);
}

static void ends_options_at_two_dashes(void **state)
{
    (void)state;
    outcome o = parse("--loud", "--", "--count", "-h", NULL);
    assert_int_equal(o.rc, OPT_GO);
    assert_int_equal(o.operands.count, 2);
    assert_string_equal(o.operands.at[0], "--count");
    assert_string_equal(o.operands.at[1], "-h");
    finish(&o);
    /* a word that has the look of an option is a value where a value is due */
    o = parse("--name", "--loud", "a", NULL);
    assert_int_equal(o.rc, OPT_GO);
    assert_string_equal(o.v.name, "--loud");
    assert_int_equal(o.v.loud, 0);
    finish(&o);
}

static void refuses(const char *expected, outcome o)
{
    assert_int_equal(o.rc, OPT_WRONG);
    assert_int_equal(opt_exit(o.rc), CLI_BAD);
    if (strstr(o.err, expected) == NULL) {
        print_error("expected '%s' in: %s", expected, o.err);
        fail();
    }
    assert_true(strncmp(o.err, "spillway try: ", 14) == 0);
    assert_string_equal(o.out, "");
    finish(&o);
}

static void refuses_what_is_wrong(void **state)
{
    (void)state;
    refuses("unknown option '--colour'", parse("a", "--colour", "red", NULL));
    refuses("did you mean '--count'?", parse("a", "--cuont", "1", NULL));
    refuses("unknown option '--cou'", parse("a", "--cou", "1", NULL)); /* an abbreviation */
    refuses("unknown option '--lou'", parse("a", "--lou", NULL));
    refuses("unknown option '--hel'", parse("a", "--hel", NULL));
    refuses("unknown option '-x'", parse("a", "-x", NULL));
    refuses("option '--count' needs a value", parse("a", "--count", NULL));
    refuses("option '--loud' takes no value", parse("a", "--loud=1", NULL));
    refuses("from 1 to 9, not '10'", parse("a", "--count", "10", NULL));
    refuses("from 1 to 9, not '0'", parse("a", "--count", "0", NULL));
    refuses("not '1.5'", parse("a", "--count", "1.5", NULL));
    refuses("not '0x3'", parse("a", "--count", "0x3", NULL));
    refuses("not ' 3'", parse("a", "--count", " 3", NULL));
    refuses("not ''", parse("a", "--count", "", NULL));
    refuses("not '99999999999999999999'", parse("a", "--count", "99999999999999999999", NULL));
    refuses("round|square|flat, not 'roun'", parse("a", "--shape", "roun", NULL));
    refuses("round|square|flat, not 'round|square'", parse("a", "--shape", "round|square", NULL));
    refuses("--name needs a value that is not empty", parse("a", "--name=", NULL));
    refuses("FILE... is missing", parse("--loud", NULL));
    refuses("'c' is one word too many", parse("a", "b", "c", NULL));
}

/* Whether one text stands in the other, however its words are spread over lines. */
static bool says(const char *text, const char *wanted)
{
    char *words = malloc(strlen(text) + 1);
    assert_non_null(words);
    size_t n = 0;
    for (const char *c = text; *c != '\0'; c++) {
        const bool space = *c == ' ' || *c == '\n';
        if (!space || (n > 0 && words[n - 1] != ' ')) {
            words[n++] = space ? ' ' : *c;
        }
    }
    words[n] = '\0';
    const bool found = strstr(words, wanted) != NULL;
    free(words);
    return found;
}

static void wraps(void **state)
{
    (void)state;
    FILE *f = tmpfile();
    char text[512];
    assert_non_null(f);
    /* 78 + 1 + 1 = 80 columns fit, 81 do not; what is quoted stays whole; the turn of the line counts */
    opt_wrap(f, "123456789012345678901234567890123456789012345678901234567890123456789012345678 x y", 0, 2, "");
    opt_wrap(f, "a 'b 345678901234567890123456789012345678901234567890123456789012345678901234567' c", 0, 4, " \\");
    rewind(f);
    const size_t n = fread(text, 1, sizeof text - 1, f);
    text[n] = '\0';
    assert_string_equal(text,
                        "123456789012345678901234567890123456789012345678901234567890123456789012345678 x\n  y\n"
                        "a \\\n    'b 345678901234567890123456789012345678901234567890123456789012345678901234567' \\"
                        "\n    c\n");
    assert_int_equal(fclose(f), 0);
}

static void helps(void **state)
{
    (void)state;
    static const char *const ways[] = {"--help", "-h"};
    for (int i = 0; i < 2; i++) {
        outcome o = parse("a", ways[i], "--nonsense", NULL);
        assert_int_equal(o.rc, OPT_HELP);
        assert_int_equal(opt_exit(o.rc), CLI_DONE);
        assert_string_equal(o.err, "");
        assert_non_null(strstr(o.out, "usage: spillway try FILE... [OPTIONS]"));
        for (size_t k = 0; k < command.row_count; k++) {
            assert_non_null(strstr(o.out, rows[k].name));
            assert_true(says(o.out, rows[k].help));
        }
        assert_non_null(strstr(o.out, "  spillway try a b --loud\n"));
        finish(&o);
    }
}

/* Every command of the program: two examples, each an invocation of itself, and rows that fit the help. */
static void describes_all_commands(void **state)
{
    (void)state;
    for (int i = 0; cli_commands[i] != NULL; i++) {
        const opt_command *c = cli_commands[i];
        for (int k = 0; k < OPT_EXAMPLES; k++) {
            char start[64];
            snprintf(start, sizeof start, "spillway %s", c->name);
            assert_non_null(c->examples[k]);
            assert_true(strncmp(c->examples[k], start, strlen(start)) == 0);
        }
        for (size_t k = 0; k < c->row_count; k++) {
            assert_true((c->rows[k].arg == NULL) == (c->rows[k].kind == OPT_FLAG));
            assert_true(c->rows[k].kind != OPT_INT || c->rows[k].min < c->rows[k].max);
        }
    }
}

static void shows_progress(void **state)
{
    (void)state;
    char line[128];
    /* a quarter of two runs of 12 h each after 10 s: 6 h done, 30 s to go */
    progress_line(line, sizeof line, INT64_C(21600) * 1000000000, INT64_C(86400) * 1000000000, 5000, 10.0);
    assert_string_equal(line, " 25 %  simulated 06:00:00  500 requests/s  30 s left");
    progress_line(line, sizeof line, 0, INT64_C(86400) * 1000000000, 0, 0.0);
    assert_string_equal(line, "  0 %  simulated 00:00:00  0 requests/s");
    progress_line(line, sizeof line, INT64_C(180061) * 1000000000, INT64_C(180061) * 1000000000, 10, 4.0);
    assert_string_equal(line, "100 %  simulated 2 d 02:01:01  2 requests/s  0 s left");
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_null(progress_new(file, 1, 1)); /* only a terminal is written to */
    assert_int_equal(fclose(file), 0);
}

static char folder[] = "/tmp/spillway-outdir-XXXXXX";

static void put(const char *dir, const char *name, const char *text)
{
    char path[OUTDIR_PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int there(const char *dir, const char *name)
{
    char path[OUTDIR_PATH_MAX + 64];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return stat(path, &st) == 0;
}

static void replaces_only_its_own(void **state)
{
    (void)state;
    char err[512], target[128], plots[OUTDIR_PATH_MAX + 64];
    outdir dir;
    assert_non_null(mkdtemp(folder));
    snprintf(target, sizeof target, "%s/a/b/result/", folder);

    /* nothing there: parents are made, and the name appears with the commit */
    assert_int_equal(outdir_begin(&dir, target, err, sizeof err), 0);
    assert_false(there(target, "."));
    put(dir.work, "one", "1");
    snprintf(plots, sizeof plots, "%s/plots", dir.work);
    assert_int_equal(mkdir(plots, 0777), 0);
    put(plots, "x.svg", "x");
    assert_int_equal(outdir_commit(&dir, err, sizeof err), 0);
    assert_true(there(target, "one"));

    /* ours: replaced, but only by a commit */
    assert_int_equal(outdir_begin(&dir, target, err, sizeof err), 0);
    put(dir.work, "two", "2");
    outdir_abort(&dir);
    assert_true(there(target, "one"));
    assert_int_equal(outdir_begin(&dir, target, err, sizeof err), 0);
    put(dir.work, "two", "2");
    assert_int_equal(outdir_commit(&dir, err, sizeof err), 0);
    assert_true(there(target, "two"));
    assert_false(there(target, "one"));

    /* not ours: refused, untouched; empty: taken; a file: refused */
    char other[160], empty[160], file[160];
    snprintf(other, sizeof other, "%s/a/other", folder);
    snprintf(empty, sizeof empty, "%s/a/empty", folder);
    snprintf(file, sizeof file, "%s/a/other/precious", folder);
    assert_int_equal(mkdir(other, 0777), 0);
    put(other, "precious", "p");
    assert_int_equal(outdir_begin(&dir, other, err, sizeof err), -1);
    assert_non_null(strstr(err, "holds files that no run wrote"));
    assert_true(there(other, "precious"));
    assert_int_equal(outdir_check(file, err, sizeof err), -1);
    assert_non_null(strstr(err, "is not a folder"));
    assert_int_equal(mkdir(empty, 0777), 0);
    assert_int_equal(outdir_begin(&dir, empty, err, sizeof err), 0);
    assert_int_equal(outdir_commit(&dir, err, sizeof err), 0);
    assert_true(there(empty, OUTDIR_MARKER));

    /* somebody else took the name while we were running */
    char late[160];
    snprintf(late, sizeof late, "%s/a/late", folder);
    assert_int_equal(outdir_begin(&dir, late, err, sizeof err), 0);
    assert_int_equal(mkdir(late, 0777), 0);
    put(late, "precious", "p");
    char work[OUTDIR_PATH_MAX];
    snprintf(work, sizeof work, "%s", dir.work);
    assert_true(there(work, "."));
    assert_int_equal(outdir_commit(&dir, err, sizeof err), -1);
    assert_true(there(late, "precious"));
    outdir_abort(&dir);
    assert_false(there(work, "."));

    char command_line[128];
    snprintf(command_line, sizeof command_line, "rm -r %s", folder);
    assert_int_equal(system(command_line), 0);
}

/* Runs the program with these words, up to NULL; *out is its standard output, freed by the caller. */
static int run_program(char **out, ...)
{
    char *argv[WORDS_MAX + 2] = {NULL};
    int argc = 0;
    va_list words;
    va_start(words, out);
    for (char *word = va_arg(words, char *); word != NULL && argc < WORDS_MAX; word = va_arg(words, char *)) {
        argv[argc++] = word;
    }
    va_end(words);
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(fflush(stdout), 0);
    const int kept = dup(STDOUT_FILENO);
    assert_true(kept >= 0 && dup2(fileno(file), STDOUT_FILENO) >= 0);
    const int status = cli_main(argc, argv);
    assert_int_equal(fflush(stdout), 0);
    assert_true(dup2(kept, STDOUT_FILENO) >= 0);
    assert_int_equal(close(kept), 0);
    const long size = (fseek(file, 0, SEEK_END), ftell(file));
    assert_true(size >= 0);
    rewind(file);
    *out = calloc((size_t)size + 1, 1);
    assert_non_null(*out);
    assert_int_equal(fread(*out, 1, (size_t)size, file), size);
    assert_int_equal(fclose(file), 0);
    return status;
}

/* Every kind that the list names is one that the reader of manifests takes: an object without a spec is refused for its
 * content, not for its kind. */
static void lists_kinds_that_are_read(void **state)
{
    (void)state;
    char *out;
    char spillway[] = "spillway", list[] = "list", policies[] = "policies", scenarios[] = "scenarios";
    assert_int_equal(run_program(&out, spillway, list, policies, NULL), CLI_DONE);
    int count = 0;
    for (char *line = out; *line != '\0'; line = strchr(line, '\n') + 1, count++) {
        char kind[64], api[64], text[256];
        assert_int_equal(sscanf(line, "%63s %63s", kind, api), 2);
        snprintf(text, sizeof text, "apiVersion: %s\nkind: %s\nmetadata: {name: a, namespace: b}\n", api, kind);
        spw_diag *diag = NULL;
        spw_manifest_set *set = spw_manifest_new(NULL);
        assert_int_equal(spw_diag_new(NULL, 20, &diag), SPW_OK);
        (void)spw_manifest_add_text(set, "x.yaml", text, strlen(text), diag);
        for (size_t i = 0; i < spw_diag_count(diag); i++) {
            assert_null(strstr(spw_diag_at(diag, i), "is not read"));
            assert_null(strstr(spw_diag_at(diag, i), "unknown kind"));
        }
        spw_diag_free(diag);
        spw_manifest_free(set);
    }
    assert_true(count >= 4);
    free(out);

    assert_int_equal(run_program(&out, spillway, list, scenarios, NULL), CLI_DONE);
    const char *burst = strstr(out, "hybrid-burst.yaml "), *theory = strstr(out, "theory-mm1.yaml ");
    assert_non_null(strstr(out, "azure-conversation.yaml "));
    assert_non_null(strstr(out, "  Replay of a recorded hour of chat."));
    assert_true(burst != NULL && theory != NULL && burst < theory);
    free(out);
}

static void validates_with_what_is_not_used(void **state)
{
    (void)state;
    char *out, *more;
    char spillway[] = "spillway", validate[] = "validate", verbose[] = "--verbose";
    char path[] = "scenarios/hybrid-burst.yaml";
    assert_int_equal(run_program(&out, spillway, validate, path, NULL), CLI_DONE);
    assert_int_equal(run_program(&more, spillway, validate, verbose, path, NULL), CLI_DONE);
    assert_true(strncmp(out, more, strlen(out)) == 0); /* the same line, and then the fields */
    assert_null(strstr(out, "not used"));
    assert_non_null(strstr(more, "scenarios/manifests/chat.yaml:"));
    assert_non_null(strstr(more, ": not used: spec.template.spec.containers[0].readinessProbe: "));
    free(out);
    free(more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_kind),
        cmocka_unit_test(ends_options_at_two_dashes),
        cmocka_unit_test(refuses_what_is_wrong),
        cmocka_unit_test(wraps),
        cmocka_unit_test(helps),
        cmocka_unit_test(describes_all_commands),
        cmocka_unit_test(shows_progress),
        cmocka_unit_test(replaces_only_its_own),
        cmocka_unit_test(lists_kinds_that_are_read),
        cmocka_unit_test(validates_with_what_is_not_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
