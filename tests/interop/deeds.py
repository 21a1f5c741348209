# SPDX-License-Identifier: Apache-2.0
"""What a relay may do to somebody who has just logged in: right things and wrong ones.  After a
wrong one the client has to say alert *protocol*, sealed, and end: "verdict: <deed>: <what it said>"
on stdout."""

from __future__ import annotations

import secrets
import time

from malote_interop import bulk, wire
from malote_interop.errors import Alerted, Closed, Cut, Refused
from malote_interop.seal import RECORDS_PER_SECRET, Seal
from malote_interop.relay import Guest, Letter, Post

CHUNK = 1024


def letter(sender: bytes = b"relay-test", text: bytes = b"a deed", **changed) -> wire.Deliver:
    message = wire.Send(
        secrets.token_bytes(16), wire.Address(changed.pop("to", b"maria")), 1,
        changed.pop("number", 1), text, **changed,
    )
    return wire.Deliver(wire.Address(sender), int(time.time() * 1000), message)


# ---- right ----


def rekeys(guest: Guest) -> None:
    """REKEY again and again, with and without anything between."""
    for n in range(5):
        guest.send(wire.REKEY)
        text = b"under key %d" % guest.session.outward.generation
        message = letter(to=guest.name.encode(), text=text, number=n + 1)
        guest.send(wire.DELIVER, message.encode())
        guest.send(wire.REKEY)


def stops(guest: Guest) -> None:
    guest.send(wire.CLOSE, wire.uint(5, 8))
    guest.session.line.close()
    raise Closed(5)


def cuts(guest: Guest) -> None:
    guest.session.line.close()
    raise Closed(0)


def pings(guest: Guest) -> None:
    """So many that the answers wear out the client's key: it has to send a REKEY in time."""
    session = guest.session
    assert session.receive()[0] == wire.CRL_WANTED  # it is new here; from now on it says PONG alone
    left = RECORDS_PER_SECRET + CHUNK
    while left > 0:
        if session.outward.under.sequence + CHUNK >= RECORDS_PER_SECRET:
            session.rekey()
        session.line.write(bulk.seal_many(session.outward, wire.PING, CHUNK))
        answered = 0
        while answered < CHUNK:
            data = session.line.read_exactly((CHUNK - answered) * bulk.SIZE)
            kinds = bulk.open_many(session.inward, data)
            answered += kinds.count(wire.PONG)
            session.rekeys_seen += kinds.count(wire.REKEY)
        left -= CHUNK
    guest.send(wire.DELIVER, letter(to=guest.name.encode(), text=b"still here").encode())


def asks_to_log_in_again(guest: Guest) -> None:
    """Once a name: CLOSE *again*, after which a client is back at once."""
    if guest.kind != wire.RECEIVE or guest.name in asked_again:
        return
    asked_again.add(guest.name)
    guest.send(wire.CLOSE, wire.Close(wire.AGAIN).encode())
    guest.session.line.close()
    raise Closed(wire.AGAIN)


asked_again: set[str] = set()


# ---- what becomes of messages ----


class NoMailboxes(Post):
    keeps = False


class Forgets(Post):
    """Says *stored*, and has nothing."""

    def store(self, letter: Letter, recipient: str, otherwise: int) -> None:
        super().store(letter, recipient, otherwise)
        self.boxes[recipient].remove(letter)


class Expires(Post):
    """What is stored expires when its sender comes back."""

    def arrive(self, guest: Guest) -> None:
        for box in self.boxes.values():
            for letter in [x for x in box if x.sender == guest.name and x.stored]:
                box.remove(letter)
                self.notify(guest.name, wire.Outcome(letter.message.id, wire.EXPIRED, kept=1))
        super().arrive(guest)


class Erased(Post):
    """The mailbox is erased while what was stored in it waits: its sender hears it at once."""

    def store(self, letter: Letter, recipient: str, otherwise: int) -> None:
        super().store(letter, recipient, otherwise)
        self.boxes[recipient].remove(letter)
        gone = wire.Outcome(letter.message.id, wire.OUTCOME_REFUSED, wire.ERASED, kept=1)
        self.notify(letter.sender, gone)


