"""Index what the bot and the day look for, so that years of rows change no answer's time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_OPEN = sa.text("state IN ('pending', 'sending')")
_NOT_SENT = sa.text("state IN ('pending', 'sending', 'failed')")


def upgrade() -> None:
    op.create_index("ix_ledger_entries_manager_day", "ledger_entries", ["manager_id", "day"])
    op.drop_index("ix_ledger_entries_manager_id", table_name="ledger_entries")
    op.create_index(
        "ix_deliveries_not_sent", "deliveries", ["state", "done_at"], sqlite_where=_NOT_SENT, postgresql_where=_NOT_SENT
    )
    op.drop_index("ix_deliveries_open", table_name="deliveries")
    op.create_index("ix_journal_events_chain_kind", "journal_events", ["chain", "kind", "seq"])
    op.create_index("ix_spared_records_run_id", "spared_records", ["run_id"])
    op.create_index("ix_audit_log_action_subject", "audit_log", ["action", "subject"])


def downgrade() -> None:
    op.drop_index("ix_audit_log_action_subject", table_name="audit_log")
    op.drop_index("ix_spared_records_run_id", table_name="spared_records")
    op.drop_index("ix_journal_events_chain_kind", table_name="journal_events")
    op.create_index("ix_deliveries_open", "deliveries", ["id"], sqlite_where=_OPEN, postgresql_where=_OPEN)
    op.drop_index("ix_deliveries_not_sent", table_name="deliveries")
    op.create_index("ix_ledger_entries_manager_id", "ledger_entries", ["manager_id"])
    op.drop_index("ix_ledger_entries_manager_day", table_name="ledger_entries")
