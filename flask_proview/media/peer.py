"""One WebRTC transport: ICE and DTLS by aiortc, SRTP and the socket by us.

A peer answers one offer, calls back when it is connected, hands over every RTP and RTCP packet at once (no queue in between), and
ends by itself: when it does not connect in 30 s, when consent expires (RFC 7675, about 30 s after a browser vanished), when the
browser closes. There is no renegotiation: a changed connection is a new peer.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import logging
import random
import socket
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import aioice.ice
from aiortc import (
    RTCCertificate,
    RTCDtlsParameters,
    RTCDtlsTransport,
    RTCIceCandidate,
    RTCIceGatherer,
    RTCIceParameters,
    RTCIceTransport,
)

from flask_proview.config import Config
from flask_proview.links import LinkError

from . import hooks
from .guard import GuardedProtocol
from .offers import Local, Offer, usable_candidates
from .rtp import is_rtcp

CONNECT_TIMEOUT_S = 30.0
MAX_REMOTE_CANDIDATES = 16
# A burst of key-frame packets must fit while the loop does something else.
RECEIVE_BUFFER_BYTES = 1 << 20
logger = logging.getLogger(__name__)


class PeerHandler(Protocol):
    """Who owns a peer."""

    def on_connected(self) -> None: ...
    def on_rtp(self, data: bytes) -> None: ...
    def on_rtcp(self, data: bytes) -> None: ...
    def on_closed(self, reason: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Network:
    """Where peers listen and what they are told, and the certificate of this process."""

    addresses: tuple[str, ...]
    ports: tuple[int, int] | None
    public_ip: str | None
    certificate: RTCCertificate

    @classmethod
    def from_config(cls, config: Config) -> Network:
        media = config.media
        return cls(media.host_addresses, media.udp_ports, media.public_ip, RTCCertificate.generateCertificate())

    def open_sockets(self) -> list[socket.socket]:
        """One bound UDP socket per address.

        :raises LinkError: ``media_ports`` when the range is used up, ``media_address`` when no address can be used.
        """
        addresses = self.addresses or aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=True)
        sockets = []
        failure = "no address"
        for address in addresses:
            try:
                sockets.append(self._bind(address))
            except OSError as error:
                failure = f"{address}: {error}"
        if not sockets:
            code = "media_ports" if self.ports else "media_address"
            raise LinkError(
                code, f"No UDP socket could be opened ({failure}); see media.udp_ports and media.host_addresses."
            )
        return sockets

    def _bind(self, address: str) -> socket.socket:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
            for port in self._port_order():
                try:
                    sock.bind((address, port))
                    return sock
                except OSError as error:
                    if error.errno != errno.EADDRINUSE:
                        raise
            raise OSError(errno.EADDRINUSE, "every port of media.udp_ports is in use")
        except OSError:
            sock.close()
            raise

    def _port_order(self) -> Sequence[int]:
        if self.ports is None:
            return (0,)
        low, high = self.ports
        size = high - low + 1
        start = random.randrange(size)  # noqa: S311 - spreads the load, hides nothing
        return [low + (start + step) % size for step in range(size)]

    def shown(self, host: str) -> str:
        """The address that browsers are told: the public one instead of a private IPv4 behind one-to-one NAT."""
        return (
            self.public_ip
            if self.public_ip and ipaddress.ip_address(host).version == ipaddress.ip_address(self.public_ip).version
            else host
        )


class Peer:
    """See the module. :param dropped: counts, by reason, what was not let in or out."""

    def __init__(self, network: Network, handler: PeerHandler, dropped: Counter[str]) -> None:
        self._network = network
        self._handler = handler
        self._dropped = dropped
        self._gatherer = RTCIceGatherer(iceServers=[])
        self._ice = RTCIceTransport(self._gatherer)
        self._dtls = RTCDtlsTransport(self._ice, [network.certificate])
        self._connection = hooks.use_protocol(self._gatherer, self._make_protocol, network.open_sockets)
        self._over = asyncio.Event()
        self._reason = "closed"
        self._task: asyncio.Task[None] | None = None
        self._send_srtp: hooks.SrtpSender | None = None
        self._receive_srtp: hooks.SrtpReceiver | None = None
        self._socket: socket.socket | None = None
        self._remote: tuple[str, int] = ("", 0)
        self.connected = False

    def _make_protocol(self, connection: hooks.Connection, sock: socket.socket) -> GuardedProtocol:
        return GuardedProtocol(connection, sock, self._on_datagram, self._dropped)

    async def accept(self, offer: Offer) -> Local:
        """Open the sockets and start connecting; returns what the answer must say."""
        await self._gatherer.gather()
        for candidate in usable_candidates(offer.candidates, MAX_REMOTE_CANDIDATES):
            if self._may_contact(candidate):
                await self._ice.addRemoteCandidate(candidate)
        hooks.set_dtls_role(self._dtls, "server" if offer.active else "client")
        self._dtls.on("statechange", self._on_state)
        self._ice.on("statechange", self._on_state)
        parameters = self._gatherer.getLocalParameters()
        fingerprints = self._dtls.getLocalParameters().fingerprints
        self._task = asyncio.create_task(self._live(offer))
        return Local(
            username=parameters.usernameFragment or "",
            password=parameters.password or "",
            fingerprint=next(f.value for f in fingerprints if f.algorithm == "sha-256"),
            active=not offer.active,
            candidates=tuple(self._describe(candidate) for candidate in self._gatherer.getLocalCandidates()),
        )

    def _describe(self, candidate: RTCIceCandidate) -> str:
        host = self._network.shown(candidate.ip)
        return f"{candidate.foundation} 1 udp {candidate.priority} {host} {candidate.port} typ host"

    def _may_contact(self, candidate: RTCIceCandidate) -> bool:
        """We send checks to what the browser names: not to our own machine or to groups, unless we live on loopback ourselves."""
        try:
            address = ipaddress.ip_address(candidate.ip)
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        address = mapped or address
        if address.is_loopback:
            return any(ipaddress.ip_address(own).is_loopback for own in self._network.addresses)
        return not (address.is_multicast or address.is_unspecified or address.is_link_local or address.is_reserved)

    async def _live(self, offer: Offer) -> None:
        """The life of the transport; whatever ends it ends here."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                # No end-of-candidates: a browser behind mDNS names has none we can use, its checks are waited for.
                await self._ice.start(RTCIceParameters(offer.username, offer.password, offer.ice_lite))
                if self._ice.state == "completed" and not self._over.is_set():
                    await self._dtls.start(RTCDtlsParameters(fingerprints=list(offer.fingerprints)))
            if self._dtls.state == "connected" and not self._over.is_set():
                self._attach()
                self._handler.on_connected()
                await self._over.wait()
            elif not self._over.is_set():
                self._reason = "connect_failed"
        except TimeoutError:
            self._reason = "connect_timeout"
        except Exception:
            logger.exception("a media transport failed")
            self._reason = "error"
        finally:
            self.connected = False
            self._send_srtp = self._receive_srtp = None
            await self._stop_transports()
            self._handler.on_closed(self._reason)

    async def _stop_transports(self) -> None:
        for stop in (self._dtls.stop, self._ice.stop):
            try:
                await stop()
            except Exception:
                logger.exception("a media transport did not stop cleanly")
        self._dtls.remove_all_listeners()

    def _attach(self) -> None:
        receive, send = hooks.srtp_sessions(self._dtls)
        self._receive_srtp = hooks.SrtpReceiver(receive)
        self._send_srtp = hooks.SrtpSender(send)
        self.connected = True
        self.refresh_path()

    def refresh_path(self) -> None:
        """Follow the nominated pair; the browser may nominate another one any time (RFC 8445 section 8)."""
        pair = hooks.nominated(self._connection)
        if pair is not None:
            protocol, self._remote = pair
            self._socket = protocol.sock if isinstance(protocol, GuardedProtocol) else None

    def _on_state(self) -> None:
        if self._dtls.state == "failed":
            self._end("dtls_failed")
        elif self._ice.state == "failed" and not self.connected:
            self._end("ice_failed")
        elif self._ice.state == "failed" or self._dtls.state == "closed":
            # A lost ICE connection takes DTLS with it, in either order; otherwise the browser has said goodbye.
            self._end("consent_expired" if hooks.is_lost(self._connection) else "hangup")

    def _end(self, reason: str) -> None:
        if not self._over.is_set():
            self._reason = reason
            self._over.set()

    async def close(self, reason: str) -> None:
        """End it and wait until the sockets are closed. Safe to call twice."""
        self._end(reason)
        if self._task is None:
            await self._stop_transports()
            return
        if not self.connected and not self._task.done():
            # Still connecting: nobody waits for the event yet.
            await self._ice.stop()
        await asyncio.wait([self._task])

    def _on_datagram(self, data: bytes) -> None:
        if self._receive_srtp is None:
            return
        if is_rtcp(data):
            self._handler.on_rtcp(data)
        else:
            self._handler.on_rtp(data)

    @property
    def srtp(self) -> hooks.SrtpReceiver | None:
        return self._receive_srtp

    def send_rtp(self, header: bytes, payload: bytes) -> bool:
        """Protect and send now; what the socket does not take is dropped, as the network would."""
        if self._send_srtp is None or self._socket is None:
            return False
        packet = self._send_srtp.protect(header, payload)
        if packet is None:
            self._dropped["protect"] += 1
            return False
        return self._send(packet)

    def send_rtcp(self, data: bytes) -> None:
        if self._send_srtp is not None and self._socket is not None:
            self._send(self._send_srtp.protect_rtcp(data))

    def _send(self, packet: bytes | memoryview) -> bool:
        assert self._socket is not None  # noqa: S101 - both callers looked
        try:
            self._socket.sendto(packet, self._remote)
        except OSError:
            self._dropped["socket"] += 1
            return False
        return True
