"""Add the questions that wait for the next message of a chat."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.db.types import CanonicalJson, UtcDateTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dialogs",
        sa.Column("chat_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("content", CanonicalJson(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("chat_id", name="pk_dialogs"),
    )


def downgrade() -> None:
    op.drop_table("dialogs")
