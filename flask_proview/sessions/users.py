"""People of the console: Argon2id passwords and server-side logins. Fails closed."""

from __future__ import annotations

import hashlib
import re
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError

from flask_proview.config import Config
from flask_proview.errors import ApiError
from flask_proview.offload import offload

from .database import Database, now_ms
from .models import Login, User
from .text import storable

ROLES = ("admin", "proctor", "reviewer")
MIN_PASSWORD, MAX_PASSWORD = 10, 1024
MAX_COOKIE = 256
_NAME = re.compile(r"[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]{0,78}[^\s\x00-\x1f\x7f])?")


class UserStore:
    """The users table. Hashing runs outside the event loop."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._hasher = PasswordHasher()
        self._decoy: str | None = None

    def add(self, name: str, role: str, password: str) -> User:
        """Add a person.

        :raises ApiError: ``user_invalid`` or ``user_exists``.
        """
        if _NAME.fullmatch(name) is None:
            raise ApiError("A user's name has 1 to 80 visible characters.", code="user_invalid")
        if role not in ROLES:
            raise ApiError("The role must be one of " + ", ".join(ROLES) + ".", code="user_invalid")
        row = User(name=name, role=role, password_hash=self._hash(password), created_at=now_ms(), disabled=False)
        try:
            with self._db.write() as db:
                db.add(row)
        except IntegrityError:
            raise ApiError(f"A user {name!r} exists already.", code="user_exists", status=409) from None
        return row

    def verify(self, name: str, password: str) -> User | None:
        """The person, when name and password fit and the account is not disabled. Unknown names cost the same time."""
        user = self.get(name)
        if not 0 < len(password) <= MAX_PASSWORD:
            return None
        stored = user.password_hash if user is not None else self._decoy_hash()
        fits = offload(self._fits, stored, password)
        if user is None or user.disabled or not fits:
            return None
        if self._hasher.check_needs_rehash(user.password_hash):
            self._rehash(user, password)
            # A bearer is bound to the hash: the one that is issued now must not be bound to the hash of yesterday.
            return self.get(name)
        return user

    def get(self, name: str) -> User | None:
        with self._db.read() as db:
            return db.scalars(select(User).where(User.name == storable(name))).first()

    def by_id(self, user_id: int) -> User | None:
        with self._db.read() as db:
            return db.get(User, user_id)

    def list(self) -> list[User]:
        """By name."""
        with self._db.read() as db:
            return list(db.scalars(select(User).order_by(User.name)))

    def set_password(self, name: str, password: str) -> None:
        """Change it; every login of the person ends.

        :raises ApiError: ``user_unknown`` or ``user_invalid``.
        """
        hashed = self._hash(password)
        with self._db.write() as db:
            user = db.scalars(select(User).where(User.name == name)).first()
            if user is None:
                raise ApiError(f"There is no user {name!r}.", code="user_unknown", status=404)
            user.password_hash = hashed
            db.execute(delete(Login).where(Login.user_id == user.id))

    def set_disabled(self, name: str, disabled: bool) -> None:
        """Lock a person out, or let them in again; logins end at once."""
        with self._db.write() as db:
            found = db.execute(
                update(User).where(User.name == name).values(disabled=disabled).returning(User.id)
            ).first()
            if found is None:
                raise ApiError(f"There is no user {name!r}.", code="user_unknown", status=404)
            if disabled:
                db.execute(delete(Login).where(Login.user_id == found.id))

    def _hash(self, password: str) -> str:
        if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
            raise ApiError(f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters.", code="user_invalid")
        if storable(password) != password:
            raise ApiError("A password is text without control characters.", code="user_invalid")
        return offload(self._hasher.hash, password)

    def _fits(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False

    def _rehash(self, user: User, password: str) -> None:
        """Today's parameters for yesterday's hash; the password is the same, so logins go on."""
        hashed = offload(self._hasher.hash, password)
        with self._db.write() as db:
            db.execute(
                update(User)
                .where(User.id == user.id, User.password_hash == user.password_hash)
                .values(password_hash=hashed)
            )

    def _decoy_hash(self) -> str:
        if self._decoy is None:
            self._decoy = offload(self._hasher.hash, secrets.token_urlsafe())
        return self._decoy


class LoginStore:
    """Server-side logins. The cookie is random; only its SHA-256 is stored."""

    def __init__(self, db: Database, config: Config) -> None:
        self._db = db
        self._absolute_ms = config.limits.login_hours * 3_600_000
        self._idle_ms = config.limits.login_idle_minutes * 60_000

    def open(self, user: User, address: str) -> tuple[str, Login]:
        """(cookie value, row). Always a new one: a login never continues a cookie that was there before."""
        cookie, now = secrets.token_urlsafe(32), now_ms()
        row = Login(
            id_hash=_hash_cookie(cookie),
            user_id=user.id,
            csrf=secrets.token_urlsafe(32),
            created_at=now,
            last_used_at=now,
            address=storable(address, 64),
        )
        with self._db.write() as db:
            db.execute(delete(Login).where(Login.created_at < now - self._absolute_ms))
            db.add(row)
        return cookie, row

    def read(self, cookie: str | None) -> tuple[User, Login] | None:
        """Who is logged in with this cookie; None when it is unknown, too old, unused too long, or the person is disabled."""
        if not cookie or len(cookie) > MAX_COOKIE:
            return None
        now = now_ms()
        with self._db.read() as db:
            found = db.execute(
                select(User, Login).join(Login, Login.user_id == User.id).where(Login.id_hash == _hash_cookie(cookie))
            ).first()
        if found is None:
            return None
        user, login = found
        if user.disabled or now - login.created_at >= self._absolute_ms or now - login.last_used_at >= self._idle_ms:
            return None
        if now - login.last_used_at > min(60_000, self._idle_ms // 4):
            with self._db.write() as db:
                db.execute(update(Login).where(Login.id_hash == login.id_hash).values(last_used_at=now))
        return user, login

    def close(self, cookie: str) -> None:
        """Log out; safe to call twice."""
        with self._db.write() as db:
            db.execute(delete(Login).where(Login.id_hash == _hash_cookie(cookie)))

    def count(self) -> int:
        with self._db.read() as db:
            return db.scalar(select(func.count()).select_from(Login)) or 0


def _hash_cookie(cookie: str) -> str:
    return hashlib.sha256(cookie.encode("utf-8", "surrogatepass")).hexdigest()
