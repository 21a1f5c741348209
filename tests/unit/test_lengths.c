/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "ipc/admin.h"
#include "ipc/channel.h"
#include "ipc/messages.h"
#include "pair.h"
#include "wire/envelope.h"
#include "wire/join_url.h"
#include "wire/server_auth.h"
#include "wire/server_hello.h"
#include "wire/typed_list.h"
#include "wire/client_hello.h"
#include "wire/welcome.h"

/*
 * Row 17: lengths at which a narrower type would wrap into a legal one.  The bytes are an empty
 * mapping of a little more than 4 GiB that nobody may have to read: what is too long is refused
 * by its length, before a byte of it is copied.
 */

/* A refusal by malloc is one too: let the sanitizer's report it and not end us. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static const size_t mapped = (1ull << 32) + (1 << 20);
static uint8_t *nothing;

static int map(void **state)
{
    (void)state;
    nothing = mmap(NULL, mapped, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return nothing == MAP_FAILED ? -1 : 0;
}

static int unmap(void **state)
{
    (void)state;
    return munmap(nothing, mapped);
}

/* 2^8, 2^16, 2^24, 2^31, 2^32, each with a legal little more: what is left if it wraps. */
static const size_t wraps[] = { 1ull << 8, 1ull << 16, 1ull << 24, 1ull << 31, 1ull << 32 };

/* ---- vectors ---- */

static void row_17_no_vector_takes_a_length_that_wraps(void **state)
{
    (void)state;
    static const struct {
        void (*put)(struct wire_out *out, struct span s, size_t min, size_t max);
        size_t most;
    } vectors[] = {
        { wire_put_vec8, UINT8_MAX },
        { wire_put_vec16, UINT16_MAX },
        { wire_put_vec24, (1 << 24) - 1 },
    };
    for (size_t i = 0; i < COUNT_OF(vectors); i++) {
        for (size_t k = 0; k < COUNT_OF(wraps); k++) {
            CLEANUP(buf_clear) struct buf out = { 0 };
            struct wire_out w = wire_out(&out);
            if (wraps[k] + 5 <= vectors[i].most)
                continue;
            /* The caller's own maximum may be wrong: the prefix decides. */
            vectors[i].put(&w, span_of(nothing, wraps[k] + 5), 0, SIZE_MAX);
            assert_err(wire_out_end(&w), MLT_ERR_RANGE);
            assert_int_equal(out.len, 0);
        }
    }
}

static void row_17_a_u24_is_not_cut_down(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf out = { 0 };
    struct wire_out w = wire_out(&out);
    wire_put_u24(&w, 1u << 24);
    assert_err(wire_out_end(&w), MLT_ERR_RANGE);
    assert_int_equal(out.len, 0);
}

static void row_17_a_typed_list_takes_no_value_that_wraps(void **state)
{
    (void)state;
    for (size_t k = 1; k < COUNT_OF(wraps); k++) {
        CLEANUP(buf_clear) struct buf out = { 0 };
        const struct typed_entry entry = { .type = 1, .value = span_of(nothing, wraps[k] + 5) };
        assert_err(typed_list_add(&out, &entry), MLT_ERR_RANGE);
        assert_in_range(out.len, 0, 4); /* no more than its type and length */
    }
}

/* ---- frames and records ---- */

static void row_17_no_frame_takes_a_length_that_wraps(void **state)
{
    (void)state;
    static const enum frame_type types[] = { FRAME_SERVER_HELLO, FRAME_CLIENT_HELLO,
                                             FRAME_SERVER_AUTH,  FRAME_CLIENT_AUTH,
                                             FRAME_ALERT,        FRAME_RECORD };
    static const size_t legal[] = { 300, 300, 2000, 8224, 33, 100 };
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        CLEANUP(buf_clear) struct buf out = { 0 };
        assert_ok(frame_put_header(&out, types[i], legal[i]));
        buf_reset(&out);
        for (size_t k = 2; k < COUNT_OF(wraps); k++)
            assert_err(frame_put_header(&out, types[i], wraps[k] + legal[i]), MLT_ERR_RANGE);
        assert_err(frame_put_header(&out, types[i], SIZE_MAX), MLT_ERR_RANGE);
        assert_int_equal(out.len, 0);
    }
}

