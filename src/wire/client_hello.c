/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/client_hello.h"

#include "base/limits.h"

enum mlt_err client_hello_decode(struct span src, size_t dh_size, struct client_hello *hello)
{
    struct wire_in in = wire_in(src);
    struct client_hello got = { 0 };
    wire_get_bytes(&in, got.random, CLIENT_HELLO_RANDOM);
    got.dh_public = wire_get_vec16(&in, dh_size, dh_size);
    typed_list_get(&in, &got.list);
    TRY(wire_in_end(&in));

    *hello = got;
    return MLT_OK;
}

enum mlt_err client_hello_encode(const struct client_hello *hello, struct buf *out)
{
    struct wire_out w = wire_out(out);
    wire_put_bytes(&w, SPAN_OF(hello->random));
    wire_put_vec16(&w, hello->dh_public, LIMIT_DH_MIN, LIMIT_DH_MAX);
    typed_list_put(&w, &hello->list);
    return wire_out_end(&w);
}
