/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <strings.h>

#include "base/limits.h"
#include "crypto/dh.h"
#include "ipc/admin.h"
#include "ipc/messages.h"
#include "ipc_messages.h"

static void for_every_sample(void (*check)(const struct message_row *row, struct span sample))
{
    size_t count = 0;
    const struct message_row *rows = ipc_message_rows(&count);
    for (size_t i = 0; i < count; i++) {
        CLEANUP(buf_clear) struct buf sample = { 0 };
        unsigned variant = 0;
        while (rows[i].sample(variant, &sample) == MLT_OK) {
            check(&rows[i], buf_span(&sample));
            buf_reset(&sample);
            variant++;
        }
        assert_int_equal(variant, 2);
    }
}

static void check_round_trip(const struct message_row *row, struct span sample)
{
    CLEANUP(buf_clear) struct buf again = { 0 };
    assert_ok(row->recode(sample, &again));
    assert_span_equal(buf_span(&again), sample);
}

static void what_is_encoded_decodes_to_the_same(void **state)
{
    (void)state;
    for_every_sample(check_round_trip);
}

static void check_truncations(const struct message_row *row, struct span sample)
{
    CLEANUP(buf_clear) struct buf again = { 0 };
    for (size_t n = 0; n < sample.n; n++)
        if (row->recode(span_of(sample.p, n), &again) == MLT_OK)
            fail_msg("%s cut at %zu passed", row->name, n);
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    for_every_sample(check_truncations);
}

static void check_one_byte_extra(const struct message_row *row, struct span sample)
{
    CLEANUP(buf_clear) struct buf longer = { 0 };
    CLEANUP(buf_clear) struct buf again = { 0 };
    assert_ok(buf_put(&longer, sample));
    assert_ok(buf_put_u8(&longer, 0));
    if (row->recode(buf_span(&longer), &again) != MLT_ERR_TRAILING)
        fail_msg("%s with a byte extra passed", row->name);
}

static void one_byte_extra_is_refused(void **state)
{
    (void)state;
    for_every_sample(check_one_byte_extra);
}

static void check_flips(const struct message_row *row, struct span sample)
{
    size_t looked_at = sample.n < 200 ? sample.n : 200;
    for (size_t bit = 0; bit < 8 * looked_at; bit++) {
        CLEANUP(buf_clear) struct buf flipped = { 0 };
        CLEANUP(buf_clear) struct buf again = { 0 };
        assert_ok(buf_put(&flipped, sample));
        flipped.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (row->recode(buf_span(&flipped), &again) == MLT_OK &&
            !span_eq(buf_span(&again), buf_span(&flipped)))
            fail_msg("%s: bit %zu has two encodings", row->name, bit);
    }
}

static void every_value_has_one_encoding(void **state)
{
    (void)state;
    for_every_sample(check_flips);
}

static void enrolling_never_logs_in(void **state)
{
    (void)state;
    const struct ipc_enrolled answer = { .result = WELCOME_LOGGED_IN };
    CLEANUP(buf_clear) struct buf body = { 0 };
    struct ipc_enrolled got = { 0 };
    assert_ok(ipc_enrolled_encode(&answer, &body));
    assert_err(ipc_enrolled_decode(buf_span(&body), &got), MLT_ERR_RANGE);
}

static void a_refusal_carries_no_certificate(void **state)
{
    (void)state;
    const struct ipc_enrolled answer = { .result = WELCOME_REFUSED,
                                         .reason = REFUSAL_INVITE,
                                         .certificate = span_str("certificate") };
    CLEANUP(buf_clear) struct buf body = { 0 };
    struct ipc_enrolled got = { 0 };
    assert_ok(ipc_enrolled_encode(&answer, &body));
    assert_err(ipc_enrolled_decode(buf_span(&body), &got), MLT_ERR_RANGE);
}

static void half_an_invite_is_refused(void **state)
{
    (void)state;
    const uint8_t id_alone[] = { 1, 'a', 0, 1, 'r', 8, 1, 2, 3, 4, 5, 6, 7, 8, 0 };
    const uint8_t neither[] = { 1, 'a', 0, 1, 'r', 0, 0 };
    struct ipc_enrol got = { 0 };
    assert_err(ipc_enrol_decode(SPAN_OF(id_alone), &got), MLT_ERR_RANGE);
    assert_ok(ipc_enrol_decode(SPAN_OF(neither), &got));
    assert_false(got.has_invite);
}

