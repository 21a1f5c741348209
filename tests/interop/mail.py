# SPDX-License-Identifier: Apache-2.0
"""Stored mail, outcomes, notices and sending again (8.1 to 8.4), one scenario a verb:

    mail.py VERB ANA BIA MALLORY [PORT]

The three are homes of certified users; PORT, another way to the server.  Ends with status 0 and a
line "<verb>: <what was seen>" if all went as PROTOCOL.md says.  Every scenario leaves the mailboxes
empty and nothing to be noted, so that they can follow each other.
"""

from __future__ import annotations

import secrets
import sys
import time
from pathlib import Path

from malote_interop import wire
from malote_interop.client import Conversation, Identity
from malote_interop.errors import Alerted, Closed, Cut

DRAIN_WINDOW, DRAIN_BYTES, NOTICES, SEND_WINDOW = 64, 1048576, 64, 64
NOTICES_ABOUT = 1000


class Scene:
    def __init__(self, *homes: str):
        self.ana, self.bia, self.mallory = (Identity.load(Path(home)) for home in homes[:3])
        if len(homes) > 3:
            self.ana.port = self.bia.port = self.mallory.port = int(homes[3])

    def sender(self, identity: Identity | None = None, **wanted) -> Conversation:
        return self.enter(identity or self.ana, wire.SEND_ONLY, wanted)

    def receiver(self, identity: Identity | None = None, **wanted) -> Conversation:
        return self.enter(identity or self.bia, wire.RECEIVE, wanted)

    def enter(self, identity: Identity, kind: int, wanted: dict) -> Conversation:
        talk = type("Talk", (Conversation,), wanted)(identity, kind)
        talk.ping()
        return talk

    def settle(self) -> None:
        """Nothing waits for anybody: what does is taken, confirmed and noted."""
        for identity in (self.ana, self.bia, self.mallory):
            talk = self.receiver(identity)
            quiet = 0
            while quiet < 3:
                before = len(talk.inbox) + len(talk.notices)
                time.sleep(0.05)
                talk.ping()
                quiet = quiet + 1 if len(talk.inbox) + len(talk.notices) == before else 0
            talk.close()


def expect(got, wanted, what: str) -> None:
    assert got == wanted, f"{what}: {got} instead of {wanted}"


def is_told(outcome: wire.Outcome, state: int, kept: int, reason: int = 0) -> None:
    expect((outcome.state, outcome.reason, outcome.kept), (state, reason, kept), "outcome")


