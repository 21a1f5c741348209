# SPDX-License-Identifier: Apache-2.0
"""Where the public suites lie on this machine, and the formats they come in."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path

PYCA = Path("/usr/lib/python3/dist-packages/cryptography_vectors")
CRATES = Path("/usr/share/cargo/registry")


def crate(name: str, path: str) -> Path:
    """A file of a crate in whatever version Debian has; exactly one, or the test fails."""
    (found,) = CRATES.glob(f"{name}-[0-9]*/{path}")
    return found


def records(path: Path, last: str) -> Iterator[dict[str, str]]:
    """NIST's way and its descendants': "name = value" lines; `last` ends a record.

    Values stay until they are said anew, so that a key above many messages serves them all.
    What a file says under [DECRYPT] is what it said under [ENCRYPT], the other way about.
    """
    values: dict[str, str] = {}
    text = path.read_text(encoding="latin-1").split("[DECRYPT]")[0]
    for line in text.splitlines():
        named = re.fullmatch(r"\[?(\w[\w ]*?)\s*=\s*(.*?)\]?", line)
        if named is None:
            continue
        values[named[1]] = named[2]
        if named[1] == last:
            yield dict(values)


def blobs(path: Path, width: int) -> Iterator[list[bytes]]:
    """The blobby format of RustCrypto: numbers, a table of repeated blobs, then the blobs."""
    data = path.read_bytes()
    at = 0

    def number() -> int:
        nonlocal at
        value = 0
        while True:
            at += 1
            value = value << 7 | data[at - 1] & 0x7F
            if data[at - 1] < 0x80:
                return value
            value += 1

    def take(n: int) -> bytes:
        nonlocal at
        at += n
        assert at <= len(data)
        return data[at - n : at]

    table = [take(number()) for _ in range(number())]
    row: list[bytes] = []
    while at < len(data):
        code = number()
        row.append(table[code >> 1] if code & 1 else take(code >> 1))
        if len(row) == width:
            yield row
            row = []
    assert not row


def pems(path: Path) -> list[bytes]:
    """What lies in the armour of each block, read leniently."""
    text = path.read_text(encoding="latin-1")
    blocks = re.findall(r"-----BEGIN ([^-]+)-----(.*?)-----END \1-----", text, re.DOTALL)
    found = []
    for _, body in blocks:
        lines = [line for line in body.splitlines() if ":" not in line]
        found.append(base64.b64decode("".join(lines)))
    return found


def der_integer(value: int) -> bytes:
    body = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return der(0x02, body)


def der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    if len(body) < 0x80:
        return bytes([tag, len(body)]) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + body


def der_read(data: bytes) -> tuple[int, bytes, bytes]:
    """Tag, content and what follows of one element; the length may be longer than need be."""
    tag, first = data[0], data[1]
    if first < 0x80:
        start, size = 2, first
    else:
        start = 2 + (first & 0x7F)
        assert first != 0x80
        size = int.from_bytes(data[2:start], "big")
    assert start + size <= len(data)
    return tag, data[start : start + size], data[start + size :]


def der_list(data: bytes) -> list[tuple[int, bytes]]:
    found = []
    while data:
        tag, body, data = der_read(data)
        found.append((tag, body))
    return found
