/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/actions.h"

/* The steps that client and server take alike. */

enum mlt_err hs_nothing(struct handshake *hs, const struct frame *frame)
{
    (void)hs;
    (void)frame;
    return MLT_OK;
}

enum mlt_err hs_make_ephemeral(struct handshake *hs, const struct frame *frame)
{
    (void)frame;
    return dh_key_new(hs->group, &hs->ephemeral);
}

static enum mlt_err take_alert(struct handshake *hs, struct span code)
{
    enum alert alert = ALERT_NONE;
    ENSURE(code.n == 1, MLT_ERR_RANGE);
    TRY(alert_decode(code.p[0], &alert));
    hs->peer_alert = alert;
    return MLT_ERR_ALERT;
}

enum mlt_err hs_take_plain_alert(struct handshake *hs, const struct frame *frame)
{
    return take_alert(hs, frame->body);
}

enum mlt_err hs_take_sealed_alert(struct handshake *hs, const struct frame *frame)
{
    CLEANUP(buf_clear) struct buf code = { 0 };
    TRY(hs_open(hs, frame->header, frame->body, &code));
    return take_alert(hs, buf_span(&code));
}

enum mlt_err hs_put_hello(struct handshake *hs, enum frame_type type, struct span body)
{
    CLEANUP(buf_clear) struct buf frame = { 0 };
    TRY(frame_put_header(&frame, type, body.n));
    TRY(buf_put(&frame, body));
    TRY(transcript_add(&hs->transcript, buf_span(&frame)));
    return buf_put(&hs->out, buf_span(&frame));
}

enum mlt_err hs_derive(struct handshake *hs)
{
    uint8_t th1[HASH_LEN];
    CLEANUP(secret_clear) struct secret z = { 0 };
    TRY(dh_derive(hs->ephemeral, hs->group, buf_span(&hs->peer_public), &z));
    dh_key_free(&hs->ephemeral);
    TRY(transcript_digest(&hs->transcript, th1));
    TRY(schedule_start(&hs->schedule, &z, th1));
    bool is_server = hs->role == HS_SERVER;
    TRY(etm_init(&hs->send.etm, is_server ? &hs->schedule.server : &hs->schedule.client));
    TRY(etm_init(&hs->receive.etm, is_server ? &hs->schedule.client : &hs->schedule.server));
    hs->receive.on = true;
    return MLT_OK;
}

enum mlt_err hs_check_finished(struct handshake *hs, const struct secret *of_peer,
                               struct span signature_field, struct span finished)
{
    uint8_t digest[HASH_LEN];
    uint8_t expected[HASH_LEN];
    TRY(transcript_add(&hs->transcript, signature_field));
    TRY(transcript_digest(&hs->transcript, digest));
    TRY(schedule_finished(of_peer, digest, expected));
    ENSURE(secret_eq(SPAN_OF(expected), finished), MLT_ERR_AUTH);
    return transcript_add(&hs->transcript, finished);
}

enum mlt_err hs_derive_session(struct handshake *hs)
{
    uint8_t th2[HASH_LEN];
    bool is_server = hs->role == HS_SERVER;
    TRY(transcript_digest(&hs->transcript, th2));
    return schedule_session(&hs->schedule, th2, is_server ? &hs->result.receive : &hs->result.send,
                            is_server ? &hs->result.send : &hs->result.receive);
}

enum mlt_err hs_seal(struct handshake *hs, struct span header, struct span plain, struct buf *out)
{
    /* Taken even if sealing fails: a number is never tried twice. */
    uint64_t sequence = hs->send.sequence++;
    return etm_seal(&hs->send.etm, sequence, header, plain, out);
}

enum mlt_err hs_open(struct handshake *hs, struct span header, struct span sealed,
                     struct buf *plain)
{
    ENSURE(hs->receive.on, MLT_ERR_UNEXPECTED);
    uint64_t sequence = hs->receive.sequence++;
    return etm_open(&hs->receive.etm, sequence, header, sealed, plain);
}
