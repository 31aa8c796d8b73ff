"""config.toml and the environment: what is right loads, what is wrong stops the start with one line."""

from __future__ import annotations

import copy
import shutil
import tomllib
from datetime import date, time
from decimal import Decimal
from pathlib import Path

import pytest

from reglament.config import logs, settings
from reglament.config.sources import open_to_others
from reglament.errors import SettingsError
from scoring.rules import Bound

EXAMPLE = Path(__file__).parents[3] / "config.example.toml"


@pytest.fixture
def tables():
    return copy.deepcopy(tomllib.loads(EXAMPLE.read_text(encoding="utf-8")))


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    monkeypatch.delenv("REGLAMENT_CONFIG", raising=False)


def problem(tables) -> str:
    with pytest.raises(SettingsError) as caught:
        settings.build(tables, source="config.toml")
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_the_example_loads_as_it_stands():
    loaded = settings.load(EXAMPLE)
    team = loaded.teams["sales"]
    assert team.cutoff == time(18)
    assert [rule.kpi for rule in team.rulebook().rules] == [
        "companies_added",
        "meetings_held",
        "calls_held",
        "overdue_tasks",
        "deals_without_task",
    ]
    assert team.money.terms().cap == Decimal(10000)


def _set(tables, path, value):
    *parents, last = path
    table = tables
    for key in parents:
        table = table[key]
    table[last] = value


