/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/lockbox.h"

#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/limits.h"
#include "crypto/etm.h"

/* The largest thing wrapped is an RSA-4096 private key, about 2.4 KiB. */
static const size_t most_wrapped = 4096;

/* Decimal without sign, space or leading zero: one text per value. */
static bool parse_number(struct span word, uint32_t *value)
{
    if (word.n < 1 || word.n > 9 || (word.p[0] == '0' && word.n > 1))
        return false;
    uint32_t v = 0;
    for (size_t i = 0; i < word.n; i++) {
        if (word.p[i] < '0' || word.p[i] > '9')
            return false;
        v = v * 10 + (word.p[i] - '0');
    }
    *value = v;
    return true;
}

static bool parse_title(struct span *rest, const char *what)
{
    char title[64];
    snprintf(title, sizeof(title), "malote-%s", what);
    struct span word;
    if (!span_next_word(rest, &word) || !span_eq(word, span_str(title)))
        return false;
    if (!span_next_word(rest, &word) || !span_eq(word, span_str("1")))
        return false;
    return span_next_word(rest, &word) && span_eq(word, span_str("scrypt"));
}

static bool parse_cost(struct span *rest, struct kdf_cost *cost)
{
    struct span n, r, p;
    bool read = span_next_word(rest, &n) && span_next_word(rest, &r) && span_next_word(rest, &p) &&
                parse_number(n, &cost->n) && parse_number(r, &cost->r) && parse_number(p, &cost->p);
    return read && cost->n >= LIMIT_KDF_COST_MIN && cost->n <= LIMIT_KDF_COST_MAX &&
           (cost->n & (cost->n - 1)) == 0 && cost->r == 8 && cost->p == 1;
}

enum mlt_err lockbox_parse(const char *what, struct span line, struct lockbox *box)
{
    struct lockbox got = { 0 };
    struct span rest = line;
    struct span salt;
    ENSURE(parse_title(&rest, what), MLT_ERR_DAMAGED);
    ENSURE(parse_cost(&rest, &got.cost), MLT_ERR_DAMAGED);
    ENSURE(span_next_word(&rest, &salt), MLT_ERR_DAMAGED);
    ENSURE(hex_decode(salt, got.salt, LOCKBOX_SALT) == MLT_OK, MLT_ERR_DAMAGED);
    got.head = span_of(line.p, (size_t)(rest.p - line.p));
    ENSURE(span_next_word(&rest, &got.wrapped), MLT_ERR_DAMAGED);
    got.tag = rest;
    ENSURE(got.wrapped.n <= 2 * most_wrapped && got.wrapped.n % 2 == 0, MLT_ERR_DAMAGED);
    ENSURE(got.tag.n == 2 * ETM_TAG, MLT_ERR_DAMAGED);
    *box = got;
    return MLT_OK;
}

enum mlt_err lockbox_open(const struct lockbox *box, const struct secret *stretched,
                          struct secret *out)
{
    size_t n = box->wrapped.n / 2;
    CLEANUP(buf_clear) struct buf sealed = { 0 };
    uint8_t *at = NULL;
    TRY(buf_extend(&sealed, n + ETM_TAG, &at));
    ENSURE(hex_decode(box->wrapped, at, n) == MLT_OK, MLT_ERR_DAMAGED);
    ENSURE(hex_decode(box->tag, at + n, ETM_TAG) == MLT_OK, MLT_ERR_DAMAGED);
    CLEANUP(etm_clear) struct etm etm = { 0 };
    TRY(etm_init(&etm, stretched));
    CLEANUP(buf_clear) struct buf plain = { 0 };
    enum mlt_err err = etm_open(&etm, 0, box->head, buf_span(&sealed), &plain);
    ENSURE(err != MLT_ERR_AUTH, MLT_ERR_PASSPHRASE);
    TRY(err);
    return secret_copy(out, buf_span(&plain));
}

enum mlt_err lockbox_seal(const char *what, const struct kdf_cost *cost,
                          const uint8_t salt[static LOCKBOX_SALT], const struct secret *stretched,
                          struct span secret, struct buf *line)
{
    ENSURE(secret.n > 0 && secret.n <= most_wrapped, MLT_ERR_RANGE);
    CLEANUP(buf_clear) struct buf made = { 0 };
    TRY(buf_put_format(&made, "malote-%s 1 scrypt %u %u %u ", what, cost->n, cost->r, cost->p));
    TRY(buf_put_hex(&made, span_of(salt, LOCKBOX_SALT)));
    TRY(buf_put_u8(&made, ' '));
    CLEANUP(etm_clear) struct etm etm = { 0 };
    TRY(etm_init(&etm, stretched));
    CLEANUP(buf_clear) struct buf sealed = { 0 };
    TRY(etm_seal(&etm, 0, buf_span(&made), secret, &sealed));
    TRY(buf_put_hex(&made, span_of(sealed.p, secret.n)));
    TRY(buf_put_u8(&made, ' '));
    TRY(buf_put_hex(&made, span_of(sealed.p + secret.n, ETM_TAG)));
    return buf_put(line, buf_span(&made));
}
