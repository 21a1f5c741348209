/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/server_hello.h"

#include "base/limits.h"

enum mlt_err server_hello_decode(struct span src, struct server_hello *hello)
{
    struct wire_in in = wire_in(src);
    struct server_hello got = { 0 };
    uint16_t version = wire_get_u16(&in);
    wire_require(&in, version == WIRE_VERSION, MLT_ERR_VERSION);
    wire_get_bytes(&in, got.random, SERVER_HELLO_RANDOM);
    got.p = wire_get_vec16(&in, LIMIT_DH_MIN, LIMIT_DH_MAX);
    got.g = wire_get_vec16(&in, 1, 1);
    typed_list_get(&in, &got.list);
    TRY(wire_in_end(&in));

    *hello = got;
    return MLT_OK;
}

enum mlt_err server_hello_encode(const struct server_hello *hello, struct buf *out)
{
    struct wire_out w = wire_out(out);
    wire_put_u16(&w, WIRE_VERSION);
    wire_put_bytes(&w, SPAN_OF(hello->random));
    wire_put_vec16(&w, hello->p, LIMIT_DH_MIN, LIMIT_DH_MAX);
    wire_put_vec16(&w, hello->g, 1, 1);
    typed_list_put(&w, &hello->list);
    return wire_out_end(&w);
}
