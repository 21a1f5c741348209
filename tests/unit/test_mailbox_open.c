/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "authority.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "ca/members.h"
#include "ca/net_link.h"
#include "ca/reissue.h"
#include "crypto/rsa.h"
#include "login.h"

/*
 * A net that was taken over asks ca, over the real channel, to open stored mail.  PROTOCOL.md 9.4:
 * it gets the segments of who logged in to receive just now, and nothing else.
 */

static struct authority a;
static struct net_link link_;
static struct channel net = { .fd = -1 };
static struct buf packet, packet_out;
static uint32_t last_tag;

/* Two members, each with a mailbox pair, and one without. */
enum { MARIA, JOAO, ANA, PEOPLE };
static const char *const names[PEOPLE] = { "maria", "joao", "ana" };
static struct buf certificates[PEOPLE];

static void start_link(void)
{
    int fds[2];
    channel_close(&net);
    net_link_clear(&link_);
    net_link_init(&link_, &a.ca);
    assert_ok(channel_pair(fds));
    channel_init(&net, fds[1], IPC_NET, IPC_CA);
    net_link_start(&link_, fds[0]);
}

/* ca's next message; false when the channel was closed. */
static bool receive(struct ipc_message *message)
{
    bool got = false;
    enum mlt_err err = channel_receive(&net, 0, &packet, message, &got);
    assert_true(err == MLT_ERR_CUT || (err == MLT_OK && got));
    return err == MLT_OK;
}

static void skip_greeting(void)
{
    struct ipc_message message;
    do
        assert_true(receive(&message));
    while (message.type != IPC_SYNCED);
}

static int start(void **state)
{
    (void)state;
    authority_start(&a, ENROL_OPEN);
    for (unsigned i = 0; i < PEOPLE; i++) {
        if (i == ANA)
            authority_fill_mailboxes(&a);
        (void)authority_enrol(&a, names[i], authority_key(i), NULL, &certificates[i]);
    }
    start_link();
    skip_greeting();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    channel_close(&net);
    net_link_clear(&link_);
    buf_clear(&packet);
    buf_clear(&packet_out);
    for (unsigned i = 0; i < PEOPLE; i++)
        buf_clear(&certificates[i]);
    authority_stop(&a);
    return 0;
}

/* Another process of ca: the same files, another boot key. */
static void restart_ca(void)
{
    authority_restart(&a);
    start_link();
    skip_greeting();
}

/* ---- what net asks ---- */

/* packet_out holds the body. */
static void ask(enum ipc_type type, enum ipc_type answer, struct ipc_message *message)
{
    assert_ok(channel_send(&net, type, ++last_tag, buf_span(&packet_out)));
    net_link_read(&link_);
    assert_int_equal(link_.loss, NET_LINK_KEPT);
    assert_true(receive(message));
    assert_int_equal(message->type, answer);
    assert_int_equal(message->tag, last_tag);
    buf_reset(&packet_out);
}

static void get_nonces(uint8_t to[static LIMIT_NONCES][MAILBOX_NONCE])
{
    struct ipc_message message;
    struct ipc_nonces nonces;
    ask(IPC_NONCES_WANTED, IPC_NONCES, &message);
    assert_ok(ipc_nonces_decode(message.body, &nonces));
    assert_int_equal(nonces.nonces.n, (size_t)LIMIT_NONCES * MAILBOX_NONCE);
    memcpy(to, nonces.nonces.p, nonces.nonces.n);
}

static void get_nonce(uint8_t nonce[static MAILBOX_NONCE])
{
    uint8_t all[LIMIT_NONCES][MAILBOX_NONCE];
    get_nonces(all);
    memcpy(nonce, all[0], MAILBOX_NONCE);
}

static enum mlt_err prove(struct span transcript, struct span signature,
                          struct ipc_login_grant *grant)
{
    const struct ipc_login_proof proof = { transcript, signature };
    struct ipc_message message;
    assert_ok(ipc_login_proof_encode(&proof, &packet_out));
    ask(IPC_LOGIN_PROOF, IPC_LOGIN_GRANT, &message);
    assert_ok(ipc_login_grant_decode(message.body, grant));
    return grant->err;
}

/* A login as net may show it: whose certificate, signed by which key, over which nonce. */
static enum mlt_err log_in_as(unsigned who, unsigned key, enum client_auth_kind kind,
                              struct span nonce, struct ipc_login_grant *grant)
{
    CLEANUP(login_transcript_clear) struct login_transcript t = { 0 };
    CLEANUP(buf_clear) struct buf signature = { 0 };
    const struct login login = { kind, nonce, buf_span(&certificates[who]),
                                 buf_span(&a.ca.cert_der) };
    login_make(&login, &t);
    login_sign(authority_key(key), buf_span(&t.bytes), &signature);
    return prove(buf_span(&t.bytes), buf_span(&signature), grant);
}

