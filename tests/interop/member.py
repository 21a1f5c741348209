# SPDX-License-Identifier: Apache-2.0
"""What a member can ask of a real server about its CA, and may not (PROTOCOL.md 10, 11.4, 11.5).

    member.py follow HOME            logs in; proves the new head from the one held, takes the lists
    member.py audit HOME             reads all leaves, holds them against the head, says its own
    member.py renew HOME             RENEW in the session, or in the one that may do nothing else
    member.py watch HOME COUNT       stays for so many notices, or until it is ended; says when
    member.py chatter HOME TO        sends as fast as it can until it is ended; says when
    member.py list HOME FILE         the revocation list, asked for as by somebody who has nothing
    member.py wrong HOME [OTHER]     everything that must not work; OTHER is somebody else's home

HOME is as peer.py keeps it; what is known of the CA lies in its file `memory`.
"""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from malote_interop import certificates as pki
from malote_interop import wire
from malote_interop.client import Conversation, Identity, NotLoggedIn
from malote_interop.errors import Alerted, Closed, Cut, Refused
from malote_interop.ledger import Head, Leaf, sign_renewal
from malote_interop.membership import Memory
from malote_interop.schedule import sha256
from malote_interop.standing import AHEAD, CrlWanted, LeavesWanted, Renew


def say(text: str) -> None:
    print(text, flush=True)


class Member(Conversation):
    """Also where nothing but a renewal is allowed."""

    opens = (wire.LOGGED_IN, wire.RENEW_FIRST)


def serial_of(certificate: bytes) -> bytes:
    return pki.read_parts(certificate).serial.to_bytes(16, "big")


def enter(home: str, kind: int = wire.SEND_ONLY) -> tuple[Member, Identity]:
    identity = Identity.load(Path(home))
    return Member(identity, kind), identity


# ---- what works ----


def follow(home: str) -> None:
    talk, _ = enter(home)
    file = Path(home) / "memory"
    memory = Memory.load(file)
    how = talk.follow(memory, talk.welcome.ledger_head)
    lists = talk.catch_up(memory, talk.welcome.crl_number)
    memory.save(file)
    if how == "first":
        (Path(home) / "oldest").write_bytes(memory.head.encode())
    talk.close()
    head = memory.head
    say(f"head {how} size {head.size} epoch {head.epoch}")
    say(f"crl {lists} number {memory.crl_number} serials {len(memory.revoked)}")


def audit(home: str) -> None:
    talk, identity = enter(home)
    head = Head.decode(talk.welcome.ledger_head)
    assert head.is_by(talk.ca.spki), "the head's signature"
    leaves = [Leaf.decode(leaf) for leaf in talk.audit(head)]
    own = pki.read_parts(identity.certificate)
    assert any(leaf.tbs_hash == sha256(own.tbs) for leaf in leaves), "no leaf for our certificate"
    assert leaves[0].kind == "ca" and leaves[0].key == identity.pin
    talk.close()
    for kind in ("ca", "server", "client", "crl"):
        say(f"{kind} {sum(leaf.kind == kind for leaf in leaves)}")
    for leaf in leaves:
        if leaf.name == identity.name.encode():
            mine = leaf.key == pki.fingerprint(pki.spki_of(identity.key))
            say(f"{identity.name} {leaf.serial:032x} {'own key' if mine else 'another key'}")


def renew(home: str) -> None:
    talk, identity = enter(home, wire.RECEIVE)
    entered = "renew" if talk.welcome.result == wire.RENEW_FIRST else "logged in"
    answer = talk.renew(serial_of(identity.certificate), identity.key)
    say(f"{entered} result {answer.result} reason {answer.reason}")
    if not answer.certificate:
        talk.session.line.close()
        return
    older, newer = (pki.read_parts(c) for c in (identity.certificate, answer.certificate))
    again = talk.renew(newer.serial.to_bytes(16, "big"), identity.key) if (
        entered == "logged in") else None
    if again is not None:
        say(f"again result {again.result} reason {again.reason}")
        assert talk.send(identity.name, b"under the new one").state in (wire.DELIVERED, wire.STORED)
        talk.close()
    else:
        try:
            talk.step()
        except Closed as closed:
            say(f"closed {closed.reason}")
    assert newer.validity[1] > older.validity[1] and newer.serial != older.serial
    identity.certificate = answer.certificate
    identity.save(Path(home))


def watch(home: str, count: str) -> None:
    talk, _ = enter(home, wire.RECEIVE)
    say("watching")
    seen = 0
    try:
        while seen < int(count):
            talk.step()
            for notice in talk.noticed:
                seen += 1
                say(f"notice {notice.number} serials {len(notice.serials)} at {time.time():.3f}")
            talk.noticed.clear()
        talk.close()
    except Closed as closed:
        say(f"closed {closed.reason} at {time.time():.3f}")


def chatter(home: str, to: str) -> None:
    """Sends until it is ended, and says how much of it was acknowledged."""
    talk, _ = enter(home)
    answers: dict[int, int] = {}
    say("sending")
    try:
        for n in range(1000000):
            state = talk.send(to, b"%d" % n).state
            answers[state] = answers.get(state, 0) + 1
    except Closed as closed:
        say(f"closed {closed.reason} at {time.time():.3f}")
    except Cut:
        say(f"cut at {time.time():.3f}")
    say(f"stored {answers.get(wire.STORED, 0)}")
    say(f"delivered {answers.get(wire.DELIVERED, 0)}")


