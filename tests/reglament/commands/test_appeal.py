"""`reglament appeal` as an operator types it, on the made-up company, which remembers everything."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from reglament import cli
from reglament.commands.appeal.work import parse_cause, parse_outcome
from reglament.errors import SettingsError
from storage.errors import Refused
from tests.reglament.commands.test_commands import config, run, scored

__all__ = ["config"]

DAY = "2026-11-19"
HEAD = ("--author", "Ольга Главная")


@pytest.fixture
def the_day_after(config, monkeypatch):
    """The morning after a scored day."""
    broken = [
        (manager["crm_user"], manager["name"], rule["rule"], rule["points"])
        for manager in scored(DAY)["managers"]
        for rule in manager["lines"]
        if rule["outcome"] == "broken"
    ]
    monkeypatch.setattr("reglament.process.clock_now", lambda: datetime(2026, 11, 20, 9, tzinfo=UTC))
    return broken


def _points(crm_user: str) -> int:
    rows = json.loads(run("board", "--team", "sales", "--period", "day", "--day", DAY, "--json"))["rows"]
    return next(row["points"] for row in rows if row["crm_user"] == crm_user)


def _refused(*arguments: str) -> str:
    with pytest.raises((Refused, SettingsError)) as refused:
        CliRunner().invoke(cli.app, ["appeal", *arguments], catch_exceptions=False)
    return str(refused.value)


def test_an_appeal_that_the_crm_does_not_prove_waits_for_a_decision(the_day_after):
    (user, name, rule, points), (other, _, rule_2, points_2) = the_day_after[0], the_day_after[-1]
    before = _points(user)
    filed = run("appeal", "file", user, DAY, rule, "--cause", "done_before", "--text", "было", *HEAD)
    assert f"appeal 1: {name}, {DAY}, {rule}; filed" in filed
    assert "not in order" in filed or "counted again" in filed
    assert "already filed" in run("appeal", "file", user, DAY, rule, "--cause", "other", *HEAD)
    [listed] = json.loads(run("appeal", "list", "--open", "--json"))
    assert (listed["state"], listed["text"], listed["recheck"]["problem"]) == ("filed", "было", "")
    assert "nobody decides about an own" in _refused("decide", "1", "kept", "--author", name.upper())
    assert f"points change by {1 - points:+d}" in run("appeal", "decide", "1", "kept", "--reason", "верю", *HEAD)
    assert _points(user) == before + 1 - points
    assert "decided already: kept" in _refused("decide", "1", "refused", *HEAD)
    run("appeal", "file", other, DAY, rule_2, "--cause", "client", "--author", "Кто-то")
    assert "only who filed" in _refused("withdraw", "2", *HEAD)
    assert "withdrawn by кто-то" in run("appeal", "withdraw", "2", "--author", "кто-то")
    run("appeal", "file", other, DAY, rule_2, "--cause", "client", "--author", "Кто-то")
    assert f"points change by {-points_2:+d}" in run("appeal", "decide", "3", "excused", *HEAD)
    stats = {(each["team"], each["rule"]): each for each in json.loads(run("appeal", "stats", "--json"))}
    assert stats["sales", rule]["kept"] == 1
    assert stats["sales", rule_2]["excused"] == stats["sales", rule_2]["withdrawn"] == 1
    assert rule in run("appeal", "stats")
    run("verify")


def test_what_cannot_be_appealed_is_said(the_day_after, monkeypatch):
    user, _, rule, _ = the_day_after[0]
    why = ("--cause", "other", *HEAD)
    assert "was not scored" in _refused("file", user, "2026-11-18", rule, *why)
    assert "no such rule took points" in _refused("file", user, DAY, "gone_rule", *why)
    assert "at most 1000 characters" in _refused("file", user, DAY, rule, "--text", "я" * 5000, *why)
    assert "nobody of the CRM" in _refused("file", "никто такой", DAY, rule, *why)
    assert "needs an author" in _refused("file", user, DAY, rule, "--cause", "other", "--author", " ")
    monkeypatch.setattr("reglament.process.clock_now", lambda: datetime(2026, 11, 25, 1, tzinfo=UTC))
    assert "could be filed until 2026-11-24" in _refused("file", user, DAY, rule, *why)
    assert "No appeals." in run("appeal", "list")
    assert "No appeals." in run("appeal", "stats")


def test_words_of_an_appeal_are_read():
    assert parse_cause("Done-Before") == "done_before"
    assert parse_outcome(" KEPT ") == "kept"
    with pytest.raises(SettingsError, match="wrong_data, done_before"):
        parse_cause("mood")
    with pytest.raises(SettingsError, match="kept, excused, refused"):
        parse_outcome("filed")
