"""Every error under the mount as JSON ``{code, message, type}``; no stack trace ever leaves. Fails closed."""

from __future__ import annotations

import logging
from collections.abc import Callable

from flask import Blueprint, Response, current_app, g, jsonify, request
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge, default_exceptions
from werkzeug.routing import RequestRedirect

from flask_proview.errors import ApiError, ProviewError
from flask_proview.sessions.database import is_full

from .runtime import Runtime

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    411: "length_required",
    413: "too_large",
    415: "content_type",
    416: "range_invalid",
    429: "too_many_requests",
}
logger = logging.getLogger(__name__)


def register(blueprint: Blueprint, runtime: Runtime) -> None:
    """Handlers for the blueprint, and a rule for paths below the mount that nothing else answers."""
    answer = handle_error(runtime)
    blueprint.register_error_handler(Exception, answer)
    # Flask asks for handlers by status first: without these the host application's own 404 page would answer for us.
    for status in default_exceptions:
        blueprint.register_error_handler(status, answer)
    blueprint.add_url_rule("/", "nothing", _nothing, defaults={"path": ""}, methods=METHODS)
    blueprint.add_url_rule("/<path:path>", "nothing", _nothing, methods=METHODS)


def handle_error(runtime: Runtime) -> Callable[[Exception], Response]:
    """The one handler that turns errors into JSON."""

    def answer(error: Exception) -> Response:
        if isinstance(error, RequestRedirect):
            return Response(status=error.code, headers={"Location": error.new_url})
        api = as_api_error(error)
        if api.status >= 500 and not isinstance(error, ApiError):
            runtime.counters.add("errors")
            logger.error("%s %s failed (request %s)", request.method, request.path, request_id(), exc_info=error)
        response = jsonify({**api.body(), "request_id": request_id()} if api.status >= 500 else api.body())
        response.status_code = api.status
        if api.retry_after_s is not None:
            response.headers["Retry-After"] = str(api.retry_after_s)
        if isinstance(error, MethodNotAllowed) and error.valid_methods:
            response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
        return response

    return answer


def as_api_error(error: Exception) -> ApiError:
    """What the caller may know of an error."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, RequestEntityTooLarge):
        return ApiError("The body is too large.", code="too_large", status=413)
    if isinstance(error, HTTPException):
        status = error.code or 500
        return ApiError(error.description or error.name, code=CODES.get(status, "http_error"), status=status)
    if isinstance(error, OperationalError) and is_full(error):
        return ApiError(
            "The database's disk is full.", code="storage_full", status=507, critical=False, retry_after_s=30
        )
    if isinstance(error, (OperationalError, PoolTimeout)):
        return ApiError(
            "The database does not answer; try again.", code="busy", status=503, critical=False, retry_after_s=2
        )
    if isinstance(error, ProviewError):
        return ApiError(error.message, code=error.code, status=error.status)
    return ApiError("Something went wrong on the server; it is in the log.", code="internal", status=500)


def request_id() -> str:
    """Names this request in answers and in the log."""
    return str(g.get("_proview_request_id", ""))


def _nothing(path: str) -> Response:
    """404, or 405 when the path exists for another method (this rule itself matches every method)."""
    adapter = current_app.create_url_adapter(request)
    own = request.url_rule.endpoint if request.url_rule is not None else ""
    allowed = set()
    for method in METHODS:
        try:
            endpoint = adapter.match(method=method)[0] if adapter is not None else own
        except HTTPException:
            continue
        if endpoint != own:
            allowed.add(method)
    if allowed and request.method not in allowed:
        raise MethodNotAllowed(valid_methods=sorted(allowed))
    raise NotFound("There is nothing here.")
