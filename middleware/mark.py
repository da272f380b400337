"""Whose page this is, as a short keyed hash that the shell of frame mode can compare and nobody can turn back into an id.

A script cannot read the headers of the page it runs in, but it can read ``Server-Timing``
(https://www.w3.org/TR/server-timing/), and only in documents of the same origin. So the shell sees, without another
request, that the page in its frame belongs to somebody else than the session it records.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

from flask_proview.config import Account, Config

from .identity import Identity

NAME = "Server-Timing"
_REMEMBERED = 4096


class IdentityMarks:
    """Writes the header of a shell or of a page in a frame: ``proview;desc="<session>.<profile>"``."""

    def __init__(self, config: Config) -> None:
        self._key = hashlib.sha256(b"proview-mark" + config.secrets.keys[-1].encode()).digest()
        self._value = lru_cache(_REMEMBERED)(self._value_of)

    def header(self, account: Account, identity: Identity) -> tuple[str, str]:
        return NAME, self._value(account.name, identity.session or "", identity.profile or "")

    def _value_of(self, account: str, session: str, profile: str) -> str:
        return f'proview;desc="{self._digest(account, "session", session)}.{self._digest(account, "profile", profile)}"'

    def _digest(self, account: str, kind: str, value: str) -> str:
        """Empty for an id that is not known: such pages (errors, log-in) belong to nobody."""
        if not value:
            return ""
        text = "\0".join((account, kind, value)).encode("utf-8", "surrogatepass")
        return hashlib.blake2s(text, key=self._key, digest_size=8).hexdigest()
