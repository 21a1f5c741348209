/* SPDX-License-Identifier: Apache-2.0 */
#include "session_ends.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/kdf.h"

/*
 * Rows 15 and 17: no counter block twice under one key, and no number that wraps.  What a frame
 * was encrypted with is seen from outside: its plaintext is known, so its keystream is, and that
 * is compared with AES of the counter block that PROTOCOL.md 3.1 names.
 */

/* ---- the keystream as the protocol has it ---- */

static void put_be64(uint8_t out[static 8], uint64_t v)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(v >> (56 - 8 * i));
}

/* One direction: the secret of this generation, and where in it we are. */
struct observer {
    struct secret traffic;
    EVP_CIPHER_CTX *aes;
    uint64_t sequence, generation, frames;
};

static void observer_key(struct observer *o)
{
    CLEANUP(secret_clear) struct secret key = { 0 };
    assert_ok(kdf_expand_label(&o->traffic, "key", (struct span) { 0 }, KDF_LEN, &key));
    if (o->aes == NULL)
        o->aes = EVP_CIPHER_CTX_new();
    assert_int_equal(EVP_EncryptInit_ex2(o->aes, EVP_aes_256_ecb(), key.p, NULL, NULL), 1);
    assert_int_equal(EVP_CIPHER_CTX_set_padding(o->aes, 0), 1);
}

static void observer_init(struct observer *o, const char *secret)
{
    *o = (struct observer) { 0 };
    assert_ok(secret_copy(&o->traffic, span_str(secret)));
    observer_key(o);
}

static void observer_clear(struct observer *o)
{
    secret_clear(&o->traffic);
    EVP_CIPHER_CTX_free(o->aes);
}

static void observer_rekey(struct observer *o)
{
    CLEANUP(secret_clear) struct secret next = { 0 };
    assert_ok(kdf_expand_label(&o->traffic, "rekey", (struct span) { 0 }, KDF_LEN, &next));
    secret_move(&o->traffic, &next);
    observer_key(o);
    o->sequence = 0;
    o->generation++;
}

static void keystream_block(struct observer *o, uint64_t sequence, uint64_t block,
                            uint8_t out[static 16])
{
    uint8_t counter[16];
    int n = 0;
    put_be64(counter, sequence);
    put_be64(counter + 8, block);
    assert_int_equal(EVP_EncryptUpdate(o->aes, out, &n, counter, sizeof(counter)), 1);
    assert_int_equal(n, 16);
}

/* Byte i of the plaintext of a message with this number; all else in it is zero. */
static uint8_t plain_byte(size_t i, uint32_t number)
{
    if (i == 0)
        return RECORD_SEND;
    return i == 1 ? (uint8_t)(number >> 8) : i == 2 ? (uint8_t)number : 0;
}

static void expect_block(struct observer *o, struct span ciphertext, size_t block, uint32_t number)
{
    uint8_t key[16];
    size_t from = 16 * block;
    keystream_block(o, o->sequence, block, key);
    for (size_t i = from; i < from + 16 && i < ciphertext.n; i++)
        if ((ciphertext.p[i] ^ key[i - from]) != plain_byte(i, number))
            fail_msg("generation %llu, number %llu, block %zu: other keystream",
                     (unsigned long long)o->generation, (unsigned long long)o->sequence, block);
}

/* The frames of one seal: perhaps a rekey, then the message.  Each takes the next pair of
 * generation and sequence, so pairs only rise, and none comes twice. */
static void observe(struct observer *o, struct span wire, uint32_t number)
{
    while (wire.n > 0) {
        struct frame frame;
        bool complete = false;
        assert_ok(frame_decode(wire, &frame, &complete));
        assert_true(complete);
        struct span ciphertext = span_of(frame.body.p, frame.body.n - ETM_TAG);
        o->frames++;
        if (ciphertext.n == 1) {
            uint8_t key[16];
            keystream_block(o, o->sequence, 0, key);
            assert_int_equal(ciphertext.p[0] ^ key[0], RECORD_REKEY);
            observer_rekey(o);
        } else {
            expect_block(o, ciphertext, 0, number);
            expect_block(o, ciphertext, (ciphertext.n - 1) / 16, number);
            o->sequence++;
        }
        wire = span_from(wire, frame.size);
    }
}

/* ---- row 15 ---- */

