"""The Proview Index: a suggestion of high (good), medium or low integrity, from the weights of what was observed (pure).

It starts at 100 and every event takes its weight away. One type takes 40 at most, however often it occurs: a candidate with
a restless window is not failed by that alone. Technical events weigh nothing. What the others weigh depends on the account's
stake and its own weights (docs/events.md). A person judges; the index never does. Levels are Proview's (Proview Index: high, medium, low).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask_proview.catalogue import EVENTS
from flask_proview.config import Config
from flask_proview.config.event_weights import weights

MOST_OF_ONE_TYPE = 40
HIGH_FROM, MEDIUM_FROM = 80, 50


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one type of event took away."""

    event_type_id: int
    name: str
    count: int
    points: int


@dataclass(frozen=True, slots=True)
class Index:
    """``score`` 0 to 100; ``contributions`` biggest first."""

    score: int
    level: str
    contributions: tuple[Contribution, ...]


def weights_of(config: Config, account: str) -> dict[int, int]:
    """What events weigh for an account; for one that is not configured any more, the catalogue's weights."""
    known = config.account(account)
    return weights(known.stake, known.event_weights) if known is not None else weights("medium", ())


def proview_index(counts: Mapping[int, int], weighing: Mapping[int, int]) -> Index:
    """The index of a session.

    :param counts: event type id → how often it occurred.
    :param weighing: event type id → what one occurrence takes away; see :func:`weights_of`.
    """
    parts = []
    for type_id, count in counts.items():
        weight = weighing.get(type_id, 0)
        if weight > 0 and count > 0:
            parts.append(Contribution(type_id, EVENTS[type_id].name, count, min(weight * count, MOST_OF_ONE_TYPE)))
    score = max(0, 100 - sum(part.points for part in parts))
    level = "high" if score >= HIGH_FROM else "medium" if score >= MEDIUM_FROM else "low"
    return Index(score, level, tuple(sorted(parts, key=lambda part: (-part.points, part.event_type_id))))
