# SPDX-License-Identifier: Apache-2.0
"""Hostile servers against the real client, by the rows of the list of attacks.

    attack_client.py ROW HOST:PORT VICTIM [KEYSTORE PASSPHRASE]

HOST:PORT is the real server, met once for its certificate; VICTIM the home of a Python identity
that an attacker may hold, key and all; KEYSTORE and PASSPHRASE the real CA's, for certificates
that nobody outside could have.  Prints "listening on PORT", then serves one connection for each
variant in turn, of which it says

    verdict: <variant>: <what the client made of it>
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from malote_interop import certificates as pki
from malote_interop import wire
from malote_interop.client import ClientHandshake, Identity
from malote_interop.errors import Alerted, Closed, Cut, Refused
from malote_interop.groups import GROUPS
from malote_interop.lockbox import authority_of
from malote_interop.schedule import finished
from malote_interop.server import Credentials, ServerHandshake
from malote_interop.session import Session, open_alert

HOUR = 3600


class Curious(ClientHandshake):
    """An ordinary client that keeps what the server shows, and every byte it was sent."""

    def verify_server(self, auth: wire.ServerAuth) -> None:
        super().verify_server(auth)
        self.shown = auth

    def keep(self) -> Curious:
        self.seen = b""
        take = self.line.read_exactly

        def read(size: int) -> bytes:
            data = take(size)
            self.seen += data
            return data

        self.line.read_exactly = read
        return self


class Scene:
    def __init__(self, where: str, victim: str, *more: str):
        host, _, port = where.rpartition(":")
        self.victim = Identity.load(Path(victim))
        met = Curious(host, int(port), self.victim.pin).keep()
        met.meet()
        met.login(self.victim, wire.SEND_ONLY)
        met.line.close()
        self.recorded = met.seen
        self.shown = met.shown
        self.ca = met.ca
        self.own_key = pki.new_key()
        if more:
            self.authority = authority_of(*map(Path, more))

    def with_(self, certificate: bytes, key, ca: bytes | None = None) -> Credentials:
        return Credentials(ca or self.shown.ca, certificate, key)

    def genuine(self, **changed) -> Credentials:
        """Certified by the real CA: what a server is, but for `changed`."""
        made = self.authority.issue("server", "relay", pki.spki_of(self.own_key), **changed)
        return self.with_(made, self.own_key)


class Hostile(ServerHandshake):
    """Knows no users: whoever proves a key is let in as far as a variant needs it."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.session: Session | None = None
        self.read_any, self.line.read_frame = self.line.read_frame, self.read_frame

    def read_frame(self) -> tuple[int, bytes, bytes]:
        """Believes an alert in any of the forms of 3.3: the client may know less than we do."""
        kind, header, body = self.read_any()
        if kind != wire.ALERT:
            return kind, header, body
        if len(body) == 1:
            raise Alerted(wire.read_alert(body), False)
        for seal in (self.inward, self.session and self.session.inward.under):
            try:
                raise open_alert(header, body, seal)
            except Refused:
                continue
        raise Refused("an alert under no key of this connection")

    def open_session(self) -> Session:
        self.session = super().open_session()
        return self.session

    def after(self) -> str:
        """What the client says to a Welcome."""
        session = self.open_session()
        session.send(wire.WELCOME, wire.Welcome(wire.LOGGED_IN).encode())
        return f"in session, {session.receive()[0]}"

    def run(self) -> str:
        try:
            self.send_hello()
            hello = self.read_client_hello()
            self.send_server_auth(hello)
            header, body = self.expect(wire.CLIENT_AUTH)
            auth = wire.ClientAuth.decode(self.inward.open(header, body))
            self.transcript.add(header, auth.encode())
            return self.after()
        except (Alerted, Closed, Cut, Refused) as end:
            return str(end)


Variant = tuple[str, type[Hostile], Credentials]


class SignsAsClient(Hostile):
    role = "client"


class FinishedOfTheClient(Hostile):
    def server_finished(self) -> bytes:
        return finished(self.secrets.client, self.transcript.hash())


# ---- row 6: the client's own key in the attacker's hands, or the server's old one ----


