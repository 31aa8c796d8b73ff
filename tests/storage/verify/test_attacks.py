"""An administrator removes the guards, changes one thing, and puts the guards back: `verify` names what was done."""

from __future__ import annotations

import pytest
import pytest_asyncio

from tests.storage.verify.history import findings, live_through

LAST = "(SELECT max(id) FROM runs)"
FIRST = "(SELECT min(id) FROM runs)"
HEAD_BACK = (
    "UPDATE teams SET ledger_seq = (SELECT max(seq) FROM ledger_entries),"
    " ledger_hash = (SELECT hash FROM ledger_entries ORDER BY seq DESC LIMIT 1)"
)
JOURNAL_BACK = (
    "UPDATE journal_heads SET seq = (SELECT max(e.seq) FROM journal_events e WHERE e.chain = journal_heads.chain),"
    " hash = (SELECT e.hash FROM journal_events e WHERE e.chain = journal_heads.chain ORDER BY e.seq DESC LIMIT 1),"
    " at = (SELECT e.at FROM journal_events e WHERE e.chain = journal_heads.chain ORDER BY e.seq DESC LIMIT 1)"
)
BY_HAND = "DELETE FROM ledger_entries WHERE kind <> 'score'"

ATTACKS: dict[str, tuple[str, ...]] = {
    # Days
    "a run is deleted with its snapshots and its points": (
        BY_HAND,
        f"DELETE FROM ledger_entries WHERE run_id = {LAST}",
        f"DELETE FROM snapshots WHERE run_id = {LAST}",
        f"DELETE FROM runs WHERE id = {LAST}",
        HEAD_BACK,
        "is gone",
    ),
    "the last day is cut off and the head put right": (
        BY_HAND,
        f"DELETE FROM ledger_entries WHERE run_id = {LAST}",
        f"UPDATE runs SET state = 'claimed', finished_at = NULL WHERE id = {LAST}",
        HEAD_BACK,
        "is no longer finished",
    ),
    "the ledger is cut off behind the last day and the head put right": (BY_HAND, HEAD_BACK, "the journal saw another"),
    "the snapshots of a day are deleted": (
        f"DELETE FROM snapshots WHERE run_id = {FIRST}",
        "lost the snapshot of",
    ),
    "a snapshot is copied to another day": (
        f"UPDATE snapshots SET readings = (SELECT s.readings FROM snapshots s WHERE s.run_id = {FIRST}"
        f" AND s.manager_id = snapshots.manager_id) WHERE run_id = {LAST} - 1",
        "counts something else for",
    ),
    "two managers exchange their evidence": (
        "UPDATE snapshots SET readings = (SELECT s.readings FROM snapshots s WHERE s.run_id = snapshots.run_id"
        f" AND s.manager_id <> snapshots.manager_id) WHERE run_id = {LAST}",
        "counts something else for",
    ),
    "a value that no rule judges is changed": (
        "UPDATE snapshots SET readings = replace(readings, '\"deals_won\":{', '\"deals_lost\":{')",
        "counts something else for",
    ),
    "an absence is written into a snapshot": (
        f"UPDATE snapshots SET absent = NOT absent WHERE run_id = {LAST}",
        "has others absent",
    ),
    "the keys of yesterday's evidence are changed": (
        "UPDATE snapshots SET last_keys = '{\"overdue_tasks\":[\"task:1\"]}'",
        "counts something else for",
    ),
    "titles are changed": (
        "UPDATE snapshots SET readings = replace(readings, 'Task 1', 'Task of Boris')",
        "or his evidence otherwise",
    ),
    "links are changed": (
        "UPDATE snapshots SET readings = replace(readings, 'crm.example', 'crm.invalid')",
        "or his evidence otherwise",
    ),
    "a name in a snapshot is changed": ("UPDATE snapshots SET name = 'Another'", "or his evidence otherwise"),
    "titles are emptied long before retention": (
        "UPDATE snapshots SET readings = replace(readings, 'Task 1', ''), blanked = TRUE",
        "UPDATE journal_rows SET salt = '' WHERE name = 'runs'",
        "lost the salt of its titles",
    ),
    "the salt of a day's titles is deleted": ("DELETE FROM journal_rows WHERE name = 'runs'", "lost the salt"),
    "the salt of a day's titles is exchanged": (
        "UPDATE journal_rows SET salt = 'another' WHERE name = 'runs'",
        "or his evidence otherwise",
    ),
    "readings are destroyed": (f"UPDATE snapshots SET readings = 'x' WHERE run_id = {LAST}", "cannot be read"),
    "readings are another form": (
        f"UPDATE snapshots SET readings = '[1]' WHERE run_id = {LAST}",
        "cannot be read",
    ),
    "a window is moved": (
        f"UPDATE runs SET window_start = '2026-11-16 14:00:00.000000+00:00' WHERE id = {LAST}",
        "has another window",
    ),
    "a cutoff is moved": (f"UPDATE runs SET cutoff = '2026-11-19 15:00:00.000000+00:00' WHERE id = {LAST}", "window"),
    "the mark of a rehearsed day is changed": ("UPDATE runs SET rehearsed = NOT rehearsed", "is marked otherwise"),
    "a day is moved to another date": (f"UPDATE runs SET day = '2026-11-13' WHERE id = {FIRST}", "another date"),
    "a day is given another rulebook": (
        f"UPDATE runs SET rulebook_id = (SELECT max(id) FROM rulebooks) WHERE id = {FIRST}",
        "by another rulebook",
    ),
    "a day is moved to another connection": ("UPDATE runs SET connection = 'other'", "another connection"),
    "a digest is exchanged": ("UPDATE runs SET digest = 'abcdefghijklmnopqrstuvwxyz234567'", "another digest"),
    "a digest is emptied": ("UPDATE runs SET digest = ''", "another digest"),
    "the instant of finishing is moved": (
        "UPDATE runs SET finished_at = '2026-11-15 15:00:00.000000+00:00'",
        "instant of finishing",
    ),
    "a second run of a day is written in": (
        "INSERT INTO runs (team_id, day, connection, window_start, cutoff, rulebook_id, state, owner, lease_until,"
        " attempts, first_attempt_at, finished_at, rehearsed, requests, missing, problem, digest)"
        " SELECT team_id, '2026-11-12', connection, window_start, cutoff, rulebook_id, state, owner, lease_until,"
        f" attempts, first_attempt_at, finished_at, rehearsed, requests, missing, problem, '' FROM runs WHERE id = {LAST}",
        "before the journal began there were 0 days",
    ),
    # Rules, money, periods
    "the course is ten times as high": (
        "UPDATE money_versions SET content = replace(content, '\"per_point\":\"250\"', '\"per_point\":\"2500\"')",
        "course 2: changed without an event: content",
    ),
    "a course is loaded earlier": (
        "UPDATE money_versions SET valid_from = '2026-10-01 00:00:00.000000+00:00' WHERE id = 2",
        "course 2: changed without an event: valid_from",
    ),
    "a course is deleted": ("DELETE FROM money_versions WHERE id = 2", "course 2: it was removed"),
    "a course is written in": (
        "INSERT INTO money_versions (id, team_id, version, content, valid_from)"
        " SELECT 99, team_id, version, content, valid_from FROM money_versions WHERE id = 1",
        "course 99: no event of the journal tells of it",
    ),
    "the date of a rulebook is moved": (
        "UPDATE rulebooks SET valid_from = '2026-10-01 00:00:00.000000+00:00' WHERE id = 2",
        "rulebook 2: changed without an event: valid_from",
    ),
    "a rulebook is rewritten": (
        "UPDATE rulebooks SET content = replace(content, '\"penalty\":2', '\"penalty\":1')",
        "does not say what it said",
    ),
    "a rulebook is destroyed": ("UPDATE rulebooks SET content = '[]'", "does not say what it said"),
    "a rulebook nobody used is deleted": (
        "UPDATE runs SET rulebook_id = 1",
        "UPDATE ledger_entries SET rulebook_id = 1 WHERE rulebook_id = 2",
        "DELETE FROM rulebooks WHERE id = 2",
        "rulebook 2: it was removed",
    ),
    "an approval is taken back": ("DELETE FROM periods", "period 1:2026-11: it was removed"),
    "an approval is in another name": ("UPDATE periods SET approved_by = 'Boris'", "without an event: approved_by"),
    "an approval covers later entries": ("UPDATE periods SET approved_seq = approved_seq + 5", "approved_seq"),
    "an approval is of another day": (
        "UPDATE periods SET approved_at = '2026-11-30 00:00:00.000000+00:00'",
        "without an event: approved_at",
    ),
    "a period is locked by hand": ("UPDATE periods SET state = 'locked'", "without an event: state"),
    "an approval is written in": (
        "INSERT INTO periods (team_id, month, state) VALUES (1, '2026-10', 'locked')",
        "period 1:2026-10: no event",
    ),
    # People
    "an absence is deleted": ("DELETE FROM absences", "absence 1: it was removed"),
    "an absence is longer": ("UPDATE absences SET last = '2026-11-20'", "absence 1: changed without an event: last"),
    "an absence is cancelled": ("UPDATE absences SET state = 'cancelled'", "without an event: state"),
    "an absence is of another kind": ("UPDATE absences SET kind = 'vacation'", "without an event: kind"),
    "an absence is of another manager": (
        "UPDATE absences SET manager_id = (SELECT max(id) FROM managers WHERE id <> absences.manager_id)",
        "without an event: manager",
    ),
    "the note of an absence is changed": ("UPDATE absences SET note = 'trip'", "without an event: note"),
    "the author of an absence is changed": ("UPDATE absences SET author = 'Boris'", "without an event: author"),
    "note and salt of an absence are emptied": (
        "UPDATE absences SET note = '', author = 'Boris'",
        "UPDATE journal_rows SET salt = '' WHERE name = 'absences'",
        "though no retention had come to it",
    ),
    "an absence is written in": (
        "INSERT INTO absences (manager_id, first, last, kind, note, state, author, created_at)"
        " SELECT manager_id, first, last, kind, note, state, author, created_at FROM absences",
        "absence 2: no event of the journal tells of it",
    ),
    "an action is deleted from the log": ("DELETE FROM audit_log WHERE id = 1", "action 1: it was removed"),
    "an action is another": ("UPDATE audit_log SET action = 'nothing'", "action 1: changed without an event"),
    "an action is in another name": ("UPDATE audit_log SET author = 'Boris'", "action 1: changed without an event"),
    "an action is of another day": (
        "UPDATE audit_log SET at = '2026-11-01 00:00:00.000000+00:00'",
        "action 1: changed without an event: at",
    ),
    "the log of actions is emptied": ("DELETE FROM audit_log", "it was removed"),
    "a chat is another": ("UPDATE people SET telegram_id = 666 WHERE id = 1", "without an event: chat"),
    "two people exchange their chats": (
        "UPDATE people SET telegram_id = 5 WHERE id = 1",
        "UPDATE people SET telegram_id = 7000001 WHERE id = 2",
        "UPDATE people SET telegram_id = 7000002 WHERE id = 1",
        "person 1: changed without an event: chat",
    ),
    "a person is renamed": ("UPDATE people SET name = 'Another'", "without an event: name"),
    "a role is given": ("UPDATE people SET roles = '[[\"owner\",null]]'", "without an event: roles"),
    "a role is taken": ("UPDATE people SET roles = '[]'", "without an event: roles"),
    "roles are destroyed": ("UPDATE people SET roles = 'x'", "cannot be read"),
    "the salt of a person is another": ("UPDATE journal_rows SET salt = 'x' WHERE name = 'people'", "person 1: changed"),
    "the salt of a person is emptied": (
        "UPDATE journal_rows SET salt = '' WHERE name = 'people'",
        "person 1: the salt of its texts was removed",
    ),
    "accounts exchange their people": (
        "UPDATE managers SET person_id = (SELECT max(m.person_id) + min(m.person_id) FROM managers m) - person_id",
        "without an event: person",
    ),
    "accounts exchange their names": (
        "UPDATE managers SET name = 'x' WHERE crm_user = '7'",
        "UPDATE managers SET name = 'Anna Made-up' WHERE crm_user = '12'",
        "UPDATE managers SET name = 'Boris Invented' WHERE crm_user = '7'",
        "without an event: name",
    ),
    "accounts exchange their users": (
        "UPDATE managers SET crm_user = 'x' WHERE crm_user = '7'",
        "UPDATE managers SET crm_user = '7' WHERE crm_user = '12'",
        "UPDATE managers SET crm_user = '12' WHERE crm_user = 'x'",
        "its manager is another CRM user now",
    ),
    "an account has left": ("UPDATE managers SET active = FALSE", "without an event: active"),
    "an account is parted from its person": ("UPDATE managers SET person_id = NULL", "without an event: person"),
    "the first scored day is moved": ("UPDATE teams SET scored_from = '2026-11-17'", "without an event: scored_from"),
    "a team is archived": (
        "UPDATE teams SET archived_at = '2026-11-19 00:00:00.000000+00:00'",
        "without an event: archived_at",
    ),
    # Entries
    "the reason of an adjustment is another": ("UPDATE adjustments SET reason = 'x'", "do not say what its hash covers"),
    "a reason is emptied": (
        "UPDATE adjustments SET reason = NULL, author = NULL, salt = ''",
        "though no retention had come to them",
    ),
    "a reason is emptied and dated back": (
        "UPDATE adjustments SET reason = NULL, created_at = '2026-01-01 00:00:00.000000+00:00'",
        "though no retention had come to them",
    ),
    "two adjustments exchange their reasons": (
        "UPDATE ledger_entries SET reason_id = (SELECT min(a.reason_id) + max(a.reason_id) FROM ledger_entries a"
        " WHERE a.kind = 'adjustment') - reason_id WHERE kind = 'adjustment'",
        "do not say what its hash covers",
    ),
    "points are added": ("UPDATE ledger_entries SET points = 5 WHERE kind = 'adjustment'", "columns do not say"),
    "the head of the ledger is another": ("UPDATE teams SET ledger_seq = ledger_seq - 1", "were written"),
    # The journal itself
    "the journal is cut off and its head put right": (
        "DELETE FROM journal_events WHERE chain = 1 AND seq = (SELECT max(seq) FROM journal_events WHERE chain = 1)",
        JOURNAL_BACK,
        "no event of the journal tells of it",
    ),
    "people's journal is cut off and its head put right": (
        "DELETE FROM journal_events WHERE chain = 0 AND seq > 2",
        JOURNAL_BACK,
        "covers another event",
    ),
    "the journal is cut off": ("DELETE FROM journal_events WHERE chain = 1 AND seq > 3", "the journal ends with event 3"),
    "an event is taken out": ("DELETE FROM journal_events WHERE chain = 1 AND seq = 3", "an event is missing before it"),
    "an event is rewritten": (
        "UPDATE journal_events SET payload = replace(payload, '\"rehearsed\":false', '\"rehearsed\":true')",
        "its hash does not follow",
    ),
    "an event is called otherwise": (
        "UPDATE journal_events SET kind = 'action' WHERE kind = 'day_finished'",
        "its columns do not say what it states",
    ),
    "an event is dated back": (
        "UPDATE journal_events SET at = '2026-11-01 00:00:00.000000+00:00' WHERE seq = 3",
        "it is older than the event before it",
    ),
    "an event is destroyed": ("UPDATE journal_events SET payload = 'x' WHERE seq = 3", "does not say"),
    "the head of the journal is deleted": ("DELETE FROM journal_heads WHERE chain = 1", "head of the journal is missing"),
    "a kept state is another": (
        "UPDATE journal_rows SET state = replace(state, 'approved', 'locked') WHERE name = 'periods'",
        "the state kept beside the journal is another",
    ),
    "the kept states are deleted": ("DELETE FROM journal_rows WHERE name = 'people'", "kept beside the journal"),
}  # fmt: skip
"""What was done, in SQL, and what `verify` says of it."""


@pytest_asyncio.fixture
async def past(database):
    await live_through(database)
    return database


@pytest.mark.parametrize("name", ATTACKS)
async def test_what_was_changed_is_named(past, name):
    *statements, said = ATTACKS[name]
    told = await findings(past, statements)
    assert any(said in each for each in told), told
