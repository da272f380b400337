from __future__ import annotations

from collections.abc import Callable
from unittest import mock

import pytest

from flask_proview.catalogue import FORGED, SERVER_ONLY
from flask_proview.errors import ApiError
from flask_proview.sessions import events as events_module
from flask_proview.sessions.events import FUTURE_TOLERANCE_MS, ClientEvent, EventStore

from .conftest import Place


def stored(place: Place, session_id: int) -> list[tuple[int | None, int, str]]:
    events = EventStore(place.db, place.config).of(session_id)
    return [(e.client_seq, e.event_type_id, e.name) for e in events]


def test_a_batch_sent_twice_is_stored_once_and_acknowledged_twice(any_place: Place) -> None:
    session = any_place.start()
    store = EventStore(any_place.db, any_place.config)
    batch = [ClientEvent(seq, 5, "Window Focus-Out", seq) for seq in (3, 1, 2)]
    assert store.add(session, batch) == [1, 2, 3]
    assert store.add(session, [*batch, ClientEvent(4, 4, "x", 4)]) == [1, 2, 3, 4]
    assert [seq for seq, *_ in stored(any_place, session.id)] == [1, 2, 3, 4]


def test_the_first_of_two_events_with_one_number_stays(any_place: Place) -> None:
    session = any_place.start()
    store = EventStore(any_place.db, any_place.config)
    assert store.add(session, [ClientEvent(1, 5, "", 0), ClientEvent(1, 6, "", 0)]) == [1]
    assert store.add(session, [ClientEvent(1, 7, "", 0)]) == [1]
    assert stored(any_place, session.id) == [(1, 5, "Window Focus-Out")]


def test_the_same_numbers_of_two_sessions_do_not_meet(place: Place) -> None:
    one, two = place.start("one"), place.start("two")
    store = EventStore(place.db, place.config)
    store.add(one, [ClientEvent(1, 5, "", 0)])
    store.add(two, [ClientEvent(1, 6, "", 0)])
    assert [len(stored(place, s.id)) for s in (one, two)] == [1, 1]


def test_times_outside_the_session_are_clamped_and_kept_on_record(place: Place) -> None:
    session = place.start()
    with mock.patch.object(events_module, "now_ms", return_value=session.started_at + 60_000):
        EventStore(place.db, place.config).add(
            session,
            [ClientEvent(1, 5, "", -5), ClientEvent(2, 5, "", 2**53), ClientEvent(3, 5, "", 60_000)],
        )
    events = EventStore(place.db, place.config).of(session.id)
    assert [(e.at_ms, e.data) for e in events] == [
        (0, {"sent_at": -5}),
        (60_000, {}),
        (60_000 + FUTURE_TOLERANCE_MS, {"sent_at": 2**53}),
    ]


def test_names_are_the_catalogues_and_unknown_ones_are_kept_short(any_place: Place) -> None:
    session = any_place.start()
    EventStore(any_place.db, any_place.config).add(
        session,
        [
            ClientEvent(1, 5, "<script>alert(1)</script>", 0),
            ClientEvent(2, 777, "a\0b" + "x" * 500, 1),
            ClientEvent(3, 778, "lone \ud800 surrogate", 2),
            ClientEvent(4, 2**31 - 1, "'; DROP TABLE events; --", 3),
        ],
    )
    names = [name for *_, name in stored(any_place, session.id)]
    assert names == ["Window Focus-Out", "a\ufffdb" + "x" * 77, "lone \ufffd surrogate", "'; DROP TABLE events; --"]


def test_hostile_data_comes_back_as_it_was_sent(any_place: Place) -> None:
    session = any_place.start()
    data = {"text": "</script><img onerror=x>\u2028 ünï💥", "deep": {"list": [None, 1.5, -(2**53), True]}, "": ""}
    EventStore(any_place.db, any_place.config).add(session, [ClientEvent(2**53 - 1, 5, "", 0, data)])
    assert EventStore(any_place.db, any_place.config).of(session.id)[0].data == data


def test_the_quota_holds_and_replays_are_still_acknowledged(make_place: Callable[..., Place]) -> None:
    place = make_place(limits={"events_per_session": 100})
    session = place.start()
    store = EventStore(place.db, place.config)
    first = [ClientEvent(seq, 5, "", 0) for seq in range(100)]
    store.add(session, first)
    with pytest.raises(ApiError) as caught:
        store.add(session, [ClientEvent(100, 5, "", 0)])
    assert (caught.value.code, caught.value.status) == ("event_quota", 413)
    assert store.add(session, first[:10]) == list(range(10))
    assert store.add(place.start("other"), first[:10]) == list(range(10))
    assert len(store.of(session.id)) == 100


def test_what_the_server_saw_has_no_number_and_the_catalogues_name(any_place: Place) -> None:
    session = any_place.start()
    store = EventStore(any_place.db, any_place.config)
    for at in (5, -7):
        store.add_server(session.id, 10025, at, {"why": "silence"})
    assert [(e.client_seq, e.name, e.at_ms) for e in store.of(session.id)] == [
        (None, "Session Expired", 0),
        (None, "Session Expired", 5),
    ]


def test_nothing_to_store_is_nothing_to_do(place: Place) -> None:
    assert EventStore(place.db, place.config).add(place.start(), []) == []


@pytest.mark.parametrize("claimed", sorted(SERVER_ONLY))
def test_a_browser_that_claims_to_be_the_server_is_put_on_record(place: Place, claimed: int) -> None:
    session = place.start()
    store = EventStore(place.db, place.config)
    assert store.add(session, [ClientEvent(1, claimed, "x", 5, {"rating": "high", "note": "all fine"})]) == [1]
    (row,) = store.of(session.id)
    assert (row.event_type_id, row.name, row.data) == (FORGED, "Forged Event", {"claimed": claimed})
