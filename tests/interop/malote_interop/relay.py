# SPDX-License-Identifier: Apache-2.0
"""A relay in memory (7, 8): enrols by invite, forwards, keeps mail for who is away.

A thread for each connection; `Post` decides under one lock, and what it says leaves under it too,
so that order is what it is here.  Nothing survives the process."""

from __future__ import annotations

import hmac
import secrets
import socket
import threading
import time
from dataclasses import dataclass, field

from . import certificates as pki
from . import wire
from .errors import Alerted, BadCertificate, Closed, Cut, Refused
from .ledger import Head
from .registry import GRACE, LedgerAuthority, Registry
from .revocation import Notice
from .schedule import invite_proof
from .server import Credentials, ServerHandshake
from .session import Session
from .standing import CrlWanted, LeavesWanted, Renew

SEND_WINDOW = DRAIN_WINDOW = NOTICES = 64
DRAIN_BYTES = 1048576


@dataclass(eq=False)
class Guest:
    """Somebody logged in."""

    name: str
    kind: int
    session: Session
    certificate: bytes = b""
    lock: threading.Lock = field(default_factory=threading.Lock)
    blocked: dict[tuple[str, int], int] = field(default_factory=dict)  # stream to number, 8.3
    untold: list[wire.Outcome] = field(default_factory=list)  # beyond the first NOTICES

    def send(self, kind: int, body: bytes = b"") -> None:
        with self.lock:
            self.session.send(kind, body)

    def tell(self, outcome: wire.Outcome) -> None:
        try:
            self.send(wire.OUTCOME, outcome.encode())
        except (Cut, OSError):
            pass  # its own thread finds out


@dataclass(eq=False)
class Letter:
    """A message that nobody has confirmed."""

    sender: str
    message: wire.Send
    time: int
    waits: Guest | None  # whose SEND has no answer yet
    stored: bool = False
    sent_to: Guest | None = None


