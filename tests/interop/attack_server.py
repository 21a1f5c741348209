# SPDX-License-Identifier: Apache-2.0
"""Hostile clients against a real server, by the rows of the list of attacks.

    attack_server.py ROW URL MALLORY VICTIM [MORE]

MALLORY is the home of an enrolled attacker, VICTIM that of an honest user, of whom a test may use
what an attacker could have: the certificate, old messages, where the row says so the key.  URL
leads to the server, with an invite where the row needs one.  A line for each variant:

    <variant> <id of the connection> <what the server made of it>
"""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path

from malote_interop import wire
from malote_interop import certificates as pki
from malote_interop.client import ClientHandshake, Conversation, Identity
from malote_interop.errors import Alerted, Closed, Cut, Refused
from malote_interop.lockbox import authority_of
from malote_interop.schedule import finished, invite_proof, signed_bytes
from malote_interop.seal import Seal
from malote_interop.session import Session, open_alert

Variant = tuple[str, Callable[[], tuple[str, str]]]


class Scene:
    """What the arguments say, and connections to the server."""

    def __init__(self, url: str, mallory: str, victim: str, *more: str):
        self.url = wire.JoinUrl.parse(url)
        self.mallory = Identity.load(Path(mallory))
        self.victim = Identity.load(Path(victim))
        self.more = more

    def connect(self, kind: type[ClientHandshake] = ClientHandshake) -> ClientHandshake:
        return kind(self.url.host, self.url.port, self.url.pin)

    def met(self, kind: type[ClientHandshake] = ClientHandshake) -> ClientHandshake:
        connection = self.connect(kind)
        connection.meet()
        return connection

    def talk(self, kind: int = wire.SEND_ONLY) -> Conversation:
        return Conversation(self.mallory, kind)

    @cached_property
    def authority(self) -> pki.Authority:
        """The real CA's key, as nobody outside has it: what else stands in the way is tested."""
        return authority_of(*map(Path, self.more))


def answer(connection: ClientHandshake) -> str:
    """What comes after ClientAuth."""
    welcome = connection.read_welcome()
    return f"welcome {welcome.result} {welcome.reason}"


def fate(talk: Conversation) -> str:
    """What becomes of a message."""
    _, body = talk.session.receive()
    said = wire.Outcome.decode(body)
    return f"outcome {said.state} {said.reason}"


def outcome(act: Callable[[], str]) -> str:
    try:
        return act()
    except Alerted as alert:
        return str(alert)
    except (Closed, Cut) as end:
        return str(end)


# ---- row 5: identity misbinding ----


class Misbound(ClientHandshake):
    """Sends one identity's message with proofs that were made for another's.

    Signature and Finished are each made over `signed` and `confirmed`, the message as the victim
    would have sent it or as it is sent."""

    def send_misbound(self, sent: wire.ClientAuth, signer, signed: wire.ClientAuth,
                      confirmed: wire.ClientAuth) -> None:
        header = wire.frame_header(wire.CLIENT_AUTH, wire.CLIENT_AUTH_PLAIN + wire.TAG)
        before = self.transcript.running
        self.transcript.running = before.copy()
        self.transcript.add(header, signed.encode_signed())
        sent.signature = pki.sign(signer, signed_bytes("client", self.transcript.hash()))
        self.transcript.running = before.copy()
        signature = confirmed.signature or sent.signature
        self.transcript.add(header, confirmed.encode_signed(), wire.vec(signature, 16))
        sent.finished = finished(self.secrets.client, self.transcript.hash())
        self.transcript.add(sent.finished)
        self.line.write(header + self.outward.seal(header, sent.encode_padded()))
        server, client = self.secrets.session(self.transcript.hash())
        self.session = Session(self.line, "client", client, server)


