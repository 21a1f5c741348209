# SPDX-License-Identifier: Apache-2.0
"""A server with a CA that lies about the past, for the real client.

    false_authority.py FILE     FILE holds the deed of whoever logs in next
    false_authority.py deeds    their names, and what becomes of the client: alarm, goes-on; audit
                                is an alarm of `malote audit`

Who enrols gets a certificate that is due to be renewed.

Says a join URL, then what happens.  Everything is signed by the real key of the CA unless the deed
is about a signature: what a CA that was put back, or one that shows two faces, can say.
"""

from __future__ import annotations

import copy
import secrets
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from malote_interop import certificates as pki
from malote_interop import wire
from malote_interop.ledger import Head, Leaf, Ledger, consistency, leaf_hash, root_of
from malote_interop.registry import LedgerAuthority, Registry, now
from malote_interop.relay import Guest, Relay
from malote_interop.revocation import Entry, Notice
from malote_interop.schedule import sha256
from malote_interop.standing import (
    AHEAD, HERE, PROVEN, CrlPiece, Leaves, Proof, Renew, Renewed,
)


def say(text: str) -> None:
    print(text, flush=True)


class Deed(Registry):
    """`alarm`: the client has to end, and say why.  Otherwise it goes on as if nothing was."""

    alarm = True

    def sign(self, head: Head) -> bytes:
        return head.signed_by(self.authority.key, self.authority.pin).encode()

    def arrived(self, guest: Guest) -> None:
        """Right after Welcome."""


class Nothing(Deed):
    alarm = False


class Grows(Deed):
    """Honest: the ledger has grown since."""

    alarm = False

    def __init__(self, authority: LedgerAuthority):
        super().__init__(authority)
        for _ in range(3):
            authority.add_leaf(pki.check_leaf(
                pki.Authority.issue(authority, "client", "somebody", authority.certificate.spki),
                "client", authority.certificate, None,
            ))


# ---- heads and proofs, 10.3 ----


def forked(ledger: Ledger, at: int) -> list[bytes]:
    """Hashes of a ledger in which one leaf is another."""
    hashes = ledger.hashes()
    leaf = Leaf.decode(ledger.leaves[at])
    hashes[at] = leaf_hash(replace(leaf, tbs_hash=secrets.token_bytes(32)).encode())
    return hashes


class AnotherRoot(Deed):
    def shown_head(self) -> bytes:
        ledger = self.authority.ledger
        return self.sign(replace(self.authority.head(), root=root_of(forked(ledger, 1))))


class Fork(Grows):
    """Grown, but the past is another one; its own proof is right."""

    alarm = True

    def __init__(self, authority: LedgerAuthority):
        super().__init__(authority)
        self.hashes = forked(authority.ledger, 1)

    def shown_head(self) -> bytes:
        return self.sign(replace(self.authority.head(), root=root_of(self.hashes)))

    def prove(self, head: Head) -> Proof:
        return Proof(PROVEN, self.shown_head(), consistency(self.hashes, head.size))


class RolledBack(Deed):
    def shown_head(self) -> bytes:
        return self.authority.head(1).encode()

    def prove(self, head: Head) -> Proof:
        return Proof(AHEAD)


class RolledBackAndProven(RolledBack):
    """It has the newer ones all the same, and says so when asked."""

    def prove(self, head: Head) -> Proof:
        return Registry.prove(self, head)


class OlderEpoch(Deed):
    def shown_head(self) -> bytes:
        head = self.authority.head()
        return self.sign(replace(head, epoch=head.epoch - 1))


class AnotherBase(Deed):
    def shown_head(self) -> bytes:
        return self.sign(replace(self.authority.head(), base=1))


class AnotherSigner(Deed):
    def shown_head(self) -> bytes:
        return self.authority.head().signed_by(pki.new_key(), self.authority.pin).encode()


class AnotherPurpose(Deed):
    """The bytes of a head, signed as if they were a revocation."""

    def shown_head(self) -> bytes:
        head, authority = self.authority.head(), self.authority
        digest = sha256(authority.pin, head.signed_part())
        signature = pki.sign(authority.key, b"malote v1 revocation\0" + digest)
        return replace(head, signature=signature).encode()


class NoHeadAtAll(Deed):
    def shown_head(self) -> bytes:
        return b"\0" * 100


class WrongProof(Grows):
    alarm = True

    def prove(self, head: Head) -> Proof:
        proof = super().prove(head)
        proof.hashes[0] = secrets.token_bytes(32)
        return proof


class ShortProof(WrongProof):
    def prove(self, head: Head) -> Proof:
        proof = Registry.prove(self, head)
        return replace(proof, hashes=proof.hashes[:-1])


class LongProof(WrongProof):
    def prove(self, head: Head) -> Proof:
        proof = Registry.prove(self, head)
        return replace(proof, hashes=proof.hashes + [bytes(32)])


