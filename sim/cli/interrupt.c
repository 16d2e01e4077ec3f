/* SPDX-License-Identifier: GPL-3.0-or-later */
/* interrupt.c - see interrupt.h. */
#include "sim/cli/interrupt.h"

#include <signal.h>
#include <stddef.h>

/* A signal handler has nowhere else to put it. */
static volatile sig_atomic_t stop_flag;

static void on_interrupt(int number)
{
    (void)number;
    stop_flag = 1;
}

const volatile int *interrupt_catch(void)
{
    struct sigaction action = {.sa_handler = on_interrupt};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    return &stop_flag;
}