def row_5(scene: Scene) -> Iterator[Variant]:
    mallory, victim = scene.mallory, scene.victim

    def login(identity: Identity) -> wire.ClientAuth:
        return wire.ClientAuth(wire.RECEIVE, certificate=identity.certificate)

    def misbound(sent, signer, signed=None, confirmed=None):
        def act():
            connection = scene.met(Misbound)
            auth = sent(connection)
            connection.send_misbound(
                auth, signer, signed(connection) if signed else auth,
                confirmed(connection) if confirmed else auth,
            )
            return connection.id, outcome(lambda: answer(connection))

        return act

    def of_mallory(_):
        return login(mallory)

    def of_victim(_):
        return login(victim)

    def from_victim(connection):
        """The victim's message with its true signature: what Finished would be made over."""
        auth = login(victim)
        running = connection.transcript.running.copy()
        running.update(wire.frame_header(wire.CLIENT_AUTH, wire.CLIENT_AUTH_PLAIN + wire.TAG))
        running.update(auth.encode_signed())
        auth.signature = pki.sign(victim.key, signed_bytes("client", running.digest()))
        return auth

    def enrol(name, request):
        return lambda connection: wire.ClientAuth(wire.ENROL, name=name, request=request)

    someone = pki.make_request("someone", mallory.key)
    over_victims_key = pki.der(
        pki.SEQUENCE, pki.der_integer(0), pki.person("someone"), pki.spki_of(victim.key),
        pki.der(0xA0),
    )
    stolen_key = pki.der(
        pki.SEQUENCE, over_victims_key, pki.RSA_PSS,
        pki.der_bits(pki.sign(mallory.key, over_victims_key)),
    )
    victims_request = pki.make_request("victim-again", victim.key)
    yield "honest", misbound(of_mallory, mallory.key)
    yield "certificate_without_its_key", misbound(of_victim, mallory.key)
    yield "own_signature_over_the_victims_message", misbound(of_mallory, mallory.key, of_victim)
    yield "victims_signature_beside_own_certificate", misbound(of_mallory, victim.key, of_victim)
    yield "re_signed_with_the_victims_finished", misbound(
        of_mallory, mallory.key, None, from_victim
    )
    yield "finished_over_the_victims_certificate", misbound(
        of_mallory, mallory.key, None, of_victim
    )
    yield "request_over_somebody_elses_key", misbound(enrol(b"someone", stolen_key), mallory.key)
    yield "somebody_elses_request", misbound(enrol(b"victim-again", victims_request), mallory.key)
    yield "request_for_another_name", misbound(enrol(b"someone-else", someone), mallory.key)


# ---- row 8: replay ----


class Recorded(ClientHandshake):
    """Keeps all it sends; `again` sends what a recorder kept, on a connection of its own."""

    def __init__(self, *where):
        super().__init__(*where)
        self.sent: list[bytes] = []
        write = self.line.write

        def keep(data: bytes) -> None:
            self.sent.append(data)
            write(data)

        self.line.write = keep


def row_8(scene: Scene) -> Iterator[Variant]:
    """MORE is a file that keeps a session from one run to the next (the server's restart)."""
    kept = Path(scene.more[0])

    def record() -> list[bytes]:
        connection = scene.met(Recorded)
        connection.login(scene.mallory, wire.SEND_ONLY)
        connection.session.send(wire.PING)
        connection.session.receive()
        connection.session.send(wire.CLOSE, b"\1")
        return connection.sent

    def replay(frames: list[bytes]) -> tuple[str, str]:
        connection = scene.connect()
        hello = connection.read_server_hello()

        def act() -> str:
            for frame in frames:
                connection.line.write(frame)
            while True:
                # All is sealed under keys that nobody here has: only the alert's length tells.
                kind, _, body = connection.line.read_frame()
                if kind == wire.ALERT:
                    return f"alert of {len(body)} bytes"
                if kind == wire.RECORD:
                    return "in session"

        return hello.random[:4].hex(), outcome(act)

    def twice(kind: int, body: bytes):
        def act():
            talk = scene.talk()
            sealed = talk.session.outward.seal(kind, body)
            talk.session.line.write(sealed * 2)

            def wait() -> str:
                while True:
                    talk.session.receive()

            return talk.id, outcome(wait)

        return act

    def after_rekey():
        talk = scene.talk()
        sealed = talk.session.outward.seal(wire.PING, b"")
        talk.session.line.write(sealed)
        talk.session.rekey()
        talk.session.line.write(sealed)

        def wait() -> str:
            while True:
                talk.session.receive()

        return talk.id, outcome(wait)

    def hello_twice():
        connection = scene.connect(Recorded)
        connection.read_server_hello()
        connection.send_client_hello()
        connection.line.write(connection.sent[0])

        def wait() -> str:
            connection.read_server_auth()
            return answer_to(connection)

        return connection.id, outcome(wait)

    def auth_twice():
        connection = scene.met(Recorded)
        connection.login(scene.mallory, wire.SEND_ONLY)
        connection.line.write(connection.sent[1])

        def wait() -> str:
            return str(connection.session.receive())

        return connection.id, outcome(wait)

    def into_another(position: int):
        """A frame of an old session within a new one."""

        def act():
            old = record()
            connection = scene.met()
            if position == 1:
                connection.line.write(old[1])
                return connection.id, outcome(lambda: answer_to(connection))
            connection.login(scene.mallory, wire.SEND_ONLY)
            connection.line.write(old[position])
            return connection.id, outcome(lambda: str(connection.session.receive()))

        return act

    if kept.exists():
        old = kept.read_bytes().split(b"/malote-frame/")
        yield "whole_session_after_a_restart", lambda: replay(old)
    else:
        kept.write_bytes(b"/malote-frame/".join(record()))
    message = wire.Send(secrets.token_bytes(16), wire.Address(b"nobody"), 1, 1, b"x").encode()
    yield "whole_session_again", lambda: replay(record())
    yield "ping_twice", twice(wire.PING, b"")
    yield "send_twice", twice(wire.SEND, message)
    yield "record_after_a_rekey", after_rekey
    yield "client_hello_twice", hello_twice
    yield "client_auth_twice", auth_twice
    yield "client_auth_of_another_session", into_another(1)
    yield "record_of_another_session", into_another(2)


