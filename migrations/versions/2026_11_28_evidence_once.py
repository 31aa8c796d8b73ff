"""Store each item of evidence once, in packs that the snapshots name; rows of earlier releases stay as written."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.evidence.downgrade import write_items_into_readings

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("snapshots", sa.Column("evidence_lists", sa.LargeBinary(), nullable=True))
    op.add_column("snapshots", sa.Column("evidence_pack", sa.LargeBinary(), nullable=True))
    # No query used it: a digest is looked for by the first letters of a hash.
    op.drop_index("ix_ledger_entries_hash", table_name="ledger_entries")


def downgrade() -> None:
    write_items_into_readings(op.get_bind())
    op.drop_column("snapshots", "evidence_pack")
    op.drop_column("snapshots", "evidence_lists")
    op.create_index("ix_ledger_entries_hash", "ledger_entries", ["hash"])
