"""Check settings, database, Telegram and every CRM for `reglament check`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from rich.console import Console
from rich.table import Table

from crm_clients import CRM_KINDS
from crm_clients.base import CrmUser, Finding, Severity
from crm_clients.errors import CrmError
from reglament import telegram
from reglament.commands import safety
from reglament.config.settings import Settings
from reglament.config.team import TeamSettings
from reglament.crm_users import read_users
from reglament.day.foreign_clocks import ask_clocks
from reglament.day.missing import UNSET
from reglament.day.roster import Roster, rosters
from reglament.day.shrunken import is_too_much
from reglament.day.time_limit import ended_in_time
from reglament.day.zeros import asked_kpis
from reglament.process import Process, open_process, pooler_problem
from reglament.witnesses.start import check_anchors
from scoring.kpis import Capability
from scoring.workdays import WindowKind
from storage.db import schema
from storage.errors import StorageError
from storage.people import people, teams, zero_questions
from storage.people.zero_questions import ZeroState
from storage.verify import verification as verify_store


@dataclass(frozen=True, slots=True)
class CheckLine:
    """Hold a finding and the place of the finding, such as `crm.main`."""

    where: str
    finding: Finding


async def check(settings: Settings) -> list[CheckLine]:
    """Collect the findings about settings, database, Telegram, every connection and every team."""
    lines = [_ok("settings", "file", f"{len(settings.teams)} teams, {len(settings.crm)} connections")]
    if not settings.teams:
        lines.append(_error("settings", "teams", "there is no [teams.…] table: nobody would be scored"))
    try:
        async with open_process(settings) as process:
            if problem := await pooler_problem(settings):
                lines.append(_error("database", "pooler", problem))
            lines += await _check_database(process)
            lines += [CheckLine("settings", finding) for finding in await safety.check(process)]
            lines += [CheckLine("anchor", finding) for finding in await check_anchors(process)]
            lines += [CheckLine("telegram", finding) for finding in await telegram.check(process)]
            lines += await _check_clocks(process)
            lines += await _check_zeros(process)
            for key in settings.crm:
                lines += await _check_connection(process, key)
    except StorageError as error:
        lines.append(_error("database", "open", str(error)))
    return lines


async def _check_database(process: Process) -> list[CheckLine]:
    lines = [_ok("database", "tables", f"revision {schema.head_revision()}")]
    async with process.db.reading() as session:
        for stored in await teams.all_teams(session, archived=True):
            if stored.key not in process.settings.teams:
                text = f"team {stored.key} has history but is missing in the settings: it is archived"
                lines.append(CheckLine("database", Finding(Severity.WARNING, stored.key, text)))
            problems = await verify_store.verify(session, stored.key)
            if problems:
                text = f"{len(problems)} problems in the ledger of {stored.key}: run `reglament verify`"
                lines.append(_error("database", "ledger", text))
    return lines


async def _check_clocks(process: Process) -> list[CheckLine]:
    """Name the clocks that differ from this machine's; an error if this machine's is the wrong one."""
    clocks = await ask_clocks(process)
    if not clocks.off:
        return [_ok("clock", "others", f"{len(clocks.skews)} other clocks agree")]
    if clocks.is_ours_wrong:
        return [_error("clock", "ours", f"set this machine's clock by NTP, nothing is scored: {clocks.text}")]
    return [CheckLine("clock", Finding(Severity.WARNING, "others", f"{clocks.text}; the others agree with ours"))]


async def _check_zeros(process: Process) -> list[CheckLine]:
    """Ask about the KPIs that are zero for everybody."""
    lines = []
    async with process.db.reading() as session:
        for key, table in process.settings.teams.items():
            for kpi in sorted(asked_kpis(table.rulebook())):
                if await zero_questions.state(session, key, kpi) is ZeroState.ASKED:
                    text = (
                        f"{kpi} is zero for everybody for 20 working days and makes no points: is it kept in the CRM?"
                        f" `reglament answer --team {key} --kpi {kpi} --kept` or `--not-kept`"
                    )
                    lines.append(CheckLine("database", Finding(Severity.WARNING, f"teams.{key}", text)))
    return lines


async def _check_connection(process: Process, key: str) -> list[CheckLine]:
    """Check login, rights, visibility of every member, and the KPIs that the CRM can state."""
    where = f"crm.{key}"
    teams_here = process.settings.teams_of(key)
    try:
        users = await read_users(process, key)
        found = rosters(teams_here, users)
        members = {user: manager.name for roster in found.values() for user, manager in roster.members.items()}
        work, seconds = partial(process.connections.client(key).check, members), process.connections.timeout(key)
        findings = await ended_in_time(work, seconds, f"check of {key}")
    except CrmError as error:
        return [_error(where, "login", str(error))]
    lines = [CheckLine(where, finding) for finding in findings]
    lines += await _check_known_users(process, key, users)
    for team, roster in found.items():
        lines.append(_ok(where, f"teams.{team}", f"{len(roster.members)} members"))
        lines += [
            _error(where, f"teams.{team}", f"user {user} is listed but the CRM does not know him")
            for user in roster.unknown
        ]
        lines += find_unjudged(where, f"teams.{team}", process.settings.teams[team], roster)
        lines += _find_inactive(where, team, process.settings.teams[team].members.users, users)
        if not roster.members:
            lines.append(_error(where, f"teams.{team}", "the team has no active member"))
        if process.settings.teams[team].window is WindowKind.CALENDAR_DAY:
            text = 'window = "calendar_day": what is entered between the cutoff and midnight counts nowhere'
            lines.append(CheckLine(where, Finding(Severity.WARNING, f"teams.{team}", text)))
    return lines + _check_capabilities(process, key)


async def _check_known_users(process: Process, key: str, users: Sequence[CrmUser]) -> list[CheckLine]:
    """Name a loss of users that would not be accepted at a cutoff."""
    present = {user.id for user in users if user.active and user.human}
    async with process.db.reading() as session:
        known = await people.active_users(session, key)
    lost = sorted(name for user, name in known.items() if user not in present)
    if not lost or (present and not is_too_much(len(known), len(lost))):
        return []
    text = (
        f"{len(lost)} of {len(known)} known users are missing ({', '.join(lost[:10])}): the days are not scored until"
        f" `reglament people confirm --connection {key}`"
    )
    return [_error(f"crm.{key}", "users", text)]


def _find_inactive(where: str, team: str, listed: Iterable[str], users: Sequence[CrmUser]) -> list[CheckLine]:
    inactive = {user.id: user.name for user in users if not user.active}
    return [
        CheckLine(
            where, Finding(Severity.WARNING, f"teams.{team}", f"{inactive[user]} ({user}) is not active in the CRM")
        )
        for user in listed
        if user in inactive
    ]


def find_unjudged(where: str, subject: str, team: TeamSettings, roster: Roster) -> list[CheckLine]:
    """Name the members whom no rule judges, roles without a member, and people of the settings outside of the team."""
    book = team.rulebook()
    unjudged = [f"{person.name} ({user})" for user, person in roster.members.items() if not book.rules_for(user)]
    roles = {role for rule in book.rules for role in rule.roles}
    unfilled = roles - {book.employment(user).role for user in roster.members}
    strangers = sorted(user for user in team.people if user not in roster.members)
    found = {
        "no rule judges {}": unjudged,
        "rules name roles that no member has: {}": sorted(unfilled),
        "people that are no members of the team: {}": strangers,
    }
    return [
        CheckLine(where, Finding(Severity.WARNING, subject, text.format(", ".join(names))))
        for text, names in found.items()
        if names
    ]


def _check_capabilities(process: Process, key: str) -> list[CheckLine]:
    """Name the KPIs of the teams that this CRM cannot state, and the KPIs that can be read late."""
    where = f"crm.{key}"
    capabilities: Mapping[str, Capability] = process.connections.client(key).capabilities
    kind = CRM_KINDS[process.settings.crm[key].kind].title
    lines = []
    for team, table in process.settings.teams_of(key).items():
        scored = {rule.kpi for rule in table.rules}
        for kpi in table.rulebook().counted:
            if capabilities.get(kpi, Capability.UNAVAILABLE) is Capability.UNAVAILABLE:
                severity = Severity.WARNING if kpi in scored else Severity.OK
                note = UNSET.get(kpi, f"not available in {kind}") + (
                    ": its rule makes no points" if kpi in scored else ""
                )
                lines.append(CheckLine(where, Finding(severity, f"teams.{team} {kpi}", note)))
    late = [kpi for kpi, capability in capabilities.items() if capability is Capability.REBUILDABLE]
    tolerance = min(
        (timedelta(minutes=table.late_tolerance_minutes) for table in process.settings.teams_of(key).values()),
        default=timedelta(0),
    )
    text = f"read later than {int(tolerance.total_seconds() // 60)} min after the cutoff only: {', '.join(late) or '–'}"
    return [*lines, _ok(where, "late reads", text)]


def _ok(where: str, subject: str, text: str) -> CheckLine:
    return CheckLine(where, Finding(Severity.OK, subject, text))


def _error(where: str, subject: str, text: str) -> CheckLine:
    return CheckLine(where, Finding(Severity.ERROR, subject, text))


def has_errors(lines: Iterable[CheckLine]) -> bool:
    """Tell whether a finding must be mended."""
    return any(line.finding.severity is Severity.ERROR for line in lines)


def to_json(lines: Iterable[CheckLine]) -> list[dict[str, str]]:
    """Return the document of `check --json`."""
    return [
        {
            "severity": line.finding.severity.value,
            "where": line.where,
            "subject": line.finding.subject,
            "text": line.finding.text,
        }
        for line in lines
    ]


SIGNS = {Severity.OK: "[green]✓[/]", Severity.WARNING: "[yellow]![/]", Severity.ERROR: "[red]✗[/]"}


def print_findings(console: Console, lines: Iterable[CheckLine]) -> None:
    """Print the findings as a table, errors last."""
    table = Table()
    for title in ("", "Where", "What", "How it is"):
        table.add_column(title, overflow="fold")
    order = list(Severity)
    for line in sorted(lines, key=lambda line: order.index(line.finding.severity)):
        table.add_row(SIGNS[line.finding.severity], line.where, line.finding.subject, line.finding.text)
    console.print(table)
