"""Which team is meant: the only one, or the one that is tapped."""

from __future__ import annotations

from collections.abc import Iterable

from bot.context import AppContext
from bot.screens.view import Button, View
from bot.telegram.callbacks import Action, pack
from bot.texts import Texts


def ask_team(ctx: AppContext, t: Texts, command: str, teams: Iterable[str]) -> View:
    """A button a team."""
    keys = sorted(teams, key=lambda key: ctx.teams[key].title.casefold())
    return View(
        t("choose-team"), tuple((Button(ctx.teams[key].title, pack(Action.TEAM, command, key)),) for key in keys)
    )


def only(teams: Iterable[str]) -> str | None:
    """The team, if there is just one."""
    found = list(teams)
    return found[0] if len(found) == 1 else None
