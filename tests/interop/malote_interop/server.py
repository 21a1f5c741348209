# SPDX-License-Identifier: Apache-2.0
"""The server: its side of the handshake (4), and a relay in memory for whoever is logged in."""

from __future__ import annotations

import hmac
import secrets
import socket
import threading
import time
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import rsa

from . import certificates as pki
from . import wire
from .errors import Alerted, BadCertificate, Closed, Cut, Refused
from .groups import GROUPS, Group
from .schedule import HandshakeSecrets, Transcript, finished, invite_proof, signed_bytes
from .seal import Seal
from .session import Line, Session, open_alert, send_alert


@dataclass
class Credentials:
    """What a server shows: the CA's certificate, its own, and the key of the latter."""

    ca: bytes
    certificate: bytes
    key: rsa.RSAPrivateKey

    @classmethod
    def new(cls, authority: pki.Authority) -> Credentials:
        key = pki.new_key()
        return cls(
            authority.certificate.encode(),
            authority.issue("server", "relay", pki.spki_of(key)), key,
        )


class ServerHandshake:
    """One connection up to a verified ClientAuth.  The steps are methods, so that a hostile server
    can differ in one of them."""

    role = "server"
    offers = wire.TypedList()
    first_sequence = 0

    def __init__(self, sock: socket.socket, authority: pki.Authority, credentials: Credentials,
                 group: Group = GROUPS[3072]):
        self.line = Line(sock)
        self.authority = authority
        self.credentials = credentials
        self.group = group
        self.transcript = Transcript()
        self.secrets: HandshakeSecrets
        self.outward: Seal | None = None  # s_hs, once ServerAuth is sent
        self.inward: Seal | None = None  # c_hs

    def send_hello(self) -> None:
        hello = wire.ServerHello(
            secrets.token_bytes(32), self.group.left_pad(self.group.p), bytes([self.group.g]),
            self.offers,
        )
        framed = wire.frame(wire.SERVER_HELLO, hello.encode())
        self.transcript.add(framed)
        self.line.write(framed)

    def expect(self, wanted: int) -> tuple[bytes, bytes]:
        kind, header, body = self.line.read_frame()
        if kind == wire.ALERT:
            raise open_alert(header, body, self.inward)
        if kind != wanted:
            raise Refused(f"a frame of type {kind} instead of {wanted}")
        return header, body

    def read_client_hello(self) -> wire.ClientHello:
        header, body = self.expect(wire.CLIENT_HELLO)
        hello = wire.ClientHello.decode(body, self.group.size)
        self.group.check_public(hello.yc)
        self.transcript.add(header, body)
        return hello

    def signature(self) -> bytes:
        return pki.sign(self.credentials.key, signed_bytes(self.role, self.transcript.hash()))

    def server_finished(self) -> bytes:
        return finished(self.secrets.server, self.transcript.hash())

    def send_server_auth(self, hello: wire.ClientHello) -> None:
        """The length in the frame's header is part of the transcript, so it is reckoned first."""
        exponent, public = self.group.pair()
        auth = wire.ServerAuth(self.credentials.ca, self.credentials.certificate, self.offers)
        signature_size = self.credentials.key.key_size // 8
        clear = wire.vec(public, 16)
        size = len(clear) + len(auth.encode_signed()) + 2 + signature_size + 32 + wire.TAG
        header = wire.frame_header(wire.SERVER_AUTH, size)
        self.transcript.add(header, clear)
        self.secrets = HandshakeSecrets.derive(
            self.group.shared(exponent, hello.yc), self.transcript.hash()
        )
        self.transcript.add(auth.encode_signed())
        auth.signature = self.signature()
        self.transcript.add(wire.vec(auth.signature, 16))
        auth.finished = self.server_finished()
        self.transcript.add(auth.finished)
        self.outward, self.inward = Seal(self.secrets.server), Seal(self.secrets.client)
        self.outward.sequence = self.first_sequence
        sealed = self.outward.seal(header + clear, auth.encode())
        self.line.write(header + clear + sealed)

    def read_client_auth(self) -> tuple[wire.ClientAuth, str, bytes]:
        """What was asked, by whom (the name), with which key (SubjectPublicKeyInfo)."""
        header, body = self.expect(wire.CLIENT_AUTH)
        auth = wire.ClientAuth.decode(self.inward.open(header, body))
        if auth.kind == wire.ENROL:
            name = auth.name.decode()
            spki = pki.check_request(auth.request, name)
        else:
            # An expired certificate still has to prove its key, so its time is judged later.
            ca = self.authority.certificate
            made = pki.check_leaf(auth.certificate, "client", ca, None)
            name, spki = made.name, made.spki
        self.transcript.add(header, auth.encode_signed())
        message = signed_bytes("client", self.transcript.hash())
        if not pki.verify(spki, auth.signature, message):
            raise Refused("a handshake signature that does not verify")
        self.transcript.add(wire.vec(auth.signature, 16))
        expected = finished(self.secrets.client, self.transcript.hash())
        if not hmac.compare_digest(auth.finished, expected):
            raise Refused("a Finished that does not verify")
        self.transcript.add(auth.finished)
        return auth, name, spki

    def open_session(self) -> Session:
        server, client = self.secrets.session(self.transcript.hash())
        return Session(self.line, "server", server, client)

    def meet(self) -> tuple[wire.ClientAuth, str, bytes]:
        try:
            self.send_hello()
            hello = self.read_client_hello()
            self.send_server_auth(hello)
            return self.read_client_auth()
        except Refused as refused:
            send_alert(self.line, refused.alert, self.outward)
            self.line.close()
            raise


