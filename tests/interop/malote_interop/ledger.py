# SPDX-License-Identifier: Apache-2.0
"""The ledger: leaves, Merkle trees and their proofs, signed heads (10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric import rsa

from . import certificates as pki
from .errors import Refused
from .schedule import sha256
from .wire import Reader, uint, vec

# ---- leaves ----

LEAF_KIND = {"ca": 1, "server": 2, "client": 3, "crl": 4}
KIND_OF = {number: kind for kind, number in LEAF_KIND.items()}


@dataclass
class Leaf:
    """What the CA set out to sign."""

    tbs_hash: bytes
    name: bytes
    key: bytes  # fingerprint
    kind: str
    serial: int
    time: int

    def encode(self) -> bytes:
        return (
            uint(0, 8) + self.tbs_hash + vec(self.name, 8) + self.key
            + uint(LEAF_KIND[self.kind], 8) + self.serial.to_bytes(16, "big") + uint(self.time, 64)
        )

    @classmethod
    def decode(cls, data: bytes) -> Leaf:
        reader = Reader(data)
        if reader.uint(8) != 0:
            raise Refused("a leaf of another version")
        tbs_hash, name, key = reader.fixed(32), reader.vec(8, 0, 32), reader.fixed(32)
        kind, serial, time = reader.uint(8), reader.uint(128), reader.uint(64)
        reader.end()
        if kind not in KIND_OF or time >= 2**63:
            raise Refused("a leaf of an unknown kind or time")
        if bool(name) != (KIND_OF[kind] in ("server", "client")):
            raise Refused("a leaf whose name contradicts its kind")
        return cls(tbs_hash, name, key, KIND_OF[kind], serial, time)


def leaf_hash(leaf: bytes) -> bytes:
    return sha256(b"\0", leaf)


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1", left, right)


# ---- trees: RFC 9162, 2.1 ----


def split_point(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def root_of(hashes: Sequence[bytes]) -> bytes:
    """MTH, from the hashes of the leaves (2.1.1)."""
    if not hashes:
        return sha256()
    if len(hashes) == 1:
        return hashes[0]
    k = split_point(len(hashes))
    return node_hash(root_of(hashes[:k]), root_of(hashes[k:]))


def consistency(hashes: Sequence[bytes], older: int) -> list[bytes]:
    """That the first `older` leaves are the same (2.1.4.1)."""

    def subproof(m: int, part: Sequence[bytes], whole: bool) -> list[bytes]:
        if m == len(part):
            return [] if whole else [root_of(part)]
        k = split_point(len(part))
        if m <= k:
            return [*subproof(m, part[:k], whole), root_of(part[k:])]
        return [*subproof(m - k, part[k:], False), root_of(part[:k])]

    if older in (0, len(hashes)):
        return []
    return subproof(older, hashes, True)


def is_consistent(older: tuple[int, bytes], newer: tuple[int, bytes],
                  proof: Sequence[bytes]) -> bool:
    """2.1.4.2; each side is size and root."""
    (first, first_root), (second, second_root) = older, newer
    if first > second:
        return False
    if first in (0, second):
        return not proof and (first == 0 or first_root == second_root)
    path = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    if not path:
        return False
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == first_root and sr == second_root


# ---- signed statements ----


def statement(purpose: str, digest: bytes) -> bytes:
    return b"malote v1 " + purpose.encode() + b"\0" + digest


def sign_statement(key: rsa.RSAPrivateKey, purpose: str, *parts: bytes) -> bytes:
    return pki.sign(key, statement(purpose, sha256(*parts)))


def check_statement(spki: bytes, signature: bytes, purpose: str, *parts: bytes) -> bool:
    return pki.verify(spki, signature, statement(purpose, sha256(*parts)))


def sign_renewal(key: rsa.RSAPrivateKey, ca: bytes, serial: bytes) -> bytes:
    return sign_statement(key, "renewal", ca, serial)


@dataclass
class Head:
    """A signed head of the tree."""

    epoch: int
    base: int
    size: int
    root: bytes
    time: int
    signature: bytes = b""

    def signed_part(self) -> bytes:
        return (
            uint(0, 8) + uint(self.epoch, 64) + uint(self.base, 64) + uint(self.size, 64)
            + self.root + uint(self.time, 64)
        )

    def encode(self) -> bytes:
        return self.signed_part() + vec(self.signature, 16)

    @classmethod
    def decode(cls, data: bytes) -> Head:
        reader = Reader(data)
        if reader.uint(8) != 0:
            raise Refused("a head of another version")
        head = cls(
            reader.uint(64), reader.uint(64), reader.uint(64), reader.fixed(32), reader.uint(64),
            reader.vec(16, 256, 512),
        )
        reader.end()
        if not 1 <= head.size < 2**63 or head.base > head.size or head.epoch >= 2**63 or (
            head.time >= 2**63
        ):
            raise Refused("a head out of bounds")
        return head

    def signed_by(self, key: rsa.RSAPrivateKey, ca: bytes) -> Head:
        return replace(self, signature=sign_statement(key, "ledger head", ca, self.signed_part()))

    def is_by(self, spki: bytes) -> bool:
        return check_statement(
            spki, self.signature, "ledger head", pki.fingerprint(spki), self.signed_part()
        )

    @property
    def tree(self) -> tuple[int, bytes]:
        return self.size, self.root


class Ledger:
    """A ledger of our own, from the first leaf on."""

    def __init__(self, epoch: int):
        self.epoch, self.base = epoch, 0
        self.leaves: list[bytes] = []

    def add(self, leaf: Leaf) -> None:
        self.leaves.append(leaf.encode())

    def hashes(self, size: int | None = None) -> list[bytes]:
        return [leaf_hash(leaf) for leaf in self.leaves[:size]]

    def head(self, key: rsa.RSAPrivateKey, ca: bytes, time: int, size: int | None = None) -> Head:
        hashes = self.hashes(size)
        head = Head(self.epoch, self.base, len(hashes), root_of(hashes), time)
        return head.signed_by(key, ca)
