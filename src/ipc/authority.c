/* SPDX-License-Identifier: Apache-2.0 */
#include "base/limits.h"
#include "ipc/fields.h"
#include "ipc/messages.h"
#include "wire/ledger_proof.h"

/* The codecs of renewal, revocation and ledger: ipc.def 50 to 63. */

#define SEEN_BYTES (LIMIT_SEEN * (1 + LIMIT_NAME))

enum mlt_err ipc_renew_encode(const struct ipc_renew *m, struct buf *out)
{
    struct wire_out w = wire_out(out);
    wire_put_bytes(&w, SPAN_OF(m->serial));
    wire_put_vec16(&w, m->signature, LIMIT_SIGNATURE_MIN, LIMIT_SIGNATURE);
    wire_put_vec16(&w, m->certificate, 0, LIMIT_CERTIFICATE);
    return wire_out_end(&w);
}

enum mlt_err ipc_renew_decode(struct span src, struct ipc_renew *m)
{
    struct wire_in in = wire_in(src);
    struct ipc_renew got = { 0 };
    wire_get_bytes(&in, got.serial, sizeof(got.serial));
    got.signature = wire_get_vec16(&in, LIMIT_SIGNATURE_MIN, LIMIT_SIGNATURE);
    got.certificate = wire_get_vec16(&in, 0, LIMIT_CERTIFICATE);
    TRY(wire_in_end(&in));
    *m = got;
    return MLT_OK;
}

enum mlt_err ipc_crl_part_encode(const struct ipc_crl_part *m, struct buf *out)
{
    struct wire_out w = wire_out(out);
    wire_put_u64(&w, m->number);
    wire_put_u32(&w, m->offset);
    wire_put_u32(&w, m->total);
    wire_put_vec16(&w, m->bytes, 1, LIMIT_IPC_PART);
    return wire_out_end(&w);
}

enum mlt_err ipc_crl_part_decode(struct span src, struct ipc_crl_part *m)
{
    struct wire_in in = wire_in(src);
    struct ipc_crl_part got = { 0 };
    got.number = wire_get_u64(&in);
    got.offset = wire_get_u32(&in);
    got.total = wire_get_u32(&in);
    got.bytes = wire_get_vec16(&in, 1, LIMIT_IPC_PART);
    wire_require(&in, got.number > 0 && got.total <= LIMIT_CRL, MLT_ERR_RANGE);
    wire_require(&in, got.offset <= got.total && got.bytes.n <= got.total - got.offset,
                 MLT_ERR_RANGE);
    TRY(wire_in_end(&in));
    *m = got;
    return MLT_OK;
}

enum mlt_err ipc_crl_taken_encode(const struct ipc_crl_taken *m, struct buf *out)
{
    struct wire_out w = wire_out(out);
    wire_put_u64(&w, m->number);
    return wire_out_end(&w);
}

enum mlt_err ipc_crl_taken_decode(struct span src, struct ipc_crl_taken *m)
{
    struct wire_in in = wire_in(src);
    struct ipc_crl_taken got = { .number = wire_get_u64(&in) };
    TRY(wire_in_end(&in));
    *m = got;
    return MLT_OK;
}

enum mlt_err ipc_proof_wanted_encode(const struct ipc_proof_wanted *m, struct buf *out)
{
    struct wire_out w = wire_out(out);
    wire_put_u64(&w, m->epoch);
    wire_put_u64(&w, m->from);
    wire_put_u64(&w, m->to);
    return wire_out_end(&w);
}

enum mlt_err ipc_proof_wanted_decode(struct span src, struct ipc_proof_wanted *m)
{
    struct wire_in in = wire_in(src);
    struct ipc_proof_wanted got = { 0 };
    got.epoch = wire_get_u64(&in);
    got.from = wire_get_u64(&in);
    got.to = wire_get_u64(&in);
    TRY(wire_in_end(&in));
    *m = got;
    return MLT_OK;
}

enum mlt_err ipc_proof_encode(const struct ipc_proof *m, struct buf *out)
{
    ENSURE(m->hashes.n % HASH_LEN == 0, MLT_ERR_RANGE);
    struct wire_out w = wire_out(out);
    field_put_err(&w, m->err);
    wire_put_vec16(&w, m->hashes, 0, (size_t)LIMIT_PROOF_HASHES * HASH_LEN);
    return wire_out_end(&w);
}

enum mlt_err ipc_proof_decode(struct span src, struct ipc_proof *m)
{
    struct wire_in in = wire_in(src);
    struct ipc_proof got = { 0 };
    got.err = field_get_err(&in);
    got.hashes = wire_get_vec16(&in, 0, (size_t)LIMIT_PROOF_HASHES * HASH_LEN);
    wire_require(&in, got.hashes.n % HASH_LEN == 0, MLT_ERR_RANGE);
    wire_require(&in, got.err == MLT_OK || got.hashes.n == 0, MLT_ERR_RANGE);
    TRY(wire_in_end(&in));
    *m = got;
    return MLT_OK;
}