static void row_15_no_counter_block_comes_twice_in_a_million_frames(void **state)
{
    (void)state;
    const uint32_t messages = 500000; /* each way */
    const struct session_limits limits = { 900, 1 << 20, 60000 };
    CLEANUP(clear_ends) struct ends e;
    CLEANUP(observer_clear) struct observer there;
    CLEANUP(observer_clear) struct observer back;
    open_ends(&e, &limits, &limits);
    observer_init(&there, a_secret);
    observer_init(&back, b_secret);
    for (uint32_t i = 0; i < messages; i++) {
        clock_env.mono_ms += i % 977 == 0 ? 30000 : 0;
        buf_reset(&e.wire);
        buf_reset(&e.back);
        seal_number(&e.a, i, i % 5000 == 0 ? 65608 : 41 + i % 40, &e.wire);
        seal_number(&e.b, i, 41 + i % 70, &e.back);
        observe(&there, buf_span(&e.wire), i);
        observe(&back, buf_span(&e.back), i);
    }
    assert_true(there.frames + back.frames > 1000000);
    assert_int_equal(there.generation, e.a.send.rekeys);
    assert_int_equal(back.generation, e.b.send.rekeys);
    assert_true(there.generation > 500 && back.generation > 500);
    /* The directions never shared a key, nor did two generations: else the chain had a loop. */
    assert_false(secret_eq(secret_span(&there.traffic), secret_span(&back.traffic)));
}

static int order_blocks(const void *a, const void *b)
{
    return span_cmp(span_of(a, 16), span_of(b, 16));
}

/* The same without any model: blocks as they are, sorted. */
static void row_15_no_keystream_block_ever_repeats(void **state)
{
    (void)state;
    const struct session_limits limits = { 50, 20000, 5000 };
    CLEANUP(clear_ends) struct ends e;
    CLEANUP(buf_clear) struct buf blocks = { 0 };
    open_ends(&e, &limits, &limits);
    for (uint32_t i = 0; i < 6000; i++) {
        clock_env.mono_ms += i % 977;
        for (int back = 0; back < 2; back++) {
            struct buf *wire = back ? &e.back : &e.wire;
            size_t body = 41 + i % (back ? 300 : 800);
            buf_reset(wire);
            seal_number(back ? &e.b : &e.a, i, body, wire);
            struct span record = span_from(buf_span(wire), wire->len - body - 1 - ETM_TAG);
            for (size_t k = 0; k < body + 1; k++)
                wire->p[wire->len - body - 1 - ETM_TAG + k] ^= plain_byte(k, i);
            assert_ok(buf_put(&blocks, span_of(record.p, (body + 1) / 16 * 16)));
        }
    }
    size_t count = blocks.len / 16;
    assert_true(count > 150000);
    qsort(blocks.p, count, 16, order_blocks);
    for (size_t i = 1; i < count; i++)
        if (order_blocks(blocks.p + 16 * (i - 1), blocks.p + 16 * i) == 0)
            fail_msg("a block of keystream came twice");
}

/* Sequence and block stand in halves of their own: all blocks of the largest record, also where
 * a sequence and its successor differ in every bit. */
static void row_15_the_largest_record_stays_below_the_next_number(void **state)
{
    (void)state;
    static const uint64_t numbers[] = { 0,          1,          UINT32_MAX,    UINT32_MAX + 1ull,
                                        1ull << 63, UINT64_MAX, UINT64_MAX - 1 };
    static uint8_t zeros[LIMIT_FRAME - FRAME_HEADER - ETM_TAG];
    CLEANUP(observer_clear) struct observer o;
    CLEANUP(etm_clear) struct etm etm = { 0 };
    observer_init(&o, a_secret);
    assert_ok(etm_init(&etm, &o.traffic));
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        CLEANUP(buf_clear) struct buf sealed = { 0 };
        assert_ok(etm_seal(&etm, numbers[i], span_str("head"), SPAN_OF(zeros), &sealed));
        for (size_t block = 0; block < sizeof(zeros) / 16; block++) {
            uint8_t key[16];
            keystream_block(&o, numbers[i], block, key);
            assert_span_equal(span_of(sealed.p + 16 * block, 16), SPAN_OF(key));
        }
    }
}

/* ---- row 15: fork, threads, restart ---- */

enum { RANDOM = 32, SAID = 5 * RANDOM, THREADS = 4, CHILDREN = 3 };

/* What a process draws: ids and salts, keys, ServerHello's random, a public value. */
static void draw(uint8_t said[static SAID])
{
    CLEANUP(pair_clear) struct pair p;
    CLEANUP(buf_clear) struct buf public = { 0 };
    EVP_PKEY *key = NULL;
    assert_ok(env_random(env_system(), said, 2 * RANDOM));
    assert_int_equal(RAND_priv_bytes(said + 2 * RANDOM, RANDOM), 1);
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    p.server_config.env = env_system();
    pair_start(&p);
    memcpy(said + 3 * RANDOM, p.to_client.p + FRAME_HEADER + 2, RANDOM);
    assert_ok(dh_key_new(DH_FFDHE2048, &key));
    assert_ok(dh_key_public(key, DH_FFDHE2048, &public));
    memcpy(said + 4 * RANDOM, public.p, RANDOM);
    dh_key_free(&key);
}

