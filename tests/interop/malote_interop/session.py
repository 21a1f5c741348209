# SPDX-License-Identifier: Apache-2.0
"""Frames over a blocking socket, and the session of sections 6 and 7 on top, for both sides."""

from __future__ import annotations

import socket

from . import wire
from .errors import Alerted, Closed, Cut, Refused
from .seal import Direction, Seal


class Line:
    """A TCP connection that carries frames."""

    def __init__(self, sock: socket.socket):
        self.sock = sock
        self.buffered = b""

    def write(self, data: bytes) -> None:
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Cut(str(error)) from error

    def read_exactly(self, size: int) -> bytes:
        while len(self.buffered) < size:
            try:
                more = self.sock.recv(65536)
            except ConnectionResetError as error:
                raise Cut(str(error)) from error
            if not more:
                raise Cut("the connection ended")
            self.buffered += more
        taken, self.buffered = self.buffered[:size], self.buffered[size:]
        return taken

    def read_frame(self) -> tuple[int, bytes, bytes]:
        """Type, header, body; each is judged before the next is waited for (3)."""
        header = self.read_exactly(1)
        kind = header[0]
        wire.check_frame_type(kind)
        header += self.read_exactly(3)
        size = int.from_bytes(header[1:], "big")
        wire.check_frame_size(kind, size)
        return kind, header, self.read_exactly(size)

    def close(self) -> None:
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        self.sock.close()


def send_alert(line: Line, code: int, seal: Seal | None) -> None:
    """Plain before there are keys, sealed afterwards (3.3)."""
    body = wire.uint(code, 8)
    if seal is not None:
        header = wire.frame_header(wire.ALERT, len(body) + wire.TAG)
        line.write(header + seal.seal(header, body))
    else:
        line.write(wire.frame(wire.ALERT, body))


def open_alert(header: bytes, body: bytes, seal: Seal | None) -> Alerted:
    """Who has keys believes sealed alerts only."""
    if (len(body) == 1) == (seal is not None):
        raise Refused("an alert that is plain where it should be sealed, or the other way round")
    return Alerted(wire.read_alert(seal.open(header, body) if seal else body), seal is not None)


class Session:
    """A session seen from `side`; `other` is whose records it may receive."""

    def __init__(self, line: Line, side: str, sends: bytes, receives: bytes):
        self.line = line
        self.other = {"client": "server", "server": "client"}[side]
        self.outward = Direction(sends)
        self.inward = Direction(receives)
        self.rekeys_seen = 0

    def send(self, kind: int, body: bytes = b"") -> None:
        self.line.write(self.outward.seal(kind, body))

    def rekey(self) -> None:
        self.send(wire.REKEY)

    def close(self, reason: int = 1) -> None:
        self.send(wire.CLOSE, wire.Close(reason).encode())
        self.line.close()

    def receive(self) -> tuple[int, bytes]:
        """The next record but REKEY, which is obeyed, and CLOSE, which raises Closed."""
        while True:
            frame, header, body = self.line.read_frame()
            if frame == wire.ALERT:
                raise open_alert(header, body, self.inward.under)
            if frame != wire.RECORD:
                raise Refused(f"a frame of type {frame} in a session")
            kind, content = self.inward.open(header, body)
            least, most, sender = wire.RECORD_BODIES.get(kind, (1, 0, ""))
            if sender not in ("both", self.other) or not least <= len(content) <= most:
                raise Refused(f"a record of kind {kind} with {len(content)} bytes")
            if kind == wire.CLOSE:
                raise Closed(wire.Close.decode(content).reason)
            if kind != wire.REKEY:
                return kind, content
            self.rekeys_seen += 1

    def fail(self, refused: Refused) -> None:
        """Says the alert; what comes after it is nobody's."""
        try:
            send_alert(self.line, refused.alert, self.outward.under)
        except (Cut, OSError):
            pass
        self.line.close()
