/* SPDX-License-Identifier: Apache-2.0 */
#include "people.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/file.h"
#include "crypto/rsa.h"
#include "wire/welcome.h"

enum { MOST = 256 };

static const unsigned key_bits = 2048;

void person_clear(struct person *p)
{
    link_free(&p->link);
    rsa_key_free(&p->key);
    buf_clear(&p->certificate);
    buf_clear(&p->plain);
    buf_clear(&p->out);
    *p = (struct person) { 0 };
}

static enum mlt_err connect_to(const struct real_server *server, int *fd)
{
    const struct sockaddr_in at = { .sin_family = AF_INET,
                                    .sin_port = htons(server->port),
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const int on = 1;
    CLEANUP(file_close) int made = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ENSURE(made >= 0 && connect(made, (const struct sockaddr *)&at, sizeof(at)) == 0,
           MLT_ERR_SYSTEM);
    ENSURE(setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0, MLT_ERR_SYSTEM);
    ENSURE(fcntl(made, F_SETFL, O_NONBLOCK) == 0, MLT_ERR_SYSTEM);
    *fd = made;
    made = -1;
    return MLT_OK;
}

struct first_words {
    bool there;
    enum welcome_result result;
};

static enum mlt_err take_welcome(void *ctx, struct person *p, enum record_kind kind,
                                 struct span body)
{
    struct first_words *first = ctx;
    struct welcome welcome;
    if (kind != RECORD_WELCOME)
        return MLT_OK;
    TRY(welcome_decode(body, &welcome));
    first->there = true;
    first->result = welcome.result;
    if (welcome.result == WELCOME_ISSUED)
        return buf_put(&p->certificate, welcome.certificate);
    ENSURE(welcome.result == WELCOME_LOGGED_IN, MLT_ERR_STATE);
    link_settle(p->link, welcome.silence_ms);
    return MLT_OK;
}

static enum mlt_err call(struct person *p, const struct real_server *server,
                         enum client_auth_kind kind)
{
    int fd = -1;
    p->config = (struct hs_client_config) {
        .env = env_system(),
        .min_group = DH_FFDHE3072,
        .pin = server->pin,
        .key = p->key,
        .kind = kind,
        .name = p->name,
    };
    if (kind != CLIENT_AUTH_ENROL)
        p->config.certificate = buf_span(&p->certificate);
    TRY(connect_to(server, &fd));
    return link_new(&p->config, fd, &p->link);
}

static enum mlt_err meet(struct person *p, const struct real_server *server,
                         enum client_auth_kind kind)
{
    struct first_words first = { 0 };
    const struct hearer hearer = { take_welcome, &first };
    TRY(call(p, server, kind));
    while (!first.there)
        TRY(people_turn(p, 1, 100, &hearer));
    return MLT_OK;
}

/* Every second key, so that two threads share the work. */
struct key_work {
    struct person *people;
    size_t n;
    enum mlt_err err;
};

static void *make_keys(void *ctx)
{
    struct key_work *work = ctx;
    for (size_t i = 0; i < work->n && work->err == MLT_OK; i += 2)
        work->err = rsa_key_new(key_bits, &work->people[i].key);
    return NULL;
}

static enum mlt_err make_all_keys(struct person *people, size_t n)
{
    pthread_t thread;
    struct key_work even = { people, n, MLT_OK };
    struct key_work odd = { people + 1, n > 0 ? n - 1 : 0, MLT_OK };
    ENSURE(pthread_create(&thread, NULL, make_keys, &odd) == 0, MLT_ERR_SYSTEM);
    make_keys(&even);
    pthread_join(thread, NULL);
    TRY(even.err);
    return odd.err;
}

enum mlt_err people_prepare(struct person *people, size_t n, const char *stem)
{
    TRY(make_all_keys(people, n));
    for (size_t i = 0; i < n; i++) {
        char name[33];
        snprintf(name, sizeof(name), "%s%zu", stem, i);
        TRY(name_parse(span_str(name), &people[i].name));
    }
    return MLT_OK;
}

enum mlt_err people_enrol_at_once(struct person *people, size_t n, const struct real_server *server)
{
    struct first_words first = { 0 };
    const struct hearer hearer = { take_welcome, &first };
    size_t left = n;
    for (size_t i = 0; i < n; i++)
        TRY(call(&people[i], server, CLIENT_AUTH_ENROL));
    while (left > 0) {
        TRY(people_turn(people, n, 100, &hearer));
        for (size_t i = 0; i < n; i++) {
            bool served = people[i].link != NULL && people[i].certificate.len > 0;
            if (served)
                person_logout(&people[i]);
            left -= served;
        }
    }
    return MLT_OK;
}

enum mlt_err people_enrol(struct person *people, size_t n, const char *stem,
                          const struct real_server *server)
{
    TRY(people_prepare(people, n, stem));
    for (size_t i = 0; i < n; i++) {
        TRY(meet(&people[i], server, CLIENT_AUTH_ENROL));
        person_logout(&people[i]);
    }
    return MLT_OK;
}

enum mlt_err person_login(struct person *p, const struct real_server *server,
                          enum client_auth_kind kind)
{
    person_logout(p);
    return meet(p, server, kind);
}

void person_logout(struct person *p)
{
    link_free(&p->link);
    p->unanswered = 0;
    p->has_more = false;
}

enum mlt_err person_send(struct person *p, const struct name *to, struct span body)
{
    struct envelope e = {
        .recipient = { ADDRESS_USER, *to },
        .epoch = 1,
        .number = ++p->sent,
        .body_kind = BODY_PLAIN,
        .body = body,
    };
    TRY(env_random(env_system(), e.id, sizeof(e.id)));
    buf_reset(&p->out);
    TRY(envelope_encode_send(&e, &p->out));
    p->unanswered++;
    TRY(link_send(p->link, RECORD_SEND, buf_span(&p->out)));
    link_flush(p->link);
    return MLT_OK;
}

static enum mlt_err hear(struct person *p, const struct hearer *hearer)
{
    enum record_kind kind = 0;
    p->has_more = false;
    TRY(link_process(p->link));
    for (;;) {
        TRY(link_next(p->link, &kind, &p->plain));
        ENSURE(!link_is_ended(p->link), MLT_ERR_CUT);
        if (kind == 0)
            return MLT_OK;
        TRY(hearer->record(hearer->ctx, p, kind, buf_span(&p->plain)));
        p->has_more = kind == RECORD_WELCOME;
        if (p->has_more)
            return MLT_OK;
    }
}

enum mlt_err people_turn(struct person *people, size_t n, int most_ms, const struct hearer *hearer)
{
    struct pollfd fds[MOST];
    bool more = false;
    ENSURE(n <= MOST, MLT_ERR_RANGE);
    for (size_t i = 0; i < n; i++) {
        const struct link *link = people[i].link;
        fds[i] = (struct pollfd) { .fd = -1 };
        if (link == NULL)
            continue;
        int wants = (link_wants_read(link) ? POLLIN : 0) | (link_wants_write(link) ? POLLOUT : 0);
        fds[i] = (struct pollfd) { link_fd(link), (short)wants, 0 };
        more |= people[i].has_more;
    }
    bool moved = poll(fds, (nfds_t)n, more ? 0 : most_ms) > 0;
    for (size_t i = 0; i < n; i++)
        if (people[i].link != NULL && (people[i].has_more || (moved && fds[i].revents != 0)))
            TRY(hear(&people[i], hearer));
    for (size_t i = 0; i < n; i++)
        if (people[i].link != NULL)
            link_flush(people[i].link);
    return MLT_OK;
}
