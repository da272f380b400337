"""Every private name of aiortc, aioice and pylibsrtp that we use, in one place, checked at start.

aiortc gives ICE and DTLS; its RTP objects decode and buffer per packet and are not used. What we need and its public API does not
offer: our own datagram protocol below ICE, the queue that feeds DTLS, the nominated pair, and the SRTP sessions (in place, no copies).
:func:`check_internals` fails loudly when a release moves any of these, rather than in the middle of an exam.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import inspect
import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import aioice.ice
import pylibsrtp
from aioice import Candidate
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.stun import Message as StunMessage
from aioice.stun import parse_message
from aiortc import RTCCertificate, RTCDtlsTransport, RTCIceGatherer, RTCIceTransport
from pylibsrtp._binding import ffi, lib

PINNED: Final = {"aiortc": "1.16.", "aioice": "0.13.", "pylibsrtp": "1.0."}
# Largest datagram we protect or unprotect: an Ethernet MTU plus SRTP's trailer.
SRTP_BUFFER_BYTES: Final = 2048
StunProtocol = aioice.ice.StunProtocol
Connection = aioice.ice.Connection

_CONNECTION_NAMES = (
    "_check_list",
    "_nominated",
    "_queue",
    "_protocols",
    "_early_checks",
    "_closing",
    "_remote_candidates_end",
    "get_component_candidates",
)
_DTLS_NAMES = ("_rx_srtp", "_tx_srtp", "_set_role", "_recv_next")

__all__ = [
    "Connection",
    "SrtpReceiver",
    "SrtpSender",
    "StunMessage",
    "StunProtocol",
    "check_internals",
    "parse_message",
]


def check_internals() -> None:
    """Compare the installed libraries with what this file was written against.

    :raises RuntimeError: naming everything that differs.
    """
    wrong = [
        f"{name} {version} (this release works with {wanted}*)"
        for name, wanted in PINNED.items()
        if not (version := importlib.metadata.version(name)).startswith(wanted)
    ]
    gatherer = RTCIceGatherer(iceServers=[])
    connection = gatherer._connection
    dtls = RTCDtlsTransport(RTCIceTransport(gatherer), [RTCCertificate.generateCertificate()])
    wrong += [f"aioice.Connection.{name} is missing" for name in _CONNECTION_NAMES if not hasattr(connection, name)]
    wrong += [f"RTCDtlsTransport.{name} is missing" for name in _DTLS_NAMES if not hasattr(dtls, name)]
    if getattr(connection._early_checks, "maxlen", None) is None:
        wrong.append("aioice keeps early checks without a bound")
    gather = getattr(connection, "get_component_candidates", None)
    if gather is not None and list(inspect.signature(gather).parameters)[:2] != ["component", "addresses"]:
        wrong.append("aioice.Connection.get_component_candidates has other parameters")
    if not hasattr(aioice.ice.CandidatePair.State, "SUCCEEDED"):
        wrong.append("aioice.CandidatePair.State.SUCCEEDED is missing")
    session = pylibsrtp.Session()
    if not hasattr(session, "_srtp") or not all(hasattr(lib, name) for name in ("srtp_protect", "srtp_unprotect")):
        wrong.append("pylibsrtp's binding has other names")
    if wrong:
        raise RuntimeError("The media process cannot run with the installed libraries: " + "; ".join(wrong))


def use_protocol(
    gatherer: RTCIceGatherer,
    make_protocol: Callable[[Connection, socket.socket], StunProtocol],
    open_sockets: Callable[[], Sequence[socket.socket]],
) -> Connection:
    """Let ICE gather on our sockets with our datagram protocol; no STUN or TURN server is asked.

    aioice binds to port 0 of all addresses and offers no port range; ours come bound, from the configured range.
    """
    connection = gatherer._connection

    async def get_component_candidates(component: int, addresses: list[str], timeout: int = 5) -> list[Candidate]:  # noqa: ASYNC109 - the signature is aioice's
        loop = asyncio.get_running_loop()
        candidates = []
        for sock in open_sockets():
            _, protocol = await loop.create_datagram_endpoint(partial(make_protocol, connection, sock), sock=sock)
            host, port = sock.getsockname()[:2]
            protocol.local_candidate = Candidate(
                foundation=candidate_foundation("host", "udp", host),
                component=component,
                transport="udp",
                priority=candidate_priority(component, "host"),
                host=host,
                port=port,
                type="host",
            )
            connection._protocols.append(protocol)
            candidates.append(protocol.local_candidate)
        return candidates

    connection.get_component_candidates = get_component_candidates  # type: ignore[method-assign]
    return connection


def pass_to_dtls(connection: Connection, data: bytes, bound: int) -> bool:
    """Hand a datagram to aiortc's DTLS transport; false when ``bound`` already wait there."""
    if connection._queue.qsize() >= bound:
        return False
    connection._queue.put_nowait((data, 1))
    return True


