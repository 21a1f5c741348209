# SPDX-License-Identifier: Apache-2.0
"""The checks of this directory find what they are for: a fault is planted into a copy of the
sources, one at a time, and the check whose business it is must fail, and say why.

    planted.py [BUILD]        BUILD: a build directory inside the tree (default: build/gcc)

Prints "ok planted ..." or "not ok planted ..." a line; exits with 1 if any fault was not found.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SEEDS = 4  # of a check that draws its points, until one finds it
LOSSES = (
    r"not ok .*(was acknowledged and is|times|half of it|cannot be opened)"
    r"|VIOLATION: .*(is not there|stand twice)"
)


@dataclass
class Fault:
    name: str
    changes: list[tuple[str, str, str]]  # file, what stands there, what is put in its place
    program: str  # of tests/fault; or soak
    check: str
    calls: str = "cwtsru"  # at which of them


FAULTS = [
    Fault(
        "a server that acknowledges before the fsync",
        [
            (
                "src/mail/mail_writer.c",
                "    if (err == MLT_OK)\n"
                "        err = commit(w, apply_all(w, &b));\n"
                "    if (err == MLT_OK) {\n"
                "        expect_company(w);\n"
                "        end_batch(w, b.count);\n",
                "    if (err == MLT_OK) {\n"
                "        err = apply_all(w, &b);\n"
                "        end_batch(w, b.count);\n"
                "        err = commit(w, err);\n"
                "    }\n"
                "    if (err == MLT_OK) {\n"
                "        expect_company(w);\n",
            )
        ],
        "store_program",
        "kill",
    ),
    Fault(
        "a client that acknowledges before the fsync",
        [
            (
                "src/client/courier.c",
                "    TRY(store_end(c->config.store, c->failed));\n",
                "    for (size_t i = 0; i < count; i++)\n"
                "        TRY(say(c, &c->answers[i]));\n"
                "    count = 0;\n"
                "    TRY(store_end(c->config.store, c->failed));\n",
            )
        ],
        "client_program",
        "kill",
    ),
    Fault(
        "a server that does not remember ids",
        [
            (
                "src/mail/mail_schema.c",
                "CREATE UNIQUE INDEX messages_id",
                "CREATE INDEX messages_id",
            ),
            ("src/mail/mail_table.c", " ON CONFLICT(sender, id) DO NOTHING", ""),
            (
                "src/mail/mail_table.c",
                "SELECT row FROM messages WHERE sender = ? AND id = ?",
                "SELECT row FROM messages WHERE sender = ? AND id = ? AND 0",
            ),
        ],
        "store_program",
        "kill",
    ),
    Fault(
        "a client that does not remember ids",
        [
            (
                "src/client/store_schema.c",
                "CREATE UNIQUE INDEX messages_theirs",
                "CREATE INDEX messages_theirs",
            )
        ],
        "client_program",
        "kill",
        "s",
    ),
    Fault(
        "synchronous=NORMAL in the server's mailboxes",
        [("src/db/database.c", "PRAGMA synchronous=FULL", "PRAGMA synchronous=NORMAL")],
        "store_program",
        "power",
    ),
    Fault(
        "synchronous=NORMAL in a client's store",
        [("src/db/database.c", "PRAGMA synchronous=FULL", "PRAGMA synchronous=NORMAL")],
        "client_program",
        "power",
    ),
    Fault(
        "a WAL that is built upon after its fsync failed",
        [
            (
                "src/db/database.c",
                "database_end(db, write_wal_again(db, dirfd))",
                "database_end(db, dirfd < 0 ? write_wal_again(db, dirfd) : MLT_OK)",
            )
        ],
        "client_program",
        "unsynced",
    ),
    Fault(
        "a server that deletes what was not acknowledged",
        [
            (
                "src/relay/router_mail.c",
                "    enter(r, f, FLIGHT_KEPT);\n    forward(r, f, route, &stored->envelope);\n",
                "    enter(r, f, FLIGHT_KEPT);\n"
                "    r->out.remove(r->out.ctx, &to->name, stored->row, OUTCOME_DELIVERED);\n"
                "    forward(r, f, route, &stored->envelope);\n",
            )
        ],
        "soak",
        "1000",
    ),
]


def run(*command: str, limit_s: int = 600) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=limit_s,
    )


class Copy:
    """The tree and its build, where what is changed alone is built anew."""

    def __init__(self, place: Path, build: str):
        self.place = place
        self.build = place / build
        for name in ("src", "include", "tests", "bench", "scripts", "packaging"):
            shutil.copytree(ROOT / name, place / name, symlinks=True)
        for name in ("meson.build", "meson_options.txt"):
            shutil.copy2(ROOT / name, place / name)
        shutil.copytree(ROOT / build, self.build, symlinks=True)

    def plant(self, fault: Fault) -> None:
        for file, old, new in fault.changes:
            path = self.place / file
            text = path.read_text()
            if text.count(old) != 1:
                raise ValueError(f"{file} has no place for it any more: {old.strip()}")
            path.write_text(text.replace(old, new))

    def heal(self, fault: Fault) -> None:
        for file, _, _ in fault.changes:
            shutil.copyfile(ROOT / file, self.place / file)

    def make(self, fault: Fault) -> None:
        targets = [f"tests/fault/{fault.program}"]
        if fault.program == "soak":
            targets = ["src/cmd/maloted", "src/cmd/malote", "src/cmd/malote-ca"]
            targets += ["tests/soak/soak_client"]
        done = run("ninja", "-C", str(self.build), *targets)
        if done.returncode != 0:
            raise ValueError(f"it does not compile: {done.stdout[-300:]}")

    def check(self, fault: Fault) -> str | None:
        """What the check says when it finds something."""
        if fault.program != "soak":
            return self.check_points(fault)
        for seed in range(SEEDS):
            found = self.run_check(
                *("tests/soak/soak.py", "--binaries", str(self.build / "src/cmd")),
                *("--client", str(self.build / "tests/soak/soak_client"), "--seed", str(seed)),
                *("--clients", "4", "--pause-ms", "10", "--dir", str(self.place)),
                *("--messages", fault.check),
            )
            if found:
                return found
        return None

    def check_points(self, fault: Fault) -> str | None:
        shim = str(self.build / "tests/fault/disk_shim.so")
        program = str(self.build / "tests/fault" / fault.program)
        for seed in range(1, SEEDS + 1):
            found = self.run_check(
                *("tests/fault/check.py", "--shim", shim, "--seed", str(seed), "--most", "120"),
                *("--calls", fault.calls, program, fault.check),
            )
            if found:
                return found
        return None

    def run_check(self, script: str, *options: str) -> str | None:
        done = run(sys.executable, "-B", str(self.place / script), *options)
        if done.returncode != 1:
            return None
        return done.stdout


def look_for(copy: Copy, fault: Fault) -> str | None:
    """None when it was found, or why not."""
    copy.plant(fault)
    try:
        copy.make(fault)
        found = copy.check(fault)
    finally:
        copy.heal(fault)
    if found is None:
        return f"not found by {fault.program} {fault.check}"
    if not re.search(LOSSES, found):
        return f"{fault.program} {fault.check} found something else: {found[-300:]}"
    return None


def main(arguments: list[str]) -> int:
    bad = 0
    with tempfile.TemporaryDirectory(prefix="malote-planted.") as place:
        copy = Copy(Path(place).resolve(), arguments[0] if arguments else "build/gcc")
        for fault in FAULTS:
            try:
                wrong = look_for(copy, fault)
            except (ValueError, subprocess.TimeoutExpired) as error:
                wrong = str(error)
            bad += wrong is not None
            line = f"planted {fault.name}" + (f": {wrong}" if wrong else "")
            print(("not ok " if wrong else "ok ") + line.replace("\n", " / "), flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
