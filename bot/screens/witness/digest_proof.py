"""Answer a tap on the digest of a day: whether the digest stands, and to whom it may concern the day's lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby

from bot.context import AppContext
from bot.screens import lines
from bot.screens.view import View
from bot.texts import Texts, safe
from scoring.entries import Entry, EntryKind
from scoring.names import alphabetical, told_apart
from scoring.rules import Rule
from scoring.scorecard import Outcome, is_money
from storage.days import queries, runs
from storage.db.database import Session
from storage.journal.chain import short_digest
from storage.journal.digests import DigestedDay, find_days
from storage.journal.proof import stands

MOST = 60
"""Managers whose lines a head is shown; the rest is counted."""


@dataclass(frozen=True, slots=True)
class DigestProof:
    """Hold the day that a digest stands for, and the entries that a reader may see."""

    day: DigestedDay
    stands: bool
    """Whether the day's entries are those that the digest was made of."""
    rules: Mapping[str, Rule] = field(default_factory=dict)
    """Rules that judged the day, by id."""
    entries: tuple[Entry, ...] = ()
    """Entries of the ledger about the day, corrections included; empty for readers who may see none."""


async def load_proofs(session: Session, ctx: AppContext, digest: str) -> list[DigestProof]:
    """Find the days of the teams in use that have a digest, with all entries."""
    found = []
    for day in await find_days(session, digest):
        if day.team in ctx.teams:
            entries = tuple(await queries.entries(session, day.team, day.day, day.day))
            run = await runs.find(session, day.team, day.day)
            rules = {rule.id: rule for rule in run.rulebook.rules} if run else {}
            found.append(DigestProof(day, await stands(session, day), rules, entries))
    return found


def unknown_view(t: Texts, digest: str) -> View:
    """Tell that no day has the digest."""
    return View(f"{lines.BROKEN} {t('proof-unknown', digest=short_digest(digest))}")


def proof_view(t: Texts, ctx: AppContext, proof: DigestProof) -> View:
    """Tell whether the digest stands and of which day, then the lines of the day by manager."""
    day = proof.day
    told = {"digest": short_digest(day.digest), "title": safe(ctx.teams[day.team].title), "day": t.full_day(day.day)}
    text = [f"✅ {t('proof-stands', **told)}" if proof.stands else f"{lines.BROKEN} {t('proof-broken', **told)}"]
    if day.is_weak:
        text.append(f"⚠️ {t('proof-weak')}")
    names = told_apart({entry.crm_user: entry.name for entry in proof.entries})
    ordered = sorted(proof.entries, key=lambda entry: (alphabetical(entry.name), entry.crm_user, entry.seq))
    people = [list(own) for _, own in groupby(ordered, key=lambda entry: entry.crm_user)]
    for own in people[:MOST]:
        text += ["", *_lines_of(t, names[own[0].crm_user], own, proof.rules)]
    if len(people) > MOST:
        text += ["", t("and-more", n=len(people) - MOST)]
    return View("\n".join(text))


def _lines_of(t: Texts, name: str, own: Sequence[Entry], rules: Mapping[str, Rule]) -> list[str]:
    """Write a manager's lines, in the order of the ledger, under the sum of the day."""
    points = t.points(sum(entry.points for entry in own), signed=True)
    return [
        f"<b>{t('digest-person', name=safe(name), points=points)}</b>",
        *(_line(t, entry, rules.get(entry.rule)) for entry in own),
    ]


def _line(t: Texts, entry: Entry, rule: Rule | None) -> str:
    points = t.points(entry.points, signed=True)
    if entry.kind is EntryKind.ADJUSTMENT:
        return f"↩️ {t('proof-adjustment', points=points)}"
    kpi = lines.kpi_name(t, entry.kpi)
    if entry.kind is not EntryKind.SCORE:
        return f"↩️ {t('corrected-line', kpi=kpi, points=points)}"
    value = "–" if entry.value is None else _value(t, entry.value, rule)
    if entry.outcome is None or not entry.outcome.scored:
        return f"⚪ {t('proof-unscored', kpi=kpi, value=value)}"
    sign = "✅" if entry.outcome is Outcome.KEPT else lines.lamp(entry.kpi)
    return f"{sign} {t('line-at-most', kpi=kpi, value=value, points=points)}"


def _value(t: Texts, value: Decimal, rule: Rule | None) -> str:
    """Write a value as stored: money exactly, in the currency of the rule."""
    return t.money(value, rule.currency or "") if rule is not None and is_money(rule) else t.number(value)