class Post:
    """What becomes of messages (8.1 to 8.4).  A test that wants something else of it overrides."""

    keeps = True  # mailboxes

    def __init__(self, knows, say):
        self.knows = knows  # name to whether it is anybody's
        self.say = say
        self.lock = threading.RLock()
        self.guests: list[Guest] = []
        self.listening: dict[str, Guest] = {}
        self.boxes: dict[str, list[Letter]] = {}
        self.notices: dict[str, dict[bytes, wire.Outcome]] = {}

    # -- coming and going --

    def arrive(self, guest: Guest) -> None:
        with self.lock:
            self.guests.append(guest)
            if guest.kind == wire.RECEIVE:
                older = self.listening.get(guest.name)
                self.listening[guest.name] = guest
                if older is not None:
                    older.send(wire.CLOSE, wire.Close(wire.REPLACED).encode())
                    older.session.line.close()
                    self.take_back(older)
            notices = list(self.notices.get(guest.name, {}).values())
            guest.untold = notices[NOTICES:]
            for outcome in notices[:NOTICES]:
                guest.tell(outcome)
            self.drain(guest.name)

    def leave(self, guest: Guest) -> None:
        with self.lock:
            self.guests.remove(guest)
            if self.listening.get(guest.name) is guest:
                del self.listening[guest.name]
            self.take_back(guest)

    def take_back(self, guest: Guest) -> None:
        """What was on its way to a session that is gone."""
        for letter in list(self.boxes.get(guest.name, [])):
            if letter.sent_to is guest:
                letter.sent_to = None
                self.store(letter, guest.name, wire.UNKNOWN)

    # -- messages --

    def find(self, sender: str, message: bytes) -> tuple[str, Letter] | None:
        for recipient, box in self.boxes.items():
            for letter in box:
                if (letter.sender, letter.message.id) == (sender, message):
                    return recipient, letter
        return None

    def send(self, guest: Guest, message: wire.Send) -> None:
        with self.lock:
            answer = self.judge(guest, message)
            if answer is not None:
                self.answer(guest, message, answer)

    def judge(self, guest: Guest, message: wire.Send) -> wire.Outcome | None:
        """None: it is under way, and its answer follows."""
        recipient = str(message.recipient)
        blocked = guest.blocked.get((recipient, message.epoch))
        waiting = [x for box in self.boxes.values() for x in box if x.waits is guest]
        if len(waiting) >= SEND_WINDOW or blocked is not None and message.number > blocked:
            return wire.Outcome(message.id, wire.OUTCOME_REFUSED, wire.TOO_MUCH)
        if message.number == blocked:
            del guest.blocked[recipient, message.epoch]
        known = self.find(guest.name, message.id)
        if known is not None:
            return self.judge_again(guest, recipient, *known)
        kept = self.notices.get(guest.name, {}).get(message.id)
        if kept is not None and kept.state in (wire.DELIVERED, wire.READ):
            return kept
        if not self.knows(recipient):
            return wire.Outcome(message.id, wire.OUTCOME_REFUSED, wire.NO_SUCH_NAME)
        self.take(guest, message, recipient)
        return None

    def judge_again(self, guest: Guest, recipient: str, where: str,
                    letter: Letter) -> wire.Outcome | None:
        if where == recipient and letter.stored:
            return wire.Outcome(letter.message.id, wire.STORED)
        if where != recipient or letter.waits is guest:
            return wire.Outcome(letter.message.id, wire.OUTCOME_REFUSED, wire.IN_FLIGHT)
        letter.waits = guest
        return None

    def answer(self, guest: Guest, message: wire.Send, outcome: wire.Outcome) -> None:
        if outcome.passing:
            stream = (str(message.recipient), message.epoch)
            guest.blocked.setdefault(stream, message.number)
        guest.tell(outcome)

    def take(self, guest: Guest, message: wire.Send, recipient: str) -> None:
        letter = Letter(guest.name, message, int(time.time() * 1000), guest)
        box = self.boxes.setdefault(recipient, [])
        box.append(letter)
        if recipient not in self.listening or len(box) > DRAIN_WINDOW:
            self.store(letter, recipient, wire.OUTCOME_REFUSED)
        self.drain(recipient)

    def store(self, letter: Letter, recipient: str, otherwise: int) -> None:
        if self.keeps:
            letter.stored = True
            self.reply(letter, wire.Outcome(letter.message.id, wire.STORED))
            return
        self.boxes[recipient].remove(letter)
        reason = wire.AWAY if otherwise == wire.OUTCOME_REFUSED else 0
        self.reply(letter, wire.Outcome(letter.message.id, otherwise, reason))

    def reply(self, letter: Letter, outcome: wire.Outcome) -> None:
        if letter.waits is not None:
            self.answer(letter.waits, letter.message, outcome)
        letter.waits = None

    def drain(self, recipient: str) -> None:
        to = self.listening.get(recipient)
        if to is None:
            return
        size = 0
        for letter in self.boxes.get(recipient, [])[:DRAIN_WINDOW]:
            size += len(letter.message.body)
            if size > max(DRAIN_BYTES, len(letter.message.body)):
                return
            if letter.sent_to is to:
                continue
            letter.sent_to = to
            self.deliver(to, letter)
            body = len(letter.message.body)
            self.say(f"forward: {letter.sender} to {recipient}: {body} bytes")

    def deliver(self, to: Guest, letter: Letter) -> None:
        sender = wire.Address(letter.sender.encode())
        try:
            to.send(wire.DELIVER, wire.Deliver(sender, letter.time, letter.message).encode())
        except (Cut, OSError):
            pass

    # -- receipts and notices --

    def receipt(self, guest: Guest, receipt: wire.Receipt) -> None:
        """Ignored when it is for something that is not under way to this very session (8.1)."""
        sender = str(receipt.sender)
        with self.lock:
            if receipt.state == wire.READ:
                self.notify(sender, wire.Outcome(receipt.id, wire.READ, kept=1))
                return
            known = self.find(sender, receipt.id)
            if known is None or known[1].sent_to is not guest:
                return
            letter = known[1]
            self.boxes[guest.name].remove(letter)
            if letter.stored:
                self.notify(sender, wire.Outcome(receipt.id, wire.DELIVERED, kept=1))
            else:
                self.reply(letter, wire.Outcome(receipt.id, wire.DELIVERED))
            self.drain(guest.name)

    def notify(self, sender: str, outcome: wire.Outcome) -> None:
        self.notices.setdefault(sender, {})[outcome.id] = outcome
        for guest in self.guests:
            if guest.name == sender:
                guest.tell(outcome)

    def noted(self, guest: Guest, noted: wire.Noted) -> None:
        with self.lock:
            kept = self.notices.get(guest.name, {})
            if noted.id in kept and kept[noted.id].state == noted.state:
                del kept[noted.id]
                if guest.untold:
                    guest.tell(guest.untold.pop(0))
            self.say(f"noted: {guest.name} state {noted.state} left {len(kept)}")


