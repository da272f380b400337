from __future__ import annotations

import threading

import pytest

from flask_proview.errors import ApiError
from flask_proview.jobs import Jobs
from flask_proview.sessions.database import Database, now_ms
from flask_proview.sessions.mailbox import KEPT_MS, LATE_MS, MAX_WAITING, Holder, Mailbox
from flask_proview.sessions.models import Session, State

from .conftest import Place


def fresh(place: Place, session: Session) -> Session:
    found = place.sessions.get(session.uuid)
    assert found is not None
    return found


def texts(mailbox: Mailbox, session: Session, after: int = 0) -> list[tuple[int, object]]:
    return [(letter.seq, letter.message.get("n")) for letter in mailbox.read(session, after)]


def test_messages_are_numbered_read_and_forgotten(any_place: Place) -> None:
    mailbox, session = Mailbox(any_place.db), any_place.start()
    assert [mailbox.put(session.uuid, {"type": "note", "n": n}) for n in range(3)] == [1, 2, 3]
    assert texts(mailbox, fresh(any_place, session)) == [(1, 0), (2, 1), (3, 2)]
    assert texts(mailbox, fresh(any_place, session), 2) == [(3, 2)]
    mailbox.forget(fresh(any_place, session), 2)
    mailbox.forget(fresh(any_place, session), 1)
    assert fresh(any_place, session).mail_read == 2
    assert texts(mailbox, fresh(any_place, session)) == [(3, 2)]


def test_numbers_are_never_given_again(any_place: Place) -> None:
    mailbox, session = Mailbox(any_place.db), any_place.start()
    mailbox.put(session.uuid, {"type": "note"})
    mailbox.forget(fresh(any_place, session), 1)
    assert mailbox.put(session.uuid, {"type": "note"}) == 2


def test_only_the_newest_order_of_a_kind_waits(place: Place) -> None:
    mailbox, session = Mailbox(place.db), place.start()
    for wanted in (True, False, True, False):
        mailbox.put(session.uuid, {"type": "live", "wanted": wanted})
    mailbox.put(session.uuid, {"type": "note", "n": 1})
    assert [(one.seq, one.message["type"]) for one in mailbox.read(fresh(place, session), 0)] == [
        (4, "live"),
        (5, "note"),
    ]


def test_the_oldest_go_when_too_many_wait(place: Place) -> None:
    mailbox, session = Mailbox(place.db), place.start()
    for n in range(MAX_WAITING + 5):
        mailbox.put(session.uuid, {"type": "note", "n": n})
    assert texts(mailbox, fresh(place, session))[0] == (6, 5)


def test_what_is_over_or_unknown_gets_no_mail(place: Place) -> None:
    mailbox, session = Mailbox(place.db), place.start()
    assert mailbox.put("00000000-0000-4000-8000-000000000000", {"type": "note"}) is None
    place.sessions.end(session.uuid, State.STOPPED, "page")
    assert mailbox.put(session.uuid, {"type": "note"}) is None
    with pytest.raises(ValueError, match="16384 bytes"):
        mailbox.put(session.uuid, {"type": "note", "text": "x" * 20_000})
    with pytest.raises(ApiError):
        mailbox.claim("00000000-0000-4000-8000-000000000000", Holder("http", "x"))


def test_sweeping_takes_old_mail_and_that_of_ended_sessions(any_place: Place) -> None:
    mailbox = Mailbox(any_place.db)
    over, open_one = any_place.start("exam-1"), any_place.start("exam-2")
    mailbox.put(over.uuid, {"type": "note"})
    mailbox.put(open_one.uuid, {"type": "note", "n": 1})
    any_place.sessions.end(over.uuid, State.STOPPED, "page")
    assert (mailbox.sweep(now_ms()), mailbox.sweep(now_ms())) == (1, 0)
    assert texts(mailbox, fresh(any_place, open_one)) == [(1, 1)]
    assert mailbox.sweep(now_ms() + KEPT_MS + 1000) == 1
    any_place.sessions.delete(open_one.uuid)


def test_the_jobs_process_sweeps(place: Place) -> None:
    mailbox, session = Mailbox(place.db), place.start()
    mailbox.put(session.uuid, {"type": "note"})
    place.sessions.end(session.uuid, State.STOPPED, "page")
    Jobs(place.config, immediate=True).reconcile()
    assert texts(mailbox, fresh(place, session)) == []


def test_writers_in_two_processes_leave_no_gap_that_a_reader_could_skip(any_place: Place) -> None:
    """Two engines on one database, as two processes have them; a reader follows with its cursor all the time."""
    session = any_place.start()
    others = [Database(any_place.db.url) for _ in range(2)]

    def write(db: Database) -> None:
        for n in range(40):
            Mailbox(db).put(session.uuid, {"type": "note", "n": n})

    threads = [threading.Thread(target=write, args=(db,)) for db in others]
    for thread in threads:
        thread.start()
    mailbox, cursor = Mailbox(any_place.db), 0
    seen: list[int] = []
    while len(seen) < 80:
        alive = any(thread.is_alive() for thread in threads)
        letters = mailbox.read(fresh(any_place, session), cursor)
        seen += [letter.seq for letter in letters]
        cursor = seen[-1] if seen else 0
        assert alive or letters, f"only {len(seen)} of 80 arrived"
    for thread in threads:
        thread.join()
    for db in others:
        db.dispose()
    assert seen == list(range(1, 81))


NOW = 1_795_762_000_000.5


@pytest.mark.parametrize(
    ("page", "at", "taken"),
    [
        ("page-one", NOW - 3000, False),
        ("page-one", NOW - 10 * LATE_MS, False),
        ("page-one", NOW + 1, True),
        ("page-two", NOW - 3000, False),
        ("page-two", NOW - 2 * LATE_MS, True),  # another machine, whose clock is behind
        ("page-two", NOW + 1, True),
        (None, NOW - 3000, False),
        ("page-one", None, True),
        (None, None, True),
        ("page-two", -1, True),
        ("page-two", 1e300, True),
        ("page-two", float("nan"), True),
        ("page-two", float("inf"), True),
    ],
)
def test_way_back_is_not_taken_by_who_asked_before_its_holder(
    any_place: Place, page: str | None, at: float | None, taken: bool
) -> None:
    mailbox, session = Mailbox(any_place.db), any_place.start()
    holder = Holder.of("socket:0123456789abcdef", "page-one", NOW)
    mailbox.claim(session.uuid, holder)
    if taken:
        mailbox.claim(session.uuid, Holder.of("http", page, at))
        assert Holder.read(fresh(any_place, session).peer).way == "http"
    else:
        with pytest.raises(ApiError) as refused:
            mailbox.claim(session.uuid, Holder.of("http", page, at))
        assert (refused.value.code, refused.value.status) == ("replaced", 409)
        assert Holder.read(fresh(any_place, session).peer) == holder


def test_longest_name_of_a_page_fits_the_column(any_place: Place) -> None:
    session = any_place.start()
    Mailbox(any_place.db).claim(session.uuid, Holder.of("socket:0123456789abcdef", "x" * 64, 2**53 - 1))
    assert len(fresh(any_place, session).peer or "") <= 72


@pytest.mark.parametrize("text", [None, "", "http:old-form", "a|b", "a|b|c", "|||", "a|b|-1"])
def test_holder_that_cannot_be_read_stands_in_nobodys_way(text: str | None) -> None:
    assert not Holder.of("http", "page-one", 1.0).is_late(Holder.read(text))
