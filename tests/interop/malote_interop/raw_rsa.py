# SPDX-License-Identifier: Apache-2.0
"""RSASSA-PSS and RSAES-OAEP of RFC 8017 with SHA-256 and MGF1-SHA-256, where salt and seed come
from outside, as test vectors need it.  Not constant time: for tests only."""

from __future__ import annotations

from .schedule import sha256
from .wire import uint

HASH = SALT = 32


def mgf1(seed: bytes, size: int) -> bytes:
    blocks = (sha256(seed, uint(n, 32)) for n in range(-(-size // HASH)))
    return b"".join(blocks)[:size]


def encode(message: bytes, bits: int, salt: bytes) -> bytes:
    """EMSA-PSS-ENCODE (9.1.1) into `bits` bits."""
    size = -(-bits // 8)
    digest = sha256(bytes(8), sha256(message), salt)
    padded = bytes(size - SALT - HASH - 2) + b"\x01" + salt
    masked = bytearray(a ^ b for a, b in zip(padded, mgf1(digest, len(padded))))
    masked[0] &= 0xFF >> (8 * size - bits)
    return bytes(masked) + digest + b"\xbc"


def sign(n: int, d: int, message: bytes, salt: bytes) -> bytes:
    encoded = int.from_bytes(encode(message, n.bit_length() - 1, salt), "big")
    return pow(encoded, d, n).to_bytes(-(-n.bit_length() // 8), "big")


def wrap(n: int, e: int, label: bytes, seed: bytes, message: bytes) -> bytes:
    """RSAES-OAEP-ENCRYPT (7.1.1)."""
    size = -(-n.bit_length() // 8)
    padded = sha256(label) + bytes(size - len(message) - 2 * HASH - 2) + b"\x01" + message
    masked = bytes(a ^ b for a, b in zip(padded, mgf1(seed, len(padded))))
    masked_seed = bytes(a ^ b for a, b in zip(seed, mgf1(masked, HASH)))
    encoded = int.from_bytes(masked_seed + masked, "big")
    return pow(encoded, e, n).to_bytes(size, "big")
