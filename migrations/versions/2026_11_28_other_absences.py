"""Allow absences of the kind `other`."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.db.types import UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_KINDS = ("vacation", "sick", "trip", "day_off")
_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _allow(*_KINDS, "other")


def downgrade() -> None:
    op.execute("UPDATE absences SET kind = 'day_off' WHERE kind = 'other'")
    _allow(*_KINDS)


def _allow(*kinds: str) -> None:
    """Replace the constraint; SQLite copies the table for that, which it cannot reflect with all constraints."""
    with op.batch_alter_table("absences", copy_from=_absences()) as table:
        table.drop_constraint(op.f("ck_absences_kind"), type_="check")
        allowed = ", ".join(f"'{kind}'" for kind in kinds)
        table.create_check_constraint(op.f("ck_absences_kind"), f"kind IN ({allowed})")


def _absences() -> sa.Table:
    return sa.Table(
        "absences",
        sa.MetaData(),
        sa.Column("id", _Id, nullable=False),
        sa.Column("manager_id", _Id, nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("kind IN ('')", name=op.f("ck_absences_kind")),
        sa.CheckConstraint(
            "state IN ('requested', 'approved', 'refused', 'cancelled')", name=op.f("ck_absences_state")
        ),
        sa.CheckConstraint("first <= last", name=op.f("ck_absences_order")),
        sa.ForeignKeyConstraint(["manager_id"], ["managers.id"], name="fk_absences_manager_id"),
        sa.PrimaryKeyConstraint("id", name="pk_absences"),
        sa.Index("ix_absences_manager_id", "manager_id"),
    )
