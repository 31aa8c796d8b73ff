"""Settings of any shape load, or are refused in one line that shows no secret. Seeded, a few seconds long."""

from __future__ import annotations

import copy
import functools
import json
import operator
import random
import string
import tomllib
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from reglament.config import settings
from reglament.errors import SettingsError

EXAMPLE = tomllib.loads((Path(__file__).parents[3] / "config.example.toml").read_text(encoding="utf-8"))
SECRET = "hush-5fd1"
CRMS: tuple[dict[str, Any], ...] = (
    {"kind": "demo", "seed": 3},
    {"kind": "bitrix24", "webhook_url": f"https://example.bitrix24.ru/rest/1/{SECRET}/"},
    {"kind": "amocrm", "base_url": "https://example.amocrm.ru", "token": SECRET},
    {"kind": "odoo", "url": "https://odoo.example", "database": "d", "login": "a", "api_key": SECRET},
)


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def strange(rng: random.Random) -> Any:
    """A value of a form that nobody meant."""
    return rng.choice(
        (
            None, True, 0, -1, 10**30, int("f" * 5000, 16), 1.5, float("nan"), float("inf"), "", "\0", "\ud800", "a\nb",
            "x" * 10_000, "25:00", "18:00", "=1+1", "{", "[]", [], {}, [[]], {"": {}}, ["x"], [None], [{"a": []}],
            [1, 1],
            nested(30), date.max, date.min, time.max, datetime.min.replace(tzinfo=UTC), b"x", "http://[",
            "sqlite:///", "postgresql://",
            "https://пример.рф:99999/", "1e5", "−5", "٣", "RU", "all", f"x{SECRET}\x1b[0m",
        )
    )  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [path] * bool(path) + [place for key, item in inner for place in places(item, (*path, key))]


def mutated(rng: random.Random) -> dict[str, Any]:
    tables = copy.deepcopy(EXAMPLE)
    tables["crm"]["main"] = dict(rng.choice(CRMS))
    for *parents, last in rng.sample(places(tables), rng.randint(1, 2)):
        try:
            table: Any = functools.reduce(operator.getitem, parents, tables)
            if isinstance(table, dict) and rng.random() < 0.2:
                last = rng.choice(("", "_env_file", "_cli_parse_args", "ключ", "x" * 500, "a\nb", f"{last}_file"))  # noqa: PLW2901
            table[last] = strange(rng)
            if rng.random() < 0.1:
                del table[last]
        except (LookupError, TypeError):  # the change before took this place away
            continue
    return tables


def refusal(build: Any) -> str | None:
    """None if the settings load and work, else the line. Anything else that is raised fails the test."""
    try:
        loaded = build()
    except SettingsError as error:
        return str(error)
    for team in loaded.teams.values():
        assert team.rulebook().version
        team.calendar().local_date(datetime(2026, 11, 19, tzinfo=UTC) + timedelta(days=1))
    return None


@pytest.mark.parametrize("seed", range(8))
def test_settings_of_any_form_load_or_are_refused_in_one_line_without_a_secret(seed: int):
    rng = random.Random(seed)
    for _ in range(60):
        line = refusal(lambda: settings.build(mutated(rng)))
        assert line is None or (line.isprintable() and SECRET not in line and len(line) < 1000), line


@pytest.mark.parametrize("seed", range(4))
def test_a_file_of_any_bytes_is_read_or_refused_in_one_line(seed: int, tmp_path: Path):
    rng = random.Random(seed)
    text = (Path(__file__).parents[3] / "config.example.toml").read_text(encoding="utf-8")
    file = tmp_path / "config.toml"
    for _ in range(60):
        at, length = rng.randrange(len(text)), rng.randrange(40)
        junk = "".join(rng.choice(string.printable + "\0я—\"'[]{}=.#") for _ in range(rng.randrange(30)))
        content = bytearray((text[:at] + junk + text[at + length :]).encode())
        if rng.random() < 0.2:
            content[rng.randrange(len(content))] = rng.randrange(256)
        file.write_bytes(content)
        line = refusal(lambda: settings.load(file))
        assert line is None or line.isprintable(), line


@pytest.mark.parametrize("seed", range(4))
def test_an_environment_of_any_form_is_read_or_refused_in_one_line(seed: int, monkeypatch: pytest.MonkeyPatch):
    rng = random.Random(seed)
    names: tuple[str, ...] = (
        "TEAMS",
        "CRM",
        "TEAMS__SALES",
        "TEAMS__SALES__CUTOFF",
        "TEAMS__SALES__RULES",
        "TELEGRAM__ADMINS",
        "",
        "__",
    )
    names += ("DATABASE", "DATABASE__URL", "LANGUAGE", "LANGUAGE__X", "teams__sales__title", "TEAMS____X", "_ENV_FILE")
    values: tuple[str, ...] = (
        "",
        "[]",
        "{}",
        "[[",
        "[" * 2000,
        "18:00",
        "ru",
        "[1]",
        '{"a": 1}',
        "1" * 5000,
        "[" + "1" * 5000 + "]",
    )
    values += ('{"sales": {"cutoff": "17:00"}}', "\udcff", "NaN", '{"a": "\\u0000"}', json.dumps(nested(200)))
    for _ in range(60):
        with monkeypatch.context() as patch:
            for name in rng.sample(names, rng.randint(1, 3)):
                patch.setenv(f"REGLAMENT_{name}", rng.choice(values))
            line = refusal(lambda: settings.build(copy.deepcopy(EXAMPLE)))
        assert line is None or line.isprintable(), line


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = " + "[" * 2000, "brackets nested without end"),
        ("a = " + "1" * 5000, "not valid TOML"),
        ('company = "a\\u0000b"', "config.toml: company: holds characters that are no text"),
        ("_env_file = 'x'", "_env_file: no such setting"),
        ('[crm.main]\nkind = ["x"]', "crm.main.kind = ['x']: unknown CRM kind; allowed: "),
        ("a = " + "[" * 100 + "]" * 100, "nested too deeply"),
    ],
)
def test_a_file_that_no_parser_foresaw_is_a_clear_line(tmp_path: Path, text: str, words: str):
    file = tmp_path / "config.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        settings.load(file)
    assert words in str(caught.value)


def test_a_table_in_the_environment_that_is_none_is_named_beside_the_setting_that_needs_it(monkeypatch):
    monkeypatch.setenv("REGLAMENT_TEAMS", "[]")
    monkeypatch.setenv("REGLAMENT_TEAMS__SALES__CUTOFF", "17:00")
    with pytest.raises(SettingsError, match="REGLAMENT_TEAMS is no table, but REGLAMENT_TEAMS__SALES__CUTOFF puts"):
        settings.build(copy.deepcopy(EXAMPLE))


def test_a_single_setting_of_the_environment_wins_over_a_whole_table(monkeypatch):
    monkeypatch.setenv("REGLAMENT_TEAMS__SALES__CUTOFF", "16:00")
    monkeypatch.setenv("REGLAMENT_TEAMS", '{"sales": {"cutoff": "17:00", "title": "Whole"}}')
    team = settings.build(copy.deepcopy(EXAMPLE)).teams["sales"]
    assert (team.cutoff, team.title) == (time(16), "Whole")
