# SPDX-License-Identifier: Apache-2.0
"""What can go wrong on a connection."""

ALERTS = {1: "protocol", 2: "busy", 3: "timeout", 4: "internal", 5: "version"}  # 3.3
PROTOCOL, BUSY, TIMEOUT, INTERNAL, VERSION = ALERTS


class Refused(Exception):
    """The other side broke the protocol; `alert` is what it is told, and nothing more (3.3)."""

    def __init__(self, why: str, alert: int = PROTOCOL):
        super().__init__(why)
        self.alert = alert


class BadCertificate(Refused):
    """`kind` is one of foreign, signature, role, profile, time (11.1), or pin (11.2)."""

    def __init__(self, kind: str, why: str = ""):
        super().__init__(f"certificate: {kind}: {why}" if why else f"certificate: {kind}")
        self.kind = kind


class Alerted(Exception):
    """The other side sent an alert; `sealed` tells whether it is proven to come from it."""

    def __init__(self, code: int, sealed: bool):
        super().__init__(f"alert {ALERTS[code]} ({'sealed' if sealed else 'plain'})")
        self.code = code
        self.sealed = sealed


class Cut(Exception):
    """The connection ended without a CLOSE (6)."""


class Closed(Exception):
    """The other side said CLOSE."""

    def __init__(self, reason: int):
        super().__init__(f"closed, reason {reason}")
        self.reason = reason
