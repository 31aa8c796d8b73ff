"""Red is a deal without a task and yellow an overdue task, everywhere and only that (docs/product.md §1)."""

from pathlib import Path

import pytest

from bot.screens import lines

ROOT = Path(__file__).parents[3]
COLOURED = "🔴🟥🔺🔻❌❗⛔🛑🟠🟧🟡🟨🔶⭐"


def test_red_and_yellow_stand_only_beside_taskless_deals_and_overdue_tasks():
    found = [
        (path.name, line.strip())
        for folder in ("bot", "reports", "reglament")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".ftl"}
        for line in path.read_text(encoding="utf-8").splitlines()
        if set(line) & set(COLOURED)
    ]
    assert len(found) > 3
    words = ("TASK", "without a task", "без задачи")
    assert not [(name, line) for name, line in found if not any(word in line for word in words) and '"""' not in line]


@pytest.mark.parametrize(
    ("kpi", "sign"),
    [("deals_without_task", "🔴"), ("overdue_tasks", "🟡"), ("calls_held", "✖️"), ("deals_without_comment", "✖️")],
)
def test_a_broken_rule_has_the_sign_of_its_kpi(kpi: str, sign: str):
    assert lines.lamp(kpi) == sign
