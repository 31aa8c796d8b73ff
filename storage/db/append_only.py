"""Guard the ledger and the journal: triggers of the database refuse to change or remove a row, for every program.

On SQLite INSERT OR REPLACE removes the old row without a DELETE trigger unless `recursive_triggers` is on, and any
connection may switch that off; so a third trigger refuses to insert an existing row. On PostgreSQL the triggers are
ENABLE ALWAYS, because `session_replication_role = replica` silences ordinary triggers.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

from storage.db.models import Base

LEDGER, JOURNAL = "ledger_entries", "journal_events"
GUARDED = (LEDGER, JOURNAL)
_REFUSALS = {
    LEDGER: "the ledger is append-only: write an opposite row instead",
    JOURNAL: "the journal is append-only: nothing in it is ever changed",
}
_SAME_ROWS = {
    LEDGER: """\
  WHERE old.id = NEW.id
     OR (old.team_id = NEW.team_id AND old.seq = NEW.seq)
     OR (old.run_id = NEW.run_id AND old.manager_id = NEW.manager_id AND old.rule = NEW.rule)
     OR old.reverses_id = NEW.reverses_id
""",
    JOURNAL: """\
  WHERE old.id = NEW.id
     OR (old.chain = NEW.chain AND old.seq = NEW.seq)
""",
}
"""Conditions under which an inserted row would replace a stored row."""
_FOREIGN_SQLITE = "SELECT type, name, tbl_name FROM sqlite_master WHERE type IN ('trigger', 'view')"
_FOREIGN_POSTGRESQL = """\
SELECT 'trigger', t.tgname, c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
 WHERE NOT t.tgisinternal AND pg_table_is_visible(c.oid)
UNION ALL
SELECT 'rule', r.rulename, c.relname FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
 WHERE pg_table_is_visible(c.oid)
UNION ALL
SELECT 'row policy', p.polname, c.relname FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
 WHERE pg_table_is_visible(c.oid)
"""
"""Find what may rewrite or hide rows; the rule _RETURN of a table that became a view too."""


def _sqlite(table: str) -> dict[str, str]:
    """Write the triggers of a table, by name, as SQLite keeps the text."""
    refuse = f"BEGIN SELECT RAISE(ABORT, '{_REFUSALS[table]}'); END"
    return {
        f"{table}_no_update": f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table}\n{refuse}",
        f"{table}_no_delete": f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table}\n{refuse}",
        f"{table}_no_replace": f"""\
CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table}
WHEN EXISTS (
  SELECT 1 FROM {table} AS old
{_SAME_ROWS[table]})
{refuse}""",  # noqa: S608  # nothing but constants
    }


def _function_body(table: str) -> str:
    return f"""
BEGIN
  RAISE EXCEPTION '{_REFUSALS[table]}' USING ERRCODE = 'integrity_constraint_violation';
END
"""


def _postgresql(table: str) -> dict[str, str]:
    """Write the events that the triggers of a table answer to, by name of the trigger."""
    return {
        f"{table}_no_update": f"BEFORE UPDATE ON {table} FOR EACH ROW",
        f"{table}_no_delete": f"BEFORE DELETE ON {table} FOR EACH ROW",
        f"{table}_no_truncate": f"BEFORE TRUNCATE ON {table} FOR EACH STATEMENT",
    }


def install(connection: Connection, table: str = LEDGER) -> None:
    """Create the triggers of a table (in a migration)."""
    for statement in _statements(connection.dialect.name, table):
        connection.exec_driver_sql(statement)


def remove(connection: Connection, table: str = LEDGER) -> None:
    """Drop the triggers of a table (in a downgrade, before the table is dropped)."""
    if connection.dialect.name == "sqlite":
        for name in _sqlite(table):
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        return
    for name in _postgresql(table):
        connection.exec_driver_sql(f"DROP TRIGGER {name} ON {table}")
    connection.exec_driver_sql(f"DROP FUNCTION {table}_refuse()")


def _statements(dialect: str, table: str) -> list[str]:
    if dialect == "sqlite":
        return list(_sqlite(table).values())
    body = _function_body(table)
    statements = [f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS $body${body}$body$"]
    for name, when in _postgresql(table).items():
        statements.append(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {table}_refuse()")
        statements.append(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
    return statements


def findings(connection: Connection) -> list[str]:
    """Say in words which guards are missing, and which triggers, rules and views stand before tables of ours."""
    lost = [f"the ledger's guard {name} is missing or changed" for name in missing(connection)]
    return lost + [f"{what} is not of this program" for what in _foreign(connection)]


def _foreign(connection: Connection) -> list[str]:
    """Name the triggers, rules, row policies and views on tables of ours that this program did not make."""
    tables = Base.metadata.tables
    is_sqlite = connection.dialect.name == "sqlite"
    guards = _sqlite if is_sqlite else _postgresql
    ours = {(name, table) for table in GUARDED for name in guards(table)}
    rows = connection.execute(text(_FOREIGN_SQLITE if is_sqlite else _FOREIGN_POSTGRESQL))
    return sorted(
        f"the {kind} {name} on {table}" for kind, name, table in rows if table in tables and (name, table) not in ours
    )


def missing(connection: Connection) -> list[str]:
    """List the triggers of all guarded tables that are missing, disabled or changed."""
    find = _missing_sqlite if connection.dialect.name == "sqlite" else _missing_postgresql
    return [name for table in GUARDED for name in find(connection, table)]


def _missing_sqlite(connection: Connection, table: str) -> list[str]:
    rows = connection.execute(
        text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table"), {"table": table}
    )
    found: dict[str, str] = dict(rows.all())
    return [name for name, sql in _sqlite(table).items() if found.get(name) != sql]


def _missing_postgresql(connection: Connection, table: str) -> list[str]:
    rows = connection.execute(
        text(
            "SELECT t.tgname, t.tgenabled = 'A' AND p.prosrc = :body, pg_get_triggerdef(t.oid) FROM pg_trigger t"
            " JOIN pg_proc p ON p.oid = t.tgfoid"
            " WHERE t.tgrelid = to_regclass(:table) AND NOT t.tgisinternal"
        ),
        {"body": _function_body(table), "table": table},
    )
    found = {name: definition for name, intact, definition in rows if intact}
    return [name for name, when in _postgresql(table).items() if not _says(found.get(name, ""), table, when)]


def _says(definition: str, table: str, when: str) -> bool:
    """Compare PostgreSQL's spelling of a trigger (with the schema's name) with ours; a WHEN clause is a difference."""
    plain = " ".join(word.rpartition(".")[2] for word in definition.split())
    return plain.endswith(f"{when} EXECUTE FUNCTION {table}_refuse()")
