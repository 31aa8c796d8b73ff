"""The pictures: readable on a phone, light and dark, the same every time, whatever people are called."""

from __future__ import annotations

import re
import struct
import warnings
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import product
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.labels import labels
from reports.pictures import font
from reports.pictures.leaderboard_picture import BoardContent, leaderboard_png, leaderboard_svg
from reports.pictures.numbers import signed
from reports.pictures.theme import THEMES
from reports.pictures.trend import TrendDay, trend
from reports.pictures.trend_picture import TrendContent, trend_png, trend_svg
from scoring.board import named
from scoring.scale import Scale
from scoring.standings import Leaderboard
from tests.reports.people import ANNA, BORIS, BROKEN, EXCUSED, KEPT, NO_DATA, NOVEMBER, RULES, Ledger, days_of
from tests.scoring.test_board import board

DAYS = days_of(NOVEMBER)
OCTOBER = days_of(NOVEMBER.previous)
SVG = "{http://www.w3.org/2000/svg}"
WORST_NAMES = [
    "Константин Константинопольский-Задунайский-Второй",
    "محمد عبد الله",
    "שלום כהן",
    "王小明",
    "🎉🚀",
    "",
    "<b>O'Neil & Co</b>",
    r"$\frac{1}{2}$ _x_ ^y^ {{ 7 * 7 }} {% raw %}",
    "Анна\nс новой\tстроки",
    "\u202eзадом наперёд",
    "Z̷̢͝a̸l̶g̷o",
    "a\x00b\x1bc\ufffe",
    "Ш" * 10_000,
]


def content(standings: Leaderboard, *, full: bool = True, **fields: Any) -> BoardContent:
    shown = BoardContent(
        title="Отдел продаж",
        heading="Лидеры за ноябрь",
        day=date(2026, 11, 19),
        named=named(standings, full=full),
        discipline=Decimal("73.1"),
        scale=Scale(-10, 5),
        subtitle="Ноябрь 2026, по 19 ноября",
    )
    return replace(shown, **fields)


def called(standings: Leaderboard, names: list[str]) -> Leaderboard:
    rows = [
        replace(row, totals=replace(row.totals, name=name)) for row, name in zip(standings.rows, names, strict=True)
    ]
    return replace(standings, rows=tuple(rows))


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def size(picture: bytes) -> tuple[int, int]:
    assert picture.startswith(b"\x89PNG")
    return struct.unpack(">2L", picture[16:24])


def series(count: int, people: int = 1) -> TrendContent:
    ledger = Ledger()
    for index, day in enumerate((*OCTOBER, *DAYS[:count])):
        for number in range(people):
            who = (str(number), f"Человек {number}")
            ledger.day(who, day, [KEPT] * ((index + number) % 4 + 1) + [BROKEN] * (index % 3))
    read = (*OCTOBER, *DAYS[:count])
    found = trend(ledger.rows, DAYS[:count], OCTOBER, read=read, rules=RULES, coming=DAYS[count:])
    titles = [labels("ru")(f"kpi-{strip.kpi}") for strip in found.strips]
    return TrendContent("Анна Образцова", "Ноябрь 2026", found, titles, people > 1)


# Both pictures


def every_svg() -> list[str]:
    boards = [
        content(board(*points, apart=2), full=full)
        for points in ((9, 7, 5, -4), range(300, -300, -2))
        for full in (True, False)
    ]
    trends = [series(21), series(21, 30), series(1), series(0)]
    return [
        *(leaderboard_svg(each, language, theme) for each, language, theme in product(boards, ("ru", "en"), THEMES)),
        *(trend_svg(each, language, theme) for each, language, theme in product(trends, ("ru", "en"), THEMES)),
    ]


