/* SPDX-License-Identifier: Apache-2.0 */
#include "client/ca_watch.h"

#include <string.h>

#include "pki/statement.h"

static enum mlt_err send_record(void *ctx, enum record_kind kind, struct span body)
{
    struct ca_watch *a = ctx;
    return link_is_closed(*a->link) ? MLT_OK : link_send(*a->link, kind, body);
}

static void tell(void *ctx, const struct client_event *event)
{
    struct ca_watch *a = ctx;
    event_queue_add(a->events, event);
}

void ca_watch_open(struct ca_watch *a, const struct ca_watch_config *config)
{
    *a = (struct ca_watch) { .env = config->env,
                             .home = config->home,
                             .store = config->store,
                             .identity = config->identity,
                             .link = config->link,
                             .events = config->events };
    a->line = (struct ca_line) { .env = config->env,
                                 .store = config->store,
                                 .ca = &config->identity->ca,
                                 .ctx = a,
                                 .send = send_record,
                                 .tell = tell };
    const struct ledger_audit_config audit = { .line = &a->line,
                                               .ledger = &a->ledger,
                                               .name = &config->identity->server.name,
                                               .key_hash = config->identity->key_hash };
    ledger_watch_init(&a->ledger, &a->line);
    crl_watch_init(&a->crl, &a->line);
    ledger_audit_init(&a->audit, &audit);
}

void ca_watch_close(struct ca_watch *a)
{
    crl_watch_clear(&a->crl);
    ledger_audit_end(&a->audit);
}

enum mlt_err ca_watch_check(struct ca_watch *a)
{
    identity_reload(a->home, a->identity, env_wall_ms(a->env) / 1000);
    return ca_line_check_clock(&a->line, &a->identity->own.fields);
}

enum mlt_err ca_watch_is_revoked(void *ctx, const uint8_t serial[static CERT_SERIAL],
                                 bool *is_revoked)
{
    struct ca_watch *a = ctx;
    return store_authority_is_revoked(a->store, serial, is_revoked);
}

/* ---- a session ---- */

static enum mlt_err tell_restored(struct ca_watch *a)
{
    struct store_restored restored;
    bool is_news = false;
    TRY(store_authority_tell_restored(a->store, &restored, &is_news));
    if (is_news)
        tell(a, &(struct client_event) { .kind = CLIENT_EVENT_RESTORED, .restored = restored });
    return MLT_OK;
}

/* By our clock, which may be late, or by what the CA has signed if that is ahead of it:
 * PROTOCOL.md 11.6. */
static bool is_due(const struct ca_watch *a)
{
    int64_t now_s = ca_line_now_s(&a->line);
    int64_t newest_s = a->line.newest_s > now_s ? a->line.newest_s : now_s;
    return newest_s + LIMIT_CLOCK_SLACK_S >= renewal_from_s(&a->session);
}

/* An epoch that was opened since it was issued, or by a clock that was behind: PROTOCOL.md 11.4. */
static bool is_in_doubt(const struct ca_watch *a, const struct ledger_head *newest)
{
    int64_t issued_s = a->session.not_before_s + LIMIT_BACKDATE_S;
    return newest->size > 0 && issued_s <= (int64_t)newest->epoch + LIMIT_CLOCK_SLACK_S;
}

/* A signature is good for as long as the serial can be renewed: who gets one for a certificate that
 * is young may keep it, and renew without us when we are long gone.  PROTOCOL.md 11.5 */
static enum mlt_err check_may_sign(struct ca_watch *a, struct span head)
{
    struct ledger_head newest = { 0 };
    if (is_due(a))
        return MLT_OK;
    TRY(ledger_watch_look(&a->ledger, head, &newest));
    return is_due(a) || is_in_doubt(a, &newest) ? MLT_OK : MLT_ERR_NOT_DUE;
}

