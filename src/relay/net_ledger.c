/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "pki/merkle.h"
#include "relay/net.h"
#include "wire/ledger_proof.h"

/*
 * PROTOCOL.md 10: net is a witness of the ledger.  It shows clients the newest signed head, and ca
 * every head that is ahead of what ca says: then ca's files were put back, or there are two of it.
 */

static const char file_name[] = "head";
static const int64_t save_pause_ms = 2000;

/* ---- net/head ---- */

struct head_job {
    struct net *net;
    struct buf bytes;
    enum mlt_err err;
    int cause; /* errno, which is the worker's own */
};

static void save_on_worker(void *ctx)
{
    struct head_job *job = ctx;
    job->err = file_write(job->net->dir, file_name, buf_span(&job->bytes));
    job->cause = errno;
}

static void on_saved(void *ctx)
{
    struct head_job *job = ctx;
    struct net *net = job->net;
    const enum mlt_err err = job->err;
    const int cause = job->cause;
    buf_clear(&job->bytes);
    alloc_free(job);
    net->ledger.busy = false;
    if (err == MLT_OK) {
        net_crl_head_is_saved(net);
        return;
    }
    net->ledger.unsaved = true; /* for a tick: whoever waits for it is in no hurry now */
    errno = cause;
    log_error("net/%s cannot be written: %s; it is tried again", file_name, err_cause(err));
}

static enum mlt_err start_saving(struct net *net)
{
    struct head_job *job = NULL;
    TRY(ALLOC_NEW(&job));
    job->net = net;
    const struct net_task task = { .ctx = job, .run = save_on_worker, .done = on_saved };
    enum mlt_err err = buf_put(&job->bytes, buf_span(&net->ledger.witness.bytes));
    if (err == MLT_OK)
        err = net_work_add_first(&net->work, &task);
    if (err != MLT_OK) {
        buf_clear(&job->bytes);
        alloc_free(job);
    }
    return err;
}

void net_ledger_tick(struct net *net)
{
    struct net_ledger *ledger = &net->ledger;
    int64_t now = env_mono_ms(net->env);
    if (!ledger->unsaved || ledger->busy || now < ledger->save_ms)
        return;
    ledger->save_ms = now + save_pause_ms;
    if (start_saving(net) != MLT_OK)
        return;
    ledger->busy = true;
    ledger->unsaved = false;
}

bool net_ledger_is_saved(const struct net *net)
{
    return !net->ledger.unsaved && !net->ledger.busy;
}

void net_ledger_hurry(struct net *net)
{
    net->ledger.save_ms = 0;
    net_ledger_tick(net);
}

void net_ledger_load(struct net *net)
{
    enum mlt_err err = file_read(net->dir, file_name, LIMIT_LEDGER_HEAD, &net->ledger.loaded);
    if (err == MLT_OK || err == MLT_ERR_MISSING)
        return;
    buf_clear(&net->ledger.loaded);
    log_error("net/%s cannot be read: %s; the next head that ca signs takes its place", file_name,
              err_cause(err));
}

void net_ledger_close(struct net *net)
{
    struct net_ledger *ledger = &net->ledger;
    struct span newest = buf_span(&ledger->witness.bytes);
    if (ledger->unsaved && file_write(net->dir, file_name, newest) != MLT_OK)
        log_error("net/%s could not be written", file_name);
    ledger_witness_clear(&ledger->witness);
    buf_clear(&ledger->loaded);
    buf_clear(&ledger->shown);
    for (size_t i = 0; i < NET_PROOFS; i++)
        buf_clear(&ledger->proofs[i].hashes);
}

/* ---- heads from ca, and to it ---- */

static void tell_shown(struct net *net)
{
    net->ledger.shown_waits = net->ca.channel.fd < 0;
    if (!net->ledger.shown_waits)
        net_authority_tell_ca(net, IPC_HEAD_SHOWN, buf_span(&net->ledger.shown));
}

/* Once: ca keeps it. */
static void show_ca(struct net *net, struct span bytes)
{
    struct net_ledger *ledger = &net->ledger;
    if (span_eq(buf_span(&ledger->shown), bytes))
        return;
    buf_clear(&ledger->shown);
    if (buf_put(&ledger->shown, bytes) == MLT_OK)
        tell_shown(net);
}

static void complain(struct net *net, const struct ledger_head *said)
{
    const struct ledger_head *own = &net->ledger.witness.head;
    if (net->ledger.complained)
        return;
    net->ledger.complained = true;
    log_error("ca: its ledger has %" PRIu64 " entries (epoch %" PRIu64 "), and one of %" PRIu64
              " (epoch %" PRIu64 ") was seen here that it does not continue: were older files put "
              "back?  ca is shown it",
              said->size, said->epoch, own->size, own->epoch);
}

