/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/handshake.h"

#include <string.h>

#include "base/alloc.h"
#include "protocol/actions.h"
#include "wire/frame.h"

static const size_t plain_alert = 1;
static const size_t sealed_alert = 1 + ETM_TAG;

static enum mlt_err new_handshake(enum hs_role role, enum hs_state state, struct handshake **out)
{
    CLEANUP(hs_free) struct handshake *hs = NULL;
    TRY(ALLOC_NEW(&hs));
    hs->role = role;
    memset(hs->id, '-', sizeof(hs->id) - 1);
    TRY(transcript_init(&hs->transcript));
    hs->state = state;
    *out = hs;
    hs = NULL;
    return MLT_OK;
}

enum mlt_err hs_server_new(const struct hs_server_config *config, struct handshake **hs)
{
    ENSURE(dh_group_size(config->group) > 0, MLT_ERR_GROUP);
    TRY(new_handshake(HS_SERVER, HS_STATE_START, hs));
    (*hs)->server = config;
    (*hs)->group = config->group;
    return MLT_OK;
}

enum mlt_err hs_client_new(const struct hs_client_config *config, struct handshake **hs)
{
    ENSURE(dh_group_size(config->min_group) > 0, MLT_ERR_GROUP);
    TRY(new_handshake(HS_CLIENT, HS_STATE_WAIT_SERVER_HELLO, hs));
    (*hs)->client = config;
    return MLT_OK;
}

void hs_free(struct handshake **hs)
{
    struct handshake *h = *hs;
    if (h == NULL)
        return;
    buf_clear(&h->out);
    dh_key_free(&h->ephemeral);
    buf_clear(&h->peer_public);
    transcript_clear(&h->transcript);
    schedule_clear(&h->schedule);
    etm_clear(&h->send.etm);
    etm_clear(&h->receive.etm);
    buf_clear(&h->in_clear);
    buf_clear(&h->received);
    hs_result_clear(&h->result);
    alloc_free_wiped(h, sizeof(*h));
    *hs = NULL;
}

/* The one way from state to state: FAILED first, the row's next only if its action succeeded. */
static enum mlt_err step(struct handshake *hs, enum hs_event event, const struct frame *frame)
{
    const struct hs_step *row = hs_step_find(hs->role, hs->state, event);
    hs->state = HS_STATE_FAILED;
    ENSURE(row != NULL, MLT_ERR_UNEXPECTED);
    TRY(row->action(hs, frame));
    hs->state = row->next;
    return MLT_OK;
}

static enum mlt_err put_alert(struct handshake *hs, enum alert alert, struct buf *out)
{
    const uint8_t code = (uint8_t)alert;
    const struct span plain = span_of(&code, 1);
    CLEANUP(buf_clear) struct buf frame = { 0 };
    TRY(frame_put_header(&frame, FRAME_ALERT, hs->send.on ? sealed_alert : plain_alert));
    if (hs->send.on) {
        CLEANUP(buf_clear) struct buf sealed = { 0 };
        TRY(hs_seal(hs, buf_span(&frame), plain, &sealed));
        TRY(buf_put(&frame, buf_span(&sealed)));
    } else {
        TRY(buf_put(&frame, plain));
    }
    return buf_put(out, buf_span(&frame));
}

void hs_abort(struct handshake *hs, enum alert alert, struct buf *out)
{
    bool speaks = alert != ALERT_NONE && !hs->alerted && hs->state != HS_STATE_OVER;
    hs->state = HS_STATE_FAILED;
    hs->alerted = true;
    hs->worked = false;
    buf_reset(&hs->out);
    /* Best effort: the connection ends either way. */
    if (speaks && put_alert(hs, alert, out) != MLT_OK)
        return;
}

/* Ends the handshake with the alert this error maps to; says the error on. */
static enum mlt_err fail(struct handshake *hs, enum mlt_err err, struct buf *out)
{
    hs_abort(hs, alert_of_err(err), out);
    return err;
}

static enum mlt_err finish(struct handshake *hs, enum mlt_err err, struct buf *out)
{
    if (err == MLT_OK)
        err = buf_put(out, buf_span(&hs->out));
    buf_reset(&hs->out);
    return err == MLT_OK ? MLT_OK : fail(hs, err, out);
}

enum hs_want hs_want(const struct handshake *hs)
{
    return hs_state_want(hs->state);
}

enum mlt_err hs_give_nonce(struct handshake *hs, const uint8_t nonce[static MAILBOX_NONCE])
{
    ENSURE(hs_step_find(hs->role, hs->state, HS_EVENT_BEGIN) != NULL, MLT_ERR_STATE);
    memcpy(hs->nonce, nonce, MAILBOX_NONCE);
    hs->has_nonce = true;
    transcript_keep(&hs->transcript);
    return MLT_OK;
}

enum mlt_err hs_begin(struct handshake *hs, struct buf *out)
{
    ENSURE(hs_step_find(hs->role, hs->state, HS_EVENT_BEGIN) != NULL, MLT_ERR_STATE);
    return finish(hs, step(hs, HS_EVENT_BEGIN, NULL), out);
}

