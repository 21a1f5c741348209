# SPDX-License-Identifier: Apache-2.0
"""Other people's certificates, lists and requests; and ours with every defect of structure.

NIST's PKITS, PyCA's own and collected ones, webpki's.  None was issued by our CA, so none may be
accepted; what their authors did wrong is then done to certificates our CA does sign.
"""

import calendar
import re
import time
from collections.abc import Iterator

from primitives import Question, ask
from rsa import is_ours
from suites import CRATES, PYCA, der, der_list, der_read, pems

SEQUENCE, INTEGER, BIT_STRING = 0x30, 2, 3
LARGEST = 4096

# A certificate or request in shape, but not in DER: why it is refused as an encoding.
NOT_CANONICAL = {
    "invalid_utf8_common_name.pem": "a UTF8String that is no UTF-8",
    "long-form-name-attribute.pem": "a length with a byte more than it needs",
}


def inputs() -> Iterator[tuple[bytes, str]]:
    files = [path for path in sorted((PYCA / "x509").rglob("*")) if path.is_file()]
    files += sorted((PYCA / "pkcs7").iterdir()) + sorted((PYCA / "asymmetric").rglob("*.der"))
    files += sorted(CRATES.glob("webpki-*/tests/**/*.der"))
    for path in files:
        data = path.read_bytes()
        blocks = pems(path) if b"-----BEGIN" in data else [data]
        for block in blocks:
            yield block, path.name


def shape(data: bytes) -> list[int]:
    """The tags of what a signed object holds in its to-be-signed part, or nothing."""
    try:
        tag, body, rest = der_read(data)
        parts = der_list(body)
        if tag != SEQUENCE or rest or [t for t, _ in parts] != [SEQUENCE, SEQUENCE, BIT_STRING]:
            return []
        return [t for t, _ in der_list(parts[0][1])]
    except (IndexError, AssertionError):
        return []


def is_certificate(data: bytes) -> bool:
    tags = shape(data)
    core = [INTEGER] + [SEQUENCE] * 5
    return tags[: len(core)] == core or tags[: len(core) + 1] == [0xA0] + core


def is_request(data: bytes) -> bool:
    return shape(data) == [INTEGER, SEQUENCE, SEQUENCE, 0xA0]


def certificates() -> Iterator[tuple[bytes, str]]:
    """Those that libcrypto can read: our CA has to sign them anew."""
    for data, name in inputs():
        if is_certificate(data) and name not in NOT_CANONICAL:
            yield data, name


def nobody_elses_certificate_list_or_request_is_taken_for_ours() -> Iterator[Question]:
    """As a client's, a server's, a CA to show, a CA that is pinned, a request."""
    kinds = {"certificate": 0, "request": 0, "other": 0}
    encoding = "MLT_ERR_ENCODING"
    for data, name in inputs():
        verdicts = [encoding] * 5
        kind = "other"
        if is_certificate(data):
            kind = "certificate"
            if len(data) <= LARGEST and name not in NOT_CANONICAL:
                verdicts[:2] = ["MLT_ERR_CERT_FOREIGN"] * 2
                verdicts[2:4] = ["MLT_ERR_CERT_PROFILE", "MLT_ERR_PIN"]
        elif is_request(data):
            kind = "request"
            verdicts[4] = "MLT_ERR_REQUEST"
        kinds[kind] += 1
        yield ask("read", data), f"ok {' '.join(verdicts)}", name
    assert kinds["certificate"] >= 500 and kinds["request"] >= 20 and kinds["other"] >= 1000, kinds


def pem_files_hold_one_certificate_and_nothing_else() -> Iterator[Question]:
    for path in sorted((PYCA / "x509").rglob("*.pem")):
        data = path.read_bytes()
        clean = re.fullmatch(
            rb"-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\s*", data
        )
        if clean is not None:
            yield ask("pem", data), f"ok {pems(path)[0].hex()}", path.name
        elif b"BEGIN CERTIFICATE-----" not in data:
            yield ask("pem", data), lambda a: a.startswith("MLT_ERR_ENC"), path.name
        else:
            yield ask("pem", data), lambda a: a[:3] in ("ok ", "MLT"), path.name


# ---- what our own CA would make of them ----


def parts_of(certificate: bytes) -> list[tuple[int, bytes]]:
    signed = der_list(der_read(certificate)[1])
    tbs = der_list(signed[0][1])
    return tbs if tbs[0][0] == 0xA0 else [(0xA0, b"")] + tbs


