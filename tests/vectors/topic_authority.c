/* SPDX-License-Identifier: Apache-2.0 */
#include "topics.h"

#include <string.h>

#include "must.h"
#include "pki/crl.h"
#include "pki/ledger_leaf.h"
#include "pki/merkle.h"
#include "pki/statement.h"
#include "sheet.h"
#include "steps.h"
#include "wire/ledger_proof.h"
#include "wire/renew.h"

static const int64_t issued_s = 1795359274;
static const int64_t week_s = 604800;

static void put_signature(EVP_PKEY *key, struct span signature)
{
    uint8_t salt[HASH_LEN];
    step_pss_salt(key, signature, salt);
    sheet_hex("salt", SPAN_OF(salt));
    sheet_hex("signature", signature);
}

/* What a statement's signature covers, and its digest. */
static void put_digest(const struct given *g, struct span statement)
{
    CLEANUP(buf_clear) struct buf covered = { 0 };
    uint8_t digest[HASH_LEN];
    must_ok(buf_put(&covered, SPAN_OF(g->ca.spki_hash)));
    must_ok(buf_put(&covered, statement));
    sheet_hex("CA fingerprint", SPAN_OF(g->ca.spki_hash));
    sheet_hex("digest", step_hash(buf_span(&covered), digest));
}

/* ---- revocation ---- */

/* Of the certificates of 14.2, with every form that an entry may have. */
static void make_list(const struct given *g, bool with_entries, struct crl *crl, struct buf *der)
{
    const struct {
        const struct issued *issued;
        enum crl_reason reason;
    } revoked[] = { { &g->server, CRL_UNSPECIFIED },
                    { &g->client, CRL_KEY_COMPROMISE },
                    { &g->enrolled, CRL_SUPERSEDED } };
    CLEANUP(buf_clear) struct buf tbs = { 0 };
    crl->number = with_entries ? 258 : 1;
    crl->this_update_s = issued_s;
    crl->next_update_s = issued_s + week_s;
    must_ok(crl_reserve(crl, with_entries ? COUNT_OF(revoked) : 0));
    for (size_t i = 0; i < crl->count; i++) {
        memcpy(crl->entries[i].serial, revoked[i].issued->serial, CERT_SERIAL);
        crl->entries[i].reason = revoked[i].reason;
        crl->entries[i].revoked_s = issued_s - 60 * (int64_t)i;
    }
    given_random(with_entries ? "CRL" : "empty CRL");
    must_ok(crl_tbs(crl, &g->ca, &tbs));
    must_ok(crl_sign(buf_span(&tbs), g->keys[KEY_CA], &g->ca, der));
}

static void put_list(const struct given *g, const char *name, const struct crl *crl,
                     struct span der)
{
    CLEANUP(buf_clear) struct buf tbs = { 0 };
    must_ok(crl_tbs_of(der, &tbs));
    sheet_case(name, "");
    sheet_text("realm", GIVEN_REALM);
    sheet_int("number", crl->number);
    sheet_int("thisUpdate, s", (uint64_t)crl->this_update_s);
    sheet_int("nextUpdate, s", (uint64_t)crl->next_update_s);
    for (size_t i = 0; i < crl->count; i++) {
        char group[32];
        snprintf(group, sizeof group, "entry %zu", i);
        sheet_group(group, NULL);
        sheet_hex("serial", SPAN_OF(crl->entries[i].serial));
        sheet_int("revoked, s", (uint64_t)crl->entries[i].revoked_s);
        sheet_int("reason", (uint64_t)crl->entries[i].reason);
        sheet_group_end();
    }
    sheet_group("signed", NULL);
    sheet_hex_elsewhere("TBSCertList", buf_span(&tbs), "what DER holds first");
    put_signature(g->keys[KEY_CA], span_from(der, der.n - 256));
    sheet_hex("DER", der);
    sheet_group_end();
    sheet_case_end();
}

