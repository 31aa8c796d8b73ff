"""Index the reversals of a span, so that totals added up in the database know which entries are in force."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_REVERSALS = sa.text("reverses_id IS NOT NULL")
_COLUMNS = ("day", "booked_in")


def upgrade() -> None:
    for column in _COLUMNS:
        op.create_index(
            f"ix_ledger_entries_reversals_{column}",
            "ledger_entries",
            ["team_id", column],
            sqlite_where=_REVERSALS,
            postgresql_where=_REVERSALS,
        )


def downgrade() -> None:
    for column in _COLUMNS:
        op.drop_index(f"ix_ledger_entries_reversals_{column}", table_name="ledger_entries")
