"""`/health`: whether the service works, what waits, every team's last cutoff and what it could not read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import Message

from bot.access import Viewer
from bot.context import AppContext, TeamContext
from bot.screens import lines
from bot.screens.view import View
from bot.telegram import reply
from bot.texts import Texts, safe
from storage.days import heartbeats, runs
from storage.db.database import Session
from storage.messages import deliveries
from storage.people import people
from storage.values import DeliveryState, Run, RunState

router = Router(name="health")
ALIVE = timedelta(seconds=90)


@router.message(Command("health"), F.chat.type == "private")
async def health(message: Message, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]) -> None:
    """For admins."""
    if not viewer.admin:
        await message.answer(t("not-yours") if viewer.known else t("stranger"))
        return
    async with ctx.db.reading() as session:
        text = [f"<b>{t('health-head')}</b>", *_loops(t, await heartbeats.all_beats(session), now())]
        text.append(_messages(t, await deliveries.count_by_state(session)))
        waiting = {run.team: run for run in await runs.unfinished(session)}
        for key, team in ctx.teams.items():
            text += ["", *await _team(session, t, team, waiting.get(key))]
    await reply.send(message, View("\n".join(text)))


def _loops(t: Texts, beats: Mapping[str, datetime], now: datetime) -> list[str]:
    """Alive in a line; each that is silent by name and since when."""
    silent = {name: at for name, at in sorted(beats.items()) if now - at > ALIVE}
    if not silent:
        return [f"✅ {t('health-alive')}" if beats else f"🔴 {t('health-never-ran')}"]
    return [
        f"🔴 {t('health-silent', name=name, n=int((now - at) / timedelta(minutes=1)))}" for name, at in silent.items()
    ]


def _messages(t: Texts, counts: Mapping[DeliveryState, int]) -> str:
    waiting = counts.get(DeliveryState.PENDING, 0) + counts.get(DeliveryState.SENDING, 0)
    failed, uncertain = counts.get(DeliveryState.FAILED, 0), counts.get(DeliveryState.UNCERTAIN, 0)
    return t("health-messages", waiting=waiting, failed=failed, uncertain=uncertain)


async def _team(session: Session, t: Texts, team: TeamContext, waiting: Run | None) -> list[str]:
    text = [f"<b>{safe(team.title)}</b>"]
    if waiting is not None and waiting.state is RunState.POSTPONED:
        problem = safe(lines.shortened(waiting.problem))
        text.append(f"🔴 {t('health-postponed', day=t.day(waiting.day))}: <code>{problem}</code>")
    last = await runs.last_finished(session, team.key)
    if last is None:
        text.append(t("health-never"))
    elif last.missing:
        unread = lines.kpi_names(t, sorted(last.missing))
        text.append(f"⚪ {t('health-partly', day=t.day(last.day), unread=unread)}")
        text.append(f"<code>{safe(lines.shortened(next(iter(last.missing.values()))))}</code>")
    else:
        text.append(f"✅ {t('health-last', day=t.day(last.day))}")
    missing = len(await people.unconnected(session, team.key))
    text.append(t("health-joined", joined=len(await people.members(session, team.key)) - missing, missing=missing))
    return text
