/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cmd_init.c - spillway init: a starter that runs as it is, with two policies to compare.
 *
 * The folder appears whole or not at all: written beside its name, then renamed. Whatever stands there already is left
 * alone.
 */
#include "sim/cli/commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/cli/outdir.h"
#include "sim/cli/starter.h"

static int write_file(const char *folder, const starter_file *file)
{
    char path[OUTDIR_PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", folder, file->name);
    FILE *out = fopen(path, "w");
    if (out == NULL) {
        return -1;
    }
    for (int i = 0; file->parts[i] != NULL; i++) {
        fputs(file->parts[i], out);
    }
    const int bad = ferror(out);
    return fclose(out) != 0 || bad ? -1 : 0;
}

static int write_all(const char *folder)
{
    char manifests[OUTDIR_PATH_MAX + 16];
    const mode_t mask = umask(0);
    umask(mask);
    snprintf(manifests, sizeof manifests, "%s/manifests", folder);
    if (chmod(folder, 0777 & ~mask) != 0 || mkdir(manifests, 0777) != 0) {
        return -1;
    }
    for (const starter_file *file = starter_files; file->name != NULL; file++) {
        if (write_file(folder, file) != 0) {
            return -1;
        }
    }
    return 0;
}

static void remove_all(const char *folder)
{
    char path[OUTDIR_PATH_MAX + 64];
    for (const starter_file *file = starter_files; file->name != NULL; file++) {
        snprintf(path, sizeof path, "%s/%s", folder, file->name);
        (void)unlink(path);
    }
    snprintf(path, sizeof path, "%s/manifests", folder);
    (void)rmdir(path);
    (void)rmdir(folder);
}

static cli_status init(const char *target)
{
    char work[OUTDIR_PATH_MAX];
    struct stat st;
    size_t length = strlen(target);
    while (length > 1 && target[length - 1] == '/') {
        length--;
    }
    if (length == 0 || length + 16 >= sizeof work) {
        fputs("spillway init: the name of the folder is empty or too long\n", stderr);
        return CLI_BAD;
    }
    if (lstat(target, &st) == 0) {
        fprintf(stderr, "spillway init: %s exists already; nothing was written\n", target);
        return CLI_BAD;
    }
    memcpy(work, target, length);
    memcpy(work + length, ".tmp-XXXXXX", sizeof ".tmp-XXXXXX");
    if (outdir_make_parents(target) != 0 || mkdtemp(work) == NULL) {
        fprintf(stderr, "spillway init: cannot make a folder beside %s: %s\n", target, strerror(errno));
        return CLI_IO;
    }
    if (write_all(work) != 0 || rename(work, target) != 0) {
        fprintf(stderr, "spillway init: cannot write %s: %s\n", target, strerror(errno));
        remove_all(work);
        return CLI_IO;
    }
    for (const starter_file *file = starter_files; file->name != NULL; file++) {
        printf("%.*s/%s\n", (int)length, target, file->name);
    }
    return CLI_DONE;
}

static cli_status run(int argc, char **argv)
{
    char none = 0;
    opt_list operands;
    const opt_outcome outcome = opt_parse(&cli_init, argc, argv, &none, &operands, stdout, stderr);
    cli_status status = opt_exit(outcome);
    if (outcome == OPT_GO) {
        status = init(operands.at[0]);
    }
    opt_fini(&cli_init, &none, &operands);
    return status;
}

const opt_command cli_init = {
    .name = "init",
    .operands = "DIR",
    .summary = "a commented starter: a scenario with manifests, under two policies",
    .rows = NULL,
    .row_count = 0,
    .operands_min = 1,
    .operands_max = 1,
    .examples = {"spillway init shop", "spillway init work/fleet && spillway run work/fleet/spot-far.yaml"},
    .run = run};
