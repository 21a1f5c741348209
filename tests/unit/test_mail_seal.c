/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "base/limits.h"
#include "crypto/crypto.h"
#include "crypto/rsa.h"
#include "mailbox_key.h"
#include "mail/mail_seal.h"

/* PROTOCOL.md 9.3 */

static const struct name ana = { "ana" };
static const struct name bia = { "bia" };
static const struct name joao = { "joao" };
static const struct name maria = { "maria" };

static EVP_PKEY *pair;

/* A segment of joao's, the secret it began with, and what was sealed into it. */
enum { sealed_count = 4 };

struct sample {
    struct mail_segment segment, opening;
    struct mail_wrapped wrapped;
    struct secret first;
    uint8_t ids[sealed_count][ENVELOPE_ID];
    struct buf sealed[sealed_count];
};

static void clear_sample(struct sample *s)
{
    mail_segment_clear(&s->segment);
    mail_segment_clear(&s->opening);
    mail_wrapped_clear(&s->wrapped);
    secret_clear(&s->first);
    for (size_t i = 0; i < sealed_count; i++)
        buf_clear(&s->sealed[i]);
}

static struct mail_binding binding_of(const struct sample *s, uint32_t index)
{
    return (struct mail_binding) { .recipient = &joao,
                                   .sender = &ana,
                                   .segment = s->segment.id,
                                   .index = index,
                                   .id = s->ids[index] };
}

/* Opened anew: at its first message. */
static void open_anew(struct sample *s)
{
    assert_ok(mail_segment_open(s->segment.id, s->wrapped.proof, &s->first, &s->opening));
}

static void make_sample(struct sample *s)
{
    static const char text[] = "the same text each time";
    *s = (struct sample) { 0 };
    assert_ok(mail_segment_new(env_system(), &joao, pair, &s->segment, &s->wrapped));
    assert_ok(secret_copy(&s->first, secret_span(&s->segment.chain)));
    for (uint32_t i = 0; i < sealed_count; i++) {
        memset(s->ids[i], (int)i + 1, ENVELOPE_ID);
        const struct mail_binding binding = binding_of(s, i);
        assert_ok(mail_seal(&s->segment, &binding, span_str(text), &s->sealed[i]));
    }
    open_anew(s);
}

static void messages_open_in_rising_order_and_some_may_be_left_out(void **state)
{
    (void)state;
    CLEANUP(clear_sample) struct sample s;
    make_sample(&s);
    for (uint32_t i = 0; i < sealed_count; i += 2) {
        CLEANUP(buf_clear) struct buf plain = { 0 };
        const struct mail_binding binding = binding_of(&s, i);
        assert_ok(mail_open(&s.opening, &binding, buf_span(&s.sealed[i]), &plain));
        assert_span_equal(buf_span(&plain), span_str("the same text each time"));
        assert_int_equal(s.sealed[i].len, mail_sealed_size(plain.len));
    }
}

static void a_message_behind_the_chain_does_not_open(void **state)
{
    (void)state;
    CLEANUP(clear_sample) struct sample s;
    CLEANUP(buf_clear) struct buf plain = { 0 };
    make_sample(&s);
    const struct mail_binding later = binding_of(&s, 2);
    const struct mail_binding earlier = binding_of(&s, 1);
    assert_ok(mail_open(&s.opening, &later, buf_span(&s.sealed[2]), &plain));
    assert_err(mail_open(&s.opening, &earlier, buf_span(&s.sealed[1]), &plain), MLT_ERR_AUTH);
}

