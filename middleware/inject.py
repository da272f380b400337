"""WSGI middleware that puts the proctoring tag into the pages that the configuration names.

Knows no framework: wrap any WSGI application. Fails open: a fault of ours, a page of a domain that is not whitelisted or
without a session id passes on as the application sent it; the observer is told, and each kind is logged once. A response
that is not a protected page is the very same iterable. Not for pages that must not be served unproctored at all: that is
the gate's business, not the injection's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask_proview.config import Config
from flask_proview.tokens import TokenSigner

from .address import Address, Addresses
from .destination import FRAMES, is_navigation, may_stop, page_likelihood
from .framed import FramedPages
from .headers import Headers
from .launch import LaunchCookies, LaunchTooLong
from .mark import IdentityMarks
from .observer import Observer
from .page import PageRequest
from .reports import Reports
from .request import prepare_request
from .respond import PageResponse
from .shell import requested_target, shell_headers, shell_language, shell_page, wants_inline
from .verdict import PageJudge

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# Set while a request is ours, so that a second middleware nearer to the application leaves it alone.
MARK = "proview.page"


class InjectMiddleware:
    """Wraps ``app``.

    :param signer: signs the launch tokens.
    :param observer: told about refusals and reached stop paths.
    """

    def __init__(self, app: WSGIApplication, config: Config, *, signer: TokenSigner, observer: Observer) -> None:
        self._has_frames = any(route.mode == "frame" for route in config.routes)
        self._app = FramedPages(app, config) if self._has_frames else app
        self._mount = config.server.mount
        self._addresses = Addresses(config)
        self._launches = LaunchCookies(config, signer)
        self._marks = IdentityMarks(config)
        self._reports = Reports(observer)
        self._judge = PageJudge(config, self._launches, self._reports)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        shell = None
        try:
            page = self._page_of(environ)
            if page is not None:
                if self._has_frames:
                    shell = self._shell(environ, page)
                if shell is None:
                    prepare_request(environ, page)
                    environ[MARK] = page.address.parts.name
        except Exception as error:
            self._reports.request_fault(error, environ)
            page = None
        if page is None:
            return self._app(environ, start_response)
        if shell is not None:
            headers, body = shell
            start_response("200 OK", headers)
            return [body]
        response = PageResponse(start_response, page, self._judge)
        return response.body(self._app(environ, response.start_response))

    def _page_of(self, environ: WSGIEnvironment) -> PageRequest | None:
        """The request when it may be one for a protected page, None when it is to be left alone."""
        path: str = environ.get("PATH_INFO", "")
        method: str = environ["REQUEST_METHOD"]
        match = self._addresses.match(path, method)
        if match is None or MARK in environ:
            return None
        likelihood = page_likelihood(environ)
        stops = match.role == "stop" and may_stop(environ)
        if likelihood is None and not stops:
            return None
        address = self._addresses.of(environ, path, method)
        if not isinstance(address, Address):
            if address is not None and (likelihood is not None or address.reason == "account"):
                self._reports.refusal(address)
            return None
        page = PageRequest(address, environ, likelihood)
        if stops:
            page.stops = True
        if self._has_frames and environ.get("HTTP_SEC_FETCH_DEST") in FRAMES:
            page.framed = True
        if page.lacks_session and likelihood is not None and match.route.start == "auto":
            self._reports.no_session(page)
            return None
        return page

    def _shell(self, environ: WSGIEnvironment, page: PageRequest) -> tuple[Headers, bytes] | None:
        """The shell's head and body when it is to be answered instead of the page."""
        address, route = page.address, page.address.match.route
        if route.mode != "frame" or address.match.role != "page" or not is_navigation(environ):
            return None
        if wants_inline(environ):
            return None  # the shell found out that its frame cannot hold this page
        if page.is_pending:
            return None  # only the application's answer tells whose page it is: inline
        try:
            _, cookie = self._launches.field(address, page.identity(()))
        except LaunchTooLong:
            return None  # reported with the page
        body = shell_page(
            address.parts.tag("shell", address.script_root).decode("ascii"),
            title=route.title or address.account.title,
            source=requested_target(environ),
            mount=address.script_root + self._mount,
            language=shell_language(environ, route.language or address.account.language),
        )
        mark = self._marks.header(address.account, page.identity(()))
        return [*shell_headers(len(body), address.origin, cookie), mark], body
