"""The page a candidate sees when the application cannot be reached. Says nothing of our inside."""

from __future__ import annotations

from html import escape

_TEXT = {
    "400": ("This request could not be understood", "Please go back and try again."),
    "408": ("The upload took too long", "Please check your connection and send it again."),
    "411": ("This upload is not supported here", "Please tell your institution."),
    "413": ("The file is too large", "Please go back and choose a smaller file."),
    "501": ("This request is not supported here", "Please tell your institution."),
    "502": ("The exam server gave no proper answer", "Please wait a moment, then reload this page."),
    "503": ("The exam server is busy", "Please wait a moment, then reload this page."),
    "504": ("The exam server takes too long to answer", "Please wait a moment, then reload this page."),
}
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title></head>
<body><main><h1>{title}</h1><p>{advice} Answers that you typed on the page before are still in your browser: use its Back button.</p>
<p>Reference: <code>{reference}</code></p></main></body></html>
"""
RETRY_AFTER_S = 5


def error_page(status: str, reference: str) -> tuple[list[tuple[str, str]], bytes]:
    """(headers, body) for a status line such as ``502 Bad Gateway``."""
    title, advice = _TEXT.get(status[:3], _TEXT["502"])
    body = _PAGE.format(title=escape(title), advice=escape(advice), reference=escape(reference)).encode()
    headers = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        ("Content-Security-Policy", "default-src 'none'"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    if status[:3] in ("502", "503", "504"):
        headers.append(("Retry-After", str(RETRY_AFTER_S)))
    return headers, body
