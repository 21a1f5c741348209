# SPDX-License-Identifier: Apache-2.0
"""The client: its side of the handshake (4), enrolling, and talking in a session."""

from __future__ import annotations

import hmac
import json
import secrets
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from . import certificates as pki
from . import wire
from .errors import Refused
from .groups import Group, find_group
from .membership import Membership
from .schedule import HandshakeSecrets, Transcript, finished, invite_proof, signed_bytes
from .seal import Seal
from .session import Line, Session, open_alert, send_alert


class ClientHandshake:
    """One connection up to Welcome.  The steps are methods, so that a hostile client can differ
    in one of them."""

    least_bits = 3072
    role = "client"
    revoked: frozenset[bytes] | set[bytes] = frozenset()  # serials

    def __init__(self, host: str, port: int, pin: bytes, patience: float = 30):
        self.pin = pin
        self.line = Line(socket.create_connection((host, port), patience))
        self.line.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.transcript = Transcript()
        self.group: Group
        self.secrets: HandshakeSecrets
        self.outward: Seal | None = None  # c_hs, once there are keys
        self.inward: Seal | None = None  # s_hs
        self.ca: pki.Certificate
        self.id = ""

    # -- ServerHello, ClientHello --

    def expect(self, wanted: int) -> tuple[bytes, bytes]:
        kind, header, body = self.line.read_frame()
        if kind == wire.ALERT:
            raise open_alert(header, body, self.inward)
        if kind != wanted:
            raise Refused(f"a frame of type {kind} instead of {wanted}")
        return header, body

    def read_server_hello(self) -> wire.ServerHello:
        header, body = self.expect(wire.SERVER_HELLO)
        hello = wire.ServerHello.decode(body)
        self.group = find_group(hello.p, hello.g, self.least_bits)
        self.id = hello.random[:4].hex()
        self.transcript.add(header, body)
        return hello

    def send_client_hello(self) -> None:
        self.exponent, public = self.group.pair()
        hello = wire.frame(
            wire.CLIENT_HELLO, wire.ClientHello(secrets.token_bytes(32), public).encode()
        )
        self.transcript.add(hello)
        self.line.write(hello)

    # -- ServerAuth --

    def read_server_auth(self) -> wire.ServerAuth:
        header, body = self.expect(wire.SERVER_AUTH)
        reader = wire.Reader(body)
        public = reader.vec(16, self.group.size, self.group.size)
        clear, sealed = body[: reader.at], reader.rest()
        self.group.check_public(public)
        self.derive(public, header + clear)
        auth = wire.ServerAuth.decode(self.inward.open(header + clear, sealed))
        self.verify_server(auth)
        return auth

    def derive(self, public: bytes, clear: bytes) -> None:
        self.transcript.add(clear)
        z = self.group.shared(self.exponent, public)
        self.secrets = HandshakeSecrets.derive(z, self.transcript.hash())
        self.outward, self.inward = Seal(self.secrets.client), Seal(self.secrets.server)

    def verify_server(self, auth: wire.ServerAuth) -> None:
        """In the order of 4.3; the transcript grows as far as each proof covers it."""
        now = time.time()
        self.ca = pki.check_ca(auth.ca, self.pin, now)
        server = pki.check_leaf(auth.certificate, "server", self.ca, now)
        self.transcript.add(auth.encode_signed())
        if not pki.verify(
            server.spki, auth.signature, signed_bytes("server", self.transcript.hash())
        ):
            raise Refused("a handshake signature that does not verify")
        if server.serial.to_bytes(16, "big") in self.revoked:
            raise pki.BadCertificate("revoked")
        self.transcript.add(wire.vec(auth.signature, 16))
        expected = finished(self.secrets.server, self.transcript.hash())
        if not hmac.compare_digest(auth.finished, expected):
            raise Refused("a Finished that does not verify")
        self.transcript.add(auth.finished)

    # -- ClientAuth, Welcome --

    def sign(self, key: rsa.RSAPrivateKey) -> bytes:
        return pki.sign(key, signed_bytes(self.role, self.transcript.hash()))

    def send_client_auth(self, auth: wire.ClientAuth, key: rsa.RSAPrivateKey) -> None:
        header = wire.frame_header(wire.CLIENT_AUTH, wire.CLIENT_AUTH_PLAIN + wire.TAG)
        self.transcript.add(header, auth.encode_signed())
        auth.signature = self.sign(key)
        self.transcript.add(wire.vec(auth.signature, 16))
        auth.finished = finished(self.secrets.client, self.transcript.hash())
        self.transcript.add(auth.finished)
        self.line.write(header + self.outward.seal(header, auth.encode_padded()))
        server, client = self.secrets.session(self.transcript.hash())
        self.session = Session(self.line, "client", client, server)

    def read_welcome(self) -> wire.Welcome:
        """The first record; until it is there a sealed alert comes under s_hs (3.3)."""
        kind, header, body = self.line.read_frame()
        if kind == wire.ALERT:
            raise open_alert(header, body, self.inward)
        if kind != wire.RECORD:
            raise Refused(f"a frame of type {kind} instead of Welcome")
        kind, content = self.session.inward.open(header, body)
        if kind != wire.WELCOME:
            raise Refused(f"a record of kind {kind} instead of Welcome")
        return wire.Welcome.decode(content)

    # -- the whole --

    def meet(self) -> None:
        """Up to the server's proof; whatever it breaks is told to it."""
        try:
            self.read_server_hello()
            self.send_client_hello()
            self.read_server_auth()
        except Refused as refused:
            send_alert(self.line, refused.alert, self.outward)
            self.line.close()
            raise

    def login(self, identity: Identity, kind: int) -> wire.Welcome:
        if pki.read_parts(identity.certificate).issuer != pki.ca_name(self.ca.realm):
            raise Refused("a CA of another realm")
        auth = wire.ClientAuth(kind, certificate=identity.certificate)
        self.send_client_auth(auth, identity.key)
        welcome = self.read_welcome()
        if welcome.result in (wire.ISSUED, wire.PENDING):
            raise Refused("a Welcome that answers no LOGIN")
        return welcome

    def enrolment(self, name: str, key: rsa.RSAPrivateKey, invite: bytes = b"",
                  token: bytes = b"") -> wire.ClientAuth:
        request = pki.make_request(name, key)
        auth = wire.ClientAuth(wire.ENROL, name=name.encode(), request=request)
        if invite:
            auth.invite = invite
            auth.proof = invite_proof(
                token, self.pin, name.encode(), self.ca.realm.encode(),
                pki.fingerprint(pki.spki_of(key)),
            )
        return auth

    def enrol(self, name: str, key: rsa.RSAPrivateKey, invite: bytes = b"",
              token: bytes = b"") -> wire.Welcome:
        self.send_client_auth(self.enrolment(name, key, invite, token), key)
        welcome = self.read_welcome()
        if welcome.result == wire.LOGGED_IN:
            raise Refused("a Welcome that answers no ENROL")
        if welcome.result == wire.ISSUED:
            issued = pki.check_leaf(welcome.certificate, "client", self.ca, time.time())
            if issued.name != name or issued.spki != pki.spki_of(key):
                raise Refused("a certificate for somebody else")
        return welcome


