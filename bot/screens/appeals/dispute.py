"""Lead a manager through an appeal: which rule, why, a line of text or none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from bot.context import AppContext, TeamContext
from bot.screens import lines
from bot.screens.finished_days import load_day
from bot.screens.view import Button, Rows, View, rows
from bot.telegram.callbacks import CloseDispute, DisputeCause, DisputeDay, DisputeRule, FileAppeal, WithdrawAppeal
from bot.texts import Texts, capitalized, safe
from scoring.appeals.proofs import Verdict
from scoring.entries import in_force
from scoring.scorecard import Outcome, ScoreLine
from storage.appeals import appeals
from storage.db.database import Session
from storage.errors import AppealRefused
from storage.values import Appeal, AppealCause, AppealState


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """Hold a rule that took points of a manager on a day, and the appeal on it, if any."""

    line: ScoreLine
    appeal: Appeal | None = None


async def load_broken(session: Session, ctx: AppContext, key: str, day: date, crm_user: str) -> list[BrokenRule]:
    """Load the rules that took points of a manager on a day and still do."""
    finished = await load_day(session, ctx, key, day)
    card = finished.card(crm_user) if finished else None
    if finished is None or card is None:
        return []
    own = [entry for entry in finished.entries if entry.crm_user == crm_user]
    broken = {entry.rule for entry in in_force(own) if entry.outcome is Outcome.BROKEN}
    filed = {each.rule: each for each in await appeals.of_manager(session, key, crm_user, day, day)}
    return [BrokenRule(line, filed.get(line.rule.id)) for line in card.lines if line.rule.id in broken]


def word_of(cause: AppealCause) -> str:
    """Return the word of a cause in a button: letters only."""
    return cause.value.replace("_", "")


def cause_of(word: str) -> AppealCause | None:
    """Return the cause of a word in a button."""
    return next((cause for cause in AppealCause if word_of(cause) == word), None)


def rules_view(t: Texts, team: TeamContext, day: date, broken: Sequence[BrokenRule]) -> View:
    """Ask which rule the manager disagrees with."""
    if not broken:
        return View(t("dispute-nothing", day=t.day(day)), _close(t))
    buttons: Rows = tuple((_rule_button(t, team, day, each),) for each in broken)
    return View(f"<b>{t('dispute-which', day=t.day(day))}</b>", (*buttons, *_close(t)))


def _rule_button(t: Texts, team: TeamContext, day: date, broken: BrokenRule) -> Button:
    name, points = lines.kpi_name(t, broken.line.rule.kpi), t.points(broken.line.points, signed=True)
    if broken.appeal is not None and broken.appeal.state is not AppealState.WITHDRAWN:
        state = t(f"appeal-state-{broken.appeal.state}")
        return Button(f"{name}: {state}", DisputeRule(team=team.key, day=day, rule=broken.line.rule.id).pack())
    text = f"{lines.sign(broken.line)} {name} ({points})"
    return Button(text, DisputeRule(team=team.key, day=day, rule=broken.line.rule.id).pack())


def causes_view(t: Texts, team: TeamContext, day: date, line: ScoreLine) -> View:
    """Ask why the manager disagrees."""
    buttons: Rows = tuple(
        (
            Button(
                t(f"appeal-cause-{cause}"),
                DisputeCause(team=team.key, day=day, rule=line.rule.id, cause=word_of(cause)).pack(),
            ),
        )
        for cause in AppealCause
    )
    back = Button(t("appeal-back"), DisputeDay(team=team.key, day=day, back=True).pack())
    return View(f"{lines.head(t, line)}\n<b>{t('dispute-why')}</b>", (*buttons, (back,)))


def text_view(t: Texts, team: TeamContext, day: date, line: ScoreLine, cause: AppealCause) -> View:
    """Ask for a line of text, which may be left out."""
    rule = line.rule.id
    send = Button(t("dispute-without-text"), FileAppeal(team=team.key, day=day, rule=rule, cause=word_of(cause)).pack())
    back = Button(t("appeal-back"), DisputeRule(team=team.key, day=day, rule=rule).pack())
    why = t(f"appeal-cause-{cause}")
    return View(f"{lines.head(t, line)}\n{why}\n<b>{t('dispute-text')}</b>", rows((send,), (back,)))


def filed_view(t: Texts, appeal: Appeal) -> View:
    """Tell what became of a filed appeal: granted by the re-check, or on the way to the head."""
    if appeal.state is not AppealState.FILED:
        return View(outcome_line(t, appeal))
    name = lines.kpi_name(t, appeal.kpi)
    head = f"<b>{t('appeal-head', id=str(appeal.id), kpi=name, day=t.day(appeal.day))}</b>"
    withdraw = Button(t("appeal-withdraw"), WithdrawAppeal(appeal=appeal.id).pack())
    return View(f"{head}\n{recheck_line(t, appeal)}\n{t('appeal-sent')}", rows((withdraw,)))


def outcome_line(t: Texts, appeal: Appeal) -> str:
    """Tell the decision of an appeal in a line, with the reason."""
    name = lines.kpi_name(t, appeal.kpi)
    text = t(f"appeal-outcome-{appeal.state}", id=str(appeal.id), kpi=name, day=t.day(appeal.day))
    by = t("appeal-by", author=safe(appeal.decided_by or "")) if appeal.decided_by else ""
    reason = safe(capitalized(appeal.decision)) if appeal.decision else ""
    return " ".join(part for part in (f"{text}.", by, reason) if part)


def recheck_line(t: Texts, appeal: Appeal) -> str:
    """Sum up what the CRM told."""
    recheck = appeal.recheck
    if recheck is None:
        return t("recheck-waits")
    if recheck.problem:
        return t("recheck-problem")
    if recheck.proofs:
        counts = {verdict: recheck.count(verdict) for verdict in Verdict}
        told = [t(f"recheck-{verdict.replace('_', '-')}", n=number) for verdict, number in counts.items() if number]
        return t("recheck-records", told=", ".join(told))
    return t("recheck-untold") if recheck.value is None else t("recheck-again", value=t.number(recheck.value))


def problem_line(t: Texts, refused: AppealRefused) -> str:
    """Tell why an appeal, or an act on an appeal, is refused."""
    detail = refused.detail
    if refused.problem == "too_late":
        detail = t.day(date.fromisoformat(detail))
    return t(f"appeal-problem-{refused.problem.replace('_', '-')}", detail=detail)


def _close(t: Texts) -> Rows:
    return ((Button(t("dispute-close"), CloseDispute().pack()),),)
