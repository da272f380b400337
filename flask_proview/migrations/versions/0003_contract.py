"""Termination callbacks, photos, an LMS's quizzes; sittings, approval, index and who the candidate is"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "quizzes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("quiz_id", sa.String(length=64), nullable=False),
        sa.Column("course_id", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=512), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quizzes")),
        sa.UniqueConstraint("account", "quiz_id", name=op.f("uq_quizzes_account")),
    )
    op.create_table(
        "callbacks",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("session_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("delivery", sa.String(length=36), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("leased_until", sa.BigInteger(), nullable=False),
        sa.Column("delivered_at", sa.BigInteger(), nullable=True),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_callbacks_session_id_sessions"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callbacks")),
        sa.UniqueConstraint("delivery", name=op.f("uq_callbacks_delivery")),
    )
    op.create_index("ix_callbacks_due", "callbacks", ["state", "next_at"], unique=False)
    op.create_index(op.f("ix_callbacks_session_id"), "callbacks", ["session_id"], unique=False)
    op.create_table(
        "photos",
        sa.Column("session_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("mime", sa.String(length=64), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_photos_session_id_sessions"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_id", "kind", name=op.f("pk_photos")),
    )
    op.add_column("sessions", sa.Column("proview_index", sa.String(length=16), nullable=True))
    op.add_column("sessions", sa.Column("proview_score", sa.Integer(), nullable=True))
    op.add_column("sessions", sa.Column("sitting", sa.String(length=36), nullable=True))
    op.add_column("sessions", sa.Column("approval", sa.String(length=16), nullable=True))
    op.add_column("sessions", sa.Column("approval_reason", sa.String(length=512), nullable=True))
    op.add_column("sessions", sa.Column("attendee", sa.JSON(), server_default="{}", nullable=False))
    op.add_column("sessions", sa.Column("workflow", sa.JSON(), server_default="{}", nullable=False))
    op.create_index(op.f("ix_sessions_sitting"), "sessions", ["sitting"], unique=False)
