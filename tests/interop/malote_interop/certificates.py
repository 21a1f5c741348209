# SPDX-License-Identifier: Apache-2.0
"""The certificate profile of section 11: made and checked by the same few lines.

To check a certificate is to read serial, names, validity, key and signature out of it, to make the
certificate that the profile makes of them, and to compare the two byte for byte.  So the reader
need not be strict: whatever it overlooks, the comparison does not.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from .errors import BadCertificate, Refused
from .schedule import sha256
from .wire import RESERVED, is_name, is_realm

PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)

# ---- DER, as much of it as the profile needs ----

INTEGER, BITS, OCTETS, NULL, OID, UTF8 = 0x02, 0x03, 0x04, 0x05, 0x06, 0x0C
SEQUENCE, SET, UTC_TIME, GENERAL_TIME, BOOLEAN = 0x30, 0x31, 0x17, 0x18, 0x01


def der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    if len(content) < 128:
        return bytes([tag, len(content)]) + content
    size = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + content


def der_integer(value: int) -> bytes:
    return der(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def der_oid(dotted: str) -> bytes:
    first, second, *others = map(int, dotted.split("."))
    content = b""
    for arc in [40 * first + second, *others]:
        septets = [arc & 0x7F]
        while arc := arc >> 7:
            septets.insert(0, 0x80 | arc & 0x7F)
        content += bytes(septets)
    return der(OID, content)


def der_bits(content: bytes, unused: int = 0) -> bytes:
    return der(BITS, bytes([unused]), content)


def der_time(seconds: int) -> bytes:
    """UTCTime before 2050, GeneralizedTime from then on (RFC 5280, 4.1.2.5)."""
    when = datetime.fromtimestamp(seconds, timezone.utc)
    if when.year < 2050:
        return der(UTC_TIME, when.strftime("%y%m%d%H%M%SZ").encode())
    return der(GENERAL_TIME, when.strftime("%Y%m%d%H%M%SZ").encode())


def read_time(tag: int, content: bytes) -> int:
    text = content.decode("ascii")
    if tag == UTC_TIME:
        text = ("19" if text[:2] >= "50" else "20") + text
    when = datetime.strptime(text, "%Y%m%d%H%M%SZ")
    return int(when.replace(tzinfo=timezone.utc).timestamp())


def split(data: bytes) -> list[tuple[int, bytes, bytes]]:
    """The elements within `data`: tag, content, and the element whole."""
    elements = []
    at = 0
    while at < len(data):
        start, tag, size, at = at, data[at], data[at + 1], at + 2
        if size & 0x80:
            count = size & 0x7F
            size, at = int.from_bytes(data[at : at + count], "big"), at + count
        if at + size > len(data):
            raise ValueError("an element longer than what holds it")
        elements.append((tag, data[at : at + size], data[start : at + size]))
        at += size
    return elements


def inside(data: bytes) -> list[tuple[int, bytes, bytes]]:
    """The elements within the one element that `data` is."""
    ((_, content, _),) = split(data)
    return split(content)


# ---- keys ----

RSA = der(SEQUENCE, der_oid("1.2.840.113549.1.1.1"), der(NULL))
SHA256 = der(SEQUENCE, der_oid("2.16.840.1.101.3.4.2.1"), der(NULL))
RSA_PSS = der(
    SEQUENCE,
    der_oid("1.2.840.113549.1.1.10"),
    der(
        SEQUENCE,
        der(0xA0, SHA256),
        der(0xA1, der(SEQUENCE, der_oid("1.2.840.113549.1.1.8"), SHA256)),
        der(0xA2, der_integer(32)),
    ),
)


def public_key_der(n: int, e: int) -> bytes:
    return der(SEQUENCE, RSA, der_bits(der(SEQUENCE, der_integer(n), der_integer(e))))


def spki_of(key: rsa.RSAPrivateKey) -> bytes:
    numbers = key.public_key().public_numbers()
    return public_key_der(numbers.n, numbers.e)


def key_numbers(spki: bytes) -> tuple[int, int]:
    n, e = inside(inside(spki)[1][1][1:])
    return int.from_bytes(n[1], "big"), int.from_bytes(e[1], "big")


def is_key_allowed(spki: bytes) -> bool:
    """RSA, 2048, 3072 or 4096 bits, e = 65537, in the one encoding."""
    n, e = key_numbers(spki)
    return n.bit_length() in (2048, 3072, 4096) and e == 65537 and public_key_der(n, e) == spki


def fingerprint(spki: bytes) -> bytes:
    return sha256(spki)


def key_id(spki: bytes) -> bytes:
    """RFC 7093, 2, method 1: of the bits alone, without the octet that counts the unused ones."""
    return sha256(inside(spki)[1][1][1:])[:20]


def sign(key: rsa.RSAPrivateKey, message: bytes) -> bytes:
    return key.sign(message, PSS, hashes.SHA256())


def verify(spki: bytes, signature: bytes, message: bytes) -> bool:
    try:
        key = serialization.load_der_public_key(spki)
        key.verify(signature, message, PSS, hashes.SHA256())
    except (InvalidSignature, ValueError, AttributeError, TypeError):
        return False
    return True


def new_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


# ---- the profile ----

ARC = "1.2.840.113556.1.8000.2554.57411.23035.27320.19085.38797.378319.9098608"
ROLE = {"client": der_oid(ARC + ".1"), "server": der_oid(ARC + ".2")}
PURPOSE = {"client": der_oid("1.3.6.1.5.5.7.3.2"), "server": der_oid("1.3.6.1.5.5.7.3.1")}
DAY = 24 * 3600
BACKDATED = 300
LONGEST = {"ca": 3660 * DAY, "server": DAY, "client": 90 * DAY}

COMMON_NAME, ORGANIZATION = der_oid("2.5.4.3"), der_oid("2.5.4.10")
EXTENSION = {
    "basicConstraints": der_oid("2.5.29.19"),
    "keyUsage": der_oid("2.5.29.15"),
    "extKeyUsage": der_oid("2.5.29.37"),
    "subjectAltName": der_oid("2.5.29.17"),
    "subjectKeyIdentifier": der_oid("2.5.29.14"),
    "authorityKeyIdentifier": der_oid("2.5.29.35"),
    "nameConstraints": der_oid("2.5.29.30"),
}
CRITICAL = ("basicConstraints", "keyUsage", "nameConstraints")


def der_name(*attributes: tuple[bytes, str]) -> bytes:
    return der(
        SEQUENCE,
        *(der(SET, der(SEQUENCE, oid, der(UTF8, text.encode()))) for oid, text in attributes),
    )


def ca_name(realm: str) -> bytes:
    return der_name((ORGANIZATION, realm), (COMMON_NAME, "malote CA"))


def person(name: str) -> bytes:
    return der_name((COMMON_NAME, name))


def extension_of(oid: bytes, value: bytes, critical: bool = False) -> bytes:
    return der(SEQUENCE, oid, der(BOOLEAN, b"\xff") if critical else b"", der(OCTETS, value))


def extension(kind: str, value: bytes) -> bytes:
    return extension_of(EXTENSION[kind], value, kind in CRITICAL)


@dataclass
class Certificate:
    """What a certificate says; all else follows from the profile."""

    role: str  # "ca", "server" or "client"
    name: str  # of the subject; "" for a CA
    realm: str
    serial: int
    not_before: int
    not_after: int
    spki: bytes
    ca_key_id: bytes  # of the CA that signs; its own for a CA
    signature: bytes = b""

    def extensions(self) -> list[bytes]:
        leaf = self.role != "ca"
        basic = der(SEQUENCE) if leaf else der(SEQUENCE, der(BOOLEAN, b"\xff"), der_integer(0))
        usage = der_bits(b"\x80", 7) if leaf else der_bits(b"\x06", 1)
        made = [extension("basicConstraints", basic), extension("keyUsage", usage)]
        if leaf:
            mail = f"{self.name}@{self.realm}".encode()
            made += [
                extension("extKeyUsage", der(SEQUENCE, ROLE[self.role], PURPOSE[self.role])),
                extension("subjectAltName", der(SEQUENCE, der(0x81, mail))),
            ]
        made.append(extension("subjectKeyIdentifier", der(OCTETS, key_id(self.spki))))
        if leaf:
            value = der(SEQUENCE, der(0x80, self.ca_key_id))
            made.append(extension("authorityKeyIdentifier", value))
        else:
            tree = der(SEQUENCE, der(0x81, self.realm.encode()))
            made.append(extension("nameConstraints", der(SEQUENCE, der(0xA0, tree))))
        return made

    def tbs(self) -> bytes:
        return der(
            SEQUENCE,
            der(0xA0, der_integer(2)),
            der_integer(self.serial),
            RSA_PSS,
            ca_name(self.realm),
            der(SEQUENCE, der_time(self.not_before), der_time(self.not_after)),
            ca_name(self.realm) if self.role == "ca" else person(self.name),
            self.spki,
            der(0xA3, der(SEQUENCE, *self.extensions())),
        )

    def encode(self) -> bytes:
        return der(SEQUENCE, self.tbs(), RSA_PSS, der_bits(self.signature))

    def signed_by(self, key: rsa.RSAPrivateKey) -> Certificate:
        return replace(self, signature=sign(key, self.tbs()))


def new_serial() -> int:
    return (int.from_bytes(secrets.token_bytes(16), "big") & (1 << 127) - 1) or 1


def text_of(name: bytes, position: int) -> str:
    """The value of one attribute of a distinguished name."""
    return inside(inside(split(name)[position][2])[0][2])[1][1].decode()


@dataclass
class Parts:
    """A certificate taken to pieces, before anything is believed."""

    tbs: bytes
    issuer: bytes
    serial: int
    validity: tuple[int, int]
    subject: bytes
    spki: bytes
    extensions: dict[bytes, bytes]
    signature: bytes

    @classmethod
    def read(cls, certificate: bytes) -> Parts:
        (_, _, tbs), _, (_, bits, _) = inside(certificate)
        _, serial, _, issuer, validity, subject, spki, extensions = inside(tbs)
        start, end = split(validity[1])
        found = {}
        for _, content, _ in inside(extensions[1]):
            *head, value = split(content)
            found[head[0][2]] = value[1]
        return cls(
            tbs=tbs, issuer=issuer[2], serial=int.from_bytes(serial[1], "big"),
            validity=(read_time(*start[:2]), read_time(*end[:2])), subject=subject[1],
            spki=spki[2], extensions=found, signature=bits[1:],
        )

    def value(self, kind: str) -> bytes:
        return self.extensions.get(EXTENSION[kind], b"")


def read_parts(certificate: bytes) -> Parts:
    try:
        return Parts.read(certificate)
    except (ValueError, IndexError, OverflowError) as error:
        raise BadCertificate("profile", str(error)) from error


def check_profile(certificate: bytes, made: Certificate) -> None:
    if not is_key_allowed(made.spki):
        raise BadCertificate("profile", "its key")
    if not 1 <= made.serial < 2**127:
        raise BadCertificate("profile", "its serial")
    if made.encode() != certificate:
        raise BadCertificate("profile", "not what the profile makes of it")
    if not 0 < made.not_after - made.not_before <= LONGEST[made.role] + BACKDATED:
        raise BadCertificate("profile", "its validity")


def check_time(made: Certificate, now: float) -> None:
    if now < made.not_before:
        raise BadCertificate("time", "not valid yet")
    if now >= made.not_after:
        raise BadCertificate("time", "expired")


def check_ca(certificate: bytes, pin: bytes, now: float) -> Certificate:
    """The CA's own certificate: its key against the pin, then its profile (4.3, 11.2)."""
    parts = read_parts(certificate)
    if fingerprint(parts.spki) != pin:
        raise BadCertificate("pin")
    try:
        realm = text_of(parts.subject, 0)
        made = Certificate(
            "ca", "", realm, parts.serial, *parts.validity, parts.spki, key_id(parts.spki),
            parts.signature,
        )
        if not is_realm(realm.encode()):
            raise BadCertificate("profile", "its realm")
        check_profile(certificate, made)
    except (ValueError, IndexError) as error:
        raise BadCertificate("profile", str(error)) from error
    if not verify(parts.spki, parts.signature, parts.tbs):
        raise BadCertificate("signature")
    check_time(made, now)
    return made


