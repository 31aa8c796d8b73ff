"""List what an administrator may do to stored days: in SQL, and what `verify` says of each."""

from __future__ import annotations

LAST = "(SELECT max(id) FROM runs)"
FIRST = "(SELECT min(id) FROM runs)"
HEAD_BACK = (
    "UPDATE teams SET ledger_seq = (SELECT max(seq) FROM ledger_entries),"
    " ledger_hash = (SELECT hash FROM ledger_entries ORDER BY seq DESC LIMIT 1)"
)
BY_HAND = "DELETE FROM ledger_entries WHERE kind <> 'score'"

DAYS: dict[str, tuple[str, ...]] = {
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
    "a won deal is forgotten, so that another day may count the same win": (
        f"DELETE FROM closed_deals WHERE run_id = {FIRST}",
        "has other closed deals than its evidence",
    ),
    "a win that no day counted is noted, so that the real win counts for nobody": (
        "INSERT INTO closed_deals (run_id, state, deal, at)"
        f" SELECT {LAST}, 'won', '777', cutoff FROM runs WHERE id = {LAST}",
        "has other closed deals than its evidence",
    ),
    "an absence is written into a snapshot": (
        f"UPDATE snapshots SET absent = NOT absent WHERE run_id = {LAST}",
        "has others absent",
    ),
    "the keys of yesterday's evidence are changed": (
        'UPDATE snapshots SET last_keys = \'{"overdue_tasks":["task:1"]}\'',
        "counts something else for",
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
    "the salts of a day are exchanged": (
        "UPDATE journal_rows SET lasting_salt = 'another' WHERE name = 'runs'",
        "names 7 otherwise than was read",
    ),
    "an absent reading is explained": (
        f'UPDATE runs SET missing = \'{{"calls_held":"Boris broke the telephone"}}\' WHERE id = {LAST}',
        "explains absent readings otherwise",
    ),
    "a finished day is told to have had a problem": (
        f"UPDATE runs SET problem = 'Boris' WHERE id = {LAST}",
        "explains absent readings otherwise",
    ),
    "a record is spared for a manager": (
        "INSERT INTO spared_records (manager_id, kpi, record, run_id)"
        f" VALUES ((SELECT min(id) FROM managers), 'overdue_tasks', '1', {LAST})",
        "spared other records for new owners",
    ),
    "a message of a day is deleted": (
        "DELETE FROM deliveries WHERE kind = 'personal'",
        "has other messages, or to others, than its event says",
    ),
    "all messages of a day are deleted": ("DELETE FROM deliveries", "has other messages, or to others"),
    "a message of a day goes to another": (
        "UPDATE deliveries SET recipient = 'person:2' WHERE kind = 'personal'",
        "has other messages, or to others",
    ),
    "a message of a day is of another day": (
        "UPDATE deliveries SET event = 'run:1' WHERE kind = 'board'",
        "has other messages, or to others",
    ),
    "a message of a day is written in": (
        "INSERT INTO deliveries (event, kind, recipient, reference, state, owner, lease_until, attempts, interrupted,"
        " message_ids, problem, created_at) SELECT event, kind, 'person:2', reference, state, owner, lease_until,"
        " attempts, interrupted, message_ids, problem, created_at FROM deliveries WHERE kind = 'personal'",
        "has other messages, or to others",
    ),
    "a message tells of another user": (
        'UPDATE deliveries SET reference = replace(reference, \'"crm_user":"7"\', \'"crm_user":"12"\')',
        "has messages that say something else",
    ),
    "a message says nothing": (
        "UPDATE deliveries SET reference = '{}' WHERE kind = 'personal'",
        "lost what its messages say, though no retention",
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
        " attempts, first_attempt_at, finished_at, rehearsed, requests, missing, problem, '' FROM runs"
        f" WHERE id = {LAST}",
        "before the journal began there were 0 days",
    ),
}
"""Statements by name, the words of `verify` last."""
