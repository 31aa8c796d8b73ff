"""Create the tables of the task queue, on PostgreSQL only.

The tables belong to Procrastinate and follow the SQL of the locked version; a newer version brings changes in a
revision of its own. No truth is kept there: losing jobs loses no day and no message.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_DROP = """
DO $$
DECLARE item record;
BEGIN
    FOR item IN SELECT oid::regclass AS name FROM pg_class
        WHERE relname LIKE 'procrastinate\\_%' AND relkind = 'r' AND pg_table_is_visible(oid)
    LOOP EXECUTE format('DROP TABLE IF EXISTS %s CASCADE', item.name); END LOOP;
    FOR item IN SELECT oid::regprocedure AS name FROM pg_proc
        WHERE proname LIKE 'procrastinate\\_%' AND pg_function_is_visible(oid)
    LOOP EXECUTE format('DROP FUNCTION IF EXISTS %s CASCADE', item.name); END LOOP;
    FOR item IN SELECT oid::regtype AS name FROM pg_type
        WHERE typname LIKE 'procrastinate\\_%' AND typtype IN ('e', 'c') AND pg_type_is_visible(oid)
    LOOP EXECUTE format('DROP TYPE IF EXISTS %s CASCADE', item.name); END LOOP;
END $$;
"""


def upgrade() -> None:
    if op.get_context().dialect.name != "postgresql":
        return
    # Only PostgreSQL installations have the library.
    from procrastinate.schema import SchemaManager  # noqa: PLC0415

    _as_it_stands(SchemaManager.get_schema())


def downgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        _as_it_stands(_DROP)


def _as_it_stands(sql: str) -> None:
    """Execute many statements at once, percent signs included."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None  # noqa: S101
    connection.execute(sql)
