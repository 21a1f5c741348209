/* SPDX-License-Identifier: Apache-2.0 */
#include "ca/backup_file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/env.h"
#include "base/file.h"
#include "wire/cursor.h"
#include "wire/name.h"

#define HEADER 4

static const char title[] = "malote-backup ";
static const char version[] = "malote-backup 1\n";
static const char keystore_title[] = "keystore";
static const size_t manifest_most = 512;

/* ---- the manifest ---- */

static const uint8_t manifest_version = 0;

enum mlt_err backup_manifest_encode(const struct backup_manifest *m, struct buf *out)
{
    struct wire_out w = wire_out(out);
    wire_put_u8(&w, manifest_version);
    wire_put_vec8(&w, span_str(m->realm), 1, LIMIT_REALM);
    wire_put_bytes(&w, SPAN_OF(m->ca_hash));
    wire_put_u64(&w, (uint64_t)m->made_s);
    wire_put_u64(&w, m->epoch);
    wire_put_u64(&w, m->base);
    wire_put_u64(&w, m->size);
    wire_put_bytes(&w, SPAN_OF(m->root));
    wire_put_u64(&w, m->crl_number);
    wire_put_u64(&w, m->keystore_count);
    wire_put_u64(&w, m->keystore_bytes);
    wire_put_u64(&w, m->ledger_bytes);
    return wire_out_end(&w);
}

static void get_realm(struct wire_in *in, char realm[static LIMIT_REALM + 1])
{
    struct span text = wire_get_vec8(in, 1, LIMIT_REALM);
    wire_require(in, realm_check(text) == MLT_OK, MLT_ERR_RANGE);
    if (in->err == MLT_OK)
        memcpy(realm, text.p, text.n);
}

enum mlt_err backup_manifest_decode(struct span src, struct backup_manifest *m)
{
    struct wire_in in = wire_in(src);
    struct backup_manifest got = { 0 };
    wire_require(&in, wire_get_u8(&in) == manifest_version, MLT_ERR_VERSION);
    get_realm(&in, got.realm);
    wire_get_bytes(&in, got.ca_hash, HASH_LEN);
    uint64_t made_s = wire_get_u64(&in);
    got.epoch = wire_get_u64(&in);
    got.base = wire_get_u64(&in);
    got.size = wire_get_u64(&in);
    wire_get_bytes(&in, got.root, HASH_LEN);
    got.crl_number = wire_get_u64(&in);
    got.keystore_count = wire_get_u64(&in);
    got.keystore_bytes = wire_get_u64(&in);
    got.ledger_bytes = wire_get_u64(&in);
    wire_require(&in, made_s <= INT64_MAX && got.base <= got.size, MLT_ERR_RANGE);
    wire_require(&in, got.keystore_bytes > 0 && got.keystore_bytes <= LIMIT_KEYSTORE,
                 MLT_ERR_RANGE);
    wire_require(&in, got.ledger_bytes > 0 && got.ledger_bytes <= LIMIT_BACKUP_LEDGER,
                 MLT_ERR_RANGE);
    TRY(wire_in_end(&in));
    got.made_s = (int64_t)made_s;
    *m = got;
    return MLT_OK;
}

/* ---- both ways ---- */

static enum mlt_err start_seal(const struct secret *master, const uint8_t context[static HASH_LEN],
                               struct etm *etm)
{
    CLEANUP(secret_clear) struct secret own = { 0 };
    TRY(kdf_expand_label(master, "backup", span_of(context, HASH_LEN), KDF_LEN, &own));
    return etm_init(etm, &own);
}

/* ---- writing ---- */

void backup_writer_clear(struct backup_writer *w)
{
    etm_clear(&w->etm);
    buf_clear(&w->plain);
    buf_clear(&w->sealed);
    *w = (struct backup_writer) { .fd = -1 };
}

