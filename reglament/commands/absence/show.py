"""Print absences, and what acts on absences changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from rich.console import Console
from rich.table import Table

from reglament.absence_acts import AbsenceAct
from reglament.commands.absence.person import account_of, named
from reglament.commands.absence.work import ImportedLine
from reglament.commands.output import Json
from scoring.entries import Entry, EntryKind, Month
from storage.values import Absence


def to_json(absence: Absence) -> Json:
    """Build the document of an absence for `absence list --json`."""
    return {
        "id": absence.id,
        "connection": absence.connection,
        "crm_user": absence.crm_user,
        "name": absence.name,
        "team": absence.team,
        "first": absence.first.isoformat(),
        "last": absence.last.isoformat(),
        "half": absence.half and absence.half.value,
        "kind": absence.kind.value,
        "state": absence.state.value,
        "author": absence.author,
        "decided_by": absence.decided_by,
    }


def print_list(console: Console, found: Sequence[Absence]) -> None:
    """Print absences as a table, or that there are none."""
    if not found:
        console.print("No absences.", highlight=False)
        return
    table = Table()
    for title in ("No.", "Name", "CRM user", "Team", "Days", "Kind", "State", "Author", "Decided by"):
        table.add_column(title)
    for each in found:
        table.add_row(
            str(each.id), each.name, account_of(each), each.team or "", span_of(each), each.kind.value,
            each.state.value, each.author, each.decided_by or "",
        )  # fmt: skip
    console.print(table, markup=False)


def span_of(absence: Absence) -> str:
    """Write the days of an absence as `absence add` takes them, and the half of half a day."""
    if absence.half is not None:
        return f"{absence.first} {absence.half.value}"
    return f"{absence.first}" if absence.first == absence.last else f"{absence.first}..{absence.last}"


def act_text(act: AbsenceAct) -> str:
    """Describe an absence with number, person, days, kind, state and author."""
    absence = act.absence
    known = "already " if act.is_known else ""
    by = absence.decided_by or absence.author
    what = f"absence {absence.id}: {named(absence)}, {span_of(absence)}, {absence.kind.value}"
    return f"{what}; {known}{absence.state.value} by {by}"


def changes(act: AbsenceAct) -> list[str]:
    """Describe what became of scored days, a line each."""
    by_day: dict[tuple[date, str], list[Entry]] = defaultdict(list)
    for entry in act.entries:
        by_day[entry.day, entry.team].append(entry)
    return [_change(day, team, entries) for (day, team), entries in sorted(by_day.items())]


def _change(day: date, team: str, entries: Sequence[Entry]) -> str:
    judged = sum(entry.kind is EntryKind.CORRECTION for entry in entries)
    done = f"{judged} rules judged again" if judged else f"{len(entries)} rules excused"
    points = sum(entry.points for entry in entries)
    booked = entries[0].booked_in
    where = "" if booked == Month.of(day) else f", booked in {booked}: {Month.of(day)} is locked"
    return f"{day} {team}: {done}, points change by {points:+d}{where}"


def print_act(console: Console, act: AbsenceAct) -> None:
    """Print an absence and what became of scored days."""
    for line in (act_text(act), *(f"  {change}" for change in changes(act))):
        console.print(line, highlight=False, markup=False)


def print_import(console: Console, outcomes: Sequence[ImportedLine], *, dry_run: bool) -> None:
    """Print every line of a file with its outcome, and whether anything was recorded."""
    for outcome in outcomes:
        console.print(f"line {outcome.line.number}: {_outcome(outcome)}", highlight=False, markup=False)
        for change in changes(outcome.act) if outcome.act else ():
            console.print(f"  {change}", highlight=False, markup=False)
    bad = sum(bool(outcome.problem) for outcome in outcomes)
    new = sum(outcome.act is not None and not outcome.act.is_known for outcome in outcomes)
    if bad:
        text = f"nothing was recorded: {bad} of {len(outcomes)} lines cannot be"
    else:
        text = f"dry run, nothing was recorded: {new} absences would be" if dry_run else f"{new} absences recorded"
    console.print(text, highlight=False)


def _outcome(outcome: ImportedLine) -> str:
    if outcome.act is None:
        return f"{'; '.join(outcome.line.cells)}: {outcome.problem}"
    absence = outcome.act.absence
    state = f"known as absence {absence.id}" if outcome.act.is_known else "new"
    return f"{named(absence)}, {span_of(absence)}, {absence.kind.value}: {state}"
