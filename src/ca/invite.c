/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/invite.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "crypto/etm.h"
#include "crypto/kdf.h"
#include "wire/cursor.h"

#define SALT 32

enum mlt_err invite_derive_key(const struct secret *master, struct secret *key)
{
    const struct span none = { 0 };
    return kdf_expand_label(master, "invites", none, KDF_LEN, key);
}

/* What the seal binds the token to. */
static enum mlt_err put_header(const uint8_t *id, const char *name, int64_t expires_s,
                               struct buf *header)
{
    struct wire_out w = wire_out(header);
    wire_put_bytes(&w, span_of(id, INVITE_ID));
    wire_put_vec8(&w, span_str(name), 0, LIMIT_NAME);
    wire_put_u64(&w, (uint64_t)expires_s);
    return wire_out_end(&w);
}

static enum mlt_err start_seal(const struct secret *key, struct span salt, struct etm *etm)
{
    CLEANUP(secret_clear) struct secret own = { 0 };
    TRY(kdf_expand_label(key, "invite", salt, KDF_LEN, &own));
    return etm_init(etm, &own);
}

static enum mlt_err seal_token(const struct secret *key, const struct invite *invite,
                               const char *name, int64_t expires_s, struct buf *salt_and_sealed)
{
    uint8_t *salt = NULL;
    TRY(buf_extend(salt_and_sealed, SALT, &salt));
    TRY(env_random(env_system(), salt, SALT));
    CLEANUP(buf_clear) struct buf header = { 0 };
    TRY(put_header(invite->id, name, expires_s, &header));
    CLEANUP(etm_clear) struct etm etm = { 0 };
    TRY(start_seal(key, span_of(salt, SALT), &etm));
    CLEANUP(buf_clear) struct buf sealed = { 0 };
    TRY(etm_seal(&etm, 0, buf_span(&header), SPAN_OF(invite->token), &sealed));
    return buf_put(salt_and_sealed, buf_span(&sealed));
}

enum mlt_err invite_make(struct database *db, const struct secret *key, const struct name *name,
                         int64_t now_s, int64_t expires_s, struct invite *invite)
{
    struct invite made;
    TRY(env_random(env_system(), made.id, sizeof(made.id)));
    TRY(env_random(env_system(), made.token, sizeof(made.token)));
    CLEANUP(buf_clear) struct buf sealed = { 0 };
    TRY(seal_token(key, &made, name != NULL ? name->text : "", expires_s, &sealed));
    CLEANUP(query_end)
    struct query q = query_start(
        db,
        "INSERT INTO invite(id, name, made_s, expires_s, salt, sealed) VALUES(?, ?, ?, ?, ?, ?)");
    query_put_span(&q, SPAN_OF(made.id));
    if (name != NULL)
        query_put_text(&q, name->text);
    else
        query_put_null(&q);
    query_put_int(&q, now_s);
    query_put_int(&q, expires_s);
    query_put_span(&q, span_of(sealed.p, SALT));
    query_put_span(&q, span_from(buf_span(&sealed), SALT));
    TRY(query_run(&q));
    *invite = made;
    return MLT_OK;
}

/* The row of an invite, as far as the verdict needs it. */
enum column { NAME, EXPIRES, SALT_COLUMN, SEALED, PROOF, USED_NAME, USED_SPKI };

static bool is_repetition(struct query *q, const struct invite_claim *claim)
{
    return secret_eq(query_span(q, PROOF), span_of(claim->proof, INVITE_PROOF)) &&
           span_eq(span_str(query_text(q, USED_NAME)), name_span(claim->name)) &&
           span_eq(query_span(q, USED_SPKI), span_of(claim->client_hash, HASH_LEN));
}

static enum mlt_err open_token(struct query *q, const struct secret *key,
                               const uint8_t id[static INVITE_ID], struct buf *token)
{
    CLEANUP(buf_clear) struct buf header = { 0 };
    TRY(put_header(id, query_text(q, NAME), query_int(q, EXPIRES), &header));
    struct span salt = query_span(q, SALT_COLUMN);
    ENSURE(salt.n == SALT, MLT_ERR_DAMAGED);
    CLEANUP(etm_clear) struct etm etm = { 0 };
    TRY(start_seal(key, salt, &etm));
    enum mlt_err err = etm_open(&etm, 0, buf_span(&header), query_span(q, SEALED), token);
    ENSURE(err != MLT_ERR_AUTH, MLT_ERR_DAMAGED);
    TRY(err);
    return token->len == INVITE_TOKEN ? MLT_OK : MLT_ERR_DAMAGED;
}