def answer_to(connection: ClientHandshake) -> str:
    """The next frame, once the handshake's keys are on."""
    kind, header, body = connection.line.read_frame()
    if kind == wire.ALERT:
        raise open_alert(header, body, connection.inward)
    return f"a frame of type {kind}"


# ---- row 12: prefix truncation ----


def row_12(scene: Scene) -> Iterator[Variant]:
    def before_hello(make):
        def act():
            connection = scene.connect(Recorded)
            hello = connection.read_server_hello()
            connection.exponent, public = connection.group.pair()
            mine = wire.ClientHello(secrets.token_bytes(32), public)
            connection.line.write(make(hello, mine))
            return connection.id, outcome(lambda: answer_to(connection))

        return act

    def framed(message: wire.ClientHello) -> bytes:
        return wire.frame(wire.CLIENT_HELLO, message.encode())

    def listing(hello, mine):
        mine.offers.entries.append((7, b"an offer"))
        return framed(mine)

    def after_hello(make):
        def act():
            connection = scene.met()
            connection.line.write(make(connection))
            return connection.id, outcome(lambda: answer_to(connection))

        return act

    def record_under(secret):
        def make(connection):
            header = wire.frame_header(wire.RECORD, 1 + wire.TAG)
            return header + Seal(secret(connection)).seal(header, bytes([wire.PING]))

        return make

    class Late(ClientHandshake):
        """Its ClientAuth is sealed as if one frame had gone before."""

        def meet(self):
            super().meet()
            self.outward.sequence = 1

    def late():
        connection = scene.met(Late)
        return connection.id, outcome(
            lambda: str(connection.login(scene.mallory, wire.SEND_ONLY).result)
        )

    def in_session(change):
        def act():
            talk = scene.talk()
            change(talk.session)
            talk.session.send(wire.PING)
            return talk.id, outcome(lambda: str(talk.session.receive()))

        return act

    def first_dropped(session):
        session.outward.seal(wire.PING, b"")

    def first_dropped_after_rekey(session):
        session.rekey()
        session.outward.seal(wire.PING, b"")

    def rekey_dropped(session):
        session.outward.rekey()

    def not_back_to_zero(session):
        session.send(wire.PING)
        session.receive()
        session.rekey()
        session.outward.under.sequence = 2

    junk = wire.frame(wire.RECORD, bytes(33))
    yield "record_before_hello", before_hello(lambda _, mine: junk + framed(mine))
    yield "unknown_frame_before_hello", before_hello(lambda _, mine: b"\x11\0\0\0" + framed(mine))
    yield "unknown_frame_of_0", before_hello(lambda _, mine: bytes(4) + framed(mine))
    yield "own_hello_back", before_hello(
        lambda hello, mine: wire.frame(wire.SERVER_HELLO, hello.encode()) + framed(mine)
    )
    yield "client_auth_without_hello", before_hello(
        lambda _, mine: wire.frame(wire.CLIENT_AUTH, bytes(8224))
    )
    yield "hello_with_an_offer", before_hello(listing)
    yield "hello_with_a_byte_more", before_hello(
        lambda _, mine: wire.frame(wire.CLIENT_HELLO, mine.encode() + b"\0")
    )
    yield "record_after_hello", after_hello(lambda connection: junk)
    yield "plain_alert_after_keys", after_hello(lambda _: wire.frame(wire.ALERT, b"\1"))
    yield "second_hello_after_keys", after_hello(
        lambda c: framed(wire.ClientHello(bytes(32), c.group.pair()[1]))
    )
    yield "record_under_c_hs", after_hello(record_under(lambda c: c.secrets.client))
    yield "record_under_s_hs", after_hello(record_under(lambda c: c.secrets.server))
    yield "client_auth_at_sequence_1", late
    yield "first_record_dropped", in_session(first_dropped)
    yield "first_record_after_rekey_dropped", in_session(first_dropped_after_rekey)
    yield "rekey_dropped", in_session(rekey_dropped)
    yield "sequence_not_back_to_0", in_session(not_back_to_zero)


