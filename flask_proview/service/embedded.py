"""The embeddable player's page: a frame on the customer's site, so it is the one page of ours that may be framed."""

from __future__ import annotations

from flask import Response, make_response
from markupsafe import escape

from flask_proview.errors import ApiError
from flask_proview.sessions.models import Session

from .console.pages import make_environment

# No inline code; the ticket stands in a data attribute.
PAGE_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; {ancestors}"
)


def embedded_page(mount: str, session: Session, ticket: str, ancestors: str) -> Response:
    """The player for one session; ``ticket`` is empty when a console login opened it."""
    template = make_environment(mount).get_template("proview/embedded.html")
    response = make_response(template.render(row=session, uuid=session.uuid, ticket=ticket))
    response.headers["Content-Security-Policy"] = PAGE_CSP.format(ancestors=ancestors)
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def expired_page(error: ApiError) -> Response:
    """What the frame shows when its ticket is no good: readable, and framable anywhere since there is nothing in it."""
    text = {401: "This link has expired or is not valid. Reload the page that shows it."}.get(
        error.status, "There is no such recording."
    )
    page = f"<!doctype html><html lang=en><meta charset=utf-8><title>Recording</title><p role=alert>{escape(text)}</p>"
    response = make_response(page, error.status)
    response.headers["Content-Security-Policy"] = "default-src 'none'"
    return response
