"""Name the kinds of journal events, as stored (docs/product.md §6)."""

from __future__ import annotations

from enum import StrEnum


class JournalKind(StrEnum):
    """Name what an event of the journal states."""

    BEGUN = "begun"
    """The journal of a chain begins: head of the ledger, counts, and the states of all rows as found."""
    DAY_FINISHED = "day_finished"
    DAY_NOT_READ = "day_not_read"
    """A working day beyond `catch_up_days` will never be read."""
    ENTRIES_WRITTEN = "entries_written"
    """Entries were written by hand: reversals, corrections, adjustments."""
    CALENDAR_STORED = "calendar_stored"
    RULEBOOK_STORED = "rulebook_stored"
    COURSE_STORED = "course_stored"
    PERIOD_APPROVED = "period_approved"
    PERIOD_LOCKED = "period_locked"
    ABSENCE_RECORDED = "absence_recorded"
    ABSENCE_DECIDED = "absence_decided"
    ABSENCE_CANCELLED = "absence_cancelled"
    PERSON_ADDED = "person_added"
    PERSON_CHANGED = "person_changed"
    ROLE_GIVEN = "role_given"
    ROLE_TAKEN = "role_taken"
    CHAT_JOINED = "chat_joined"
    CHAT_PARTED = "chat_parted"
    ACCOUNT_ADDED = "account_added"
    ACCOUNT_CHANGED = "account_changed"
    ACCOUNT_JOINED = "account_joined"
    """An account of the CRM was joined to a person."""
    ACCOUNT_PARTED = "account_parted"
    ACCOUNT_LEFT = "account_left"
    ACCOUNT_RETURNED = "account_returned"
    TEAM_CHANGED = "team_changed"
    ACTION = "action"
    """A row of the audit log."""
    TEXTS_BLANKED = "texts_blanked"
    """Retention blanked titles, notes and reasons older than an instant, and forgot the salts."""
    ROW_REMOVED = "row_removed"
