/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

enum mlt_err alloc_array_(size_t count, size_t size, void **out)
{
    void *p = calloc(count > 0 ? count : 1, size);
    ENSURE(p != NULL, MLT_ERR_NOMEM);
    *out = p;
    return MLT_OK;
}

enum mlt_err alloc_bytes(size_t n, uint8_t **out)
{
    return ALLOC_ARRAY(n, out);
}

enum mlt_err alloc_text(const char *text, char **out)
{
    size_t n = strlen(text) + 1;
    char *copy = NULL;
    TRY(ALLOC_ARRAY(n, &copy));
    memcpy(copy, text, n);
    *out = copy;
    return MLT_OK;
}

void alloc_free(void *p)
{
    free(p);
}

void alloc_free_text(char **text)
{
    free(*text);
    *text = NULL;
}

void alloc_wipe(void *p, size_t n)
{
    explicit_bzero(p, n);
}

void alloc_free_wiped(void *p, size_t n)
{
    if (p == NULL)
        return;
    explicit_bzero(p, n);
    free(p);
}
