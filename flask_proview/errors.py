"""Errors that someone reacts to: an API answer, a start that is refused, a command that fails.

Everything else raises built-ins. ``code`` is stable and documented in docs/api.md; ``message`` is for people.
"""

from __future__ import annotations

from dataclasses import dataclass


class ProviewError(Exception):
    """An error with a stable code, an HTTP status and a message that names the way out."""

    status = 500
    code = "internal"

    def __init__(self, message: str, *, code: str | None = None, status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code
        if status is not None:
            self.status = status


class ConfigError(ProviewError):
    """A setting that is unknown, malformed, contradictory or unsafe. Names the key, the value and the way out."""

    code = "config"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One invalid field of a request: dotted path, message, stable code (Proview's ``validationErrors``)."""

    path: str
    message: str
    code: str = "invalid"


class ApiError(ProviewError):
    """A refused API request; turned into the JSON error body by one handler."""

    status = 400
    code = "bad_request"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        status: int | None = None,
        critical: bool = True,
        fields: tuple[FieldError, ...] = (),
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(message, code=code, status=status)
        self.critical = critical
        self.fields = fields
        self.retry_after_s = retry_after_s

    def body(self) -> dict[str, object]:
        """The JSON error body of reference 2.5: code, message, type, validationErrors."""
        body: dict[str, object] = {
            "code": self.code,
            "message": self.message,
            "type": "critical" if self.critical else "warning",
        }
        if self.fields:
            body["validationErrors"] = [{"path": f.path, "message": f.message, "code": f.code} for f in self.fields]
        return body


class TokenError(ApiError):
    """A token that is missing, malformed, expired, of another kind or revoked. Always 401."""

    status = 401
    code = "token_invalid"
