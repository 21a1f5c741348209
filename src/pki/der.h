/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_PKI_DER_H
#define MALOTE_PKI_DER_H

#include "base/buf.h"

/*
 * DER (X.690) as far as revocation lists need it: a hundred thousand entries, each of which
 * libcrypto would make ten allocations of, before anybody checked a signature.  Tags of one byte;
 * lengths definite and the shortest.
 */

enum {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTETS = 0x04,
    DER_OID = 0x06,
    DER_UTC_TIME = 0x17,
    DER_TIME = 0x18,
    DER_SEQUENCE = 0x30,
    DER_CONTEXT_0 = 0xa0,
};

/* Whether all of it is one element, and what it is built of too.  MLT_ERR_ENCODING. */
MUST_CHECK enum mlt_err der_check(struct span der);

/* Takes the next element off `rest`, whatever it is. */
bool der_next(struct span *rest, uint8_t *tag, struct span *content);

/*
 * Takes the next element off `rest` if it has this tag: its content, borrowed.  Else false, and
 * `rest` is as it was.
 */
bool der_take(struct span *rest, uint8_t tag, struct span *content);

/* The same, with tag and length: what a signature covers, what is compared. */
bool der_take_whole(struct span *rest, uint8_t tag, struct span *element);

/* Appends. */
MUST_CHECK enum mlt_err der_put(struct buf *out, uint8_t tag, struct span content);

/* A positive INTEGER of big-endian bytes, whatever zeros they begin with. */
MUST_CHECK enum mlt_err der_put_number(struct buf *out, struct span number);

/*
 * One of at most `n` bytes, right-aligned into `number`.  False for what is negative, zero,
 * longer, or not the shortest form.
 */
bool der_take_number(struct span *rest, uint8_t *number, size_t n);

/* RFC 5280 4.1.2.5: UTCTime until 2049, GeneralizedTime from then on; 1970 to 9999. */
MUST_CHECK enum mlt_err der_put_time(struct buf *out, int64_t s);
/* Of either kind; whoever takes it compares with what der_put_time makes of it. */
bool der_take_time(struct span *rest, int64_t *s);

#endif