static enum mlt_err is_proven(struct query *q, const struct secret *key,
                              const struct invite_claim *claim, bool *proven)
{
    CLEANUP(buf_clear) struct buf token = { 0 };
    TRY(open_token(q, key, claim->id, &token));
    CLEANUP(buf_clear) struct buf input = { 0 };
    TRY(invite_proof_input(claim->ca_hash, claim->name, claim->realm, claim->client_hash, &input));
    struct span part = buf_span(&input);
    uint8_t expected[HASH_LEN];
    TRY(hash_hmac(buf_span(&token), &part, 1, expected));
    *proven = secret_eq(SPAN_OF(expected), span_of(claim->proof, INVITE_PROOF));
    return MLT_OK;
}

static enum mlt_err judge_unused(struct query *q, const struct secret *key,
                                 const struct invite_claim *claim, int64_t now_s,
                                 enum invite_verdict *verdict)
{
    bool bound = !query_is_null(q, NAME);
    bool proven = false;
    TRY(is_proven(q, key, claim, &proven));
    if (!proven || now_s >= query_int(q, EXPIRES))
        return MLT_OK;
    if (bound && !span_eq(span_str(query_text(q, NAME)), name_span(claim->name)))
        return MLT_OK;
    *verdict = bound ? INVITE_BOUND : INVITE_FREE;
    return MLT_OK;
}

enum mlt_err invite_judge(struct database *db, const struct secret *key,
                          const struct invite_claim *claim, int64_t now_s,
                          enum invite_verdict *verdict)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "SELECT name, expires_s, salt, sealed, proof, used_name, "
                                     "used_spki FROM invite WHERE id = ?");
    query_put_span(&q, span_of(claim->id, INVITE_ID));
    bool row = false;
    TRY(query_next(&q, &row));
    enum invite_verdict judged = INVITE_REFUSED;
    if (row && !query_is_null(&q, PROOF))
        judged = is_repetition(&q, claim) ? INVITE_REPEATED : INVITE_REFUSED;
    else if (row)
        TRY(judge_unused(&q, key, claim, now_s, &judged));
    *verdict = judged;
    return MLT_OK;
}

enum mlt_err invite_use(struct database *db, const struct invite_claim *claim)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "UPDATE invite SET proof = ?, used_name = ?, used_spki = ?, "
                                     "salt = NULL, sealed = NULL WHERE id = ? AND proof IS NULL");
    query_put_span(&q, span_of(claim->proof, INVITE_PROOF));
    query_put_text(&q, claim->name->text);
    query_put_span(&q, span_of(claim->client_hash, HASH_LEN));
    query_put_span(&q, span_of(claim->id, INVITE_ID));
    TRY(query_run(&q));
    return query_changes(&q) == 1 ? MLT_OK : MLT_ERR_MISSING;
}

/* ---- for people ---- */

#define ROW "SELECT id, name, made_s, expires_s, proof IS NOT NULL, used_name FROM invite "
enum row_column { ROW_ID, ROW_NAME, ROW_MADE, ROW_EXPIRES, ROW_USED, ROW_USED_NAME };

static enum mlt_err read_row(struct query *q, int64_t now_s, struct invite_row *row)
{
    struct invite_row got = { .bound = !query_is_null(q, ROW_NAME),
                              .made_s = query_int(q, ROW_MADE),
                              .expires_s = query_int(q, ROW_EXPIRES) };
    bool used = query_int(q, ROW_USED) != 0;
    TRY(query_bytes(q, ROW_ID, got.id, INVITE_ID));
    if (got.bound)
        TRY(query_name(q, ROW_NAME, &got.name));
    if (used)
        TRY(query_name(q, ROW_USED_NAME, &got.used_by));
    got.state = used                    ? INVITE_STATE_USED
                : now_s < got.expires_s ? INVITE_STATE_OPEN
                                        : INVITE_STATE_EXPIRED;
    *row = got;
    return MLT_OK;
}

enum mlt_err invite_each(struct database *db, int64_t now_s, const struct invite_visit *visit)
{
    CLEANUP(query_end) struct query q = query_start(db, ROW "ORDER BY made_s, name, id");
    for (;;) {
        bool any = false;
        struct invite_row row;
        TRY(query_next(&q, &any));
        if (!any)
            return MLT_OK;
        TRY(read_row(&q, now_s, &row));
        TRY(visit->on_invite(visit->ctx, &row));
    }
}

static enum mlt_err find_used(struct database *db, const uint8_t id[static INVITE_ID],
                              struct name *used_by)
{
    CLEANUP(query_end) struct query q = query_start(db, ROW "WHERE id = ?");
    query_put_span(&q, span_of(id, INVITE_ID));
    bool any = false;
    struct invite_row row;
    TRY(query_next(&q, &any));
    ENSURE(any, MLT_ERR_MISSING);
    TRY(read_row(&q, 0, &row));
    *used_by = row.used_by;
    return MLT_ERR_EXISTS;
}

