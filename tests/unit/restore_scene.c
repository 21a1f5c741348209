/* SPDX-License-Identifier: Apache-2.0 */
#include "restore_scene.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "ca/admin.h"
#include "ca/audit.h"
#include "ca/backup.h"
#include "ca/crl_keep.h"
#include "ca/members.h"
#include "ca/schema.h"
#include "pki/statement.h"

struct authority a;
char place[64];
struct ca restored;

static struct buf backup;
static struct secret stretched;

void enter(const char *dir)
{
    assert_int_equal(chdir(dir), 0);
}

void save(void)
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

void certify(const char *name, unsigned key)
{
    CLEANUP(buf_clear) struct buf der = { 0 };
    struct ipc_enrolled got = authority_enrol(&a, name, authority_key(key), NULL, &der);
    assert_int_equal(got.result, WELCOME_ISSUED);
}

int restore_scene_libraries(void **state)
{
    (void)state;
    authority_libraries();
    return 0;
}

int restore_scene_start(void **state)
{
    (void)state;
    authority_start(&a, ENROL_OPEN);
    certify("joao", 0);
    certify("maria", 1);
    assert_ok(crl_keep_tend(&a.ca));
    assert_ok(head_sign(&a.ca));
    save();
    return 0;
}

int restore_scene_stop(void **state)
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

void open_restored(void)
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

void bring_back(void)
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
void see_ledger(struct restore *r)
{
    CLEANUP(file_close) int fd = -1;
    enter(a.dir);
    ca_close(&a.ca);
    assert_ok(restore_copy_ledger(&fd));
    enter(place);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_ok(restore_see_ledger(r, fd));
}

bool is_behind(struct restore *r)
{
    bool behind = false;
    assert_ok(restore_is_behind(r, &behind));
    return behind;
}

enum mlt_err count_fate(void *ctx, const struct certificate *c, enum restore_fate fate)
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

void accept_loss(struct restore *r, struct restore_sum *sum, struct fates *fates)
{
    const struct restore_sink sink = { count_fate, fates };
    const struct audit_sink audit = { no_count, no_finding, NULL };
    *fates = (struct fates) { 0 };
    assert_ok(restore_accept_loss(r, &sink, sum));
    restore_clear(r);
    open_restored();
    assert_ok(crl_keep_tend(&restored));
    assert_ok(head_sign(&restored));
    assert_ok(audit_run(&restored, &audit));
    struct crl_facts crl;
    assert_ok(crl_keep_facts(&restored.db, &crl));
    assert_true(crl.number >= sum->crl_number);
    assert_true(restored.head.epoch == sum->epoch);
}

void sign_head(const struct ledger_head *head, struct buf *bytes)
{
    CLEANUP(buf_clear) struct buf signature = { 0 };
    struct ledger_head made = *head;
    assert_ok(statement_sign_head(a.ca.key, &a.ca.cert, head, &signature));
    made.signature = buf_span(&signature);
    assert_ok(ledger_head_encode(&made, bytes));
}

void open_epoch(uint64_t epoch, uint64_t base)
{
    const struct ledger_opening opening = { .epoch = epoch, .base = base, .whole = true };
    assert_ok(database_begin(&restored.db));
    assert_ok(database_end(&restored.db, ledger_open_epoch(&restored.db, &opening)));
    open_restored();
}

/* What the restored one says by now. */
uint64_t base_now(void)
{
    uint64_t epoch = 0, base = 0;
    assert_ok(ledger_epoch(&restored.db, &epoch, &base));
    return base;
}

bool has_key(const char *text)
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

void revoke_user(const char *text)
{
    const struct admin_request request = { .verb = ADMIN_REVOKE,
                                           .has_name = true,
                                           .name = authority_name(text),
                                           .reason = CRL_KEY_COMPROMISE };
    const struct admin_sink sink = { .on_row = no_row };
    CLEANUP(buf_clear) struct buf why = { 0 };
    assert_ok(admin_answer(&a.ca, &request, &sink, &why));
}
