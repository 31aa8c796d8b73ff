"""Make the settings of the made-up company, for the demo and as a config.toml to go on with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bot.texts import Texts
from reglament.commands.demo.plot import Plot
from reglament.config.settings import Settings, build
from storage.whole_files import write_whole

TEAM, CRM, HEAD, GROUP = "sales", "main", 900_000, -1_000_000
DATABASE = "reglament.db"
OWN_FILES = (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", f"{DATABASE}.key", f"{DATABASE}.run")
"""Files of an earlier demo, removed before a new demo."""

CONFIG = """# The made-up company of `reglament demo`, for a bot of your own.
language = "{language}"
company = "{company}"

[database]
url = "{url}"

[telegram]
token = ""        # from @BotFather
admins = []       # your Telegram user id: you then see everything

[crm.main]
kind = "demo"

[teams.sales]
title = "{title}"
crm = "main"
members = {{ everyone = true }}

[teams.sales.money]
cap = 10000
"""


def company_settings(directory: Path, t: Texts, plot: Plot | None = None, *, calls: int = 10) -> Settings:
    """Build the settings: five rules with a bound of `calls` calls, and a CRM that fails on the days of the plot."""
    return build(_tables(directory, t, plot, calls))


def _tables(directory: Path, t: Texts, plot: Plot | None, calls: int) -> dict[str, Any]:
    fails = {plot.down.isoformat(): "21:30", plot.late.isoformat(): "18:03"} if plot else {}
    return {
        "language": t.language,
        "company": t("demo-company"),
        "database": {"url": f"sqlite:///{directory / DATABASE}"},
        "crm": {CRM: {"kind": "demo", "fail_on": fails}},
        "teams": {
            TEAM: {
                "title": t("demo-team"),
                "crm": CRM,
                "members": {"everyone": True},
                "heads": [HEAD],
                "chat_id": GROUP,
                "rules": [
                    {"kpi": "companies_added", "at_least": 1},
                    {"kpi": "meetings_held", "at_least": 1},
                    {"kpi": "calls_held", "at_least": calls},
                    {"kpi": "overdue_tasks", "at_most": 0},
                    {"kpi": "deals_without_task", "at_most": 0},
                ],
                "money": {"per_point": 100, "per_penalty_point": 100, "cap": 10000},
            }
        },
    }


def empty_directory(directory: Path) -> None:
    """Create the directory and remove the database of an earlier demo; other files stay."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in OWN_FILES:
        (directory / name).unlink(missing_ok=True)


def write_config(directory: Path, settings: Settings, t: Texts) -> Path:
    """Write a config.toml that serves a bot on the demo's database; return the path."""
    content = CONFIG.format(
        language=t.language,
        company=settings.company,
        url=f"sqlite:///{(directory / DATABASE).resolve()}",
        title=t("demo-team"),
    )
    path = directory / "config.toml"
    write_whole(path, content.encode())
    return path
