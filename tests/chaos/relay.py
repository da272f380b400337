"""A line of our own between a browser and a server on this machine: TCP and UDP relays in user space, whose faults are switches.

What the kernel can do (loss and cuts of packets) is `namespace.py`'s; here is what it cannot: a peer that vanished while its
connections stay open, a bit that flips although the check sums are right, a line that is slow or late, datagrams twice or out of order.
Switches are plain attributes and may be set from any thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Self

BLOCK = 16 * 1024
# Blocks on their way in one direction; beyond that whoever sends has to wait, as for a router's buffer.
QUEUE = 64
# An upload's block of this size lies inside a piece: everything else that a page sends is smaller.
UPLOAD_BYTES = 8 * 1024


class Looped(ABC):
    """An event loop in a thread of its own, for the time of a ``with``."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.do(self._open())
        return self

    def __exit__(self, *exc: object) -> None:
        self.do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    @abstractmethod
    async def _open(self) -> None: ...

    async def _close(self) -> None:
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await task


@dataclass(eq=False)
class Way:
    """One connection: both of its ends."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    silent: bool = False
    # It carries a WebSocket, not requests.
    is_socket: bool = False
    # When the server gave up its end, `time.monotonic()`.
    freed_at: float | None = None


class TcpRelay(Looped):
    """``with TcpRelay(8080) as relay:`` hands connections to ``relay.port`` on to port 8080 of this machine."""

    def __init__(self, target: int, host: str = "127.0.0.1") -> None:
        super().__init__()
        self._target = target
        self._host = host
        self.port = 0
        # Swallows whatever comes, from both sides, on old and new connections; nothing is closed.
        self.silent = False
        self.delay_s = 0.0
        self.jitter_s = 0.0
        # Bytes a second in each direction, of all connections together; 0: as fast as it can.
        self.rate = 0
        # How many blocks of uploads have yet to lose a bit, and how many did.
        self.flips_wanted = 0
        self.flipped = 0
        self.ways: list[Way] = []

    async def _open(self) -> None:
        self._free_at = [0.0, 0.0]
        self._listener = await asyncio.start_server(self._accept, self._host, 0)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._listener.close()
        await self._reset()
        await super()._close()

    def hush(self) -> list[Way]:
        """From now on nothing comes through on the connections that are there; new ones work."""
        for way in self.ways:
            way.silent = True
        return list(self.ways)

    def reset(self) -> None:
        """RST to both ends of everything."""
        self.do(self._reset())

    async def _reset(self) -> None:
        for way in self.ways:
            for end in (way.client, way.server):
                if not end.is_closing():
                    end.get_extra_info("socket").setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                    )
                end.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        way = Way(writer, to_server)
        self.ways.append(way)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._carry(way, reader, to_server, 0))
                both.create_task(self._carry(way, from_server, writer, 1))
        except* (OSError, asyncio.CancelledError):
            # Not cancelled out of here: the streams of asyncio would report that as an error.
            pass
        finally:
            self.ways.remove(way)
            for end in (writer, to_server):
                end.close()

    async def _carry(self, way: Way, source: asyncio.StreamReader, sink: asyncio.StreamWriter, direction: int) -> None:
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(QUEUE)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._deliver(queue, sink, direction))
            while True:
                try:
                    data = await source.read(BLOCK)
                except OSError:
                    data = b""
                if not data:
                    break
                way.is_socket = way.is_socket or b"\r\nUpgrade: websocket" in data
                if not (self.silent or way.silent):
                    late = self.delay_s + random.random() * self.jitter_s  # noqa: S311
                    await queue.put((time.monotonic() + late, self._flip(data) if direction == 0 else data))
            if direction == 1:
                way.freed_at = time.monotonic()
            # A vanished peer does not say that it goes.
            if self.silent or way.silent:
                await asyncio.Event().wait()
            await queue.put((0.0, b""))

    async def _deliver(self, queue: asyncio.Queue[tuple[float, bytes]], sink: asyncio.StreamWriter, way: int) -> None:
        while True:
            due, data = await queue.get()
            if not data:
                with contextlib.suppress(OSError, RuntimeError):
                    sink.write_eof()
                return
            if self.rate:
                self._free_at[way] = max(self._free_at[way], time.monotonic()) + len(data) / self.rate
                due = max(due, self._free_at[way])
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            sink.write(data)
            await sink.drain()

    def _flip(self, data: bytes) -> bytes:
        if self.flips_wanted <= self.flipped or len(data) < UPLOAD_BYTES:
            return data
        self.flipped += 1
        damaged = bytearray(data)
        damaged[len(data) // 2] ^= 1
        return bytes(damaged)
