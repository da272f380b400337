"""gunicorn's gevent worker for our front: HTTP/1 only, lines remembered, one write per answer, no client may be slow for ever.

gunicorn bounds the time for the head of a request (``keepalive``) but neither a body that drips in nor a reader that does not
read; here every wait for the client ends (docs/security.md, "Front server").
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import ssl
import time
from types import SimpleNamespace
from typing import Any

from greenlet import GreenletExit  # type: ignore[import-untyped]
from gunicorn.http.errors import NoMoreData
from gunicorn.http.wsgi import FileWrapper
from gunicorn.workers.ggevent import GeventWorker

from .answers import OneWriteResponse
from .environ import EnvironMaker
from .request_heads import LineMemory, RememberingParser

# A client that neither sends nor takes a byte of what is due for so long is gone.
SILENT_S = 75.0
LEFTOVER_S = 3.0
LEFTOVER_BYTES = 8 << 20
_GONE = frozenset((errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN, errno.ETIMEDOUT, errno.EBADF))


class FrontWorker(GeventWorker):  # type: ignore[misc]
    """Serves ``flask_proview.serve.web``. Access logs, HTTP/2 and request hooks are not offered."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._memory = LineMemory()
        # Connections that wait for a request, or for the rest of its head.
        self._idle: set[Any] = set()
        self._ends = False
        # gunicorn computes a setting each time it is asked for one.
        self._settings = SimpleNamespace(
            is_ssl=self.cfg.is_ssl, **{name: getattr(self.cfg, name) for name in self.cfg.settings}
        )
        self._environs = EnvironMaker(self._settings)

    def load_wsgi(self) -> None:
        super().load_wsgi()
        runtime = getattr(self.wsgi, "runtime", None)
        if runtime is not None:
            # gunicorn starts another worker, which knows nothing of what this one could not sync.
            runtime.pieces.when_broken = lambda: os.kill(os.getpid(), signal.SIGTERM)

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        request = None
        client.settimeout(SILENT_S)
        try:
            here = listener.getsockname()
            parser = RememberingParser(self._settings, client, addr, self._memory)
            while True:
                request = None
                self._idle.add(client)
                if not self.alive:
                    break
                request = next(parser)
                self._idle.discard(client)
                stays = self.handle_request(here, request, client, addr)
                if not self._is_ready_for_more(parser) or not stays:
                    break
        except (NoMoreData, StopIteration, GreenletExit, SystemExit):
            pass  # the client has closed, the answer said close, or the worker ends
        except ssl.SSLError as error:
            if error.args[0] != ssl.SSL_ERROR_EOF:
                self.log.debug("TLS: %s", error)
        except TimeoutError:
            self.log.debug("the client is silent: %s", addr)
        except OSError as error:
            if error.errno not in _GONE:
                self.log.exception("Socket error processing request.")
        except BaseException as error:
            self.handle_error(request, client, addr, error)
        finally:
            self._idle.discard(client)
            client.close()

    def notify(self) -> None:
        """Called every second; when the worker ends, after it has stopped accepting: whoever only waits is sent away, requests
        that are being answered get gunicorn's graceful time."""
        super().notify()
        if not self.alive and not self._ends:
            self._ends = True
            self._send_away()

    def _send_away(self) -> None:
        runtime = getattr(self.wsgi, "runtime", None)
        if runtime is not None:
            runtime.drain()
        for client in list(self._idle):
            with contextlib.suppress(OSError):
                # What has arrived is still read and answered; then there is nothing more.
                client.shutdown(socket.SHUT_RD)

    def _is_ready_for_more(self, parser: RememberingParser) -> bool:
        """Read what is left of a body that nobody wanted (a 413), but not for long. A sender that is cut off at once would
        never see the answer (RFC 9112 section 9.6)."""
        if parser.mesg.body.is_read:
            return True
        return bool(parser.finish_body(time.monotonic() + LEFTOVER_S, LEFTOVER_BYTES))

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> bool:
        """Whether another request may follow on the connection.

        :raises StopIteration: when the connection was used up or broken off.
        """
        answer = None
        try:
            answer = OneWriteResponse(req, sock, self._settings)
            environ = self._environs.environ_of(req, sock, addr, listener_name, answer)
            body = self.wsgi(environ, answer.start_response)
            if not self.alive:
                answer.force_close()
            try:
                if isinstance(body, FileWrapper):
                    answer.write_file(body)
                else:
                    for piece in body:
                        answer.write(piece)
                answer.close()
            finally:
                if hasattr(body, "close"):
                    body.close()
        except (StopIteration, OSError):
            raise
        except Exception:
            if answer is None or not answer.headers_sent:
                raise
            # Whatever is written now would be taken for the rest of the page.
            self.log.exception("Error handling request")
            sock.shutdown(socket.SHUT_RDWR)
            raise StopIteration from None
        return not answer.should_close()