# ---- row 16: one thing in the place of another ----


def row_16(scene: Scene) -> Iterator[Variant]:
    """MORE: the real keystore and its passphrase; URL carries an invite bound to nobody."""
    mallory = scene.mallory
    authority = scene.authority

    class AsServer(ClientHandshake):
        role = "server"

    class SignedRequest(ClientHandshake):
        """The handshake signature is one made for a request."""

        def sign(self, key):
            info = pki.inside(pki.make_request("mallory", key))[0][2]
            return pki.sign(key, info)

    class Unprefixed(ClientHandshake):
        def sign(self, key):
            return pki.sign(key, self.transcript.hash())

    class OtherKeys(ClientHandshake):
        """Sealed with what the server seals with."""

        def meet(self):
            super().meet()
            self.outward = Seal(self.secrets.server)

    class ServersFinished(ClientHandshake):
        """Its Finished is made with the server's key; the seal stays its own."""

        def send_client_auth(self, auth, key):
            client, self.secrets.client = self.secrets.client, self.secrets.server
            super().send_client_auth(auth, key)
            self.secrets.client = client

    def login(kind, certificate=mallory.certificate, key=mallory.key):
        def act():
            connection = scene.met(kind)
            connection.send_client_auth(wire.ClientAuth(wire.SEND_ONLY, certificate), key)
            return connection.id, outcome(lambda: answer(connection))

        return act

    def handshake_signature_in_a_request():
        connection = scene.met()
        key = pki.new_key()
        signature = pki.sign(key, signed_bytes("client", connection.transcript.hash()))
        request = pki.make_request("newcomer", key, signature)
        auth = wire.ClientAuth(wire.ENROL, name=b"newcomer", request=request)
        connection.send_client_auth(auth, key)
        return connection.id, outcome(lambda: answer(connection))

    def proof(name="newcomer", ca=None, realm=None, key=None, token=None, invite=None):
        def act():
            connection = scene.met()
            own = pki.new_key()
            auth = connection.enrolment("newcomer", own)
            auth.invite = invite or scene.url.invite
            auth.proof = invite_proof(
                token or scene.url.token, ca or scene.url.pin, name.encode(),
                (realm or connection.ca.realm).encode(),
                pki.fingerprint(pki.spki_of(key or own)),
            )
            connection.send_client_auth(auth, own)
            return connection.id, outcome(lambda: answer(connection))

        return act

    own_server_key = pki.new_key()
    spki = pki.spki_of(own_server_key)
    yield "honest", login(ClientHandshake)
    yield "signed_as_server", login(AsServer)
    yield "signature_of_a_request_in_the_handshake", login(SignedRequest)
    yield "signature_of_the_handshake_in_a_request", handshake_signature_in_a_request
    yield "signature_without_a_prefix", login(Unprefixed)
    yield "sealed_with_the_servers_keys", login(OtherKeys)
    yield "finished_with_the_servers_key", login(ServersFinished)
    yield "server_certificate_as_client", login(
        ClientHandshake, authority.issue("server", "relay", spki), own_server_key
    )
    yield "client_certificate_called_relay", login(
        ClientHandshake, authority.issue("client", "relay", spki), own_server_key
    )
    yield "ca_certificate_as_client", login(
        ClientHandshake, authority.certificate.encode(), authority.key
    )
    yield "proof_of_another_name", proof(name="newcomer2")
    yield "proof_of_another_realm", proof(realm="other.test")
    yield "proof_of_another_key", proof(key=mallory.key)
    yield "proof_of_another_ca", proof(ca=bytes(32))
    yield "proof_with_another_token", proof(token=bytes(16))
    yield "proof_of_another_invite", proof(invite=bytes(8))
    yield "honest_proof", proof()


