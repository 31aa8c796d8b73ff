"""List what an administrator may do to entries and events: in SQL, and what `verify` says of each."""

from __future__ import annotations

JOURNAL_BACK = (
    "UPDATE journal_heads SET seq = (SELECT max(e.seq) FROM journal_events e WHERE e.chain = journal_heads.chain),"
    " hash = (SELECT e.hash FROM journal_events e WHERE e.chain = journal_heads.chain ORDER BY e.seq DESC LIMIT 1),"
    " at = (SELECT e.at FROM journal_events e WHERE e.chain = journal_heads.chain ORDER BY e.seq DESC LIMIT 1)"
)
CHAINS: dict[str, tuple[str, ...]] = {
    "the reason of an adjustment is another": (
        "UPDATE adjustments SET reason = 'x'",
        "do not say what its hash covers",
    ),
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
    "the journal is cut off": (
        "DELETE FROM journal_events WHERE chain = 1 AND seq > 3",
        "the journal ends with event 3",
    ),
    "an event is taken out": (
        "DELETE FROM journal_events WHERE chain = 1 AND seq = 3",
        "an event is missing before it",
    ),
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
    "the head of the journal is deleted": (
        "DELETE FROM journal_heads WHERE chain = 1",
        "head of the journal is missing",
    ),
    "a kept state is another": (
        "UPDATE journal_rows SET state = replace(state, 'approved', 'locked') WHERE name = 'periods'",
        "the state kept beside the journal is another",
    ),
    "the kept states are deleted": ("DELETE FROM journal_rows WHERE name = 'people'", "kept beside the journal"),
}
"""Statements by name, the words of `verify` last."""
