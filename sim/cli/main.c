/* SPDX-License-Identifier: GPL-3.0-or-later */
/* main.c - the program `spillway`: everything is in sim/cli/commands.c, so that tests can link it. */
#include "sim/cli/commands.h"
#include "sim/kernel/pages.h"

int main(int argc, char **argv)
{
    pages_large();
    return cli_main(argc, argv);
}