# ---- row 17: sizes ----


def row_17(scene: Scene) -> Iterator[Variant]:
    mallory = scene.mallory

    class Malformed(ClientHandshake):
        """Its ClientAuth is the bytes that `plain` makes of the right ones."""

        plain: Callable[[bytes], bytes]

        def send_malformed(self, auth: wire.ClientAuth) -> None:
            header = wire.frame_header(wire.CLIENT_AUTH, wire.CLIENT_AUTH_PLAIN + wire.TAG)
            auth.signature, auth.finished = bytes(256), bytes(32)
            plain = type(self).plain(auth.encode()).ljust(wire.CLIENT_AUTH_PLAIN, b"\0")
            self.line.write(header + self.outward.seal(header, plain[: wire.CLIENT_AUTH_PLAIN]))
            self.session = Session(self.line, "client", bytes(32), bytes(32))

    def auth(change: Callable[[bytes], bytes], enrol: bool = False):
        def act():
            kind = type("Changed", (Malformed,), {"plain": staticmethod(change)})
            connection = scene.met(kind)
            sent = wire.ClientAuth(wire.SEND_ONLY, mallory.certificate)
            if enrol:
                sent = wire.ClientAuth(
                    wire.ENROL, name=b"n", request=b"r", invite=bytes(8), proof=bytes(32)
                )
            connection.send_malformed(sent)
            return connection.id, outcome(lambda: answer_to(connection))

        return act

    def length_at(offset: int, size: int, value: int):
        def change(plain: bytes) -> bytes:
            return plain[:offset] + value.to_bytes(size, "big") + plain[offset + size :]

        return change

    def record(kind: int, body: bytes):
        def act():
            talk = scene.talk()
            talk.session.send(kind, body)
            return talk.id, outcome(lambda: fate(talk))

        return act

    def header(size: int):
        def act():
            talk = scene.talk()
            talk.session.line.write(wire.frame_header(wire.RECORD, size))
            return talk.id, outcome(lambda: str(talk.session.receive()))

        return act

    signature_at = 1 + 2 + len(mallory.certificate) + 4
    for value in (0, 4097, 0xFFFF):
        yield f"certificate_of_{value}", auth(length_at(1, 2, value))
    for value in (0, 255, 513, 0xFFFF):
        yield f"signature_of_{value}", auth(length_at(signature_at, 2, value))
    for value in (0, 33, 255):
        yield f"name_of_{value}", auth(length_at(1, 1, value), enrol=True)
    for value in (0, 2049, 0xFFFF):
        yield f"request_of_{value}", auth(length_at(3, 2, value), enrol=True)
    for value in (0, 7, 9, 255):
        yield f"invite_of_{value}", auth(length_at(6, 1, value), enrol=True)
    for value in (0, 31, 33, 255):
        yield f"proof_of_{value}", auth(length_at(15, 1, value), enrol=True)
    for value in (0, 4, 255):
        yield f"kind_{value}", auth(length_at(0, 1, value))
    last = wire.CLIENT_AUTH_PLAIN - 1
    yield "padding_not_zero", auth(lambda plain: plain.ljust(last, b"\0") + b"\1")

    message = wire.Send(bytes(16), wire.Address(b"nobody"), 2**64 - 1, 2**64 - 1, b"")
    body_at = len(message.encode()) - 3
    for value in (1, 65537, 2**24 - 1):
        sent = message.encode()[:body_at] + value.to_bytes(3, "big")
        yield f"body_said_to_be_{value}", record(wire.SEND, sent)
    message.body = bytes(65537)
    yield "body_of_65537", record(wire.SEND, message.encode())
    message.body = b""
    for value in (0, 33, 255):
        sent = length_at(17, 1, value)(message.encode())
        yield f"recipient_of_{value}", record(wire.SEND, sent)
    yield "receipt_of_51", record(wire.RECEIPT, bytes(51))
    yield "honest_but_with_the_largest_numbers", record(wire.SEND, message.encode())
    for value in (0, 32, 131069, 2**23, 2**24 - 1):
        yield f"record_of_{value}", header(value)


