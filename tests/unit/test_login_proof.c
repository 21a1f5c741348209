/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "base/limits.h"
#include "login.h"
#include "pair.h"
#include "wire/login_proof.h"

/* What ca takes apart again, PROTOCOL.md 5.1 and 9.4: exactly these four, in this order. */

static const uint8_t nonce[MAILBOX_NONCE] = { 0xca, 1, 2, 3 };

static struct login_transcript made(enum client_auth_kind kind)
{
    static uint8_t certificate[800];
    struct login_transcript t = { 0 };
    memset(certificate, 'c', sizeof(certificate));
    const struct login login = { kind, SPAN_OF(nonce), SPAN_OF(certificate), SPAN_OF(certificate) };
    login_make(&login, &t);
    return t;
}

static enum mlt_err decode(struct span transcript)
{
    struct login_proof proof;
    return login_proof_decode(transcript, &proof);
}

static struct span part(const struct login_transcript *t, unsigned i)
{
    return span_of(t->bytes.p + t->at[i], t->at[i + 1] - t->at[i]);
}

static void a_real_logins_bytes_are_taken_apart(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    assert_ok(hs_server_new(&p.server_config, &p.server));
    assert_ok(hs_client_new(&p.client_config, &p.client));
    assert_ok(hs_give_nonce(p.server, nonce));
    assert_ok(hs_begin(p.server, &p.to_client));
    assert_ok(pair_handshake(&p));
    assert_ok(hs_take_result(p.server, &p.server_result));
    struct login_proof proof;
    assert_ok(login_proof_decode(buf_span(&p.server_result.transcript), &proof));
    struct typed_entry entry;
    assert_true(typed_list_next(&proof.server_hello.list, &entry));
    assert_int_equal(entry.type, SERVER_HELLO_MAILBOX_NONCE);
    assert_span_equal(entry.value, SPAN_OF(nonce));
    assert_int_equal(proof.client_auth.kind, CLIENT_AUTH_RECEIVE);
    assert_span_equal(proof.client_auth.certificate, buf_span(&pair_house()->client_der));
    assert_span_equal(proof.server_auth.certificate, buf_span(&pair_house()->server_der));
    assert_span_equal(proof.server_auth.ca_certificate, buf_span(&pair_house()->ca_der));
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    CLEANUP(login_transcript_clear) struct login_transcript t = made(CLIENT_AUTH_RECEIVE);
    assert_ok(decode(buf_span(&t.bytes)));
    for (size_t n = 0; n < t.bytes.len; n++)
        if (decode(span_of(t.bytes.p, n)) == MLT_OK)
            fail_msg("cut at %zu passed", n);
}

static void one_byte_extra_is_refused_wherever_it_stands(void **state)
{
    (void)state;
    CLEANUP(login_transcript_clear) struct login_transcript t = made(CLIENT_AUTH_RECEIVE);
    for (unsigned i = 0; i <= LOGIN_PARTS; i++)
        for (unsigned value = 0; value < 256; value++) {
            CLEANUP(buf_clear) struct buf longer = { 0 };
            assert_ok(buf_put(&longer, span_of(t.bytes.p, t.at[i])));
            assert_ok(buf_put_u8(&longer, (uint8_t)value));
            assert_ok(buf_put(&longer, span_from(buf_span(&t.bytes), t.at[i])));
            if (decode(buf_span(&longer)) == MLT_OK)
                fail_msg("byte %u before part %u passed", value, i);
        }
}

static void parts_left_out_repeated_or_swapped_are_refused(void **state)
{
    (void)state;
    CLEANUP(login_transcript_clear) struct login_transcript t = made(CLIENT_AUTH_RECEIVE);
    unsigned passed = 0;
    /* Every sequence of up to five of the four. */
    for (unsigned code = 0; code < 5 * 5 * 5 * 5 * 5; code++) {
        CLEANUP(buf_clear) struct buf other = { 0 };
        unsigned rest = code;
        for (int i = 0; i < 5; i++, rest /= 5)
            if (rest % 5 < LOGIN_PARTS)
                assert_ok(buf_put(&other, part(&t, rest % 5)));
        if (decode(buf_span(&other)) != MLT_OK)
            continue;
        assert_span_equal(buf_span(&other), buf_span(&t.bytes));
        passed++;
    }
    assert_int_equal(passed, 5); /* the right one, with nothing in one of five places */
}

static void only_a_login_is_one(void **state)
{
    (void)state;
    CLEANUP(login_transcript_clear) struct login_transcript send = made(CLIENT_AUTH_SEND);
    CLEANUP(login_transcript_clear) struct login_transcript enrol = made(CLIENT_AUTH_ENROL);
    struct login_proof proof;
    assert_ok(login_proof_decode(buf_span(&send.bytes), &proof));
    assert_int_equal(proof.client_auth.kind, CLIENT_AUTH_SEND);
    assert_err(decode(buf_span(&enrol.bytes)), MLT_ERR_UNEXPECTED);
}

