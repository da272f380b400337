"""Sends an answer of the application through the real middleware, to see what would become of it.

No rule is repeated here: the application of this :class:`InjectMiddleware` answers what the crawl got, and its observer
hears why a page is refused. Only *why nothing was to be done* is put into words by reading the same head as the
middleware does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from flask_proview.config import Config
from flask_proview.middleware import InjectMiddleware, Refusal, StopReached
from flask_proview.middleware.headers import (
    INJECTED,
    HeaderNames,
    Headers,
    is_html,
    is_page_status,
    read_content_type,
    read_head,
)
from flask_proview.middleware.identity import PENDING, Exchange, IdentityReader, checked_id
from flask_proview.middleware.routes import Match, RouteTable
from flask_proview.origins import Origin
from flask_proview.tokens import TokenSigner

from .client import Answer

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


@dataclass(frozen=True, slots=True)
class FoundId:
    """Where an id came from. ``value`` is shown only when the page's address tells it anyway."""

    source: str
    value: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the middleware makes of a page.

    :param outcome: ``unmatched``: no route (or mode off); ``injected``; ``skipped``: not a page, left alone on purpose;
        ``refused``: a page that passes without proctoring; ``unknown``: only the running application knows the session id.
    :param shell: top-level navigations get the shell, and the page is injected in its frame.
    :param reason: of a refusal: domain, account, identity, fault; empty otherwise.
    :param changed: the headers as they would go out, cookies and lengths left out.
    """

    outcome: str
    route: str = ""
    mode: str = ""
    role: str = ""
    shell: bool = False
    reason: str = ""
    detail: str = ""
    session: FoundId | None = None
    profile: FoundId | None = None
    changed: tuple[tuple[str, str], ...] = ()


class _Listener:
    def __init__(self) -> None:
        self.refusals: list[Refusal] = []

    def refused(self, refusal: Refusal) -> None:
        self.refusals.append(refusal)

    def stop_reached(self, stop: StopReached) -> None:
        """Stop pages are told by the route's match."""