@dataclass
class Identity:
    """Who a client is and where its server is; kept as files of a directory."""

    host: str
    port: int
    pin: bytes
    name: str
    key: rsa.RSAPrivateKey
    certificate: bytes

    def save(self, home: Path) -> None:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        (home / "key").write_bytes(self.key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ))
        (home / "certificate").write_bytes(self.certificate)
        (home / "server").write_text(json.dumps(
            {"host": self.host, "port": self.port, "pin": self.pin.hex(), "name": self.name}
        ))

    @classmethod
    def load(cls, home: Path) -> Identity:
        server = json.loads((home / "server").read_text())
        key = serialization.load_der_private_key((home / "key").read_bytes(), None)
        return cls(
            server["host"], server["port"], bytes.fromhex(server["pin"]), server["name"], key,
            (home / "certificate").read_bytes(),
        )


def join(url: wire.JoinUrl, name: str, key: rsa.RSAPrivateKey) -> tuple[wire.Welcome, Identity]:
    """Enrols by a join URL, with its invite where it carries one."""
    connection = ClientHandshake(url.host, url.port, url.pin)
    connection.meet()
    welcome = connection.enrol(name, key, url.invite, url.token)
    connection.line.close()
    return welcome, Identity(url.host, url.port, url.pin, name, key, welcome.certificate)


class NotLoggedIn(Exception):
    """The server refused; `welcome` says why."""

    def __init__(self, welcome: wire.Welcome):
        super().__init__(f"refused, reason {welcome.reason}")
        self.welcome = welcome


