"""Take appeals: a manager disagrees with a rule, a head decides; a line of text may come as the next message."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from aiogram import F
from aiogram.types import CallbackQuery, Message

from bot.access import Viewer
from bot.context import AppContext
from bot.screens.appeals.card import REASONS, card_view, load_card, queue_view, reasons_view
from bot.screens.appeals.dispute import (
    BrokenRule,
    cause_of,
    causes_view,
    filed_view,
    load_broken,
    outcome_line,
    problem_line,
    rules_view,
    text_view,
)
from bot.screens.view import View
from bot.telegram import reply
from bot.telegram.asked import Asked
from bot.telegram.callbacks import (
    ChooseReason,
    CloseDispute,
    DecideAppeal,
    DisputeCause,
    DisputeDay,
    DisputeRule,
    FileAppeal,
    ListAppeals,
    OpenAppeal,
    WithdrawAppeal,
    mark,
)
from bot.telegram.filters import Answering, Tapped
from bot.telegram.router_template import RouterTemplate
from bot.texts import Texts
from storage.appeals import appeals
from storage.errors import AppealProblem, AppealRefused, NotFound
from storage.messages import dialogs
from storage.values import Appeal, AppealCause, AppealState

router = RouterTemplate("appeals")
_FILES, _DECIDES = "appeal", "decision"
"""Kinds of questions that the next message answers."""


# A manager disagrees


@router.callback_query(Tapped(DisputeDay))
async def day_disputed(query: CallbackQuery, tapped: DisputeDay, ctx: AppContext, viewer: Viewer, t: Texts) -> None:
    """Ask which rule of an own day is disputed."""
    own = viewer.member_of(tapped.team)
    if own is None or ctx.appeals is None:
        await query.answer(t("not-yours"), show_alert=True)
        return
    async with ctx.db.reading() as session:
        broken = await load_broken(session, ctx, tapped.team, tapped.day, own.crm_user)
    refused = await ctx.appeals.why_not(own, tapped.team, tapped.day)
    if refused is not None and not any(each.appeal for each in broken):
        await query.answer(problem_line(t, refused), show_alert=True)
        return
    view = rules_view(t, ctx.teams[tapped.team], tapped.day, broken)
    message = reply.message_of(query)
    if tapped.back or message is None:
        await reply.replace(query, view)
        return
    await query.answer()
    await reply.send(message, view)


@router.callback_query(Tapped(DisputeRule, DisputeCause))
async def rule_disputed(
    query: CallbackQuery,
    tapped: DisputeRule | DisputeCause,
    ctx: AppContext,
    viewer: Viewer,
    t: Texts,
    now: Callable[[], datetime],
) -> None:
    """Ask why a rule is disputed, then for a line of text; of a rule disputed before show the appeal."""
    found = await _disputed(ctx, viewer, tapped.team, tapped.day, tapped.rule)
    if found is None:
        await query.answer(t("stale-button"), show_alert=True)
        return
    team, line = ctx.teams[tapped.team], found.line
    if found.appeal is not None and found.appeal.state is not AppealState.WITHDRAWN:
        await reply.replace(query, filed_view(t, found.appeal))
        return
    cause = cause_of(tapped.cause) if isinstance(tapped, DisputeCause) else None
    if cause is None:
        await reply.replace(query, causes_view(t, team, tapped.day, line))
        return
    question = {
        "kind": _FILES, "team": team.key, "day": tapped.day.isoformat(), "rule": line.rule.id, "cause": cause.value,
    }  # fmt: skip
    async with ctx.db.transaction() as session:
        await dialogs.ask(session, viewer.telegram_id, question, at=now())
    await reply.replace(query, text_view(t, team, tapped.day, line, cause))


async def _disputed(ctx: AppContext, viewer: Viewer, key: str, day: date, rule: str) -> BrokenRule | None:
    """Find a rule of an own day by the mark of its button."""
    own = viewer.member_of(key)
    if own is None:
        return None
    async with ctx.db.reading() as session:
        broken = await load_broken(session, ctx, key, day, own.crm_user)
    return next((each for each in broken if mark(each.line.rule.id) == rule), None)


@router.callback_query(Tapped(FileAppeal))
async def filed_without_text(
    query: CallbackQuery, tapped: FileAppeal, ctx: AppContext, viewer: Viewer, t: Texts
) -> None:
    """File an appeal without a text."""
    found, cause = await _disputed(ctx, viewer, tapped.team, tapped.day, tapped.rule), cause_of(tapped.cause)
    async with ctx.db.transaction() as session:
        await dialogs.end(session, viewer.telegram_id)
    if found is None or cause is None:
        await query.answer(t("stale-button"), show_alert=True)
        return
    await reply.replace(query, View(t("recheck-running")))  # the CRM may take longer than a tap may wait
    try:
        view = await _file(ctx, viewer, t, tapped.team, tapped.day, found.line.rule.id, cause, "")
    except AppealRefused as refused:
        view = View(problem_line(t, refused))
    message = reply.message_of(query)
    if message is not None:
        await reply.edit(message, view)


async def _file(
    ctx: AppContext, viewer: Viewer, t: Texts, key: str, day: date, rule: str, cause: AppealCause, text: str
) -> View:
    """File an appeal of the viewer. Raises AppealRefused."""
    own = viewer.member_of(key)
    if own is None or ctx.appeals is None:
        return View(t("not-yours"))
    return filed_view(t, await ctx.appeals.file(own, key, day, rule, cause, text, own.name))


@router.callback_query(Tapped(CloseDispute))
async def dispute_closed(query: CallbackQuery, viewer: Viewer, ctx: AppContext, t: Texts) -> None:
    """Leave the day as it is."""
    async with ctx.db.transaction() as session:
        await dialogs.end(session, viewer.telegram_id)
    await reply.replace(query, View(t("dispute-closed")))


@router.callback_query(Tapped(WithdrawAppeal))
async def withdrawn(query: CallbackQuery, tapped: WithdrawAppeal, ctx: AppContext, viewer: Viewer, t: Texts) -> None:
    """Withdraw an own appeal; a decision that was quicker is shown."""
    if ctx.appeals is None or viewer.person is None:
        await query.answer(t("not-yours"), show_alert=True)
        return
    try:
        appeal = await ctx.appeals.withdraw(tapped.appeal, author=viewer.person.name, person_id=viewer.person.id)
    except (AppealRefused, NotFound) as problem:
        text = problem_line(t, problem) if isinstance(problem, AppealRefused) else t("stale-button")
        await query.answer(text, show_alert=True)
        return
    await reply.replace(query, View(outcome_line(t, appeal)))


# A head decides


@router.message(Asked("appeals"), F.chat.type == "private")
async def queue(message: Message, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]) -> None:
    """List the open appeals of the head's teams, the oldest first."""
    if not viewer.head_of:
        await message.answer(t("not-yours") if viewer.known else t("stranger"))
        return
    await reply.send(message, await _queue(ctx, viewer, t, now()))


