"""``PUT …/pieces/<seq>`` and coverage: recorded slices over plain HTTPS. A 2xx means durable (docs/protocol.md)."""

from __future__ import annotations

import time
from typing import Any

from flask import Blueprint, Response, jsonify, request

from flask_proview.errors import ApiError
from flask_proview.recordings.coverage import coverage
from flask_proview.recordings.pieces import IncomingPiece, PieceError, Verdict
from flask_proview.sessions.database import now_ms
from flask_proview.sessions.models import OPEN_STATES, Session
from flask_proview.tokens import Kind

from .access import session_of_request
from .late import piece_stored
from .piece_input import MAX_DURATION_MS, MAX_SEQ, check_track, make_piece, parse_decimal, parse_digest
from .raw_body import read_raw
from .runtime import Runtime

KINDS = (Kind.SESSION, Kind.DRAIN)
SLOW_BODY_S = 1.0


def register(blueprint: Blueprint, runtime: Runtime) -> None:
    """Routes below ``/v1/sessions/<uuid>/tracks``."""

    @blueprint.put("/v1/sessions/<uuid>/tracks/<track>/runs/<run>/pieces/<seq>")
    def put_piece(uuid: str, track: str, run: str, seq: str) -> tuple[Response, int]:
        session = session_of_request(runtime, request, uuid, KINDS)
        started = time.monotonic()
        piece = _read_piece(runtime, session, track, run, seq)
        if time.monotonic() - started > SLOW_BODY_S:
            session = session_of_request(runtime, request, uuid, KINDS)  # it may have been revoked meanwhile
        check_accepts(runtime, session)
        try:
            verdict = runtime.pieces.store(piece)
        except PieceError:
            runtime.counters.add("pieces_refused")
            raise
        if session.state in OPEN_STATES:
            runtime.sessions.touch(uuid)
        if verdict is Verdict.STORED:
            piece_stored(runtime, session, len(piece.body))
            return jsonify(stored=True), 201
        runtime.counters.add("pieces_replayed")
        return jsonify(stored=True), 200

    @blueprint.get("/v1/sessions/<uuid>/tracks/<track>/coverage")
    def get_coverage(uuid: str, track: str) -> Response:
        session = session_of_request(runtime, request, uuid, KINDS)
        answer: dict[str, Any] = coverage(runtime.db, session.id, check_track(track))
        return jsonify(answer)


def check_accepts(runtime: Runtime, session: Session) -> None:
    """410 when the session takes nothing any more."""
    if not runtime.sessions.accepts_pieces(session, now_ms()):
        raise ApiError("The session has ended and takes nothing any more.", code="session_ended", status=410)


def _read_piece(runtime: Runtime, session: Session, track: str, run: str, seq: str) -> IncomingPiece:
    """Everything that can be refused is refused before the body is read."""
    headers = request.headers
    fields: dict[str, Any] = {
        "track": check_track(track),
        "run": parse_decimal(run, "run"),
        "seq": parse_decimal(seq, "seq", MAX_SEQ),
        "start": parse_decimal(headers.get("X-Piece-Start"), "X-Piece-Start", signed=True),
        "duration": parse_decimal(headers.get("X-Piece-Duration"), "X-Piece-Duration", MAX_DURATION_MS),
        "last": headers.get("X-Piece-Last") == "1",
        "mime": headers.get("Content-Type"),
        "sha256": parse_digest(headers.get("Content-Digest")),
    }
    body = read_raw(request, runtime.config.limits.max_piece_mb << 20, "piece", "piece_too_large")
    return make_piece(session, body=body, **fields)
