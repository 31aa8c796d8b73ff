"""What the commands print: the stable JSON of docs/json.md, and tables for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table

from reglament.day.read import missing
from scoring.scorecard import Outcome, Scorecard, ScoreLine, is_money
from scoring.snapshot import Evidence, Reading, Snapshot, Value
from scoring.standings import Leaderboard, Standing
from scoring.workdays import Window
from storage.values import Day

Json = dict[str, Any]


def number(value: Decimal) -> int | str:
    """A count as a number; money as exact text."""
    return int(value) if value == value.to_integral_value() else str(value)


def snapshot_json(
    team: str, day: date, window: Window, snapshots: Sequence[Snapshot], *, requests: int, seconds: float
) -> Json:
    """`reglament snapshot --json`."""
    return {
        "team": team,
        "day": day.isoformat(),
        "window": [window.start.isoformat(), window.cutoff.isoformat()],
        "requests": requests,
        "seconds": round(seconds, 3),
        "missing": missing(snapshots),
        "managers": [_manager(snapshot) for snapshot in snapshots],
    }


def score_json(day: Day) -> Json:
    """`reglament score --json` for a finished day."""
    run = day.run
    result = snapshot_json(
        run.team,
        run.day,
        run.window,
        [card.snapshot for card in day.cards],
        requests=run.requests,
        seconds=float(run.seconds or 0),
    )
    result |= {"scored": True, "digest": run.digest, "rehearsed": run.rehearsed}
    result["managers"] = [
        _manager(card.snapshot) | {"lines": [_line(line) for line in card.lines], "points": card.points}
        for card in day.cards
    ]
    return result


def board_json(team: str, period: str, first: date, last: date, board: Leaderboard) -> Json:
    """`reglament board --json`; those listed apart have no place."""
    return {
        "team": team,
        "period": period,
        "from": first.isoformat(),
        "to": last.isoformat(),
        "discipline": _percent(board.discipline),
        "rows": [_standing(row) for row in (*board.rows, *board.apart)],
    }


def _manager(snapshot: Snapshot) -> Json:
    return {
        "crm_user": snapshot.manager.crm_user,
        "name": snapshot.manager.name,
        "kpis": {key: _kpi(reading) for key, reading in snapshot.readings.items()},
    }


def _kpi(reading: Reading) -> Json | None:
    if not isinstance(reading, Value):
        return None
    if isinstance(reading.number, Mapping):
        result: Json = {"value": {currency: f"{amount:.2f}" for currency, amount in reading.number.items()}}
    else:
        result = {"value": reading.number}
    if reading.items:
        result["items"] = [_item(item) for item in reading.items]
    return result


def _item(item: Evidence) -> Json:
    result: Json = {"id": item.key, "title": item.title, "url": item.url}
    if item.amount is not None:
        result |= {"amount": f"{item.amount.amount:.2f}", "currency": item.amount.currency}
    if item.since is not None:
        result["since"] = item.since.isoformat()
    if item.again:
        result["again"] = True
    return result


def _line(line: ScoreLine) -> Json:
    def shown(value: Decimal | None) -> int | str | None:
        if value is None:
            return None
        return f"{value:.2f}" if is_money(line.rule) else number(value)

    return {
        "rule": line.rule.id,
        "kpi": line.rule.kpi,
        "outcome": line.outcome.value,
        "value": shown(line.value),
        "bound": shown(line.bound),
        "points": line.points,
    }


def _standing(row: Standing) -> Json:
    return {
        "place": row.place,
        "crm_user": row.totals.crm_user,
        "name": row.totals.name,
        "points": row.totals.points,
        "today": row.today,
        "discipline": _percent(row.totals.discipline),
        "scored_days": len(row.totals.scored_days),
    }


def _percent(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


# For people


def print_snapshot(console: Console, data: Json) -> None:
    """KPIs of every manager, then why some are absent."""
    managers = data["managers"]
    keys = list(dict.fromkeys(key for manager in managers for key in manager["kpis"]))
    table = _table(f"{data['team']}, {data['day']}", keys)
    for manager in managers:
        table.add_row(manager["name"], *(_cell(manager["kpis"].get(key)) for key in keys))
    console.print(table)
    for key, reason in data["missing"].items():
        console.print(f"{key}: {reason}", highlight=False, markup=False)


def _table(title: str, keys: Iterable[str]) -> Table:
    """A line a manager, a narrow column a key."""
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


def print_score(console: Console, cards: Iterable[Scorecard], title: str) -> None:
    """Outcomes by rule, with values and points."""
    every = list(cards)
    rules = list(dict.fromkeys(line.rule.id for card in every for line in card.lines))
    table = _table(title, [*rules, "Points"])
    for card in every:
        by_rule = {line.rule.id: line for line in card.lines}
        table.add_row(card.manager.name, *(_outcome(by_rule.get(rule)) for rule in rules), f"{card.points:+d}")
    console.print(table)


def _outcome(line: ScoreLine | None) -> str:
    if line is None:
        return ""
    value = "" if line.value is None else f"{number(line.value)} "
    return f"{value}{SIGNS[line.outcome]}"


def print_board(console: Console, data: Json) -> None:
    """The standings."""
    table = Table(title=f"{data['team']}, {data['from']} – {data['to']}", title_justify="left")
    for name in ("Place", "Manager", "Points", "Today", "Discipline %", "Scored days"):
        table.add_column(name, justify="left" if name == "Manager" else "right")
    for row in data["rows"]:
        cells = (row["place"], row["name"], row["points"], row["today"], row["discipline"], row["scored_days"])
        table.add_row(*("–" if cell is None else str(cell) for cell in cells))
    console.print(table)
    console.print(f"Team discipline: {data['discipline'] or '–'} %", highlight=False)