def check_leaf(certificate: bytes, role: str, ca: Certificate, now: float | None) -> Certificate:
    """In the order of 11.1.  With `now` None the time is left to be judged by the caller."""
    parts = read_parts(certificate)
    identifier = der(SEQUENCE, der(0x80, ca.ca_key_id))
    if parts.issuer != ca_name(ca.realm) or (
        parts.value("authorityKeyIdentifier") not in (b"", identifier)
    ):
        raise BadCertificate("foreign")
    if not verify(ca.spki, parts.signature, parts.tbs):
        raise BadCertificate("signature")
    if ROLE[role] not in parts.value("extKeyUsage"):
        raise BadCertificate("role")
    try:
        name = text_of(parts.subject, 0)
        made = Certificate(
            role, name, ca.realm, parts.serial, *parts.validity, parts.spki, ca.ca_key_id,
            parts.signature,
        )
        allowed = name == "relay" if role == "server" else name not in RESERVED
        if not is_name(name.encode()) or not allowed:
            raise BadCertificate("profile", "its name")
        check_profile(certificate, made)
    except (ValueError, IndexError) as error:
        raise BadCertificate("profile", str(error)) from error
    if now is not None:
        check_time(made, now)
        check_time(ca, now)
    return made


# ---- requests, 11.3 ----


