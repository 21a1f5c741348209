# SPDX-License-Identifier: Apache-2.0
"""Messages among clients while everything is killed, cut, stopped and silenced.

    soak.py --binaries DIR --client PROGRAM [--seed N] [--messages N] [--clients N] [--dir DIR]

What is done to whom is decided by the seed alone, and when by how many messages have been put.  At
the end everything heals; then each message that was put is in its recipient's store once, in the
order of its stream, its sender knows, and the server keeps nothing.  Exits with 1 and the first
violations if not; DIR is kept then.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import audit
import links
from links import Wires
from scene import Client, Server, Trouble

WINDOW_S = 240  # for everything to heal
SILENT_S = 20  # without a message put: the next fault comes all the same


class Soak:
    def __init__(self, options: argparse.Namespace, place: Path):
        self.options = options
        self.place = place
        self.decisions = random.Random(f"{options.seed} decisions")
        self.seeds = random.Random(f"{options.seed} clients")
        self.wires = Wires()
        self.server = Server(Path(options.binaries), place)
        self.clients: list[Client] = []
        self.later: list[tuple[float, Callable[[], None]]] = []
        self.done: Counter[str] = Counter()
        self.share = -(-options.messages // options.clients)
        self.pause_ms = options.pause_ms
        self.server_back_s = 0.0
        self.server_is_down = False
        self.next_report = 0.0

    # ---- what can happen ----

    def after(self, seconds: float, deed: Callable[[], None]) -> None:
        self.later.append((time.monotonic() + seconds, deed))

    def start_server(self) -> None:
        self.server.start()
        self.server_is_down = False

    def take_server_down(self, how: Callable[[], None], seconds: float) -> None:
        if self.server_is_down:
            return
        how()
        self.server_is_down = True
        self.after(seconds, self.start_server)

    def kill_child(self, role: str) -> None:
        if not self.server_is_down and not self.server.kill_child(role):
            self.take_server_down(self.server.kill, 0.1)

    def act(self, what: str, client: Client, seconds: float, number: int) -> None:
        link = client.link
        if what in ("kill net", "kill ca"):
            self.kill_child(what.split(" ")[1])
        elif what == "kill maloted":
            self.take_server_down(self.server.kill, seconds / 2)
        elif what == "stop maloted":
            self.take_server_down(self.server.stop, seconds / 2)
        elif what in ("kill client", "client leaves"):
            client.signal(signal.SIGKILL if what == "kill client" else signal.SIGTERM)
            client.back_s = time.monotonic() + seconds
        elif what == "freeze client":
            process = client.process
            client.signal(signal.SIGSTOP)
            self.after(seconds, lambda: process and process.poll() is None and client.signal(
                signal.SIGCONT))
        elif what == "cut link":
            link.cut()
        elif what == "cut all links":
            for one in self.clients:
                one.link.cut()
        elif what in ("lose what comes", "lose what goes", "freeze link"):
            self.disturb(client, what, seconds)
        elif what == "cut drain":
            self.cut_drain(client, max(1, seconds / 2), 4000 + 20 * number)
        elif what == "second sender":
            self.spawn(client, "send")
            self.kill_later(client, seconds * 2, number)
        elif what == "second receiver":
            self.spawn(client, "receive", pretend=True)
            self.kill_later(client, seconds, number)

    def disturb(self, client: Client, what: str, seconds: float) -> None:
        modes = {
            "lose what comes": links.SWALLOWS_DOWN,
            "lose what goes": links.SWALLOWS_UP,
            "freeze link": links.FROZEN,
        }
        client.link.mode = modes[what]

        def heal() -> None:
            # What was lost of a stream of records cannot be made good: such a link ends.
            if client.link.mode != links.FROZEN:
                client.link.cut()
            client.link.mode = links.OK

        self.after(seconds, heal)

    def cut_drain(self, client: Client, seconds: float, allowance: int) -> None:
        """Mail for him waits at the server; then his link ends in the midst of it."""
        client.link.mode = links.CLOSED
        client.link.cut()

        def open_again() -> None:
            client.link.allowance = allowance
            client.link.mode = links.OK

        self.after(seconds, open_again)

    def spawn(self, client: Client, kind: str, pretend: bool = False) -> None:
        peers = [c.name for c in self.clients if c is not client]
        seed = self.seeds.randrange(2**31)
        kept = client.process
        if pretend and kept is None:
            return
        client.spawn(kind, seed, self.share, self.pause_ms, peers)

    def kill_later(self, client: Client, seconds: float, number: int) -> None:
        """Half of the second processes are killed, the others take leave."""
        if not client.others:
            return
        process = client.others[-1]
        how = signal.SIGKILL if number % 2 else signal.SIGTERM
        self.after(seconds, lambda: process.poll() is None and process.send_signal(how))

    CHOICES = {
        "kill net": 4,
        "kill ca": 2,
        "kill maloted": 3,
        "stop maloted": 1,
        "kill client": 6,
        "client leaves": 3,
        "freeze client": 3,
        "cut link": 4,
        "cut all links": 1,
        "lose what comes": 4,
        "lose what goes": 2,
        "freeze link": 2,
        "cut drain": 6,
        "second sender": 2,
        "second receiver": 2,
    }

    def decide(self) -> None:
        what = self.decisions.choices(list(self.CHOICES), list(self.CHOICES.values()))[0]
        client = self.decisions.choice(self.clients)
        seconds = self.decisions.choice((0.05, 0.3, 1, 1, 2, 4))
        number = self.decisions.randrange(1000)
        self.done[what] += 1
        with open(self.place / "decisions", "a", encoding="ascii") as file:
            file.write(f"{self.total('put')}: {what} {client.name} {seconds} {number}\n")
        self.act(what, client, seconds, number)

    # ---- time passes ----

    def total(self, word: str) -> int:
        return sum(client.seen[word] for client in self.clients)

    def tick(self) -> None:
        now = time.monotonic()
        due = [deed for at, deed in self.later if at <= now]
        self.later = [(at, deed) for at, deed in self.later if at > now]
        for deed in due:
            deed()
        if not self.server_is_down and self.server.process.poll() is not None:
            raise Trouble(f"maloted ended by itself: {self.server.log.read_text()[-800:]}")
        for client in self.clients:
            client.reap(now)
            if client.process is None and client.back_s <= now:
                self.spawn(client, "receive")
            client.listen()
        time.sleep(0.05)

    def report(self, begun: float, every_s: float) -> None:
        now = time.monotonic()
        if now < self.next_report:
            return
        self.next_report = now + every_s
        if self.options.verbose:
            print(f"  {now - begun:.0f} s: {self.total('put')} put", flush=True)

    def prepare(self) -> None:
        self.start_server()
        for i in range(self.options.clients):
            name = f"user{i:02d}"
            client = Client(
                name, self.place, Path(self.options.binaries), Path(self.options.client)
            )
            client.join(self.server.invite(name), self.wires, self.server.port)
            self.clients.append(client)

    def storm(self) -> None:
        begun = time.monotonic()
        wanted = self.share * len(self.clients)
        step = max(20, min(400, self.options.messages // 60))
        next_at = step
        last_s, last = begun, 0
        while self.total("put") < wanted * 0.98:
            self.tick()
            self.report(begun, 20)
            put = self.total("put")
            now = time.monotonic()
            if put > last:
                last_s, last = now, put
            if put >= next_at or now - last_s > SILENT_S:
                next_at = put + self.decisions.randint(step // 2, step * 3 // 2)
                last_s = now
                self.decide()
            if now - begun > self.options.limit_s:
                raise Trouble(f"only {put} messages were put in {now - begun:.0f} s")

    def heal(self) -> dict[str, list[list[str]]]:
        while self.later or self.server_is_down:
            self.tick()
        for client in self.clients:
            client.link.mode = links.OK
            client.link.allowance = None
            client.back_s = 0
            client.signal(signal.SIGCONT)
        end = time.monotonic() + WINDOW_S
        wanted = self.share * len(self.clients)
        histories: dict[str, list[list[str]]] = {}
        left = -1
        while time.monotonic() < end:
            for _ in range(40):
                self.tick()
            histories = {client.name: client.history() for client in self.clients}
            left = audit.unsettled(histories)
            ours = sum(1 for h in histories.values() for _ in audit.rows(h, "ours"))
            if left == 0 and ours >= wanted:
                return histories
        print(f"after {WINDOW_S} s: {left} messages are not known to be delivered", flush=True)
        return histories

    def violations(self, histories: dict[str, list[list[str]]]) -> list[str]:
        found = list(audit.compare(histories))
        for client in self.clients:
            found += audit.promises(client.name, client.log, histories)
            words = client.trouble.read_text().strip()
            if words:
                found += [f"{client.name} said: {line}" for line in sorted(set(words.split("\n")))]
        found += audit.databases(self.server.data, [client.home for client in self.clients])
        return found

    def run(self) -> list[str]:
        self.prepare()
        begun = time.monotonic()
        self.storm()
        storm_s = time.monotonic() - begun
        self.heal()
        # Notices that were just told are noted before anybody leaves.
        for _ in range(20):
            self.tick()
        for client in self.clients:
            client.finish()
        self.server.stop()
        histories = {client.name: client.history() for client in self.clients}
        found = self.violations(histories)
        number = sum(1 for h in histories.values() for _ in audit.rows(h, "theirs"))
        took = time.monotonic() - begun
        faults = ", ".join(f"{what} {n}" for what, n in sorted(self.done.items()))
        print(
            f"{number} messages among {len(self.clients)} clients in {took:.0f} s"
            f" ({number / took:.0f} a second), {sum(self.done.values())} faults"
            f" ({storm_s:.0f} s): {faults}; clients began {sum(c.starts for c in self.clients)}"
            f" times and logged in {self.total('login')} times"
        )
        return found

    def end(self) -> None:
        for client in self.clients:
            for process in [*client.others, client.process]:
                if process is not None and process.poll() is None:
                    process.kill()
        if self.server.process is not None and self.server.process.poll() is None:
            self.server.kill()


def main() -> int:
    parser = argparse.ArgumentParser(usage=__doc__, add_help=False)
    parser.add_argument("--binaries", required=True)
    parser.add_argument("--client", required=True)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--messages", type=int, default=100000)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--pause-ms", type=int, default=0)
    parser.add_argument("--limit-s", type=int, default=3600)
    parser.add_argument("--dir")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="malote-soak.", dir=options.dir)).resolve()
    print(f"soak: seed {options.seed}", flush=True)
    soak = Soak(options, place)
    try:
        found = soak.run()
    except Trouble as trouble:
        found = [str(trouble)]
    finally:
        soak.end()
    for line in found[:20]:
        print(f"VIOLATION: {line}")
    if found:
        print(f"soak: seed {options.seed}: {len(found)} violations; see {place}")
        return 1
    shutil.rmtree(place)
    print(f"soak: seed {options.seed}: none lost, none twice, every stream in order")
    return 0


if __name__ == "__main__":
    sys.exit(main())