class Conversation(Membership):
    """A session of somebody who is logged in: messages, outcomes, receipts, notices (7, 8).

    A message is `under_way` until its SEND is answered, and `stored` from that answer on until it
    has a final one; then, or after a passing one, its outcome lies in `outcomes`.
    """

    receipts = True  # say RECEIPT delivered as soon as a message is there
    notes = True  # say NOTED as soon as a kept outcome is there
    opens = (wire.LOGGED_IN,)  # results of Welcome

    def __init__(self, identity: Identity, kind: int, handshake=ClientHandshake):
        super().__init__()
        connection = handshake(identity.host, identity.port, identity.pin)
        connection.meet()
        self.welcome = connection.login(identity, kind)
        if self.welcome.result not in self.opens:
            raise NotLoggedIn(self.welcome)
        self.name = identity.name
        self.ca = connection.ca
        self.session = connection.session
        self.id = connection.id
        self.epoch = secrets.randbits(64)
        self.numbers: dict[str, int] = {}
        self.seen: set[tuple[str, bytes]] = set()  # (sender, id), as a store has them
        self.inbox: list[wire.Deliver] = []
        self.again = 0  # messages that came and were there already
        self.under_way: set[bytes] = set()
        self.stored: set[bytes] = set()
        self.outcomes: dict[bytes, wire.Outcome] = {}
        self.notices: list[wire.Outcome] = []  # kept ones, in the order they came
        self.pongs = 0

    def step(self) -> int:
        """Takes one record in, does what it asks for, and says its kind."""
        try:
            kind, body = self.session.receive()
            if kind == wire.DELIVER:
                self.delivered(wire.Deliver.decode(body))
            elif kind == wire.OUTCOME:
                self.told(wire.Outcome.decode(body))
            elif kind == wire.PING:
                self.session.send(wire.PONG)
            elif kind == wire.PONG:
                self.pongs += 1
            elif not self.hear(kind, body):
                raise Refused("a second Welcome")
        except Refused as refused:
            self.session.fail(refused)
            raise
        return kind

    # -- the recipient's half, 8.1 --

    def delivered(self, message: wire.Deliver) -> None:
        if str(message.send.recipient) != self.name:
            raise Refused("a message for somebody else")
        mark = (str(message.sender), message.send.id)
        if mark in self.seen:
            self.again += 1
        else:
            self.seen.add(mark)
            self.inbox.append(message)
        if self.receipts:
            self.receipt(message)

    def receipt(self, message: wire.Deliver, state: int = wire.DELIVERED) -> None:
        said = wire.Receipt(message.sender, message.send.id, state)
        self.session.send(wire.RECEIPT, said.encode())

    def take(self) -> wire.Deliver:
        """The next message."""
        while not self.inbox:
            self.step()
        return self.inbox.pop(0)

    # -- the sender's half, 8.2 and 8.3 --

    def told(self, outcome: wire.Outcome) -> None:
        """One of something unknown is noted, if it is kept, and otherwise ignored (8.2)."""
        known = outcome.id in self.under_way or outcome.id in self.stored
        if outcome.kept:
            self.notices.append(outcome)
            if self.notes:
                self.note(outcome)
        self.under_way.discard(outcome.id)
        if outcome.state == wire.STORED:
            self.stored.update({outcome.id} if known else ())
        else:
            self.stored.discard(outcome.id)
        if known:
            self.outcomes[outcome.id] = outcome

    def note(self, outcome: wire.Outcome) -> None:
        self.session.send(wire.NOTED, wire.Noted(outcome.id, outcome.state).encode())

    def envelope(self, recipient: str, text: bytes, flags: int = 0) -> wire.Send:
        self.numbers[recipient] = self.numbers.get(recipient, 0) + 1
        return wire.Send(
            secrets.token_bytes(16), wire.Address(recipient.encode()), self.epoch,
            self.numbers[recipient], text, flags,
        )

    def start(self, message: wire.Send) -> None:
        """Sends it, for the first time or again, and does not wait."""
        self.under_way.add(message.id)
        self.session.send(wire.SEND, message.encode())

    def post(self, message: wire.Send) -> wire.Outcome:
        """The answer; of a stored message more may follow: `fate`."""
        self.start(message)
        return self.answer(message)

    def answer(self, message: wire.Send) -> wire.Outcome:
        while message.id not in self.outcomes:
            self.step()
        return self.outcomes.pop(message.id)

    fate = answer  # what becomes of a stored one

    def send(self, recipient: str, text: bytes) -> wire.Outcome:
        return self.post(self.envelope(recipient, text))

    def notice(self) -> wire.Outcome:
        """The next kept outcome."""
        while not self.notices:
            self.step()
        return self.notices.pop(0)

    def ping(self) -> None:
        wanted = self.pongs + 1
        self.session.send(wire.PING)
        while self.pongs < wanted:
            self.step()

    def close(self) -> None:
        self.session.close()
