"""``GET /organization/application`` and ``GET /proview/token``: which accounts a site may choose from."""

from __future__ import annotations

import hashlib
import hmac
import re

from flask import Blueprint, Response, jsonify, request

from flask_proview.config import Account
from flask_proview.errors import ApiError, FieldError
from flask_proview.service.login_api import require_bearer
from flask_proview.service.runtime import Runtime

_APP_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
MANAGING_ROLES = ("admin", "reviewer")


def register(blueprint: Blueprint, runtime: Runtime) -> None:
    """Both calls."""

    @blueprint.get("/organization/application")
    def organisations() -> Response:
        # The plugin sends no login here; it proves that it knows the site's address, and learns the account's name.
        app_id = request.headers.get("app-id", "").lower()
        if _APP_ID.fullmatch(app_id) is None:
            field = FieldError("app-id", "must be the MD5 of the site's scheme://host, in hex", "required")
            raise ApiError("The app-id header is missing or malformed.", code="validation", fields=(field,))
        found = [account for account in runtime.config.accounts if _is_of(app_id, account)]
        return jsonify([{"id": account.name, "name": account.title or account.name} for account in found])

    @blueprint.get("/proview/token")
    def tokens() -> Response:
        require_bearer(runtime, request, MANAGING_ROLES)
        # Two spellings: clients read "token", their tests "proview_token".
        return jsonify([
            {"token": account.token, "proview_token": account.token, "name": account.title or account.name}
            for account in runtime.config.accounts
        ])  # fmt: skip


def _is_of(app_id: str, account: Account) -> bool:
    for origin in account.domains.exact:
        for spelled in {str(origin), f"{origin.scheme}://{origin.host}"}:
            digest = hashlib.md5(spelled.encode(), usedforsecurity=False).hexdigest()
            if hmac.compare_digest(digest, app_id):
                return True
    return False
