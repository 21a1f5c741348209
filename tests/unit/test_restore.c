/* SPDX-License-Identifier: Apache-2.0 */
#include "restore_scene.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "ca/backup.h"
#include "ca/crl_keep.h"
#include "ca/enrol.h"
#include "ca/invite.h"
#include "ca/members.h"
#include "ca/pending.h"
#include "ca/reissue.h"
#include "ca/schema.h"

/* What is carried over, and what is lost. */

static void the_newest_state_is_not_behind_itself(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    CLEANUP(buf_clear) struct buf head = { 0 };
    assert_ok(buf_put(&head, head_newest(&a.ca)));
    bring_back();
    assert_ok(restore_start(&r, &restored));
    assert_ok(restore_see_head(&r, buf_span(&head)));
    see_ledger(&r);
    assert_false(is_behind(&r));
    assert_int_equal(r.facts.size, r.seen.size);
    restore_clear(&r);
}

static void who_was_certified_since_is_lost_and_the_name_stays_taken(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    struct restore_sum sum;
    struct fates fates;
    certify("paulo", 2);
    bring_back();
    assert_ok(restore_start(&r, &restored));
    see_ledger(&r);
    assert_true(is_behind(&r));
    assert_int_equal(r.unknown_certs, 1);
    assert_int_equal(r.unknown_revoked, 0);
    uint64_t before = restored.head.epoch;
    uint64_t base = r.facts.size;
    accept_loss(&r, &sum, &fates);
    assert_int_equal(fates.lost, 1);
    assert_int_equal(fates.kept, 0);
    assert_string_equal(fates.last_lost.text, "paulo");
    assert_true(sum.epoch > before);
    assert_int_equal(base_now(), base);
    assert_false(has_key("paulo"));
    assert_true(has_key("maria"));
    struct crl_facts crl;
    assert_ok(crl_keep_facts(&restored.db, &crl));
    assert_int_equal(crl.entries, 1);
}

static void a_revocation_survives_by_the_old_ledger(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    struct restore_sum sum;
    struct fates fates;
    bool closed = false;
    uint8_t key[HASH_LEN];
    revoke_user("maria");
    bring_back();
    assert_true(has_key("maria"));
    assert_ok(restore_start(&r, &restored));
    see_ledger(&r);
    assert_true(is_behind(&r));
    assert_int_equal(r.unknown_revoked, 1);
    accept_loss(&r, &sum, &fates);
    assert_int_equal(sum.revocations, 1);
    assert_false(has_key("maria"));
    authority_fingerprint(authority_key(1), key);
    assert_ok(certificates_key_is_revoked(&restored.db, key, &closed));
    assert_true(closed);
    assert_true(has_key("joao"));
}

static enum refusal try_invite(const char *name, unsigned key, const struct invite *invite)
{
    CLEANUP(buf_clear) struct buf request = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    struct ipc_enrolled answer;
    const struct ipc_enrol ask =
        authority_ask(&restored.cert, name, authority_key(key), invite, &request);
    assert_ok(enrol_client(&restored, &ask, &answer, &der));
    assert_int_not_equal(answer.result, WELCOME_ISSUED);
    return answer.reason;
}

static void invites_and_requests_that_were_open_in_the_backup_are_void(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    struct restore_sum sum;
    struct fates fates;
    uint8_t hash[HASH_LEN];
    enum pending_state waits = PENDING_NONE;
    const struct name rui = authority_name("rui");
    const struct invite free_one = authority_invite(&a, NULL);
    const struct invite bound = authority_invite(&a, "nuno");
    authority_fingerprint(authority_key(4), hash);
    assert_ok(pending_put(&a.ca.db, &rui, hash, span_str("request"), a.now_ms / 1000));
    save();
    assert_int_equal(authority_enrol(&a, "mallory", authority_key(2), &free_one, &der).result,
                     WELCOME_ISSUED);
    bring_back();
    assert_ok(pending_state(&restored.db, &rui, hash, &waits));
    assert_int_equal(waits, PENDING_WAITING);
    assert_ok(restore_start(&r, &restored));
    see_ledger(&r);
    accept_loss(&r, &sum, &fates);
    assert_int_equal(try_invite("other", 3, &free_one), REFUSAL_INVITE);
    assert_int_equal(try_invite("nuno", 3, &bound), REFUSAL_INVITE);
    assert_ok(pending_state(&restored.db, &rui, hash, &waits));
    assert_int_equal(waits, PENDING_NONE);
}

