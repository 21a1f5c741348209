# SPDX-License-Identifier: Apache-2.0
"""What a CA could have signed at another time: made with the key of a real keystore, for tests of
what server and client make of it.

    keyholder.py list DATA PASSPHRASE-FILE OUT NUMBER AGE LIFE COUNT     a revocation list, DER

AGE: days since it was signed; LIFE: days from then; COUNT: serials on the list.
"""

from __future__ import annotations

import sys
from pathlib import Path

from malote_interop import certificates as pki
from malote_interop.lockbox import authority_of
from malote_interop.registry import now
from malote_interop.revocation import Entry, RevocationList


def authority(data: str, passphrase: str) -> pki.Authority:
    return authority_of(Path(data) / "ca" / "chaves.txt", Path(passphrase))


def do_list(data: str, passphrase: str, out: str, number: str, age: str, life: str,
            count: str) -> None:
    ca = authority(data, passphrase)
    start = now() - int(float(age) * pki.DAY)
    entries = [Entry((n + 1) << 64, start) for n in range(int(count))]
    crl = RevocationList(
        ca.realm, ca.certificate.ca_key_id, int(number), start,
        start + int(float(life) * pki.DAY), entries,
    )
    Path(out).write_bytes(crl.signed_by(ca.key).encode())


globals()[f"do_{sys.argv[1]}"](*sys.argv[2:])
