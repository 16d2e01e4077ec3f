/* SPDX-License-Identifier: Apache-2.0 */
/* manual.c - help and man page of spillwayd. */
#include "sched/daemon/manual.h"

#include <stdlib.h>
#include <string.h>

#include "sched/daemon/config.h"
#include "sched/manifest/roff.h"

#define COLUMN 17
#define WIDTH  79

const dm_option dm_options[] = {
    {"config", "FILE", 'c', "what to read, what to change, within which limits"},
    {"once", NULL, 'o', "one tick; print its plan; end"},
    {"dry-run", NULL, 'd', "decide and print or log; write nothing, neither to servers nor to files"},
    {"explain", NULL, 'e', "print each plan as JSON, with what was considered and why it lost"},
    {"check", NULL, 'k', "read the configuration and all it names; end"},
    {"rights", NULL, 'r',
     "ask the servers for every right that the configuration uses; print which are missing; end, "
     "with status 1 if one is"},
    {"schema", NULL, 's', "print every key of the configuration"},
    {"manual", NULL, 'm', "print the man page"},
    {"version", NULL, 'v', "print the version"},
    {"help", NULL, 'h', "print this"},
    {NULL, NULL, 0, NULL},
};

_Static_assert(sizeof dm_options / sizeof dm_options[0] == DM_OPTIONS + 1, "DM_OPTIONS counts them");

/* Words from the given column on, in lines of WIDTH; `at` = where the line stands. */
static void wrap(const char *text, size_t column, size_t at, FILE *out)
{
    while (*text != '\0') {
        const size_t n = strcspn(text, " ");
        if (at + n > WIDTH && at > column) {
            fprintf(out, "\n%*s", (int)column, "");
            at = column;
        }
        fprintf(out, "%.*s", (int)n, text);
        at += n;
        text += n;
        if (*text == ' ') {
            text++;
            if (*text != '\0' && at + 1 + strcspn(text, " ") <= WIDTH) {
                fputc(' ', out);
                at++;
            } else {
                at = WIDTH;
            }
        }
    }
    fputc('\n', out);
}

void dm_usage(FILE *out)
{
    fputs("usage: spillwayd --config FILE [--once] [--dry-run] [--explain]\n"
          "\n"
          "Reads the fleet, decides as the simulator does, acts on Kubernetes or Karmada.\n"
          "\n",
          out);
    for (const dm_option *o = dm_options; o->name != NULL; o++) {
        const int n = fprintf(out, "  --%s%s%s", o->name, o->arg != NULL ? " " : "", o->arg != NULL ? o->arg : "");
        fprintf(out, "%*s", (int)COLUMN - n, "");
        wrap(o->help, COLUMN, COLUMN, out);
    }
    fputs("\n"
          "SIGHUP reads the configuration again, SIGUSR1 and SIGUSR2 stop and allow\n"
          "writing, SIGTERM ends. Exit status: 0 done; 1 a right is missing; 2 bad\n"
          "usage or configuration; 3 input or output failed; 4 internal error.\n",
          out);
}

/* --- the man page --- */

static void head(FILE *out)
{
    fputs(".TH SPILLWAYD 8 \"\" \"spillway " SPILLWAY_VERSION "\" \"System Administration\"\n"
          ".SH NAME\nspillwayd \\- places AI inference on Kubernetes and Karmada fleets as the simulator decides\n"
          ".SH SYNOPSIS\n.B spillwayd \\-\\-config\n.I FILE\n[\\fIOPTIONS\\fR]\n.SH DESCRIPTION\n"
          "Reads the fleet that the Daemon file names, calls the core of the simulator at every tick, and carries out "
          "what it\ndecides, within the guards of that file. Nothing is written to servers unless\n"
          "\\fBspec.actuator.kind\\fR says so.\n",
          out);
    fputs(".SH OPTIONS\n", out);
    for (const dm_option *o = dm_options; o->name != NULL; o++) {
        fputs(".TP\n.B \\-\\-", out);
        roff_text(o->name, out);
        if (o->arg != NULL) {
            fprintf(out, " \\fI%s\\fR", o->arg);
        }
        fputc('\n', out);
        roff_text(o->help, out);
        fputc('\n', out);
    }
}

/* "key   type  # help": a tagged paragraph. */
static void key_of(char *line, FILE *out)
{
    char *help = strstr(line, "  # "), *type = strchr(line, ' ');
    if (type == NULL) {
        return; /* the title */
    }
    *type++ = '\0';
    type += strspn(type, " ");
    if (help != NULL) {
        *help = '\0';
        help += 4;
    }
    fputs(".TP\n.B ", out);
    roff_text(line, out);
    fputc('\n', out);
    roff_text(type, out);
    if (help != NULL) {
        fputs("\n.br\n", out);
        roff_text(help, out);
    }
    fputc('\n', out);
}

static bool keys(FILE *out)
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    bool ok = memory != NULL && dm_config_schema(memory);
    ok = memory != NULL && fclose(memory) == 0 && ok;
    fputs(
        ".SH DAEMON FILE\nYAML, one document. An unknown key, a missing unit, a value out of range is an error with "
        "its "
        "place. Paths are\nrelative to the file. No secret stands in it: credentials are in kubeconfigs, token files, "
        "plugins.\n",
        out);
    for (char *line = text; ok && line != NULL && *line != '\0';) {
        char *end = strchr(line, '\n');
        if (end != NULL) {
            *end = '\0';
        }
        key_of(line, out);
        line = end != NULL ? end + 1 : NULL;
    }
    free(text);
    return ok;
}

static void tail(FILE *out)
{
    static const char *const signals[][2] = {
        {"SIGTERM, SIGINT", "end: the state is saved, the Lease given up"},
        {"SIGHUP", "read the Daemon file and all it names again; a bad one is refused with its place, and the old one "
                   "stays"},
        {"SIGUSR1", "kill switch: stop writing"},
        {"SIGUSR2", "write again"}};
    static const char *const statuses[][2] = {{"0", "done"},
                                              {"1", "a right is missing (--rights)"},
                                              {"2", "bad usage or configuration"},
                                              {"3", "input or output failed"},
                                              {"4", "internal error"}};
    fputs(".SH SIGNALS\n", out);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        fprintf(out, ".TP\n.B %s\n", signals[i][0]);
        roff_text(signals[i][1], out);
        fputc('\n', out);
    }
    fputs(".SH EXIT STATUS\n", out);
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        fprintf(out, ".TP\n.B %s\n", statuses[i][0]);
        roff_text(statuses[i][1], out);
        fputc('\n', out);
    }
    fputs(".SH EXAMPLES\n.PP\n.nf\nspillwayd \\-\\-config daemon.yaml \\-\\-check\nspillwayd \\-\\-config daemon.yaml "
          "\\-\\-rights\nspillwayd \\-\\-config daemon.yaml \\-\\-once \\-\\-dry\\-run \\-\\-explain\n.fi\n"
          ".SH SEE ALSO\n.BR spillway (1)\n",
          out);
}

bool dm_manual(FILE *out)
{
    head(out);
    const bool ok = keys(out);
    tail(out);
    return ok && ferror(out) == 0;
}
