"""The made-up company's month: what it prints is what the README shows, to the letter."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

from openpyxl import load_workbook
from rich.console import Console

from reglament.commands.demo.month import demo

README = Path(__file__).parents[3] / "README.md"


async def test_the_readme_shows_what_the_demo_prints(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = StringIO()
    await demo(Console(file=said, width=200), days=30, until=None, directory=Path("demo-out"), language="ru")
    printed = re.sub("─{5,}", "─" * 8, said.getvalue()).strip()
    readme = README.read_text(encoding="utf-8")
    assert readme.split("```\n")[3].strip().split("\n") == [line.rstrip() for line in printed.split("\n")]
    check_files(tmp_path / "demo-out")


def check_files(folder: Path) -> None:
    assert (folder / "leaderboard.png").read_bytes().startswith(b"\x89PNG")
    assert len(load_workbook(folder / "reglament-2026-11.xlsx").sheetnames) == 8
