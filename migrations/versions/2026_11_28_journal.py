"""Add the journal of everything that moves money or blame, and make room for digests of 160 bits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.db import append_only
from storage.db.types import CanonicalJson, Id, UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "journal_events",
        sa.Column("id", Id, nullable=False),
        sa.Column("chain", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_journal_events"),
        sa.UniqueConstraint("chain", "seq", name="uq_journal_events_chain_seq"),
    )
    op.create_index("ix_journal_events_hash", "journal_events", ["hash"])
    op.create_table(
        "journal_heads",
        sa.Column("chain", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("chain", name="pk_journal_heads"),
    )
    op.create_table(
        "journal_rows",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("row", sa.String(80), nullable=False),
        sa.Column("salt", sa.String(32), nullable=False),
        sa.Column("state", CanonicalJson(), nullable=True),
        sa.PrimaryKeyConstraint("name", "row", name="pk_journal_rows"),
    )
    append_only.install(op.get_bind(), "journal_events")
    _give_digests_room_for(64)


def downgrade() -> None:
    _give_digests_room_for(12)
    append_only.remove(op.get_bind(), "journal_events")
    op.drop_table("journal_rows")
    op.drop_table("journal_heads")
    op.drop_table("journal_events")


def _give_digests_room_for(characters: int) -> None:
    """Copy the digests into a column of another length: SQLite cannot change the length of a column."""
    op.add_column("runs", sa.Column("copied", sa.String(characters), nullable=False, server_default=""))
    op.execute(sa.text("UPDATE runs SET copied = substr(digest, 1, :length)").bindparams(length=characters))
    op.drop_column("runs", "digest")
    op.execute("ALTER TABLE runs RENAME COLUMN copied TO digest")
