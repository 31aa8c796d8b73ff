"""Pick the team of a command: the only team, or the team whose button is tapped."""

from __future__ import annotations

from collections.abc import Iterable

from bot.access import Viewer
from bot.context import AppContext, TeamContext
from bot.screens.view import Button, Rows, View
from bot.telegram.callbacks import ListTeams, PickTeam
from bot.texts import Texts
from scoring.names import alphabetical
from storage.db.database import Session
from storage.people import channels, teams


def picker_view(t: Texts, ctx: AppContext, command: str, keys: Iterable[str]) -> View:
    """Show a button for each team."""
    ordered = sorted(keys, key=lambda key: alphabetical(ctx.teams[key].title))
    return View(
        t("choose-team"),
        tuple((Button(ctx.teams[key].title, PickTeam(command=command, team=key).pack()),) for key in ordered),
        protected=command != "invite",  # links are made to be forwarded
    )


def back_to_picker(t: Texts, viewer: Viewer, command: str) -> Rows:
    """Make the row that leads back to the question about the team; none where there is one team."""
    several = len(viewer.teams_for(command)) > 1
    return ((Button(t("back-teams"), ListTeams(command=command).pack()),),) if several else ()


def only_team(keys: Iterable[str]) -> str | None:
    """Return the team if there is just one, else None."""
    found = list(keys)
    return found[0] if len(found) == 1 else None


async def load_teams_of_group(session: Session, ctx: AppContext, chat_id: int) -> list[str]:
    """Load the teams whose leaderboard goes to a group, by the settings or `/bind`."""
    found = []
    for key, team in ctx.teams.items():
        if chat_id == await load_group(session, team):
            found.append(key)
    return found


async def load_group(session: Session, team: TeamContext) -> int | None:
    """Load the group of a team, by the settings or `/bind`, followed where it moved; None without a group."""
    bound = team.chat_id or (await teams.find(session, team.key)).chat_id
    return None if bound is None else (await channels.find(session, bound)).chat_id