static struct ipc_login_grant log_in(unsigned who)
{
    uint8_t nonce[MAILBOX_NONCE];
    struct ipc_login_grant grant;
    get_nonce(nonce);
    assert_ok(log_in_as(who, who, CLIENT_AUTH_RECEIVE, SPAN_OF(nonce), &grant));
    assert_int_equal(grant.lasts_s, LIMIT_GRANT_S);
    return grant;
}

static enum mlt_err get_public(const char *name, EVP_PKEY **key)
{
    const struct ipc_mailbox_name wanted = { authority_name(name) };
    struct ipc_message message;
    struct ipc_mailbox mailbox;
    assert_ok(ipc_mailbox_name_encode(&wanted, &packet_out));
    ask(IPC_MAILBOX_WANTED, IPC_MAILBOX, &message);
    assert_ok(ipc_mailbox_decode(message.body, &mailbox));
    return mailbox.err == MLT_OK ? rsa_public_decode(mailbox.spki, key) : mailbox.err;
}

/* A segment's secret, wrapped for a mailbox. */
static const uint8_t secret[32] = "the first secret of the segment";
static const uint8_t segment[MAIL_SEGMENT] = "segment 16 bytes";

static void wrap(unsigned who, struct buf *wrapped)
{
    CLEANUP(rsa_key_free) EVP_PKEY *key = NULL;
    CLEANUP(buf_clear) struct buf label = { 0 };
    const struct name name = authority_name(names[who]);
    assert_ok(get_public(names[who], &key));
    assert_ok(mailbox_label(&name, segment, &label));
    assert_ok(rsa_wrap(key, buf_span(&label), SPAN_OF(secret), wrapped));
}

static enum mlt_err unwrap(const struct ipc_unwrap *wanted)
{
    struct ipc_message message;
    struct ipc_unwrapped got;
    assert_ok(ipc_unwrap_encode(wanted, &packet_out));
    ask(IPC_UNWRAP, IPC_UNWRAPPED, &message);
    assert_ok(ipc_unwrapped_decode(message.body, &got));
    if (got.err == MLT_OK)
        assert_memory_equal(got.secret, secret, sizeof(secret));
    return got.err;
}

static struct ipc_unwrap wish(unsigned who, const struct ipc_login_grant *grant,
                              const struct buf *wrapped)
{
    struct ipc_unwrap wanted = { .recipient = authority_name(names[who]),
                                 .wrapped = buf_span(wrapped) };
    memcpy(wanted.grant, grant->grant, MAILBOX_GRANT);
    memcpy(wanted.segment, segment, MAIL_SEGMENT);
    return wanted;
}

/* ---- the good way ---- */

static void who_logged_in_has_his_mail_opened(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf wrapped = { 0 };
    wrap(MARIA, &wrapped);
    const struct ipc_login_grant grant = log_in(MARIA);
    const struct ipc_unwrap wanted = wish(MARIA, &grant, &wrapped);
    for (int i = 0; i < 3; i++)
        assert_ok(unwrap(&wanted));
}

static void more_members_than_the_cache_holds_are_all_served(void **state)
{
    (void)state;
    struct mailbox_cache cache = { 0 };
    struct name name[LIMIT_MAILBOX_CACHE + 2];
    for (unsigned i = 0; i < COUNT_OF(name); i++) {
        char text[8];
        snprintf(text, sizeof(text), "n%u", i);
        name[i] = authority_name(text);
        EVP_PKEY *key = NULL;
        assert_ok(rsa_key_share(authority_key(i % AUTHORITY_KEYS), &key));
        mailbox_cache_put(&cache, &name[i], &key);
        assert_null(key);
        assert_non_null(mailbox_cache_find(&cache, &name[0])); /* used at every step: it stays */
    }
    assert_null(mailbox_cache_find(&cache, &name[1]));
    assert_ptr_equal(mailbox_cache_find(&cache, &name[COUNT_OF(name) - 1]),
                     authority_key((COUNT_OF(name) - 1) % AUTHORITY_KEYS));
    mailbox_cache_clear(&cache);
    assert_null(mailbox_cache_find(&cache, &name[0]));
}

static void nonces_are_all_different(void **state)
{
    (void)state;
    enum { batches = 2, count = batches * LIMIT_NONCES };
    uint8_t all[count][MAILBOX_NONCE];
    for (size_t i = 0; i < batches; i++)
        get_nonces(all + i * LIMIT_NONCES);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(all[i], all[k], MAILBOX_NONCE);
}