def stays_quiet(talk: Conversation, seconds: float = 0.3) -> None:
    """Nothing more comes; what the server does without being asked has had time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        talk.ping()
        time.sleep(0.05)


def nothing_is_kept(scene: Scene, identity: Identity | None = None) -> None:
    """What was noted a moment ago may be said once more; then it is forgotten."""
    for _ in range(50):
        talk = scene.sender(identity)
        stays_quiet(talk)
        talk.close()
        if not talk.notices:
            return
    raise AssertionError("said again and again after it was noted")


def until(talk: Conversation, seen) -> None:
    while not seen():
        talk.step()


# ---- stored mail ----


def stores(scene: Scene) -> str:
    """For somebody away: stored; at his login in order; delivered, kept, until it is noted."""
    ana = scene.sender()
    sent = [ana.envelope("bia", b"stored %d" % n) for n in range(150)]
    for message in sent:
        is_told(ana.post(message), wire.STORED, 0)
    bia = scene.receiver()
    taken = [bia.take() for _ in sent]
    expect([m.send for m in taken], sent, "what came")
    assert all(str(m.sender) == "ana" for m in taken)
    for message in sent:
        is_told(ana.fate(message), wire.DELIVERED, 1)
    ana.close()
    nothing_is_kept(scene)
    bia.ping()
    expect((len(bia.inbox), bia.again), (0, 0), "more than there was")
    return f"{len(sent)} messages, in order"


def live_after_stored(scene: Scene) -> str:
    """Order holds from the mailbox on to what is sent while it drains, and after."""
    ana = scene.sender()
    sent = [ana.envelope("bia", b"%d" % n) for n in range(200)]
    for message in sent[:100]:
        is_told(ana.post(message), wire.STORED, 0)
    bia = scene.receiver(receipts=False)
    waiting = []
    for message in sent[100:]:
        ana.start(message)
        if len(ana.under_way) >= SEND_WINDOW // 2:
            waiting.append(bia.take())
            bia.receipt(waiting[-1])
        while len(ana.under_way) >= SEND_WINDOW - 1:
            ana.step()
    while len(waiting) < len(sent):
        waiting.append(bia.take())
        bia.receipt(waiting[-1])
    expect([m.send.number for m in waiting], [m.number for m in sent], "order")
    for message in sent:
        outcome = ana.fate(message)
        if outcome.state == wire.STORED:
            outcome = ana.fate(message)
        expect(outcome.state, wire.DELIVERED, "outcome")
    last = ana.envelope("bia", b"live")
    ana.start(last)
    bia.receipt(bia.take())
    expect(ana.fate(last).state, wire.DELIVERED, "outcome")
    return f"{len(sent)} messages"


def window(scene: Scene) -> str:
    """Of a mailbox 64 messages, or 1 MiB, are on their way without a receipt, and no more."""
    ana = scene.sender()
    for n in range(100):
        is_told(ana.send("bia", b"small"), wire.STORED, 0)
    bia = scene.receiver(receipts=False)
    until(bia, lambda: len(bia.inbox) == DRAIN_WINDOW)
    stays_quiet(bia)
    expect(len(bia.inbox), DRAIN_WINDOW, "messages without a receipt")
    for message in bia.inbox[: DRAIN_WINDOW // 2]:
        bia.receipt(message)
    until(bia, lambda: len(bia.inbox) == DRAIN_WINDOW * 3 // 2)
    bia.session.line.close()
    scene.settle()

    for n in range(40):
        is_told(ana.send("bia", b"x" * 65536), wire.STORED, 0)
    bia = scene.receiver(receipts=False)
    most = DRAIN_BYTES // 65536
    until(bia, lambda: len(bia.inbox) >= most - 1)
    stays_quiet(bia)
    assert len(bia.inbox) <= most, f"{len(bia.inbox)} large messages without a receipt"
    bia.session.line.close()
    return f"{DRAIN_WINDOW} small, {len(bia.inbox)} of 64 KiB"


def cut_off(scene: Scene) -> str:
    """A receiver that goes without a word, again and again, gets everything, and again what it
    did not confirm."""
    ana = scene.sender()
    sent = [ana.envelope("bia", b"%d" % n) for n in range(90)]
    for message in sent:
        is_told(ana.post(message), wire.STORED, 0)
    have: list[int] = []
    repeated = 0
    while len(set(have)) < len(sent):
        bia = scene.receiver(receipts=False)
        for n in range(min(25, len(sent) - len(set(have)))):
            message = bia.take()
            repeated += message.send.number in have
            have.append(message.send.number)
            if n % 5 != 4:
                bia.receipt(message)
        bia.ping()
        bia.session.line.close()
    scene.settle()
    first = list(dict.fromkeys(have))
    expect(sorted(first), [m.number for m in sent], "what came")
    assert repeated, "nothing was delivered twice, so nothing was tested"
    return f"{repeated} came again"


def spools(scene: Scene) -> str:
    """Somebody who is there and confirms nothing for two seconds: stored; a late receipt counts."""
    bia = scene.receiver(receipts=False)
    ana = scene.sender()
    sent = [ana.envelope("bia", b"%d" % n) for n in range(3)]
    for message in sent:
        ana.start(message)
    taken = [bia.take() for _ in sent]
    for message in sent:
        is_told(ana.answer(message), wire.STORED, 0)
    for message in taken:
        bia.receipt(message)
    for message in sent:
        is_told(ana.fate(message), wire.DELIVERED, 1)
    bia.receipts = True
    following = ana.envelope("bia", b"after it")
    ana.start(following)
    expect(bia.take().send, following, "what came")
    expect(bia.again, 0, "delivered again")
    expect(ana.fate(following).state, wire.DELIVERED, "outcome")
    return "stored, then delivered"


def never_reads(scene: Scene) -> str:
    """A receiver that reads nothing costs its senders nothing: 12 MB are stored meanwhile, and it
    gets them all once it reads."""
    bia = scene.receiver(receipts=False)
    ana = scene.sender()
    sent = [ana.envelope("bia", b"%d " % n + b"x" * 60000) for n in range(200)]
    slowest = 0.0
    for message in sent:
        since = time.monotonic()
        outcome = ana.post(message)
        slowest = max(slowest, time.monotonic() - since)
        expect(outcome.state, wire.STORED, "outcome")
    other = scene.receiver(scene.mallory)
    message = ana.envelope("mallory", b"and others")
    ana.start(message)
    expect(other.take().send, message, "what others got")
    expect(ana.fate(message).state, wire.DELIVERED, "outcome")
    bia.session.line.close()
    bia = scene.receiver()
    expect([bia.take().send.number for _ in sent], [m.number for m in sent], "order")
    return f"{len(sent)} messages, none waited longer than {slowest:.0f} s"


def replaced(scene: Scene) -> str:
    """The newer receiver gets what the older did not confirm; the older is told why."""
    older = scene.receiver(receipts=False)
    ana = scene.sender()
    sent = [ana.envelope("bia", b"%d" % n) for n in range(5)]
    for message in sent:
        ana.start(message)
    for _ in sent:
        older.take()
    newer = scene.receiver()
    try:
        while True:
            older.step()
    except Closed as closed:
        expect(closed.reason, wire.REPLACED, "reason")
    expect([newer.take().send for _ in sent], sent, "what came")
    for message in sent:
        outcome = ana.answer(message)
        if outcome.state == wire.STORED:
            outcome = ana.fate(message)
        expect(outcome.state, wire.DELIVERED, "outcome")
    return "the older was told"


# ---- sending again ----


def resends(scene: Scene) -> str:
    """The same id again: stored again, delivered once.  After that, known as delivered: not stored,
    and if it is forwarded, recognised."""
    ana = scene.sender(notes=False)
    message = ana.envelope("bia", b"once")
    for _ in range(3):
        is_told(ana.post(message), wire.STORED, 0)
    other = scene.sender(notes=False)
    is_told(other.post(message), wire.STORED, 0)
    bia = scene.receiver()
    expect(bia.take().send, message, "what came")
    for talk in (ana, other):
        is_told(talk.fate(message), wire.DELIVERED, 1)
    ana.start(message)
    while message.id not in ana.outcomes:
        bia.ping()
        ana.ping()
    expect(ana.answer(message).state, wire.DELIVERED, "outcome")
    expect(len(bia.inbox), 0, "came as something new")
    bia.close()
    scene.receiver(scene.mallory).close()
    for talk in (ana, other):
        expect(talk.post(message).state, wire.DELIVERED, "outcome")
    bia = scene.receiver()
    stays_quiet(bia)
    expect((len(bia.inbox), bia.again), (0, 0), "came again")
    ana.note(wire.Outcome(message.id, wire.DELIVERED, kept=1))
    return "delivered once"


def adopted(scene: Scene) -> str:
    """Sent again by a newer session while it is under way: the newer one gets the answer."""
    bia = scene.receiver(receipts=False)
    older = scene.sender()
    message = older.envelope("bia", b"under way")
    older.start(message)
    taken = bia.take()
    older.session.line.close()
    newer = scene.sender()
    newer.start(message)
    newer.ping()
    bia.receipt(taken)
    expect(newer.answer(message).state, wire.DELIVERED, "outcome")
    stays_quiet(bia)
    expect((len(bia.inbox), bia.again), (0, 0), "came again")
    return "answered"


def duplicates(scene: Scene) -> str:
    """One id is one message: not to two recipients, and not twice from one session."""
    bia = scene.receiver(receipts=False)
    ana = scene.sender()
    message = ana.envelope("bia", b"one")
    elsewhere = wire.Send(message.id, wire.Address(b"mallory"), message.epoch, 1, b"one")
    ana.start(message)
    taken = bia.take()
    is_told(ana.post(elsewhere), wire.OUTCOME_REFUSED, 0, wire.IN_FLIGHT)
    is_told(ana.post(message), wire.OUTCOME_REFUSED, 0, wire.IN_FLIGHT)
    ana.under_way.add(message.id)
    bia.receipt(taken)
    expect(ana.answer(message).state, wire.DELIVERED, "outcome")
    bia.close()
    stored = ana.envelope("bia", b"stored")
    is_told(ana.post(stored), wire.STORED, 0)
    elsewhere = wire.Send(stored.id, wire.Address(b"mallory"), stored.epoch, 2, b"stored")
    is_told(ana.post(elsewhere), wire.OUTCOME_REFUSED, 0, wire.IN_FLIGHT)
    ana.stored.add(stored.id)
    # Another sender's id is another message.
    mallory = scene.sender(scene.mallory)
    same = wire.Send(stored.id, wire.Address(b"bia"), 1, 1, b"mine")
    is_told(mallory.post(same), wire.STORED, 0)
    bia = scene.receiver()
    expect([(str(m.sender), m.send.body) for m in (bia.take(), bia.take())],
           [("ana", b"stored"), ("mallory", b"mine")], "what came")
    is_told(mallory.fate(same), wire.DELIVERED, 1)
    is_told(ana.fate(stored), wire.DELIVERED, 1)
    return "told apart"


def busy(scene: Scene) -> str:
    """Too much at once is busy, and so is every later number until that one comes again."""
    bia = scene.receiver(receipts=False)
    ana = scene.sender()
    sent = [ana.envelope("bia", b"%d" % n) for n in range(SEND_WINDOW + 6)]
    for message in sent:
        ana.start(message)
    for message in sent[SEND_WINDOW:]:
        is_told(ana.answer(message), wire.OUTCOME_REFUSED, 0, wire.TOO_MUCH)
    taken = [bia.take() for _ in range(SEND_WINDOW)]
    for message in taken:
        bia.receipt(message)
    for message in sent[:SEND_WINDOW]:
        expect(ana.answer(message).state, wire.DELIVERED, "outcome")
    first, second, *others = sent[SEND_WINDOW:]
    is_told(ana.post(second), wire.OUTCOME_REFUSED, 0, wire.TOO_MUCH)
    bia.receipts = True
    earlier = wire.Send(secrets.token_bytes(16), first.recipient, first.epoch, 1, b"earlier")
    ana.start(earlier)
    expect(bia.take().send, earlier, "an earlier number")
    expect(ana.answer(earlier).state, wire.DELIVERED, "outcome")
    is_told(ana.post(second), wire.OUTCOME_REFUSED, 0, wire.TOO_MUCH)
    elsewhere = ana.envelope("mallory", b"another stream")
    is_told(ana.post(elsewhere), wire.STORED, 0)
    for message in (first, second, *others):
        ana.start(message)
    expect([bia.take().send for _ in range(6)], [first, second, *others], "order")
    for message in (first, second, *others):
        expect(ana.answer(message).state, wire.DELIVERED, "outcome")
    return "in order after all"


# ---- notices ----


def notices(scene: Scene) -> str:
    """Said to every session and at every login of either kind, 64 at a time, until noted; what is
    noted that is not there does no harm."""
    ana = scene.sender()
    sent = [ana.envelope("bia", b"%d" % n) for n in range(NOTICES + 20)]
    for message in sent:
        is_told(ana.post(message), wire.STORED, 0)
    ana.session.line.close()
    bia = scene.receiver()
    for _ in sent:
        bia.take()
    bia.ping()
    for enter in (scene.sender, scene.receiver, scene.sender):
        talk = enter(scene.ana, notes=False)
        until(talk, lambda talk=talk: len(talk.notices) == NOTICES)
        stays_quiet(talk)
        expect([o.id for o in talk.notices], [m.id for m in sent[:NOTICES]], "notices")
        assert all((o.state, o.kept) == (wire.DELIVERED, 1) for o in talk.notices)
        talk.session.line.close()
    mallory = scene.sender(scene.mallory)
    for message in sent[:3]:
        mallory.note(wire.Outcome(message.id, wire.DELIVERED, kept=1))
    mallory.ping()
    talk = scene.sender(notes=False)
    until(talk, lambda: len(talk.notices) == NOTICES)
    talk.note(wire.Outcome(sent[0].id, wire.EXPIRED, kept=1))
    for _ in range(3):
        talk.note(wire.Outcome(secrets.token_bytes(16), wire.READ, kept=1))
    talk.session.line.close()
    talk = scene.sender()
    until(talk, lambda: len(talk.notices) == len(sent))
    expect({o.id for o in talk.notices}, {m.id for m in sent}, "notices")
    talk.close()
    nothing_is_kept(scene)
    return f"{len(sent)} notices"


def to_every_session(scene: Scene) -> str:
    """What becomes of stored mail is said to all sessions of its sender, whichever sent it."""
    ana = scene.sender()
    message = ana.envelope("bia", b"whoever listens")
    is_told(ana.post(message), wire.STORED, 0)
    ana.session.line.close()
    sessions = [scene.sender(notes=False), scene.receiver(scene.ana, notes=False),
                scene.sender(notes=False)]
    bia = scene.receiver()
    bia.take()
    for talk in sessions:
        notice = talk.notice()
        expect(notice.id, message.id, "notice")
        is_told(notice, wire.DELIVERED, 1)
    sessions[0].note(notice)
    return f"{len(sessions)} sessions"


def read(scene: Scene) -> str:
    """Read: of a live message and of a stored one, at once and to a sender who comes later."""
    ana = scene.sender()
    first = ana.envelope("bia", b"stored", wire.WANTS_READ)
    is_told(ana.post(first), wire.STORED, 0)
    bia = scene.receiver()
    taken = bia.take()
    expect(taken.send.flags, wire.WANTS_READ, "flags")
    is_told(ana.fate(first), wire.DELIVERED, 1)
    bia.receipt(taken, wire.READ)
    said = ana.notice()
    while said.state != wire.READ:
        said = ana.notice()
    expect(said.id, first.id, "notice")
    is_told(said, wire.READ, 1)
    second = ana.envelope("bia", b"live", wire.WANTS_READ)
    ana.start(second)
    taken = bia.take()
    expect(ana.fate(second).state, wire.DELIVERED, "outcome")
    ana.close()
    bia.receipt(taken, wire.READ)
    bia.ping()
    later = scene.sender()
    said = later.notice()
    expect(said.id, second.id, "notice")
    is_told(said, wire.READ, 1)
    return "told at once and later"


# ---- what a hostile client tries ----


def receipts_for_others(scene: Scene) -> str:
    """A stranger who knows the id of somebody else's message, stored or live, confirms nothing."""
    ana = scene.sender()
    mallory = scene.receiver(scene.mallory)
    stored = ana.envelope("bia", b"not mallory's")
    is_told(ana.post(stored), wire.STORED, 0)
    pretended = wire.Deliver(wire.Address(b"ana"), 0, stored)
    mallory.receipt(pretended)
    mallory.ping()
    bia = scene.receiver(receipts=False)
    taken = bia.take()
    mallory.receipt(pretended)
    mallory.ping()
    stays_quiet(ana)
    expect(ana.notices, [], "notices")
    bia.receipt(taken)
    is_told(ana.fate(stored), wire.DELIVERED, 1)
    live = ana.envelope("bia", b"nor this")
    ana.start(live)
    taken = bia.take()
    mallory.receipt(taken)
    mallory.ping()
    ana.ping()
    expect(ana.outcomes, {}, "outcomes")
    bia.receipt(taken)
    expect(ana.answer(live).state, wire.DELIVERED, "outcome")
    return "ignored"


