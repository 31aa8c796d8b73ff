"""Give journaled rows a second salt, for the names that retention leaves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("journal_rows", sa.Column("lasting_salt", sa.String(32), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("journal_rows", "lasting_salt")
