"""Mailbox: messages to browsers that cannot be reached over the bus, and who holds a session's way back"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Not as a batch: SQLite would copy the table, and dropping the old one would take all rows that refer to it along.
    op.add_column("sessions", sa.Column("peer", sa.String(length=72), nullable=True))
    op.add_column("sessions", sa.Column("mail_seq", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("sessions", sa.Column("mail_read", sa.BigInteger(), server_default="0", nullable=False))
    op.create_table(
        "mail",
        sa.Column("session_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_mail_session_id_sessions"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_id", "seq", name=op.f("pk_mail")),
    )
    op.create_index(op.f("ix_mail_created_at"), "mail", ["created_at"])
