/* SPDX-License-Identifier: Apache-2.0 */
#include "bombs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEGA = 1 << 20 };

static void must(bool ok)
{
    if (ok)
        return;
    fprintf(stderr, "bombs: out of memory\n");
    abort();
}

static void put(struct buf *out, const char *bytes, size_t n)
{
    must(buf_put(out, span_of((const uint8_t *)bytes, n)) == MLT_OK);
}

#define PUT(out, literal) put((out), (literal), sizeof(literal) - 1)

static void put_many(struct buf *out, const char *text, size_t times)
{
    must(buf_reserve(out, times * strlen(text)) == MLT_OK);
    for (size_t i = 0; i < times; i++)
        put(out, text, strlen(text));
}

static void put_byte(struct buf *out, uint8_t byte, size_t times)
{
    uint8_t *at = NULL;
    must(buf_extend(out, times, &at) == MLT_OK);
    memset(at, byte, times);
}

/* ---- DER ---- */

/* Tag and length, always in four bytes of length: what a sender may write, and DER may not. */
static void put_header(struct buf *out, uint8_t tag, size_t n)
{
    const char header[] = { (char)tag,       (char)0x84,     (char)(n >> 24),
                            (char)(n >> 16), (char)(n >> 8), (char)n };
    put(out, header, sizeof(header));
}

/* In the shortest form, as DER has it. */
static void put_tlv(struct buf *out, uint8_t tag, struct span content)
{
    const char header[] = { (char)tag, (char)0x83, (char)(content.n >> 16), (char)(content.n >> 8),
                            (char)content.n };
    if (content.n < 128) {
        put(out, header, 1);
        must(buf_put_u8(out, (uint8_t)content.n) == MLT_OK);
    } else if (content.n < 256) {
        put(out, header, 1);
        PUT(out, "\x81");
        must(buf_put_u8(out, (uint8_t)content.n) == MLT_OK);
    } else if (content.n < 65536) {
        put(out, header, 1);
        PUT(out, "\x82");
        put(out, header + 3, 2);
    } else {
        put(out, header, sizeof(header));
    }
    must(buf_put(out, content) == MLT_OK);
}

static void nest(struct buf *out, uint8_t tag, size_t depth)
{
    for (size_t i = 0; i < depth; i++)
        put_header(out, tag, 6 * (depth - 1 - i));
}

static void nested_600(struct buf *out)
{
    nest(out, 0x30, 600);
}

static void nested_100000(struct buf *out)
{
    nest(out, 0x30, 100000);
}

static void nested_explicit(struct buf *out)
{
    nest(out, 0xa0, 600);
}

static void nested_octets(struct buf *out)
{
    nest(out, 0x24, 600);
}

static void nested_indefinite(struct buf *out)
{
    put_many(out, "0\x80", 2000);
}

static void nested_indefinite_mega(struct buf *out)
{
    put_many(out, "0\x80", MEGA / 2);
}

static void length_of_everything(struct buf *out)
{
    PUT(out, "0\x84\xff\xff\xff\xff");
    put_byte(out, 0, 1000);
}

static void length_of_more_than_everything(struct buf *out)
{
    PUT(out, "0\x88\x7f\xff\xff\xff\xff\xff\xff\xff");
    put_byte(out, 0, 1000);
}

static void length_of_126_bytes(struct buf *out)
{
    PUT(out, "0\xfe");
    put_byte(out, 0xff, 1000);
}

static void empty_elements(struct buf *out)
{
    put_header(out, 0x31, MEGA);
    put_many(out, "0", 1);
    put_byte(out, 0, MEGA - 1);
}

/* A SEQUENCE of what would be a certificate or request, with one part that is too much. */
struct parts {
    struct buf serial, algorithm, name, key, extensions;
};

static void put_serial(struct parts *p, size_t n)
{
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    put_byte(&bytes, 0x55, n);
    put_tlv(&p->serial, 2, buf_span(&bytes));
}

static void put_oid(struct buf *out, size_t n)
{
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    PUT(&bytes, "\x2a");
    put_byte(&bytes, 0xff, n);
    PUT(&bytes, "\x01");
    put_tlv(out, 6, buf_span(&bytes));
}

static void put_algorithm(struct parts *p, size_t oid)
{
    CLEANUP(buf_clear) struct buf content = { 0 };
    put_oid(&content, oid);
    put_tlv(&p->algorithm, 0x30, buf_span(&content));
}