static void what_was_withdrawn_since_stays_withdrawn(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    struct name used_by;
    size_t count = 0;
    const struct invite withdrawn = authority_invite(&a, NULL);
    const struct invite still_open = authority_invite(&a, NULL);
    save();
    assert_ok(invite_withdraw(&a.ca.db, withdrawn.id, &used_by));
    bring_back();
    assert_ok(restore_start(&r, &restored));
    /* Nobody knows, without the ledger.db that is replaced. */
    assert_ok(restore_carry_unwritten(&r, &count));
    assert_int_equal(count, 0);
    see_ledger(&r);
    assert_false(is_behind(&r));
    assert_ok(restore_carry_unwritten(&r, &count));
    assert_int_equal(count, 1);
    assert_int_equal(try_invite("other", 3, &withdrawn), REFUSAL_INVITE);
    assert_ok(invite_withdraw(&restored.db, still_open.id, &used_by));
}

static bool is_closed(const char *text)
{
    struct member member;
    bool found = false;
    const struct name name = authority_name(text);
    assert_ok(members_find(&restored.db, &name, &member, &found));
    assert_true(found);
    return member.closed;
}

/* Its key was revoked before the backup, so that no serial tells of it. */
static void a_name_that_was_closed_since_while_it_waited_stays_closed(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    struct restore_sum sum;
    struct fates fates;
    struct invite invite;
    const struct name maria = authority_name("maria");
    assert_ok(reissue(&a.ca, &maria, a.now_ms / 1000 + 86400, &invite));
    save();
    revoke_user("maria");
    bring_back();
    assert_false(is_closed("maria"));
    assert_ok(restore_start(&r, &restored));
    see_ledger(&r);
    assert_int_equal(r.unknown_revoked, 0);
    accept_loss(&r, &sum, &fates);
    assert_true(is_closed("maria"));
    assert_false(is_closed("joao"));
    assert_true(has_key("joao"));
    (void)try_invite("maria", 2, &invite);
}

static void see_older(struct restore *r, int fd)
{
    assert_ok(restore_start(r, &restored));
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_ok(restore_see_ledger(r, fd));
}

static int copy_ledger(void)
{
    int fd = -1;
    ca_close(&a.ca);
    assert_ok(restore_copy_ledger(&fd));
    authority_restart(&a);
    return fd;
}

/* Nothing is behind then: no leaf tells of it. */
static void a_plain_restore_leaves_it_closed_too(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    struct invite invite;
    size_t count = 0;
    const struct name maria = authority_name("maria");
    assert_ok(reissue(&a.ca, &maria, a.now_ms / 1000 + 86400, &invite));
    save();
    revoke_user("maria");
    bring_back();
    assert_ok(restore_start(&r, &restored));
    see_ledger(&r);
    assert_false(is_behind(&r));
    assert_ok(restore_carry_unwritten(&r, &count));
    assert_true(is_closed("maria"));
    assert_true(has_key("joao"));
    assert_int_equal(count, 1);
    assert_int_equal(try_invite("maria", 2, &invite), REFUSAL_INVITE);
}

static void but_not_by_a_ledger_that_is_older_than_the_backup(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    CLEANUP(file_close) int fd = -1;
    struct invite invite;
    size_t count = 0;
    const struct name maria = authority_name("maria");
    revoke_user("maria");
    fd = copy_ledger();
    assert_ok(reissue(&a.ca, &maria, a.now_ms / 1000 + 86400, &invite));
    certify("paulo", 2);
    save();
    bring_back();
    see_older(&r, fd);
    assert_false(is_behind(&r));
    assert_ok(restore_carry_unwritten(&r, &count));
    assert_false(is_closed("maria"));
    assert_int_equal(count, 0);
}

