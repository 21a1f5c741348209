/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_VECTORS_SHEET_H
#define MALOTE_TESTS_VECTORS_SHEET_H

#include "base/buf.h"

/*
 * Writes every vector twice: as JSON, a file a topic, and as the text of PROTOCOL.md 14.
 *
 * A sheet is { "about": [lines], "cases": [ { "case", "comment", fields and groups } ] }.  Bytes
 * are lower-case hex, integers are numbers, texts are strings.
 */

/* All sheets go into this directory, and vectors.md, the text, at sheet_finish. */
void sheet_start(int dirfd);
void sheet_finish(void);

/* "login" makes login.json; `about` is cut into lines at its newlines. */
void sheet_open(const char *file, const char *title, const char *about);
void sheet_close(void);

void sheet_case(const char *name, const char *comment);
void sheet_case_end(void);

/* Groups nest; the comment may be NULL. */
void sheet_group(const char *name, const char *comment);
void sheet_group_end(void);

void sheet_hex(const char *name, struct span value);
void sheet_int(const char *name, uint64_t value);
void sheet_text(const char *name, const char *value);

/* A text that does not fit beside its name; it stands on lines of its own. */
void sheet_text_long(const char *name, struct span value);

/* Only into the JSON: what a reader of the text has in front of him in parts, or needs no print. */
void sheet_hex_json(const char *name, struct span value);
void sheet_text_json(const char *name, struct span value);

/* Whole in the JSON; the text says where it stands already. */
void sheet_hex_elsewhere(const char *name, struct span value, const char *where);

/* From here on the text has values above `most` bytes as length and SHA-256. */
void sheet_abridge(size_t most);

#endif
