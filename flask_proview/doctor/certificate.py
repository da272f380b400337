"""The TLS certificate of a running server, as browsers will judge it."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator

from .client import Client, FetchError
from .findings import Finding, Level

SOON_DAYS = 21


def certificate_findings(client: Client) -> Iterator[Finding]:
    """Valid, for how long, or why not. Afterwards ``client.verify`` is off if it has to be, so that the rest can be asked."""
    if client.origin.scheme != "https":
        return
    try:
        with client.connect() as sock:
            if not isinstance(sock, ssl.SSLSocket):
                raise AssertionError("https without TLS")
            certificate = sock.getpeercert() or {}
            version = sock.version() or "?"
    except FetchError as error:
        if error.kind == "tls":
            client.verify = False
            yield Finding(Level.ERROR, "tls", f"{error}; browsers show a warning instead of the exam")
        return
    ends = certificate.get("notAfter")
    if not isinstance(ends, str):
        yield Finding(Level.OK, "tls", f"{version}, certificate valid")
        return
    days = int((ssl.cert_time_to_seconds(ends) - time.time()) // 86_400)
    level = Level.OK if days > SOON_DAYS else Level.WARNING
    yield Finding(level, "tls", f"{version}, certificate valid for {days} more days (until {ends})")