/* All that was said, cut into values: each once. */
static void expect_distinct(struct buf *said, size_t sayings)
{
    size_t count = said->len / 16;
    assert_int_equal(said->len, sayings * SAID);
    qsort(said->p, count, 16, order_blocks);
    for (size_t i = 1; i < count; i++)
        if (order_blocks(said->p + 16 * (i - 1), said->p + 16 * i) == 0)
            fail_msg("two draws were alike");
}

static void keep_draw(struct buf *said)
{
    uint8_t own[SAID];
    draw(own);
    assert_ok(buf_put(said, SPAN_OF(own)));
}

static void read_draw(int fd, struct buf *said)
{
    uint8_t got[SAID];
    assert_int_equal(read(fd, got, sizeof(got)), sizeof(got));
    assert_ok(buf_put(said, SPAN_OF(got)));
}

static void row_15_forked_processes_draw_other_values(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf said = { 0 };
    int fds[2];
    keep_draw(&said); /* the generators are seeded before they are copied */
    assert_int_equal(pipe(fds), 0);
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            uint8_t own[SAID];
            draw(own);
            _exit(write(fds[1], own, sizeof(own)) == sizeof(own) ? 0 : 1);
        }
        keep_draw(&said);
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        read_draw(fds[0], &said);
    }
    close(fds[0]);
    close(fds[1]);
    expect_distinct(&said, 1 + 2 * CHILDREN);
}

static void row_15_restarted_processes_draw_other_values(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf said = { 0 };
    keep_draw(&said);
    for (int i = 0; i < CHILDREN; i++) {
        int fds[2];
        assert_int_equal(pipe(fds), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            dup2(fds[1], STDOUT_FILENO);
            execl("/proc/self/exe", "test_session_numbers", "--draw", (char *)NULL);
            _exit(1);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        read_draw(fds[0], &said);
        close(fds[0]);
        close(fds[1]);
    }
    expect_distinct(&said, 1 + CHILDREN);
}

struct drawer {
    uint8_t said[SAID];
    pthread_t thread;
};

static void *draw_in_thread(void *ctx)
{
    struct drawer *d = ctx;
    draw(d->said);
    return NULL;
}

static void row_15_threads_draw_other_values(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf said = { 0 };
    struct drawer drawers[THREADS];
    (void)pair_house();
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&drawers[i].thread, NULL, draw_in_thread, &drawers[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(drawers[i].thread, NULL), 0);
        assert_ok(buf_put(&said, SPAN_OF(drawers[i].said)));
    }
    expect_distinct(&said, THREADS);
}

/* ---- row 17 ---- */

static const struct session_limits loose = { UINT64_MAX, UINT64_MAX, INT64_MAX / 4 };

static void row_17_the_sequence_never_wraps(void **state)
{
    (void)state;
    static const uint8_t body[50];
    CLEANUP(clear_ends) struct ends e;
    enum record_kind kind = 0;
    open_ends(&e, &loose, &loose);
    e.a.send.sequence = e.b.receive.sequence = UINT64_MAX - 1;
    seal_number(&e.a, 1, 50, &e.wire);
    assert_ok(open_record(&e, &kind));
    assert_int_equal(e.a.send.sequence, 1);
    assert_int_equal(e.b.receive.sequence, 1);
    assert_int_equal(e.a.send.rekeys, 1);

    e.a.send.sequence = UINT64_MAX;
    assert_err(session_seal(&e.a, RECORD_SEND, SPAN_OF(body), &e.wire), MLT_ERR_STATE);
    assert_int_equal(e.wire.len, 0);
    assert_err(session_seal(&e.a, RECORD_SEND, SPAN_OF(body), &e.wire), MLT_ERR_STATE);
}

/* A peer that sealed the last number of all is not followed to 0. */
static void row_17_the_receiver_does_not_wrap_either(void **state)
{
    (void)state;
    CLEANUP(clear_ends) struct ends e;
    enum record_kind kind = 0;
    const uint8_t ping[] = { RECORD_PING };
    open_ends(&e, &loose, &loose);
    e.a.send.sequence = e.b.receive.sequence = UINT64_MAX;
    seal_raw(&e.a, FRAME_RECORD, SPAN_OF(ping), &e.wire);
    assert_err(open_record(&e, &kind), MLT_ERR_REKEY);
    assert_true(e.b.failed);
    assert_true(e.b.receive.sequence == UINT64_MAX);
}

/* Around 2^32, where a shorter counter would wrap. */
static void row_17_the_sequence_is_64_bits_wide(void **state)
{
    (void)state;
    CLEANUP(clear_ends) struct ends e;
    enum record_kind kind = 0;
    open_ends(&e, &loose, &loose);
    e.a.send.sequence = e.b.receive.sequence = UINT32_MAX;
    for (uint32_t i = 0; i < 3; i++) {
        seal_number(&e.a, i, 50, &e.wire);
        assert_ok(open_record(&e, &kind));
    }
    assert_true(e.b.receive.sequence == (uint64_t)UINT32_MAX + 3);
    /* As if it had wrapped. */
    e.b.receive.sequence = (uint32_t)e.a.send.sequence;
    seal_number(&e.a, 0, 50, &e.wire);
    assert_err(open_record(&e, &kind), MLT_ERR_AUTH);
}

