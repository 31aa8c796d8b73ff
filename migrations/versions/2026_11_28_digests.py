"""Index the digests of days, so that `verify --digest` looks a digest up instead of reading the days of years."""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_runs_digest", "runs", ["digest"])


def downgrade() -> None:
    op.drop_index("ix_runs_digest", table_name="runs")
