"""What the handlers need, built once per application; ``app.extensions["proview"]``. No module-level state anywhere.

``build_runtime`` opens nothing that a fork would break; :meth:`Runtime.start` starts threads and connections and is called
in each worker process.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Request

from flask_proview.bus import Bus, Subscription, make_bus
from flask_proview.config import Config
from flask_proview.jobs import Jobs
from flask_proview.links import LinkError, MediaLink
from flask_proview.recordings.archive import Archive
from flask_proview.recordings.layout import Layout
from flask_proview.recordings.pieces import PieceStore
from flask_proview.recordings.soundness import Soundness
from flask_proview.sessions.database import Database, has_tables, is_current, upgrade
from flask_proview.sessions.events import EventStore
from flask_proview.sessions.mailbox import Mailbox
from flask_proview.sessions.quizzes import QuizStore
from flask_proview.sessions.refusals import RefusalStore
from flask_proview.sessions.store import SessionStore
from flask_proview.sessions.users import LoginStore, UserStore
from flask_proview.tokens import TokenSigner

from .commands import Commands
from .debounce import Debounce
from .forwarded import Forwarded
from .holding import Places
from .metrics import Counters
from .quota import Quota
from .viewers import TOPIC as VIEWERS_TOPIC
from .viewers import Viewers

# Who may see the recording of a session besides the holder of its ticket: request, session uuid → yes or no.
PlaybackGate = Callable[[Request, str], bool]
# A drain of thousands of late pieces makes one finalisation in this many seconds, not thousands.
LATE_FINALISE_S = 3.0
MEDIA_STATUS_S = 1.0
logger = logging.getLogger(__name__)


@dataclass
class Runtime:
    """Stores, signer, bus, jobs and the media link of one application."""

    config: Config
    signer: TokenSigner
    db: Database
    layout: Layout
    sessions: SessionStore
    events: EventStore
    pieces: PieceStore
    archive: Archive
    soundness: Soundness
    users: UserStore
    logins: LoginStore
    refusals: RefusalStore
    quizzes: QuizStore
    jobs: Jobs
    bus: Bus
    mailbox: Mailbox
    commands: Commands
    media: MediaLink
    forwarded: Forwarded
    viewers: Viewers
    counters: Counters
    start_quota: Quota
    login_quota: Quota
    address_quota: Quota
    late: Debounce
    places: Places = field(default_factory=Places)
    playback_gates: list[PlaybackGate] = field(default_factory=list)
    # What to call when the process is going to end; sockets wait for longer than that.
    leaving: set[Callable[[], None]] = field(default_factory=set)
    draining: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _started_in: int | None = None
    _subscriptions: list[Subscription] = field(default_factory=list)

    def start(self) -> None:
        """Start what runs in the background of this process. Safe to call again, and again after a fork."""
        with self._lock:
            if self._started_in == os.getpid():
                return
            if self._started_in is not None:
                # Connections of the parent belong to the parent.
                self.db.engine.dispose(close=False)
                self._started_in = None
            prepare_database(self.db)
            self.draining = False
            self.places.open()
            self.pieces.start()
            self._subscriptions = [self.bus.subscribe(VIEWERS_TOPIC, self.viewers.on_message)]
            if self.config.media.live != "off":
                self.media.start()
            # Last: what failed half-way (a database that is down) is begun again by the next call.
            self._started_in = os.getpid()

    def drain(self) -> None:
        """The process is going to end: sockets are told to connect again, held polls are answered. Never blocks."""
        self.draining = True
        self.places.close()
        for leave in list(self.leaving):
            leave()

    def stop(self) -> None:
        """Stop in reverse order. Safe to call twice."""
        with self._lock:
            self._started_in = None
            for subscription in self._subscriptions:
                subscription.close()
            self._subscriptions = []
            self.pieces.stop()
            self.media.close()
            self.bus.close()
            self.db.dispose()


def prepare_database(db: Database) -> None:
    """Create the tables of a new database. An old schema is left to ``proview db upgrade``; /readyz says so."""
    if has_tables(db):
        return
    try:
        upgrade(db.url)
    except Exception:
        # Two workers start at once on a new database: one of them wins.
        if not is_current(db):
            raise


def build_runtime(config: Config) -> Runtime:
    """All parts of the service for ``config``."""
    bus = make_bus(config)
    db = Database(config.storage.database)
    counters = Counters()
    mailbox = Mailbox(db)
    commands = Commands(bus, mailbox)

    def on_media_event(message: dict[str, Any]) -> None:
        viewers.on_media_event(message)

    media = MediaLink(config, on_event=on_media_event)

    def media_status() -> dict[str, Any]:
        try:
            return media.request("status", timeout_s=MEDIA_STATUS_S) if media.connected else {}
        except LinkError:
            return {}

    viewers = Viewers(bus, commands, media_status)

    per_minute = config.limits.starts_per_minute
    return Runtime(
        config=config,
        signer=TokenSigner(config.secrets.keys),
        db=db,
        layout=Layout(Path(config.storage.recordings)),
        sessions=SessionStore(db, config),
        events=EventStore(db, config),
        pieces=PieceStore(db, config),
        archive=Archive(db, config),
        soundness=Soundness(),
        users=UserStore(db),
        logins=LoginStore(db, config),
        refusals=RefusalStore(db),
        quizzes=QuizStore(db),
        jobs=Jobs(config),
        bus=bus,
        mailbox=mailbox,
        commands=commands,
        media=media,
        forwarded=Forwarded(config),
        viewers=viewers,
        counters=counters,
        start_quota=Quota(per_minute, burst=max(1, per_minute)),
        # Guessing one password: 10 at once, then one in 6 s; and no address tries more than 60 names a minute.
        login_quota=Quota(10, burst=10),
        address_quota=Quota(60, burst=60),
        late=Debounce(LATE_FINALISE_S),
    )
