"""Show an appeal to those who decide: rule, value, items with the CRM's word, reason, and how often before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.context import AppContext, TeamContext
from bot.screens import lines
from bot.screens.appeals.dispute import outcome_line, recheck_line
from bot.screens.finished_days import load_day
from bot.screens.view import Button, View, rows
from bot.telegram.callbacks import ChooseReason, DecideAppeal, ListAppeals, OpenAppeal
from bot.texts import Texts, safe
from scoring.appeals.proofs import Proof, Verdict
from scoring.scorecard import ScoreLine
from scoring.snapshot import Evidence
from storage.appeals import appeals
from storage.db.database import Session
from storage.values import Appeal, AppealState

SHOWN = 10
"""Items of the card; the rest is counted."""
QUEUE = 20
"""Appeals listed at once: the oldest are decided first."""
SIGNS = {Verdict.IN_ORDER: "✅", Verdict.NOT_IN_ORDER: "✖️", Verdict.NOT_TOLD: "❔"}
REASONS: dict[str, tuple[str, ...]] = {
    "kept": ("shown", "trust"),
    "excused": ("client", "failure", "absence"),
    "refused": ("unproved", "afterwards", "agreed"),
}
"""Reasons to choose from, by decision: ends of text keys."""


@dataclass(frozen=True, slots=True)
class AppealCard:
    """Hold an appeal with the judged line and the counts of earlier appeals."""

    appeal: Appeal
    line: ScoreLine | None
    """None: the day's snapshot does not hold the rule."""
    person: Counter[AppealState]
    rule: Counter[AppealState]
    stage: str = ""
    """`reminder` or `owner` for a notice of an appeal that waits."""


async def load_card(session: Session, ctx: AppContext, appeal_id: int, stage: str = "") -> AppealCard:
    """Load an appeal as it stands. Raises NotFound."""
    appeal = await appeals.find(session, appeal_id)
    finished = await load_day(session, ctx, appeal.team, appeal.day)
    card = finished.card(appeal.crm_user) if finished else None
    line = next((each for each in card.lines if each.rule.id == appeal.rule), None) if card else None
    return AppealCard(appeal, line, *await appeals.count_earlier(session, appeal), stage=stage)


def card_view(t: Texts, team: TeamContext, data: AppealCard, *, in_queue: bool = False) -> View:
    """Show an appeal, with the buttons of the decision as long as the appeal is open."""
    appeal = data.appeal
    name = lines.kpi_name(t, appeal.kpi)
    text = [t(f"appeal-stage-{data.stage}")] if data.stage in ("reminder", "owner") else []
    text += [
        f"<b>⚖️ {safe(appeal.name)} · {safe(team.title)}</b>",
        f"<b>{t('appeal-head', id=str(appeal.id), kpi=name, day=t.day(appeal.day))}</b>",
        t("appeal-gone-rule") if data.line is None else lines.head(t, data.line),
        _why(t, appeal),
        f"{recheck_line(t, appeal)}",
        *_items(t, team, data),
        _before(t, data),
    ]  # fmt: skip
    back = (Button(t("appeal-back"), ListAppeals(page=0).pack()),) if in_queue else ()
    if appeal.state is not AppealState.FILED:
        return View("\n".join([*text, f"<b>{outcome_line(t, appeal)}</b>"]), rows(back), protected=True)
    decisions = tuple(Button(t(f"decide-{word}"), DecideAppeal(appeal=appeal.id, word=word).pack()) for word in REASONS)
    return View("\n".join(text), rows(decisions, back), protected=True)


def reasons_view(t: Texts, card: View, appeal: Appeal, word: str) -> View:
    """Ask for the reason of a decision, under the card."""
    buttons = tuple(
        (Button(t(f"reason-{word}-{reason}"), ChooseReason(appeal=appeal.id, word=word, reason=reason).pack()),)
        for reason in REASONS[word]
    )
    own = (Button(t("reason-own"), ChooseReason(appeal=appeal.id, word=word, reason="own").pack()),)
    back = (Button(t("appeal-back"), OpenAppeal(appeal=appeal.id).pack()),)
    question = t("decide-why", decision=t(f"decide-{word}"))
    return View(f"{card.text}\n<b>{question}</b>", (*buttons, own, back), protected=True)


def _why(t: Texts, appeal: Appeal) -> str:
    why = t("appeal-why", cause=t(f"appeal-cause-{appeal.cause}"))
    return f"{why} «{safe(appeal.text)}»" if appeal.text else why


def _before(t: Texts, data: AppealCard) -> str:
    """Tell how often this person and this rule were appealed before."""
    if not data.person and not data.rule:
        return t("appeal-before-none")
    person, rule = data.person, data.rule
    return t(
        "appeal-before", person=person.total(), granted=_granted(person), rule=rule.total(), rulegranted=_granted(rule)
    )


def _granted(counts: Counter[AppealState]) -> int:
    return counts[AppealState.KEPT] + counts[AppealState.EXCUSED]


def _items(t: Texts, team: TeamContext, data: AppealCard) -> list[str]:
    """Write the disputed records as links, each with the CRM's word."""
    recheck = data.appeal.recheck
    if data.line is None or recheck is None:
        return []
    told = {proof.key: proof for proof in recheck.proofs}
    disputed = [item for item in data.line.items if item.key in told]
    text = [_item(t, team, data.appeal.kpi, item, told[item.key]) for item in disputed[:SHOWN]]
    more = len(disputed) - SHOWN
    return [*text, f"   {t('and-more', n=more)}"] if more > 0 else text


def _item(t: Texts, team: TeamContext, kpi: str, item: Evidence, proof: Proof) -> str:
    word = t(f"proof-{proof.reason}") if proof.reason is not None else t(f"proof-{proof.verdict.replace('_', '-')}")
    by = ", ".join(filter(None, ["" if proof.at is None else _instant(t, proof.at, team), safe(proof.field)]))
    told = f"{word} ({by})" if by else word
    return f"   {SIGNS[proof.verdict]} {lines.link(t, kpi, item, team.crm_host)}: {told}"


def _instant(t: Texts, at: datetime, team: TeamContext) -> str:
    return f"{t.day(at.astimezone(team.calendar.zone).date())}, {t.clock(at, team.calendar.zone)}"


def queue_view(t: Texts, found: Sequence[Appeal], now: datetime) -> View:
    """List the open appeals, the oldest first, a button each."""
    if not found:
        return View(t("appeals-none"))
    buttons = tuple(
        (Button(_queued(t, appeal, now), OpenAppeal(appeal=appeal.id, queue=True).pack()),) for appeal in found[:QUEUE]
    )
    text = f"<b>{t('appeals-head', n=len(found))}</b>"
    return View(f"{text}\n{t('and-more', n=len(found) - QUEUE)}" if len(found) > QUEUE else text, buttons)


def _queued(t: Texts, appeal: Appeal, now: datetime) -> str:
    days = max(0, (now - appeal.filed_at).days)
    name = lines.kpi_name(t, appeal.kpi)
    return t("appeals-line", name=appeal.name, kpi=name, day=t.day(appeal.day), days=days)
