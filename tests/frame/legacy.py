"""A small site with everything that pages do to their window. Served twice: behind us, and bare for comparison.

``/exam/<attempt>/<name>`` is protected (frame mode) and shows ``BODIES[name]``; everything else is not.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

OWASP = (
    "<style id='antiClickjack'>body{display:none !important;}</style><script>if (self === top) {"
    " var a = document.getElementById('antiClickjack'); a.parentNode.removeChild(a) } else { top.location = self.location }</script>"
)
# Name → what stands in the page's head.
HEADS = {
    "buster": "<script>if (top !== self) top.location = self.location</script>",
    "buster-replace": "<script>if (window != window.top) window.top.location.replace(self.location.href)</script>",
    "buster-frames": "<script>if (top.frames.length > 0) top.location.href = document.location</script>",
    "buster-parent": "<script>if (parent !== window || window.frameElement) document.documentElement.innerHTML = 'framed'</script>",
    "buster-late": "<script>onload = function () { if (top != self) setTimeout(function () { top.location.href = location.href }, 200) }</script>",
    "buster-owasp": OWASP,
    "buster-html": "<style>html{visibility:hidden}</style><script>if (self == top) document.documentElement.style.visibility = 'visible';"
    " else top.location = self.location</script>",
    "buster-empty": "<script>if (top !== self) { top.location = self.location; addEventListener('DOMContentLoaded', function () { document.body.textContent = '' }) }</script>",
    "base-top": "<base target=_top>",
    "refresh": "<meta http-equiv=refresh content='0;url=two'>",
    "icons": "<link rel=icon href='/icon-a.svg'><meta name=theme-color content='#123456'><meta name=viewport content='width=600'>",
}
BODIES = {
    "one": "<a id=next href=two>two</a> <a id=top href=two?by=top#part target=_top>top</a> <a id=parent href=two target=_parent>parent</a>"
    "<form id=f method=post action=save><input name=answer value='a&amp;b é'><button id=send>send</button>"
    "<button id=sendtop formtarget=_TOP name=by value=button>send to top</button></form>"
    "<form id=g method=post action=echo enctype=multipart/form-data target=_top><input name=answer value=two-line><input type=file name=paper></form>"
    "<a id=attached href=/attachment>file</a> <a id=nothing href=/nothing>204</a> <a id=blank href=two target=_blank>blank</a>"
    "<a id=away href='{other}/idp'>other site</a> <a id=sso href=/sso>sso</a> <a id=mail href=mailto:a@b.example>mail</a>"
    "<form id=away-post method=post action='{other}/idp'><input name=saml value=request></form>"
    "<div style='height:3000px'></div><p id=end>end</p>",
    "two": "<a id=next href=three>three</a><p id=part>part</p>",
    "three": "<p>three</p>",
    "base-top": "<a id=next href=two>two</a><form id=f action=three><button id=send>go</button></form>",
    "focus": "<input id=first autofocus><input id=second>",
    "guarded": "<textarea id=t></textarea><script>addEventListener('beforeunload', function (e) { e.preventDefault(); e.returnValue = 'x' })</script>",
    "inner-frames": "<iframe id=own name=own src=child></iframe><iframe id=doc srcdoc='<p>srcdoc</p>'></iframe><iframe id=blank></iframe>",
    "child": "<script>document.write(parent.document.title + '|' + (parent !== self))</script><a id=next href=child-next>next</a>",
    "child-next": "",
    "silent-sso": "<iframe id=own src=/sso></iframe>",
}  # fmt: skip


def application() -> WSGIApplication:
    """What gunicorn runs: the site, behind us when ``PROVIEW_TEST_CONFIG`` is there."""
    from flask_proview import ProviewMiddleware

    config = os.environ.get("PROVIEW_TEST_CONFIG")
    return ProviewMiddleware(site, json.loads(config)) if config else site


def site(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    cookies = dict(part.strip().partition("=")[::2] for part in environ.get("HTTP_COOKIE", "").split(";"))
    form = _form(environ)
    if path.startswith("/exam/"):
        return _exam(environ, start_response, cookies, form)
    if path == "/login":
        if environ["REQUEST_METHOD"] == "POST":
            return _redirect(
                start_response, form.get("to", "/exam/7/one"), ("Set-Cookie", f"uid={form['uid']}; Path=/")
            )
        body = f"{HEADS['buster']}<form method=post><input name=uid id=uid><input name=to id=to><button id=in>in</button></form>"
        return _page(start_response, "login", body, *_DENY)
    if path == "/logout":
        return _redirect(start_response, "/login", ("Set-Cookie", "uid=; Path=/; Max-Age=0"))
    if path == "/sso":
        return _redirect(start_response, f"{_other(environ)}/idp?back=/exam/7/two", ("Set-Cookie", "asked=1; Path=/"))
    if path == "/idp":
        back = form.get("saml") or environ.get("QUERY_STRING", "")
        return _page(start_response, f"idp {back}", f"<a id=back href='{_other(environ)}/acs'>back</a>", *_DENY)
    if path == "/acs":
        return _redirect(start_response, "/exam/7/two")
    if path == "/help":
        return _page(start_response, "help", "<p>help</p><a id=next href=/exam/7/two>on</a>", *_DENY)
    if path == "/attachment":
        start_response("200 OK", [("Content-Type", "text/csv"), ("Content-Disposition", "attachment; filename=a.csv")])
        return [b"a,b"]
    if path == "/nothing":
        start_response("204 No Content", [])
        return []
    if path == "/opener":
        return _page(start_response, "opener", "<a id=open href=/exam/7/one target=exam>exam</a>")
    if path == "/post":
        return _page(
            start_response,
            "post",
            "<form method=post action=/exam/7/echo><input name=answer value='straight é'><button id=send>go</button></form>",
        )
    start_response("404 Not Found", [("Content-Type", "text/plain")])
    return [b"nothing here"]


_DENY = (("X-Frame-Options", "DENY"), ("Content-Security-Policy", "frame-ancestors 'none'"))


def _exam(
    environ: WSGIEnvironment, start_response: StartResponse, cookies: dict[str, str], form: dict[str, str]
) -> Iterable[bytes]:
    attempt, _, name = environ["PATH_INFO"].removeprefix("/exam/").partition("/")
    if name == "save":
        return _redirect(start_response, "two?saved=1")
    if name == "done" and environ["REQUEST_METHOD"] == "POST":
        return _redirect(start_response, "/help")
    if name == "header-refresh":
        return _page(start_response, name, "", ("Refresh", "0; url=two"))
    if name.startswith("status-"):
        return _page(start_response, name, "<a id=next href=two>two</a>", status=f"{name[7:]} Broken")
    facts = {
        "method": environ["REQUEST_METHOD"],
        "form": form,
        "referer": environ.get("HTTP_REFERER", ""),
        "uid": cookies.get("uid", ""),
        "query": environ.get("QUERY_STRING", ""),
    }
    shown = json.dumps(facts).replace("<", "\\u003c")
    body = BODIES.get(name, "").replace("{other}", _other(environ))
    return _page(
        start_response,
        f"{attempt} {name}",
        f"<h1>{name}</h1>{body}<script type=application/json id=facts>{shown}</script>",
        *(() if name.startswith("child") else _DENY),
        head=HEADS.get(name, ""),
    )


def _page(
    start_response: StartResponse,
    title: str,
    body: str,
    *headers: tuple[str, str],
    head: str = "",
    status: str = "200 OK",
) -> Iterable[bytes]:
    page = f"<!doctype html><html lang=en><head><title>{title}</title>{head}</head><body>{body}</body></html>".encode()
    start_response(status, [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(page))), *headers])
    return [page]


def _redirect(start_response: StartResponse, location: str, *headers: tuple[str, str]) -> Iterable[bytes]:
    start_response("302 Found", [("Location", location), ("Content-Length", "0"), *headers])
    return []


def _other(environ: WSGIEnvironment) -> str:
    """The same server under another name: another site for browsers."""
    name, _, port = environ["HTTP_HOST"].partition(":")
    return f"http://{'localhost' if name == '127.0.0.1' else '127.0.0.1'}:{port}"


def _form(environ: WSGIEnvironment) -> dict[str, str]:
    if environ["REQUEST_METHOD"] != "POST":
        return {}
    data = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    kind = environ.get("CONTENT_TYPE", "")
    if kind.startswith("multipart/form-data"):
        boundary = kind.partition("boundary=")[2].encode()
        fields = {}
        for part in data.split(b"--" + boundary)[1:-1]:
            head, _, value = part.strip(b"\r\n").partition(b"\r\n\r\n")
            fields[head.decode().partition('name="')[2].partition('"')[0]] = value.decode()
        return fields
    return {unquote(k): v[-1] for k, v in parse_qs(data.decode(), keep_blank_values=True).items()}
