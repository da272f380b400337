"""The default observer logs each kind loudly once."""

from __future__ import annotations

import logging

import pytest

from flask_proview.middleware import LogObserver, Refusal, StopReached


def test_first_refusal_of_a_kind_is_a_warning_and_the_rest_are_not(caplog: pytest.LogCaptureFixture) -> None:
    observer = LogObserver()
    with caplog.at_level(logging.DEBUG):
        for path in ("/a", "/b\nforged line"):
            observer.refused(Refusal("r0", "college", "domain", "evil.example", path, "not listed"))
        observer.stop_reached(StopReached("college", "r0", "7", None, "/done"))
    assert [record.levelno for record in caplog.records] == [logging.WARNING, logging.DEBUG, logging.INFO]
    assert "\n" not in caplog.records[1].getMessage()


def test_many_hosts_do_not_fill_memory_or_log(caplog: pytest.LogCaptureFixture) -> None:
    observer = LogObserver()
    for number in range(3000):
        observer.refused(Refusal("r0", "college", "domain", f"{number}.example", "/", "not listed"))
    assert len(caplog.records) <= 1024
