/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "crypto/crypto.h"
#include "pair.h"
#include "wire/cursor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define must(cond)                                                                                 \
    do {                                                                                           \
        if (!(cond))                                                                               \
            abort();                                                                               \
    } while (0)

static struct pair_env clock_env;
static const struct session_limits limits = { 8, 4000, 1000 };

static void start_once(void)
{
    static bool started;
    bool locked;
    if (started)
        return;
    pair_env_start(&clock_env);
    must(secret_start(&locked) == MLT_OK && crypto_start() == MLT_OK);
    started = true;
}

static void open_session(struct session *s, const char *send, const char *receive)
{
    struct secret out = { 0 }, in = { 0 };
    must(secret_copy(&out, span_str(send)) == MLT_OK);
    must(secret_copy(&in, span_str(receive)) == MLT_OK);
    must(session_init(s, &clock_env.env, &limits, &out, &in) == MLT_OK);
}

/* Frames sealed by the rightful keys: type, u16 length, plaintext; sequence as the peer expects. */
static void seal_all(struct session *s, struct span plan, struct buf *wire)
{
    struct wire_in in = wire_in(plan);
    for (;;) {
        CLEANUP(buf_clear) struct buf header = { 0 };
        uint8_t type = wire_get_u8(&in);
        struct span plain = wire_get_vec16(&in, 0, 65535);
        if (in.err != MLT_OK)
            return;
        struct wire_out w = wire_out(&header);
        wire_put_u8(&w, type % 2 == 0 ? FRAME_RECORD : FRAME_ALERT);
        wire_put_u24(&w, (uint32_t)(plain.n + ETM_TAG));
        must(wire_out_end(&w) == MLT_OK && buf_put(wire, buf_span(&header)) == MLT_OK);
        must(etm_seal(&s->send.etm, s->send.sequence++, buf_span(&header), plain, wire) == MLT_OK);
    }
}

/* Whatever comes, it ends: opened, incomplete, or one error and then nothing more. */
static void open_all(struct session *s, struct span left)
{
    CLEANUP(buf_clear) struct buf plain = { 0 };
    CLEANUP(buf_clear) struct buf out = { 0 };
    enum mlt_err err = MLT_OK;
    size_t used = 1;
    enum record_kind kind = 0;
    while (err == MLT_OK && used > 0) {
        used = 0;
        err = session_open(s, left, &used, &kind, &plain, &out);
        if (err == MLT_OK && kind != 0 && used > 0)
            must(record_kind_check(kind, plain.len) == MLT_OK);
        left = span_from(left, used);
    }
    if (err == MLT_OK)
        return;
    must(s->failed && plain.len == 0 && err_fault(err) == FAULT_PEER);
    must((err == MLT_ERR_ALERT) == (out.len == 0));
    must(session_open(s, left, &used, &kind, &plain, &out) == MLT_ERR_STATE);
}

/* First byte: bytes as they are, or plaintext to be sealed first. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    CLEANUP(session_clear) struct session a = { 0 };
    CLEANUP(session_clear) struct session b = { 0 };
    CLEANUP(buf_clear) struct buf wire = { 0 };
    start_once();
    if (n < 1)
        return 0;
    open_session(&a, "secret a", "secret b");
    open_session(&b, "secret b", "secret a");
    struct span rest = span_of(data + 1, n - 1);
    if (data[0] % 2 == 0) {
        open_all(&b, rest);
        return 0;
    }
    seal_all(&a, rest, &wire);
    open_all(&b, buf_span(&wire));
    return 0;
}