def receipts_for_nothing(scene: Scene) -> str:
    """Of what never was, of oneself, twice: ignored; on a send session any is an error."""
    bia = scene.receiver()
    for sender in (b"ana", b"bia", b"nobody"):
        said = wire.Receipt(wire.Address(sender), secrets.token_bytes(16))
        for _ in range(3):
            bia.session.send(wire.RECEIPT, said.encode())
    ana = scene.sender()
    message = ana.envelope("bia", b"twice")
    ana.start(message)
    taken = bia.take()
    bia.receipt(taken)
    bia.receipt(taken)
    bia.ping()
    expect(ana.answer(message).state, wire.DELIVERED, "outcome")
    stays_quiet(ana)
    expect(ana.outcomes, {}, "outcomes")
    alerts = 0
    for state in (wire.DELIVERED, wire.READ):
        talk = scene.sender(scene.mallory)
        talk.receipt(taken, state)
        try:
            talk.ping()
        except Alerted as alert:
            expect(str(alert), "alert protocol (sealed)", "what was said")
            alerts += 1
    expect(alerts, 2, "alerts")
    return "ignored, or refused"


def read_flood(scene: Scene) -> str:
    """1,500 *read* receipts for what was never sent: at most 1,000 are kept for their victim, who
    notes them and is rid of them."""
    mallory = scene.receiver(scene.mallory)
    for n in range(1500):
        said = wire.Receipt(wire.Address(b"ana"), secrets.token_bytes(16), wire.READ)
        mallory.session.send(wire.RECEIPT, said.encode())
        if n % 100 == 99:
            mallory.ping()
    stays_quiet(mallory, 1)
    ana = scene.sender()
    before = -1
    while before != len(ana.notices):
        before = len(ana.notices)
        stays_quiet(ana)
    assert 64 <= before <= NOTICES_ABOUT, f"{before} notices"
    ana.close()
    nothing_is_kept(scene)
    return f"{before} of 1500"


