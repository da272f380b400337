"""WSGI middleware that puts the proctoring tag into the pages that the configuration names.

Knows no framework: wrap any WSGI application. Fails open: a fault of ours, a page of a domain that is not whitelisted or
without a session id passes on as the application sent it; the observer is told, and each kind is logged once. A response
that is not a protected page is the very same iterable. Not for pages that must not be served unproctored at all: that is
the gate's business, not the injection's.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import quote

from flask_proview.config import Config
from flask_proview.tokens import TokenSigner

from .destination import FRAMES, is_navigation, may_stop, page_likelihood
from .framed import FramedPages
from .headers import Headers
from .identity import PENDING, Exchange
from .launch import LaunchCookies, LaunchTooLong
from .mark import IdentityMarks
from .observer import Observer, Reason, Refusal, StopReached
from .page import PageRequest, RouteParts
from .page_origin import PageOrigins
from .request import prepare_request
from .respond import Change, PageResponse
from .routes import RouteTable
from .shell import requested_target, shell_headers, shell_language, shell_page, wants_inline
from .verdict import PageJudge

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

# Set while a request is ours, so that a second middleware nearer to the application leaves it alone.
MARK = "proview.page"
_KINDS_REMEMBERED = 256


class InjectMiddleware:
    """Wraps ``app``.

    :param signer: signs the launch tokens.
    :param observer: told about refusals and reached stop paths.
    """

    def __init__(self, app: WSGIApplication, config: Config, *, signer: TokenSigner, observer: Observer) -> None:
        self._has_frames = any(route.mode == "frame" for route in config.routes)
        self._app = FramedPages(app, config) if self._has_frames else app
        self._mount = config.server.mount
        self._observer = observer
        self._routes = RouteTable(config.routes)
        self._origins = PageOrigins(config)
        self._parts = {
            route.name: RouteParts(config, route, config.account_of(route))
            for route in config.routes
            if route.mode != "off"
        }
        self._launches = LaunchCookies(config, signer)
        self._marks = IdentityMarks(config)
        self._judge = PageJudge(config, self._launches, self._refuse, self._note)
        self._noted: set[str] = set()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        shell = None
        try:
            page = self._page_of(environ)
            if page is not None:
                shell = self._shell(environ, page)
                if shell is None:
                    prepare_request(environ, page)
                    environ[MARK] = page.parts.name
        except Exception as error:
            self._fault("request", error, environ)
            page = None
        if page is None:
            return self._app(environ, start_response)
        if shell is not None:
            headers, body = shell
            start_response("200 OK", headers)
            return [body]
        response = PageResponse(
            start_response,
            lambda status, headers: self._change(page, status, headers),
            lambda kind, error: self._page_fault(page, kind, error),
        )
        return response.body(self._app(environ, response.start_response))

    def _page_of(self, environ: WSGIEnvironment) -> PageRequest | None:
        """The request when it may be one for a protected page, None when it is to be left alone."""
        path: str = environ.get("PATH_INFO", "")
        method: str = environ["REQUEST_METHOD"]
        match = self._routes.match(path, method)
        if match is None or MARK in environ or self._is_ours(path):
            return None
        likelihood = page_likelihood(environ)
        stops = match.role == "stop" and may_stop(environ)
        if likelihood is None and not stops:
            return None
        parts = self._parts[match.route.name]
        origin, host = self._origins.of(environ)
        account = parts.account
        if account is None:
            self._report(Refusal(parts.name, None, "account", host, path, "the route has no account"))
            return None
        if origin is None or origin not in account.domains:
            if likelihood is not None:
                shown = "not a host" if origin is None else str(origin)
                self._report(
                    Refusal(
                        parts.name, account.name, "domain", host, path, f"{shown} is not among the account's domains"
                    )
                )
            return None
        framed = self._has_frames and environ.get("HTTP_SEC_FETCH_DEST") in FRAMES
        exchange = Exchange(environ, match.variables)
        root = environ.get("SCRIPT_NAME", "")
        if root:
            root = quote(root, encoding="latin-1")
        session, profile = parts.identity.session(exchange), parts.identity.profile(exchange)
        page = PageRequest(
            parts,
            account,
            match,
            origin,
            host,
            path,
            method,
            root,
            exchange,
            session,
            profile,
            likelihood,
            framed,
            stops,
        )
        if likelihood is not None and session is None and match.route.start == "auto":
            self._refuse(page, "identity", f"no session id in {', '.join(match.route.session)}")
            return None
        return page

    def _is_ours(self, path: str) -> bool:
        # With dot segments it only looks as if: what it leads to may be a page.
        return (path == self._mount or path.startswith(self._mount + "/")) and "/." not in path and "\\" not in path

    def _shell(self, environ: WSGIEnvironment, page: PageRequest) -> tuple[Headers, bytes] | None:
        """The shell's head and body when it is to be answered instead of the page."""
        route = page.match.route
        if route.mode != "frame" or page.match.role != "page" or not is_navigation(environ):
            return None
        if wants_inline(environ):
            return None  # the shell found out that its frame cannot hold this page
        if page.session is PENDING or page.profile is PENDING:
            return None  # only the application's answer tells whose page it is: inline
        try:
            cookie = self._launches.cookie(route, page.account, page.identity(()), page.origin, page.script_root)
        except LaunchTooLong:
            return None  # reported with the page
        body = shell_page(
            page.parts.tag("shell", page.script_root).decode("ascii"),
            title=route.title or page.account.title,
            source=requested_target(environ),
            mount=page.script_root + self._mount,
            language=shell_language(environ, route.language or page.account.language),
        )
        mark = self._marks.header(page.account, page.identity(()))
        return [*shell_headers(len(body), page.origin, cookie), mark], body

    def _change(self, page: PageRequest, status: str, headers: Headers) -> Change | None:
        try:
            if page.stops and status[:1] in ("2", "3"):
                self._report_stop(page, headers)
            return self._judge.judge(page, status, headers)
        except Exception as error:
            self._page_fault(page, "response", error)
            return None

    def _report_stop(self, page: PageRequest, headers: Headers) -> None:
        identity = page.identity(headers)
        if identity.session is None:
            return
        stop = StopReached(page.account.name, page.parts.name, identity.session, identity.profile, page.path)
        try:
            self._observer.stop_reached(stop)
        except Exception as error:
            self._note("observer", f"the observer failed: {error!r}")

    def _refuse(self, page: PageRequest, reason: Reason, detail: str) -> None:
        self._report(Refusal(page.parts.name, page.account.name, reason, page.host, page.path, detail))

    def _report(self, refusal: Refusal) -> None:
        try:
            self._observer.refused(refusal)
        except Exception as error:
            self._note("observer", f"the observer failed: {error!r}")

    def _page_fault(self, page: PageRequest, kind: str, error: Exception | str) -> None:
        if isinstance(error, Exception):
            self._log_fault(kind, error)
        self._refuse(page, "fault", error if isinstance(error, str) else repr(error))

    def _fault(self, kind: str, error: Exception, environ: WSGIEnvironment) -> None:
        self._log_fault(kind, error)
        self._report(
            Refusal(
                "", None, "fault", str(environ.get("HTTP_HOST", "")), str(environ.get("PATH_INFO", "")), repr(error)
            )
        )

    def _log_fault(self, kind: str, error: Exception) -> None:
        if self._is_new(f"{kind} {type(error).__name__}"):
            log.error("fault while handling a page (%s); the page passes unproctored", kind, exc_info=error)

    def _note(self, kind: str, message: str) -> None:
        if self._is_new(kind):
            log.warning("%s (logged once)", message)

    def _is_new(self, kind: str) -> bool:
        if kind in self._noted or len(self._noted) >= _KINDS_REMEMBERED:
            return False
        self._noted.add(kind)
        return True
