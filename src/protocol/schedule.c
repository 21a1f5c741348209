/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/schedule.h"

#include "crypto/kdf.h"

static const struct span no_context = { 0 };

static enum mlt_err expand(const struct secret *from, const char *label, const uint8_t *digest,
                           struct secret *out)
{
    return kdf_expand_label(from, label, span_of(digest, HASH_LEN), KDF_LEN, out);
}

enum mlt_err schedule_start(struct schedule *s, const struct secret *z,
                            const uint8_t th1[static HASH_LEN])
{
    static const uint8_t zeros[KDF_LEN];
    CLEANUP(secret_clear) struct secret handshake = { 0 };
    CLEANUP(secret_clear) struct secret derived = { 0 };
    CLEANUP(schedule_clear) struct schedule made = { 0 };
    TRY(kdf_extract(SPAN_OF(zeros), secret_span(z), &handshake));
    TRY(expand(&handshake, "s hs", th1, &made.server));
    TRY(expand(&handshake, "c hs", th1, &made.client));
    TRY(kdf_expand_label(&handshake, "derived", no_context, KDF_LEN, &derived));
    TRY(kdf_extract(secret_span(&derived), SPAN_OF(zeros), &made.master));

    secret_move(&s->client, &made.client);
    secret_move(&s->server, &made.server);
    secret_move(&s->master, &made.master);
    return MLT_OK;
}

void schedule_clear(struct schedule *s)
{
    secret_clear(&s->client);
    secret_clear(&s->server);
    secret_clear(&s->master);
}

enum mlt_err schedule_finished(const struct secret *traffic, const uint8_t digest[static HASH_LEN],
                               uint8_t finished[static HASH_LEN])
{
    CLEANUP(secret_clear) struct secret key = { 0 };
    TRY(kdf_expand_label(traffic, "finished", no_context, KDF_LEN, &key));
    const struct span covered = span_of(digest, HASH_LEN);
    return hash_hmac(secret_span(&key), &covered, 1, finished);
}

enum mlt_err schedule_session(const struct schedule *s, const uint8_t th2[static HASH_LEN],
                              struct secret *client, struct secret *server)
{
    TRY(expand(&s->master, "s ap", th2, server));
    return expand(&s->master, "c ap", th2, client);
}

enum mlt_err schedule_next(struct secret *traffic)
{
    CLEANUP(secret_clear) struct secret next = { 0 };
    TRY(kdf_expand_label(traffic, "rekey", no_context, KDF_LEN, &next));
    secret_move(traffic, &next);
    return MLT_OK;
}
