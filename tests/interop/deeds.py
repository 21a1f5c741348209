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
from malote_interop.server import Guest

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
    "kind_10": wrong(10, b""),
    "a_send_from_the_server": wrong(wire.SEND, letter().send.encode()),
    "a_receipt_from_the_server": wrong(
        wire.RECEIPT, wire.Receipt(wire.Address(b"maria"), bytes(16)).encode()
    ),
    "ping_with_a_body": wrong(wire.PING, b"x"),
    "rekey_with_a_body": wrong(wire.REKEY, b"x"),
    "close_with_reason_0": wrong(wire.CLOSE, b"\0"),
    "close_with_reason_8": wrong(wire.CLOSE, b"\x08"),
    "close_without_reason": wrong(wire.CLOSE, b""),
    "outcome_of_state_0": wrong(wire.OUTCOME, wire.Outcome(bytes(16), 0).encode()),
    "outcome_of_state_5": wrong(wire.OUTCOME, wire.Outcome(bytes(16), 5).encode()),
    "delivered_with_a_reason": wrong(wire.OUTCOME, wire.Outcome(bytes(16), 2, 1).encode()),
    "refused_without_reason": wrong(wire.OUTCOME, wire.Outcome(bytes(16), 3).encode()),
    "refused_with_reason_5": wrong(wire.OUTCOME, wire.Outcome(bytes(16), 3, 5).encode()),
    "outcome_of_nothing_sent": wrong(wire.OUTCOME, wire.Outcome(bytes(16), 2).encode()),
    "outcome_too_long": wrong(wire.OUTCOME, wire.Outcome(bytes(16), 2).encode() + b"\0"),
    "deliver_with_flags": wrong(wire.DELIVER, letter(flags=1).encode()),
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


def find(name: str):
    """What a Relay calls with everybody who has logged in."""
    if name == "everything_wrong":
        return every_wrong_deed()
    if name == "worn_out":
        return lambda guest: then_expect_an_alert(name, worn_out, guest)
    return RIGHT[name]


RIGHT = {"none": None, "rekeys": rekeys, "stops": stops, "cuts": cuts, "pings": pings}