enum mlt_err invite_withdraw(struct database *db, const uint8_t id[static INVITE_ID],
                             struct name *used_by)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "DELETE FROM invite WHERE id = ? AND proof IS NULL");
    query_put_span(&q, span_of(id, INVITE_ID));
    TRY(query_run(&q));
    return query_changes(&q) == 1 ? MLT_OK : find_used(db, id, used_by);
}

enum mlt_err invite_forget_bound(struct database *db, const struct name *name)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "DELETE FROM invite WHERE name = ? AND proof IS NULL");
    query_put_text(&q, name->text);
    return query_run(&q);
}

enum mlt_err invite_forget_unused(struct database *db)
{
    CLEANUP(query_end) struct query q = query_start(db, "DELETE FROM invite WHERE proof IS NULL");
    return query_run(&q);
}

enum mlt_err invite_purge(struct database *db, int64_t now_s)
{
    CLEANUP(query_end)
    struct query q = query_start(
        db, "DELETE FROM invite WHERE expires_s < ? AND (proof IS NULL OR expires_s < ?)");
    query_put_int(&q, now_s);
    query_put_int(&q, now_s - (int64_t)LIMIT_CERT_DAYS * 86400);
    return query_run(&q);
}

static enum mlt_err list_ids(struct query *q, struct buf *ids)
{
    for (;;) {
        bool row = false;
        TRY(query_next(q, &row));
        if (!row)
            return MLT_OK;
        uint8_t id[INVITE_ID];
        TRY(query_bytes(q, 0, id, sizeof(id)));
        TRY(buf_put(ids, SPAN_OF(id)));
    }
}

static enum mlt_err list_unused(struct database *db, struct buf *ids)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "SELECT id FROM invite WHERE sealed IS NOT NULL");
    return list_ids(&q, ids);
}

static enum mlt_err list_open(struct database *db, int64_t now_s, struct buf *ids)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "SELECT id FROM invite WHERE proof IS NULL AND expires_s > ?");
    query_put_int(&q, now_s);
    return list_ids(&q, ids);
}

static enum mlt_err is_unused(struct database *db, struct span id, bool *unused)
{
    CLEANUP(query_end)
    struct query q = query_start(db, "SELECT 1 FROM invite WHERE id = ? AND proof IS NULL");
    query_put_span(&q, id);
    return query_next(&q, unused);
}

enum mlt_err invite_forget_withdrawn(struct database *db, struct database *later, int64_t now_s,
                                     size_t *count)
{
    CLEANUP(buf_clear) struct buf ids = { 0 };
    size_t forgotten = 0;
    TRY(list_open(db, now_s, &ids));
    for (size_t at = 0; at < ids.len; at += INVITE_ID) {
        struct name used_by;
        bool unused = false;
        TRY(is_unused(later, span_of(ids.p + at, INVITE_ID), &unused));
        if (unused)
            continue;
        TRY(invite_withdraw(db, ids.p + at, &used_by));
        forgotten++;
    }
    *count = forgotten;
    return MLT_OK;
}

static enum mlt_err seal_anew(struct query *q, const struct secret *key, const struct secret *other,
                              struct invite *invite, struct buf *sealed)
{
    CLEANUP(buf_clear) struct buf token = { 0 };
    TRY(open_token(q, key, invite->id, &token));
    memcpy(invite->token, token.p, INVITE_TOKEN);
    return seal_token(other, invite, query_text(q, NAME), query_int(q, EXPIRES), sealed);
}

static enum mlt_err reseal_one(struct database *db, const struct secret *key,
                               const struct secret *other, const uint8_t id[static INVITE_ID])
{
    CLEANUP(query_end)
    struct query q =
        query_start(db, "SELECT name, expires_s, salt, sealed FROM invite WHERE id = ?");
    struct invite invite = { 0 };
    CLEANUP(buf_clear) struct buf sealed = { 0 };
    memcpy(invite.id, id, INVITE_ID);
    query_put_span(&q, span_of(id, INVITE_ID));
    bool row = false;
    TRY(query_next(&q, &row));
    ENSURE(row, MLT_ERR_DAMAGED);
    enum mlt_err err = seal_anew(&q, key, other, &invite, &sealed);
    alloc_wipe(&invite, sizeof(invite));
    TRY(err);
    CLEANUP(query_end)
    struct query put = query_start(db, "UPDATE invite SET salt = ?, sealed = ? WHERE id = ?");
    query_put_span(&put, span_of(sealed.p, SALT));
    query_put_span(&put, span_from(buf_span(&sealed), SALT));
    query_put_span(&put, span_of(id, INVITE_ID));
    return query_run(&put);
}

enum mlt_err invite_reseal(struct database *db, const struct secret *key,
                           const struct secret *other)
{
    CLEANUP(buf_clear) struct buf ids = { 0 };
    TRY(list_unused(db, &ids));
    for (size_t at = 0; at < ids.len; at += INVITE_ID)
        TRY(reseal_one(db, key, other, ids.p + at));
    return MLT_OK;
}
