"""The outbox in the console: what waits, what failed, and sending it again."""

from __future__ import annotations

from flask_proview.sessions.callbacks import MOST_ATTEMPTS, CallbackStore
from flask_proview.sessions.models import Callback, Session

from .world import Person, World


def add_callback(world: World, row: Session, **values: object) -> Callback:
    callback = Callback(
        session_id=row.id, delivery=f"d-{row.uuid}", account="main", body="{}", state="pending", created_at=row.started_at,
        attempts=0, next_at=row.started_at, leased_until=0, last_error="",
    )  # fmt: skip
    for name, value in values.items():
        setattr(callback, name, value)
    with world.runtime.db.write() as orm:
        orm.add(callback)
    return callback


def test_nothing_yet_says_how_to_switch_it_on(admin: Person) -> None:
    text = admin.get("/callbacks").text
    assert "No account has a" in text and "callback_url" in text


def test_each_callback_is_shown_with_its_last_answer(admin: Person, world: World) -> None:
    add_callback(world, world.add_session(external_id="a-1"), state="delivered", attempts=1, last_status=204)
    error = "500 <script>alert(1)</script>"
    add_callback(world, world.add_session(external_id="a-2"), state="failed", attempts=MOST_ATTEMPTS, last_error=error)
    text = admin.get("/callbacks").text
    assert "Answer 204" in text and "Given up" in text and "a-1" in text and "a-2" in text
    assert "<script>alert" not in text and "&lt;script&gt;alert(1)" in text
    assert "0 waiting, 1 given up, 1 delivered" in text


def test_send_again_puts_it_back_into_the_queue(admin: Person, world: World) -> None:
    callback = add_callback(world, world.add_session(), state="failed", attempts=MOST_ATTEMPTS)
    assert admin.post(f"/callbacks/{callback.id}/replay", {}).status_code == 303
    store = CallbackStore(world.runtime.db)
    [(row, _)] = store.listed()
    assert (row.state, row.attempts) == ("pending", 0)


def test_send_again_needs_the_token_of_the_page(admin: Person, world: World) -> None:
    callback = add_callback(world, world.add_session(), state="failed")
    assert admin.post(f"/callbacks/{callback.id}/replay", {}, csrf="wrong").status_code == 403
    assert CallbackStore(world.runtime.db).counts()["failed"] == 1


def test_a_callback_that_is_not_there_is_404(admin: Person) -> None:
    for number in ("7", str(1 << 63), "9" * 60):
        assert admin.post(f"/callbacks/{number}/replay", {}).status_code == 404


def test_long_lists_have_pages(admin: Person, world: World) -> None:
    row = world.add_session()
    for number in range(60):
        add_callback(world, row, delivery=f"d{number}")
    first = admin.get("/callbacks").text
    assert "Older callbacks" in first and first.count('<button type="submit" class="quiet">Send again') == 50
    before = first.split("?before=")[1].split('"')[0]
    assert admin.get(f"/callbacks?before={before}").text.count('<button type="submit" class="quiet">Send again') == 10
    assert admin.get("/callbacks?before=x").status_code == 200
