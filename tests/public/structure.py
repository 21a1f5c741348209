# SPDX-License-Identifier: Apache-2.0
"""Every defect of structure, at every place of a certificate, signed by the key it should have.

The catalogue is what the public suites' bad files have wrong with them, and what BER allows and
DER does not; it is done to each element of what our own CA makes, one at a time.
"""

from collections.abc import Generator, Iterator
from typing import NamedTuple

from primitives import Question, ask
from suites import der, der_read

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, OID = 1, 2, 3, 4, 6
UTF8, PRINTABLE, TELETEX, IA5, UTC, GENERALIZED, BMP = 0x0C, 0x13, 0x14, 0x16, 0x17, 0x18, 0x1E
SEQUENCE, SET = 0x30, 0x31

# Where the verdict on each stands in the answer to "read".
READERS = {"client": 0, "server": 1, "ca": 3, "request": 4}

# A question is answered, also one that only asks for a signature.
Questions = Generator[Question, str, None]

# A serial of 15 bytes is another serial, "maria.silv" another name: no defects.
STILL_GOOD = {
    "client": {"element 4 (02) ends a byte early"},
    "server": {"element 4 (02) ends a byte early"},
    "ca": {"element 4 (02) ends a byte early"},
    "request": {"element 7 (0c) ends a byte early"},
}

REFUSALS = {
    "MLT_ERR_ENCODING",
    "MLT_ERR_CERT_FOREIGN",
    "MLT_ERR_CERT_SIGNATURE",
    "MLT_ERR_CERT_ROLE",
    "MLT_ERR_CERT_PROFILE",
    "MLT_ERR_PIN",
    "MLT_ERR_REQUEST",
    "MLT_ERR_AUTH",
}


class Element:
    """One element of DER, and those inside it; also inside OCTET and BIT STRINGs that hold DER."""

    def __init__(self, tag: int, body: bytes) -> None:
        self.tag, self.body = tag, body
        self.inside: list[Element] = []
        self.before = b"\0" if tag == BIT_STRING and body[:1] == b"\0" else b""
        self.instead: bytes | None = None
        if tag & 0x20 or tag in (OCTET_STRING, BIT_STRING):
            self.inside = elements(body[len(self.before) :])

    def encode(self) -> bytes:
        if self.instead is not None:
            return self.instead
        return der(self.tag, self.content())

    def content(self) -> bytes:
        if not self.inside:
            return self.body
        return self.before + b"".join(element.encode() for element in self.inside)

    def walk(self) -> Iterator["Element"]:
        yield self
        for element in self.inside:
            yield from element.walk()


def elements(data: bytes) -> list[Element]:
    """Nothing, unless it is DER to the last byte."""
    found = []
    whole = data
    try:
        while data:
            tag, body, data = der_read(data)
            found.append(Element(tag, body))
    except (IndexError, AssertionError):
        return []
    return found if b"".join(element.encode() for element in found) == whole else []


class Defect(NamedTuple):
    what: str
    instead: bytes


def longer_length(tag: int, content: bytes) -> bytes:
    plain = der(tag, content)
    size = plain[1 : len(plain) - len(content)]
    digits = size if len(size) == 1 else size[1:]
    return bytes([tag, 0x80 | len(digits) + 1, 0]) + digits + content


def any_defects(tag: int, content: bytes) -> Iterator[Defect]:
    whole = der(tag, content)
    yield Defect("is left out", b"")
    yield Defect("stands twice", whole + whole)
    yield Defect("is followed by NULL", whole + b"\5\0")
    yield Defect("has a longer length than it needs", longer_length(tag, content))
    yield Defect("is constructed, or not", der(tag ^ 0x20, content))
    yield Defect("is of another class", der(tag ^ 0x40, content))
    if content:
        yield Defect("is empty", der(tag))
        yield Defect("ends a byte early", der(tag, content[:-1]))
        yield Defect("has a byte left over", der(tag, content + b"\0"))
    if tag & 0x20:
        yield Defect("has indefinite length", bytes([tag, 0x80]) + content + b"\0\0")
        yield Defect("has an end of contents too many", der(tag, content + b"\0\0"))
    else:
        pieces = der(tag, content[:1]) + der(tag, content[1:])
        yield Defect("comes in two pieces", der(tag | 0x20, pieces))


def defects_of(tag: int, content: bytes) -> Iterator[Defect]:
    whole = der(tag, content)
    yield from any_defects(tag, content)
    if tag == BOOLEAN:
        yield from (Defect(f"is {v:02x}", der(tag, bytes([v]))) for v in (0, 1, 0x7F))
    elif tag == INTEGER:
        yield Defect("has a zero in front", der(tag, b"\0" + content))
        yield Defect("is negative", der(tag, b"\xff" + content))
        yield Defect("is zero", der(tag, b"\0"))
        yield Defect("has 21 bytes", der(tag, b"\1" * 21))
    elif tag == BIT_STRING:
        for unused in 1, 7, 8, 255:
            yield Defect(f"has {unused} unused bits", der(tag, bytes([unused]) + content[1:]))
    elif tag == 0xA2:
        # RFC 4055 3.1: the trailer by default, which DER leaves out, and one that does not exist.
        yield Defect("has the trailer written out", whole + der(0xA3, b"\2\1\1"))
        yield Defect("has another trailer", whole + der(0xA3, b"\2\1\2"))
    elif tag == OID:
        padded = content[:1] + b"\x80" + content[1:]
        yield Defect("has an arc with a zero in front", der(tag, padded))
        yield Defect("has an arc more", der(tag, content + b"\1"))
    elif tag in (UTC, GENERALIZED):
        yield from time_defects(tag, content)
    elif tag in (UTF8, IA5, 0x81):
        yield from text_defects(tag, content)
    elif tag in (SEQUENCE, SET):
        yield Defect("is the other of SET and SEQUENCE", der(tag ^ 1, content))


