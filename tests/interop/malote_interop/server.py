# SPDX-License-Identifier: Apache-2.0
"""The server's side of the handshake (4)."""

from __future__ import annotations

import hmac
import secrets
import socket
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import rsa

from . import certificates as pki
from . import wire
from .errors import Refused
from .groups import GROUPS, Group
from .schedule import HandshakeSecrets, Transcript, finished, signed_bytes
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
