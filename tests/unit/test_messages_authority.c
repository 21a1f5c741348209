/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "base/limits.h"
#include "wire/ledger_head.h"
#include "wire/ledger_proof.h"
#include "wire/renew.h"
#include "wire/revocation.h"

/*
 * Renewal, revocation and ledger: fields that contradict each other are neither written nor read.
 * (What holds of every message: test_messages.c.)
 */

static const uint8_t filler[LIMIT_CRL_PIECE + 1];

static const struct span signature = { filler, LIMIT_SIGNATURE_MIN };

/* Each takes a value that no reader would: nothing is written. */
#define REFUSES_TO_WRITE(type, encode)                                                             \
    static void type##_refused(struct type value)                                                  \
    {                                                                                              \
        CLEANUP(buf_clear) struct buf out = { 0 };                                                 \
        assert_err(encode(&value, &out), MLT_ERR_RANGE);                                           \
    }
REFUSES_TO_WRITE(renewed, renewed_encode)
REFUSES_TO_WRITE(revocation, revocation_encode)
REFUSES_TO_WRITE(crl_piece, crl_piece_encode)
REFUSES_TO_WRITE(ledger_head, ledger_head_encode)
REFUSES_TO_WRITE(ledger_proof, ledger_proof_encode)
REFUSES_TO_WRITE(leaves, leaves_encode)

/* A good message with one byte changed. */
struct change {
    size_t at;
    uint8_t to;
    enum mlt_err wanted;
};

static void renewed_says_one_thing(void **state)
{
    (void)state;
    const struct span some = span_str("certificate");
    renewed_refused((struct renewed) { 0 });
    renewed_refused((struct renewed) { .result = WELCOME_ISSUED });
    renewed_refused((struct renewed) { .result = WELCOME_LOGGED_IN });
    renewed_refused((struct renewed) { .result = WELCOME_PENDING, .retry_after_s = 1 });
    renewed_refused((struct renewed) { .result = WELCOME_RENEW });
    renewed_refused((struct renewed) { .result = WELCOME_REFUSED });
    renewed_refused((struct renewed) { .result = WELCOME_REFUSED, .reason = REFUSAL_STOPPED + 1 });
    renewed_refused((struct renewed) {
        .result = WELCOME_REFUSED, .reason = REFUSAL_BUSY, .certificate = some });
    renewed_refused((struct renewed) {
        .result = WELCOME_REFUSED, .reason = REFUSAL_NOT_DUE, .retry_after_s = 1 });
    renewed_refused((struct renewed) {
        .result = WELCOME_ISSUED, .reason = REFUSAL_NOT_DUE, .certificate = some });
    renewed_refused(
        (struct renewed) { .result = WELCOME_ISSUED, .retry_after_s = 1, .certificate = some });
    renewed_refused((struct renewed) { .result = WELCOME_ISSUED,
                                       .certificate = { filler, LIMIT_CERTIFICATE + 1 } });
}

static void renewed_is_read_as_it_may_be_written(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf b = { 0 };
    const struct renewed good = { .result = WELCOME_REFUSED, .reason = REFUSAL_BUSY };
    assert_ok(renewed_encode(&good, &b));
    /* result, reason, retry after, length of the certificate */
    static const struct change changes[] = {
        { 0, 0, MLT_ERR_RANGE },  { 0, 1, MLT_ERR_RANGE },     { 0, 2, MLT_ERR_RANGE },
        { 0, 3, MLT_ERR_RANGE },  { 0, 5, MLT_ERR_RANGE },     { 1, 0, MLT_ERR_RANGE },
        { 1, 14, MLT_ERR_RANGE }, { 1, 12, MLT_OK },           { 5, 1, MLT_OK },
        { 6, 17, MLT_ERR_RANGE }, { 7, 1, MLT_ERR_TRUNCATED },
    };
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        struct renewed got;
        const uint8_t kept = b.p[changes[i].at];
        b.p[changes[i].at] = changes[i].to;
        assert_err(renewed_decode(buf_span(&b), &got), changes[i].wanted);
        b.p[changes[i].at] = kept;
    }
}

