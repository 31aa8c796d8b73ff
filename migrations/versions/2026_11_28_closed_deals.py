"""Keep when deals were counted as won or lost in a table: reading it in the evidence of 28 days was slow."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from storage.db.types import UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_CLOSED_BY = {"won": ("deals_won", "won_amount"), "lost": ("deals_lost", "lost_without_reason")}
_SNAPSHOTS = sa.table("snapshots", sa.column("run_id", sa.Integer), sa.column("readings", sa.Text))


def upgrade() -> None:
    closed = op.create_table(
        "closed_deals",
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("deal", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_closed_deals_run_id"),
        sa.PrimaryKeyConstraint("run_id", "state", "deal", name="pk_closed_deals"),
    )
    for row in [*_closed_before().values()]:
        op.get_bind().execute(sa.insert(closed).values(**row))


def _closed_before() -> dict[tuple[int, str, str], dict[str, Any]]:
    """Collect the wins and losses in the readings that the release before stored, by run, state and deal."""
    found: dict[tuple[int, str, str], dict[str, Any]] = {}
    for run_id, text in op.get_bind().execute(sa.select(_SNAPSHOTS.c.run_id, _SNAPSHOTS.c.readings)):
        readings = json.loads(text)
        for state, kpis in _CLOSED_BY.items():
            for kpi in readings.keys() & set(kpis):
                known = readings[kpi].get("range", {}).get("low", readings[kpi])
                for item in known.get("items", ()):
                    if "since" in item:
                        at = datetime.fromisoformat(item["since"])
                        key = run_id, state, item["id"]
                        if key not in found or found[key]["at"] < at:
                            found[key] = {"run_id": run_id, "state": state, "deal": item["id"], "at": at}
    return found


def downgrade() -> None:
    op.drop_table("closed_deals")
