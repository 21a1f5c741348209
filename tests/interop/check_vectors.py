# SPDX-License-Identifier: Apache-2.0
"""Recomputes tests/vectors/*.json with the second implementation.

    check_vectors.py DIRECTORY                  every value; prints how many agree
    check_vectors.py DIRECTORY --perturb EVERY  and again with each EVERY-th value changed in one
                                                digit, which has to be noticed

Values are either taken as input or compared with what follows from the inputs before them; one
that is neither is a failure, and so is a file or a case that nothing here knows.
"""

from __future__ import annotations

import copy
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_der_private_key
from malote_interop import certificates as pki
from malote_interop import ledger, lockbox, mailbox, raw_rsa, revocation, wire
from malote_interop.groups import GROUPS
from malote_interop.schedule import (
    HandshakeSecrets, Transcript, expand_label, finished, invite_proof, next_generation, sha256,
    signed_bytes,
)
from malote_interop.seal import Seal

ROLES = {1: "ca", 2: "server", 3: "client"}
WORDS = {"case", "comment"}  # what is for people
# In the order in which they build on each other.
FILES = ("keys", "certificates", "invite", "messages", "login", "enrol", "records", "alerts",
         "keystore", "mailbox", "leaf", "ledger", "revocation", "renewal")


class Wrong(Exception):
    """A value that is not what follows."""


class Sheet:
    """The values of one case or of one part of it."""

    def __init__(self, values: dict, where: str):
        self.values = values
        self.where = where
        self.used = set(WORDS)

    def has(self, name: str) -> bool:
        return name in self.values

    def take(self, name: str):
        self.used.add(name)
        if name not in self.values:
            raise Wrong(f"{self.where}: no {name}")
        return self.values[name]

    def bytes(self, name: str) -> bytes:
        return bytes.fromhex(self.take(name))

    def part(self, name: str) -> Sheet:
        return Sheet(self.take(name), f"{self.where}: {name}")

    def same(self, name: str, value) -> None:
        """A long value may stand there as its hash and its beginning."""
        if isinstance(value, bytes):
            for other in self.values:
                beginning = re.fullmatch(re.escape(name) + r", first (\d+) bytes", other)
                if beginning:
                    self.same(other, value[: int(beginning[1])].hex())
            if name not in self.values and self.has(f"{name} SHA-256"):
                self.same(f"{name} SHA-256", sha256(value).hex())
                return
            value = value.hex()
        if self.take(name) != value:
            raise Wrong(f"{self.where}: {name}")

    def finish(self) -> int:
        if left := set(self.values) - self.used:
            raise Wrong(f"{self.where}: not recomputed: {', '.join(sorted(left))}")
        return len(self.used - WORDS)


def sealed(sheet: Sheet, under: Seal, header: bytes, plain: bytes) -> bytes:
    """The values that every seal has (3.1); gives header, ciphertext and tag."""
    sheet.same("sequence", under.sequence)
    sheet.same("counter block", wire.uint(under.sequence, 64) + bytes(8))
    whole = under.seal(header, plain)
    sheet.same("plaintext", plain)
    sheet.same("ciphertext", whole[:-32])
    sheet.same("tag", whole[-32:])
    return header + whole


def framed(sheet: Sheet, under: Seal, kind: int, plain: bytes, clear: bytes = b"") -> None:
    header = wire.frame_header(kind, len(clear) + len(plain) + wire.TAG) + clear
    sheet.same("header", header)
    sheet.same("frame", sealed(sheet, under, header, plain))


def secret(sheet: Sheet, name: str, value: bytes) -> Seal:
    """A traffic secret and its two keys (5.2)."""
    seal = Seal(value)
    sheet.same(name, value)
    sheet.same(f"{name} key", seal.key)
    sheet.same(f"{name} mac key", seal.mac_key)
    return seal


def signature(sheet: Sheet, key: bytes, message: bytes) -> bytes:
    numbers = load_der_private_key(key, None).private_numbers()
    made = raw_rsa.sign(numbers.public_numbers.n, numbers.d, message, sheet.bytes("salt"))
    sheet.same("signature", made)
    return made


# ---- one method a file ----


