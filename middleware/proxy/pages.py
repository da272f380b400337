"""The page a candidate sees when the application cannot be reached, in a language of theirs. Says nothing of our inside."""

from __future__ import annotations

from html import escape

from flask_proview.languages import choose_language, html_attributes, page_words

# Status → what to do about it; both are keys of the words.
_ADVICE = {
    "400": "again",
    "408": "connection",
    "411": "tell",
    "413": "smaller",
    "501": "tell",
    "502": "wait",
    "503": "wait",
    "504": "wait",
}
_PAGE = """<!doctype html>
<html {attributes}><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title></head>
<body><main><h1>{title}</h1><p>{advice} {typed}</p>
<p>{label} <code>{reference}</code></p></main></body></html>
"""
RETRY_AFTER_S = 5


def error_page(status: str, reference: str, accept_language: str = "") -> tuple[list[tuple[str, str]], bytes]:
    """(headers, body) for a status line such as ``502 Bad Gateway``."""
    language = choose_language(accept_language)
    words = page_words(language)
    code = status[:3] if status[:3] in _ADVICE else "502"
    body = _PAGE.format(
        attributes=html_attributes(language),
        title=escape(words[code]),
        advice=escape(words[_ADVICE[code]]),
        typed=escape(words["typed"]),
        label=escape(words["reference"]),
        reference=escape(reference),
    ).encode()
    headers = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Language", language),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        ("Content-Security-Policy", "default-src 'none'"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    if status[:3] in ("502", "503", "504"):
        headers.append(("Retry-After", str(RETRY_AFTER_S)))
    return headers, body
