"""Print appeals, and what acts on appeals changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from reglament.appeals.acts import AppealAct
from reglament.commands.output import Json
from scoring.appeals.proofs import Proof, Verdict
from storage.values import Appeal, AppealState, Recheck

Counts = Mapping[tuple[str, str], Counter[AppealState]]
"""Number of appeals by state, by team and rule."""


def to_json(appeal: Appeal) -> Json:
    """Build the document of an appeal for `appeal list --json`."""
    return {
        "id": appeal.id,
        "team": appeal.team,
        "crm_user": appeal.crm_user,
        "name": appeal.name,
        "day": appeal.day.isoformat(),
        "rule": appeal.rule,
        "cause": appeal.cause.value,
        "text": appeal.text,
        "state": appeal.state.value,
        "author": appeal.author,
        "filed_at": appeal.filed_at.isoformat(),
        "recheck": None if appeal.recheck is None else _recheck_to_json(appeal.recheck),
        "decided_by": appeal.decided_by,
        "decided_at": None if appeal.decided_at is None else appeal.decided_at.isoformat(),
        "decision": appeal.decision,
    }


def _recheck_to_json(recheck: Recheck) -> Json:
    return {
        "at": recheck.at.isoformat(),
        "value": None if recheck.value is None else str(recheck.value),
        "additions": list(recheck.additions),
        "problem": recheck.problem,
        "items": [_proof_to_json(proof) for proof in recheck.proofs],
    }


def _proof_to_json(proof: Proof) -> Json:
    return {
        "id": proof.key,
        "verdict": proof.verdict.value,
        "reason": None if proof.reason is None else proof.reason.value,
        "at": None if proof.at is None else proof.at.isoformat(),
        "field": proof.field,
    }


def print_list(console: Console, found: Sequence[Appeal]) -> None:
    """Print appeals as a table, or that there are none."""
    if not found:
        console.print("No appeals.", highlight=False)
        return
    table = Table()
    for title in ("No.", "Team", "Name", "Day", "Rule", "Cause", "Re-check", "State", "Decided by"):
        table.add_column(title)
    for each in found:
        table.add_row(
            str(each.id), each.team, each.name, each.day.isoformat(), each.rule, each.cause.value,
            recheck_text(each.recheck), each.state.value, each.decided_by or "",
        )  # fmt: skip
    console.print(table, markup=False)


def recheck_text(recheck: Recheck | None) -> str:
    """Sum up a re-check: how many records are in order, not in order, not told."""
    if recheck is None:
        return "not yet"
    if recheck.problem:
        return recheck.problem
    if recheck.proofs:
        in_order, broken, untold = (recheck.count(verdict) for verdict in Verdict)
        return f"{in_order} in order, {broken} not in order, {untold} not told"
    if recheck.value is None:
        return "the CRM does not tell"
    return f"counted again: {recheck.value}, {len(recheck.additions)} added"


def print_act(console: Console, act: AppealAct) -> None:
    """Print an appeal, the re-check, and what the ledger gained."""
    appeal = act.appeal
    known = "already " if act.is_known else ""
    who = f"{appeal.name}, {appeal.day}, {appeal.rule}"
    by = appeal.decided_by or appeal.author
    console.print(f"appeal {appeal.id}: {who}; {known}{appeal.state} by {by}", highlight=False, markup=False)
    console.print(f"  re-check: {recheck_text(appeal.recheck)}", highlight=False, markup=False)
    for proof in appeal.recheck.proofs if appeal.recheck else ():
        console.print(f"    {_proof_text(proof)}", highlight=False, markup=False)
    if act.entries:
        points = sum(entry.points for entry in act.entries)
        booked = act.entries[0].booked_in
        console.print(f"  points change by {points:+d}, booked in {booked}", highlight=False, markup=False)


def _proof_text(proof: Proof) -> str:
    verdict = proof.verdict.value.replace("_", " ")
    if proof.reason is None:
        return f"{proof.key}: {verdict}"
    at = "" if proof.at is None else f", {proof.at:%Y-%m-%d %H:%M} UTC"
    return f"{proof.key}: {verdict} ({proof.reason}{at}{f', {proof.field}' if proof.field else ''})"


def print_stats(console: Console, counts: Counts) -> None:
    """Print the number of appeals by rule and outcome."""
    if not counts:
        console.print("No appeals.", highlight=False)
        return
    table = Table()
    for title in ("Team", "Rule", "All", *(state.value for state in AppealState)):
        table.add_column(title)
    for (team, rule), states in counts.items():
        table.add_row(team, rule, str(states.total()), *(str(states[state]) for state in AppealState))
    console.print(table, markup=False)


def stats_to_json(counts: Counts) -> list[Json]:
    """Build the document for `appeal stats --json`."""
    return [
        {"team": team, "rule": rule, **{state.value: states[state] for state in AppealState}}
        for (team, rule), states in counts.items()
    ]
