# SPDX-License-Identifier: Apache-2.0
"""Stored mail at rest (9.3)."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from .schedule import expand_label
from .seal import Seal
from .wire import uint, vec


def label(recipient: bytes, segment: bytes) -> bytes:
    return b"malote v1 mailbox\0" + vec(recipient, 8) + segment


@dataclass
class Segment:
    """A run of messages of one mailbox under one chain of keys."""

    recipient: bytes
    id: bytes
    first: bytes  # chain[0]

    @classmethod
    def unwrap(cls, key: RSAPrivateKey, recipient: bytes, segment: bytes,
               wrapped: bytes) -> Segment:
        oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(),
                            label(recipient, segment))
        return cls(recipient, segment, key.decrypt(wrapped, oaep))

    def chain(self, index: int) -> bytes:
        chain = self.first
        for _ in range(index):
            chain = expand_label(chain, "mailbox next")
        return chain

    def secret(self, index: int) -> bytes:
        return expand_label(self.chain(index), "mailbox message")

    def header(self, index: int, sender: bytes, message: bytes) -> bytes:
        return vec(self.recipient, 8) + self.id + uint(index, 32) + vec(sender, 8) + message

    def seal(self, index: int, sender: bytes, message: bytes, plain: bytes) -> bytes:
        return Seal(self.secret(index)).seal(self.header(index, sender, message), plain)

    def open(self, index: int, sender: bytes, message: bytes, sealed: bytes) -> bytes:
        return Seal(self.secret(index)).open(self.header(index, sender, message), sealed)
