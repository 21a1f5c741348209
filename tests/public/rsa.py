# SPDX-License-Identifier: Apache-2.0
"""RSA: signatures, wrapping, and which keys are taken; NIST, RSA Laboratories, ring, PyCA."""

import hashlib
import itertools
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from primitives import Question, ask, said
from suites import PYCA, crate, der, der_integer, der_list, der_read, records

RSA = PYCA / "asymmetric/RSA"
RSA_ENCRYPTION = bytes.fromhex("300d06092a864886f70d0101010500")
SIZES = 2048, 3072, 4096


class Pair(NamedTuple):
    """The numbers of RFC 8017 A.1.2, in its order."""

    n: int
    e: int
    d: int
    p: int
    q: int
    dp: int
    dq: int
    qi: int

    @staticmethod
    def read(pkcs1: bytes) -> "Pair":
        _, body, _ = der_read(pkcs1)
        return Pair(*(int.from_bytes(number, "big") for _, number in der_list(body)[1:9]))

    @staticmethod
    def of(p: int, q: int, e: int = 65537) -> "Pair":
        d = pow(e, -1, (p - 1) * (q - 1))
        return Pair(p * q, e, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p))

    def pkcs8(self) -> bytes:
        key = der(0x30, der_integer(0), *map(der_integer, self))
        return der(0x30, der_integer(0), RSA_ENCRYPTION, der(0x04, key))


def good_pair() -> Pair:
    """The first key of ring's suite: RSA-2048, e = 65537."""
    first = next(records(crate("ring", "tests/rsa_from_pkcs8_tests.txt"), "Input"))
    _, body, _ = der_read(bytes.fromhex(first["Input"]))
    return Pair.read(der_list(body)[2][1])


# ---- RSA-PSS ----


class Signed(NamedTuple):
    n: int
    e: int
    message: bytes
    signature: bytes
    good: bool
    where: str


def ring_signatures() -> Iterator[Signed]:
    """NIST's of FIPS 186-4 whose salt is as long as the hash."""
    path = crate("ring", "tests/rsa_pss_verify_tests.txt")
    for i, r in enumerate(records(path, "Result")):
        _, body, _ = der_read(bytes.fromhex(r["Key"]))
        (_, n), (_, e) = der_list(body)
        good = r["Digest"] == "SHA256" and r["Result"].startswith("P")
        yield Signed(
            int.from_bytes(n, "big"), int.from_bytes(e, "big"), bytes.fromhex(r["Msg"]),
            bytes.fromhex(r["Sig"]), good, f"{path.name} {i} {r['Result']}",
        )
    path = crate("ring", "tests/rsa_pss_sign_tests.txt")
    for i, r in enumerate(records(path, "Result")):
        key = Pair.read(bytes.fromhex(r["Key"]))
        good = r["Digest"] == "SHA256" and len(r["Salt"]) == 64
        yield Signed(
            key.n, key.e, bytes.fromhex(r["Msg"]), bytes.fromhex(r["Sig"]), good,
            f"{path.name} {i}",
        )


def pss(signed: Signed) -> str:
    return ask("pss", signed.n, signed.e, signed.message, signed.signature)


def pss_with_salt_32_is_judged_as_nist_published() -> Iterator[Question]:
    for signed in ring_signatures():
        yield pss(signed), "ok" if signed.good else "MLT_ERR_AUTH", signed.where


def no_damaged_pss_signature_is_accepted() -> Iterator[Question]:
    for signed in ring_signatures():
        if not signed.good:
            continue
        size = len(signed.signature)
        number = int.from_bytes(signed.signature, "big")
        others = [number ^ 1 << bit for bit in range(0, 8 * size, 97)]
        others += [0, 1, signed.n - 1, signed.n - number, signed.n, (1 << 8 * size) - 1]
        texts = [v.to_bytes(size, "big") for v in others]
        texts += [signed.signature[:-1], signed.signature[1:], b"", signed.signature + b"\0"]
        texts += [b"\0" + signed.signature, signed.signature[::-1], signed.signature * 2]
        if number + signed.n < 1 << 8 * size:
            texts.append((number + signed.n).to_bytes(size, "big"))
        for text in texts:
            yield pss(signed._replace(signature=text)), "MLT_ERR_AUTH", signed.where
        for message in signed.message[:-1], signed.message + b"\0", b"":
            yield pss(signed._replace(message=message)), "MLT_ERR_AUTH", signed.where


