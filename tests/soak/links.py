# SPDX-License-Identifier: Apache-2.0
"""The wire between one client and the server: passes bytes, until it is told otherwise."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine

OK, FROZEN, SWALLOWS_DOWN, SWALLOWS_UP, CLOSED = range(5)


class Link:
    """One port of this host that leads to the server.  Its methods may be called anywhere."""

    def __init__(self, wires: Wires, to_port: int):
        self.wires = wires
        self.to_port = to_port
        self.mode = OK
        self.port = 0
        self.allowance: int | None = None  # bytes the next connection gets from the server
        self.writers: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]

    async def serve(self, near: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        if self.mode == CLOSED:
            answer.transport.abort()
            return
        allowance, self.allowance = self.allowance, None
        try:
            far, onward = await asyncio.open_connection("127.0.0.1", self.to_port)
        except OSError:
            answer.transport.abort()
            return
        pair = {answer, onward}
        self.writers |= pair
        await asyncio.gather(
            self.pump(near, onward, SWALLOWS_UP, None),
            self.pump(far, answer, SWALLOWS_DOWN, allowance),
        )
        self.writers -= pair

    async def pump(
        self,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        swallows: int,
        allowance: int | None,
    ) -> None:
        has_lost = False
        try:
            while data := await source.read(65536):
                while self.mode == FROZEN:
                    await asyncio.sleep(0.02)
                if self.mode == swallows:
                    has_lost = True
                    continue
                if has_lost:  # what is left of a stream of records says nothing any more
                    self.abort()
                    return
                if allowance is not None:
                    allowance -= len(data)
                    if allowance < 0:
                        # What is on its way is lost, and both sides hear of it only now.
                        await asyncio.sleep(0.1)
                        self.abort()
                        return
                target.write(data)
                await target.drain()
            if self.mode != swallows:
                target.write_eof()
                return
        except (OSError, RuntimeError):
            pass
        target.transport.abort()

    def cut(self) -> None:
        """Every connection that goes through here, at once."""
        self.wires.call(self.abort)

    def abort(self) -> None:
        for writer in list(self.writers):
            writer.transport.abort()


class Wires:
    """All links, on a thread of their own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(lambda loop, context: None)
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def call(self, what: Callable[[], None]) -> None:
        self.loop.call_soon_threadsafe(what)

    def wait(self, what: Coroutine[None, None, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self.loop).result(10)

    def link(self, to_port: int) -> Link:
        link = Link(self, to_port)
        self.wait(link.open())
        return link
