"""The pages around the examination: login, list, handbook, static files, and one that always fails."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Iterator
from email.utils import formatdate, parsedate_to_datetime

from demo_app.wsgi.content import FOLDER
from demo_app.wsgi.http import HttpError, Response, h, redirect
from demo_app.wsgi.layout import csrf_field, error_box
from demo_app.wsgi.store import Session
from demo_app.wsgi.visitor import Visitor

STATIC_TYPES = {
    "exam.css": "text/css; charset=utf-8",
    "exam.js": "text/javascript; charset=utf-8",
    "logo.svg": "image/svg+xml",
}


def home(visitor: Visitor) -> Response:
    visitor.request.allow("GET")
    return redirect("/login")


def login(visitor: Visitor) -> Response:
    request = visitor.request
    request.allow("GET", "POST")
    headers = visitor.begin_session()
    error, name, status = "", "", 200
    if request.is_post:
        visitor.check_csrf()
        name = request.field("name").replace("\n", " ").replace("\t", " ").strip()
        password = request.field("password").encode()
        known = [each for each in visitor.content.candidates if hmac.compare_digest(each.password.encode(), password)]
        if not name or len(name) > 80:
            error = "Please enter your name (at most 80 characters)."
        elif not known:
            error = "This password is not known. Please use one of the list."
        else:
            return visitor.log_in(known[0].id, name)
        status = 422
    assert visitor.session is not None  # noqa: S101 - begin_session made one
    response = visitor.layout.page(
        "Log in", "login", login_body(visitor, visitor.session, name, error), visitor.session, status=status
    )
    response.headers += headers
    return response


def login_body(visitor: Visitor, session: Session, name: str, error: str) -> str:
    rows = "\n".join(
        f"<tr><td>{h(each.id)}</td><td>{h(each.name)}</td><td><code>{h(each.password)}</code></td></tr>"
        for each in visitor.content.candidates
    )
    return f"""<div class="columns">
<div>
<h1>Log in</h1>
{error_box(error)}
<form method="post" action="/login">
{csrf_field(session)}
<label class="field" for="name">Name</label>
<input class="text" type="text" id="name" name="name" size="30" value="{h(name)}" />
<label class="field" for="password">Password</label>
<input class="text" type="password" id="password" name="password" size="30" />
<p><input class="submit" type="submit" value="Log in" /></p>
</form>
</div>
<div>
<h2>Candidates of this session</h2>
<p class="quiet">This is a trial session. Enter your name and any password of the list.</p>
<table class="list">
<tr><th>Number</th><th>Name</th><th>Password</th></tr>
{rows}
</table>
</div>
</div>"""


def logout(visitor: Visitor) -> Response:
    visitor.request.allow("GET", "POST")
    return visitor.log_out()


def exams(visitor: Visitor) -> Response:
    visitor.request.allow("GET", "POST")
    candidate, session = visitor.candidate()
    exam = visitor.content.exam
    if visitor.request.is_post:
        visitor.check_csrf()
        if visitor.request.field("exam") != exam.id:
            raise HttpError(404, "Examination not found", "There is no such examination.")
        return redirect(f"/exam/{visitor.store.new_attempt(candidate, session.name).id}/instructions")
    rows = ""
    for attempt in visitor.store.attempts_of(candidate):
        page, state = ("instructions", "Continue") if attempt.finished_at is None else ("done", "Finished")
        created = time.strftime("%Y-%m-%d %H:%M", time.gmtime(attempt.created_at))
        rows += f'<tr><td>{created} UTC</td><td><code>{attempt.id}</code></td><td> <a href="/exam/{attempt.id}/{page}">{state}</a> </td></tr>\n'
    attempts = (
        f'<h2>Your attempts</h2>\n<table class="list">\n<tr><th>Started</th><th>Attempt</th><th>State</th></tr>\n{rows}</table>'
        if rows
        else ""
    )
    body = f"""<h1>Examinations</h1>
<table class="list">
<tr><th>Code</th><th>Examination</th><th>Time</th><th></th></tr>
<tr><td>{h(exam.code)}</td><td>{h(exam.title)}, {h(exam.term)}</td><td>{exam.minutes} minutes</td><td>
<form method="post" action="/exams">
{csrf_field(session)}
<input type="hidden" name="exam" value="{h(exam.id)}" />
<input class="submit" type="submit" value="Start exam" />
</form>
</td></tr>
</table>
{attempts}"""
    return visitor.layout.page("Examinations", "exams", body, session)


def handbook(visitor: Visitor) -> Response:
    visitor.request.allow("GET")
    response = visitor.layout.page("Examination handbook", "handbook", "".join(handbook_text(visitor)), visitor.session)
    page = bytes(response.body) if isinstance(response.body, bytes) else b""
    # In pieces and without a length, as an application that writes while it works.
    response.body = (page[start : start + 8192] for start in range(0, len(page), 8192))
    return response


def handbook_text(visitor: Visitor) -> Iterator[str]:
    book = visitor.content.handbook
    yield "<h1>Examination handbook</h1>\n<ol>\n"
    for chapter, subject in enumerate(book.subjects, 1):
        yield f'<li><a href="#chapter{chapter}">{h(subject)}</a></li>\n'
    yield "</ol>\n"
    count = len(book.paragraphs)
    for chapter, subject in enumerate(book.subjects, 1):
        yield f'<h2 id="chapter{chapter}">{chapter}. {h(subject)}</h2>\n'
        for at, aspect in enumerate(book.aspects):
            yield f"<h3>{chapter}.{at + 1} {h(aspect)}</h3>\n"
            yield f"<p>{h(book.paragraphs[(chapter * 3 + at) % count])}</p>\n"
            yield f"<p>{h(book.paragraphs[(chapter * 5 + at * 3 + 4) % count])}</p>\n"


def broken(visitor: Visitor) -> Response:
    """An address that always fails, to see what a failure looks like."""
    visitor.request.allow("GET")
    raise RuntimeError("this page always fails")


def static(visitor: Visitor, name: str) -> Response:
    visitor.request.allow("GET")
    if name not in STATIC_TYPES:
        raise HttpError(404, "Page not found", "There is no page at this address.")
    file = FOLDER / "static" / name
    data = file.read_bytes()
    etag = f'"{hashlib.sha256(data).hexdigest()[:20]}"'
    modified = int(file.stat().st_mtime)
    headers = [("ETag", etag), ("Last-Modified", formatdate(modified, usegmt=True)), ("Cache-Control", "max-age=600")]
    known = visitor.request.header("If-None-Match")
    since = http_date(visitor.request.header("If-Modified-Since") or "")
    if (known == "*" or etag in known) if known is not None else (since is not None and modified <= since):
        return Response(status=304, headers=headers)
    return Response(data, headers=[*headers, ("Content-Type", STATIC_TYPES[name])])


def http_date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
