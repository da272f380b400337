"""The tables. Times are epoch milliseconds (server clock), media positions are session-clock milliseconds.

Evidence tables (runs, pieces, events, conflicts) only ever grow while a session lives; nothing updates an accepted piece.
"""

from __future__ import annotations

import enum
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, MetaData, String, Text, UniqueConstraint, false
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# SQLite only autoincrements INTEGER PRIMARY KEY, PostgreSQL wants BIGINT for a table that grows by pieces.
BigId = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class State(enum.StrEnum):
    """Life of a session (docs/protocol.md, States)."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    TERMINATED = "terminated"
    EXPIRED = "expired"

    @property
    def ended(self) -> bool:
        return self in (State.STOPPED, State.TERMINATED, State.EXPIRED)


OPEN_STATES = (State.CREATED, State.RUNNING, State.PAUSED)


class Session(Base):
    """One proctored sitting of one candidate."""

    __tablename__ = "sessions"
    __table_args__ = (
        Index("ix_sessions_identity", "account", "external_id", "profile_id"),
        Index("ix_sessions_state_seen", "state", "last_seen_at"),
        # An open connection or a queued job may outlive the session whose id it holds.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    uuid: Mapped[str] = mapped_column(String(36), unique=True)
    account: Mapped[str] = mapped_column(String(64))
    external_id: Mapped[str] = mapped_column(String(256))
    profile_id: Mapped[str] = mapped_column(String(256), default="")
    route: Mapped[str | None] = mapped_column(String(64))
    session_type: Mapped[str] = mapped_column(String(32))
    title: Mapped[str | None] = mapped_column(String(512))
    origin: Mapped[str] = mapped_column(String(300))
    options: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    user_agent: Mapped[str] = mapped_column(String(512), default="")
    address: Mapped[str] = mapped_column(String(64), default="")
    state: Mapped[str] = mapped_column(String(16), default=State.CREATED.value)
    end_reason: Mapped[str | None] = mapped_column(String(32))
    created_at: Mapped[int] = mapped_column(BigInteger)
    started_at: Mapped[int] = mapped_column(BigInteger, index=True)
    ended_at: Mapped[int | None] = mapped_column(BigInteger)
    last_seen_at: Mapped[int] = mapped_column(BigInteger)
    continues: Mapped[str | None] = mapped_column(String(36))
    bytes_stored: Mapped[int] = mapped_column(BigInteger, default=0)
    revoked: Mapped[bool] = mapped_column(default=False, server_default=false())
    finalise_wanted_at: Mapped[int | None] = mapped_column(BigInteger)
    finalised_at: Mapped[int | None] = mapped_column(BigInteger)
    final_rating: Mapped[str | None] = mapped_column(String(16))
    # The suggestion of index.py, made with the recordings: level and score.
    proview_index: Mapped[str | None] = mapped_column(String(16))
    proview_score: Mapped[int | None] = mapped_column(Integer)
    # uuid of the first session of a sitting that was rolled over; null while there is only one.
    sitting: Mapped[str | None] = mapped_column(String(36), index=True)
    # live_proctor: waiting, approved or rejected; null where nobody has to approve.
    approval: Mapped[str | None] = mapped_column(String(16))
    approval_reason: Mapped[str | None] = mapped_column(String(512))
    attendee: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, server_default="{}")
    workflow: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, server_default="{}")
    # Who holds the way back to the browser, its socket or its polls: the newest one.
    peer: Mapped[str | None] = mapped_column(String(72))
    mail_seq: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    mail_read: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    # Every byte of it was last read and compared with its digest at …; its files have verified copies since …; and are no longer local since ….
    scrubbed_at: Mapped[int | None] = mapped_column(BigInteger, index=True)
    archived_at: Mapped[int | None] = mapped_column(BigInteger)
    pruned_at: Mapped[int | None] = mapped_column(BigInteger)


class Mail(Base):
    """A message for the browser of a session. Numbers are given under the session row's lock, so a cursor never skips one."""

    __tablename__ = "mail"

    session_id: Mapped[int] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(32))
    body: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[int] = mapped_column(BigInteger, index=True)


class Run(Base):
    """One recorder start of one track. ``source``: ``upload`` or ``live``."""

    __tablename__ = "runs"

    session_id: Mapped[int] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True)
    track: Mapped[str] = mapped_column(String(16), primary_key=True)
    run: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    mime: Mapped[str] = mapped_column(String(128), default="")
    start_ms: Mapped[int] = mapped_column(BigInteger)
    last_seq: Mapped[int | None] = mapped_column(Integer)
    first_received_at: Mapped[int] = mapped_column(BigInteger)


class Piece(Base):
    """One durable slice. ``offset`` and ``length`` place its bytes in the run's file; the row is the truth."""

    __tablename__ = "pieces"

    session_id: Mapped[int] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True)
    track: Mapped[str] = mapped_column(String(16), primary_key=True)
    run: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    sha256: Mapped[str] = mapped_column(String(64))
    offset: Mapped[int] = mapped_column(BigInteger)
    length: Mapped[int] = mapped_column(Integer)
    start_ms: Mapped[int] = mapped_column(BigInteger)
    duration_ms: Mapped[int] = mapped_column(Integer)
    received_at: Mapped[int] = mapped_column(BigInteger)


class Damage(Base):
    """An accepted piece whose bytes are not on disk as its row says. The row of the piece stays; finalise goes round it."""

    __tablename__ = "damages"

    session_id: Mapped[int] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True)
    track: Mapped[str] = mapped_column(String(16), primary_key=True)
    run: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    what: Mapped[str] = mapped_column(String(16))
    found_at: Mapped[int] = mapped_column(BigInteger)