static void a_pair_that_is_not_made_yet_is_missing_and_so_is_a_stranger(void **state)
{
    (void)state;
    EVP_PKEY *key = NULL;
    assert_err(get_public("ana", &key), MLT_ERR_MISSING);
    assert_err(get_public("ana", &key), MLT_ERR_MISSING);
    assert_err(get_public("nobody", &key), MLT_ERR_MISSING);
    assert_int_equal(link_.pairs_wanted.count, 1);
    assert_string_equal(link_.pairs_wanted.names[0].text, "ana");
    link_.pairs_wanted.count = 0;
    authority_fill_mailboxes(&a);
    assert_ok(get_public("ana", &key));
    assert_int_equal(link_.pairs_wanted.count, 0);
    rsa_key_free(&key);
}

static bool has_pair(const char *name)
{
    bool lacks = false;
    const struct name of = authority_name(name);
    assert_ok(members_lacks_mailbox(&a.ca.db, &of, &lacks));
    return !lacks;
}

static void fill_one(struct mailbox_pool *pool, struct mailbox_queue *queue)
{
    for (bool saved = false; !saved;) {
        assert_ok(mailbox_fill(&a.ca, pool, queue, &saved));
        if (!saved)
            usleep(1000);
    }
}

/* A message waits for it; ana was certified before, and nobody writes to her. */
static void who_is_waited_for_gets_the_next_pair(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf der = { 0 };
    struct mailbox_pool *pool = NULL;
    struct mailbox_queue queue = { .count = 0 };
    const struct name wanted[] = { authority_name("maria"), authority_name("zoe") };
    a.now_ms += 1000;
    assert_int_equal(authority_enrol(&a, "zoe", authority_key(PEOPLE), NULL, &der).result,
                     WELCOME_ISSUED);
    assert_false(has_pair("ana"));
    for (size_t i = 0; i < 2 * COUNT_OF(wanted); i++)
        mailbox_queue_add(&queue, &wanted[i % COUNT_OF(wanted)]);
    assert_int_equal(queue.count, COUNT_OF(wanted));
    assert_ok(mailbox_pool_start(1, &pool));
    fill_one(pool, &queue); /* maria has hers by now */
    assert_true(has_pair("zoe"));
    assert_false(has_pair("ana"));
    assert_int_equal(queue.count, 0);
    fill_one(pool, &queue);
    assert_true(has_pair("ana"));
    mailbox_pool_stop(&pool);
}

static void of_more_than_there_is_room_for_the_rest_are_asked_for_again(void **state)
{
    (void)state;
    struct mailbox_queue queue = { .count = 0 };
    for (unsigned i = 0; i <= LIMIT_MAILBOX_QUEUE; i++) {
        char text[8];
        snprintf(text, sizeof(text), "n%u", i);
        const struct name name = authority_name(text);
        mailbox_queue_add(&queue, &name);
    }
    assert_int_equal(queue.count, LIMIT_MAILBOX_QUEUE);
    assert_string_equal(queue.names[0].text, "n0");
}

/* ---- grants ---- */

static void a_grant_opens_nobody_elses_mail(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf of_maria = { 0 };
    CLEANUP(buf_clear) struct buf of_joao = { 0 };
    wrap(MARIA, &of_maria);
    wrap(JOAO, &of_joao);
    const struct ipc_login_grant maria = log_in(MARIA), joao = log_in(JOAO);
    struct ipc_unwrap wanted = wish(MARIA, &joao, &of_maria);
    assert_err(unwrap(&wanted), MLT_ERR_STATE);
    /* A segment passed off as one's own: the label holds the name. */
    wanted = wish(JOAO, &joao, &of_maria);
    assert_err(unwrap(&wanted), MLT_ERR_AUTH);
    wanted = wish(MARIA, &maria, &of_joao);
    assert_err(unwrap(&wanted), MLT_ERR_AUTH);
    wanted = wish(MARIA, &maria, &of_maria);
    assert_ok(unwrap(&wanted));
    wanted = wish(JOAO, &joao, &of_joao);
    assert_ok(unwrap(&wanted));
}