class Vectors:
    """All files, and what those read so far leave for the next."""

    def __init__(self, files: dict[str, dict]):
        self.files = files
        self.compared = 0
        self.private: dict[str, bytes] = {}
        self.issued: dict[str, pki.Certificate] = {}
        self.session: dict[str, bytes] = {}
        self.proven: tuple[bytes, bytes] = (b"", b"")  # invite id and token
        self.under: dict[str, Seal] = {}
        self.chain: lockbox.Keystore
        self.lines: list[str] = []
        self.segment: mailbox.Segment
        self.leaves: list[bytes] = []
        self.heads: dict[str, ledger.Head] = {}
        self.lists: dict[int, bytes] = {}

    def run(self) -> None:
        """Each file by the method of its name, each case of it in order."""
        if set(self.files) != set(FILES):
            raise Wrong(f"files: {' '.join(sorted(set(self.files) ^ set(FILES)))}")
        for name in FILES:
            self.run_file(name)

    def run_file(self, name: str) -> None:
        for n, values in enumerate(self.files[name]["cases"]):
            sheet = Sheet(values, f"{name}: {values['case']}")
            getattr(self, f"check_{name}")(sheet, n)
            self.compared += sheet.finish()

    # -- 14.1, 14.2 --

    def check_keys(self, sheet: Sheet, _: int) -> None:
        private = sheet.bytes("private key")
        key = load_der_private_key(private, None)
        written = key.private_bytes(
            pki.serialization.Encoding.DER, pki.serialization.PrivateFormat.PKCS8,
            pki.serialization.NoEncryption(),
        )
        if written != private:
            raise Wrong(f"{sheet.where}: private key")
        sheet.same("SubjectPublicKeyInfo", pki.spki_of(key))
        sheet.same("fingerprint", pki.fingerprint(pki.spki_of(key)))
        self.private[sheet.take("case")] = private

    def check_certificates(self, sheet: Sheet, _: int) -> None:
        name = sheet.take("case")
        spki = sheet.bytes("SubjectPublicKeyInfo")
        ca = pki.spki_of(load_der_private_key(self.private["ca"], None))
        made = pki.Certificate(
            ROLES[sheet.take("role")], sheet.take("name"), sheet.take("realm"),
            int.from_bytes(sheet.bytes("serial"), "big"), sheet.take("notBefore, s"),
            sheet.take("notAfter, s"), spki, pki.key_id(ca),
        )
        holder = {"CA": "ca", "enrolled": "enrolling"}.get(name, name)
        if spki != pki.spki_of(load_der_private_key(self.private[holder], None)):
            raise Wrong(f"{sheet.where}: SubjectPublicKeyInfo")
        sheet.same("TBSCertificate", made.tbs())
        made.signature = signature(sheet, self.private["ca"], made.tbs())
        sheet.same("DER", made.encode())
        self.issued[name] = made

    # -- 5.5, 12 --

    def check_invite(self, sheet: Sheet, _: int) -> None:
        if sheet.has("proof"):
            ca, key = sheet.bytes("CA fingerprint"), sheet.bytes("client key's fingerprint")
            name, realm = sheet.take("name").encode(), sheet.take("realm").encode()
            token = sheet.bytes("token")
            sheet.same("proof", invite_proof(token, ca, name, realm, key))
            sheet.same(
                "proof input",
                b"malote v1 invite\0" + ca + wire.vec(name, 8) + wire.vec(realm, 8) + key,
            )
            self.proven = sheet.bytes("invite id"), token
            return
        url = wire.JoinUrl(
            sheet.take("host"), sheet.take("port"), sheet.bytes("CA fingerprint"),
            sheet.take("name") if sheet.has("name") else None,
        )
        if sheet.has("invite id"):
            url.invite, url.token = sheet.bytes("invite id"), sheet.bytes("token")
            if (url.invite, url.token) != self.proven:
                raise Wrong(f"{sheet.where}: another invite than the one with a proof")
        sheet.same("URL", str(url))
        if wire.JoinUrl.parse(str(url)) != url:
            raise Wrong(f"{sheet.where}: URL")

    # -- 7, 8 --

    def envelope(self, sheet: Sheet) -> wire.Send:
        return wire.Send(
            sheet.bytes("id"), wire.Address(sheet.take("recipient").encode()),
            int.from_bytes(sheet.bytes("epoch"), "big"), sheet.take("number"),
            flags=sheet.take("flags"), body=sheet.bytes("message"),
        )

    def check_messages(self, sheet: Sheet, _: int) -> None:
        kind = sheet.take("case").split(",")[0]
        if kind == "SEND":
            made = self.envelope(sheet)
        elif kind == "DELIVER":
            sender = wire.Address(sheet.take("sender").encode())
            made = wire.Deliver(sender, sheet.take("time, ms"), self.envelope(sheet))
        elif kind == "RECEIPT":
            sender = wire.Address(sheet.take("sender").encode())
            made = wire.Receipt(sender, sheet.bytes("id"), sheet.take("state"))
        elif kind == "OUTCOME":
            made = wire.Outcome(
                sheet.bytes("id"), sheet.take("state"), sheet.take("reason"), sheet.take("kept")
            )
        elif kind == "NOTED":
            made = wire.Noted(sheet.bytes("id"), sheet.take("state"))
        elif kind == "CLOSE":
            made = wire.Close(sheet.take("reason"))
        elif kind == "WELCOME":
            made = wire.Welcome(
                sheet.take("result"), sheet.take("reason"), sheet.take("retry after, s"),
                sheet.bytes("certificate"), sheet.bytes("ledger head"), sheet.take("CRL number"),
                sheet.take("server time, ms"), sheet.take("largest body"),
                sheet.take("silence, ms"), sheet.take("features"),
            )
        else:
            raise Wrong(f"{sheet.where}: unknown")
        sheet.same("body", made.encode())
        if type(made).decode(made.encode()) != made:
            raise Wrong(f"{sheet.where}: does not read back")

    # -- 4, 5 --

    def check_login(self, sheet: Sheet, _: int) -> None:
        given = sheet.part("given")
        parts = {name: sheet.part(name) for name in (
            "ServerHello", "ClientHello", "keys", "ServerAuth", "ClientAuth", "session", "Welcome"
        )}
        transcript = Transcript()
        group = GROUPS[int(given.take("group").removeprefix("ffdhe"))]
        offers = wire.TypedList()
        if given.has("nonce"):
            offers.entries.append((wire.MAILBOX_NONCE, given.bytes("nonce")))
        hello = wire.ServerHello(
            given.bytes("server random"), group.left_pad(group.p), bytes([group.g]), offers
        )
        frame = wire.frame(wire.SERVER_HELLO, hello.encode())
        parts["ServerHello"].same("frame", frame)
        transcript.add(frame)

        x_c, x_s = (int.from_bytes(given.bytes(name), "big") for name in ("x_c", "x_s"))
        yc, ys = group.pair(x_c)[1], group.pair(x_s)[1]
        parts["ClientHello"].same("Yc", yc)
        client_hello = wire.ClientHello(given.bytes("client random"), yc)
        frame = wire.frame(wire.CLIENT_HELLO, client_hello.encode())
        parts["ClientHello"].same("frame", frame)
        transcript.add(frame)

        secrets = self.server_auth(given, parts, transcript, group, x_s, yc, ys)
        self.client_auth(given, parts["ClientAuth"], transcript, secrets)

        th2 = transcript.hash()
        session = parts["session"]
        session.same("th2", th2)
        server, client = secrets.session(th2)
        under = secret(session, "s_ap[0]", server)
        secret(session, "c_ap[0]", client)
        self.welcome(given, parts["Welcome"], under)
        if not self.session:
            self.session = {"s_hs": secrets.server, "c_hs": secrets.client, "s_ap[0]": server,
                            "c_ap[0]": client}
        self.compared += sum(part.finish() for part in (given, *parts.values()))

    def server_auth(self, given, parts, transcript, group, x_s, yc, ys) -> HandshakeSecrets:
        keys, sheet = parts["keys"], parts["ServerAuth"]
        key = given.bytes("server private key")
        ca, certificate = given.bytes("CA certificate"), given.bytes("server certificate")
        made = pki.check_ca(ca, given.bytes("CA fingerprint"), given.take("time, ms") / 1000)
        if made.realm != given.take("realm"):
            raise Wrong(f"{given.where}: realm")
        leaf = pki.check_leaf(certificate, "server", made, given.take("time, ms") / 1000)
        if leaf.spki != pki.spki_of(load_der_private_key(key, None)):
            raise Wrong(f"{given.where}: server private key")
        auth = wire.ServerAuth(ca, certificate)
        clear = wire.vec(ys, 16)
        size_of_signature = pki.key_numbers(leaf.spki)[0].bit_length() // 8
        size = len(clear) + len(auth.encode_signed()) + 2 + size_of_signature + 32 + wire.TAG
        transcript.add(wire.frame_header(wire.SERVER_AUTH, size), clear)
        z = group.shared(x_s, yc)
        keys.same("Ys", ys)
        keys.same("Z", z)
        keys.same("th1", transcript.hash())
        secrets = HandshakeSecrets.derive(z, transcript.hash())
        keys.same("hs", secrets.hs)
        under = secret(keys, "s_hs", secrets.server)
        secret(keys, "c_hs", secrets.client)
        keys.same("derived", expand_label(secrets.hs, "derived"))
        keys.same("master", secrets.master)

        sheet.same("CA certificate ... typed list", auth.encode_signed())
        transcript.add(auth.encode_signed())
        sheet.same("T(ServerHello ... typed list)", transcript.hash())
        self.proofs(sheet, auth, transcript, "server", key, secrets.server)
        framed(sheet, under, wire.SERVER_AUTH, auth.encode(), clear)
        return secrets

    def client_auth(self, given, sheet, transcript, secrets) -> None:
        kind = given.take("kind")
        key = given.bytes("client private key")
        auth = wire.ClientAuth(kind, features=given.take("features"))
        if kind == wire.ENROL:
            self.enrolment(given, sheet, auth, key)
        else:
            auth.certificate = given.bytes("client certificate")
            pki_ca = pki.check_ca(
                given.bytes("CA certificate"), given.bytes("CA fingerprint"),
                given.take("time, ms") / 1000,
            )
            leaf = pki.check_leaf(auth.certificate, "client", pki_ca, given.take("time, ms") / 1000)
            if leaf.spki != pki.spki_of(load_der_private_key(key, None)):
                raise Wrong(f"{given.where}: client private key")
        header = wire.frame_header(wire.CLIENT_AUTH, wire.CLIENT_AUTH_PLAIN + wire.TAG)
        transcript.add(header, auth.encode_signed())
        sheet.same("kind ... features", auth.encode_signed())
        sheet.same("T(ServerHello ... features)", transcript.hash())
        self.proofs(sheet, auth, transcript, "client", key, secrets.client)
        framed(sheet, Seal(secrets.client), wire.CLIENT_AUTH, auth.encode_padded())

    def proofs(self, sheet, auth, transcript, role, key, traffic) -> None:
        """Signature and Finished (5.3, 5.4)."""
        message = signed_bytes(role, transcript.hash())
        sheet.same("signed message", message)
        auth.signature = signature(sheet, key, message)
        transcript.add(wire.vec(auth.signature, 16))
        sheet.same("T(ServerHello ... signature)", transcript.hash())
        sheet.same("finished key", expand_label(traffic, "finished"))
        auth.finished = finished(traffic, transcript.hash())
        sheet.same("finished", auth.finished)
        transcript.add(auth.finished)

    def enrolment(self, given: Sheet, sheet: Sheet, auth: wire.ClientAuth, key: bytes) -> None:
        """Request and invite proof (11.3, 5.5)."""
        spki = pki.spki_of(load_der_private_key(key, None))
        auth.name = given.take("client name").encode()
        request = sheet.part("request")
        info = pki.der(
            pki.SEQUENCE, pki.der_integer(0), pki.person(auth.name.decode()), spki, pki.der(0xA0)
        )
        request.same("CertificationRequestInfo", info)
        signed = signature(request, key, info)
        auth.request = pki.der(pki.SEQUENCE, info, pki.RSA_PSS, pki.der_bits(signed))
        request.same("DER", auth.request)
        self.compared += request.finish()
        auth.invite, ca = given.bytes("invite id"), given.bytes("CA fingerprint")
        realm, finger = given.take("realm").encode(), pki.fingerprint(spki)
        auth.proof = invite_proof(given.bytes("token"), ca, auth.name, realm, finger)
        sheet.same("proof", auth.proof)
        sheet.same(
            "proof input",
            b"malote v1 invite\0" + ca + wire.vec(auth.name, 8) + wire.vec(realm, 8) + finger,
        )

    def welcome(self, given: Sheet, sheet: Sheet, under: Seal) -> None:
        kind = given.take("kind")
        answer = wire.Welcome(wire.LOGGED_IN, server_time=given.take("time, ms"))
        if kind == wire.ENROL:
            answer.result = wire.ISSUED
            answer.certificate = self.issued["enrolled"].encode()
        framed(sheet, under, wire.RECORD, bytes([wire.WELCOME]) + answer.encode())

    check_enrol = check_login

    # -- 6 --

    def check_records(self, sheet: Sheet, _: int) -> None:
        if sheet.take("case") == "secrets":
            for name in ("s_ap[0]", "c_ap[0]"):
                self.under[name] = secret(sheet, name, self.session[name])
            return
        name = sheet.take("under")
        under = self.under[name]
        if sheet.has("plaintext"):
            plain = sheet.bytes("plaintext")
        else:
            head = sheet.bytes("plaintext, first 48 bytes")
            plain = head[:47] + bytes(i % 251 for i in range(wire.LARGEST_BODY))
        kind, body = plain[0], plain[1:]
        least, most, _ = wire.RECORD_BODIES[kind]
        readers = {wire.WELCOME: wire.Welcome, wire.SEND: wire.Send, wire.DELIVER: wire.Deliver,
                   wire.OUTCOME: wire.Outcome, wire.RECEIPT: wire.Receipt,
                   wire.NOTED: wire.Noted, wire.CLOSE: wire.Close}
        if not least <= len(body) <= most:
            raise Wrong(f"{sheet.where}: length")
        if kind in readers and readers[kind].decode(body).encode() != body:
            raise Wrong(f"{sheet.where}: does not read back")
        framed(sheet, under, wire.RECORD, plain)
        if kind == wire.REKEY:
            following = f"{name[:5]}{int(name[5:-1]) + 1}]"
            self.under[following] = secret(sheet, following, next_generation(under.secret))

    # -- 3.3 --

    def check_alerts(self, sheet: Sheet, _: int) -> None:
        if not sheet.has("under"):
            sheet.same("frame", wire.frame(wire.ALERT, b"\1"))
            return
        sheet.same("secret", self.session[sheet.take("under")])
        under = Seal(sheet.bytes("secret"))
        under.sequence = sheet.take("sequence")
        after_one = ("server, after ServerAuth", "client, after ClientAuth")
        if under.sequence != (sheet.take("case") in after_one):
            raise Wrong(f"{sheet.where}: sequence")
        framed(sheet, under, wire.ALERT, b"\1")

    # -- 9, 10 --

    def check_keystore(self, sheet: Sheet, n: int) -> None:
        case = sheet.take("case")
        if sheet.has("passphrase"):
            self.lockbox(sheet, "keystore" if case.startswith("keystore") else "key")
        elif sheet.has("file"):
            sheet.same("file", "".join(line + "\n" for line in self.lines))
            sheet.same("mark", wire.uint(len(self.lines) - 1, 64) + self.chain.mac)
        else:
            self.entry(sheet, case)

    def lockbox(self, sheet: Sheet, what: str) -> None:
        passphrase, salt = sheet.take("passphrase").encode(), sheet.bytes("salt")
        n, r, p = (sheet.take(name) for name in ("N", "r", "p"))
        under = secret(sheet, "stretched", lockbox.stretch(passphrase, salt, n, r, p))
        held = sheet.bytes("plaintext")
        line = lockbox.seal_lockbox(what, passphrase, salt, n, held)
        header = line[: line.rindex(" ", 0, line.rindex(" ")) + 1]
        sheet.same("header", header)
        sealed(sheet, under, header.encode(), held)
        sheet.same("line", line)
        if lockbox.open_lockbox(what, passphrase, line) != held:
            raise Wrong(f"{sheet.where}: does not open")
        if what == "keystore":
            self.chain = lockbox.Keystore(held, line)
            self.lines = [line]
            sheet.same("chain key", self.chain.chain_key)
            sheet.same("mac[0]", self.chain.mac)
        elif held != self.private["client"]:
            raise Wrong(f"{sheet.where}: plaintext")

    def entry(self, sheet: Sheet, kind: str) -> None:
        salt, held = sheet.bytes("salt"), sheet.bytes("plaintext")
        under = secret(sheet, "entry secret", self.chain.seal_for(salt).secret)
        name = sheet.take("header").split(" ")[1]
        header = f"{kind} {name} {salt.hex()} "
        sheet.same("header", header)
        sealed(sheet, under, header.encode(), held)
        line = self.chain.line(lockbox.Entry(kind, name, salt, held))
        sheet.same(f"mac[{len(self.lines)}]", self.chain.mac)
        sheet.same("line", line)
        self.lines.append(line)

    def check_mailbox(self, sheet: Sheet, n: int) -> None:
        recipient = sheet.take("recipient").encode()
        if sheet.has("wrapped"):
            key, segment = sheet.bytes("mailbox private key"), sheet.bytes("segment")
            label = mailbox.label(recipient, segment)
            sheet.same("label", label)
            first = sheet.bytes("chain[0]")
            public = load_der_private_key(key, None).public_key().public_numbers()
            wrapped = raw_rsa.wrap(public.n, public.e, label, sheet.bytes("seed"), first)
            sheet.same("wrapped", wrapped)
            sheet.same("proof", expand_label(first, "mailbox proof", b"", 16))
            self.segment = mailbox.Segment.unwrap(
                load_der_private_key(key, None), recipient, segment, wrapped
            )
            return
        segment, index = self.segment, sheet.take("index")
        sender, message = sheet.take("sender").encode(), sheet.bytes("id")
        sheet.same("segment", segment.id)
        if (index, recipient) != (n - 1, segment.recipient):
            raise Wrong(f"{sheet.where}: index or recipient")
        under = secret(sheet, f"secret[{index}]", segment.secret(index))
        plain = sheet.bytes("plaintext")
        header = segment.header(index, sender, message)
        sheet.same("header", header)
        whole = sealed(sheet, under, header, plain)[len(header) :]
        if segment.open(index, sender, message, whole) != plain:
            raise Wrong(f"{sheet.where}: does not open")
        held = wire.Deliver.decode(plain)
        if (held.sender.name, held.send.id) != (sender, message):
            raise Wrong(f"{sheet.where}: sender or id")
        sheet.same(f"chain[{index + 1}]", segment.chain(index + 1))

    def check_leaf(self, sheet: Sheet, n: int) -> None:
        holder = {"root": "CA"}.get(sheet.take("case"), sheet.take("case"))
        issued = self.issued[holder]
        sheet.same("position", n)
        sheet.same("TBSCertificate SHA-256", sha256(issued.tbs()))
        sheet.same("name", issued.name)
        sheet.same("key fingerprint", pki.fingerprint(issued.spki))
        sheet.same("kind", ledger.LEAF_KIND[issued.role])
        sheet.same("serial", issued.serial.to_bytes(16, "big"))
        leaf = ledger.Leaf(
            sha256(issued.tbs()), issued.name.encode(), pki.fingerprint(issued.spki), issued.role,
            issued.serial, sheet.take("time, s"),
        ).encode()
        sheet.same("leaf", leaf)
        sheet.same("leaf hash", ledger.leaf_hash(leaf))

    # -- 10, 11.4, 11.5 --

    def statement(self, sheet: Sheet, purpose: str, key: str, part: bytes) -> bytes:
        """Fingerprint, digest, signature."""
        ca = pki.fingerprint(pki.spki_of(load_der_private_key(self.private["ca"], None)))
        sheet.same("CA fingerprint", ca)
        sheet.same("digest", sha256(ca, part))
        message = ledger.statement(purpose, sha256(ca, part))
        return signature(sheet, self.private[key], message)

    def check_ledger(self, sheet: Sheet, _: int) -> None:
        case = sheet.take("case")
        if case == "leaves":
            self.read_leaves(sheet)
        elif case.endswith(" head"):
            head = ledger.Head(sheet.take("epoch, s"), sheet.take("base"), sheet.take("size"),
                               sheet.bytes("root"), sheet.take("time, s"))
            if head.root != self.root(head.size):
                raise Wrong(f"{sheet.where}: root")
            head.signature = self.statement(sheet, "ledger head", "ca", head.signed_part())
            sheet.same("signed head", head.encode())
            if ledger.Head.decode(head.encode()) != head:
                raise Wrong(f"{sheet.where}: does not read back")
            self.heads[case] = head
        elif case.startswith("consistency"):
            first, last = sheet.take("from"), sheet.take("to")
            proof = self.consistency(first, last)
            sheet.same("hashes", b"".join(proof))
            if not ledger.is_consistent((first, self.root(first)), (last, self.root(last)), proof):
                raise Wrong(f"{sheet.where}: does not prove it")
        elif case.startswith("LEAVES"):
            first = sheet.take("first")
            some = b"".join(wire.vec(leaf, 8) for leaf in self.leaves[first:])
            sheet.same("body", wire.uint(1, 8) + wire.uint(first, 64) + wire.vec(some, 24))
        elif case == "PROOF":
            older, newer = self.heads["older head"], self.heads["newer head"]
            hashes = b"".join(self.consistency(older.size, newer.size))
            body = wire.uint(1, 8) + wire.vec(newer.encode(), 16) + wire.vec(hashes, 16)
            sheet.same("body", body)
        else:
            raise Wrong(f"{sheet.where}: unknown")

    def read_leaves(self, sheet: Sheet) -> None:
        """The first four are certificates, the others lists of which only the number is known."""
        ca = pki.fingerprint(self.issued["CA"].spki)
        for n, issued in enumerate(self.issued[name] for name in
                                   ("CA", "server", "client", "enrolled")):
            leaf = ledger.Leaf.decode(sheet.bytes(f"leaf {n}"))
            if leaf != ledger.Leaf(sha256(issued.tbs()), issued.name.encode(),
                                   pki.fingerprint(issued.spki), issued.role, issued.serial,
                                   issued.not_before + 300):
                raise Wrong(f"{sheet.where}: leaf {n}")
            self.leaves.append(leaf.encode())
        while sheet.has(f"leaf {len(self.leaves)}"):
            number = len(self.leaves) - 3
            leaf = ledger.Leaf(sha256(wire.uint(number, 64)), b"", ca, "crl", number,
                               1795359274 + number * pki.DAY)
            sheet.same(f"leaf {len(self.leaves)}", leaf.encode())
            self.leaves.append(leaf.encode())
        for n, leaf in enumerate(self.leaves):
            sheet.same(f"leaf hash {n}", ledger.leaf_hash(leaf))
            sheet.same(f"root of {n + 1}", self.root(n + 1))

    def hashes(self, size: int) -> list[bytes]:
        if not 1 <= size <= len(self.leaves):
            raise Wrong(f"ledger: no tree of {size} leaves")
        return [ledger.leaf_hash(leaf) for leaf in self.leaves[:size]]

    def root(self, size: int) -> bytes:
        return ledger.root_of(self.hashes(size))

    def consistency(self, first: int, last: int) -> list[bytes]:
        return ledger.consistency(self.hashes(last), first)

    def check_revocation(self, sheet: Sheet, _: int) -> None:
        case = sheet.take("case")
        if case in ("CRL", "CRL without entries"):
            self.revocation_list(sheet)
        elif case.startswith("REVOKED"):
            serials = sheet.bytes("serials")
            notice = revocation.Notice(
                sheet.take("number"), sheet.take("this update, s"), sheet.take("next update, s"),
                [serials[at : at + 16] for at in range(0, len(serials), 16)],
            )
            notice.signature = self.statement(sheet, "revocation", "ca", notice.signed_part())
            sheet.same("body", notice.encode())
            if revocation.Notice.decode(notice.encode()) != notice:
                raise Wrong(f"{sheet.where}: does not read back")
        elif case == "CRL_WANTED":
            sheet.same("body", wire.uint(sheet.take("have"), 64))
        elif case.startswith("CRL record"):
            number, offset = sheet.take("number"), sheet.take("offset")
            whole = self.lists[number]
            sheet.same("total", len(whole))
            head = wire.uint(number, 64) + wire.uint(offset, 32) + wire.uint(len(whole), 32)
            sheet.same("body", head + wire.vec(whole[offset:], 24))
        else:
            raise Wrong(f"{sheet.where}: unknown")

    def revocation_list(self, sheet: Sheet) -> None:
        ca = self.issued["CA"]
        made = revocation.RevocationList(
            sheet.take("realm"), pki.key_id(ca.spki), sheet.take("number"),
            sheet.take("thisUpdate, s"), sheet.take("nextUpdate, s"),
        )
        while sheet.has(f"entry {len(made.entries)}"):
            entry = sheet.part(f"entry {len(made.entries)}")
            made.entries.append(revocation.Entry(
                int.from_bytes(entry.bytes("serial"), "big"), entry.take("revoked, s"),
                entry.take("reason"),
            ))
            self.compared += entry.finish()
        signed = sheet.part("signed")
        signed.same("TBSCertList", made.tbs())
        made.signature = signature(signed, self.private["ca"], made.tbs())
        signed.same("DER", made.encode())
        self.compared += signed.finish()
        if revocation.read_list(made.encode(), ca).entries != made.entries:
            raise Wrong(f"{sheet.where}: does not read back")
        self.lists[made.number] = made.encode()

    def check_renewal(self, sheet: Sheet, _: int) -> None:
        if sheet.take("case") == "RENEW":
            serial = sheet.bytes("serial")
            if int.from_bytes(serial, "big") != self.issued["client"].serial:
                raise Wrong(f"{sheet.where}: serial")
            made = self.statement(sheet, "renewal", "client", serial)
            sheet.same("body", serial + wire.vec(made, 16))
            return
        certificate = sheet.bytes("certificate")
        if certificate not in (b"", self.issued["client"].encode()):
            raise Wrong(f"{sheet.where}: certificate")
        sheet.same("body", b"".join((
            wire.uint(sheet.take("result"), 8), wire.uint(sheet.take("reason"), 8),
            wire.uint(sheet.take("retry after, s"), 32), wire.vec(certificate, 16),
        )))