enum mlt_err backup_write_start(struct backup_writer *w, int fd, struct span first_line,
                                const struct secret *master)
{
    CLEANUP(buf_clear) struct buf head = { 0 };
    uint8_t context[HASH_LEN];
    uint8_t *salt = NULL;
    TRY(buf_put_str(&head, version));
    TRY(buf_put(&head, first_line));
    TRY(buf_put_u8(&head, '\n'));
    TRY(buf_extend(&head, BACKUP_SALT, &salt));
    TRY(env_random(env_system(), salt, BACKUP_SALT));
    TRY(hash_sha256(buf_span(&head), context));
    CLEANUP(backup_writer_clear) struct backup_writer made = { .fd = fd };
    TRY(start_seal(master, context, &made.etm));
    TRY(file_write_all(fd, buf_span(&head)));
    backup_writer_clear(w);
    *w = made;
    made = (struct backup_writer) { .fd = -1 };
    return MLT_OK;
}

static enum mlt_err write_chunk(struct backup_writer *w, size_t n, bool last)
{
    size_t length = n + ETM_TAG;
    const uint8_t header[HEADER] = { last, (uint8_t)(length >> 16), (uint8_t)(length >> 8),
                                     (uint8_t)length };
    buf_reset(&w->sealed);
    TRY(buf_put(&w->sealed, SPAN_OF(header)));
    TRY(etm_seal(&w->etm, w->sequence, SPAN_OF(header), span_of(w->plain.p, n), &w->sealed));
    w->sequence++;
    buf_drop(&w->plain, n);
    return file_write_all(w->fd, buf_span(&w->sealed));
}

/* A full chunk is kept until more comes: it may be the last. */
enum mlt_err backup_write(struct backup_writer *w, struct span bytes)
{
    while (bytes.n > 0) {
        if (w->plain.len == BACKUP_CHUNK)
            TRY(write_chunk(w, BACKUP_CHUNK, false));
        size_t room = BACKUP_CHUNK - w->plain.len;
        size_t n = bytes.n < room ? bytes.n : room;
        TRY(buf_put(&w->plain, span_of(bytes.p, n)));
        bytes = span_from(bytes, n);
    }
    return MLT_OK;
}

enum mlt_err backup_write_end(struct backup_writer *w)
{
    ENSURE(w->plain.len > 0, MLT_ERR_STATE);
    return write_chunk(w, w->plain.len, true);
}

/* ---- reading ---- */

void backup_reader_clear(struct backup_reader *r)
{
    buf_clear(&r->first_line);
    secret_clear(&r->master);
    etm_clear(&r->etm);
    buf_clear(&r->plain);
    buf_clear(&r->sealed);
    *r = (struct backup_reader) { .fd = -1 };
}

/* Exactly n bytes, or as many as there are. */
static enum mlt_err read_bytes(int fd, size_t n, struct buf *out)
{
    TRY(buf_reserve(out, n));
    while (n > 0) {
        ssize_t got = read(fd, out->p + out->len, n);
        if (got < 0 && errno == EINTR)
            continue;
        ENSURE(got >= 0, MLT_ERR_SYSTEM);
        if (got == 0)
            return MLT_OK;
        out->len += (size_t)got;
        n -= (size_t)got;
    }
    return MLT_OK;
}

/* A byte at a time: what follows the line is no text. */
static enum mlt_err read_line(int fd, size_t most, struct buf *line)
{
    for (size_t i = 0; i < most; i++) {
        size_t before = line->len;
        TRY(read_bytes(fd, 1, line));
        ENSURE(line->len > before, MLT_ERR_DAMAGED);
        if (line->p[before] == '\n')
            return MLT_OK;
    }
    return MLT_ERR_DAMAGED;
}

static enum mlt_err check_version(struct span line)
{
    if (span_eq(line, span_str(version)))
        return MLT_OK;
    size_t n = sizeof(title) - 1;
    bool ours = line.n > n + 1 && span_eq(span_of(line.p, n), span_str(title));
    ENSURE(ours && line.p[n] >= '1' && line.p[n] <= '9', MLT_ERR_DAMAGED);
    return MLT_ERR_NEWER;
}

