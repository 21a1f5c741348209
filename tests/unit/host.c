/* SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

#include <poll.h>

struct mlt_client *client;

int host_end(void **state)
{
    mlt_close(&client);
    return scene_end(state);
}

void host_open_joined(void)
{
    scene_make_joined();
    store_close(&scene->store);
    host_open();
}

void host_open(void)
{
    assert_int_equal(mlt_open(scene->path, 0, &client), MLT_ERROR_NONE);
    assert_int_equal(mlt_load(client, NULL, 0), MLT_ERROR_NONE);
}

void host_connect(enum mlt_kind kind, bool tells_read)
{
    struct mlt_connection how = MLT_CONNECTION_INIT;
    how.kind = kind;
    how.tells_read = tells_read;
    assert_int_equal(mlt_connect(client, &how), MLT_ERROR_NONE);
}

const struct mlt_event *host_turn(void)
{
    const struct mlt_event *event = NULL;
    struct pollfd moved = { .fd = mlt_fd(client), .events = POLLIN };
    int ms = mlt_timeout_ms(client);
    poll(&moved, 1, ms >= 0 && ms < 5 ? ms : 5);
    small_server_turn(&scene->server);
    mlt_process(client);
    assert_int_equal(mlt_next_event(client, &event), MLT_ERROR_NONE);
    return event;
}

const struct mlt_event *host_await(enum mlt_event_kind kind)
{
    const struct mlt_event *event = NULL;
    for (int turns = 0; turns < 1200 && event == NULL; turns++)
        event = host_turn();
    assert_non_null(event);
    assert_int_equal(mlt_event_kind(event), kind);
    return event;
}
