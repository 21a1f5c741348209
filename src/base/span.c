/* SPDX-License-Identifier: Apache-2.0 */
#include "base/span.h"

#include <string.h>

struct span span_of(const void *p, size_t n)
{
    return (struct span) { p, n };
}

struct span span_str(const char *text)
{
    return (struct span) { (const uint8_t *)text, strlen(text) };
}

bool span_eq(struct span a, struct span b)
{
    return a.n == b.n && span_cmp(a, b) == 0;
}

int span_cmp(struct span a, struct span b)
{
    size_t common = a.n < b.n ? a.n : b.n;
    for (size_t i = 0; i < common; i++)
        if (a.p[i] != b.p[i])
            return a.p[i] < b.p[i] ? -1 : 1;
    return (a.n > b.n) - (a.n < b.n);
}

struct span span_from(struct span s, size_t from)
{
    if (from >= s.n)
        return (struct span) { 0 };
    return (struct span) { s.p + from, s.n - from };
}

bool span_next_word(struct span *rest, struct span *word)
{
    if (rest->n == 0)
        return false;
    size_t n = 0;
    while (n < rest->n && rest->p[n] != ' ')
        n++;
    *word = span_of(rest->p, n);
    size_t skip = n < rest->n ? n + 1 : n;
    *rest = span_of(rest->p + skip, rest->n - skip);
    return n > 0;
}
