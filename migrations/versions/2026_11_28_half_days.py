"""Add absences of half a day, and beside a snapshot what decides the day: half days, first days, probation."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.db.types import CanonicalJson

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("absences", sa.Column("half", sa.String(2), nullable=True))
    op.add_column("snapshots", sa.Column("circumstances", CanonicalJson(), nullable=True))


def downgrade() -> None:
    op.drop_column("snapshots", "circumstances")
    op.drop_column("absences", "half")
