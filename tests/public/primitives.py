# SPDX-License-Identifier: Apache-2.0
"""Hashes, key derivation, cipher and MAC, Diffie-Hellman: NIST, RFCs, Wycheproof."""

import functools
import hashlib
import hmac
import random
from collections.abc import Callable, Iterator

from suites import PYCA, blobs, crate, der_list, der_read, pems, records

# What is asked, the answer (or what judges it), and where the question comes from.
Question = tuple[str, str | Callable[[str], bool], str]


def ask(verb: str, *args: bytes | int) -> str:
    words = [verb]
    for arg in args:
        if isinstance(arg, int):
            arg = arg.to_bytes(max(1, (arg.bit_length() + 7) // 8), "big")
        words.append(arg.hex() or "-")
    return " ".join(words)


def said(data: bytes) -> str:
    return f"ok {data.hex()}" if data else "ok"


def text_or_hex(value: str) -> bytes:
    return value[1:-1].encode() if value.startswith('"') else bytes.fromhex(value)


# ---- SHA-256 ----


def sha256_answers_as_nist_published() -> Iterator[Question]:
    for part in "Short", "Long":
        path = PYCA / f"hashes/SHA2/SHA256{part}Msg.rsp"
        for r in records(path, "MD"):
            message = bytes.fromhex(r["Msg"])[: int(r["Len"]) // 8]
            yield ask("sha256", message), f"ok {r['MD']}", f"{path.name} {r['Len']}"
    path = PYCA / "hashes/SHA2/SHA256Monte.rsp"
    last = b""
    for r in records(path, "MD"):
        seed = last or bytes.fromhex(r["Seed"])
        last = bytes.fromhex(r["MD"])
        yield ask("sha256_chain", seed), said(last), f"{path.name} {r['COUNT']}"


# ---- HMAC-SHA-256 ----


def hmac_vectors() -> Iterator[tuple[bytes, bytes, bytes, str]]:
    path = PYCA / "HMAC/rfc-4231-sha256.txt"
    for i, r in enumerate(records(path, "MD")):
        message = bytes.fromhex(r["Msg"])[: int(r["Len"]) // 8]
        yield bytes.fromhex(r["Key"]), message, bytes.fromhex(r["MD"]), f"{path.name} {i}"
    path = crate("hmac", "tests/data/wycheproof-sha256.blb")
    for i, (key, message, tag) in enumerate(blobs(path, 3)):
        yield key, message, tag, f"{path.name} {i}"
    path = crate("ring", "tests/hmac_tests.txt")
    for i, r in enumerate(records(path, "Output")):
        if r["HMAC"] == "SHA256":
            tag = bytes.fromhex(r["Output"])
            yield text_or_hex(r["Key"]), text_or_hex(r["Input"]), tag, f"{path.name} {i}"


def begins(tag: bytes) -> Callable[[str], bool]:
    """Suites cut tags; ours are whole."""
    return lambda answer: len(answer) == 3 + 64 and answer.startswith(said(tag))


def hmac_answers_as_wycheproof_and_rfc_4231_published() -> Iterator[Question]:
    for key, message, tag, where in hmac_vectors():
        yield ask("hmac", key, message), begins(tag), where


def the_mac_of_records_is_the_same_hmac() -> Iterator[Question]:
    for key, message, tag, where in hmac_vectors():
        if key and len(message) >= 8:
            yield ask("tag", key, message), begins(tag), where


# ---- HKDF-SHA-256 ----


def hkdf_vectors() -> Iterator[tuple[bytes, bytes, bytes, bytes, bytes, str]]:
    for path in (
        PYCA / "KDF/rfc-5869-HKDF-SHA256.txt",
        PYCA / "KDF/hkdf-generated.txt",
        crate("ring", "tests/hkdf_tests.txt"),
    ):
        for i, r in enumerate(records(path, "OKM")):
            if r["Hash"] in ("SHA-256", "SHA256"):
                ikm, salt, info, okm = (
                    bytes.fromhex(r[name].strip('"')) for name in ("IKM", "salt", "info", "OKM")
                )
                yield ikm, salt, info, okm, bytes.fromhex(r.get("PRK", "")), f"{path.name} {i}"
    path = crate("hkdf", "tests/data/wycheproof-sha256.blb")
    for i, (ikm, salt, info, okm) in enumerate(blobs(path, 4)):
        yield ikm, salt, info, okm, b"", f"{path.name} {i}"


def hkdf_answers_as_wycheproof_and_rfc_5869_published() -> Iterator[Question]:
    for ikm, salt, info, okm, prk, where in hkdf_vectors():
        extracted = hmac.digest(salt or bytes(32), ikm, "sha256")
        assert prk in (b"", extracted), where
        yield ask("extract", salt, ikm), said(extracted), where
        okm = okm[:255]  # the most Expand-Label gives; a shorter output is the longer's beginning
        # One vector asks for no output at all, which nobody needs of us.
        expected = said(okm) if okm else "MLT_ERR_CRYPTO"
        yield ask("expand", extracted, info, len(okm)), expected, where


def python_expand(prk: bytes, info: bytes, n: int) -> bytes:
    okm = block = b""
    for i in range(1, n // 32 + 2):
        block = hmac.digest(prk, block + info + bytes([i]), "sha256")
        okm += block
    return okm[:n]


def python_label(secret: bytes, label: bytes, context: bytes, n: int) -> bytes:
    label = b"malote v1 " + label
    info = n.to_bytes(2, "big") + bytes([len(label)]) + label + bytes([len(context)]) + context
    return python_expand(secret, info, n)


def expand_label_is_hkdf_with_the_info_of_the_protocol() -> Iterator[Question]:
    """PROTOCOL.md 5.2, over Wycheproof's keys and contexts."""
    labels = (b"key", b"mac", b"s hs", b"derived", b"rekey", b"keystore entry", b"", b"x" * 32)
    for i, (ikm, salt, info, okm, _, where) in enumerate(hkdf_vectors()):
        if not ikm or not okm:
            continue
        label, context, n = labels[i % len(labels)], info[:255], min(len(okm), 255)
        expected = said(python_label(ikm, label, context, n))
        yield ask("expand_label", ikm, label, context, n), expected, where
    for arguments in ((b"k" * 32, b"x" * 33, b"", 32), (b"k" * 32, b"", bytes(256), 32)):
        yield ask("expand_label", *arguments), "MLT_ERR_STATE", "too long"


# ---- scrypt ----


def scrypt_answers_as_rfc_7914_published_within_its_bounds() -> Iterator[Question]:
    path = PYCA / "KDF/scrypt.txt"
    for r in records(path, "DERIVED_KEY"):
        n, cost = int(r["N"]), (int(r["N"]), int(r["r"]), int(r["p"]))
        if n > 1 << 17:
            continue  # 1 GiB; its reason to be refused or not is the same as of the third
        question = ask("scrypt", r["PASSWORD"].encode(), r["SALT"].encode(), *cost)
        # 64 bytes there, 32 here: PBKDF2's first block is the same for both.
        expected = f"ok {r['DERIVED_KEY'][:64]}" if cost[1:] == (8, 1) else "MLT_ERR_RANGE"
        yield question, expected, f"{path.name} {n}"
    for n in 0, 512, 1 << 21, 16383:
        yield ask("scrypt", b"p", b"s", n, 8, 1), "MLT_ERR_RANGE", f"N = {n}"
    for r, p in (8, 2), (9, 1), (8, 0), (0, 1):
        yield ask("scrypt", b"p", b"s", 1024, r, p), "MLT_ERR_RANGE", f"r = {r}, p = {p}"
    # Python's own scrypt, where RFC 7914 has no vector.
    for password, salt in ((b"", b""), (b"x" * 1024, b"s" * 32), (bytes(64), bytes(32))):
        made = hashlib.scrypt(password, salt=salt, n=1024, r=8, p=1, dklen=32)
        yield ask("scrypt", password, salt, 1024, 8, 1), said(made), f"{len(password)} bytes"


# ---- AES-256-CTR ----


def aes_blocks() -> Iterator[tuple[bytes, bytes, bytes, str]]:
    """Key, block in, block out: what ECB vectors say of the block cipher, CTR says of a counter."""
    for kind in ("GFSbox", "KeySbox", "VarKey", "VarTxt", "MMT"):
        path = PYCA / f"ciphers/AES/ECB/ECB{kind}256.rsp"
        for r in records(path, "CIPHERTEXT"):
            if len(r["PLAINTEXT"]) != len(r["CIPHERTEXT"]):
                continue
            key, plain, crypted = (
                bytes.fromhex(r[name]) for name in ("KEY", "PLAINTEXT", "CIPHERTEXT")
            )
            for at in range(0, len(plain), 16):
                where = f"{path.name} {r['COUNT']}"
                yield key, plain[at : at + 16], crypted[at : at + 16], where


def aes_ctr_answers_as_rfc_3686_and_nist_published() -> Iterator[Question]:
    path = PYCA / "ciphers/AES/CTR/aes-256-ctr.txt"
    for r in records(path, "CIPHERTEXT"):
        key, counter, plain = (bytes.fromhex(r[name]) for name in ("KEY", "IV", "PLAINTEXT"))
        yield ask("ctr", key, counter, plain), f"ok {r['CIPHERTEXT'].lower()}", path.name
    for key, block, stream, where in aes_blocks():
        yield ask("ctr", key, block, bytes(16)), said(stream), where


def the_counter_block_of_records_is_sequence_then_zero() -> Iterator[Question]:
    """PROTOCOL.md 3.1, over those NIST blocks that end in eight zeros."""
    for key, block, stream, where in aes_blocks():
        if block[8:] == bytes(8):
            yield ask("crypt", key, block[:8], bytes(16)), said(stream), where


def a_seal_is_made_of_the_parts_the_suites_checked() -> Iterator[Question]:
    """PROTOCOL.md 3.1: keys by Expand-Label, tag by Python; the stream is RFC 3686's cipher."""
    draw = random.Random(3686)
    for size in (0, 1, 15, 16, 17, 31, 32, 33, 255, 1000, 4097, 65536):
        secret, header = draw.randbytes(32), draw.randbytes(size % 7)
        sequence, plain = draw.randbytes(8), draw.randbytes(size)
        mac = python_label(secret, b"mac", b"", 32)

        def judge(
            answer: str, mac: bytes = mac, sequence: bytes = sequence, header: bytes = header,
            size: int = size,
        ) -> bool:
            sealed = bytes.fromhex(answer[3:])
            tag = hmac.digest(mac, sequence + header + sealed[:-32], "sha256")
            return len(sealed) == size + 32 and sealed[size:] == tag

        yield ask("seal", secret, sequence, header, plain), judge, f"{size} bytes"


# ---- Diffie-Hellman ----

GROUPS = {"ffdhe2048": (2048, 560316), "ffdhe3072": (3072, 2625351), "ffdhe4096": (4096, 5736041)}
EXPONENT = {"ffdhe2048": 225, "ffdhe3072": 275, "ffdhe4096": 325}


@functools.cache
def rfc_7919_prime(name: str) -> int:
    """RFC 7919 appendix A: 2^b - 2^(b-64) + (floor(2^(b-130) e) + X) 2^64 - 1."""
    bits, x = GROUPS[name]
    precision = bits + 64
    term = total = 1 << precision
    n = 0
    while term:
        n += 1
        term //= n
        total += term
    e = total >> (precision - (bits - 130))
    return (1 << bits) - (1 << (bits - 64)) + ((e + x) << 64) - 1


def the_groups_are_those_that_rfc_7919_derives_from_e() -> Iterator[Question]:
    for name, (bits, _) in GROUPS.items():
        p = rfc_7919_prime(name)
        wanted = p.to_bytes(bits // 8, "big")
        yield ask("dh_params", name.encode()), f"ok {wanted.hex()} 02", name
        yield ask("dh_group", wanted, b"\2"), f"ok {name}", name


def other_peoples_groups() -> Iterator[tuple[int, int, str]]:
    folder = PYCA / "asymmetric/DH"
    for name, base, last in (
        ("rfc3526.txt", 16, "G"),
        ("RFC5114.txt", 16, "G"),
        ("vec.txt", 10, "G"),
        ("KASValidityTest_FFCStatic_NOKC_ZZOnly_init.fax", 16, "G"),
        ("KASValidityTest_FFCStatic_NOKC_ZZOnly_resp.fax", 16, "G"),
    ):
        for r in records(folder / name, last):
            yield int(r["P"], base), int(r["G"], base), name
    for r in records(folder / "bad_exchange.txt", "Y2"):
        for p in r["P1"], r["P2"]:
            yield int(p), 2, "bad_exchange.txt"
    for path in folder / "dhp.pem", folder / "dhp_rfc5114_2.pem":
        _, body, _ = der_read(pems(path)[0])
        (_, p), (_, g) = der_list(body)[:2]
        yield int.from_bytes(p, "big"), int.from_bytes(g, "big"), path.name


def every_other_public_group_is_refused() -> Iterator[Question]:
    for p, g, where in other_peoples_groups():
        yield ask("dh_group", p, g), "MLT_ERR_GROUP", where
    for name in GROUPS:
        p = rfc_7919_prime(name)
        for other, g in ((p + 2, 2), (p - 2, 2), (p >> 1, 2), (p, 1), (p, 4), (p, 5), (p, p - 1)):
            yield ask("dh_group", other, g), "MLT_ERR_GROUP", name
        padded = b"\0" + p.to_bytes(GROUPS[name][0] // 8, "big")
        yield ask("dh_group", padded, b"\2"), "MLT_ERR_GROUP", f"{name} with a zero in front"
        yield ask("dh_group", padded[1:], b"\0\2"), "MLT_ERR_GROUP", f"{name} with g = 0002"
    for name in b"ffdhe6144", b"ffdhe8192", b"modp_2048", b"FFDHE2048", b"":
        yield ask("dh_params", name), "MLT_ERR_GROUP", repr(name)


def a_public_value_is_taken_if_it_is_in_range_and_of_order_q() -> Iterator[Question]:
    """A square has order q, what it lacks to p has not; NIST's values by Euler's criterion."""
    draw = random.Random(7919)
    (*_, stranger) = records(PYCA / "asymmetric/DH/RFC5114.txt", "Z")
    for name, (bits, _) in GROUPS.items():
        p, size = rfc_7919_prime(name), bits // 8
        values = {y: False for y in (0, 1, p - 1, p, p + 1, p + 4, (1 << bits) - 1)}
        for y in 3, 5, p >> 1, int(stranger["YstatCAVS"], 16), int(stranger["YstatIUT"], 16):
            values[y] = pow(y, p >> 1, p) == 1
        roots = [2, 3, 1 << (bits // 2), (p >> 1) - 1] + [draw.randrange(2, p) for _ in range(16)]
        for root in roots:
            values[root * root % p] = True
            values[p - root * root % p] = False
        for y, good in values.items():
            expected = "ok" if good else "MLT_ERR_DH_VALUE"
            yield ask("dh_check", name.encode(), y.to_bytes(size, "big")), expected, f"{name} {y}"
        for short in b"", b"\4", (4).to_bytes(size - 1, "big"), (4).to_bytes(size + 1, "big"):
            yield ask("dh_check", name.encode(), short), "MLT_ERR_DH_VALUE", f"{name} {len(short)}"


def both_ends_get_the_z_that_python_computes() -> Iterator[Question]:
    """Also where Z, or a public value, begins with zeros: by construction, down to Z = 2."""
    draw = random.Random(5246)
    for name, (bits, _) in GROUPS.items():
        p, size = rfc_7919_prime(name), bits // 8
        q = p >> 1

        def exchange(x: int, y: int, name: str = name, p: int = p, size: int = size) -> Question:
            own = pow(2, x, p).to_bytes(size, "big")
            z = pow(y, x, p).to_bytes(size, "big")
            question = ask("dh_derive", name.encode(), x, own, y.to_bytes(size, "big"))
            return question, f"ok {own.hex()} {z.hex()}", f"{name} {z[:8].hex()}"

        for _ in range(4):
            a, b = (draw.getrandbits(EXPONENT[name]) | 1 for _ in range(2))
            yield exchange(a, pow(2, b, p))
            yield exchange(b, pow(2, a, p))
        # y = z^(1/x), so that Z is the z we want.
        for z in (2, 4, 2 << 50, 1 << (bits - 9), 1 << (bits - 17)):
            x = draw.getrandbits(EXPONENT[name]) | 1
            yield exchange(x, pow(z, pow(x, -1, q), p))
        # y or our own value short.
        yield exchange(draw.getrandbits(EXPONENT[name]) | 1, 4)
        yield exchange(2, pow(2, draw.getrandbits(EXPONENT[name]) | 1, p))


TESTS = [
    (sha256_answers_as_nist_published, 220),
    (hmac_answers_as_wycheproof_and_rfc_4231_published, 75),
    (the_mac_of_records_is_the_same_hmac, 50),
    (hkdf_answers_as_wycheproof_and_rfc_5869_published, 200),
    (expand_label_is_hkdf_with_the_info_of_the_protocol, 100),
    (scrypt_answers_as_rfc_7914_published_within_its_bounds, 11),
    (aes_ctr_answers_as_rfc_3686_and_nist_published, 460),
    (the_counter_block_of_records_is_sequence_then_zero, 330),
    (a_seal_is_made_of_the_parts_the_suites_checked, 12),
    (the_groups_are_those_that_rfc_7919_derives_from_e, 6),
    (every_other_public_group_is_refused, 55),
    (a_public_value_is_taken_if_it_is_in_range_and_of_order_q, 100),
    (both_ends_get_the_z_that_python_computes, 45),
]
