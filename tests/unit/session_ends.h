/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_UNIT_SESSION_ENDS_H
#define MALOTE_TESTS_UNIT_SESSION_ENDS_H

#include "test_base.h"

#include <sys/prctl.h>

#include "crypto/crypto.h"
#include "pair.h"
#include "wire/cursor.h"

/* Two ends with the secrets a handshake would have left. */
struct ends {
    struct session a, b;
    struct buf wire; /* from a to b */
    struct buf back; /* alerts from b */
    struct buf plain;
};

static struct pair_env clock_env;

static inline int start_libraries(void **state)
{
    (void)state;
    bool locked;
    pair_env_start(&clock_env);
    if (secret_start(&locked) != MLT_OK || crypto_start() != MLT_OK)
        return -1;
    return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static inline void open_one(struct session *s, const struct session_limits *limits,
                            const char *send, const char *receive)
{
    struct secret out = { 0 };
    struct secret in = { 0 };
    assert_ok(secret_copy(&out, span_str(send)));
    assert_ok(secret_copy(&in, span_str(receive)));
    assert_ok(session_init(s, &clock_env.env, limits, &out, &in));
}

static const char a_secret[] = "the traffic secret of direction a";
static const char b_secret[] = "the traffic secret of direction b";

static inline void open_ends(struct ends *e, const struct session_limits *of_a,
                             const struct session_limits *of_b)
{
    *e = (struct ends) { 0 };
    open_one(&e->a, of_a, a_secret, b_secret);
    open_one(&e->b, of_b, b_secret, a_secret);
}

static inline void clear_ends(struct ends *e)
{
    session_clear(&e->a);
    session_clear(&e->b);
    buf_clear(&e->wire);
    buf_clear(&e->back);
    buf_clear(&e->plain);
}

static inline enum mlt_err open_next(struct ends *e, enum record_kind *kind)
{
    size_t used = 0;
    enum record_kind got = 0;
    TRY(session_open(&e->b, buf_span(&e->wire), &used, &got, &e->plain, &e->back));
    buf_drop(&e->wire, used);
    *kind = got;
    return used > 0 ? MLT_OK : MLT_ERR_TRUNCATED;
}

/* The next record that is not the session's own. */
static inline enum mlt_err open_record(struct ends *e, enum record_kind *kind)
{
    do
        TRY(open_next(e, kind));
    while (*kind == 0 && e->wire.len > 0);
    return MLT_OK;
}

/* A body of the least size of a SEND that tells its number. */
static inline void seal_number(struct session *s, uint32_t number, size_t n, struct buf *out)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    uint8_t *at = NULL;
    assert_ok(buf_extend(&body, n, &at));
    at[0] = (uint8_t)(number >> 8);
    at[1] = (uint8_t)number;
    assert_ok(session_seal(s, RECORD_SEND, buf_span(&body), out));
}

static inline uint32_t number_of(const struct buf *plain)
{
    return (uint32_t)plain->p[0] << 8 | plain->p[1];
}

/* A frame sealed by the other end's rightful keys, whatever it says. */
static inline void seal_raw(struct session *s, enum frame_type type, struct span plain,
                            struct buf *out)
{
    CLEANUP(buf_clear) struct buf header = { 0 };
    CLEANUP(buf_clear) struct buf sealed = { 0 };
    struct wire_out w = wire_out(&header);
    wire_put_u8(&w, (uint8_t)type);
    wire_put_u24(&w, (uint32_t)(plain.n + ETM_TAG));
    assert_ok(wire_out_end(&w));
    assert_ok(etm_seal(&s->send.etm, s->send.sequence++, buf_span(&header), plain, &sealed));
    assert_ok(buf_put(out, buf_span(&header)));
    assert_ok(buf_put(out, buf_span(&sealed)));
}

#endif
