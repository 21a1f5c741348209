/* SPDX-License-Identifier: Apache-2.0 */
#include "test_base.h"

#include <stdlib.h>

#include "requests_ledger.h"
#include "requests_of_admin.h"
#include "requests_of_net.h"
#include "signed_oracle.h"

/*
 * Row 49: a net that was taken over asks the CA for whatever it likes, thousands of times, by
 * seed: good requests, other people's names and keys, invites that are made up, used, expired or
 * for somebody else, renewals of what is not due, not theirs, revoked or made up, garbled requests,
 * packets of nonsense, too many server certificates; while the administrator approves, revokes and
 * lets renew.  The requests go through the real channel and decoder into the real CA.  Everything
 * that comes back signed, revocation lists too, is held against a model of who is entitled to what
 * (requests_world.h) and against PROTOCOL.md 11 (signed_oracle.h), and must have its leaf in the
 * ledger.
 *
 *   test_ca_requests [SEED]     another seed than the kept ones
 */

enum { ROUNDS = 360, WORLDS = 7 };

static void one_round(struct world *w)
{
    switch (below(w, 14)) {
    case 0:
        say_nonsense(w);
        break;
    case 10:
        if (below(w, 4) == 0)
            take_back(w);
        else
            let_renew(w);
        break;
    case 11:
    case 12:
        ask_renew(w);
        break;
    case 1:
        let_time_pass(w);
        break;
    case 2:
        ask_server(w);
        break;
    case 3:
    case 4:
        if (w->a.mode == ENROL_APPROVE)
            approve(w);
        else
            ask_enrol(w);
        break;
    default:
        ask_enrol(w);
    }
}

static size_t all_renewed;

static void run_world(uint64_t seed)
{
    static struct world w;
    world_start(&w, seed);
    for (unsigned i = 0; i < ROUNDS; i++)
        one_round(&w);
    if (seed % 4 == 0)
        flood_server_requests(&w);
    for (unsigned i = 0; i < ROUNDS / 4; i++)
        one_round(&w);
    check_ledger(&w);
    print_message("seed %llu: %zu signed (%zu for the server, %zu renewed), %zu given again, "
                  "%zu refused, %zu lists, %zu times dropped\n",
                  (unsigned long long)seed, w.issued, w.server_count, w.renewed, w.returned,
                  w.refused, w.lists, w.dropped);
    assert_true(w.issued - w.server_count > 2 && w.refused > 50 && w.dropped > 10);
    assert_true(w.lists > 20);
    all_renewed += w.renewed;
    world_stop(&w);
}

static uint64_t chosen_seed;

static void row_49_nothing_is_signed_that_nobody_is_entitled_to(void **state)
{
    (void)state;
    if (chosen_seed != 0) {
        run_world(chosen_seed);
        return;
    }
    for (uint64_t seed = 1; seed <= WORLDS; seed++)
        run_world(seed);
    assert_true(all_renewed > WORLDS);
}

/* The second opinion has to be able to disagree: certificates that are wrong in one thing. */
static void the_oracle_sees_what_is_wrong(void **state)
{
    (void)state;
    struct world w;
    CLEANUP(buf_clear) struct buf der = { 0 };
    world_start(&w, 3); /* seed 3: ENROL_INVITE */
    const struct invite invite = authority_invite(&w.a, "maria");
    const struct ipc_enrolled made =
        authority_enrol(&w.a, "maria", authority_key(0), &invite, &der);
    X509 *x = read_der(made.certificate);
    struct signed_wanted wanted = { w.ca, realm, "maria", authority_key(0), now_s(&w) };
    assert_null(signed_complaint(x, &wanted));
    wanted.name = "joao";
    assert_string_equal(signed_complaint(x, &wanted), "subject");
    wanted.name = "maria";
    wanted.key = authority_key(1);
    assert_string_equal(signed_complaint(x, &wanted), "key: another one");
    wanted.key = NULL;
    wanted.now_s++;
    assert_string_equal(signed_complaint(x, &wanted), "validity: not from now");
    wanted.now_s = 0;
    wanted.realm = "other.example";
    assert_string_equal(signed_complaint(x, &wanted), "issuer");
    X509_free(x);
    world_stop(&w);
}

static int libraries(void **state)
{
    (void)state;
    authority_libraries();
    return 0;
}

int main(int argc, char **argv)
{
    chosen_seed = argc == 2 ? strtoull(argv[1], NULL, 10) : 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oracle_sees_what_is_wrong),
        cmocka_unit_test(row_49_nothing_is_signed_that_nobody_is_entitled_to),
    };
    return cmocka_run_group_tests_name("ca_requests", tests, libraries, NULL);
}
