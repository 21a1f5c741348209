/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <openssl/bn.h>
#include <time.h>

#include "pair.h"
#include "refusals.h"
#include "wire/cursor.h"

/* What the hellos may not hold: public values, groups, lists.  The numbers are rows of the attack
 * list. */

/* ---- row 1: DH public values ---- */

enum { VALUE = 256, VALUES = 9 };

/* 0, 1, p-1, p, p+1, p+2, all ones, and two of order 2q. */
static void bad_values(uint8_t values[VALUES][VALUE])
{
    struct span p, g;
    dh_group_params(DH_FFDHE2048, &p, &g);
    BIGNUM *prime = BN_bin2bn(p.p, (int)p.n, NULL);
    static const int offsets[] = { -1, 0, 1, 2, -2, -4 };
    assert_non_null(prime);
    memset(values, 0, VALUES * VALUE);
    values[1][VALUE - 1] = 1;
    memset(values[2], 0xff, VALUE);
    for (size_t i = 0; i < COUNT_OF(offsets); i++) {
        BIGNUM *y = BN_dup(prime);
        assert_int_equal(offsets[i] < 0 ? BN_sub_word(y, (BN_ULONG)-offsets[i])
                                        : BN_add_word(y, (BN_ULONG)offsets[i]),
                         1);
        assert_int_equal(BN_bn2binpad(y, values[3 + i], VALUE), VALUE);
        BN_free(y);
    }
    BN_free(prime);
}

static void start_up_to(struct pair *p, enum frame_type type)
{
    pair_init(p, CLIENT_AUTH_RECEIVE);
    pair_start(p);
    pair_run_to(p, type);
}

static void row_01_bad_values_from_a_client_are_refused_before_any_key(void **state)
{
    (void)state;
    uint8_t values[VALUES][VALUE];
    bad_values(values);
    for (size_t i = 0; i < VALUES; i++) {
        CLEANUP(pair_clear) struct pair p;
        start_up_to(&p, FRAME_CLIENT_HELLO);
        memcpy(p.to_server.p + FRAME_HEADER + 32 + 2, values[i], VALUE);
        buf_reset(&p.to_client);
        assert_err(pair_move_server(&p), MLT_ERR_DH_VALUE);
        expect_plain_alert(p.server, &p.to_client);
        assert_null(p.server->schedule.master.p);
    }
}

static void row_01_bad_values_from_a_server_are_refused_before_any_key(void **state)
{
    (void)state;
    uint8_t values[VALUES][VALUE];
    bad_values(values);
    for (size_t i = 0; i < VALUES; i++) {
        CLEANUP(pair_clear) struct pair p;
        start_up_to(&p, FRAME_SERVER_AUTH);
        memcpy(p.to_client.p + FRAME_HEADER + 2, values[i], VALUE);
        assert_err(pair_move_client(&p), MLT_ERR_DH_VALUE);
        expect_plain_alert(p.client, &p.to_server);
        assert_null(p.client->schedule.master.p);
    }
}

/* The value one byte longer or shorter, with every length around it right. */
static void resize_value(struct buf *frame, size_t at, int by)
{
    struct buf changed = { 0 };
    size_t n = VALUE + (size_t)by;
    uint32_t body = (uint32_t)(frame->len - FRAME_HEADER) + (uint32_t)by;
    struct wire_out w = wire_out(&changed);
    wire_put_u8(&w, frame->p[0]);
    wire_put_u24(&w, body);
    wire_put_bytes(&w, span_of(frame->p + FRAME_HEADER, at - FRAME_HEADER));
    wire_put_u16(&w, (uint16_t)n);
    if (by > 0)
        wire_put_u8(&w, 0);
    wire_put_bytes(&w, span_of(frame->p + at + 2 + (by < 0), frame->len - at - 2 - (by < 0)));
    assert_ok(wire_out_end(&w));
    buf_clear(frame);
    *frame = changed;
}

