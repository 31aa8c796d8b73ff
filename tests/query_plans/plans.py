"""Ask a database how it would run a statement, and find the plans that walk through years."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection

BIG = (
    "ledger_entries",
    "deliveries",
    "snapshots",
    "journal_events",
    "journal_rows",
    "audit_log",
    "closed_deals",
    "spared_records",
)
"""Tables of more than 5,000 rows."""
_SCAN = re.compile(rf"^SCAN (?:{'|'.join(BIG)})(?:_\d+)?\b")
_CHAIN = re.compile(r"^SEARCH (?:ledger_entries|journal_events)\S* USING .*\((?:team_id|chain)=\?\)$")
_CHAIN_CONDITION = re.compile(r"^\((?:\w+\.)?(?:team_id|chain) = [^()]*\)$")


def walks(connection: Connection, statement: str, values: Any) -> list[str]:
    """List the steps of a plan that read a whole table of years, or the whole chain of a team."""
    if connection.dialect.name == "sqlite":
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", tuple(values) or None)]
        is_short = _is_short(statement)
        return [step for step in plan if _SCAN.match(step) or (_CHAIN.match(step) and not is_short)]
    [plan] = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", values or None).scalar_one()
    return [*_walks(plan["Plan"], is_short=_is_short(statement))]


def _is_short(statement: str) -> bool:
    """Tell whether a statement takes a few rows from the end of a chain."""
    return " LIMIT " in statement.replace("\n", " ") or "max(" in statement


def _walks(node: Mapping[str, Any], *, is_short: bool) -> Iterator[str]:
    """Iterate over the steps of a plan of PostgreSQL that read too much."""
    table, condition = node.get("Relation Name", ""), node.get("Index Cond", "")
    if node["Node Type"].endswith("Seq Scan") and table in BIG:
        yield f"Seq Scan on {table} {node.get('Filter', '')}"
    is_chain = table in ("ledger_entries", "journal_events") and _CHAIN_CONDITION.match(condition)
    if is_chain and node["Node Type"].endswith("Scan") and not is_short:
        yield f"{node['Node Type']} of the whole chain {condition} on {table}"
    is_partial = node.get("Index Name") == "ix_deliveries_not_sent"
    if table in BIG and node["Node Type"].startswith("Index") and not (condition or is_short or is_partial):
        yield f"{node['Node Type']} of all of {table}"
    for child in node.get("Plans", ()):
        yield from _walks(child, is_short=is_short)