class EmptyProof(WrongProof):
    def prove(self, head: Head) -> Proof:
        return replace(Registry.prove(self, head), hashes=[])


class ProofForAForgedHead(WrongProof):
    def prove(self, head: Head) -> Proof:
        newer = self.authority.head().signed_by(pki.new_key(), self.authority.pin)
        return replace(Registry.prove(self, head), head=newer.encode())


class NotItsOwn(WrongProof):
    """It says that the client's head is beyond its ledger."""

    def prove(self, head: Head) -> Proof:
        return Proof(AHEAD)


class UnaskedProof(Deed):
    def arrived(self, guest: Guest) -> None:
        guest.send(wire.PROOF, Proof(AHEAD).encode())


class NewEpoch(Deed):
    """Put back by its administrator, who says so."""

    alarm = False

    def shown_head(self) -> bytes:
        head = self.authority.head(1)
        return self.sign(replace(head, epoch=head.epoch + 100, base=1))


class TomorrowsHead(Grows):
    alarm = True

    def shown_head(self) -> bytes:
        return self.sign(replace(self.authority.head(), time=now() + pki.DAY))


# ---- revocation, 11.4 ----


class ForgedNotice(Deed):
    def arrived(self, guest: Guest) -> None:
        notice = Notice(self.crl_number() + 1, now(), now() + 1000, [bytes([7] * 16)])
        guest.send(wire.REVOKED, notice.signed_by(pki.new_key(), self.authority.pin).encode())


class ChangedNotice(Deed):
    """A good one with another serial in it."""

    def arrived(self, guest: Guest) -> None:
        authority = self.authority
        notice = Notice(self.crl_number() + 1, now(), now() + 1000, [bytes([7] * 16)])
        notice = notice.signed_by(authority.key, authority.pin)
        guest.send(wire.REVOKED, replace(notice, serials=[bytes([8] * 16)]).encode())


class Lists(Deed):
    """Says that there is a newer list, and then..."""

    ahead = 1

    def crl_number(self) -> int:
        return self.authority.number + self.ahead


class OlderList(Lists):
    """...sends the one before, or an empty one of that number."""

    alarm = False

    def lists(self, have: int) -> Iterator[Notice | CrlPiece]:
        current = replace(self.authority.current, number=1, entries=[])
        yield from self.pieces(current.signed_by(self.authority.key))


class OlderNotice(Lists):
    alarm = False

    def lists(self, have: int) -> Iterator[Notice | CrlPiece]:
        yield self.authority.notices[0]


class ForgedList(Lists):
    def lists(self, have: int) -> Iterator[Notice | CrlPiece]:
        current = replace(self.authority.current, number=have + 1)
        yield from self.pieces(current.signed_by(pki.new_key()))


class ListOfAnotherNumber(Lists):
    """The records say one number, the list another."""

    def lists(self, have: int) -> Iterator[Notice | CrlPiece]:
        for piece in self.pieces(self.authority.current):
            yield replace(piece, number=have + 1)


class ListWithAGap(Lists):
    def lists(self, have: int) -> Iterator[Notice | CrlPiece]:
        yield CrlPiece(have + 1, 0, 1000, bytes(400))
        yield CrlPiece(have + 1, 500, 1000, bytes(500))


class ListThatGrows(Lists):
    """The total changes on the way."""

    def lists(self, have: int) -> Iterator[Notice | CrlPiece]:
        yield CrlPiece(have + 1, 0, 1000, bytes(400))
        yield CrlPiece(have + 1, 400, 2000, bytes(400))


class UnaskedList(Deed):
    def arrived(self, guest: Guest) -> None:
        guest.send(wire.CRL, CrlPiece(self.crl_number() + 1, 0, 1000, bytes(400)).encode())


class ListWithoutEnd(Lists):
    """A newer one, and a newer one, and never the end of any."""

    alarm = False

    def lists(self, have: int) -> Iterator[Notice | CrlPiece]:
        for number in range(have + 1, have + 100):
            yield CrlPiece(number, 0, 1 << 24, bytes(65536))


class RevokesItself(Lists):
    """The serial of its own certificate is on the list: a client that knows it is gone at once."""

    def lists(self, have: int) -> Iterator[Notice | CrlPiece]:
        own = pki.read_parts(relay.credentials.certificate).serial
        current = replace(self.authority.current, number=have + 1, entries=[Entry(own, now())])
        yield from self.pieces(current.signed_by(self.authority.key))


# ---- renewal, 11.5 ----


class WrongCertificate(Deed):
    def renew(self, held: bytes, asked: Renew) -> Renewed:
        made = pki.check_leaf(held, "client", self.authority.certificate, None)
        return Renewed(wire.ISSUED, certificate=self.made_for(made))

    def made_for(self, made: pki.Certificate) -> bytes:
        return self.authority.issue("client", "somebody", made.spki)


