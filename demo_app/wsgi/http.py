"""What every page needs of HTTP: the request's form and files, answers, errors. Standard library only."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

BODY_LIMIT_BYTES = 21 << 20
# Reading on lets the browser finish sending and see the message; beyond this it gets a closed connection.
DRAIN_LIMIT_BYTES = 256 << 20
FIELD_LIMIT = 1000

Fields: TypeAlias = dict[str, list[str]]


class HttpError(Exception):
    def __init__(self, status: int, title: str, text: str, allow: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.title = title
        self.text = text
        self.allow = allow


@dataclass(frozen=True, slots=True)
class Upload:
    name: str
    data: bytes


@dataclass(slots=True)
class Response:
    body: bytes | Iterable[bytes] = b""
    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)

    @property
    def status_line(self) -> str:
        return f"{self.status} {HTTPStatus(self.status).phrase}"


class Request:
    """One request. The body is read once, by :meth:`read_form`, before any page runs."""

    def __init__(self, environ: WSGIEnvironment) -> None:
        self.environ = environ
        self.method: str = environ["REQUEST_METHOD"]
        self.path: str = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace")
        self.query: Fields = parse_query(environ.get("QUERY_STRING", ""))
        self.form: Fields = {}
        self.files: dict[str, Upload] = {}
        self.too_large = False

    @property
    def is_post(self) -> bool:
        return self.method == "POST"

    def allow(self, *methods: str) -> None:
        if ("GET" if self.method == "HEAD" else self.method) not in methods:
            raise HttpError(405, "Method not allowed", "This page cannot be used in this way.", ", ".join(methods))

    def header(self, name: str) -> str | None:
        value: str | None = self.environ.get("HTTP_" + name.upper().replace("-", "_"))
        return value

    def cookie(self, name: str) -> str:
        try:
            morsel = SimpleCookie(self.header("Cookie") or "").get(name)
        except CookieError:
            return ""
        return morsel.value if morsel else ""

    def field(self, name: str) -> str:
        return clean_text(self.form.get(name, [""])[-1])

    def field_list(self, name: str) -> list[str]:
        return list(dict.fromkeys(self.form.get(name + "[]", [])))

    def read_form(self) -> None:
        length_text = self.environ.get("CONTENT_LENGTH") or "0"
        if not re.fullmatch(r"[0-9]{1,18}", length_text):
            raise bad_request()
        length = int(length_text)
        stream = self.environ["wsgi.input"]
        if length > BODY_LIMIT_BYTES:
            self.too_large = True
            left = min(length, DRAIN_LIMIT_BYTES)
            while left > 0 and (dropped := stream.read(min(left, 1 << 16))):
                left -= len(dropped)
            return
        body: bytes = stream.read(length) if length else b""
        if len(body) != length:
            raise bad_request()
        kind = self.environ.get("CONTENT_TYPE", "")
        if kind.lower().startswith("application/x-www-form-urlencoded"):
            self.form = parse_query(body.decode("latin-1"))
        elif kind.lower().startswith("multipart/form-data"):
            self.form, self.files = parse_multipart(body, kind)


def bad_request() -> HttpError:
    return HttpError(400, "Bad request", "The form arrived incomplete and was not saved. Go back and send it again.")


def parse_query(text: str) -> Fields:
    try:
        return parse_qs(text, keep_blank_values=True, encoding="utf-8", errors="replace", max_num_fields=FIELD_LIMIT)
    except ValueError:
        raise bad_request() from None


def parse_multipart(body: bytes, content_type: str) -> tuple[Fields, dict[str, Upload]]:
    """Fields and files of a multipart form. https://www.rfc-editor.org/rfc/rfc7578"""
    found = re.search(r'boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))', content_type, re.IGNORECASE)
    if found is None:
        raise bad_request()
    delimiter = b"\r\n--" + (found[1] or found[2]).encode("latin-1")
    form: Fields = {}
    files: dict[str, Upload] = {}
    parts = (b"\r\n" + body).split(delimiter, FIELD_LIMIT + 1)
    if len(parts) > FIELD_LIMIT or not parts[-1].startswith(b"--"):
        raise bad_request()
    for part in parts[1:-1]:
        head, blank, data = part.partition(b"\r\n\r\n")
        disposition = re.search(
            r"^content-disposition:(.*)$", head.decode("utf-8", "replace"), re.IGNORECASE | re.MULTILINE
        )
        name = parameter(disposition[1], "name") if disposition and blank else None
        if disposition is None or not name:
            continue
        filename = parameter(disposition[1], "filename")
        if filename is None:
            form.setdefault(name, []).append(data.decode("utf-8", "replace"))
        elif filename:
            files[name] = Upload(filename, data)
    return form, files


def parameter(header: str, name: str) -> str | None:
    found = re.search(rf';\s*{name}="((?:[^"\\]|\\.)*)"', header, re.IGNORECASE)
    return found[1].replace('\\"', '"') if found else None


def clean_text(text: str) -> str:
    """Without control characters and lone surrogates, with plain newlines."""
    text = text.encode("utf-8", "replace").decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", "", text)


def h(text: str) -> str:
    return html.escape(text).replace("&#x27;", "&#039;")


def redirect(path: str, headers: list[tuple[str, str]] | None = None) -> Response:
    return Response(
        status=303, headers=[("Location", path), ("Content-Type", "text/html; charset=utf-8"), *(headers or [])]
    )
