/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "ipc/messages.h"
#include "papers.h"
#include "rig.h"

/* Revocation lists and notices, as the net process passes them on, keeps them and is held by them:
 * the test is ca, and the clients. */

static const int64_t day_s = 86400;

struct subject {
    uint8_t serial[1][CERT_SERIAL];
    uint8_t spki_hash[HASH_LEN];
};

static struct subject subject_of(const struct rig_client *c)
{
    struct subject s;
    CLEANUP(cert_clear) struct cert cert = { 0 };
    assert_ok(cert_read_leaf(buf_span(&c->certificate), &pair_house()->ca, CERT_CLIENT, rig_now_s(),
                             &cert));
    memcpy(s.serial[0], cert.fields.serial, CERT_SERIAL);
    memcpy(s.spki_hash, cert.spki_hash, HASH_LEN);
    return s;
}

static struct papers_list list_of(uint64_t number, const struct subject *s)
{
    return (struct papers_list) { .number = number,
                                  .this_update_s = rig_now_s(),
                                  .next_update_s = rig_now_s() + 7 * day_s,
                                  .serials = s != NULL ? s->serial : NULL,
                                  .count = s != NULL ? 1 : 0 };
}

/* ---- as ca ---- */

/* In pieces of that size. */
static void send_der(struct rig *rig, uint64_t number, struct span der, size_t piece)
{
    for (size_t at = 0; at < der.n; at += piece) {
        size_t left = der.n - at;
        const struct ipc_crl_part part = { number, (uint32_t)at, (uint32_t)der.n,
                                           span_of(der.p + at, left < piece ? left : piece) };
        struct buf body = { 0 };
        assert_ok(ipc_crl_part_encode(&part, &body));
        rig_tell(rig, IPC_CRL_PART, 0, &body);
    }
}

static void send_list(struct rig *rig, const struct papers_list *list)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    papers_crl(list, &der);
    send_der(rig, list->number, buf_span(&der), 100);
}

static void send_notice(struct rig *rig, const struct papers_list *list)
{
    struct buf body = { 0 };
    papers_notice(list, &body);
    rig_tell(rig, IPC_NOTICE, 0, &body);
}

static void must_be_taken(struct rig *rig, uint64_t number)
{
    struct ipc_crl_taken taken = { rig->taken };
    rig->taken = 0;
    if (taken.number == 0) {
        rig_hear_ca(rig, IPC_CRL_TAKEN);
        assert_ok(ipc_crl_taken_decode(rig->message.body, &taken));
    }
    assert_int_equal(taken.number, number);
}

static bool taken_within(struct rig *rig, int ms)
{
    while (rig_hear(rig, &rig->ca, ms))
        if (rig->message.type == IPC_CRL_TAKEN)
            return true;
    return false;
}

static void read_kept(const struct rig *rig, struct buf *der)
{
    CLEANUP(file_close) int dir = open(rig->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_ok(file_read(dir, "crl.der", LIMIT_CRL, der));
}

/* A net on the same directory, and a ca that says this list, or none. */
static void start_again(struct rig *rig, const struct papers_list *list)
{
    rig_kill_net(rig);
    rig_start_again(rig);
    rig_say_ca(rig);
    if (list != NULL)
        send_list(rig, list);
    rig_make_ready(rig);
}

/* ---- as a client ---- */

static struct revocation take_notice(struct rig_client *c)
{
    struct revocation notice = { 0 };
    assert_int_equal(rig_next_record(c), RECORD_REVOKED);
    assert_ok(revocation_decode(buf_span(&c->plain), &notice));
    return notice;
}

static void want(struct rig_client *c, uint64_t have)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    const struct crl_wanted wanted = { have };
    assert_ok(crl_wanted_encode(&wanted, &body));
    assert_ok(session_seal(&c->session, RECORD_CRL_WANTED, buf_span(&body), &c->out));
    rig_flush(c);
}

