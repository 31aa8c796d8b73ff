"""Say in plain words, made from the settings, how a team's rules count (docs/product.md §4, §19)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from bot.screens import lines
from bot.texts import Texts, safe
from scoring.crm_names import CrmNames
from scoring.kpi import Subject
from scoring.kpis import CATALOGUE, KpiKind
from scoring.records import RecordKind
from scoring.rules import Bound, CrmCounting, Rulebook

ALL_DAY = "00:00-24:00"
"""Working hours of a team that counts missed calls at any hour."""
OF_CLOSED_DEALS = frozenset(
    kpi.key for kpi in CATALOGUE.values() if kpi.counts in (Subject.WON_DEALS, Subject.LOST_DEALS)
)


def meanings(t: Texts, book: Rulebook, names: CrmNames, members: Mapping[str, str]) -> list[str]:
    """List what decides how the KPIs of the rules are counted, for the KPIs that the rules name.

    `names` are the CRM's own of what the settings name by id; `members` are names by CRM user.
    """
    kpis = frozenset(rule.kpi for rule in book.rules)
    crm = book.crm or CrmCounting()
    return [
        *_whose(t, kpis, crm),
        *_aliases(t, book, members),
        *_what(t, book, kpis, crm, names),
        *_grace(t, book),
        t("rules-doubt"),
        t("rules-unread"),
    ]


def _whose(t: Texts, kpis: frozenset[str], crm: CrmCounting) -> Iterator[str]:
    yield t("rules-whose")
    if "companies_added" in kpis:
        yield t(f"rules-companies-{crm.companies_credit}")
    if kpis & OF_CLOSED_DEALS:
        yield t(f"rules-deals-{crm.deals_credit}")


def _aliases(t: Texts, book: Rulebook, members: Mapping[str, str]) -> Iterator[str]:
    """Tell whose records count for another user."""
    for alias, user in sorted((book.aliases or {}).items()):
        yield t("rules-alias", alias=safe(alias), person=safe(members.get(user, user)))


def _what(t: Texts, book: Rulebook, kpis: frozenset[str], crm: CrmCounting, names: CrmNames) -> Iterator[str]:
    settings = book.kpis
    if kpis & {"calls_held", "talk_minutes"}:
        yield t("rules-calls", n=settings.min_call_seconds)
    if "missed_calls" in kpis:
        yield t("rules-missed-any") if settings.work_hours == ALL_DAY else t("rules-missed", hours=_hours(book))
    if "meetings_held" in kpis and crm.meeting_types:
        yield t("rules-meetings", types=_named(t, crm.meeting_types, names.meeting_types))
    if kpis & OF_CLOSED_DEALS:
        yield t("rules-once")
    if settings.excluded_pipelines and any(RecordKind.DEALS in CATALOGUE[key].needs for key in kpis):
        yield t("rules-excluded", pipelines=_named(t, sorted(settings.excluded_pipelines), names.pipelines))
    if "stale_deals" in kpis:
        yield t("rules-stale", n=settings.stale_days)
    if "deals_without_comment" in kpis:
        yield t("rules-comment", n=settings.comment_grace_hours)
    if "deals_missing_fields" in kpis:
        yield from (_fields(t, place, listed, names) for place, listed in sorted(crm.required_fields.items()) if listed)
    if "lost_without_reason" in kpis and crm.loss_reason_field:
        yield t("rules-loss-reason", field=_named(t, [crm.loss_reason_field], names.fields))


def _fields(t: Texts, place: str, listed: Iterable[str], names: CrmNames) -> str:
    """Name the required fields of all pipelines (`*`), of a pipeline, or of a pipeline from a stage on."""
    pipeline, _, stage = place.partition("/")
    fields = _named(t, listed, names.fields)
    if place == "*":
        return t("rules-fields", fields=fields)
    shown = _named(t, [pipeline], names.pipelines)
    if stage:
        return t("rules-fields-stage", pipeline=shown, stage=_named(t, [place], names.stages, stage), fields=fields)
    return t("rules-fields-pipeline", pipeline=shown, fields=fields)


def _grace(t: Texts, book: Rulebook) -> Iterator[str]:
    at_most = frozenset(rule.kpi for rule in book.rules if rule.bound is Bound.AT_MOST)
    young = [key for key in CATALOGUE if key in at_most and CATALOGUE[key].spares_young]
    if young and book.kpis.grace_minutes:
        kpis = t.listed(lines.kpi_name(t, key).lower() for key in young)
        yield t("rules-grace", n=book.kpis.grace_minutes, hours=_hours(book), kpis=kpis)
    if any(CATALOGUE[key].kind is KpiKind.STATE for key in at_most):
        yield t("rules-first-day")


def _hours(book: Rulebook) -> str:
    return book.kpis.work_hours.replace("-", "–")  # a span of time takes a dash


def _named(t: Texts, ids: Iterable[str], names: Mapping[str, str], otherwise: str = "") -> str:
    """Write ids by name: in quotation marks as the CRM tells, else as the settings spell the id."""
    return t.listed(t("quoted", text=safe(names[key])) if key in names else safe(otherwise or key) for key in ids)
