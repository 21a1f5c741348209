# SPDX-License-Identifier: Apache-2.0
"""Records about a certificate's standing: renewal, revocation lists, the ledger (7, 10, 11).

REVOKED is revocation.Notice, PROVE is ledger.Head.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .errors import Refused
from .wire import ISSUED, REASON_BUSY, REASON_STOPPED, REFUSED, Reader, uint, vec

HASH = 32
LARGEST_LIST = 1 << 24


@dataclass
class Renew:
    serial: bytes
    signature: bytes

    def encode(self) -> bytes:
        return self.serial + vec(self.signature, 16)

    @classmethod
    def decode(cls, body: bytes) -> Renew:
        reader = Reader(body)
        message = cls(reader.fixed(16), reader.vec(16, 256, 512))
        reader.end()
        return message


@dataclass
class Renewed:
    result: int
    reason: int = 0
    retry_after: int = 0
    certificate: bytes = b""

    def encode(self) -> bytes:
        return (
            uint(self.result, 8) + uint(self.reason, 8) + uint(self.retry_after, 32)
            + vec(self.certificate, 16)
        )

    @classmethod
    def decode(cls, body: bytes) -> Renewed:
        reader = Reader(body)
        message = cls(reader.uint(8), reader.uint(8), reader.uint(32), reader.vec(16, 0, 4096))
        reader.end()
        if message.result not in (ISSUED, REFUSED) or message.reason > REASON_STOPPED:
            raise Refused("a RENEWED with an unknown result or reason")
        if bool(message.certificate) != (message.result == ISSUED):
            raise Refused("a RENEWED whose certificate contradicts its result")
        if bool(message.reason) != (message.result == REFUSED):
            raise Refused("a RENEWED whose reason contradicts its result")
        if message.retry_after and message.reason != REASON_BUSY:
            raise Refused("a RENEWED that says when to come back, for no reason")
        return message


@dataclass
class CrlWanted:
    have: int

    def encode(self) -> bytes:
        return uint(self.have, 64)

    @classmethod
    def decode(cls, body: bytes) -> CrlWanted:
        reader = Reader(body)
        message = cls(reader.uint(64))
        reader.end()
        return message


@dataclass
class CrlPiece:
    number: int
    offset: int
    total: int
    bytes: bytes

    def encode(self) -> bytes:
        return (
            uint(self.number, 64) + uint(self.offset, 32) + uint(self.total, 32)
            + vec(self.bytes, 24)
        )

    @classmethod
    def decode(cls, body: bytes) -> CrlPiece:
        reader = Reader(body)
        message = cls(reader.uint(64), reader.uint(32), reader.uint(32), reader.vec(24, 1, 65536))
        reader.end()
        if message.total > LARGEST_LIST or message.offset + len(message.bytes) > message.total:
            raise Refused("a piece that is not within its list")
        return message


PROVEN, PROOF_BUSY, AHEAD = 1, 2, 3


@dataclass
class Proof:
    result: int
    head: bytes = b""  # what was proven leads to it
    hashes: list[bytes] = field(default_factory=list)

    def encode(self) -> bytes:
        return uint(self.result, 8) + vec(self.head, 16) + vec(b"".join(self.hashes), 16)

    @classmethod
    def decode(cls, body: bytes) -> Proof:
        reader = Reader(body)
        result, head, hashes = reader.uint(8), reader.vec(16, 0, 1024), reader.vec(16, 0, 4096)
        reader.end()
        if not PROVEN <= result <= AHEAD or len(hashes) % HASH:
            raise Refused("a PROOF of an unknown result, or with half a hash")
        if bool(head) != (result == PROVEN) or (hashes and result != PROVEN):
            raise Refused("a PROOF that contradicts its result")
        return cls(result, head, [hashes[at : at + HASH] for at in range(0, len(hashes), HASH)])


@dataclass
class LeavesWanted:
    first: int

    def encode(self) -> bytes:
        return uint(self.first, 64)

    @classmethod
    def decode(cls, body: bytes) -> LeavesWanted:
        reader = Reader(body)
        message = cls(reader.uint(64))
        reader.end()
        return message


HERE, LEAVES_BUSY = 1, 2


@dataclass
class Leaves:
    result: int
    first: int
    leaves: list[bytes] = field(default_factory=list)

    def encode(self) -> bytes:
        inside = b"".join(vec(leaf, 8) for leaf in self.leaves)
        return uint(self.result, 8) + uint(self.first, 64) + vec(inside, 24)

    @classmethod
    def decode(cls, body: bytes) -> Leaves:
        reader = Reader(body)
        message = cls(reader.uint(8), reader.uint(64))
        inside = Reader(reader.vec(24, 0, 65536))
        reader.end()
        while inside.at < len(inside.data):
            message.leaves.append(inside.vec(8, 1, 255))
        if message.result not in (HERE, LEAVES_BUSY) or (
            message.leaves and message.result != HERE
        ):
            raise Refused("LEAVES that contradict their result")
        return message
