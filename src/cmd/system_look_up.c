/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/system_look_up.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/limits.h"

static void free_answers(struct addrinfo **answers)
{
    if (*answers != NULL)
        freeaddrinfo(*answers);
}

/* The library wants addresses as text. */
static bool give(struct mlt_client *client, const struct addrinfo *answers)
{
    char texts[LIMIT_ADDRESSES][NI_MAXHOST];
    const char *addresses[LIMIT_ADDRESSES];
    size_t n = 0;
    for (const struct addrinfo *a = answers; a != NULL && n < LIMIT_ADDRESSES; a = a->ai_next) {
        if (getnameinfo(a->ai_addr, a->ai_addrlen, texts[n], sizeof(texts[n]), NULL, 0,
                        NI_NUMERICHOST) != 0)
            continue;
        addresses[n] = texts[n];
        n++;
    }
    return n > 0 && mlt_set_addresses(client, addresses, n) == MLT_ERROR_NONE;
}

bool system_look_up(struct mlt_client *client, char *detail, size_t room)
{
    const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    CLEANUP(free_answers) struct addrinfo *answers = NULL;
    int rc = getaddrinfo(mlt_host(client), NULL, &hints, &answers);
    if (rc == 0 && give(client, answers))
        return true;
    const char *why = rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc);
    snprintf(detail, room, "%.80s: %s", mlt_host(client), why);
    return false;
}
