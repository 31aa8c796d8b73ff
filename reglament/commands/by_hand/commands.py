"""Define the commands `reglament pardon|adjust|correct`."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Annotated

import typer

from reglament.commands.options import ConfigOption, DayOption, TeamOption, parse_date
from reglament.commands.terminal import console, load_settings
from storage.values import PointsAuthor

# ruff: noqa: PLC0415  # each command imports the work inside the function, as in cli.py

AuthorOption = Annotated[str, typer.Option("--author", help="Who decides; stands in audit log, journal and ledger.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; the managers read it.")]
OwnerOption = Annotated[bool, typer.Option("--as-owner", help="The author is an owner: no adjust_limit, also broken.")]
TheirTeam = Annotated[str | None, typer.Option("--team", help="The team's key; else the person's team.")]
OneDay = Annotated[date, typer.Argument(parser=parse_date, help="The business day, like 2026-12-01.")]


def pardon(
    day: OneDay,
    team: TeamOption,
    reason: ReasonOption,
    author: AuthorOption,
    config: ConfigOption = None,
    rule: Annotated[str | None, typer.Option(help="One rule, by its id; else all that was broken.")] = None,
    as_owner: OwnerOption = False,
) -> None:
    """Excuse what a whole team broke on a day, by opposite entries; everybody is told in one line."""
    from reglament.commands.by_hand import show, work

    who = PointsAuthor(author, is_owner=as_owner)
    act = asyncio.run(work.pardon(load_settings(config, team=team), team, day, rule, reason, who))
    show.print_pardon(console, act)


def adjust(
    points: Annotated[int, typer.Option(help="Points with their sign, like 3 or -2.")],
    reason: ReasonOption,
    author: AuthorOption,
    person: Annotated[str | None, typer.Argument(help="CRM user id (12 or main:12), or the name.")] = None,
    everyone: Annotated[
        bool, typer.Option("--everyone", help="All members of --team who were not absent on the day.")
    ] = False,
    team: TheirTeam = None,
    day: DayOption = None,
    config: ConfigOption = None,
    as_owner: OwnerOption = False,
) -> None:
    """Give or take points by hand; who is concerned is told at once."""
    from reglament.commands.by_hand import show, work

    settings, who = load_settings(config, team=team), PointsAuthor(author, is_owner=as_owner)
    if everyone == (person is not None):
        raise typer.BadParameter("name a person, or write --everyone with --team")
    if person is None:
        if team is None:
            raise typer.BadParameter("--everyone needs --team")
        act = asyncio.run(work.adjust_all(settings, team, points, reason, day, who))
    else:
        act = asyncio.run(work.adjust(settings, team, person, points, reason, day, who))
    show.print_entries(console, act)


def correct(
    person: Annotated[str, typer.Argument(help="CRM user id (12 or main:12), or the name.")],
    day: OneDay,
    rule: Annotated[str, typer.Argument(help="The rule's id.")],
    outcome: Annotated[str, typer.Argument(help="kept or excused; with --as-owner also broken.")],
    reason: ReasonOption,
    author: AuthorOption,
    team: TheirTeam = None,
    config: ConfigOption = None,
    as_owner: OwnerOption = False,
) -> None:
    """Correct how one rule of a person's day was judged, by an opposite entry and the right one."""
    from reglament.commands.by_hand import show, work

    settings, who = load_settings(config, team=team), PointsAuthor(author, is_owner=as_owner)
    act = asyncio.run(work.correct(settings, team, person, day, rule, show.parse_outcome(outcome), reason, who))
    show.print_entries(console, act)