static void an_unknown_error_is_refused(void **state)
{
    (void)state;
    const uint8_t unknown[] = { 0xff, 0xff, 0, 0 };
    struct admin_end got = { 0 };
    assert_err(admin_end_decode(SPAN_OF(unknown), &got), MLT_ERR_RANGE);
}

/* The encoder looks at nothing: a hostile ca has one of its own. */
static enum mlt_err decode_invite(const struct admin_row *row, const char *used_by)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    struct admin_row sent = *row, got = { 0 };
    memcpy(sent.used_by.text, used_by, strlen(used_by));
    assert_ok(admin_row_encode(&sent, &body));
    return admin_row_decode(buf_span(&body), &got);
}

static void an_invite_has_a_state_and_is_used_by_somebody(void **state)
{
    (void)state;
    struct admin_row row = { .kind = ADMIN_ROW_INVITE, .name = { "maria" } };
    assert_err(decode_invite(&row, ""), MLT_ERR_RANGE);
    row.invite = INVITE_STATE_OPEN;
    assert_ok(decode_invite(&row, ""));
    assert_err(decode_invite(&row, "maria"), MLT_ERR_RANGE);
    row.invite = INVITE_STATE_USED;
    assert_ok(decode_invite(&row, "maria"));
    assert_err(decode_invite(&row, ""), MLT_ERR_RANGE);
    assert_err(decode_invite(&row, "\x1b[2J"), MLT_ERR_NAME);
    row.invite = (enum invite_state)(INVITE_STATE_EXPIRED + 1);
    assert_err(decode_invite(&row, ""), MLT_ERR_RANGE);
    row = (struct admin_row) { .kind = ADMIN_ROW_PENDING, .invite = INVITE_STATE_OPEN };
    assert_err(decode_invite(&row, ""), MLT_ERR_RANGE);
}

static enum mlt_err decode_row(const struct admin_row *row)
{
    return decode_invite(row, "");
}

static void a_name_without_a_certificate_has_a_state_and_nothing_of_one(void **state)
{
    (void)state;
    struct admin_row row = { .kind = ADMIN_ROW_NAME, .name = { "maria" } };
    assert_err(decode_row(&row), MLT_ERR_RANGE);
    row.state = CERT_STATE_CLOSED;
    assert_ok(decode_row(&row));
    row.unchanged = true;
    assert_ok(decode_row(&row));
    row.role = CERT_CLIENT;
    assert_err(decode_row(&row), MLT_ERR_RANGE);
    row.role = 0;
    row.certificate = span_str("x");
    assert_err(decode_row(&row), MLT_ERR_RANGE);
    row.certificate = (struct span) { 0 };
    row.state = (enum cert_state)(CERT_STATE_CLOSED + 1);
    assert_err(decode_row(&row), MLT_ERR_RANGE);
    row = (struct admin_row) { .kind = ADMIN_ROW_PENDING, .unchanged = true };
    assert_err(decode_row(&row), MLT_ERR_RANGE);
    row = (struct admin_row) { .kind = ADMIN_ROW_PENDING, .state = CERT_STATE_CLOSED };
    assert_err(decode_row(&row), MLT_ERR_RANGE);
}

static void a_malformed_name_is_refused(void **state)
{
    (void)state;
    const uint8_t upper_case[] = { 5, 'M', 'a', 'r', 'i', 'a' };
    const uint8_t good[] = { 5, 'm', 'a', 'r', 'i', 'a' };
    struct ipc_member got = { 0 };
    assert_err(ipc_member_decode(SPAN_OF(upper_case), &got), MLT_ERR_NAME);
    assert_ok(ipc_member_decode(SPAN_OF(good), &got));
    assert_string_equal(got.name.text, "maria");
}

static void a_broken_nonce_is_no_nonce(void **state)
{
    (void)state;
    uint8_t body[2 + MAILBOX_NONCE + 1] = { 0, MAILBOX_NONCE };
    struct ipc_nonces got = { 0 };
    assert_ok(ipc_nonces_decode(span_of(body, sizeof(body) - 1), &got));
    body[1]++;
    assert_err(ipc_nonces_decode(SPAN_OF(body), &got), MLT_ERR_RANGE);
    const uint8_t none[] = { 0, 0 };
    assert_err(ipc_nonces_decode(SPAN_OF(none), &got), MLT_ERR_RANGE);
}

