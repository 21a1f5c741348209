/* SPDX-License-Identifier: Apache-2.0 */
#include "topics.h"

#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/limits.h"
#include "ca/keystore_line.h"
#include "ca/setting.h"
#include "crypto/rsa.h"
#include "must.h"
#include "sheet.h"
#include "steps.h"

static const char passphrase[] = "correct horse battery staple";

/* ---- lockboxes ---- */

static void stretch(const struct kdf_cost *cost, const uint8_t *salt, struct secret *stretched)
{
    must_ok(kdf_scrypt(span_str(passphrase), span_of(salt, LOCKBOX_SALT), cost, stretched));
    sheet_text("passphrase", passphrase);
    sheet_int("N", cost->n);
    sheet_int("r", cost->r);
    sheet_int("p", cost->p);
    sheet_hex("salt", span_of(salt, LOCKBOX_SALT));
}

/* Hex words of a line, back into the bytes of a seal. */
static void put_hex_word(struct buf *to, struct span word)
{
    uint8_t *at = NULL;
    must(word.n % 2 == 0);
    must_ok(buf_extend(to, word.n / 2, &at));
    must_ok(hex_decode(word, at, word.n / 2));
}

/* From the stretched passphrase to the line; opens it, too. */
static void put_lockbox(const char *what, struct span line, const struct secret *stretched,
                        struct span plain)
{
    struct lockbox box;
    CLEANUP(secret_clear) struct secret opened = { 0 };
    CLEANUP(buf_clear) struct buf sealed = { 0 };
    must_ok(lockbox_parse(what, line, &box));
    must_ok(lockbox_open(&box, stretched, &opened));
    must(span_eq(secret_span(&opened), plain));
    put_hex_word(&sealed, box.wrapped);
    put_hex_word(&sealed, box.tag);
    step_keys("stretched", stretched);
    const struct sealing sealing = {
        .in_a_file = true,
        .traffic = stretched,
        .header = box.head,
        .plain = plain,
        .sealed = buf_span(&sealed),
    };
    step_seal(&sealing);
    sheet_text_json("line", line);
}

static void put_key_lockbox(const struct given *g, const char *name, const char *comment,
                            uint32_t n, const uint8_t *salt)
{
    const struct kdf_cost cost = { n, 8, 1 };
    CLEANUP(secret_clear) struct secret stretched = { 0 };
    CLEANUP(secret_clear) struct secret key = { 0 };
    CLEANUP(buf_clear) struct buf line = { 0 };
    must_ok(rsa_private_encode(g->keys[KEY_CLIENT], &key));
    sheet_case(name, comment);
    stretch(&cost, salt, &stretched);
    must_ok(lockbox_seal("key", &cost, salt, &stretched, secret_span(&key), &line));
    put_lockbox("key", buf_span(&line), &stretched, secret_span(&key));
    sheet_case_end();
}

/* ---- the keystore ---- */

static void append(struct keystore *ks, enum keystore_kind kind, const char *name,
                   struct span content, const char *label)
{
    struct keystore_mark mark;
    given_random(label);
    must_ok(keystore_append(ks, kind, span_str(name), content, &mark));
    keystore_adopt(ks, &mark);
}

static void append_all(const struct given *g, struct keystore *ks)
{
    CLEANUP(secret_clear) struct secret ca = { 0 };
    CLEANUP(secret_clear) struct secret mailbox = { 0 };
    must_ok(rsa_private_encode(g->keys[KEY_CA], &ca));
    must_ok(rsa_private_encode(g->keys[KEY_MAILBOX], &mailbox));
    append(ks, KEYSTORE_CA_KEY, "ca", secret_span(&ca), "keystore: ca-key");
    append(ks, KEYSTORE_CA_CERTIFICATE, "ca", buf_span(&g->root.der), "keystore: ca-certificate");
    append(ks, KEYSTORE_MAILBOX, GIVEN_USER, secret_span(&mailbox), "keystore: mailbox");
}

/* The line up to its newline; *rest goes on behind it. */
static struct span take_line(struct span *rest)
{
    const uint8_t *newline = memchr(rest->p, '\n', rest->n);
    must(newline != NULL);
    struct span line = span_of(rest->p, (size_t)(newline - rest->p));
    *rest = span_from(*rest, line.n + 1);
    return line;
}