/* So many RDNs, each with a CN of so many bytes of this string type. */
static void put_name(struct parts *p, size_t rdns, size_t n, uint8_t type)
{
    CLEANUP(buf_clear) struct buf dn = { 0 };
    for (size_t i = 0; i < rdns; i++) {
        CLEANUP(buf_clear) struct buf text = { 0 };
        CLEANUP(buf_clear) struct buf attribute = { 0 };
        CLEANUP(buf_clear) struct buf pair = { 0 };
        CLEANUP(buf_clear) struct buf set = { 0 };
        put_byte(&text, type == 12 ? 0xc0 : 'a', n);
        PUT(&attribute, "\x06\x03\x55\x04\x03");
        put_tlv(&attribute, type, buf_span(&text));
        put_tlv(&pair, 0x30, buf_span(&attribute));
        put_tlv(&set, 0x31, buf_span(&pair));
        must(buf_put(&dn, buf_span(&set)) == MLT_OK);
    }
    put_tlv(&p->name, 0x30, buf_span(&dn));
}

/* RSA with a modulus and an exponent of so many bytes: dear to compute with. */
static void put_key(struct parts *p, size_t modulus, size_t exponent)
{
    CLEANUP(buf_clear) struct buf n = { 0 };
    CLEANUP(buf_clear) struct buf e = { 0 };
    CLEANUP(buf_clear) struct buf pair = { 0 };
    CLEANUP(buf_clear) struct buf sequence = { 0 };
    CLEANUP(buf_clear) struct buf bits = { 0 };
    CLEANUP(buf_clear) struct buf spki = { 0 };
    put_byte(&n, 0x7f, modulus);
    put_byte(&e, 0x7d, exponent);
    put_tlv(&pair, 2, buf_span(&n));
    put_tlv(&pair, 2, buf_span(&e));
    put_tlv(&sequence, 0x30, buf_span(&pair));
    must(buf_put_u8(&bits, 0) == MLT_OK);
    must(buf_put(&bits, buf_span(&sequence)) == MLT_OK);
    PUT(&spki, "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00");
    put_tlv(&spki, 3, buf_span(&bits));
    put_tlv(&p->key, 0x30, buf_span(&spki));
}

static void put_extensions(struct parts *p, size_t count, size_t oid)
{
    CLEANUP(buf_clear) struct buf list = { 0 };
    CLEANUP(buf_clear) struct buf sequence = { 0 };
    for (size_t i = 0; i < count; i++) {
        CLEANUP(buf_clear) struct buf one = { 0 };
        put_oid(&one, oid);
        PUT(&one, "\x04\x00");
        put_tlv(&list, 0x30, buf_span(&one));
    }
    put_tlv(&sequence, 0x30, buf_span(&list));
    put_tlv(&p->extensions, 0xa3, buf_span(&sequence));
}

static void parts_clear(struct parts *p)
{
    buf_clear(&p->serial);
    buf_clear(&p->algorithm);
    buf_clear(&p->name);
    buf_clear(&p->key);
    buf_clear(&p->extensions);
}

/* Whatever is not given is small and plausible. */
static void put_certificate(struct parts *p, bool is_request, struct buf *out)
{
    CLEANUP(buf_clear) struct buf tbs = { 0 };
    CLEANUP(buf_clear) struct buf all = { 0 };
    CLEANUP(buf_clear) struct buf signature = { 0 };
    if (p->serial.len == 0)
        put_serial(p, 16);
    if (p->algorithm.len == 0)
        put_algorithm(p, 4);
    if (p->name.len == 0)
        put_name(p, 1, 5, 19);
    if (p->key.len == 0)
        put_key(p, 256, 3);
    if (is_request) {
        PUT(&tbs, "\x02\x01\x00");
    } else {
        PUT(&tbs, "\xa0\x03\x02\x01\x02");
        must(buf_put(&tbs, buf_span(&p->serial)) == MLT_OK);
        must(buf_put(&tbs, buf_span(&p->algorithm)) == MLT_OK);
        must(buf_put(&tbs, buf_span(&p->name)) == MLT_OK);
        PUT(&tbs, "\x30\x1e\x17\x0d"
                  "260101000000Z\x17\x0d"
                  "270101000000Z");
    }
    must(buf_put(&tbs, buf_span(&p->name)) == MLT_OK);
    must(buf_put(&tbs, buf_span(&p->key)) == MLT_OK);
    if (is_request)
        PUT(&tbs, "\xa0\x00");
    else
        must(buf_put(&tbs, buf_span(&p->extensions)) == MLT_OK);
    put_tlv(&all, 0x30, buf_span(&tbs));
    must(buf_put(&all, buf_span(&p->algorithm)) == MLT_OK);
    put_byte(&signature, 0, 257);
    put_tlv(&all, 3, buf_span(&signature));
    put_tlv(out, 0x30, buf_span(&all));
    parts_clear(p);
}