@router.callback_query(Tapped(ListAppeals))
async def queue_again(
    query: CallbackQuery, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]
) -> None:
    """Show the open appeals again."""
    if not viewer.head_of:
        await query.answer(t("not-yours"), show_alert=True)
        return
    await reply.replace(query, await _queue(ctx, viewer, t, now()))


async def _queue(ctx: AppContext, viewer: Viewer, t: Texts, now: datetime) -> View:
    async with ctx.db.reading() as session:
        found = await appeals.open_appeals(session, sorted(viewer.head_of))
    return queue_view(t, found, now)


@router.callback_query(Tapped(OpenAppeal, DecideAppeal))
async def opened(
    query: CallbackQuery, tapped: OpenAppeal | DecideAppeal, ctx: AppContext, viewer: Viewer, t: Texts
) -> None:
    """Show an appeal as it stands, or ask for the reason of a decision."""
    card = await _card(ctx, viewer, t, tapped.appeal, in_queue=isinstance(tapped, OpenAppeal) and tapped.queue)
    if card is None:
        await query.answer(t("not-yours"), show_alert=True)
        return
    view, appeal = card
    asks = isinstance(tapped, DecideAppeal) and tapped.word in REASONS and appeal.state is AppealState.FILED
    await reply.replace(query, reasons_view(t, view, appeal, tapped.word) if asks else view)  # type: ignore[union-attr]