static struct revocation some_revocation(void)
{
    return (struct revocation) { .number = 5,
                                 .this_update_s = 10,
                                 .next_update_s = 20,
                                 .serials = { filler, 2 * REVOCATION_SERIAL },
                                 .signature = signature };
}

static void a_revocation_has_a_number_a_life_and_whole_serials(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 9; i++) {
        struct revocation r = some_revocation();
        r.number = i == 0 ? 0 : i == 1 ? (uint64_t)INT64_MAX + 1 : r.number;
        r.this_update_s = i == 2 ? -1 : i == 3 ? r.next_update_s : r.this_update_s;
        r.serials.n += i == 4 ? 1 : 0;
        if (i == 5)
            r.serials.n = (LIMIT_REVOKED_AT_ONCE + 1) * REVOCATION_SERIAL;
        r.signature.n = i == 6 ? LIMIT_SIGNATURE_MIN - 1 : i == 7 ? LIMIT_SIGNATURE + 1 : 256;
        if (i < 8)
            revocation_refused(r);
        CLEANUP(buf_clear) struct buf out = { 0 };
        const bool in_what_is_signed = i < 6;
        assert_err(revocation_put_signed(&r, &out), in_what_is_signed ? MLT_ERR_RANGE : MLT_OK);
    }
}

static void a_revocation_is_read_as_it_may_be_written(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf b = { 0 };
    const struct revocation good = some_revocation();
    assert_ok(revocation_encode(&good, &b));
    /* number, this update, next update, length of serials, serials, length of the signature */
    static const struct change changes[] = {
        { 7, 0, MLT_ERR_RANGE },      { 0, 0x80, MLT_ERR_RANGE }, { 8, 0x80, MLT_ERR_RANGE },
        { 15, 20, MLT_ERR_RANGE },    { 15, 19, MLT_OK },         { 16, 0x80, MLT_ERR_RANGE },
        { 23, 10, MLT_ERR_RANGE },    { 25, 31, MLT_ERR_RANGE },  { 24, 17, MLT_ERR_RANGE },
        { 25, 16, MLT_ERR_RANGE },    { 58, 0, MLT_ERR_RANGE },   { 58, 2, MLT_ERR_TRUNCATED },
        { 59, 1, MLT_ERR_TRUNCATED },
    };
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        struct revocation got;
        const uint8_t kept = b.p[changes[i].at];
        b.p[changes[i].at] = changes[i].to;
        assert_err(revocation_decode(buf_span(&b), &got), changes[i].wanted);
        b.p[changes[i].at] = kept;
    }
}

static void what_is_signed_is_the_record_up_to_its_signature(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf record = { 0 };
    CLEANUP(buf_clear) struct buf part = { 0 };
    const struct revocation r = some_revocation();
    assert_ok(revocation_encode(&r, &record));
    assert_ok(revocation_put_signed(&r, &part));
    assert_int_equal(part.len, record.len - 2 - signature.n);
    assert_memory_equal(part.p, record.p, part.len);
    buf_reset(&record);
    buf_reset(&part);
    const struct ledger_head h = { .size = 7, .signature = signature };
    assert_ok(ledger_head_encode(&h, &record));
    assert_ok(ledger_head_put_signed(&h, &part));
    assert_int_equal(part.len, record.len - 2 - signature.n);
    assert_memory_equal(part.p, record.p, part.len);
}