#define CERTIFICATE_BOMB(function, ...)                                                            \
    static void function(struct buf *out)                                                          \
    {                                                                                              \
        struct parts p = { 0 };                                                                    \
        __VA_ARGS__;                                                                               \
        put_certificate(&p, false, out);                                                           \
    }
#define REQUEST_BOMB(function, ...)                                                                \
    static void function(struct buf *out)                                                          \
    {                                                                                              \
        struct parts p = { 0 };                                                                    \
        __VA_ARGS__;                                                                               \
        put_certificate(&p, true, out);                                                            \
    }

CERTIFICATE_BOMB(plain_certificate, put_serial(&p, 16))
CERTIFICATE_BOMB(serial_3000, put_serial(&p, 3000))
CERTIFICATE_BOMB(serial_mega, put_serial(&p, MEGA))
CERTIFICATE_BOMB(algorithm_oid_1500, put_algorithm(&p, 1500))
CERTIFICATE_BOMB(algorithm_oid_mega, put_algorithm(&p, MEGA))
CERTIFICATE_BOMB(name_1700, put_name(&p, 1, 1700, 19))
CERTIFICATE_BOMB(name_mega, put_name(&p, 1, MEGA, 12))
CERTIFICATE_BOMB(name_universal, put_name(&p, 1, 1001, 28))
CERTIFICATE_BOMB(name_of_130_parts, put_name(&p, 130, 1, 12))
CERTIFICATE_BOMB(name_of_30000_parts, put_name(&p, 30000, 1, 19))
CERTIFICATE_BOMB(key_of_28000_bits, put_key(&p, 3500, 3))
CERTIFICATE_BOMB(exponent_of_14000_bits, put_key(&p, 1750, 1750))
CERTIFICATE_BOMB(key_of_a_million_bits, put_key(&p, 131072, 131072))
CERTIFICATE_BOMB(extensions_200, put_extensions(&p, 200, 4))
CERTIFICATE_BOMB(extensions_50000, put_extensions(&p, 50000, 4))
CERTIFICATE_BOMB(extension_oid_mega, put_extensions(&p, 1, MEGA))
REQUEST_BOMB(plain_request, put_serial(&p, 16))
REQUEST_BOMB(request_name_1300, put_name(&p, 1, 1300, 12))
REQUEST_BOMB(request_name_mega, put_name(&p, 1, MEGA, 12))
REQUEST_BOMB(request_exponent_6000_bits, put_key(&p, 750, 750))
REQUEST_BOMB(request_key_12000_bits, put_key(&p, 1500, 3))

/* ---- PEM ---- */

static void pem_without_an_end(struct buf *out)
{
    PUT(out, "-----BEGIN PRIVATE KEY-----\n");
    put_many(out, "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n", 15000);
}

static void pem_in_one_line(struct buf *out)
{
    PUT(out, "-----BEGIN CERTIFICATE-----\n");
    put_byte(out, 'A', MEGA);
    PUT(out, "\n-----END CERTIFICATE-----\n");
}

static void pem_beginnings(struct buf *out)
{
    put_many(out, "-----BEGIN PRIVATE KEY-----\n", 30000);
}

static void pem_empty_blocks(struct buf *out)
{
    put_many(out, "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n", 15000);
}

static void pem_headers(struct buf *out)
{
    PUT(out, "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,");
    put_byte(out, 'F', MEGA);
    PUT(out, "\n\nAAAA\n-----END RSA PRIVATE KEY-----\n");
}

/* PBES2 with PBKDF2 of 2^31-1 rounds: who begins with it is busy for an hour. */
static void pem_of_two_billion_rounds(struct buf *out)
{
    PUT(out, "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
             "MFkwVAYJKoZIhvcNAQUNMEcwKQYJKoZIhvcNAQUMMBwECAAAAAAAAAAAAgR/////\n"
             "MAwGCCqGSIb3DQIJBQAwGgYIKoZIhvcNAwcEDgAAAAAAAAAAAAAAAAAABAEA\n"
             "-----END ENCRYPTED PRIVATE KEY-----\n");
}

