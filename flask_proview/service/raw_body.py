"""A request body that is bytes, not JSON: everything that can be refused is refused before it is read. Fails closed."""

from __future__ import annotations

from flask import Request

from flask_proview.errors import ApiError


def read_raw(request: Request, limit: int, what: str, too_large: str) -> bytes:
    """The whole body.

    :param what: what the messages call it.
    :param too_large: the code when it is.
    :raises ApiError: 400 ``body_incomplete``, 411 ``length_required``, 413, 415 ``content_encoding``.
    """
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise ApiError(f"Send the {what} without Content-Encoding.", code="content_encoding", status=415)
    length = request.content_length
    if length is None:
        raise ApiError("The Content-Length header is missing.", code="length_required", status=411)
    if length > limit:
        raise ApiError(f"A {what} may have {limit} bytes.", code=too_large, status=413)
    request.max_content_length = limit
    body = request.get_data(cache=False)
    if len(body) != length:
        # Servers that end the input themselves (gunicorn) hand over what they got when the browser vanished.
        raise ApiError(f"Only {len(body)} of {length} bytes arrived.", code="body_incomplete")
    return body
