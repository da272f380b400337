"""Posting, against a real endpoint that behaves and misbehaves."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import multiprocessing
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest

from flask_proview import callback_sender
from flask_proview.callback_sender import CallbackSender, signature
from flask_proview.config import load_config
from flask_proview.jobs import Jobs
from flask_proview.sessions.database import Database

from .conftest import SECRET, Place, settings
from .receiver import Answer, Receiver, status


def send(place: Place) -> float | None:
    return CallbackSender(place.db, place.config).send_due()


def test_it_is_posted_signed_and_marked_delivered(place: Place, receiver: Receiver) -> None:
    place.finalise(place.ended())
    assert send(place) is None
    [posted] = receiver.got
    assert posted.line == "POST /hooks/proview?tenant=7 HTTP/1.1"
    assert posted.headers["content-type"] == "application/json"
    assert posted.headers["x-proview-attempt"] == "1"
    assert posted.headers["x-proview-delivery"] == json.loads(posted.body)["delivery"]
    expected = "sha256=" + hmac.new(SECRET.encode(), posted.body, hashlib.sha256).hexdigest()
    assert posted.headers["x-proview-signature"] == expected == signature(SECRET, posted.body)
    [row] = place.rows()
    assert (row.state, row.last_status, row.attempts) == ("delivered", 200, 1)
    assert row.delivered_at is not None
    send(place)
    assert len(receiver.got) == 1


def test_text_of_any_language_arrives_as_it_is(place: Place, receiver: Receiver) -> None:
    place.finalise(place.ended(external_id="Prüfung-७", title='Ende "x"\n☂'))
    send(place)
    said = json.loads(receiver.got[0].body)
    assert (said["session_external_id"], said["title"]) == ("Prüfung-७", 'Ende "x"\n☂')


@pytest.mark.parametrize(
    ("answer", "code", "reason"),
    [
        (status(500, b"stack\ntrace"), 500, "500 stack trace"),
        (status(404), 404, "404"),
        # Never followed: the body would go to a place that nobody configured.
        (status(307, b"", "Location: http://127.0.0.1:1/elsewhere"), 307, "307"),
        (status(503, b"x" * 10_000_000), 503, "503 x"),
        (lambda conn: conn.sendall(b"SSH-2.0-OpenSSH\r\n"), None, "SSH"),
        (lambda conn: None, None, "closed"),
    ],
)
def test_everything_but_a_2xx_is_tried_again(
    place: Place, receiver: Receiver, answer: Answer, code: int | None, reason: str
) -> None:
    receiver.answers = [answer, status(202)]
    place.finalise(place.ended())
    wait = send(place)
    assert wait is not None and 0 < wait <= 12
    [row] = place.rows()
    assert (row.state, row.last_status, row.attempts) == ("pending", code, 1)
    assert reason in row.last_error and len(row.last_error) <= 1000
    place.due_now()
    send(place)
    first, second = receiver.got
    assert (first.body, first.headers["x-proview-signature"]) == (second.body, second.headers["x-proview-signature"])
    assert second.headers["x-proview-attempt"] == "2"
    assert place.rows()[0].state == "delivered"


def test_a_receiver_that_is_down_is_told_when_it_is_up(make_place: Callable[..., Place], receiver: Receiver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}/"
    place = make_place(url=nobody)
    place.finalise(place.ended())
    send(place)
    assert "refused" in place.rows()[0].last_error


@pytest.mark.parametrize("manner", ["hang", "drip"])
def test_an_answer_that_never_ends_ends_at_the_deadline(place: Place, receiver: Receiver, manner: str) -> None:
    receiver.answers = [getattr(receiver, manner)]
    place.finalise(place.ended())
    with mock.patch.object(callback_sender, "DEADLINE_S", 0.3):
        send(place)
    assert "no complete answer" in place.rows()[0].last_error


def test_one_slow_receiver_does_not_keep_the_others(place: Place, receiver: Receiver) -> None:
    receiver.answers = [receiver.hang, status(200)]
    for number in range(4):
        place.finalise(place.ended(external_id=f"e{number}"))
    with mock.patch.object(callback_sender, "DEADLINE_S", 1):
        send(place)
    assert place.callbacks.counts() == {"pending": 1, "delivered": 3, "failed": 0}


def test_an_account_that_lost_its_url_is_no_endless_loop(place: Place) -> None:
    place.finalise(place.ended())
    without = load_config(settings(Path("/nowhere"), "", callback_url=None, callback_secret=None), {})
    CallbackSender(place.db, without).send_due()
    assert "no callback_url" in place.rows()[0].last_error


def test_the_log_names_the_host_and_not_the_path(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    place.finalise(place.ended())
    with caplog.at_level(logging.INFO, "flask_proview.callbacks"):
        send(place)
    assert "127.0.0.1" in caplog.text
    assert "tenant=7" not in caplog.text and SECRET not in caplog.text


def _send_and_die(settings: dict[str, object], database: str) -> None:
    """Claims, posts, and is killed before it can write down that it was delivered."""
    db = Database(database)
    config = load_config(settings, {})
    with mock.patch.object(callback_sender, "post", lambda *_: os.kill(os.getpid(), signal.SIGKILL)):
        CallbackSender(db, config).send_due()


@pytest.mark.system
def test_killed_between_claim_and_result_it_is_sent_again_with_the_same_id(
    place: Place, receiver: Receiver, tmp_path: Path
) -> None:
    place.finalise(place.ended())
    killed = multiprocessing.get_context("spawn").Process(
        target=_send_and_die, args=(settings(tmp_path, receiver.url), place.config.storage.database)
    )
    killed.start()
    killed.join(60)
    assert killed.exitcode == -signal.SIGKILL
    assert receiver.got == []
    send(place)
    assert receiver.got == [], "the lease is not over"
    place.due_now()
    send(place)
    assert [post.headers["x-proview-attempt"] for post in receiver.got] == ["2"]
    assert place.rows()[0].state == "delivered"


def test_the_jobs_send_it_with_the_recording_and_find_what_was_forgotten(place: Place, receiver: Receiver) -> None:
    jobs = Jobs(place.config, immediate=True)
    session = place.ended()
    jobs.finalise_soon(session.uuid)
    assert len(receiver.wait_for(1)) == 1
    place.callbacks.replay(place.rows()[0].id)
    jobs.reconcile()
    assert len(receiver.wait_for(2)) == 2


def test_the_example_of_the_documentation_verifies_what_is_sent(place: Place, receiver: Receiver) -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "callbacks.md").read_text("utf-8")
    lines = text[text.index("    import hashlib") :].split("\n\nTo change")[0].splitlines()
    names: dict[str, Callable[[bytes, str, str], bool]] = {}
    exec("\n".join(line[4:] for line in lines), names)  # noqa: S102
    place.finalise(place.ended())
    send(place)
    [posted] = receiver.got
    assert names["is_ours"](posted.body, posted.headers["x-proview-signature"], SECRET)
    assert not names["is_ours"](posted.body + b" ", posted.headers["x-proview-signature"], SECRET)
