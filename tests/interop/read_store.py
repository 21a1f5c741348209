# SPDX-License-Identifier: Apache-2.0
"""Reads what the real programs keep on disk, from sections 9 and 10 alone.

    read_store.py DATA PASSPHRASE-FILE KEY-FILE...

DATA is a maloted's directory, each KEY-FILE a client's protected key.  Opens the keystore, checks
the last mac, every leaf and every certificate against each other, and says what it found.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_der_private_key
from malote_interop import certificates as pki
from malote_interop.lockbox import ledger_leaf, leaf_hash, open_keystore, open_lockbox

ROLES = {1: "ca", 2: "server", 3: "client"}


def main() -> None:
    data, passphrase_file, *keys = map(Path, sys.argv[1:])
    passphrase = passphrase_file.read_bytes().rstrip(b"\n")
    entries, last = open_keystore(passphrase, (data / "ca" / "chaves.txt").read_text())
    print("keystore:", " ".join(sorted(f"{entry.kind}/{entry.name}" for entry in entries)))
    held = {entry.kind: entry.secret for entry in entries}
    spki = pki.spki_of(load_der_private_key(held["ca-key"], None))
    ca = pki.check_ca(held["ca-certificate"], pki.fingerprint(spki), time.time())

    ledger = sqlite3.connect(f"file:{data / 'ca' / 'ledger.db'}?mode=ro", uri=True)
    marks = [value for (value,) in ledger.execute("SELECT value FROM meta")]
    mark = len(entries).to_bytes(8, "big") + last
    assert mark in marks, "the ledger does not name the last mac"

    rows = ledger.execute(
        "SELECT leaf.position, bytes, hash, role, name, serial, issued_s, der FROM leaf"
        " LEFT JOIN certificate USING (position) ORDER BY leaf.position"
    )
    for at, (position, leaf, digest, role, name, serial, issued, certificate) in enumerate(rows):
        assert position == at and leaf_hash(leaf) == digest
        if certificate is None:
            role, name, serial, certificate = 1, "", None, held["ca-certificate"]
        parts = pki.Parts.read(certificate)
        if ROLES[role] != "ca":
            pki.check_leaf(certificate, ROLES[role], ca, time.time())
        when = issued if issued is not None else int.from_bytes(leaf[-8:], "big")
        assert leaf == ledger_leaf(
            parts.tbs, name, pki.fingerprint(parts.spki), ROLES[role], parts.serial, when
        ), f"leaf {position}"
        print("leaf", position, ROLES[role], name)

    for key in keys:
        secret = open_lockbox("key", passphrase, key.read_text().rstrip("\n"))
        print("key", pki.fingerprint(pki.spki_of(load_der_private_key(secret, None))).hex())


main()