static void put_revoked(const struct given *g, const char *name, uint64_t number,
                        struct span serials)
{
    CLEANUP(buf_clear) struct buf part = { 0 };
    CLEANUP(buf_clear) struct buf signature = { 0 };
    CLEANUP(buf_clear) struct buf body = { 0 };
    struct revocation r = { .number = number,
                            .this_update_s = issued_s,
                            .next_update_s = issued_s + week_s,
                            .serials = serials };
    given_random(name);
    must_ok(statement_sign_revocation(g->keys[KEY_CA], &g->ca, &r, &signature));
    r.signature = buf_span(&signature);
    must_ok(statement_check_revocation(&g->ca, &r));
    must_ok(revocation_put_signed(&r, &part));
    must_ok(revocation_encode(&r, &body));
    sheet_case(name, "");
    sheet_int("number", r.number);
    sheet_int("this update, s", (uint64_t)r.this_update_s);
    sheet_int("next update, s", (uint64_t)r.next_update_s);
    sheet_hex("serials", r.serials);
    put_digest(g, buf_span(&part));
    put_signature(g->keys[KEY_CA], r.signature);
    sheet_hex("body", buf_span(&body));
    sheet_case_end();
}

static void put_pieces(struct span der)
{
    CLEANUP(buf_clear) struct buf wanted = { 0 };
    CLEANUP(buf_clear) struct buf body = { 0 };
    const struct crl_wanted have = { 257 };
    const struct crl_piece piece = {
        .number = 258, .offset = 500, .total = (uint32_t)der.n, .bytes = span_from(der, 500)
    };
    must_ok(crl_wanted_encode(&have, &wanted));
    must_ok(crl_piece_encode(&piece, &body));
    sheet_case("CRL_WANTED", "");
    sheet_int("have", have.have);
    sheet_hex("body", buf_span(&wanted));
    sheet_case_end();
    sheet_case("CRL record, the last", "");
    sheet_int("number", piece.number);
    sheet_int("offset", piece.offset);
    sheet_int("total", piece.total);
    sheet_hex("body", buf_span(&body));
    sheet_case_end();
}

void topic_revocation(const struct given *g)
{
    CLEANUP(crl_clear) struct crl empty = { 0 };
    CLEANUP(crl_clear) struct crl list = { 0 };
    CLEANUP(buf_clear) struct buf empty_der = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    uint8_t serials[2 * CERT_SERIAL];
    memcpy(serials, g->client.serial, CERT_SERIAL);
    memcpy(serials + CERT_SERIAL, g->enrolled.serial, CERT_SERIAL);
    make_list(g, false, &empty, &empty_der);
    make_list(g, true, &list, &der);
    sheet_open("revocation", "Revocation",
               "Section 11.4, signed with the key \"ca\". Entries are those of certificates of "
               "14.2.");
    put_list(g, "CRL without entries", &empty, buf_span(&empty_der));
    put_list(g, "CRL", &list, buf_span(&der));
    put_revoked(g, "REVOKED", 258, SPAN_OF(serials));
    put_revoked(g, "REVOKED, the daily one", 259, span_of(NULL, 0));
    put_pieces(buf_span(&der));
    sheet_close();
}

/* ---- renewal ---- */

static void put_renewed(const char *name, const struct renewed *r)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    must_ok(renewed_encode(r, &body));
    sheet_case(name, "");
    sheet_int("result", (uint64_t)r->result);
    sheet_int("reason", (uint64_t)r->reason);
    sheet_int("retry after, s", r->retry_after_s);
    sheet_hex_elsewhere("certificate", r->certificate, "14.2, client; empty unless issued");
    sheet_hex("body", buf_span(&body));
    sheet_case_end();
}

void topic_renewal(const struct given *g)
{
    CLEANUP(buf_clear) struct buf signature = { 0 };
    CLEANUP(buf_clear) struct buf body = { 0 };
    struct renew r = { 0 };
    memcpy(r.serial, g->client.serial, sizeof r.serial);
    given_random("renewal");
    must_ok(statement_sign_renewal(g->keys[KEY_CLIENT], &g->ca, r.serial, &signature));
    must_ok(statement_check_renewal(g->keys[KEY_CLIENT], &g->ca, r.serial, buf_span(&signature)));
    r.signature = buf_span(&signature);
    must_ok(renew_encode(&r, &body));
    sheet_open("renewal", "Renewal", "Section 11.5: \"body\" follows the kind in a record.");
    sheet_case("RENEW", "Signed with the key \"client\".");
    sheet_hex("serial", SPAN_OF(r.serial));
    put_digest(g, SPAN_OF(r.serial));
    put_signature(g->keys[KEY_CLIENT], r.signature);
    sheet_hex("body", buf_span(&body));
    sheet_case_end();
    put_renewed("RENEWED, issued", &(struct renewed) { .result = WELCOME_ISSUED,
                                                       .certificate = buf_span(&g->client.der) });
    put_renewed("RENEWED, refused: not due",
                &(struct renewed) { .result = WELCOME_REFUSED, .reason = REFUSAL_NOT_DUE });
    put_renewed("RENEWED, refused: busy", &(struct renewed) { .result = WELCOME_REFUSED,
                                                              .reason = REFUSAL_BUSY,
                                                              .retry_after_s = 10 });
    sheet_close();
}

