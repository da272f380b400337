"""Signed envelopes (itsdangerous), one salt and one ``typ`` per kind. Fails closed.

What is signed here is what itsdangerous' ``URLSafeSerializer`` signs and reads; the key derivation, which it repeats for each
token, is done once, and small payloads are not tried to be compressed: protected pages get a token each.

A token is only an envelope: the database row it names is the truth, and revocation is by ``jti`` or session, never by the
token's spelling (itsdangerous tokens are malleable in their last character). Keys rotate oldest → newest; the last signs.
"""

from __future__ import annotations

import enum
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any

from itsdangerous import BadData, URLSafeSerializer
from itsdangerous.encoding import base64_encode

from .clock_steps import ClockSteps
from .errors import TokenError

MAX_TOKEN_LENGTH = 4096
_to_json = json.JSONEncoder(separators=(",", ":")).encode


class Kind(enum.StrEnum):
    """What a token is for. A token of one kind is never accepted as another."""

    LAUNCH = "launch"
    SESSION = "session"
    DRAIN = "drain"
    BEARER = "bearer"
    REFRESH = "refresh"
    TICKET = "ticket"
    CHECK = "check"
    WRAPPER = "wrapper"
    EDGE = "edge"


class TokenSigner:
    """Issues and reads tokens."""

    def __init__(self, keys: Sequence[str]) -> None:
        # A clock that is set back does not log everybody out.
        self._steps = ClockSteps()
        self._serializers = {
            kind: URLSafeSerializer(
                list(keys),
                salt=f"flask-proview.{kind}",
                signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
            )
            for kind in Kind
        }
        self._derived = {
            kind: serializer.make_signer(serializer.salt).derive_key() for kind, serializer in self._serializers.items()
        }

    def issue(self, kind: Kind, claims: Mapping[str, object], ttl_s: float) -> str:
        """A token of ``kind`` with the claims plus ``typ``, ``iat``, ``exp`` (epoch seconds) and ``jti``."""
        now = time.time()
        reserved = {"typ": kind.value, "iat": int(now), "exp": now + ttl_s, "jti": secrets.token_urlsafe(12)}
        payload = base64_encode(_to_json({**claims, **reserved}))
        return (payload + b"." + base64_encode(hmac.digest(self._derived[kind], payload, "sha256"))).decode("ascii")

    def read(self, kind: Kind, token: object) -> dict[str, Any]:
        """The claims of a valid token.

        :raises TokenError: ``token_missing``, ``token_invalid`` or ``token_expired``.
        """
        if token is None or token == "":
            raise TokenError("No token was sent.", code="token_missing")
        if not isinstance(token, str) or len(token) > MAX_TOKEN_LENGTH:
            raise TokenError("The token is malformed.")
        try:
            claims = self._serializers[kind].loads(token)
        except (BadData, UnicodeError):
            raise TokenError("The token is not valid here.") from None
        if not isinstance(claims, dict) or claims.get("typ") != kind.value:
            raise TokenError("The token is of another kind.")
        exp, iat = claims.get("exp"), claims.get("iat")
        if not isinstance(exp, (int, float)) or not isinstance(iat, (int, float)):
            raise TokenError("The token is malformed.")
        now, back_s = time.time(), self._steps.back_s()
        if now >= exp:
            raise TokenError("The token has expired.", code="token_expired")
        if iat > now + 300 + back_s:
            raise TokenError("The token is from the future; check the servers' clocks.")
        return claims