/* The protocol's own limits, one below, at and beyond each. */
static void row_17_the_limits_of_the_protocol_lead_to_a_rekey(void **state)
{
    (void)state;
    const struct session_limits *limits = &session_default_limits;
    static const struct {
        uint64_t sequence, bytes;
        int64_t age_ms;
        bool rekeys;
    } rows[] = {
        { LIMIT_REKEY_RECORDS - 2, 0, 0, false },
        { LIMIT_REKEY_RECORDS - 1, 0, 0, true },
        { 1, LIMIT_REKEY_BYTES - 51, 0, false },
        { 1, LIMIT_REKEY_BYTES - 50, 0, true },
        { 1, UINT32_MAX, 0, true },
        { 1, 0, LIMIT_REKEY_MS - 1, false },
        { 1, 0, LIMIT_REKEY_MS, true },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(clear_ends) struct ends e;
        enum record_kind kind = 0;
        int64_t now = clock_env.mono_ms;
        open_ends(&e, limits, limits);
        e.a.send.sequence = e.b.receive.sequence = rows[i].sequence;
        e.a.send.bytes = e.b.receive.bytes = rows[i].bytes;
        clock_env.mono_ms += rows[i].age_ms;
        seal_number(&e.a, 7, 50, &e.wire);
        assert_ok(open_record(&e, &kind));
        clock_env.mono_ms = now;
        assert_int_equal(number_of(&e.plain), 7);
        assert_int_equal(e.a.send.rekeys, rows[i].rekeys);
        assert_int_equal(e.b.receive.rekeys, rows[i].rekeys);
        assert_true(e.a.send.sequence == (rows[i].rekeys ? 1 : rows[i].sequence + 1));
    }
}

/* A sender that does not rekey: the receiver ends it at the limit, whatever it is. */
static void row_17_beyond_the_limits_the_receiver_ends_the_session(void **state)
{
    (void)state;
    static const struct {
        uint64_t sequence, bytes;
        enum mlt_err wanted;
    } rows[] = {
        { LIMIT_REKEY_RECORDS - 1, 0, MLT_OK },
        { LIMIT_REKEY_RECORDS, 0, MLT_ERR_REKEY },
        { UINT32_MAX, 0, MLT_ERR_REKEY },
        { UINT64_MAX - 1, 0, MLT_ERR_REKEY },
        { 1, LIMIT_REKEY_BYTES + LIMIT_FRAME - 1, MLT_OK },
        { 1, LIMIT_REKEY_BYTES + LIMIT_FRAME, MLT_ERR_REKEY },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CLEANUP(clear_ends) struct ends e;
        enum record_kind kind = 0;
        const uint8_t ping[] = { RECORD_PING };
        open_ends(&e, &loose, &session_default_limits);
        e.a.send.sequence = e.b.receive.sequence = rows[i].sequence;
        e.b.receive.bytes = rows[i].bytes;
        seal_raw(&e.a, FRAME_RECORD, SPAN_OF(ping), &e.wire);
        assert_err(open_record(&e, &kind), rows[i].wanted);
        assert_int_equal(e.b.failed, rows[i].wanted != MLT_OK);
    }
}

static int say_draw(void)
{
    uint8_t own[SAID];
    if (start_libraries(NULL) != 0)
        return 1;
    draw(own);
    return write(STDOUT_FILENO, own, sizeof(own)) == sizeof(own) ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--draw") == 0)
        return say_draw();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_15_no_counter_block_comes_twice_in_a_million_frames),
        cmocka_unit_test(row_15_no_keystream_block_ever_repeats),
        cmocka_unit_test(row_15_the_largest_record_stays_below_the_next_number),
        cmocka_unit_test(row_15_forked_processes_draw_other_values),
        cmocka_unit_test(row_15_restarted_processes_draw_other_values),
        cmocka_unit_test(row_15_threads_draw_other_values),
        cmocka_unit_test(row_17_the_sequence_never_wraps),
        cmocka_unit_test(row_17_the_receiver_does_not_wrap_either),
        cmocka_unit_test(row_17_the_sequence_is_64_bits_wide),
        cmocka_unit_test(row_17_the_limits_of_the_protocol_lead_to_a_rekey),
        cmocka_unit_test(row_17_beyond_the_limits_the_receiver_ends_the_session),
    };
    return cmocka_run_group_tests_name("session_numbers", tests, start_libraries, NULL);
}
