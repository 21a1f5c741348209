# SPDX-License-Identifier: Apache-2.0
"""Row 19 of the list of attacks: many ask for one name at once, each with a key of their own.

    squat.py NAME COUNT URL...    with one URL for all, or one for each

Prints how many got which answer, and the fingerprint of each key that was certified.
"""

from __future__ import annotations

import itertools
import secrets
import sys
import threading
from collections import Counter
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import rsa
from malote_interop import certificates as pki
from malote_interop import raw_rsa, wire
from malote_interop.client import ClientHandshake
from malote_interop.errors import Alerted, Cut


@dataclass(frozen=True)
class QuickKey:
    """As much of an RSAPrivateKey as asking takes, without the seconds of checks at its making."""

    p: int
    q: int

    def public_key(self) -> QuickKey:
        return self

    def public_numbers(self) -> rsa.RSAPublicNumbers:
        return rsa.RSAPublicNumbers(65537, self.p * self.q)

    def sign(self, message: bytes, *_) -> bytes:
        n = self.p * self.q
        padded = raw_rsa.encode(message, n.bit_length() - 1, secrets.token_bytes(raw_rsa.SALT))
        encoded = int.from_bytes(padded, "big")
        a = pow(encoded, pow(65537, -1, self.p - 1), self.p)
        b = pow(encoded, pow(65537, -1, self.q - 1), self.q)
        signature = b + self.q * ((a - b) * pow(self.q, -1, self.p) % self.p)
        return signature.to_bytes((n.bit_length() + 7) // 8, "big")


def many_keys(count: int) -> list[QuickKey]:
    """Different keys of few primes: as good as any in a test."""
    primes: list[int] = []
    while len(primes) * (len(primes) - 1) // 2 < count:
        made = pki.new_key().private_numbers()
        primes += [made.p, made.q]
    pairs = itertools.islice(itertools.combinations(primes, 2), count)
    return [QuickKey(p, q) for p, q in pairs]


class Squatter(threading.Thread):
    """Comes as far as the handshake goes without a name, waits for the others, and asks."""

    def __init__(self, name: str, key: QuickKey, url: wire.JoinUrl,
                 gate: threading.Barrier):
        super().__init__()
        self.wanted, self.key, self.url, self.gate = name, key, url, gate
        self.answer = "none"

    def run(self) -> None:
        try:
            connection = ClientHandshake(self.url.host, self.url.port, self.url.pin)
            connection.meet()
        except (Alerted, Cut, OSError) as error:
            self.answer = f"did not get in: {error}"
            self.gate.wait()
            return
        auth = connection.enrolment(self.wanted, self.key, self.url.invite, self.url.token)
        self.gate.wait()
        try:
            connection.send_client_auth(auth, self.key)
            welcome = connection.read_welcome()
            self.answer = f"welcome {welcome.result} {welcome.reason}"
        except (Alerted, Cut, OSError) as error:
            self.answer = str(error)


def main() -> None:
    name, count, *urls = sys.argv[1:]
    keys = many_keys(int(count))
    gate = threading.Barrier(len(keys))
    squatters = [
        Squatter(name, key, wire.JoinUrl.parse(url), gate)
        for key, url in zip(keys, itertools.cycle(urls))
    ]
    for squatter in squatters:
        squatter.start()
    for squatter in squatters:
        squatter.join()
    for answer, times in sorted(Counter(s.answer for s in squatters).items()):
        print(f"{times} {answer}")
    for squatter in squatters:
        if squatter.answer == "welcome 1 0":
            print("certified", pki.fingerprint(pki.spki_of(squatter.key)).hex())


main()