static void a_failure_carries_no_grant_secret_or_key(void **state)
{
    (void)state;
    const uint8_t failed[2 + 44] = { 0, MLT_ERR_AUTH };
    struct ipc_login_grant grant = { 0 };
    struct ipc_unwrapped unwrapped = { 0 };
    assert_err(ipc_login_grant_decode(SPAN_OF(failed), &grant), MLT_ERR_TRAILING);
    assert_err(ipc_unwrapped_decode(span_of(failed, 2 + 32), &unwrapped), MLT_ERR_TRAILING);
    assert_ok(ipc_login_grant_decode(span_of(failed, 2), &grant));
    assert_ok(ipc_unwrapped_decode(span_of(failed, 2), &unwrapped));
    const uint8_t with_key[] = { 0, MLT_ERR_MISSING, 0, 1, 'k' };
    const uint8_t without[] = { 0, MLT_OK, 0, 0 };
    struct ipc_mailbox mailbox = { 0 };
    assert_err(ipc_mailbox_decode(SPAN_OF(with_key), &mailbox), MLT_ERR_RANGE);
    assert_err(ipc_mailbox_decode(SPAN_OF(without), &mailbox), MLT_ERR_RANGE);
    const uint8_t missing[] = { 0, MLT_ERR_MISSING, 0, 0 };
    assert_ok(ipc_mailbox_decode(SPAN_OF(missing), &mailbox));
    assert_err(mailbox.err, MLT_ERR_MISSING);
}

static void a_share_of_a_mailbox_is_some_percent_of_it(void **state)
{
    (void)state;
    struct ipc_net_start start = { DH_FFDHE2048, 1, 1, 101, 1 };
    CLEANUP(buf_clear) struct buf body = { 0 };
    assert_ok(ipc_net_start_encode(&start, &body));
    assert_err(ipc_net_start_decode(buf_span(&body), &start), MLT_ERR_RANGE);
    body.p[17] = 0;
    assert_err(ipc_net_start_decode(buf_span(&body), &start), MLT_ERR_RANGE);
    body.p[17] = 100;
    assert_ok(ipc_net_start_decode(buf_span(&body), &start));
}

/* The channel's table knows the length of every message: a codec that outgrew it would be mute. */
static void every_sample_fits_the_permit_table(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t min, max;
    } bounds[] = {
#define X(upper, type, from, to, min, max) { #upper, min, max },
#include "ipc/ipc.def"
#undef X
    };
    size_t count = 0, met = 0;
    const struct message_row *rows = ipc_message_rows(&count);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < COUNT_OF(bounds); k++) {
            CLEANUP(buf_clear) struct buf sample = { 0 };
            if (strcasecmp(rows[i].name, bounds[k].name) != 0)
                continue;
            met++;
            for (unsigned variant = 0; rows[i].sample(variant, &sample) == MLT_OK; variant++) {
                if (sample.len > bounds[k].max || (variant == 1 && sample.len < bounds[k].min))
                    fail_msg("%s has %zu bytes", rows[i].name, sample.len);
                buf_reset(&sample);
            }
        }
    assert_int_equal(met, 28);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_encoded_decodes_to_the_same),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(one_byte_extra_is_refused),
        cmocka_unit_test(every_value_has_one_encoding),
        cmocka_unit_test(enrolling_never_logs_in),
        cmocka_unit_test(a_refusal_carries_no_certificate),
        cmocka_unit_test(half_an_invite_is_refused),
        cmocka_unit_test(an_unknown_error_is_refused),
        cmocka_unit_test(an_invite_has_a_state_and_is_used_by_somebody),
        cmocka_unit_test(a_name_without_a_certificate_has_a_state_and_nothing_of_one),
        cmocka_unit_test(a_malformed_name_is_refused),
        cmocka_unit_test(a_broken_nonce_is_no_nonce),
        cmocka_unit_test(a_failure_carries_no_grant_secret_or_key),
        cmocka_unit_test(a_share_of_a_mailbox_is_some_percent_of_it),
        cmocka_unit_test(every_sample_fits_the_permit_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
