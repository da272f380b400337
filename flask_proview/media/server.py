"""The media process: the link server and its life (start, stop signals, stale socket, death of the parent)."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import os
import signal
import socket
import stat
from pathlib import Path

import uvloop

from flask_proview.config import Config
from flask_proview.errors import ConfigError
from flask_proview.links import LinkAddress, LinkError, Message, body_length, decode, encode, hello_key

from . import hooks
from .hub import Hub

HELLO_TIMEOUT_S = 5.0
MESSAGE_TIMEOUT_S = 10.0
MAX_LINKS = 64
# A web worker that does not read is cut off; it reconnects and asks for the status.
MAX_UNSENT_BYTES = 4 << 20
PARENT_INTERVAL_S = 0.5
logger = logging.getLogger(__name__)


def run(config: Config, *, die_with_parent: bool = False) -> None:
    """Serve until SIGTERM or SIGINT. :param die_with_parent: stop as well when the process that started us is gone."""
    hooks.check_internals()
    parent = os.getppid() if die_with_parent else None
    uvloop.run(_serve(config, parent))


async def _serve(config: Config, parent: int | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = MediaServer(config)
    await server.start()
    logger.info("media process %d listens on %s", os.getpid(), config.media.link)
    try:
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), PARENT_INTERVAL_S if parent else None)
            if parent is not None and os.getppid() != parent:
                logger.warning("the parent process is gone; stopping")
                stop.set()
    finally:
        await server.close()


class MediaServer:
    """The link server around a :class:`~.hub.Hub`."""

    def __init__(self, config: Config) -> None:
        self._address = LinkAddress.parse(config.media.link)
        self._key = hello_key(config.secrets.keys)
        self._hub = Hub(config, self._broadcast)
        self._links: set[asyncio.StreamWriter] = set()
        self._handlers: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._timers: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen.

        :raises ConfigError: the address is in use or cannot be bound.
        """
        try:
            if self._address.path is not None:
                path = Path(self._address.path)
                self._server = await asyncio.start_unix_server(self._serve_link, sock=_bind_unix(path))
            else:
                self._server = await asyncio.start_server(self._serve_link, self._address.host, self._address.port)
        except OSError as error:
            raise ConfigError(f"media.link: cannot listen: {error}. Is another media process running?") from error
        self._timers = asyncio.create_task(self._hub.run())

    @property
    def port(self) -> int:
        """The TCP port, when it was chosen by the system."""
        assert self._server is not None  # noqa: S101 - after start
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop in reverse order. Safe to call twice."""
        if self._server is not None:
            self._server.close()
            if self._address.path is not None:
                with contextlib.suppress(OSError):
                    os.unlink(self._address.path)
            self._server = None
        await self._hub.close()
        if self._timers is not None:
            self._timers.cancel()
            await asyncio.wait([self._timers])
            self._timers = None
        for writer in list(self._links):
            writer.close()
        for task in list(self._handlers):
            task.cancel()
        if self._handlers:
            await asyncio.wait(self._handlers)

    def _broadcast(self, event: Message) -> None:
        data = encode(event)
        for writer in list(self._links):
            if writer.transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
                logger.warning("a web process does not read the link; cutting it off")
                writer.transport.abort()
            else:
                writer.write(data)

    async def _serve_link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - streams run their callback as a task
        self._handlers.add(task)
        try:
            if len(self._handlers) <= MAX_LINKS:
                await self._talk(reader, writer)
        except LinkError as error:
            logger.warning("link closed: %s", error.message)
            with contextlib.suppress(OSError):
                writer.write(encode({"id": None, "ok": False, "code": error.code, "message": error.message}))
        except (asyncio.IncompleteReadError, TimeoutError, OSError):
            logger.debug("link closed")
        except asyncio.CancelledError:
            logger.debug("link cancelled")  # only close() cancels, and it waits for us
        finally:
            self._links.discard(writer)
            self._handlers.discard(task)
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        known = self._address.path is not None
        if known:
            self._links.add(writer)
        while True:
            message = await _read(reader, None if known else HELLO_TIMEOUT_S)
            if not known:
                if message.get("op") != "hello":
                    raise LinkError("hello_first", "The first message on a TCP link must be hello.")
                known = True
            if message.get("op") == "hello":
                self._check_key(message)
                self._links.add(writer)
            reply = await self._answer(message)
            writer.write(encode(reply))
            await writer.drain()

    def _check_key(self, message: Message) -> None:
        key = message.get("key")
        if key is None and self._address.path is not None:
            return  # the directory's permissions have let it in
        if not isinstance(key, str) or not hmac.compare_digest(key.encode(), self._key.encode()):
            raise LinkError("wrong_key", "hello carries another key; both processes need the same secrets.keys.")

    async def _answer(self, message: Message) -> Message:
        number = message.get("id")
        try:
            return {"id": number, "ok": True, **await self._perform(message)}
        except LinkError as error:
            return {"id": number, "ok": False, "code": error.code, "message": error.message}
        except Exception:
            logger.exception("link request %r failed", message.get("op"))
            return {"id": number, "ok": False, "code": "internal", "message": "The media process failed; see its log."}

    async def _perform(self, message: Message) -> Message:
        match message.get("op"):
            case "hello":
                return {"pid": os.getpid()}
            case "publish":
                return await self._hub.publish(message)
            case "unpublish":
                return await self._hub.unpublish(message)
            case "view":
                return await self._hub.view(message)
            case "leave":
                return await self._hub.leave(message)
            case "status":
                return {**self._hub.status(), "pid": os.getpid()}
        raise LinkError("unknown_op", "There is no such operation.")


async def _read(reader: asyncio.StreamReader, wait_s: float | None) -> Message:
    """One message; once begun it must be complete in ten seconds."""
    async with asyncio.timeout(wait_s):
        head = await reader.readexactly(1)
    async with asyncio.timeout(MESSAGE_TIMEOUT_S):
        head += await reader.readexactly(3)
        return decode(await reader.readexactly(body_length(head)))


def _bind_unix(path: Path) -> socket.socket:
    """A listening socket only we may use. A socket file that nobody answers on is left over from a killed process."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.exists() or path.is_symlink():
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise FileExistsError(f"{path} exists and is not a socket")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(1.0)
            try:
                probe.connect(str(path))
            except ConnectionRefusedError:
                path.unlink()
            else:
                raise FileExistsError(f"another process answers on {path}")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        sock.bind(str(path))
    except OSError:
        sock.close()
        raise
    finally:
        os.umask(mask)
    return sock
