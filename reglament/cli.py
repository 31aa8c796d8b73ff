"""The command line (docs/architecture.md). Exit codes: 0 done, 1 the work failed, 2 wrong usage or settings."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Coroutine
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from rich.console import Console

from reglament import __version__
from reglament.config import logs
from reglament.config import settings as settings_module
from reglament.config.settings import Settings
from reglament.errors import ReglamentError, SettingsError, WorkFailed
from storage.errors import StorageError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Reglament keeps a sales department honest with its CRM.",
)
console = Console(soft_wrap=True, width=None if sys.stdout.isatty() else 160)
errors = Console(stderr=True, soft_wrap=True, highlight=False)
Result = TypeVar("Result")


class Only(StrEnum):
    """Which part of the service this process is."""

    BOT = "bot"
    SCHEDULER = "scheduler"
    WORKER = "worker"


class BoardPeriod(StrEnum):
    """What a board is about."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Format(StrEnum):
    """What HR gets."""

    XLSX = "xlsx"
    CSV = "csv"


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no date; write it like 2026-11-19") from None


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no instant; write it like 2026-11-19T18:00:00+03:00") from None
    return instant


ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="The settings; else REGLAMENT_CONFIG, else ./config.toml.")
]
TeamOption = Annotated[str, typer.Option("--team", help="The team's key in the settings.")]
DayOption = Annotated[
    date | None, typer.Option("--day", parser=_date, help="YYYY-MM-DD; the business day, else today's.")
]
AtOption = Annotated[
    datetime | None,
    typer.Option("--at", parser=_instant, help="The instant taken for now; without an offset in the team's zone."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Stable JSON (docs/json.md).")]


def _load(config: Path | None, *, level: str = "WARNING") -> Settings:
    settings = settings_module.load(settings_module.config_path(config))
    logs.configure(logs.secrets_of(settings), level=level)
    return settings


def _team(settings: Settings, key: str) -> None:
    if key not in settings.teams:
        raise SettingsError(f"--team {key!r}: no such team; known: {', '.join(settings.teams) or 'none'}")


def _run(work: Coroutine[Any, Any, Result]) -> Result:
    return asyncio.run(work)


def _print_json(data: Any) -> None:
    sys.stdout.write(json.dumps(data, ensure_ascii=False, indent=2) + "\n")


@app.command()
def run(
    config: ConfigOption = None,
    only: Annotated[Only | None, typer.Option(help="Only this part; the others run elsewhere (PostgreSQL).")] = None,
) -> None:
    """Run the service: the clock, the runs, the bot."""
    from reglament.service import service

    _run(service.serve(_load(config, level="INFO"), only=only.value if only else None))


@app.command()
def check(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Look at settings, database, Telegram, chats and every CRM; exit 1 if something must be mended."""
    from reglament.commands import check as checks

    findings = _run(checks.check(_load(config)))
    if as_json:
        _print_json(checks.to_json(findings))
    else:
        checks.show(console, findings)
    if checks.failed(findings):
        raise typer.Exit(1)


@app.command()
def snapshot(
    team: TeamOption,
    config: ConfigOption = None,
    day: DayOption = None,
    at: AtOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read the CRM and print KPIs with their evidence; writes nothing."""
    from reglament.commands import actions, output

    settings = _load(config)
    _team(settings, team)
    data = _run(actions.snapshot(settings, team, day, at))
    if as_json:
        _print_json(data)
    else:
        output.print_snapshot(console, data)


@app.command()
def score(
    team: TeamOption,
    config: ConfigOption = None,
    day: DayOption = None,
    at: AtOption = None,
    send: Annotated[bool, typer.Option("--send/--no-send", help="Leave the messages for `run` to send.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Run the day now, exactly as the scheduler would; doing it again changes nothing."""
    from reglament.commands import actions, output

    settings = _load(config)
    _team(settings, team)
    result = _run(actions.score(settings, team, day, at, send=send))
    if as_json:
        _print_json(result.to_json())
    elif result.day is None:
        console.print(f"{result.on} is not a working day of {team}: nothing is scored.", highlight=False)
    else:
        run_ = result.day.run
        output.print_score(console, result.day.cards, f"{team}, {run_.day}, ledger {run_.digest or '–'}")
        for kpi, reason in run_.missing.items():
            console.print(f"{kpi}: {reason}", highlight=False, markup=False)


@app.command()
def board(
    team: TeamOption,
    config: ConfigOption = None,
    period: Annotated[BoardPeriod, typer.Option(help="The day, ISO week or month of --day.")] = BoardPeriod.MONTH,
    day: DayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the standings."""
    from reglament.commands import actions, output

    settings = _load(config)
    _team(settings, team)
    data = _run(actions.board(settings, team, period.value, day))
    if as_json:
        _print_json(data)
    else:
        output.print_board(console, data)


@app.command()
def export(
    team: TeamOption,
    period: Annotated[str, typer.Option(help="The month, like 2026-11.")],
    out: Annotated[Path, typer.Option("-o", "--output", help="The file to write.")],
    config: ConfigOption = None,
    fmt: Annotated[Format, typer.Option("--format", help="A workbook, or its twin for payroll.")] = Format.XLSX,
) -> None:
    """Write what HR gets: bonus and penalty totals with every row behind them."""
    from reglament.commands import actions

    settings = _load(config)
    _team(settings, team)
    _run(actions.export(settings, team, period, fmt.value, out))
    console.print(str(out), highlight=False)


@app.command()
def invite(
    team: TeamOption,
    config: ConfigOption = None,
    user: Annotated[str | None, typer.Option(help="One CRM user; else everybody who has not joined.")] = None,
    role: Annotated[str | None, typer.Option(help="head, hr or admin instead of a manager.")] = None,
    name: Annotated[str, typer.Option(help="Whom a role's invite is for.")] = "",
) -> None:
    """Print personal links for those who have not joined: each works once, for 72 hours."""
    from reglament.commands import actions

    settings = _load(config)
    _team(settings, team)
    for who, link in _run(actions.invite(settings, team, user, role, name)):
        console.print(f"{who}: {link}", highlight=False, markup=False)


people_app = typer.Typer(help="Who is known, connected, and in which role.", invoke_without_command=True)
app.add_typer(people_app, name="people")


@people_app.callback()
def people(context: typer.Context, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List managers and people with roles."""
    if context.invoked_subcommand is not None:
        return
    from reglament.commands import actions

    rows = _run(actions.people(_load(config)))
    if as_json:
        _print_json(rows)
    else:
        actions.print_people(console, rows)


@people_app.command("rename-team")
def rename_team(old: str, new: str, config: ConfigOption = None) -> None:
    """Move a team's history to its new key in the settings."""
    from reglament.commands import actions

    _run(actions.rename_team(_load(config), old, new))
    console.print(f"{old} → {new}", highlight=False)


@people_app.command("join")
def join(first: str, second: str, config: ConfigOption = None) -> None:
    """Say that two accounts (CONNECTION:USER) are one person."""
    from reglament.commands import actions

    _run(actions.join(_load(config), first, second))
    console.print(f"{first} = {second}", highlight=False)


@app.command()
def verify(
    config: ConfigOption = None,
    team: Annotated[str | None, typer.Option(help="One team; else all, archived ones too.")] = None,
    digest: Annotated[
        str | None, typer.Option(help="Find the day whose message or workbook shows this digest.")
    ] = None,
) -> None:
    """Prove the ledger's chain and count every stored day again."""
    from reglament.commands import actions

    if not _run(actions.verify(_load(config), team, digest, console)):
        raise typer.Exit(1)


@app.command()
def migrate(config: ConfigOption = None) -> None:
    """Bring the database up to date."""
    from reglament.commands import actions

    console.print(actions.migrate(_load(config)), highlight=False)


@app.command()
def health(config: ConfigOption = None) -> None:
    """Exit 0 while the service's loops beat."""
    from reglament.commands import health as health_module

    report = _run(health_module.health(_load(config)))
    console.print(report.text, highlight=False, markup=False)
    if not report.healthy:
        raise typer.Exit(1)


@app.command()
def demo(
    days: Annotated[int, typer.Option(min=3, max=120, help="How many calendar days to live through.")] = 30,
    until: Annotated[date | None, typer.Option(parser=_date, help="The last day; else 2026-11-19.")] = None,
    directory: Annotated[Path, typer.Option("--dir", help="Where database, picture and workbook go.")] = Path(
        "demo-out"
    ),
    language: Annotated[str, typer.Option(help="ru or en.")] = "ru",
) -> None:
    """A made-up company lives through a month: no accounts, no servers."""
    from reglament.commands.demo import demo as live

    logs.configure(level="ERROR")
    _run(live(console, days=days, until=until, directory=directory, language=language))


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Reglament keeps a sales department honest with its CRM."""
    if version:
        console.print(__version__, highlight=False)
        raise typer.Exit


def main() -> None:
    """Run the command; every foreseen failure is one line on stderr."""
    try:
        app()
    except (ReglamentError, StorageError) as error:
        _stop_with(error)
    except ExceptionGroup as group:  # from work that ran side by side
        foreseen, unforeseen = group.split((ReglamentError, StorageError))
        if foreseen is None or unforeseen is not None:
            raise
        _stop_with(_leaf(foreseen))
    except KeyboardInterrupt:
        sys.exit(130)


def _leaf(error: BaseException) -> BaseException:
    """The first error inside nested groups."""
    return _leaf(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


def _stop_with(error: BaseException) -> NoReturn:
    errors.print(f"reglament: {error}", markup=False)
    sys.exit(error.exit_code if isinstance(error, ReglamentError) else WorkFailed.exit_code)
