# SPDX-License-Identifier: Apache-2.0
"""What a disk holds after a power cut: reads the log of disk_shim.c (DISK_LOG).

    disk_log.py snapshot DIR LOG             begins a log with what is there, all of it synced
    disk_log.py cut LOG AT OUT [SEED]        the directory as after a power cut at byte AT of LOG

Strictly (without a seed) a disk holds what was synced, and nothing else: the bytes of a file by a
sync of that file, names by a sync of their directory.  With a seed it holds, beside that, a random
part of what was not: some writes and not others, in any order, torn between sectors, and the first
few of the changes of names.  What a failed sync was to save is never saved by a later one.
"""

from __future__ import annotations

import os
import random
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

HEADER = struct.Struct("=IIQQII")
CREATE, DIRECTORY, UNLINK, RENAME, LINK, WRITE, TRUNCATE, BEGIN, END, FAILED, SAID = range(1, 12)
SECTOR = 512

PENDING, SAVED, LOST = range(3)


@dataclass
class Entry:
    kind: int
    pid: int
    ino: int
    offset: int
    path: str
    data: bytes
    end: int  # in the log


def read_log(data: bytes) -> Iterator[Entry]:
    at = 0
    while at + HEADER.size <= len(data):
        kind, pid, ino, offset, path_size, data_size = HEADER.unpack_from(data, at)
        if at + HEADER.size + path_size + data_size > len(data):
            return  # cut in its midst
        at += HEADER.size
        path = data[at : at + path_size].decode()
        at += path_size
        piece = data[at : at + data_size]
        at += data_size
        yield Entry(kind, pid, ino, offset, path, piece, at)


def encode(kind: int, ino: int, offset: int, path: str, data: bytes) -> bytes:
    name = path.encode()
    return HEADER.pack(kind, 0, ino, offset, len(name), len(data)) + name + data


@dataclass
class Change:
    """A write (data), or a truncation to `offset` (None)."""

    number: int
    offset: int
    data: bytes | None
    state: int = PENDING


