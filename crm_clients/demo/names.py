"""Name the clients, goods, next steps and loss reasons of the made-up company, and number records."""

from __future__ import annotations

import zlib
from datetime import date

CLIENTS = (
    "Ромашка-Пример", "Василёк-Образец", "Тест-Снаб", "Пример-Строй", "Образец-Торг", "Берёзка-Пример", "Макет-Сервис",
    "Учебный завод", "Эскиз и сыновья", "Пробная верфь", "Модель-Агро", "Шаблон-Логистик", "Черновик-Мебель",
    "Вымысел-Пласт", "Незабудка-Тест", "Сказка-Фарм",
)  # fmt: skip
GOODS = (
    "Поставка фильтров", "Монтаж вентиляции", "Насосы <5 кВт", "Договор на обслуживание", "Складские стеллажи",
    "Кабель и щиты", "Спецодежда на год", "Упаковочная линия", "Пусконаладка", "Аренда погрузчика", "Замена котла",
    "Партия подшипников",
)  # fmt: skip
NEXT_STEPS = (
    "Позвонить", "Отправить предложение", "Согласовать договор", "Уточнить сроки", "Напомнить об оплате",
    "Подготовить смету", "Договориться о встрече", "Выслать образцы",
)  # fmt: skip
LOSS_REASONS = ("Дорого", "Выбрали другого", "Нет потребности", "Отложили на год", "Не выходит на связь")


def number_of(client: str) -> str:
    """Make the telephone number of a client: always the same, and nobody's."""
    return f"+7000{zlib.crc32(client.encode()) % 10_000_000:07}"


def record_id(day: date, user: str, number: str) -> str:
    """Make an id: digits only, as in CRMs; unique within a kind of record."""
    return f"{day:%y%m%d}{user.zfill(4)}{number}"
