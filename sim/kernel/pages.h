/* SPDX-License-Identifier: GPL-3.0-or-later */
/**
 * pages.h - large memory pages for a program that simulates large fleets.
 *
 * A run touches some tens of megabytes at random, all of it allocated in small pieces. With pages of 4 KiB the
 * processor's table of page addresses (TLB) holds a part of them only, and most cache misses wait for an address, too.
 */
#ifndef SIM_KERNEL_PAGES_H
#define SIM_KERNEL_PAGES_H

/**
 * Asks that what malloc() will give lies in large pages: once, early in main(). The heap grows as one piece, of which
 * untouched parts take no memory. Without effect where the C library or the system has no such thing: never an error.
 */
void pages_large(void);

#endif