def row_6(scene: Scene) -> Iterator[Variant]:
    victim, relay = scene.victim, scene.shown.certificate
    self_made = pki.Authority(scene.ca.realm, victim.key, scene.ca.serial)
    impostor = self_made.issue(
        "server", "relay", pki.spki_of(victim.key), ca_key_id=scene.ca.ca_key_id
    )
    started = scene.ca.not_before
    yield "genuine_server", Hostile, scene.genuine()
    yield "clients_own_certificate", Hostile, scene.with_(victim.certificate, victim.key)
    yield "clients_own_certificate_its_role", SignsAsClient, scene.with_(
        victim.certificate, victim.key
    )
    yield "servers_certificate_clients_key", Hostile, scene.with_(relay, victim.key)
    yield "signed_by_the_clients_key", Hostile, scene.with_(impostor, victim.key)
    yield "ca_made_of_the_clients_key", Hostile, Credentials.new(self_made)
    yield "old_server_key", Hostile, scene.genuine(
        not_before=started - 24 * HOUR, not_after=started
    )
    yield "server_key_of_tomorrow", Hostile, scene.genuine(
        not_before=started + 2 * HOUR, not_after=started + 20 * HOUR
    )
    yield "servers_certificate_without_its_key", Hostile, scene.with_(relay, scene.own_key)


# ---- row 8: the bytes of a real server, again ----


class Player(Hostile):
    recorded = b""

    def run(self) -> str:
        """The line is the client's; all that a real server once said comes at once."""
        self.line.write(self.recorded)
        try:
            kind, _, _ = self.read_any()
            assert kind == wire.CLIENT_HELLO
            kind, _, body = self.read_any()
            # It is sealed under keys that nobody here has: only its form tells.
            return "alert protocol (sealed)" if kind == wire.ALERT and len(body) == 33 else "taken"
        except (Cut, Refused) as end:
            return str(end)


def row_8(scene: Scene) -> Iterator[Variant]:
    yield "recorded_session", type("Playing", (Player,), {"recorded": scene.recorded}), None


# ---- row 12: prefix truncation ----


def says_first(data: bytes) -> type[Hostile]:
    class First(Hostile):
        def send_hello(self) -> None:
            self.line.write(data)
            super().send_hello()

    return First


def says_before_auth(make) -> type[Hostile]:
    class Before(Hostile):
        def send_server_auth(self, hello) -> None:
            self.line.write(make(self))
            super().send_server_auth(hello)

    return Before


def says_after_auth(make) -> type[Hostile]:
    class After(Hostile):
        def after(self) -> str:
            self.line.write(make(self))
            return super().after()

    return After


class SealedAtOne(Hostile):
    """ServerAuth is sealed as if one frame had gone before."""

    first_sequence = 1


class WelcomeDropped(Hostile):
    def after(self) -> str:
        session = self.open_session()
        session.outward.seal(wire.WELCOME, wire.Welcome(wire.LOGGED_IN).encode())
        session.send(wire.PONG)
        return f"in session, {session.receive()[0]}"


class PongForWelcome(Hostile):
    def after(self) -> str:
        session = self.open_session()
        session.send(wire.PONG)
        return f"in session, {session.receive()[0]}"


class WelcomeUnderHandshakeKeys(Hostile):
    def after(self) -> str:
        session = self.open_session()
        plain = bytes([wire.WELCOME]) + wire.Welcome(wire.LOGGED_IN).encode()
        header = wire.frame_header(wire.RECORD, len(plain) + wire.TAG)
        self.line.write(header + self.outward.seal(header, plain))
        return f"in session, {session.receive()[0]}"


def row_12(scene: Scene) -> Iterator[Variant]:
    good = scene.genuine()
    junk = wire.frame(wire.RECORD, bytes(33))
    yield "record_before_hello", says_first(junk), good
    yield "unknown_frame_before_hello", says_first(b"\x11\0\0\0"), good
    yield "server_auth_before_hello", says_first(wire.frame(wire.SERVER_AUTH, bytes(2048))), good
    yield "record_before_auth", says_before_auth(lambda _: junk), good
    yield "unknown_frame_before_auth", says_before_auth(lambda _: b"\x06\0\0\0"), good
    yield "second_hello", says_before_auth(
        lambda s: wire.frame(wire.SERVER_HELLO, wire.ServerHello(
            bytes(32), s.group.left_pad(s.group.p), b"\2").encode())
    ), good
    yield "server_auth_at_sequence_1", SealedAtOne, good
    yield "plain_alert_after_keys", says_after_auth(lambda _: wire.frame(wire.ALERT, b"\1")), good
    yield "junk_after_auth", says_after_auth(lambda _: junk), good
    yield "welcome_dropped", WelcomeDropped, good
    yield "pong_for_welcome", PongForWelcome, good
    yield "welcome_under_s_hs", WelcomeUnderHandshakeKeys, good


