# SPDX-License-Identifier: Apache-2.0
"""Diffie-Hellman over the groups of RFC 7919, and what makes a public value acceptable (4.2)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from .errors import Refused

# RFC 7919, appendix A: p = 2^b - 2^(b-64) + (floor(2^(b-130) e) + X) 2^64 - 1.
RFC7919_X = {2048: 560316, 3072: 2625351, 4096: 5736041}


def scaled_e(bits: int) -> int:
    """floor(2^bits * e), by the series of 1/n! with 64 bits to spare."""
    term = total = 1 << (bits + 64)
    n = 0
    while term:
        n += 1
        term //= n
        total += term
    return total >> 64


def jacobi(a: int, n: int) -> int:
    """The Jacobi symbol of a modulo an odd n, which for a prime is Legendre's."""
    sign = 1
    a %= n
    while a:
        twos = (a & -a).bit_length() - 1
        a >>= twos
        if twos & 1 and n & 7 in (3, 5):
            sign = -sign
        if a & n & 3 == 3:
            sign = -sign
        a, n = n % a, a
    return sign if n == 1 else 0


@dataclass(frozen=True)
class Group:
    bits: int
    p: int
    g: int = 2

    @property
    def size(self) -> int:
        return self.bits // 8

    def left_pad(self, value: int) -> bytes:
        return value.to_bytes(self.size, "big")

    def pair(self, exponent: int | None = None) -> tuple[int, bytes]:
        """An exponent and its public value; 384 bits suit every group here."""
        x = exponent if exponent is not None else secrets.randbits(383) | 1 << 383
        return x, self.left_pad(pow(self.g, x, self.p))

    def check_public(self, y: bytes) -> None:
        if len(y) != self.size:
            raise Refused("a public value of another length")
        value = int.from_bytes(y, "big")
        if not 2 <= value <= self.p - 2:
            raise Refused("a public value out of range")
        if jacobi(value, self.p) != 1:
            raise Refused("a public value of another order")

    def shared(self, x: int, y: bytes) -> bytes:
        return self.left_pad(pow(int.from_bytes(y, "big"), x, self.p))


def make_group(bits: int) -> Group:
    e = scaled_e(bits - 130)
    return Group(bits, 2**bits - 2 ** (bits - 64) + (e + RFC7919_X[bits]) * 2**64 - 1)


GROUPS = {bits: make_group(bits) for bits in RFC7919_X}


def find_group(p: bytes, g: bytes, least_bits: int = 3072) -> Group:
    """By comparing with the table alone: no arithmetic on a group that is not known (4.1)."""
    for group in GROUPS.values():
        if p == group.left_pad(group.p) and g == bytes([group.g]):
            if group.bits < least_bits:
                raise Refused(f"a group of {group.bits} bits")
            return group
    raise Refused("an unknown group")
