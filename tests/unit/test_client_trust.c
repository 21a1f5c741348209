/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include <openssl/x509.h>

#include "scene.h"
#include "wire/cursor.h"

/* What a client believes of a hostile server: the machine against a server in the same thread
 * (scene.h). */

/* ---- hostile servers ---- */

static void put_hello(struct span p, struct span g, struct buf *frame)
{
    static const uint8_t random[32] = { 1, 2, 3, 4 };
    CLEANUP(buf_clear) struct buf body = { 0 };
    struct wire_out out = wire_out(&body);
    wire_put_u16(&out, 0);
    wire_put_bytes(&out, SPAN_OF(random));
    wire_put_vec16(&out, p, 0, 65535);
    wire_put_vec16(&out, g, 0, 65535);
    wire_put_u16(&out, 0);
    assert_ok(wire_out_end(&out));
    out = wire_out(frame);
    wire_put_u8(&out, FRAME_SERVER_HELLO);
    wire_put_u24(&out, (uint32_t)body.len);
    wire_put_bytes(&out, buf_span(&body));
    assert_ok(wire_out_end(&out));
}

static int64_t cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

static void refuse_hello(struct span p, struct span g)
{
    CLEANUP(buf_clear) struct buf hello = { 0 };
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    put_hello(p, g, &hello);
    scene->server.instead = buf_span(&hello);
    scene_connect_as(CLIENT_AUTH_SEND);
    int64_t start = cpu_ms();
    scene_await(&event);
    assert_true(cpu_ms() - start < 50);
    assert_int_equal(event.kind, CLIENT_EVENT_LOST);
    assert_true(event.err == MLT_ERR_GROUP || event.err == MLT_ERR_RANGE);
    client_free(&scene->client);
}

/* The client hangs up for this reason, and the server has not learned who it is. */
static void expect_nothing_shown(enum mlt_err err)
{
    scene_connect_as(CLIENT_AUTH_SEND);
    scene_expect_lost(err);
    assert_false(scene->server.client_auth_seen);
}

/* Attack row 2. */
static void row_2_no_group_but_those_of_rfc_7919_is_taken(void **state)
{
    (void)state;
    static uint8_t p[4096];
    static const uint8_t two = 2, zero = 0, one = 1, three = 3;
    struct span known_p, known_g;
    scene_make_joined();
    dh_group_params(DH_FFDHE2048, &known_p, &known_g);
    const struct span g = span_of(&two, 1);

    memset(p, 0xa5, sizeof(p));
    p[0] = 0xff;
    refuse_hello(span_of(p, 64), g);   /* 512 bits */
    refuse_hello(span_of(p, 255), g);  /* just below 2048 */
    refuse_hello(span_of(p, 256), g);  /* composite, of the right length */
    refuse_hello(span_of(p, 4096), g); /* 32,768 bits */
    memcpy(p, known_p.p, known_p.n);
    p[known_p.n - 1] ^= 0x02; /* a backdoored prime looks like this, one bit away */
    refuse_hello(span_of(p, known_p.n), g);
    p[known_p.n - 1] ^= 0x02;
    p[100] ^= 0x80;
    refuse_hello(span_of(p, known_p.n), g);
    refuse_hello(known_p, span_of(&zero, 1));
    refuse_hello(known_p, span_of(&one, 1));
    refuse_hello(known_p, span_of(&three, 1));
    memcpy(p, known_p.p, known_p.n);
    p[known_p.n - 1] ^= 0x01;
    refuse_hello(known_p, span_of(p, known_p.n)); /* p - 1 as generator */
    refuse_hello(known_p, span_of(NULL, 0));

    scene->server.instead = span_of(NULL, 0);
    scene_connect_as(CLIENT_AUTH_SEND);
    scene_expect(CLIENT_EVENT_LOGGED_IN);
}

/* Attack row 3's plain case: below the client's own minimum. */
static void a_group_below_the_minimum_is_refused(void **state)
{
    (void)state;
    scene_make_joined();
    scene->me.server.min_group = DH_FFDHE3072;
    expect_nothing_shown(MLT_ERR_GROUP);
}

/* Attack row 4: whoever stands between has no certificate of the pinned CA. */
static void row_4_a_twin_ca_learns_nothing_of_us(void **state)
{
    (void)state;
    struct pair_house *house = pair_house();
    CLEANUP(buf_clear) struct buf ca = { 0 };
    CLEANUP(buf_clear) struct buf leaf = { 0 };
    scene_make_joined();
    pair_forge_ca(house->other_key, &ca);
    pair_issue_by(house->other_key, buf_span(&ca), CERT_SERVER, house->server_key, &leaf);
    scene->server.config.ca_der = buf_span(&ca);
    scene->server.config.server_der = buf_span(&leaf);
    expect_nothing_shown(MLT_ERR_PIN);
    assert_int_equal(scene->server.peer_alert, ALERT_PROTOCOL);
}

