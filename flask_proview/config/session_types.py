"""What a session type asks of the candidate: defaults of the three types, changed per account, then per route."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from . import parsers as p

if TYPE_CHECKING:
    from .table import Account, Route

SESSION_TYPES = ("ai_proctor", "record_and_review", "live_proctor")


@dataclass(frozen=True, slots=True)
class TypePolicy:
    """Switches of one session type: what every candidate of it has to do before the exam.

    The device check with its picture and level is shown in any case; ``audio_check`` means that a voice has to be heard.
    """

    screen: bool = False
    id_photo: bool = False
    face_photo: bool = False
    audio_check: bool = False
    approval: bool = False


@dataclass(frozen=True, slots=True)
class SessionTypes:
    """The policy of each type."""

    ai_proctor: TypePolicy = TypePolicy()
    record_and_review: TypePolicy = TypePolicy(screen=True)
    # Somebody is there who looks at who it is and lets candidates in.
    live_proctor: TypePolicy = TypePolicy(screen=True, id_photo=True, face_photo=True, audio_check=True, approval=True)

    def of(self, session_type: str) -> TypePolicy:
        policy: TypePolicy = getattr(self, session_type if session_type in SESSION_TYPES else SESSION_TYPES[0])
        return policy


SWITCHES = tuple(f.name for f in fields(TypePolicy))
DEFAULTS = SessionTypes()


def parse_types(raw: object) -> SessionTypes:
    """``types = { live_proctor = { approval = true } }``: the three types with the account's changes.

    :raises ValueError: with the way out.
    """
    if not isinstance(raw, Mapping):
        raise ValueError("expected a table of session types, e.g. { live_proctor = { approval = true } }")
    changed = {}
    for name, switches in raw.items():
        if name not in SESSION_TYPES:
            raise ValueError(f"{name!r} is not a session type; there are {', '.join(SESSION_TYPES)}")
        if not isinstance(switches, Mapping):
            raise ValueError(f"{name} must be a table of {', '.join(SWITCHES)}")
        unknown = [key for key in switches if key not in SWITCHES]
        if unknown:
            raise ValueError(f"{name}: {unknown[0]!r} is not a switch; there are {', '.join(SWITCHES)}")
        try:
            own = {key: p.boolean(value) for key, value in switches.items()}
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
        changed[name] = replace(DEFAULTS.of(name), **own)
    return replace(DEFAULTS, **changed)


def type_policy(account: Account | None, route: Route | None, session_type: str) -> TypePolicy:
    """What holds for a session of this type, account and route."""
    base = (account.types if account is not None else DEFAULTS).of(session_type)
    if route is None:
        return base
    own = {name: getattr(route, name) for name in SWITCHES if getattr(route, name) is not None}
    return replace(base, **own)
