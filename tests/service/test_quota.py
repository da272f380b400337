from __future__ import annotations

from flask_proview.service.quota import Bucket, Quota


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_is_allowed_and_then_the_rate_holds() -> None:
    clock = Clock()
    bucket = Bucket(rate_per_s=2, burst=3, clock=clock)
    assert [bucket.take() for _ in range(3)] == [0, 0, 0]
    assert bucket.take() == 0.5
    clock.now += 0.5
    assert bucket.take() == 0
    assert bucket.take() > 0


def test_tokens_do_not_pile_up_beyond_the_burst() -> None:
    clock = Clock()
    bucket = Bucket(rate_per_s=10, burst=2, clock=clock)
    clock.now += 3600
    assert [bucket.take() > 0 for _ in range(3)] == [False, False, True]


def test_keys_do_not_share_a_bucket() -> None:
    quota = Quota(per_minute=60, burst=1, clock=Clock())
    assert quota.take("a") == 0
    assert quota.take("b") == 0
    assert quota.take("a") > 0


def test_the_number_of_remembered_keys_is_bounded() -> None:
    quota = Quota(per_minute=60, burst=1, max_keys=10, clock=Clock())
    for key in range(1000):
        assert quota.take(key) == 0
    assert quota.take(999) > 0
    assert quota.take(0) == 0, "the oldest key was forgotten"
