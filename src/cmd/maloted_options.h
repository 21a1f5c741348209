/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_CMD_MALOTED_OPTIONS_H
#define MALOTE_CMD_MALOTED_OPTIONS_H

#include "base/buf.h"
#include "cmd/passphrase.h"
#include "crypto/dh.h"
#include "ipc/messages.h"
#include "relay/listen.h"

/*
 * What maloted was told, on its command line and in its configuration file: the same keys, the
 * same checks.  The command line wins.
 */

enum maloted_key {
    KEY_DATA,
    KEY_LISTEN,
    KEY_ADVERTISE,
    KEY_REALM,
    KEY_ENROL,
    KEY_PASSPHRASE_FD,
    KEY_PASSPHRASE_FILE,
    KEY_USER_NET,
    KEY_USER_CA,
    KEY_KDF_COST,
    KEY_CA_BITS,
    KEY_GROUP,
    KEY_MAILBOX_MESSAGES,
    KEY_MAILBOX_BYTES,
    KEY_MAILBOX_SHARE,
    KEY_MAILBOX_LIFE,
    KEY_CERT_LIFE,
    KEY_COUNT
};

struct maloted_options {
    char *texts[KEY_COUNT]; /* as given; NULL where not; owned */
    char *listen[LISTEN_MAX];
    size_t listen_count;
    enum enrol_mode mode;
    int passphrase_fd; /* -1: not given */
    uint32_t kdf_cost;
    uint32_t ca_bits;
    enum dh_group group;
    uint64_t mailbox_messages; /* 0: no mailboxes */
    uint64_t mailbox_bytes;
    unsigned mailbox_share; /* percent */
    int64_t mailbox_life_s;
    int64_t cert_life_s; /* of user certificates */
};

/* Defaults; clear is safe afterwards. */
void maloted_options_init(struct maloted_options *o);
void maloted_options_clear(struct maloted_options *o);

/* "listen" and so on; KEY_COUNT for anything else. */
enum maloted_key maloted_key_find(const char *name);

/*
 * Checks and keeps one value.  A key may be given once, but `listen`.  On failure `why` is one
 * line for a person.  MLT_ERR_USAGE, MLT_ERR_NOMEM.
 */
MUST_CHECK enum mlt_err maloted_options_set(struct maloted_options *o, enum maloted_key key,
                                            const char *value, struct buf *why);

/* Everything `from` says and `o` does not; moved. */
void maloted_options_complete(struct maloted_options *o, struct maloted_options *from);

#endif