/* ---- ledger ---- */

enum { LEAVES = 7 };

/* The four certificates of 14.2, and lists 1 to 3 of what would be a long life. */
struct small_ledger {
    struct buf leaf[LEAVES];
    uint8_t hash[LEAVES][HASH_LEN];
    struct merkle_tree tree[LEAVES + 1]; /* by size */
};

static void ledger_clear(struct small_ledger *l)
{
    for (size_t i = 0; i < LEAVES; i++)
        buf_clear(&l->leaf[i]);
}

static void make_crl_leaf(const struct given *g, uint64_t number, struct buf *out)
{
    struct ledger_leaf leaf = { .kind = LEDGER_CRL, .time_s = issued_s + (int64_t)number * 86400 };
    uint8_t bytes[8];
    step_put_be64(number, bytes);
    must_ok(hash_sha256(SPAN_OF(bytes), leaf.tbs_hash)); /* in the place of a list's */
    memcpy(leaf.spki_hash, g->ca.spki_hash, HASH_LEN);
    ledger_leaf_put_number(number, leaf.serial);
    must_ok(ledger_leaf_encode(&leaf, out));
}

static void make_ledger(const struct given *g, struct small_ledger *l)
{
    struct merkle m = { 0 };
    struct database db = g->db;
    for (size_t i = 0; i < LEAVES; i++) {
        struct ledger_leaf leaf;
        if (i < 4) {
            must_ok(ledger_read(&db, i, &leaf));
            must_ok(ledger_leaf_encode(&leaf, &l->leaf[i]));
        } else {
            make_crl_leaf(g, i - 3, &l->leaf[i]);
        }
        must_ok(merkle_leaf_hash(buf_span(&l->leaf[i]), l->hash[i]));
        must_ok(merkle_add(&m, l->hash[i]));
        l->tree[i + 1].size = i + 1;
        must_ok(merkle_root(&m, l->tree[i + 1].root));
    }
}

/* Complete subtrees, computed from the leaves each time. */
static enum mlt_err read_node(void *arg, unsigned level, uint64_t index,
                              uint8_t hash[static HASH_LEN])
{
    const struct small_ledger *l = arg;
    uint8_t left[HASH_LEN];
    uint8_t right[HASH_LEN];
    if (level == 0) {
        memcpy(hash, l->hash[index], HASH_LEN);
        return MLT_OK;
    }
    TRY(read_node(arg, level - 1, 2 * index, left));
    TRY(read_node(arg, level - 1, 2 * index + 1, right));
    return merkle_node_hash(left, right, hash);
}

static void put_leaves(const struct small_ledger *l)
{
    CLEANUP(buf_clear) struct buf list = { 0 };
    CLEANUP(buf_clear) struct buf body = { 0 };
    char name[32];
    sheet_case("leaves", "The certificates of 14.2, then CRL leaves.");
    for (size_t i = 0; i < LEAVES; i++) {
        snprintf(name, sizeof name, "leaf %zu", i);
        sheet_hex(name, buf_span(&l->leaf[i]));
        snprintf(name, sizeof name, "leaf hash %zu", i);
        sheet_hex(name, SPAN_OF(l->hash[i]));
        snprintf(name, sizeof name, "root of %zu", i + 1);
        sheet_hex(name, SPAN_OF(l->tree[i + 1].root));
    }
    sheet_case_end();

    for (size_t i = 5; i < LEAVES; i++)
        must_ok(leaves_put(&list, buf_span(&l->leaf[i])));
    const struct leaves leaves = { .result = LEAVES_HERE, .first = 5, .leaves = buf_span(&list) };
    must_ok(leaves_encode(&leaves, &body));
    sheet_case("LEAVES from 5", "");
    sheet_int("first", leaves.first);
    sheet_hex("body", buf_span(&body));
    sheet_case_end();
}

