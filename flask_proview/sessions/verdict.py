"""How far a sitting can be trusted, and who says so: a person, or for ai_proctor at once the index. Pure.

record_and_review and live_proctor are rated by people; until then the index is a suggestion only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .models import Session

RATED_BY_PEOPLE = ("record_and_review", "live_proctor")


@dataclass(frozen=True, slots=True)
class Verdict:
    """``rating``: what other systems are told, null where nobody judged yet. ``index``: the suggestion, whoever judged."""

    rating: str | None
    judged: str | None
    index: str | None

    @property
    def by_index(self) -> bool:
        """The rating is the suggestion itself."""
        return self.rating is not None and self.judged is None


def verdict_of(parts: Sequence[Session]) -> Verdict:
    """The verdict on a sitting, by all of its sessions in order: the newest of a person's, the worst of the index's."""
    judged = next((part.final_rating for part in reversed(parts) if part.final_rating), None)
    levels = {part.proview_index for part in parts}
    index = next((level for level in ("low", "medium", "high") if level in levels), None)
    return Verdict(judged or (index if parts[0].session_type not in RATED_BY_PEOPLE else None), judged, index)