enum mlt_err backup_read_start(struct backup_reader *r, int fd)
{
    CLEANUP(buf_clear) struct buf head = { 0 };
    TRY(read_line(fd, sizeof(version) + 8, &head));
    TRY(check_version(buf_span(&head)));
    size_t from = head.len;
    TRY(read_line(fd, LIMIT_KEYSTORE_LINE, &head));
    CLEANUP(backup_reader_clear) struct backup_reader made = { .fd = fd };
    TRY(buf_put(&made.first_line, span_of(head.p + from, head.len - from - 1)));
    TRY(lockbox_parse(keystore_title, buf_span(&made.first_line), &made.box));
    size_t text = head.len;
    TRY(read_bytes(fd, BACKUP_SALT, &head));
    ENSURE(head.len == text + BACKUP_SALT, MLT_ERR_DAMAGED);
    TRY(hash_sha256(buf_span(&head), made.context));
    backup_reader_clear(r);
    *r = made;
    made = (struct backup_reader) { .fd = -1 };
    return MLT_OK;
}

enum mlt_err backup_read_unlock(struct backup_reader *r, const struct secret *stretched)
{
    TRY(lockbox_open(&r->box, stretched, &r->master));
    ENSURE(r->master.n == KDF_LEN, MLT_ERR_DAMAGED);
    return start_seal(&r->master, r->context, &r->etm);
}

static bool is_chunk(bool last, size_t length)
{
    size_t most = BACKUP_CHUNK + ETM_TAG;
    return last ? length > ETM_TAG && length <= most : length == most;
}

static enum mlt_err read_chunk(struct backup_reader *r)
{
    CLEANUP(buf_clear) struct buf header = { 0 };
    TRY(read_bytes(r->fd, HEADER, &header));
    ENSURE(header.len == HEADER && header.p[0] <= 1, MLT_ERR_DAMAGED);
    bool last = header.p[0] == 1;
    size_t length = (size_t)header.p[1] << 16 | (size_t)header.p[2] << 8 | header.p[3];
    ENSURE(is_chunk(last, length), MLT_ERR_DAMAGED);
    buf_reset(&r->sealed);
    TRY(read_bytes(r->fd, length, &r->sealed));
    ENSURE(r->sealed.len == length, MLT_ERR_DAMAGED);
    buf_reset(&r->plain);
    r->used = 0;
    enum mlt_err err =
        etm_open(&r->etm, r->sequence, buf_span(&header), buf_span(&r->sealed), &r->plain);
    ENSURE(err != MLT_ERR_AUTH, MLT_ERR_DAMAGED);
    TRY(err);
    r->sequence++;
    r->last = last;
    return MLT_OK;
}

static enum mlt_err check_end(struct backup_reader *r)
{
    CLEANUP(buf_clear) struct buf more = { 0 };
    TRY(read_bytes(r->fd, 1, &more));
    return more.len == 0 ? MLT_OK : MLT_ERR_DAMAGED;
}

enum mlt_err backup_read(struct backup_reader *r, size_t most, struct span *bytes)
{
    ENSURE(r->etm.cipher != NULL, MLT_ERR_STATE);
    *bytes = (struct span) { 0 };
    if (r->used == r->plain.len && r->last)
        return check_end(r);
    if (r->used == r->plain.len)
        TRY(read_chunk(r));
    size_t left = r->plain.len - r->used;
    *bytes = span_of(r->plain.p + r->used, left < most ? left : most);
    r->used += bytes->n;
    return MLT_OK;
}

static enum mlt_err read_exactly(struct backup_reader *r, size_t n, struct buf *out)
{
    while (n > 0) {
        struct span piece;
        TRY(backup_read(r, n, &piece));
        ENSURE(piece.n > 0, MLT_ERR_DAMAGED);
        TRY(buf_put(out, piece));
        n -= piece.n;
    }
    return MLT_OK;
}

enum mlt_err backup_read_manifest(struct backup_reader *r, struct backup_manifest *m)
{
    CLEANUP(buf_clear) struct buf bytes = { 0 };
    TRY(read_exactly(r, 2, &bytes));
    size_t n = (size_t)bytes.p[0] << 8 | bytes.p[1];
    ENSURE(n <= manifest_most, MLT_ERR_DAMAGED);
    buf_reset(&bytes);
    TRY(read_exactly(r, n, &bytes));
    enum mlt_err err = backup_manifest_decode(buf_span(&bytes), m);
    if (err == MLT_ERR_VERSION)
        return MLT_ERR_NEWER;
    return err == MLT_OK ? MLT_OK : MLT_ERR_DAMAGED;
}
