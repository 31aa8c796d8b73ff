"""Define the commands `reglament appeal list|file|decide|withdraw|stats`."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from reglament.commands.options import ConfigOption, JsonOption, parse_date
from reglament.commands.terminal import console, load_settings, print_json

# ruff: noqa: PLC0415  # each command imports the work inside the function, as in cli.py

appeal_app = typer.Typer(help="Objections to broken rules: who disagrees, and what became of it.", no_args_is_help=True)

AuthorOption = Annotated[str, typer.Option("--author", help="Who acts; stands in audit log, journal and ledger.")]
OneTeam = Annotated[str | None, typer.Option("--team", help="One team; default: all, or the person's own.")]
FirstDay = Annotated[str | None, typer.Option("--from", help="First day, like 2026-11-01.")]
LastDay = Annotated[str | None, typer.Option("--to", help="Last day, like 2026-11-30.")]
NUMBER = "Number of the appeal, as `appeal list` shows it."


@appeal_app.callback()
def appeal() -> None:
    """File, decide and list appeals."""


@appeal_app.command("list")
def list_(
    config: ConfigOption = None,
    team: OneTeam = None,
    only_open: Annotated[bool, typer.Option("--open", help="Only those that wait for a decision.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List appeals, the oldest first, with what the re-check told."""
    from reglament.commands.appeal import show, work

    found = asyncio.run(work.list_appeals(load_settings(config, team=team), team, only_open=only_open))
    if as_json:
        print_json([show.to_json(each) for each in found])
    else:
        show.print_list(console, found)


@appeal_app.command("file")
def file(
    person: Annotated[str, typer.Argument(help="CRM user id (12 or main:12), or the name.")],
    day: Annotated[str, typer.Argument(help="The scored day, like 2026-11-19.")],
    rule: Annotated[str, typer.Argument(help="Id of the broken rule, as `score --json` shows it.")],
    cause: Annotated[str, typer.Option(help="wrong_data, done_before, client, absence, technical or other.")],
    author: AuthorOption,
    config: ConfigOption = None,
    text: Annotated[str, typer.Option(help="A line of explanation, at most 1,000 characters.")] = "",
    team: OneTeam = None,
) -> None:
    """File an appeal for a manager; the CRM is asked first, and what it proves is granted at once."""
    from reglament.commands.appeal import show, work

    settings, meant = load_settings(config, team=team), work.parse_cause(cause)
    act = asyncio.run(work.file(settings, person, parse_date(day), rule, meant, text, author, team))
    show.print_act(console, act)


@appeal_app.command("decide")
def decide(
    number: Annotated[int, typer.Argument(help=NUMBER)],
    outcome: Annotated[str, typer.Argument(help="kept, excused or refused.")],
    author: AuthorOption,
    config: ConfigOption = None,
    reason: Annotated[str, typer.Option(help="Why, in words for the manager.")] = "",
) -> None:
    """Decide an appeal: kept gives the reward too, excused only takes the minus back."""
    from reglament.commands.appeal import show, work

    state = work.parse_outcome(outcome)
    show.print_act(console, asyncio.run(work.decide(load_settings(config), number, state, reason, author)))


@appeal_app.command("withdraw")
def withdraw(
    number: Annotated[int, typer.Argument(help=NUMBER)], author: AuthorOption, config: ConfigOption = None
) -> None:
    """Withdraw an appeal; only who filed it may."""
    from reglament.commands.appeal import show, work

    show.print_act(console, asyncio.run(work.withdraw(load_settings(config), number, author)))


@appeal_app.command("stats")
def stats(
    config: ConfigOption = None,
    team: OneTeam = None,
    first: FirstDay = None,
    last: LastDay = None,
    as_json: JsonOption = False,
) -> None:
    """Count appeals by rule with their outcome: a rule often appealed with success is a bad rule."""
    from reglament.commands.appeal import show, work

    span = (None if first is None else parse_date(first), None if last is None else parse_date(last))
    found = asyncio.run(work.count_by_rule(load_settings(config, team=team), team, *span))
    if as_json:
        print_json(show.stats_to_json(found))
    else:
        show.print_stats(console, found)
