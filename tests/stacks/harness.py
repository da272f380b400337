"""The same exam on every legacy stack: a site on its real server, the proxy in front of it, a candidate in Chromium.

A stack is a `Stack`: it starts its server and says where the untouched site is. Sites that keep to the demo's addresses
and labels (``/login``, ``/exams``, ``/exam/<attempt>/…``) need nothing else; others bring a `Candidate` of their own.

    @pytest.fixture(scope="module")
    def site(tmp_path_factory) -> Iterator[str]:
        with started(MyStack(), tmp_path_factory) as url:
            yield url

    @pytest.fixture(scope="module")
    def running(site, tmp_path_factory) -> Iterator[Installation]:
        with in_front_of(site, tmp_path_factory.mktemp("proxy")) as installed:
            yield installed

    @pytest.mark.parametrize("mode", MODES)
    def test_the_exam_is_proctored(shared_chromium, running, mode):
        take_exam(shared_chromium, running, mode)

Where the middleware is mounted in the server itself (`mounted`) there is no proxy.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, WebError
from sqlalchemy import select

from flask_proview.recordings.layout import Layout
from flask_proview.sessions.models import Piece, Session
from tests.demo.browser import Visitor
from tests.e2e.browser import Candidate, somebodys
from tests.e2e.installation import ROOT, Deployment, answers, wait_until
from tests.e2e.media import Played, play

MODES = ("frame", "inline")
STATISTICS = {"1": "b", "2": ["a"], "3": "answer 3"}
"""What `sit` answers, as the demo's sites store it."""
LAST_SLICE_MS = 1500
JOINED, STARTED, COMPLETED, PAGE_HIDDEN, CONSENT = 3, 13, 113, 10000, 10012


class Stack(Protocol):
    """A legacy site on the server that really carries such sites."""

    name: str

    def why_not(self) -> str | None:
        """The package that is missing here, None when the stack can run."""

    def start(self, folder: Path) -> str:
        """Starts the server with everything it writes below ``folder``; returns the site's URL once it answers."""

    def stop(self) -> None:
        """Ends every process that `start` began; safe to call when it failed half-way."""


@contextmanager
def started(stack: Stack, folders: pytest.TempPathFactory) -> Iterator[str]:
    """The site's URL while the stack runs; skips the test where a package is missing."""
    reason = stack.why_not()
    if reason is not None:
        pytest.skip(f"{reason}: run `make system`")
    try:
        yield stack.start(folders.mktemp(stack.name))
    finally:
        stack.stop()


class Server:
    """One process of a stack with its log; its whole process group ends with it."""

    def __init__(self, argv: Sequence[str], log_file: Path, env: Mapping[str, str] | None = None) -> None:
        self.log_file = log_file
        with open(log_file, "wb") as log:
            self.process = subprocess.Popen(
                argv,
                cwd=ROOT,
                env=None if env is None else {**os.environ, **env},
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def wait_ready(self, ready: Callable[[], bool], what: str) -> None:
        """Until ``ready()``; an early end of the process or a long wait fails with its log."""
        try:
            wait_until(lambda: self.process.poll() is not None or ready(), 60, what)
            assert self.process.poll() is None, f"{what} ended with status {self.process.returncode}"
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log_file.read_text(errors='replace')}") from None

    def wait_answers(self, url: str) -> None:
        self.wait_ready(lambda: answers(url), url)

    def stop(self) -> None:
        for number, patience_s in ((signal.SIGTERM, 10), (signal.SIGKILL, None)):
            if self.process.poll() is None:
                os.killpg(self.process.pid, number)
                try:
                    self.process.wait(patience_s)
                except subprocess.TimeoutExpired:
                    continue
        # Workers that outlive their master would keep the port.
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


class Complaints:
    """What the browser's console says while somebody sits the exam."""

    def __init__(self, browser: BrowserContext, mount: str = "/proview/") -> None:
        self.mount = mount
        self.thrown: list[str] = []
        self.ours: list[str] = []
        browser.on("console", self._console)
        browser.on("weberror", self._weberror)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and self.mount in message.location.get("url", ""):
            self.ours.append(f"{message.location['url']}: {message.text}")

    def _weberror(self, error: WebError) -> None:
        self.thrown.append(str(error.error))


def take_exam(
    browser: Browser,
    running: Deployment,
    mode: str,
    *,
    candidate: type[Candidate] = Candidate,
    saved: Mapping[str, Any] | None = STATISTICS,
) -> None:
    """Log in, be checked, answer three questions, hand in; then judge what was recorded."""
    running.take(mode=mode, session_type="ai_proctor")
    with somebodys(browser) as context:
        complaints = Complaints(context)
        somebody = candidate.seated(context, running.url)
        uuid = session_of(running, somebody)
        sit(somebody, mode)
        wait_until(lambda: len(pieces(running, uuid)) >= 3, what="a few seconds of recording")
        somebody.hand_in()
        details = wait_finalised(running, uuid)
        if saved is not None:
            assert stored_answers(context, running.url + somebody.address("answers.json")) == dict(saved)
    signaling = requests.get(f"{running.url}/proview/healthz", timeout=10).json()["signaling"]
    assert bool(somebody.sockets) is (signaling == "websocket"), "the way that the server can carry, by itself"
    assert (complaints.thrown, complaints.ours) == ([], [])
    check_session(running, details, mode)