def test_no_text_is_smaller_than_11_on_a_phone_360_wide_and_none_leaves_the_picture():
    for svg in every_svg():
        root = ElementTree.fromstring(svg)
        assert root.get("viewBox").split()[2] == "360"
        for text in root.iter(f"{SVG}text"):
            points, bold = float(text.get("font-size", 12)), text.get("font-weight") == "700"
            assert points >= 11
            width = font.text_width(text.text or "", points, bold=bold)
            x = float(text.get("x")) - {"end": width, "middle": width / 2}.get(text.get("text-anchor", ""), 0)
            assert x >= 0, text.text
            assert x + width <= 360, text.text


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_text_stands_out_from_what_lies_behind(theme):
    for over, under in (
        (theme.ink, theme.paper), (theme.ink, theme.panel), (theme.soft, theme.paper), (theme.soft, theme.panel),
        (theme.on_accent, theme.accent), (theme.on_broken, theme.broken), (theme.on_red, theme.red),
        (theme.on_yellow, theme.yellow),
    ):  # fmt: skip
        assert contrast(over, under) >= 4.5, (over, under)
    for over, under in ((theme.accent, theme.kept), (theme.accent, theme.paper), (theme.broken, theme.paper)):
        assert contrast(over, under) >= 3, (over, under)


def test_red_and_yellow_are_deals_without_a_task_and_overdue_tasks_alone():
    for svg in every_svg():
        colours = {theme.red for theme in THEMES.values()} | {theme.yellow for theme in THEMES.values()}
        used = [line for line in svg.splitlines() if any(colour in line for colour in colours)]
        assert not used or "Сделки без задач" in svg or "Deals without" in svg or "Просроченные" in svg


def test_the_same_content_makes_the_same_bytes():
    shown = content(board(9, 7, 5, -4))
    assert leaderboard_png(shown, "ru") == leaderboard_png(shown, "ru")
    assert leaderboard_png(shown, "ru") != leaderboard_png(shown, "ru", "dark")


def test_no_name_breaks_a_picture_or_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        awful = called(board(*[5] * len(WORST_NAMES)), WORST_NAMES)
        for name in WORST_NAMES:
            shown = content(awful, title=name * 3, subtitle=name, note=name, heading="<i>&")
            assert size(leaderboard_png(shown, "ru"))[0] == 1080
            assert size(trend_png(replace(series(3), title=name, subtitle=name), "en", "dark"))[0] == 1080


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_any_name_is_well_formed(name):
    texts(leaderboard_svg(content(called(board(4, 3, 2, 1), [name] * 4), title=name, note=name), "ru"))


# The board


@pytest.mark.parametrize("count", [0, 1, 3, 8, 30, 300])
@pytest.mark.parametrize("full", [True, False])
def test_a_board_of_any_size_is_a_picture_that_telegram_takes(count, full):
    picture = leaderboard_png(content(board(*range(count, 0, -1), apart=3), full=full), "ru")
    width, height = size(picture)
    assert width == 1080
    assert width + height <= 10_000
    assert len(picture) < 500_000


@given(st.lists(st.integers(-30, 30), max_size=30), st.integers(0, 4), st.booleans())
@settings(max_examples=40, deadline=None)
def test_the_picture_names_whom_the_rule_names_and_nobody_else(points, apart, full):
    standings = board(*points, apart=apart)
    names = named(standings, full=full)
    seen = set(texts(leaderboard_svg(content(standings, full=full), "ru")))
    everybody = {row.totals.name for row in (*standings.rows, *standings.apart)}
    assert seen & everybody == {row.totals.name for row in (*names.rows, *names.apart)}


def test_a_row_has_place_name_points_a_day_points_and_the_last_day():
    standings = board(60, 47, 47, 30, -21, -70)
    rows = tuple(replace(row, today=2) for row in standings.rows)
    seen = texts(leaderboard_svg(content(replace(standings, rows=rows)), "ru"))
    at = seen.index("Человек 000")
    assert seen[at - 1 : at + 3] == ["1", "Человек 000", "3", "60 баллов · чт +2"]
    assert {"2,35", "47 баллов · чт +2", "−3,5", "−70 баллов · чт +2", "−1,05", "−21 балл · чт +2"} <= set(seen)
    assert [text for text in seen if re.fullmatch("[1-6]", text) and text != "3"] == ["1", "2", "2", "4", "5", "6"]


def test_a_minus_is_hatched_and_has_no_medal():
    svg = leaderboard_svg(content(board(-1, -2, -3, -4)), "ru")
    assert svg.count('fill="url(#hatch)"') == 4
    assert svg.count('<circle cx="30" cy="20"') == 0
    assert leaderboard_svg(content(board(9, 8, -3, -4)), "ru").count('<circle cx="30" cy="20"') == 2


