/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/text.h"
#include "client/public.h"

enum mlt_error mlt_check_name(const char *name)
{
    struct name parsed;
    return public_error(name_parse_user(span_str(name), &parsed));
}

enum mlt_error mlt_check_url(const char *url, char name[MLT_NAME_SIZE])
{
    CLEANUP(join_url_wipe) struct join_url parsed = { 0 };
    enum mlt_err err = public_parse_url(url, &parsed);
    if (err == MLT_OK)
        memcpy(name, parsed.name.text, MLT_NAME_SIZE);
    return public_error(err);
}

bool mlt_is_text(const void *bytes, size_t n)
{
    return text_is_utf8(span_of(bytes, n));
}

static enum mlt_err safe_text(struct span from, unsigned flags, char *out, size_t *room)
{
    ENSURE((flags & ~(unsigned)MLT_TEXT_LINES) == 0, MLT_ERR_USAGE);
    CLEANUP(buf_clear) struct buf safe = { 0 };
    TRY(text_put_safe(&safe, from, (flags & MLT_TEXT_LINES) != 0));
    TRY(buf_put_u8(&safe, '\0'));
    size_t given = out != NULL ? *room : 0;
    *room = safe.len;
    ENSURE(safe.len <= given, MLT_ERR_NOSPACE);
    memcpy(out, safe.p, safe.len);
    return MLT_OK;
}

enum mlt_error mlt_safe_text(const void *bytes, size_t n, unsigned flags, char *out, size_t *room)
{
    return public_error(safe_text(span_of(bytes, n), flags, out, room));
}