def extensions_of(certificate: bytes) -> list[bytes]:
    for tag, body in parts_of(certificate)[7:]:
        if tag == 0xA3:
            return [extension for _, extension in der_list(der_read(body)[1])]
    return []


def names_an_authority(extension: bytes) -> bool:
    """An authorityKeyIdentifier with a key id in it."""
    (_, oid), *_, (_, value) = der_list(extension)
    if oid != bytes.fromhex("551d23"):
        return False
    return any(tag == 0x80 for tag, _ in der_list(der_read(value)[1]))


def adopted_by_our_ca_they_are_refused_for_what_they_are() -> Iterator[Question]:
    """Signed by our CA's key as they are; under its name; with its key id and our role as well."""
    for data, name in certificates():
        renamed = "MLT_ERR_CERT_ROLE"
        if any(names_an_authority(extension) for extension in extensions_of(data)):
            renamed = "MLT_ERR_CERT_FOREIGN"
        expected = f"ok MLT_ERR_CERT_FOREIGN {renamed} MLT_ERR_CERT_PROFILE"
        yield ask("adopt", data), expected, name


def seconds(tag: int, text: bytes) -> int | None:
    """Of a time in the form that is due: UTCTime to 2049, to the second, in Z."""
    form = {0x17: "%y%m%d%H%M%SZ", 0x18: "%Y%m%d%H%M%SZ"}[tag]
    if not re.fullmatch(rb"[0-9]{12}Z" if tag == 0x17 else rb"[0-9]{14}Z", text):
        return None
    parsed = time.strptime(text.decode(), form)
    if (parsed.tm_year >= 2050) != (tag == 0x18):
        return None
    return calendar.timegm(parsed)


def life_verdict(validity: bytes) -> str:
    begin, end = (seconds(tag, text) for tag, text in der_list(validity))
    if begin is None or end is None or not 0 < end - begin <= 90 * 86400 + 300:
        return "MLT_ERR_CERT_PROFILE"
    return "MLT_ERR_CERT_EXPIRED"


def key_verdict(spki: bytes) -> str:
    (_, algorithm), (_, bits) = der_list(spki)
    if algorithm == bytes.fromhex("06092a864886f70d0101010500"):
        (_, n), (_, e) = der_list(der_read(bits[1:])[1])
        if is_ours(int.from_bytes(n, "big"), int.from_bytes(e, "big")):
            return "MLT_OK"
    return "MLT_ERR_CERT_PROFILE"


def serial_verdict(serial: bytes) -> str:
    value = int.from_bytes(serial, "big", signed=True)
    return "MLT_OK" if 0 < value < 1 << 127 else "MLT_ERR_CERT_PROFILE"


def part_by_part_in_a_certificate_of_ours_only_what_fits_is_accepted() -> Iterator[Question]:
    seen = set()
    for data, name in certificates():
        tbs = parts_of(data)
        never = "MLT_ERR_CERT_PROFILE"
        for part, value, expected in (
            ("serial", tbs[1][1], serial_verdict(tbs[1][1])),
            ("subject", tbs[5][1], never),
            ("life", tbs[4][1], life_verdict(tbs[4][1])),
            ("end", tbs[4][1], never),
            ("key", tbs[6][1], key_verdict(tbs[6][1])),
            ("version", tbs[0][1], "MLT_OK" if tbs[0][1] == b"\2\1\2" else never),
        ):
            if (part, value) not in seen:
                seen.add((part, value))
                yield ask("graft", part.encode(), data), f"ok {expected} ", f"{name} {part}"


def an_extension_of_theirs_is_refused_beside_ours_and_instead_of_ours() -> Iterator[Question]:
    """Except instead, where it says the same: CA:FALSE, say."""
    refused = r"MLT_ERR_CERT_(PROFILE|ROLE|FOREIGN)"
    good = re.compile(rf"ok {refused} ({refused} other|MLT_OK same)")
    extensions = {e: name for data, name in certificates() for e in extensions_of(data)}
    for extension, name in extensions.items():
        question = ask("extension", der(SEQUENCE, extension))
        yield question, lambda answer: good.fullmatch(answer) is not None, name


TESTS = [
    (nobody_elses_certificate_list_or_request_is_taken_for_ours, 1700),
    (pem_files_hold_one_certificate_and_nothing_else, 100),
    (adopted_by_our_ca_they_are_refused_for_what_they_are, 500),
    (part_by_part_in_a_certificate_of_ours_only_what_fits_is_accepted, 900),
    (an_extension_of_theirs_is_refused_beside_ours_and_instead_of_ours, 700),
]
