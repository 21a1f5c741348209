# SPDX-License-Identifier: Apache-2.0
"""AES-256-CTR then HMAC-SHA-256 (3.1), and one direction of records with its limits (6)."""

from __future__ import annotations

import hmac
import time

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from .errors import Refused
from .schedule import expand_label, mac, next_generation
from .wire import FRAME_BODIES, RECORD, REKEY, TAG, frame_header, uint

RECORDS_PER_SECRET = 2**20
BYTES_PER_SECRET = 2**32
SECONDS_TO_SEND = 3600
SECONDS_TO_RECEIVE = 7200
LARGEST_RECORD = FRAME_BODIES[RECORD][1] - TAG


class Seal:
    """A traffic secret in use: its two keys and the next sequence number."""

    def __init__(self, secret: bytes):
        self.secret = secret
        self.key = expand_label(secret, "key")
        self.mac_key = expand_label(secret, "mac")
        self.sequence = 0

    def keystream(self, sequence: int, data: bytes) -> bytes:
        counter = uint(sequence, 64) + uint(0, 64)
        return Cipher(algorithms.AES(self.key), modes.CTR(counter)).encryptor().update(data)

    def tag(self, sequence: int, header: bytes, ciphertext: bytes) -> bytes:
        return mac(self.mac_key, uint(sequence, 64), header, ciphertext)

    def seal(self, header: bytes, plain: bytes) -> bytes:
        ciphertext = self.keystream(self.sequence, plain)
        tag = self.tag(self.sequence, header, ciphertext)
        self.sequence += 1
        return ciphertext + tag

    def open(self, header: bytes, sealed: bytes) -> bytes:
        if len(sealed) < TAG:
            raise Refused("shorter than a tag")
        ciphertext, tag = sealed[:-TAG], sealed[-TAG:]
        if not hmac.compare_digest(tag, self.tag(self.sequence, header, ciphertext)):
            raise Refused("a seal that does not open")
        plain = self.keystream(self.sequence, ciphertext)
        self.sequence += 1
        return plain


class Direction:
    """What one side sends: records under s_ap[0], s_ap[1] … or c_ap[0], c_ap[1] …"""

    def __init__(self, secret: bytes, clock=time.monotonic):
        self.clock = clock
        self.generation = -1
        self.begin(secret)

    def begin(self, secret: bytes) -> None:
        self.under = Seal(secret)
        self.bytes = 0
        self.since = self.clock()
        self.generation += 1

    def rekey(self) -> None:
        self.begin(next_generation(self.under.secret))

    # -- sending --

    def is_worn(self, size: int) -> bool:
        """Must a REKEY go first?  It is itself one of the records and one byte."""
        return (
            self.under.sequence >= RECORDS_PER_SECRET - 1
            or self.bytes + 1 + size + 1 > BYTES_PER_SECRET
            or self.clock() - self.since >= SECONDS_TO_SEND
        )

    def seal(self, kind: int, body: bytes) -> bytes:
        """Frames for one record, with a REKEY before it where the limits ask for one."""
        before = b""
        if kind != REKEY and self.is_worn(len(body)):
            before = self.seal(REKEY, b"")
        plain = uint(kind, 8) + body
        header = frame_header(RECORD, len(plain) + TAG)
        self.bytes += len(plain)
        sealed = header + self.under.seal(header, plain)
        if kind == REKEY:
            self.rekey()
        return before + sealed

    # -- receiving --

    def open(self, header: bytes, sealed: bytes) -> tuple[int, bytes]:
        if self.under.sequence >= RECORDS_PER_SECRET:
            raise Refused("more records than one secret may seal")
        if self.clock() - self.since >= SECONDS_TO_RECEIVE:
            raise Refused("a secret used for too long")
        plain = self.under.open(header, sealed)
        self.bytes += len(plain)
        if self.bytes > BYTES_PER_SECRET + LARGEST_RECORD:
            raise Refused("more bytes than one secret may seal")
        kind, body = plain[0], plain[1:]
        if kind == REKEY and not body:
            self.rekey()
        return kind, body