static void a_grant_with_any_bit_changed_is_void(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf wrapped = { 0 };
    wrap(MARIA, &wrapped);
    const struct ipc_login_grant grant = log_in(MARIA);
    for (unsigned bit = 0; bit < 8 * MAILBOX_GRANT; bit++) {
        struct ipc_unwrap wanted = wish(MARIA, &grant, &wrapped);
        wanted.grant[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (unwrap(&wanted) != MLT_ERR_STATE)
            fail_msg("bit %u", bit);
    }
    const struct ipc_login_grant made_up = { 0 };
    const struct ipc_unwrap wanted = wish(MARIA, &made_up, &wrapped);
    assert_err(unwrap(&wanted), MLT_ERR_STATE);
}

static void a_grant_ends_after_its_time(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf wrapped = { 0 };
    wrap(MARIA, &wrapped);
    const struct ipc_login_grant grant = log_in(MARIA);
    const struct ipc_unwrap wanted = wish(MARIA, &grant, &wrapped);
    a.ahead_ms += (int64_t)LIMIT_GRANT_S * 1000 - 30000;
    assert_ok(unwrap(&wanted));
    a.ahead_ms += 30001;
    assert_err(unwrap(&wanted), MLT_ERR_STATE);
}

static void a_grant_ends_with_the_process_that_gave_it(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf wrapped = { 0 };
    wrap(MARIA, &wrapped);
    const struct ipc_login_grant grant = log_in(MARIA);
    const struct ipc_unwrap wanted = wish(MARIA, &grant, &wrapped);
    assert_ok(unwrap(&wanted));
    restart_ca();
    assert_err(unwrap(&wanted), MLT_ERR_STATE);
}

static void a_grant_ends_with_the_key_it_was_given_to(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf wrapped = { 0 };
    wrap(MARIA, &wrapped);
    const struct ipc_login_grant grant = log_in(MARIA);
    struct ipc_unwrap wanted = wish(MARIA, &grant, &wrapped);
    const struct name name = authority_name("maria");
    struct invite invite;
    assert_ok(unwrap(&wanted));
    assert_ok(reissue(&a.ca, &name, ca_now_s(&a.ca) + 60, &invite));
    assert_err(unwrap(&wanted), MLT_ERR_STATE);
    /* The name's new owner opens its mail, but not with what the old one was given. */
    (void)authority_enrol(&a, "maria", authority_key(5), &invite, &certificates[MARIA]);
    assert_err(unwrap(&wanted), MLT_ERR_STATE);
    uint8_t nonce[MAILBOX_NONCE];
    struct ipc_login_grant new_grant;
    get_nonce(nonce);
    assert_ok(log_in_as(MARIA, 5, CLIENT_AUTH_RECEIVE, SPAN_OF(nonce), &new_grant));
    wanted = wish(MARIA, &new_grant, &wrapped);
    assert_ok(unwrap(&wanted));
}

/* ---- segments ---- */

static void a_segment_opens_under_its_own_id_only(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf wrapped = { 0 };
    wrap(MARIA, &wrapped);
    const struct ipc_login_grant grant = log_in(MARIA);
    struct ipc_unwrap wanted = wish(MARIA, &grant, &wrapped);
    wanted.segment[0] ^= 1;
    assert_err(unwrap(&wanted), MLT_ERR_AUTH);
    wanted.segment[0] ^= 1;
    wrapped.p[100] ^= 1;
    assert_err(unwrap(&wanted), MLT_ERR_AUTH);
    wrapped.p[100] ^= 1;
    assert_ok(unwrap(&wanted)); /* the channel stands after all that */
}

static void what_was_wrapped_must_be_a_secret_of_our_size(void **state)
{
    (void)state;
    static const size_t sizes[] = { 31, 33, 32 };
    uint8_t longer[33] = { 0 };
    CLEANUP(buf_clear) struct buf label = { 0 };
    CLEANUP(rsa_key_free) EVP_PKEY *key = NULL;
    const struct name name = authority_name("maria");
    const struct ipc_login_grant grant = log_in(MARIA);
    assert_ok(get_public("maria", &key));
    assert_ok(mailbox_label(&name, segment, &label));
    memcpy(longer, secret, sizeof(secret));
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        CLEANUP(buf_clear) struct buf wrapped = { 0 };
        assert_ok(rsa_wrap(key, buf_span(&label), span_of(longer, sizes[i]), &wrapped));
        const struct ipc_unwrap wanted = wish(MARIA, &grant, &wrapped);
        assert_err(unwrap(&wanted), sizes[i] == sizeof(secret) ? MLT_OK : MLT_ERR_AUTH);
    }
}

static void a_mailbox_without_a_pair_opens_nothing(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf wrapped = { 0 };
    wrap(MARIA, &wrapped);
    const struct ipc_login_grant grant = log_in(ANA);
    const struct ipc_unwrap wanted = wish(ANA, &grant, &wrapped);
    assert_err(unwrap(&wanted), MLT_ERR_MISSING);
}