def signatures_with_other_salts_hashes_and_paddings_are_refused() -> Iterator[Question]:
    """Every one of these files, also what is valid in its own scheme."""
    for name, last in (
        ("SigVerPSS_186-3.rsp", "Result"),
        ("SigGenPSS_186-3.rsp", "S"),
        ("SigGenPSS_186-2.rsp", "S"),
        ("SigVer15_186-3.rsp", "Result"),
        ("SigGen15_186-2.rsp", "S"),
        ("SigGen15_186-3.rsp", "S"),
    ):
        for i, r in enumerate(records(RSA / "FIPS_186-2" / name, last)):
            n, e = int(r["n"], 16), int(r["e"], 16)
            message, signature = bytes.fromhex(r["Msg"]), bytes.fromhex(r["S"])
            question = ask("pss", n, e, message, signature)
            yield question, "MLT_ERR_AUTH", f"{name} {i}"


# ---- RSA-OAEP ----


def sections(path: Path) -> Iterator[tuple[str, str]]:
    """RSA Laboratories' way: "# Title:" and lines of hex under it."""
    for title, body in re.findall(r"^# ([^\n]*)\n((?:[0-9a-fA-F ]+\n)+)", path.read_text(), re.M):
        yield title.strip(": "), re.sub(r"\s", "", body)


class Wrapped(NamedTuple):
    key: bytes
    message: bytes
    wrapped: bytes
    where: str


def wrappings(path: Path) -> Iterator[Wrapped]:
    names = {
        "Public exponent": "e", "Exponent": "d", "Prime 1": "p", "Prime 2": "q",
        "Prime exponent 1": "dp", "Prime exponent 2": "dq", "Coefficient": "qi", "Modulus": "n",
    }
    numbers: dict[str, int] = {}
    message = b""
    count = 0
    for title, body in sections(path):
        if title in names:
            numbers[names[title]] = int(body, 16)
        elif title == "Message":
            message = bytes.fromhex(body)
        elif title == "Encryption":
            count += 1
            key = Pair(**numbers).pkcs8()
            yield Wrapped(key, message, bytes.fromhex(body), f"{path.name} {count}")


def good_wrappings() -> Iterator[Wrapped]:
    return wrappings(RSA / "oaep-custom/oaep-sha256-sha256.txt")


def oaep_with_sha_256_opens_as_published() -> Iterator[Question]:
    for w in good_wrappings():
        yield ask("unwrap", w.key, b"", w.wrapped), said(w.message), w.where


def no_damaged_oaep_wrapping_opens_and_all_fail_alike() -> Iterator[Question]:
    for w in good_wrappings():
        size = len(w.wrapped)
        number = int.from_bytes(w.wrapped, "big")
        texts = [(number ^ 1 << bit).to_bytes(size, "big") for bit in range(0, 8 * size, 211)]
        texts += [bytes(size), bytes(size - 1) + b"\1", b"\xff" * size, w.wrapped[::-1]]
        texts += [w.wrapped[:-1], w.wrapped[1:] + b"\0", b"\0" + w.wrapped, w.wrapped + b"\0"]
        for text in texts:
            yield ask("unwrap", w.key, b"", text), "MLT_ERR_AUTH", w.where
        for label in b"\0", b"mailbox", bytes(255):
            yield ask("unwrap", w.key, label, w.wrapped), "MLT_ERR_AUTH", w.where
        yield ask("unwrap", w.key, bytes(256), w.wrapped), "MLT_ERR_STATE", w.where


def wrappings_with_other_hashes_and_paddings_do_not_open() -> Iterator[Question]:
    """Every third of 1,700: they differ in nothing but key and message."""
    others = [p for p in sorted(RSA.glob("oaep-custom/*.txt")) if "sha256-sha256" not in p.name]
    others += [RSA / "pkcs-1v2-1d2-vec/oaep-vect.txt", RSA / "pkcs1v15crypt-vectors.txt"]
    for path in others:
        for w in itertools.islice(wrappings(path), 0, None, 3):
            yield ask("unwrap", w.key, b"", w.wrapped), "MLT_ERR_AUTH", w.where
    for r in records(RSA / "oaep-label.txt", "Output"):
        key, label, wrapped = (bytes.fromhex(r[n]) for n in ("KEY", "OAEPLabel", "Input"))
        yield ask("unwrap", key, label, wrapped), "MLT_ERR_AUTH", "oaep-label.txt"


