/* SPDX-License-Identifier: GPL-3.0-or-later */
/** interrupt.h - Ctrl-C and SIGTERM end a command cleanly: what is done stays. */
#ifndef SIM_CLI_INTERRUPT_H
#define SIM_CLI_INTERRUPT_H

/** Catches SIGINT and SIGTERM from now on. @return the flag that becomes non-zero with the first of them */
const volatile int *interrupt_catch(void);

#endif
