/* SPDX-License-Identifier: GPL-3.0-or-later */
/** folder.h - a folder of its own for a test, and what is in its files. Everything fails the test that goes wrong. */
#ifndef TESTS_SUPPORT_FOLDER_H
#define TESTS_SUPPORT_FOLDER_H

#include <stddef.h>

/** An empty folder. @param out dir  its path */
void folder_make(char *dir, size_t size);
/** Takes the folder away with its files and those of folders in it. */
void folder_remove(const char *dir);
/** A whole file, to be freed. */
char *folder_read(const char *dir, const char *name);
/** Writes a file. */
void folder_write(const char *dir, const char *name, const char *text);

/** Tags of a page are closed in the order in which they were opened; attribute values are quoted. */
void page_check_well_formed(const char *html);

#endif
