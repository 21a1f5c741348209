# SPDX-License-Identifier: Apache-2.0
"""Reads the mail that a real server keeps, from section 9.3 and with what only its keystore has.

    read_mail.py DATA PASSPHRASE-FILE

DATA is a maloted's directory.  A line for each message, in the order of its arrival:

    <recipient> <segment's number> <index> <sender> <number> <text>

and at the end how many segments did not open for somebody else.  The tables are the server's own
affair; that they can be read at all is what this test takes from the code.
"""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_der_private_key
from malote_interop import wire
from malote_interop.errors import Refused
from malote_interop.lockbox import open_keystore
from malote_interop.mailbox import Segment
from malote_interop.schedule import expand_label


def unwrap(keys: dict, recipient: str, segment: bytes, wrapped: bytes) -> Segment | None:
    try:
        return Segment.unwrap(keys[recipient], recipient.encode(), segment, wrapped)
    except ValueError:
        return None


def must_not_open(segment: Segment, index: int, sender: bytes, message: bytes,
                  sealed: bytes) -> None:
    """The seal binds recipient, segment, index, sender and id."""
    other = Segment(segment.recipient + b"x", segment.id, segment.first)
    moved = Segment(segment.recipient, bytes(16), segment.first)
    for tried in (
        lambda: other.open(index, sender, message, sealed),
        lambda: moved.open(index, sender, message, sealed),
        lambda: segment.open(index + 1, sender, message, sealed),
        lambda: segment.open(index, sender + b"x", message, sealed),
        lambda: segment.open(index, sender, bytes(16), sealed),
    ):
        try:
            tried()
        except Refused:
            continue
        raise AssertionError("a seal that binds too little")


def main() -> None:
    data, passphrase_file = map(Path, sys.argv[1:])
    passphrase = passphrase_file.read_bytes().rstrip(b"\n")
    entries, _ = open_keystore(passphrase, (data / "ca" / "chaves.txt").read_text())
    keys = {
        entry.name: load_der_private_key(entry.secret, None)
        for entry in entries if entry.kind == "mailbox"
    }
    store = sqlite3.connect(f"file:{data / 'net' / 'mail.db'}?mode=ro", uri=True)
    segments, foreign = {}, 0
    for number, recipient, segment, wrapped, proof in store.execute(
        "SELECT segments.number, recipient, id, wrapped, proof"
        " FROM segments JOIN boxes ON boxes.number = box"
    ):
        segments[number] = unwrap(keys, recipient, segment, wrapped)
        assert expand_label(segments[number].first, "mailbox proof", b"", 16) == proof
        foreign += sum(unwrap(keys, name, segment, wrapped) is None for name in keys)
    for number, index, sender, message, sealed in store.execute(
        "SELECT segment, idx, sender, id, sealed FROM messages ORDER BY row"
    ):
        segment = segments[number]
        plain = segment.open(index, sender.encode(), message, sealed)
        must_not_open(segment, index, sender.encode(), message, sealed)
        held = wire.Deliver.decode(plain)
        assert (str(held.sender), held.send.id) == (sender, message)
        assert held.send.recipient.name == segment.recipient
        print(held.send.recipient, number, index, sender, held.send.number,
              held.send.body.decode())
    print("foreign:", foreign)


main()