static void put_entry(const struct keystore *ks, struct span text, unsigned i,
                      uint8_t before[static HASH_LEN])
{
    static const char *const names[] = { "ca-key", "ca-certificate", "mailbox" };
    struct keystore_line line;
    char name[32];
    uint8_t mac[HASH_LEN];
    CLEANUP(secret_clear) struct secret secret = { 0 };
    CLEANUP(secret_clear) struct secret plain = { 0 };
    CLEANUP(buf_clear) struct buf sealed = { 0 };
    must_ok(keystore_line_parse(text, &line));
    must_ok(keystore_line_open(&ks->master, &line, &plain));
    const struct span covered[] = { span_of(before, HASH_LEN), line.chained };
    must_ok(hash_hmac(secret_span(&ks->chain), covered, 2, mac));
    must(span_eq(SPAN_OF(mac), SPAN_OF(line.mac)));
    memcpy(before, mac, HASH_LEN);
    put_hex_word(&sealed, line.sealed);

    sheet_case(names[i - 1], "");
    sheet_hex("salt", SPAN_OF(line.salt));
    step_expand(&ks->master, "keystore entry", SPAN_OF(line.salt), &secret);
    step_keys("entry secret", &secret);
    const struct sealing sealing = {
        .in_a_file = true,
        .traffic = &secret,
        .header = line.head,
        .plain = secret_span(&plain),
        .sealed = buf_span(&sealed),
    };
    step_seal(&sealing);
    snprintf(name, sizeof name, "mac[%u]", i);
    sheet_hex(name, SPAN_OF(line.mac));
    sheet_text_json("line", text);
    sheet_case_end();
}

static enum mlt_err count_entry(void *ctx, enum keystore_kind kind, struct span name,
                                int64_t offset)
{
    (void)kind;
    (void)name;
    (void)offset;
    ++*(unsigned *)ctx;
    return MLT_OK;
}

/* What was written opens again, from the file and the mark alone. */
static void check_reopens(const struct given *g, const struct keystore *written,
                          const struct secret *stretched)
{
    CLEANUP(keystore_close) struct keystore again = keystore_none();
    unsigned entries = 0;
    const struct keystore_visit visit = { count_entry, &entries };
    must_ok(keystore_open(&again, g->dirfd, KEYSTORE_NEW));
    must_ok(keystore_unlock(&again, g->dirfd, stretched, &written->mark, &visit));
    must(entries == 3);
}

static void put_keystore(const struct given *g, const uint8_t *salt)
{
    static const struct kdf_cost cost = { 1024, 8, 1 };
    CLEANUP(secret_clear) struct secret stretched = { 0 };
    CLEANUP(keystore_close) struct keystore ks = keystore_none();
    CLEANUP(buf_clear) struct buf file = { 0 };
    uint8_t mac[HASH_LEN] = { 0 };
    sheet_case("keystore, first line", "The master key is given, like every salt.");
    stretch(&cost, salt, &stretched);
    given_random("keystore: master");
    must_ok(keystore_create(&ks, g->dirfd, &cost, salt, &stretched));
    append_all(g, &ks);
    check_reopens(g, &ks, &stretched);
    must_ok(file_read(g->dirfd, KEYSTORE_NEW, (size_t)8 * LIMIT_KEYSTORE_LINE, &file));

    struct span rest = buf_span(&file);
    struct span first = take_line(&rest);
    put_lockbox("keystore", first, &stretched, secret_span(&ks.master));
    sheet_hex("chain key", secret_span(&ks.chain));
    const struct span covered[] = { SPAN_OF(mac), first };
    uint8_t first_mac[HASH_LEN];
    must_ok(hash_hmac(secret_span(&ks.chain), covered, 2, first_mac));
    sheet_hex("mac[0]", SPAN_OF(first_mac));
    sheet_case_end();
    for (unsigned i = 1; i <= 3; i++)
        put_entry(&ks, take_line(&rest), i, first_mac);
    must(rest.n == 0 && span_eq(SPAN_OF(first_mac), SPAN_OF(ks.mark.head)));

    sheet_case("keystore, whole", "What ledger.db holds: count u64, last mac. The JSON has the "
                                  "file.");
    CLEANUP(buf_clear) struct buf mark = { 0 };
    must_ok(keystore_mark_store(&(struct database) { .handle = g->db.handle }, &ks.mark));
    must_ok(setting_get(&(struct database) { .handle = g->db.handle }, "keystore", &mark));
    sheet_hex("mark", buf_span(&mark));
    sheet_text_json("file", buf_span(&file));
    sheet_case_end();
}

void topic_keystore(const struct given *g)
{
    uint8_t salts[3][LOCKBOX_SALT];
    for (size_t i = 0; i < sizeof salts; i++)
        salts[i / LOCKBOX_SALT][i % LOCKBOX_SALT] = (uint8_t)(0x60 + i);
    sheet_open("keystore", "Lockbox and keystore",
               "Section 9. \"header\" is the text of a line up to and with the space before its "
               "ciphertext;\na line is header, ciphertext and tag in hex, and for an entry its "
               "mac.");
    put_key_lockbox(g, "lockbox malote-key, N = 1024", "It holds the private key \"client\".",
                    LIMIT_KDF_COST_MIN, salts[0]);
    put_key_lockbox(g, "lockbox malote-key, N = 131072",
                    "The cost that is used unless told "
                    "otherwise.",
                    LIMIT_KDF_COST, salts[1]);
    put_keystore(g, salts[2]);
    sheet_close();
}
