"""Add the menu that a chat shows, so that the menu changes when roles change."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("chat_channels", sa.Column("menu", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("chat_channels", "menu")
