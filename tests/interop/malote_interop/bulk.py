# SPDX-License-Identifier: Apache-2.0
"""Empty records by the hundred thousand, as the limits of section 6 need them: the same bytes as
`seal` makes, with the first byte of every keystream from one call."""

from __future__ import annotations

import hmac
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from .errors import Refused
from .seal import RECORDS_PER_SECRET, Direction, Seal
from .wire import RECORD, REKEY, TAG, frame_header

HEADER = frame_header(RECORD, 1 + TAG)
SIZE = len(HEADER) + 1 + TAG


def first_bytes(under: Seal, count: int) -> bytes:
    """The first byte of keystream of the next `count` sequence numbers."""
    start = under.sequence
    blocks = struct.pack(f">{2 * count}Q", *(x for n in range(count) for x in (start + n, 0)))
    return Cipher(algorithms.AES(under.key), modes.ECB()).encryptor().update(blocks)[::16]


def seal_many(direction: Direction, kind: int, count: int) -> bytes:
    """No limit is kept here: who calls wants to see what the other side makes of it."""
    under = direction.under
    stream, key, start = first_bytes(under, count), under.mac_key, under.sequence
    out = bytearray()
    for n, masked in enumerate(stream):
        part = HEADER + bytes([masked ^ kind])
        out += part + hmac.digest(key, struct.pack(">Q", start + n) + part, "sha256")
    under.sequence += count
    direction.bytes += count
    return bytes(out)


def open_many(direction: Direction, data: bytes) -> list[int]:
    """The kinds of the records in `data`, whole frames of one byte each; a REKEY is obeyed."""
    under = direction.under
    stream, key, start = first_bytes(under, len(data) // SIZE), under.mac_key, under.sequence
    kinds = []
    for n, masked in enumerate(stream):
        at = n * SIZE
        part, tag = data[at : at + 5], data[at + 5 : at + SIZE]
        if start + n >= RECORDS_PER_SECRET:
            raise Refused("more records than one secret may seal")
        if hmac.digest(key, struct.pack(">Q", start + n) + part, "sha256") != tag:
            raise Refused("a seal that does not open")
        kinds.append(masked ^ part[4])
        if kinds[-1] == REKEY:
            direction.rekey()
            return kinds + open_many(direction, data[at + SIZE :])
    under.sequence += len(kinds)
    direction.bytes += len(kinds)
    return kinds