/* Whoever takes the process over has the chain as it stands after the last message. */
static void what_is_in_memory_after_sealing_opens_nothing_sealed_before(void **state)
{
    (void)state;
    CLEANUP(clear_sample) struct sample s;
    make_sample(&s);
    for (uint32_t i = 0; i < sealed_count; i++) {
        CLEANUP(mail_segment_clear) struct mail_segment taken = { .next = i };
        CLEANUP(buf_clear) struct buf plain = { 0 };
        memcpy(taken.id, s.segment.id, sizeof(taken.id));
        assert_ok(secret_copy(&taken.chain, secret_span(&s.segment.chain)));
        const struct mail_binding binding = binding_of(&s, i);
        assert_err(mail_open(&taken, &binding, buf_span(&s.sealed[i]), &plain), MLT_ERR_AUTH);
    }
}

static void what_is_bound_cannot_be_changed(void **state)
{
    (void)state;
    CLEANUP(clear_sample) struct sample s;
    make_sample(&s);
    uint8_t other_segment[MAIL_SEGMENT] = { 0 };
    struct mail_binding wrong[] = { binding_of(&s, 1), binding_of(&s, 1), binding_of(&s, 1),
                                    binding_of(&s, 1), binding_of(&s, 1) };
    wrong[0].recipient = &maria;
    wrong[1].sender = &bia;
    wrong[2].segment = other_segment;
    wrong[3].index = 2;
    wrong[4].id = s.ids[2];
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        CLEANUP(buf_clear) struct buf plain = { 0 };
        open_anew(&s);
        assert_err(mail_open(&s.opening, &wrong[i], buf_span(&s.sealed[1]), &plain), MLT_ERR_AUTH);
        assert_int_equal(plain.len, 0);
    }
    /* In a segment that says it is the other one, too. */
    CLEANUP(buf_clear) struct buf plain = { 0 };
    assert_ok(mail_segment_open(other_segment, s.wrapped.proof, &s.first, &s.opening));
    assert_err(mail_open(&s.opening, &wrong[2], buf_span(&s.sealed[1]), &plain), MLT_ERR_AUTH);
    /* And as it was it opens. */
    const struct mail_binding right = binding_of(&s, 1);
    open_anew(&s);
    assert_ok(mail_open(&s.opening, &right, buf_span(&s.sealed[1]), &plain));
}

static void a_flipped_bit_or_a_missing_byte_is_noticed(void **state)
{
    (void)state;
    CLEANUP(clear_sample) struct sample s;
    make_sample(&s);
    const struct mail_binding binding = binding_of(&s, 0);
    for (size_t bit = 0; bit < 8 * s.sealed[0].len; bit++) {
        CLEANUP(buf_clear) struct buf plain = { 0 };
        open_anew(&s);
        s.sealed[0].p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_err(mail_open(&s.opening, &binding, buf_span(&s.sealed[0]), &plain), MLT_ERR_AUTH);
        s.sealed[0].p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t n = 0; n < s.sealed[0].len; n++) {
        CLEANUP(buf_clear) struct buf plain = { 0 };
        open_anew(&s);
        assert_err(mail_open(&s.opening, &binding, span_of(s.sealed[0].p, n), &plain),
                   MLT_ERR_AUTH);
    }
}

static void what_does_not_open_leaves_the_later_ones_to_be_opened(void **state)
{
    (void)state;
    CLEANUP(clear_sample) struct sample s;
    CLEANUP(buf_clear) struct buf plain = { 0 };
    make_sample(&s);
    const struct mail_binding bad = binding_of(&s, 1);
    const struct mail_binding good = binding_of(&s, 2);
    assert_err(mail_open(&s.opening, &bad, span_str("damaged"), &plain), MLT_ERR_AUTH);
    assert_ok(mail_open(&s.opening, &good, buf_span(&s.sealed[2]), &plain));
}

static void another_secret_is_told_from_damage(void **state)
{
    (void)state;
    CLEANUP(clear_sample) struct sample s;
    CLEANUP(mail_segment_clear) struct mail_segment none = { 0 };
    make_sample(&s);
    s.first.p[0] ^= 1;
    assert_err(mail_segment_open(s.segment.id, s.wrapped.proof, &s.first, &none), MLT_ERR_AUTH);
    s.first.p[0] ^= 1;
    s.first.n--;
    assert_err(mail_segment_open(s.segment.id, s.wrapped.proof, &s.first, &none), MLT_ERR_AUTH);
    s.first.n++;
    assert_ok(mail_segment_open(s.segment.id, s.wrapped.proof, &s.first, &none));
}