TEAM = ("teams", "sales")


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ((*TEAM, "cutoff"), "25:00", ['teams.sales.cutoff = "25:00"', 'like "18:00"']),
        ((*TEAM, "work_hours"), "09:00", ['teams.sales.work_hours = "09:00"', 'like "09:00-18:00"']),
        ((*TEAM, "work_hours"), 9, ["teams.sales.work_hours = 9", 'like "09:00-18:00"']),
        ((*TEAM, "work_hours"), "09:00-24:30", ["teams.sales.work_hours", "end after they begin"]),
        ((*TEAM, "work_hours"), "18:00-09:00", ["teams.sales.work_hours", "end after they begin"]),
        ((*TEAM, "kpis", "grace_minutes"), -5, ["teams.sales.kpis.grace_minutes = -5", "greater than or equal to 0"]),
        ((*TEAM, "timezone"), "Mars/Base", ['teams.sales.timezone = "Mars/Base"', "Europe/Moscow"]),
        ((*TEAM, "holidays"), "ZZ", ['teams.sales.holidays = "ZZ"', '"RU"']),
        ((*TEAM, "weekdays"), ["mon", "xyz"], ["teams.sales.weekdays.1", '"xyz"', "'tue'"]),
        ((*TEAM, "crm"), "other", ["teams.sales.crm = 'other'", "main"]),
        ((*TEAM, "members"), {}, ["teams.sales.members", "everyone"]),
        ((*TEAM, "members"), {"users": ["7", "7"]}, ["teams.sales.members", "twice"]),
        ((*TEAM, "members"), {"users": ["7"], "everyone": True}, ["teams.sales.members"]),
        ((*TEAM, "board"), "all", ["teams.sales.board", "'top'"]),
        ((*TEAM, "pictures"), "grey", ["teams.sales.pictures", "'light'", "'dark'"]),
        ((*TEAM, "color"), "red", ["teams.sales.color", "no such setting"]),
        ((*TEAM, "days_off"), ["tomorrow"], ["teams.sales.days_off.0", "2026-04-30"]),
        ((*TEAM, "heads"), ["boss"], ["teams.sales.heads.0", '"boss"', "integer"]),
        ((*TEAM, "heads"), [-1001], ["teams.sales.heads.0 = -1001", "group", "positive"]),
        ((*TEAM, "hr"), [0], ["teams.sales.hr.0 = 0", "group"]),
        (("telegram", "admins"), [-5], ["telegram.admins.0 = -5", "group"]),
        (("telegram", "webhook_url"), "http://bot.example/hush", ["telegram.webhook_url", "https://"]),
        (("telegram", "webhook_secret"), "hush", ["telegram.webhook_secret", "32 to 256 of A-Z"]),
        (("telegram", "webhook_secret"), "hush" * 10 + "ы", ["telegram.webhook_secret", "32 to 256 of A-Z"]),
        (("crm", "main"), {"kind": "bitrix24", "webhook_url": "http://crm.example/rest/1/hush/"}, ["https://"]),
        (("telegramm",), {"token": "hush"}, ["telegramm: no such setting"]),
        (("tokken",), "hush", ["tokken: no such setting"]),
        (("telegram", "tokn"), "hush", ["telegram.tokn: no such setting"]),
        (("crm", "main", "webhook"), "https://crm.example/rest/1/hush/", ["crm.main.webhook: no such setting"]),
        (("telegram",), "123:hush", ["telegram: "]),
        (("telegram", "token_file"), "123:hush", ["telegram: token_file", "cannot be read"]),
        ((*TEAM, "kpis", "observe"), ["smiles"], ["teams.sales.kpis.observe", "'smiles'", "calls_held"]),
        ((*TEAM, "rules", 0, "kpi"), "smiles", ["teams.sales.rules.0.kpi", "smiles", "calls_held"]),
        ((*TEAM, "rules", 0, "at_most"), 3, ["teams.sales.rules.0", "exactly one bound"]),
        ((*TEAM, "rules", 0), {"kpi": "calls_held"}, ["teams.sales.rules.0", "at_least or at_most"]),
        ((*TEAM, "rules", 0, "penalty"), -2, ["teams.sales.rules.0.penalty = -2", "greater than or equal to 0"]),
        ((*TEAM, "rules", 0, "reward"), 1.5, ["teams.sales.rules.0.reward = 1.5", "integer"]),
        ((*TEAM, "rules", 1, "kpi"), "companies_added", ["teams.sales", "two rules have the id 'companies_added'"]),
        ((*TEAM, "rules", 0, "per_deals"), 50, ["per_deals goes with at_most"]),
        ((*TEAM, "rules", 0, "currency"), "RUB", ["currency belongs to a money KPI"]),
        ((*TEAM, "rules", 0), {"kpi": "deals_open", "at_least": 5}, ["teams.sales.rules.0", "deals_open", "at_most"]),
        ((*TEAM, "title"), "О" * 121, ["teams.sales.title", "at most 120"]),
        (("company",), "О" * 121, ["company", "at most 120"]),
        ((*TEAM, "money", "per_point"), 0.001, ["teams.sales.money.per_point = 0.001", "2 decimal places"]),
        ((*TEAM, "money"), {"currency": "JPY", "per_point": 0.5}, ["teams.sales.money.per_point", "JPY", "0 decimal"]),
        ((*TEAM, "money"), {"currency": "KWD", "cap": 1.0005}, ["teams.sales.money.cap", "KWD", "3 decimal places"]),
        ((*TEAM, "money", "cap"), -1, ["teams.sales.money", "below floor"]),
        (("crm", "main", "kind"), "paper", ["crm.main.kind = 'paper'", "odoo"]),
        (("crm", "main", "speed"), 5, ["crm.main.speed", "no such setting"]),
        (("catch_up_days",), "many", ['catch_up_days = "many"', "integer"]),
        (("language",), "de", ["language", "'ru' or 'en'"]),
        (("telegram", "mode"), "webhook", ["telegram", "webhook_secret"]),
        (("telegram", "token_file"), "/no/such/file", ["telegram", "token_file", "cannot be read"]),
        (("database", "url"), "mysql://root:hush@host/db", ["database.url", "sqlite:///"]),
    ],
)
def test_a_bad_setting_is_one_line_with_key_value_and_what_is_allowed(tables, path, value, words):
    _set(tables, path, value)
    text = problem(tables)
    for word in words:
        assert word in text
    assert "hush" not in text


