"""Show who somebody is for the bot: roles, what comes and when, what to do next (docs/product.md §8)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.access import Viewer
from bot.context import AppContext, TeamContext
from bot.screens.members import load_unconnected
from bot.screens.team_picker import load_group
from bot.screens.view import View
from bot.texts import Texts, safe
from storage.db.database import Session
from storage.values import Role


@dataclass(frozen=True, slots=True)
class Welcome:
    """Hold the roles of a user, by the teams from which messages come."""

    name: str
    scored_in: tuple[TeamContext, ...] = ()
    heads: tuple[TeamContext, ...] = ()
    """Teams whose digest the user gets: an owner may see more."""
    hr_of: tuple[TeamContext, ...] = ()
    owner: bool = False
    unconnected: int = 0
    """Members who have not joined, of all teams of an owner, else of the teams of a head."""
    without_group: bool = False
    """Of an owner: a team has no group for the board."""


async def load_welcome(session: Session, ctx: AppContext, viewer: Viewer, name: str) -> Welcome:
    """Load the roles of a user, and what an owner or a head still has to do."""
    heads = [key for key, team in ctx.teams.items() if _is_told(viewer, Role.HEAD, key, team.heads)]
    hr_of = [key for key, team in ctx.teams.items() if _is_told(viewer, Role.HR, key, team.hr)]
    cared_for = list(ctx.teams) if viewer.admin else heads
    return Welcome(
        name=viewer.person.name if viewer.person else name,
        scored_in=tuple(ctx.teams[member.team] for member in viewer.own if member.team),
        heads=tuple(ctx.teams[key] for key in heads),
        hr_of=tuple(ctx.teams[key] for key in hr_of),
        owner=viewer.admin,
        unconnected=sum([len(await load_unconnected(session, key)) for key in cared_for]),
        without_group=viewer.admin and any([await load_group(session, team) is None for team in ctx.teams.values()]),
    )


def _is_told(viewer: Viewer, role: Role, key: str, listed: frozenset[int]) -> bool:
    granted = viewer.person.roles if viewer.person else frozenset()
    return viewer.telegram_id in listed or any(grant.role is role and grant.team in (None, key) for grant in granted)


def welcome_view(t: Texts, data: Welcome) -> View:
    """Show a paragraph a role: who the user is, what comes, what to do next."""
    text = [t("welcome-hello", name=safe(data.name))]
    for role, teams in (("manager", data.scored_in), ("head", data.heads), ("hr", data.hr_of)):
        if teams:
            text += ["", t(f"welcome-{role}", teams=_titles(t, teams))]
        if role == "manager" and (minutes := [team.reminder_minutes for team in teams if team.reminder_minutes]):
            text.append(t("welcome-reminder", n=max(minutes)))
    if data.owner:
        text += ["", t("welcome-owner")]
    if steps := _steps(t, data):
        text += ["", t("welcome-steps"), *(f"{number}. {step}" for number, step in enumerate(steps, 1))]
    return View("\n".join([*text, "", t("welcome-more")]))


def _titles(t: Texts, teams: Iterable[TeamContext]) -> str:
    return t.listed(t("welcome-team", title=safe(team.title), clock=f"{team.calendar.cutoff:%H:%M}") for team in teams)


def _steps(t: Texts, data: Welcome) -> list[str]:
    """Write what to do next, the most urgent first."""
    steps = []
    if data.unconnected:
        steps.append(t("welcome-step-invite" if data.owner else "welcome-step-ask", n=data.unconnected))
    if data.without_group:
        steps.append(t("welcome-step-bind"))
    if data.owner:
        steps.append(t("welcome-step-health"))
    if data.heads:
        steps.append(t("welcome-step-team"))
    if data.hr_of:
        steps.append(t("welcome-step-export"))
    if data.scored_in:
        steps.append(t("welcome-step-today"))
    return steps
