# SPDX-License-Identifier: Apache-2.0
"""Row 15 of the list of attacks: what a session with a real server was encrypted with.

    key_streams.py HOME

Logs in, sends itself messages with REKEYs between, and prints a line for each value that may never
come again: the server's random and DH value, and every whole block of key stream, of both
directions and of the handshake.  What the server sealed opens under its block, so it used that one.
"""

from __future__ import annotations

import sys
from pathlib import Path

from malote_interop import wire
from malote_interop.client import ClientHandshake, Conversation, Identity
from malote_interop.seal import Seal

BLOCK = 16


class Watched(ClientHandshake):
    def read_server_hello(self) -> wire.ServerHello:
        hello = super().read_server_hello()
        print("random", hello.random.hex())
        return hello

    def derive(self, public: bytes, clear: bytes) -> None:
        print("value", public.hex())
        super().derive(public, clear)


def watch_key_streams() -> None:
    encrypt = Seal.keystream

    def watched(self: Seal, sequence: int, data: bytes) -> bytes:
        made = encrypt(self, sequence, data)
        for at in range(0, len(data) - BLOCK + 1, BLOCK):
            pair = zip(data[at : at + BLOCK], made[at : at + BLOCK], strict=True)
            print("block", bytes(a ^ b for a, b in pair).hex())
        return made

    Seal.keystream = watched


def main() -> None:
    watch_key_streams()
    talk = Conversation(Identity.load(Path(sys.argv[1])), wire.RECEIVE, Watched)
    for n in range(20):
        assert talk.send(talk.name, b"the same words").state == wire.DELIVERED
        if n % 4 == 3:
            talk.session.rekey()
    talk.close()


main()
