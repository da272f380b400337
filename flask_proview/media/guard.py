"""The guard at every media socket: only STUN from anywhere, DTLS and RTP only from a remote address that ICE has checked.

aioice hands any datagram from any address to DTLS and queues it without limit, so that one forged 15-byte alert kills a
candidate's connection and a junk flood eats the memory (the class of OWASP ASVS 17.2.6). Here a datagram is sorted by its first
byte (RFC 7983 section 7), its source is compared, queues are bounded, and what is refused is only counted.
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable
from typing import Any, cast

from . import hooks

MAX_DATAGRAM_BYTES = 1500
# A handshake flight is a handful of datagrams; more waiting means junk.
MAX_QUEUED_DTLS = 32
# RFC 8445 section 6.1.2.5 recommends at most 100 candidate pairs.
MAX_PAIRS = 100

MediaSink = Callable[[bytes], None]


class GuardedProtocol(hooks.StunProtocol):
    """aioice's datagram protocol behind the guard.

    :param sock: the bound socket, on which media is also sent: asyncio's transport would queue what the kernel does not take.
    :param sink: gets RTP and RTCP datagrams of the checked peer, called at once.
    :param dropped: counts what was refused, by reason.
    """

    def __init__(
        self, connection: hooks.Connection, sock: socket.socket, sink: MediaSink, dropped: Counter[str]
    ) -> None:
        super().__init__(connection)
        self.sock = sock
        self._sink = sink
        self._dropped = dropped
        self._checked: tuple[str, int] | None = None

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        data = cast(bytes, data)
        if not 1 <= len(data) <= MAX_DATAGRAM_BYTES:
            self._dropped["size"] += 1
            return
        first = data[0]
        address = (addr[0], addr[1])
        if 127 < first < 192:
            if address == self._checked or self._check(address):
                self._sink(data)
        elif first < 4:
            self._stun(data, address)
        elif 19 < first < 64:
            if self._check(address) and not hooks.pass_to_dtls(self.receiver, data, MAX_QUEUED_DTLS):
                self._dropped["dtls_queue"] += 1
        else:
            self._dropped["unknown"] += 1

    def _check(self, address: tuple[str, int]) -> bool:
        if hooks.is_checked(self.receiver, self, address):
            self._checked = address
            return True
        self._dropped["source"] += 1
        return False

    def _stun(self, data: bytes, address: tuple[str, int]) -> None:
        try:
            # aioice would pass what does not parse on to DTLS.
            hooks.parse_message(data)
        except Exception:
            # Hostile attributes end in ValueError, struct.error, UnicodeDecodeError …; none of them may reach the event loop.
            self._dropped["stun"] += 1
            return
        if address != self._checked and hooks.check_count(self.receiver) >= MAX_PAIRS:
            self._dropped["pairs"] += 1
            return
        try:
            super().datagram_received(data, address)
        except (KeyError, AssertionError, TypeError):
            # An authenticated check without PRIORITY, or for another component.
            self._dropped["stun"] += 1
