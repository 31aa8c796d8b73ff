"""Add the records that were spared once for a new owner, so that a record handed to and fro is spared once only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.db.types import Id

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "spared_records",
        sa.Column("run_id", Id, nullable=False),
        sa.Column("manager_id", Id, nullable=False),
        sa.Column("kpi", sa.String(40), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_spared_records_run_id"),
        sa.ForeignKeyConstraint(["manager_id"], ["managers.id"], name="fk_spared_records_manager_id"),
        sa.PrimaryKeyConstraint("manager_id", "kpi", "record", "run_id", name="pk_spared_records"),
    )


def downgrade() -> None:
    op.drop_table("spared_records")