def bad_records(scene: Scene) -> str:
    """What is malformed in these records ends the session, each with the same alert."""
    name, key = wire.Address(b"ana"), bytes(16)
    send = wire.Send(key, wire.Address(b"bia"), 1, 1, b"x")
    tried = [
        (wire.NOTED, wire.Noted(key, 0).encode()), (wire.NOTED, wire.Noted(key, 1).encode()),
        (wire.NOTED, wire.Noted(key, 7).encode()), (wire.NOTED, key), (wire.NOTED, bytes(18)),
        (wire.RECEIPT, wire.Receipt(name, key, 0).encode()),
        (wire.RECEIPT, wire.Receipt(name, key, 1).encode()),
        (wire.RECEIPT, wire.Receipt(name, key, 3).encode()),
        (wire.RECEIPT, wire.Receipt(name, key, 255).encode()),
        (wire.RECEIPT, wire.Receipt(name, key).encode()[:-1]),
        (wire.RECEIPT, wire.Receipt(name, key).encode() + b"\0"),
        (wire.OUTCOME, wire.Outcome(key, wire.DELIVERED).encode()),
        (wire.DELIVER, wire.Deliver(name, 1, send).encode()),
        (wire.CLOSE, b"\x09"), (11, b""),
        (wire.SEND, wire.Send(key, wire.Address(b"bia"), 1, 1, b"x", 2).encode()),
        (wire.SEND, wire.Send(key, wire.Address(b"bia"), 1, 1, b"x", 0x8001).encode()),
        (wire.SEND, wire.Send(key, wire.Address(b"bia"), 1, 0, b"x").encode()),
    ]
    for kind, body in tried:
        talk = scene.receiver(scene.mallory)
        talk.session.send(kind, body)
        try:
            talk.ping()
        except Alerted as alert:
            expect(str(alert), "alert protocol (sealed)", "what was said")
        except (Closed, Cut) as end:
            raise AssertionError(f"record {kind} {body.hex()}: {end}") from end
        else:
            raise AssertionError(f"record {kind} {body.hex()} was taken")
    return f"{len(tried)} refused"


def many_streams(scene: Scene) -> str:
    """More blocked streams than a server remembers end the session, and nothing else."""
    bia = scene.receiver(receipts=False)
    mallory = scene.sender(scene.mallory)
    for _ in range(SEND_WINDOW):
        mallory.start(mallory.envelope("bia", b"x"))
    try:
        for epoch in range(200):
            message = wire.Send(secrets.token_bytes(16), wire.Address(b"bia"), epoch, 1, b"y")
            is_told(mallory.post(message), wire.OUTCOME_REFUSED, 0, wire.TOO_MUCH)
    except Closed as closed:
        expect(closed.reason, wire.TOO_SLOW, "reason")
    else:
        raise AssertionError("200 blocked streams in one session")
    assert epoch >= 64, f"after {epoch} streams"
    bia.session.line.close()
    return f"after {epoch}"


def main() -> None:
    verb, *homes = sys.argv[1:]
    scene = Scene(*homes)
    said = globals()[verb](scene)
    scene.settle()
    print(f"{verb}: {said}", flush=True)


main()