static void pem_with_zeros(struct buf *out)
{
    PUT(out, "-----BEGIN CERTIFICATE-----\n");
    put_byte(out, 0, 3000);
    PUT(out, "\n-----END CERTIFICATE-----\n");
}

/* ---- text ---- */

static void utf8_overlong(struct buf *out)
{
    PUT(out, "\xc0\xaf\xe0\x80\xaf\xf0\x80\x80\xaf\xf8\x80\x80\x80\xaf\xfc\x80\x80\x80\x80\xaf");
}

static void utf8_surrogates(struct buf *out)
{
    PUT(out, "\xed\xa0\x80\xed\xbf\xbf\xed\xa0\x80\xed\xb0\x80");
}

static void utf8_beyond_unicode(struct buf *out)
{
    PUT(out, "\xf4\x90\x80\x80\xf7\xbf\xbf\xbf\xfe\xff");
}

static void utf8_continuations(struct buf *out)
{
    put_byte(out, 0xbf, MEGA);
}

static void utf8_cut(struct buf *out)
{
    PUT(out, "maria\xe2\x82");
}

static void zeros_mega(struct buf *out)
{
    put_byte(out, 0, MEGA);
}

static void spaces_mega(struct buf *out)
{
    put_byte(out, ' ', MEGA);
}

static void one_long_word(struct buf *out)
{
    put_byte(out, 'a', MEGA);
}

static void open_brackets(struct buf *out)
{
    put_many(out, "[", MEGA);
}

static void url_of_a_long_host(struct buf *out)
{
    PUT(out, "malote://");
    put_byte(out, 'a', MEGA);
    PUT(out, ":6256/");
    put_byte(out, '0', 64);
}

static void url_of_many_parts(struct buf *out)
{
    PUT(out, "malote://");
    put_many(out, "a@b:1/", 100000);
}

static void url_of_a_long_pin(struct buf *out)
{
    PUT(out, "malote://host:6256/");
    put_byte(out, 'f', MEGA);
}

static void server_file_of_a_long_host(struct buf *out)
{
    PUT(out, "malote-server 1\nstate joined\nhost ");
    put_byte(out, 'a', MEGA);
    PUT(out, "\n");
}

static void server_file_of_many_lines(struct buf *out)
{
    PUT(out, "malote-server 1\n");
    put_many(out, "state joined\n", 60000);
}

static void config_of_a_long_value(struct buf *out)
{
    PUT(out, "[maloted]\nrealm = ");
    put_byte(out, 'a', 60000);
    PUT(out, "\n");
}

static void config_of_many_sections(struct buf *out)
{
    put_many(out, "[maloted]\n[x]\n", 4000);
}

static void config_of_many_addresses(struct buf *out)
{
    put_many(out, "listen = 127.0.0.1:0\n", 3000);
}

static void config_of_continued_lines(struct buf *out)
{
    PUT(out, "realm = a\n");
    put_many(out, " b\n", 20000);
}

static void lockbox_of_a_huge_cost(struct buf *out)
{
    PUT(out, "malote-keystore 1 scrypt 536870912 8 1 ");
    put_byte(out, '0', 64);
    PUT(out, " 00 ");
    put_byte(out, '0', 64);
    PUT(out, "\n");
}

static void lockbox_of_much_memory(struct buf *out)
{
    PUT(out, "malote-keystore 1 scrypt 1024 4294967295 4294967295 ");
    put_byte(out, '0', 64);
    PUT(out, " 00 ");
    put_byte(out, '0', 64);
    PUT(out, "\n");
}

static void lockbox_of_a_long_secret(struct buf *out)
{
    PUT(out, "malote-keystore 1 scrypt 1024 8 1 ");
    put_byte(out, '0', 64);
    PUT(out, " ");
    put_byte(out, '0', MEGA);
    PUT(out, " ");
    put_byte(out, '0', 64);
    PUT(out, "\n");
}

static void keystore_of_a_long_line(struct buf *out)
{
    PUT(out, "mailbox maria ");
    put_byte(out, '0', 64);
    PUT(out, " ");
    put_byte(out, 'a', MEGA);
    PUT(out, " ");
    put_byte(out, '0', 64);
}