/* Reads pieces to the end; its number. */
static uint64_t take_list(struct rig_client *c, struct buf *der)
{
    struct crl_piece piece = { 0 };
    do {
        assert_int_equal(rig_next_record(c), RECORD_CRL);
        assert_ok(crl_piece_decode(buf_span(&c->plain), &piece));
        if (piece.offset == 0)
            buf_clear(der);
        assert_int_equal(piece.offset, der->len);
        assert_ok(buf_put(der, piece.bytes));
    } while (der->len < piece.total);
    return piece.number;
}

static void come_back(struct rig_client *again, struct rig *rig, const struct rig_client *c)
{
    rig_prepare(again, rig, CLIENT_AUTH_SEND);
    assert_ok(buf_put(&again->certificate, buf_span(&c->certificate)));
    again->config.certificate = buf_span(&again->certificate);
    rig_ask(again);
    rig_get_welcome(again);
}

static void must_be_revoked(struct rig *rig, const struct rig_client *c)
{
    CLEANUP(rig_client_clear) struct rig_client again;
    come_back(&again, rig, c);
    assert_int_equal(again.welcome.result, WELCOME_REFUSED);
    assert_int_equal(again.welcome.reason, REFUSAL_REVOKED);
}

/* ---- a revocation ---- */

static void everybody_hears_of_it_and_ca_that_it_is_kept(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    CLEANUP(rig_client_clear) struct rig_client joao;
    CLEANUP(buf_clear) struct buf kept = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    struct buf row = { 0 };
    rig_start_serving(&rig);
    rig_log_in(&maria, &rig, CLIENT_AUTH_RECEIVE);
    rig_log_in_joao(&joao, &rig, CLIENT_AUTH_RECEIVE);
    assert_int_equal(joao.welcome.crl_number, 0);
    struct subject s = subject_of(&maria);
    struct ipc_revoked revoked = { .name = { "maria" } };
    memcpy(revoked.serial, s.serial, CERT_SERIAL);
    memcpy(revoked.spki_hash, s.spki_hash, HASH_LEN);
    assert_ok(ipc_revoked_encode(&revoked, &row));
    const struct papers_list list = list_of(1, &s);
    papers_crl(&list, &der);
    rig_tell(&rig, IPC_REVOKED, 0, &row);
    send_der(&rig, 1, buf_span(&der), 60000);
    send_notice(&rig, &list);

    rig_must_close(&maria, CLOSE_REVOKED);
    struct revocation notice = take_notice(&joao);
    assert_int_equal(notice.number, 1);
    assert_span_equal(notice.serials, SPAN_OF(s.serial[0]));
    must_be_taken(&rig, 1);
    read_kept(&rig, &kept);
    assert_span_equal(buf_span(&kept), buf_span(&der));
    must_be_revoked(&rig, &maria);
    rig_ping(&joao);
}

static void a_notice_is_told_once(void **state)
{
    (void)state;
    RIG_WITH_MARIA(rig, maria, CLIENT_AUTH_SEND);
    const struct papers_list one = list_of(1, NULL);
    const struct papers_list two = list_of(2, NULL);
    send_notice(&rig, &one);
    send_notice(&rig, &two);
    send_notice(&rig, &two);
    send_notice(&rig, &one);
    assert_int_equal(take_notice(&maria).number, 1);
    assert_int_equal(take_notice(&maria).number, 2);
    rig_ping(&maria);
    CLEANUP(rig_client_clear) struct rig_client again;
    rig_log_in(&again, &rig, CLIENT_AUTH_SEND);
    assert_int_equal(again.welcome.crl_number, 2);
}

static void a_notice_of_another_hand_drops_the_channel(void **state)
{
    (void)state;
    RIG_WITH_MARIA(rig, maria, CLIENT_AUTH_SEND);
    struct buf body = { 0 };
    const struct papers_list one = list_of(1, NULL);
    papers_notice(&one, &body);
    body.p[7] ^= 2;
    rig_tell(&rig, IPC_NOTICE, 0, &body);
    assert_true(rig_is_dropped(&rig.ca));
    rig_ping(&maria);
}

