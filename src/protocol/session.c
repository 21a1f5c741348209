/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/session.h"

#include <string.h>

#include "base/limits.h"
#include "protocol/schedule.h"
#include "wire/frame.h"

const struct session_limits session_default_limits = {
    .rekey_records = LIMIT_REKEY_RECORDS,
    .rekey_bytes = LIMIT_REKEY_BYTES,
    .rekey_ms = LIMIT_REKEY_MS,
};

static const size_t sealed_alert = 1 + ETM_TAG;

static enum mlt_err start_direction(struct session_direction *d, const struct session *s,
                                    struct secret *traffic)
{
    TRY(etm_init(&d->etm, traffic));
    secret_move(&d->traffic, traffic);
    d->since_ms = env_mono_ms(s->env);
    return MLT_OK;
}

enum mlt_err session_init(struct session *s, const struct env *env,
                          const struct session_limits *limits, struct secret *send,
                          struct secret *receive)
{
    /* One record is the rekey's own, one has to be of use. */
    ENSURE(limits->rekey_records >= 2 && limits->rekey_ms > 0, MLT_ERR_USAGE);
    CLEANUP(session_clear) struct session made = { .env = env, .limits = *limits };
    TRY(start_direction(&made.send, &made, send));
    TRY(start_direction(&made.receive, &made, receive));
    *s = made;
    made = (struct session) { 0 };
    return MLT_OK;
}

static void clear_direction(struct session_direction *d)
{
    secret_clear(&d->traffic);
    etm_clear(&d->etm);
}

void session_clear(struct session *s)
{
    clear_direction(&s->send);
    clear_direction(&s->receive);
    *s = (struct session) { 0 };
}

/* PROTOCOL.md 6: the next secret, and with it sequence 0; the old one is gone. */
static enum mlt_err rekey(struct session *s, struct session_direction *d)
{
    TRY(schedule_next(&d->traffic));
    TRY(etm_init(&d->etm, &d->traffic));
    d->sequence = 0;
    d->bytes = 0;
    d->since_ms = env_mono_ms(s->env);
    d->rekeys++;
    return MLT_OK;
}

/* The plaintext goes where its ciphertext will stand: a record costs no memory of its own. */
static enum mlt_err put_frame(struct session *s, enum frame_type type, uint8_t first,
                              struct span rest, struct buf *out)
{
    struct session_direction *d = &s->send;
    uint8_t header[FRAME_HEADER];
    size_t before = out->len;
    size_t plain = 1 + rest.n;
    TRY(buf_reserve(out, FRAME_HEADER + plain + ETM_TAG));
    TRY(frame_put_header(out, type, plain + ETM_TAG));
    memcpy(header, out->p + before, sizeof(header));
    TRY(buf_put_u8(out, first));
    TRY(buf_put(out, rest));
    TRY(etm_seal_tail(&d->etm, d->sequence, SPAN_OF(header), before + FRAME_HEADER, out));
    d->sequence++;
    d->bytes += plain;
    return MLT_OK;
}

/* Frames and seals under the next number; what fails here ends the sending. */
static enum mlt_err put_sealed(struct session *s, enum frame_type type, uint8_t first,
                               struct span rest, struct buf *out)
{
    size_t before = out->len;
    ENSURE(s->send.sequence < UINT64_MAX, MLT_ERR_STATE);
    enum mlt_err err = put_frame(s, type, first, rest, out);
    if (err != MLT_OK)
        buf_cut(out, before);
    return err;
}

/* The last number under a key is kept for the rekey record itself. */
static bool is_rekey_due(const struct session *s, size_t n)
{
    const struct session_direction *d = &s->send;
    bool too_many = d->sequence >= s->limits.rekey_records - 1;
    bool too_much = d->bytes > 0 && d->bytes + n > s->limits.rekey_bytes;
    bool too_old = env_mono_ms(s->env) - d->since_ms >= s->limits.rekey_ms;
    return too_many || too_much || too_old;
}

static enum mlt_err put_record(struct session *s, enum record_kind kind, struct span body,
                               struct buf *out)
{
    if (is_rekey_due(s, 1 + body.n)) {
        TRY(put_sealed(s, FRAME_RECORD, RECORD_REKEY, span_of(NULL, 0), out));
        TRY(rekey(s, &s->send));
    }
    return put_sealed(s, FRAME_RECORD, (uint8_t)kind, body, out);
}

static bool can_send(const struct session *s)
{
    return s->env != NULL && !s->send_closed && !s->failed;
}

enum mlt_err session_seal(struct session *s, enum record_kind kind, struct span body,
                          struct buf *out)
{
    ENSURE(can_send(s), MLT_ERR_STATE);
    ENSURE(kind != RECORD_REKEY && kind != RECORD_CLOSE, MLT_ERR_STATE);
    ENSURE(record_kind_check(kind, body.n) == MLT_OK, MLT_ERR_STATE);
    enum mlt_err err = put_record(s, kind, body, out);
    if (err != MLT_OK)
        s->failed = true;
    return err;
}