static void set_length(struct login_transcript *t, unsigned i, size_t n)
{
    uint8_t *header = t->bytes.p + t->at[i];
    header[1] = (uint8_t)(n >> 16);
    header[2] = (uint8_t)(n >> 8);
    header[3] = (uint8_t)n;
}

static size_t length(const struct login_transcript *t, unsigned i)
{
    const uint8_t *header = t->bytes.p + t->at[i];
    return (size_t)header[1] << 16 | (size_t)header[2] << 8 | header[3];
}

/* Of the two frames that are not here as they were sent. */
static void a_length_that_does_not_fit_what_is_there_is_refused(void **state)
{
    (void)state;
    CLEANUP(login_transcript_clear) struct login_transcript t = made(CLIENT_AUTH_RECEIVE);
    size_t n = length(&t, LOGIN_CLIENT_AUTH);
    set_length(&t, LOGIN_CLIENT_AUTH, n - 1);
    assert_err(decode(buf_span(&t.bytes)), MLT_ERR_RANGE);
    set_length(&t, LOGIN_CLIENT_AUTH, n + 1);
    assert_err(decode(buf_span(&t.bytes)), MLT_ERR_RANGE);
    set_length(&t, LOGIN_CLIENT_AUTH, n);

    n = length(&t, LOGIN_SERVER_AUTH);
    set_length(&t, LOGIN_SERVER_AUTH, n - 1);
    assert_err(decode(buf_span(&t.bytes)), MLT_ERR_RANGE);
    set_length(&t, LOGIN_SERVER_AUTH, n + 1);
    assert_err(decode(buf_span(&t.bytes)), MLT_ERR_RANGE);
    set_length(&t, LOGIN_SERVER_AUTH, n);
    assert_ok(decode(buf_span(&t.bytes)));
}

/* Every other type, those whose bounds would allow the length among them. */
static void a_frame_of_another_type_is_refused(void **state)
{
    (void)state;
    CLEANUP(login_transcript_clear) struct login_transcript t = made(CLIENT_AUTH_RECEIVE);
    for (unsigned i = 0; i < LOGIN_PARTS; i++) {
        uint8_t *type = t.bytes.p + t.at[i], right = *type;
        for (unsigned other = 0; other < 256; other++) {
            *type = (uint8_t)other;
            if ((decode(buf_span(&t.bytes)) == MLT_OK) != (other == right))
                fail_msg("type %u of part %u", other, i);
        }
        *type = right;
    }
}

/* Longer by one, with every length round it put right. */
static void a_public_value_longer_than_the_prime_is_refused(void **state)
{
    (void)state;
    static const unsigned parts[] = { LOGIN_CLIENT_HELLO, LOGIN_SERVER_AUTH };
    static const size_t before[] = { FRAME_HEADER + CLIENT_HELLO_RANDOM, FRAME_HEADER };
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        CLEANUP(login_transcript_clear) struct login_transcript t = made(CLIENT_AUTH_RECEIVE);
        CLEANUP(buf_clear) struct buf longer = { 0 };
        size_t at = t.at[parts[i]] + before[i];
        assert_int_equal(t.bytes.p[at], 1); /* 256 */
        t.bytes.p[at + 1]++;
        set_length(&t, parts[i], length(&t, parts[i]) + 1);
        assert_ok(buf_put(&longer, span_of(t.bytes.p, at + 2)));
        assert_ok(buf_put_u8(&longer, 0));
        assert_ok(buf_put(&longer, span_from(buf_span(&t.bytes), at + 2)));
        assert_err(decode(buf_span(&longer)), MLT_ERR_RANGE);
    }
}

static void more_than_the_longest_is_not_looked_at(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf big = { 0 };
    uint8_t *at = NULL;
    assert_ok(buf_extend(&big, LIMIT_TRANSCRIPT + 1, &at));
    assert_err(decode(buf_span(&big)), MLT_ERR_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_real_logins_bytes_are_taken_apart),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(one_byte_extra_is_refused_wherever_it_stands),
        cmocka_unit_test(parts_left_out_repeated_or_swapped_are_refused),
        cmocka_unit_test(only_a_login_is_one),
        cmocka_unit_test(a_length_that_does_not_fit_what_is_there_is_refused),
        cmocka_unit_test(a_frame_of_another_type_is_refused),
        cmocka_unit_test(a_public_value_longer_than_the_prime_is_refused),
        cmocka_unit_test(more_than_the_longest_is_not_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
