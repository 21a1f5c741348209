/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "base/limits.h"
#include "wire/client_auth.h"
#include "wire/cursor.h"

static const uint8_t filler[LIMIT_CERTIFICATE + 1] = { 0x30 };

static void join(const struct client_auth *a, struct buf *plain)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    assert_ok(client_auth_encode_body(a, &body));
    const struct client_auth_parts parts = {
        .body = buf_span(&body),
        .signature = span_of(filler, 256),
        .finished = span_of(filler, CLIENT_AUTH_FINISHED),
    };
    assert_ok(client_auth_join(&parts, plain));
}

static const struct client_auth login = {
    .kind = CLIENT_AUTH_SEND,
    .certificate = { filler, 700 },
    .features = 0xa1b2c3d4,
};

static const struct client_auth enrol = {
    .kind = CLIENT_AUTH_ENROL,
    .name = { "maria" },
    .request = { filler, 600 },
    .has_invite = true,
    .invite_id = { 1, 2, 3, 4, 5, 6, 7, 8 },
    .proof = { 9 },
};

static void login_and_enrol_are_of_one_size(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf a = { 0 };
    CLEANUP(buf_clear) struct buf b = { 0 };
    join(&login, &a);
    join(&enrol, &b);
    assert_int_equal(a.len, LIMIT_CLIENT_AUTH);
    assert_int_equal(b.len, LIMIT_CLIENT_AUTH);
}

/* What is signed, what Finished covers, and nothing between them left out. */
static void the_parts_join_without_gap(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf plain = { 0 };
    struct client_auth a;
    struct client_auth_parts parts;
    join(&enrol, &plain);
    assert_ok(client_auth_split(buf_span(&plain), &a, &parts));
    assert_ptr_equal(parts.body.p, plain.p);
    assert_ptr_equal(parts.signature_field.p, parts.body.p + parts.body.n);
    assert_ptr_equal(parts.signature.p, parts.signature_field.p + 2);
    assert_int_equal(parts.signature_field.n, parts.signature.n + 2);
    assert_ptr_equal(parts.finished.p, parts.signature.p + parts.signature.n);
    assert_true(name_eq(&a.name, &enrol.name));
    assert_true(a.has_invite);
    assert_memory_equal(a.invite_id, enrol.invite_id, INVITE_ID);
    assert_memory_equal(a.proof, enrol.proof, INVITE_PROOF);
    assert_int_equal(a.certificate.n, 0);
}

static void padding_that_is_not_zero_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf plain = { 0 };
    struct client_auth a;
    struct client_auth_parts parts;
    join(&login, &plain);
    assert_ok(client_auth_split(buf_span(&plain), &a, &parts));
    size_t from = parts.body.n + parts.signature_field.n + parts.finished.n;
    for (size_t at = from; at < plain.len; at++) {
        plain.p[at] = 1;
        assert_err(client_auth_split(buf_span(&plain), &a, &parts), MLT_ERR_TRAILING);
        plain.p[at] = 0;
    }
}

static void unknown_kinds_are_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf plain = { 0 };
    CLEANUP(buf_clear) struct buf out = { 0 };
    struct client_auth a = login;
    struct client_auth_parts parts;
    join(&login, &plain);
    for (unsigned kind = 0; kind < 256; kind++) {
        if (kind >= CLIENT_AUTH_RECEIVE && kind <= CLIENT_AUTH_ENROL)
            continue;
        plain.p[0] = (uint8_t)kind;
        assert_err(client_auth_split(buf_span(&plain), &a, &parts), MLT_ERR_RANGE);
        a.kind = (enum client_auth_kind)kind;
        assert_err(client_auth_encode_body(&a, &out), MLT_ERR_RANGE);
    }
}

/* Invite id at 1 + 6 + 602, proof after it. */
static void half_an_invite_is_refused(void **state)
{
    (void)state;
    static const struct {
        size_t id, proof;
    } sizes[] = { { 8, 0 }, { 0, 32 }, { 7, 32 }, { 8, 31 }, { 9, 32 }, { 8, 33 } };
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        CLEANUP(buf_clear) struct buf plain = { 0 };
        struct client_auth a;
        struct client_auth_parts parts;
        struct wire_out w = wire_out(&plain);
        wire_put_u8(&w, CLIENT_AUTH_ENROL);
        wire_put_vec8(&w, span_str("maria"), 1, 32);
        wire_put_vec16(&w, span_of(filler, 600), 1, 2048);
        wire_put_vec8(&w, span_of(filler, sizes[i].id), 0, 255);
        wire_put_vec8(&w, span_of(filler, sizes[i].proof), 0, 255);
        wire_put_u32(&w, 0);
        wire_put_vec16(&w, span_of(filler, 256), 0, 512);
        wire_put_bytes(&w, span_of(filler, CLIENT_AUTH_FINISHED));
        assert_ok(wire_out_end(&w));
        uint8_t *padding;
        assert_ok(buf_extend(&plain, LIMIT_CLIENT_AUTH - plain.len, &padding));
        assert_err(client_auth_split(buf_span(&plain), &a, &parts), MLT_ERR_RANGE);
    }
}

