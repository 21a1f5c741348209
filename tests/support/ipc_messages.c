/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc_messages.h"

#include <string.h>

#include "base/limits.h"
#include "crypto/dh.h"
#include "ipc/admin.h"
#include "ipc/messages.h"
#include "wire/join_url.h"

static uint8_t filler[LIMIT_IPC_PART];

static struct span some(size_t n)
{
    memset(filler, 'x', sizeof(filler));
    return span_of(filler, n);
}

static struct name name_of(const char *text)
{
    struct name name = { 0 };
    memcpy(name.text, text, strlen(text));
    return name;
}

static const char longest[] = "abcdefghijklmnopqrstuvwxyz012345";

/* LIMIT_IPC_PART bytes of vec8: 240 of them of 250 bytes each. */
static struct span most_leaves(void)
{
    memset(filler, 'x', sizeof(filler));
    for (size_t at = 0; at < sizeof(filler); at += 250)
        filler[at] = 249;
    return SPAN_OF(filler);
}

static struct span names_seen(size_t count)
{
    static uint8_t names[LIMIT_SEEN * (1 + LIMIT_NAME)];
    const size_t each = count == 1 ? 1 : LIMIT_NAME;
    for (size_t i = 0; i < count; i++) {
        names[i * (1 + each)] = (uint8_t)each;
        memcpy(names + i * (1 + each) + 1, longest, each);
    }
    return span_of(names, count * (1 + each));
}