static void pieces_out_of_order_drop_the_channel(void **state)
{
    (void)state;
    RIG_WITH_MARIA(rig, maria, CLIENT_AUTH_SEND);
    struct buf body = { 0 };
    const struct ipc_crl_part part = { 1, 10, 20, span_str("0123456789") };
    assert_ok(ipc_crl_part_encode(&part, &body));
    rig_tell(&rig, IPC_CRL_PART, 0, &body);
    assert_true(rig_is_dropped(&rig.ca));
    rig_ping(&maria);
}

static void a_list_that_does_not_verify_changes_nothing(void **state)
{
    (void)state;
    RIG_WITH_MARIA(rig, maria, CLIENT_AUTH_SEND);
    CLEANUP(buf_clear) struct buf forged = { 0 };
    struct subject s = subject_of(&maria);
    const struct papers_list list = list_of(2, &s);
    papers_forged_crl(&list, &forged);
    send_der(&rig, 2, buf_span(&forged), 60000);
    /* Nor one that calls itself another number than it is. */
    buf_clear(&forged);
    papers_crl(&list, &forged);
    send_der(&rig, 3, buf_span(&forged), 60000);
    assert_false(taken_within(&rig, 500));
    rig_ping(&maria);
    CLEANUP(rig_client_clear) struct rig_client again;
    come_back(&again, &rig, &maria);
    assert_int_equal(again.welcome.result, WELCOME_LOGGED_IN);
    assert_int_equal(again.welcome.crl_number, 0);
}

/* ---- across restarts ---- */

static void an_older_ca_revokes_nobody_less(void **state)
{
    (void)state;
    RIG_WITH_MARIA(rig, maria, CLIENT_AUTH_SEND);
    CLEANUP(buf_clear) struct buf before = { 0 };
    CLEANUP(buf_clear) struct buf after = { 0 };
    struct subject s = subject_of(&maria);
    const struct papers_list list = list_of(5, &s);
    const struct papers_list older = list_of(4, NULL);
    const struct papers_list other = list_of(5, NULL);
    send_list(&rig, &list);
    must_be_taken(&rig, 5);
    rig_must_close(&maria, CLOSE_REVOKED); /* on the list's word alone */
    read_kept(&rig, &before);

    /* A ca that says nothing; one that says an older list; another one of the same number. */
    const struct papers_list *says[] = { NULL, &older, &other };
    for (size_t i = 0; i < COUNT_OF(says); i++) {
        start_again(&rig, says[i]);
        must_be_revoked(&rig, &maria);
        assert_false(taken_within(&rig, 300));
        buf_clear(&after);
        read_kept(&rig, &after);
        assert_span_equal(buf_span(&after), buf_span(&before));
    }
    CLEANUP(rig_client_clear) struct rig_client joao;
    rig_log_in_joao(&joao, &rig, CLIENT_AUTH_SEND);
    assert_int_equal(joao.welcome.crl_number, 5);
    /* A newer one takes its place, and what has left it by age is refused no more. */
    const struct papers_list newer = list_of(6, NULL);
    start_again(&rig, &newer);
    must_be_taken(&rig, 6);
    CLEANUP(rig_client_clear) struct rig_client again;
    come_back(&again, &rig, &maria);
    assert_int_equal(again.welcome.result, WELCOME_LOGGED_IN);
}

static void ca_hears_again_that_its_list_is_kept(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(buf_clear) struct buf der = { 0 };
    rig_start_serving(&rig);
    const struct papers_list list = list_of(5, NULL);
    papers_crl(&list, &der);
    send_der(&rig, 5, buf_span(&der), 60000);
    must_be_taken(&rig, 5);
    send_der(&rig, 5, buf_span(&der), 60000);
    must_be_taken(&rig, 5);
}

/* Whatever is in the file: said, and ca's list is taken. */
static void damage_and_start(void (*damage)(int fd, size_t len))
{
    RIG_WITH_MARIA(rig, maria, CLIENT_AUTH_SEND);
    CLEANUP(buf_clear) struct buf kept = { 0 };
    char path[128];
    struct subject s = subject_of(&maria);
    const struct papers_list list = list_of(5, &s);
    send_list(&rig, &list);
    must_be_taken(&rig, 5);
    read_kept(&rig, &kept);
    rig_kill_net(&rig);
    snprintf(path, sizeof(path), "%s/crl.der", rig.dir);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    damage(fd, kept.len);
    close(fd);
    start_again(&rig, &list);
    must_be_taken(&rig, 5);
    must_be_revoked(&rig, &maria);
}

