"""Show the digest: a day of a team in half a minute, for its head (docs/product.md §8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from bot.context import AppContext, TeamContext
from bot.screens import lines
from bot.screens.departed import Departed, in_digest, load_departed
from bot.screens.evidence import not_scored
from bot.screens.finished_days import ledger_length, load_day, load_disciplines
from bot.screens.losses import losses
from bot.screens.members import load_unconnected
from bot.screens.service.problems import why
from bot.screens.team import gauges, person_line, risk, team_view
from bot.screens.view import Button, Rows, View, rows
from bot.screens.witness.digest_link import DigestLink, digest_line
from bot.telegram.callbacks import Part, TurnDeparted, TurnStaff, TurnWeek
from bot.texts import Texts, safe, shortened
from reports.summary.evidence import PricedDeals, add_up, state_now, won_days
from scoring.kpis import DEALS_LOST
from scoring.scorecard import Outcome, Scorecard
from scoring.snapshot import Value
from scoring.standings import discipline
from scoring.terms.circumstances import Excuse
from storage.days.backlog import count_backlog
from storage.db.database import Session
from storage.messages import deliveries
from storage.messages.notices import DepartedNotice, DigestNotice
from storage.values import Day

WORST = 10
"""Managers named with the rules they broke; the digest counts the rest."""
NAMES = 20
"""Names in one line."""


@dataclass(frozen=True, slots=True)
class Digest:
    """Hold a finished day of a team."""

    day: Day
    unconnected: tuple[str, ...]
    """Names of managers who have not joined the bot."""
    earlier: tuple[tuple[date, Decimal | None], ...] = ()
    """Days caught up together with this day, with their discipline %; None: not scored."""
    link: DigestLink = field(default=DigestLink())
    problem: str = ""
    """Why nothing of the day could be read; empty if anything was."""
    backlog: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Ignored records at the launch and now, by KPI."""
    refused: bool = False
    """The CRM refuses requests until a person acts."""
    cause: str = ""
    """End of a text key `problem-…`."""
    departed: tuple[Departed, ...] = ()
    """Managers who left since the digest before."""


async def shared_digest_view(session: Session, ctx: AppContext, t: Texts, notice: DigestNotice) -> View:
    """Show the digest of a day, made once for all heads of the team who read one language."""

    async def make() -> View:
        data = await load_digest(session, ctx, notice.team, notice.day, notice.earlier)
        departed = await _load_departed(session, ctx, notice)
        told = data and replace(
            data, problem=notice.problem, refused=notice.refused, cause=notice.cause, departed=departed
        )
        return digest_view(t, ctx.teams[notice.team], told)

    length = await ledger_length(session, notice.team)
    about = (len(notice.earlier), notice.problem, notice.refused, notice.cause, str(notice.departed))
    same = (notice.team, notice.day, t.language, *about, ctx.bot.username, length)
    return await ctx.digests.get(same, make)


async def _load_departed(session: Session, ctx: AppContext, notice: DigestNotice) -> tuple[Departed, ...]:
    """Load the managers who left, from the deliveries that the digest took in."""
    found = []
    for number in notice.departed:
        delivery = await deliveries.get(session, number)
        if delivery is not None and isinstance(delivery.notice, DepartedNotice):
            found.append(await load_departed(session, ctx, number, delivery.notice))
    return tuple(found)


async def load_digest(
    session: Session, ctx: AppContext, key: str, day: date, earlier: Sequence[date] = ()
) -> Digest | None:
    """Load a team's day for its head; None if the day was not scored."""
    finished = await load_day(session, ctx, key, day)
    if finished is None:
        return None
    waiting = tuple(member.name for member in await load_unconnected(session, key))
    caught_up = tuple((await load_disciplines(session, key, earlier)).items())
    backlog = await count_backlog(session, finished.run)
    return Digest(finished, waiting, caught_up, DigestLink(finished.run.digest, ctx.bot.username), backlog=backlog)


def digest_view(t: Texts, team: TeamContext, data: Digest | None) -> View:
    """Show who broke which rules, who kept all, and which rules were not scored and why."""
    if data is None:
        return team_view(t, team, None)
    day = data.day
    present = [card for card in day.cards if card.excuse is None]
    text = [*_head(t, team, data, present), *_broken(t, present)]
    text += _named(t, "digest-clean", [card.manager.name for card in present if _clean(card)])
    for excuse in (Excuse.ABSENT, Excuse.OFF, Excuse.NOT_BEGUN):
        names = [card.manager.name for card in day.cards if card.excuse is excuse]
        text += _named(t, f"digest-{excuse.value}", names)
    if not data.problem:
        text += _unread(t, present)
    text += _backlog(t, data.backlog)
    text += [f"⚠️ {t('digest-refused', connection=safe(team.connection))}"] * data.refused
    text += [f"🚪 {in_digest(t, each)}" for each in data.departed]
    text += _named(t, "digest-unconnected", data.unconnected)
    if data.earlier:
        text += ["", f"{t('earlier-head')}:"]
        text += [f"   • {earlier_discipline(t, on, of_day)}" for on, of_day in data.earlier]
    text += [line for line in [digest_line(t, data.link)] if line]
    return View("\n".join(text), _buttons(t, team, data), protected=True)


