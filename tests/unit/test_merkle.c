/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "base/hex.h"
#include "base/limits.h"
#include "crypto/crypto.h"
#include "pki/merkle.h"
#include "rfc9162.h"

/* The tree and its proofs against the recursive definitions of RFC 9162 2.1. */

enum { MOST = 70 };

static uint8_t leaves[MOST][HASH_LEN]; /* hashes of leaves 0, 1, ... of one byte each */

/* ---- scene ---- */

static unsigned reads;

static enum mlt_err read_node(void *arg, unsigned level, uint64_t index,
                              uint8_t hash[static HASH_LEN])
{
    size_t n = (size_t)1 << level;
    const size_t *size = arg;
    assert_true((index + 1) * n <= *size); /* complete subtrees within the tree only */
    rfc9162_root(leaves + index * n, n, hash);
    reads++;
    return MLT_OK;
}

static struct merkle_tree tree(size_t size)
{
    struct merkle_tree t = { .size = size };
    rfc9162_root(leaves, size, t.root);
    return t;
}

static int start(void **state)
{
    (void)state;
    if (crypto_start() != MLT_OK)
        return -1;
    for (size_t i = 0; i < MOST; i++) {
        const uint8_t leaf[] = { 0, (uint8_t)i };
        if (hash_sha256(SPAN_OF(leaf), leaves[i]) != MLT_OK)
            return -1;
    }
    return 0;
}

/* The tree of Certificate Transparency's own tests, which many implementations share. */
static void the_roots_are_those_of_certificate_transparency(void **state)
{
    (void)state;
    static const char *const inputs[] = { "",
                                          "00",
                                          "10",
                                          "2021",
                                          "3031",
                                          "40414243",
                                          "5051525354555657",
                                          "606162636465666768696a6b6c6d6e6f" };
    static const char *const roots[] = {
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    };
    struct merkle m = { 0 };
    for (size_t i = 0; i < COUNT_OF(roots); i++) {
        uint8_t leaf[16];
        uint8_t hash[HASH_LEN];
        char text[2 * HASH_LEN + 1];
        size_t n = strlen(inputs[i]) / 2;
        assert_ok(hex_decode(span_str(inputs[i]), leaf, n));
        assert_ok(merkle_leaf_hash(span_of(leaf, n), hash));
        assert_ok(merkle_add(&m, hash));
        assert_ok(merkle_root(&m, hash));
        hex_encode(SPAN_OF(hash), text);
        assert_string_equal(text, roots[i]);
    }
    assert_int_equal(m.size, COUNT_OF(roots));
}

