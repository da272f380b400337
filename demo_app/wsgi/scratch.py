"""Scratch paper and the calculator in its own window."""

from __future__ import annotations

import re

from demo_app.wsgi.http import Response
from demo_app.wsgi.layout import PAGE_HEADERS
from demo_app.wsgi.visitor import Visitor


def scratch(visitor: Visitor, attempt_id: str) -> Response:
    visitor.request.allow("GET")
    attempt, session = visitor.attempt(attempt_id)
    base = f"/exam/{attempt.id}"
    asked = visitor.request.query.get("q", [""])[-1]
    number = int(asked) if re.fullmatch("[1-9]", asked) and int(asked) <= len(visitor.content.questions) else 1
    body = f"""<h1>Scratch paper</h1>
<p>Notes on this page are neither saved nor marked.</p>
<p><textarea id="notes" rows="14" cols="80"></textarea></p>
<p class="buttons"><a href="{base}/q/{number}">Back to question {number}</a> <button class="right" type="button" onclick="return openCalculator('{base}/calculator')">Calculator</button></p>"""
    return visitor.layout.page("Scratch paper", "scratch", body, session)


def calculator(visitor: Visitor, attempt_id: str) -> Response:
    visitor.request.allow("GET")
    visitor.attempt(attempt_id)
    keys = "\n".join(f'<button type="button" value="{key}">{key}</button>' for key in "789/456*123-0.=+C")
    text = f"""<!DOCTYPE html>
<html lang="en">
<head>
<title>Calculator</title>
<link rel="stylesheet" type="text/css" href="/static/exam.css" />
<script type="text/javascript" src="/static/exam.js"></script>
</head>
<body id="calculator">
<input class="text" id="display" type="text" value="0" readonly="readonly" aria-label="Result" />
<div id="keys">
{keys}
</div>
</body>
</html>
"""
    return Response(text.encode(), headers=list(PAGE_HEADERS))
