/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CA_CERTIFICATES_H
#define MALOTE_CA_CERTIFICATES_H

#include "db/database.h"
#include "ca/issue.h"

/* Every certificate that left the CA, which of them were revoked (revoke.h), and the keys that may
 * never be certified again. */

struct certificate {
    enum cert_role role;
    struct name name;
    uint8_t spki_hash[HASH_LEN];
    uint8_t serial[CERT_SERIAL];
    int64_t issued_s, not_after_s;
    int64_t revoked_s; /* 0: not revoked */
    enum crl_reason reason;
    uint64_t position;
    struct span der; /* borrowed from the callback's query; empty where it was not asked for */
};

/* What a statement has to begin with for certificates_read_row, and the tables it is of. */
#define CERTIFICATES_COLUMNS                                                                       \
    "c.role, c.name, c.spki, c.serial, c.issued_s, c.not_after_s, c.position, "                    \
    "ifnull(r.revoked_s, 0), ifnull(r.reason, 0)"
#define CERTIFICATES_COUNT   9
#define CERTIFICATES_REVOKED " LEFT JOIN revocation AS r ON r.serial = c.serial "

MUST_CHECK enum mlt_err certificates_read_row(struct query *q, struct certificate *c);

/* An error from it ends the walk and is returned. */
struct certificate_visit {
    enum mlt_err (*on_certificate)(void *ctx, const struct certificate *c);
    void *ctx;
};

MUST_CHECK enum mlt_err certificates_record(struct database *db, const struct issued *issued);

/* The newest of a name in a role; MLT_ERR_MISSING.  `der` is appended. */
MUST_CHECK enum mlt_err certificates_newest(struct database *db, enum cert_role role,
                                            const struct name *name, struct certificate *c,
                                            struct buf *der);

/* By its serial, whatever its role; MLT_ERR_MISSING.  `der` is appended. */
MUST_CHECK enum mlt_err certificates_by_serial(struct database *db,
                                               const uint8_t serial[static CERT_SERIAL],
                                               struct certificate *c, struct buf *der);

/* Revoked, the server's as well, and could otherwise still be used or renewed: at clock_earliest,
 * where net is to be told. */
MUST_CHECK enum mlt_err certificates_revoked(struct database *db, int64_t now_s,
                                             const struct certificate_visit *visit);

/* Those of them that no CRL lists yet, and whatever the time all of this role and name that none
 * lists: what is past its end is never listed, and would be told again with every other name. */
MUST_CHECK enum mlt_err certificates_unlisted(struct database *db, int64_t now_s,
                                              enum cert_role role, const struct name *name,
                                              const struct certificate_visit *visit);

MUST_CHECK enum mlt_err
certificates_is_known(struct database *db, const uint8_t serial[static CERT_SERIAL], bool *known);
/* Also of a serial that is known by a CRL alone. */
MUST_CHECK enum mlt_err certificates_is_revoked(struct database *db,
                                                const uint8_t serial[static CERT_SERIAL],
                                                bool *revoked);
MUST_CHECK enum mlt_err certificates_key_is_revoked(struct database *db,
                                                    const uint8_t spki_hash[static HASH_LEN],
                                                    bool *revoked);

/* Whether the key was certified for another name or role than these. */
MUST_CHECK enum mlt_err certificates_key_is_used(struct database *db,
                                                 const uint8_t spki_hash[static HASH_LEN],
                                                 enum cert_role role, const struct name *name,
                                                 bool *used);

/*
 * Issued in a role within the last hour, or within the next one: a clock set back by so little wins
 * nobody anything.  Beyond that nothing is signed until the administrator says that the clock is
 * right (clock.h), and what was signed in that future is no measure of the present.
 */
MUST_CHECK enum mlt_err certificates_count_hour(struct database *db, enum cert_role role,
                                                int64_t now_s, uint64_t *count);

#endif
