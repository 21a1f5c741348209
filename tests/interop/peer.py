# SPDX-License-Identifier: Apache-2.0
"""People who speak the protocol properly, for the end-to-end scripts.

    peer.py join URL NAME HOME [BITS]    peer.py send HOME TO TEXT...
    peer.py status HOME                  peer.py fill HOME TO SIZE
    peer.py listen HOME COUNT            peer.py pin|fingerprint HOME
    peer.py adopt MALOTE_HOME HOME       the identity of a home of the real client
    peer.py relay REALM INVITES [DEED [REKEY_EVERY]]   see deeds.py

Each says on stdout what happened; the exit status is 0 when it went as it should.
"""

from __future__ import annotations

import sys
from pathlib import Path

import deeds
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from malote_interop import certificates as pki
from malote_interop import wire
from malote_interop.client import Conversation, Identity, NotLoggedIn, join
from malote_interop.registry import LedgerAuthority
from malote_interop.relay import Relay

RESULTS = {wire.ISSUED: "issued", wire.LOGGED_IN: "logged in", wire.PENDING: "pending",
           wire.REFUSED: "refused"}
STATES = {wire.STORED: "stored", wire.DELIVERED: "delivered", wire.OUTCOME_REFUSED: "refused",
          wire.UNKNOWN: "unknown", wire.EXPIRED: "expired", wire.READ: "read"}


def say(text: str) -> None:
    print(text, flush=True)


def do_join(url: str, name: str, home: str, bits: str = "2048") -> None:
    key = pki.new_key(int(bits))
    if (Path(home) / "key").exists():
        key = Identity.load(Path(home)).key
    welcome, identity = join(wire.JoinUrl.parse(url), name, key)
    say(f"{RESULTS[welcome.result]} {welcome.reason}")
    if welcome.result in (wire.ISSUED, wire.PENDING):
        identity.save(Path(home))


def do_adopt(real: str, home: str) -> None:
    """`server` is lines of "word value", key and certificate are PEM."""
    lines = (Path(real) / "server").read_text().splitlines()
    server = dict(line.split(" ", 1) for line in lines)
    key = serialization.load_pem_private_key((Path(real) / "key").read_bytes(), None)
    certificate = x509.load_pem_x509_certificate((Path(real) / "certificate.pem").read_bytes())
    Identity(
        server["host"], int(server["port"]), bytes.fromhex(server["ca"]), server["name"], key,
        certificate.public_bytes(serialization.Encoding.DER),
    ).save(Path(home))


def do_status(home: str) -> None:
    talk = Conversation(Identity.load(Path(home)), wire.SEND_ONLY)
    talk.ping()
    talk.close()
    say(f"logged in, {talk.id}")


def do_pin(home: str) -> None:
    say(Identity.load(Path(home)).pin.hex())


def do_fingerprint(home: str) -> None:
    say(pki.fingerprint(pki.spki_of(Identity.load(Path(home)).key)).hex())


def do_send(home: str, to: str, *texts: str) -> None:
    talk = Conversation(Identity.load(Path(home)), wire.SEND_ONLY)
    for text in texts:
        outcome = talk.send(to, text.encode())
        say(f"{STATES[outcome.state]} {outcome.reason} {outcome.id.hex()}")
    talk.close()


def do_fill(home: str, to: str, size: str) -> None:
    do_send(home, to, "x" * int(size))


def do_listen(home: str, count: str) -> None:
    talk = Conversation(Identity.load(Path(home)), wire.RECEIVE)
    say("listening")
    for _ in range(int(count)):
        message = talk.take()
        text = message.send.body.decode()
        shown = text if len(text) < 1000 else f"{len(text)} bytes"
        say(f"{message.sender} {message.send.number} {shown}")
    talk.close()


def do_relay(realm: str, invites: str, deed: str = "none", rekey_every: str = "0") -> None:
    relay = Relay(LedgerAuthority(realm), int(rekey_every), deeds.find(deed), say, deeds.post(deed))
    for _ in range(int(invites)):
        say(str(relay.url()))
    relay.serve()


def main() -> None:
    verb, *arguments = sys.argv[1:]
    try:
        globals()[f"do_{verb}"](*arguments)
    except NotLoggedIn as no:
        say(f"refused {no.welcome.reason}")
        sys.exit(1)


main()
