# SPDX-License-Identifier: Apache-2.0
"""Every way a disk can fail a program that keeps something (said.h).

    check.py --shim SO [--seed N] [--most N] [--calls LETTERS] [--jobs N] [--list]
             PROGRAM [CHECK...]

kill      SIGKILL at each call that changes the disk: before it, after it, in the midst of a write;
          and once more while what was left is opened; then the work goes on to its end
errors    ENOSPC and EIO at each such call, one and several in a row: in the end everything is done
stuck     the disk fails from some call on, for good, and then the process is killed
power     the power goes: after each acknowledgement, and at any other moment
unsynced  a sync fails, work goes on, and later the power goes
syscalls  SIGKILL at each system call (strace)

--most takes so many points of each check, chosen by the seed; without it all are tried.  --calls:
kill and errors only at these (DISK_ONLY has the letters).  Prints
"ok PROGRAM CHECK: ..." or "not ok PROGRAM CHECK: ..." with the first violation; the environment is
passed on.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from disk_log import FAILED, SAID, Disk, read_log, snapshot
from judge import judge

LIMIT_S = 60


class Violation(Exception):
    pass


class Unopenable(Violation):
    pass


class Victim:
    def __init__(self, program: str, shim: str, scratch: Path, calls: str):
        self.program = program
        self.name = Path(program).name
        self.shim = shim
        self.scratch = scratch
        self.calls = calls
        self.made = 0
        self.lock = threading.Lock()

    def directory(self) -> Path:
        with self.lock:
            self.made += 1
            path = self.scratch / f"{self.made}"
        path.mkdir(mode=0o700)
        (path / "d").mkdir(mode=0o700)
        return path

    def environment(self, place: Path, faults: dict[str, str]) -> dict[str, str]:
        disk = {f"DISK_{name}": value for name, value in faults.items()}
        return os.environ | disk | {"DISK_DIR": str(place / "d"), "LD_PRELOAD": self.shim}

    def run(
        self, what: str, place: Path, *more: str, **faults: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.program, what, str(place / "d"), *more],
            env=self.environment(place, faults) if faults else None,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LIMIT_S,
        )

    def verify(self, place: Path, lines: list[str], point: str) -> None:
        done = self.run("show", place)
        if done.returncode != 0:
            raise Unopenable(f"{point}: cannot be opened ({done.returncode}): {done.stderr[-300:]}")
        shown = [line[4:] for line in done.stdout.splitlines() if line.startswith("has ")]
        wrong = judge(lines, shown)
        if wrong:
            raise Violation(f"{point}: {wrong}")

    def count(self) -> list[tuple[str, str]]:
        """The calls of an undisturbed run: kind and file."""
        place = self.directory()
        done = self.run("work", place, TRACE=str(place / "trace"))
        if done.returncode != 0:
            raise Violation(f"does not even work undisturbed: {done.stderr[-300:]}")
        self.verify(place, done.stdout.splitlines(), "undisturbed")
        calls = []
        for line in (place / "trace").read_text().splitlines():
            _, kind, _, _, path = line.split(" ", 4)
            calls.append((kind, os.path.basename(path)))
        shutil.rmtree(place)
        return calls


# ---- points: each check yields (name of the point, what to do) ----

Point = tuple[str, Callable[[], bool]]


def kill_points(victim: Victim, rng: random.Random) -> Iterator[Point]:
    for at, (kind, file) in enumerate(victim.count(), 1):
        if kind not in victim.calls:
            continue
        for how in ("before", "after", "torn") if kind == "w" else ("before", "after"):
            again = rng.randint(1, 12)
            yield f"{how} call {at} ({kind} {file})", lambda a=at, h=how, g=again: kill(
                victim, a, h, g
            )


def kill(victim: Victim, at: int, how: str, again: int) -> bool:
    place = victim.directory()
    done = victim.run("work", place, DO="kill", AT=str(at), HOW=how)
    lines = done.stdout.splitlines()
    killed = done.returncode == -signal.SIGKILL
    if not killed and done.returncode != 0:
        raise Violation(f"ended with {done.returncode}: {done.stderr[-300:]}")
    victim.run("show", place, DO="kill", AT=str(again))
    victim.verify(place, lines, "killed")
    if killed:
        finish(victim, place, lines)
    shutil.rmtree(place)
    return killed


def finish(victim: Victim, place: Path, lines: list[str]) -> None:
    """What was not acknowledged is done again, by a process that knows what was."""
    acknowledged = sum(line.startswith("did ") for line in lines)
    done = victim.run("work", place, str(acknowledged))
    if done.returncode != 0:
        raise Violation(f"begun anew, it ended with {done.returncode}: {done.stderr[-300:]}")
    victim.verify(place, lines + done.stdout.splitlines(), "begun anew")


def error_points(victim: Victim, rng: random.Random) -> Iterator[Point]:
    for at, (kind, file) in enumerate(victim.count(), 1):
        if kind not in victim.calls:
            continue
        for number in ("EIO",) if kind in "su" else ("ENOSPC", "EIO"):
            for how in ("before", "torn") if kind == "w" else ("before", "after"):
                times = rng.choice((1, 1, 2, 5))
                point = f"{number} {how} call {at} ({kind} {file}), {times} in a row"
                yield point, lambda a=at, n=number, h=how, t=times: fail(victim, a, n, h, t)


def fail(victim: Victim, at: int, number: str, how: str, times: int) -> bool:
    place = victim.directory()
    done = victim.run(
        "work", place, DO="fail", AT=str(at), ERRNO=number, HOW=how, FOR=str(times)
    )
    if done.returncode != 0:
        raise Violation(f"ended with {done.returncode}: {done.stderr[-300:]}")
    victim.verify(place, done.stdout.splitlines(), "after it all")
    shutil.rmtree(place)
    return True


def stuck_points(victim: Victim, rng: random.Random) -> Iterator[Point]:
    for at, (kind, file) in enumerate(victim.count(), 1):
        number = rng.choice(("ENOSPC", "EIO", "EROFS"))
        yield f"{number} from call {at} on ({kind} {file})", lambda a=at, n=number: stick(
            victim, a, n
        )


def stick(victim: Victim, at: int, number: str) -> bool:
    place = victim.directory()
    faults = {"DO": "fail", "AT": str(at), "ERRNO": number, "FOR": "0"}
    process = subprocess.Popen(
        [victim.program, "work", str(place / "d")],
        env=victim.environment(place, faults),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    # It may end by itself, having failed to open; or it says "not", and tries on in vain.
    watchdog = threading.Timer(2, process.kill)
    watchdog.start()
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if line.startswith("not "):
            process.kill()
    process.wait()
    watchdog.cancel()
    victim.verify(place, lines, "killed with the disk failing")
    shutil.rmtree(place)
    return True


def record(victim: Victim, **faults: str) -> tuple[Path, bytes]:
    place = victim.directory()
    log = place / "log"
    log.write_bytes(snapshot(place / "d"))
    done = victim.run("work", place, LOG=str(log), **faults)
    if done.returncode != 0:
        raise Violation(f"ended with {done.returncode}: {done.stderr[-300:]}")
    data = log.read_bytes()
    log.unlink()
    return place, data


class Cutter:
    """The power goes at the entries of one log.

    birth_may_fail: SQLite does not look whether the name of its first journal was synced.  Where it
    was not, a file may be torn before it has a WAL, and so before anything is in it, and is refused.
    """

    def __init__(self, victim: Victim, place: Path, data: bytes, birth_may_fail: bool = False):
        self.birth_may_fail = birth_may_fail
        self.victim = victim
        self.source = str(place / "d")
        self.entries = list(read_log(data))

    def moments(self, rng: random.Random, others: int) -> list[int]:
        """Indexes: after everything said, and some more."""
        said = [i for i, e in enumerate(self.entries) if e.kind == SAID and b"did " in e.data]
        start = next((i for i, e in enumerate(self.entries) if e.pid), len(self.entries))
        rest = range(start, len(self.entries))
        return sorted(said + rng.sample(rest, min(others, len(rest))))

    def cut(self, moments: dict[int, list[int | None]]) -> None:
        """`moments`: for an index the seeds of the cuts there, None for the strict one."""
        disk = Disk()
        said = b""
        for i, entry in enumerate(self.entries):
            disk.feed(entry)
            said += entry.data if entry.kind == SAID else b""
            for seed in moments.get(i, []):
                tree = disk.tree(None if seed is None else random.Random(seed))
                how = "what was synced" if seed is None else f"some of the rest (seed {seed})"
                self.look(tree, said, f"power cut at entry {i}, left: {how}")

    def look(self, tree: dict[str, bytes | None], said: bytes, point: str) -> None:
        place = self.victim.directory()
        for path, content in tree.items():
            inside = place / "d" / os.path.relpath(path, self.source)
            if content is None:
                inside.mkdir(mode=0o700, exist_ok=True)
            elif inside.parent.is_dir():
                inside.write_bytes(content)
                inside.chmod(0o600)
        lines = said.decode().splitlines()
        try:
            self.victim.verify(place, lines, point)
        except Unopenable:
            if not self.birth_may_fail or any(path.endswith("-wal") for path in tree):
                raise
        shutil.rmtree(place)


def power_points(victim: Victim, rng: random.Random) -> Iterator[Point]:
    place, data = record(victim)
    cutter = Cutter(victim, place, data)
    for i in cutter.moments(rng, len(cutter.entries) // 4):
        seeds = [None, rng.randrange(2**32), rng.randrange(2**32)]
        for seed in seeds:
            yield f"entry {i}", lambda n=i, s=seed: cutter.cut({n: [s]}) or True


def unsynced_points(victim: Victim, rng: random.Random) -> Iterator[Point]:
    syncs = [at for at, (kind, _) in enumerate(victim.count(), 1) if kind == "s"]
    for number, _ in enumerate(syncs, 1):
        yield f"sync {number} failed", lambda n=number, s=rng.randrange(2**32): unsynced(
            victim, n, s
        )


def unsynced(victim: Victim, number: int, seed: int) -> bool:
    rng = random.Random(seed)
    place, data = record(victim, DO="fail", ONLY="s", AT=str(number), ERRNO="EIO")
    cutter = Cutter(victim, place, data, birth_may_fail=True)
    failed = next((i for i, e in enumerate(cutter.entries) if e.kind == FAILED), None)
    if failed is None:
        return False
    later = [i for i in range(failed, min(failed + 60, len(cutter.entries)))]
    later += [i for i in cutter.moments(rng, 6) if i > failed]
    chosen = sorted(rng.sample(later, min(12, len(later))))
    cutter.cut({i: [None, rng.randrange(2**32)] for i in chosen})
    shutil.rmtree(place)
    return True


def syscall_points(victim: Victim, rng: random.Random) -> Iterator[Point]:
    del rng
    place = victim.directory()
    trace = place / "trace"
    traced(victim, place, ["-o", str(trace)])
    seen: Counter[tuple[str, str]] = Counter()
    for line in trace.read_text(errors="replace").splitlines():
        found = re.match(r"(\d+)\s+([a-z0-9_]+)\(", line)
        if found:
            seen[found.groups()] += 1
    shutil.rmtree(place)
    # strace counts the calls of each thread by themselves.
    most: Counter[str] = Counter()
    for (_, call), times in seen.items():
        most[call] = max(most[call], times)
    for call, times in most.items():
        for nth in range(1, times + 1):
            yield f"{call} {nth}", lambda c=call, n=nth: kill_at_syscall(victim, c, n)


def traced(victim: Victim, place: Path, options: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["strace", "-f", "-qq", *options, victim.program, "work", str(place / "d")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        timeout=LIMIT_S,
    )


def kill_at_syscall(victim: Victim, call: str, nth: int) -> bool:
    place = victim.directory()
    inject = ["-o", "/dev/null", "-e", f"trace={call}"]
    inject += ["-e", f"inject={call}:signal=KILL:when={nth}"]
    done = traced(victim, place, inject)
    lines = done.stdout.splitlines()
    victim.verify(place, lines, "killed")
    if done.returncode != 0:
        finish(victim, place, lines)
    shutil.rmtree(place)
    return done.returncode != 0


CHECKS = {
    "kill": kill_points,
    "errors": error_points,
    "stuck": stuck_points,
    "power": power_points,
    "unsynced": unsynced_points,
    "syscalls": syscall_points,
}


def attempt(point: Point) -> tuple[bool, str | None]:
    name, deed = point
    try:
        return deed(), None
    except Violation as violation:
        return True, f"{name}: {violation}"
    except subprocess.TimeoutExpired:
        return True, f"{name}: it hangs"


def run_check(victim: Victim, check: str, options: argparse.Namespace) -> bool:
    rng = random.Random(f"{options.seed} {check}")
    label = f"{victim.name} {check}"
    try:
        points = list(CHECKS[check](victim, rng))
    except Violation as violation:
        print(f"not ok {label}: {violation}", flush=True)
        return False
    total = len(points)
    if options.most and options.most < total:
        points = rng.sample(points, options.most)
    hits = 0
    wrong = []
    with ThreadPoolExecutor(options.jobs) as pool:
        for hit, violation in pool.map(attempt, points):
            hits += hit
            wrong += [violation] if violation else []
    if options.list:
        for violation in wrong:
            print(f"# {violation}")
    if wrong:
        one = wrong[0].replace("\n", " / ")
        print(f"not ok {label}: {len(wrong)} of {len(points)} points; seed {options.seed}; {one}")
    elif hits == 0:
        print(f"not ok {label}: not one of {len(points)} points was ever reached")
    else:
        print(f"ok {label}: {hits} of {total} points, seed {options.seed}", flush=True)
    return not wrong and hits > 0


def main() -> int:
    parser = argparse.ArgumentParser(usage=__doc__, add_help=False)
    parser.add_argument("--shim", required=True)
    parser.add_argument("--seed", default=str(random.SystemRandom().randrange(10**6)))
    parser.add_argument("--most", type=int, default=0)
    parser.add_argument("--calls", default="cwtsru")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("program")
    parser.add_argument("checks", nargs="*")
    options = parser.parse_args()
    unknown = set(options.checks) - set(CHECKS)
    if unknown:
        parser.error(f"no check {unknown.pop()}")
    with tempfile.TemporaryDirectory(prefix="malote-fault.") as scratch:
        victim = Victim(options.program, options.shim, Path(scratch).resolve(), options.calls)
        good = [run_check(victim, check, options) for check in options.checks or CHECKS]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
