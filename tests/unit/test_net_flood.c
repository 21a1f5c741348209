/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <poll.h>
#include <sys/resource.h>

#include "base/limits.h"
#include "ipc/messages.h"
#include "rig.h"

/* Row 28: a thousand enrolments at once, and a ca that takes its time. */

enum { FLOOD = 1000 };

static struct rig_client flood[FLOOD];

/* ENROLs that lie there; nothing is answered. */
static unsigned count_enrols(struct rig *rig, uint32_t tags[static LIMIT_ENROL_WINDOW])
{
    unsigned count = 0;
    while (rig_hear(rig, &rig->ca, 300)) {
        if (rig->message.type != IPC_ENROL)
            continue;
        assert_in_range(count, 0, LIMIT_ENROL_WINDOW - 1);
        tags[count++] = rig->message.tag;
    }
    return count;
}

static void answer_all(struct rig *rig, const uint32_t *tags, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const struct ipc_enrolled busy = { WELCOME_REFUSED, REFUSAL_BUSY, LIMIT_RETRY_S, { 0 } };
        struct buf body = { 0 };
        assert_ok(ipc_enrolled_encode(&busy, &body));
        rig_tell(rig, IPC_ENROLLED, tags[i], &body);
    }
}

/* What ca has of those who hung up comes first. */
static void answer_until_told(struct rig *rig, const struct rig_client *c)
{
    struct pollfd told = { .fd = c->fd, .events = POLLIN };
    while (poll(&told, 1, 0) == 0)
        if (rig_hear(rig, &rig->ca, 10) && rig->message.type == IPC_ENROL)
            answer_all(rig, &rig->message.tag, 1);
}

static void a28_a_flood_of_enrolments_delays_no_login_and_no_message(void **state)
{
    (void)state;
    CLEANUP(rig_stop) struct rig rig;
    CLEANUP(rig_client_clear) struct rig_client maria;
    CLEANUP(rig_client_clear) struct rig_client joao;
    CLEANUP(rig_client_clear) struct rig_client last;
    uint32_t tags[LIMIT_ENROL_WINDOW];
    const struct rig_message oi = { "joao", 1, 10 };
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur < 2 * FLOOD)
        skip();
    rig_start_serving(&rig);
    rig_log_in_joao(&joao, &rig, CLIENT_AUTH_RECEIVE);
    for (size_t i = 0; i < FLOOD; i++) {
        rig_prepare(&flood[i], &rig, CLIENT_AUTH_ENROL);
        rig_ask(&flood[i]);
    }
    /* ca has as many as it can take, and no more, */
    unsigned count = count_enrols(&rig, tags);
    assert_in_range(count, 1, LIMIT_ENROL_WINDOW);
    /* whoever is certified does not notice, */
    rig_log_in(&maria, &rig, CLIENT_AUTH_SEND);
    rig_send(&maria, &oi);
    struct envelope e = rig_take_delivery(&joao);
    rig_confirm(&joao, &e);
    rig_must_hear(&maria, 1, OUTCOME_DELIVERED);
    /* the next ones come when there is room, */
    answer_all(&rig, tags, count);
    count = count_enrols(&rig, tags);
    assert_in_range(count, 1, LIMIT_ENROL_WINDOW);
    answer_all(&rig, tags, count);
    /* and of whom is answered, the last is told what ca said. */
    for (size_t i = 0; i < FLOOD; i++)
        rig_client_clear(&flood[i]);
    rig_prepare(&last, &rig, CLIENT_AUTH_ENROL);
    rig_ask(&last);
    answer_until_told(&rig, &last);
    rig_get_welcome(&last);
    assert_int_equal(last.welcome.reason, REFUSAL_BUSY);
    rig_ping(&maria);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a28_a_flood_of_enrolments_delays_no_login_and_no_message),
    };
    return cmocka_run_group_tests(tests, rig_quiet, NULL);
}
