"""A configured middleware around small applications, for the tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from werkzeug.middleware.lint import LintMiddleware
from werkzeug.test import Client

from flask_proview.config import Config, load_config
from flask_proview.middleware import InjectMiddleware, Refusal, StopReached
from flask_proview.tokens import TokenSigner

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

KEY = "test-signing-key-of-more-than-32-characters"
SIGNER = TokenSigner([KEY])
PAGE = b"<!doctype html><html><head><title>Exam</title></head><body><p>Question</p></body></html>"
DOCUMENT = {"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate"}
ROUTE = {"path": "/exam/<attempt>/take", "session": "path:attempt"}


def config(
    *routes: Mapping[str, Any], domains: Iterable[str] = ("https://exam.example.com",), **sections: Any
) -> Config:
    return load_config(
        {
            "secrets": {"keys": [KEY]},
            "accounts": [
                {
                    "name": "college",
                    "token": "0b1c2d3e-4f50-4617-8899-aabbccddeeff",
                    "domains": list(domains),
                    "title": "Mid-term",
                }
            ],
            "routes": [dict(r) for r in routes] or [ROUTE],
            **sections,
        },
        {},
    )


class Recorder:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.refusals: list[Refusal] = []
        self.stops: list[StopReached] = []

    def refused(self, refusal: Refusal) -> None:
        self.refusals.append(refusal)

    def stop_reached(self, stop: StopReached) -> None:
        self.stops.append(stop)


class Site:
    """An application behind the middleware, both sides checked against the WSGI standard."""

    def __init__(self, app: WSGIApplication, settings: Config | None = None, *, lint: bool = True) -> None:
        self.observer = Recorder()
        self.config = settings or config()
        self.middleware = InjectMiddleware(
            LintMiddleware(app) if lint else app, self.config, signer=SIGNER, observer=self.observer
        )
        self.client = Client(LintMiddleware(self.middleware) if lint else self.middleware, use_cookies=False)

    def get(
        self, path: str = "/exam/7/take", *, method: str = "GET", base: str = "https://exam.example.com", **headers: str
    ) -> Any:
        """The response; header names with underscores for dashes. ``Sec-Fetch-Dest: document`` unless told otherwise."""
        sent = {**DOCUMENT, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return self.client.open(
            path, method=method, base_url=base, headers={k: v for k, v in sent.items() if v != "-"}, buffered=True
        )


def answering(
    body: bytes | list[bytes] = PAGE,
    *headers: tuple[str, str],
    status: str = "200 OK",
    content_type: str | None = "text/html; charset=utf-8",
    sized: bool = True,
) -> WSGIApplication:
    """An application that always answers the same."""
    chunks = [body] if isinstance(body, bytes) else body

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        head = [("Content-Type", content_type)] if content_type is not None else []
        if sized:
            head.append(("Content-Length", str(sum(map(len, chunks)))))
        start_response(status, [*head, *headers])
        return list(chunks)

    return app


def tag_of(site: Site, role: str = "page", name: str = "r0") -> bytes:
    return site.middleware._addresses.parts[name].tag(role, "")
