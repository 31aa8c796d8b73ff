"""The board in words: the few best, ties as numbers, text and picture alike (docs/product.md §8, §19)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any, cast

import pytest

from bot.context import TeamContext
from bot.screens.leaderboard import Board, board_view
from bot.screens.pictures import board_picture
from bot.texts import texts
from reports.pictures.leaderboard_picture import leaderboard_svg
from scoring.rules import Rulebook
from tests.reports.people import CALENDAR, RULES
from tests.scoring.test_board import board

DAY = date(2026, 11, 19)
RU, EN = texts("ru"), texts("en")
TEAM = TeamContext(key="sales", title="Отдел", connection="main", calendar=CALENDAR, rulebook=Rulebook(RULES))
FULL = replace(TEAM, board="full")


def told(standings: Any, team: TeamContext = TEAM, *, own: str | None = None, t: Any = RU) -> list[str]:
    """The lines of the message below title and department."""
    return board_view(t, team, Board(DAY, standings), own=own).text.splitlines()[2:]


def test_the_few_best_stand_with_points_per_scored_day():
    assert told(board(60, 47, 30, 12, 5, -20, -70)) == [
        "Лидеры за ноябрь, баллы за оценённый день:",
        "🥇 1. Человек 000: 3 за день, 60 баллов",
        "🥈 2. Человек 001: 2,35 за день, 47 баллов",
    ]


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ((60, 47, 47, 47, 47, 5, 5), "ещё 4 человека с 47 баллами"),
        ((21, 21, 21, 5, 5), "3 человека с 21 баллом"),
        ((147, 147, 5, 5), "2 человека со 147 баллами"),
        ((1, 1, 1, 1, 1), "5 человек с 1 баллом"),
    ],
)
def test_a_tie_without_room_is_a_number(points, said):
    lines = told(board(*points))
    assert lines[-1] == said
    assert len(lines) == (3 if said.startswith("ещё") else 2)


def test_a_tie_of_different_points_on_different_days_tells_the_pace():
    standings = board(60, 40, 40, 5, 5, 5)
    other = replace(standings.rows[2].totals, plus=20, scored_days=10)
    assert other.per_day == Fraction(2)
    rows = (*standings.rows[:2], replace(standings.rows[2], totals=other), *standings.rows[3:])
    assert told(replace(standings, rows=rows))[-1] == "ещё 2 человека по 2 за день"


def test_before_the_third_scored_day_and_in_a_small_team_the_figure_stands_alone():
    assert told(board(9, 8, 7, 6, days=2)) == ["Имена – с 3-го оценённого дня месяца"]
    assert told(board(9, 8, 7, 6, days=2), t=EN) == ["Names begin on scored day 3 of the month"]
    assert told(board(9, 8, 7)) == told(board(9, 8, 7), FULL) == []
    assert told(board(0, 0, -1, -5)) == []


def test_the_full_table_has_no_medal_for_a_minus_and_lists_apart():
    assert told(board(9, 7, 7, -4, apart=1), FULL) == [
        "Места за ноябрь, баллы за оценённый день:",
        "🥇 1. Человек 000: 0,45 за день, 9 баллов",
        "🥈 2. Человек 001: 0,35 за день, 7 баллов",
        "🥈 2. Человек 002: 0,35 за день, 7 баллов",
        "4. Человек 003: −0,2 за день, −4 балла",
        "Мало оценённых дней: Новичок 0",
    ]
    assert "🥉 3. Человек 002: −0,05 за день, −1 балл" not in told(board(9, 7, -1, -4), FULL)


def test_a_manager_always_sees_the_own_place():
    assert told(board(9, 8, 7, 6), own="3")[-1] == "Ваше место: 4 из 4, 0,3 за день, 6 баллов"
    assert told(board(9, 8, 7, 6, apart=1), own="x0")[-1] == "У вас пока мало оценённых дней, места нет"
    assert len(told(board(9, 8, 7, 6), own="0")) == 2


@pytest.mark.parametrize("team", [TEAM, FULL], ids=["top", "full"])
@pytest.mark.parametrize(
    "points", [(), (5,), (9, 8, 7, 6), (60, 47, 47, 47, 5, 5), tuple(range(40, -40, -1)), (-1, -2, -3, -4)]
)
def test_message_and_picture_name_the_same_people_and_say_the_same(team, points):
    standings = board(*points, apart=2)
    said = board_view(RU, team, Board(DAY, standings)).text
    drawing = cast(Any, board_picture(RU, team, Board(DAY, standings)))
    svg = leaderboard_svg(*drawing.args)
    everybody = re.compile(r"(?:Человек|Новичок) \d+")
    assert sorted(everybody.findall(said)) == sorted(everybody.findall(svg))
    assert re.findall(r"\d человека с \d+ балл\w+", said) == re.findall(r"\d человека с \d+ балл\w+", svg)
