# SPDX-License-Identifier: Apache-2.0
"""Takes a backup apart, from section 9.5 alone.

    read_backup.py FILE PASSPHRASE-FILE DATA

Writes the two files it holds to DATA/ca, where read_store.py finds them, and says what its
manifest says.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from malote_interop.errors import Refused
from malote_interop.lockbox import open_lockbox
from malote_interop.schedule import expand_label, sha256
from malote_interop.seal import Seal

CHUNK = 65536
TAG = 32


@dataclass
class Manifest:
    realm: str
    ca: bytes
    made: int
    epoch: int
    base: int
    size: int
    root: bytes
    crl: int
    entries: int
    keystore_bytes: int
    ledger_bytes: int

    @staticmethod
    def decode(body: bytes) -> Manifest:
        def number(at: int) -> int:
            return int.from_bytes(body[at:at + 8], "big")

        n = body[1]
        if body[0] != 0 or len(body) != 2 + n + 32 + 4 * 8 + 32 + 4 * 8:
            raise Refused("a manifest of another form")
        at = 2 + n + 32
        return Manifest(
            body[2:2 + n].decode(), body[2 + n:at], *(number(at + 8 * i) for i in range(4)),
            body[at + 32:at + 64], *(number(at + 64 + 8 * i) for i in range(4)),
        )


def open_chunks(rest: bytes, seal: Seal) -> bytes:
    plain = b""
    last = False
    while not last:
        header, rest = rest[:4], rest[4:]
        if len(header) < 4 or header[0] > 1:
            raise Refused("no chunk where one has to be")
        last = header[0] == 1
        length = int.from_bytes(header[1:], "big")
        if length > CHUNK + TAG or length <= TAG or (not last and length != CHUNK + TAG):
            raise Refused("a chunk of another length")
        if len(rest) < length:
            raise Refused("a chunk that is cut off")
        plain += seal.open(header, rest[:length])
        rest = rest[length:]
    if rest:
        raise Refused("something behind the last chunk")
    return plain


def open_backup(content: bytes, passphrase: bytes) -> tuple[str, bytes]:
    """The keystore's first line, and the stream."""
    title, line, _ = content.split(b"\n", 2)
    if title != b"malote-backup 1":
        raise Refused("no backup")
    head = len(title) + 1 + len(line) + 1 + 32
    master = open_lockbox("keystore", passphrase, line.decode())
    seal = Seal(expand_label(master, "backup", sha256(content[:head])))
    return line.decode(), open_chunks(content[head:], seal)


def main() -> None:
    file, passphrase_file, data = map(Path, sys.argv[1:])
    passphrase = passphrase_file.read_bytes().rstrip(b"\n")
    line, stream = open_backup(file.read_bytes(), passphrase)
    length = int.from_bytes(stream[:2], "big")
    manifest = Manifest.decode(stream[2:2 + length])
    rest = stream[2 + length:]
    assert len(rest) == manifest.keystore_bytes + manifest.ledger_bytes
    keystore, ledger = rest[:manifest.keystore_bytes], rest[manifest.keystore_bytes:]
    assert keystore.decode().split("\n")[0] == line
    assert len(keystore.decode().split("\n")) == manifest.entries + 2
    (data / "ca").mkdir(parents=True)
    (data / "ca" / "chaves.txt").write_bytes(keystore)
    (data / "ca" / "ledger.db").write_bytes(ledger)
    print("backup of", manifest.realm, "ca", manifest.ca.hex(), "ledger", manifest.size,
          "epoch", manifest.epoch, "crl", manifest.crl, "entries", manifest.entries)


main()