class Copy(Base):
    """A file of a session that lies in the object store as well: read back and compared before this row was written."""

    __tablename__ = "copies"

    session_id: Mapped[int] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(128), primary_key=True)
    bytes: Mapped[int] = mapped_column(BigInteger)
    mtime_ns: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    copied_at: Mapped[int] = mapped_column(BigInteger)


class Conflict(Base):
    """Other bytes sent for a piece that was already accepted: refused, kept on record."""

    __tablename__ = "conflicts"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), index=True)
    track: Mapped[str] = mapped_column(String(16))
    run: Mapped[int] = mapped_column(BigInteger)
    seq: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[str] = mapped_column(String(64))
    length: Mapped[int] = mapped_column(Integer)
    received_at: Mapped[int] = mapped_column(BigInteger)


class Event(Base):
    """Something the browser (``client_seq`` set) or the server (``client_seq`` null) observed."""

    __tablename__ = "events"
    __table_args__ = (
        UniqueConstraint("session_id", "client_seq"),
        Index("ix_events_session_at", "session_id", "at_ms"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"))
    client_seq: Mapped[int | None] = mapped_column(BigInteger)
    event_type_id: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(String(80))
    at_ms: Mapped[int] = mapped_column(BigInteger)
    received_at: Mapped[int] = mapped_column(BigInteger)
    data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class Recording(Base):
    """A finished, seekable file of one track; replaced as a whole when late pieces arrive."""

    __tablename__ = "recordings"

    session_id: Mapped[int] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True)
    track: Mapped[str] = mapped_column(String(16), primary_key=True)
    path: Mapped[str] = mapped_column(String(512))
    mime: Mapped[str] = mapped_column(String(128))
    offset_ms: Mapped[int] = mapped_column(BigInteger)
    duration_ms: Mapped[int] = mapped_column(BigInteger)
    bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[int] = mapped_column(BigInteger)
    notes: Mapped[list[Any]] = mapped_column(JSON, default=list)


class Outcome(Base):
    """The ledger: every second of a track is recorded or a gap with its cause."""

    __tablename__ = "outcomes"

    session_id: Mapped[int] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True)
    track: Mapped[str] = mapped_column(String(16), primary_key=True)
    from_ms: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    to_ms: Mapped[int] = mapped_column(BigInteger)
    outcome: Mapped[str] = mapped_column(String(16))
    cause: Mapped[str | None] = mapped_column(String(32))
    source: Mapped[str | None] = mapped_column(String(16))


class User(Base):
    """A person of the console."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    role: Mapped[str] = mapped_column(String(16))
    password_hash: Mapped[str] = mapped_column(String(256))
    created_at: Mapped[int] = mapped_column(BigInteger)
    disabled: Mapped[bool] = mapped_column(default=False, server_default=false())


class Login(Base):
    """A console login (server-side session). ``id_hash`` is SHA-256 of the cookie, so that a leaked table opens nothing."""

    __tablename__ = "logins"

    id_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    csrf: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[int] = mapped_column(BigInteger)
    last_used_at: Mapped[int] = mapped_column(BigInteger)
    address: Mapped[str] = mapped_column(String(64), default="")


class Refusal(Base):
    """Pages passed on without proctoring, counted per place and reason."""

    __tablename__ = "refusals"
    __table_args__ = (UniqueConstraint("route", "account", "reason", "host"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    route: Mapped[str] = mapped_column(String(64))
    account: Mapped[str] = mapped_column(String(64), default="")
    reason: Mapped[str] = mapped_column(String(32))
    host: Mapped[str] = mapped_column(String(300))
    path: Mapped[str] = mapped_column(String(512))
    detail: Mapped[str] = mapped_column(Text, default="")
    count: Mapped[int] = mapped_column(Integer, default=0)
    first_at: Mapped[int] = mapped_column(BigInteger)
    last_at: Mapped[int] = mapped_column(BigInteger)


class Photo(Base):
    """A still that the candidate took before the exam: of a photo ID (``id``) or of the face (``face``). A retake is another version."""

    __tablename__ = "photos"

    session_id: Mapped[int] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    sha256: Mapped[str] = mapped_column(String(64))
    bytes: Mapped[int] = mapped_column(BigInteger)
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    at_ms: Mapped[int] = mapped_column(BigInteger)
    received_at: Mapped[int] = mapped_column(BigInteger)


class Callback(Base):
    """A termination callback to be posted (outbox). ``body`` is what is sent and signed, byte for byte."""

    __tablename__ = "callbacks"
    __table_args__ = (Index("ix_callbacks_due", "state", "next_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("sessions.id", ondelete="CASCADE"), index=True)
    delivery: Mapped[str] = mapped_column(String(36), unique=True)
    account: Mapped[str] = mapped_column(String(64))
    body: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[int] = mapped_column(BigInteger)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    next_at: Mapped[int] = mapped_column(BigInteger)
    leased_until: Mapped[int] = mapped_column(BigInteger, default=0)
    delivered_at: Mapped[int | None] = mapped_column(BigInteger)
    last_status: Mapped[int | None] = mapped_column(Integer)
    last_error: Mapped[str] = mapped_column(Text, default="")


class Quiz(Base):
    """What an LMS said about one of its quizzes; selects the policy of sessions that belong to it."""

    __tablename__ = "quizzes"
    __table_args__ = (UniqueConstraint("account", "quiz_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account: Mapped[str] = mapped_column(String(64))
    quiz_id: Mapped[str] = mapped_column(String(64))
    course_id: Mapped[str] = mapped_column(String(64), default="")
    title: Mapped[str] = mapped_column(String(512), default="")
    fields: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    updated_at: Mapped[int] = mapped_column(BigInteger)
    deleted: Mapped[bool] = mapped_column(default=False, server_default=false())
