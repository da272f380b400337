"""SQLite never gives the id of a deleted session to another one, as PostgreSQL never does"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _rebuild(autoincrement=True)


def downgrade() -> None:
    _rebuild(autoincrement=False)


def _rebuild(*, autoincrement: bool) -> None:
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table("sessions", recreate="always", table_kwargs={"sqlite_autoincrement": autoincrement}):
            pass