static void names_in_another_form_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {
        "Maria", "m ria", "mari.", ".aria", "m..ia", "mar\xc3\xad"
    };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        CLEANUP(buf_clear) struct buf plain = { 0 };
        struct client_auth a;
        struct client_auth_parts parts;
        join(&enrol, &plain);
        assert_int_equal(strlen(names[i]), 5);
        memcpy(plain.p + 2, names[i], 5);
        assert_err(client_auth_split(buf_span(&plain), &a, &parts), MLT_ERR_NAME);
    }
}

static void sizes_outside_their_bounds_are_not_written(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf out = { 0 };
    struct client_auth a = login;
    a.certificate = (struct span) { 0 };
    assert_err(client_auth_encode_body(&a, &out), MLT_ERR_RANGE);
    a.certificate = span_of(filler, LIMIT_CERTIFICATE + 1);
    assert_err(client_auth_encode_body(&a, &out), MLT_ERR_RANGE);
    a = enrol;
    a.request = span_of(filler, LIMIT_REQUEST + 1);
    assert_err(client_auth_encode_body(&a, &out), MLT_ERR_RANGE);
    a = enrol;
    a.name = (struct name) { 0 };
    assert_err(client_auth_encode_body(&a, &out), MLT_ERR_RANGE);

    struct client_auth_parts parts = { .signature = span_of(filler, 255),
                                       .finished = span_of(filler, CLIENT_AUTH_FINISHED) };
    assert_err(client_auth_join(&parts, &out), MLT_ERR_RANGE);
    parts.signature = span_of(filler, 513);
    assert_err(client_auth_join(&parts, &out), MLT_ERR_RANGE);
    parts.signature = span_of(filler, 256);
    parts.finished = span_of(filler, 31);
    assert_err(client_auth_join(&parts, &out), MLT_ERR_RANGE);
}

static void the_invite_proof_covers_ca_name_realm_and_key(void **state)
{
    (void)state;
    const uint8_t ca[32] = { 0xca }, key[32] = { 0x4b };
    const struct name maria = { "maria" };
    CLEANUP(buf_clear) struct buf input = { 0 };
    CLEANUP(buf_clear) struct buf wanted = { 0 };
    assert_ok(invite_proof_input(ca, &maria, span_str("malote.internal"), key, &input));
    assert_ok(buf_put(&wanted, span_of("malote v1 invite", 17)));
    assert_ok(buf_put(&wanted, SPAN_OF(ca)));
    assert_ok(buf_put_str(&wanted, "\x05maria\x0fmalote.internal"));
    assert_ok(buf_put(&wanted, SPAN_OF(key)));
    assert_span_equal(buf_span(&input), buf_span(&wanted));
}

static void an_invite_proof_needs_a_name_and_a_realm(void **state)
{
    (void)state;
    const uint8_t hash[32] = { 0 };
    const struct name none = { 0 }, maria = { "maria" };
    CLEANUP(buf_clear) struct buf out = { 0 };
    assert_err(invite_proof_input(hash, &none, span_str("r"), hash, &out), MLT_ERR_RANGE);
    assert_err(invite_proof_input(hash, &maria, span_str(""), hash, &out), MLT_ERR_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(login_and_enrol_are_of_one_size),
        cmocka_unit_test(the_parts_join_without_gap),
        cmocka_unit_test(padding_that_is_not_zero_is_refused),
        cmocka_unit_test(unknown_kinds_are_refused),
        cmocka_unit_test(half_an_invite_is_refused),
        cmocka_unit_test(names_in_another_form_are_refused),
        cmocka_unit_test(sizes_outside_their_bounds_are_not_written),
        cmocka_unit_test(the_invite_proof_covers_ca_name_realm_and_key),
        cmocka_unit_test(an_invite_proof_needs_a_name_and_a_realm),
    };
    return cmocka_run_group_tests_name("client_auth", tests, NULL, NULL);
}