enum mlt_err ipc_leaves_wanted_encode(const struct ipc_leaves_wanted *m, struct buf *out)
{
    struct wire_out w = wire_out(out);
    wire_put_u64(&w, m->first);
    return wire_out_end(&w);
}

enum mlt_err ipc_leaves_wanted_decode(struct span src, struct ipc_leaves_wanted *m)
{
    struct wire_in in = wire_in(src);
    struct ipc_leaves_wanted got = { .first = wire_get_u64(&in) };
    TRY(wire_in_end(&in));
    *m = got;
    return MLT_OK;
}

enum mlt_err ipc_leaves_encode(const struct ipc_leaves *m, struct buf *out)
{
    struct wire_out w = wire_out(out);
    field_put_err(&w, m->err);
    wire_put_u64(&w, m->first);
    wire_put_vec16(&w, m->leaves, 0, LIMIT_IPC_PART);
    return wire_out_end(&w);
}

enum mlt_err ipc_leaves_decode(struct span src, struct ipc_leaves *m)
{
    struct wire_in in = wire_in(src);
    struct ipc_leaves got = { 0 };
    got.err = field_get_err(&in);
    got.first = wire_get_u64(&in);
    got.leaves = wire_get_vec16(&in, 0, LIMIT_IPC_PART);
    wire_require(&in, got.err == MLT_OK || got.leaves.n == 0, MLT_ERR_RANGE);
    TRY(wire_in_end(&in));
    struct span rest = got.leaves, leaf;
    while (rest.n > 0)
        TRY(leaves_next(&rest, &leaf));
    *m = got;
    return MLT_OK;
}

enum mlt_err ipc_seen_next(struct span *names, struct name *name)
{
    ENSURE(names->n > 0, MLT_ERR_MISSING);
    struct wire_in in = wire_in(*names);
    struct name got = { 0 };
    field_get_name(&in, &got, 1);
    TRY(in.err);
    *names = in.rest;
    *name = got;
    return MLT_OK;
}

enum mlt_err ipc_seen_add(struct buf *names, const struct name *name)
{
    ENSURE(names->len + 1 + name_span(name).n <= SEEN_BYTES, MLT_ERR_TOO_MANY);
    struct wire_out w = wire_out(names);
    field_put_name(&w, name, 1);
    return wire_out_end(&w);
}

enum mlt_err ipc_seen_encode(const struct ipc_seen *m, struct buf *out)
{
    struct wire_out w = wire_out(out);
    wire_put_vec16(&w, m->names, 2, SEEN_BYTES);
    return wire_out_end(&w);
}

enum mlt_err ipc_seen_decode(struct span src, struct ipc_seen *m)
{
    struct wire_in in = wire_in(src);
    struct ipc_seen got = { .names = wire_get_vec16(&in, 2, SEEN_BYTES) };
    TRY(wire_in_end(&in));
    struct span rest = got.names;
    struct name name;
    size_t count = 0;
    while (rest.n > 0) {
        TRY(ipc_seen_next(&rest, &name));
        ENSURE(++count <= LIMIT_SEEN, MLT_ERR_RANGE);
    }
    *m = got;
    return MLT_OK;
}

enum mlt_err ipc_epoch_encode(const struct ipc_epoch *m, struct buf *out)
{
    ENSURE(m->from_s >= 0 && m->from_s < m->until_s, MLT_ERR_RANGE);
    struct wire_out w = wire_out(out);
    wire_put_u64(&w, (uint64_t)m->from_s);
    wire_put_u64(&w, (uint64_t)m->until_s);
    return wire_out_end(&w);
}

enum mlt_err ipc_epoch_decode(struct span src, struct ipc_epoch *m)
{
    struct wire_in in = wire_in(src);
    struct ipc_epoch got = { .from_s = field_get_time(&in) };
    got.until_s = field_get_time(&in);
    wire_require(&in, got.from_s < got.until_s, MLT_ERR_RANGE);
    TRY(wire_in_end(&in));
    *m = got;
    return MLT_OK;
}

enum mlt_err ipc_known_encode(const struct ipc_known *m, struct buf *out)
{
    struct wire_out w = wire_out(out);
    wire_put_bytes(&w, SPAN_OF(m->serial));
    return wire_out_end(&w);
}

enum mlt_err ipc_known_decode(struct span src, struct ipc_known *m)
{
    struct wire_in in = wire_in(src);
    struct ipc_known got = { 0 };
    wire_get_bytes(&in, got.serial, sizeof(got.serial));
    TRY(wire_in_end(&in));
    *m = got;
    return MLT_OK;
}
