"""Give journaled rows a second salt, for the names that retention leaves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    known = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("journal_rows")}
    if "lasting_salt" not in known:
        op.add_column("journal_rows", sa.Column("lasting_salt", sa.String(32), nullable=False, server_default=""))


def downgrade() -> None:
    """Leave the column, which earlier releases fill with the default: no salt can be drawn a second time."""
