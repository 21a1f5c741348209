/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_ANSWER_H
#define MALOTE_CA_ANSWER_H

#include "ca/admin.h"

/* One answer of admin_answer on its way: inside admin*.c only. */
struct answer {
    struct ca *ca;
    const struct admin_request *request;
    const struct admin_sink *sink;
    struct buf *why;
    bool unchanged; /* revoke: what was asked for was so before */
};

MUST_CHECK enum mlt_err answer_row(const struct answer *a, const struct admin_row *row);

/* MLT_ERR_MISSING, and *why says that nobody has that name. */
MUST_CHECK enum mlt_err answer_no_such_name(const struct answer *a);

/* admin_list.c */
MUST_CHECK enum mlt_err answer_list(struct answer *a);
MUST_CHECK enum mlt_err answer_show(struct answer *a);
MUST_CHECK enum mlt_err answer_crl(struct answer *a);
/* The newest certificate of the request's name, without its DER; or the name, if it has none. */
MUST_CHECK enum mlt_err answer_newest(struct answer *a);
/* Those alarms that concern every command: the CA signs nothing. */
MUST_CHECK enum mlt_err answer_alarms(struct answer *a);

/* admin_invites.c */
MUST_CHECK enum mlt_err answer_invites(struct answer *a);
MUST_CHECK enum mlt_err answer_uninvite(const struct answer *a);

/* admin_revoke.c */
MUST_CHECK enum mlt_err answer_revoke(struct answer *a);
/* What was asked for stands, and the list that has it could not be made: returns `err`. */
MUST_CHECK enum mlt_err answer_unlisted(const struct answer *a, enum mlt_err err);
MUST_CHECK enum mlt_err answer_renew(struct answer *a);
MUST_CHECK enum mlt_err answer_audit(struct answer *a);

#endif