@pytest.mark.parametrize("key", ["Sales", "2nd", "a__b", "a" * 25, "отдел"])
def test_a_teams_key_is_an_identity(tables, key):
    tables["teams"][key] = tables["teams"]["sales"]
    assert repr(key) in problem(tables)


def test_a_user_listed_in_two_teams_is_an_error(tables):
    tables["teams"]["sales"]["members"] = {"users": ["7", "12"]}
    tables["teams"]["second"] = tables["teams"]["sales"] | {"members": {"users": ["12"]}}
    text = problem(tables)
    assert "user 12" in text
    assert "teams.sales" in text


def test_a_day_cannot_be_off_and_extra(tables):
    tables["teams"]["sales"] |= {"days_off": ["2026-11-07"], "extra_workdays": ["2026-11-07"]}
    assert "2026-11-07 is in days_off and in extra_workdays" in problem(tables)


def test_ids_may_be_written_as_numbers(tables):
    tables["teams"]["sales"]["members"] = {"users": [7, 12]}
    assert settings.build(tables).teams["sales"].members.users == ["7", "12"]


@pytest.mark.parametrize(("written", "meant"), [("top3", "top"), ("top", "top"), ("full", "full"), ("off", "off")])
def test_the_board_may_be_written_as_in_the_first_version(tables, written, meant):
    tables["teams"]["sales"]["board"] = written
    assert settings.build(tables).teams["sales"].board == meant


def test_two_rules_on_one_kpi_with_ids_are_fine(tables):
    tables["teams"]["sales"]["rules"] = [
        {"id": "some", "kpi": "calls_held", "at_least": 5},
        {"id": "many", "kpi": "calls_held", "at_least": 30, "reward": 2, "penalty": 0},
    ]
    rules = settings.build(tables).teams["sales"].rulebook().rules
    assert [(rule.id, rule.bound, rule.limit) for rule in rules] == [
        ("some", Bound.AT_LEAST, 5),
        ("many", Bound.AT_LEAST, 30),
    ]


def test_a_money_rule_compares_the_teams_currency_unless_it_names_its_own(tables):
    tables["teams"]["sales"]["money"]["currency"] = "KZT"
    tables["teams"]["sales"]["rules"] = [
        {"kpi": "won_amount", "at_least": 1000.50},
        {"id": "export", "kpi": "won_amount", "at_least": 10, "currency": "EUR"},
    ]
    rules = settings.build(tables).teams["sales"].rulebook().rules
    assert [(rule.currency, rule.limit) for rule in rules] == [("KZT", Decimal("1000.50")), ("EUR", Decimal(10))]


@pytest.mark.parametrize(
    ("written", "meant"),
    [("9:00 - 18:30", "09:00-18:30"), ("00:00-24:00", "00:00-24:00"), ("9:05–10:00", "09:05-10:00")],
)
def test_working_hours_and_grace_are_part_of_the_rulebook(tables, written, meant):
    tables["teams"]["sales"]["work_hours"] = written
    tables["teams"]["sales"]["kpis"]["grace_minutes"] = 15
    kpis = settings.build(tables).teams["sales"].rulebook().kpis
    assert (kpis.work_hours, kpis.grace_minutes) == (meant, 15)


def test_a_rulebooks_version_does_not_depend_on_how_numbers_are_written(tables):
    before = settings.build(tables).teams["sales"].rulebook().version
    tables["teams"]["sales"]["rules"][2]["at_least"] = 10.0
    assert settings.build(tables).teams["sales"].rulebook().version == before
    tables["teams"]["sales"]["rules"][2]["at_least"] = 11
    assert settings.build(tables).teams["sales"].rulebook().version != before


