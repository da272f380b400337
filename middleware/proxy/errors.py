"""What can go wrong between us and the application, each with the status that the candidate's browser gets."""

from __future__ import annotations


class ProxyError(Exception):
    """Answered with a page; ``detail`` is for the log only."""

    status = "502 Bad Gateway"
    # Whether the client's connection is closed after the answer.
    ends_connection = False

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class BadRequest(ProxyError):
    status = "400 Bad Request"
    ends_connection = True


class TooLarge(ProxyError):
    status = "413 Content Too Large"


class Dripping(ProxyError):
    """The request body comes too slowly."""

    status = "408 Request Timeout"
    ends_connection = True


class LengthRequired(ProxyError):
    """The server in front does not decode chunked bodies."""

    status = "411 Length Required"
    ends_connection = True


class Unsupported(ProxyError):
    """A transfer coding nobody uses, or a server in front that cannot hand over its socket."""

    status = "501 Not Implemented"
    ends_connection = True


class BadAnswer(ProxyError):
    """The application's answer is not HTTP, or is ambiguous."""


class Unreachable(ProxyError):
    """No connection could be made."""


class Busy(ProxyError):
    """All connections are in use."""

    status = "503 Service Unavailable"


class Slow(ProxyError):
    """The application did not answer in time."""

    status = "504 Gateway Timeout"


class Stale(ProxyError):
    """A kept connection turned out to be closed; nothing was answered on it."""


class CutOff(OSError):
    """The application's body ended early. Raised out of the response, so that the client's connection breaks off too
    and half a page never looks complete."""
