"""Messages of the signal socket (docs/protocol.md): untrusted text and bytes → frozen records. Fails closed.

Text is parsed by ``parse_text``, binary by ``split_piece``; everything that is not exactly a known message is
:class:`BadMessage`, which closes the socket with 4400.
"""

from __future__ import annotations

import enum
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_proview.errors import ApiError
from flask_proview.service.events_input import parse_events
from flask_proview.service.json_input import parse_object
from flask_proview.sessions.events import ClientEvent

MAX_TEXT_BYTES = 64 * 1024
MAX_PIECE_HEADER_BYTES = 4096
PIECE_VERSION = 1
PROTOCOL = 1
STOP_REASONS = ("page", "api", "complete", "path", "limit")
LIVE_TRACKS = ("camera", "microphone", "screen")
MAX_LIVE_TRACKS = 8
_MID = re.compile(r"[A-Za-z0-9._-]{1,16}", re.ASCII)


class Close(enum.IntEnum):
    """Close codes; 4xxx are ours (RFC 6455 section 7.4.2)."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    TOO_BIG = 1009
    RESTART = 1012
    OVERLOADED = 1013
    BAD_MESSAGE = 4400
    BAD_TOKEN = 4401
    ORIGIN = 4403
    UNKNOWN_SESSION = 4404
    NO_HELLO = 4408
    REPLACED = 4409
    SESSION_ENDED = 4410


class BadMessage(Exception):
    """What the browser sent is not a message of the protocol."""


# As long as a poll's may be.
MAX_CLIENT = 64


@dataclass(frozen=True, slots=True)
class Hello:
    """``client`` and ``stamp``: the page's name for itself and when it asked, as in a poll."""

    token: str
    client: str | None = None
    stamp: float | None = None


@dataclass(frozen=True, slots=True)
class Ping:
    stamp: float | None


@dataclass(frozen=True, slots=True)
class Events:
    events: tuple[ClientEvent, ...]


@dataclass(frozen=True, slots=True)
class Stop:
    reason: str


@dataclass(frozen=True, slots=True)
class Pause:
    pass


@dataclass(frozen=True, slots=True)
class Resume:
    pass


@dataclass(frozen=True, slots=True)
class Refresh:
    pass


@dataclass(frozen=True, slots=True)
class Offer:
    id: int | str
    sdp: str
    tracks: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Hangup:
    pass


Incoming = Hello | Ping | Events | Stop | Pause | Resume | Refresh | Offer | Hangup


def parse_text(text: str) -> Incoming:
    """The message in ``text``.

    :raises BadMessage: for everything else.
    """
    try:
        message = parse_object(text)
    except ApiError as error:
        raise BadMessage(error.message) from None
    match message.get("type"):
        case "hello":
            return _hello(message)
        case "ping":
            return Ping(_number(message.get("t")))
        case "events":
            return _events(message)
        case "stop":
            reason = message.get("reason")
            return Stop(reason if isinstance(reason, str) and reason in STOP_REASONS else "api")
        case "pause":
            return Pause()
        case "resume":
            return Resume()
        case "refresh":
            return Refresh()
        case "offer":
            return parse_offer(message)
        case "hangup":
            return Hangup()
        case _:
            raise BadMessage("The message has no known type.")


def split_piece(message: bytes) -> tuple[dict[str, Any], bytes]:
    """Header and body of a binary message: ``u8 version | u16 header length | header | body``.

    :raises BadMessage: when there is no readable header, so that not even a refusal could name the piece.
    """
    if len(message) < 3 or message[0] != PIECE_VERSION:
        raise BadMessage(f"A binary message must start with the version byte {PIECE_VERSION}.")
    (length,) = struct.unpack_from("!H", message, 1)
    if length > MAX_PIECE_HEADER_BYTES or 3 + length > len(message):
        raise BadMessage("The length of the piece's header is wrong.")
    try:
        header = parse_object(message[3 : 3 + length])
    except ApiError as error:
        raise BadMessage(f"The piece's header: {error.message}") from None
    return header, message[3 + length :]


def _hello(message: Mapping[str, Any]) -> Hello:
    token = message.get("token")
    if not isinstance(token, str) or message.get("protocol") != PROTOCOL:
        raise BadMessage(f"hello needs a token and protocol {PROTOCOL}.")
    client = message.get("client")
    return Hello(
        token, client if isinstance(client, str) and len(client) <= MAX_CLIENT else None, _number(message.get("t"))
    )


def _number(value: object) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _events(message: Mapping[str, Any]) -> Events:
    try:
        return Events(tuple(parse_events(message.get("events"))))
    except ApiError as error:
        detail = "".join(f" {field.path} {field.message}." for field in error.fields)
        raise BadMessage(error.message + detail) from None


def parse_offer(message: Mapping[str, Any]) -> Offer:
    """A live offer, from the socket or a request's body.

    :raises BadMessage: with what is wrong.
    """
    number, sdp, tracks = message.get("id"), message.get("sdp"), message.get("tracks")
    if not isinstance(number, (int, str)) or isinstance(number, bool) or len(str(number)) > 64:
        raise BadMessage("offer needs an id.")
    if not isinstance(sdp, str) or not sdp:
        raise BadMessage("offer needs sdp.")
    return Offer(number, sdp, check_tracks(tracks))


def check_tracks(tracks: object) -> dict[str, str]:
    """mid → name of a live offer.

    :raises BadMessage: too many, unknown names, odd mids.
    """
    if not isinstance(tracks, dict) or len(tracks) > MAX_LIVE_TRACKS:
        raise BadMessage(f"tracks must be an object of at most {MAX_LIVE_TRACKS} entries.")
    for mid, name in tracks.items():
        if not isinstance(mid, str) or _MID.fullmatch(mid) is None:
            raise BadMessage("a mid in tracks is malformed.")
        if not isinstance(name, str) or name not in LIVE_TRACKS:
            raise BadMessage("a track must be one of " + ", ".join(LIVE_TRACKS) + ".")
    return dict(tracks)