class Relay:
    """Enrols, logs in, and hands what guests say to its `post`.

    `rekey_every` sends a REKEY after so many records to one session; `on_login` is called with
    each Guest before its first record is read, and may do to it what a test is about.
    """

    handshake = ServerHandshake

    def __init__(self, authority: LedgerAuthority, rekey_every: int = 0, on_login=None, say=print,
                 post: type[Post] = Post, registry: type[Registry] = Registry):
        self.authority = authority
        self.registry = registry(authority)
        self.credentials = Credentials.new(authority)
        self.rekey_every = rekey_every
        self.on_login = on_login
        self.say = say
        self.lock = threading.Lock()
        self.keys: dict[str, bytes] = {}  # name to fingerprint
        self.invites: dict[bytes, bytes] = {}  # id to token
        self.post = post(self.keys.__contains__, say)
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
        answer.ledger_head = self.registry.shown_head()
        answer.crl_number = self.registry.crl_number()
        session.send(wire.WELCOME, answer.encode())
        self.say(f"welcome: {name} kind {auth.kind} result {answer.result} reason {answer.reason}")
        guest = Guest(name, auth.kind, session, auth.certificate)
        if answer.result == wire.LOGGED_IN:
            self.attend_guest(guest)
        elif answer.result == wire.RENEW_FIRST:
            self.renew_expired(guest)
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
        made = pki.check_leaf(auth.certificate, "client", ca, None)
        if self.registry.is_revoked(made.serial):
            return wire.Welcome(wire.REFUSED, reason=wire.REASON_REVOKED)
        try:
            pki.check_time(made, time.time())
        except BadCertificate as bad:
            if "expired" not in str(bad):
                return wire.Welcome(wire.REFUSED, reason=wire.REASON_NOT_YET)
            if time.time() > made.not_after + GRACE:
                return wire.Welcome(wire.REFUSED, reason=wire.REASON_EXPIRED)
            return wire.Welcome(wire.RENEW_FIRST)
        return wire.Welcome(wire.LOGGED_IN)

    def renew_expired(self, guest: Guest) -> None:
        kind, body = guest.session.receive()
        if kind != wire.RENEW:
            raise Refused("something else than RENEW of who may do nothing else")
        self.take_standing(guest, kind, body)
        guest.session.close()

    def attend_guest(self, guest: Guest) -> None:
        self.post.arrive(guest)
        try:
            if self.on_login is not None:
                self.on_login(guest)
            while True:
                self.take(guest, *guest.session.receive())
                if self.rekey_every and guest.session.outward.under.sequence >= self.rekey_every:
                    guest.send(wire.REKEY)
        except Closed:
            guest.send(wire.CLOSE, wire.Close(1).encode())
            raise
        except Refused as refused:
            guest.session.fail(refused)
            raise
        finally:
            self.post.leave(guest)
            self.say(f"gone: {guest.name} rekeys {guest.session.rekeys_seen}")

    def take(self, guest: Guest, kind: int, body: bytes) -> None:
        if kind == wire.PING:
            guest.send(wire.PONG)
        elif kind == wire.SEND:
            self.post.send(guest, wire.Send.decode(body))
        elif kind == wire.NOTED:
            self.post.noted(guest, wire.Noted.decode(body))
        elif kind == wire.RECEIPT:
            receipt = wire.Receipt.decode(body)
            if guest.kind != wire.RECEIVE:
                raise Refused("a receipt on a session that gets no mail")
            self.post.receipt(guest, receipt)
        else:
            self.take_standing(guest, kind, body)

    def take_standing(self, guest: Guest, kind: int, body: bytes) -> None:
        """What is asked about the CA."""
        registry = self.registry
        if kind == wire.RENEW:
            answer = registry.renew(guest.certificate, Renew.decode(body))
            self.say(f"renew: {guest.name} result {answer.result} reason {answer.reason}")
            guest.certificate = answer.certificate or guest.certificate
            guest.send(wire.RENEWED, answer.encode())
        elif kind == wire.PROVE:
            answer = registry.prove(Head.decode(body))
            self.say(f"prove: {guest.name} result {answer.result}")
            guest.send(wire.PROOF, answer.encode())
        elif kind == wire.LEAVES_WANTED:
            guest.send(wire.LEAVES, registry.leaves(LeavesWanted.decode(body).first).encode())
        elif kind == wire.CRL_WANTED:
            have = CrlWanted.decode(body).have
            self.say(f"list: {guest.name} has {have}")
            for piece in registry.lists(have):
                is_notice = isinstance(piece, Notice)
                guest.send(wire.REVOKED if is_notice else wire.CRL, piece.encode())
