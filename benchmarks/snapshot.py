"""Measure the memory of `snapshot --json` of a very large team: `python -m benchmarks.snapshot`.

    python -m benchmarks.snapshot                     1,000 managers, 200 deals and 160 counted things each
    python -m benchmarks.snapshot --people 100        a smaller team

The records come from a made-up CRM in the same process. The peak of each process is compared with the peak of the same
command for a team without anybody.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from crm_clients.base import CrmUser, ReadRequest
from crm_clients.demo import client as demo_client
from reglament import cli
from scoring.records import Completed, Deal, DealState, Fact, Money, Task

DEALS, COUNTED = 200, 80
"""Open deals of a manager, and how many of them have no task; as many tasks are overdue."""
BORN = datetime(2026, 9, 1, 9, tzinfo=UTC)
CONFIG = """
[database]
url = "sqlite:///memory.db"
[crm.main]
kind = "demo"
[teams.sales]
crm = "main"
members = { everyone = true }
rules = [{ kpi = "overdue_tasks", at_most = 0 }, { kpi = "deals_without_task", at_most = 0 }]
"""


class LargeClient(demo_client.DemoClient):
    """State the facts of a team of any size."""

    people = 1000

    async def users(self) -> list[CrmUser]:
        """List the managers."""
        return [CrmUser(str(user), f"Manager {user}") for user in range(1, self.people + 1)]

    async def read(self, request: ReadRequest) -> AsyncIterator[Fact]:
        """Yield the records, person after person."""
        for user in range(1, self.people + 1):
            for number in range(DEALS):
                key, at = f"{user}{number:05}", BORN + timedelta(minutes=7 * number)
                amount = Money(Decimal(number * 1000), "RUB")
                yield Deal(
                    f"9{key}", f"Поставка насосов, {key}", str(user), DealState.OPEN, at, stage_since=at, amount=amount,
                    has_task=number >= COUNTED,
                )  # fmt: skip
                if number < COUNTED:
                    yield Task(f"7{key}", f"Позвонить заказчику {key}", str(user), deadline=at, created_at=BORN)
        for kind in request.kinds:
            yield Completed(kind, request.window.cutoff)


def _snapshot(people: int) -> None:
    """Run the command in this process, with standard output in a file, and tell the peak on standard error."""
    LargeClient.people = people
    demo_client.DemoClient = LargeClient  # type: ignore[misc]
    sys.argv = ["reglament", "snapshot", "--team", "sales", "--at", "2026-11-19T18:00", "--json"]
    try:
        cli.main()
    finally:
        sys.stdout.flush()
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6, file=sys.stderr)


def _measured(folder: Path, people: int) -> tuple[float, int, int]:
    """Return peak, bytes of the document, and counted things."""
    document = folder / "snapshot.json"
    command = [sys.executable, "-m", "benchmarks.snapshot", "--people", str(people), "--in-this-process"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    with document.open("wb") as out:
        ended = subprocess.run(
            command, check=False, cwd=folder, stdout=out, stderr=subprocess.PIPE, text=True, env=environment
        )
    if ended.returncode:
        raise SystemExit(ended.stderr)
    kpis = [kpi for manager in json.loads(document.read_text())["managers"] for kpi in manager["kpis"].values()]
    counted = sum(len(kpi.get("items", ())) for kpi in kpis)
    return float(ended.stderr.split()[-1]), document.stat().st_size, counted


def main() -> None:
    """Print the peaks side by side."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--in-this-process", action="store_true")
    given = parser.parse_args()
    if given.in_this_process:
        _snapshot(given.people)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "config.toml").write_text(CONFIG)
        empty, _, _ = _measured(folder, 1)
        peak, size, counted = _measured(folder, given.people)
    print("| managers | counted things | document | peak | above a team of one |")
    print("| --- | --- | --- | --- | --- |")
    print(f"| {given.people} | {counted} | {size / 1e6:.0f} MB | {peak:.0f} MB | {peak - empty:.0f} MB |")


if __name__ == "__main__":
    main()
