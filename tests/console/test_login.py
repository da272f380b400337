"""The login form: errors, throttling, where it leads."""

from __future__ import annotations

import pytest

from flask_proview.service.console.local_path import local_next
from flask_proview.service.console.throttle import RULES, LoginThrottle

from .world import CONSOLE, Person


def test_a_good_password_leads_to_the_sessions(person: Person) -> None:
    response = person.log_in("admin")
    assert response.status_code == 303
    assert response.headers["Location"] == f"{CONSOLE}/"


def test_a_wrong_password_and_an_unknown_name_look_the_same(person: Person) -> None:
    wrong, unknown = person.log_in("admin", "wrong-password"), person.log_in("nobody", "wrong-password")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.text.replace("admin", "nobody") == unknown.text
    assert "Set-Cookie" not in wrong.headers


def test_the_typed_name_comes_back_as_text(person: Person) -> None:
    response = person.log_in('"><script>alert(1)</script>', "wrong-password")
    assert "<script>alert" not in response.text
    assert "&lt;script&gt;" in response.text


@pytest.mark.parametrize("password", ["", "x" * 1025, "\0" * 20])
def test_impossible_passwords_are_refused_without_an_error(person: Person, password: str) -> None:
    assert person.log_in("admin", password).status_code == 401


def test_guessing_is_slowed_down_and_says_so(person: Person) -> None:
    for _ in range(5):
        person.log_in("admin", "wrong-password")
    response = person.log_in("admin")
    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) > 0
    assert "Too many attempts" in response.text


def test_a_page_comes_back_after_the_login(person: Person) -> None:
    response = person.get("/sessions/0b9f?x=1")
    location = response.headers["Location"]
    assert location == f"{CONSOLE}/login?next=%2Fproview%2Fconsole%2Fsessions%2F0b9f%3Fx%3D1"
    assert (
        person.log_in("admin", next=f"{CONSOLE}/sessions/0b9f?x=1").headers["Location"]
        == f"{CONSOLE}/sessions/0b9f?x=1"
    )


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example",
        "https://evil.example/proview/console/",
        "/\\evil.example",
        "\\\\evil.example",
        "/proview/console/..//evil.example",
        "/proview/console//evil.example",
        "/proview/console/../../logout",
        "/proview/console/%2e%2e/%2e%2e/x",
        "/proview/console\t/x",
        "/proview/console/\r\nSet-Cookie: x=1",
        "javascript:alert(1)",
        "/other/page",
        "/proview/consolex/",
        "/proview/console/logout",
        "/proview/console/login?next=//evil.example",
        "/proview/console/" + "x" * 600,
        "//proview/console/",
        "/proview/console/@evil.example",
    ],
)
def test_the_way_back_never_leaves_the_console(person: Person, wanted: str) -> None:
    assert local_next("/proview", wanted) == f"{CONSOLE}/"
    response = person.log_in("admin", next=wanted)
    assert response.headers["Location"] == f"{CONSOLE}/"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_wait_doubles_and_ends() -> None:
    clock = Clock()
    throttle = LoginThrottle(clock=clock)
    for _ in range(RULES["pair"].free):
        assert throttle.wait_s("a", "1") == 0
        throttle.failed("a", "1")
    first = throttle.wait_s("a", "1")
    assert first > 0
    clock.now += first
    assert throttle.wait_s("a", "1") == 0
    throttle.failed("a", "1")
    assert throttle.wait_s("a", "1") == 2 * first


def test_another_address_is_not_locked_out_by_a_guesser() -> None:
    throttle = LoginThrottle(clock=Clock())
    for _ in range(20):
        throttle.failed("pat", "attacker")
    assert throttle.wait_s("pat", "attacker") > 60
    assert throttle.wait_s("pat", "office") == 0


def test_one_address_cannot_try_many_names() -> None:
    throttle = LoginThrottle(clock=Clock())
    for number in range(RULES["address"].free):
        throttle.failed(f"user{number}", "attacker")
    assert throttle.wait_s("somebody", "attacker") > 0


def test_the_right_password_clears_the_name() -> None:
    throttle = LoginThrottle(clock=Clock())
    for _ in range(4):
        throttle.failed("a", "1")
    throttle.succeeded("a", "1")
    throttle.failed("a", "1")
    assert throttle.wait_s("a", "1") == 0


def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flask_proview.service.console.throttle.MAX_KEYS", 30)
    throttle = LoginThrottle(clock=Clock())
    for number in range(100):
        throttle.failed(f"n{number}", f"a{number}")
    assert len(throttle._counts) <= 30
