/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cmd_manual.c - spillway manual and spillway completion: man pages, and completion for bash and zsh, all printed from
 * the option tables that parse the command line, so that they cannot disagree with it.
 */
#include "sim/cli/commands.h"

#include <string.h>

#include "sched/manifest/roff.h"
#include "sim/cli/version.h"

/* --- man pages ------------------------------------------------------------------------------------------------- */

static void title(const char *name, FILE *out)
{
    fputs(".TH \"", out);
    for (const char *c = name; *c != '\0'; c++) {
        fputc(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c, out);
    }
    fprintf(out, "\" 1 \"\" \"spillway %s\" \"User Commands\"\n.SH NAME\n%s \\- ", CLI_VERSION, name);
}

static void exit_status(FILE *out)
{
    fputs(".SH EXIT STATUS\n"
          "0 done; 1 interrupted, or a check or gate failed; 2 bad usage or bad input, nothing written; 3 input or "
          "output "
          "failed; 4 internal error.\n",
          out);
}

static void page_of(const opt_command *command, FILE *out)
{
    char name[64];
    snprintf(name, sizeof name, "spillway-%s", command->name);
    title(name, out);
    roff_text(command->summary, out);
    fprintf(out, "\n.SH SYNOPSIS\n.B spillway %s\n", command->name);
    if (command->operands[0] != '\0') {
        fputs(".I ", out);
        roff_text(command->operands, out);
        fputc('\n', out);
    }
    fputs("[\\fIOPTIONS\\fR]\n", out);
    if (command->action_count > 0) {
        fputs(".SH ACTIONS\n", out);
    }
    for (size_t i = 0; i < command->action_count; i++) {
        fputs(".TP\n.B ", out);
        roff_text(command->actions[i].usage, out);
        fputc('\n', out);
        roff_text(command->actions[i].help, out);
        fputc('\n', out);
    }
    fputs(".SH OPTIONS\n", out);
    for (size_t i = 0; i < command->row_count; i++) {
        const opt_row *row = &command->rows[i];
        fputs(".TP\n.B \\-\\-", out);
        roff_text(row->name, out);
        if (row->arg != NULL) {
            fputs(" \\fI", out);
            roff_text(row->arg, out);
            fputs("\\fR", out);
        }
        fputc('\n', out);
        roff_text(row->help, out);
        fputc('\n', out);
    }
    fputs(".TP\n.B \\-h, \\-\\-help\nprint a summary of this page\n", out);
    exit_status(out);
    fputs(".SH EXAMPLES\n", out);
    for (int i = 0; i < OPT_EXAMPLES; i++) {
        if (command->examples[i] != NULL) {
            fputs(".PP\n.nf\n", out);
            roff_text(command->examples[i], out);
            fputs("\n.fi\n", out);
        }
    }
    fputs(".SH SEE ALSO\n.BR spillway (1)\n", out);
}

static void page_of_all(FILE *out)
{
    title("spillway", out);
    fputs(
        "simulate and plan AI inference on fleets of GPU clusters\n.SH SYNOPSIS\n.B spillway\n.I COMMAND\n"
        "[\\fIOPERANDS\\fR] [\\fIOPTIONS\\fR]\n.SH DESCRIPTION\n"
        "Replays traffic request by request against the Kubernetes objects that you would apply, calls the scheduling "
        "core that runs in production at every control tick, and reports what it cost, how long people waited and how "
        "the bursts went.\n"
        ".PP\nStandard output carries results only; messages go to standard error; progress shows on a terminal only.\n"
        ".SH COMMANDS\n",
        out);
    for (int i = 0; cli_commands[i] != NULL; i++) {
        fprintf(out, ".TP\n.BR spillway\\-%s (1)\n", cli_commands[i]->name);
        roff_text(cli_commands[i]->summary, out);
        fputc('\n', out);
    }
    fputs(".SH ENVIRONMENT\n.TP\n.B NO_COLOR\nno colour on a terminal when set\n", out);
    exit_status(out);
}

static const opt_command *command_named(const char *name)
{
    for (int i = 0; cli_commands[i] != NULL; i++) {
        if (strcmp(cli_commands[i]->name, name) == 0) {
            return cli_commands[i];
        }
    }
    return NULL;
}

static cli_status run_manual(int argc, char **argv)
{
    char none = 0;
    opt_list operands;
    const opt_outcome outcome = opt_parse(&cli_manual, argc, argv, &none, &operands, stdout, stderr);
    cli_status status = opt_exit(outcome);
    if (outcome == OPT_GO && operands.count == 0) {
        page_of_all(stdout);
    } else if (outcome == OPT_GO) {
        const opt_command *command = command_named(operands.at[0]);
        if (command != NULL) {
            page_of(command, stdout);
        } else {
            fprintf(stderr, "spillway manual: there is no command '%s'; see 'spillway help'\n", operands.at[0]);
            status = CLI_BAD;
        }
    }
    opt_fini(&cli_manual, &none, &operands);
    return status;
}

const opt_command cli_manual = {.name = "manual",
                                .operands = "[COMMAND]",
                                .summary = "the man page of a command, or of them all, as man reads it",
                                .rows = NULL,
                                .row_count = 0,
                                .operands_min = 0,
                                .operands_max = 1,
                                .examples = {"spillway manual run | man -l -", "spillway manual > spillway.1"},
                                .run = run_manual};

/* --- completion ------------------------------------------------------------------------------------------------ */

static void each_choice(const char *choices, const char *before, const char *after, FILE *out)
{
    for (const char *at = choices; *at != '\0';) {
        const size_t span = strcspn(at, "|");
        fprintf(out, "%s%.*s%s", before, (int)span, at, after);
        at += span + (at[span] == '|');
    }
}