def _head(t: Texts, team: TeamContext, data: Digest, present: Sequence[Scorecard]) -> list[str]:
    day = data.day
    clock = t.clock(day.run.window.cutoff, team.calendar.zone)
    head = t("digest-head", title=safe(team.title), weekday=t.weekday(day.run.day), clock=clock)
    judged = [card for card in present if not card.newcomer]
    kept = sum(card.count(Outcome.KEPT) for card in judged)
    broken = sum(card.count(Outcome.BROKEN) for card in judged)
    if data.problem:
        told = [] if data.refused else [why(t, data.cause)]
        return [f"<b>{head}</b>", f"⚪ {t('digest-unread-all')}", *told]
    if not kept + broken:
        every = [line for card in present for line in card.lines]
        reason = not_scored.why_unscored(t, every) if present else t("digest-nobody-at-work")
        return [f"<b>{head}</b>", t("digest-nobody", why=reason), *_state(t, team, day)]
    return [
        f"<b>{head}</b>", t("digest-discipline", percent=t.percent(discipline(kept, broken))), *_state(t, team, day)
    ]  # fmt: skip


def _broken(t: Texts, present: Sequence[Scorecard]) -> list[str]:
    """Write the managers with broken rules, fewest points first."""
    troubled = sorted((card for card in present if card.count(Outcome.BROKEN)), key=lambda card: card.points)
    text = [f"• {person_line(t, card)}" for card in troubled[:WORST]]
    if len(troubled) > WORST:
        text.append(t("and-more", n=len(troubled) - WORST))
    return text


def _unread(t: Texts, present: Sequence[Scorecard]) -> list[str]:
    """Write in one line the rules that were not scored, by cause."""
    by_cause = not_scored.unread(line for card in present for line in card.lines)
    return [f"⚪ {t('digest-unread', what=not_scored.by_causes(t, by_cause))}"] if by_cause else []


def _buttons(t: Texts, team: TeamContext, data: Digest) -> Rows:
    day = data.day.run.day
    departed = [
        (
            Button(
                shortened(t("departed-button", name=each.name)),
                TurnDeparted(team=team.key, notice=each.notice, page=0, digest=day).pack(),
            ),
        )
        for each in data.departed
        if each.notice is not None
    ]
    return rows(
        *departed,
        (
            Button(t("summary-people"), TurnStaff(team=team.key, page=1, digest=day).pack()),
            Button(t("summary-deals"), TurnWeek(team=team.key, day=day, part=Part.DEALS, page=1, digest=day).pack()),
        ),
    )


def earlier_discipline(t: Texts, on: date, of_day: Decimal | None) -> str:
    """Write the discipline % of a day told later; None: not scored."""
    if of_day is None:
        return t("earlier-unscored", day=t.day(on))
    return t("digest-earlier", day=t.day(on), percent=t.percent(of_day))


def _clean(card: Scorecard) -> bool:
    return card.count(Outcome.KEPT) > 0 and card.count(Outcome.BROKEN) == 0


def _backlog(t: Texts, backlog: Mapping[str, tuple[int, int]]) -> list[str]:
    """Write how the backlog from before the launch shrinks."""
    kpis = (
        t("digest-backlog-kpi", kpi=lines.kpi_name(t, kpi).lower(), now=now, first=first)
        for kpi, (first, now) in backlog.items()
    )
    return [t("digest-backlog", kpis=", ".join(kpis))] if backlog else []


def _named(t: Texts, key: str, names: Sequence[str]) -> list[str]:
    if not names:
        return []
    return [t(key, names=t.first_of([safe(name) for name in names], NAMES))]


def _state(t: Texts, team: TeamContext, day: Day) -> list[str]:
    """Write open problems and deals won that day, a line each; KPIs that the CRM does not state are left out."""
    now = state_now(day.run.day, [card.snapshot for card in day.cards])
    won = won_days((day.run.day, card.snapshot) for card in day.cards) or ()
    text = [gauges(t, team, now), *risk(t, team, now)] if now.overdue.read or now.without_task.read else []
    if deals := sum(each.deals for each in won):
        of_day = PricedDeals(deals, add_up(each.amounts for each in won))
        text.append(t("summary-won", deals=lines.deals_and_sums(t, team, of_day)))
    lost = [card.snapshot.readings.get(DEALS_LOST) for card in day.cards]
    return text + losses(t, team, [item for reading in lost if isinstance(reading, Value) for item in reading.items])
