"""The same examination site as php/, as a plain WSGI application: ``demo_app.wsgi_exam:application``.

``python -m demo_app.wsgi_exam --listen 127.0.0.1:8080`` serves it with the standard library's threaded server.
"""

from __future__ import annotations

import argparse
import re
import socketserver
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from demo_app.wsgi import examination, general
from demo_app.wsgi.content import load_content
from demo_app.wsgi.http import HttpError, Request, Response, h, redirect
from demo_app.wsgi.layout import Layout
from demo_app.wsgi.scratch import calculator, scratch
from demo_app.wsgi.store import Store, state_root
from demo_app.wsgi.visitor import LoginNeeded, Visitor

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ATTEMPT = r"/exam/([0-9a-f]{32})"
ROUTES: list[tuple[str, Callable[..., Response]]] = [
    (r"/", general.home),
    (r"/login", general.login),
    (r"/logout", general.logout),
    (r"/exams", general.exams),
    (r"/handbook", general.handbook),
    (r"/broken", general.broken),
    (r"/static/([a-z]+\.[a-z]+)", general.static),
    (ATTEMPT + r"/instructions", examination.instructions),
    (ATTEMPT + r"/q/([1-9])", examination.question),
    (ATTEMPT + r"/upload", examination.upload),
    (ATTEMPT + r"/review", examination.review),
    (ATTEMPT + r"/finish", examination.finish),
    (ATTEMPT + r"/done", examination.done),
    (ATTEMPT + r"/answers\.json", examination.answers),
    (ATTEMPT + r"/scratch", scratch),
    (ATTEMPT + r"/calculator", calculator),
]


class ExamSite:
    def __init__(self, root: Path | None = None) -> None:
        self.root = root
        self.content = load_content()
        self.routes = [(re.compile(pattern), page) for pattern, page in ROUTES]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        response = self.answer(request)
        if isinstance(response.body, bytes):
            if response.status != 304:
                response.headers.append(("Content-Length", str(len(response.body))))
            response.body = [response.body]
        start_response(response.status_line, response.headers)
        return [] if request.method == "HEAD" or response.status == 304 else response.body

    def answer(self, request: Request) -> Response:
        visitor = None
        try:
            visitor = Visitor(request, Store(self.root or state_root()), self.content)
            request.read_form()
            page, parameters = self.page_of(request.path)
            if request.too_large and page is not examination.upload:
                raise HttpError(
                    413,
                    "Request too large",
                    "The form is too large and was not saved. Your saved answers are not affected.",
                )
            return page(visitor, *parameters)
        except LoginNeeded:
            return redirect("/login")
        except HttpError as error:
            return self.error_page(error, visitor)
        except Exception:
            traceback.print_exc(file=request.environ["wsgi.errors"])
            failure = HttpError(
                500,
                "Something went wrong",
                "The exam server could not answer this request. Your saved answers are not affected.",
            )
            return self.error_page(failure, visitor)

    def page_of(self, path: str) -> tuple[Callable[..., Response], tuple[str, ...]]:
        for pattern, page in self.routes:
            found = pattern.fullmatch(path)
            if found:
                return page, found.groups()
        raise HttpError(404, "Page not found", "There is no page at this address.")

    def error_page(self, error: HttpError, visitor: Visitor | None) -> Response:
        body = f"""<h1>{h(error.title)}</h1>
<p class="message error">{h(error.text)}</p>
<p><a href="/exams">Back to the list of examinations</a></p>"""
        response = Layout(self.content).page(
            error.title, "error", body, visitor.session if visitor else None, status=error.status
        )
        if error.allow:
            response.headers.append(("Allow", error.allow))
        return response


class Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):  # the browser went away
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class Handler(WSGIRequestHandler):
    timeout = 60

    def log_message(self, format: str, *args: object) -> None:
        """No access log: the terminal is for errors."""


application = ExamSite()


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m demo_app.wsgi_exam", description="Northfield University, online examinations."
    )
    parser.add_argument(
        "--listen", default="127.0.0.1:8080", metavar="HOST:PORT", help="where to listen; port 0 takes a free one"
    )
    listen = parser.parse_args(arguments).listen
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        parser.error(f"--listen {listen}: expected HOST:PORT, for example 127.0.0.1:8080")
    try:
        server = make_server(host, int(port), application, Server, Handler)
    except OSError as error:
        parser.exit(1, f"cannot listen on {listen}: {error}\n")
    with server:
        print(f"Exam site on http://{host}:{server.server_port}/", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
