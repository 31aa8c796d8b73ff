"""The commands as an operator types them, on the made-up company."""

from __future__ import annotations

import io
import json

import openpyxl
import pytest
from typer.testing import CliRunner

from reglament import cli
from reglament.errors import SettingsError
from storage.db.schema import head_revision


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REGLAMENT_CONFIG", raising=False)
    file = tmp_path / "config.toml"
    file.write_text(
        """
company = "Пример"
[database]
url = "sqlite:///r.db"
[crm.main]
kind = "demo"
[teams.sales]
title = "Отдел продаж"
crm = "main"
members = { everyone = true }
[teams.sales.money]
""",
        encoding="utf-8",
    )
    return file


def run(*arguments: str) -> str:
    result = CliRunner().invoke(cli.app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def scored(day: str = "2026-11-19") -> dict:
    return json.loads(run("score", "--team", "sales", "--at", f"{day}T18:01", "--json"))


def test_a_snapshot_has_kpis_with_evidence_and_writes_no_points(config):
    data = json.loads(run("snapshot", "--team", "sales", "--at", "2026-11-19T17:00", "--json"))
    start, end = data["window"]
    assert start == "2026-11-18T15:00:00+00:00"
    assert end.startswith("2026-11-19T14:00:0")
    assert len(data["managers"]) == 7
    kpis = [manager["kpis"] for manager in data["managers"]]
    assert all(len(each["overdue_tasks"].get("items", [])) == each["overdue_tasks"]["value"] for each in kpis)
    assert json.loads(run("board", "--team", "sales", "--json"))["rows"] == []


def test_an_instant_later_than_the_clock_is_refused_and_nothing_is_written(config):
    for command in ("score", "snapshot"):
        with pytest.raises(SettingsError, match="later than this machine's clock"):
            run(command, "--team", "sales", "--at", "2098-11-19T18:01")
    assert json.loads(run("board", "--team", "sales", "--json"))["rows"] == []


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "1999-12-31"])
def test_a_day_that_is_not_of_our_time_is_wrong_usage(config, day):
    for option in (["--day", day], ["--at", f"{day}T18:01"]):
        result = CliRunner().invoke(cli.app, ["score", "--team", "sales", *option])
        assert result.exit_code == 2
        assert "Traceback" not in result.output


def test_a_dry_run_scores_alike_and_writes_nothing(config):
    options = ("--team", "sales", "--at", "2026-11-19T18:01")
    dry = json.loads(run("score", *options, "--dry-run", "--json"))
    assert run("verify").startswith("sales: the settings have this team, the database does not")
    real = scored()
    assert [manager["points"] for manager in dry["managers"]] == [manager["points"] for manager in real["managers"]]
    assert dry["digest"] == ""
    assert "35 entries" in run("verify")


def test_a_finished_day_says_that_other_rules_or_another_instant_change_nothing(config):
    first = scored()
    config.write_text(
        config.read_text(encoding="utf-8") + '[[teams.sales.rules]]\nkpi = "calls_held"\nat_least = 1\n',
        encoding="utf-8",
    )
    result = CliRunner().invoke(cli.app, ["score", "--team", "sales", "--at", "2026-11-19T19:30", "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout) == first
    assert "by other rules and another instant" in result.stderr
    assert "stored result" in result.stderr


def test_scoring_a_day_twice_changes_nothing_and_verify_proves_it(config):
    first, again = scored(), scored()
    assert first == again
    assert first["scored"]
    assert first["rehearsed"]
    assert all(manager["points"] == sum(line["points"] for line in manager["lines"]) for manager in first["managers"])
    told = run("verify")
    assert "35 entries, 1 days counted again: as they were written" in told
    assert "rehearsed" in told
    assert first["digest"] in run("verify", "--digest", first["digest"])


def test_before_the_cutoff_nothing_is_scored(config):
    with pytest.raises(SettingsError, match="the cutoff is at 18:00; `snapshot` shows how it stands"):
        run("score", "--team", "sales", "--at", "2026-11-19T17:50")


def test_a_day_off_is_not_scored_and_that_is_no_error(config):
    assert json.loads(run("score", "--team", "sales", "--at", "2026-11-21T19:00", "--json")) == {
        "team": "sales",
        "day": "2026-11-21",
        "scored": False,
    }


def test_the_board_ranks_the_month_with_shared_places(config):
    scored("2026-11-18")
    scored("2026-11-19")
    board = json.loads(run("board", "--team", "sales", "--period", "month", "--json"))
    points = [row["points"] for row in board["rows"]]
    assert points == sorted(points, reverse=True)
    assert board["rows"][0]["place"] == 1
    assert {row["scored_days"] for row in board["rows"]} == {2}


def test_the_workbook_and_its_twin_are_written(config, tmp_path):
    day = scored()
    out = tmp_path / "out.xlsx"
    run("export", "--team", "sales", "--period", "2026-11", "-o", str(out))
    book = openpyxl.load_workbook(io.BytesIO(out.read_bytes()), data_only=True)
    totals = list(book["Итоги"].iter_rows(min_row=2, values_only=True))
    by_user = {row[1]: row[11] for row in totals if row[1]}
    assert by_user == {manager["crm_user"]: manager["points"] for manager in day["managers"]}
    run("export", "--team", "sales", "--period", "2026-11", "--format", "csv", "-o", str(tmp_path / "out.csv"))
    assert len((tmp_path / "out.csv").read_text(encoding="utf-8-sig").splitlines()) == 8


def test_people_migrate_and_an_unknown_team_answer_in_words(config):
    scored()
    people = json.loads(run("people", "--json"))
    assert {row["team"] for row in people if row["active"]} >= {"sales"}
    assert head_revision() in run("migrate")
    with pytest.raises(SettingsError, match="no such team; known: sales"):
        run("board", "--team", "nobody")


def test_the_demo_lives_the_same_month_every_time(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = run("demo", "--days", "4", "--dir", "out")
    assert run("demo", "--days", "4", "--dir", "out") == first
    assert "Журнал проверен" in first
    assert (tmp_path / "out/leaderboard.png").read_bytes()[:4] == b"\x89PNG"
    assert openpyxl.load_workbook(tmp_path / "out/reglament-2026-11.xlsx").sheetnames
