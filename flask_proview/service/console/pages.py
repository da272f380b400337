"""How console pages are answered: own Jinja environment, security headers, errors as a page or as JSON.

The environment is ours and not the host application's: door 1 lives inside a foreign Flask app whose filters, autoescape
and templates must not change what a proctor sees.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, Response, jsonify, make_response, redirect, request
from jinja2 import Environment, PackageLoader, StrictUndefined
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.wrappers import Response as BaseResponse

from flask_proview.errors import ApiError, ProviewError
from flask_proview.service.runtime import Runtime

from . import present
from .gate import Gate, LoginRequired, Right, Visitor
from .local_path import login_location

logger = logging.getLogger(__name__)

View = Callable[..., BaseResponse]

# No inline script or style anywhere; candidate-written text can at worst be text. Trusted Types close the DOM sinks too.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: that makes browsers send "Origin: null" with forms (Fetch standard, "append a request Origin header").
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), display-capture=(), geolocation=()",
    "Cache-Control": "no-store",
}


class Pages:
    """Renders templates and registers views on the blueprint, each behind the gate."""

    def __init__(self, blueprint: Blueprint, runtime: Runtime, gate: Gate) -> None:
        self._blueprint = blueprint
        self._gate = gate
        self.mount = runtime.config.server.mount
        self.environment = make_environment(self.mount)

    def render(self, template: str, visitor: Visitor | None, status: int = 200, **values: Any) -> Response:
        """A whole page; ``visitor`` decides what the chrome offers."""
        rights = {right.value for right in Right if visitor is not None and visitor.may(right)}
        text = self.environment.get_template(template).render(
            visitor=visitor, rights=rights, csrf=visitor.csrf if visitor else "", path=request.path, **values
        )
        return make_response(text, status)

    def route(self, rule: str, name: str, *, methods: tuple[str, ...] = ("GET",), right: Right | None = None, json: bool = False) -> Callable[[View], View]:  # fmt: skip
        """Register a view below ``M/console`` that gets the checked visitor first.

        Unsafe methods also need our own Origin and the CSRF token.
        """

        def register(view: View) -> View:
            def guarded(**arguments: Any) -> BaseResponse:
                visitor = self._gate.require(right)
                if request.method not in ("GET", "HEAD"):
                    self._gate.require_own_origin()
                    self._gate.require_csrf(visitor)
                return view(visitor, **arguments)

            self.public(rule, name, methods=methods, json=json)(guarded)
            return view

        return register

    def public(self, rule: str, name: str, *, methods: tuple[str, ...] = ("GET",), json: bool = False) -> Callable[[View], View]:  # fmt: skip
        """Register a view that nobody needs to be logged in for (the login page)."""

        def register(view: View) -> View:
            @wraps(view)
            def answer(**arguments: Any) -> BaseResponse:
                try:
                    response = view(**arguments)
                except LoginRequired as error:
                    response = self._json_error(error) if json else redirect(login_location(self.mount), 303)
                except RequestEntityTooLarge:
                    response = self._error(ApiError("The request is too large.", code="too_large", status=413), json)
                except HTTPException as error:
                    response = self._error(ApiError(error.description or error.name, status=error.code or 400), json)
                except ProviewError as error:
                    response = self._error(error, json)
                for header, value in HEADERS.items():
                    response.headers.setdefault(header, value)
                return response

            self._blueprint.add_url_rule(f"/console{rule}", f"console_{name}", answer, methods=list(methods))
            return view

        return register

    def _error(self, error: ProviewError, json: bool) -> Response:
        if error.status >= 500:
            logger.warning("console %s %s: %s %s", request.method, request.path, error.code, error.message)
        if json:
            return self._json_error(error)
        visitor = self._gate.visitor()
        return self.render(
            "proview/error.html", visitor, error.status, error=error, title=present.problem(error.status)
        )

    @staticmethod
    def _json_error(error: ProviewError) -> Response:
        body = error.body() if isinstance(error, ApiError) else {"code": error.code, "message": error.message}
        response = jsonify({"type": "critical", **body})
        response.status_code = error.status
        return response


def make_environment(mount: str) -> Environment:
    """The templates with our filters. Undefined names are errors, every value is escaped."""
    environment = Environment(
        loader=PackageLoader("flask_proview"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(mount=mount, console=f"{mount}/console", assets=f"{mount}/static/console")
    environment.filters.update(present.FILTERS)
    return environment