# ---- row 22: a twin of the CA ----


def row_22(scene: Scene) -> Iterator[Variant]:
    """Certificates of a CA with the same name and serial, but another key."""
    real = scene.met()
    real.line.close()
    twin = pki.Authority(real.ca.realm, serial=real.ca.serial)
    theirs = pki.Parts.read(scene.victim.certificate)
    key = pki.new_key()

    def login(certificate: bytes):
        def act():
            connection = scene.met()
            connection.send_client_auth(wire.ClientAuth(wire.RECEIVE, certificate), key)
            return connection.id, outcome(lambda: answer(connection))

        return act

    spki = pki.spki_of(key)
    name = scene.victim.name
    same = {"serial": theirs.serial, "not_before": theirs.validity[0],
            "not_after": theirs.validity[1]}
    yield "of_the_twin", login(twin.issue("client", name, spki, **same))
    yield "of_the_twin_with_the_real_key_id", login(
        twin.issue("client", name, spki, ca_key_id=real.ca.ca_key_id, **same)
    )
    whole = pki.check_leaf(scene.victim.certificate, "client", real.ca, None)
    whole.spki = spki
    yield "victims_signature_over_own_key", login(whole.encode())


# ---- row 42: what is no name ----


NO_NAMES = (
    b"x'; DROP TABLE member; --", b"' OR '1'='1", b"\" OR 1=1 --", b"victim'--", b"%", b"_", b"v%",
    b"victi_", b"*", b"?", b"victim\0", b"\0victim", b"vic\0tim", b"victim;", b"victim)", b"\\",
    b"x'00'", b"$1", b"?1", b":name", b"victim\n", b"victim\t", b" victim", b"VICTIM",
    b"v\xc4\xb1ctim",
    b"\xff\xfe", b"victim/../x", b"NULL;", b"a" * 31 + b"'", b"-victim", b"vic..tim",
)


def row_42(scene: Scene) -> Iterator[Variant]:
    def enrol(name: bytes):
        def act():
            connection = scene.met()
            key = scene.mallory.key
            text = name.decode("latin-1")
            auth = wire.ClientAuth(wire.ENROL, name=name, request=pki.make_request(text, key))
            connection.send_client_auth(auth, key)
            return connection.id, outcome(lambda: answer(connection))

        return act

    def send(name: bytes):
        def act():
            talk = scene.talk()
            message = wire.Send(secrets.token_bytes(16), wire.Address(name), 1, 1, b"x")
            talk.session.send(wire.SEND, message.encode())
            return talk.id, outcome(lambda: str(talk.session.receive()))

        return act

    def receipt(name: bytes):
        def act():
            talk = scene.talk(wire.RECEIVE)
            body = wire.Receipt(wire.Address(name), bytes(16)).encode()
            talk.session.send(wire.RECEIPT, body)
            return talk.id, outcome(lambda: str(talk.session.receive()))

        return act

    def login(name: bytes):
        def act():
            connection = scene.met()
            text = name.decode("latin-1")
            certificate = scene.authority.issue("client", text, pki.spki_of(scene.mallory.key))
            connection.send_client_auth(
                wire.ClientAuth(wire.RECEIVE, certificate), scene.mallory.key
            )
            return connection.id, outcome(lambda: answer(connection))

        return act

    yield "honest", login(scene.mallory.name.encode())
    for n, name in enumerate(NO_NAMES):
        yield f"enrol_{n}", enrol(name)
        yield f"send_{n}", send(name)
    for n, name in enumerate(NO_NAMES[:12]):
        yield f"receipt_{n}", receipt(name)
        yield f"login_{n}", login(name)


def main() -> None:
    row, *arguments = sys.argv[1:]
    for name, act in globals()[f"row_{row}"](Scene(*arguments)):
        started = time.monotonic()
        try:
            identifier, said = act()
        except Refused as refused:
            identifier, said = "00000000", f"the server is wrong: {refused}"
        print(name, identifier, said, flush=True)
        # A server writes ten lines a second of one kind of error, and counts the rest.
        time.sleep(max(0.0, 0.11 + started - time.monotonic()))


main()