def test_bars_of_people_above_zero_reach_from_the_break_even_to_all_kept():
    svg = leaderboard_svg(content(board(100, 50, 25, 10)), "ru")
    bars = [float(width) for width in re.findall(r'y="27" width="([\d.]+)" height="8" rx="2" fill="#1B66A6"', svg)]
    assert bars == [150, 75, 37.5, 15]
    assert "полоса от 0 до +5 за день" in texts(svg)
    assert "полоса от −10 до +5 за день" in texts(leaderboard_svg(content(board(9, 8, 7, -1)), "ru"))


def test_a_note_stands_as_in_the_message_and_an_empty_board_says_so():
    seen = texts(leaderboard_svg(content(board(9, 9, 9, 9), full=False, note="4 человека с 9 баллами"), "ru"))
    assert "4 человека с 9 баллами" in seen
    nobody = texts(leaderboard_svg(content(Leaderboard((), (), None), discipline=None), "ru"))
    assert {"–", "Оценённых дней пока нет"} <= set(nobody)


def test_a_name_without_a_letter_the_font_has_becomes_the_crm_id():
    seen = texts(leaderboard_svg(content(called(board(4, 3, 2, 1), ["🎉🚀", "王小明", "А", "Б"])), "ru"))
    assert {"Сотрудник 0", "Сотрудник 1"} <= set(seen)


def test_the_break_even_stands_on_the_departments_bar():
    assert "в ноль: 67 %" in texts(leaderboard_svg(content(board(4, 3, 2, 1)), "ru"))
    free = content(board(4, 3, 2, 1), scale=Scale(0, 5))
    assert not any("в ноль" in text for text in texts(leaderboard_svg(free, "ru")))


# The trend


@pytest.mark.parametrize("count", [0, 1, 5, 21])
@pytest.mark.parametrize("people", [1, 30])
def test_a_trend_of_any_length_is_a_light_picture(count, people):
    picture = trend_png(series(count, people), "ru")
    assert size(picture)[0] == 1080
    assert len(picture) < 250_000


def test_the_scale_is_the_same_for_a_good_and_a_bad_month():
    ledgers = Ledger(), Ledger()
    for ledger, outcome in zip(ledgers, (KEPT, BROKEN), strict=True):
        for day in DAYS[:5]:
            ledger.day(ANNA, day, [outcome] * 4)
    seen = []
    for ledger in ledgers:
        found = trend(ledger.rows, DAYS[:5], read=DAYS, rules=RULES)
        seen.append(texts(trend_svg(TrendContent("Анна", "", found, [""] * 4, False), "ru")))
    for each in seen:
        assert {"все правила выполнены", "в ноль", "все нарушены", "+4", "−8"} <= set(each)


def test_a_strip_has_a_symbol_for_each_outcome_and_only_those_in_the_legend():
    ledger = Ledger()
    for day, outcome in zip(DAYS, (KEPT, BROKEN, EXCUSED, NO_DATA), strict=False):
        ledger.day(BORIS, day, [outcome])
    found = trend(ledger.rows, DAYS[:4], read=DAYS, rules=RULES)
    seen = texts(trend_svg(TrendContent("Борис", "", found, ["Новые компании"], False), "ru"))
    assert {"выполнено", "нарушено", "отсутствие", "не прочитано", "нарушено: 1 из 2 дней", "?"} <= set(seen)
    kept = trend([row for row in ledger.rows if row.outcome is KEPT], DAYS[:1], read=DAYS, rules=RULES)
    seen = texts(trend_svg(TrendContent("Борис", "", kept, ["Новые компании"], False), "ru"))
    assert not {"нарушено", "отсутствие", "не прочитано", "прошлый период"} & set(seen)


def test_the_period_before_is_a_pale_line_and_both_sides_say_their_scored_days():
    svg = trend_svg(series(5), "ru")
    assert THEMES["light"].pale in svg
    assert any(re.fullmatch(r"оценено: 5 дней · раньше [\d,]+ % \(5 дней\)", text) for text in texts(svg))