/* The ledger.db that is there is the older one. */
static void a_name_that_was_opened_anew_by_the_backup_stays_open(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    CLEANUP(file_close) int fd = -1;
    struct restore_sum sum;
    struct fates fates;
    struct invite invite;
    const struct name maria = authority_name("maria");
    revoke_user("maria");
    revoke_user("joao");
    fd = copy_ledger();
    assert_ok(reissue(&a.ca, &maria, a.now_ms / 1000 + 86400, &invite));
    assert_int_equal(authority_enrol(&a, "maria", authority_key(2), &invite, &der).result,
                     WELCOME_ISSUED);
    save();
    bring_back();
    see_older(&r, fd);
    accept_loss(&r, &sum, &fates);
    assert_true(has_key("maria"));
    assert_false(is_closed("maria"));
    assert_true(is_closed("joao"));
}

/* ca/ is gone; net/ is not. */
static void a_revocation_survives_by_the_crl_alone(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    CLEANUP(buf_clear) struct buf crl = { 0 };
    struct restore_sum sum;
    struct fates fates;
    uint64_t number = 0;
    revoke_user("maria");
    assert_ok(crl_keep_der(&a.ca.db, &number, &crl));
    bring_back();
    assert_ok(restore_start(&r, &restored));
    assert_ok(restore_see_crl(&r, buf_span(&crl)));
    assert_true(is_behind(&r));
    assert_int_equal(r.seen_crl, number);
    accept_loss(&r, &sum, &fates);
    assert_true(sum.crl_number > number);
    assert_false(has_key("maria"));
}

/*
 * The list names the certificate that joao renewed to, and no earlier one, as they were over; the
 * ledger.db that is there knows the certificate, and nothing of the revocation.
 */
static void the_key_of_a_certificate_that_a_list_names_alone_is_closed(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    CLEANUP(issued_clear) struct issued renewed = { 0 };
    CLEANUP(buf_clear) struct buf crl = { 0 };
    CLEANUP(file_close) int fd = -1;
    struct restore_sum sum;
    struct fates fates;
    struct issuer issuer;
    uint64_t number = 0;
    bool closed = false;
    const struct name joao = authority_name("joao");
    a.now_ms += (int64_t)60 * 86400 * 1000;
    assert_ok(ca_issuer(&a.ca, &issuer));
    assert_ok(issue_leaf(&issuer, CERT_CLIENT, &joao, authority_key(0), &renewed));
    assert_ok(certificates_record(&a.ca.db, &renewed));
    fd = copy_ledger();
    a.now_ms += (int64_t)38 * 86400 * 1000;
    revoke_user("joao");
    assert_ok(crl_keep_der(&a.ca.db, &number, &crl));
    bring_back();
    see_older(&r, fd);
    assert_ok(restore_see_crl(&r, buf_span(&crl)));
    assert_int_equal(r.crl.count, 1);
    accept_loss(&r, &sum, &fates);
    assert_false(has_key("joao"));
    assert_true(is_closed("joao"));
    assert_ok(certificates_key_is_revoked(&restored.db, renewed.spki_hash, &closed));
    assert_true(closed);
    assert_true(has_key("maria"));
}

