"""Words and numbers for people: durations, states, reasons, severities. Pure; used by templates and by the JSON of the console."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

STATES: dict[str, str] = {
    "created": "Starting",
    "running": "Running",
    "paused": "Paused",
    "stopped": "Completed",
    "terminated": "Terminated",
    "expired": "Connection lost",
    "waiting": "Waiting for approval",
}
SESSION_TYPES: dict[str, str] = {
    "ai_proctor": "Automated",
    "record_and_review": "Record and review",
    "live_proctor": "Live proctoring",
}
END_REASONS: dict[str, str] = {
    "page": "by the exam page",
    "api": "by the exam page",
    "complete": "exam completed",
    "path": "final page reached",
    "limit": "time limit reached",
    "proctor": "by a proctor",
    "silent": "browser went silent",
    "heartbeat": "browser went silent",
    "rollover": "goes on in a linked one",
}
# What an operator has to do so that the page is proctored next time.
REFUSALS: dict[str, tuple[str, str]] = {
    "domain": (
        "The page's address is not whitelisted.",
        "Add this origin to the account's domains in proview.toml, written as in the Host column, then restart.",
    ),
    "account": (
        "The route names an account that does not exist.",
        "Correct account in the route, or add an [[accounts]] entry with this name.",
    ),
    "identity": (
        "No session or candidate id could be found in the request.",
        "Check session and profile of the route: do the path variable, cookie, header or query parameter exist on this page?",
    ),
    "fault": (
        "An internal error; the page was passed on untouched.",
        "Look into the log at the time shown and report it with the detail shown here.",
    ),
}
_PROBLEMS = {
    400: "Not understood",
    403: "Not allowed",
    404: "Not found",
    405: "Not possible here",
    409: "Not possible any more",
    413: "Too large",
    429: "Too many attempts",
    502: "Live service unavailable",
    503: "Live service unavailable",
}


def duration(milliseconds: int | None) -> str:
    """``4:05`` or ``1:04:05``; an en dash when unknown."""
    if milliseconds is None:
        return "–"
    seconds = max(0, milliseconds) // 1000
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def iso(milliseconds: int) -> str:
    """For ``<time datetime>``; the browser turns it into the reader's time zone."""
    return _utc(milliseconds).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def utc(milliseconds: int) -> str:
    """What is shown until (or unless) the browser turns it into local time."""
    return _utc(milliseconds).strftime("%Y-%m-%d %H:%M UTC")


def size(count: int) -> str:
    """``12.3 MB``; powers of ten, as disks are sold."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def percent(share: float | None) -> str:
    """Never rounded up to 100: a recording with a gap must not look complete."""
    if share is None:
        return "–"
    tenths = int(share * 1000)
    return f"{tenths // 10} %" if tenths % 10 == 0 or tenths < 900 else f"{tenths / 10:.1f} %"


def state(value: str) -> str:
    return STATES.get(value, value)


def session_type(value: str) -> str:
    return SESSION_TYPES.get(value, value)


def end_reason(value: str | None) -> str:
    return END_REASONS.get(value, value) if value else ""


def attendee(told: Mapping[str, str]) -> dict[str, str]:
    """What a page told of its candidate, as it is shown: one name, and no address that was only made up."""
    parts = (told.get(name) for name in ("first_name", "middle_name", "last_name"))
    name = told.get("name") or " ".join(part for part in parts if part)
    email = told.get("email", "")
    return {
        "name": name,
        "email": "" if email.endswith(".invalid") else email,
        "phone": told.get("phone", ""),
        "country": told.get("country") or told.get("country_code", ""),
    }


def refusal(reason: str) -> tuple[str, str]:
    """(what happened, the way out) for a reason code."""
    return REFUSALS.get(reason, (f"The page was passed on without proctoring ({reason}).", "Run proview check and look at the detail shown here."))  # fmt: skip


def problem(status: int) -> str:
    """Title of an error page."""
    return _PROBLEMS.get(status, "Something went wrong")


def _utc(milliseconds: int) -> datetime:
    # Clamped: a broken clock or a hostile number must not take the page down.
    return datetime.fromtimestamp(min(max(milliseconds, 0), 253_402_300_799_000) / 1000, UTC)


FILTERS: dict[str, Callable[..., object]] = {
    "duration": duration,
    "iso": iso,
    "utc": utc,
    "size": size,
    "percent": percent,
    "state": state,
    "session_type": session_type,
    "end_reason": end_reason,
}
