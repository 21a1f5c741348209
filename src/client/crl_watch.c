/* SPDX-License-Identifier: Apache-2.0 */
#include "client/crl_watch.h"

#include <string.h>

#include "pki/crl.h"
#include "pki/statement.h"

void crl_watch_init(struct crl_watch *w, struct ca_line *line)
{
    *w = (struct crl_watch) { .line = line };
}

void crl_watch_clear(struct crl_watch *w)
{
    buf_clear(&w->list);
}

static enum mlt_err read_own(struct crl_watch *w)
{
    struct store_authority known;
    TRY(store_authority_read(w->line->store, &known));
    w->own = known.crl_number;
    return MLT_OK;
}

static enum mlt_err ask_if_behind(struct crl_watch *w)
{
    if (w->is_asked || w->heard <= w->own)
        return MLT_OK;
    CLEANUP(buf_clear) struct buf body = { 0 };
    const struct crl_wanted wanted = { .have = w->own };
    TRY(crl_wanted_encode(&wanted, &body));
    TRY(w->line->send(w->line->ctx, RECORD_CRL_WANTED, buf_span(&body)));
    w->is_asked = w->list_may_come = true;
    w->asked_own = w->own;
    w->asked_heard = w->heard;
    w->in_notices = false;
    return MLT_OK;
}

/* An answer in notices leaves whole, from the one after ours to the newest; what was pushed before
 * it is in it, and the one after ours was pushed before we asked.  (Or just behind Welcome: then a
 * list may be on its way all the same.)  Whether we still need the answer is another question:
 * another process of the home may have been faster. */
static void note_answer(struct crl_watch *w, uint64_t number)
{
    if (number == w->asked_own + 1)
        w->in_notices = true;
    if (w->in_notices && number >= w->heard)
        w->is_asked = false;
}

/* Another process of the home may have taken it down: so the store is asked, not our memory. */
static enum mlt_err look_for_server(struct crl_watch *w)
{
    return store_authority_is_revoked(w->line->store, w->server, &w->server_is_revoked);
}

enum mlt_err crl_watch_begin(struct crl_watch *w, uint64_t number,
                             const uint8_t server[static CERT_SERIAL])
{
    crl_watch_end(w);
    memcpy(w->server, server, CERT_SERIAL);
    w->heard = number;
    TRY(read_own(w));
    return ask_if_behind(w);
}

static enum mlt_err apply_notice(struct crl_watch *w, const struct revocation *r)
{
    const struct store_crl news = { .number = r->number,
                                    .this_s = r->this_update_s,
                                    .next_s = r->next_update_s,
                                    .serials = r->serials };
    bool done = false;
    TRY(store_authority_add(w->line->store, &news, &done));
    if (done)
        w->own = r->number;
    else
        TRY(read_own(w));
    return look_for_server(w);
}

enum mlt_err crl_watch_notice(struct crl_watch *w, struct span body)
{
    struct revocation r;
    TRY(revocation_decode(body, &r));
    TRY(statement_check_revocation(w->line->ca, &r));
    TRY(ca_line_signed(w->line, r.this_update_s));
    if (r.number > w->own + 1)
        TRY(read_own(w)); /* another process of the home may have been told first */
    if (r.number > w->heard)
        w->heard = r.number;
    note_answer(w, r.number);
    if (r.number == w->own + 1)
        TRY(apply_notice(w, &r));
    return ask_if_behind(w);
}

/* ---- the whole list ---- */

/* No piece goes beyond LIMIT_CRL, nor beyond its `total`: crl_piece_decode has seen to it. */
static enum mlt_err gather(struct crl_watch *w, const struct crl_piece *piece)
{
    if (piece->offset == 0) { /* a newer list may take the place of one that was begun */
        buf_clear(&w->list);
        w->list_number = piece->number;
        w->list_total = piece->total;
    }
    ENSURE(piece->number == w->list_number && piece->total == w->list_total, MLT_ERR_UNEXPECTED);
    ENSURE(piece->offset == w->list.len, MLT_ERR_UNEXPECTED);
    return buf_put(&w->list, piece->bytes);
}

static enum mlt_err put_serials(const struct crl *crl, struct buf *serials)
{
    TRY(buf_reserve(serials, crl->count * CERT_SERIAL));
    for (size_t i = 0; i < crl->count; i++)
        TRY(buf_put(serials, SPAN_OF(crl->entries[i].serial)));
    return MLT_OK;
}

static enum mlt_err apply_list(struct crl_watch *w)
{
    CLEANUP(crl_clear) struct crl crl = { 0 };
    CLEANUP(buf_clear) struct buf serials = { 0 };
    TRY(crl_read(buf_span(&w->list), w->line->ca, &crl));
    ENSURE(crl.number == w->list_number, MLT_ERR_CRL);
    TRY(ca_line_signed(w->line, crl.this_update_s));
    TRY(put_serials(&crl, &serials));
    const struct store_crl list = { .number = crl.number,
                                    .this_s = crl.this_update_s,
                                    .next_s = crl.next_update_s,
                                    .serials = buf_span(&serials) };
    bool done = false;
    TRY(store_authority_replace(w->line->store, &list, &done));
    return MLT_OK;
}

/* A list that brings us nowhere is not asked for again before something newer is spoken of. */
static enum mlt_err finish_list(struct crl_watch *w)
{
    uint64_t before = w->own;
    TRY(apply_list(w));
    TRY(read_own(w));
    w->is_asked = w->list_may_come = false;
    buf_clear(&w->list);
    if (w->own == before && w->heard == w->asked_heard)
        w->heard = w->own;
    TRY(look_for_server(w));
    return ask_if_behind(w);
}

enum mlt_err crl_watch_piece(struct crl_watch *w, struct span body)
{
    struct crl_piece piece;
    TRY(crl_piece_decode(body, &piece));
    ENSURE(w->list_may_come, MLT_ERR_UNEXPECTED);
    TRY(gather(w, &piece));
    return w->list.len == w->list_total ? finish_list(w) : MLT_OK;
}

bool crl_watch_is_waiting(const struct crl_watch *w)
{
    return w->is_asked && w->own < w->heard;
}

void crl_watch_end(struct crl_watch *w)
{
    crl_watch_clear(w);
    crl_watch_init(w, w->line);
}
