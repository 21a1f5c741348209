#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Puts the public test vectors of installed packages to our wrappers.

    check.py ORACLE [NAME...]      all tests, or those whose name contains a NAME
    check.py --spoil ORACLE        one expectation of each is changed: every test has to fail

Prints "ok NAME, N questions" or "not ok NAME: why" for each test.  A missing package, a file
that is not what it was, and a test with fewer questions than it should have are failures.
"""

import subprocess
import sys
from collections.abc import Callable, Generator

import certificates
import primitives
import rsa
import structure
from primitives import Question


class Oracle:
    """The program that has our wrappers; started anew after it died."""

    def __init__(self, program: str) -> None:
        self.program = program
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [self.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="ascii"
        )

    def ask(self, question: str) -> str:
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.write(question + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            status = self.process.wait(timeout=30)
            self.start()
            return f"died with status {status}"
        return answer.rstrip("\n")

    def end(self) -> int:
        """Its status: a sanitizer reports leaks last of all."""
        self.process.communicate(timeout=60)
        return self.process.returncode


def run(oracle: Oracle, questions: Generator[Question, str, None], least: int, spoil: bool) -> int:
    """How many were asked; raises AssertionError at the first answer that is not as expected."""
    count = 0
    answer = None
    while True:
        try:
            question, expected, where = questions.send(answer)
        except StopIteration:
            break
        answer = oracle.ask(question)
        good = answer == expected if isinstance(expected, str) else expected(answer)
        if spoil and count == least // 2:
            good = not good
        assert good, f"{where}: {answer[:200]} instead of {str(expected)[:200]}"
        count += 1
    assert count >= least, f"only {count} questions, of at least {least}"
    return count


def verdict(
    oracle: Oracle, test: Callable[[], Generator[Question, str, None]], least: int, spoil: bool
) -> bool:
    try:
        count = run(oracle, test(), least, spoil)
    except (AssertionError, OSError, ValueError, KeyError, IndexError) as error:
        print(f"not ok {test.__name__}: {type(error).__name__} {error}", flush=True)
        return False
    print(f"ok {test.__name__}, {count} questions", flush=True)
    return True


def main() -> int:
    words = sys.argv[1:]
    spoil = words[:1] == ["--spoil"]
    words = words[spoil:]
    oracle = Oracle(words[0])
    tests = primitives.TESTS + rsa.TESTS + certificates.TESTS + structure.TESTS
    verdicts = [
        verdict(oracle, test, least, spoil)
        for test, least in tests
        if len(words) == 1 or any(word in test.__name__ for word in words[1:])
    ]
    status = oracle.end()
    print("ok" if status == 0 else "not ok", "the_oracle_ends_as_it_should, status", status)
    return 0 if verdicts and all(passed != spoil for passed in verdicts) and status == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
