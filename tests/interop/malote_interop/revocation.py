# SPDX-License-Identifier: Apache-2.0
"""What was revoked: signed notices (7) and revocation lists (11.4)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.asymmetric import rsa

from . import certificates as pki
from .certificates import der, der_integer, der_oid, der_time, extension_of, inside, read_time
from .errors import BadCertificate, Refused
from .ledger import check_statement, sign_statement
from .wire import Reader, uint, vec

# ---- notices ----

SERIALS_MOST = 256
SERIAL = 16


@dataclass
class Notice:
    """The body of a REVOKED: what came since the number before."""

    number: int
    this_update: int
    next_update: int
    serials: list[bytes] = field(default_factory=list)
    signature: bytes = b""

    def signed_part(self) -> bytes:
        return (
            uint(self.number, 64) + uint(self.this_update, 64) + uint(self.next_update, 64)
            + vec(b"".join(self.serials), 16)
        )

    def encode(self) -> bytes:
        return self.signed_part() + vec(self.signature, 16)

    @classmethod
    def decode(cls, data: bytes) -> Notice:
        reader = Reader(data)
        number, this_update, next_update = (reader.uint(64) for _ in range(3))
        serials = reader.vec(16, 0, SERIALS_MOST * SERIAL)
        signature = reader.vec(16, 256, 512)
        reader.end()
        if len(serials) % SERIAL:
            raise Refused("half a serial")
        if not 1 <= number < 2**63 or max(this_update, next_update) >= 2**63:
            raise Refused("a notice out of bounds")
        split = [serials[at : at + SERIAL] for at in range(0, len(serials), SERIAL)]
        return cls(number, this_update, next_update, split, signature)

    def signed_by(self, key: rsa.RSAPrivateKey, ca: bytes) -> Notice:
        return replace(self, signature=sign_statement(key, "revocation", ca, self.signed_part()))

    def is_by(self, spki: bytes) -> bool:
        return check_statement(
            spki, self.signature, "revocation", pki.fingerprint(spki), self.signed_part()
        )


# ---- lists ----

REASONS = {"unspecified": 0, "key-compromise": 1, "affiliation-changed": 3, "superseded": 4,
           "cessation": 5}
CRL_NUMBER, REASON_CODE = der_oid("2.5.29.20"), der_oid("2.5.29.21")
ENUMERATED = 0x0A
LONGEST = 30 * pki.DAY


@dataclass
class Entry:
    serial: int
    time: int
    reason: int = 0

    def encode(self) -> bytes:
        extensions = b""
        if self.reason:
            code = der(ENUMERATED, bytes([self.reason]))
            extensions = der(pki.SEQUENCE, extension_of(REASON_CODE, code))
        return der(pki.SEQUENCE, der_integer(self.serial), der_time(self.time), extensions)


@dataclass
class RevocationList:
    """What a CRL says; all else follows from the profile."""

    realm: str
    ca_key_id: bytes
    number: int
    this_update: int
    next_update: int
    entries: list[Entry] = field(default_factory=list)
    signature: bytes = b""

    def tbs(self) -> bytes:
        revoked = b""
        if self.entries:
            revoked = der(pki.SEQUENCE, *(entry.encode() for entry in self.entries))
        identifier = der(pki.SEQUENCE, der(0x80, self.ca_key_id))
        return der(
            pki.SEQUENCE,
            der_integer(1),
            pki.RSA_PSS,
            pki.ca_name(self.realm),
            der_time(self.this_update),
            der_time(self.next_update),
            revoked,
            der(0xA0, der(
                pki.SEQUENCE,
                pki.extension("authorityKeyIdentifier", identifier),
                extension_of(CRL_NUMBER, der_integer(self.number)),
            )),
        )

    def encode(self) -> bytes:
        return der(pki.SEQUENCE, self.tbs(), pki.RSA_PSS, pki.der_bits(self.signature))

    def signed_by(self, key: rsa.RSAPrivateKey) -> RevocationList:
        return replace(self, signature=pki.sign(key, self.tbs()))

    def serials(self) -> set[bytes]:
        return {entry.serial.to_bytes(SERIAL, "big") for entry in self.entries}


def read_entry(entry: bytes) -> Entry:
    serial, when, *extensions = inside(entry)
    reason = 0
    if extensions:
        ((_, content, _),) = inside(extensions[0][2])
        reason = pki.split(pki.split(content)[-1][1])[0][1][0] or 256  # 0 is said by silence
    return Entry(int.from_bytes(serial[1], "big"), read_time(*when[:2]), reason)


def check_list(made: RevocationList) -> None:
    serials = [entry.serial for entry in made.entries]
    if serials != sorted(set(serials)) or any(not 1 <= serial < 2**127 for serial in serials):
        raise BadCertificate("profile", "its serials")
    if not {entry.reason for entry in made.entries} <= set(REASONS.values()):
        raise BadCertificate("profile", "a reason")
    if not 0 < made.next_update - made.this_update <= LONGEST:
        raise BadCertificate("profile", "its time")
    if not 1 <= made.number < 2**63:
        raise BadCertificate("profile", "its number")


def read_list(crl: bytes, ca: pki.Certificate) -> RevocationList:
    """Takes it to pieces, makes it anew from them, and compares; then the signature."""
    try:
        (_, _, tbs), _, (_, bits, _) = inside(crl)
        _, _, _, this_update, next_update, *others = inside(tbs)
        entries = []
        if len(others) == 2:
            entries = [read_entry(entry) for _, _, entry in inside(others[0][2])]
        number = inside(inside(others[-1][1])[-1][2])[-1][1]
        made = RevocationList(
            ca.realm, ca.ca_key_id, int.from_bytes(pki.split(number)[0][1], "big"),
            read_time(*this_update[:2]), read_time(*next_update[:2]), entries, bits[1:],
        )
    except (ValueError, IndexError) as error:
        raise BadCertificate("profile", str(error)) from error
    if made.encode() != crl:
        raise BadCertificate("profile", "not what the profile makes of it")
    check_list(made)
    if not pki.verify(ca.spki, made.signature, tbs):
        raise BadCertificate("signature")
    return made