async def _card(
    ctx: AppContext, viewer: Viewer, t: Texts, appeal_id: int, *, in_queue: bool = False
) -> tuple[View, Appeal] | None:
    """Load the card of an appeal of the viewer's teams."""
    try:
        async with ctx.db.reading() as session:
            data = await load_card(session, ctx, appeal_id)
    except NotFound:
        return None
    if not viewer.sees_team(data.appeal.team):
        return None
    return card_view(t, ctx.teams[data.appeal.team], data, in_queue=in_queue), data.appeal


@router.callback_query(Tapped(ChooseReason))
async def reason_chosen(
    query: CallbackQuery,
    tapped: ChooseReason,
    ctx: AppContext,
    viewer: Viewer,
    t: Texts,
    now: Callable[[], datetime],
) -> None:
    """Decide an appeal for a reason from the list, or ask for the decider's own."""
    card = await _card(ctx, viewer, t, tapped.appeal)
    if card is None or tapped.word not in REASONS or ctx.appeals is None:
        await query.answer(t("not-yours"), show_alert=True)
        return
    if tapped.reason == "own":
        question = {"kind": _DECIDES, "appeal": tapped.appeal, "word": tapped.word}
        async with ctx.db.transaction() as session:
            await dialogs.ask(session, viewer.telegram_id, question, at=now())
        await query.answer(t("decide-write"), show_alert=True)
        return
    if tapped.reason not in REASONS[tapped.word]:
        await query.answer(t("stale-button"), show_alert=True)
        return
    try:
        await _decide(ctx, viewer, tapped.appeal, tapped.word, t(f"reason-{tapped.word}-{tapped.reason}"))
    except AppealRefused as refused:
        await query.answer(problem_line(t, refused), show_alert=True)
    card = await _card(ctx, viewer, t, tapped.appeal)
    if card is not None:
        await reply.replace(query, card[0])


async def _decide(ctx: AppContext, viewer: Viewer, appeal_id: int, word: str, reason: str) -> None:
    """Decide an appeal of the viewer's teams in the viewer's name. Raises AppealRefused, NotFound."""
    if ctx.appeals is None:
        raise NotFound(f"there is no appeal {appeal_id}")
    person = viewer.person
    author = person.name if person is not None else f"telegram:{viewer.telegram_id}"
    person_id = None if person is None else person.id
    await ctx.appeals.decide(appeal_id, AppealState(word), author=author, reason=reason, person_id=person_id)


# The next message


@router.message(Answering(_FILES, _DECIDES))
async def answered(message: Message, question: dict[str, Any], ctx: AppContext, viewer: Viewer, t: Texts) -> None:
    """File an appeal with the text, or decide with the own reason; after a text too long the question stays open."""
    text, works_in = message.text or "", _decide_with if question["kind"] == _DECIDES else _file_with
    try:
        view = await works_in(ctx, viewer, t, question, text)
    except AppealRefused as refused:
        if refused.problem is AppealProblem.TOO_LONG:
            await message.answer(problem_line(t, refused))
            return
        view = View(problem_line(t, refused))
    except NotFound:
        view = View(t("stale-button"))
    async with ctx.db.transaction() as session:
        await dialogs.end(session, message.chat.id)
    await reply.send(message, view)


async def _file_with(ctx: AppContext, viewer: Viewer, t: Texts, question: dict[str, Any], text: str) -> View:
    key, day = question["team"], date.fromisoformat(question["day"])
    return await _file(ctx, viewer, t, key, day, question["rule"], AppealCause(question["cause"]), text)


async def _decide_with(ctx: AppContext, viewer: Viewer, t: Texts, question: dict[str, Any], text: str) -> View:
    card = await _card(ctx, viewer, t, question["appeal"])
    if card is None:
        return View(t("not-yours"))
    await _decide(ctx, viewer, question["appeal"], question["word"], text)
    decided = await _card(ctx, viewer, t, question["appeal"])
    return View(t("not-yours")) if decided is None else decided[0]
