"""Damaged pieces; copies in an object store; when a session was scrubbed, archived, pruned"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "damages",
        sa.Column("session_id", BIG_ID, nullable=False),
        sa.Column("track", sa.String(length=16), nullable=False),
        sa.Column("run", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("what", sa.String(length=16), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_damages_session_id_sessions"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_id", "track", "run", "seq", name=op.f("pk_damages")),
    )
    op.create_table(
        "copies",
        sa.Column("session_id", BIG_ID, nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("copied_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_copies_session_id_sessions"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_id", "name", name=op.f("pk_copies")),
    )
    for name in ("scrubbed_at", "archived_at", "pruned_at"):
        op.add_column("sessions", sa.Column(name, sa.BigInteger(), nullable=True))
    op.create_index(op.f("ix_sessions_scrubbed_at"), "sessions", ["scrubbed_at"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_sessions_scrubbed_at"), table_name="sessions")
    for name in ("pruned_at", "archived_at", "scrubbed_at"):
        op.drop_column("sessions", name)
    op.drop_table("copies")
    op.drop_table("damages")