static void the_empty_tree_has_the_hash_of_nothing(void **state)
{
    (void)state;
    const struct merkle m = { 0 };
    uint8_t hash[HASH_LEN];
    char text[2 * HASH_LEN + 1];
    assert_ok(merkle_root(&m, hash));
    hex_encode(SPAN_OF(hash), text);
    assert_string_equal(text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void a_leaf_is_never_taken_for_a_node(void **state)
{
    (void)state;
    uint8_t both[2 * HASH_LEN];
    uint8_t node[HASH_LEN];
    uint8_t leaf[HASH_LEN];
    memcpy(both, leaves[0], HASH_LEN);
    memcpy(both + HASH_LEN, leaves[1], HASH_LEN);
    assert_ok(merkle_node_hash(leaves[0], leaves[1], node));
    assert_ok(merkle_leaf_hash(SPAN_OF(both), leaf));
    assert_memory_not_equal(node, leaf, HASH_LEN);
}

static void both_roots_are_those_of_the_definition(void **state)
{
    (void)state;
    struct merkle m = { 0 };
    for (size_t size = 1; size <= MOST; size++) {
        const struct merkle_nodes nodes = { &size, read_node };
        uint8_t wanted[HASH_LEN];
        uint8_t got[HASH_LEN];
        rfc9162_root(leaves, size, wanted);
        assert_ok(merkle_add(&m, leaves[size - 1]));
        assert_ok(merkle_root(&m, got));
        assert_memory_equal(got, wanted, HASH_LEN);
        assert_ok(merkle_root_of(&nodes, size, got));
        assert_memory_equal(got, wanted, HASH_LEN);
    }
}

static void every_consistency_proof_is_that_of_the_definition_and_holds(void **state)
{
    (void)state;
    for (size_t to = 1; to <= MOST; to++)
        for (size_t from = 1; from <= to; from++) {
            CLEANUP(buf_clear) struct buf wanted = { 0 };
            CLEANUP(buf_clear) struct buf got = { 0 };
            const struct merkle_nodes nodes = { &to, read_node };
            const struct merkle_tree earlier = tree(from), later = tree(to);
            rfc9162_consistency(leaves, to, from, &wanted);
            assert_ok(merkle_prove_consistency(&nodes, from, to, &got));
            assert_span_equal(buf_span(&got), buf_span(&wanted));
            assert_ok(merkle_check_consistency(&earlier, &later, buf_span(&got)));
        }
}

static enum mlt_err consistent(const struct merkle_tree *earlier, const struct merkle_tree *later,
                               struct span proof)
{
    return merkle_check_consistency(earlier, later, proof);
}

/* Every bit of the proof and of both roots, a hash less, a hash more, two swapped, other sizes. */
static void a_consistency_proof_changed_anywhere_proves_nothing(void **state)
{
    (void)state;
    static const size_t pairs[][2] = {
        { 1, 2 }, { 3, 7 }, { 4, 7 }, { 6, 8 }, { 7, 70 }, { 64, 70 }
    };
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        CLEANUP(buf_clear) struct buf proof = { 0 };
        struct merkle_tree earlier = tree(pairs[i][0]), later = tree(pairs[i][1]);
        rfc9162_consistency(leaves, pairs[i][1], pairs[i][0], &proof);
        for (size_t bit = 0; bit < 8 * proof.len; bit++) {
            proof.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_err(consistent(&earlier, &later, buf_span(&proof)), MLT_ERR_LEDGER);
            proof.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        for (size_t bit = 0; bit < 8 * HASH_LEN; bit++) {
            earlier.root[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_err(consistent(&earlier, &later, buf_span(&proof)), MLT_ERR_LEDGER);
            earlier.root[bit / 8] ^= (uint8_t)(1 << bit % 8);
            later.root[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_err(consistent(&earlier, &later, buf_span(&proof)), MLT_ERR_LEDGER);
            later.root[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        for (size_t n = 0; n < proof.len; n++)
            assert_err(consistent(&earlier, &later, span_of(proof.p, n)), MLT_ERR_LEDGER);
        assert_ok(consistent(&earlier, &later, buf_span(&proof)));
        assert_ok(buf_put(&proof, SPAN_OF(leaves[0])));
        assert_err(consistent(&earlier, &later, buf_span(&proof)), MLT_ERR_LEDGER);
    }
}

/* No proof of one pair of sizes is one of another. */
static void a_proof_for_other_sizes_proves_nothing(void **state)
{
    (void)state;
    enum { FEW = 17 };
    for (size_t to = 2; to <= FEW; to++)
        for (size_t from = 1; from < to; from++) {
            CLEANUP(buf_clear) struct buf proof = { 0 };
            rfc9162_consistency(leaves, to, from, &proof);
            for (size_t other = 1; other <= FEW; other++) {
                const struct merkle_tree earlier = tree(other), later = tree(to);
                if (other != from && other <= to)
                    assert_err(consistent(&earlier, &later, buf_span(&proof)), MLT_ERR_LEDGER);
            }
        }
}

static void a_tree_with_one_leaf_changed_is_not_continued(void **state)
{
    (void)state;
    for (size_t changed = 0; changed < 13; changed++) {
        CLEANUP(buf_clear) struct buf proof = { 0 };
        const struct merkle_tree earlier = tree(13);
        leaves[changed][0] ^= 1;
        const struct merkle_tree later = tree(20);
        rfc9162_consistency(leaves, 20, 13, &proof); /* the best a forger has */
        leaves[changed][0] ^= 1;
        assert_err(consistent(&earlier, &later, buf_span(&proof)), MLT_ERR_LEDGER);
    }
}

static void trees_of_equal_size_are_the_same_or_not_consistent(void **state)
{
    (void)state;
    const struct merkle_tree one = tree(5);
    struct merkle_tree other = one;
    assert_ok(consistent(&one, &other, span_of(NULL, 0)));
    assert_err(consistent(&one, &other, SPAN_OF(leaves[0])), MLT_ERR_LEDGER);
    other.root[0] ^= 1;
    assert_err(consistent(&one, &other, span_of(NULL, 0)), MLT_ERR_LEDGER);
}

static void sizes_that_cannot_be_are_refused(void **state)
{
    (void)state;
    const struct merkle_tree five = tree(5), three = tree(3);
    const struct merkle_tree none = { 0 };
    size_t size = 5;
    const struct merkle_nodes nodes = { &size, read_node };
    CLEANUP(buf_clear) struct buf proof = { 0 };
    assert_err(consistent(&five, &three, span_of(NULL, 0)), MLT_ERR_RANGE);
    assert_err(consistent(&none, &five, span_of(NULL, 0)), MLT_ERR_RANGE);
    assert_err(merkle_prove_consistency(&nodes, 0, 5, &proof), MLT_ERR_RANGE);
    assert_err(merkle_prove_consistency(&nodes, 6, 5, &proof), MLT_ERR_RANGE);
    assert_int_equal(proof.len, 0);
}

static void proofs_over_the_largest_sizes_end(void **state)
{
    (void)state;
    static const uint64_t sizes[] = { INT64_MAX, (uint64_t)1 << 63, UINT64_MAX - 1, UINT64_MAX };
    static uint8_t zeros[(LIMIT_PROOF_HASHES + 1) * HASH_LEN];
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        for (size_t n = 0; n <= sizeof(zeros); n += HASH_LEN) {
            const struct merkle_tree one = { .size = 1 }, large = { .size = sizes[i] };
            const struct span proof = span_of(zeros, n);
            assert_err(consistent(&one, &large, proof), MLT_ERR_LEDGER);
            const struct merkle_tree before = { .size = sizes[i] - 1 };
            assert_err(consistent(&before, &large, proof), MLT_ERR_LEDGER);
        }
    struct merkle full = { .size = UINT64_MAX };
    assert_err(merkle_add(&full, leaves[0]), MLT_ERR_RANGE);
}

/* 2^40 leaves are out of reach; what a proof over them reads is not. */
static enum mlt_err read_anything(void *arg, unsigned level, uint64_t index,
                                  uint8_t hash[static HASH_LEN])
{
    (void)arg;
    memset(hash, (int)level, HASH_LEN);
    hash[0] = (uint8_t)index;
    reads++;
    return MLT_OK;
}

static void a_proof_costs_no_more_than_the_logarithm(void **state)
{
    (void)state;
    static const uint64_t sizes[] = { 1000003, ((uint64_t)1 << 40) + 12345, INT64_MAX };
    const struct merkle_nodes nodes = { NULL, read_anything };
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        CLEANUP(buf_clear) struct buf proof = { 0 };
        reads = 0;
        assert_ok(merkle_prove_consistency(&nodes, sizes[i] / 3, sizes[i], &proof));
        assert_true(proof.len <= (size_t)LIMIT_PROOF_HASHES * HASH_LEN);
        assert_true(reads <= 2 * MERKLE_LEVELS);
    }
}

static enum mlt_err read_fails(void *arg, unsigned level, uint64_t index,
                               uint8_t hash[static HASH_LEN])
{
    (void)hash;
    return level == 1 && index == 1 ? MLT_ERR_DAMAGED : read_node(arg, level, index, hash);
}

static void a_node_that_cannot_be_read_is_said_and_leaves_no_half_a_proof(void **state)
{
    (void)state;
    size_t size = 20;
    CLEANUP(buf_clear) struct buf proof = { 0 };
    const struct merkle_nodes nodes = { &size, read_fails };
    assert_err(merkle_prove_consistency(&nodes, 1, 20, &proof), MLT_ERR_DAMAGED);
    assert_int_equal(proof.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_roots_are_those_of_certificate_transparency),
        cmocka_unit_test(the_empty_tree_has_the_hash_of_nothing),
        cmocka_unit_test(a_leaf_is_never_taken_for_a_node),
        cmocka_unit_test(both_roots_are_those_of_the_definition),
        cmocka_unit_test(every_consistency_proof_is_that_of_the_definition_and_holds),
        cmocka_unit_test(a_consistency_proof_changed_anywhere_proves_nothing),
        cmocka_unit_test(a_proof_for_other_sizes_proves_nothing),
        cmocka_unit_test(a_tree_with_one_leaf_changed_is_not_continued),
        cmocka_unit_test(trees_of_equal_size_are_the_same_or_not_consistent),
        cmocka_unit_test(sizes_that_cannot_be_are_refused),
        cmocka_unit_test(proofs_over_the_largest_sizes_end),
        cmocka_unit_test(a_proof_costs_no_more_than_the_logarithm),
        cmocka_unit_test(a_node_that_cannot_be_read_is_said_and_leaves_no_half_a_proof),
    };
    return cmocka_run_group_tests_name("merkle", tests, start, NULL);
}
