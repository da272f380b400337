"""``POST M/v1/launch-tokens``: launch tokens for back ends that render their own snippet. Needs the account's key; fails closed."""

from __future__ import annotations

import hmac

from flask import Blueprint, Response, jsonify, request

from flask_proview.errors import ApiError, FieldError
from flask_proview.origins import parse_header
from flask_proview.service.requests import read_json
from flask_proview.service.runtime import Runtime
from flask_proview.service.start_request import parse_start
from flask_proview.sessions.database import now_ms
from flask_proview.tokens import Kind

MAX_MINUTES = 10_080


def register(blueprint: Blueprint, runtime: Runtime) -> None:
    """The call."""

    @blueprint.post("/v1/launch-tokens")
    def launch_token() -> tuple[Response, int]:
        body = read_json(request)
        asked = parse_start(body)
        account = runtime.config.account_by_token(asked.token or str(body.get("proview_token") or ""))
        key = request.headers.get("X-Api-Key", "")
        known = account is not None and account.api_key is not None
        # Compared in every case, so that the time says nothing about which accounts there are.
        right = hmac.compare_digest(key.encode(), (account.api_key if account and account.api_key else "-").encode())
        if account is None or not known or not right:
            raise ApiError("The account token or the API key is not right.", code="api_key", status=401)
        origin = parse_header(body.get("origin") if isinstance(body.get("origin"), str) else None)
        minutes = body.get("minutes", runtime.config.limits.launch_minutes)
        errors = []
        if asked.session is None:
            errors.append(FieldError("session", "is missing", "required"))
        if origin is None or origin not in account.domains:
            errors.append(
                FieldError("origin", "must be an origin of the account's domains, as browsers spell it", "value")
            )
        if not isinstance(minutes, int) or isinstance(minutes, bool) or not 1 <= minutes <= MAX_MINUTES:
            errors.append(FieldError("minutes", f"must be 1 to {MAX_MINUTES}", "value"))
        if errors:
            raise ApiError("The request has invalid fields.", code="validation", fields=tuple(errors))
        claims = {
            "account": account.name,
            "route": asked.route,
            "session": asked.session,
            "profile": asked.profile_id or "",
            "origin": str(origin),
            "session_type": asked.session_type or account.session_type,
            "title": asked.title,
        }
        token = runtime.signer.issue(Kind.LAUNCH, claims, minutes * 60)
        return jsonify({"launch": token, "expires_at": now_ms() + minutes * 60_000}), 201
