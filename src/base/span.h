/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_BASE_SPAN_H
#define MALOTE_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed bytes: never freed through a span, valid as long as whoever owns them says. */
struct span {
    const uint8_t *p;
    size_t n;
};

#define SPAN_OF(array) ((struct span) { (const uint8_t *)(array), sizeof(array) })

struct span span_of(const void *p, size_t n);
struct span span_str(const char *text);

/* Not constant time: for public bytes only.  Secrets are compared by secret_eq. */
bool span_eq(struct span a, struct span b);

/* Bytewise order, shorter first on a common prefix: <0, 0, >0.  Public bytes only. */
int span_cmp(struct span a, struct span b);

/*
 * Takes the next word of a text whose words are separated by exactly one space: *word, and *rest
 * goes on behind that space.  False for an empty word (two spaces, or the end; *word is
 * written all the same, unless nothing is left).
 */
bool span_next_word(struct span *rest, struct span *word);

/* The part from `from` on; empty when from is beyond the end. */
struct span span_from(struct span s, size_t from);

#endif