static void cut(int fd, size_t len)
{
    assert_int_equal(ftruncate(fd, (off_t)(len / 2)), 0);
}

static void empty(int fd, size_t len)
{
    (void)len;
    assert_int_equal(ftruncate(fd, 0), 0);
}

static void flip(int fd, size_t len)
{
    uint8_t byte = 0;
    off_t at = (off_t)(len / 2);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
}

static void a_damaged_file_is_said_and_ca_is_believed(void **state)
{
    (void)state;
    damage_and_start(cut);
    damage_and_start(empty);
    damage_and_start(flip);
}

static void a_list_that_cannot_be_written_is_in_force_and_not_confirmed(void **state)
{
    (void)state;
    RIG_WITH_MARIA(rig, maria, CLIENT_AUTH_SEND);
    char path[128];
    struct subject s = subject_of(&maria);
    snprintf(path, sizeof(path), "%s/crl.der", rig.dir);
    assert_int_equal(mkdir(path, 0700), 0);
    const struct papers_list list = list_of(5, &s);
    send_list(&rig, &list);
    rig_must_close(&maria, CLOSE_REVOKED);
    assert_false(taken_within(&rig, 500));
    assert_int_equal(rmdir(path), 0);
    must_be_taken(&rig, 5);
}

/* Of files that were begun to be written there, or were given up. */
static unsigned count_events(int watch)
{
    char events[16384];
    unsigned count = 0;
    for (ssize_t n = 0; (n = read(watch, events, sizeof(events))) > 0;)
        for (const char *at = events; at < events + n;) {
            struct inotify_event event;
            memcpy(&event, at, sizeof(event));
            at += sizeof(event) + event.len;
            count++;
        }
    return count;
}

/* The head with the list's leaf is kept first: else a ca from before both would not be known. */
static void a_head_that_cannot_be_written_holds_up_the_word_and_is_tried_in_peace(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    char path[128];
    struct buf head = { 0 };
    const struct papers_ledger ledger = { .epoch = 100, .size = 5 };
    const struct papers_list list = list_of(5, NULL);
    rig_start_serving(&rig);
    snprintf(path, sizeof(path), "%s/head", rig.dir);
    assert_int_equal(mkdir(path, 0700), 0);
    papers_head(&ledger, 1000, &head);
    rig_tell(&rig, IPC_HEAD, 0, &head);
    send_list(&rig, &list);
    CLEANUP(file_close) int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    /* Both: of one kind and name, several in a row are one event. */
    assert_true(inotify_add_watch(watch, rig.dir, IN_CREATE | IN_DELETE) >= 0);
    assert_false(taken_within(&rig, 1000));
    assert_in_range(count_events(watch), 0, 20);
    assert_int_equal(rmdir(path), 0);
    must_be_taken(&rig, 5);
}

/* ---- who is behind ---- */

static void who_is_a_little_behind_gets_notices_and_others_the_list(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(buf_clear) struct buf got = { 0 };
    rig_start_serving(&rig);
    for (uint64_t number = 8; number <= 10; number++) {
        const struct papers_list list = list_of(number, NULL);
        send_notice(&rig, &list);
    }
    const struct papers_list list = list_of(10, NULL);
    papers_crl(&list, &der);
    send_der(&rig, 10, buf_span(&der), 60000);
    must_be_taken(&rig, 10);
    rig_log_in(&maria, &rig, CLIENT_AUTH_SEND);
    assert_int_equal(maria.welcome.crl_number, 10);
    want(&maria, 8);
    assert_int_equal(take_notice(&maria).number, 9);
    assert_int_equal(take_notice(&maria).number, 10);
    want(&maria, 10); /* answered all the same */
    assert_int_equal(take_notice(&maria).number, 10);
    want(&maria, 6);
    assert_int_equal(take_list(&maria, &got), 10);
    assert_span_equal(buf_span(&got), buf_span(&der));
    want(&maria, 0);
    assert_int_equal(take_list(&maria, &got), 10);
    rig_ping(&maria);
}