/* ---- proofs ---- */

static void a_proof_needs_a_fresh_nonce_of_this_process(void **state)
{
    (void)state;
    uint8_t nonce[MAILBOX_NONCE];
    const struct span none = { 0 };
    struct ipc_login_grant grant;
    const enum client_auth_kind kind = CLIENT_AUTH_RECEIVE;
    assert_err(log_in_as(MARIA, MARIA, kind, none, &grant), MLT_ERR_UNEXPECTED);
    get_nonce(nonce);
    for (unsigned bit = 0; bit < 8 * MAILBOX_NONCE; bit += 7) {
        nonce[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_err(log_in_as(MARIA, MARIA, kind, SPAN_OF(nonce), &grant), MLT_ERR_AUTH);
        nonce[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    struct span shorter = span_of(nonce, MAILBOX_NONCE - 1);
    assert_err(log_in_as(MARIA, MARIA, kind, shorter, &grant), MLT_ERR_RANGE);
    a.ahead_ms += LIMIT_NONCE_MS - 10000;
    assert_ok(log_in_as(MARIA, MARIA, kind, SPAN_OF(nonce), &grant));
    a.ahead_ms += 10001;
    assert_err(log_in_as(MARIA, MARIA, kind, SPAN_OF(nonce), &grant), MLT_ERR_TIMEOUT);
    get_nonce(nonce);
    restart_ca();
    assert_err(log_in_as(MARIA, MARIA, kind, SPAN_OF(nonce), &grant), MLT_ERR_AUTH);
}

static void a_login_that_gets_no_mail_proves_nothing(void **state)
{
    (void)state;
    uint8_t nonce[MAILBOX_NONCE];
    struct ipc_login_grant grant;
    get_nonce(nonce);
    assert_err(log_in_as(MARIA, MARIA, CLIENT_AUTH_SEND, SPAN_OF(nonce), &grant),
               MLT_ERR_UNEXPECTED);
    assert_err(log_in_as(MARIA, MARIA, CLIENT_AUTH_ENROL, SPAN_OF(nonce), &grant),
               MLT_ERR_UNEXPECTED);
    assert_ok(log_in_as(MARIA, MARIA, CLIENT_AUTH_RECEIVE, SPAN_OF(nonce), &grant));
}

static void only_the_key_of_the_certificate_signs_for_it(void **state)
{
    (void)state;
    uint8_t nonce[MAILBOX_NONCE];
    struct ipc_login_grant grant;
    get_nonce(nonce);
    assert_err(log_in_as(MARIA, JOAO, CLIENT_AUTH_RECEIVE, SPAN_OF(nonce), &grant), MLT_ERR_AUTH);
    assert_ok(log_in_as(JOAO, JOAO, CLIENT_AUTH_RECEIVE, SPAN_OF(nonce), &grant));
}

static void a_signature_for_another_purpose_is_none(void **state)
{
    (void)state;
    CLEANUP(login_transcript_clear) struct login_transcript t = { 0 };
    CLEANUP(buf_clear) struct buf signature = { 0 };
    uint8_t nonce[MAILBOX_NONCE], digest[HASH_LEN];
    struct ipc_login_grant grant;
    get_nonce(nonce);
    const struct login login = { CLIENT_AUTH_RECEIVE, SPAN_OF(nonce),
                                 buf_span(&certificates[MARIA]), buf_span(&a.ca.cert_der) };
    login_make(&login, &t);
    assert_ok(hash_sha256(buf_span(&t.bytes), digest));
    assert_ok(rsa_sign(authority_key(MARIA), RSA_SERVER_HANDSHAKE, digest, &signature));
    assert_err(prove(buf_span(&t.bytes), buf_span(&signature), &grant), MLT_ERR_AUTH);
    buf_reset(&signature);
    assert_ok(rsa_sign(authority_key(MARIA), RSA_CLIENT_HANDSHAKE, digest, &signature));
    assert_ok(prove(buf_span(&t.bytes), buf_span(&signature), &grant));
}

static void run(const char *sql)
{
    CLEANUP(query_end) struct query q = query_start(&a.ca.db, sql);
    assert_ok(query_run(&q));
}

static void a_revoked_certificate_earns_nothing(void **state)
{
    (void)state;
    uint8_t nonce[MAILBOX_NONCE];
    struct ipc_login_grant grant;
    const struct name name = authority_name("maria");
    struct invite invite;
    assert_ok(reissue(&a.ca, &name, ca_now_s(&a.ca) + 60, &invite));
    get_nonce(nonce);
    assert_err(log_in_as(MARIA, MARIA, CLIENT_AUTH_RECEIVE, SPAN_OF(nonce), &grant),
               MLT_ERR_CERT_REVOKED);
    assert_ok(log_in_as(JOAO, JOAO, CLIENT_AUTH_RECEIVE, SPAN_OF(nonce), &grant));
    /* One certificate of a key that is good otherwise. */
    run("INSERT INTO revocation(serial, revoked_s, reason, until_s) SELECT serial, 1, 0, not_after_s "
        "FROM certificate WHERE name = 'joao'");
    assert_err(log_in_as(JOAO, JOAO, CLIENT_AUTH_RECEIVE, SPAN_OF(nonce), &grant),
               MLT_ERR_CERT_REVOKED);
}

/* Each by itself: what a command may do in one transaction is looked for in every place. */
static void a_key_that_was_closed_or_replaced_earns_nothing(void **state)
{
    (void)state;
    uint8_t nonce[MAILBOX_NONCE];
    struct ipc_login_grant grant;
    CLEANUP(buf_clear) struct buf wrapped = { 0 };
    wrap(MARIA, &wrapped);
    const struct ipc_login_grant held = log_in(MARIA);
    const struct ipc_unwrap wanted = wish(MARIA, &held, &wrapped);
    get_nonce(nonce);
    run("INSERT INTO revoked_key SELECT spki, 1 FROM member WHERE name = 'maria'");
    assert_err(log_in_as(MARIA, MARIA, CLIENT_AUTH_RECEIVE, SPAN_OF(nonce), &grant),
               MLT_ERR_CERT_REVOKED);
    assert_err(unwrap(&wanted), MLT_ERR_STATE);
    run("DELETE FROM revoked_key");
    assert_ok(unwrap(&wanted));
    run("UPDATE member SET spki = zeroblob(32) WHERE name = 'maria'");
    assert_err(log_in_as(MARIA, MARIA, CLIENT_AUTH_RECEIVE, SPAN_OF(nonce), &grant),
               MLT_ERR_CERT_REVOKED);
    assert_err(unwrap(&wanted), MLT_ERR_STATE);
    run("DELETE FROM member WHERE name = 'joao'");
    assert_err(log_in_as(JOAO, JOAO, CLIENT_AUTH_RECEIVE, SPAN_OF(nonce), &grant),
               MLT_ERR_CERT_REVOKED);
}

/* An older ledger.db was put back. */
static void a_certificate_the_ledger_does_not_know_is_told_from_a_revoked_one(void **state)
{
    (void)state;
    uint8_t nonce[MAILBOX_NONCE];
    struct ipc_login_grant grant;
    get_nonce(nonce);
    run("DELETE FROM certificate WHERE name = 'joao'"); /* renewed since then: the key is his */
    assert_ok(log_in_as(JOAO, JOAO, CLIENT_AUTH_RECEIVE, SPAN_OF(nonce), &grant));
    run("UPDATE member SET spki = zeroblob(32) WHERE name = 'joao'");
    assert_err(log_in_as(JOAO, JOAO, CLIENT_AUTH_RECEIVE, SPAN_OF(nonce), &grant), MLT_ERR_MISSING);
    run("DELETE FROM member WHERE name = 'joao'");
    assert_err(log_in_as(JOAO, JOAO, CLIENT_AUTH_RECEIVE, SPAN_OF(nonce), &grant), MLT_ERR_MISSING);
    run("INSERT INTO revoked_key SELECT spki, 1 FROM member WHERE name = 'maria'");
    run("DELETE FROM certificate WHERE name = 'maria'");
    run("DELETE FROM member WHERE name = 'maria'");
    assert_err(log_in_as(MARIA, MARIA, CLIENT_AUTH_RECEIVE, SPAN_OF(nonce), &grant),
               MLT_ERR_CERT_REVOKED);
}

static void an_expired_certificate_earns_nothing(void **state)
{
    (void)state;
    uint8_t nonce[MAILBOX_NONCE];
    struct ipc_login_grant grant;
    a.now_ms += ((int64_t)LIMIT_CERT_DAYS * 86400 - 1) * 1000;
    get_nonce(nonce);
    assert_ok(log_in_as(MARIA, MARIA, CLIENT_AUTH_RECEIVE, SPAN_OF(nonce), &grant));
    a.now_ms += 2000;
    assert_err(log_in_as(MARIA, MARIA, CLIENT_AUTH_RECEIVE, SPAN_OF(nonce), &grant),
               MLT_ERR_CERT_EXPIRED);
}

/* Net let him in by the same clock, which is late by less than an hour. */
static void one_that_begins_within_the_hour_earns_a_grant_and_no_later_one(void **state)
{
    (void)state;
    uint8_t nonce[MAILBOX_NONCE];
    struct ipc_login_grant grant;
    a.jumped_ms = -(int64_t)LIMIT_CLOCK_SLACK_S * 1000;
    get_nonce(nonce);
    assert_ok(log_in_as(MARIA, MARIA, CLIENT_AUTH_RECEIVE, SPAN_OF(nonce), &grant));
    a.jumped_ms -= 1000;
    assert_err(log_in_as(MARIA, MARIA, CLIENT_AUTH_RECEIVE, SPAN_OF(nonce), &grant),
               MLT_ERR_CERT_NOT_YET);
}

static void a_certificate_of_another_ca_or_role_earns_nothing(void **state)
{
    (void)state;
    uint8_t nonce[MAILBOX_NONCE];
    struct ipc_login_grant grant;
    get_nonce(nonce);
    CLEANUP(buf_clear) struct buf kept = { 0 };
    assert_ok(buf_put(&kept, buf_span(&certificates[MARIA])));
    buf_reset(&certificates[MARIA]);
    assert_ok(buf_put(&certificates[MARIA], buf_span(&a.ca.cert_der)));
    assert_err(log_in_as(MARIA, MARIA, CLIENT_AUTH_RECEIVE, SPAN_OF(nonce), &grant),
               MLT_ERR_CERT_ROLE);
    /* The last byte belongs to the CA's signature. */
    buf_reset(&certificates[MARIA]);
    assert_ok(buf_put(&certificates[MARIA], buf_span(&kept)));
    certificates[MARIA].p[kept.len - 1] ^= 1;
    assert_err(log_in_as(MARIA, MARIA, CLIENT_AUTH_RECEIVE, SPAN_OF(nonce), &grant),
               MLT_ERR_CERT_SIGNATURE);
    certificates[MARIA].p[kept.len - 1] ^= 1;
    assert_ok(log_in_as(MARIA, MARIA, CLIENT_AUTH_RECEIVE, SPAN_OF(nonce), &grant));
}

/* An old login of Maria's to receive, kept by net, put together with a new nonce in every way. */
static void parts_of_two_logins_do_not_make_a_third(void **state)
{
    (void)state;
    CLEANUP(login_transcript_clear) struct login_transcript old = { 0 };
    CLEANUP(login_transcript_clear) struct login_transcript new = { 0 };
    CLEANUP(buf_clear) struct buf signature = { 0 };
    uint8_t first[MAILBOX_NONCE], second[MAILBOX_NONCE];
    struct ipc_login_grant grant;
    get_nonce(first);
    a.ahead_ms += LIMIT_NONCE_MS + 1;
    get_nonce(second);
    struct login login = { CLIENT_AUTH_RECEIVE, SPAN_OF(first), buf_span(&certificates[MARIA]),
                           buf_span(&a.ca.cert_der) };
    login_make(&login, &old);
    login_sign(authority_key(MARIA), buf_span(&old.bytes), &signature);
    login.nonce = SPAN_OF(second);
    login.server = buf_span(&certificates[JOAO]); /* so that every part but ClientHello differs */
    login_make(&login, &new);
    assert_err(prove(buf_span(&old.bytes), buf_span(&signature), &grant), MLT_ERR_TIMEOUT);
    for (unsigned mask = 0; mask < 1u << LOGIN_PARTS; mask++) {
        CLEANUP(buf_clear) struct buf spliced = { 0 };
        for (unsigned i = 0; i < LOGIN_PARTS; i++) {
            const struct login_transcript *from = (mask >> i & 1) != 0 ? &new : &old;
            assert_ok(buf_put(&spliced,
                              span_of(from->bytes.p + from->at[i], from->at[i + 1] - from->at[i])));
        }
        assert_int_not_equal(prove(buf_span(&spliced), buf_span(&signature), &grant), MLT_OK);
    }
    /* Two frames swapped. */
    CLEANUP(buf_clear) struct buf swapped = { 0 };
    login_sign(authority_key(MARIA), buf_span(&new.bytes), &signature);
    assert_ok(buf_put(&swapped, span_of(new.bytes.p + new.at[LOGIN_CLIENT_HELLO],
                                        new.at[LOGIN_SERVER_AUTH] - new.at[LOGIN_CLIENT_HELLO])));
    assert_ok(buf_put(&swapped, span_of(new.bytes.p, new.at[LOGIN_CLIENT_HELLO])));
    assert_ok(buf_put(&swapped, span_from(buf_span(&new.bytes), new.at[LOGIN_SERVER_AUTH])));
    assert_err(prove(buf_span(&swapped), buf_span(&signature), &grant), MLT_ERR_UNEXPECTED);
    assert_ok(prove(buf_span(&new.bytes), buf_span(&signature), &grant));
}

static void any_byte_changed_in_a_proof_makes_it_worthless(void **state)
{
    (void)state;
    CLEANUP(login_transcript_clear) struct login_transcript t = { 0 };
    CLEANUP(buf_clear) struct buf signature = { 0 };
    uint8_t nonce[MAILBOX_NONCE];
    struct ipc_login_grant grant;
    get_nonce(nonce);
    const struct login login = { CLIENT_AUTH_RECEIVE, SPAN_OF(nonce),
                                 buf_span(&certificates[MARIA]), buf_span(&a.ca.cert_der) };
    login_make(&login, &t);
    login_sign(authority_key(MARIA), buf_span(&t.bytes), &signature);
    for (size_t at = 0; at < t.bytes.len; at += 5) {
        t.bytes.p[at] ^= 0x10;
        if (prove(buf_span(&t.bytes), buf_span(&signature), &grant) == MLT_OK)
            fail_msg("byte %zu", at);
        t.bytes.p[at] ^= 0x10;
    }
    assert_ok(prove(buf_span(&t.bytes), buf_span(&signature), &grant));
}

/* ---- the channel ---- */

static void what_is_malformed_ends_the_channel(void **state)
{
    (void)state;
    static const struct {
        enum ipc_type type;
        size_t n;
    } bodies[] = { { IPC_MAILBOX_WANTED, 2 }, { IPC_LOGIN_PROOF, 300 }, { IPC_UNWRAP, 400 } };
    static const uint8_t junk[400] = { 9, 9, 9, 9 };
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        struct ipc_message message;
        start_link();
        skip_greeting();
        assert_ok(channel_send(&net, bodies[i].type, 1, span_of(junk, bodies[i].n)));
        net_link_read(&link_);
        assert_int_equal(link_.loss, NET_LINK_MISBEHAVED);
        assert_false(receive(&message));
    }
}

/* For tests that change who has what; the others share one world, which takes a second to make. */
static int start_anew(void **state)
{
    return stop(state) != 0 || start(state) != 0;
}

static int libraries(void **state)
{
    authority_libraries();
    return start(state);
}

#define ANEW(test) cmocka_unit_test_setup(test, start_anew)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_logged_in_has_his_mail_opened),
        cmocka_unit_test(more_members_than_the_cache_holds_are_all_served),
        cmocka_unit_test(nonces_are_all_different),
        cmocka_unit_test(a_grant_opens_nobody_elses_mail),
        cmocka_unit_test(a_grant_with_any_bit_changed_is_void),
        cmocka_unit_test(a_grant_ends_after_its_time),
        cmocka_unit_test(a_grant_ends_with_the_process_that_gave_it),
        cmocka_unit_test(a_segment_opens_under_its_own_id_only),
        cmocka_unit_test(what_was_wrapped_must_be_a_secret_of_our_size),
        cmocka_unit_test(a_proof_needs_a_fresh_nonce_of_this_process),
        cmocka_unit_test(a_login_that_gets_no_mail_proves_nothing),
        cmocka_unit_test(only_the_key_of_the_certificate_signs_for_it),
        cmocka_unit_test(a_signature_for_another_purpose_is_none),
        cmocka_unit_test(parts_of_two_logins_do_not_make_a_third),
        cmocka_unit_test(any_byte_changed_in_a_proof_makes_it_worthless),
        cmocka_unit_test(what_is_malformed_ends_the_channel),
        ANEW(a_pair_that_is_not_made_yet_is_missing_and_so_is_a_stranger),
        ANEW(who_is_waited_for_gets_the_next_pair),
        ANEW(of_more_than_there_is_room_for_the_rest_are_asked_for_again),
        ANEW(a_grant_ends_with_the_key_it_was_given_to),
        ANEW(a_mailbox_without_a_pair_opens_nothing),
        ANEW(a_revoked_certificate_earns_nothing),
        ANEW(a_key_that_was_closed_or_replaced_earns_nothing),
        ANEW(a_certificate_the_ledger_does_not_know_is_told_from_a_revoked_one),
        ANEW(an_expired_certificate_earns_nothing),
        ANEW(one_that_begins_within_the_hour_earns_a_grant_and_no_later_one),
        ANEW(a_certificate_of_another_ca_or_role_earns_nothing),
    };
    return cmocka_run_group_tests(tests, libraries, stop);
}
