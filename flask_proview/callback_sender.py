"""Posts what waits in the outbox (sessions/callbacks.py) to the accounts' ``callback_url``; part of the jobs process.

The receiver is trusted with nothing: no redirect is followed, an answer is read up to a few hundred bytes, and the whole
attempt ends at a deadline even when the answer drips. http.client rather than a client library: one request, one deadline.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import logging
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from flask_proview._version import __version__
from flask_proview.config import Account, Config
from flask_proview.sessions.callbacks import CallbackStore, Due
from flask_proview.sessions.database import Database

log = logging.getLogger("flask_proview.callbacks")

CONNECT_S = 5.0
DEADLINE_S = 15.0
MOST_READ = 500
AT_ONCE = 4


class CallbackSender:
    """Sends everything that is due."""

    def __init__(self, db: Database, config: Config) -> None:
        self._store = CallbackStore(db)
        self._config = config

    def send_due(self) -> float | None:
        """Make the attempts that are due now. Seconds until the next is, or None when nothing waits."""
        while due := self._store.claim(AT_ONCE):
            with ThreadPoolExecutor(AT_ONCE) as pool:
                list(pool.map(self._send, due))
        return self._store.next_due_s()

    def _send(self, due: Due) -> None:
        account = self._config.account(due.account)
        if account is None or not account.callback_url or not account.callback_secret:
            self._store.failed(due, None, f"account {due.account!r} has no callback_url any more")
            return
        place = urlsplit(account.callback_url)
        try:
            status, said, retry_after = post(account, due)
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = str(error) or type(error).__name__
            wait = self._store.failed(due, None, reason)
        else:
            if 200 <= status < 300:
                self._store.delivered(due, status)
                log.info("callback %s delivered to %s", due.delivery, place.hostname)
                return
            reason = f"{status} {said}".strip()
            wait = self._store.failed(due, status, reason, retry_after)
        log.warning(
            "callback %s to %s failed (attempt %d): %s; %s",
            due.delivery, place.hostname, due.attempt, reason[:200],
            "given up" if wait is None else f"again in {wait:.0f} s",
        )  # fmt: skip


def signature(secret: str, body: bytes) -> str:
    """The value of ``X-Proview-Signature``: hex HMAC-SHA256 of the body (docs/callbacks.md)."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def post(account: Account, due: Due) -> tuple[int, str, float]:
    """One attempt: (status, start of what was answered, seconds of Retry-After).

    :raises OSError: no connection, no TLS, too slow.
    :raises http.client.HTTPException: what came was not HTTP.
    """
    place = urlsplit(account.callback_url or "")
    host = place.hostname or ""
    connection: http.client.HTTPConnection
    if place.scheme == "https":
        connection = http.client.HTTPSConnection(host, place.port, timeout=CONNECT_S, context=ssl.create_default_context())  # fmt: skip
    else:
        connection = http.client.HTTPConnection(host, place.port, timeout=CONNECT_S)
    late = threading.Event()

    def give_up() -> None:
        late.set()
        if connection.sock is not None:
            # shutdown, not close: it wakes the thread that reads.
            try:
                connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                log.debug("the callback's connection had ended by itself")

    timer = threading.Timer(DEADLINE_S, give_up)
    timer.daemon = True
    timer.start()
    try:
        connection.request(
            "POST",
            (place.path or "/") + (f"?{place.query}" if place.query else ""),
            due.body,
            {
                "Content-Type": "application/json",
                "User-Agent": f"flask-proview/{__version__}",
                "Accept": "*/*",
                "Connection": "close",
                "X-Proview-Delivery": due.delivery,
                "X-Proview-Attempt": str(due.attempt),
                "X-Proview-Signature": signature(account.callback_secret or "", due.body),
            },
        )
        answer = connection.getresponse()
        said = answer.read(MOST_READ).decode("utf-8", "replace") if not late.is_set() else ""
        after = answer.headers.get("Retry-After", "")
        if late.is_set():
            raise TimeoutError(f"no complete answer within {DEADLINE_S:.0f} s")
        return answer.status, " ".join(said.split()), float(after) if after.isascii() and after.isdecimal() else 0.0
    except (OSError, http.client.HTTPException) as error:
        if late.is_set():
            raise TimeoutError(f"no complete answer within {DEADLINE_S:.0f} s") from error
        raise
    finally:
        timer.cancel()
        connection.close()
