"""Who gets in: cookie, roles, CSRF, Origin."""

from __future__ import annotations

import pytest
from werkzeug.http import parse_cookie

from flask_proview.sessions.models import State

from .world import CONSOLE, PASSWORD, Person, World

PAGES = ["/", "/sessions.json", "/problems", "/callbacks", "/sessions/{uuid}", "/sessions/{uuid}/state"]
POSTS = ["/logout", "/sessions/{uuid}/terminate", "/sessions/{uuid}/rating", "/sessions/{uuid}/live"]
MATRIX = [
    # path, method, what a session must be, roles that may
    ("/", "GET", "stopped", {"admin", "pat", "rita"}),
    ("/sessions.json", "GET", "stopped", {"admin", "pat", "rita"}),
    ("/sessions/{uuid}", "GET", "stopped", {"admin", "pat", "rita"}),
    ("/sessions/{uuid}/state", "GET", "running", {"admin", "pat", "rita"}),
    ("/problems", "GET", "stopped", {"admin"}),
    ("/callbacks", "GET", "stopped", {"admin"}),
    ("/callbacks/1/replay", "POST", "stopped", {"admin"}),
    ("/sessions/{uuid}/terminate", "POST", "running", {"admin", "pat"}),
    ("/sessions/{uuid}/rating", "POST", "stopped", {"admin", "rita"}),
    ("/sessions/{uuid}/live", "POST", "running", {"admin", "pat"}),
    ("/sessions/{uuid}/live?viewer=x", "DELETE", "running", {"admin", "pat"}),
]


@pytest.mark.parametrize("path", PAGES)
def test_nobody_sees_a_page_without_a_login(person: Person, world: World, path: str) -> None:
    row = world.add_session(profile_id="secret-name")
    response = person.get(path.format(uuid=row.uuid))
    assert response.status_code in (303, 401)
    assert "secret-name" not in response.text
    if response.status_code == 303:
        assert response.headers["Location"].startswith(f"{CONSOLE}/login")


@pytest.mark.parametrize("path", POSTS)
def test_nobody_changes_anything_without_a_login(person: Person, world: World, path: str) -> None:
    row = world.add_session(state="running")
    response = person.post(path.format(uuid=row.uuid), {"rating": "low"}, csrf="x")
    assert response.status_code in (303, 401)
    assert world.refresh(row).state == State.RUNNING


@pytest.mark.parametrize(("path", "method", "state", "allowed"), MATRIX)
@pytest.mark.parametrize("name", ["admin", "pat", "rita"])
def test_a_role_may_do_what_it_is_for_and_nothing_else(
    world: World, name: str, path: str, method: str, state: str, allowed: set[str]
) -> None:
    person = Person(world)
    person.enter(name)
    uuid = world.add_session(state=state).uuid
    headers = {"Origin": "http://localhost", "X-CSRF-Token": person.csrf}
    response = person.client.open(
        CONSOLE + path.format(uuid=uuid), method=method, data={"rating": "high"}, headers=headers
    )
    assert (response.status_code != 403) == (name in allowed), response.text


def test_the_cookie_cannot_be_read_by_scripts_and_stays_below_the_mount(person: Person) -> None:
    header = person.log_in("admin").headers["Set-Cookie"]
    name = next(iter(parse_cookie(header)))
    assert name == "proview_console"
    assert "HttpOnly" in header and "SameSite=Lax" in header and "Path=/proview" in header


def test_over_https_the_cookie_has_the_host_prefix(world: World) -> None:
    person = Person(world)
    response = person.client.post(
        f"{CONSOLE}/login",
        data={"name": "admin", "password": PASSWORD},
        headers={"Origin": "https://exam.example.edu"},
        base_url="https://exam.example.edu",
    )
    header = response.headers["Set-Cookie"]
    assert header.startswith("__Host-proview=")
    assert "Secure" in header and "Path=/;" in header + ";" and "Domain" not in header


def test_a_cookie_planted_before_the_login_is_worthless_after_it(person: Person, world: World) -> None:
    person.client.set_cookie("proview_console", "planted-by-an-attacker", path="/proview")
    person.log_in("admin")
    cookie = person.client.get_cookie("proview_console", path="/proview")
    assert cookie is not None and cookie.value != "planted-by-an-attacker"
    thief = Person(world)
    thief.client.set_cookie("proview_console", "planted-by-an-attacker", path="/proview")
    assert thief.get("/sessions.json").status_code == 401


def test_logging_in_again_ends_the_login_before(person: Person, world: World) -> None:
    person.log_in("admin")
    first = person.client.get_cookie("proview_console", path="/proview")
    assert first is not None
    person.log_in("admin")
    assert world.runtime.logins.read(first.value) is None


def test_logout_ends_the_login_on_the_server(admin: Person, world: World) -> None:
    cookie = admin.client.get_cookie("proview_console", path="/proview")
    assert cookie is not None
    assert admin.post("/logout").status_code == 303
    assert world.runtime.logins.read(cookie.value) is None
    assert admin.get("/sessions.json").status_code == 401


def test_a_disabled_person_is_out_at_once(admin: Person, world: World) -> None:
    world.runtime.users.set_disabled("admin", True)
    assert admin.get("/sessions.json").status_code == 401


@pytest.mark.parametrize("csrf", ["", "x", "0" * 43])
@pytest.mark.parametrize("path", ["/sessions/{uuid}/terminate", "/logout"])
def test_a_form_without_the_token_changes_nothing(admin: Person, world: World, path: str, csrf: str) -> None:
    row = world.add_session(state="running")
    assert admin.post(path.format(uuid=row.uuid), csrf=csrf).status_code == 403
    assert world.refresh(row).state == State.RUNNING
    assert admin.get("/sessions.json").status_code == 200


def test_the_token_of_another_login_is_not_accepted(admin: Person, world: World) -> None:
    other = Person(world)
    other.enter("pat")
    row = world.add_session(state="running")
    assert other.post(f"/sessions/{row.uuid}/terminate", csrf=admin.csrf).status_code == 403


@pytest.mark.parametrize(
    "origin",
    [None, "null", "https://evil.example", "http://localhost.evil.example", "http://localhost:81", "https://localhost"],
)
def test_another_sites_form_changes_nothing_even_with_the_token(
    admin: Person, world: World, origin: str | None
) -> None:
    row = world.add_session(state="running")
    assert admin.post(f"/sessions/{row.uuid}/terminate", origin=origin).status_code == 403
    assert world.refresh(row).state == State.RUNNING


def test_another_site_cannot_log_somebody_in(person: Person) -> None:
    assert person.log_in("admin", origin="https://evil.example").status_code == 403


def test_every_page_has_the_strict_headers(admin: Person, world: World) -> None:
    row = world.add_session()
    for path in ["/", "/problems", "/callbacks", f"/sessions/{row.uuid}", "/sessions/unknown", "/login"]:
        response = admin.get(path)
        policy = response.headers.get("Content-Security-Policy", "")
        if response.status_code == 303:
            continue
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy, path
        assert response.headers["X-Frame-Options"] == "DENY"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
