"""The WebSocket route: handshake, then one :class:`Peer` for as long as the connection lives.

The route is declared with flask-sock; the socket under it is our own (``socket.py`` says why).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request
from flask_sock import Sock

from flask_proview.errors import ApiError
from flask_proview.origins import parse_header
from flask_proview.service.access import check_uuid
from flask_proview.service.runtime import Runtime
from flask_proview.service.server_facts import server_facts

from .peer import Peer
from .protocol import MAX_PIECE_HEADER_BYTES, MAX_TEXT_BYTES, Close
from .socket import NoSocket, SignalSocket

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def register(blueprint: Blueprint, runtime: Runtime) -> None:
    """The one socket route."""

    sock = SafeSock(runtime)

    @sock.route("/v1/sessions/<uuid>/signal", blueprint)
    def signal(socket: SignalSocket, uuid: str) -> None:
        origin = request.headers.get("Origin")
        if not _is_listed(runtime, origin):
            socket.close(Close.ORIGIN, "This page's origin is not listed.")
            socket.finish()
        else:
            multiprocess = bool(request.environ.get("wsgi.multiprocess"))
            Peer(runtime, uuid, socket, multiprocess=multiprocess).run(origin)


class SafeSock(Sock):  # type: ignore[misc]
    """flask-sock's ``route`` with a :class:`SignalSocket` in place of the server class that it hard-wires."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__()
        self._runtime = runtime

    def route(
        self, path: str, bp: Blueprint, **options: Any
    ) -> Callable[[Callable[..., None]], Callable[..., Response]]:
        """As ``flask_sock.Sock.route``: the handler gets the socket first, then the path's variables."""

        def decorator(handler: Callable[..., None]) -> Callable[..., Response]:
            @wraps(handler)
            def websocket_route(uuid: str) -> Response:
                check_uuid(uuid)
                socket = _accept(self._runtime)
                handler(socket, uuid)
                return AnsweredResponse(socket.mode)

            bp.route(path, websocket=True, **options)(websocket_route)
            return websocket_route

        return decorator


def _accept(runtime: Runtime) -> SignalSocket:
    """The upgraded connection.

    :raises ApiError: 501 where the server has no sockets, or each would take a thread of the host application's pool.
    """
    facts = server_facts(request.environ)
    try:
        if not facts.websockets:
            raise NoSocket(f"{facts.server} ({facts.worker}) is not for WebSockets")
        return SignalSocket(
            request.environ,
            max_text=MAX_TEXT_BYTES,
            max_binary=(runtime.config.limits.max_piece_mb << 20) + MAX_PIECE_HEADER_BYTES + 3,
        )
    except NoSocket as error:
        raise ApiError(
            "This server cannot open WebSockets; use the HTTP twins.", code="websocket_unsupported", status=501
        ) from error


def _is_listed(runtime: Runtime, header: str | None) -> bool:
    """Whether any account lists the origin; that it is the session's account is checked with the hello."""
    origin = parse_header(header)
    return origin is not None and any(origin in account.domains for account in runtime.config.accounts)


class AnsweredResponse(Response):
    """Ends the WSGI call after the socket was used up, in the way each server wants it (as flask-sock does)."""

    def __init__(self, mode: str) -> None:
        super().__init__()
        self._mode = mode

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if self._mode == "gunicorn":
            # gunicorn's documented sign that the socket was taken over.
            raise StopIteration
        if self._mode == "werkzeug":
            return super().__call__(environ, start_response)
        return []
