/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include <openssl/crypto.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* Ten thousand sessions keep two 32-byte secrets each; the rest is headroom for handshakes. */
static const size_t heap_bytes = (size_t)4 << 20;
static const size_t smallest_chunk = 32;
/* Under a small RLIMIT_MEMLOCK a small heap that is locked beats a large one that is not. */
static const size_t small_heap_bytes = (size_t)32 << 10;

static size_t lockable_heap(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return heap_bytes;
    return limit.rlim_cur >= heap_bytes ? heap_bytes : small_heap_bytes;
}

static enum mlt_err start_heap(size_t bytes, bool *locked)
{
    if (CRYPTO_secure_malloc_initialized()) {
        *locked = true;
        return MLT_OK;
    }
    int rc = CRYPTO_secure_malloc_init(bytes, smallest_chunk);
    ENSURE(rc != 0, MLT_ERR_NOMEM);
    *locked = rc == 1;
    return MLT_OK;
}

static enum mlt_err start(size_t bytes, bool *locked)
{
    const struct rlimit none = { 0, 0 };
    ENSURE(setrlimit(RLIMIT_CORE, &none) == 0, MLT_ERR_SYSTEM);
    ENSURE(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0, MLT_ERR_SYSTEM);
    return start_heap(bytes, locked);
}

enum mlt_err secret_heap_start(bool *locked)
{
    return start_heap(lockable_heap(), locked);
}

enum mlt_err secret_start(bool *locked)
{
    return start(lockable_heap(), locked);
}

enum mlt_err secret_start_large(bool *locked)
{
    return start(heap_bytes, locked);
}

enum mlt_err secret_new(struct secret *s, size_t n)
{
    ENSURE(CRYPTO_secure_malloc_initialized(), MLT_ERR_STATE);
    uint8_t *p = OPENSSL_secure_zalloc(n > 0 ? n : 1);
    ENSURE(p != NULL, MLT_ERR_NOMEM);
    secret_clear(s);
    s->p = p;
    s->n = n;
    return MLT_OK;
}

enum mlt_err secret_copy(struct secret *s, struct span from)
{
    struct secret made = { 0 };
    TRY(secret_new(&made, from.n));
    if (from.n > 0)
        memcpy(made.p, from.p, from.n);
    secret_move(s, &made);
    return MLT_OK;
}

void secret_clear(struct secret *s)
{
    OPENSSL_secure_clear_free(s->p, s->n);
    *s = (struct secret) { 0 };
}

void secret_move(struct secret *to, struct secret *from)
{
    secret_clear(to);
    *to = *from;
    *from = (struct secret) { 0 };
}

bool secret_eq(struct span a, struct span b)
{
    return a.n == b.n && CRYPTO_memcmp(a.p, b.p, a.n) == 0;
}

struct span secret_span(const struct secret *s)
{
    return (struct span) { s->p, s->n };
}
