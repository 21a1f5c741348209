# SPDX-License-Identifier: Apache-2.0
"""After everything has healed: is each message where it belongs, once, in its place?"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

DELIVERED, READ = 2, 6

# Errors of <malote/client.h> that end a connection here: an alert, a cut, silence, too many
# sessions, a busy database, nobody there.  Whatever else does is a fault of ours.
ENDS = (121, 122, 123, 125, 211, 212)


@dataclass(frozen=True)
class Row:
    peer: str
    id: str
    epoch: int
    number: int
    outcome: int
    body: str  # its length and hash


def rows(history: Iterable[list[str]], whose: str) -> Iterator[Row]:
    for kind, peer, ident, epoch, number, outcome, size, digest in history:
        if kind == whose:
            yield Row(peer, ident, int(epoch), int(number), int(outcome), f"{size} {digest}")


def unsettled(histories: dict[str, list[list[str]]]) -> int:
    """Messages whose sender does not know yet that they were delivered."""
    return sum(
        row.outcome not in (DELIVERED, READ)
        for history in histories.values()
        for row in rows(history, "ours")
    )


def compare(histories: dict[str, list[list[str]]]) -> Iterator[str]:
    """Every violation, as a line."""
    received: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for name, history in histories.items():
        for row in rows(history, "theirs"):
            received[(row.peer, name)].append(row)
    for sender, history in histories.items():
        sent: dict[str, list[Row]] = defaultdict(list)
        for row in rows(history, "ours"):
            sent[row.peer].append(row)
        for recipient in histories:
            yield from compare_pair(
                f"{sender} to {recipient}", sent[recipient], received[(sender, recipient)]
            )


def compare_pair(pair: str, sent: list[Row], received: list[Row]) -> Iterator[str]:
    by_id = {row.id: row for row in received}
    if len(by_id) != len(received):
        yield f"{pair}: {len(received) - len(by_id)} messages stand twice in the recipient's store"
    for row in sent:
        there = by_id.pop(row.id, None)
        if there is None:
            yield f"{pair}: {row.id} (number {row.number}) is not there; outcome {row.outcome}"
        elif (there.epoch, there.number, there.body) != (row.epoch, row.number, row.body):
            yield f"{pair}: {row.id} is not what was sent: {there} instead of {row}"
        elif row.outcome not in (DELIVERED, READ):
            yield f"{pair}: {row.id} is there, and its sender believes {row.outcome}"
    for row in by_id.values():
        yield f"{pair}: {row.id} was never sent"
    yield from compare_order(pair, received)


def compare_order(pair: str, received: list[Row]) -> Iterator[str]:
    next_number: dict[int, int] = {}
    for row in received:
        wanted = next_number.get(row.epoch, 1)
        if row.number != wanted:
            yield f"{pair}: number {row.number} came where {wanted} belongs"
            return
        next_number[row.epoch] = wanted + 1


def promises(name: str, log: Path, histories: dict[str, list[list[str]]]) -> Iterator[str]:
    """What a client said while it ran."""
    ours = {row.id: row for row in rows(histories[name], "ours")}
    for line in log.read_text().splitlines():
        word, _, rest = line.partition(" ")
        fields = rest.split(" ")
        if word == "put" and fields[1] not in ours:
            yield f"{name}: {fields[1]} was kept in the outbox and is not in its history"
        elif word == "fate" and fields[0] not in ours:
            yield f"{name}: {fields[0]} had a fate and is not in its history"
        elif word == "fate" and int(fields[1]) in (3, 4, 5, 7):
            yield f"{name}: {fields[0]} ended as {fields[1]}, why {fields[2]}"
        elif word == "lost" and int(fields[0]) not in ENDS:
            yield f"{name}: its connection ended: {rest}"
        elif word == "gap":
            yield f"{name}: saw a gap: {rest}"


def databases(server: Path, homes: Iterable[Path]) -> Iterator[str]:
    mail = server / "net" / "mail.db"
    for file in [mail, *(home / "malote.db" for home in homes)]:
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as db:
            (found,) = db.execute("PRAGMA integrity_check").fetchone()
        if found != "ok":
            yield f"{file}: {found}"
    with sqlite3.connect(f"file:{mail}?mode=ro", uri=True) as db:
        for table in ("messages", "segments", "shares", "notices"):
            (count,) = db.execute(f"SELECT count(*) FROM {table}").fetchone()
            if count:
                yield f"{mail}: {count} {table} are left"
