# SPDX-License-Identifier: Apache-2.0
"""Passphrase-sealed files (9)."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_der_private_key

from .certificates import Authority, Parts, text_of
from .errors import Refused
from .schedule import expand_label, mac
from .seal import Seal

LOCKBOX = re.compile(
    r"(?P<header>malote-(?P<what>[a-z]+) 1 scrypt (?P<n>[1-9][0-9]*) (?P<r>8) (?P<p>1)"
    r" (?P<salt>[0-9a-f]{64}) )(?P<ciphertext>(?:[0-9a-f]{2})+) (?P<tag>[0-9a-f]{64})"
)
ENTRY = re.compile(
    r"(?P<chained>(?P<header>(?P<kind>ca-key|ca-certificate|mailbox) (?P<name>[^ ]+)"
    r" (?P<salt>[0-9a-f]{64}) )(?P<sealed>(?:[0-9a-f]{2})+) )(?P<mac>[0-9a-f]{64})"
)


def stretch(passphrase: bytes, salt: bytes, n: int, r: int = 8, p: int = 1) -> bytes:
    return hashlib.scrypt(passphrase, salt=salt, n=n, r=r, p=p, dklen=32, maxmem=2**31 - 1)


def seal_lockbox(what: str, passphrase: bytes, salt: bytes, n: int, secret: bytes) -> str:
    header = f"malote-{what} 1 scrypt {n} 8 1 {salt.hex()} "
    sealed = Seal(stretch(passphrase, salt, n)).seal(header.encode(), secret)
    return f"{header}{sealed[:-32].hex()} {sealed[-32:].hex()}"


def open_lockbox(what: str, passphrase: bytes, line: str) -> bytes:
    match = LOCKBOX.fullmatch(line)
    if match is None or match["what"] != what:
        raise Refused("not a lockbox")
    n = int(match["n"])
    if n & (n - 1) or not 2**10 <= n <= 2**20:
        raise Refused("a cost out of bounds")
    stretched = stretch(passphrase, bytes.fromhex(match["salt"]), n)
    sealed = bytes.fromhex(match["ciphertext"] + match["tag"])
    return Seal(stretched).open(match["header"].encode(), sealed)


@dataclass
class Entry:
    kind: str
    name: str
    salt: bytes
    secret: bytes


class Keystore:
    """`chaves.txt` (9.2): the chain of macs starts with the first line."""

    def __init__(self, master: bytes, first_line: str):
        self.master = master
        self.chain_key = expand_label(master, "keystore chain")
        self.mac = mac(self.chain_key, bytes(32), first_line.encode())

    def seal_for(self, salt: bytes) -> Seal:
        return Seal(expand_label(self.master, "keystore entry", salt))

    def line(self, entry: Entry) -> str:
        header = f"{entry.kind} {entry.name} {entry.salt.hex()} "
        sealed = self.seal_for(entry.salt).seal(header.encode(), entry.secret)
        chained = f"{header}{sealed.hex()} "
        self.mac = mac(self.chain_key, self.mac, chained.encode())
        return chained + self.mac.hex()

    def open_line(self, line: str) -> Entry:
        match = ENTRY.fullmatch(line)
        if match is None:
            raise Refused("not an entry")
        expected = mac(self.chain_key, self.mac, match["chained"].encode())
        if not hmac.compare_digest(expected, bytes.fromhex(match["mac"])):
            raise Refused("an entry out of its chain")
        self.mac = expected
        salt = bytes.fromhex(match["salt"])
        sealed = bytes.fromhex(match["sealed"])
        secret = self.seal_for(salt).open(match["header"].encode(), sealed)
        return Entry(match["kind"], match["name"], salt, secret)


def open_keystore(passphrase: bytes, text: str) -> tuple[list[Entry], bytes]:
    """The entries, and the last mac."""
    if not text.endswith("\n"):
        raise Refused("a keystore with a torn end")
    first, *lines = text[:-1].split("\n")
    keystore = Keystore(open_lockbox("keystore", passphrase, first), first)
    return [keystore.open_line(line) for line in lines], keystore.mac


def authority_of(keystore: Path, passphrase_file: Path) -> Authority:
    """The CA that a keystore holds."""
    passphrase = passphrase_file.read_bytes().rstrip(b"\n")
    entries, _ = open_keystore(passphrase, keystore.read_text())
    secret = {entry.kind: entry.secret for entry in entries}
    root = Parts.read(secret["ca-certificate"])
    key = load_der_private_key(secret["ca-key"], None)
    return Authority(text_of(root.subject, 0), key, root.serial)