def test_a_gap_in_the_days_is_a_gap_in_the_line():
    ledger = Ledger()
    for day in (DAYS[0], DAYS[1], DAYS[3], DAYS[4]):
        ledger.day(ANNA, day, [KEPT])
    found = trend(ledger.rows, DAYS[:5], read=DAYS, rules=RULES)
    svg = trend_svg(TrendContent("Анна", "", found, ["Новые компании"], False), "ru")
    assert svg.count(f'stroke="{THEMES["light"].accent}" stroke-width="2.2"') == 2


def test_days_below_the_break_even_differ_by_shape():
    ledger = Ledger()
    ledger.day(ANNA, DAYS[0], [KEPT])
    ledger.day(ANNA, DAYS[1], [BROKEN])
    found = trend(ledger.rows, DAYS[:2], read=DAYS, rules=RULES)
    svg = trend_svg(TrendContent("Анна", "", found, ["Новые компании"], False), "ru")
    assert (svg.count("<circle"), svg.count("h9l-4.5 7.6z")) == (1, 1)


def test_words_of_a_line_make_room_for_the_days():
    ledger = Ledger()
    ledger.day(ANNA, DAYS[0], [KEPT, KEPT, BROKEN])
    ledger.day(ANNA, DAYS[1], [KEPT, BROKEN])  # just below the break-even, where the words stand else
    crossed = trend(ledger.rows, DAYS[:2], read=DAYS, rules=RULES, coming=DAYS[2:])
    sides = {}
    for found in (crossed, series(0).trend, series(1).trend):
        svg = trend_svg(TrendContent("Анна", "", found, [labels("ru")("kpi-calls_held")] * 9, False), "ru")
        of_words = {text.text: text.get("text-anchor") for text in ElementTree.fromstring(svg).iter(f"{SVG}text")}
        sides[len(found.days)] = of_words.get("в ноль")
    assert sides == {2: "end", 0: None, 1: "start"}


def test_many_days_still_fit():
    days = tuple(date(2026, 1, 1) + timedelta(days=n) for n in range(92))
    found = trend([], days, read=(), rules=RULES)
    scored = tuple(TrendDay(day, found.days[0].state, -8, Decimal(0), 1) for day in days)
    assert size(trend_png(TrendContent("Анна", "", replace(found, days=scored), [], False), "en"))[0] == 1080


def test_a_trend_without_a_scored_day_says_so():
    found = trend([], DAYS[:3], read=(), rules=RULES)
    assert "No scored days yet" in texts(trend_svg(TrendContent("Anna", "", found, [], False), "en"))


# The font


@pytest.mark.parametrize(
    ("text", "readable"),
    [
        ("Анна 🚀 Петрова", "Анна Петрова"),
        ("𝐈𝐯𝐚𝐧", "Ivan"),
        ("Иван王", "Иван·"),
        ("a\u202eb\x00c\nd", "abc d"),
        ("Ёлкина Їжак", "Ёлкина Їжак"),
    ],
)
def test_only_characters_of_the_font_are_drawn(text, readable):
    assert font.readable(text) == readable


def test_the_font_has_every_letter_of_the_languages_written_in_cyrillic():
    letters = "".join(map(chr, range(0x400, 0x482))) + "ҐґҒғҚқҢңӨөҰұҮүҺһӘәІі"
    assert font.readable(letters) == letters
    assert font.readable("₽ № « » – — … − × %") == "₽ № « » – — … − × %"


def test_a_long_text_is_cut_with_an_ellipsis_to_the_width_it_has():
    text = font.shortened("Константин Константинопольский", 13, 120)
    assert text.endswith("…")
    assert font.text_width(text, 13) <= 120
    assert font.shortened("Анна", 13, 120) == "Анна"
    assert len(font.wrapped("слово " * 50, 13, 120, 2)) == 2


def test_bold_is_wider_and_the_licence_comes_with_the_font():
    assert font.text_width("Анна", 10, bold=True) > font.text_width("Анна", 10) > 0
    assert "SIL OPEN FONT LICENSE" in (font.FONTS / "OFL.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(("value", "shown"), [(0, "0"), (2, "+2"), (-2, "−2"), (Decimal("2.35"), "+2,35")])
def test_numbers_have_a_sign_and_a_real_minus(value, shown):
    assert signed(value, labels("ru")) == shown