# ---- keys ----


def is_taken(answer: str) -> bool:
    """With its fingerprint."""
    return answer.startswith("ok ") and len(answer) == 3 + 64


def private_keys_are_taken_and_refused_as_ring_published() -> Iterator[Question]:
    """ring takes what we take, and 2048 bits or more of any size with primes alike; we, three."""
    path = crate("ring", "tests/rsa_from_pkcs8_tests.txt")
    text = path.read_text()
    for i, block in enumerate(re.findall(r"Input = ([0-9a-fA-F]+)((?:\n[A-Z]\w* = \w+)*)", text)):
        der_bytes = bytes.fromhex(block[0])
        refused = "Error" in block[1]
        yield ask("private_key", der_bytes), "MLT_ERR_DAMAGED" if refused else is_taken, f"{i}"


SMALL_PRIMES = math.prod(n for n in range(3, 2000, 2) if all(n % m for m in range(3, n, 2)))


def is_prime(n: int) -> bool:
    """Fermat's test to two bases: enough to look for a prime of one's own."""
    return math.gcd(n, SMALL_PRIMES) == 1 and all(pow(base, n - 1, n) == 1 for base in (2, 3))


def prime_from(n: int, e: int = 65537) -> int:
    n |= 1
    while math.gcd(n - 1, e) != 1 or not is_prime(n):
        n += 2
    return n


