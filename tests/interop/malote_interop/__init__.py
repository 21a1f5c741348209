# SPDX-License-Identifier: Apache-2.0
"""A second implementation of the malote protocol, written from PROTOCOL.md alone.

It shares no code with the C sources and keeps their other choices at arm's length: blocking
sockets, a thread for each connection, exceptions.  Numbers in comments are sections of
PROTOCOL.md.  It serves tests; it keeps its keys in plain files and takes no care of side channels.

    errors        what can go wrong, and the alert it becomes
    wire          codec, frames, messages, records, envelopes, the join URL        2 3 4 7 8 12
    groups        the groups of RFC 7919 and the check of public values            4.1 4.2
    schedule      HKDF, transcript, traffic secrets, Finished, invite proof        5
    seal          CTR and HMAC; one direction of records with rekey and limits     3.1 6
    raw_rsa       PSS with a salt and OAEP with a seed from outside                1
    certificates  the profile: makes certificates and requests, refuses others     11
    lockbox       passphrase-sealed files                                          9
    ledger        leaves, trees, proofs, signed heads                              10
    revocation    notices and revocation lists                                     11.4
    standing      the records about renewal, revocation and the ledger             7
    membership    a client's side of those                                         10 11
    mailbox       stored mail at rest                                              9.3
    session       records over a socket, for both sides                            6 7
    client        the client's handshake                                           4
    server        the server's handshake                                           4
    relay         a relay with mailboxes, in memory                                8
"""