/* What waits behind a frame does not count for it, however much it is. */
static void row_17_a_frame_before_four_gigabytes_is_read_as_it_stands(void **state)
{
    (void)state;
    const uint8_t header[] = { FRAME_ALERT, 0, 0, 1 };
    uint8_t *start = nothing;
    assert_int_equal(mprotect(start, 4096, PROT_READ | PROT_WRITE), 0);
    memcpy(start, header, sizeof(header));
    for (size_t k = 2; k < COUNT_OF(wraps); k++) {
        for (size_t more = 0; more < 8; more++) {
            struct frame frame = { 0 };
            bool complete = false;
            assert_ok(frame_decode(span_of(start, wraps[k] + more), &frame, &complete));
            assert_true(complete);
            assert_int_equal(frame.size, 5);
        }
    }
    memset(start, 0, sizeof(header));
}

static void row_17_no_record_takes_a_body_that_wraps(void **state)
{
    (void)state;
    struct pair_env clock;
    struct session s;
    struct secret out = { 0 }, in = { 0 };
    CLEANUP(buf_clear) struct buf wire = { 0 };
    (void)pair_house();
    pair_env_start(&clock);
    assert_ok(secret_copy(&out, span_str("one direction of traffic")));
    assert_ok(secret_copy(&in, span_str("the other direction of traffic")));
    assert_ok(session_init(&s, &clock.env, &session_default_limits, &out, &in));
    for (size_t k = 1; k < COUNT_OF(wraps); k++) {
        for (unsigned kind = 0; kind < 12; kind++) {
            size_t n = wraps[k] + (kind == RECORD_SEND || kind == RECORD_DELIVER ? 60000 : 0);
            if (record_kind_check(kind, n) == MLT_OK)
                fail_msg("kind %u takes %zu bytes", kind, n);
            assert_err(session_seal(&s, (enum record_kind)kind, span_of(nothing, n), &wire),
                       MLT_ERR_STATE);
        }
    }
    assert_int_equal(wire.len, 0);
    assert_int_equal(s.send.sequence, 0);
    session_clear(&s);
}

/* ---- messages ---- */

static struct buf encoded;

static enum mlt_err encode_envelope(struct span s)
{
    struct envelope e = { .recipient.kind = ADDRESS_USER, .number = 1, .body = s };
    TRY(name_parse(span_str("maria"), &e.recipient.name));
    e.body_kind = BODY_PLAIN;
    return envelope_encode_send(&e, &encoded);
}

static enum mlt_err encode_welcome(struct span s)
{
    const struct welcome w = { .result = WELCOME_ISSUED, .certificate = s };
    return welcome_encode(&w, &encoded);
}

static enum mlt_err encode_server_auth(struct span s)
{
    const struct server_auth a = { .ca_certificate = s, .certificate = s };
    return server_auth_encode_body(&a, &encoded);
}

static enum mlt_err join_server_auth(struct span s)
{
    const struct server_auth_parts parts = { .body = span_of(nothing, 100),
                                             .signature = s,
                                             .finished = span_of(nothing, 32) };
    return server_auth_join(&parts, &encoded);
}

static enum mlt_err encode_client_auth(struct span s)
{
    const struct client_auth a = { .kind = CLIENT_AUTH_RECEIVE, .certificate = s };
    return client_auth_encode_body(&a, &encoded);
}

static enum mlt_err join_client_auth(struct span s)
{
    const struct client_auth_parts parts = { .body = span_of(nothing, 100),
                                             .signature = s,
                                             .finished = span_of(nothing, 32) };
    return client_auth_join(&parts, &encoded);
}

static enum mlt_err encode_client_hello(struct span s)
{
    const struct client_hello hello = { .dh_public = s };
    return client_hello_encode(&hello, &encoded);
}

static enum mlt_err encode_server_hello(struct span s)
{
    const struct server_hello hello = { .p = s, .g = span_of(nothing, 1) };
    return server_hello_encode(&hello, &encoded);
}

static enum mlt_err encode_ca_failed(struct span s)
{
    const struct ipc_ca_failed m = { .err = MLT_ERR_RANGE, .text = s };
    return ipc_ca_failed_encode(&m, &encoded);
}

static enum mlt_err encode_ca_info(struct span s)
{
    const struct ipc_ca_info m = { s };
    return ipc_ca_info_encode(&m, &encoded);
}

static enum mlt_err encode_enrol(struct span s)
{
    struct ipc_enrol m = { .request = s };
    TRY(name_parse(span_str("maria"), &m.name));
    return ipc_enrol_encode(&m, &encoded);
}

static enum mlt_err encode_enrolled(struct span s)
{
    const struct ipc_enrolled m = { .result = WELCOME_ISSUED, .certificate = s };
    return ipc_enrolled_encode(&m, &encoded);
}

static enum mlt_err parse_name(struct span s)
{
    struct name name;
    return name_parse(s, &name);
}

static enum mlt_err parse_join_url(struct span s)
{
    struct join_url url;
    return join_url_parse(s, &url);
}