def list_(home: str, file: str) -> None:
    talk, _ = enter(home)
    memory = Memory()
    kept: list[bytes] = []
    inner = memory.take_list

    def take(crl):
        kept.append(crl.encode())
        return inner(crl)

    memory.take_list = take
    how = talk.catch_up(memory, talk.welcome.crl_number)
    talk.close()
    if kept:
        Path(file).write_bytes(kept[-1])
    say(f"{how} number {memory.crl_number} serials {len(memory.revoked)}")


# ---- what does not ----


def fate(home: str, deed: Callable[[Member, Identity], object]) -> str:
    """What a session comes to in which this is done; a PING tells whether it lives."""
    talk, identity = enter(home, wire.RECEIVE)
    try:
        said = deed(talk, identity)
        talk.ping()
        talk.close()
    except (Alerted, Closed, Cut, Refused) as end:
        return str(end)
    return f"lives {said}"


def sends(kind: int, *bodies: bytes) -> Callable[[Member, Identity], object]:
    def deed(talk: Member, identity: Identity) -> str:
        # In one write: an answer to the first must not pass the second on its way.
        records = [talk.session.outward.seal(kind, body) for body in bodies]
        talk.session.line.write(b"".join(records))
        talk.awaited = {wire.RENEW: wire.RENEWED, wire.PROVE: wire.PROOF,
                        wire.LEAVES_WANTED: wire.LEAVES}.get(kind, 0)
        while talk.awaited:
            talk.step()
        if talk.heard is None:
            return "without an answer"
        return f"result {talk.heard.result} reason {getattr(talk.heard, 'reason', 0)}"

    return deed


def signed(identity: Identity, serial: bytes, key=None, pin: bytes = b"") -> bytes:
    signature = sign_renewal(key or identity.key, pin or identity.pin, serial)
    return Renew(serial, signature).encode()


def wrong(home: str, other: str = "") -> None:
    identity = Identity.load(Path(home))
    own = serial_of(identity.certificate)
    oldest = (Path(home) / "oldest").read_bytes()
    stranger = pki.new_key()
    cases = {
        "signed_by_another_key": (wire.RENEW, signed(identity, own, stranger)),
        "signed_for_another_ca": (wire.RENEW, signed(identity, own, pin=bytes(32))),
        "signed_over_another_serial": (
            wire.RENEW, Renew(own, sign_renewal(identity.key, identity.pin, bytes(16))).encode()),
        "a_serial_of_nobody": (wire.RENEW, signed(identity, secrets.token_bytes(16))),
        "signed_as_a_handshake": (wire.RENEW, Renew(own, pki.sign(
            identity.key, b"malote v1 client handshake\0" + sha256(identity.pin, own))).encode()),
        "two_renewals_at_once": (wire.RENEW, signed(identity, own), signed(identity, own)),
        "two_proofs_at_once": (wire.PROVE, oldest, oldest),
        "leaves_twice_at_once": (wire.LEAVES_WANTED, *[LeavesWanted(0).encode()] * 2),
        "a_head_of_nobodys": (wire.PROVE, forged_head(home)),
        "leaves_beyond_the_end": (wire.LEAVES_WANTED, LeavesWanted(2**63 - 1).encode()),
        "a_list_of_the_future": (wire.CRL_WANTED, CrlWanted(2**64 - 1).encode()),
        "a_server_s_record": (wire.REVOKED, bytes(300)),
        "a_short_renew": (wire.RENEW, signed(identity, own)[:-1]),
    }
    if other:
        them = Identity.load(Path(other))
        theirs = serial_of(them.certificate)
        cases["anothers_serial"] = (wire.RENEW, signed(identity, theirs))
        cases["anothers_renewal"] = (wire.RENEW, signed(them, theirs))
    for name, (kind, *bodies) in cases.items():
        say(f"{name}: {fate(home, sends(kind, *bodies))}")


def shown(home: str) -> bytes:
    talk, _ = enter(home)
    talk.close()
    return talk.welcome.ledger_head


def forged_head(home: str) -> bytes:
    head = Head.decode(shown(home))
    return replace(head, size=head.size + 1).signed_by(pki.new_key(), bytes(32)).encode()


def ahead(home: str, keystore: str, passphrase: str, size: str) -> None:
    """Shows a head that the CA's own key signed, of a ledger longer than its own: as somebody does
    who was there before a backup was put back."""
    from malote_interop.lockbox import authority_of

    authority = authority_of(Path(keystore), Path(passphrase))
    talk, identity = enter(home)
    head = Head.decode(talk.welcome.ledger_head)
    longer = replace(head, size=int(size), root=secrets.token_bytes(32), time=int(time.time()))
    answer = talk.prove(longer.signed_by(authority.key, identity.pin))
    assert answer.result == AHEAD
    talk.close()
    say("ahead")


def main() -> None:
    verb, *arguments = sys.argv[1:]
    try:
        globals()["list_" if verb == "list" else verb](*arguments)
    except NotLoggedIn as no:
        say(f"refused {no.welcome.reason}")
        sys.exit(1)


main()
