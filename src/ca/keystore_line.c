/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/keystore_line.h"

#include "base/env.h"
#include "base/hex.h"
#include "base/limits.h"
#include "crypto/etm.h"
#include "wire/name.h"

static const char *const kind_names[] = {
    [KEYSTORE_CA_KEY] = "ca-key",
    [KEYSTORE_CA_CERTIFICATE] = "ca-certificate",
    [KEYSTORE_MAILBOX] = "mailbox",
};

static bool parse_kind(struct span word, enum keystore_kind *kind)
{
    for (size_t i = KEYSTORE_CA_KEY; i < COUNT_OF(kind_names); i++) {
        if (span_eq(word, span_str(kind_names[i]))) {
            *kind = (enum keystore_kind)i;
            return true;
        }
    }
    return false;
}

enum mlt_err keystore_line_parse(struct span text, struct keystore_line *line)
{
    struct keystore_line got = { 0 };
    struct span rest = text;
    struct span kind, salt;
    struct name name;
    ENSURE(span_next_word(&rest, &kind) && parse_kind(kind, &got.kind), MLT_ERR_DAMAGED);
    ENSURE(span_next_word(&rest, &got.name), MLT_ERR_DAMAGED);
    ENSURE(name_parse(got.name, &name) == MLT_OK, MLT_ERR_DAMAGED);
    ENSURE(span_next_word(&rest, &salt), MLT_ERR_DAMAGED);
    ENSURE(hex_decode(salt, got.salt, KEYSTORE_SALT) == MLT_OK, MLT_ERR_DAMAGED);
    got.head = span_of(text.p, (size_t)(rest.p - text.p));
    ENSURE(span_next_word(&rest, &got.sealed), MLT_ERR_DAMAGED);
    ENSURE(got.sealed.n >= 2 * ETM_TAG && got.sealed.n % 2 == 0, MLT_ERR_DAMAGED);
    got.chained = span_of(text.p, (size_t)(rest.p - text.p));
    ENSURE(hex_decode(rest, got.mac, HASH_LEN) == MLT_OK, MLT_ERR_DAMAGED);
    *line = got;
    return MLT_OK;
}

enum mlt_err keystore_line_mac(const struct secret *chain, const uint8_t before[static HASH_LEN],
                               struct span chained, uint8_t mac[static HASH_LEN])
{
    const struct span parts[] = { span_of(before, HASH_LEN), chained };
    return hash_hmac(secret_span(chain), parts, COUNT_OF(parts), mac);
}

static enum mlt_err start_seal(const struct secret *master,
                               const uint8_t salt[static KEYSTORE_SALT], struct etm *etm)
{
    CLEANUP(secret_clear) struct secret own = { 0 };
    TRY(kdf_expand_label(master, "keystore entry", span_of(salt, KEYSTORE_SALT), KDF_LEN, &own));
    return etm_init(etm, &own);
}

enum mlt_err keystore_line_make(const struct secret *master, enum keystore_kind kind,
                                struct span name, struct span plain, struct buf *text)
{
    uint8_t salt[KEYSTORE_SALT];
    TRY(env_random(env_system(), salt, sizeof(salt)));
    CLEANUP(buf_clear) struct buf made = { 0 };
    TRY(buf_put_format(&made, "%s ", kind_names[kind]));
    TRY(buf_put(&made, name));
    TRY(buf_put_u8(&made, ' '));
    TRY(buf_put_hex(&made, SPAN_OF(salt)));
    TRY(buf_put_u8(&made, ' '));
    CLEANUP(etm_clear) struct etm etm = { 0 };
    TRY(start_seal(master, salt, &etm));
    CLEANUP(buf_clear) struct buf sealed = { 0 };
    TRY(etm_seal(&etm, 0, buf_span(&made), plain, &sealed));
    TRY(buf_put_hex(&made, buf_span(&sealed)));
    TRY(buf_put_u8(&made, ' '));
    return buf_put(text, buf_span(&made));
}

enum mlt_err keystore_line_open(const struct secret *master, const struct keystore_line *line,
                                struct secret *plain)
{
    CLEANUP(buf_clear) struct buf sealed = { 0 };
    uint8_t *at = NULL;
    TRY(buf_extend(&sealed, line->sealed.n / 2, &at));
    ENSURE(hex_decode(line->sealed, at, line->sealed.n / 2) == MLT_OK, MLT_ERR_DAMAGED);
    CLEANUP(etm_clear) struct etm etm = { 0 };
    TRY(start_seal(master, line->salt, &etm));
    CLEANUP(buf_clear) struct buf opened = { 0 };
    enum mlt_err err = etm_open(&etm, 0, line->head, buf_span(&sealed), &opened);
    ENSURE(err != MLT_ERR_AUTH, MLT_ERR_DAMAGED);
    TRY(err);
    return secret_copy(plain, buf_span(&opened));
}
