"""Add appeals, with a single open appeal per manager, day and rule."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.db.types import CanonicalJson, Id, UtcDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_OPEN = sa.text("state = 'filed'")


def upgrade() -> None:
    op.create_table(
        "appeals",
        sa.Column("id", Id, nullable=False),
        sa.Column("team_id", Id, nullable=False),
        sa.Column("manager_id", Id, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("kpi", sa.Text(), nullable=False),
        sa.Column("entry_id", Id, nullable=False),
        sa.Column("cause", sa.String(16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("filed_at", UtcDateTime(), nullable=False),
        sa.Column("recheck", CanonicalJson(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("reminded", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "cause IN ('wrong_data', 'done_before', 'client', 'absence', 'technical', 'other')",
            name=op.f("ck_appeals_cause"),
        ),
        sa.CheckConstraint(
            "state IN ('filed', 'kept', 'excused', 'refused', 'withdrawn')", name=op.f("ck_appeals_state")
        ),
        sa.CheckConstraint("(state = 'filed') = (decided_at IS NULL)", name=op.f("ck_appeals_decided")),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name="fk_appeals_team_id"),
        sa.ForeignKeyConstraint(["manager_id"], ["managers.id"], name="fk_appeals_manager_id"),
        sa.ForeignKeyConstraint(["entry_id"], ["ledger_entries.id"], name="fk_appeals_entry_id"),
        sa.PrimaryKeyConstraint("id", name="pk_appeals"),
    )
    op.create_index("ix_appeals_manager_id", "appeals", ["manager_id"])
    op.create_index("ix_appeals_team_state", "appeals", ["team_id", "state"])
    columns = ["team_id", "manager_id", "day", "rule"]
    op.create_index("uq_appeals_open", "appeals", columns, unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN)


def downgrade() -> None:
    op.drop_table("appeals")
