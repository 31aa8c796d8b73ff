"""Fill a database with what years of twenty teams leave behind: 200,000 entries, 60,000 messages, 40,000 snapshots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Engine, insert, text

from scoring.rules import Bound, Rule, Rulebook
from storage.db.models import ManagerRecord, PersonRecord, RulebookRecord, RunRecord, TeamRecord

LARGE, SMALL = 300, 14
"""People of the first team, and of every other team."""
TEAMS = 20
LARGE_DAYS, SMALL_DAYS = 80, 60
RULES = ("companies_added", "meetings_held", "calls_held", "overdue_tasks", "deals_without_task")
_RULEBOOK = Rulebook(tuple(Rule(key, key, Bound.AT_MOST, Decimal(0)) for key in RULES))

_RULES = " UNION ALL ".join(f"SELECT '{rule}' AS rule" for rule in RULES)
_IS_BROKEN = "(r.id * 7 + m.id * 3 + length(k.rule)) % 4 = 0"
_NUMBERS = (
    "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {most}) "
    "INSERT INTO {into} {select} FROM numbers"
)
_TABLES: Sequence[str] = (
    "INSERT INTO ledger_entries (team_id, seq, kind, run_id, manager_id, crm_user, day, booked_in, rule, kpi, outcome,"
    " points, side, evidence, rulebook_id, created_at, payload, hash)"
    " SELECT r.team_id, row_number() OVER (PARTITION BY r.team_id ORDER BY r.day, m.id, k.rule), 'score', r.id, m.id,"
    " m.crm_user, r.day, substr(CAST(r.day AS TEXT), 1, 7), k.rule, k.rule,"
    f" CASE WHEN {_IS_BROKEN} THEN 'broken' ELSE 'kept' END, CASE WHEN {_IS_BROKEN} THEN -2 ELSE 1 END,"
    f" CASE WHEN {_IS_BROKEN} THEN 'minus' ELSE 'plus' END, '[]', r.rulebook_id,"
    " r.cutoff, '', CAST(r.id * 1000000 + m.id * 100 + length(k.rule) AS TEXT)"
    f" FROM runs r JOIN managers m ON m.team_id = r.team_id CROSS JOIN ({_RULES}) k",
    "INSERT INTO adjustments (id, salt, author, reason, created_at) VALUES (1, '', '', '', :at)",
    "INSERT INTO ledger_entries (team_id, seq, kind, manager_id, crm_user, day, booked_in, rule, kpi, points, side,"
    " evidence, rulebook_id, reverses_id, reason_id, created_at, payload, hash)"
    " SELECT e.team_id, 1000000 + e.seq, 'reversal', e.manager_id, e.crm_user, e.day, e.booked_in, e.rule, e.kpi,"
    " -e.points,"
    " e.side, '[]', e.rulebook_id, e.id, 1, e.created_at, '', '' FROM ledger_entries e WHERE e.id % 50 = 0",
    "INSERT INTO snapshots (run_id, manager_id, name, readings, absent, last_keys, blanked)"
    " SELECT r.id, m.id, m.name, '{}', FALSE, '{}', FALSE FROM runs r JOIN managers m ON m.team_id = r.team_id",
    "INSERT INTO deliveries (event, kind, recipient, reference, state, owner, lease_until, attempts, interrupted,"
    " message_ids, problem, created_at)"
    " SELECT 'run:' || r.id, 'personal', 'person:' || m.person_id, '{}', 'sent', '', 0, 1, 0, '[]', '', r.cutoff"
    " FROM runs r JOIN managers m ON m.team_id = r.team_id"
    " UNION ALL SELECT 'reminder:' || r.id, 'reminder', 'person:' || m.person_id, '{}', 'sent', '', 0, 1, 0, '[]', '',"
    " r.cutoff FROM runs r JOIN managers m ON m.team_id = r.team_id WHERE m.id % 2 = 0",
    "INSERT INTO closed_deals (run_id, state, deal, at)"
    " SELECT r.id, 'won', CAST(m.id AS TEXT), r.cutoff FROM runs r JOIN managers m ON m.team_id = r.team_id"
    " WHERE m.id % 3 = 0",
    "INSERT INTO spared_records (manager_id, kpi, record, run_id)"
    " SELECT m.id, 'overdue_tasks', 'task:' || r.id, r.id FROM runs r JOIN managers m ON m.team_id = r.team_id"
    " WHERE m.id % 5 = 0",
    _NUMBERS.format(
        most=8_000,
        into="journal_events (chain, seq, kind, at, payload, hash)",
        select=f"SELECT n % {TEAMS + 1}, n / {TEAMS + 1} + 1, 'day_finished', :at, '{{}}', CAST(n AS TEXT)",
    ),
    _NUMBERS.format(
        most=8_000,
        into="journal_rows (name, row, salt)",
        select="SELECT 'managers', CAST(n AS TEXT), ''",
    ),
    _NUMBERS.format(
        most=8_000,
        into="audit_log (at, author, action, subject, details)",
        select="SELECT :at, 'Olga Made-up', 'action' || (n % 20), 'team:' || (n % 400), '{}'",
    ),
)


def fill(engine: Engine, team: str, last: date) -> None:
    """Fill an empty, migrated database up to a day, and let the database count its rows."""
    with engine.begin() as connection:
        _fill_small(connection, team, last)
        at = datetime.combine(last, time(15), UTC)
        for statement in _TABLES:
            values = {"at": at} if ":at" in statement else {}
            connection.execute(text(statement).bindparams(**values), values)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


def _fill_small(connection: Connection, team: str, last: date) -> None:
    """Write teams, people, accounts, rulebooks and runs, a row each."""
    keys = [team, *(f"team{number}" for number in range(2, TEAMS + 1))]
    of_team = {number: LARGE if number == 1 else SMALL for number in range(1, TEAMS + 1)}
    began = datetime(last.year - 1, 1, 1, tzinfo=UTC)
    connection.execute(
        insert(TeamRecord),
        [
            {"key": key, "title": key, "connection": "main", "scored_from": began.date(), "archived_at": None}
            for key in keys
        ],
    )
    people = [
        {"name": f"Person {number}", "telegram_id": number, "roles": [], "created_at": began}
        for number in range(1, 1 + sum(of_team.values()))
    ]
    connection.execute(insert(PersonRecord), people)
    teams = [number for number, size in of_team.items() for _ in range(size)]
    connection.execute(
        insert(ManagerRecord),
        [
            {
                "connection": "main",
                "crm_user": str(n),
                "name": f"Person {n}",
                "team_id": each,
                "person_id": n,
                "active": True,
            }
            for n, each in enumerate(teams, 1)
        ],
    )
    connection.execute(
        insert(RulebookRecord),
        [
            {"team_id": number, "version": "1", "content": _RULEBOOK.to_json(), "valid_from": began}
            for number in of_team
        ],
    )
    connection.execute(insert(RunRecord), [dict(row) for number in of_team for row in _runs(number, last)])


def _runs(team: int, last: date) -> Iterator[Mapping[str, Any]]:
    """Iterate over the finished runs of a team on weekdays up to a day."""
    day, left = last, LARGE_DAYS if team == 1 else SMALL_DAYS
    while left:
        if day.weekday() < 5:
            at = datetime.combine(day, time(15), UTC)
            yield {
                "team_id": team,
                "day": day,
                "connection": "main",
                "window_start": at - timedelta(days=1),
                "cutoff": at,
                "rulebook_id": team,
                "state": "finished",
                "owner": "one",
                "lease_until": 0.0,
                "first_attempt_at": at,
                "finished_at": at,
                "digest": "a" * 32,
            }
            left -= 1
        day -= timedelta(days=1)
