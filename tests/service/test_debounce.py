from __future__ import annotations

from flask_proview.service.debounce import Debounce


def test_many_wishes_before_the_job_runs_make_one_job() -> None:
    now = [0.0]
    debounce = Debounce(3.0, clock=lambda: now[0])
    assert debounce.is_new("a")
    now[0] = 2.0
    assert not debounce.is_new("a")
    assert debounce.is_new("b")
    now[0] = 2.9
    assert debounce.is_new("a"), "the job may be running already: what comes now needs another one"
