# SPDX-License-Identifier: Apache-2.0
"""The real maloted and its clients, as processes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

from links import Link, Wires

LIMIT_S = 60


class Trouble(Exception):
    """Something that is no loss of a message, and still must not be."""


class Server:
    def __init__(self, binaries: Path, place: Path):
        self.binaries = binaries
        self.data = place / "data"
        self.log = place / "server.log"
        self.said = place / "server.out"
        self.passphrase = place / "pass"
        self.passphrase.touch(0o600)
        self.passphrase.write_text("a passphrase of the soak\n")
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None
        self.deaths: dict[str, list[float]] = {"net": [], "ca": []}

    def start(self) -> None:
        self.said.write_bytes(b"")
        with open(self.said, "ab") as out, open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [
                    *(str(self.binaries / "maloted"), "--data", str(self.data)),
                    *("--listen", f"127.0.0.1:{self.port}", "--advertise", "127.0.0.1"),
                    *("--kdf-cost", "1024", "--passphrase-file", str(self.passphrase)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
            )
        self.deaths = {"net": [], "ca": []}
        end = time.monotonic() + LIMIT_S
        while not (found := re.search(r"^listening on .*:(\d+)$", self.said.read_text(), re.M)):
            if self.process.poll() is not None or time.monotonic() > end:
                raise Trouble(f"maloted does not start: {self.log.read_text()[-500:]}")
            time.sleep(0.02)
        self.port = int(found[1])

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        self.process.terminate()
        try:
            status = self.process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            raise Trouble("maloted does not stop") from None
        if status != 0:
            raise Trouble(f"maloted ended with {status}: {self.log.read_text()[-500:]}")

    def child(self, role: str) -> int | None:
        pid = self.process.pid
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            for child in children:
                title = Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ")
                if f"maloted: {role}".encode() in title:
                    return int(child)
        except OSError:
            pass
        return None

    def kill_child(self, role: str) -> bool:
        """False: it has died so often that maloted would give up."""
        recent = [t for t in self.deaths[role] if time.monotonic() - t < 65]
        if len(recent) >= 4:
            return False
        pid = self.child(role)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            self.deaths[role] = [*recent, time.monotonic()]
        return True

    def invite(self, name: str) -> str:
        done = subprocess.run(
            [str(self.binaries / "malote-ca"), "--data", str(self.data), "invite", name],
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
        )
        found = re.search(r"malote://\S+", done.stdout)
        if not found:
            raise Trouble(f"no invite: {done.stderr}")
        return found[0]


class Client:
    """One identity and the processes of its home."""

    def __init__(self, name: str, place: Path, binaries: Path, program: Path):
        self.name = name
        self.home = place / f"home-{name}"
        self.log = place / f"said-{name}"
        self.trouble = place / f"trouble-{name}"
        self.log.touch()
        self.binaries = binaries
        self.program = program
        self.link: Link | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self.others: list[subprocess.Popen[bytes]] = []
        self.back_s = 0.0  # not before this is it started again
        self.read_to = 0
        self.seen: Counter[str] = Counter()
        self.starts = 0

    def join(self, url: str, wires: Wires, port: int) -> None:
        done = subprocess.run(
            [str(self.binaries / "malote"), "--home", str(self.home), "join", url],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
        )
        if done.returncode != 0:
            raise Trouble(f"{self.name} cannot join: {done.stderr}")
        self.link = wires.link(port)
        file = self.home / "server"
        file.write_text(re.sub(r"(?m)^port .*$", f"port {self.link.port}", file.read_text()))

    def spawn(self, kind: str, seed: int, most: int, pause_ms: int, peers: list[str]) -> None:
        arguments = ["run", str(self.home), str(seed), str(most), str(pause_ms), kind, *peers]
        with open(self.log, "ab") as out, open(self.trouble, "ab") as errors:
            process = subprocess.Popen(
                [str(self.program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
            )
        self.starts += 1
        if kind == "receive" and self.process is None:
            self.process = process
        else:
            self.others.append(process)

    def signal(self, number: int) -> None:
        """To the process that receives; the others of this home go on."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def reap(self, now: float) -> None:
        for process in self.others:
            self.take_status(process.poll())
        self.others = [p for p in self.others if p.poll() is None]
        if self.process is not None and (status := self.process.poll()) is not None:
            self.take_status(status)
            self.process = None
            self.back_s = max(self.back_s, now + 0.2)

    def take_status(self, status: int | None) -> None:
        # 1: its words are in the file; 3: the connection was over.  TERM ends one that just begins.
        if status not in (None, 0, 1, 3, -signal.SIGKILL, -signal.SIGTERM):
            raise Trouble(f"a client of {self.name} ended with {status}")

    def listen(self) -> None:
        """Counts what was said since the last time."""
        with open(self.log, "rb") as file:
            file.seek(self.read_to)
            data = file.read()
        end = data.rfind(b"\n") + 1
        self.read_to += end
        for line in data[:end].split(b"\n"):
            self.seen[line.split(b" ", 1)[0].decode()] += 1

    def finish(self) -> None:
        for process in [*self.others, self.process]:
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in [*self.others, self.process]:
            if process is not None:
                try:
                    self.take_status(process.wait(15))
                except subprocess.TimeoutExpired:
                    process.kill()
                    raise Trouble(f"{self.name} does not take leave") from None
        self.process = None

    def history(self) -> list[list[str]]:
        done = subprocess.run(
            [str(self.program), "dump", str(self.home)],
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
        )
        if done.returncode != 0:
            raise Trouble(f"the history of {self.name}: {done.stderr}")
        return [line.split(" ") for line in done.stdout.splitlines()]
