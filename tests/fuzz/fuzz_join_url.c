/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "wire/join_url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* What is read is printed, and what is printed is read as the same. */
static void check_url(const struct join_url *url)
{
    struct join_url again;
    CLEANUP(buf_clear) struct buf printed = { 0 };
    CLEANUP(buf_clear) struct buf twice = { 0 };
    if (join_url_put(url, &printed) != MLT_OK || printed.len > JOIN_URL_MAX)
        abort();
    if (join_url_parse(buf_span(&printed), &again) != MLT_OK)
        abort();
    if (join_url_put(&again, &twice) != MLT_OK || !span_eq(buf_span(&printed), buf_span(&twice)))
        abort();
    for (size_t i = 0; i < printed.len; i++)
        if (printed.p[i] <= ' ' || printed.p[i] > '~' ||
            strchr("'\"\\$&;|<>()[]*?!#", printed.p[i]))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct join_url url;
    char host[256];
    uint16_t port = 6256;
    if (join_url_parse(span_of(data, n), &url) == MLT_OK)
        check_url(&url);
    if (host_port_parse(span_of(data, n), host, &port) == MLT_OK && strlen(host) > 255)
        abort();
    return 0;
}