/* CertificateList of so many entries, or of one with such a serial; signed by nobody. */
static void put_crl(struct buf *out, struct span entries)
{
    CLEANUP(buf_clear) struct buf tbs = { 0 };
    CLEANUP(buf_clear) struct buf body = { 0 };
    PUT(&tbs, "\x02\x01\x01\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00\x30\x00");
    PUT(&tbs, "\x17\x0d"
              "261118110640Z"
              "\x17\x0d"
              "261125110640Z");
    put_tlv(&tbs, 0x30, entries);
    put_tlv(&body, 0x30, buf_span(&tbs));
    PUT(&body, "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00\x03\x02\x00\x00");
    put_tlv(out, 0x30, buf_span(&body));
}

static void crl_of_empty_entries(struct buf *out)
{
    CLEANUP(buf_clear) struct buf entries = { 0 };
    for (size_t i = 0; i < MEGA / 4; i++)
        PUT(&entries, "\x30\x00");
    put_crl(out, buf_span(&entries));
}

static void crl_of_a_mega_serial(struct buf *out)
{
    CLEANUP(buf_clear) struct buf serial = { 0 };
    CLEANUP(buf_clear) struct buf number = { 0 };
    CLEANUP(buf_clear) struct buf entry = { 0 };
    put_byte(&serial, 0x11, MEGA);
    put_tlv(&number, 0x02, buf_span(&serial));
    put_tlv(&entry, 0x30, buf_span(&number));
    put_crl(out, buf_span(&entry));
}

/* A PFX of nothing, whose MAC wants 2^31 - 1 rounds. */
static void pkcs12_of_two_billion_rounds(struct buf *out)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    PUT(&body, "\x02\x01\x03"
               "\x30\x11\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01\xa0\x04\x04\x02\x30\x00"
               "\x30\x43\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00"
               "\x04\x20");
    put_byte(&body, 0x55, 32);
    PUT(&body, "\x04\x08saltsalt\x02\x04\x7f\xff\xff\xff");
    put_tlv(out, 0x30, buf_span(&body));
}

static const struct bomb all[] = {
#define B(name)                                                                                    \
    {                                                                                              \
#name, name                                                                                \
    }
    B(nested_600),
    B(nested_100000),
    B(nested_explicit),
    B(nested_octets),
    B(nested_indefinite),
    B(nested_indefinite_mega),
    B(length_of_everything),
    B(length_of_more_than_everything),
    B(length_of_126_bytes),
    B(empty_elements),
    B(plain_certificate),
    B(serial_3000),
    B(serial_mega),
    B(algorithm_oid_1500),
    B(algorithm_oid_mega),
    B(name_1700),
    B(name_mega),
    B(name_universal),
    B(name_of_130_parts),
    B(name_of_30000_parts),
    B(key_of_28000_bits),
    B(exponent_of_14000_bits),
    B(key_of_a_million_bits),
    B(extensions_200),
    B(extensions_50000),
    B(extension_oid_mega),
    B(plain_request),
    B(request_name_1300),
    B(request_name_mega),
    B(request_exponent_6000_bits),
    B(request_key_12000_bits),
    B(pem_without_an_end),
    B(pem_in_one_line),
    B(pem_beginnings),
    B(pem_empty_blocks),
    B(pem_headers),
    B(pem_of_two_billion_rounds),
    B(pem_with_zeros),
    B(utf8_overlong),
    B(utf8_surrogates),
    B(utf8_beyond_unicode),
    B(utf8_continuations),
    B(utf8_cut),
    B(zeros_mega),
    B(spaces_mega),
    B(one_long_word),
    B(open_brackets),
    B(url_of_a_long_host),
    B(url_of_many_parts),
    B(url_of_a_long_pin),
    B(server_file_of_a_long_host),
    B(server_file_of_many_lines),
    B(config_of_a_long_value),
    B(config_of_many_sections),
    B(config_of_many_addresses),
    B(config_of_continued_lines),
    B(lockbox_of_a_huge_cost),
    B(lockbox_of_much_memory),
    B(lockbox_of_a_long_secret),
    B(keystore_of_a_long_line),
    B(crl_of_empty_entries),
    B(crl_of_a_mega_serial),
    B(pkcs12_of_two_billion_rounds),
#undef B
};

const struct bomb *bombs(size_t *count)
{
    *count = COUNT_OF(all);
    return all;
}
