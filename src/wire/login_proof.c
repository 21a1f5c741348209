/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/login_proof.h"

#include "base/limits.h"
#include "wire/frame.h"

/* What a seal adds: its tag.  PROTOCOL.md 3.1 */
static const size_t tag = 32;

/* A whole frame of this type at the cursor; its body. */
static struct span get_frame(struct wire_in *in, enum frame_type type)
{
    struct frame frame = { 0 };
    bool complete = false;
    if (in->err == MLT_OK)
        in->err = frame_decode(in->rest, &frame, &complete);
    wire_require(in, complete, MLT_ERR_TRUNCATED);
    wire_require(in, frame.type == type, MLT_ERR_UNEXPECTED);
    if (in->err == MLT_OK)
        wire_get_span(in, frame.size);
    return frame.body;
}

/* A header alone, whose body is not here as it was sent: the length it tells. */
static size_t get_header(struct wire_in *in, enum frame_type type)
{
    struct frame frame = { 0 };
    bool complete = false;
    if (in->err == MLT_OK)
        in->err = frame_decode(in->rest, &frame, &complete); /* type and bounds */
    unsigned first = wire_get_u8(in);
    wire_require(in, first == type, MLT_ERR_UNEXPECTED);
    return wire_get_u24(in);
}

static void get_hellos(struct wire_in *in, struct login_proof *proof)
{
    struct span body = get_frame(in, FRAME_SERVER_HELLO);
    if (in->err == MLT_OK)
        in->err = server_hello_decode(body, &proof->server_hello);
    body = get_frame(in, FRAME_CLIENT_HELLO);
    if (in->err == MLT_OK)
        in->err = client_hello_decode(body, proof->server_hello.p.n, &proof->client_hello);
}

static void get_server_auth(struct wire_in *in, struct login_proof *proof)
{
    size_t n = get_header(in, FRAME_SERVER_AUTH);
    size_t before = in->rest.n;
    wire_get_vec16(in, proof->server_hello.p.n, proof->server_hello.p.n);
    server_auth_get_body(in, &proof->server_auth);
    wire_get_vec16(in, LIMIT_SIGNATURE_MIN, LIMIT_SIGNATURE);
    wire_get_span(in, SERVER_AUTH_FINISHED);
    wire_require(in, n == before - in->rest.n + tag, MLT_ERR_RANGE);
}

static void get_client_auth(struct wire_in *in, struct login_proof *proof)
{
    get_header(in, FRAME_CLIENT_AUTH); /* of one length only */
    client_auth_get_body(in, &proof->client_auth);
    wire_require(in, proof->client_auth.kind != CLIENT_AUTH_ENROL, MLT_ERR_UNEXPECTED);
}

enum mlt_err login_proof_decode(struct span transcript, struct login_proof *proof)
{
    ENSURE(transcript.n <= LIMIT_TRANSCRIPT, MLT_ERR_RANGE);
    struct wire_in in = wire_in(transcript);
    struct login_proof got = { 0 };
    get_hellos(&in, &got);
    get_server_auth(&in, &got);
    get_client_auth(&in, &got);
    TRY(wire_in_end(&in));

    *proof = got;
    return MLT_OK;
}
