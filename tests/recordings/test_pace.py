from __future__ import annotations

import pytest

from flask_proview.recordings import pace
from flask_proview.recordings.pace import Pace


class _Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    clock = _Clock()
    monkeypatch.setattr(pace, "time", clock)
    return clock


def batch(measured: Pace, clock: _Clock, seconds: float) -> None:
    with measured.measured():
        clock.now += seconds


def test_a_slow_batch_is_told_while_it_lasts_and_for_a_while_after(clock: _Clock) -> None:
    measured = Pace()
    assert measured.slow_s() == 0
    with measured.measured():
        clock.now += 1.9
        assert measured.slow_s() == 0
        clock.now += 1.1
        assert measured.slow_s() == pytest.approx(3.0)
    clock.now += 10
    assert measured.slow_s() == pytest.approx(3.0)
    clock.now += 10
    assert measured.slow_s() == 0, "nobody records any more, so nobody knows"


def test_a_fast_batch_takes_it_back_and_one_that_began_does_not(clock: _Clock) -> None:
    measured = Pace()
    batch(measured, clock, 5)
    with measured.measured():
        clock.now += 0.1
        assert measured.slow_s() == pytest.approx(5.0)
    assert measured.slow_s() == 0


def test_a_batch_that_failed_counts(clock: _Clock) -> None:
    measured = Pace()
    with pytest.raises(OSError), measured.measured():
        clock.now += 4
        raise OSError
    assert measured.slow_s() == pytest.approx(4.0)