enum mlt_err net_ledger_head(struct net *net, struct span body)
{
    struct net_ledger *ledger = &net->ledger;
    struct ledger_head head = { 0 };
    ENSURE(net->ca.root.x509 != NULL, MLT_ERR_UNEXPECTED);
    TRY(ledger_witness_read(&net->ca.root, body, &head));
    switch (ledger_witness_judge(&ledger->witness, &head)) {
    case WITNESS_NEWER:
        TRY(ledger_witness_take(&ledger->witness, &head, body));
        ledger->unsaved = true;
        return MLT_OK;
    case WITNESS_SAME:
        if (head.time_s > ledger->witness.head.time_s)
            TRY(ledger_witness_take(&ledger->witness, &head, body));
        return MLT_OK;
    default:
        complain(net, &head);
        show_ca(net, buf_span(&ledger->witness.bytes));
        return MLT_OK;
    }
}

void net_ledger_root_is_known(struct net *net)
{
    struct net_ledger *ledger = &net->ledger;
    struct ledger_head head = { 0 };
    ledger->complained = false;
    if (ledger->shown_waits)
        tell_shown(net);
    else
        buf_clear(&ledger->shown);
    if (ledger->loaded.len == 0)
        return;
    struct span loaded = buf_span(&ledger->loaded);
    enum mlt_err err = ledger_witness_read(&net->ca.root, loaded, &head);
    if (err == MLT_OK && ledger_witness_judge(&ledger->witness, &head) == WITNESS_NEWER)
        err = ledger_witness_take(&ledger->witness, &head, loaded);
    if (err != MLT_OK)
        log_error("net/%s is not usable: %s; the next head that ca signs takes its place",
                  file_name, err_text(err));
    buf_clear(&ledger->loaded);
}

/* ---- PROVE ---- */

static void answer_proof(struct net_conn *conn, const struct ledger_proof *proof)
{
    struct buf *body = &conn->net->body;
    buf_reset(body);
    enum mlt_err err = ledger_proof_encode(proof, body);
    if (err == MLT_OK)
        err = net_session_seal(conn, RECORD_PROOF, buf_span(body));
    buf_reset(body);
    if (err != MLT_OK)
        net_conn_doom(conn, err);
}

static void say_busy(struct net_conn *conn)
{
    const struct ledger_proof busy = { .result = PROOF_BUSY };
    answer_proof(conn, &busy);
}

static void proof_busy(struct net_request *request)
{
    say_busy(request->conn);
}

static void alarm_proof(struct net_conn *conn, const struct ledger_head *shown, struct span bytes)
{
    const struct ledger_proof ahead = { .result = PROOF_AHEAD };
    struct net *net = conn->net;
    if (log_rate_take(&net->log_rate, MLT_ERR_LEDGER, env_mono_ms(net->env)))
        log_error("connection %s name %s holds a signed head of %" PRIu64 " entries (epoch %" PRIu64
                  ") that is not of this ledger: ca is shown it",
                  conn->hs_id, conn->name.text, shown->size, shown->epoch);
    show_ca(net, bytes);
    answer_proof(conn, &ahead);
}

static bool is_of(const struct net_proven *p, const struct ledger_head *shown,
                  const struct ledger_head *newest)
{
    return p->from == shown->size && p->to == newest->size && p->epoch == newest->epoch &&
           span_eq(SPAN_OF(p->root), SPAN_OF(shown->root));
}

static const struct net_proven *find_proof(const struct net_ledger *ledger,
                                           const struct ledger_head *shown)
{
    for (size_t i = 0; i < NET_PROOFS; i++)
        if (is_of(&ledger->proofs[i], shown, &ledger->witness.head))
            return &ledger->proofs[i];
    return NULL;
}

/* After a login of many at once they all ask the same. */
static void keep_proof(struct net_ledger *ledger, const struct net_request *request,
                       struct span hashes)
{
    CLEANUP(buf_clear) struct buf copy = { 0 };
    if (buf_put(&copy, hashes) != MLT_OK)
        return;
    struct net_proven *to = &ledger->proofs[ledger->next_proof++ % NET_PROOFS];
    buf_clear(&to->hashes);
    *to = (struct net_proven) { .epoch = request->newest.head.epoch,
                                .from = request->shown.size,
                                .to = request->newest.head.size,
                                .hashes = copy };
    memcpy(to->root, request->shown.root, LEDGER_HASH);
    copy = (struct buf) { 0 };
}

static enum mlt_err check_proof(const struct net_request *request, struct span hashes)
{
    struct merkle_tree earlier = { .size = request->shown.size };
    struct merkle_tree later = { .size = request->newest.head.size };
    memcpy(earlier.root, request->shown.root, HASH_LEN);
    memcpy(later.root, request->newest.head.root, HASH_LEN);
    return merkle_check_consistency(&earlier, &later, hashes);
}

static enum mlt_err take_proof(struct net_request *request, struct span body)
{
    struct net_conn *conn = request->conn;
    struct ipc_proof got = { 0 };
    TRY(ipc_proof_decode(body, &got));
    if (got.err != MLT_OK) { /* its ledger is shorter than what it signed once */
        say_busy(conn);
        return MLT_OK;
    }
    if (check_proof(request, got.hashes) != MLT_OK) {
        alarm_proof(conn, &request->shown, buf_span(&request->shown_bytes));
        return MLT_OK;
    }
    keep_proof(&conn->net->ledger, request, got.hashes);
    const struct ledger_proof proof = { PROOF_PROVEN, buf_span(&request->newest.bytes),
                                        got.hashes };
    answer_proof(conn, &proof);
    return MLT_OK;
}

