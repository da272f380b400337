"""Background work, by name: finalise a session, close silent sessions, post callbacks, find what was forgotten. Queued with Huey.

The queue is only the bell: what has to be done stands in the database (``finalise_wanted_at``, ``last_seen_at``), so a lost
queue costs a minute, not a recording. The work itself is in recordings/ and sessions/ and is imported when it runs, so
that the web process never loads a demultiplexer.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

from huey import Huey, RedisHuey, SqliteHuey, crontab
from huey.consumer import Consumer
from huey.serializer import SignedSerializer
from sqlalchemy import or_, select

from flask_proview.catalogue import EXPIRED
from flask_proview.clock_steps import ClockSteps
from flask_proview.config import Config
from flask_proview.sessions.callbacks import CallbackStore
from flask_proview.sessions.database import WAL_ALARM_BYTES, Database, now_ms
from flask_proview.sessions.events import EventStore
from flask_proview.sessions.mailbox import Mailbox
from flask_proview.sessions.models import OPEN_STATES, Session, State
from flask_proview.sessions.store import SessionStore

log = logging.getLogger(__name__)

# Copies and scrubs may each hold one for a while; finalise and callbacks do not wait for them.
WORKERS = 4
# How soon an idle worker looks again; a finished session is to be playable within seconds.
IDLE_POLL_S = 0.2
RETRIES, RETRY_S = 6, 2
RECONCILE_BATCH = 500
# Another worker has the session; look again when it may be done.
LOCKED_RETRY_S = 1.0
# A piece that was on its way when the session ended knows nothing of the end, so nobody queues anything for it.
LOOK_AGAIN_S = 1.5
# The minute's reconcile would come too late for a first retry.
SOON_S = 60.0


class Jobs:
    """Queues work, and is the queue that :func:`run_worker` serves.

    :param immediate: run everything in the caller (tests, and installations without a jobs process).
    """

    def __init__(self, config: Config, immediate: bool = False) -> None:
        self._config = config
        self.huey = _make_huey(config, immediate)
        self._finalise = self.huey.task(retries=RETRIES, retry_delay=RETRY_S, retry_backoff=2, name="finalise")(
            self._run_finalise
        )
        self._watch = self.huey.task(retries=RETRIES, retry_delay=RETRY_S, name="watch_heartbeat")(self._run_watch)
        self._callbacks = self.huey.task(name="send_callbacks")(self._run_callbacks)
        self.huey.periodic_task(crontab(minute="*"), name="reconcile")(self.reconcile)
        self._archive = self.huey.task(name="archive")(self._run_archive)
        self.huey.periodic_task(crontab(minute="*"), name="archive_waiting")(self._run_archive)
        self.huey.periodic_task(crontab(minute="*"), name="scrub")(self._run_scrub)
        self._archiving, self._scrubbing = threading.Lock(), threading.Lock()
        self.stopping = threading.Event()
        self._steps = ClockSteps()

    def finalise_soon(self, uuid: str, delay_s: float = 0.0) -> None:
        """Make the recordings of a session, now or after a while."""
        self._queue(self._finalise, uuid, delay_s)

    def watch_heartbeat(self, uuid: str, delay_s: float) -> None:
        """Look after ``delay_s`` whether the session still lives; the look repeats itself while it does."""
        self._queue(self._watch, uuid, delay_s)

    def callbacks_soon(self, delay_s: float = 0.0) -> None:
        """Send the callbacks that are due, now or after a while."""
        if delay_s > 0 and not self.huey.immediate:
            self._callbacks.schedule(delay=delay_s)
        elif not self.huey.immediate:
            self._callbacks()
        elif delay_s == 0:
            self._run_callbacks()

    def _run_callbacks(self) -> None:
        from flask_proview.callback_sender import CallbackSender

        def send(db: Database) -> None:
            wait = CallbackSender(db, self._config).send_due()
            # Later ones are found by the next minute's reconcile.
            if wait is not None and wait < SOON_S:
                self.callbacks_soon(max(wait, 0.5))

        self._with_database(send)

    def recover(self) -> None:
        """Bring files and rows into agreement after a crash."""
        from flask_proview.recordings.recovery import Recovery

        self._with_database(lambda db: Recovery(db, self._config).recover())

    def _run_archive(self) -> None:
        from flask_proview.recordings.upkeep import archive_turn

        # Still at it from the last minute (the store is slow): one is enough.
        if self._archiving.acquire(blocking=False):
            try:
                self._with_database(lambda db: archive_turn(db, self._config, self.stopping))
            finally:
                self._archiving.release()

    def _run_scrub(self) -> None:
        from flask_proview.recordings.upkeep import scrub_turn

        if self._scrubbing.acquire(blocking=False):
            try:
                self._with_database(lambda db: scrub_turn(db, self._config, self.stopping))
            finally:
                self._scrubbing.release()

    def _queue(self, task: Any, uuid: str, delay_s: float) -> None:
        if self.huey.immediate:
            # Huey's immediate mode runs delayed tasks at once, and a watch that repeats itself would never end.
            if task is not self._watch:
                task(uuid)
        elif delay_s > 0:
            task.schedule(args=(uuid,), delay=delay_s)
        else:
            task(uuid)

    def _run_finalise(self, uuid: str) -> None:
        from flask_proview.recordings.finalise import BeingFinalised, Finaliser

        try:
            made = self._with_database(lambda db: _finalise_if_wanted(Finaliser(db, self._config), db, uuid))
        except BeingFinalised:
            self.finalise_soon(uuid, LOCKED_RETRY_S)
        else:
            if made and not self.huey.immediate:
                self.finalise_soon(uuid, LOOK_AGAIN_S)
            if self._config.storage.objects is not None:
                self._archive()
            if any(account.callback_url for account in self._config.accounts):
                self.callbacks_soon()

    def _run_watch(self, uuid: str) -> None:
        self._with_database(lambda db: self._look(db, uuid))

    def _look(self, db: Database, uuid: str) -> None:
        session = SessionStore(db, self._config).get(uuid)
        if session is None or session.state not in OPEN_STATES:
            return
        left_ms = session.last_seen_at + self._config.limits.heartbeat_timeout_s * 1000 - now_ms()
        left_ms = max(left_ms, round(self.grace_s() * 1000))
        if left_ms > 0:
            self.watch_heartbeat(uuid, left_ms / 1000 + 0.1)
        elif not self._expire(db, uuid):
            self.watch_heartbeat(uuid, 1.0)

    def grace_s(self) -> float:
        """How long nobody may be closed for silence: the clock was set, and browsers need a while for a sign of life by the new time."""
        since = self._steps.since_step_s()
        return 0.0 if since is None else max(0.0, self._config.limits.heartbeat_timeout_s - since)

    def _expire(self, db: Database, uuid: str) -> bool:
        """Close a silent session; False when a sign of life came in between."""
        sessions = SessionStore(db, self._config)
        limit = sessions.silence_limit(now_ms())
        session, changed = sessions.end(uuid, State.EXPIRED, "heartbeat", silent_since=limit)
        if session.state in OPEN_STATES:
            return False
        if changed:
            at_ms = max(0, (session.ended_at or session.started_at) - session.started_at)
            EventStore(db, self._config).add_server(session.id, EXPIRED, at_ms)
            log.info("session %s closed: no sign of life", uuid)
        self.finalise_soon(uuid)
        return True

    def reconcile(self) -> None:
        """Find sessions that ended or went silent without anybody having queued it. Idempotent."""
        self._with_database(self._reconcile)

    def _reconcile(self, db: Database) -> None:
        from flask_proview.recordings.upkeep import look_for_newer_live_files

        for uuid in SessionStore(db, self._config).silent(now_ms()) if not self.grace_s() else ():
            try:
                self._expire(db, uuid)
            except Exception:
                log.exception("session %s could not be closed; it is tried again in a minute", uuid)
        look_for_newer_live_files(db, self._config)
        if (wal := db.wal_bytes()) > WAL_ALARM_BYTES:
            log.warning(
                "the database's write-ahead log has %d MiB: somebody has been reading for long (a backup, a shell?)",
                wal >> 20,
            )
        with db.read() as orm:
            wanted = orm.scalars(
                select(Session.uuid)
                .where(
                    Session.finalise_wanted_at.is_not(None),
                    or_(Session.finalised_at.is_(None), Session.finalised_at < Session.finalise_wanted_at),
                )
                .limit(RECONCILE_BATCH)
            ).all()
        for uuid in wanted:
            self.finalise_soon(uuid)
        if CallbackStore(db).next_due_s() is not None:
            self.callbacks_soon()
        Mailbox(db).sweep(now_ms())

    def _with_database(self, work: Any) -> Any:
        db = Database(self._config.storage.database)
        try:
            return work(db)
        finally:
            db.dispose()


def _finalise_if_wanted(finaliser: Any, db: Database, uuid: str) -> bool:
    """Whether there was something to do."""
    with db.read() as orm:
        session = orm.scalars(select(Session).where(Session.uuid == uuid)).first()
    if session is None or session.finalise_wanted_at is None:
        return False
    if session.finalised_at is not None and session.finalised_at >= session.finalise_wanted_at:
        return False
    finaliser.finalise(uuid)
    return True


def _make_huey(config: Config, immediate: bool) -> Huey:
    # Huey pickles; the signature keeps a writable queue from becoming code that runs here.
    serializer = SignedSerializer(secret=config.secrets.keys[-1], salt="flask-proview.jobs")
    options: dict[str, Any] = {"name": "proview", "results": False, "immediate": immediate, "serializer": serializer}
    if config.bus.url != "memory://":
        return RedisHuey(url=config.bus.url, **options)
    file = Path(config.storage.recordings) / "jobs.db"
    file.parent.mkdir(parents=True, exist_ok=True)
    return SqliteHuey(filename=str(file), fsync=False, timeout=10, **options)


class _Consumer(Consumer):  # type: ignore[misc]
    """Huey's consumer, but signals belong to the process that runs it."""

    def _set_signal_handlers(self) -> None:
        return


def run_worker(config: Config, stop_event: threading.Event) -> None:
    """The jobs process: serves the queue until ``stop_event`` is set."""
    jobs = Jobs(config)
    consumer = _Consumer(
        jobs.huey,
        workers=WORKERS,
        periodic=True,
        initial_delay=0.05,
        backoff=1.15,
        max_delay=IDLE_POLL_S,
        scheduler_interval=1,
    )
    consumer.start()
    try:
        jobs.recover()
        jobs.reconcile()
    except Exception:
        log.exception("reconciling at start failed; it is tried again every minute")
    try:
        graced = False
        while not stop_event.wait(1.0):
            if (jobs.grace_s() > 0) != graced:
                graced = not graced
                log.warning(
                    "the clock was set; nobody is closed for silence %s", "for a while" if graced else "until now"
                )
    finally:
        jobs.stopping.set()
        consumer.stop(graceful=True)
