# SPDX-License-Identifier: Apache-2.0
"""Bytes to meaning and back: sections 2, 3, 4, 7, 8 and 12.

Every message is a dataclass with `encode` and, as a class method, `decode`.  Encoding checks
nothing, so that a hostile peer can be made of the same pieces; decoding refuses whatever is not
the one encoding of an allowed value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .errors import ALERTS, VERSION, Refused

# ---- codec, section 1 ----


def uint(value: int, bits: int) -> bytes:
    return value.to_bytes(bits // 8, "big")


def vec(body: bytes, bits: int) -> bytes:
    """vec8, vec16, vec24: a length of so many bits, then as many bytes."""
    return uint(len(body), bits) + body


class Reader:
    """Reads a message from its start; `end` insists that nothing is left over."""

    def __init__(self, data: bytes):
        self.data = data
        self.at = 0

    def fixed(self, size: int) -> bytes:
        if len(self.data) - self.at < size:
            raise Refused("too short")
        self.at += size
        return self.data[self.at - size : self.at]

    def uint(self, bits: int) -> int:
        return int.from_bytes(self.fixed(bits // 8), "big")

    def vec(self, bits: int, least: int, most: int) -> bytes:
        size = self.uint(bits)
        if not least <= size <= most:
            raise Refused(f"a length of {size}, which is not within {least}..{most}")
        return self.fixed(size)

    def rest(self) -> bytes:
        return self.fixed(len(self.data) - self.at)

    def end(self) -> None:
        if self.at != len(self.data):
            raise Refused(f"{len(self.data) - self.at} bytes left over")


# ---- names, section 2 ----

NAME = re.compile(rb"[a-z0-9]+([._-][a-z0-9]+)*")
LABEL = re.compile(rb"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
RESERVED = {"relay", "server", "admin", "root", "ca", "malote", "postmaster"}


def is_name(raw: bytes) -> bool:
    return 1 <= len(raw) <= 32 and NAME.fullmatch(raw) is not None


def is_realm(raw: bytes) -> bool:
    return 1 <= len(raw) <= 64 and all(LABEL.fullmatch(label) for label in raw.split(b"."))


def read_name(reader: Reader) -> str:
    raw = reader.vec(8, 1, 32)
    if not is_name(raw):
        raise Refused("a name that is none")
    return raw.decode()


# ---- frames, section 3 ----

SERVER_HELLO, CLIENT_HELLO, SERVER_AUTH, CLIENT_AUTH, ALERT, RECORD = 1, 2, 3, 4, 5, 16
FRAME_BODIES = {
    SERVER_HELLO: (297, 4649),
    CLIENT_HELLO: (292, 4644),
    SERVER_AUTH: (1024, 16384),
    CLIENT_AUTH: (8224, 8224),
    ALERT: (1, 33),
    RECORD: (33, 131068),
}
TAG = 32


def frame_header(kind: int, size: int) -> bytes:
    return uint(kind, 8) + uint(size, 24)


def frame(kind: int, body: bytes) -> bytes:
    return frame_header(kind, len(body)) + body


def check_frame_type(kind: int) -> None:
    if kind not in FRAME_BODIES:
        raise Refused(f"a frame of unknown type {kind}")


def check_frame_size(kind: int, size: int) -> None:
    least, most = FRAME_BODIES[kind]
    if not least <= size <= most or (kind == ALERT and size not in (1, 1 + TAG)):
        raise Refused(f"a frame of type {kind} with {size} bytes")


def read_alert(code: bytes) -> int:
    if len(code) != 1 or code[0] not in ALERTS:
        raise Refused("an alert with an unknown code")
    return code[0]


# ---- typed lists, 3.2 ----


@dataclass
class TypedList:
    entries: list[tuple[int, bytes]] = field(default_factory=list)

    def encode(self) -> bytes:
        return vec(b"".join(uint(kind, 16) + vec(value, 16) for kind, value in self.entries), 16)

    @classmethod
    def read(cls, reader: Reader) -> TypedList:
        inside = Reader(reader.vec(16, 0, 4096))
        entries: list[tuple[int, bytes]] = []
        while inside.at < len(inside.data):
            kind = inside.uint(16)
            if entries and kind <= entries[-1][0]:
                raise Refused("a typed list out of order")
            entries.append((kind, inside.vec(16, 0, 4092)))
        return cls(entries)


# ---- handshake messages, section 4 ----

WIRE_VERSION = 0
MAILBOX_NONCE = 1  # of ServerHello's list, 3.2


@dataclass
class ServerHello:
    random: bytes
    p: bytes
    g: bytes
    offers: TypedList = field(default_factory=TypedList)
    version: int = WIRE_VERSION

    def encode(self) -> bytes:
        return (
            uint(self.version, 16) + self.random + vec(self.p, 16) + vec(self.g, 16)
            + self.offers.encode()
        )

    @classmethod
    def decode(cls, body: bytes) -> ServerHello:
        reader = Reader(body)
        version = reader.uint(16)
        if version != WIRE_VERSION:
            raise Refused(f"wire version {version}", alert=VERSION)
        message = cls(
            random=reader.fixed(32), p=reader.vec(16, 256, 512), g=reader.vec(16, 1, 1),
            offers=TypedList.read(reader),
        )
        reader.end()
        return message


@dataclass
class ClientHello:
    random: bytes
    yc: bytes
    offers: TypedList = field(default_factory=TypedList)

    def encode(self) -> bytes:
        return self.random + vec(self.yc, 16) + self.offers.encode()

    @classmethod
    def decode(cls, body: bytes, size_of_p: int) -> ClientHello:
        reader = Reader(body)
        message = cls(
            reader.fixed(32), reader.vec(16, size_of_p, size_of_p), TypedList.read(reader)
        )
        reader.end()
        if message.offers.entries:
            raise Refused("a client that lists something")
        return message


@dataclass
class ServerAuth:
    """What is sealed in ServerAuth; `vec16 Ys` stands before it in the clear."""

    ca: bytes
    certificate: bytes
    offers: TypedList = field(default_factory=TypedList)
    signature: bytes = b""
    finished: bytes = b""

    def encode_signed(self) -> bytes:
        return vec(self.ca, 16) + vec(self.certificate, 16) + self.offers.encode()

    def encode(self) -> bytes:
        return self.encode_signed() + vec(self.signature, 16) + self.finished

    @classmethod
    def decode(cls, plain: bytes) -> ServerAuth:
        reader = Reader(plain)
        message = cls(
            ca=reader.vec(16, 1, 4096), certificate=reader.vec(16, 1, 4096),
            offers=TypedList.read(reader), signature=reader.vec(16, 256, 512),
            finished=reader.fixed(32),
        )
        reader.end()
        return message


RECEIVE, SEND_ONLY, ENROL = 1, 2, 3
CLIENT_AUTH_PLAIN = 8192


@dataclass
class ClientAuth:
    """A LOGIN (kinds 1 and 2, with certificate) or an ENROL (kind 3, with the rest)."""

    kind: int
    certificate: bytes = b""
    name: bytes = b""
    request: bytes = b""
    invite: bytes = b""
    proof: bytes = b""
    features: int = 0
    signature: bytes = b""
    finished: bytes = b""

    def encode_signed(self) -> bytes:
        if self.kind == ENROL:
            body = (
                vec(self.name, 8) + vec(self.request, 16) + vec(self.invite, 8) + vec(self.proof, 8)
            )
        else:
            body = vec(self.certificate, 16)
        return uint(self.kind, 8) + body + uint(self.features, 32)

    def encode(self) -> bytes:
        """Without the padding, as the transcript wants it."""
        return self.encode_signed() + vec(self.signature, 16) + self.finished

    def encode_padded(self) -> bytes:
        return self.encode().ljust(CLIENT_AUTH_PLAIN, b"\0")

    @classmethod
    def decode(cls, plain: bytes) -> ClientAuth:
        if len(plain) != CLIENT_AUTH_PLAIN:
            raise Refused("a ClientAuth of another size")
        reader = Reader(plain)
        message = cls(kind=reader.uint(8))
        if message.kind in (RECEIVE, SEND_ONLY):
            message.certificate = reader.vec(16, 1, 4096)
        elif message.kind == ENROL:
            message.name = read_name(reader).encode()
            message.request = reader.vec(16, 1, 2048)
            message.invite = reader.vec(8, 0, 8)
            message.proof = reader.vec(8, 0, 32)
            if (len(message.invite), len(message.proof)) not in ((0, 0), (8, 32)):
                raise Refused("half an invite")
        else:
            raise Refused("neither LOGIN nor ENROL")
        message.features = reader.uint(32)
        message.signature = reader.vec(16, 256, 512)
        message.finished = reader.fixed(32)
        if any(reader.rest()):
            raise Refused("padding that is not zeros")
        return message


# ---- what records hold, section 7 ----

WELCOME, SEND, DELIVER, OUTCOME, RECEIPT, PING, PONG, CLOSE, REKEY, NOTED = range(1, 11)
RENEW, RENEWED, REVOKED, CRL_WANTED, CRL, PROVE, PROOF, LEAVES_WANTED, LEAVES = range(11, 20)
RECORD_BODIES = {  # least, most, sent by
    WELCOME: (38, 5158, "server"),
    SEND: (41, 65608, "client"),
    DELIVER: (52, 65650, "server"),
    OUTCOME: (19, 19, "server"),
    RECEIPT: (20, 51, "client"),
    PING: (0, 0, "both"),
    PONG: (0, 0, "both"),
    CLOSE: (1, 1, "both"),
    REKEY: (0, 0, "both"),
    NOTED: (17, 17, "client"),
    RENEW: (274, 530, "client"),
    RENEWED: (8, 4104, "server"),
    REVOKED: (284, 4636, "server"),
    CRL_WANTED: (8, 8, "client"),
    CRL: (20, 65555, "server"),
    PROVE: (323, 579, "client"),
    PROOF: (5, 5125, "server"),
    LEAVES_WANTED: (8, 8, "client"),
    LEAVES: (12, 65548, "server"),
}

REPLACED, REVOKED_OR_UNKNOWN, EXPIRED_NOW, STOPPING, TOO_SLOW, AGAIN = 2, 3, 4, 5, 7, 8


@dataclass
class Close:
    reason: int

    def encode(self) -> bytes:
        return uint(self.reason, 8)

    @classmethod
    def decode(cls, body: bytes) -> Close:
        if len(body) != 1 or not 1 <= body[0] <= AGAIN:
            raise Refused("a CLOSE with an unknown reason")
        return cls(body[0])


ISSUED, LOGGED_IN, PENDING, REFUSED, RENEW_FIRST = 1, 2, 3, 4, 5
REASON_EXPIRED, REASON_NOT_YET, REASON_REVOKED, REASON_BUSY = 7, 8, 9, 10
REASON_STALE, REASON_NOT_DUE, REASON_STOPPED = 11, 12, 13


@dataclass
class Welcome:
    result: int
    reason: int = 0
    retry_after: int = 0
    certificate: bytes = b""
    ledger_head: bytes = b""
    crl_number: int = 0
    server_time: int = 0
    largest_body: int = 65536
    silence: int = 65000
    features: int = 0

    def encode(self) -> bytes:
        return (
            uint(self.result, 8) + uint(self.reason, 8) + uint(self.retry_after, 32)
            + vec(self.certificate, 16) + vec(self.ledger_head, 16) + uint(self.crl_number, 64)
            + uint(self.server_time, 64) + uint(self.largest_body, 32) + uint(self.silence, 32)
            + uint(self.features, 32)
        )

    @classmethod
    def decode(cls, body: bytes) -> Welcome:
        reader = Reader(body)
        message = cls(
            result=reader.uint(8), reason=reader.uint(8), retry_after=reader.uint(32),
            certificate=reader.vec(16, 0, 4096), ledger_head=reader.vec(16, 0, 1024),
            crl_number=reader.uint(64), server_time=reader.uint(64),
            largest_body=reader.uint(32), silence=reader.uint(32), features=reader.uint(32),
        )
        reader.end()
        message.check()
        return message

    def check(self) -> None:
        if not ISSUED <= self.result <= RENEW_FIRST or self.reason > REASON_STOPPED:
            raise Refused("a Welcome with an unknown result or reason")
        if bool(self.certificate) != (self.result == ISSUED):
            raise Refused("a Welcome whose certificate contradicts its result")
        if bool(self.reason) != (self.result == REFUSED):
            raise Refused("a Welcome whose reason contradicts its result")
        if self.retry_after and self.result != PENDING and self.reason != REASON_BUSY:
            raise Refused("a Welcome that says when to come back, for no reason")
        if self.server_time >= 2**63:
            raise Refused("a Welcome from after the end of time")


# ---- outcomes, 8.2 ----

STORED, DELIVERED, OUTCOME_REFUSED, UNKNOWN, EXPIRED, READ = range(1, 7)
NO_SUCH_NAME, AWAY, TOO_MUCH, IN_FLIGHT, NO_ROOM, FULL, SHARE, ERASED = range(1, 9)


@dataclass
class Outcome:
    id: bytes
    state: int
    reason: int = 0
    kept: int = 0

    def encode(self) -> bytes:
        return self.id + uint(self.state, 8) + uint(self.reason, 8) + uint(self.kept, 8)

    @classmethod
    def decode(cls, body: bytes) -> Outcome:
        reader = Reader(body)
        message = cls(reader.fixed(16), reader.uint(8), reader.uint(8), reader.uint(8))
        reader.end()
        if not STORED <= message.state <= READ:
            raise Refused("an unknown state")
        if message.reason > ERASED or bool(message.reason) != (message.state == OUTCOME_REFUSED):
            raise Refused("a reason that contradicts the state")
        if message.kept and (message.state == STORED or message.reason not in (0, ERASED)):
            raise Refused("kept, which no server keeps")
        if message.kept > 1:
            raise Refused("neither kept nor not")
        return message

    @property
    def passing(self) -> bool:
        return self.state == UNKNOWN or self.reason in (TOO_MUCH, NO_ROOM)

    @property
    def final(self) -> bool:
        return self.state != STORED and not self.passing


@dataclass
class Noted:
    id: bytes
    state: int

    def encode(self) -> bytes:
        return self.id + uint(self.state, 8)

    @classmethod
    def decode(cls, body: bytes) -> Noted:
        reader = Reader(body)
        message = cls(reader.fixed(16), reader.uint(8))
        reader.end()
        if not DELIVERED <= message.state <= READ:
            raise Refused("a state that no server keeps")
        return message


# ---- envelopes, section 8 ----

USER = 1
PLAIN = 1
LARGEST_BODY = 65536
WANTS_READ = 1


@dataclass
class Address:
    name: bytes
    kind: int = USER

    def encode(self) -> bytes:
        return uint(self.kind, 8) + vec(self.name, 8)

    @classmethod
    def read(cls, reader: Reader) -> Address:
        if reader.uint(8) != USER:
            raise Refused("an address that is not a user's")
        return cls(read_name(reader).encode())

    def __str__(self) -> str:
        return self.name.decode()


@dataclass
class Send:
    id: bytes
    recipient: Address
    epoch: int
    number: int
    body: bytes
    flags: int = 0
    body_kind: int = PLAIN

    def encode(self) -> bytes:
        return (
            self.id + self.recipient.encode() + uint(self.epoch, 64) + uint(self.number, 64)
            + uint(self.flags, 16) + uint(self.body_kind, 8) + vec(self.body, 24)
        )

    @classmethod
    def read(cls, reader: Reader) -> Send:
        message = cls(
            id=reader.fixed(16), recipient=Address.read(reader), epoch=reader.uint(64),
            number=reader.uint(64), flags=reader.uint(16), body_kind=reader.uint(8),
            body=reader.vec(24, 0, LARGEST_BODY),
        )
        if message.flags & ~WANTS_READ or message.body_kind != PLAIN:
            raise Refused("flags or a body of a kind not known")
        if message.number == 0:
            raise Refused("a message without a number")
        return message

    @classmethod
    def decode(cls, body: bytes) -> Send:
        reader = Reader(body)
        message = cls.read(reader)
        reader.end()
        return message


@dataclass
class Deliver:
    sender: Address
    time: int
    send: Send

    def encode(self) -> bytes:
        return self.sender.encode() + uint(self.time, 64) + self.send.encode()

    @classmethod
    def decode(cls, body: bytes) -> Deliver:
        reader = Reader(body)
        message = cls(Address.read(reader), reader.uint(64), Send.read(reader))
        reader.end()
        if message.time >= 2**63:
            raise Refused("a message from after the end of time")
        return message


@dataclass
class Receipt:
    sender: Address
    id: bytes
    state: int = DELIVERED

    def encode(self) -> bytes:
        return self.sender.encode() + self.id + uint(self.state, 8)

    @classmethod
    def decode(cls, body: bytes) -> Receipt:
        reader = Reader(body)
        message = cls(Address.read(reader), reader.fixed(16), reader.uint(8))
        reader.end()
        if message.state not in (DELIVERED, READ):
            raise Refused("a receipt of an unknown state")
        return message


# ---- join URL, section 12 ----

JOIN_URL = re.compile(
    r"malote://(?:(?P<name>[^@/]+)@)?(?P<host>[][A-Za-z0-9._:%-]{1,257}):(?P<port>[1-9][0-9]{0,4})"
    r"/(?P<pin>[0-9a-f]{64})(?:/(?P<invite>[0-9a-f]{48}))?"
)


@dataclass
class JoinUrl:
    host: str
    port: int
    pin: bytes
    name: str | None = None
    invite: bytes = b""
    token: bytes = b""

    @classmethod
    def parse(cls, text: str) -> JoinUrl:
        match = JOIN_URL.fullmatch(text)
        if match is None:
            raise ValueError("not a join URL")
        name, host, port = match["name"], match["host"], int(match["port"])
        if port > 65535 or len(text) > 600:
            raise ValueError("not a join URL")
        if name is not None and (name in RESERVED or not is_name(name.encode())):
            raise ValueError("not a join URL")
        secret = bytes.fromhex(match["invite"] or "")
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        return cls(host, port, bytes.fromhex(match["pin"]), name, secret[:8], secret[8:])

    def __str__(self) -> str:
        name = f"{self.name}@" if self.name else ""
        invite = f"/{(self.invite + self.token).hex()}" if self.invite else ""
        return f"malote://{name}{self.host}:{self.port}/{self.pin.hex()}{invite}"
