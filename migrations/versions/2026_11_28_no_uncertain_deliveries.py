"""Turn deliveries of the state "uncertain" into pending ones, or into failed ones where they are too old to be told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

from storage.db.types import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_DELIVERIES = sa.table(
    "deliveries",
    sa.column("state", sa.String),
    sa.column("created_at", UtcDateTime()),
    sa.column("done_at", UtcDateTime()),
    sa.column("problem", sa.Text),
)
_FRIDAY = 4


def upgrade() -> None:
    uncertain, oldest = _DELIVERIES.c.state == "uncertain", _a_working_day_ago(datetime.now(UTC))
    young = uncertain & (_DELIVERIES.c.created_at >= oldest)
    op.execute(sa.update(_DELIVERIES).where(young).values(state="pending", done_at=None))
    lost = "no answer from Telegram came, and the message is older than a working day"
    op.execute(sa.update(_DELIVERIES).where(uncertain).values(state="failed", problem=lost))


def downgrade() -> None:
    """Leave the deliveries as they are: the release before knows the states too."""


def _a_working_day_ago(now: datetime) -> datetime:
    day = now - timedelta(days=1)
    while day.weekday() > _FRIDAY:
        day -= timedelta(days=1)
    return day