class Passes(Post):
    """The first time each message gets a passing outcome, one after the other of three."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.met: set[bytes] = set()

    def judge(self, guest: Guest, message: wire.Send) -> wire.Outcome | None:
        if message.id in self.met:
            return super().judge(guest, message)
        self.met.add(message.id)
        state, reason = (
            (wire.UNKNOWN, 0), (wire.OUTCOME_REFUSED, wire.TOO_MUCH),
            (wire.OUTCOME_REFUSED, wire.NO_ROOM),
        )[len(self.met) % 3]
        return wire.Outcome(message.id, state, reason)


class Damages(Post):
    """What was stored is unknown after all, once: it has to be sent again."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.met: set[bytes] = set()

    def store(self, letter: Letter, recipient: str, otherwise: int) -> None:
        super().store(letter, recipient, otherwise)
        if letter.message.id not in self.met:
            self.met.add(letter.message.id)
            self.boxes[recipient].remove(letter)
            self.notify(letter.sender, wire.Outcome(letter.message.id, wire.UNKNOWN, kept=1))


class Repeats(Post):
    """Every message twice, and each with all that went before it once more."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.before: dict[str, list[Letter]] = {}

    def deliver(self, to: Guest, letter: Letter) -> None:
        before = self.before.setdefault(to.name, [])
        before.append(letter)
        for other in [letter, *before]:
            super().deliver(to, other)


class Chatters(Post):
    """Says more than there is: what nobody sent, stored twice, delivered before it is stored."""

    def arrive(self, guest: Guest) -> None:
        super().arrive(guest)
        for state in (wire.DELIVERED, wire.UNKNOWN, wire.EXPIRED, wire.READ):
            for kept in (0, 1):
                guest.tell(wire.Outcome(secrets.token_bytes(16), state, 0, kept))
        guest.tell(wire.Outcome(secrets.token_bytes(16), wire.STORED))

    def reply(self, letter: Letter, outcome: wire.Outcome) -> None:
        guest = letter.waits
        super().reply(letter, outcome)
        if guest is not None:
            guest.tell(outcome)
            guest.tell(wire.Outcome(outcome.id, wire.STORED))


POSTS = {"no_mailboxes": NoMailboxes, "forgets": Forgets, "expires": Expires, "erased": Erased,
         "passes": Passes, "damages": Damages, "repeats": Repeats, "chatters": Chatters}


# ---- wrong ----


def wrong(kind: int, body: bytes):
    def deed(guest: Guest) -> None:
        guest.send(kind, body)

    return deed


def bytes_of(make):
    def deed(guest: Guest) -> None:
        guest.session.line.write(make(guest.session))

    return deed


def unlike_its_tag(session) -> bytes:
    sealed = bytearray(session.outward.seal(wire.PING, b""))
    sealed[-1] ^= 1
    return bytes(sealed)


def out_of_order(session) -> bytes:
    first, second = (session.outward.seal(wire.PING, b"") for _ in range(2))
    return second + first


def twice(session) -> bytes:
    return session.outward.seal(wire.PING, b"") * 2


def under_an_old_key(session) -> bytes:
    old = session.outward.under
    sealed = session.outward.seal(wire.REKEY, b"")
    session.outward.under = old
    return sealed + session.outward.seal(wire.PING, b"")


def rekeyed_without_saying(session) -> bytes:
    session.outward.rekey()
    return session.outward.seal(wire.PING, b"")


def sealed_in_the_other_direction(session) -> bytes:
    session.outward.under = Seal(session.inward.under.secret)
    return session.outward.seal(wire.PING, b"")


def plain_alert(session) -> bytes:
    return wire.frame(wire.ALERT, b"\1")


def worn_out(guest: Guest) -> None:
    """One record more than a secret may seal, and no REKEY."""
    session = guest.session
    while session.outward.under.sequence < RECORDS_PER_SECRET:
        count = min(CHUNK, RECORDS_PER_SECRET - session.outward.under.sequence)
        session.line.write(bulk.seal_many(session.outward, wire.PONG, count))
    guest.session.line.write(bulk.seal_many(session.outward, wire.PONG, 1))


WRONG = {
    "unlike_its_tag": bytes_of(unlike_its_tag),
    "out_of_order": bytes_of(out_of_order),
    "twice": bytes_of(twice),
    "under_an_old_key": bytes_of(under_an_old_key),
    "rekeyed_without_saying": bytes_of(rekeyed_without_saying),
    "sealed_in_the_other_direction": bytes_of(sealed_in_the_other_direction),
    "plain_alert": bytes_of(plain_alert),
    "second_welcome": wrong(wire.WELCOME, wire.Welcome(wire.LOGGED_IN).encode()),
    "kind_0": wrong(0, b""),
    "kind_11": wrong(11, b""),
    "noted_from_the_server": wrong(wire.NOTED, wire.Noted(bytes(16), 2).encode()),
    "a_send_from_the_server": wrong(wire.SEND, letter().send.encode()),
    "a_receipt_from_the_server": wrong(
        wire.RECEIPT, wire.Receipt(wire.Address(b"maria"), bytes(16)).encode()
    ),
    "ping_with_a_body": wrong(wire.PING, b"x"),
    "rekey_with_a_body": wrong(wire.REKEY, b"x"),
    "close_with_reason_0": wrong(wire.CLOSE, b"\0"),
    "close_with_reason_9": wrong(wire.CLOSE, b"\x09"),
    "close_without_reason": wrong(wire.CLOSE, b""),
    "outcome_of_state_0": wrong(wire.OUTCOME, wire.Outcome(bytes(16), 0).encode()),
    "outcome_of_state_7": wrong(wire.OUTCOME, wire.Outcome(bytes(16), 7).encode()),
    "delivered_with_a_reason": wrong(wire.OUTCOME, wire.Outcome(bytes(16), 2, 1).encode()),
    "refused_without_reason": wrong(wire.OUTCOME, wire.Outcome(bytes(16), 3).encode()),
    "refused_with_reason_9": wrong(wire.OUTCOME, wire.Outcome(bytes(16), 3, 9).encode()),
    "expired_with_a_reason": wrong(wire.OUTCOME, wire.Outcome(bytes(16), 5, 1, 1).encode()),
    "outcome_kept_twice": wrong(wire.OUTCOME, wire.Outcome(bytes(16), 2, 0, 2).encode()),
    "stored_and_kept": wrong(wire.OUTCOME, wire.Outcome(bytes(16), 1, 0, 1).encode()),
    "refused_and_kept": wrong(wire.OUTCOME, wire.Outcome(bytes(16), 3, 3, 1).encode()),
    "outcome_of_the_version_before": wrong(wire.OUTCOME, wire.Outcome(bytes(16), 2).encode()[:-1]),
    "outcome_too_long": wrong(wire.OUTCOME, wire.Outcome(bytes(16), 2).encode() + b"\0"),
    "deliver_with_flag_2": wrong(wire.DELIVER, letter(flags=2).encode()),
    "deliver_with_flag_32768": wrong(wire.DELIVER, letter(flags=0x8001).encode()),
    "deliver_of_another_kind": wrong(wire.DELIVER, letter(body_kind=2).encode()),
    "deliver_with_a_byte_left_over": wrong(wire.DELIVER, letter().encode() + b"\0"),
    "deliver_numbered_0": wrong(wire.DELIVER, letter(number=0).encode()),
    "deliver_cut_short": wrong(wire.DELIVER, letter().encode()[:-1]),
    "deliver_to_somebody_else": wrong(wire.DELIVER, letter(to=b"joao").encode()),
    "deliver_from_a_device": wrong(wire.DELIVER, b"\2" + letter().encode()[1:]),
    "deliver_from_no_name": wrong(wire.DELIVER, letter(sender=b"Maria").encode()),
    "deliver_from_a_nul": wrong(wire.DELIVER, letter(sender=b"ma\0ria").encode()),
    "deliver_from_a_long_name": wrong(wire.DELIVER, letter(sender=b"m" * 33).encode()),
    "deliver_after_the_end_of_time": wrong(
        wire.DELIVER, wire.Deliver(wire.Address(b"joao"), 2**63, letter().send).encode()
    ),
    "deliver_with_a_body_too_long": wrong(wire.DELIVER, letter(text=b"x" * 65537).encode()),
    "deliver_whose_body_says_2_to_the_24": wrong(
        wire.DELIVER, letter(text=b"").encode()[:-3] + b"\xff\xff\xff"
    ),
}


def then_expect_an_alert(name: str, deed, guest: Guest) -> None:
    """The guest has to answer a wrong deed with the alert every wrong deed gets."""
    try:
        deed(guest)
    except OSError:  # it may end in the midst of many records
        pass
    try:
        while True:
            guest.session.receive()
    except (Alerted, Closed, Cut, Refused) as end:
        print(f"verdict: {name}: {end}", flush=True)
        raise


def every_wrong_deed():
    """One after the other, to whoever logs in to receive."""
    left = list(WRONG.items())

    def next_one(guest: Guest) -> None:
        if guest.kind == wire.RECEIVE and left:
            then_expect_an_alert(*left.pop(0), guest)

    return next_one


def post(name: str) -> type[Post]:
    """What decides over a Relay's messages."""
    return POSTS.get(name, Post)


def find(name: str):
    """What a Relay calls with everybody who has logged in."""
    if name in POSTS:
        return None
    if name == "everything_wrong":
        return every_wrong_deed()
    if name == "worn_out":
        return lambda guest: then_expect_an_alert(name, worn_out, guest)
    return RIGHT[name]


RIGHT = {"none": None, "rekeys": rekeys, "stops": stops, "cuts": cuts, "pings": pings,
         "asks_to_log_in_again": asks_to_log_in_again}