static void who_renewed_since_keeps_the_certificate(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    CLEANUP(issued_clear) struct issued issued = { 0 };
    struct restore_sum sum;
    struct fates fates;
    struct issuer issuer;
    const struct name maria = authority_name("maria");
    assert_ok(ca_issuer(&a.ca, &issuer));
    assert_ok(issue_leaf(&issuer, CERT_CLIENT, &maria, authority_key(1), &issued));
    assert_ok(certificates_record(&a.ca.db, &issued));
    bring_back();
    assert_ok(restore_start(&r, &restored));
    see_ledger(&r);
    assert_true(is_behind(&r));
    accept_loss(&r, &sum, &fates);
    assert_int_equal(fates.kept, 1);
    assert_int_equal(fates.lost, 0);
    bool known = false;
    assert_ok(certificates_is_known(&restored.db, issued.serial, &known));
    assert_true(known);
    assert_true(has_key("maria"));
}

/* It would set the clock's floor, or the end of what a revocation is kept for. */
static void what_the_old_ledger_says_of_a_certificate_is_what_was_signed(void **state)
{
    (void)state;
    static const char *const wrong[] = { "UPDATE certificate SET issued_s = issued_s + 4000000000",
                                         "UPDATE certificate SET not_after_s = 1" };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        CLEANUP(restore_clear) struct restore r = { 0 };
        CLEANUP(issued_clear) struct issued issued = { 0 };
        struct restore_sum sum;
        struct fates fates;
        struct issuer issuer;
        const struct name maria = authority_name("maria");
        if (i > 0) {
            assert_int_equal(restore_scene_stop(NULL), 0);
            assert_int_equal(restore_scene_start(NULL), 0);
        }
        assert_ok(ca_issuer(&a.ca, &issuer));
        assert_ok(issue_leaf(&issuer, CERT_CLIENT, &maria, authority_key(1), &issued));
        assert_ok(certificates_record(&a.ca.db, &issued));
        CLEANUP(query_end) struct query q = query_start(&a.ca.db, wrong[i]);
        assert_ok(query_run(&q));
        query_end(&q);
        bring_back();
        assert_ok(restore_start(&r, &restored));
        see_ledger(&r);
        accept_loss(&r, &sum, &fates);
        assert_int_equal(fates.kept, 0);
        assert_int_equal(fates.lost, 1);
    }
}

static void the_ledger_of_another_ca_is_told_apart(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    CLEANUP(file_close) int fd = -1;
    struct authority other = { 0 };
    authority_start(&other, ENROL_OPEN);
    ca_close(&other.ca);
    enter(other.dir);
    assert_ok(restore_copy_ledger(&fd));
    bring_back();
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_ok(restore_start(&r, &restored));
    assert_err(restore_see_ledger(&r, fd), MLT_ERR_CERT_FOREIGN);
    restore_clear(&r);
    enter(other.dir);
    authority_stop(&other);
    enter(place);
}

/* The keystore as it is, a ledger.db of ten bytes, and `more` of them than the manifest says. */
static void write_backup(int fd, int more)
{
    CLEANUP(backup_writer_clear) struct backup_writer w = { .fd = -1 };
    CLEANUP(buf_clear) struct buf manifest = { 0 };
    CLEANUP(buf_clear) struct buf chaves = { 0 };
    const struct keystore *ks = &a.ca.keystore;
    struct backup_manifest m = { .realm = "casa", .ledger_bytes = 10 };
    assert_ok(file_read(a.ca.dir, KEYSTORE_FILE, (size_t)1 << 20, &chaves));
    m.keystore_bytes = chaves.len;
    assert_ok(backup_manifest_encode(&m, &manifest));
    const uint8_t length[] = { (uint8_t)(manifest.len >> 8), (uint8_t)manifest.len };
    assert_ok(backup_write_start(&w, fd, buf_span(&ks->first_line), &ks->master));
    assert_ok(backup_write(&w, SPAN_OF(length)));
    assert_ok(backup_write(&w, buf_span(&manifest)));
    assert_ok(backup_write(&w, buf_span(&chaves)));
    assert_ok(backup_write(&w, span_of("eleven byte", (size_t)(10 + more))));
    assert_ok(backup_write_end(&w));
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
}

