"""The link between web and media: framing, message checks, the hello key, and the web side's blocking client.

Messages are ``u32 big-endian length | JSON object`` of at most 1 MiB (docs/protocol.md, "Link"). Everything that arrives is
checked before it is used; a peer that breaks the framing is cut off. The client uses plain sockets and threads, so it runs
as it is under gevent's monkey patching; the asyncio side is :mod:`flask_proview.media.server`. Fails closed: without an
answer in time there is a :class:`LinkError`, never a guess.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import itertools
import json
import logging
import queue
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_proview.config import Config
from flask_proview.errors import ProviewError

MAX_MESSAGE_BYTES = 1 << 20
MAX_PENDING = 256
MAX_EVENTS = 1000
CONNECT_TIMEOUT_S = 3.0
IO_TIMEOUT_S = 5.0
RETRY_DELAYS_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)

Message = dict[str, Any]
EventHandler = Callable[[Message], None]
logger = logging.getLogger(__name__)


class LinkError(ProviewError):
    """A request over the link that failed: refused by media (its code), or never answered (``link_…``)."""

    status = 502

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message or code.replace("_", " "), code=code)

    @property
    def blames_request(self) -> bool:
        """Whether the offer or its declaration is at fault, rather than the media process or the way to it."""
        return self.code == "bad_request" or self.code.startswith(("sdp_", "track_"))


@dataclass(frozen=True, slots=True)
class LinkAddress:
    """Where the media process listens: a path, or host and port."""

    path: str | None = None
    host: str = ""
    port: int = 0

    @classmethod
    def parse(cls, text: str) -> LinkAddress:
        """``unix:PATH`` or ``tcp:HOST:PORT`` (a checked setting)."""
        scheme, _, rest = text.partition(":")
        if scheme == "unix" and rest:
            return cls(path=rest)
        host, _, port = rest.rpartition(":")
        if scheme != "tcp" or not host or not port.isdecimal():
            raise ValueError(f"{text!r} is not unix:PATH or tcp:HOST:PORT")
        return cls(host=host.strip("[]"), port=int(port))


def hello_key(keys: Sequence[str]) -> str:
    """What ``hello`` must carry: proof that both ends were given the same newest secret."""
    return hmac.new(keys[-1].encode(), b"proview-link", hashlib.sha256).hexdigest()


def encode(message: Mapping[str, Any]) -> bytes:
    """A message with its length in front."""
    body = json.dumps(message, separators=(",", ":")).encode()
    if len(body) > MAX_MESSAGE_BYTES:
        raise LinkError(
            "message_too_large", f"A link message may have {MAX_MESSAGE_BYTES} bytes, this one has {len(body)}."
        )
    return struct.pack("!I", len(body)) + body


def decode(body: bytes) -> Message:
    """The JSON object of one message.

    :raises LinkError: ``bad_message``.
    """
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        raise LinkError("bad_message", "A link message is not JSON.") from None
    if not isinstance(message, dict):
        raise LinkError("bad_message", "A link message is not a JSON object.")
    return message


def body_length(head: bytes) -> int:
    """The length that the four bytes in front of a message announce.

    :raises LinkError: ``message_too_large``; the stream cannot be followed any further.
    """
    length = int(struct.unpack("!I", head)[0])
    if length > MAX_MESSAGE_BYTES:
        raise LinkError("message_too_large", f"A link message announces {length} bytes.")
    return length


class MessageReader:
    """Cuts a byte stream into messages; holds at most one unfinished message."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """The messages that ``data`` completes."""
        self._buffer += data
        messages = []
        while len(self._buffer) >= 4:
            end = 4 + body_length(bytes(self._buffer[:4]))
            if len(self._buffer) < end:
                break
            messages.append(decode(bytes(self._buffer[4:end])))
            del self._buffer[:end]
        return messages


class _Call:
    """A request that waits for its reply."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.reply: Message = {}

    def finish(self, reply: Message) -> None:
        self.reply = reply
        self.done.set()


