# SPDX-License-Identifier: Apache-2.0
"""A relay's CA with its ledger, and what a relay answers of them: renewals, lists, proofs, leaves
(7, 10, 11).  A test that wants something else said overrides a method of Registry."""

from __future__ import annotations

import time
from collections.abc import Iterator

from . import certificates as pki
from .errors import Refused
from .ledger import Head, Leaf, Ledger, check_statement, consistency, root_of
from .revocation import SERIALS_MOST, Entry, Notice, RevocationList
from .schedule import sha256
from .standing import (
    AHEAD, HERE, PROVEN, CrlPiece, Leaves, Proof, Renew, Renewed,
)
from .wire import ISSUED, REASON_NOT_DUE, REASON_REVOKED, REFUSED

GRACE = CRL_LIFE = 7 * pki.DAY
NOTICES_KEPT = 64
PIECE = 65536


def now() -> int:
    return int(time.time())


class LedgerAuthority(pki.Authority):
    """Signs nothing that has no leaf."""

    def __init__(self, realm: str, *arguments, client_life: int = pki.LONGEST["client"]):
        super().__init__(realm, *arguments)
        self.client_life = client_life
        self.client_age = 0  # how long ago they were issued
        self.ledger = Ledger(now())
        self.entries: list[Entry] = []
        self.notices: list[Notice] = []
        self.current: RevocationList
        self.add_leaf(self.certificate)
        self.sign_list([])

    def add_leaf(self, made: pki.Certificate) -> None:
        self.ledger.add(Leaf(
            sha256(made.tbs()), made.name.encode(), pki.fingerprint(made.spki), made.role,
            made.serial, now(),
        ))

    def issue(self, role: str, name: str, spki: bytes, **changed) -> bytes:
        if role == "client" and "not_after" not in changed:
            start = now() - self.client_age - pki.BACKDATED
            changed["not_before"] = start
            changed["not_after"] = start + pki.BACKDATED + self.client_life
        certificate = super().issue(role, name, spki, **changed)
        self.add_leaf(pki.check_leaf(certificate, role, self.certificate, None))
        return certificate

    # -- heads --

    def head(self, size: int | None = None) -> Head:
        return self.ledger.head(self.key, self.pin, now(), size)

    # -- lists --

    @property
    def number(self) -> int:
        return self.notices[-1].number if self.notices else 0

    def sign_list(self, serials: list[bytes]) -> None:
        """A number for each SERIALS_MOST of them; the list itself has the last."""
        for at in range(0, max(len(serials), 1), SERIALS_MOST):
            notice = Notice(
                self.number + 1, now(), now() + CRL_LIFE, serials[at : at + SERIALS_MOST]
            )
            self.notices.append(notice.signed_by(self.key, self.pin))
        self.current = RevocationList(
            self.realm, self.certificate.ca_key_id, self.number, now(), now() + CRL_LIFE,
            sorted(self.entries, key=lambda entry: entry.serial),
        ).signed_by(self.key)
        self.ledger.add(Leaf(
            sha256(self.current.tbs()), b"", self.pin, "crl", self.number, now()
        ))

    def revoke(self, serials: list[bytes], reason: int = 0) -> None:
        for serial in serials:
            self.entries.append(Entry(int.from_bytes(serial, "big"), now(), reason))
        self.sign_list(serials)


class Registry:
    """What a relay says of its CA."""

    def __init__(self, authority: LedgerAuthority):
        self.authority = authority

    def shown_head(self) -> bytes:
        return self.authority.head().encode()

    def crl_number(self) -> int:
        return self.authority.number

    def is_revoked(self, serial: int) -> bool:
        return any(entry.serial == serial for entry in self.authority.entries)

    def renew(self, held: bytes, asked: Renew) -> Renewed:
        """`held` is the certificate of the session."""
        ca = self.authority.certificate
        made = pki.check_leaf(held, "client", ca, None)
        if made.serial.to_bytes(16, "big") != asked.serial or not check_statement(
            made.spki, asked.signature, "renewal", self.authority.pin, asked.serial
        ):
            raise Refused("a renewal that its key did not sign")
        if self.is_revoked(made.serial):
            return Renewed(REFUSED, REASON_REVOKED)
        life = made.not_after - made.not_before - pki.BACKDATED
        if now() < made.not_before + pki.BACKDATED + life // 3:
            return Renewed(REFUSED, REASON_NOT_DUE)
        return Renewed(ISSUED, certificate=self.issue(made))

    def issue(self, made: pki.Certificate) -> bytes:
        return self.authority.issue(
            "client", made.name, made.spki, not_before=now() - pki.BACKDATED,
            not_after=now() + self.authority.client_life,
        )

    def prove(self, head: Head) -> Proof:
        ledger = self.authority.ledger
        known = head.size <= len(ledger.leaves) and root_of(ledger.hashes(head.size)) == head.root
        if not head.is_by(self.authority.certificate.spki):
            raise Refused("a head that the CA did not sign")
        if not known or head.epoch > ledger.epoch:
            return Proof(AHEAD)
        return Proof(
            PROVEN, self.authority.head().encode(), consistency(ledger.hashes(), head.size)
        )

    def leaves(self, first: int) -> Leaves:
        return Leaves(HERE, first, self.authority.ledger.leaves[first : first + 300])

    def lists(self, have: int) -> Iterator[Notice | CrlPiece]:
        notices = self.authority.notices[-NOTICES_KEPT:]
        if notices[0].number <= have + 1:
            yield from (notice for notice in notices if notice.number > have)
            return
        yield from self.pieces(self.authority.current)

    def pieces(self, current: RevocationList) -> Iterator[CrlPiece]:
        data = current.encode()
        for at in range(0, len(data), PIECE):
            yield CrlPiece(current.number, at, len(data), data[at : at + PIECE])
