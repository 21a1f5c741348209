/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MALOTE_TESTS_VECTORS_TOPICS_H
#define MALOTE_TESTS_VECTORS_TOPICS_H

#include "connection.h"

/* One sheet each, in the order of PROTOCOL.md 14. */
void topic_keys(const struct given *g);
void topic_certificates(const struct given *g);
void topic_login(const struct given *g);
void topic_enrol(const struct given *g);
void topic_records(const struct given *g);
void topic_alerts(const struct given *g);
void topic_messages(const struct given *g);
void topic_invite(const struct given *g);
void topic_keystore(const struct given *g);
void topic_mailbox(const struct given *g);
void topic_leaf(const struct given *g);
void topic_ledger(const struct given *g);
void topic_revocation(const struct given *g);
void topic_renewal(const struct given *g);

/* A group: a PKCS#10 request and its parts, signed by `key`. */
void topic_request(struct span der, EVP_PKEY *key);

/* A case of a handshake, up to and with its Welcome; the server's answer is given. */
struct welcome;
void handshake_case(const struct given *g, struct connection *c, const struct welcome *welcome,
                    const char *name, const char *comment);

/* The Welcome of a login. */
struct welcome welcome_of_login(const struct given *g);

#endif
