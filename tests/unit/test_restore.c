/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "authority.h"
#include "base/file.h"
#include "base/limits.h"
#include "ca/admin.h"
#include "ca/audit.h"
#include "ca/backup.h"
#include "ca/crl_keep.h"
#include "ca/enrol.h"
#include "ca/epochs.h"
#include "ca/invite.h"
#include "ca/members.h"
#include "ca/pending.h"
#include "ca/reissue.h"
#include "ca/restore.h"
#include "ca/schema.h"
#include "pki/statement.h"

/*
 * A backup is brought back, and what happened since is held against it: by the ledger.db that is
 * replaced, by a head, by a CRL.
 */

static struct authority a; /* goes on after the backup, in its own directory */
static struct buf backup;
static char place[64]; /* where it is restored */
static struct ca restored;
static struct secret stretched;

static void enter(const char *dir)
{
    assert_int_equal(chdir(dir), 0);
}

static void save(void)
{
    CLEANUP(file_close) int fd = -1;
    struct backup_manifest m;
    uint8_t *at = NULL;
    assert_ok(backup_make(&a.ca, &fd, &m));
    off_t n = lseek(fd, 0, SEEK_END);
    buf_reset(&backup);
    assert_ok(buf_extend(&backup, (size_t)n, &at));
    assert_int_equal(pread(fd, at, (size_t)n, 0), n);
}

static void certify(const char *name, unsigned key)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    struct ipc_enrolled got = authority_enrol(&a, name, authority_key(key), NULL, &der);
    assert_int_equal(got.result, WELCOME_ISSUED);
}

static int begin(void **state)
{
    (void)state;
    authority_libraries();
    authority_start(&a, ENROL_OPEN);
    certify("joao", 0);
    certify("maria", 1);
    assert_ok(crl_keep_tend(&a.ca, NULL));
    assert_ok(head_sign(&a.ca));
    save();
    return 0;
}

static int end(void **state)
{
    (void)state;
    ca_close(&restored);
    secret_clear(&stretched);
    if (place[0] != '\0') {
        enter(place);
        CLEANUP(file_close) int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        unlinkat(dir, KEYSTORE_FILE, 0);
        unlinkat(dir, SCHEMA_FILE, 0);
        assert_int_equal(rmdir(place), 0);
        place[0] = '\0';
    }
    enter(a.dir);
    authority_stop(&a);
    buf_clear(&backup);
    return 0;
}

static void open_restored(void)
{
    struct ipc_key_needed need;
    CLEANUP(buf_clear) struct buf why = { 0 };
    ca_close(&restored);
    enter(place);
    assert_ok(ca_open(&restored, &a.env, NULL, &need, &why));
    secret_clear(&stretched);
    authority_stretch(&need, "passphrase", &stretched);
    assert_ok(ca_unlock(&restored, &stretched, &why));
}

