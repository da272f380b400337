from __future__ import annotations

import hashlib
from collections.abc import Iterator
from unittest import mock

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from flask_proview.errors import ApiError
from flask_proview.sessions import users as users_module
from flask_proview.sessions.models import Login, User
from flask_proview.sessions.users import LoginStore, UserStore

from .conftest import Place

PASSWORD = "correct horse battery"


@pytest.fixture
def users(any_place: Place) -> UserStore:
    return UserStore(any_place.db)


@pytest.fixture
def clock() -> Iterator[mock.MagicMock]:
    with mock.patch.object(users_module, "now_ms", return_value=1_000_000_000_000) as now:
        yield now


def logins_in(place: Place) -> list[Login]:
    with place.db.read() as db:
        return list(db.scalars(select(Login)))


def test_passwords_are_argon2id_at_the_librarys_strength(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users_module, "PasswordHasher", PasswordHasher)  # not that of tests
    UserStore(place.db).add("anna", "admin", PASSWORD)
    with place.db.read() as db:
        stored = db.scalars(select(User.password_hash)).one()
    assert stored.startswith("$argon2id$")
    assert f"m={PasswordHasher().memory_cost}," in stored
    assert PASSWORD not in stored


def test_only_the_right_password_of_an_enabled_person_opens(users: UserStore) -> None:
    users.add("anna", "proctor", PASSWORD)
    found = users.verify("anna", PASSWORD)
    assert found is not None
    assert found.role == "proctor"
    for name, password in (
        ("anna", PASSWORD + " "),
        ("anna", ""),
        ("anna", "x" * 2000),
        ("anna", "\ud800" * 12),
        ("Anna", PASSWORD),
        ("nobody", PASSWORD),
        ("anna\0", PASSWORD),
        ("' OR 1=1 --", PASSWORD),
        ("", PASSWORD),
    ):
        assert users.verify(name, password) is None
    users.set_disabled("anna", True)
    assert users.verify("anna", PASSWORD) is None
    users.set_disabled("anna", False)
    assert users.verify("anna", PASSWORD) is not None


def test_an_unknown_name_costs_one_verification_like_a_known_one(users: UserStore) -> None:
    users.add("anna", "admin", PASSWORD)
    users.verify("nobody", PASSWORD)  # makes the decoy
    with mock.patch.object(users, "_fits", wraps=users._fits) as fits:
        users.verify("anna", "wrong password")
        users.verify("nobody", "wrong password")
    assert fits.call_count == 2


@pytest.mark.parametrize(
    ("name", "role", "password"),
    [
        ("", "admin", PASSWORD),
        (" anna", "admin", PASSWORD),
        ("an\0na", "admin", PASSWORD),
        ("a" * 81, "admin", PASSWORD),
        ("anna", "root", PASSWORD),
        ("anna", "admin", "short"),
        ("anna", "admin", "x" * 1025),
        ("anna", "admin", "with\0nul in it"),
        ("anna", "admin", "surrogate \ud800"),
    ],
)
def test_odd_people_are_refused(place: Place, name: str, role: str, password: str) -> None:
    with pytest.raises(ApiError) as caught:
        UserStore(place.db).add(name, role, password)
    assert caught.value.code == "user_invalid"


def test_a_name_is_taken_once(users: UserStore) -> None:
    users.add("anna", "admin", PASSWORD)
    with pytest.raises(ApiError) as caught:
        users.add("anna", "reviewer", PASSWORD)
    assert (caught.value.code, caught.value.status) == ("user_exists", 409)
    assert [u.role for u in users.list()] == ["admin"]


def test_changes_of_unknown_people_are_errors(users: UserStore) -> None:
    with pytest.raises(ApiError) as caught:
        users.set_password("x", PASSWORD)
    assert caught.value.code == "user_unknown"
    with pytest.raises(ApiError) as caught:
        users.set_disabled("x", True)
    assert caught.value.code == "user_unknown"


