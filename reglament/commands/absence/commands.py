"""Define the commands `reglament absence add|list|cancel|import`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from reglament.commands.options import ConfigOption, JsonOption
from reglament.commands.terminal import console, load_settings, print_json

# ruff: noqa: PLC0415  # each command imports the work inside the function, as in cli.py

absence_app = typer.Typer(help="Who is absent when: days of an absence are not scored.", no_args_is_help=True)

AuthorOption = Annotated[str, typer.Option("--author", help="Who decides; stands in audit log, journal and ledger.")]
DAYS = "2026-12-01, or a range 2026-12-01..2026-12-05."


@absence_app.callback()
def absence() -> None:
    """Record, list and cancel absences."""


@absence_app.command("add")
def add(
    person: Annotated[str, typer.Argument(help="CRM user id (12 or main:12), or the name.")],
    days: Annotated[str, typer.Argument(help=DAYS)],
    kind: Annotated[str, typer.Option(help="vacation, sick, trip, day_off or other.")],
    author: AuthorOption,
    half: Annotated[str | None, typer.Option(help="am or pm: half of one day.")] = None,
    config: ConfigOption = None,
) -> None:
    """Record an absence; days scored already lose their points by opposite entries, half a day is judged anew."""
    from reglament.commands.absence import days as written
    from reglament.commands.absence import show, work

    span, meant, part = written.parse_days(days), written.parse_kind(kind), written.parse_half(half or "")
    show.print_act(console, asyncio.run(work.add(load_settings(config), person, span, meant, author, part)))


@absence_app.command("list")
def list_(
    config: ConfigOption = None,
    team: Annotated[str | None, typer.Option(help="People of one team.")] = None,
    person: Annotated[str | None, typer.Option(help="One person: CRM user id, or the name.")] = None,
    days: Annotated[str | None, typer.Option(help=f"Absences that touch these days: {DAYS}")] = None,
    as_json: JsonOption = False,
) -> None:
    """List absences with state, days, kind and author."""
    from reglament.commands.absence import days as written
    from reglament.commands.absence import show, work

    span = None if days is None else written.parse_days(days)
    found = asyncio.run(work.list_absences(load_settings(config, team=team), team, person, span))
    if as_json:
        print_json([show.to_json(each) for each in found])
    else:
        show.print_list(console, found)


@absence_app.command("cancel")
def cancel(
    number: Annotated[int, typer.Argument(help="Number of the absence, as `absence list` shows it.")],
    author: AuthorOption,
    config: ConfigOption = None,
) -> None:
    """Cancel an absence; days that were read at their cutoff are judged again from what was stored."""
    from reglament.commands.absence import show, work

    show.print_act(console, asyncio.run(work.cancel(load_settings(config), number, author)))


@absence_app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV: person; first; last; kind; half.")],
    author: AuthorOption,
    config: ConfigOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show every line and what it would do; keep nothing.")
    ] = False,
) -> None:
    """Record the absences of a file, all lines or none."""
    from reglament.commands.absence import show, work

    outcomes = asyncio.run(work.import_file(load_settings(config), file, author, dry_run=dry_run))
    show.print_import(console, outcomes, dry_run=dry_run)
    if any(outcome.problem for outcome in outcomes):
        raise typer.Exit(1)