def test_the_environment_wins_over_the_file(monkeypatch):
    monkeypatch.setenv("REGLAMENT_TEAMS__SALES__CUTOFF", "17:30")
    monkeypatch.setenv("REGLAMENT_TEAMS__SALES__WEEKDAYS", '["mon", "sat"]')
    monkeypatch.setenv("REGLAMENT_TELEGRAM__TOKEN", "1:from-environment")
    monkeypatch.setenv("REGLAMENT_TEAMS__SALES__SHORT_DAYS", '{"2026-12-30": "15:00"}')
    loaded = settings.load(EXAMPLE)
    team = loaded.teams["sales"]
    assert (team.cutoff, team.weekdays) == (time(17, 30), ["mon", "sat"])
    assert team.short_days == {date(2026, 12, 30): time(15)}
    assert loaded.telegram.token.get_secret_value() == "1:from-environment"


def test_a_wrong_value_in_the_environment_is_named_too(monkeypatch):
    monkeypatch.setenv("REGLAMENT_TEAMS__SALES__CUTOFF", "late")
    with pytest.raises(SettingsError, match=r"teams\.sales\.cutoff"):
        settings.load(EXAMPLE)


def test_every_secret_may_come_from_a_file(tables, tmp_path):
    secret = tmp_path / "token"
    secret.write_text("123:abc\n")
    tables["telegram"].pop("token")
    tables["telegram"]["token_file"] = str(secret)
    assert settings.build(tables).telegram.token.get_secret_value() == "123:abc"


def test_the_secret_key_may_come_from_a_file(tables, tmp_path, monkeypatch):
    secret = tmp_path / "key"
    secret.write_text("from-the-file\n")
    del tables["secret_key"]
    assert settings.build(tables | {"secret_key_file": str(secret)}).secret_key.get_secret_value() == "from-the-file"
    monkeypatch.setenv("REGLAMENT_SECRET_KEY_FILE", str(secret))
    assert settings.build(tables).secret_key.get_secret_value() == "from-the-file"


def test_a_refused_secret_comes_with_a_random_proposal_that_is_taken(tables):
    tables["telegram"]["webhook_secret"] = "short"
    first, second = (problem(tables).rpartition(" ")[2] for _ in range(2))
    assert first != second
    tables["telegram"]["webhook_secret"] = first
    assert settings.build(tables).telegram.webhook_secret.get_secret_value() == first


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/t", "http://localhost/t", "https://bot.example", ""])
def test_an_address_that_keeps_secrets_is_taken(tables, url):
    tables["telegram"]["webhook_url"] = url
    assert settings.build(tables).telegram.webhook_url == url


def test_the_files_of_settings_are_known_with_those_of_the_environment(tables, tmp_path, monkeypatch):
    file, token, key = tmp_path / "config.toml", tmp_path / "token", tmp_path / "key"
    for secret in (token, key):
        secret.write_text("123:abc")
    file.write_text(f'[telegram]\ntoken_file = "{token}"\n', encoding="utf-8")
    monkeypatch.setenv("REGLAMENT_SECRET_KEY_FILE", str(key))
    assert settings.load(file).sources == (file, token, key)
    token.chmod(0o600)
    key.chmod(0o640)
    file.chmod(0o604)
    assert open_to_others(settings.load(file).sources) == [file, key]


def test_no_error_shows_a_secret(tables):
    tables["telegram"]["token"] = ["very-secret-token"]
    assert "very-secret" not in problem(tables)


def test_every_secret_is_known_to_the_log(tables):
    tables["telegram"]["token"] = "123:token"
    tables["secret_key"] = "the-key"
    tables["database"]["url"] = "postgresql://me:hush-hush@127.0.0.1/db"
    assert logs.secrets_of(settings.build(tables)) >= {"123:token", "the-key", "hush-hush"}


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "no such file"), (b"\xff\xfe", "UTF-8"), (b"language = ", "not valid TOML")],
)
def test_an_unreadable_file_says_what_is_wrong(tmp_path, content, words):
    file = tmp_path / "config.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=words):
        settings.load(file)


def test_a_file_with_a_byte_order_mark_loads(tmp_path):
    file = tmp_path / "config.toml"
    shutil.copy(EXAMPLE, file)
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert settings.load(file).language == "ru"
