/* SPDX-License-Identifier: Apache-2.0 */
#include "revoke_scene.h"

#include "base/limits.h"
#include "ca/admin.h"
#include "ca/admin_door.h"

/* Who revokes waits until net has the list. */

static struct channel knock(struct admin_door *door)
{
    struct channel guest;
    int fds[2];
    assert_ok(channel_pair(fds));
    channel_init(&guest, fds[1], IPC_ADMIN, IPC_CA);
    /* As admin_door would have let it in. */
    for (size_t i = 0; i < COUNT_OF(door->guests); i++) {
        if (door->guests[i].channel.fd >= 0)
            continue;
        channel_init(&door->guests[i].channel, fds[0], IPC_CA, IPC_ADMIN);
        door->guests[i].until_ms = env_mono_ms(a.ca.env) + LIMIT_ADMIN_MS;
        return guest;
    }
    fail();
    return guest;
}

static void say(struct channel *guest, enum admin_verb verb, const char *name)
{
    CLEANUP(buf_clear) struct buf body = { 0 };
    struct admin_request request = { .verb = verb, .has_name = name != NULL, .expires_s = 60 };
    if (name != NULL)
        request.name = authority_name(name);
    assert_ok(admin_request_encode(&request, &body));
    assert_ok(channel_send(guest, IPC_ADMIN_REQUEST, 0, buf_span(&body)));
}

static void serve(struct admin_door *door)
{
    struct pollfd polls[ADMIN_DOOR_POLLS];
    int timeout_ms = 0;
    size_t count = admin_door_poll(door, polls, &timeout_ms);
    for (size_t i = 0; i < count; i++)
        polls[i].revents = POLLIN;
    admin_door_serve(door, polls, count);
}

/* What has come so far; MLT_ERR_UNEXPECTED while there is no end. */
static enum mlt_err read_end(struct channel *guest, unsigned *certs, unsigned *alarms)
{
    CLEANUP(buf_clear) struct buf packet = { 0 };
    struct ipc_message message;
    struct admin_row row;
    struct admin_end end;
    for (;;) {
        bool got = false;
        assert_ok(channel_receive(guest, 0, &packet, &message, &got));
        if (!got)
            return MLT_ERR_UNEXPECTED;
        if (message.type == IPC_ADMIN_END)
            break;
        assert_ok(admin_row_decode(message.body, &row));
        *certs += row.kind == ADMIN_ROW_CERT;
        *alarms += row.kind == ADMIN_ROW_ALARM;
    }
    assert_ok(admin_end_decode(message.body, &end));
    return end.err;
}

static void who_revokes_waits_for_net_and_nobody_else_does(void **state)
{
    (void)state;
    struct admin_door door;
    unsigned certs = 0, alarms = 0;
    enrol("maria", 0);
    enrol("joao", 1);
    admin_door_init(&door, &a.ca, -1, 0);
    a.ca.net = (struct ca_net) { .is_here = true };
    struct channel first = knock(&door), second = knock(&door), other = knock(&door);
    say(&first, ADMIN_REVOKE, "maria");
    say(&second, ADMIN_REVOKE, "joao");
    say(&other, ADMIN_PENDING, NULL);
    serve(&door);
    assert_err(read_end(&first, &certs, &alarms), MLT_ERR_UNEXPECTED);
    assert_err(read_end(&second, &certs, &alarms), MLT_ERR_UNEXPECTED);
    assert_int_equal(certs, 2);
    assert_ok(read_end(&other, &certs, &alarms));
    a.ca.net.crl_taken = 1;
    serve(&door);
    assert_ok(read_end(&first, &certs, &alarms));
    assert_err(read_end(&second, &certs, &alarms), MLT_ERR_UNEXPECTED);
    a.now_ms += LIMIT_CONFIRM_MS;
    serve(&door);
    assert_err(read_end(&second, &certs, &alarms), MLT_ERR_TIMEOUT);
    assert_int_equal(alarms, 0);
    for (size_t i = 0; i < COUNT_OF(door.guests); i++)
        assert_int_equal(door.guests[i].channel.fd, -1);
    /* Once more: nothing new, and it is confirmed when net has what there is. */
    struct channel again = knock(&door);
    say(&again, ADMIN_REVOKE, "joao");
    serve(&door);
    assert_err(read_end(&again, &certs, &alarms), MLT_ERR_UNEXPECTED);
    a.ca.net.crl_taken = 2;
    serve(&door);
    assert_ok(read_end(&again, &certs, &alarms));
    channel_close(&first);
    channel_close(&second);
    channel_close(&other);
    channel_close(&again);
    admin_door_clear(&door);
}

static void a_reissue_that_net_does_not_confirm_gives_its_invite_and_an_alarm(void **state)
{
    (void)state;
    struct admin_door door;
    unsigned certs = 0, alarms = 0;
    enrol("maria", 0);
    admin_door_init(&door, &a.ca, -1, 0);
    a.ca.net = (struct ca_net) { .is_here = true };
    struct channel guest = knock(&door);
    say(&guest, ADMIN_REISSUE, "maria");
    serve(&door);
    assert_err(read_end(&guest, &certs, &alarms), MLT_ERR_UNEXPECTED);
    a.now_ms += LIMIT_CONFIRM_MS;
    serve(&door);
    assert_ok(read_end(&guest, &certs, &alarms));
    assert_int_equal(alarms, 1);
    channel_close(&guest);
    admin_door_clear(&door);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REVOKE_TEST(who_revokes_waits_for_net_and_nobody_else_does),
        REVOKE_TEST(a_reissue_that_net_does_not_confirm_gives_its_invite_and_an_alarm),
    };
    return cmocka_run_group_tests_name("admin_door", tests, revoke_scene_libraries, NULL);
}
