"""What the browser is told at the start of a session: what to capture, how, and where to send it (docs/protocol.md)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask_proview.config import Config, Route
from flask_proview.sessions.database import now_ms
from flask_proview.sessions.models import Session
from flask_proview.tokens import Kind, TokenSigner

from .checks import asked_of
from .rule_regex import rule_regex

# A picture that can be decoded from here: what a lost run costs at most, and how soon a late viewer sees something.
KEYFRAME_MS = 2000


def session_policy(config: Config, session: Session) -> dict[str, Any]:
    """The ``policy`` object for a session's browser."""
    route = route_of(config, session.route)
    limits, capture = config.limits, config.capture
    quiz = session.options.get("quiz") or {}
    account = config.account(session.account)
    checks = asked_of(config, session)
    return {
        "session_type": session.session_type,
        "title": session.title,
        "tracks": ["camera", "screen"] if checks.screen else ["camera"],
        "screen": checks.screen,
        "checks": {name: getattr(checks, name) for name in ("id", "face", "audio", "approval")},
        "capture": {
            "video_codec": capture.video_codec,
            "camera": asdict(capture.camera),
            "screen": asdict(capture.screen),
            "audio_kbps": capture.audio_kbps,
        },
        "slice_ms": limits.slice_ms,
        "keyframe_ms": KEYFRAME_MS,
        "client_buffer_mb": limits.client_buffer_mb,
        "heartbeat_ms": limits.heartbeat_s * 1000,
        "drain_deadline_ms": limits.drain_deadline_s * 1000,
        "session_minutes": limits.session_minutes,
        "on_limit": limits.on_limit,
        "idle_ms": limits.idle_s * 1000,
        "silence_ms": limits.silence_s * 1000,
        "live": "always"
        if session.session_type == "live_proctor" and config.media.live != "off"
        else config.media.live,
        "preview_style": route.preview_style if route else None,
        "language": (route and route.language) or (account and account.language) or None,
        "stop_paths": [rule_regex(rule) for rule in route.stop_paths] if route else [],
        "cover": route.cover if route else False,
        "instructions": quiz.get("candidate_instructions"),
        "reference_links": quiz.get("reference_links"),
    }


def route_of(config: Config, name: str | None) -> Route | None:
    return next((route for route in config.routes if route.name == name), None) if name else None


def session_tokens(config: Config, signer: TokenSigner, session: Session) -> dict[str, Any]:
    """``session_token``, ``drain_token`` and when the first expires.

    The drain token outlives the session by ``drain_grace_minutes``: a browser that comes back days later can still hand in.
    """
    limits = config.limits
    claims = {"sid": session.uuid, "account": session.account}
    now = now_ms()
    until_limit_s = max(0.0, (session.started_at - now) / 1000 + limits.session_minutes * 60)
    session_ttl_s = limits.session_token_minutes * 60
    return {
        "session_token": signer.issue(Kind.SESSION, claims, session_ttl_s),
        "drain_token": signer.issue(Kind.DRAIN, claims, until_limit_s + limits.drain_grace_minutes * 60),
        "expires_at": now + session_ttl_s * 1000,
    }


def ice_servers(config: Config) -> list[dict[str, Any]]:
    """STUN and TURN servers as the browser's RTCConfiguration wants them."""
    return [dict(server) for server in config.media.ice_servers]
