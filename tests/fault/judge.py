# SPDX-License-Identifier: Apache-2.0
"""Does what is there fit what was said?  The words are those of said.h."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


class Attempt:
    def __init__(self, text: str):
        self.text = text
        self.signs = {word[1:]: word[0] == "+" for word in text.split()}
        self.certain = False


def read_attempts(lines: Iterable[str]) -> list[Attempt]:
    """In the order of their acknowledgements; those without one last, repetitions once."""
    done: list[Attempt] = []
    uncertain: dict[str, Attempt] = {}
    for line in lines:
        word, _, text = line.partition(" ")
        if word == "try":
            uncertain.setdefault(text, Attempt(text))
        elif word == "did":
            attempt = uncertain.pop(text, None) or Attempt(text)
            attempt.certain = True
            done.append(attempt)
    return done + list(uncertain.values())


def judge(lines: Iterable[str], shown: list[str]) -> str | None:
    """None, or what is wrong.  `shown`: the keys of "has", in their order."""
    attempts = read_attempts(lines)
    for key, times in Counter(shown).items():
        if times > 1:
            return f"{key} is there {times} times"
    there = set(shown)
    must: dict[str, bool] = {}
    may: dict[str, Attempt] = {}
    for attempt in attempts:
        for key, sign in attempt.signs.items():
            if attempt.certain:
                must[key] = sign
            else:
                may[key] = attempt
    for key, sign in must.items():
        if key not in may and sign != (key in there):
            return f"{key} was acknowledged and is " + ("not there" if sign else "still there")
    for key in there:
        if key not in must and key not in may:
            return f"{key} was never asked for"
    return judge_whole(attempts, must, may, there) or judge_order(shown)


def judge_whole(
    attempts: list[Attempt], must: dict[str, bool], may: dict[str, Attempt], there: set[str]
) -> str | None:
    for attempt in attempts:
        if attempt.certain or any(may[key] is not attempt for key in attempt.signs):
            continue
        done = [(key in there) == sign for key, sign in attempt.signs.items()]
        undone = [(key in there) == must.get(key, False) for key in attempt.signs]
        if not all(done) and not all(undone):
            return f"half of it is there: {attempt.text}"
    return None


def judge_order(shown: list[str]) -> str | None:
    last: dict[str, int] = {}
    for key in shown:
        stream, _, number = key.rpartition("/")
        if number.isdecimal():
            if last.get(stream, -1) > int(number):
                return f"{key} comes after {stream}/{last[stream]}"
            last[stream] = int(number)
    return None