static void row_17_no_message_takes_a_field_that_wraps(void **state)
{
    (void)state;
    static const struct {
        enum mlt_err (*code)(struct span s);
        size_t legal; /* what it takes; what a wrapped length would look like */
    } rows[] = {
        { encode_envelope, 100 },
        { encode_welcome, 1000 },
        { encode_server_auth, 1000 },
        { join_server_auth, 256 },
        { encode_client_auth, 1000 },
        { join_client_auth, 256 },
        { encode_client_hello, 256 },
        { encode_server_hello, 256 },
        { encode_ca_failed, 100 },
        { encode_ca_info, 1000 },
        { encode_enrol, 1000 },
        { encode_enrolled, 1000 },
        { parse_name, 0 },
        { parse_join_url, 0 },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        bool parses = rows[i].legal == 0;
        if (!parses && rows[i].code(span_of(nothing, rows[i].legal)) != MLT_OK)
            fail_msg("row %zu takes nothing at all", i);
        buf_reset(&encoded);
        /* 2^24 for an envelope, 2^16 for the rest, and beyond. */
        for (size_t k = 1; k < COUNT_OF(wraps); k++) {
            enum mlt_err err = rows[i].code(span_of(nothing, wraps[k] + rows[i].legal));
            if (err == MLT_OK || err == MLT_ERR_NOMEM)
                fail_msg("row %zu, %zu bytes: %s", i, wraps[k], err_name(err));
            assert_in_range(encoded.len, 0, 4096); /* what stood before the field, at most */
            buf_reset(&encoded);
        }
    }
    buf_clear(&encoded);
}

/* ---- our own processes ---- */

static void row_17_no_channel_takes_a_message_that_wraps(void **state)
{
    (void)state;
    int fds[2];
    struct channel ca, net;
    CLEANUP(buf_clear) struct buf packet = { 0 };
    assert_ok(channel_pair(fds));
    channel_init(&ca, fds[0], IPC_CA, IPC_NET);
    channel_init(&net, fds[1], IPC_NET, IPC_CA);
    for (size_t k = 1; k < COUNT_OF(wraps); k++)
        assert_err(channel_send(&ca, IPC_CA_INFO, 0, span_of(nothing, wraps[k] + 1000)),
                   MLT_ERR_RANGE);
    struct ipc_message message;
    bool got = true;
    assert_ok(channel_receive(&net, 0, &packet, &message, &got));
    assert_false(got);
    assert_ok(channel_send(&ca, IPC_CA_INFO, 0, span_of(nothing, 1000)));
    assert_ok(channel_receive(&net, 0, &packet, &message, &got));
    assert_true(got);
    channel_close(&ca);
    channel_close(&net);
}

/* ---- memory ---- */

static void row_17_a_buffer_does_not_grow_past_the_end_of_numbers(void **state)
{
    (void)state;
    static const size_t sizes[] = { SIZE_MAX,         SIZE_MAX - 1,     SIZE_MAX - 4,
                                    SIZE_MAX - 64,    SIZE_MAX / 2 + 1, SIZE_MAX / 2,
                                    SIZE_MAX / 2 - 5, (size_t)1 << 62,  (size_t)1 << 50 };
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        CLEANUP(buf_clear) struct buf b = { 0 };
        uint8_t *where = NULL;
        assert_ok(buf_put_str(&b, "hello"));
        assert_err(buf_reserve(&b, sizes[i]), MLT_ERR_NOMEM);
        assert_err(buf_extend(&b, sizes[i], &where), MLT_ERR_NOMEM);
        assert_null(where);
        assert_span_equal(buf_span(&b), span_str("hello"));
        struct secret s = { 0 };
        assert_err(secret_new(&s, sizes[i]), MLT_ERR_NOMEM);
        assert_null(s.p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_17_no_vector_takes_a_length_that_wraps),
        cmocka_unit_test(row_17_a_u24_is_not_cut_down),
        cmocka_unit_test(row_17_a_typed_list_takes_no_value_that_wraps),
        cmocka_unit_test(row_17_no_frame_takes_a_length_that_wraps),
        cmocka_unit_test(row_17_a_frame_before_four_gigabytes_is_read_as_it_stands),
        cmocka_unit_test(row_17_no_record_takes_a_body_that_wraps),
        cmocka_unit_test(row_17_no_message_takes_a_field_that_wraps),
        cmocka_unit_test(row_17_no_channel_takes_a_message_that_wraps),
        cmocka_unit_test(row_17_a_buffer_does_not_grow_past_the_end_of_numbers),
    };
    return cmocka_run_group_tests_name("lengths", tests, map, unmap);
}