def sit(somebody: Candidate, mode: str) -> None:
    """Three questions, each a POST that redirects to the next page."""
    for number in (1, 2, 3):
        if mode == "inline":
            somebody.wait_running()
        somebody.answer(number)
    if mode == "inline":
        somebody.wait_running()


def stored_answers(context: BrowserContext, url: str) -> dict[str, Any]:
    """What the site itself kept, asked with the candidate's cookies."""
    cookies = {str(c.get("name")): str(c.get("value")) for c in context.cookies(url)}
    answer = requests.get(url, cookies=cookies, timeout=10)
    answer.raise_for_status()
    kept: dict[str, Any] = answer.json()["answers"]
    return kept


def check_session(running: Deployment, details: dict[str, Any], mode: str) -> Played:
    """What must hold for a session that took its regular way, on whatever stack."""
    assert (details["status"], details["end_reason"]) == ("stopped", "path")
    happened = [event["event_type_id"] for event in details["events"]]
    assert {JOINED, CONSENT, STARTED, COMPLETED} <= set(happened), happened
    assert happened.count(COMPLETED) == 1
    assert PAGE_HIDDEN not in happened, "going to the next page is no fault of the candidate"
    check_ledger(details, {"setup"} if mode == "frame" else {"setup", "page"})
    played = play(Layout(Path(running.config.storage.recordings)).recording_file(details["session_uuid"], "camera"))
    assert played.frames > 5
    assert played.audio_frames > 0
    runs = {run for run, _ in pieces(running, details["session_uuid"])}
    if mode == "frame":
        assert len(runs) == 1, "the shell records in one run however many pages are loaded"
        assert played.longest_silence_s < 0.5, "no page load left a gap"
    else:
        assert len(runs) >= 3, "every page records a run of its own"
    return played


def check_ledger(details: dict[str, Any], explained: set[str], track: str = "camera") -> None:
    """Every millisecond of a track has one outcome, and each gap a cause of the expected ones."""
    rows = [row for row in details["ledger"] if row["track"] == track]
    ends = [0, *(row["to_ms"] for row in rows)]
    assert [row["from_ms"] for row in rows] == ends[:-1], "the rows follow each other without overlap or hole"
    assert ends[-1] == details["ended_at"] - details["started_at"]
    assert any(row["outcome"] == "recorded" for row in rows)
    # The last slice ends some frames before the session does, on a busy machine more of them.
    if rows[-1]["outcome"] != "recorded" and rows[-1]["to_ms"] - rows[-1]["from_ms"] < LAST_SLICE_MS:
        rows.pop()
    assert {row["cause"] for row in rows if row["outcome"] != "recorded"} <= explained, rows


def only_session(running: Deployment) -> str:
    """The uuid of the one session that exists."""
    with running.database() as database, database.read() as db:
        return db.scalars(select(Session.uuid)).one()


def session_of(running: Deployment, candidate: Candidate) -> str:
    """The uuid of the one session of a candidate's attempt."""
    with running.database() as database, database.read() as db:
        return db.scalars(select(Session.uuid).where(Session.external_id == candidate.attempt)).one()


def wait_finalised(running: Deployment, uuid: str) -> dict[str, Any]:
    """The session's details once its recording is made from everything that arrived."""

    def ready() -> bool:
        with running.database() as database, database.read() as db:
            row = db.scalars(select(Session).where(Session.uuid == uuid)).one()
            return row.finalised_at is not None and (row.finalise_wanted_at or 0) <= row.finalised_at

    wait_until(ready, 30, "finalisation")
    return running.details(uuid)


def pieces(running: Deployment, uuid: str, track: str = "camera") -> set[tuple[int, int]]:
    """(run, seq) of every durable piece."""
    with running.database() as database, database.read() as db:
        rows = db.execute(
            select(Piece.run, Piece.seq)
            .join(Session, Session.id == Piece.session_id)
            .where(Session.uuid == uuid, Piece.track == track)
        )
        return {(run, seq) for run, seq in rows}


def two_sources(cookie: str) -> dict[str, Any]:
    """Changes for `write_config`: questions are named by a cookie, all other pages by the attempt in their path."""
    first = {
        "name": "cookie",
        "path": "/exam/<attempt>/q/<page>",
        "session": f"cookie:{cookie}",
        "profile": "cookie:uid",
    }
    return {"first_routes": [first], "route": {"name": "attempt", "mode": "inline"}}


def sessions_kept_over_two_logins(running: Deployment, visitor: Visitor) -> dict[str, bool]:
    """Whether an attempt keeps its session when its candidate logs in anew, by the route's name."""
    visitor.log_in()
    base = visitor.start()
    pages = {"attempt": f"{base}/instructions", "cookie": f"{base}/q/1"}
    before = {name: start_over_http(running, visitor, name, page) for name, page in pages.items()}
    for name, page in pages.items():
        assert start_over_http(running, visitor, name, page) == before[name], "the next page goes on with it"
    visitor.log_in()
    return {name: start_over_http(running, visitor, name, page) == before[name] for name, page in pages.items()}


def start_over_http(running: Deployment, visitor: Visitor, route: str, page: str) -> str:
    """Opens a protected page and starts its session as the injected code would; the session's uuid."""
    assert f'data-proview-route="{route}"' in visitor.get(page).text
    answer = visitor.http.post(
        f"{running.url}/proview/v1/sessions", json={"route": route}, headers={"Origin": running.url}, timeout=10
    )
    answer.raise_for_status()
    return str(answer.json()["session_uuid"])