/* The header alone tells the event, so what is not legal now is refused before its body. */
static enum mlt_err event_of(struct span header, enum hs_event *event)
{
    size_t body = (size_t)header.p[1] << 16 | (size_t)header.p[2] << 8 | header.p[3];
    switch ((enum frame_type)header.p[0]) {
    case FRAME_SERVER_HELLO:
        *event = HS_EVENT_SERVER_HELLO;
        return MLT_OK;
    case FRAME_CLIENT_HELLO:
        *event = HS_EVENT_CLIENT_HELLO;
        return MLT_OK;
    case FRAME_SERVER_AUTH:
        *event = HS_EVENT_SERVER_AUTH;
        return MLT_OK;
    case FRAME_CLIENT_AUTH:
        *event = HS_EVENT_CLIENT_AUTH;
        return MLT_OK;
    case FRAME_RECORD:
        *event = HS_EVENT_RECORD;
        return MLT_OK;
    case FRAME_ALERT:
        ENSURE(body == plain_alert || body == sealed_alert, MLT_ERR_RANGE);
        *event = body == plain_alert ? HS_EVENT_PLAIN_ALERT : HS_EVENT_SEALED_ALERT;
        return MLT_OK;
    }
    return MLT_ERR_UNEXPECTED;
}

static enum mlt_err take_frame(struct handshake *hs, struct span in, size_t *used)
{
    struct frame frame = { 0 };
    bool complete = false;
    enum hs_event event;
    TRY(frame_decode(in, &frame, &complete));
    if (in.n < FRAME_HEADER)
        return MLT_OK;
    TRY(event_of(in, &event));
    ENSURE(hs_step_find(hs->role, hs->state, event) != NULL, MLT_ERR_UNEXPECTED);
    /* The first record belongs to the session: it only tells that the handshake is over. */
    if (event == HS_EVENT_RECORD)
        return step(hs, event, NULL);
    if (!complete)
        return MLT_OK;
    TRY(step(hs, event, &frame));
    *used = frame.size;
    return MLT_OK;
}

enum mlt_err hs_input(struct handshake *hs, struct span in, size_t *used, struct buf *out)
{
    ENSURE(!hs->worked && hs_want(hs) == HS_WANT_INPUT, MLT_ERR_STATE);
    size_t taken = 0;
    TRY(finish(hs, take_frame(hs, in, &taken), out));
    *used = taken;
    return MLT_OK;
}

enum mlt_err hs_give_ephemeral(struct handshake *hs, EVP_PKEY **key)
{
    ENSURE(!hs->worked && hs->role == HS_SERVER, MLT_ERR_STATE);
    ENSURE(hs_step_find(hs->role, hs->state, HS_EVENT_GIVEN) != NULL, MLT_ERR_STATE);
    hs->ephemeral = *key;
    *key = NULL;
    return step(hs, HS_EVENT_GIVEN, NULL);
}

/* A verified ClientAuth leads on at once, by what it was. */
static enum mlt_err work_once(struct handshake *hs)
{
    TRY(step(hs, HS_EVENT_WORK, NULL));
    if (hs->state != HS_STATE_VERIFIED)
        return MLT_OK;
    bool enrols = hs->client_auth.kind == CLIENT_AUTH_ENROL;
    return step(hs, enrols ? HS_EVENT_ENROL : HS_EVENT_LOGIN, NULL);
}

void hs_work(struct handshake *hs)
{
    if (hs->verdict != MLT_OK || hs_step_find(hs->role, hs->state, HS_EVENT_WORK) == NULL)
        return;
    hs->verdict = work_once(hs);
    hs->worked = true;
}

enum mlt_err hs_worked(struct handshake *hs, struct buf *out)
{
    ENSURE(hs->worked, MLT_ERR_STATE);
    hs->worked = false;
    return finish(hs, hs->verdict, out);
}

const struct client_auth *hs_client_auth(const struct handshake *hs)
{
    return hs->client_verified ? &hs->client_auth : NULL;
}

enum mlt_err hs_issued(struct handshake *hs)
{
    ENSURE(hs_step_find(hs->role, hs->state, HS_EVENT_ISSUED) != NULL, MLT_ERR_STATE);
    return step(hs, HS_EVENT_ISSUED, NULL);
}

const char *hs_id(const struct handshake *hs)
{
    return hs->id;
}

enum alert hs_peer_alert(const struct handshake *hs)
{
    return hs->peer_alert;
}

enum mlt_err hs_take_result(struct handshake *hs, struct hs_result *result)
{
    ENSURE(!hs->worked, MLT_ERR_STATE);
    ENSURE(hs_step_find(hs->role, hs->state, HS_EVENT_TAKE) != NULL, MLT_ERR_STATE);
    TRY(step(hs, HS_EVENT_TAKE, NULL));
    *result = hs->result;
    hs->result = (struct hs_result) { 0 };
    return MLT_OK;
}

void hs_result_clear(struct hs_result *result)
{
    secret_clear(&result->send);
    secret_clear(&result->receive);
    cert_clear(&result->peer);
    cert_clear(&result->ca);
    buf_clear(&result->ca_der);
    buf_clear(&result->transcript);
    buf_clear(&result->signature);
    *result = (struct hs_result) { 0 };
}