static void make_head(const struct given *g, const struct merkle_tree *tree, struct buf *signature,
                      struct ledger_head *head)
{
    const char *label = tree->size == LEAVES ? "newer head" : "older head";
    *head = (struct ledger_head) { .epoch = (uint64_t)issued_s,
                                   .size = tree->size,
                                   .time_s = issued_s + (int64_t)tree->size };
    memcpy(head->root, tree->root, HASH_LEN);
    given_random(label);
    must_ok(statement_sign_head(g->keys[KEY_CA], &g->ca, head, signature));
    head->signature = buf_span(signature);
    must_ok(statement_check_head(&g->ca, head));
}

static void put_head(const struct given *g, const char *name, const struct ledger_head *head)
{
    CLEANUP(buf_clear) struct buf part = { 0 };
    CLEANUP(buf_clear) struct buf whole = { 0 };
    must_ok(ledger_head_put_signed(head, &part));
    must_ok(ledger_head_encode(head, &whole));
    sheet_case(name, "");
    sheet_int("epoch, s", head->epoch);
    sheet_int("base", head->base);
    sheet_int("size", head->size);
    sheet_hex("root", SPAN_OF(head->root));
    sheet_int("time, s", (uint64_t)head->time_s);
    put_digest(g, buf_span(&part));
    put_signature(g->keys[KEY_CA], head->signature);
    sheet_hex("signed head", buf_span(&whole));
    sheet_case_end();
}

static void put_consistency(const struct small_ledger *l, uint64_t from, uint64_t to)
{
    CLEANUP(buf_clear) struct buf hashes = { 0 };
    struct small_ledger copy = *l;
    const struct merkle_nodes nodes = { &copy, read_node };
    char name[40];
    must_ok(merkle_prove_consistency(&nodes, from, to, &hashes));
    must_ok(merkle_check_consistency(&l->tree[from], &l->tree[to], buf_span(&hashes)));
    snprintf(name, sizeof name, "consistency, %u to %u", (unsigned)from, (unsigned)to);
    sheet_case(name, "");
    sheet_int("from", from);
    sheet_int("to", to);
    sheet_hex("hashes", buf_span(&hashes));
    sheet_case_end();
}

static void put_proof(const struct small_ledger *l, const struct ledger_head *newest, uint64_t from)
{
    CLEANUP(buf_clear) struct buf head = { 0 };
    CLEANUP(buf_clear) struct buf hashes = { 0 };
    CLEANUP(buf_clear) struct buf body = { 0 };
    struct small_ledger copy = *l;
    const struct merkle_nodes nodes = { &copy, read_node };
    must_ok(ledger_head_encode(newest, &head));
    must_ok(merkle_prove_consistency(&nodes, from, newest->size, &hashes));
    const struct ledger_proof proof = { PROOF_PROVEN, buf_span(&head), buf_span(&hashes) };
    must_ok(ledger_proof_encode(&proof, &body));
    sheet_case("PROOF", "The answer to PROVE with the older head.");
    sheet_hex("body", buf_span(&body));
    sheet_case_end();
}

void topic_ledger(const struct given *g)
{
    CLEANUP(ledger_clear) struct small_ledger l = { 0 };
    CLEANUP(buf_clear) struct buf one = { 0 };
    CLEANUP(buf_clear) struct buf two = { 0 };
    struct ledger_head older;
    struct ledger_head newer;
    make_ledger(g, &l);
    make_head(g, &l.tree[3], &one, &older);
    make_head(g, &l.tree[LEAVES], &two, &newer);
    sheet_open("ledger", "Ledger",
               "Section 10, heads signed with the key \"ca\". \"root of n\" is that of the first n "
               "leaves; \"hashes\" are those of a proof, one behind the other.");
    put_leaves(&l);
    put_head(g, "older head", &older);
    put_head(g, "newer head", &newer);
    for (uint64_t from = 1; from <= LEAVES; from++)
        put_consistency(&l, from, LEAVES);
    put_consistency(&l, 3, 5);
    put_proof(&l, &newer, older.size);
    sheet_close();
}
