/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "client/public.h"

static enum mlt_err size_of(const void *theirs, size_t first, size_t *size)
{
    size_t got;
    memcpy(&got, theirs, sizeof(got));
    ENSURE(got >= first, MLT_ERR_USAGE);
    *size = got;
    return MLT_OK;
}

enum mlt_err public_take(const void *theirs, size_t first, void *ours, size_t n)
{
    size_t size;
    TRY(size_of(theirs, first, &size));
    memset(ours, 0, n);
    memcpy(ours, theirs, size < n ? size : n);
    return MLT_OK;
}

enum mlt_err public_give(const void *ours, size_t n, size_t first, void *theirs)
{
    size_t size;
    TRY(size_of(theirs, first, &size));
    size = size < n ? size : n;
    memcpy((uint8_t *)theirs + sizeof(size), (const uint8_t *)ours + sizeof(size),
           size - sizeof(size));
    return MLT_OK;
}
