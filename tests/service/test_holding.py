from __future__ import annotations

import threading

import pytest

from flask_proview.service.holding import MAX_HELD, Places, held_at_once, poll_after_ms
from flask_proview.service.server_facts import ServerFacts


def facts(worker: str, multithread: bool) -> ServerFacts:
    return ServerFacts("x", worker, False, multithread, False, True)


@pytest.mark.parametrize(
    ("worker", "multithread", "setting", "held"),
    [
        ("gevent", True, 0, MAX_HELD),
        ("threads", True, 0, 0),
        ("threads", True, 3, 3),
        ("single", False, 3, 0),
    ],
)
def test_polls_are_held_where_that_starves_nobody(worker: str, multithread: bool, setting: int, held: int) -> None:
    assert held_at_once(facts(worker, multithread), setting) == held


def test_polls_of_many_candidates_are_spread() -> None:
    assert (poll_after_ms(lambda: 0.0), poll_after_ms(lambda: 1.0)) == (2000, 3000)


def test_places_are_limited_and_given_back() -> None:
    places = Places()
    with places.take("a", 1) or pytest.fail("no place") as first:
        assert places.take("b", 1) is None
        assert len(places) == 1
        newest = places.take("a", 1)
        assert newest is not None and first.over and not newest.over
    assert len(places) == 1  # the older one has no place to give back
    newest.__exit__()
    newest.__exit__()
    assert len(places) == 0
    assert places.take("b", 1) is not None
    assert places.take("c", 0) is None


def test_a_ring_ends_the_wait() -> None:
    place = Places().take("a", 1)
    assert place is not None
    done = threading.Event()

    def wait() -> None:
        place.wait(30)
        done.set()

    thread = threading.Thread(target=wait)
    thread.start()
    place.ring({"type": "state"})
    assert done.wait(10)
    thread.join()
