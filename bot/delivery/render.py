"""A delivery → its message, made when it is sent, so that it says what holds then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from bot.context import AppContext
from bot.screens import answers, evening, lines
from bot.screens.pictures import board_of
from bot.screens.view import View
from bot.texts import Texts, safe
from scoring.scorecard import score
from scoring.snapshot import Cause, Manager, NotRead, Snapshot
from storage.days import rulebooks, runs
from storage.days.codec import readings_from_json
from storage.db.database import Session
from storage.messages.kinds import DeliveryKind
from storage.people import people
from storage.values import Delivery


async def render(  # noqa: PLR0911  # a message a kind
    session: Session, ctx: AppContext, t: Texts, delivery: Delivery, *, now: datetime, owed: Sequence[Delivery] = ()
) -> View | None:
    """The message; None if there is nothing (any more) to say. `owed` are earlier ones that may not have arrived."""
    if delivery.reference.get("team") not in ctx.teams:
        return None
    match DeliveryKind(delivery.kind):
        case DeliveryKind.PERSONAL | DeliveryKind.CORRECTION:
            reference = dict(delivery.reference)
            days = {*reference.get("earlier", ()), *_days_of(owed)} - {reference["day"]}
            return await answers.evening(session, ctx, t, reference | {"earlier": sorted(days)})
        case DeliveryKind.BOARD:
            return await _board(session, ctx, t, delivery)
        case DeliveryKind.DIGEST:
            return await answers.digest(session, ctx, t, delivery.reference)
        case DeliveryKind.REMINDER:
            return await _reminder(session, ctx, t, delivery, now)
        case DeliveryKind.NO_DATA:
            return await _no_data(session, ctx, t, delivery)
        case DeliveryKind.DEPARTED:
            return await answers.departed(session, ctx, t, delivery)
        case _:
            return _notice(ctx, t, delivery)


def _days_of(owed: Sequence[Delivery]) -> list[str]:
    return [str(item.reference["day"]) for item in owed if item.kind == DeliveryKind.PERSONAL]


async def _board(session: Session, ctx: AppContext, t: Texts, delivery: Delivery) -> View:
    view = await answers.evening_board(session, ctx, t, delivery.reference)
    team, on = ctx.teams[delivery.reference["team"]], date.fromisoformat(delivery.reference["day"])
    standings = await answers.standings(session, ctx, team.key, on)
    return View(view.text, view.rows, board_of(t, team, standings, on))


async def _reminder(session: Session, ctx: AppContext, t: Texts, delivery: Delivery, now: datetime) -> View | None:
    """What was broken when it was read; nothing after the cutoff."""
    reference, team = delivery.reference, ctx.teams[delivery.reference["team"]]
    cutoff = team.calendar.cutoff_of(date.fromisoformat(reference["day"]))
    if now >= cutoff:
        return None
    names = {member.crm_user: member.name for member in await people.members(session, team.key)}
    user = reference["crm_user"]
    snapshot = Snapshot(Manager(user, names.get(user, user)), readings_from_json(reference["readings"]))
    minutes = max(1, round((cutoff - now) / timedelta(minutes=1)))
    started = await runs.last_window_end(session, team.key, date.fromisoformat(reference["day"]))
    rulebook = await rulebooks.rulebook_at(session, team.key, started or now)
    return evening.reminder(t, team, score(snapshot, rulebook), minutes)


async def _no_data(session: Session, ctx: AppContext, t: Texts, delivery: Delivery) -> View:
    team, on = ctx.teams[delivery.reference["team"]], date.fromisoformat(delivery.reference["day"])
    run = await runs.find(session, team.key, on)
    by_cause: dict[Cause, set[str]] = {}
    for item in await runs.kept(session, run.id) if run else ():
        for key, reading in item.snapshot.readings.items():
            if isinstance(reading, NotRead):
                by_cause.setdefault(reading.cause, set()).add(key)
    what = "; ".join(
        t("no-data-missing", kpis=lines.kpi_names(t, sorted(keys)), reason=t(f"no-data-{cause.value}"))
        for cause, keys in sorted(by_cause.items())
    )
    return View(t("no-data", title=safe(team.title), day=t.day(on), what=what))


def _notice(ctx: AppContext, t: Texts, delivery: Delivery) -> View:
    """Short notices to heads and admins."""
    about, team = delivery.reference, ctx.teams[delivery.reference["team"]]
    title = safe(team.title)
    day = t.day(date.fromisoformat(about["day"])) if "day" in about else ""
    match DeliveryKind(delivery.kind):
        case DeliveryKind.DELAYED:
            until = t.clock(datetime.fromisoformat(about["retry_until"]), team.calendar.zone)
            return View(t("delayed", title=title, day=day, until=until))
        case DeliveryKind.ALARM:
            text = t("alarm", title=title, day=day, connection=safe(about["connection"]))
            return View(f"{text}\n<code>{safe(about['problem'])}</code>")
        case _:
            return _channel_off(ctx, t, about)


def _channel_off(ctx: AppContext, t: Texts, about: Mapping[str, Any]) -> View:
    titles = ", ".join(safe(ctx.teams[key].title) for key in about["teams"] if key in ctx.teams)
    name = safe(about["name"]) if about["name"] else t("channel-nameless", chat=str(about["chat"]))
    return View(t(f"channel-off-{about['whose']}", title=titles, name=name, reason=t(f"channel-{about['reason']}")))