def every_number_of_a_private_key_is_checked() -> Iterator[Question]:
    pair = good_pair()
    spki = der(0x30, RSA_ENCRYPTION, der(0x03, b"\0", der(0x30, *map(der_integer, pair[:2]))))
    yield ask("private_key", pair.pkcs8()), said(hashlib.sha256(spki).digest()), "the good one"
    for field, value in zip(Pair._fields, pair):
        for other in value + 1, value - 1, value + 2, value ^ 1 << 64, value >> 1, 0, 1:
            wrong = pair._replace(**{field: other})
            yield ask("private_key", wrong.pkcs8()), "MLT_ERR_DAMAGED", f"{field} {other:x}"[:40]
    swapped = pair._replace(p=pair.q, q=pair.p)
    yield ask("private_key", swapped.pkcs8()), "MLT_ERR_DAMAGED", "p and q swapped"
    for e in 257, 65539:
        other = Pair.of(prime_from(pair.p, e), prime_from(pair.q, e), e)
        yield ask("private_key", other.pkcs8()), "MLT_ERR_DAMAGED", f"e = {e}"
    # Consistent in itself, but no key: a prime that is none.
    broken = pair._replace(n=pair.p * pair.p, q=pair.p)
    yield ask("private_key", broken.pkcs8()), "MLT_ERR_DAMAGED", "p twice"
    composite = Pair.of(pair.p, 3 * prime_from(pair.q // 3))
    yield ask("private_key", composite.pkcs8()), "MLT_ERR_DAMAGED", "q has a factor 3"
    for more in b"\0", b"\x30\0":
        yield ask("private_key", pair.pkcs8() + more), "MLT_ERR_DAMAGED", "bytes left over"


def generated_keys_of_nist_are_taken_by_size_and_exponent() -> Iterator[Question]:
    """Whole pairs, with e = 3, 17 and 65537."""
    path = RSA / "FIPS_186-2/KeyGenRSA.rsp"
    for i, r in enumerate(records(path, "d")):
        pair = Pair.of(int(r["p"], 16), int(r["q"], 16), int(r["e"], 16))
        assert pair.n == int(r["n"], 16)
        judge = is_taken if is_ours(pair.n, pair.e) else "MLT_ERR_DAMAGED"
        yield ask("private_key", pair.pkcs8()), judge, f"{path.name} {i}"


def is_ours(n: int, e: int) -> bool:
    return n.bit_length() in SIZES and n % 2 == 1 and e == 65537


def public_numbers() -> Iterator[tuple[int, int, str]]:
    for path in sorted((RSA / "FIPS_186-2").glob("Sig*.rsp")):
        seen = set()
        last = "Result" if "Ver" in path.name else "S"
        for r in records(path, last):
            key = int(r["n"], 16), int(r["e"], 16)
            if key not in seen:
                seen.add(key)
                yield *key, path.name
    path = crate("ring", "tests/rsa_primitive_verify_tests.txt")
    for r in records(path, "Result"):
        if r["n"] and r["e"]:
            yield int(r["n"], 16), int(r["e"], 16), path.name


def public_keys_are_taken_by_size_exponent_and_an_odd_modulus() -> Iterator[Question]:
    for n, e, where in public_numbers():
        verdict = "ok" if is_ours(n, e) else "MLT_ERR_DAMAGED"
        yield ask("public_key", n, e), verdict, f"{where} {n:x} {e:x}"[:60]
    n = good_pair().n
    yield ask("public_key", n, 65537), "ok", "the good one"
    for other, e in ((n - 1, 65537), (n + 1, 65537), (n >> 1, 65537), (n << 1, 65537), (n, 1),
                     (n, 2), (n, 3), (n, 65536), (n, n - 1), (n, 65537 << 256), (1 << 2047, 65537)):
        yield ask("public_key", other, e), "MLT_ERR_DAMAGED", f"{other & 3} {e}"


def roca_prime(start: int, bits: int, power: int) -> int:
    """k M + 65537^a mod M, with M the product of the first primes (Nemec and others 2017, 2.1)."""
    product = math.prod(n for n in range(2, 702) if all(n % m for m in range(2, n)))
    rest = pow(65537, power, product)
    k = (start << bits - start.bit_length()) // product
    while not is_prime(k * product + rest):
        k += 1
    return k * product + rest


def a_weak_modulus_is_found_and_a_good_one_is_not_taken_for_weak() -> Iterator[Question]:
    p, q = roca_prime(13, 1024, 7919), roca_prime(15, 1024, 104729)
    yield ask("public_key", p * q, 65537), "ok", "a ROCA key, but for its form a good one"
    yield ask("weak", p * q, 65537), "MLT_ERR_DAMAGED", "a ROCA key"
    n = good_pair().n
    yield ask("weak", n, 65537), "ok", "the good one"
    for factor in 2, 3, 5, 7, 101, 743, 751:
        other = n // factor * factor
        yield ask("weak", other, 65537), "MLT_ERR_DAMAGED", f"a factor {factor}"
    yield ask("weak", prime_from(n >> 10) * 757, 65537), "ok", "a factor 757"
    for n, _, where in public_numbers():
        if n.bit_length() in SIZES:
            small = math.gcd(n, math.prod(range(2, 752))) != 1
            yield ask("weak", n, 65537), "MLT_ERR_DAMAGED" if small else "ok", f"{where} {n:x}"[:60]


def key_files() -> Iterator[Path]:
    for folder in "PKCS8", "PEM_Serialization", "Traditional_OpenSSL_Serialization", "public/PKCS1":
        yield from sorted((PYCA / "asymmetric" / folder).glob("*.pem"))
    for folder in "OpenSSH", "DSA", "EC", "DH", "Ed25519", "Ed448", "X25519", "X448":
        yield from sorted((PYCA / "asymmetric" / folder).glob("*.pem"))
        yield from sorted((PYCA / "asymmetric" / folder).glob("*.key"))
    yield from sorted((PYCA / "x509/custom/ca").glob("*key*"))


def of_key_files_only_plain_pkcs8_of_our_sizes_is_taken() -> Iterator[Question]:
    for path in key_files():
        data = path.read_bytes()
        good = path.name in TAKEN_KEY_FILES
        yield ask("private_pem", data), "ok" if good else "MLT_ERR_DAMAGED", str(path)


TAKEN_KEY_FILES = {"rsa_key.pem"}

TESTS = [
    (pss_with_salt_32_is_judged_as_nist_published, 64),
    (no_damaged_pss_signature_is_accepted, 400),
    (signatures_with_other_salts_hashes_and_paddings_are_refused, 1000),
    (oaep_with_sha_256_opens_as_published, 20),
    (no_damaged_oaep_wrapping_opens_and_all_fail_alike, 1000),
    (wrappings_with_other_hashes_and_paddings_do_not_open, 500),
    (private_keys_are_taken_and_refused_as_ring_published, 15),
    (generated_keys_of_nist_are_taken_by_size_and_exponent, 20),
    (every_number_of_a_private_key_is_checked, 55),
    (public_keys_are_taken_by_size_exponent_and_an_odd_modulus, 50),
    (a_weak_modulus_is_found_and_a_good_one_is_not_taken_for_weak, 40),
    (of_key_files_only_plain_pkcs8_of_our_sizes_is_taken, 40),
]