# ---- perturbation ----


def values_of(part: dict | list, path: tuple = ()) -> Iterator[tuple]:
    """The path of every value that is not for people."""
    items = part.items() if isinstance(part, dict) else enumerate(part)
    for key, value in items:
        if isinstance(value, (dict, list)):
            yield from values_of(value, (*path, key))
        elif key not in WORDS and value != "":
            yield (*path, key)


def changed(value):
    """The value with one digit or letter another."""
    if isinstance(value, int):
        return value + 1
    at = len(value) // 3
    other = "0" if value[at] != "0" else "1"
    return value[:at] + other + value[at + 1 :]


def perturb(files: dict[str, dict], every: int) -> int:
    """Changes each `every`-th value and says how many; the first change that is not noticed ends
    it.  A file is read again with all that the files before it left behind."""
    tried = 0
    before = Vectors(files)
    for name in FILES:
        for n, path in enumerate(values_of(files[name]["cases"])):
            if n % every:
                continue
            cases = copy.deepcopy(files[name]["cases"])
            part = cases
            for key in path[:-1]:
                part = part[key]
            part[path[-1]] = changed(part[path[-1]])
            again = copy.deepcopy(before)
            again.files = {name: {"cases": cases}}
            try:
                again.run_file(name)
            except Exception:  # whatever it breaks, it is noticed
                tried += 1
                continue
            raise Wrong(f"{name}: a change of {path} goes unnoticed")
        before.run_file(name)
    return tried


def main() -> None:
    directory, *options = sys.argv[1:]
    files = {path.stem: json.loads(path.read_text()) for path in Path(directory).glob("*.json")}
    try:
        vectors = Vectors(files)
        vectors.run()
        print(f"{vectors.compared} values agree")
        if options:
            print(f"{perturb(files, int(options[1]))} changed values are noticed")
    except Wrong as wrong:
        sys.exit(f"{wrong}")


main()
