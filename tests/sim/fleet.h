/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_SIM_FLEET_H
#define MALOTE_TESTS_SIM_FLEET_H

#include "pki/cert.h"
#include "wire/renew.h"

/*
 * The real CA (src/ca, in a directory of the simulation's) and its process, which is there and is
 * gone, and whose certificates have ten minutes; and the certificate of everybody's home.
 *
 * Certificates of one person are counted: `generation` 1 is that of the enrolment.  The last few
 * are kept here, since records only say which.
 */

#define FLEET_LIFE_S 600

struct fleet_certificate {
    struct cert cert;
    struct buf der;
    struct buf renewal; /* the signature of a RENEW over its serial */
};

/* Makes the CA, and enrols everybody.  Between worlds the people's keys stay. */
void fleet_begin(const char *directory, unsigned people);
void fleet_clear(void);
void fleet_forget_keys(void);

/* Borrowed; it must be one of the last few. */
const struct fleet_certificate *fleet_certificate(unsigned person, uint64_t generation);

/* What lies in the home; and a newer one takes its place. */
uint64_t fleet_newest(unsigned person);
void fleet_keep(unsigned person, uint64_t generation);

/* ---- the ca process ---- */

bool fleet_ca_is_up(void);
/* From now on it comes and goes. */
void fleet_ca_begin(void);
/* It stays. */
void fleet_ca_heal(void);

struct fleet_answer {
    struct renewed renewed; /* without the certificate */
    uint64_t generation;    /* of that, when issued */
};
/* What it makes of a RENEW over this certificate; only while it is up. */
void fleet_renew(unsigned person, uint64_t generation, struct fleet_answer *answer);

/* ---- the end ---- */

/* All is quiet: the ledger and what people hold agree, and nobody asked for more than he needed. */
void fleet_judge(void);
/* The last second of grace, and the first one after it. */
void fleet_edge_of_grace(void);

struct fleet_figures {
    uint64_t issued, given_again, too_early, busy, downs, longest_down_s, renewed_late;
    int64_t least_left_s; /* of a life that was renewed in time */
};
struct fleet_figures *fleet_figures(void);

#endif