static void row_01_values_of_another_length_are_refused(void **state)
{
    (void)state;
    for (int by = -1; by <= 1; by += 2) {
        CLEANUP(pair_clear) struct pair c;
        CLEANUP(pair_clear) struct pair s;
        pair_init(&c, CLIENT_AUTH_RECEIVE);
        pair_start(&c);
        pair_run_to(&c, FRAME_CLIENT_HELLO);
        resize_value(&c.to_server, FRAME_HEADER + 32, by);
        assert_err(pair_move_server(&c), MLT_ERR_RANGE);
        expect_plain_alert(c.server, &c.to_client);

        pair_init(&s, CLIENT_AUTH_RECEIVE);
        pair_start(&s);
        pair_run_to(&s, FRAME_SERVER_AUTH);
        resize_value(&s.to_client, FRAME_HEADER, by);
        assert_err(pair_move_client(&s), MLT_ERR_RANGE);
        expect_plain_alert(s.client, &s.to_server);
    }
}

/* ---- row 2: groups of a hostile server ---- */

static void put_hello(struct span p, struct span g, size_t entries, struct buf *out)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    static const uint8_t zeros[LIMIT_TYPED_LIST];
    struct wire_out w = wire_out(&body);
    wire_put_u16(&w, 0);
    wire_put_bytes(&w, span_of(zeros, 32));
    wire_put_vec16(&w, p, 0, 65535);
    wire_put_vec16(&w, g, 0, 65535);
    wire_put_u16(&w, (uint16_t)(entries == 0 ? 0 : entries + 4));
    if (entries > 0) {
        wire_put_u16(&w, 1);
        wire_put_vec16(&w, span_of(zeros, entries), 0, 65535);
    }
    assert_ok(wire_out_end(&w));
    w = wire_out(out);
    wire_put_u8(&w, FRAME_SERVER_HELLO);
    wire_put_u24(&w, (uint32_t)body.len);
    wire_put_bytes(&w, buf_span(&body));
    assert_ok(wire_out_end(&w));
}

static void expect_group_refused(struct span p, struct span g, size_t entries)
{
    CLEANUP(pair_clear) struct pair pair;
    pair_init(&pair, CLIENT_AUTH_RECEIVE);
    assert_ok(hs_client_new(&pair.client_config, &pair.client));
    put_hello(p, g, entries, &pair.to_client);
    clock_t before = clock();
    enum mlt_err err = pair_move_client(&pair);
    clock_t took = clock() - before;
    assert_true(err == MLT_ERR_GROUP || err == MLT_ERR_RANGE);
    assert_true(took < CLOCKS_PER_SEC / 20); /* by looking it up, never by testing it */
    expect_plain_alert(pair.client, &pair.to_server);
}

static void row_02_groups_outside_rfc_7919_are_refused(void **state)
{
    (void)state;
    static uint8_t odd[4096];
    static const uint8_t one[] = { 1 }, zero[] = { 0 }, five[] = { 5 }, wide[] = { 0, 2 };
    struct span p, g;
    (void)pair_house();
    dh_group_params(DH_FFDHE2048, &p, &g);
    expect_group_refused(p, SPAN_OF(zero), 0);
    expect_group_refused(p, SPAN_OF(one), 0);
    expect_group_refused(p, SPAN_OF(five), 0);
    expect_group_refused(p, SPAN_OF(wide), 0);
    expect_group_refused(p, p, 0);

    for (size_t bit = 0; bit < p.n * 8; bit += 31) { /* composite, or a prime nobody knows */
        memcpy(odd, p.p, p.n);
        odd[bit / 8] ^= (uint8_t)(1 << bit % 8);
        expect_group_refused(span_of(odd, p.n), g, 0);
    }
    memset(odd, 0, sizeof(odd));
    expect_group_refused(span_of(odd, 256), g, 0); /* p = 0 */
    memset(odd, 0xab, sizeof(odd));
    odd[4095] |= 1;
    expect_group_refused(span_of(odd, 64), g, 300); /* 512 bits */
    expect_group_refused(span_of(odd, 128), g, 300);
    expect_group_refused(span_of(odd, 256), g, 0);
    expect_group_refused(span_of(odd, 512), g, 0);
    expect_group_refused(span_of(odd, 513), g, 0);
    expect_group_refused(span_of(odd, 4096), g, 0); /* 32,768 bits */

    memset(odd, 0, sizeof(odd)); /* ffdhe2048 in another encoding */
    memcpy(odd + 1, p.p, p.n);
    expect_group_refused(span_of(odd, p.n + 1), g, 0);
}

