"""Every message whole, in both languages, as people read it: compared with the files in `messages/`.

After a change of words, `WRITE_MESSAGES=1 pytest tests/bot/screens/test_messages.py` writes them anew; read the
difference.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import pytest_asyncio

from bot.delivery import render
from bot.screens.appeals import dispute
from bot.screens.appeals.card import AppealCard, card_view, queue_view, reasons_view
from bot.screens.digest import digest_view, load_digest
from bot.screens.evening import evening_view, load_evening
from bot.screens.finished_days import load_last_day
from bot.screens.leaderboard import board_view, load_last_board
from bot.screens.live_cards import load_live_cards
from bot.screens.me import load_own_month, me_view
from bot.screens.periods import Shown, load_period, period_view
from bot.screens.pictures import load_trend, trend_view
from bot.screens.reminder import Reminder, reminder_view
from bot.screens.rules.rulebook import load_rules, rules_view
from bot.screens.team import live_team_view, team_view
from bot.screens.today import today_view
from bot.screens.view import View
from bot.screens.who import load_person, person_view
from bot.screens.witness.digest_proof import DigestProof, load_proofs, proof_view, unknown_view
from bot.telegram.callbacks import Part
from bot.telegram.splitting import split
from bot.texts import LANGUAGES, Texts, texts
from scoring.appeals.proofs import Proof, ProofReason, Verdict
from scoring.entries import Month
from scoring.kpis import OVERDUE_TASKS
from scoring.records import Money
from scoring.scorecard import Outcome
from scoring.snapshot import Evidence, Value
from storage.days import runs
from storage.journal.digests import DigestedDay
from storage.messages import deliveries
from storage.messages.notices import (
    AlarmNotice,
    ChannelOffNotice,
    DayUnscoredNotice,
    DelayedNotice,
    DepartedNotice,
    DigestNotice,
    EveningNotice,
    JoinedNotice,
    NoDataNotice,
    PinRefusedNotice,
    RightsMissingNotice,
    ShrunkenListNotice,
    TroubleNotice,
    UnreadDayNotice,
    Whose,
    ZeroQuestionNotice,
    to_telegram,
)
from storage.people import people
from storage.values import Appeal, AppealCause, AppealState, Delivery, DeliveryState, Recheck
from tests.bot import month
from tests.bot.month import HEAD, LAST, OUTAGE, TOMORROW, november

FOLDER = Path(__file__).with_name("messages")
WRITE = "WRITE_MESSAGES" in os.environ


def written(view: View) -> str:
    """A message in a file: its text without the digits of versions, which any new setting changes, and without digests,
    which are salted; then its buttons."""
    text = re.sub(r'<a href="([^"]*)">(.*?)</a>', r"\2 <\1>", view.text)
    text = re.sub(r"[0-9a-f]{12}</code>", "000000000000</code>", text)
    text = re.sub(r"(?m)[a-z2-7]{8}( <https://t.me/reglament_bot\?start=d_)[a-z2-7]{32}>", r"aaaaaaaa\1…>", text)
    text = re.sub(r": [a-z2-7]{8} (–|belongs) ", r": aaaaaaaa \1 ", text)
    buttons = ["".join(f"[{button.text}]" for button in row) for row in view.rows]
    return "\n".join([text, *buttons]) + "\n"


def compare(t: Texts, name: str, view: View | None) -> None:
    """With what the file says; or write the file."""
    assert view is not None, name
    file = FOLDER / t.language / f"{name}.txt"
    if WRITE:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(written(view), encoding="utf-8")
    assert written(view) == file.read_text(encoding="utf-8"), name
    assert split(view.text) == [view.text], name


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lived(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[month.Month]:
    """One November for all messages."""
    file = tmp_path_factory.mktemp("november") / "reglament.db"
    await asyncio.to_thread(shutil.copy, sqlite_template, file)
    async with november(f"sqlite:///{file}") as found:
        found.ctx.bot.username = "reglament_bot"
        yield found


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(params=LANGUAGES)
def t(request: pytest.FixtureRequest) -> Texts:
    """The texts of each language."""
    return texts(request.param)


async def test_the_evening_of_managers_heads_and_the_group(lived, t):
    now = lived.clock()
    evening = await deliveries.due(lived.process.db, at=now, limit=100)
    personal_ones = {}
    async with lived.process.db.reading() as session:
        for delivery in evening:
            view = await render.render(session, lived.ctx, t, delivery, now=now)
            if isinstance(delivery.notice, EveningNotice):
                personal_ones[delivery.notice.crm_user] = view
            else:
                compare(t, delivery.kind, view)
    for number, user in enumerate(sorted(personal_ones)):
        compare(t, f"personal-{number + 1}", personal_ones[user])


async def test_days_that_were_caught_up_and_one_that_was_not_scored(lived, t):
    ctx, team = lived.ctx, lived.ctx.teams["sales"]
    async with lived.process.db.reading() as session:
        user = (await people.members(session, "sales"))[1].crm_user
        about = (session, ctx, "sales")
        earlier = (date(2026, 11, 11), OUTAGE, date(2026, 11, 18))
        last, unscored = [await load_evening(*about, day, user) for day in (LAST, OUTAGE)]
        caught_up = await load_evening(*about, LAST, user, earlier)
        digests = [await load_digest(*about, LAST, earlier), await load_digest(*about, OUTAGE)]
    compare(t, "personal-caught-up", evening_view(t, team, caught_up))
    compare(t, "digest-caught-up", digest_view(t, team, digests[0]))
    compare(t, "personal-unscored", evening_view(t, team, unscored))
    compare(t, "digest-unscored", digest_view(t, team, digests[1]))
    compare(t, "personal-all", evening_view(t, team, last, page=1))
    compare(t, "personal-of-another", evening_view(t, team, last, named=True))


async def test_what_managers_ask(lived, t):
    ctx, team, now = lived.ctx, lived.ctx.teams["sales"], lived.clock()
    async with lived.process.db.reading() as session:
        member = (await people.members(session, "sales"))[1]
        user = member.crm_user
        for name, month_ in (("me", Month(2026, 11)), ("me-before", Month(2026, 10))):
            data = await load_own_month(session, ctx, "sales", user, member.name, month_, now)
            compare(t, name, me_view(t, team, data))
        compare(t, "rules", rules_view(t, team, await load_rules(session, ctx, "sales", now)))
        board = await load_last_board(session, ctx, "sales")
    compare(t, "leaderboard", board_view(t, team, board, own=user))
    compare(t, "leaderboard-full", board_view(t, replace(team, board="full"), board, own=user))


async def test_appeals(lived, t):
    """A disputed rule of the last day, its records partly proved."""
    team, now = lived.ctx.teams["sales"], lived.clock()
    async with lived.process.db.reading() as session:
        cards = (await load_last_day(session, lived.ctx, "sales")).cards
    line, name = next(
        (line, card.manager.name)
        for card in cards
        for line in card.lines
        if line.rule.kpi == OVERDUE_TASKS and line.outcome is Outcome.BROKEN and len(line.items) > 1
    )
    first, second, *others = (item.key for item in line.items)
    proofs = [Proof(first, Verdict.IN_ORDER, ProofReason.DONE, now, "done_at"), Proof(second, Verdict.NOT_IN_ORDER)]
    proofs += [Proof(key, Verdict.NOT_TOLD) for key in others]
    filed = Appeal(
        id=3, team="sales", connection="main", crm_user="13", name=name, person_id=1, day=LAST, rule=line.rule.id,
        kpi=line.rule.kpi, seq=1, cause=AppealCause.CLIENT, text="перенёс <на утро>", state=AppealState.FILED,
        author=name, filed_at=now, recheck=Recheck(now, tuple(proofs)),
    )  # fmt: skip
    kept = replace(filed, state=AppealState.KEPT, decided_by="Ольга Главная", decision=t("reason-kept-trust"))
    before = Counter({AppealState.KEPT: 1, AppealState.REFUSED: 2})
    broken = [dispute.BrokenRule(line), dispute.BrokenRule(line, kept)]
    card = card_view(t, team, AppealCard(filed, line, before, before))
    compare(t, "appeal-rules", dispute.rules_view(t, team, LAST, broken))
    compare(t, "appeal-causes", dispute.causes_view(t, team, LAST, line))
    compare(t, "appeal-text", dispute.text_view(t, team, LAST, line, AppealCause.CLIENT))
    compare(t, "appeal-filed", dispute.filed_view(t, filed))
    compare(t, "appeal-kept", dispute.filed_view(t, kept))
    compare(t, "appeal-card", card)
    compare(t, "appeal-card-owner", card_view(t, team, AppealCard(filed, line, Counter(), Counter(), "owner")))
    compare(t, "appeal-reasons", reasons_view(t, card, filed, "refused"))
    older = replace(filed, id=2, filed_at=now - timedelta(days=2))
    compare(t, "appeals", queue_view(t, [older, filed], now))


async def test_what_heads_ask(lived, t):
    ctx, team = lived.ctx, lived.ctx.teams["sales"]
    async with lived.process.db.reading() as session:
        user = (await people.members(session, "sales"))[1].crm_user
        compare(t, "team", team_view(t, team, await load_last_day(session, ctx, "sales")))
        compare(t, "who", person_view(t, team, await load_person(session, ctx, "sales", user)))
        for name, monthly in (("week", False), ("month", True)):
            data = await load_period(session, ctx, "sales", LAST, monthly=monthly)
            for part in Part:
                view = period_view(t, team, data, Shown(part, exports=True, until=LAST))
                compare(t, name if part is Part.ALL else f"{name}-{part.name.lower()}", view)
        trend = await load_trend(session, ctx, "sales", date(2026, 11, 1), monthly=True)
        compare(t, "trend", trend_view(t, team, trend))
        assert trend.trend.before == ()
        assert trend.trend.coming[-1] == date(2026, 11, 30)
        december = (await load_trend(session, ctx, "sales", date(2026, 12, 1), monthly=True)).trend
        assert [day.day for day in december.before] == list(
            team.calendar.workdays(date(2026, 11, 1), date(2026, 11, 30))
        )
        data = await load_period(session, ctx, "sales", date(2026, 11, 6), monthly=False)
    compare(t, "week-first", period_view(t, team, data, Shown(until=LAST)))


async def test_a_tap_on_a_digest(lived, t):
    ctx = lived.ctx
    async with lived.process.db.reading() as session:
        digest = (await runs.find(session, "sales", LAST)).digest
        [proof] = await load_proofs(session, ctx, digest)
    assert proof.stands
    compare(t, "proof-of-a-head", proof_view(t, ctx, proof))
    user = proof.entries[0].crm_user
    own = replace(proof, entries=tuple(entry for entry in proof.entries if entry.crm_user == user))
    compare(t, "proof-of-a-manager", proof_view(t, ctx, own))
    compare(t, "proof-of-the-group", proof_view(t, ctx, replace(proof, entries=())))
    compare(t, "proof-broken", proof_view(t, ctx, replace(proof, stands=False, entries=())))
    weak = DigestedDay("sales", LAST, "0123456789ab")
    compare(t, "proof-weak", proof_view(t, ctx, DigestProof(weak, stands=True)))
    compare(t, "proof-unknown", unknown_view(t, "0123456789ab"))


async def test_how_it_stands_before_the_next_cutoff(lived, t):
    ctx = lived.ctx
    evening = lived.clock.at
    lived.clock.at = now = evening + TOMORROW
    try:
        reading = await ctx.live.fresh("sales", now) or await ctx.live.read("sales", now)
        async with lived.process.db.reading() as session:
            cards = await load_live_cards(session, ctx, reading)
    finally:
        lived.clock.at = evening
    worst = min(cards, key=lambda card: card.points)
    assert worst.count(Outcome.BROKEN)
    team = ctx.teams["sales"]
    later = now + timedelta(minutes=3)
    compare(t, "today", today_view(t, team, worst, reading, later))
    compare(t, "today-all", today_view(t, team, worst, reading, now, page=1))
    compare(t, "reminder", reminder_view(t, team, Reminder(worst, 30, reading.day)))
    compare(t, "team-live", live_team_view(t, team, cards, reading.read_at))


def _deal(key: str, title: str, amount: str | None) -> Evidence:
    money = Money(Decimal(amount), "RUB") if amount else None
    return Evidence("deal", key, title, f"https://demo.example/deal/{key}", money)


OPEN_DEALS = [_deal(str(n), f"Поставка <{n}>", ["250000", None][n % 3 == 0]) for n in range(1, 8)]
DEPARTED = DepartedNotice(team="sales", day=date(2026, 11, 20), crm_user="13", name="O'Neil & Co")
READ = replace(
    DEPARTED,
    readings={
        "deals_open": Value(7, OPEN_DEALS),
        "overdue_tasks": Value(0, []),
        "deals_without_task": Value(1, [_deal("2", "Поставка <2>", "250000")]),
    },
)
UNREAD_DAY = UnreadDayNotice(
    team="sales",
    day=LAST,
    problem="a mistake of ours while reading: KeyError in crm_clients.odoo.deals, line 57",
    cause="fault",
)
RIGHTS = RightsMissingNotice(
    team="sales", day=LAST, connection="main", kpis=("calls_held", "talk_minutes"), problem="scope telephony"
)
SHRUNKEN = ShrunkenListNotice(
    team="sales",
    day=LAST,
    connection="main",
    question=7,
    what="users",
    known=60,
    lost=20,
    names=("<b>Борис</b>", "Вера Тестова"),
)
DELAYED = DelayedNotice(
    team="sales", day=LAST, retry_until=datetime(2026, 11, 19, 17, tzinfo=UTC), problem="HTTP 503 <html>"
)
JOINED = JoinedNotice(team="sales", person=5, chat=1000, name="O'Neil & Co", account="Anya <3", username="anya_sells")
SINCE = datetime(2026, 11, 19, 15, 40, tzinfo=UTC)
ALARM = AlarmNotice(team="sales", day=LAST, connection="main", problem="Bitrix24 does not accept the webhook")


def _off(whose: Whose, name: str, chat: int, reason: str) -> ChannelOffNotice:
    return ChannelOffNotice(team="sales", teams=("sales",), whose=whose, name=name, chat=chat, reason=reason)


@pytest.mark.parametrize(
    ("name", "notice"),
    [
        ("delayed", DELAYED),
        ("unread-day", UNREAD_DAY),
        ("rights-missing", RIGHTS),
        ("zero-question", ZeroQuestionNotice(team="sales", day=LAST, connection="main", kpi="calls_held")),
        ("shrunken-users", SHRUNKEN),
        ("shrunken-deals", replace(SHRUNKEN, what="deals", names=())),
        ("shrunken-tasks", replace(SHRUNKEN, what="tasks", names=())),
        ("alarm", ALARM),
        ("departed", DEPARTED),
        ("departed-read", READ),
        ("channel-off-manager", _off(Whose.MANAGER, "<b>Борис</b>", 111, "blocked")),
        ("channel-off-head", _off(Whose.HEAD, "", 222, "deactivated")),
        ("channel-off-group", _off(Whose.GROUP, "", -1001, "kicked")),
        ("no-data", NoDataNotice(team="sales", day=OUTAGE)),
        ("joined", JOINED),
        ("joined-without-user-name", replace(JOINED, username="")),
        ("day-unscored", DayUnscoredNotice(team="sales", day=OUTAGE)),
        ("pin-refused", PinRefusedNotice(team="sales", chat=-1001)),
        ("digest-refused", DigestNotice(team="sales", day=OUTAGE, problem="HTTP 403 <html>", refused=True)),
        ("digest-unread", DigestNotice(team="sales", day=OUTAGE, problem="HTTP 503 <html>", cause="unavailable")),
        ("messages-fail", TroubleNotice(team="sales", trouble="messages_fail", since=SINCE, detail="3", problem="<x>")),
        ("loop-silent", TroubleNotice(team="sales", trouble="loop_silent", since=SINCE, detail="deliveries")),
    ],
)
async def test_notices(lived, t, name, notice):
    delivery = Delivery(1, "test", notice.kind, to_telegram(HEAD), notice, DeliveryState.PENDING)
    async with lived.process.db.reading() as session:
        compare(t, name, await render.render(session, lived.ctx, t, delivery, now=lived.clock()))


async def test_no_file_is_left_over():
    names = {language: {file.name for file in (FOLDER / language).glob("*.txt")} for language in LANGUAGES}
    assert names["ru"] == names["en"] != set()