def apply(content: bytearray, change: Change, only: set[int] | None = None) -> None:
    """`only`: the sectors of it that reached the disk; None: all."""
    if change.data is None:
        if len(content) > change.offset:
            del content[change.offset :]
        content.extend(bytes(change.offset - len(content)))
        return
    at = change.offset
    end = at + len(change.data)
    while at < end:
        stop = min(end, (at // SECTOR + 1) * SECTOR)
        if only is None or at // SECTOR in only:
            content.extend(bytes(max(0, stop - len(content))))
            content[at:stop] = change.data[at - change.offset : stop - change.offset]
        at = stop


@dataclass
class File:
    base: bytearray = field(default_factory=bytearray)
    changes: list[Change] = field(default_factory=list)

    def settle(self, upto: int, state: int) -> None:
        for change in self.changes:
            if change.state == PENDING and change.number <= upto:
                change.state = state
        while self.changes and self.changes[0].state == SAVED:
            apply(self.base, self.changes.pop(0))

    def content(self, rng: random.Random | None) -> bytes:
        content = bytearray(self.base)
        chance = rng.choice((0.0, 0.2, 0.5, 0.9, 1.0)) if rng else 0.0
        for change in self.changes:
            if change.state == SAVED:
                apply(content, change)
            elif rng and rng.random() < chance:
                if change.data is not None and rng.random() < 0.3:
                    first = change.offset // SECTOR
                    last = (change.offset + len(change.data)) // SECTOR
                    apply(content, change, {s for s in range(first, last + 1) if rng.random() < 0.5})
                else:
                    apply(content, change)
        return bytes(content)


@dataclass
class Naming:
    """One change of names, which waits for its directory's sync."""

    number: int
    kind: int
    path: str
    to: str
    thing: File | None  # None: a directory


class Disk:
    """Feed it the entries in order; ask for a tree at any moment."""

    def __init__(self) -> None:
        self.names: dict[str, File | None] = {}
        self.waiting: list[Naming] = []
        self.now: dict[str, File | None] = {}  # as the running program sees it
        self.inodes: dict[int, File] = {}
        self.directories: dict[int, str] = {}
        self.begun: dict[tuple[int, int], list[int]] = {}  # numbers at SYNC_BEGIN
        self.number = 0

    def feed(self, e: Entry) -> None:
        self.number += 1
        if e.kind in (CREATE, DIRECTORY):
            thing = File() if e.kind == CREATE else None
            if thing is None:
                self.directories[e.ino] = e.path
            else:
                self.inodes[e.ino] = thing
            self.name(Naming(self.number, e.kind, e.path, "", thing))
        elif e.kind in (UNLINK, RENAME, LINK):
            self.name(Naming(self.number, e.kind, e.path, e.data.decode(), self.now.get(e.path)))
        elif e.kind in (WRITE, TRUNCATE):
            data = e.data if e.kind == WRITE else None
            # A file that was made before the log began has no entry: nothing is known of it.
            self.inodes[e.ino].changes.append(Change(self.number, e.offset, data))
        elif e.kind == BEGIN:
            self.begun.setdefault((e.pid, e.ino), []).append(self.number)
        elif e.kind in (END, FAILED):
            # Which of two threads that sync at once ends is not said: the one that began first.
            self.sync(e.ino, self.begun[(e.pid, e.ino)].pop(0), e.kind == END)

    def name(self, naming: Naming) -> None:
        self.waiting.append(naming)
        rename(self.now, naming)

    def sync(self, ino: int, upto: int, good: bool) -> None:
        if ino in self.directories:
            if good:
                self.sync_names(self.directories[ino], upto)
        elif ino in self.inodes:
            self.inodes[ino].settle(upto, SAVED if good else LOST)

    def sync_names(self, directory: str, upto: int) -> None:
        kept = []
        for naming in self.waiting:
            places = {os.path.dirname(p) for p in (naming.path, naming.to) if p}
            if naming.number <= upto and directory in places:
                rename(self.names, naming)
            else:
                kept.append(naming)
        self.waiting = kept

    def tree(self, rng: random.Random | None) -> dict[str, bytes | None]:
        names = dict(self.names)
        if rng:
            for naming in self.waiting[: rng.randint(0, len(self.waiting))]:
                rename(names, naming)
        return {
            path: None if thing is None else thing.content(rng)
            for path, thing in sorted(names.items())
        }


def rename(names: dict[str, File | None], naming: Naming) -> None:
    if naming.kind in (CREATE, DIRECTORY):
        names[naming.path] = naming.thing
        return
    if naming.path not in names:
        return
    if naming.kind in (RENAME, LINK):
        names[naming.to] = names[naming.path]
    if naming.kind in (UNLINK, RENAME):
        del names[naming.path]


def snapshot(directory: Path) -> bytes:
    """The beginning of a log: everything below `directory`, durable."""
    out = []
    syncs = []
    for root, _, files in os.walk(directory):
        ino = os.stat(root).st_ino
        out.append(encode(DIRECTORY, ino, 0, root, b""))
        syncs.append(ino)
        for name in sorted(files):
            path = os.path.join(root, name)
            st = os.lstat(path)
            if name.endswith("-shm") or not os.path.isfile(path):
                continue
            out.append(encode(CREATE, st.st_ino, 0, path, b""))
            out.append(encode(WRITE, st.st_ino, 0, path, Path(path).read_bytes()))
            syncs.append(st.st_ino)
    for ino in reversed(syncs):
        out.append(encode(BEGIN, ino, 0, "", b""))
        out.append(encode(END, ino, 0, "", b""))
    # The name of the directory itself is not in question.
    return b"".join(out)


def write_tree(tree: dict[str, bytes | None], source: str, target: Path) -> None:
    """What was below `source` goes below `target`; owners are those of the real directories."""
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path, content in tree.items():
        inside = os.path.relpath(path, source)
        place = target if inside == "." else target / inside
        if content is None:
            place.mkdir(mode=0o700, exist_ok=True)
            owner = path
        elif place.parent.is_dir():
            place.write_bytes(content)
            place.chmod(0o600)
            owner = os.path.dirname(path)
        else:
            continue
        if os.geteuid() == 0 and os.path.isdir(owner):
            st = os.stat(owner)
            os.chown(place, st.st_uid, st.st_gid)


def main(arguments: list[str]) -> int:
    if len(arguments) == 3 and arguments[0] == "snapshot":
        Path(arguments[2]).write_bytes(snapshot(Path(arguments[1])))
        os.chmod(arguments[2], 0o666)
        return 0
    if len(arguments) in (4, 5) and arguments[0] == "cut":
        data = Path(arguments[1]).read_bytes()[: int(arguments[2])]
        disk = Disk()
        source = ""
        for entry in read_log(data):
            source = source or entry.path
            disk.feed(entry)
        rng = random.Random(int(arguments[4])) if len(arguments) == 5 else None
        write_tree(disk.tree(rng), source, Path(arguments[3]))
        return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
