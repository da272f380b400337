"""``POST /proview/wrapper/create``: a signed, expiring link to an exam page; ``GET M/wrapper/<token>`` opens it. Fails closed.

The link leads to origins of an account only, is checked when it is made and signed then, so nobody else can make one. Where
the LMS asks for the secure browser, other browsers are told so instead of being let in.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, make_response, redirect, request
from markupsafe import escape
from werkzeug.wrappers import Response as BaseResponse

from flask_proview.errors import ApiError, FieldError, TokenError
from flask_proview.languages import choose_language, html_attributes, page_words
from flask_proview.origins import Origin
from flask_proview.service.login_api import require_bearer
from flask_proview.service.requests import read_json
from flask_proview.service.runtime import Runtime
from flask_proview.tokens import Kind

from .organisation import MANAGING_ROLES

MAX_URL, MAX_ID = 2000, 256
LONGEST_S = 7 * 86_400
SECURE_BROWSER = "Proview-SB"


def register(blueprint: Blueprint, runtime: Runtime) -> None:
    """Making and opening."""

    @blueprint.post("/proview/wrapper/create")
    def create() -> Response:
        require_bearer(runtime, request, MANAGING_ROLES)
        body = read_json(request)
        url, seconds = _checked(runtime, body)
        claims = {
            "url": url,
            "session": body["session_external_id"],
            "attendee": body["attendee_external_id"],
            "secure": body.get("is_secure_browser") is True,
        }
        token = runtime.signer.issue(Kind.WRAPPER, claims, seconds)
        origin = runtime.config.server.public_url or runtime.forwarded.origin(request.environ)
        link = f"{str(origin).rstrip('/')}{runtime.config.server.mount}/wrapper/{token}"
        return jsonify({"signed_url": link, "signed_short_url": link})

    @blueprint.get("/wrapper/<token>")
    def open_link(token: str) -> BaseResponse:
        try:
            claims = runtime.signer.read(Kind.WRAPPER, token)
        except TokenError as error:
            old = error.code == "token_expired"
            return _page("link_expired", "from_course", 410) if old else _page("link_invalid", "whole_link", 404)
        url = str(claims["url"])
        if not _is_ours(runtime, url):  # the account's domains may have changed since
            return _page("link_invalid", "not_listed", 404)
        if claims.get("secure") and SECURE_BROWSER not in request.headers.get("User-Agent", ""):
            place = url.split("://", 1)[1]
            return _page("secure_title", "secure", 403, link=("secure_open", f"tsb://{place}"))
        return redirect(url, 303)


def _checked(runtime: Runtime, body: dict[str, Any]) -> tuple[str, float]:
    errors = []
    for name in ("session_external_id", "attendee_external_id"):
        value = body.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            value = body[name] = str(value)
        if not isinstance(value, str) or not 0 < len(value) <= MAX_ID:
            errors.append(FieldError(name, f"must be text of 1 to {MAX_ID} characters", "required"))
    url = body.get("redirect_url")
    if not isinstance(url, str) or len(url) > MAX_URL or not _is_ours(runtime, url):
        errors.append(FieldError("redirect_url", "must be an http(s) URL at a domain of an account", "value"))
    seconds = _seconds_until(body.get("expiry"))
    if seconds is None or seconds <= 0:
        errors.append(FieldError("expiry", "must be a time to come, as ISO 8601 in UTC", "value"))
    if errors:
        raise ApiError("The request has invalid fields.", code="validation", fields=tuple(errors))
    return str(url), min(seconds or 0.0, LONGEST_S)


def _is_ours(runtime: Runtime, url: str) -> bool:
    """Whether a browser that is sent there stays on an account's origins."""
    # What browsers drop or turn around while they parse a URL would make another one of it (WHATWG URL).
    if not url.isascii() or not url.isprintable() or "\\" in url or " " in url:
        return False
    parts = urlsplit(url)
    if "@" in parts.netloc:
        return False
    try:
        origin = Origin.parse(f"{parts.scheme}://{parts.netloc}")
    except ValueError:
        return False
    return any(origin in account.domains for account in runtime.config.accounts)


def _seconds_until(raw: object) -> float | None:
    if not isinstance(raw, str) or len(raw) > 40:
        return None
    try:
        moment = datetime.fromisoformat(raw)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - datetime.now(UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def _page(title: str, text: str, status: int, link: tuple[str, str] | None = None) -> BaseResponse:
    """In a language of the browser. Title, text and the link's first half are keys of the words."""
    language = choose_language(request.headers.get("Accept-Language", ""))
    words = page_words(language)
    opening = f' <a href="{escape(link[1])}">{escape(words[link[0]])}</a>' if link else ""
    page = (
        f'<!doctype html><html {html_attributes(language)}><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(words[title])}</title></head>"
        f"<body><main><h1>{escape(words[title])}</h1><p>{escape(words[text])}{opening}</p></main></body></html>"
    )
    response = make_response(page, status)
    response.content_language.add(language)
    response.vary.add("Accept-Language")
    response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
    return response
