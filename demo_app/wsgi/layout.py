"""The frame of every page."""

from __future__ import annotations

from typing import Any

from demo_app.wsgi.content import Content
from demo_app.wsgi.http import Response, h
from demo_app.wsgi.store import Session

PAGE_HEADERS = [("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store, no-cache, must-revalidate")]


class Layout:
    def __init__(self, content: Content) -> None:
        self.content = content

    def page(
        self,
        title: str,
        page_id: str,
        body: str,
        session: Session | None,
        *,
        status: int = 200,
        head: str = "",
        before_head: str = "",
    ) -> Response:
        university = h(self.content.university)
        user = ""
        if session is not None and session.candidate is not None:
            user = (
                f'<div class="user"><strong>{h(session.name)}</strong> ({h(session.candidate)})<br />'
                '<a href="/exams">Examinations</a> | <a href="/logout">Log out</a></div>'
            )
        text = f"""<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">
{before_head}
<head>
<meta http-equiv="Content-Type" content="text/html; charset=utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<title>{h(title)} - {university}</title>
<link rel="stylesheet" type="text/css" href="/static/exam.css" />
<link rel="icon" type="image/svg+xml" href="/static/logo.svg" />
<script type="text/javascript" src="/static/exam.js"></script>
{head}
</head>
<body id="page-{page_id}">
<div id="header"><div class="inner">
<img src="/static/logo.svg" width="48" height="56" alt="" />
<div class="name">{university} <small>Online examinations</small></div>
{user}
</div></div>
<div id="content">
{body}
</div>
<div id="footer">Examinations Office, {university} | <a href="/handbook">Examination handbook</a></div>
</body>
</html>
"""
        return Response(text.encode(), status, list(PAGE_HEADERS))

    def status_bar(self, attempt_id: str, text: str, percent: int) -> str:
        """Progress bar and clock above a page of the examination."""
        minutes = self.content.exam.minutes
        return f"""<div id="status">
<span>{h(text)}</span>
<div class="progress"><div class="bar" style="width: {percent}%"></div></div>
<span id="timer" data-attempt="{attempt_id}" data-seconds="{minutes * 60}">{minutes:02d}:00</span>
</div>
"""


def csrf_field(session: Session) -> str:
    return f'<input type="hidden" name="csrf" value="{h(session.csrf)}" />'


def error_box(text: str | None) -> str:
    return f'<p class="message error">{h(text)}</p>' if text else ""


def upload_summary(upload: dict[str, Any] | None) -> str:
    if upload is None:
        return '<p class="quiet">No file uploaded.</p>'
    return f"""<table class="list" id="uploaded">
<tr><th>File</th><th>Size</th><th>SHA-256</th></tr>
<tr><td>{h(upload["name"])}</td><td>{upload["size"]} bytes</td><td><code>{h(upload["sha256"])}</code></td></tr>
</table>"""