enum mlt_err ca_watch_begin(struct ca_watch *a, const struct welcome *w)
{
    const struct cert_fields *server = &link_result(*a->link)->peer.fields;
    a->is_in = w->result == WELCOME_LOGGED_IN;
    a->is_renewed = false;
    a->refused = REFUSAL_NONE;
    a->session = a->identity->own.fields;
    renewal_begin(&a->renewal, a->env, &a->session, !a->is_in);
    if (a->is_in)
        memset(a->back_with, 0, sizeof(a->back_with));
    TRY(ca_line_signed(&a->line, server->not_before_s + LIMIT_BACKDATE_S));
    if (!a->is_in)
        return check_may_sign(a, w->ledger_head);
    TRY(ledger_watch_begin(&a->ledger, w->ledger_head));
    if (ca_watch_is_doomed(a))
        return MLT_OK;
    TRY(tell_restored(a));
    return crl_watch_begin(&a->crl, w->crl_number, server->serial);
}

void ca_watch_end(struct ca_watch *a)
{
    ledger_watch_end(&a->ledger);
    crl_watch_end(&a->crl);
    ledger_audit_end(&a->audit);
    renewal_end(&a->renewal);
}

/* ---- renewal ---- */

static enum mlt_err ask_to_renew(struct ca_watch *a)
{
    CLEANUP(buf_clear) struct buf signature = { 0 };
    CLEANUP(buf_clear) struct buf body = { 0 };
    struct renew renew = { 0 };
    memcpy(renew.serial, a->session.serial, sizeof(renew.serial));
    TRY(statement_sign_renewal(a->identity->key, &a->identity->ca, renew.serial, &signature));
    renew.signature = buf_span(&signature);
    TRY(renew_encode(&renew, &body));
    TRY(send_record(a, RECORD_RENEW, buf_span(&body)));
    renewal_asked(&a->renewal);
    return MLT_OK;
}

static void refuse(struct ca_watch *a, const struct renewed *answer)
{
    bool is_news = false;
    a->refused = answer->reason;
    a->retry_after_s = answer->retry_after_s;
    renewal_refused(&a->renewal, answer->reason, answer->retry_after_s, &is_news);
    if (is_news && a->is_in)
        tell(a, &(struct client_event) { .kind = CLIENT_EVENT_NOT_RENEWED,
                                         .refusal = answer->reason });
}

/* The CA's clock is ahead of ours, or ours is wrong: it says which times these are. */
static enum mlt_err check_time(struct ca_watch *a, const struct cert_fields *got)
{
    return ca_line_signed(&a->line, got->not_before_s + LIMIT_BACKDATE_S);
}

static bool is_serial(const uint8_t a[static CERT_SERIAL], const uint8_t b[static CERT_SERIAL])
{
    return span_eq(span_of(a, CERT_SERIAL), span_of(b, CERT_SERIAL));
}

/* Who was let in to renew logs in with this one, and is not let in to renew it again and again. */
static void come_back_with(struct ca_watch *a, const struct cert_fields *own)
{
    memcpy(a->back_with, own->serial, CERT_SERIAL);
    a->session = *own;
    a->is_renewed = true;
    renewal_issued(&a->renewal, own);
}

/* Our own, good and not due: the CA had lost it, and knows it again (PROTOCOL.md 11.4). */
static bool is_known_again(const struct ca_watch *a, const struct cert_fields *got)
{
    return !a->is_in && is_serial(got->serial, a->session.serial) &&
           !is_serial(got->serial, a->back_with);
}

