"""Where bytes lie that were written and got no row, because the database refused: their pieces are sent again, and need no room twice.

Without this a database that is full or locked for hours would fill the recordings' disk with copies.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from .piece_rows import Placed

if TYPE_CHECKING:
    from .pieces import IncomingPiece

# What browsers have on the way at once, many times over; more are merely written again.
REMEMBERED = 16_384


class Leftovers:
    """Bounded; used by one thread at a time. Only a hint: whoever takes a place looks whether the bytes are there."""

    def __init__(self) -> None:
        self._offsets: OrderedDict[tuple[str, str, int, int, str], int] = OrderedDict()

    def keep(self, placed: Iterable[Placed]) -> None:
        """These were written in vain."""
        for item in placed:
            self._offsets[_key(item.piece)] = item.offset
        while len(self._offsets) > REMEMBERED:
            self._offsets.popitem(last=False)

    def take(self, piece: IncomingPiece) -> int | None:
        """The offset at which its bytes may be; forgotten from then on."""
        return self._offsets.pop(_key(piece), None)


def _key(piece: IncomingPiece) -> tuple[str, str, int, int, str]:
    return piece.session_uuid, piece.track, piece.run, piece.seq, piece.sha256