/* A list that neither a session's queue nor the kernel holds: 10.5 MB. */
static uint8_t many[300000][CERT_SERIAL];

static void send_many(struct rig *rig, uint64_t number, struct buf *der)
{
    for (size_t i = 0; i < COUNT_OF(many); i++) {
        many[i][0] = 1;
        many[i][13] = (uint8_t)(i >> 16);
        many[i][14] = (uint8_t)(i >> 8);
        many[i][15] = (uint8_t)i;
    }
    struct papers_list list = list_of(number, NULL);
    list.serials = many;
    list.count = COUNT_OF(many);
    papers_crl(&list, der);
    send_der(rig, number, buf_span(der), 60000);
    must_be_taken(rig, number);
}

static void a_second_wish_while_the_list_comes_ends_the_session(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    CLEANUP(buf_clear) struct buf der = { 0 };
    rig_start_serving(&rig);
    send_many(&rig, 10, &der);
    rig_log_in(&maria, &rig, CLIENT_AUTH_SEND);
    want(&maria, 1);
    want(&maria, 1);
    /* Both came in one breath: the alert is behind one piece at most. */
    enum mlt_err err = MLT_OK;
    while (err == MLT_OK) {
        size_t used = 0;
        enum record_kind kind = 0;
        err = session_open(&maria.session, buf_span(&maria.in), &used, &kind, &maria.plain,
                           &maria.out);
        buf_drop(&maria.in, used);
        if (err == MLT_OK && used == 0)
            assert_true(rig_read_more(&maria));
    }
    assert_err(err, MLT_ERR_ALERT);
    assert_int_equal(maria.session.peer_alert, ALERT_PROTOCOL);
}

static void a_wish_for_what_there_is_not_ends_the_session(void **state)
{
    (void)state;
    RIG_WITH_MARIA(rig, maria, CLIENT_AUTH_SEND);
    want(&maria, 0);
    rig_must_fail(&maria, ALERT_PROTOCOL);
}

static void who_reads_slowly_holds_up_nobody_and_gets_it_all(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client slow;
    CLEANUP(rig_client_clear) struct rig_client joao;
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(buf_clear) struct buf got = { 0 };
    rig_start_serving(&rig);
    send_many(&rig, 10, &der);
    rig_log_in(&slow, &rig, CLIENT_AUTH_SEND);
    const int little = 262144;
    assert_int_equal(setsockopt(slow.fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof(little)), 0);
    want(&slow, 1);
    rig_log_in_joao(&joao, &rig, CLIENT_AUTH_SEND);
    want(&joao, 1);
    assert_int_equal(take_list(&joao, &got), 10);
    rig_ping(&joao);
    assert_span_equal(buf_span(&got), buf_span(&der));
    assert_int_equal(take_list(&slow, &got), 10);
    assert_span_equal(buf_span(&got), buf_span(&der));
    rig_ping(&slow);
}

/* ---- a list that is out of date ---- */

static void a_stale_list_admits_only_who_was_certified_since(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client live;
    CLEANUP(rig_client_clear) struct rig_client older;
    CLEANUP(rig_client_clear) struct rig_client newer;
    rig_start_serving(&rig);
    rig_log_in(&live, &rig, CLIENT_AUTH_SEND);
    struct papers_list list = list_of(5, NULL);
    list.this_update_s = rig_now_s() - 8 * day_s;
    list.next_update_s = rig_now_s() - day_s;
    send_list(&rig, &list);
    must_be_taken(&rig, 5);
    rig_prepare(&older, &rig, CLIENT_AUTH_SEND);
    rig_hold_certificate(&older, list.this_update_s - LIMIT_BACKDATE_S - 1,
                         rig_now_s() + 30 * day_s);
    rig_must_be_refused(&older, REFUSAL_STALE);
    rig_prepare(&newer, &rig, CLIENT_AUTH_SEND);
    rig_hold_certificate(&newer, list.this_update_s - LIMIT_BACKDATE_S, rig_now_s() + 30 * day_s);
    rig_ask(&newer);
    rig_get_welcome(&newer);
    assert_int_equal(newer.welcome.result, WELCOME_LOGGED_IN);
    rig_ping(&live);
}

