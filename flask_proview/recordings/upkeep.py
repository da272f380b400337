"""What the jobs process does every minute for stored evidence: copies, scrubs, and a look at second sources that came late."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from sqlalchemy import select

from flask_proview.config import Config
from flask_proview.errors import ProviewError
from flask_proview.sessions.database import Database, now_ms
from flask_proview.sessions.models import Session

from .archive import Archive
from .damages import wish_finalise
from .layout import Layout
from .objects import ObjectStoreError
from .scrub import Pace, Scrubber, Stopped

log = logging.getLogger(__name__)

COPIES_A_TURN, PRUNES_A_TURN = 100, 20
SCRUB_S = 20.0
# The media process ends a live connection seconds after the session; what changes later than this was touched by a hand.
LIVE_FILES_MS = 2 * 3_600_000
MIB = 1 << 20


def archive_turn(db: Database, config: Config, stopping: threading.Event) -> None:
    """Copy what waits; then let go of local files whose time has come. A store that is down is asked again in a minute."""
    archive = Archive(db, config)
    try:
        for session in archive.waiting(COPIES_A_TURN):
            if stopping.is_set():
                return
            try:
                count = archive.copy(session)
            except ProviewError as error:
                log.error("session %s was not copied: %s", session.uuid, error)
            else:
                log.info("session %s: %d file(s) copied to the object store and compared", session.uuid, count)
        scrubber = Scrubber(db, config, Pace(0, stopping))
        for session in archive.prunable(now_ms(), PRUNES_A_TURN):
            # The last look at the local bytes: what is damaged must not be what remains.
            if scrubber.scrub(session).sound and archive.prune(session):
                log.info("session %s: local files removed, the object store has them", session.uuid)
    except ObjectStoreError as error:
        log.warning("the object store cannot be used now, everything stays local: %s", error)
    except Stopped:
        log.info("stopped while comparing; it goes on after the next start")


def scrub_turn(db: Database, config: Config, stopping: threading.Event) -> None:
    """Read for a while what was not read for ``storage.scrub_days``."""
    try:
        Scrubber(db, config, Pace(config.storage.scrub_mb_s * MIB, stopping)).turn(SCRUB_S)
    except Stopped:
        log.info("stopped while scrubbing; it goes on after the next start")


def look_for_newer_live_files(db: Database, config: Config) -> int:
    """Wish the recordings of sessions made again whose second source grew after they were made; how many."""
    layout, count = Layout(Path(config.storage.recordings)), 0
    query = select(Session).where(
        Session.ended_at > now_ms() - LIVE_FILES_MS, Session.finalised_at.is_not(None), Session.pruned_at.is_(None)
    )
    with db.read() as orm:
        sessions = list(orm.scalars(query))
    for session in sessions:
        newest = max((path.stat().st_mtime_ns for path in layout.live_dir(session.uuid).glob("*.webm")), default=0)
        if session.finalised_at is not None and newest // 1_000_000 > session.finalised_at:
            wish_finalise(db, session.id)
            count += 1
    return count