static enum mlt_err ask_proof(struct net_conn *conn, const struct ledger_head *shown,
                              struct span bytes)
{
    static const struct net_request_row row = { NET_REQUEST_PROVE,
                                                NET_REQUEST_ASK(IPC_PROOF_WANTED, IPC_PROOF),
                                                take_proof, proof_busy };
    const struct ledger_witness *witness = &conn->net->ledger.witness;
    const struct ipc_proof_wanted wanted = { witness->head.epoch, shown->size, witness->head.size };
    CLEANUP(net_request_drop) struct net_request *request = NULL;
    TRY(net_request_new(conn, &row, &request));
    TRY(ipc_proof_wanted_encode(&wanted, &request->question));
    TRY(ledger_witness_take(&request->newest, &witness->head, buf_span(&witness->bytes)));
    TRY(buf_put(&request->shown_bytes, bytes));
    request->shown = *shown;
    request->shown.signature = (struct span) { 0 };
    net_request_ask(request);
    request = NULL;
    return MLT_OK;
}

static enum mlt_err prove(struct net_conn *conn, const struct ledger_head *shown, struct span bytes)
{
    const struct net_ledger *ledger = &conn->net->ledger;
    struct ledger_proof proof = { .result = PROOF_PROVEN,
                                  .head = buf_span(&ledger->witness.bytes) };
    switch (ledger_witness_answer(&ledger->witness, shown)) {
    case WITNESS_EQUAL:
        answer_proof(conn, &proof);
        return MLT_OK;
    case WITNESS_LOST:
        proof = (struct ledger_proof) { .result = PROOF_AHEAD };
        answer_proof(conn, &proof);
        return MLT_OK;
    case WITNESS_ALARM:
        alarm_proof(conn, shown, bytes);
        return MLT_OK;
    case WITNESS_PROVABLE:
        break;
    }
    const struct net_proven *known = find_proof(ledger, shown);
    if (known == NULL)
        return ask_proof(conn, shown, bytes);
    proof.hashes = buf_span(&known->hashes);
    answer_proof(conn, &proof);
    return MLT_OK;
}

enum mlt_err net_ledger_prove(struct net_conn *conn, struct span body)
{
    const struct net *net = conn->net;
    struct ledger_head shown = { 0 };
    ENSURE(!net_request_is_open(conn, NET_REQUEST_PROVE), MLT_ERR_UNEXPECTED);
    /* Whoever logged in was certified by this CA, and holds none of another. */
    TRY(ledger_witness_read(&net->ca.root, body, &shown));
    if (net->ledger.witness.bytes.len == 0) {
        say_busy(conn);
        return MLT_OK;
    }
    return prove(conn, &shown, body);
}

/* ---- LEAVES_WANTED ---- */

static void answer_leaves(struct net_conn *conn, const struct leaves *leaves)
{
    struct buf *body = &conn->net->body;
    buf_reset(body);
    enum mlt_err err = leaves_encode(leaves, body);
    if (err == MLT_OK)
        err = net_session_seal(conn, RECORD_LEAVES, buf_span(body));
    buf_reset(body);
    if (err != MLT_OK)
        net_conn_doom(conn, err);
}

static void leaves_busy(struct net_request *request)
{
    const struct leaves busy = { .result = LEAVES_BUSY, .first = request->first };
    answer_leaves(request->conn, &busy);
}

static enum mlt_err take_leaves(struct net_request *request, struct span body)
{
    struct net_conn *conn = request->conn;
    struct ipc_leaves got = { 0 };
    TRY(ipc_leaves_decode(body, &got));
    ENSURE(got.first == request->first, MLT_ERR_RANGE);
    const struct leaves leaves = { got.err == MLT_OK ? LEAVES_HERE : LEAVES_BUSY, got.first,
                                   got.leaves };
    answer_leaves(conn, &leaves);
    return MLT_OK;
}

enum mlt_err net_ledger_leaves(struct net_conn *conn, struct span body)
{
    static const struct net_request_row row = { NET_REQUEST_LEAVES,
                                                NET_REQUEST_ASK(IPC_LEAVES_WANTED, IPC_LEAVES),
                                                take_leaves, leaves_busy };
    struct leaves_wanted wanted = { 0 };
    CLEANUP(net_request_drop) struct net_request *request = NULL;
    TRY(leaves_wanted_decode(body, &wanted));
    TRY(net_request_new(conn, &row, &request));
    const struct ipc_leaves_wanted question = { wanted.first };
    TRY(ipc_leaves_wanted_encode(&question, &request->question));
    request->first = wanted.first;
    net_request_ask(request);
    request = NULL;
    return MLT_OK;
}
