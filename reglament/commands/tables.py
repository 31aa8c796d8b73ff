"""Print snapshots, scores and standings as tables for people."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from reglament.commands.output import Json, SnapshotDocument, number
from scoring.scorecard import Outcome, ScoreLine
from storage.journal.chain import short_digest
from storage.values import Day


def print_snapshot(console: Console, document: SnapshotDocument) -> None:
    """Print the KPIs of every manager, then the reasons of absent KPIs."""
    head, managers = document.head, list(document.managers(items=False))
    keys = list(dict.fromkeys(key for manager in managers for key in manager["kpis"]))
    table = _table(f"{head['team']}, {head['day']}", keys)
    for manager in managers:
        table.add_row(manager["name"], *(_cell(manager["kpis"].get(key)) for key in keys))
    console.print(table)
    for key, reason in head["missing"].items():
        console.print(f"{key}: {reason}", highlight=False, markup=False)


def _table(title: str, keys: Iterable[str]) -> Table:
    """Make an empty table with a row per manager and a narrow column per key."""
    table = Table(title=title, title_justify="left")
    table.add_column("Manager", no_wrap=True)
    for key in keys:
        table.add_column(key.replace("_", "\n"), justify="right")
    return table


def _cell(kpi: Json | None) -> str:
    if kpi is None:
        return "–"
    value = kpi["value"]
    if isinstance(value, dict):
        return ", ".join(f"{amount} {currency}" for currency, amount in value.items()) or "0"
    return str(value)


SIGNS = {
    Outcome.KEPT: "✓",
    Outcome.BROKEN: "✗",
    Outcome.EXCUSED: "excused",
    Outcome.NOT_APPLICABLE: "n/a",
    Outcome.NO_DATA: "no data",
}


def print_score(console: Console, day: Day) -> None:
    """Print outcomes, values and points of a finished day, then the reasons of absent KPIs."""
    rules = list(dict.fromkeys(line.rule.id for card in day.cards for line in card.lines))
    table = _table(f"{day.run.team}, {day.run.day}, digest {short_digest(day.run.digest) or '–'}", [*rules, "Points"])
    for card in day.cards:
        by_rule = {line.rule.id: line for line in card.lines}
        table.add_row(card.manager.name, *(_outcome(by_rule.get(rule)) for rule in rules), f"{card.points:+d}")
    console.print(table)
    for kpi, reason in day.run.missing.items():
        console.print(f"{kpi}: {reason}", highlight=False, markup=False)


def _outcome(line: ScoreLine | None) -> str:
    if line is None:
        return ""
    value = "" if line.value is None else f"{number(line.value)} "
    return f"{value}{SIGNS[line.outcome]}"


def print_board(console: Console, data: Json) -> None:
    """Print the standings and the team's discipline."""
    table = Table(title=f"{data['team']}, {data['from']} – {data['to']}", title_justify="left")
    for name in ("Place", "Manager", "Points", "Today", "Discipline %", "Scored days"):
        table.add_column(name, justify="left" if name == "Manager" else "right")
    for row in data["rows"]:
        cells = (row["place"], row["name"], row["points"], row["today"], row["discipline"], row["scored_days"])
        table.add_row(*("–" if cell is None else str(cell) for cell in cells))
    console.print(table)
    console.print(f"Team discipline: {data['discipline'] or '–'} %", highlight=False)
