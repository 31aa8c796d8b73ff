"""Tell that the bot may not pin a team's standings in the group."""

from __future__ import annotations

from bot.context import TeamContext
from bot.screens.view import View
from bot.texts import Texts, safe


def pin_refused_view(t: Texts, team: TeamContext) -> View:
    """Show what to allow the bot in the group."""
    return View(t("pin-refused", title=safe(team.title)))