/* ---- our own certificate ---- */

static void revoke_own(struct rig *rig, const struct cert *server)
{
    struct buf body = { 0 };
    struct ipc_revoked revoked = { .name = { "relay" } };
    memcpy(revoked.serial, server->fields.serial, CERT_SERIAL);
    memcpy(revoked.spki_hash, server->spki_hash, HASH_LEN);
    assert_ok(ipc_revoked_encode(&revoked, &body));
    rig_tell(rig, IPC_REVOKED, 0, &body);
}

static void prepare(struct rig_client *c, struct rig *rig)
{
    rig_prepare(c, rig, CLIENT_AUTH_SEND);
    rig_hold_certificate(c, rig_now_s() - 300, rig_now_s() + day_s);
}

static bool is_sent_away(const struct rig_client *c)
{
    uint8_t byte = 0;
    ssize_t n = recv(c->fd, &byte, 1, MSG_PEEK);
    return n <= 0;
}

static void our_own_certificate_revoked_makes_way_for_another(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    CLEANUP(rig_client_clear) struct rig_client waiting;
    CLEANUP(rig_client_clear) struct rig_client again;
    rig_start_serving(&rig);
    rig_log_in(&maria, &rig, CLIENT_AUTH_SEND);
    prepare(&waiting, &rig);
    assert_false(is_sent_away(&waiting)); /* there is ServerHello */
    revoke_own(&rig, &maria.server);
    /* Before there is another one, whoever comes is sent away, and who was about to be shown it. */
    rig_hear_ca(&rig, IPC_SERVER_REQUEST);
    prepare(&again, &rig);
    assert_true(is_sent_away(&again));
    while (rig_read_more(&waiting))
        continue;
    assert_int_equal(waiting.in.p[waiting.in.len - 1], ALERT_BUSY); /* and not TIMEOUT, later */
    rig_certify_heard(&rig, NULL);
    do {
        rig_client_clear(&again);
        prepare(&again, &rig);
    } while (is_sent_away(&again));
    rig_ask(&again);
    rig_get_welcome(&again);
    assert_int_equal(again.welcome.result, WELCOME_LOGGED_IN);
    assert_false(span_eq(SPAN_OF(maria.server.spki_hash), SPAN_OF(again.server.spki_hash)));
    rig_ping(&maria); /* the session went on */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_hears_of_it_and_ca_that_it_is_kept),
        cmocka_unit_test(a_notice_is_told_once),
        cmocka_unit_test(a_notice_of_another_hand_drops_the_channel),
        cmocka_unit_test(pieces_out_of_order_drop_the_channel),
        cmocka_unit_test(a_list_that_does_not_verify_changes_nothing),
        cmocka_unit_test(an_older_ca_revokes_nobody_less),
        cmocka_unit_test(ca_hears_again_that_its_list_is_kept),
        cmocka_unit_test(a_damaged_file_is_said_and_ca_is_believed),
        cmocka_unit_test(a_list_that_cannot_be_written_is_in_force_and_not_confirmed),
        cmocka_unit_test(a_head_that_cannot_be_written_holds_up_the_word_and_is_tried_in_peace),
        cmocka_unit_test(who_is_a_little_behind_gets_notices_and_others_the_list),
        cmocka_unit_test(a_second_wish_while_the_list_comes_ends_the_session),
        cmocka_unit_test(a_wish_for_what_there_is_not_ends_the_session),
        cmocka_unit_test(who_reads_slowly_holds_up_nobody_and_gets_it_all),
        cmocka_unit_test(a_stale_list_admits_only_who_was_certified_since),
        cmocka_unit_test(our_own_certificate_revoked_makes_way_for_another),
    };
    return cmocka_run_group_tests(tests, rig_quiet, NULL);
}