static void row_4_a_leaf_of_a_twin_under_the_real_ca_is_refused(void **state)
{
    (void)state;
    struct pair_house *house = pair_house();
    CLEANUP(buf_clear) struct buf ca = { 0 };
    CLEANUP(buf_clear) struct buf leaf = { 0 };
    scene_make_joined();
    pair_forge_ca(house->other_key, &ca);
    pair_issue_by(house->other_key, buf_span(&ca), CERT_SERVER, house->server_key, &leaf);
    scene->server.config.server_der = buf_span(&leaf);
    expect_nothing_shown(MLT_ERR_CERT_FOREIGN);
}

static void a_member_cannot_pose_as_the_server(void **state)
{
    (void)state;
    struct pair_house *house = pair_house();
    scene_make_joined();
    scene->server.config.server_der = buf_span(&house->client_der);
    scene->server.config.server_key = house->client_key;
    expect_nothing_shown(MLT_ERR_CERT_ROLE);
}

static void a_server_without_the_certified_key_is_refused(void **state)
{
    (void)state;
    scene_make_joined();
    scene->server.config.server_key = pair_house()->other_key;
    expect_nothing_shown(MLT_ERR_AUTH);
}

static void an_expired_server_certificate_is_refused(void **state)
{
    (void)state;
    struct pair_house *house = pair_house();
    CLEANUP(buf_clear) struct buf leaf = { 0 };
    int64_t now_s = house->clock.wall_ms / 1000;
    scene_make_joined();
    pair_issue(CERT_SERVER, "relay", house->server_key, now_s - 7200, now_s - 1, &leaf);
    scene->server.config.server_der = buf_span(&leaf);
    expect_nothing_shown(MLT_ERR_CERT_EXPIRED);
}

/* The pinned key under a CA certificate of another realm, with a server of that realm. */
static void make_other_realm(struct buf *ca_der, struct buf *leaf_der)
{
    struct pair_house *house = pair_house();
    int64_t now_s = house->clock.wall_ms / 1000;
    struct cert_fields fields = { .role = CERT_CA,
                                  .realm = "elsewhere.example",
                                  .serial = { 0x22 },
                                  .not_before_s = now_s - 300,
                                  .not_after_s = now_s + 86400 };
    X509 *ca = X509_new();
    assert_ok(profile_build(&fields, house->ca_key, NULL, ca));
    assert_ok(profile_sign(ca, house->ca_key));
    assert_ok(cert_der(ca, ca_der));
    fields.role = CERT_SERVER;
    fields.serial[1] = 1;
    assert_ok(name_parse(span_str("relay"), &fields.name));
    X509 *leaf = X509_new();
    assert_ok(profile_build(&fields, house->server_key, ca, leaf));
    assert_ok(profile_sign(leaf, house->ca_key));
    assert_ok(cert_der(leaf, leaf_der));
    X509_free(ca);
    X509_free(leaf);
}

static void the_pinned_key_in_another_realm_is_refused(void **state)
{
    (void)state;
    CLEANUP(buf_clear) struct buf ca_der = { 0 };
    CLEANUP(buf_clear) struct buf leaf_der = { 0 };
    CLEANUP(cert_clear) struct cert ca = { 0 };
    scene_make_joined();
    make_other_realm(&ca_der, &leaf_der);
    assert_ok(cert_read_ca(buf_span(&ca_der), scene->me.server.pin, &ca));
    scene->server.config.ca_der = buf_span(&ca_der);
    scene->server.config.server_der = buf_span(&leaf_der);
    scene_connect_as(CLIENT_AUTH_SEND);
    CLEANUP(client_event_clear) struct client_event event = { 0 };
    scene_await(&event);
    assert_int_equal(event.kind, CLIENT_EVENT_LOST);
    assert_true(err_fault(event.err) == FAULT_PEER);
    assert_false(client_is_logged_in(scene->client));
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, scene_begin, scene_end)
    const struct CMUnitTest tests[] = {
        T(row_2_no_group_but_those_of_rfc_7919_is_taken),
        T(a_group_below_the_minimum_is_refused),
        T(row_4_a_twin_ca_learns_nothing_of_us),
        T(row_4_a_leaf_of_a_twin_under_the_real_ca_is_refused),
        T(a_member_cannot_pose_as_the_server),
        T(a_server_without_the_certified_key_is_refused),
        T(an_expired_server_certificate_is_refused),
        T(the_pinned_key_in_another_realm_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