class CertificateForAnotherKey(WrongCertificate):
    def made_for(self, made: pki.Certificate) -> bytes:
        return self.authority.issue("client", made.name, pki.spki_of(pki.new_key()))


class CertificateOfAnotherCA(WrongCertificate):
    def made_for(self, made: pki.Certificate) -> bytes:
        twin = pki.Authority(self.authority.realm, serial=self.authority.certificate.serial)
        return twin.issue("client", made.name, made.spki)


class CertificateOfAServer(WrongCertificate):
    def made_for(self, made: pki.Certificate) -> bytes:
        return self.authority.issue("server", "relay", made.spki)


class CertificateThatIsNone(WrongCertificate):
    def made_for(self, made: pki.Certificate) -> bytes:
        return secrets.token_bytes(700)


class CertificateThatEndsBefore(WrongCertificate):
    alarm = False

    def made_for(self, made: pki.Certificate) -> bytes:
        return self.authority.issue(
            "client", made.name, made.spki, not_before=made.not_before,
            not_after=made.not_after - 1,
        )


class UnaskedCertificate(Deed):
    def arrived(self, guest: Guest) -> None:
        said = Renewed(wire.ISSUED, certificate=guest.certificate).encode()
        for _ in range(2):  # one may be the answer it waits for
            guest.send(wire.RENEWED, said)


class BusyForEver(Deed):
    alarm = False

    def renew(self, held: bytes, asked: Renew) -> Renewed:
        return Renewed(wire.REFUSED, wire.REASON_BUSY, 3600)


class Stopped(Deed):
    alarm = False

    def renew(self, held: bytes, asked: Renew) -> Renewed:
        return Renewed(wire.REFUSED, wire.REASON_STOPPED)


# ---- leaves, 10.4: for malote audit ----


class AnotherLeaf(Nothing):
    audit = True

    def leaves(self, first: int) -> Leaves:
        said = super().leaves(first)
        leaf = replace(Leaf.decode(said.leaves[1]), time=1)
        said.leaves[1] = leaf.encode()
        return said


class NoLeaves(Nothing):
    audit = True

    def leaves(self, first: int) -> Leaves:
        return Leaves(HERE, first)


class LeavesFromTheStart(Nothing):
    """Whatever is asked, it sends the first."""

    audit = True

    def leaves(self, first: int) -> Leaves:
        return Leaves(HERE, 0, self.authority.ledger.leaves[:1])


class SecondKeyForMyName(Nothing):
    """The CA certified the name for another key: it is in the ledger, and so it shows."""

    audit = True

    def __init__(self, authority: LedgerAuthority):
        authority = copy.copy(authority)
        authority.ledger = copy.copy(authority.ledger)
        authority.ledger.leaves = list(authority.ledger.leaves)
        super().__init__(authority)
        authority.issue("client", "maria", pki.spki_of(pki.new_key()))


class ServerWithoutALeaf(Nothing):
    audit = True

    def __init__(self, authority: LedgerAuthority):
        super().__init__(authority)
        key = pki.new_key()
        certificate = pki.Authority.issue(authority, "server", "relay", pki.spki_of(key))
        relay.credentials = replace(relay.credentials, certificate=certificate, key=key)


# ---- the program ----


def all_deeds() -> dict[str, type[Deed]]:
    found = {}
    waiting = [Deed]
    while waiting:
        waiting += (deed := waiting.pop()).__subclasses__()
        name = "".join(f"_{c.lower()}" if c.isupper() else c for c in deed.__name__)
        found[name.lstrip("_").replace("_c_a", "_ca")] = deed
    for not_one in ("deed", "lists"):
        del found[not_one]
    return found


class FalseRelay(Relay):
    """A deed for each connection."""

    def __init__(self, file: Path, *arguments):
        super().__init__(*arguments, on_login=lambda guest: self.registry.arrived(guest), say=say)
        self.file = file

    def welcome(self, connection, auth, name, spki) -> None:
        wanted = self.file.read_text().strip()
        self.registry = all_deeds()[wanted](self.authority)
        say(f"deed: {wanted}")
        super().welcome(connection, auth, name, spki)


def say_deeds() -> None:
    for name, deed in sorted(all_deeds().items()):
        fate = "alarm" if deed.alarm else "goes-on"
        say(f"{name} {'audit' if hasattr(deed, 'audit') else fate}")


def main() -> None:
    global relay
    if sys.argv[1] == "deeds":
        say_deeds()
        return
    authority = LedgerAuthority("malote.internal")
    authority.client_age = 45 * pki.DAY
    relay = FalseRelay(Path(sys.argv[1]), authority)
    say(str(relay.url()))
    relay.serve()


main()
