"""What a fault of the network has at hand: the line, relays, the candidate's page, a proctor's; and what is noted of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page, Playwright, WebSocket

from tests.e2e.browser import Candidate, chromium, log_in_to_console
from tests.e2e.installation import PASSWORD, Installation, wait_until

from .judge import Record, arrived, is_drained, sessions_of
from .namespace import SERVER, Line
from .relay import TcpRelay
from .udp_relay import UdpRelay

# One for the candidate, one for the proctor, and some for connections that replace others.
MEDIA_PORTS = 12
DRAIN_S = 240.0
EVENTS = "() => { window.seen = []; ProctorClient3.on('*', (event) => seen.push([event.name, Date.now()])) }"


@dataclass
class Outcome:
    """What one session met and what is left of it."""

    fault: str
    what: str
    recorded_ms: int = 0
    missing_ms: int = 0
    sessions: int = 0
    pieces: int = 0
    dropped_packets: int = 0
    # From the beginning of the silence until the page is told, and how far from it the beginning lies that it is told.
    told_s: float | None = None
    begin_off_s: float | None = None
    # From the end of the fault until the page is told, and until everything is there.
    back_s: float | None = None
    drained_s: float | None = None
    notes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not self.faults and not self.missing_ms and self.recorded_ms > 0

    def line(self) -> str:
        """What was done, seconds missing, time to be back, verdict."""
        parts = [f"{self.recorded_ms / 1000:.1f} s recorded", f"{self.missing_ms / 1000:.2f} s missing"]
        if self.told_s is not None and self.begin_off_s is not None:
            parts.append(f"told after {self.told_s:.1f} s ({self.begin_off_s:+.1f} s off)")
        if self.back_s is not None:
            parts.append(f"back after {self.back_s:.1f} s")
        if self.drained_s is not None:
            parts.append(f"all there after {self.drained_s:.1f} s")
        if self.dropped_packets:
            parts.append(f"{self.dropped_packets} packets dropped")
        if self.sessions > 1:
            parts.append(f"{self.sessions} sessions")
        verdict = "good" if self.good else "BAD: " + "; ".join(self.faults or ["something is missing"])
        return f"{self.what}: {', '.join([*parts, *self.notes])}: {verdict}"


class Scene:
    """One fault's exam."""

    candidate: Candidate

    def __init__(
        self, playwright: Playwright, running: Installation, line: Line, folder: Path, outcome: Outcome
    ) -> None:
        self._playwright = playwright
        self.running = running
        self.line = line
        self.outcome = outcome
        self._folder = folder
        self._stack = ExitStack()
        self._relay: TcpRelay | None = None
        self._at_fault = 0.0
        self._at_mend = 0.0
        # When sockets that were opened since the beginning said and heard what.
        self.hellos: list[float] = []
        self.welcomes: list[float] = []
        self.mismatches: list[float] = []

    @contextmanager
    def open(self) -> Iterator[None]:
        """Whatever the fault opened is closed afterwards."""
        with self._stack:
            yield

    @property
    def page(self) -> Page:
        return self.candidate.page

    @property
    def attempt(self) -> str:
        return self.candidate.attempt

    def watch(self, browser: BrowserContext) -> None:
        """From the first page on."""
        browser.on("page", lambda page: page.on("websocket", self._watch))

    def begin(self, candidate: Candidate) -> None:
        """The exam has begun; a few seconds of it are there."""
        self.candidate = candidate
        self.page.evaluate(EVENTS)
        self.wait_recorded(4)

    def _watch(self, socket: WebSocket) -> None:
        socket.on("framesent", lambda frame: self._frame(frame, '"hello"', self.hellos))
        socket.on("framereceived", lambda frame: self._frame(frame, '"welcome"', self.welcomes))
        socket.on("framereceived", lambda frame: self._frame(frame, '"digest_mismatch"', self.mismatches))

    def _frame(self, frame: str | bytes, word: str, seen: list[float]) -> None:
        if isinstance(frame, str) and word in frame:
            seen.append(time.monotonic())

    def wait_recorded(self, seconds: float) -> None:
        """Until what is recorded from now on has arrived."""
        until = time.time() * 1000 + seconds * 1000
        self._wait_drained(int(until), f"{seconds} s of recording")

    def _wait_drained(self, until_ms: int, what: str) -> None:
        try:
            self.wait(lambda: is_drained(self.running, self.attempt, until_ms), DRAIN_S, what)
        except AssertionError as error:
            raise AssertionError(f"{error}: {arrived(self.running, self.attempt)}") from None

    def wait(self, condition: Callable[[], object], within_s: float, what: str) -> None:
        """`wait_until` in which the page's events are heard meanwhile."""
        end = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < end, f"{what} did not come true within {within_s:.0f} s"
            self.page.wait_for_timeout(250)

    def pass_time(self, seconds: float) -> None:
        self.page.wait_for_timeout(seconds * 1000)

    def strike(self) -> None:
        """The fault begins."""
        self._at_fault = time.time()

    def mend(self, *, keep: bool = False) -> None:
        """The fault is over, or, with ``keep``, goes on and is to be lived with: notes how soon everything is there."""
        self.outcome.dropped_packets = self.line.dropped()
        if not keep:
            self.line.mend(through=self._relay.port if self._relay else None)
        self._at_mend = time.time()
        until = int(self._at_mend * 1000)
        self._wait_drained(until, "all of the fault's time at the service")
        self.outcome.drained_s = time.time() - self._at_mend
        self.wait_recorded(2)

    def finish(self) -> None:
        self.happened = [(str(name), float(at) / 1000) for name, at in self.page.evaluate("window.seen")]
        self.ended_ms = int(time.time() * 1000)
        self.candidate.stop()

    def when(self, name: str, after: float) -> float | None:
        """When the page was told of an event, epoch seconds."""
        return next((at for what, at in self.happened if what == name and at >= after), None)

    def sum_up(self, record: Record, told: bool | None) -> None:
        """``told``: whether the page must have been told of a loss; None: it may."""
        outcome = self.outcome
        outcome.recorded_ms, outcome.missing_ms = record.recorded_ms, record.missing_ms
        outcome.sessions, outcome.pieces = record.sessions, record.pieces
        outcome.notes += [
            f"{(end - start) / 1000:.2f} s without recording at {(start - record.started_ms) / 1000:.1f} s ({cause})"
            for start, end, cause in record.holes
        ]
        lost = self.when("Network Lost", self._at_fault) if self._at_fault else None
        if lost is not None:
            began = min(record.lost_at, key=lambda at: abs(at / 1000 - self._at_fault), default=0) / 1000
            outcome.told_s, outcome.begin_off_s = lost - self._at_fault, began - self._at_fault
            back = self.when("Network Restored", self._at_mend)
            outcome.back_s = None if back is None else back - self._at_mend
        if told is not None and told != bool(record.lost_at):
            outcome.faults.append("the page was told of a loss" if record.lost_at else "nobody was told of the loss")
        if told and len(record.lost_at) != len(record.restored_at):
            outcome.faults.append(f"lost {len(record.lost_at)} times, restored {len(record.restored_at)} times")

    @property
    def relay(self) -> TcpRelay:
        assert self._relay
        return self._relay

    def tcp_relay(self) -> None:
        """New connections of the browser go through ``relay`` from now on."""
        self._relay = self._stack.enter_context(TcpRelay(urlsplit(self.running.url).port or 0))
        self.line.through(self._relay.port)

    def udp_relays(self) -> list[UdpRelay]:
        """The candidate's live view goes through them."""
        ports = self.running.config.media.udp_ports
        assert ports
        relays = {
            port: self._stack.enter_context(UdpRelay((SERVER, port), SERVER, marked=True))
            for port in range(ports[0], ports[1] + 1)
        }
        self.line.divert({port: relay.port for port, relay in relays.items()})
        return list(relays.values())

    def proctor(self) -> Page:
        """Somebody at the server's side who looks at the session."""
        browser = self._stack.enter_context(chromium(self._playwright, self._folder / "proctor"))
        page = browser.new_page()
        log_in_to_console(page, self.running.console, PASSWORD)
        wait_until(lambda: sessions_of(self.running, self.attempt), what="the session")
        uuid = sessions_of(self.running, self.attempt)[-1].uuid
        page.goto(f"{self.running.console}sessions/{uuid}")
        return page
