# SPDX-License-Identifier: Apache-2.0
"""The key schedule: section 5."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from .wire import uint, vec


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def mac(key: bytes, *parts: bytes) -> bytes:
    return hmac.digest(key, b"".join(parts), "sha256")


def extract(salt: bytes, ikm: bytes) -> bytes:
    return mac(salt, ikm)


def expand(secret: bytes, info: bytes, size: int) -> bytes:
    """HKDF-Expand of RFC 5869, 2.3."""
    out = block = b""
    counter = 0
    while len(out) < size:
        counter += 1
        block = mac(secret, block, info, uint(counter, 8))
        out += block
    return out[:size]


def expand_label(secret: bytes, label: str, context: bytes = b"", size: int = 32) -> bytes:
    info = uint(size, 16) + vec(b"malote v1 " + label.encode(), 8) + vec(context, 8)
    return expand(secret, info, size)


class Transcript:
    """All handshake messages in plaintext, with their framing (5.1)."""

    def __init__(self) -> None:
        self.running = hashlib.sha256()

    def add(self, *parts: bytes) -> None:
        for part in parts:
            self.running.update(part)

    def hash(self) -> bytes:
        return self.running.copy().digest()


@dataclass
class HandshakeSecrets:
    """Everything that follows from Z and the transcript up to Ys (5.2)."""

    hs: bytes
    server: bytes
    client: bytes
    master: bytes

    @classmethod
    def derive(cls, z: bytes, th1: bytes) -> HandshakeSecrets:
        hs = extract(bytes(32), z)
        return cls(
            hs=hs,
            server=expand_label(hs, "s hs", th1),
            client=expand_label(hs, "c hs", th1),
            master=extract(expand_label(hs, "derived"), bytes(32)),
        )

    def session(self, th2: bytes) -> tuple[bytes, bytes]:
        """s_ap[0] and c_ap[0]."""
        return expand_label(self.master, "s ap", th2), expand_label(self.master, "c ap", th2)


def next_generation(secret: bytes) -> bytes:
    return expand_label(secret, "rekey")


def signed_bytes(role: str, transcript_hash: bytes) -> bytes:
    """What a handshake signature is made over (5.3)."""
    return b"malote v1 " + role.encode() + b" handshake\0" + transcript_hash


def finished(secret: bytes, transcript_hash: bytes) -> bytes:
    return mac(expand_label(secret, "finished"), transcript_hash)


def invite_proof(token: bytes, ca: bytes, name: bytes, realm: bytes, key: bytes) -> bytes:
    """5.5; `ca` and `key` are fingerprints, as 32 raw bytes."""
    return mac(token, b"malote v1 invite\0", ca, vec(name, 8), vec(realm, 8), key)
