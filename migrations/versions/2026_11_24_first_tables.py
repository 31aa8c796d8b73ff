"""Create the first tables and the triggers of the ledger."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from storage.db import append_only
from storage.db.types import CanonicalJson, ExactDecimal, Id, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "adjustments",
        sa.Column("id", Id, nullable=False),
        sa.Column("salt", sa.String(length=32), nullable=False),
        sa.Column("author", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_adjustments"),
    )
    op.create_table(
        "audit_log",
        sa.Column("id", Id, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("details", CanonicalJson(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_log"),
    )
    op.create_index("ix_audit_log_at", "audit_log", ["at"], unique=False)
    op.create_table(
        "chat_channels",
        sa.Column("chat_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("migrated_to", sa.BigInteger(), nullable=True),
        sa.Column("lost_threads", CanonicalJson(), nullable=False),
        sa.PrimaryKeyConstraint("chat_id", name="pk_chat_channels"),
    )
    op.create_table(
        "connection_state",
        sa.Column("connection", sa.String(length=24), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "key", name="pk_connection_state"),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", Id, nullable=False),
        sa.Column("event", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("recipient", sa.String(length=80), nullable=False),
        sa.Column("reference", CanonicalJson(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("not_before", UtcDateTime(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("lease_until", sa.Double(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("interrupted", sa.Integer(), nullable=False),
        sa.Column("message_ids", CanonicalJson(), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("carried_by", Id, nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'sending', 'sent', 'uncertain', 'failed', 'cancelled')",
            name=op.f("ck_deliveries_state"),
        ),
        sa.ForeignKeyConstraint(["carried_by"], ["deliveries.id"], name="fk_deliveries_carried_by"),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.UniqueConstraint("event", "kind", "recipient", name="uq_deliveries_event_kind_recipient"),
    )
    op.create_index(
        "ix_deliveries_open",
        "deliveries",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state IN ('pending', 'sending')"),
        postgresql_where=sa.text("state IN ('pending', 'sending')"),
    )
    op.create_index("ix_deliveries_recipient", "deliveries", ["recipient", "state"], unique=False)
    op.create_table(
        "heartbeats",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_heartbeats"),
    )
    op.create_table(
        "people",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("telegram_id", sa.BigInteger(), nullable=True),
        sa.Column("language", sa.String(length=8), nullable=True),
        sa.Column("roles", CanonicalJson(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("connected_at", UtcDateTime(), nullable=True),
        sa.Column("disconnected_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_people"),
        sa.UniqueConstraint("telegram_id", name="uq_people_telegram_id"),
    )
    op.create_table(
        "rate_slots",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("next_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_rate_slots"),
    )
    op.create_table(
        "teams",
        sa.Column("id", Id, nullable=False),
        sa.Column("key", sa.String(length=24), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("connection", sa.String(length=24), nullable=False),
        sa.Column("scored_from", sa.Date(), nullable=False),
        sa.Column("archived_at", UtcDateTime(), nullable=True),
        sa.Column("chat_id", sa.BigInteger(), nullable=True),
        sa.Column("thread_id", sa.BigInteger(), nullable=True),
        sa.Column("ledger_seq", sa.Integer(), nullable=False),
        sa.Column("ledger_hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_teams"),
        sa.UniqueConstraint("key", name="uq_teams_key"),
    )
    op.create_table(
        "managers",
        sa.Column("id", Id, nullable=False),
        sa.Column("connection", sa.String(length=24), nullable=False),
        sa.Column("crm_user", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("left_at", UtcDateTime(), nullable=True),
        sa.Column("team_id", Id, nullable=True),
        sa.Column("person_id", Id, nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_managers_person_id"),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name="fk_managers_team_id"),
        sa.PrimaryKeyConstraint("id", name="pk_managers"),
        sa.UniqueConstraint("connection", "crm_user", name="uq_managers_connection_crm_user"),
    )
    op.create_index("ix_managers_person_id", "managers", ["person_id"], unique=False)
    op.create_index("ix_managers_team_id", "managers", ["team_id"], unique=False)
    op.create_table(
        "money_versions",
        sa.Column("id", Id, nullable=False),
        sa.Column("team_id", Id, nullable=False),
        sa.Column("version", sa.String(length=12), nullable=False),
        sa.Column("content", CanonicalJson(), nullable=False),
        sa.Column("valid_from", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name="fk_money_versions_team_id"),
        sa.PrimaryKeyConstraint("id", name="pk_money_versions"),
    )
    op.create_index("ix_money_versions_team_valid", "money_versions", ["team_id", "valid_from"], unique=False)
    op.create_table(
        "periods",
        sa.Column("team_id", Id, nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("approved_at", UtcDateTime(), nullable=True),
        sa.Column("approved_seq", sa.Integer(), nullable=True),
        sa.Column("locked_by", sa.Text(), nullable=True),
        sa.Column("locked_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("state IN ('open', 'approved', 'locked')", name=op.f("ck_periods_state")),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name="fk_periods_team_id"),
        sa.PrimaryKeyConstraint("team_id", "month", name="pk_periods"),
    )
    op.create_table(
        "rulebooks",
        sa.Column("id", Id, nullable=False),
        sa.Column("team_id", Id, nullable=False),
        sa.Column("version", sa.String(length=12), nullable=False),
        sa.Column("content", CanonicalJson(), nullable=False),
        sa.Column("valid_from", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name="fk_rulebooks_team_id"),
        sa.PrimaryKeyConstraint("id", name="pk_rulebooks"),
    )
    op.create_index("ix_rulebooks_team_valid", "rulebooks", ["team_id", "valid_from"], unique=False)
    op.create_table(
        "absences",
        sa.Column("id", Id, nullable=False),
        sa.Column("manager_id", Id, nullable=False),
        sa.Column("first", sa.Date(), nullable=False),
        sa.Column("last", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("kind IN ('vacation', 'sick', 'trip', 'day_off')", name=op.f("ck_absences_kind")),
        sa.CheckConstraint(
            "state IN ('requested', 'approved', 'refused', 'cancelled')", name=op.f("ck_absences_state")
        ),
        sa.CheckConstraint("first <= last", name=op.f("ck_absences_order")),
        sa.ForeignKeyConstraint(["manager_id"], ["managers.id"], name="fk_absences_manager_id"),
        sa.PrimaryKeyConstraint("id", name="pk_absences"),
    )
    op.create_index("ix_absences_manager_id", "absences", ["manager_id"], unique=False)
    op.create_table(
        "invites",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("manager_id", Id, nullable=True),
        sa.Column("role", sa.String(length=16), nullable=True),
        sa.Column("team_id", Id, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.Column("used_by", Id, nullable=True),
        sa.CheckConstraint("(manager_id IS NULL) <> (role IS NULL)", name=op.f("ck_invites_for_manager_or_role")),
        sa.CheckConstraint("(used_at IS NULL) = (used_by IS NULL)", name=op.f("ck_invites_used")),
        sa.ForeignKeyConstraint(["manager_id"], ["managers.id"], name="fk_invites_manager_id"),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name="fk_invites_team_id"),
        sa.ForeignKeyConstraint(["used_by"], ["people.id"], name="fk_invites_used_by"),
        sa.PrimaryKeyConstraint("token_hash", name="pk_invites"),
    )
    op.create_index("ix_invites_manager_id", "invites", ["manager_id"], unique=False)
    op.create_table(
        "runs",
        sa.Column("id", Id, nullable=False),
        sa.Column("team_id", Id, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("connection", sa.String(length=24), nullable=False),
        sa.Column("window_earlier", UtcDateTime(), nullable=True),
        sa.Column("window_earlier_end", UtcDateTime(), nullable=True),
        sa.Column("window_start", UtcDateTime(), nullable=False),
        sa.Column("cutoff", UtcDateTime(), nullable=False),
        sa.Column("rulebook_id", Id, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("lease_until", sa.Double(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_attempt_at", UtcDateTime(), nullable=False),
        sa.Column("retry_at", UtcDateTime(), nullable=True),
        sa.Column("kept_at", UtcDateTime(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("rehearsed", sa.Boolean(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("seconds", ExactDecimal(), nullable=True),
        sa.Column("missing", CanonicalJson(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=12), nullable=False),
        sa.CheckConstraint("(state = 'finished') = (finished_at IS NOT NULL)", name=op.f("ck_runs_finished")),
        sa.CheckConstraint("state IN ('claimed', 'postponed', 'finished')", name=op.f("ck_runs_state")),
        sa.CheckConstraint("window_start <= cutoff", name=op.f("ck_runs_window")),
        sa.ForeignKeyConstraint(["rulebook_id"], ["rulebooks.id"], name="fk_runs_rulebook_id"),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name="fk_runs_team_id"),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sa.UniqueConstraint("team_id", "day", name="uq_runs_team_id_day"),
    )
    op.create_table(
        "ledger_entries",
        sa.Column("id", Id, nullable=False),
        sa.Column("team_id", Id, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("run_id", Id, nullable=True),
        sa.Column("manager_id", Id, nullable=False),
        sa.Column("crm_user", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("booked_in", sa.String(length=7), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("kpi", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("value", ExactDecimal(), nullable=True),
        sa.Column("bound", ExactDecimal(), nullable=True),
        sa.Column("evidence", CanonicalJson(), nullable=False),
        sa.Column("rulebook_id", Id, nullable=True),
        sa.Column("reverses_id", Id, nullable=True),
        sa.Column("reason_id", Id, nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.CheckConstraint("(kind = 'reversal') = (reverses_id IS NOT NULL)", name=op.f("ck_ledger_entries_reversing")),
        sa.CheckConstraint("(kind = 'score') = (reason_id IS NULL)", name=op.f("ck_ledger_entries_reasoned")),
        sa.CheckConstraint("(kind = 'score') = (run_id IS NOT NULL)", name=op.f("ck_ledger_entries_scored_by_run")),
        sa.CheckConstraint(
            "(kind IN ('score', 'correction')) = (outcome IS NOT NULL)", name=op.f("ck_ledger_entries_judged")
        ),
        sa.CheckConstraint("kind <> 'adjustment' OR points <> 0", name=op.f("ck_ledger_entries_adjustment")),
        sa.CheckConstraint(
            "kind = 'reversal' OR (side = 'minus') = (points < 0)", name=op.f("ck_ledger_entries_side_of_points")
        ),
        sa.CheckConstraint(
            "kind IN ('score', 'reversal', 'correction', 'adjustment')", name=op.f("ck_ledger_entries_kind")
        ),
        sa.CheckConstraint(
            "outcome IN ('kept', 'broken', 'excused', 'not_applicable', 'no_data')",
            name=op.f("ck_ledger_entries_outcome"),
        ),
        sa.CheckConstraint(
            "outcome IS NULL OR (outcome = 'kept' AND points >= 0)"
            " OR (outcome = 'broken' AND points <= 0)"
            " OR (outcome NOT IN ('kept', 'broken') AND points = 0)",
            name=op.f("ck_ledger_entries_sign"),
        ),
        sa.CheckConstraint("side IN ('plus', 'minus')", name=op.f("ck_ledger_entries_side")),
        sa.CheckConstraint("seq >= 1", name=op.f("ck_ledger_entries_seq")),
        sa.ForeignKeyConstraint(["manager_id"], ["managers.id"], name="fk_ledger_entries_manager_id"),
        sa.ForeignKeyConstraint(["reason_id"], ["adjustments.id"], name="fk_ledger_entries_reason_id"),
        sa.ForeignKeyConstraint(["reverses_id"], ["ledger_entries.id"], name="fk_ledger_entries_reverses_id"),
        sa.ForeignKeyConstraint(["rulebook_id"], ["rulebooks.id"], name="fk_ledger_entries_rulebook_id"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_ledger_entries_run_id"),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name="fk_ledger_entries_team_id"),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_entries"),
        sa.UniqueConstraint("reverses_id", name="uq_ledger_entries_reverses_id"),
        sa.UniqueConstraint("run_id", "manager_id", "rule", name="uq_ledger_entries_run_id_manager_id_rule"),
        sa.UniqueConstraint("team_id", "seq", name="uq_ledger_entries_team_id_seq"),
    )
    op.create_index("ix_ledger_entries_hash", "ledger_entries", ["hash"], unique=False)
    op.create_index("ix_ledger_entries_manager_id", "ledger_entries", ["manager_id"], unique=False)
    op.create_index("ix_ledger_entries_team_booked_in", "ledger_entries", ["team_id", "booked_in"], unique=False)
    op.create_index("ix_ledger_entries_team_day", "ledger_entries", ["team_id", "day"], unique=False)
    op.create_table(
        "snapshots",
        sa.Column("run_id", Id, nullable=False),
        sa.Column("manager_id", Id, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("readings", CanonicalJson(), nullable=False),
        sa.Column("absent", sa.Boolean(), nullable=False),
        sa.Column("last_keys", CanonicalJson(), nullable=False),
        sa.Column("blanked", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["manager_id"], ["managers.id"], name="fk_snapshots_manager_id"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_snapshots_run_id"),
        sa.PrimaryKeyConstraint("run_id", "manager_id", name="pk_snapshots"),
    )
    op.create_index("ix_snapshots_manager_id", "snapshots", ["manager_id"], unique=False)
    append_only.install(op.get_bind())


def downgrade() -> None:
    append_only.remove(op.get_bind())
    op.drop_index("ix_snapshots_manager_id", table_name="snapshots")
    op.drop_table("snapshots")
    op.drop_index("ix_ledger_entries_team_day", table_name="ledger_entries")
    op.drop_index("ix_ledger_entries_team_booked_in", table_name="ledger_entries")
    op.drop_index("ix_ledger_entries_manager_id", table_name="ledger_entries")
    op.drop_index("ix_ledger_entries_hash", table_name="ledger_entries")
    op.drop_table("ledger_entries")
    op.drop_table("runs")
    op.drop_index("ix_invites_manager_id", table_name="invites")
    op.drop_table("invites")
    op.drop_index("ix_absences_manager_id", table_name="absences")
    op.drop_table("absences")
    op.drop_index("ix_rulebooks_team_valid", table_name="rulebooks")
    op.drop_table("rulebooks")
    op.drop_table("periods")
    op.drop_index("ix_money_versions_team_valid", table_name="money_versions")
    op.drop_table("money_versions")
    op.drop_index("ix_managers_team_id", table_name="managers")
    op.drop_index("ix_managers_person_id", table_name="managers")
    op.drop_table("managers")
    op.drop_table("teams")
    op.drop_table("rate_slots")
    op.drop_table("people")
    op.drop_table("heartbeats")
    op.drop_index("ix_deliveries_recipient", table_name="deliveries")
    op.drop_index(
        "ix_deliveries_open",
        table_name="deliveries",
        sqlite_where=sa.text("state IN ('pending', 'sending')"),
        postgresql_where=sa.text("state IN ('pending', 'sending')"),
    )
    op.drop_table("deliveries")
    op.drop_table("connection_state")
    op.drop_table("chat_channels")
    op.drop_index("ix_audit_log_at", table_name="audit_log")
    op.drop_table("audit_log")
    op.drop_table("adjustments")