/* Two samples each: the smallest and the largest. */
#define SAMPLES(room, type, small, large)                                                          \
    static enum mlt_err recode_##type(struct span src, struct buf *again)                          \
    {                                                                                              \
        struct room##type m = { 0 };                                                               \
        TRY(room##type##_decode(src, &m));                                                         \
        return room##type##_encode(&m, again);                                                     \
    }                                                                                              \
    static enum mlt_err sample_##type(unsigned variant, struct buf *out)                           \
    {                                                                                              \
        ENSURE(variant < 2, MLT_ERR_MISSING);                                                      \
        const struct room##type m =                                                                \
            variant == 0 ? (struct room##type)small : (struct room##type)large;                    \
        return room##type##_encode(&m, out);                                                       \
    }

#define OF(...)                                                                                    \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

SAMPLES(ipc_, ca_start, OF(.mode = ENROL_INVITE),
        OF(some(LIMIT_REALM), ENROL_APPROVE, LIMIT_KDF_COST_MAX, 4096, some(300), UINT32_MAX, true))
SAMPLES(ipc_, key_needed, OF(.fresh = false), OF(true, { 1u << 20, 8, 1 }, { 1, 2, 3 }))
SAMPLES(ipc_, ca_ready, OF(false, false, some(1), { 0 }),
        OF(true, true, some(LIMIT_REALM), some(JOIN_URL_MAX)))
SAMPLES(ipc_, ca_failed, OF(MLT_ERR_TRUNCATED, { 0 }), OF(MLT_ERR_STATE, some(1000)))
SAMPLES(ipc_, net_start, OF(DH_FFDHE2048, 0, 0, 1, 0),
        OF(DH_FFDHE4096, UINT64_MAX, UINT64_MAX, 100, UINT64_MAX))
SAMPLES(ipc_, peer_lost, OF(false), OF(true))
SAMPLES(ipc_, ca_info, OF(some(1)), OF(some(LIMIT_CERTIFICATE)))
SAMPLES(ipc_, member, OF(name_of("a")), OF(name_of(longest)))
SAMPLES(ipc_, revoked, OF(name_of("a"), { 1 }, { 2 }), OF(name_of(longest), { 255 }, { 254 }))
SAMPLES(ipc_, server_cert, OF(MLT_ERR_TOO_MANY, { 0 }), OF(MLT_OK, some(LIMIT_CERTIFICATE)))
SAMPLES(ipc_, enrol, OF(name_of("a"), some(1), false, { 0 }, { 0 }),
        OF(name_of(longest), some(LIMIT_REQUEST), true, { 7 }, { 9 }))
SAMPLES(ipc_, enrolled, OF(WELCOME_PENDING, REFUSAL_NONE, 10, { 0 }),
        OF(WELCOME_ISSUED, REFUSAL_NONE, 0, some(LIMIT_CERTIFICATE)))
SAMPLES(ipc_, nonces, OF(some(MAILBOX_NONCE)), OF(some((size_t)LIMIT_NONCES *MAILBOX_NONCE)))
SAMPLES(ipc_, mailbox_name, OF(name_of("a")), OF(name_of(longest)))
SAMPLES(ipc_, mailbox, OF(MLT_ERR_MISSING, { 0 }), OF(MLT_OK, some(1024)))
SAMPLES(ipc_, login_proof, OF(some(1), some(LIMIT_SIGNATURE_MIN)),
        OF(some(LIMIT_TRANSCRIPT), some(LIMIT_SIGNATURE)))
SAMPLES(ipc_, login_grant, OF(.err = MLT_ERR_AUTH), OF(MLT_OK, { 1, [39] = 2 }, UINT32_MAX))
SAMPLES(ipc_, unwrap, OF(name_of("a"), { 1 }, { 2 }, some(LIMIT_SIGNATURE_MIN)),
        OF(name_of(longest), { 255 }, { 254 }, some(LIMIT_SIGNATURE)))
SAMPLES(ipc_, unwrapped, OF(.err = MLT_ERR_STATE), OF(MLT_OK, { 1, [31] = 2 }))
SAMPLES(ipc_, renew, OF({ 1 }, some(LIMIT_SIGNATURE_MIN), { 0 }),
        OF({ 255 }, some(LIMIT_SIGNATURE), some(LIMIT_CERTIFICATE)))
SAMPLES(ipc_, crl_part, OF(1, 0, 1, some(1)),
        OF(UINT64_MAX, LIMIT_CRL - LIMIT_IPC_PART, LIMIT_CRL, some(LIMIT_IPC_PART)))
SAMPLES(ipc_, crl_taken, OF(0), OF(UINT64_MAX))
SAMPLES(ipc_, proof_wanted, OF(0, 0, 0), OF(UINT64_MAX, UINT64_MAX, UINT64_MAX))
SAMPLES(ipc_, proof, OF(.err = MLT_ERR_MISSING),
        OF(MLT_OK, some((size_t)LIMIT_PROOF_HASHES *HASH_LEN)))
SAMPLES(ipc_, leaves_wanted, OF(0), OF(UINT64_MAX))
SAMPLES(ipc_, leaves, OF(.err = MLT_ERR_MISSING), OF(MLT_OK, UINT64_MAX, most_leaves()))
SAMPLES(ipc_, seen, OF(names_seen(1)), OF(names_seen(LIMIT_SEEN)))
SAMPLES(ipc_, epoch, OF(0, 1), OF(INT64_MAX - 1, INT64_MAX))
SAMPLES(ipc_, known, OF({ 1 }), OF({ 0x7f }))
SAMPLES(admin_, request, OF(.verb = ADMIN_LIST),
        OF(ADMIN_UNINVITE, true, name_of(longest), { 5 }, UINT32_MAX, INT64_MAX, CRL_CESSATION,
           { 6 }))
SAMPLES(admin_, row, OF(.kind = ADMIN_ROW_PENDING),
        OF(ADMIN_ROW_CERT, name_of(longest), { 1 }, 5, { 0 }, CERT_CLIENT, CERT_STATE_REVOKED,
           { 3 }, INT64_MAX, UINT64_MAX, some(LIMIT_CERTIFICATE), INT64_MAX, INT64_MAX,
           CRL_SUPERSEDED, INT64_MAX, UINT64_MAX, UINT64_MAX, 0, { 0 }, { 0 }, { 7 }, 0, { { 0 } },
           true))
SAMPLES(admin_, end, OF(MLT_OK, { 0 }), OF(MLT_ERR_STATE, some(1000)))

#define ROW(type)                                                                                  \
    {                                                                                              \
#type, recode_##type, sample_##type                                                        \
    }

static const struct message_row rows[] = {
    ROW(ca_start),     ROW(key_needed),   ROW(ca_ready),      ROW(ca_failed),   ROW(net_start),
    ROW(peer_lost),    ROW(ca_info),      ROW(member),        ROW(revoked),     ROW(enrol),
    ROW(enrolled),     ROW(request),      ROW(row),           ROW(server_cert), ROW(end),
    ROW(nonces),       ROW(mailbox_name), ROW(mailbox),       ROW(login_proof), ROW(login_grant),
    ROW(unwrap),       ROW(unwrapped),    ROW(renew),         ROW(crl_part),    ROW(crl_taken),
    ROW(proof_wanted), ROW(proof),        ROW(leaves_wanted), ROW(leaves),      ROW(seen),
    ROW(epoch),        ROW(known),
};

const struct message_row *ipc_message_rows(size_t *count)
{
    *count = COUNT_OF(rows);
    return rows;
}