static void a_piece_lies_within_its_list(void **state)
{
    (void)state;
    const struct crl_piece good = {
        .number = 1, .offset = 10, .total = 20, .bytes = { filler, 10 }
    };
    CLEANUP(buf_clear) struct buf out = { 0 };
    assert_ok(crl_piece_encode(&good, &out));
    for (unsigned i = 0; i < 8; i++) {
        struct crl_piece p = good;
        switch (i) {
        case 0:
            p.number = 0;
            break;
        case 1:
            p.number = (uint64_t)INT64_MAX + 1;
            break;
        case 2:
            p.bytes.n = 0;
            break;
        case 3:
            p.bytes.n = 11;
            break;
        case 4:
            p.offset = 20;
            break;
        case 5:
            p.offset = UINT32_MAX;
            break;
        case 6:
            p.total = LIMIT_CRL + 1;
            break;
        default:
            p = (struct crl_piece) { .number = 1,
                                     .total = LIMIT_CRL,
                                     .bytes = { filler, LIMIT_CRL_PIECE + 1 } };
            break;
        }
        crl_piece_refused(p);
    }
    /* offset, total and length of what was written */
    static const struct change changes[] = {
        { 7, 0, MLT_ERR_RANGE },    { 0, 0x80, MLT_ERR_RANGE },  { 11, 11, MLT_ERR_RANGE },
        { 8, 0xff, MLT_ERR_RANGE }, { 11, 9, MLT_OK },           { 12, 2, MLT_ERR_RANGE },
        { 15, 19, MLT_ERR_RANGE },  { 18, 9, MLT_ERR_TRAILING }, { 18, 11, MLT_ERR_TRUNCATED },
    };
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        struct crl_piece got;
        const uint8_t kept = out.p[changes[i].at];
        out.p[changes[i].at] = changes[i].to;
        assert_err(crl_piece_decode(buf_span(&out), &got), changes[i].wanted);
        out.p[changes[i].at] = kept;
    }
}

static void a_head_has_its_bounds(void **state)
{
    (void)state;
    const struct ledger_head good = { .base = 3, .size = 7, .signature = signature };
    const uint64_t large = (uint64_t)INT64_MAX + 1;
    for (unsigned i = 0; i < 6; i++) {
        struct ledger_head h = good;
        h.size = i == 0 ? 0 : i == 1 ? 2 : i == 2 ? large : h.size;
        h.base = i == 0 ? 0 : h.base;
        h.epoch = i == 3 ? large : 0;
        h.time_s = i == 4 ? -1 : 0;
        h.signature.n = i == 5 ? LIMIT_SIGNATURE + 1 : LIMIT_SIGNATURE_MIN;
        ledger_head_refused(h);
    }
    CLEANUP(buf_clear) struct buf b = { 0 };
    assert_ok(ledger_head_encode(&good, &b));
    /* version, epoch, base, size, root, time, length of the signature */
    static const struct change changes[] = {
        { 0, 1, MLT_ERR_VERSION },  { 1, 0x80, MLT_ERR_RANGE },
        { 16, 8, MLT_ERR_RANGE },   { 16, 7, MLT_OK },
        { 9, 0x80, MLT_ERR_RANGE }, { 17, 0x80, MLT_ERR_RANGE },
        { 24, 2, MLT_ERR_RANGE },   { 57, 0x80, MLT_ERR_RANGE },
        { 65, 0, MLT_ERR_RANGE },   { 66, 1, MLT_ERR_TRUNCATED },
    };
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        struct ledger_head got;
        const uint8_t kept = b.p[changes[i].at];
        b.p[changes[i].at] = changes[i].to;
        assert_err(ledger_head_decode(buf_span(&b), &got), changes[i].wanted);
        b.p[changes[i].at] = kept;
    }
}

