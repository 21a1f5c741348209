/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CLIENT_RENEWAL_H
#define MALOTE_CLIENT_RENEWAL_H

#include "base/env.h"
#include "pki/profile.h"
#include "wire/renew.h"

/*
 * When a session asks for its certificate's successor.  Decides, and does nothing: who drives it
 * sends RENEW once renewal_is_due, says so (renewal_asked), and hands the answer in.
 * PROTOCOL.md 11.5
 *
 * Due by the wall clock or by the monotonic one, whichever comes first: a clock that is set back
 * while a session lasts makes nobody too late.
 */
struct renewal {
    const struct env *env; /* borrowed */
    int64_t life_s;        /* of the session's certificate; 0: there is none to renew */
    int64_t due_s;         /* wall clock; INT64_MAX: by `due_ms` alone */
    int64_t due_ms;        /* env_mono_ms */
    int64_t pause_ms;      /* before the next try, if this one comes to nothing */
    bool is_asked;         /* and not answered */
    bool is_told;          /* that it was refused */
};

/* When a third of its life is over: from then on the CA renews it. */
int64_t renewal_from_s(const struct cert_fields *own);

/*
 * From when on a certificate is renewed: a third of its life, and up to a twelfth more by the
 * chance that lies in its serial, so that a fleet does not come at once.
 */
int64_t renewal_due_s(const struct cert_fields *own);

/* A session began that is logged in with this certificate; `now`: it may do nothing else. */
void renewal_begin(struct renewal *r, const struct env *env, const struct cert_fields *own,
                   bool now);

/* It ended. */
void renewal_end(struct renewal *r);

/* RENEW should go now; and when that is to be asked again (env_mono_ms), INT64_MAX: never. */
bool renewal_is_due(const struct renewal *r);
int64_t renewal_due_ms(const struct renewal *r);

void renewal_asked(struct renewal *r);

/* The answer was a certificate that was kept: the session's from now on. */
void renewal_issued(struct renewal *r, const struct cert_fields *own);

/*
 * It was a refusal, or a certificate of no use (`reason` NOT_DUE).  Asked again after a pause: of
 * what the server says if it is busy, doubled each time; as long as ever for what a moment does not
 * mend.  *tell: the host has not heard of it yet, and should.
 */
void renewal_refused(struct renewal *r, enum refusal reason, uint32_t retry_after_s, bool *tell);

#endif
