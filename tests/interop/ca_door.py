# SPDX-License-Identifier: Apache-2.0
"""Row 49 of the list of attacks: what may be asked of the ca process, and what may not.

    ca_door.py sock DATA             everything over ca.sock: junk, bounds, thousands of invites
    ca_door.py net URL COUNT         requests through a server with --enrol open, COUNT of one key
    ca_door.py copy DATA TO          every certificate of ledger.db, and the CRL, as files,
                                     ROLE-POSITION.der

Says how much there was of each.  Whether anything was signed that must not be is for read_store.py
to find, and for others in the copies.
"""

from __future__ import annotations

import os
import random
import socket
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from malote_interop import certificates as pki
from malote_interop import wire
from malote_interop.client import ClientHandshake
from malote_interop.errors import Alerted, Closed, Cut

# ---- over ca.sock: a packet is type u8, tag u32, body ----

REQUEST, ROW, END = 40, 41, 42
INVITE, PENDING, APPROVE, REFUSE, LIST, SHOW, REISSUE, ERASE = range(1, 9)
REVOKE, RENEW, CRL, AUDIT, BACKUP, INVITES, UNINVITE = range(9, 16)
DAY = 24 * 3600
INVITES_AT_ONCE = 10000


def admin(verb: int, name: bytes = b"", print_: bytes = bytes(32), count: int = 1,
          expires: int = DAY, reason: int = 0, invite: bytes = bytes(8)) -> bytes:
    return (wire.uint(verb, 8) + wire.vec(name, 8) + print_ + wire.uint(count, 32)
            + wire.uint(expires, 64) + wire.uint(reason, 8) + invite)


def packet(kind: int, body: bytes) -> bytes:
    return wire.uint(kind, 8) + wire.uint(7, 32) + body


