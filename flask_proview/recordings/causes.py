"""Events of a session → why something may be missing. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flask_proview.sessions.ledger import HANDOVER, Cause
from flask_proview.sessions.models import Event

# (events that begin it, events that end it, cause)
_PAIRS: tuple[tuple[frozenset[int], frozenset[int], str, frozenset[str]], ...] = (
    (frozenset({10010}), frozenset({10011}), "paused", frozenset({"camera", "screen"})),
    (frozenset({10014, 10015}), frozenset({10016}), "device", frozenset({"camera"})),
    (frozenset({27}), frozenset({26}), "permission", frozenset({"camera"})),
    (frozenset({12}), frozenset({10013}), "permission", frozenset({"screen"})),
    (frozenset({10018}), frozenset({10113}), "storage", frozenset({"camera", "screen"})),
    (frozenset({10, 10007}), frozenset({9, 10008}), "network", frozenset({"camera", "screen"})),
)
JOINED, COMPLETED, PAGE_LOADED = 3, 113, 10009
WOKE, QUALITY = 10110, (10111, 10112)
# A browser that withdraws a permission ends the camera's stream, which is told as a lost device at about the same moment.
REVOKED, GRANTED, REVOKED_BEFORE_MS = frozenset({10078}), frozenset({10079, 10016}), 500
# The recorders are started anew after it; a moment is needed to notice.
AROUND_MS = 3000
MOST_SLEPT_MS = 24 * 3_600_000
# A page load explains a gap around it of this length, not more.
PAGE_BEFORE_MS, PAGE_AFTER_MS = 5000, 5000


def causes_of(
    events: Iterable[Event],
    track: str,
    first_recorded_ms: int | None,
    earlier: Sequence[tuple[int, Event]] = (),
    goes_on: bool = False,
) -> list[Cause]:
    """Why ``track`` may have gaps. Before its first recorded moment the candidate was giving consent and checking devices.

    :param earlier: of the sessions that this one goes on with, at negative times: what was so then is still so.
    :param goes_on: this session goes on with another one; nothing was set up at its beginning.
    """
    ordered = [*earlier, *sorted(((e.at_ms, e) for e in events), key=lambda pair: (pair[0], pair[1].id))]
    causes = [Cause(0, first_recorded_ms, HANDOVER if goes_on else "setup")] if first_recorded_ms else []
    for begins, ends, cause, tracks in _PAIRS:
        if track in tracks:
            causes += _between(ordered, begins, ends, cause)
    if track == "camera":
        causes += [
            Cause(one.from_ms - REVOKED_BEFORE_MS, None if one.to_ms is None else one.to_ms + AROUND_MS, one.cause)
            for one in _between(ordered, REVOKED, GRANTED, "permission")
        ]
    for at, event in ordered:
        if _is_page_load(event):
            causes.append(Cause(at - PAGE_BEFORE_MS, at + PAGE_AFTER_MS, "page"))
        elif event.event_type_id == WOKE:
            slept = event.data.get("slept_ms")
            known = slept if isinstance(slept, int) and 0 < slept < MOST_SLEPT_MS else 0
            causes.append(Cause(at - known - AROUND_MS, at + AROUND_MS, "sleep"))
        elif event.event_type_id in QUALITY:
            causes.append(Cause(at - AROUND_MS, at + AROUND_MS, "quality"))
    return causes


def _is_page_load(event: Event) -> bool:
    # The shell of frame mode tells of its pages. In inline mode every page of the exam joins the running session anew,
    # until one that is a stop path ends it.
    if event.event_type_id == JOINED:
        return event.data.get("resumed") is True
    if event.event_type_id == COMPLETED:
        return event.data.get("reason") == "path"
    return event.event_type_id == PAGE_LOADED


def _between(
    events: Sequence[tuple[int, Event]], begins: frozenset[int], ends: frozenset[int], cause: str
) -> list[Cause]:
    causes: list[Cause] = []
    since: int | None = None
    for at, event in events:
        if event.event_type_id in begins and since is None:
            since = at
        elif event.event_type_id in ends and since is not None:
            causes.append(Cause(since, at, cause))
            since = None
    if since is not None:
        causes.append(Cause(since, None, cause))
    return causes