def time_defects(tag: int, content: bytes) -> Iterator[Defect]:
    century = b"20" if tag == UTC else b""
    for what, other in (
        ("has no seconds", content[:-3] + b"Z"),
        ("is local time", content[:-1]),
        ("has an offset", content[:-1] + b"+0000"),
        ("has no seconds and an offset", content[:-3] + b"+0000"),
        ("ends in a small z", content[:-1] + b"z"),
        ("has a sixtieth second", content[:-3] + b"60Z"),
        ("has a month 13", content[: 2 if tag == UTC else 4] + b"13" + content[-9:]),
        ("has a space for a digit", content[:-3] + b" 0Z"),
    ):
        yield Defect(what, der(tag, other))
    if tag == UTC:
        yield Defect("is in GeneralizedTime", der(GENERALIZED, century + content))
        fraction = century + content[:-1] + b".0Z"
        yield Defect("has a fraction", der(GENERALIZED, fraction))
    else:
        yield Defect("is in UTCTime", der(UTC, content[2:]))


def text_defects(tag: int, content: bytes) -> Iterator[Defect]:
    half = len(content) // 2
    for what, other in (
        ("ends in NUL", content + b"\0"),
        ("has a NUL and more behind it", content + b"\0.evil.example"),
        ("has a NUL in it", content[:half] + b"\0" + content[half:]),
        ("is in capitals", content.upper()),
        ("begins with a space", b" " + content),
        ("ends in a newline", content + b"\n"),
        ("ends in a dot", content + b"."),
        ("has an escape", b"\x1b[2J" + content),
        ("has a Cyrillic letter", content.replace(b"a", "а".encode())),
        ("has a letter overlong", content.replace(b"a", b"\xc1\xa1")),
        ("is an internationalised name", b"xn--" + content),
        ("is an address", content + b"@elsewhere.internal"),
        ("is 33 bytes long", b"a" * 33),
        ("is 65 bytes long", b"a" * 65),
        ("is 1,000 bytes long", b"a" * 1000),
    ):
        if other != content:
            yield Defect(what, der(tag, other))
    if tag == UTF8:
        for other_tag in PRINTABLE, TELETEX, IA5:
            yield Defect(f"is of string type {other_tag:02x}", der(other_tag, content))
        yield Defect("is a BMPString", der(BMP, content.decode().encode("utf-16-be")))


def exchanged(element: Element) -> Iterator[Defect]:
    """Two neighbours inside it, in the other order."""
    inside = [e.encode() for e in element.inside]
    for i in range(len(inside) - 1):
        other = inside[:i] + [inside[i + 1], inside[i]] + inside[i + 2 :]
        if other != inside:
            content = element.before + b"".join(other)
            yield Defect(f"has {i} and {i + 1} exchanged", der(element.tag, content))


def spoiled(whole: Element) -> Iterator[str]:
    """What is wrong, and where; it is in `whole` until the next is asked for."""
    for place, element in enumerate(whole.walk()):
        for defect in [*defects_of(element.tag, element.content()), *exchanged(element)]:
            if defect.instead == element.encode():
                continue
            element.instead = defect.instead
            yield f"element {place} ({element.tag:02x}) {defect.what}"
            element.instead = None


def judge(answer: str, kind: str) -> bool:
    """A certificate is refused in every role, and for a reason that is the sender's."""
    ok, *verdicts = answer.split()
    return ok == "ok" and "MLT_OK" not in verdicts and verdicts[READERS[kind]] in REFUSALS


def is_made(answer: str) -> bool:
    return answer.startswith("ok ")


def one_defect_at_a_time(kind: str) -> Questions:
    word = yield ask("ours", kind.encode()), is_made, kind
    (whole,) = elements(bytes.fromhex(word[3:]))
    signed, _, signature = whole.inside
    good, good_signature = signed.encode(), signature.body
    word = yield ask("read", whole.encode()), is_made, f"{kind} as it is made"
    assert word.split()[1 + READERS[kind]] == "MLT_OK", word
    for where in spoiled(whole):
        if where in STILL_GOOD[kind]:
            continue
        # Signed anew, unless the defect is outside of what is signed.
        if signed.encode() != good and signature.instead is None:
            word = yield ask("sign", kind.encode(), signed.encode()), is_made, f"{kind}: {where}"
            signature.body = b"\0" + bytes.fromhex(word[3:])
        data = whole.encode()
        signature.body = good_signature
        yield ask("read", data), lambda answer: judge(answer, kind), f"{kind}: {where}"


def no_defect_of_structure_passes_in_a_client_certificate() -> Questions:
    yield from one_defect_at_a_time("client")


def no_defect_of_structure_passes_in_a_server_certificate() -> Questions:
    yield from one_defect_at_a_time("server")


def no_defect_of_structure_passes_in_a_ca_certificate() -> Questions:
    yield from one_defect_at_a_time("ca")


def no_defect_of_structure_passes_in_a_request() -> Questions:
    yield from one_defect_at_a_time("request")


TESTS = [
    (no_defect_of_structure_passes_in_a_client_certificate, 2000),
    (no_defect_of_structure_passes_in_a_server_certificate, 2000),
    (no_defect_of_structure_passes_in_a_ca_certificate, 2000),
    (no_defect_of_structure_passes_in_a_request, 600),
]
