"""The same for datagrams: lost, twice, late, out of order, damaged."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket

from .relay import Looped

# Packets of a relay carry it, so that rules of the firewall can tell them from those that it should relay.
MARK = 7
Address = tuple[str, int]


class UdpRelay(Looped):
    """``with UdpRelay(("127.0.0.1", 40000)) as relay:`` hands datagrams to ``relay.port`` on, and the answers back.

    The shares are of datagrams, in both directions.
    """

    def __init__(self, target: Address, host: str = "127.0.0.1", *, marked: bool = False) -> None:
        super().__init__()
        self._target = target
        self._host = host
        self._marked = marked
        self._backs: dict[Address, asyncio.DatagramTransport] = {}
        self.port = 0
        self.loss = 0.0
        self.duplicate = 0.0
        # These wait for `late_s`, so that what was sent behind them arrives before them.
        self.reorder = 0.0
        self.late_s = 0.03
        self.flip = 0.0
        self.passed = self.lost = self.doubled = self.moved = self.flipped = 0

    async def _open(self) -> None:
        self._front = await self._socket(self._host, _Front(self))
        self.port = self._front.get_extra_info("sockname")[1]

    async def _close(self) -> None:
        for transport in (self._front, *self._backs.values()):
            transport.close()
        await super()._close()

    async def _socket(self, host: str, protocol: asyncio.DatagramProtocol) -> asyncio.DatagramTransport:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        if self._marked:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, MARK)
        sock.bind((host, 0))
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: protocol, sock=sock)
        return transport

    async def from_client(self, data: bytes, client: Address) -> None:
        if client not in self._backs:
            self._backs[client] = await self._socket(self._host, _Back(self, client))
        self._pass(data, self._backs[client], self._target)

    def from_server(self, data: bytes, client: Address) -> None:
        self._pass(data, self._front, client)

    def _pass(self, data: bytes, through: asyncio.DatagramTransport, to: Address) -> None:
        if _happens(self.loss):
            self.lost += 1
            return
        if _happens(self.flip):
            self.flipped += 1
            damaged = bytearray(data)
            damaged[random.randrange(len(data))] ^= 1 << random.randrange(8)  # noqa: S311
            data = bytes(damaged)
        self.passed += 1
        late = _happens(self.reorder)
        self.moved += late
        if late:
            asyncio.get_running_loop().call_later(self.late_s, _send, through, data, to)
        else:
            _send(through, data, to)
        if _happens(self.duplicate):
            self.doubled += 1
            _send(through, data, to)


def _send(through: asyncio.DatagramTransport, data: bytes, to: Address) -> None:
    if not through.is_closing():
        with contextlib.suppress(OSError):
            through.sendto(data, to)


def _happens(share: float) -> bool:
    return share > 0 and random.random() < share  # noqa: S311


class _Front(asyncio.DatagramProtocol):
    def __init__(self, relay: UdpRelay) -> None:
        self._relay = relay
        self._tasks: set[asyncio.Task[None]] = set()

    def datagram_received(self, data: bytes, addr: Address) -> None:
        task = asyncio.get_running_loop().create_task(self._relay.from_client(data, addr))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Back(asyncio.DatagramProtocol):
    def __init__(self, relay: UdpRelay, client: Address) -> None:
        self._relay = relay
        self._client = client

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._relay.from_server(data, self._client)
