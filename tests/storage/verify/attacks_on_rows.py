"""List what an administrator may do to rules, courses, periods, people and absences, and what `verify` says."""

from __future__ import annotations

RULES: dict[str, tuple[str, ...]] = {
    "the course is ten times as high": (
        'UPDATE money_versions SET content = replace(content, \'"per_point":"250"\', \'"per_point":"2500"\')',
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
}
"""Statements by name, the words of `verify` last."""

PEOPLE: dict[str, tuple[str, ...]] = {
    "an appeal is deleted": ("DELETE FROM appeals", "appeal 1: it was removed"),
    "an appeal is granted by hand": ("UPDATE appeals SET state = 'kept'", "appeal 1: changed without an event: state"),
    "the text of an appeal is changed": ("UPDATE appeals SET text = 'late'", "without an event: text"),
    "an appeal is decided in another name": ("UPDATE appeals SET decided_by = 'Boris'", "an event: decided_by"),
    "the proof of an appeal is changed": (
        "UPDATE appeals SET recheck = replace(recheck, 'not_told', 'in_order')",
        "without an event: recheck",
    ),
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
    "the salt of a person is another": (
        "UPDATE journal_rows SET salt = 'x' WHERE name = 'people'",
        "person 1: changed",
    ),
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
    "an account is moved to another team": (
        "INSERT INTO teams (id, key, title, connection, scored_from, ledger_seq, ledger_hash)"
        " SELECT 9, 'others', title, connection, scored_from, 0, ledger_hash FROM teams",
        "UPDATE managers SET team_id = 9 WHERE crm_user = '7'",
        "without an event: team",
    ),
    "an account is in no team": ("UPDATE managers SET team_id = NULL", "account 1: changed without an event: team"),
    "a team is written in": (
        "INSERT INTO teams (id, key, title, connection, scored_from, ledger_seq, ledger_hash)"
        " SELECT 9, 'others', title, connection, scored_from, 0, ledger_hash FROM teams",
        "team 9: no event of the journal tells of it",
    ),
    "a team has another title": ("UPDATE teams SET title = 'Another'", "team 1: changed without an event: title"),
    "a team has no title": ("UPDATE teams SET title = ''", "team 1: changed without an event: title"),
    "a team's board goes to another chat": ("UPDATE teams SET chat_id = -666", "without an event: chat"),
    "a team's board goes to no chat": (
        "UPDATE teams SET chat_id = NULL, thread_id = NULL",
        "without an event: chat, thread",
    ),
    "a team's board goes to another topic": ("UPDATE teams SET thread_id = 5", "without an event: thread"),
    "an invite is written in": (
        "INSERT INTO invites (token_hash, role, team_id, name, created_by, created_at, expires_at)"
        " SELECT 'abc', role, team_id, name, created_by, created_at, expires_at FROM invites WHERE used_at IS NULL",
        "invite abc: no event of the journal tells of it",
    ),
    "an invite is for another role": ("UPDATE invites SET role = 'owner'", "without an event: role"),
    "an invite is for another name": ("UPDATE invites SET name = 'Boris'", "without an event: name"),
    "an invite is in another name": ("UPDATE invites SET created_by = 'Boris'", "without an event: created_by"),
    "an invite for a role becomes a manager's": (
        "UPDATE invites SET role = NULL, team_id = NULL, manager_id = 1",
        "without an event: manager, role",
    ),
    "an invite lives longer": (
        "UPDATE invites SET expires_at = '2027-11-01 00:00:00.000000+00:00'",
        "without an event: expires_at",
    ),
    "an invite is unused again": (
        "UPDATE invites SET used_at = NULL, used_by = NULL",
        "without an event: used_at, used_by",
    ),
    "a used invite is deleted": ("DELETE FROM invites WHERE used_at IS NOT NULL", "it was removed"),
    "the token of an invite is exchanged": (
        "UPDATE invites SET token_hash = 'abc' WHERE used_at IS NULL",
        "invite abc: no event of the journal tells of it",
    ),
    "the lasting salt of an absence is emptied": (
        "UPDATE journal_rows SET lasting_salt = '' WHERE name = 'absences'",
        "absence 1: changed without an event: author, decided_by",
    ),
    "a request is decided in another name": (
        "UPDATE absences SET decided_by = 'Boris'",
        "without an event: decided_by",
    ),
    "an absence is decided by nobody": ("UPDATE absences SET decided_by = NULL", "without an event: decided_by"),
    "an account has left": ("UPDATE managers SET active = FALSE", "without an event: active"),
    "an account is parted from its person": ("UPDATE managers SET person_id = NULL", "without an event: person"),
    "the first scored day is moved": ("UPDATE teams SET scored_from = '2026-11-17'", "without an event: scored_from"),
    "a team is archived": (
        "UPDATE teams SET archived_at = '2026-11-19 00:00:00.000000+00:00'",
        "without an event: archived_at",
    ),
}
"""Statements by name, the words of `verify` last."""