static enum mlt_err keep(struct ca_watch *a, struct span der)
{
    CLEANUP(cert_clear) struct cert got = { 0 };
    const struct trust_self self = { &a->identity->server.name, a->identity->key_hash };
    int64_t now_s = env_wall_ms(a->env) / 1000;
    enum mlt_err err = trust_own(der, &a->identity->ca, &self, now_s, &got);
    if (err == MLT_ERR_CERT_NOT_YET)
        TRY(check_time(a, &got.fields));
    ENSURE(err == MLT_OK || err == MLT_ERR_CERT_EXPIRED, err);
    TRY(check_time(a, &got.fields));
    if (err == MLT_OK && is_known_again(a, &got.fields)) {
        come_back_with(a, &got.fields);
        return MLT_OK;
    }
    if (got.fields.not_after_s <= a->session.not_after_s) {
        refuse(a, &(struct renewed) { .reason = REFUSAL_NOT_DUE });
        return MLT_OK;
    }
    bool was_later = got.fields.not_after_s > a->identity->own.fields.not_after_s;
    TRY(identity_keep_renewed(a->home, a->store, a->identity, der, now_s));
    come_back_with(a, &got.fields);
    if (was_later)
        tell(a, &(struct client_event) { .kind = CLIENT_EVENT_RENEWED });
    return MLT_OK;
}

static enum mlt_err take_renewed(struct ca_watch *a, struct span body)
{
    struct renewed answer;
    ENSURE(a->renewal.is_asked, MLT_ERR_UNEXPECTED);
    TRY(renewed_decode(body, &answer));
    a->renewal.is_asked = false;
    if (answer.result == WELCOME_ISSUED)
        return keep(a, answer.certificate);
    refuse(a, &answer);
    return MLT_OK;
}

/* ---- records ---- */

bool ca_watch_takes(enum record_kind kind)
{
    return kind == RECORD_RENEWED || kind == RECORD_REVOKED || kind == RECORD_CRL ||
           kind == RECORD_PROOF || kind == RECORD_LEAVES;
}

static enum mlt_err take_proof(struct ca_watch *a, struct span body)
{
    TRY(ledger_watch_proof(&a->ledger, body));
    return tell_restored(a);
}

enum mlt_err ca_watch_record(struct ca_watch *a, enum record_kind kind, struct span body)
{
    switch (kind) {
    case RECORD_RENEWED:
        return take_renewed(a, body);
    case RECORD_REVOKED:
        return crl_watch_notice(&a->crl, body);
    case RECORD_CRL:
        return crl_watch_piece(&a->crl, body);
    case RECORD_PROOF:
        return take_proof(a, body);
    case RECORD_LEAVES:
        return ledger_audit_leaves(&a->audit, body);
    default:
        return MLT_ERR_UNEXPECTED;
    }
}

enum mlt_err ca_watch_run(struct ca_watch *a)
{
    TRY(ledger_watch_run(&a->ledger));
    if (renewal_is_due(&a->renewal))
        TRY(ask_to_renew(a));
    return ledger_audit_run(&a->audit);
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t ca_watch_due_ms(const struct ca_watch *a)
{
    int64_t due = sooner(ledger_watch_due_ms(&a->ledger), ledger_audit_due_ms(&a->audit));
    return sooner(due, renewal_due_ms(&a->renewal));
}

bool ca_watch_is_waiting(const struct ca_watch *a)
{
    return ledger_watch_is_waiting(&a->ledger) || crl_watch_is_waiting(&a->crl) ||
           a->renewal.is_asked;
}

bool ca_watch_is_doomed(const struct ca_watch *a)
{
    return ledger_watch_is_doomed(&a->ledger);
}

bool ca_watch_server_is_revoked(const struct ca_watch *a)
{
    return a->crl.server_is_revoked;
}

enum mlt_err ca_watch_audit(struct ca_watch *a)
{
    return ledger_audit_begin(&a->audit, a->identity->own.x509, link_result(*a->link)->peer.x509);
}

enum mlt_err ca_watch_verdict(struct ca_watch *a, enum mlt_err err)
{
    bool is_said = err == MLT_ERR_LEDGER || !ca_watch_is_doomed(a);
    return is_said ? err : ca_line_alarm(&a->line, a->ledger.finding);
}

void ca_watch_explain(const struct ca_watch *a, struct client_event *event)
{
    if (event->err == MLT_ERR_CLOCK) {
        event->signed_s = a->line.signed_s;
        event->own_s = a->line.own_s;
    }
    if (event->err == MLT_ERR_LEDGER)
        event->alarm = a->line.alarm;
}