class MediaLink:
    """The web side of the link. Connects on first use, reconnects by itself, safe to use from many threads.

    :param on_event: gets every unasked message (``published``, ``viewer_gone`` …) and ``{"event": "connected"}`` after each
        connect, one after the other, in a thread of its own. When 1000 wait, the newest are dropped and counted.
    """

    def __init__(self, config: Config, on_event: EventHandler | None = None) -> None:
        self._address = LinkAddress.parse(config.media.link)
        self._key = hello_key(config.secrets.keys)
        self._on_event = on_event
        self._lock = threading.Lock()
        self._send_lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._calls: dict[int, _Call] = {}
        self._ids = itertools.count(1)
        self._connected = threading.Event()
        self._wanted = threading.Event()
        self._closed = threading.Event()
        self._threads: list[threading.Thread] = []
        self._events: queue.Queue[Message | None] = queue.Queue(MAX_EVENTS)
        self.dropped_events = 0

    @property
    def connected(self) -> bool:
        return self._connected.is_set()

    def start(self) -> None:
        """Connect in the background now, so that events arrive before the first request. Safe to call again."""
        with self._lock:
            if self._closed.is_set() or any(thread.is_alive() for thread in self._threads):
                return
            self._forget_parent()
            self._threads.append(threading.Thread(target=self._run, name="media-link", daemon=True))
            if self._on_event is not None:
                self._threads.append(threading.Thread(target=self._dispatch, name="media-events", daemon=True))
            # Below the lock: a thread that is not started yet is not alive, and somebody else would start it, too.
            for thread in self._threads:
                thread.start()

    def _forget_parent(self) -> None:
        """After a fork: the threads stayed in the parent, and the connection is the parent's."""
        self._threads.clear()
        self._calls.clear()
        self._connected.clear()
        if self._socket is not None:
            self._socket.close()  # our descriptor of it only; no shutdown
            self._socket = None

    def request(self, op: str, timeout_s: float = 5.0, **fields: object) -> Message:
        """Send one request and wait for its reply.

        :raises LinkError: the code media answered, or ``link_closed``, ``link_down`` (not connected in time),
            ``link_timeout``, ``link_lost`` (connection broke while waiting), ``link_busy`` (256 requests wait).
        """
        if self._closed.is_set():
            raise LinkError("link_closed", "The media link was closed.")
        deadline = time.monotonic() + timeout_s
        self.start()
        self._wanted.set()
        if not self._connected.wait(timeout_s):
            raise LinkError("link_down", "The media process does not answer.")
        with self._lock:
            if len(self._calls) >= MAX_PENDING:
                raise LinkError("link_busy", "Too many requests wait for the media process.")
            number = next(self._ids)
            call = self._calls[number] = _Call()
        try:
            self._send({**fields, "op": op, "id": number})
            if not call.done.wait(max(0.0, deadline - time.monotonic())):
                raise LinkError("link_timeout", f"The media process did not answer {op!r} in {timeout_s:g} s.")
        finally:
            with self._lock:
                self._calls.pop(number, None)
        if call.reply.get("ok") is True:
            return {name: value for name, value in call.reply.items() if name not in ("id", "ok")}
        raise LinkError(str(call.reply.get("code", "bad_message")), str(call.reply.get("message", "")))

    def close(self) -> None:
        """Stop for good. Safe to call twice."""
        self._closed.set()
        self._wanted.set()
        self._disconnect("link_closed")
        with contextlib.suppress(queue.Full):
            self._events.put_nowait(None)
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(IO_TIMEOUT_S)

    def _send(self, message: Message) -> None:
        data = encode(message)
        with self._send_lock:
            sock = self._socket
            if sock is None:
                raise LinkError("link_lost", "The link to the media process is down.")
            try:
                sock.sendall(data)
            except OSError:
                # A part may have gone out: nothing can follow on this stream.
                self._disconnect("link_lost")
                raise LinkError("link_lost", "The link to the media process broke.") from None

    def _run(self) -> None:
        """Keep one connection: connect, read until it breaks, fail what waited, wait, again."""
        failures = 0
        while not self._closed.is_set():
            failures = 0 if self._live_once() else failures + 1
            self._wanted.clear()
            self._wanted.wait(RETRY_DELAYS_S[min(failures, len(RETRY_DELAYS_S) - 1)])
            # A request wakes the wait; the pause keeps a waiting crowd from turning it into a busy loop.
            self._closed.wait(RETRY_DELAYS_S[0])

    def _live_once(self) -> bool:
        """One connection from beginning to end; whether media ever welcomed it."""
        try:
            sock = self._connect()
        except OSError as error:
            logger.debug("media link: %s", error)
            return False
        return self._read(sock)

    def _connect(self) -> socket.socket:
        if self._address.path is not None:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                sock.settimeout(CONNECT_TIMEOUT_S)
                sock.connect(self._address.path)
            except OSError:
                sock.close()
                raise
        else:
            sock = socket.create_connection((self._address.host, self._address.port), CONNECT_TIMEOUT_S)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(IO_TIMEOUT_S)
        try:
            sock.sendall(encode({"op": "hello", "id": 0, "key": self._key}))
        except OSError:
            sock.close()
            raise
        return sock

    def _read(self, sock: socket.socket) -> bool:
        reader = MessageReader()
        code, welcomed = "link_lost", False
        try:
            while not self._closed.is_set():
                try:
                    data = sock.recv(65536)
                except TimeoutError:
                    continue
                if not data:
                    break
                for message in reader.feed(data):
                    self._receive(sock, message)
                welcomed = self._connected.is_set()
        except LinkError as error:
            code = error.code
            logger.warning("media link: %s", error.message)
        except OSError as error:
            logger.info("media link broke: %s", error)
        finally:
            self._disconnect(code)
            sock.close()
        return welcomed

    def _receive(self, sock: socket.socket, message: Message) -> None:
        if "event" in message:
            self._queue_event(message)
        elif message.get("id") == 0:
            if message.get("ok") is not True:
                raise LinkError(
                    str(message.get("code", "bad_message")), f"media refused us: {message.get('message', '')}"
                )
            self._socket = sock
            self._connected.set()
            self._queue_event({"event": "connected"})
        else:
            number = message.get("id")
            with self._lock:
                call = self._calls.get(number) if isinstance(number, int) else None
            if call is not None:
                call.finish(message)

    def _disconnect(self, code: str) -> None:
        self._connected.clear()
        sock, self._socket = self._socket, None
        if sock is not None:
            # shutdown wakes the reading thread; close alone would leave it in recv.
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        with self._lock:
            calls = list(self._calls.values())
        for call in calls:
            call.finish({"code": code, "message": "The link to the media process broke."})

    def _queue_event(self, message: Message) -> None:
        if self._on_event is None:
            return
        try:
            self._events.put_nowait(message)
        except queue.Full:
            self.dropped_events += 1

    def _dispatch(self) -> None:
        assert self._on_event is not None  # noqa: S101 - the thread exists only with a handler
        while not self._closed.is_set():
            message = self._events.get()
            if message is None:
                return
            try:
                self._on_event(message)
            except Exception:
                logger.exception("media event handler failed on %s", message.get("event"))
