# SPDX-License-Identifier: Apache-2.0
"""What a client can see of a real server's sessions, one scenario a verb:

    sessions.py rekeys HOME            its own REKEYs, with traffic between
    sessions.py wears_out HOME         so many PINGs that both sides have to rekey
    sessions.py overruns HOME          one record more than a secret may seal
    sessions.py closes HOME            CLOSE is answered by CLOSE
    sessions.py cuts HOME              goes without a word
    sessions.py waits HOME             says why the server ended the session
    sessions.py ends_after_issue URL NAME    what follows a Welcome that opens no session

Ends with status 0 and a line that begins with the connection's id, if all went as it should.
"""

from __future__ import annotations

import sys
from pathlib import Path

from malote_interop import bulk, wire
from malote_interop import certificates as pki
from malote_interop.client import ClientHandshake, Conversation, Identity
from malote_interop.errors import Alerted, Closed, Cut
from malote_interop.seal import RECORDS_PER_SECRET

CHUNK = 2048


def say(text: str) -> None:
    print(text, flush=True)


def rekeys(talk: Conversation) -> str:
    for n in range(20):
        talk.session.rekey()
        if n % 3:
            talk.ping()
        outcome = talk.send(talk.name, b"under key %d" % talk.session.outward.generation)
        assert outcome.state == wire.DELIVERED
    assert [m.send.body for m in talk.inbox] == [b"under key %d" % (n + 1) for n in range(20)]
    assert talk.session.outward.generation == 20
    talk.close()
    return "20 keys"


def ping_many(talk: Conversation, count: int) -> None:
    session = talk.session
    session.line.write(bulk.seal_many(session.outward, wire.PING, count))
    while count:
        data = session.line.read_exactly(count * bulk.SIZE)
        kinds = bulk.open_many(session.inward, data)
        session.rekeys_seen += kinds.count(wire.REKEY)
        count -= kinds.count(wire.PONG)


def wears_out(talk: Conversation) -> str:
    """The client's own REKEY is the very last record its secret may seal."""
    session = talk.session
    while (left := RECORDS_PER_SECRET - 1 - session.outward.under.sequence) > 0:
        ping_many(talk, min(CHUNK, left))
    session.rekey()
    ping_many(talk, CHUNK)
    assert session.rekeys_seen == session.inward.generation == 1, "the server did not rekey"
    assert talk.send(talk.name, b"after all that").state == wire.DELIVERED
    talk.close()
    return "the server changed its key"


def overruns(talk: Conversation) -> str:
    """All that a secret may seal is taken, and the next record refused."""
    session = talk.session
    while (left := RECORDS_PER_SECRET - session.outward.under.sequence) > 0:
        ping_many(talk, min(CHUNK, left))
    session.line.write(bulk.seal_many(session.outward, wire.PING, 1))
    try:
        talk.step()
    except Alerted as alert:
        return str(alert)
    raise AssertionError("record 2^20 + 1 was taken")


def closes(talk: Conversation) -> str:
    talk.ping()
    talk.session.send(wire.CLOSE, wire.uint(1, 8))
    return waits(talk)


def cuts(talk: Conversation) -> str:
    talk.ping()
    talk.session.line.close()
    return "cut"


def waits(talk: Conversation) -> str:
    try:
        while True:
            talk.step()
    except Closed as closed:
        try:
            talk.session.receive()
        except Cut:
            return f"closed {closed.reason}"
        raise AssertionError("something followed CLOSE") from closed


def ends_after_issue(url: wire.JoinUrl, name: str) -> str:
    connection = ClientHandshake(url.host, url.port, url.pin)
    connection.meet()
    welcome = connection.enrol(name, pki.new_key(), url.invite, url.token)
    assert welcome.result == wire.ISSUED
    try:
        connection.session.receive()
    except Closed as closed:
        return f"{connection.id} closed {closed.reason}"
    raise AssertionError("a session after an enrolment")


def main() -> None:
    verb, where, *more = sys.argv[1:]
    if verb == "ends_after_issue":
        say(ends_after_issue(wire.JoinUrl.parse(where), *more))
        return
    talk = Conversation(Identity.load(Path(where)), wire.RECEIVE)
    say(f"{talk.id} in session")
    said = globals()[verb](talk)
    say(f"{talk.id} {said}")


main()
