/* SPDX-License-Identifier: Apache-2.0 */
#include "mail/mail_seal.h"

#include <string.h>

#include "base/limits.h"
#include "crypto/etm.h"
#include "crypto/kdf.h"
#include "crypto/rsa.h"
#include "wire/cursor.h"

static const struct span no_context;

/* PROTOCOL.md 9.3 */
static enum mlt_err derive_message(const struct mail_segment *segment, struct secret *key)
{
    return kdf_expand_label(&segment->chain, "mailbox message", no_context, KDF_LEN, key);
}

/* After this, what was sealed before cannot be opened with what is in memory. */
static enum mlt_err advance(struct mail_segment *segment)
{
    TRY(kdf_expand_label(&segment->chain, "mailbox next", no_context, KDF_LEN, &segment->chain));
    segment->next++;
    return MLT_OK;
}

static enum mlt_err derive_proof(const struct secret *first, uint8_t proof[static MAIL_PROOF])
{
    CLEANUP(secret_clear) struct secret made = { 0 };
    TRY(kdf_expand_label(first, "mailbox proof", no_context, MAIL_PROOF, &made));
    memcpy(proof, made.p, MAIL_PROOF);
    return MLT_OK;
}

void mail_segment_clear(struct mail_segment *segment)
{
    secret_clear(&segment->chain);
    *segment = (struct mail_segment) { 0 };
}

void mail_wrapped_clear(struct mail_wrapped *wrapped)
{
    buf_clear(&wrapped->secret);
    *wrapped = (struct mail_wrapped) { 0 };
}

enum mlt_err mail_segment_new(const struct env *env, const struct name *recipient, EVP_PKEY *key,
                              struct mail_segment *segment, struct mail_wrapped *wrapped)
{
    CLEANUP(mail_segment_clear) struct mail_segment made = { 0 };
    CLEANUP(mail_wrapped_clear) struct mail_wrapped about = { 0 };
    CLEANUP(buf_clear) struct buf label = { 0 };
    TRY(env_random(env, made.id, sizeof(made.id)));
    TRY(secret_new(&made.chain, KDF_LEN));
    TRY(env_random(env, made.chain.p, made.chain.n));
    TRY(derive_proof(&made.chain, about.proof));
    TRY(mailbox_label(recipient, made.id, &label));
    TRY(rsa_wrap(key, buf_span(&label), secret_span(&made.chain), &about.secret));

    mail_segment_clear(segment);
    *segment = made;
    made = (struct mail_segment) { 0 };
    mail_wrapped_clear(wrapped);
    *wrapped = about;
    about = (struct mail_wrapped) { 0 };
    return MLT_OK;
}

size_t mail_sealed_size(size_t plain)
{
    return plain + ETM_TAG;
}

static enum mlt_err encode_header(const struct mail_binding *binding, struct buf *header)
{
    struct wire_out w = wire_out(header);
    wire_put_vec8(&w, name_span(binding->recipient), 1, LIMIT_NAME);
    wire_put_bytes(&w, span_of(binding->segment, MAIL_SEGMENT));
    wire_put_u32(&w, binding->index);
    wire_put_vec8(&w, name_span(binding->sender), 1, LIMIT_NAME);
    wire_put_bytes(&w, span_of(binding->id, ENVELOPE_ID));
    return wire_out_end(&w);
}

static bool is_of(const struct mail_segment *segment, const struct mail_binding *binding)
{
    return span_eq(span_of(binding->segment, MAIL_SEGMENT), SPAN_OF(segment->id));
}

enum mlt_err mail_seal(struct mail_segment *segment, const struct mail_binding *binding,
                       struct span plain, struct buf *sealed)
{
    ENSURE(is_of(segment, binding) && binding->index == segment->next, MLT_ERR_STATE);
    ENSURE(binding->index < LIMIT_SEGMENT, MLT_ERR_STATE);
    CLEANUP(secret_clear) struct secret key = { 0 };
    CLEANUP(buf_clear) struct buf header = { 0 };
    CLEANUP(etm_clear) struct etm etm = { 0 };
    TRY(encode_header(binding, &header));
    TRY(derive_message(segment, &key));
    TRY(advance(segment));
    TRY(etm_init(&etm, &key));
    return etm_seal(&etm, 0, buf_span(&header), plain, sealed);
}

enum mlt_err mail_segment_open(const uint8_t id[static MAIL_SEGMENT],
                               const uint8_t proof[static MAIL_PROOF], const struct secret *first,
                               struct mail_segment *segment)
{
    uint8_t made_of_it[MAIL_PROOF];
    ENSURE(first->n == KDF_LEN, MLT_ERR_AUTH);
    TRY(derive_proof(first, made_of_it));
    ENSURE(secret_eq(SPAN_OF(made_of_it), span_of(proof, MAIL_PROOF)), MLT_ERR_AUTH);
    CLEANUP(mail_segment_clear) struct mail_segment made = { 0 };
    memcpy(made.id, id, sizeof(made.id));
    TRY(secret_copy(&made.chain, secret_span(first)));
    mail_segment_clear(segment);
    *segment = made;
    made = (struct mail_segment) { 0 };
    return MLT_OK;
}

enum mlt_err mail_open(struct mail_segment *segment, const struct mail_binding *binding,
                       struct span sealed, struct buf *plain)
{
    /* The bound first: an index out of a damaged row must not keep us deriving. */
    ENSURE(binding->index < LIMIT_SEGMENT && binding->index >= segment->next, MLT_ERR_AUTH);
    ENSURE(is_of(segment, binding), MLT_ERR_AUTH);
    while (segment->next < binding->index)
        TRY(advance(segment));
    CLEANUP(secret_clear) struct secret key = { 0 };
    CLEANUP(buf_clear) struct buf header = { 0 };
    CLEANUP(etm_clear) struct etm etm = { 0 };
    TRY(encode_header(binding, &header));
    TRY(derive_message(segment, &key));
    TRY(advance(segment));
    TRY(etm_init(&etm, &key));
    return etm_open(&etm, 0, buf_span(&header), sealed, plain);
}
