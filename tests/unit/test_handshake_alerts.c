/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include "pair.h"
#include "refusals.h"

/* Which alerts are believed, and when; and what is refused on its header. */

static void a_plain_alert_is_not_believed_once_keys_are_on(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    size_t used = 0;
    const uint8_t alert[] = { FRAME_ALERT, 0, 0, 1, ALERT_BUSY };
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    pair_start(&p);
    pair_run_to(&p, FRAME_CLIENT_AUTH);
    assert_err(hs_input(p.server, SPAN_OF(alert), &used, &p.to_client), MLT_ERR_UNEXPECTED);
    expect_sealed_alert(p.server, &p.to_client);
    assert_int_equal(hs_peer_alert(p.server), ALERT_NONE);

    buf_reset(&p.to_server);
    assert_err(hs_input(p.client, SPAN_OF(alert), &used, &p.to_server), MLT_ERR_UNEXPECTED);
    expect_sealed_alert(p.client, &p.to_server);
    assert_int_equal(hs_peer_alert(p.client), ALERT_NONE);
}

static void a_plain_alert_before_keys_is_told_and_not_answered(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    assert_ok(hs_server_new(&p.server_config, &p.server));
    assert_ok(hs_client_new(&p.client_config, &p.client));
    hs_abort(p.server, ALERT_BUSY, &p.to_client);
    hs_abort(p.server, ALERT_BUSY, &p.to_client); /* said once */
    assert_int_equal(p.to_client.len, FRAME_HEADER + 1);
    assert_err(pair_move_client(&p), MLT_ERR_ALERT);
    assert_int_equal(hs_peer_alert(p.client), ALERT_BUSY);
    assert_int_equal(p.to_server.len, 0);
}

static void alerts_of_odd_length_or_meaning_are_refused(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 33; n++) {
        for (unsigned code = 0; code < 8; code++) {
            CLEANUP(pair_clear) struct pair p;
            uint8_t alert[FRAME_HEADER + 33] = { FRAME_ALERT, 0, 0, (uint8_t)n, (uint8_t)code };
            size_t used = 0;
            pair_init(&p, CLIENT_AUTH_RECEIVE);
            assert_ok(hs_client_new(&p.client_config, &p.client));
            enum mlt_err err =
                hs_input(p.client, span_of(alert, FRAME_HEADER + n), &used, &p.to_server);
            enum mlt_err wanted = n == 33 ? MLT_ERR_UNEXPECTED : MLT_ERR_RANGE;
            if (n == 1 && code >= ALERT_PROTOCOL && code <= ALERT_VERSION)
                wanted = MLT_ERR_ALERT;
            assert_err(err, wanted);
        }
    }
}

static void another_version_is_told_apart(void **state)
{
    (void)state;
    CLEANUP(pair_clear) struct pair p;
    pair_init(&p, CLIENT_AUTH_RECEIVE);
    pair_start(&p);
    p.to_client.p[FRAME_HEADER + 1] = 1;
    assert_err(pair_move_client(&p), MLT_ERR_VERSION);
    assert_int_equal(p.to_server.len, FRAME_HEADER + 1);
    assert_int_equal(p.to_server.p[FRAME_HEADER], ALERT_VERSION);
    assert_err(pair_move_server(&p), MLT_ERR_ALERT);
    assert_int_equal(hs_peer_alert(p.server), ALERT_VERSION);
}

/* Row 18 and early messages: nothing is held for a body that could not be legal. */
static void what_is_not_legal_now_is_refused_on_its_header(void **state)
{
    (void)state;
    static const uint8_t headers[][FRAME_HEADER] = {
        { FRAME_RECORD, 1, 0xff, 0xfc }, /* 128 KiB announced */
        { FRAME_SERVER_HELLO, 0, 2, 0 },      { FRAME_SERVER_AUTH, 0, 0x20, 0 },
        { FRAME_CLIENT_AUTH, 0, 0x20, 0x20 }, { FRAME_ALERT, 0, 0, 1 + ETM_TAG },
    };
    for (size_t i = 0; i < COUNT_OF(headers); i++) {
        CLEANUP(pair_clear) struct pair p;
        size_t used = 0;
        pair_init(&p, CLIENT_AUTH_RECEIVE);
        pair_start(&p);
        buf_reset(&p.to_client);
        assert_err(hs_input(p.server, SPAN_OF(headers[i]), &used, &p.to_client),
                   MLT_ERR_UNEXPECTED);
        expect_plain_alert(p.server, &p.to_client);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_alert_is_not_believed_once_keys_are_on),
        cmocka_unit_test(a_plain_alert_before_keys_is_told_and_not_answered),
        cmocka_unit_test(alerts_of_odd_length_or_meaning_are_refused),
        cmocka_unit_test(another_version_is_told_apart),
        cmocka_unit_test(what_is_not_legal_now_is_refused_on_its_header),
    };
    return cmocka_run_group_tests_name("handshake_alerts", tests, NULL, NULL);
}
