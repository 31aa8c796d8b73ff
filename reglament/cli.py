"""Define the command line. Exit codes: 0 done, 1 the work failed, 2 wrong usage or settings (README, docs/json.md).

Each command imports the work inside the function: most commands need neither Telegram nor reports, and these
libraries cost seconds to import.
"""

from __future__ import annotations

import asyncio
import io
import sys
from datetime import date
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from reglament import __version__
from reglament.commands import operations
from reglament.commands.absence.commands import absence_app
from reglament.commands.appeal.commands import appeal_app
from reglament.commands.by_hand import commands as by_hand
from reglament.commands.options import (
    AtOption,
    BoardPeriod,
    ConfigOption,
    DayOption,
    ExportFormat,
    JsonOption,
    ServicePart,
    TeamOption,
    parse_date,
)
from reglament.commands.terminal import console, errors, load_settings, print_json, print_json_with_rows
from reglament.config import logs
from reglament.errors import ReglamentError, WorkFailed
from storage.errors import StorageError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Reglament keeps a sales department honest with its CRM.",
)
app.add_typer(operations.secret_app, name="secret")
app.add_typer(absence_app, name="absence")
app.add_typer(appeal_app, name="appeal")
app.command()(operations.backup)
app.command()(operations.restore)
app.command()(by_hand.pardon)
app.command()(by_hand.adjust)
app.command()(by_hand.correct)


@app.command()
def run(
    config: ConfigOption = None,
    only: Annotated[
        ServicePart | None, typer.Option(help="Only this part; the others run elsewhere (PostgreSQL).")
    ] = None,
    accept_clock: Annotated[
        bool, typer.Option("--accept-clock", help="Go on although an instant of the future is stored.")
    ] = False,
    accept_anchors: Annotated[
        bool, typer.Option("--accept-anchors", help="Go on without days that the file of \\[anchor] names.")
    ] = False,
) -> None:
    """Run the service: the clock, the runs, the bot."""
    from reglament.service import service

    settings = load_settings(config, level="INFO")
    part = only.value if only else None
    asyncio.run(service.serve(settings, only=part, accept_clock=accept_clock, accept_anchors=accept_anchors))