def is_checked(connection: Connection, protocol: StunProtocol, address: tuple[str, int]) -> bool:
    """Whether this socket and remote address passed a connectivity check (RFC 8445 section 7)."""
    succeeded = aioice.ice.CandidatePair.State.SUCCEEDED
    return any(
        pair.state is succeeded and pair.protocol is protocol and pair.remote_addr == address
        for pair in connection._check_list
    )


def check_count(connection: Connection) -> int:
    """How many candidate pairs the connection holds; an authenticated peer can add one per address."""
    return len(connection._check_list)


def is_lost(connection: Connection) -> bool:
    """Whether ICE has closed by itself or by us, rather than DTLS above it."""
    return connection._closing


def nominated(connection: Connection) -> tuple[StunProtocol, tuple[str, int]] | None:
    """The socket protocol and remote address that media uses now."""
    pair = connection._nominated.get(1)
    return None if pair is None else (pair.protocol, pair.remote_addr)


def set_dtls_role(dtls: RTCDtlsTransport, role: str) -> None:
    dtls._set_role(role)


def srtp_sessions(dtls: RTCDtlsTransport) -> tuple[pylibsrtp.Session, pylibsrtp.Session]:
    """(receive, send) of a connected DTLS transport."""
    return dtls._rx_srtp, dtls._tx_srtp


class SrtpReceiver:
    """Unprotects in a buffer of its own; the payload is copied out once."""

    def __init__(self, session: pylibsrtp.Session) -> None:
        self._session = session  # owns the C context below
        self._context = session._srtp[0]
        self._buffer = ffi.new("char[]", SRTP_BUFFER_BYTES)
        self.view: Any = ffi.buffer(self._buffer)
        self._length = ffi.new("int *")

    def unprotect(self, data: bytes) -> int:
        """Length of the RTP packet now in :attr:`view`; 0 when it is forged, replayed or too long."""
        size = len(data)
        if size > SRTP_BUFFER_BYTES:
            return 0
        self.view[0:size] = data
        self._length[0] = size
        if lib.srtp_unprotect(self._context, self._buffer, self._length) != lib.srtp_err_status_ok:
            return 0
        return int(self._length[0])

    def unprotect_rtcp(self, data: bytes) -> bytes:
        """The RTCP packet, or nothing."""
        try:
            return bytes(self._session.unprotect_rtcp(data))
        except (pylibsrtp.Error, ValueError):
            return b""


class SrtpSender:
    """Protects header + payload in a buffer of its own."""

    def __init__(self, session: pylibsrtp.Session) -> None:
        self._session = session
        self._context = session._srtp[0]
        self._buffer = ffi.new("char[]", SRTP_BUFFER_BYTES)
        self._view: Any = ffi.buffer(self._buffer)
        self._memory = memoryview(self._view)
        self._length = ffi.new("int *")

    def protect(self, header: bytes, payload: bytes) -> memoryview | None:
        """The SRTP packet, valid until the next call."""
        size = len(header) + len(payload)
        if size > SRTP_BUFFER_BYTES - pylibsrtp.SRTP_MAX_TRAILER_LEN:
            return None
        self._view[0 : len(header)] = header
        self._view[len(header) : size] = payload
        self._length[0] = size
        if lib.srtp_protect(self._context, self._buffer, self._length) != lib.srtp_err_status_ok:
            return None
        return self._memory[: self._length[0]]

    def protect_rtcp(self, data: bytes) -> bytes:
        return bytes(self._session.protect_rtcp(data))
