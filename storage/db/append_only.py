"""Guard the ledger: triggers of the database refuse to change or remove a row, for every program.

On SQLite INSERT OR REPLACE removes the old row without a DELETE trigger unless `recursive_triggers` is on, and any
connection may switch that off; so a third trigger refuses to insert an existing row. On PostgreSQL the triggers are
ENABLE ALWAYS, because `session_replication_role = replica` silences ordinary triggers.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

_REFUSAL = "the ledger is append-only: write an opposite row instead"

_SQLITE = {
    "ledger_entries_no_update": f"""\
CREATE TRIGGER ledger_entries_no_update BEFORE UPDATE ON ledger_entries
BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END""",
    "ledger_entries_no_delete": f"""\
CREATE TRIGGER ledger_entries_no_delete BEFORE DELETE ON ledger_entries
BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END""",
    "ledger_entries_no_replace": f"""\
CREATE TRIGGER ledger_entries_no_replace BEFORE INSERT ON ledger_entries
WHEN EXISTS (
  SELECT 1 FROM ledger_entries AS old
  WHERE old.id = NEW.id
     OR (old.team_id = NEW.team_id AND old.seq = NEW.seq)
     OR (old.run_id = NEW.run_id AND old.manager_id = NEW.manager_id AND old.rule = NEW.rule)
     OR old.reverses_id = NEW.reverses_id
)
BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END""",  # noqa: S608  # nothing but constants
}

_FUNCTION_BODY = f"""
BEGIN
  RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'integrity_constraint_violation';
END
"""

_POSTGRESQL = {
    "ledger_entries_no_update": "BEFORE UPDATE ON ledger_entries FOR EACH ROW",
    "ledger_entries_no_delete": "BEFORE DELETE ON ledger_entries FOR EACH ROW",
    "ledger_entries_no_truncate": "BEFORE TRUNCATE ON ledger_entries FOR EACH STATEMENT",
}


def install(connection: Connection) -> None:
    """Create the triggers (in a migration)."""
    for statement in _statements(connection.dialect.name):
        connection.exec_driver_sql(statement)


def remove(connection: Connection) -> None:
    """Drop the triggers (in a downgrade, before the table is dropped)."""
    if connection.dialect.name == "sqlite":
        for name in _SQLITE:
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        return
    for name in _POSTGRESQL:
        connection.exec_driver_sql(f"DROP TRIGGER {name} ON ledger_entries")
    connection.exec_driver_sql("DROP FUNCTION ledger_entries_refuse()")


def _statements(dialect: str) -> list[str]:
    if dialect == "sqlite":
        return list(_SQLITE.values())
    statements = [
        f"CREATE FUNCTION ledger_entries_refuse() RETURNS trigger LANGUAGE plpgsql AS $body${_FUNCTION_BODY}$body$"
    ]
    for name, when in _POSTGRESQL.items():
        statements.append(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION ledger_entries_refuse()")
        statements.append(f"ALTER TABLE ledger_entries ENABLE ALWAYS TRIGGER {name}")
    return statements


def missing(connection: Connection) -> list[str]:
    """List the triggers that are missing, disabled or changed."""
    if connection.dialect.name == "sqlite":
        return _missing_sqlite(connection)
    return _missing_postgresql(connection)


def _missing_sqlite(connection: Connection) -> list[str]:
    rows = connection.execute(
        text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'ledger_entries'")
    )
    found: dict[str, str] = dict(rows.all())
    return [name for name, sql in _SQLITE.items() if found.get(name) != sql]


def _missing_postgresql(connection: Connection) -> list[str]:
    rows = connection.execute(
        text(
            "SELECT t.tgname, t.tgenabled = 'A' AND p.prosrc = :body, pg_get_triggerdef(t.oid) FROM pg_trigger t"
            " JOIN pg_proc p ON p.oid = t.tgfoid"
            " WHERE t.tgrelid = to_regclass('ledger_entries') AND NOT t.tgisinternal"
        ),
        {"body": _FUNCTION_BODY},
    )
    found = {name: definition for name, intact, definition in rows if intact}
    return [name for name, when in _POSTGRESQL.items() if not _says(found.get(name, ""), when)]


def _says(definition: str, when: str) -> bool:
    """Compare PostgreSQL's spelling of a trigger (with the schema's name) with ours; a WHEN clause is a difference."""
    plain = " ".join(word.rpartition(".")[2] for word in definition.split())
    return plain.endswith(f"{when} EXECUTE FUNCTION ledger_entries_refuse()")
