"""Print what acts by hand wrote."""

from __future__ import annotations

from rich.console import Console

from reglament.errors import SettingsError
from scoring.entries import Entry, EntryKind, Month
from scoring.names import fold
from scoring.scorecard import Outcome
from storage.values import PointsAct

_OUTCOMES = (Outcome.KEPT, Outcome.EXCUSED, Outcome.BROKEN)


def parse_outcome(text: str) -> Outcome:
    """Parse `kept`, `excused` or `broken`. Raises SettingsError."""
    found = next((outcome for outcome in _OUTCOMES if outcome.value == fold(text)), None)
    if found is None:
        raise SettingsError(f"{text!r}: a rule is corrected to {', '.join(_OUTCOMES)}")
    return found


def print_pardon(console: Console, act: PointsAct) -> None:
    """Print the entries of a pardon, and whether the author's own wait for an owner."""
    print_entries(console, act)
    if act.own_left:
        text = f"{act.own_left} broken rules of the author stay: an owner confirms them in Telegram, or by --as-owner"
        console.print(text, highlight=False, markup=False)


def print_entries(console: Console, act: PointsAct) -> None:
    """Print each entry with person, day and points; or that nothing was to be changed."""
    for entry in act.entries:
        console.print(_entry_text(entry), highlight=False, markup=False)
    if act.is_known:
        console.print("judged so already: nothing was changed", highlight=False)


def _entry_text(entry: Entry) -> str:
    about = f"{entry.name} ({entry.crm_user}), {entry.day} {entry.team}"
    if entry.kind is EntryKind.ADJUSTMENT:
        done = f"adjusted by {entry.points:+d}"
    else:
        done = f"{entry.rule} {'reversed' if entry.outcome is None else entry.outcome.value}: {entry.points:+d}"
    locked = Month.of(entry.day)
    where = "" if entry.booked_in == locked else f", booked in {entry.booked_in}: {locked} is locked"
    return f"{about}: {done}{where}; entry {entry.seq}"