def test_the_cookie_itself_is_stored_nowhere(any_place: Place, users: UserStore) -> None:
    logins = LoginStore(any_place.db, any_place.config)
    cookie, login = logins.open(users.add("anna", "admin", PASSWORD), "203.0.113.5")
    assert len(cookie) >= 43
    row = logins_in(any_place)[0]
    assert row.id_hash == hashlib.sha256(cookie.encode()).hexdigest()
    assert cookie not in repr([getattr(row, c.name) for c in Login.__table__.columns])
    assert login.csrf != cookie


def test_only_the_cookie_opens(any_place: Place, users: UserStore) -> None:
    logins = LoginStore(any_place.db, any_place.config)
    cookie, login = logins.open(users.add("anna", "admin", PASSWORD), "")
    found = logins.read(cookie)
    assert found is not None
    assert found[0].name == "anna"
    for forged in (None, "", login.id_hash, cookie[:-1], cookie + "x", cookie * 20, "\0", "\ud800", "é"):
        assert logins.read(forged) is None
    logins.close(cookie)
    logins.close(cookie)
    assert logins.read(cookie) is None


def test_every_login_is_a_new_one(any_place: Place, users: UserStore) -> None:
    logins, user = LoginStore(any_place.db, any_place.config), users.add("anna", "admin", PASSWORD)
    cookies = {logins.open(user, "")[0] for _ in range(3)}
    assert len(cookies) == logins.count() == 3


def test_an_unused_login_ends_and_use_keeps_it(any_place: Place, users: UserStore, clock: mock.MagicMock) -> None:
    logins = LoginStore(any_place.db, any_place.config)
    cookie, _ = logins.open(users.add("anna", "admin", PASSWORD), "")
    start, idle = clock.return_value, any_place.config.limits.login_idle_minutes * 60_000
    for step in (1, 2, 3):
        clock.return_value = start + step * (idle - 1)
        assert logins.read(cookie) is not None
    clock.return_value += idle
    assert logins.read(cookie) is None


def test_a_login_ends_after_its_longest_life_however_busy(
    any_place: Place, users: UserStore, clock: mock.MagicMock
) -> None:
    logins = LoginStore(any_place.db, any_place.config)
    user = users.add("anna", "admin", PASSWORD)
    cookie, _ = logins.open(user, "")
    end = clock.return_value + any_place.config.limits.login_hours * 3_600_000
    while clock.return_value + 1_000_000 < end:
        clock.return_value += 1_000_000
        assert logins.read(cookie) is not None
    clock.return_value = end
    assert logins.read(cookie) is None
    clock.return_value += 1
    logins.open(user, "")
    assert logins.count() == 1, "old ones are swept"


def test_a_new_password_or_a_lock_ends_all_logins_of_the_person_only(any_place: Place, users: UserStore) -> None:
    logins = LoginStore(any_place.db, any_place.config)
    anna, bert = users.add("anna", "admin", PASSWORD), users.add("bert", "admin", PASSWORD)
    first, other = logins.open(anna, "")[0], logins.open(bert, "")[0]
    users.set_password("anna", "another long password")
    assert logins.read(first) is None
    assert users.verify("anna", PASSWORD) is None
    second = logins.open(anna, "")[0]
    users.set_disabled("anna", True)
    assert logins.read(second) is None
    assert logins.read(other) is not None


def test_an_old_hash_is_renewed_at_login_without_ending_logins(any_place: Place, users: UserStore) -> None:
    logins = LoginStore(any_place.db, any_place.config)
    cookie, _ = logins.open(users.add("anna", "admin", PASSWORD), "")
    before = users.list()[0].password_hash
    users._hasher = PasswordHasher(time_cost=2, memory_cost=64, parallelism=1)
    assert users.verify("anna", PASSWORD) is not None
    assert users.list()[0].password_hash != before
    assert logins.read(cookie) is not None
    assert users.verify("anna", PASSWORD) is not None