static void the_secret_is_wrapped_for_one_recipient_and_segment(void **state)
{
    (void)state;
    CLEANUP(clear_sample) struct sample s;
    make_sample(&s);
    uint8_t other_segment[MAIL_SEGMENT] = { 0 };
    const struct {
        const struct name *recipient;
        const uint8_t *segment;
        bool right;
    } rows[] = { { &joao, s.segment.id, true },
                 { &maria, s.segment.id, false },
                 { &joao, other_segment, false } };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(buf_clear) struct buf label = { 0 };
        CLEANUP(secret_clear) struct secret got = { 0 };
        assert_ok(mailbox_label(rows[i].recipient, rows[i].segment, &label));
        enum mlt_err err = rsa_unwrap(pair, buf_span(&label), buf_span(&s.wrapped.secret), &got);
        assert_int_equal(err == MLT_OK, rows[i].right);
        if (rows[i].right)
            assert_true(secret_eq(secret_span(&got), secret_span(&s.first)));
    }
}

static void a_segment_takes_so_many_messages_and_no_more(void **state)
{
    (void)state;
    CLEANUP(clear_sample) struct sample s;
    make_sample(&s);
    CLEANUP(buf_clear) struct buf sealed = { 0 };
    struct mail_binding binding = binding_of(&s, 0);
    for (binding.index = s.segment.next; binding.index < LIMIT_SEGMENT; binding.index++)
        assert_ok(mail_seal(&s.segment, &binding, span_str(""), &sealed));
    assert_err(mail_seal(&s.segment, &binding, span_str(""), &sealed), MLT_ERR_STATE);
    /* Nor does an index out of a damaged row keep anybody deriving keys. */
    binding.index = UINT32_MAX;
    assert_err(mail_open(&s.opening, &binding, span_str(""), &sealed), MLT_ERR_AUTH);
    assert_int_equal(s.opening.next, 0);
}

static void no_two_messages_look_alike(void **state)
{
    (void)state;
    CLEANUP(clear_sample) struct sample s;
    make_sample(&s);
    for (size_t i = 1; i < sealed_count; i++)
        assert_false(span_eq(buf_span(&s.sealed[i - 1]), buf_span(&s.sealed[i])));
    /* Nor is an index used twice. */
    const struct mail_binding again = binding_of(&s, 1);
    CLEANUP(buf_clear) struct buf sealed = { 0 };
    assert_err(mail_seal(&s.segment, &again, span_str("x"), &sealed), MLT_ERR_STATE);
    assert_int_equal(sealed.len, 0);
}

static int start(void **state)
{
    (void)state;
    bool locked = false;
    assert_ok(secret_start(&locked));
    assert_ok(crypto_start());
    assert_ok(mailbox_key(&pair));
    return 0;
}

static int stop(void **state)
{
    (void)state;
    rsa_key_free(&pair);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_open_in_rising_order_and_some_may_be_left_out),
        cmocka_unit_test(a_message_behind_the_chain_does_not_open),
        cmocka_unit_test(what_is_in_memory_after_sealing_opens_nothing_sealed_before),
        cmocka_unit_test(what_is_bound_cannot_be_changed),
        cmocka_unit_test(a_flipped_bit_or_a_missing_byte_is_noticed),
        cmocka_unit_test(what_does_not_open_leaves_the_later_ones_to_be_opened),
        cmocka_unit_test(another_secret_is_told_from_damage),
        cmocka_unit_test(the_secret_is_wrapped_for_one_recipient_and_segment),
        cmocka_unit_test(a_segment_takes_so_many_messages_and_no_more),
        cmocka_unit_test(no_two_messages_look_alike),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
