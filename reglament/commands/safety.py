"""Check what may leak or let the wrong person in: open files, a weak key, ids that nobody answers to."""

from __future__ import annotations

from crm_clients.base import Finding, Severity
from reglament.config.settings import Settings
from reglament.config.sources import open_to_others
from reglament.process import Process
from reglament.secret_key import key_file, load_secret_key, weak_key_problem
from storage import client_memory
from storage.people import channels


async def check(process: Process) -> list[Finding]:
    """Warn of files that others may read, of a weak secret key, and of ids that never wrote to the bot."""
    settings = process.settings
    findings = [
        Finding(Severity.WARNING, file, "other users of this machine may read it: chmod 600")
        for file in find_open_files(settings)
    ]
    if problem := await weak_key_problem(settings, process.db):
        findings.append(Finding(Severity.WARNING, "secret_key", problem))
    async with process.db.reading() as session:
        closed = await client_memory.unreadable(session, load_secret_key(settings))
    findings += [
        Finding(
            Severity.ERROR,
            f"crm.{connection}",
            "what this connection remembers was stored under another secret key: bring that key back, or run"
            " `reglament secret rotate` with it",
        )
        for connection in closed
    ]
    return findings + await _check_ids(process)


def find_open_files(settings: Settings) -> list[str]:
    """List settings, files of secrets, key file and database that others may read."""
    files = [*settings.sources, key_file(settings)]
    if settings.database.url.startswith("sqlite:///"):
        files.append(key_file(settings).with_suffix(""))
    return [str(file) for file in open_to_others(tuple(files))]


async def _check_ids(process: Process) -> list[Finding]:
    """Name the ids of the settings that have a role and never wrote to the bot: a digit may be mistyped."""
    places = _places(process.settings)
    async with process.db.reading() as session:
        heard = await channels.heard_from(session, set(places))
    return [
        Finding(
            Severity.WARNING,
            ", ".join(names),
            f"{telegram_id} never wrote to the bot: is the id right? Whoever has it gets these rights;"
            " the bot can write to a person only after /start",
        )
        for telegram_id, names in places.items()
        if telegram_id not in heard
    ]


def _places(settings: Settings) -> dict[int, list[str]]:
    """Map the ids with a role to the settings that name them."""
    places: dict[int, list[str]] = {}
    for telegram_id in settings.telegram.admins:
        places.setdefault(telegram_id, []).append("telegram.admins")
    for key, team in settings.teams.items():
        for role in ("heads", "hr"):
            for telegram_id in getattr(team, role):
                places.setdefault(telegram_id, []).append(f"teams.{key}.{role}")
    return places