@app.command()
def check(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Look at settings, database, Telegram, chats and every CRM; exit 1 if something must be mended."""
    from reglament.commands import check as work

    findings = asyncio.run(work.check(load_settings(config)))
    if as_json:
        print_json(work.to_json(findings))
    else:
        work.print_findings(console, findings)
    if work.has_errors(findings):
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
    from reglament.commands import tables
    from reglament.commands.snapshot import snapshot as work

    document = asyncio.run(work(load_settings(config, team=team), team, day, at))
    if as_json:
        print_json_with_rows(document.head, "managers", document.managers())
    else:
        tables.print_snapshot(console, document)


@app.command()
def score(
    team: TeamOption,
    config: ConfigOption = None,
    day: DayOption = None,
    at: AtOption = None,
    send: Annotated[bool, typer.Option("--send/--no-send", help="Leave the messages for `run` to send.")] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and print; write nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run the day now, exactly as the scheduler would; doing it again changes nothing."""
    from reglament.commands import score as work
    from reglament.commands import tables

    settings = load_settings(config, team=team)
    if dry_run:
        result = asyncio.run(work.dry_run(settings, team, day, at))
    else:
        result = asyncio.run(work.score(settings, team, day, at, send=send))
    if result.note:
        errors.print(f"reglament: {result.note}", markup=False)
    if as_json:
        print_json(result.to_json())
    elif result.day is None:
        console.print(f"{result.on} is not a working day of {team}: nothing is scored.", highlight=False)
    else:
        tables.print_score(console, result.day)


@app.command()
def board(
    team: TeamOption,
    config: ConfigOption = None,
    period: Annotated[BoardPeriod, typer.Option(help="The day, ISO week or month of --day.")] = BoardPeriod.MONTH,
    day: DayOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the standings."""
    from reglament.commands import tables
    from reglament.commands.board import board as work

    data = asyncio.run(work(load_settings(config, team=team), team, period.value, day))
    if as_json:
        print_json(data)
    else:
        tables.print_board(console, data)


@app.command()
def export(
    team: TeamOption,
    period: Annotated[str, typer.Option(help="The month, like 2026-11.")],
    out: Annotated[Path, typer.Option("-o", "--output", help="The file to write.")],
    config: ConfigOption = None,
    fmt: Annotated[
        ExportFormat, typer.Option("--format", help="A workbook, or its twin for payroll.")
    ] = ExportFormat.XLSX,
) -> None:
    """Write what HR gets: bonus and penalty totals with every row behind them."""
    from reglament.commands.export import export as work

    asyncio.run(work(load_settings(config, team=team), team, period, fmt.value, out))
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
    from reglament.commands.invite import invite as work

    for who, link in asyncio.run(work(load_settings(config, team=team), team, user, role, name)):
        console.print(f"{who}: {link}", highlight=False, markup=False)


people_app = typer.Typer(help="Who is known, connected, and in which role.", invoke_without_command=True)
app.add_typer(people_app, name="people")


@people_app.callback()
def people(context: typer.Context, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List managers and people with roles."""
    if context.invoked_subcommand is not None:
        return
    from reglament.commands import people as work

    rows = asyncio.run(work.people(load_settings(config)))
    if as_json:
        print_json(rows)
    else:
        work.print_people(console, rows)


@people_app.command("rename-team")
def rename_team(old: str, new: str, config: ConfigOption = None) -> None:
    """Move a team's history to its new key in the settings."""
    from reglament.commands import people as work

    asyncio.run(work.rename_team(load_settings(config), old, new))
    console.print(f"{old} → {new}", highlight=False)


@people_app.command("join")
def join(first: str, second: str, config: ConfigOption = None) -> None:
    """Say that two accounts (CONNECTION:USER) are one person."""
    from reglament.commands import people as work

    asyncio.run(work.join(load_settings(config), first, second))
    console.print(f"{first} = {second}", highlight=False)


@people_app.command("confirm")
def confirm(
    config: ConfigOption = None,
    connection: Annotated[str | None, typer.Option(help="The key of the \\[crm.…] table.")] = None,
) -> None:
    """Confirm that lists which the CRM shortened too much at once are right."""
    from reglament.commands import people as work

    for name in asyncio.run(work.confirm(load_settings(config), connection)):
        console.print(f"{name}: confirmed; the next reading takes the list", highlight=False)


@app.command()
def answer(
    team: TeamOption,
    kpi: Annotated[str, typer.Option(help="The KPI that is zero for everybody.")],
    kept: Annotated[bool, typer.Option("--kept/--not-kept", help="Whether the CRM keeps it at all.")],
    config: ConfigOption = None,
) -> None:
    """Answer whether a KPI that is zero for everybody is kept in the CRM; until then its rules make no points."""
    from reglament.commands.answer import answer as work

    asyncio.run(work(load_settings(config, team=team), team, kpi, is_kept=kept))
    console.print(f"{team} {kpi}: {'kept' if kept else 'not kept'}", highlight=False)


@app.command()
def verify(
    config: ConfigOption = None,
    team: Annotated[str | None, typer.Option(help="One team; else all, archived ones too.")] = None,
    digest: Annotated[
        str | None, typer.Option(help="Find the day of a digest: as shown, as a link, or the whole text of a message.")
    ] = None,
    anchors: Annotated[
        Path | None,
        typer.Option(
            help="Compare with another file of anchors than that of the settings, as `\\[anchor] file` keeps it."
        ),
    ] = None,
    telegram_export: Annotated[
        Path | None, typer.Option(help="Compare with the history of a group: result.json of Telegram Desktop.")
    ] = None,
) -> None:
    """Prove ledger and journal, count every stored day again, and compare with digests kept elsewhere."""
    from reglament.commands.verify import verify as work
    from reglament.commands.witnesses import compare_witnesses

    settings = load_settings(config)
    fine = asyncio.run(work(settings, team, digest, console))
    if anchors is None and digest is None and settings.anchor.file and Path(settings.anchor.file).exists():
        anchors = Path(settings.anchor.file)
    if anchors is not None or telegram_export is not None:
        fine = asyncio.run(compare_witnesses(settings, team, anchors, telegram_export, console)) and fine
    if not fine:
        raise typer.Exit(1)


@app.command()
def migrate(config: ConfigOption = None) -> None:
    """Bring the database up to date."""
    from reglament.commands.migrate import migrate as work

    console.print(work(load_settings(config)), highlight=False)


@app.command()
def health(config: ConfigOption = None) -> None:
    """Exit 0 while cutoffs, sending and receiving work; else say what does not."""
    from reglament.commands.health import health as work

    report = asyncio.run(work(load_settings(config)))
    console.print(report.text, highlight=False, markup=False)
    if not report.healthy:
        raise typer.Exit(1)


@app.command(help="A made-up company lives through a month: no accounts, no servers.")
def demo(
    days: Annotated[int, typer.Option(min=3, max=120, help="How many calendar days to live through.")] = 30,
    until: Annotated[date | None, typer.Option(parser=parse_date, help="The last day; else 2026-11-19.")] = None,
    directory: Annotated[Path, typer.Option("--dir", help="Where database, picture and workbook go.")] = Path(
        "demo-out"
    ),
    language: Annotated[str, typer.Option(help="ru or en.")] = "ru",
) -> None:
    """Let a made-up company live through a month of real cutoff runs."""
    from reglament.commands.demo.month import demo as work

    logs.configure(level="ERROR")
    asyncio.run(work(console, days=days, until=until, directory=directory, language=language))


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Print the version if asked."""
    if version:
        console.print(__version__, highlight=False)
        raise typer.Exit


def main() -> None:
    """Run the command; print any failure as a single line on stderr, never a traceback."""
    _print_any_text()
    try:
        app()
    except (ReglamentError, StorageError) as error:
        _stop_with(error)
    except ExceptionGroup as group:  # from work that ran side by side
        foreseen, unforeseen = group.split((ReglamentError, StorageError))
        if foreseen is None or unforeseen is not None:
            _stop_with_mistake(group)
        _stop_with(_first_error(foreseen))
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        _stop_with_mistake(error)


def _print_any_text() -> None:
    """Let output go on past a character that the terminal cannot show, such as half of a file's odd name."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _first_error(error: BaseException) -> BaseException:
    """Return the first error inside nested groups."""
    return _first_error(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


def _stop_with(error: BaseException) -> NoReturn:
    errors.print(f"reglament: {error}", markup=False)
    sys.exit(error.exit_code if isinstance(error, ReglamentError) else WorkFailed.exit_code)


def _stop_with_mistake(error: BaseException) -> NoReturn:
    from reglament import mistakes

    errors.print(f"reglament: {mistakes.report(error)}", markup=False)
    sys.exit(WorkFailed.exit_code)
