"""Untrusted piece metadata (URL, headers, socket header) → a checked :class:`IncomingPiece`. Fails closed."""

from __future__ import annotations

import base64
import binascii
import re

from flask_proview.errors import ApiError
from flask_proview.recordings.pieces import IncomingPiece
from flask_proview.sessions.models import Session

TRACKS = ("camera", "screen")
MAX_RUN = 2**53 - 1
MAX_SEQ = 10_000_000
# A recorder that slept with the laptop hands out one slice for the whole night.
MAX_DURATION_MS = 86_400_000
_MIME = re.compile(r"video/(?:webm|x-matroska)(?:; ?codecs=\"?[A-Za-z0-9., _-]{1,80}\"?)?", re.ASCII)
_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)
# RFC 9530 section 2: a dictionary of byte sequences, e.g. sha-256=:…:, sha-512=:…:
_DIGEST = re.compile(r"([a-z0-9*_.-]+)=:([A-Za-z0-9+/=]*):", re.ASCII)


def parse_digest(header: str | None) -> str:
    """The SHA-256 of a ``Content-Digest`` header, as hex.

    :raises ApiError: 400 ``digest_missing`` when there is none, ``digest_invalid`` when it cannot be read.
    """
    if not header:
        raise ApiError("The Content-Digest header is missing (sha-256=:…:).", code="digest_missing")
    for member in header.split(","):
        match = _DIGEST.fullmatch(member.strip())
        if match is None:
            raise ApiError("The Content-Digest header is not readable (RFC 9530).", code="digest_invalid")
        if match[1] == "sha-256":
            try:
                digest = base64.b64decode(match[2], validate=True)
            except binascii.Error:
                digest = b""
            if len(digest) != 32:
                raise ApiError("The sha-256 of Content-Digest is not 32 bytes in base64.", code="digest_invalid")
            return digest.hex()
    raise ApiError("The Content-Digest header has no sha-256.", code="digest_missing")


def parse_decimal(text: str | None, what: str, limit: int = MAX_RUN, signed: bool = False) -> int:
    """A canonical decimal number of a URL or header.

    :raises ApiError: 400 ``piece_invalid``.
    """
    # The first piece may lie a little before the session's zero: the browser's clock is only measured so well.
    digits = text.removeprefix("-") if text is not None and signed else text
    if text is None or digits is None or _DECIMAL.fullmatch(digits) is None or int(text) > limit:
        raise _invalid(f"{what} must be an integer from 0 to {limit}")
    return int(text)


def make_piece(
    session: Session,
    *,
    track: object,
    run: object,
    seq: object,
    sha256: object,
    start: object,
    duration: object,
    mime: object,
    last: object,
    body: bytes,
) -> IncomingPiece:
    """A piece whose every field is in range; the digest itself is compared where it is stored.

    :raises ApiError: 400 ``piece_invalid``, 415 ``mime_unsupported``.
    """
    if not isinstance(sha256, str) or _HEX.fullmatch(sha256) is None:
        raise _invalid("sha256 must be 64 lower-case hex digits")
    if not body:
        raise _invalid("the body is empty")
    return IncomingPiece(
        session_id=session.id,
        session_uuid=session.uuid,
        track=check_track(track),
        run=_integer(run, "run", MAX_RUN),
        seq=_integer(seq, "seq", MAX_SEQ),
        sha256=sha256,
        start_ms=_integer(start, "start", MAX_RUN, -MAX_DURATION_MS),
        duration_ms=_integer(duration, "duration", MAX_DURATION_MS),
        mime=_check_mime(mime),
        last=last is True,
        body=body,
    )


def check_track(track: object) -> str:
    """The name of a track we know, else 400."""
    if not isinstance(track, str) or track not in TRACKS:
        raise _invalid("track must be one of " + ", ".join(TRACKS))
    return track


def _check_mime(mime: object) -> str:
    if mime is None or mime == "":
        return ""
    if not isinstance(mime, str) or _MIME.fullmatch(mime) is None:
        raise ApiError("Pieces are WebM: video/webm;codecs=….", code="mime_unsupported", status=415)
    return mime


def _integer(value: object, what: str, limit: int, low: int = 0) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= limit:
        raise _invalid(f"{what} must be an integer from {low} to {limit}")
    return value


def _invalid(problem: str) -> ApiError:
    return ApiError(f"The piece is invalid: {problem}.", code="piece_invalid")
