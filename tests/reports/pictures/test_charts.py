"""The pictures: readable, light, the same every time, whatever people are called."""

import io
import subprocess
import sys
import warnings
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from PIL import Image

from reports.pictures import canvas
from reports.pictures.chart_parts import signed
from reports.pictures.leaderboard_chart import leaderboard_png
from reports.pictures.trend import DayState, TrendDay, trend
from reports.pictures.trend_chart import trend_png
from scoring.standings import Leaderboard, leaderboard
from tests.reports.people import ANNA, BORIS, BROKEN, KEPT, NOVEMBER, Ledger, days_of

DAYS = days_of(NOVEMBER)
TITLE = "Отдел продаж · ноябрь 2026"
WORST_NAMES = [
    "Константин Константинопольский-Задунайский-Второй",
    "محمد عبد الله",
    "שלום כהן",
    "王小明",
    "🎉🚀",
    "",
    "<b>O'Neil & Co</b>",
    r"$\frac{1}{2}$ _x_ ^y^",
    "Анна\nс новой\tстроки",
    "\u202eзадом наперёд",
    "Z̷̢͝a̸l̶g̷o",
]


def board(points: list[int], names: list[str] | None = None, apart: int = 0) -> Leaderboard:
    ledger = Ledger(NOVEMBER)
    people = [(str(index), name) for index, name in enumerate(names or [f"Человек {i:03}" for i in range(len(points))])]
    for who, wanted in zip(people, points, strict=True):
        ledger.score(who, DAYS[0], KEPT if wanted >= 0 else BROKEN, points=wanted)
    few = [(f"x{index}", f"Новичок {index}") for index in range(apart)]
    return replace(leaderboard(ledger.rows, [*people, *few], today=DAYS[0]), scored_days=20)


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every text that a picture writes."""
    texts: list[str] = []
    write = canvas.Canvas.text

    def spy(self, at, text, *args, **options):
        texts.append(text)
        return write(self, at, text, *args, **options)

    monkeypatch.setattr(canvas.Canvas, "text", spy)
    return texts


@pytest.mark.parametrize("count", [0, 1, 2, 7, 20, 21, 300])
@pytest.mark.parametrize("full", [True, False])
def test_a_board_of_any_size_is_a_light_png_as_wide_as_a_phone(count: int, full: bool):
    content = leaderboard_png(board(list(range(count, 0, -1)), apart=3), title=TITLE, language="ru", full=full)
    picture = opened(content)
    assert picture.format == "PNG"
    assert picture.width == 1080
    assert picture.width + picture.height <= 10_000  # what Telegram takes as a photo
    assert len(content) < 200_000


def test_the_short_board_names_the_few_best_and_nobody_below(monkeypatch):
    texts = shown(monkeypatch)
    names = ["Анна", "Борис", "Вера", "Глеб", "Дарья", "Ева"]
    leaderboard_png(board([9, 7, 6, 5, 3, 2], names, apart=2), title=TITLE, language="ru", full=False)
    assert {"Анна", "Борис"} <= set(texts)
    assert not {"Вера", "Глеб", "Дарья", "Новичок 0"} & set(texts)


def test_the_full_board_has_everybody_or_says_how_many_more(monkeypatch):
    texts = shown(monkeypatch)
    leaderboard_png(board(list(range(300, 0, -1)), apart=8), title=TITLE, language="ru", full=True)
    assert "Человек 029" in texts
    assert "Человек 030" not in texts
    assert "Новичок 7" in texts
    assert "и ещё 270 человек" in texts


def test_numbers_are_written_by_locale_with_a_real_minus(monkeypatch):
    texts = shown(monkeypatch)
    leaderboard_png(board([3, -12, -13, 4]), title=TITLE, language="ru", full=True)
    assert {"+3", "−12", "50,0 %"} <= set(texts)
    leaderboard_png(board([3, -12, -13, 4]), title=TITLE, language="en", full=True)
    assert "50.0%" in texts


def test_up_and_down_differ_by_shape_and_not_by_colour_alone(monkeypatch):
    shapes: list[tuple[str, object]] = []
    monkeypatch.setattr(canvas.Canvas, "triangle", lambda *_, up: shapes.append(("triangle", up)))
    monkeypatch.setattr(canvas.Canvas, "box", lambda *_, hatch=None, **__: shapes.append(("hatch", hatch)))
    leaderboard_png(board([3, -2, 4, 5]), title=TITLE, language="ru", full=True)
    assert ("triangle", True) in shapes
    assert ("triangle", False) in shapes
    assert any(kind == "hatch" and hatch for kind, hatch in shapes)


@pytest.mark.parametrize("language", ["ru", "en"])
def test_no_name_breaks_the_picture_or_warns(language: str):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        content = leaderboard_png(
            board([5] * len(WORST_NAMES), WORST_NAMES), title="$x$ " * 60, language=language, full=True, footer="<i>"
        )
    assert opened(content).width == 1080


def test_a_name_without_a_letter_the_font_has_becomes_the_crm_id(monkeypatch):
    texts = shown(monkeypatch)
    leaderboard_png(board([2, 1, 1, 1], ["🎉🚀", "王小明", "А", "Б"]), title=TITLE, language="ru", full=True)
    assert {"Сотрудник 0", "Сотрудник 1"} <= set(texts)


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
def test_only_characters_of_the_font_are_drawn(text: str, readable: str):
    assert canvas.readable(text) == readable


def test_a_long_text_is_cut_with_an_ellipsis_to_the_width_it_has():
    text = canvas.shortened("Константин Константинопольский", 34, 300)
    assert text.endswith("…")
    assert canvas.text_width(text, 34) <= 300
    assert canvas.shortened("Анна", 34, 300) == "Анна"
    assert len(canvas.wrapped("слово " * 50, 34, 300, 2)) == 2


def test_the_same_board_makes_the_same_bytes():
    first, second = (leaderboard_png(board([3, -2, 4, 5]), title=TITLE, language="ru", full=True) for _ in range(2))
    assert first == second


def test_a_board_of_nobody_says_so(monkeypatch):
    texts = shown(monkeypatch)
    leaderboard_png(Leaderboard((), (), None), title=TITLE, language="ru", full=True)
    assert {"–", "Оценённых дней пока нет"} <= set(texts)


def series(count: int) -> tuple[TrendDay, ...]:
    ledger = Ledger(NOVEMBER)
    for index, day in enumerate(DAYS[:count]):
        ledger.day(ANNA, day, [KEPT] * (index % 4 + 1) + [BROKEN] * (index % 3))
        ledger.day(BORIS, day, [KEPT, BROKEN])
    return trend(ledger.rows, DAYS[:count])


@pytest.mark.parametrize("count", [0, 1, 5, 21])
def test_a_trend_of_any_length_is_a_light_png(count: int):
    content = trend_png(series(count), title=ANNA[1], language="ru", subtitle="ноябрь 2026", footer="0123456789ab")
    assert opened(content).width == 1080
    assert len(content) < 120_000


def test_a_quarter_of_days_still_fits(monkeypatch):
    texts = shown(monkeypatch)
    days = tuple(TrendDay(date.fromordinal(739900 + i), DayState.SCORED, -400 + i, Decimal(50)) for i in range(92))
    assert len(trend_png(days, title=TITLE, language="en")) < 120_000
    assert {"−400", "−309"} <= set(texts)
    assert "−350" not in texts


def test_days_of_absence_and_without_data_have_marks_and_a_legend(monkeypatch):
    texts = shown(monkeypatch)
    days = (*series(2), TrendDay(DAYS[2], DayState.EXCUSED), TrendDay(DAYS[3], DayState.UNSCORED))
    trend_png(days, title=ANNA[1], language="ru")
    assert {"отсутствие", "нет оценки"} <= set(texts)
    texts.clear()
    trend_png(series(4), title=ANNA[1], language="ru")
    assert not {"отсутствие", "нет оценки"} & set(texts)


def test_a_trend_without_a_scored_day_says_so(monkeypatch):
    texts = shown(monkeypatch)
    trend_png((TrendDay(DAYS[0], DayState.EXCUSED),), title=ANNA[1], language="en")
    assert "No scored days yet" in texts


@pytest.mark.parametrize(("language", "day"), [("ru", "4 ноября"), ("en", "November 4")])
def test_the_newest_value_stands_in_words(monkeypatch, language, day):
    texts = shown(monkeypatch)
    trend_png(series(3), title=ANNA[1], language=language)
    assert day in texts
    assert signed(0) == "0"


def test_nothing_but_the_pictures_loads_matplotlib():
    code = (
        "import sys, reports.workbook.workbook, reports.summary.summary;"
        "import reports.pictures.trend, reports.summary.stretches;"
        "sys.exit('matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
