"""How much an account lets events count: its stake scales the catalogue's weights, ``event_weights`` sets single ones."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from flask_proview.catalogue import EVENTS, Severity

STAKES = ("low", "medium", "high")
MOST = 100
# Event type id → weight, as pairs: a default has to be immutable.
EventWeights = tuple[tuple[int, int], ...]
_BY_NAME = {event.name.casefold(): number for number, event in EVENTS.items()}


def parse_event_weights(raw: object) -> EventWeights:
    """``event_weights = { "Window Focus-Out" = 5, 10006 = 0 }``: by name or by number.

    :raises ValueError: with the way out.
    """
    if not isinstance(raw, Mapping):
        raise ValueError('expected a table of events and weights, e.g. { "Window Focus-Out" = 5, 10006 = 0 }')
    weights: dict[int, int] = {}
    for key, value in raw.items():
        number = _number(key)
        name = EVENTS[number].name
        if number in weights:
            raise ValueError(f"{name} ({number}) stands twice; write it once, by name or by number")
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST:
            raise ValueError(f"{key!r}: the weight must be a whole number from 0 (does not count) to {MOST}")
        if value and EVENTS[number].severity is Severity.TECHNICAL:
            raise ValueError(
                f"{key!r} is technical, and what technology does never counts against a candidate; leave it out"
            )
        weights[number] = value
    return tuple(sorted(weights.items()))


def weights(stake: str, own: EventWeights) -> dict[int, int]:
    """Event type id → what one occurrence takes away. ``low`` halves the catalogue's weights, rounded down; ``high`` doubles."""
    scaled = {
        number: event.weight // 2 if stake == "low" else event.weight * 2 if stake == "high" else event.weight
        for number, event in EVENTS.items()
    }
    return scaled | dict(own)


def _number(key: object) -> int:
    text = str(key).strip()
    if text.isascii() and text.isdecimal():
        if len(text) < 10 and int(text) in EVENTS:
            return int(text)
        raise ValueError(f"{text} is not the number of an event; docs/events.md lists them")
    number = _BY_NAME.get(text.casefold())
    if number is None:
        close = difflib.get_close_matches(text.casefold(), _BY_NAME, 1)
        hint = f"did you mean {EVENTS[_BY_NAME[close[0]]].name!r}?" if close else "docs/events.md lists them"
        raise ValueError(f"{text!r} is not an event; {hint}")
    return number
