/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/der.h"

#include <string.h>
#include <time.h>

#include "base/limits.h"

static const uint8_t constructed = 0x20;
static const uint8_t long_tag = 0x1f;
static const int64_t first_of_2050 = 2524608000; /* where GeneralizedTime begins */

/* An element's tag, and how long its header and its content are. */
struct header {
    uint8_t tag;
    size_t head, content;
};

/* The length behind a first byte of 0x80 + n: n bytes, the first not zero, 128 at least. */
static bool read_long_length(struct span der, struct header *h)
{
    size_t n = der.p[1] & 0x7f;
    if (n < 1 || n > 4 || der.n < 2 + n || der.p[2] == 0)
        return false;
    h->content = 0;
    for (size_t i = 0; i < n; i++)
        h->content = h->content << 8 | der.p[2 + i];
    h->head = 2 + n;
    return h->content >= 0x80;
}

static bool read_header(struct span der, struct header *h)
{
    if (der.n < 2 || (der.p[0] & long_tag) == long_tag)
        return false;
    *h = (struct header) { .tag = der.p[0], .head = 2, .content = der.p[1] };
    if (der.p[1] >= 0x80 && !read_long_length(der, h))
        return false;
    return h->content <= der.n - h->head;
}

static enum mlt_err check(struct span der, unsigned depth)
{
    ENSURE(depth <= LIMIT_DER_DEPTH, MLT_ERR_ENCODING);
    while (der.n > 0) {
        struct header h;
        ENSURE(read_header(der, &h), MLT_ERR_ENCODING);
        if ((h.tag & constructed) != 0)
            TRY(check(span_of(der.p + h.head, h.content), depth + 1));
        der = span_from(der, h.head + h.content);
    }
    return MLT_OK;
}

enum mlt_err der_check(struct span der)
{
    struct header h;
    ENSURE(read_header(der, &h) && h.head + h.content == der.n, MLT_ERR_ENCODING);
    return check(der, 0);
}

bool der_next(struct span *rest, uint8_t *tag, struct span *content)
{
    struct header h;
    if (!read_header(*rest, &h))
        return false;
    *tag = h.tag;
    *content = span_of(rest->p + h.head, h.content);
    *rest = span_from(*rest, h.head + h.content);
    return true;
}

bool der_take(struct span *rest, uint8_t tag, struct span *content)
{
    return rest->n > 0 && rest->p[0] == tag && der_next(rest, &tag, content);
}

bool der_take_whole(struct span *rest, uint8_t tag, struct span *element)
{
    struct span content;
    const uint8_t *begin = rest->p;
    if (!der_take(rest, tag, &content))
        return false;
    *element = span_of(begin, (size_t)(content.p + content.n - begin));
    return true;
}

static enum mlt_err put_length(struct buf *out, size_t n)
{
    uint8_t bytes[4];
    size_t at = sizeof bytes;
    if (n < 0x80)
        return buf_put_u8(out, (uint8_t)n);
    ENSURE(n <= UINT32_MAX, MLT_ERR_NOSPACE);
    for (; n > 0; n >>= 8)
        bytes[--at] = (uint8_t)n;
    TRY(buf_put_u8(out, (uint8_t)(0x80 + sizeof bytes - at)));
    return buf_put(out, span_from(SPAN_OF(bytes), at));
}

enum mlt_err der_put(struct buf *out, uint8_t tag, struct span content)
{
    TRY(buf_put_u8(out, tag));
    TRY(put_length(out, content.n));
    return buf_put(out, content);
}

enum mlt_err der_put_number(struct buf *out, struct span number)
{
    while (number.n > 1 && number.p[0] == 0)
        number = span_from(number, 1);
    bool signed_too = number.p[0] >= 0x80; /* a zero in front says that it is not */
    TRY(buf_put_u8(out, DER_INTEGER));
    TRY(put_length(out, number.n + signed_too));
    if (signed_too)
        TRY(buf_put_u8(out, 0));
    return buf_put(out, number);
}

bool der_take_number(struct span *rest, uint8_t *number, size_t n)
{
    struct span left = *rest;
    struct span content;
    if (!der_take(&left, DER_INTEGER, &content) || content.n == 0 || content.p[0] >= 0x80)
        return false;
    if (content.p[0] == 0) {
        content = span_from(content, 1);
        if (content.n == 0 || content.p[0] < 0x80)
            return false;
    }
    if (content.n > n)
        return false;
    memset(number, 0, n);
    memcpy(number + n - content.n, content.p, content.n);
    *rest = left;
    return true;
}

enum mlt_err der_put_time(struct buf *out, int64_t s)
{
    const bool is_short = s < first_of_2050;
    const time_t t = (time_t)s;
    struct tm utc;
    char text[32];
    ENSURE(gmtime_r(&t, &utc) != NULL, MLT_ERR_RANGE);
    struct span whole = span_of(text, strftime(text, sizeof text, "%Y%m%d%H%M%SZ", &utc));
    return is_short ? der_put(out, DER_UTC_TIME, span_from(whole, 2))
                    : der_put(out, DER_TIME, whole);
}

/* Two digits; -1 for anything else. */
static int two_digits(const uint8_t *p)
{
    bool digits = p[0] >= '0' && p[0] <= '9' && p[1] >= '0' && p[1] <= '9';
    return digits ? (p[0] - '0') * 10 + (p[1] - '0') : -1;
}

/* Month, day, hour, minute, second and Z.  timegm carries over what is too large: such a time
 * does not come out as it went in. */
static bool read_rest_of_time(struct span text, int year, int64_t *s)
{
    int field[5];
    if (text.n != 2 * COUNT_OF(field) + 1 || text.p[2 * COUNT_OF(field)] != 'Z')
        return false;
    for (size_t i = 0; i < COUNT_OF(field); i++) {
        field[i] = two_digits(text.p + 2 * i);
        if (field[i] < 0)
            return false;
    }
    struct tm utc = { .tm_year = year - 1900,
                      .tm_mon = field[0] - 1,
                      .tm_mday = field[1],
                      .tm_hour = field[2],
                      .tm_min = field[3],
                      .tm_sec = field[4] };
    *s = timegm(&utc);
    return true;
}

bool der_take_time(struct span *rest, int64_t *s)
{
    struct span left = *rest;
    struct span text;
    int year = -1;
    size_t digits = 2;
    if (der_take(&left, DER_UTC_TIME, &text) && text.n >= 2) {
        year = two_digits(text.p);
        year += year < 0 ? 0 : year < 50 ? 2000 : 1900; /* RFC 5280 4.1.2.5.1 */
    } else if (der_take(&left, DER_TIME, &text) && text.n >= 4) {
        int century = two_digits(text.p);
        int of_century = two_digits(text.p + 2);
        year = century < 0 || of_century < 0 ? -1 : century * 100 + of_century;
        digits = 4;
    }
    if (year < 0 || !read_rest_of_time(span_from(text, digits), year, s))
        return false;
    *rest = left;
    return true;
}