# ---- row 16: one thing in the place of another ----


def row_16(scene: Scene) -> Iterator[Variant]:
    issue, key = scene.authority.issue, scene.own_key
    spki = pki.spki_of(key)

    def shows(certificate: bytes, with_key=key) -> Credentials:
        return scene.with_(certificate, with_key)

    good = scene.genuine()
    yield "genuine_server", Hostile, good
    yield "signed_as_client", SignsAsClient, good
    yield "finished_with_the_clients_key", FinishedOfTheClient, good
    yield "client_certificate_as_server", Hostile, shows(issue("client", "mallory", spki))
    yield "client_certificate_called_relay", Hostile, shows(issue("client", "relay", spki))
    yield "server_certificate_of_another_name", Hostile, shows(issue("server", "mallory", spki))
    yield "server_certificate_of_another_realm", Hostile, shows(
        issue("server", "relay", spki, realm="other.test")
    )
    yield "ca_certificate_as_server", Hostile, shows(scene.shown.ca, scene.authority.key)
    yield "server_certificate_as_ca", Hostile, scene.with_(
        good.certificate, key, ca=good.certificate
    )


# ---- row 17: sizes ----


def welcomes(**changed) -> type[Hostile]:
    class Extreme(Hostile):
        def after(self) -> str:
            session = self.open_session()
            session.send(wire.WELCOME, wire.Welcome(wire.LOGGED_IN, **changed).encode())
            return f"in session, {session.receive()[0]}"

    return Extreme


def row_17(scene: Scene) -> Iterator[Variant]:
    good = scene.genuine()
    for size in (0, 33, 131069, 2**23, 2**24 - 1):
        yield f"record_of_{size}", says_after_auth(
            lambda _, size=size: wire.frame_header(wire.RECORD, size)
        ), good
    for size in (0, 1023, 16385, 2**24 - 1):
        yield f"server_auth_of_{size}", says_before_auth(
            lambda _, size=size: wire.frame_header(wire.SERVER_AUTH, size)
        ), good
    for size in (0, 296, 4650, 2**24 - 1):
        yield f"hello_of_{size}", says_first(wire.frame_header(wire.SERVER_HELLO, size)), good
    yield "time_2_to_the_63", welcomes(server_time=2**63), good
    yield "retry_after", welcomes(retry_after=2**32 - 1), good
    yield "reason_255", welcomes(reason=255), good


# ---- row 22: a twin of the CA ----


def row_22(scene: Scene) -> Iterator[Variant]:
    twin = pki.Authority(scene.ca.realm, serial=scene.ca.serial)
    spki = pki.spki_of(scene.own_key)
    made = twin.issue("server", "relay", spki)
    posing = twin.issue("server", "relay", spki, ca_key_id=scene.ca.ca_key_id)
    yield "genuine_server", Hostile, scene.genuine()
    yield "twin_with_its_own", Hostile, scene.with_(
        made, scene.own_key, twin.certificate.encode()
    )
    yield "twin_below_the_real_ca", Hostile, scene.with_(made, scene.own_key)
    yield "twin_with_the_real_key_id", Hostile, scene.with_(posing, scene.own_key)
    yield "real_below_the_twin", Hostile, scene.with_(
        scene.genuine().certificate, scene.own_key, twin.certificate.encode()
    )


def main() -> None:
    row, *arguments = sys.argv[1:]
    scene = Scene(*arguments)
    listener = socket.create_server(("127.0.0.1", 0))
    variants = list(globals()[f"row_{row}"](scene))
    print(f"listening on {listener.getsockname()[1]}", flush=True)
    print(f"variants: {' '.join(name for name, _, _ in variants)}", flush=True)
    authority = pki.Authority(scene.ca.realm, scene.own_key)
    for name, kind, credentials in variants:
        sock, _ = listener.accept()
        sock.settimeout(15)
        connection = kind(sock, authority, credentials, GROUPS[3072])
        print(f"verdict: {name}: {connection.run()}", flush=True)
        connection.line.close()


main()
