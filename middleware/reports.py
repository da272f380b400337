"""What happens to pages of protected routes, told to the observer and, once for each kind, to the log. Never raises."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from .headers import Headers
from .observer import Observer, Reason, Refusal, StopReached
from .page import PageRequest

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

log = logging.getLogger(__name__)
_KINDS_REMEMBERED = 256


class Reports:
    """For one middleware."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._noted: set[str] = set()

    def refusal(self, refusal: Refusal) -> None:
        try:
            self._observer.refused(refusal)
        except Exception as error:
            self.note("observer", f"the observer failed: {error!r}")

    def refuse(self, page: PageRequest, reason: Reason, detail: str) -> None:
        """A page goes out unproctored."""
        self.refusal(page.address.refusal(reason, detail))

    def no_session(self, page: PageRequest) -> None:
        self.refuse(page, "identity", f"no session id in {', '.join(page.address.parts.route.session)}")

    def stop(self, page: PageRequest, headers: Headers) -> None:
        """A stop path was reached."""
        identity, address = page.identity(headers), page.address
        if identity.session is None:
            return
        stop = StopReached(address.account.name, address.parts.name, identity.session, identity.profile, address.path)
        try:
            self._observer.stop_reached(stop)
        except Exception as error:
            self.note("observer", f"the observer failed: {error!r}")

    def page_fault(self, page: PageRequest, kind: str, error: Exception | str) -> None:
        """A page goes out unproctored for a reason of ours or of its own."""
        if isinstance(error, Exception):
            self._log_fault(kind, error)
        self.refuse(page, "fault", error if isinstance(error, str) else repr(error))

    def request_fault(self, error: Exception, environ: WSGIEnvironment) -> None:
        """A request passes on as if it were none of ours."""
        self._log_fault("request", error)
        host, path = str(environ.get("HTTP_HOST", "")), str(environ.get("PATH_INFO", ""))
        self.refusal(Refusal("", None, "fault", host, path, repr(error)))

    def note(self, kind: str, message: str) -> None:
        """What an operator should know."""
        if self._is_new(kind):
            log.warning("%s (logged once)", message)

    def _log_fault(self, kind: str, error: Exception) -> None:
        if self._is_new(f"{kind} {type(error).__name__}"):
            log.error("fault while handling a page (%s); the page passes unproctored", kind, exc_info=error)

    def _is_new(self, kind: str) -> bool:
        if kind in self._noted or len(self._noted) >= _KINDS_REMEMBERED:
            return False
        self._noted.add(kind)
        return True