static void bring_back(void)
{
    char template[] = "/tmp/malote-restore-XXXXXX";
    CLEANUP(backup_reader_clear) struct backup_reader reader = { .fd = -1 };
    CLEANUP(file_close) int fd = open(a.dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    CLEANUP(secret_clear) struct secret own = { 0 };
    struct backup_manifest m;
    assert_ok(file_write_all(fd, buf_span(&backup)));
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_non_null(mkdtemp(template));
    memcpy(place, template, sizeof(template));
    assert_ok(backup_read_start(&reader, fd));
    assert_ok(kdf_scrypt(span_str("passphrase"), SPAN_OF(reader.box.salt), &reader.box.cost, &own));
    assert_ok(backup_read_unlock(&reader, &own));
    CLEANUP(file_close) int dir = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_ok(backup_unpack(&reader, dir, &m));
    assert_memory_equal(m.ca_hash, a.ca.cert.spki_hash, HASH_LEN);
    open_restored();
}

/* The ledger.db of the one that went on. */
static void see_ledger(struct restore *r)
{
    CLEANUP(file_close) int fd = -1;
    enter(a.dir);
    ca_close(&a.ca);
    assert_ok(restore_copy_ledger(&fd));
    enter(place);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_ok(restore_see_ledger(r, fd));
}

static bool is_behind(struct restore *r)
{
    bool behind = false;
    assert_ok(restore_is_behind(r, &behind));
    return behind;
}

/* ---- accepting ---- */

struct fates {
    unsigned lost, kept;
    struct name last_lost;
};

static enum mlt_err count_fate(void *ctx, const struct certificate *c, enum restore_fate fate)
{
    struct fates *f = ctx;
    f->lost += fate == RESTORE_LOST;
    f->kept += fate == RESTORE_KEPT;
    if (fate == RESTORE_LOST)
        f->last_lost = c->name;
    return MLT_OK;
}

static enum mlt_err no_count(void *ctx, uint64_t count, struct span what)
{
    (void)ctx;
    (void)count;
    (void)what;
    return MLT_OK;
}

static enum mlt_err no_finding(void *ctx, struct span text)
{
    (void)ctx;
    print_message("%.*s\n", (int)text.n, (const char *)text.p);
    return MLT_ERR_DAMAGED;
}

static void accept_loss(struct restore *r, struct restore_sum *sum, struct fates *fates)
{
    const struct restore_sink sink = { count_fate, fates };
    const struct audit_sink audit = { no_count, no_finding, NULL };
    *fates = (struct fates) { 0 };
    assert_ok(restore_accept_loss(r, &sink, sum));
    restore_clear(r);
    open_restored();
    assert_ok(crl_keep_tend(&restored, NULL));
    assert_ok(head_sign(&restored));
    assert_ok(audit_run(&restored, &audit));
    struct crl_facts crl;
    assert_ok(crl_keep_facts(&restored.db, &crl));
    assert_true(crl.number >= sum->crl_number);
    assert_true(restored.head.epoch == sum->epoch);
}

static void sign_head(const struct ledger_head *head, struct buf *bytes)
{
    CLEANUP(buf_clear) struct buf signature = { 0 };
    struct ledger_head made = *head;
    assert_ok(statement_sign_head(a.ca.key, &a.ca.cert, head, &signature));
    made.signature = buf_span(&signature);
    assert_ok(ledger_head_encode(&made, bytes));
}

static void open_epoch(uint64_t epoch, uint64_t base)
{
    const struct ledger_opening opening = { .epoch = epoch, .base = base, .whole = true };
    assert_ok(database_begin(&restored.db));
    assert_ok(database_end(&restored.db, ledger_open_epoch(&restored.db, &opening)));
    open_restored();
}

/* What the restored one says by now. */
static uint64_t base_now(void)
{
    uint64_t epoch = 0, base = 0;
    assert_ok(ledger_epoch(&restored.db, &epoch, &base));
    return base;
}

static bool has_key(const char *text)
{
    struct member member;
    bool found = false;
    const struct name name = authority_name(text);
    assert_ok(members_find(&restored.db, &name, &member, &found));
    assert_true(found);
    return member.has_key;
}

static enum mlt_err no_row(void *ctx, const struct admin_row *row)
{
    (void)ctx;
    (void)row;
    return MLT_OK;
}

static void revoke_user(const char *text)
{
    const struct admin_request request = { .verb = ADMIN_REVOKE,
                                           .has_name = true,
                                           .name = authority_name(text),
                                           .reason = CRL_KEY_COMPROMISE };
    const struct admin_sink sink = { .on_row = no_row };
    CLEANUP(buf_clear) struct buf why = { 0 };
    assert_ok(admin_answer(&a.ca, &request, &sink, &why));
}

/* ---- the tests ---- */

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
    assert_int_equal(r.facts.size, r.seen_size);
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
    assert_ok(restore_void_withdrawn(&r, &count));
    assert_int_equal(count, 0);
    see_ledger(&r);
    assert_false(is_behind(&r));
    assert_ok(restore_void_withdrawn(&r, &count));
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
    ca_close(&a.ca);
    assert_ok(restore_copy_ledger(&fd));
    authority_restart(&a);
    assert_ok(reissue(&a.ca, &maria, a.now_ms / 1000 + 86400, &invite));
    assert_int_equal(authority_enrol(&a, "maria", authority_key(2), &invite, &der).result,
                     WELCOME_ISSUED);
    save();
    bring_back();
    assert_ok(restore_start(&r, &restored));
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_ok(restore_see_ledger(&r, fd));
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

static void a_head_of_a_longer_ledger_is_believed_if_it_is_signed(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    CLEANUP(buf_clear) struct buf head = { 0 };
    certify("paulo", 2);
    assert_ok(head_sign(&a.ca));
    assert_ok(buf_put(&head, head_newest(&a.ca)));
    bring_back();
    assert_ok(restore_start(&r, &restored));
    head.p[head.len - 1] ^= 1;
    assert_err(restore_see_head(&r, buf_span(&head)), MLT_ERR_AUTH);
    assert_false(is_behind(&r));
    head.p[head.len - 1] ^= 1;
    assert_ok(restore_see_head(&r, buf_span(&head)));
    assert_true(is_behind(&r));
    assert_int_equal(r.seen_size, r.facts.size + 1);
    assert_false(r.forked);
    struct restore_sum sum;
    struct fates fates;
    uint64_t ours = r.facts.size;
    accept_loss(&r, &sum, &fates);
    assert_int_equal(base_now(), ours);
}

static void a_later_epoch_is_ahead_whatever_its_size(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    struct ledger_head head = { .epoch = a.ca.head.epoch + 100, .base = 1, .size = 2 };
    sign_head(&head, &bytes);
    bring_back();
    assert_ok(restore_start(&r, &restored));
    assert_ok(restore_see_head(&r, buf_span(&bytes)));
    assert_true(is_behind(&r));
    struct restore_sum sum;
    struct fates fates;
    accept_loss(&r, &sum, &fates);
    assert_true(sum.epoch > head.epoch);
    /* Who slept through both of them holds a head of the first, and is not to be alarmed. */
    assert_int_equal(base_now(), 1);
}

static void a_ledger_of_the_same_size_with_other_leaves_is_a_fork(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    bring_back();
    assert_ok(restore_start(&r, &restored));
    struct ledger_head head = { .epoch = r.facts.epoch, .size = r.facts.size - 1 };
    memset(head.root, 7, sizeof(head.root));
    sign_head(&head, &bytes);
    assert_false(r.forked);
    assert_ok(restore_see_head(&r, buf_span(&bytes)));
    assert_true(r.forked);
    assert_true(is_behind(&r));
    struct restore_sum sum;
    struct fates fates;
    accept_loss(&r, &sum, &fates);
    assert_int_equal(base_now(), 0);
}

/* What an earlier restore took for common was not: the next epoch claims it no more. */
static void a_fork_before_the_base_is_seen_and_the_next_base_is_below_it(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    struct restore_sum sum;
    struct fates fates;
    bring_back();
    const uint64_t first = restored.head.epoch, base = restored.head.size;
    open_epoch(first + 60, base);
    struct ledger_head head = { .epoch = first, .size = base };
    memset(head.root, 7, sizeof(head.root));
    sign_head(&head, &bytes);
    assert_ok(stopped_on_head(&restored, buf_span(&bytes)));
    assert_true(stopped_is(&restored));
    assert_ok(restore_start(&r, &restored));
    assert_true(is_behind(&r));
    accept_loss(&r, &sum, &fates);
    assert_int_equal(base_now(), 0);
    assert_false(stopped_is(&restored));
    assert_ok(stopped_on_head(&restored, buf_span(&bytes)));
    assert_false(stopped_is(&restored));
}

static void put_older_ledger_back(struct span older)
{
    ca_close(&a.ca);
    enter(a.dir);
    CLEANUP(file_close) int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_ok(file_write(dir, SCHEMA_FILE, older));
    (void)unlink(SCHEMA_FILE "-wal");
    (void)unlink(SCHEMA_FILE "-shm");
    authority_restart(&a);
}

/*
 * After two leaves more than `shared` there was a backup; then somebody copied the older ledger.db
 * into its place, and four others followed.  `early` and `late` are heads of those.
 */
struct two_ways {
    uint64_t shared;
    struct buf early, late;
};

static void two_ways_clear(struct two_ways *w)
{
    buf_clear(&w->early);
    buf_clear(&w->late);
}

/* The backup is back. */
static void go_two_ways(struct two_ways *w, struct restore *r)
{
    CLEANUP(buf_clear) struct buf older = { 0 };
    ca_close(&a.ca);
    CLEANUP(file_close) int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_ok(file_read(dir, SCHEMA_FILE, 1 << 24, &older));
    authority_restart(&a);
    assert_ok(ledger_size(&a.ca.db, &w->shared));
    certify("paulo", 2);
    certify("ana", 3);
    assert_ok(head_sign(&a.ca));
    save();
    put_older_ledger_back(buf_span(&older));
    certify("rui", 4);
    assert_ok(head_sign(&a.ca));
    assert_ok(buf_put(&w->early, head_newest(&a.ca)));
    certify("nuno", 5);
    certify("ze", 2);
    certify("lia", 3);
    assert_ok(head_sign(&a.ca));
    assert_ok(buf_put(&w->late, head_newest(&a.ca)));
    bring_back();
    assert_ok(restore_start(r, &restored));
}

static void a_longer_ledger_with_other_leaves_is_a_fork_from_where_they_part(void **state)
{
    (void)state;
    CLEANUP(two_ways_clear) struct two_ways ways = { 0 };
    CLEANUP(restore_clear) struct restore r = { 0 };
    struct restore_sum sum;
    struct fates fates;
    go_two_ways(&ways, &r);
    see_ledger(&r);
    assert_true(r.seen_size > r.facts.size);
    assert_true(r.forked);
    accept_loss(&r, &sum, &fates);
    assert_int_equal(base_now(), ways.shared);
    /* Whoever has seen the other one is told what he lost, and there is no alarm. */
    assert_ok(stopped_on_head(&restored, buf_span(&ways.early)));
    assert_ok(stopped_on_head(&restored, buf_span(&ways.late)));
    assert_false(stopped_is(&restored));
}

/* ... and only its head was left: nobody could know, until somebody comes with a shorter one. */
static void what_the_head_of_a_fork_hid_comes_out_and_is_mended_by_the_next_restore(void **state)
{
    (void)state;
    CLEANUP(two_ways_clear) struct two_ways ways = { 0 };
    CLEANUP(restore_clear) struct restore r = { 0 };
    struct restore_sum sum;
    struct fates fates;
    go_two_ways(&ways, &r);
    assert_ok(restore_see_head(&r, buf_span(&ways.late)));
    assert_false(r.forked);
    accept_loss(&r, &sum, &fates);
    assert_int_equal(base_now(), ways.shared + 2);
    assert_ok(stopped_on_head(&restored, buf_span(&ways.early)));
    assert_true(stopped_is(&restored));
    assert_ok(restore_start(&r, &restored));
    assert_true(r.forked);
    accept_loss(&r, &sum, &fates);
    assert_int_equal(base_now(), 0);
    assert_ok(stopped_on_head(&restored, buf_span(&ways.early)));
    assert_false(stopped_is(&restored));
}

static void an_epoch_that_was_opened_twice_is_a_fork_and_the_lower_base_counts(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    struct restore_sum sum;
    struct fates fates;
    bring_back();
    const uint64_t first = restored.head.epoch, base = restored.head.size;
    open_epoch(first + 60, base);
    struct ledger_head head = { .epoch = first + 60, .base = base - 1, .size = base + 50 };
    sign_head(&head, &bytes);
    assert_ok(restore_start(&r, &restored));
    assert_ok(restore_see_head(&r, buf_span(&bytes)));
    assert_true(r.forked);
    accept_loss(&r, &sum, &fates);
    assert_int_equal(base_now(), base - 1);
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
    assert_int_equal(r.seen_size, head.size);
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

/* ---- what is known of what was lost ---- */

static enum mlt_err keep_last(void *ctx, const struct epoch *e)
{
    *(struct epoch *)ctx = *e;
    return MLT_OK;
}

static struct epoch accept_and_look(struct restore *r)
{
    struct restore_sum sum;
    struct fates fates;
    struct epoch last = { 0 };
    const struct epoch_visit visit = { keep_last, &last };
    accept_loss(r, &sum, &fates);
    assert_ok(epochs_each(&restored.db, &visit));
    assert_int_equal(last.until_s, sum.epoch);
    return last;
}

static void take_list(struct buf *der)
{
    uint64_t number = 0;
    buf_reset(der);
    assert_ok(crl_keep_der(&a.ca.db, &number, der));
}

static void of_a_ledger_that_was_read_nothing_is_in_doubt(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    certify("paulo", 2);
    assert_ok(head_sign(&a.ca));
    CLEANUP(buf_clear) struct buf head = { 0 };
    assert_ok(buf_put(&head, head_newest(&a.ca)));
    bring_back();
    assert_ok(restore_start(&r, &restored));
    assert_ok(restore_see_head(&r, buf_span(&head)));
    see_ledger(&r);
    const uint64_t size = r.facts.size;
    const struct epoch e = accept_and_look(&r);
    assert_true(e.whole);
    assert_int_equal(e.size, size);
}

/* An older copy that somebody put into place: it is there, and says little. */
static void a_ledger_that_ends_before_what_was_seen_leaves_doubt(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    CLEANUP(buf_clear) struct buf head = { 0 };
    certify("paulo", 2);
    const struct ledger_head beyond = { .epoch = a.ca.head.epoch, .size = a.ca.head.size + 9 };
    sign_head(&beyond, &head);
    bring_back();
    assert_ok(restore_start(&r, &restored));
    assert_ok(restore_see_head(&r, buf_span(&head)));
    see_ledger(&r);
    const struct epoch e = accept_and_look(&r);
    assert_false(e.whole);
    assert_false(e.has_crl);
}

static void the_doubt_of_the_ledger_that_was_read_is_taken_over(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    struct ledger_opening blind = { .epoch = a.ca.head.epoch + 10, .base = a.ca.head.size };
    assert_ok(database_begin(&a.ca.db));
    assert_ok(database_end(&a.ca.db, ledger_open_epoch(&a.ca.db, &blind)));
    bring_back();
    assert_ok(restore_start(&r, &restored));
    see_ledger(&r);
    const struct epoch e = accept_and_look(&r);
    assert_false(e.whole);
    assert_false(e.has_crl);
}

static void only_a_list_no_older_than_the_backup_is_a_witness(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    CLEANUP(buf_clear) struct buf older = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    take_list(&older);
    revoke_user("joao");
    save();
    revoke_user("maria");
    take_list(&der);
    bring_back();
    assert_ok(restore_start(&r, &restored));
    assert_ok(restore_see_crl(&r, buf_span(&older)));
    struct epoch e = accept_and_look(&r);
    assert_false(e.whole || e.has_crl);
    assert_ok(restore_start(&r, &restored));
    e = accept_and_look(&r); /* none at all */
    assert_false(e.whole || e.has_crl);
    restore_clear(&r);
}

static void a_newer_list_is_a_witness_and_no_epoch_is_before_it(void **state)
{
    (void)state;
    CLEANUP(restore_clear) struct restore r = { 0 };
    CLEANUP(buf_clear) struct buf der = { 0 };
    int64_t saved_ms = a.now_ms;
    a.now_ms += 7200 * 1000;
    revoke_user("maria");
    take_list(&der);
    a.now_ms = saved_ms; /* a machine whose clock is late */
    bring_back();
    assert_ok(restore_start(&r, &restored));
    assert_ok(restore_see_crl(&r, buf_span(&der)));
    const int64_t signed_s = r.crl.this_update_s;
    assert_true(signed_s >= saved_ms / 1000 + 7200);
    const struct restore_sink sink = { count_fate, &(struct fates) { 0 } };
    struct restore_sum sum;
    assert_ok(restore_accept_loss(&r, &sink, &sum));
    struct epoch last = { 0 };
    const struct epoch_visit visit = { keep_last, &last };
    assert_ok(epochs_each(&restored.db, &visit));
    assert_false(last.whole);
    assert_true(last.has_crl);
    assert_int_equal(last.until_s, signed_s);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(the_newest_state_is_not_behind_itself),
        EACH(who_was_certified_since_is_lost_and_the_name_stays_taken),
        EACH(a_revocation_survives_by_the_old_ledger),
        EACH(invites_and_requests_that_were_open_in_the_backup_are_void),
        EACH(what_was_withdrawn_since_stays_withdrawn),
        EACH(a_name_that_was_closed_since_while_it_waited_stays_closed),
        EACH(a_name_that_was_opened_anew_by_the_backup_stays_open),
        EACH(a_revocation_survives_by_the_crl_alone),
        EACH(a_head_of_a_longer_ledger_is_believed_if_it_is_signed),
        EACH(a_later_epoch_is_ahead_whatever_its_size),
        EACH(a_ledger_of_the_same_size_with_other_leaves_is_a_fork),
        EACH(a_fork_before_the_base_is_seen_and_the_next_base_is_below_it),
        EACH(a_longer_ledger_with_other_leaves_is_a_fork_from_where_they_part),
        EACH(what_the_head_of_a_fork_hid_comes_out_and_is_mended_by_the_next_restore),
        EACH(an_epoch_that_was_opened_twice_is_a_fork_and_the_lower_base_counts),
        EACH(who_renewed_since_keeps_the_certificate),
        EACH(of_a_ledger_that_was_read_nothing_is_in_doubt),
        EACH(a_ledger_that_ends_before_what_was_seen_leaves_doubt),
        EACH(the_doubt_of_the_ledger_that_was_read_is_taken_over),
        EACH(only_a_list_no_older_than_the_backup_is_a_witness),
        EACH(a_newer_list_is_a_witness_and_no_epoch_is_before_it),
        EACH(the_ledger_of_another_ca_is_told_apart),
        EACH(a_backup_that_does_not_hold_what_its_manifest_says_is_refused),
        EACH(a_stopped_authority_goes_on_from_its_own_backup),
        EACH(a_backup_leaves_nothing_behind_and_what_a_kill_left_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