static int is_folder(const opt_row *row)
{
    return row->arg != NULL && strcmp(row->arg, "DIR") == 0;
}

static void bash_command(const opt_command *command, FILE *out)
{
    fprintf(out, "    %s)\n        case $before in\n", command->name);
    for (size_t i = 0; i < command->row_count; i++) {
        const opt_row *row = &command->rows[i];
        if (row->kind == OPT_CHOICE) {
            fprintf(out, "        --%s) words=\"", row->name);
            each_choice(row->arg, "", " ", out);
            fputs("\" ;;\n", out);
        } else if (is_folder(row)) {
            fprintf(out, "        --%s) COMPREPLY=($(compgen -d -- \"$word\")); return ;;\n", row->name);
        }
    }
    fputs("        *) options=\"", out);
    for (size_t i = 0; i < command->row_count; i++) {
        fprintf(out, "--%s ", command->rows[i].name);
    }
    fputs("--help\" ;;\n        esac ;;\n", out);
}

static void bash(FILE *out)
{
    fputs("# bash completion of spillway; printed by 'spillway completion bash'\n"
          "_spillway() {\n"
          "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words= options=\n"
          "    COMPREPLY=()\n"
          "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
          "        COMPREPLY=($(compgen -W \"help version",
          out);
    for (int i = 0; cli_commands[i] != NULL; i++) {
        fprintf(out, " %s", cli_commands[i]->name);
    }
    fputs("\" -- \"$word\")); return\n    fi\n    case ${COMP_WORDS[1]} in\n    help) words=\"", out);
    for (int i = 0; cli_commands[i] != NULL; i++) {
        fprintf(out, "%s ", cli_commands[i]->name);
    }
    fputs("\" ;;\n", out);
    for (int i = 0; cli_commands[i] != NULL; i++) {
        bash_command(cli_commands[i], out);
    }
    fputs("    esac\n"
          "    if [ -n \"$words\" ]; then COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
          "    elif [ \"${word#-}\" != \"$word\" ]; then COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
          "    else COMPREPLY=($(compgen -f -- \"$word\")); compopt -o filenames 2>/dev/null; fi\n"
          "}\n"
          "complete -F _spillway spillway\n",
          out);
}

/* Inside single quotes, and inside the brackets of an _arguments specification. */
static void zsh_text(const char *text, FILE *out)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            fputs("'\\''", out);
        } else if (*text == '[' || *text == ']' || *text == ':' || *text == '\\') {
            fprintf(out, "\\%c", *text);
        } else {
            fputc(*text, out);
        }
    }
}

static void zsh_row(const opt_row *row, FILE *out)
{
    fprintf(out, " \\\n            '%s--%s[", row->kind == OPT_LIST ? "*" : "", row->name);
    zsh_text(row->help, out);
    fputc(']', out);
    if (row->arg != NULL) {
        fputc(':', out);
        zsh_text(row->kind == OPT_CHOICE ? row->name : row->arg, out);
        fputc(':', out);
        if (row->kind == OPT_CHOICE) {
            fputc('(', out);
            each_choice(row->arg, "", " ", out);
            fputc(')', out);
        } else if (is_folder(row)) {
            fputs("_files -/", out);
        }
    }
    fputc('\'', out);
}

static void zsh(FILE *out)
{
    fputs("#compdef spillway\n# zsh completion of spillway; printed by 'spillway completion zsh'\n_spillway() {\n"
          "    local -a commands=(\n        'help:the help of one command'\n        'version:version of the program'\n",
          out);
    for (int i = 0; cli_commands[i] != NULL; i++) {
        fprintf(out, "        '%s:", cli_commands[i]->name);
        zsh_text(cli_commands[i]->summary, out);
        fputs("'\n", out);
    }
    fputs("    )\n    if (( CURRENT == 2 )); then\n        _describe command commands\n        return\n    fi\n"
          "    local command=$words[2]\n    shift words\n    (( CURRENT-- ))\n    case $command in\n"
          "    help) _describe command commands ;;\n",
          out);
    for (int i = 0; cli_commands[i] != NULL; i++) {
        const opt_command *command = cli_commands[i];
        fprintf(out, "    %s)\n        _arguments '--help[print help]'", command->name);
        for (size_t r = 0; r < command->row_count; r++) {
            zsh_row(&command->rows[r], out);
        }
        fputs(" \\\n            '*:file:_files' ;;\n", out);
    }
    fputs("    esac\n}\n_spillway \"$@\"\n", out);
}

static cli_status run_completion(int argc, char **argv)
{
    char none = 0;
    opt_list operands;
    const opt_outcome outcome = opt_parse(&cli_completion, argc, argv, &none, &operands, stdout, stderr);
    cli_status status = opt_exit(outcome);
    if (outcome == OPT_GO) {
        if (strcmp(operands.at[0], "bash") == 0) {
            bash(stdout);
        } else if (strcmp(operands.at[0], "zsh") == 0) {
            zsh(stdout);
        } else {
            fprintf(stderr, "spillway completion: there is bash and zsh, not '%s'\n", operands.at[0]);
            status = CLI_BAD;
        }
    }
    opt_fini(&cli_completion, &none, &operands);
    return status;
}

const opt_command cli_completion = {.name = "completion",
                                    .operands = "bash|zsh",
                                    .summary = "completion for a shell, as it reads it",
                                    .rows = NULL,
                                    .row_count = 0,
                                    .operands_min = 1,
                                    .operands_max = 1,
                                    .examples = {"spillway completion bash > /etc/bash_completion.d/spillway",
                                                 "spillway completion zsh > ~/.zfunc/_spillway"},
                                    .run = run_completion};
