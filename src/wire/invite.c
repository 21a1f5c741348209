/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/invite.h"

#include "wire/cursor.h"

enum mlt_err invite_proof_input(const uint8_t ca_hash[static 32], const struct name *name,
                                struct span realm, const uint8_t client_hash[static 32],
                                struct buf *out)
{
    static const char context[] = "malote v1 invite"; /* its NUL is part of what is MACed */
    struct wire_out w = wire_out(out);
    wire_put_bytes(&w, SPAN_OF(context));
    wire_put_bytes(&w, span_of(ca_hash, 32));
    wire_put_vec8(&w, name_span(name), 1, LIMIT_NAME);
    wire_put_vec8(&w, realm, 1, LIMIT_REALM);
    wire_put_bytes(&w, span_of(client_hash, 32));
    return wire_out_end(&w);
}
