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
from malote_interop.ledger import Leaf, leaf_hash
from malote_interop.lockbox import open_keystore, open_lockbox
from malote_interop.revocation import Notice, RevocationList, read_list
from malote_interop.schedule import sha256

ROLES = {1: "ca", 2: "server", 3: "client"}


def read_crl(ledger: sqlite3.Connection, ca: pki.Certificate) -> tuple[int, RevocationList]:
    """The one that is kept, held against the notices and what is known of each certificate."""
    ((position, number, signed),) = ledger.execute("SELECT position, number, der FROM crl")
    crl = read_list(signed, ca)
    rows = ledger.execute("SELECT serial, revoked_s, reason FROM revocation WHERE until_s > ?",
                          (crl.this_update,))
    wanted = {int.from_bytes(serial, "big"): (when, reason) for serial, when, reason in rows}
    assert {entry.serial: (entry.time, entry.reason) for entry in crl.entries} == wanted
    assert crl.number == number
    notices = [Notice.decode(record) for (record,) in
               ledger.execute("SELECT record FROM notice ORDER BY number")]
    assert [notice.number for notice in notices] == list(
        range(number - len(notices) + 1, number + 1))
    for notice in notices:
        assert notice.is_by(ca.spki)
    return position, crl


def check_crl_leaf(leaf: Leaf, ca: pki.Certificate, crl: RevocationList, is_kept: bool) -> None:
    assert (leaf.name, leaf.key) == (b"", pki.fingerprint(ca.spki))
    assert leaf.serial == crl.number if is_kept else 0 < leaf.serial <= crl.number
    # One that was set out and never came to be may have been the same, had it.
    is_this = leaf.tbs_hash == sha256(crl.tbs())
    assert is_this if is_kept else not is_this or leaf.serial == crl.number


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
    kept, crl = read_crl(ledger, ca)
    print("crl", crl.number, *sorted(f"{serial.hex()}" for serial in crl.serials()))
    for at, (position, leaf, digest, role, name, serial, issued, certificate) in enumerate(rows):
        assert position == at and leaf_hash(leaf) == digest
        if certificate is None and Leaf.decode(leaf).kind == "crl":
            check_crl_leaf(Leaf.decode(leaf), ca, crl, position == kept)
            print("leaf", position, "crl", Leaf.decode(leaf).serial)
            continue
        if certificate is None and position > 0:
            print("leaf", position, "unissued", Leaf.decode(leaf).name.decode())
            continue
        if certificate is None:
            role, name, serial, certificate = 1, "", None, held["ca-certificate"]
        parts = pki.Parts.read(certificate)
        if ROLES[role] != "ca":
            pki.check_leaf(certificate, ROLES[role], ca, time.time())
        when = issued if issued is not None else int.from_bytes(leaf[-8:], "big")
        assert leaf == Leaf(
            sha256(parts.tbs), name.encode(), pki.fingerprint(parts.spki), ROLES[role],
            parts.serial, when,
        ).encode(), f"leaf {position}"
        print("leaf", position, ROLES[role], name)

    for key in keys:
        secret = open_lockbox("key", passphrase, key.read_text().rstrip("\n"))
        print("key", pki.fingerprint(pki.spki_of(load_der_private_key(secret, None))).hex())


main()
