"""Logs the crawl in as a person would: opens the login page, fills in its form, hidden fields and all, and sends it.

The one thing the doctor posts, and only where the operator said so.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from urllib.parse import urlencode

from flask_proview.middleware.headers import read_content_type

from .addresses import Place, follow
from .charsets import read_text
from .client import Answer, FetchError
from .cookies import CookieJar
from .crawl import Crawl
from .decoding import decoded_body
from .html_facts import Form, PageFacts, read_facts

MAX_REDIRECTS = 10


class LoginError(Exception):
    """The login could not be tried or did not work; the message says what was found."""


def log_in(crawl: Crawl, jar: CookieJar, target: str, values: Sequence[tuple[str, str]]) -> str:
    """Post the form at ``target`` with ``values``; where it led.

    :raises LoginError: no such form, it leads to another origin, or it is shown again.
    """
    page, answer = _open(crawl, target)
    facts = _facts(crawl, answer)
    form = _choose(facts, [name for name, _ in values], page)
    base = f"{crawl.client.origin}{page}"
    if facts.base:
        base = str(follow(base, facts.base) or base)
    place = follow(base, form.action or page)
    if place is None or place.origin not in (crawl.client.origin, crawl.public):
        raise LoginError(
            f"the form at {page} sends to {place or form.action!r}, another origin; the crawl stays on its own"
        )
    given = dict(values)
    fields = [(name, given.pop(name, value)) for name, value in form.defaults()]
    fields += list(given.items())
    reached, last = _send(crawl, jar, form, place, fields, referrer=base)
    again = _facts(crawl, last)
    if any(_has_password(f) and {n for n, _ in values} <= f.names() for f in again.forms):
        raise LoginError(f"after the login {reached} shows the login form again: wrong name or password?")
    if last.status >= 400:
        raise LoginError(f"the login at {place.target} was answered with status {last.status}")
    return reached


def _open(crawl: Crawl, target: str) -> tuple[str, Answer]:
    for _ in range(MAX_REDIRECTS):
        answer = _ask(crawl, target)
        place = _redirect(crawl, target, answer)
        if place is None:
            return target, answer
        target = place.target
    raise LoginError(f"{target}: more than {MAX_REDIRECTS} redirects")


def _ask(crawl: Crawl, target: str) -> Answer:
    try:
        return crawl.ask(target)
    except FetchError as error:
        raise LoginError(f"{target}: {error}") from None


def _redirect(crawl: Crawl, target: str, answer: Answer) -> Place | None:
    location = answer.get("location")
    if not 300 <= answer.status < 400 or not location:
        return None
    place = follow(f"{crawl.client.origin}{target}", location)
    if place is None or place.origin not in (crawl.client.origin, crawl.public):
        raise LoginError(f"{target} redirects to {location!r}, another origin; log in there and give --cookie instead")
    return place


def _choose(facts: PageFacts, names: Sequence[str], page: str) -> Form:
    fitting = [form for form in facts.forms if set(names) <= form.names()]
    if fitting:
        return next((form for form in fitting if _has_password(form)), fitting[0])
    there = sorted({name for form in facts.forms for name in form.names() if name})
    raise LoginError(
        f"no form at {page} has the fields {', '.join(names)}; "
        + (f"fields there: {', '.join(there[:30])}" if there else "there is no form in the page as it is sent")
    )


def _has_password(form: Form) -> bool:
    return any(kind == "password" for _, _, kind in form.fields)


def _facts(crawl: Crawl, answer: Answer) -> PageFacts:
    body = decoded_body(answer.body, answer.get("content-encoding") or "", crawl.client.bounds.body_bytes) or b""
    _, charset = read_content_type(answer.get("content-type") or "")
    return read_facts(read_text(body, charset, whole=False).text)


def _send(
    crawl: Crawl, jar: CookieJar, form: Form, place: Place, fields: list[tuple[str, str]], referrer: str
) -> tuple[str, Answer]:
    target = place.target
    if form.method == "get":
        target = f"{target.partition('?')[0]}?{urlencode(fields)}"
        answer = _ask(crawl, target)
    else:
        kind, body = _encoded(form, fields)
        # Frameworks check these two against their own address (Django, Rails).
        origin = str(crawl.client.origin)
        headers = [("Content-Type", kind), ("Origin", origin), ("Referer", referrer), *crawl.request_headers(target)]
        try:
            answer = crawl.client.ask("POST", target, headers, body)
        except FetchError as error:
            raise LoginError(f"{target}: {error}") from None
        for value in answer.all("set-cookie"):
            jar.read(value, target)
    following = _redirect(crawl, target, answer)
    return (target, answer) if following is None else _open(crawl, following.target)


def _encoded(form: Form, fields: list[tuple[str, str]]) -> tuple[str, bytes]:
    if form.enctype != "multipart/form-data":
        return "application/x-www-form-urlencoded", urlencode(fields).encode("ascii")
    boundary = f"proview-check-{secrets.token_hex(16)}"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"\r\n\r\n{value}\r\n'
        for name, value in fields
    ]
    return f"multipart/form-data; boundary={boundary}", ("".join(parts) + f"--{boundary}--\r\n").encode()


def _quoted(name: str) -> str:
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