static void a_proof_has_a_head_exactly_when_it_proves(void **state)
{
    (void)state;
    const struct span head = { filler, 323 };
    ledger_proof_refused((struct ledger_proof) { 0 });
    ledger_proof_refused((struct ledger_proof) { .result = PROOF_AHEAD + 1 });
    ledger_proof_refused((struct ledger_proof) { .result = PROOF_PROVEN });
    ledger_proof_refused((struct ledger_proof) { .result = PROOF_BUSY, .head = head });
    ledger_proof_refused((struct ledger_proof) { .result = PROOF_AHEAD, .head = head });
    ledger_proof_refused(
        (struct ledger_proof) { .result = PROOF_BUSY, .hashes = { filler, LEDGER_HASH } });
    ledger_proof_refused((struct ledger_proof) {
        .result = PROOF_PROVEN, .head = head, .hashes = { filler, LEDGER_HASH + 1 } });
    ledger_proof_refused((struct ledger_proof) { .result = PROOF_PROVEN,
                                                 .head = { filler, LIMIT_LEDGER_HEAD + 1 } });
    ledger_proof_refused(
        (struct ledger_proof) { .result = PROOF_PROVEN,
                                .head = head,
                                .hashes = { filler, (LIMIT_PROOF_HASHES + 1) * LEDGER_HASH } });
    static const uint8_t busy_with_a_hash[5 + LEDGER_HASH] = { 2, 0, 0, 0, LEDGER_HASH };
    static const uint8_t proven_without_head[] = { 1, 0, 0, 0, 0 };
    static const uint8_t unknown[] = { 4, 0, 0, 0, 0 };
    const struct span bad[] = { SPAN_OF(busy_with_a_hash), SPAN_OF(proven_without_head),
                                SPAN_OF(unknown) };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct ledger_proof got;
        assert_err(ledger_proof_decode(bad[i], &got), MLT_ERR_RANGE);
    }
}

static void leaves_are_whole_and_there_only_when_they_are_here(void **state)
{
    (void)state;
    static const uint8_t empty_leaf[] = { 0 };
    static const uint8_t cut_leaf[] = { 2, 1 };
    static const uint8_t good_leaf[] = { 1, 1 };
    leaves_refused((struct leaves) { 0 });
    leaves_refused((struct leaves) { .result = LEAVES_BUSY + 1 });
    leaves_refused((struct leaves) { .result = LEAVES_BUSY, .leaves = SPAN_OF(good_leaf) });
    leaves_refused((struct leaves) { .result = LEAVES_HERE, .leaves = SPAN_OF(empty_leaf) });
    leaves_refused((struct leaves) { .result = LEAVES_HERE, .first = (uint64_t)INT64_MAX + 1 });
    CLEANUP(buf_clear) struct buf out = { 0 };
    const struct leaves cut = { .result = LEAVES_HERE, .leaves = SPAN_OF(cut_leaf) };
    assert_err(leaves_encode(&cut, &out), MLT_ERR_TRUNCATED);

    static const uint8_t read_cut[] = { 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 1 };
    static const uint8_t read_empty[] = { 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0 };
    static const uint8_t read_busy[] = { 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 1 };
    static const uint8_t read_first[] = { 1, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
    struct leaves got;
    assert_err(leaves_decode(SPAN_OF(read_cut), &got), MLT_ERR_TRUNCATED);
    assert_err(leaves_decode(SPAN_OF(read_empty), &got), MLT_ERR_RANGE);
    assert_err(leaves_decode(SPAN_OF(read_busy), &got), MLT_ERR_RANGE);
    assert_err(leaves_decode(SPAN_OF(read_first), &got), MLT_ERR_RANGE);
    struct leaves_wanted wanted;
    assert_err(leaves_wanted_decode(span_of("\x80\0\0\0\0\0\0\0", 8), &wanted), MLT_ERR_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(renewed_says_one_thing),
        cmocka_unit_test(renewed_is_read_as_it_may_be_written),
        cmocka_unit_test(a_revocation_has_a_number_a_life_and_whole_serials),
        cmocka_unit_test(a_revocation_is_read_as_it_may_be_written),
        cmocka_unit_test(what_is_signed_is_the_record_up_to_its_signature),
        cmocka_unit_test(a_piece_lies_within_its_list),
        cmocka_unit_test(a_head_has_its_bounds),
        cmocka_unit_test(a_proof_has_a_head_exactly_when_it_proves),
        cmocka_unit_test(leaves_are_whole_and_there_only_when_they_are_here),
    };
    return cmocka_run_group_tests_name("messages_authority", tests, NULL, NULL);
}