def make_request(name: str, key: rsa.RSAPrivateKey, signature: bytes | None = None) -> bytes:
    info = der(SEQUENCE, der_integer(0), person(name), spki_of(key), der(0xA0))
    return der(SEQUENCE, info, RSA_PSS, der_bits(signature or sign(key, info)))


def check_request(request: bytes, name: str) -> bytes:
    """The key that asks, as SubjectPublicKeyInfo."""
    try:
        (_, _, info), _, (_, bits, _) = inside(request)
        spki = inside(info)[2][2]
        expected = der(SEQUENCE, der_integer(0), person(name), spki, der(0xA0))
        whole = der(SEQUENCE, expected, RSA_PSS, der_bits(bits[1:]))
        if whole != request or not is_key_allowed(spki):
            raise Refused("a request outside the profile")
    except (ValueError, IndexError) as error:
        raise Refused("a request that is none") from error
    if not verify(spki, bits[1:], info):
        raise Refused("a request not signed by its key")
    return spki


# ---- a CA of our own ----


class Authority:
    """Root key and certificate, and what it signs."""

    def __init__(self, realm: str, key: rsa.RSAPrivateKey | None = None, serial: int | None = None):
        self.key = key or new_key()
        self.realm = realm
        now = int(datetime.now(timezone.utc).timestamp())
        self.certificate = Certificate(
            "ca", "", realm, serial or new_serial(), now - BACKDATED, now + LONGEST["ca"],
            spki_of(self.key), key_id(spki_of(self.key)),
        ).signed_by(self.key)

    @property
    def pin(self) -> bytes:
        return fingerprint(self.certificate.spki)

    def issue(self, role: str, name: str, spki: bytes, **changed) -> bytes:
        now = datetime.now(timezone.utc) - timedelta(seconds=BACKDATED)
        start = int(now.timestamp())
        made = Certificate(
            role, name, self.realm, new_serial(), start, start + BACKDATED + LONGEST[role], spki,
            self.certificate.ca_key_id,
        )
        return replace(made, **changed).signed_by(self.key).encode()