class Trial:
    """One configuration, one origin under which browsers are assumed to reach the pages."""

    def __init__(self, config: Config, origin: Origin) -> None:
        self.origin = origin
        self._listener = _Listener()
        self._answer: Answer | None = None
        self._asked = False
        self._routes = RouteTable(config.routes)
        # The table answers "no route" for mode off; here the two are told apart.
        self._off = RouteTable([replace(route, mode="inline") for route in config.routes if route.mode == "off"])
        self._mount = config.server.mount
        self._middleware = InjectMiddleware(
            self._application, config, signer=TokenSigner(config.secrets.keys), observer=self._listener
        )

    def protects(self, target: str, method: str) -> bool:
        """Whether a route protects the path of a target."""
        path = unquote_to_bytes(target.partition("?")[0]).decode("latin-1")
        return self._routes.match(path, method) is not None

    def run(self, environ: Mapping[str, object], answer: Answer, *, framed: bool = False) -> Verdict:
        """The verdict on one answer.

        :param environ: of the request, as :func:`environ_of` makes it.
        :param framed: the crawl found the page as a frame of another one.
        """
        path = str(environ["PATH_INFO"])
        match = self._routes.match(path, "GET")
        if match is None:
            off = self._off.match(path, "GET")
            return Verdict("unmatched") if off is None else Verdict("unmatched", off.route.name or "", "off", "page")
        if path == self._mount or path.startswith(self._mount + "/"):
            return Verdict("unmatched")
        route = match.route
        reader = _SourceReader(environ, match, answer.headers)
        session, profile = reader.find(route.session), reader.find(route.profile)
        verdict = Verdict("skipped", route.name or "", route.mode, match.role, session=session, profile=profile)
        shell = False
        body, headers = self._pass(environ, answer, "iframe" if framed else "document")
        if not self._asked and body is not None:
            shell = True
            body, headers = self._pass(environ, answer, "iframe")
        if self._listener.refusals:
            refusal = self._listener.refusals[-1]
            open_question = refusal.reason == "identity" and any(s.startswith("environ:") for s in route.session)
            outcome = "unknown" if open_question else "refused"
            return replace(verdict, outcome=outcome, reason=refusal.reason, detail=refusal.detail)
        if answer.get(INJECTED.lower()) is None and any(name == INJECTED for name, _ in headers):
            kept = tuple((n, v) for n, v in headers if n.lower() not in ("set-cookie", "content-length", "etag"))
            return replace(verdict, outcome="injected", shell=shell, changed=kept)
        return replace(verdict, shell=shell, detail=why_left_alone(answer))

    def _pass(self, environ: Mapping[str, object], answer: Answer, destination: str) -> tuple[bytes | None, Headers]:
        self._listener.refusals.clear()
        self._answer, self._asked = answer, False
        sent: Headers = []

        def start_response(
            _status: str, headers: Headers, _exc_info: OptExcInfo | None = None, /
        ) -> Callable[[bytes], object]:
            sent[:] = headers
            return lambda _data: None

        body = self._middleware(
            {**environ, "HTTP_SEC_FETCH_DEST": destination, "HTTP_SEC_FETCH_MODE": "navigate"}, start_response
        )
        try:
            return b"".join(body), sent
        except Exception:  # half a compressed page: the middleware cuts it off when it cannot go on, and has said why
            return None, sent
        finally:
            close = getattr(body, "close", None)
            if close is not None:
                close()

    def _application(self, _environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = self._answer
        if answer is None:
            raise AssertionError("no answer to replay")
        self._asked = True
        # A server frames its answers itself: hop-by-hop fields are not the application's.
        headers = [
            (n, v) for n, v in answer.headers if n.lower() not in ("transfer-encoding", "connection", "keep-alive")
        ]
        start_response(f"{answer.status} {answer.reason or 'Status'}", headers)
        return [answer.body] if answer.body else []


def environ_of(origin: Origin, target: str, cookies: str, headers: Sequence[tuple[str, str]]) -> dict[str, object]:
    """A GET by a browser that uses ``origin``, as a WSGI server would hand it on."""
    path, _, query = target.partition("?")
    environ: dict[str, object] = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "REQUEST_URI": target,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": origin.host,
        "SERVER_PORT": str(origin.port),
        "REMOTE_ADDR": "192.0.2.1",
        "wsgi.url_scheme": origin.scheme,
    }
    for name, value in headers:
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
    environ["HTTP_HOST"] = str(origin).partition("://")[2]
    environ["HTTP_ACCEPT_ENCODING"] = "gzip"
    if cookies:
        environ["HTTP_COOKIE"] = cookies
    return environ


def why_left_alone(answer: Answer) -> str:
    """In words, by what the head says."""
    head = read_head(answer.headers, HeaderNames())
    status = f"{answer.status} Status"
    media_type, _ = read_content_type(head.content_type)
    if head.injected:
        return "injected already, by an installation nearer to the application"
    if 300 <= answer.status < 400:
        return f"redirect ({answer.status})" if answer.status != 304 else "304"
    if head.attachment:
        return "a download (Content-Disposition)"
    if not is_page_status(status, head):
        return f"status {answer.status}" + (" of a login handshake" if answer.status in (401, 407) else "")
    if head.length == "0" or not answer.body:
        return "an empty answer"
    if head.content_type and not is_html(media_type):
        return f"not HTML ({media_type or 'malformed Content-Type'})"
    return "not recognised as a page"


class _SourceReader:
    """Which of a route's sources has an id, by the middleware's own readers."""

    def __init__(self, environ: Mapping[str, object], match: Match, response: Headers) -> None:
        self._exchange = Exchange(dict(environ), match.variables, response)

    def find(self, sources: Sequence[str]) -> FoundId | None:
        for source in sources:
            value = IdentityReader((source,), ()).session(self._exchange)
            if value is PENDING or not isinstance(value, str) or checked_id(value) is None:
                continue
            public = source.startswith(("path:", "query:", "literal:"))
            return FoundId(source, value if public else f"({len(value)} characters)")
        return None