def ask(path: str, sent: bytes) -> str:
    """How the ca took it: granted, refused, or hung up."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        sock.settimeout(30)
        sock.connect(path)
        try:
            sock.send(sent)
            while said := sock.recv(16384):
                if said[0] == END:
                    return "refused" if any(said[5:7]) else "granted"
        except (BrokenPipeError, ConnectionResetError):
            pass
    return "hung up"


def outside_of_bounds() -> Iterator[bytes]:
    """Nothing of this may be granted; maria is a member."""
    names = (b"Maria", b"-maria", b"a" * 33, b"a" * 255, b"maria\0", b"m\xc3\xa1ria", b"a..b", b" ")
    reserved = (b"relay", b"ca", b"root", b"malote", b"server", b"admin", b"postmaster")
    for name in (*names, *reserved):
        yield admin(INVITE, name)
        yield admin(REISSUE, name)
        yield admin(APPROVE, name)
        yield admin(RENEW, name)
        if name != b"relay":  # the server's own certificates may be revoked
            yield admin(REVOKE, name)
    for count in (0, INVITES_AT_ONCE + 1, 2**31, 2**32 - 1):
        yield admin(INVITE, count=count)
    yield admin(INVITE, b"zoe", count=2)
    for expires in (0, 3651 * DAY, 2**62, 2**63 - 1, 2**63, 2**64 - 1):
        yield admin(INVITE, expires=expires)
    yield admin(APPROVE, b"nobody")
    yield admin(APPROVE)
    yield admin(REFUSE, b"nobody")
    yield admin(REISSUE, b"nobody")
    for verb in (REVOKE, RENEW):
        yield admin(verb)
        yield admin(verb, b"nobody")
    for reason in (2, 6, 7, 8, 9, 10, 255):
        yield admin(REVOKE, b"maria", reason=reason)
        yield admin(LIST, reason=reason)
    yield admin(UNINVITE)
    yield admin(UNINVITE, invite=bytes(range(8)))
    for verb in (0, UNINVITE + 1, 255):
        yield admin(verb)


def junk(seed: int) -> Iterator[bytes]:
    """What is no request of an administrator: other types, cuts, additions, noise."""
    noise = random.Random(seed)
    good = admin(INVITE, b"zoe")
    for kind in (*range(64), 255):
        if kind != REQUEST:
            yield packet(kind, good)
    for size in range(len(good)):
        yield packet(REQUEST, good[:size])
    yield packet(REQUEST, good + b"\0")
    yield packet(REQUEST, good.ljust(4097, b"\0"))
    yield b"\x28"
    for _ in range(300):
        yield packet(noise.randrange(256) | 1, noise.randbytes(noise.randrange(1, 600)))


def do_sock(data: str) -> None:
    os.chdir(data)
    refused = Counter(ask("ca.sock", packet(REQUEST, body)) for body in outside_of_bounds())
    assert refused["granted"] == 0, refused
    thrown = Counter(ask("ca.sock", sent) for sent in junk(49))
    assert thrown["granted"] == 0, thrown
    made = Counter(
        ask("ca.sock", packet(REQUEST, admin(INVITE, b"zoe", expires=1 + n % 3650 * DAY)))
        for n in range(3000)
    )
    assert made == {"granted": 3000}, made
    many = ask("ca.sock", packet(REQUEST, admin(INVITE, count=INVITES_AT_ONCE)))
    assert many == "granted", many
    print("outside of bounds:", *(f"{said} {n}" for said, n in sorted(refused.items())))
    print("junk:", sum(thrown.values()))
    print("invites:", 3000 + INVITES_AT_ONCE)


# ---- through net: PKCS#10 that the profile does not know ----


def request_of(*info: bytes, key: rsa.RSAPrivateKey, algorithm: bytes = pki.RSA_PSS) -> bytes:
    body = pki.der(pki.SEQUENCE, *info)
    return pki.der(pki.SEQUENCE, body, algorithm, pki.der_bits(pki.sign(key, body)))


def odd_requests(name: str, key: rsa.RSAPrivateKey) -> Iterator[tuple[str, bytes]]:
    zero, spki, none = pki.der_integer(0), pki.spki_of(key), pki.der(0xA0)
    subject = pki.person(name)
    wanted = pki.der(pki.SEQUENCE, pki.extension(
        "basicConstraints", pki.der(pki.SEQUENCE, pki.der(pki.BOOLEAN, b"\xff"))))
    wishes = pki.der(0xA0, pki.der(
        pki.SEQUENCE, pki.der_oid("1.2.840.113549.1.9.14"), pki.der(pki.SET, wanted)))
    yield "wants_to_be_a_ca", request_of(zero, subject, spki, wishes, key=key)
    yield "of_the_ca", request_of(zero, pki.ca_name("malote.internal"), spki, none, key=key)
    twice = pki.der_name((pki.COMMON_NAME, name), (pki.COMMON_NAME, "relay"))
    yield "two_names", request_of(zero, twice, spki, none, key=key)
    house = pki.der_name((pki.ORGANIZATION, "x"), (pki.COMMON_NAME, name))
    yield "an_organisation", request_of(zero, house, spki, none, key=key)
    yield "another_name", pki.make_request("victim", key)
    yield "the_relay", pki.make_request("relay", key)
    yield "version_1", request_of(pki.der_integer(1), subject, spki, none, key=key)
    yield "no_attributes", request_of(zero, subject, spki, key=key)
    yield "rsa_without_pss", request_of(zero, subject, spki, none, key=key, algorithm=pki.RSA)
    yield "signed_by_another", pki.make_request(name, key, bytes(256))
    yield "bytes_left_over", pki.make_request(name, key) + b"\0"
    numbers = key.public_key().public_numbers()
    yield "an_even_key", request_of(
        zero, subject, pki.public_key_der(numbers.n - 1, numbers.e), none, key=key)
    yield "exponent_3", request_of(zero, subject, pki.public_key_der(numbers.n, 3), none, key=key)


def enrol(url: wire.JoinUrl, name: str, key: rsa.RSAPrivateKey, request: bytes) -> str:
    connection = ClientHandshake(url.host, url.port, url.pin)
    connection.meet()
    auth = wire.ClientAuth(wire.ENROL, name=name.encode(), request=request)
    try:
        connection.send_client_auth(auth, key)
        welcome = connection.read_welcome()
    except (Alerted, Closed, Cut):
        return "alert"
    finally:
        connection.line.close()
    return "issued" if welcome.result == wire.ISSUED else "refused"


def do_net(where: str, count: str) -> None:
    url, key = wire.JoinUrl.parse(where), pki.new_key()
    for what, request in odd_requests("odd", key):
        said = enrol(url, "odd", key, request)
        assert said != "issued", what
        print(what, said)
    for bits in (1024, 1536, 2056):
        small = rsa.generate_private_key(65537, bits)
        assert enrol(url, "odd", small, pki.make_request("odd", small)) != "issued", bits
    # Nothing else stood in the way.
    assert enrol(url, "odd", key, pki.make_request("odd", key)) == "issued"
    # One key asks for its name again and again: a certificate each, or none.
    mine = pki.new_key()
    asked = Counter(enrol(url, "again", mine, pki.make_request("again", mine))
                    for _ in range(int(count)))
    assert asked["issued"] >= 1, asked
    print("again:", *(f"{said} {n}" for said, n in sorted(asked.items())))


def do_copy(data: str, to: str) -> None:
    ledger = sqlite3.connect(f"file:{data}/ca/ledger.db?mode=ro", uri=True)
    roles = {1: "ca", 2: "server", 3: "client"}
    rows = ledger.execute("SELECT role, position, der FROM certificate")
    for role, position, certificate in rows:
        (Path(to) / f"{roles[role]}-{position}.der").write_bytes(certificate)
    for position, signed in ledger.execute("SELECT position, der FROM crl"):
        (Path(to) / f"crl-{position}.der").write_bytes(signed)


globals()[f"do_{sys.argv[1]}"](*sys.argv[2:])