/* ---- row 3: downgrade ---- */

static void row_03_a_group_below_the_minimum_is_refused(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    p.client_config.min_group = DH_FFDHE3072;
    pair_start(&p);
    assert_err(pair_move_client(&p), MLT_ERR_GROUP);
    expect_plain_alert(p.client, &p.to_server);
}

static void row_03_a_rewritten_group_is_noticed(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    struct span prime, g;
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    p.server_config.group = DH_FFDHE3072;
    pair_start(&p);
    buf_reset(&p.to_client);
    dh_group_params(DH_FFDHE2048, &prime, &g);
    put_hello(prime, g, 0, &p.to_client);
    assert_ok(pair_move_client(&p));
    assert_err(pair_move_server(&p), MLT_ERR_RANGE);
}

/* ---- typed lists ---- */

/* Appends an entry to a hello frame whose list is empty and last. */
static void add_entry(struct buf *frame)
{
    const uint8_t entry[] = { 0, 42, 0, 1, 0x77 };
    assert_ok(buf_put(frame, SPAN_OF(entry)));
    frame->p[frame->len - sizeof(entry) - 1] = sizeof(entry);
    size_t body = frame->len - FRAME_HEADER;
    frame->p[2] = (uint8_t)(body >> 8);
    frame->p[3] = (uint8_t)body;
}

static void unknown_entries_of_the_server_are_skipped_but_hashed(void **state)
{
    (void)state;
    for (int server_knows = 0; server_knows < 2; server_knows++) {
        CLEANUP(pair_clear) struct pair p;
        pair_init(&p, CLIENT_AUTH_RECEIVE);
        pair_start(&p);
        add_entry(&p.to_client);
        if (server_knows) { /* a later server that made this offer itself */
            transcript_clear(&p.server->transcript);
            assert_ok(transcript_init(&p.server->transcript));
            assert_ok(transcript_add(&p.server->transcript, buf_span(&p.to_client)));
        }
        assert_err(pair_handshake(&p), server_knows ? MLT_OK : MLT_ERR_AUTH);
    }
}

static void an_entry_of_the_client_is_refused(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    pair_start(&p);
    pair_run_to(&p, FRAME_CLIENT_HELLO);
    add_entry(&p.to_server);
    buf_reset(&p.to_client);
    assert_err(pair_move_server(&p), MLT_ERR_UNEXPECTED);
    expect_plain_alert(p.server, &p.to_client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_01_bad_values_from_a_client_are_refused_before_any_key),
        cmocka_unit_test(row_01_bad_values_from_a_server_are_refused_before_any_key),
        cmocka_unit_test(row_01_values_of_another_length_are_refused),
        cmocka_unit_test(row_02_groups_outside_rfc_7919_are_refused),
        cmocka_unit_test(row_03_a_group_below_the_minimum_is_refused),
        cmocka_unit_test(row_03_a_rewritten_group_is_noticed),
        cmocka_unit_test(unknown_entries_of_the_server_are_skipped_but_hashed),
        cmocka_unit_test(an_entry_of_the_client_is_refused),
    };
    return cmocka_run_group_tests_name("handshake_values", tests, NULL, NULL);
}
