"""`reglament absence` as an operator types it, on the made-up company."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from reglament import cli
from reglament.commands.absence.days import parse_days, parse_kind
from reglament.commands.absence.file import read_lines
from reglament.commands.absence.person import find_person
from reglament.errors import SettingsError
from storage.values import AbsenceKind, Member
from tests.reglament.commands.test_commands import config, run, scored

__all__ = ["config"]

ANNA, PETR, NAMESAKE = (
    Member(1, "main", "11", "Анна Примерова"),
    Member(2, "main", "12", "Пётр Образцов"),
    Member(3, "second", "11", "Анна Примерова"),
)


def _points(day: str) -> dict[str, int]:
    rows = json.loads(run("board", "--team", "sales", "--period", "day", "--day", day, "--json"))["rows"]
    return {row["crm_user"]: row["points"] for row in rows}


def test_an_absence_takes_the_points_of_a_scored_day_and_gives_them_back(config):
    before = {each["crm_user"]: each["points"] for each in scored()["managers"]}
    author = ("--author", "Ольга Главная")
    added = run("absence", "add", "вера", "2026-11-19", "--kind", "больничный", *author)
    assert "absence 1: Вера Тестова (main:13), 2026-11-19, sick; approved by Ольга Главная" in added
    assert f"5 rules excused, points change by {-before['13']:+d}" in added
    assert _points("2026-11-19") == before | {"13": 0}
    assert "already approved" in run("absence", "add", "13", "2026-11-19", "--kind", "sick", *author)
    [listed] = json.loads(run("absence", "list", "--person", "13", "--days", "2026-11-01..2026-11-30", "--json"))
    assert (listed["state"], listed["kind"], listed["author"]) == ("approved", "sick", "Ольга Главная")
    assert "5 rules judged again" in run("absence", "cancel", "1", *author)
    assert _points("2026-11-19") == before
    assert "cancelled" in run("absence", "list")
    half = run("absence", "add", "13", "2026-11-19", "--kind", "trip", "--half", "pm", *author)
    assert "Вера Тестова (main:13), 2026-11-19 pm, trip; approved" in half
    assert "rules judged again" in half or "rules excused" in half
    [*_, listed] = json.loads(run("absence", "list", "--json"))
    assert listed["half"] == "pm"
    run("verify")


def test_a_file_is_recorded_whole_or_not_at_all(config, tmp_path):
    scored()
    file = tmp_path / "absences.csv"
    good = "Сотрудник;с;по;вид;половина\nвера;19.11.2026;;отпуск;\n12;2026-12-01;2026-12-05;trip\n"
    file.write_bytes(
        (good + "12;2026-12-05;;sick\nникто;2026-12-01;;sick\n11;2026-12-01;;sick;noon\n").encode("cp1251")
    )
    refused = CliRunner().invoke(cli.app, ["absence", "import", str(file), "--author", "HR"])
    assert refused.exit_code == 1
    for text in ("line 4", "by line 3 already", "nobody of the CRM", "no half of a day", "3 of 5 lines cannot be"):
        assert text in refused.stdout
    file.write_text(good, encoding="utf-8-sig")
    dry = run("absence", "import", str(file), "--author", "HR", "--dry-run")
    assert "5 rules excused" in dry
    assert "2 absences would be" in dry
    assert "No absences." in run("absence", "list")
    assert "2 absences recorded" in run("absence", "import", str(file), "--author", "HR")
    assert "0 absences recorded" in run("absence", "import", str(file), "--author", "HR")
    assert len(json.loads(run("absence", "list", "--json"))) == 2


def test_a_person_is_found_by_id_or_name():
    everybody = [ANNA, PETR, NAMESAKE]
    assert find_person(everybody, "12") == PETR
    assert find_person(everybody, "second:11") == NAMESAKE
    assert find_person(everybody, "образцов петр") == PETR
    for written, text in [
        ("анна", "Анна Примерова .main:11., Анна Примерова .second:11.: write the id"),
        ("11", "write the id"),
        ("об", "nobody"),
        ("", "nobody"),
    ]:
        with pytest.raises(SettingsError, match=text):
            find_person(everybody, written)


@pytest.mark.parametrize("text", ["2026-02-30", "1.12", "2026-12-01..", "3026-12-01", "tomorrow", ""])
def test_days_that_are_none_are_named(text):
    with pytest.raises(SettingsError, match="is no day"):
        parse_days(text)


def test_kinds_are_understood_in_both_languages():
    assert parse_kind("Sick leave") is parse_kind("SICK") is parse_kind("больничный") is AbsenceKind.SICK
    with pytest.raises(SettingsError, match="vacation, sick, trip, day_off, other"):
        parse_kind("flu")


def test_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(SettingsError, match="No such file"):
        read_lines(tmp_path / "none.csv")
    for content, text in [
        (b"", "no line with an absence"),
        (b"person;first;last;kind;half\n", "no line"),
        (b"\x98\xff\n", "neither"),
        (b"1;2026-12-01;;sick\n" * 5001, "5001 lines"),
    ]:
        file = tmp_path / "absences.csv"
        file.write_bytes(content)
        with pytest.raises(SettingsError, match=text):
            read_lines(file)