@dataclass
class Guest:
    """Somebody logged in, and the lock under which records to them are sealed."""

    name: str
    kind: int
    session: Session
    lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, kind: int, body: bytes = b"") -> None:
        with self.lock:
            self.session.send(kind, body)


class Relay:
    """Enrols by invite, forwards between sessions, and keeps nothing.

    `rekey_every` sends a REKEY after so many records to one session; `on_login` is called with
    each Guest before its first record is read, and may do to it what a test is about.
    """

    handshake = ServerHandshake

    def __init__(self, authority: pki.Authority, rekey_every: int = 0, on_login=None, say=print):
        self.authority = authority
        self.credentials = Credentials.new(authority)
        self.rekey_every = rekey_every
        self.on_login = on_login
        self.say = say
        self.lock = threading.Lock()
        self.keys: dict[str, bytes] = {}  # name to fingerprint
        self.invites: dict[bytes, bytes] = {}  # id to token
        self.listening: dict[str, Guest] = {}
        self.under_way: dict[tuple[str, bytes], tuple[Guest, str]] = {}
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def url(self, invite: bool = True) -> wire.JoinUrl:
        url = wire.JoinUrl("127.0.0.1", self.port, self.authority.pin)
        if invite:
            url.invite, url.token = secrets.token_bytes(8), secrets.token_bytes(16)
            self.invites[url.invite] = url.token
        return url

    def serve(self) -> None:
        while True:
            sock, _ = self.listener.accept()
            sock.settimeout(90)
            threading.Thread(target=self.attend, args=(sock,), daemon=True).start()

    def attend(self, sock: socket.socket) -> None:
        try:
            connection = self.handshake(sock, self.authority, self.credentials)
            auth, name, spki = connection.meet()
            self.welcome(connection, auth, name, spki)
        except (Refused, Alerted, Cut, Closed, OSError) as end:
            self.say(f"end: {type(end).__name__}: {end}")

    def welcome(self, connection: ServerHandshake, auth: wire.ClientAuth, name: str,
                spki: bytes) -> None:
        session = connection.open_session()
        answer = self.enrol(auth, name, spki) if auth.kind == wire.ENROL else self.login(auth, spki)
        answer.server_time = int(time.time() * 1000)
        session.send(wire.WELCOME, answer.encode())
        self.say(f"welcome: {name} kind {auth.kind} result {answer.result} reason {answer.reason}")
        if answer.result == wire.LOGGED_IN:
            self.attend_guest(Guest(name, auth.kind, session))
        else:
            session.close()

    def enrol(self, auth: wire.ClientAuth, name: str, spki: bytes) -> wire.Welcome:
        key = pki.fingerprint(spki)
        with self.lock:
            if name in wire.RESERVED:
                return wire.Welcome(wire.REFUSED, reason=2)
            if self.keys.get(name, key) != key:
                return wire.Welcome(wire.REFUSED, reason=1)
            if name not in self.keys:
                if not auth.invite:
                    return wire.Welcome(wire.REFUSED, reason=4)
                expected = invite_proof(
                    self.invites.get(auth.invite, secrets.token_bytes(16)), self.authority.pin,
                    auth.name, self.authority.realm.encode(), key,
                )
                if not hmac.compare_digest(expected, auth.proof):
                    return wire.Welcome(wire.REFUSED, reason=3)
                del self.invites[auth.invite]
                self.keys[name] = key
        certificate = self.authority.issue("client", name, spki)
        return wire.Welcome(wire.ISSUED, certificate=certificate)

    def login(self, auth: wire.ClientAuth, spki: bytes) -> wire.Welcome:
        ca = self.authority.certificate
        try:
            pki.check_leaf(auth.certificate, "client", ca, time.time())
        except BadCertificate as bad:
            return wire.Welcome(wire.REFUSED, reason=7 if "expired" in str(bad) else 8)
        return wire.Welcome(wire.LOGGED_IN)

    def attend_guest(self, guest: Guest) -> None:
        if guest.kind == wire.RECEIVE:
            with self.lock:
                older = self.listening.get(guest.name)
                self.listening[guest.name] = guest
            if older is not None:
                older.send(wire.CLOSE, wire.uint(2, 8))
                older.session.line.close()
        try:
            if self.on_login is not None:
                self.on_login(guest)
            while True:
                self.take(guest, *guest.session.receive())
                if self.rekey_every and guest.session.outward.under.sequence >= self.rekey_every:
                    guest.send(wire.REKEY)
        except Closed:
            guest.send(wire.CLOSE, wire.uint(1, 8))
            raise
        except Refused as refused:
            guest.session.fail(refused)
            raise
        finally:
            with self.lock:
                if self.listening.get(guest.name) is guest:
                    del self.listening[guest.name]
            self.say(f"gone: {guest.name} rekeys {guest.session.rekeys_seen}")

    def take(self, guest: Guest, kind: int, body: bytes) -> None:
        if kind == wire.PING:
            guest.send(wire.PONG)
        elif kind == wire.SEND:
            self.forward(guest, wire.Send.decode(body))
        elif kind == wire.RECEIPT:
            if guest.kind != wire.RECEIVE:
                raise Refused("a receipt on a session that gets no mail")
            self.confirm(guest, wire.Receipt.decode(body))

    def forward(self, guest: Guest, message: wire.Send) -> None:
        recipient = str(message.recipient)
        with self.lock:
            to = self.listening.get(recipient)
            reason = wire.NO_SUCH_NAME if recipient not in self.keys else wire.AWAY
            if to is not None:
                self.under_way[guest.name, message.id] = (guest, recipient)
        if to is None:
            outcome = wire.Outcome(message.id, wire.OUTCOME_REFUSED, reason)
            guest.send(wire.OUTCOME, outcome.encode())
            return
        sender = wire.Address(guest.name.encode())
        to.send(wire.DELIVER, wire.Deliver(sender, int(time.time() * 1000), message).encode())
        self.say(f"forward: {guest.name} to {recipient}: {len(message.body)} bytes")

    def confirm(self, guest: Guest, receipt: wire.Receipt) -> None:
        """Ignored when it is for something that is not under way to this very recipient (8)."""
        with self.lock:
            known = self.under_way.get((str(receipt.sender), receipt.id))
            if known is None or known[1] != guest.name:
                return
            del self.under_way[str(receipt.sender), receipt.id]
        known[0].send(wire.OUTCOME, wire.Outcome(receipt.id, wire.DELIVERED).encode())
