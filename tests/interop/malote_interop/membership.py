# SPDX-License-Identifier: Apache-2.0
"""A client's dealings with its CA through a session: renewal, revocation, the ledger (7, 10, 11).

`Memory` is what a client keeps from one session to the next, and the rules for taking anything new
into it.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa

from . import certificates as pki
from . import wire
from .errors import Refused
from .ledger import Head, is_consistent, leaf_hash, root_of, sign_renewal
from .revocation import Notice, RevocationList, read_list
from .standing import (
    HERE, PROOF_BUSY, PROVEN, CrlPiece, CrlWanted, Leaves, LeavesWanted, Proof, Renew, Renewed,
)

ANSWERS = {wire.RENEWED: Renewed, wire.PROOF: Proof, wire.LEAVES: Leaves}


class LedgerBroken(Refused):
    """The CA shows a ledger that is not the continuation of what was seen of it (10.3)."""


@dataclass
class Memory:
    head: Head | None = None
    crl_number: int = 0
    revoked: set[bytes] = field(default_factory=set)

    def save(self, file: Path) -> None:
        file.write_text(json.dumps({
            "head": self.head.encode().hex() if self.head else "", "crl": self.crl_number,
            "revoked": sorted(serial.hex() for serial in self.revoked),
        }))

    @classmethod
    def load(cls, file: Path) -> Memory:
        if not file.exists():
            return cls()
        kept = json.loads(file.read_text())
        head = Head.decode(bytes.fromhex(kept["head"])) if kept["head"] else None
        return cls(head, kept["crl"], {bytes.fromhex(serial) for serial in kept["revoked"]})

    # -- revocation, 11.4 --

    def take_notice(self, notice: Notice) -> bool:
        """False: it is not the next; something is missing, or it is known."""
        if notice.number != self.crl_number + 1:
            return False
        self.crl_number = notice.number
        self.revoked.update(notice.serials)
        return True

    def take_list(self, crl: RevocationList) -> bool:
        if crl.number <= self.crl_number:
            return False
        self.crl_number = crl.number
        self.revoked = crl.serials()
        return True

    # -- heads, 10.3 --

    def wants_proof(self, head: Head) -> bool:
        held = self.head
        if held is None:
            return False
        if head.epoch < held.epoch:
            raise LedgerBroken("a head of an older epoch")
        if head.epoch > held.epoch:
            return held.size <= head.base
        if head.base != held.base:
            raise LedgerBroken("two bases of one epoch")
        if head.size == held.size and head.root != held.root:
            raise LedgerBroken("two roots of one size")
        return head.size != held.size

    def take_proven(self, proof: Proof) -> None:
        """`proof` answers a PROVE of the head that is held."""
        newer = Head.decode(proof.head)
        if not is_consistent(self.head.tree, newer.tree, proof.hashes):
            raise LedgerBroken("a proof that does not prove")
        self.head = newer


class Membership:
    """The part of a Conversation that is about the CA; `session`, `ca`, `name` and `step` are the
    other's."""

    ca: pki.Certificate

    def __init__(self) -> None:
        self.noticed: list[Notice] = []
        self.pieces: list[CrlPiece] = []
        self.awaited = 0  # kind of the one answer that may come
        self.heard: Renewed | Proof | Leaves | None = None

    def hear(self, kind: int, body: bytes) -> bool:
        """One of the records of this kind; False: it is none of them."""
        if kind == wire.REVOKED:
            notice = Notice.decode(body)
            if not notice.is_by(self.ca.spki):
                raise Refused("a notice that the CA did not sign")
            self.noticed.append(notice)
        elif kind == wire.CRL:
            self.pieces.append(CrlPiece.decode(body))
        elif kind in ANSWERS:
            if kind != self.awaited:
                raise Refused("an answer that nobody asked for")
            self.awaited, self.heard = 0, ANSWERS[kind].decode(body)
        else:
            return False
        return True

    def ask(self, kind: int, body: bytes, answer: int):
        self.session.send(kind, body)
        self.awaited = answer
        while self.awaited:
            self.step()
        return self.heard

    # -- renewal, 11.5 --

    def renew(self, serial: bytes, key: rsa.RSAPrivateKey) -> Renewed:
        pin = pki.fingerprint(self.ca.spki)
        asked = Renew(serial, sign_renewal(key, pin, serial))
        renewed = self.ask(wire.RENEW, asked.encode(), wire.RENEWED)
        if renewed.certificate:
            made = pki.check_leaf(renewed.certificate, "client", self.ca, time.time())
            if made.name != self.name or made.spki != pki.spki_of(key):
                raise Refused("a certificate for somebody else")
        return renewed

    # -- the ledger, 10.3 and 10.4 --

    def prove(self, head: Head) -> Proof:
        return self.ask(wire.PROVE, head.encode(), wire.PROOF)

    def follow(self, memory: Memory, shown: bytes) -> str:
        """Takes the head that Welcome showed, by the rules of 10.3; says how it went."""
        if not shown:
            return "none shown"
        head = Head.decode(shown)
        if not head.is_by(self.ca.spki):
            raise LedgerBroken("a head that the CA did not sign")
        if not memory.wants_proof(head):
            held, memory.head = memory.head, head
            if held is None:
                return "first"
            return "known" if head.epoch == held.epoch else "put back"
        held = memory.head
        proof = self.prove(held)
        if head.epoch == held.epoch and head.size < held.size:
            raise LedgerBroken("a shorter ledger")
        if proof.result == PROOF_BUSY:
            return "busy"
        if proof.result != PROVEN:
            raise LedgerBroken("no proof")
        if not Head.decode(proof.head).is_by(self.ca.spki):
            raise LedgerBroken("a proven head that the CA did not sign")
        memory.take_proven(proof)
        return "proven" if memory.head.epoch == held.epoch else "proven into a new epoch"

    def all_leaves(self, size: int) -> list[bytes]:
        leaves: list[bytes] = []
        while len(leaves) < size:
            said = self.ask(wire.LEAVES_WANTED, LeavesWanted(len(leaves)).encode(), wire.LEAVES)
            if said.result != HERE or said.first != len(leaves) or not said.leaves:
                raise LedgerBroken(f"no leaf {len(leaves)} of {size}")
            leaves += said.leaves
        return leaves[:size]

    def audit(self, head: Head) -> list[bytes]:
        """All leaves, held against the head."""
        leaves = self.all_leaves(head.size)
        if root_of([leaf_hash(leaf) for leaf in leaves]) != head.root:
            raise LedgerBroken("the leaves do not make the root")
        return leaves

    # -- revocation, 11.4 --

    def catch_up(self, memory: Memory, wanted: int) -> str:
        """Asks for what it lacks up to number `wanted`: as notices, or as the list."""
        self.take_notices(memory)
        if memory.crl_number >= wanted:
            return "nothing"
        self.session.send(wire.CRL_WANTED, CrlWanted(memory.crl_number).encode())
        while memory.crl_number < wanted:
            self.step()
            self.take_notices(memory)
            if self.pieces and self.take_pieces(memory):
                return "list"
        return "notices"

    def take_notices(self, memory: Memory) -> None:
        for notice in self.noticed:
            memory.take_notice(notice)
        self.noticed.clear()

    def take_pieces(self, memory: Memory) -> bool:
        """False: more of them will come."""
        if self.pieces[-1].offset == 0:  # of a newer one
            self.pieces = self.pieces[-1:]
        first, last = self.pieces[0], self.pieces[-1]
        if [(x.number, x.total) for x in self.pieces] != [(first.number, first.total)] * len(
            self.pieces
        ):
            raise Refused("pieces of two lists")
        data = b"".join(piece.bytes for piece in self.pieces)
        if last.offset + len(last.bytes) != len(data):
            raise Refused("pieces out of order")
        if len(data) < first.total:
            return False
        self.pieces.clear()
        crl = read_list(data, self.ca)
        if crl.number != first.number:
            raise Refused("a list of another number than its pieces")
        return memory.take_list(crl)