enum mlt_err session_close(struct session *s, enum close_reason reason, struct buf *out)
{
    ENSURE(can_send(s), MLT_ERR_STATE);
    CLEANUP(buf_clear) struct buf body = { 0 };
    TRY(close_encode(reason, &body));
    s->send_closed = true;
    return put_record(s, RECORD_CLOSE, buf_span(&body), out);
}

void session_abort(struct session *s, enum alert alert, struct buf *out)
{
    bool speaks = can_send(s) && alert != ALERT_NONE;
    s->send_closed = true;
    s->failed = true;
    /* Best effort: the session ends either way. */
    if (speaks && put_sealed(s, FRAME_ALERT, (uint8_t)alert, span_of(NULL, 0), out) != MLT_OK)
        return;
}

/* PROTOCOL.md 6: the peer rekeys in time, or is not believed any longer. */
static enum mlt_err check_limits(const struct session *s, size_t n)
{
    const struct session_direction *d = &s->receive;
    ENSURE(d->sequence < s->limits.rekey_records, MLT_ERR_REKEY);
    uint64_t frame = LIMIT_FRAME;
    uint64_t most =
        s->limits.rekey_bytes < UINT64_MAX - frame ? s->limits.rekey_bytes + frame : UINT64_MAX;
    ENSURE(d->bytes + n <= most, MLT_ERR_REKEY);
    int64_t overdue = env_mono_ms(s->env) - d->since_ms - s->limits.rekey_ms;
    ENSURE(overdue <= s->limits.rekey_ms, MLT_ERR_REKEY);
    return MLT_OK;
}

static enum mlt_err take_alert(struct session *s, struct span code)
{
    enum alert alert = ALERT_NONE;
    ENSURE(code.n == 1, MLT_ERR_RANGE);
    TRY(alert_decode(code.p[0], &alert));
    s->peer_alert = alert;
    return MLT_ERR_ALERT;
}

static enum mlt_err take_record(struct session *s, enum record_kind *kind, struct buf *plain)
{
    uint8_t got = plain->len > 0 ? plain->p[0] : 0;
    buf_drop(plain, 1);
    TRY(record_kind_check(got, plain->len));
    switch (got) {
    case RECORD_REKEY:
        return rekey(s, &s->receive);
    case RECORD_CLOSE:
        TRY(close_decode(buf_span(plain), &s->close_reason));
        s->receive_closed = true;
        return MLT_OK;
    default:
        *kind = (enum record_kind)got;
        return MLT_OK;
    }
}

static enum mlt_err open_frame(struct session *s, const struct frame *frame, enum record_kind *kind,
                               struct buf *plain)
{
    struct session_direction *d = &s->receive;
    TRY(etm_open(&d->etm, d->sequence, frame->header, frame->body, plain));
    TRY(check_limits(s, plain->len));
    d->sequence++;
    d->bytes += plain->len;
    if (frame->type == FRAME_ALERT)
        return take_alert(s, buf_span(plain));
    return take_record(s, kind, plain);
}

/* An alert in the clear, or of another length, is as wrong as any other frame. */
static enum mlt_err check_frame(const struct session *s, struct span in)
{
    ENSURE(!s->receive_closed, MLT_ERR_UNEXPECTED);
    ENSURE(in.p[0] == FRAME_RECORD || in.p[0] == FRAME_ALERT, MLT_ERR_UNEXPECTED);
    if (in.p[0] == FRAME_ALERT && in.n >= FRAME_HEADER)
        ENSURE(in.p[1] == 0 && in.p[2] == 0 && in.p[3] == sealed_alert, MLT_ERR_UNEXPECTED);
    return MLT_OK;
}

static enum mlt_err take_frame(struct session *s, struct span in, size_t *used,
                               enum record_kind *kind, struct buf *plain)
{
    struct frame frame = { 0 };
    bool complete = false;
    if (in.n == 0)
        return MLT_OK;
    TRY(check_frame(s, in));
    TRY(frame_decode(in, &frame, &complete));
    if (!complete)
        return MLT_OK;
    TRY(open_frame(s, &frame, kind, plain));
    *used = frame.size;
    return MLT_OK;
}

enum mlt_err session_open(struct session *s, struct span in, size_t *used, enum record_kind *kind,
                          struct buf *plain, struct buf *out)
{
    ENSURE(s->env != NULL && !s->failed, MLT_ERR_STATE);
    size_t taken = 0;
    enum record_kind got = 0;
    buf_reset(plain);
    enum mlt_err err = take_frame(s, in, &taken, &got, plain);
    if (err != MLT_OK) {
        buf_reset(plain);
        session_abort(s, alert_of_err(err), out);
        return err;
    }
    if (got == 0)
        buf_reset(plain);
    *used = taken;
    *kind = got;
    return MLT_OK;
}

enum mlt_err session_end(const struct session *s, struct span left)
{
    ENSURE(s->receive_closed && !s->failed && left.n == 0, MLT_ERR_CUT);
    return MLT_OK;
}