static enum mlt_err unpack(int more)
{
    CLEANUP(file_close) int fd = open(a.dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    CLEANUP(backup_reader_clear) struct backup_reader reader = { .fd = -1 };
    CLEANUP(secret_clear) struct secret own = { 0 };
    CLEANUP(file_close) int dir = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct backup_manifest m;
    write_backup(fd, more);
    assert_ok(backup_read_start(&reader, fd));
    assert_ok(kdf_scrypt(span_str("passphrase"), SPAN_OF(reader.box.salt), &reader.box.cost, &own));
    assert_ok(backup_read_unlock(&reader, &own));
    enum mlt_err err = backup_unpack(&reader, dir, &m);
    unlinkat(dir, KEYSTORE_FILE, 0);
    unlinkat(dir, SCHEMA_FILE, 0);
    return err;
}

static void a_backup_that_does_not_hold_what_its_manifest_says_is_refused(void **state)
{
    (void)state;
    char template[] = "/tmp/malote-restore-XXXXXX";
    assert_non_null(mkdtemp(template));
    memcpy(place, template, sizeof(template));
    assert_ok(unpack(0));
    assert_err(unpack(-1), MLT_ERR_DAMAGED);
    assert_err(unpack(1), MLT_ERR_DAMAGED);
}

/* Restored into an empty place, and stopped once a client came: what it holds by now is kept. */
static void a_stopped_authority_goes_on_from_its_own_backup(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    struct restore_sum sum;
    struct fates fates;
    struct ledger_head head = { .epoch = a.ca.head.epoch, .size = a.ca.head.size + 5 };
    sign_head(&head, &bytes);
    assert_ok(stopped_on_head(&a.ca, buf_span(&bytes)));
    assert_true(stopped_is(&a.ca));
    save();
    bring_back();
    assert_true(stopped_is(&restored));
    assert_ok(restore_start(&r, &restored));
    assert_true(is_behind(&r));
    assert_int_equal(r.seen.size, head.size);
    accept_loss(&r, &sum, &fates);
    assert_false(stopped_is(&restored));
    assert_true(has_key("maria"));
}

static void a_backup_leaves_nothing_behind_and_what_a_kill_left_goes(void **state)
{
    (void)state;
    struct stat st;
    save();
    assert_int_not_equal(lstat(BACKUP_COPY, &st), 0);
    CLEANUP(file_close) int fd = open(BACKUP_COPY, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    save();
    assert_int_not_equal(lstat(BACKUP_COPY, &st), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RESTORE_TEST(the_newest_state_is_not_behind_itself),
        RESTORE_TEST(who_was_certified_since_is_lost_and_the_name_stays_taken),
        RESTORE_TEST(a_revocation_survives_by_the_old_ledger),
        RESTORE_TEST(invites_and_requests_that_were_open_in_the_backup_are_void),
        RESTORE_TEST(what_was_withdrawn_since_stays_withdrawn),
        RESTORE_TEST(a_name_that_was_closed_since_while_it_waited_stays_closed),
        RESTORE_TEST(a_name_that_was_opened_anew_by_the_backup_stays_open),
        RESTORE_TEST(a_revocation_survives_by_the_crl_alone),
        RESTORE_TEST(the_key_of_a_certificate_that_a_list_names_alone_is_closed),
        RESTORE_TEST(a_plain_restore_leaves_it_closed_too),
        RESTORE_TEST(but_not_by_a_ledger_that_is_older_than_the_backup),
        RESTORE_TEST(who_renewed_since_keeps_the_certificate),
        RESTORE_TEST(what_the_old_ledger_says_of_a_certificate_is_what_was_signed),
        RESTORE_TEST(the_ledger_of_another_ca_is_told_apart),
        RESTORE_TEST(a_backup_that_does_not_hold_what_its_manifest_says_is_refused),
        RESTORE_TEST(a_stopped_authority_goes_on_from_its_own_backup),
        RESTORE_TEST(a_backup_leaves_nothing_behind_and_what_a_kill_left_goes),
    };
    return cmocka_run_group_tests(tests, restore_scene_libraries, NULL);
}
