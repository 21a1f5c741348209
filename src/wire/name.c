/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/name.h"

#include <string.h>

static bool is_alnum(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_separator(uint8_t c)
{
    return c == '.' || c == '_' || c == '-';
}

static bool is_name(struct span text)
{
    if (text.n < 1 || text.n > LIMIT_NAME)
        return false;
    bool after_alnum = false;
    for (size_t i = 0; i < text.n; i++) {
        if (!is_alnum(text.p[i]) && !(is_separator(text.p[i]) && after_alnum))
            return false;
        after_alnum = is_alnum(text.p[i]);
    }
    return after_alnum;
}

static bool is_reserved(struct span text)
{
    static const char *const reserved[] = { "relay", "server", "admin",     "root",
                                            "ca",    "malote", "postmaster" };
    for (size_t i = 0; i < COUNT_OF(reserved); i++)
        if (span_eq(text, span_str(reserved[i])))
            return true;
    return false;
}

enum mlt_err name_parse(struct span text, struct name *name)
{
    ENSURE(is_name(text), MLT_ERR_NAME);
    *name = (struct name) { 0 };
    memcpy(name->text, text.p, text.n);
    return MLT_OK;
}

enum mlt_err name_parse_user(struct span text, struct name *name)
{
    ENSURE(!is_reserved(text), MLT_ERR_NAME);
    return name_parse(text, name);
}

bool name_eq(const struct name *a, const struct name *b)
{
    return span_eq(name_span(a), name_span(b));
}

struct span name_span(const struct name *name)
{
    return span_of(name->text, strnlen(name->text, LIMIT_NAME));
}

enum mlt_err realm_check(struct span text)
{
    static const size_t longest_label = 63;
    ENSURE(text.n >= 1 && text.n <= LIMIT_REALM, MLT_ERR_NAME);
    size_t label = 0;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        bool last_of_label = i + 1 == text.n || text.p[i + 1] == '.';
        if (c == '.') {
            ENSURE(label > 0, MLT_ERR_NAME);
            label = 0;
            continue;
        }
        bool inner_dash = c == '-' && label > 0 && !last_of_label;
        ENSURE(is_alnum(c) || inner_dash, MLT_ERR_NAME);
        ENSURE(++label <= longest_label, MLT_ERR_NAME);
    }
    ENSURE(label > 0, MLT_ERR_NAME);
    return MLT_OK;
}
