"""Say why something failed and what to do next, in the reader's language; the operator's line stands folded below."""

from __future__ import annotations

from bot.texts import Texts, safe, shortened

LONGEST = 300
"""Characters of the operator's line."""


def why(t: Texts, cause: str) -> str:
    """Write the cause and the next step; for a cause of an earlier version, where the cause is found."""
    return t(f"problem-{cause}") if t.has(f"problem-{cause}") else t("problem-unknown")


def for_operator(t: Texts, problem: str) -> list[str]:
    """Write the line of the log in a quotation that unfolds with a tap; nothing without a line."""
    if not problem:
        return []
    told = f"{t('problem-details')}:\n<code>{safe(shortened(problem, LONGEST))}</code>"
    return [f"<blockquote expandable>{told}</blockquote>"]


def loop_name(t: Texts, name: str) -> str:
    """Write which part of the service a loop is."""
    return t(f"loop-{name}") if t.has(f"loop-{name}") else safe(name)
