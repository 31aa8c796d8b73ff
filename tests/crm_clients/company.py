"""One made-up company and what every CRM must say of it at Wednesday's cutoff."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from tests.crm_clients.world import (
    ANNA,
    BORIS,
    CUTOFF,
    LOST,
    OPEN,
    ROBOT,
    START,
    TODAY,
    WON,
    ZOYA,
    Move,
    World,
    WorldCall,
    WorldComment,
    WorldCompany,
    WorldDeal,
    WorldMeeting,
    WorldTask,
)

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)


def _talks(ago: timedelta) -> Move:
    return Move(CUTOFF - ago, OPEN, "talks")


def company() -> World:
    """Thirty-odd things, each on an edge of some KPI's definition."""
    return World(
        deals=[
            WorldDeal("1001", "Договор с Ромашкой", ANNA, moves=(_talks(3 * DAY),)),
            WorldDeal("1002", "Поставка фильтров", ANNA, filled=False),
            WorldDeal("1003", "Монтаж <насоса>", ANNA, moves=(_talks(2 * DAY),)),
            WorldDeal("1004", "Насосы", ANNA, moves=(Move(START + 2 * HOUR, WON),), amount=Decimal(100000)),
            WorldDeal("1005", "Сервис", ANNA, moves=(Move(START, WON),), amount=Decimal(5000)),
            WorldDeal("1006", "Старая победа", ANNA, moves=(Move(START - SECOND, WON),), amount=Decimal(7000)),
            WorldDeal("1007", "Дорого", ANNA, moves=(Move(START + 3 * HOUR, LOST, reason="Цена"),)),
            WorldDeal("1008", "Тишина", ANNA, moves=(Move(CUTOFF - SECOND, LOST),)),
            WorldDeal(
                "1009",
                "Давно потеряна",
                ANNA,
                moves=(Move(START - 2 * DAY, LOST), Move(START + HOUR, LOST, "lost_too")),
            ),
            WorldDeal("1010", "Вентиляция", BORIS, moves=(_talks(20 * DAY),)),
            WorldDeal("1011", "Склад", BORIS, created_at=CUTOFF - HOUR),
            WorldDeal("1012", "Котельная", BORIS, moves=(_talks(DAY),)),
            WorldDeal("1013", "Брошенная", ZOYA, filled=False),
            WorldDeal(
                "1014",
                "Вернулись",
                BORIS,
                moves=(
                    Move(CUTOFF - 10 * DAY, LOST, reason="Цена"),
                    Move(CUTOFF - 5 * DAY, OPEN),
                    Move(START + 5 * HOUR, WON),
                ),
                amount=Decimal(20000),
            ),
            WorldDeal("1015", "Рано радовались", BORIS, moves=(Move(START + HOUR, WON), Move(START + 2 * HOUR, OPEN))),
            WorldDeal("1016", "Прогрев", BORIS, moves=(_talks(3 * DAY),), pipeline="2"),
        ],
        tasks=[
            WorldTask("2001", "Отправить договор", ANNA, TODAY, deals=("1001",)),
            WorldTask("2002", "Позвонить", ANNA, date(2026, 11, 16), deals=("1003",), kind="call"),
            WorldTask("2003", "Сделано", BORIS, date(2026, 11, 16), done_at=CUTOFF - 5 * HOUR, deals=("1010",)),
            WorldTask("2004", "Помочь коллеге", ANNA, date(2026, 11, 17), deals=("1012",)),
            WorldTask("2005", "Когда-нибудь", BORIS, None, deals=("1011",)),
            WorldTask("2006", "Встретиться", BORIS, date(2026, 11, 10), deals=("1016",), kind="meeting"),
            WorldTask("2007", "Напомнить", BORIS, TODAY + DAY, deals=("1015",)),
            WorldTask("2008", "Ничья", ZOYA, date(2026, 11, 10)),
            WorldTask("2009", "Сдать отчёт", ANNA, date(2026, 11, 12)),
        ],
        meetings=[
            WorldMeeting("3001", "Переговоры", ANNA, START + 4 * HOUR, START + 3 * HOUR, "1001"),
            WorldMeeting("3002", "Показ", ANNA, CUTOFF - SECOND, CUTOFF - HOUR, "1003"),
            WorldMeeting("3003", "Только план", BORIS, None, CUTOFF - 2 * HOUR, "1012"),
            WorldMeeting("3004", "На прошлой неделе", BORIS, CUTOFF - 5 * DAY, CUTOFF - 5 * DAY - HOUR, "1012"),
        ],
        calls=[
            WorldCall("4001", ANNA, START + HOUR, 40, deal="1001"),
            WorldCall("4002", ANNA, CUTOFF - SECOND, 200, incoming=True, deal="1001"),
            WorldCall("4003", ANNA, START + HOUR, 29, deal="1003"),
            WorldCall("4004", ANNA, START + 2 * HOUR, 0, incoming=True, deal="1003"),
            WorldCall("4005", ANNA, START + 2 * HOUR, 0, deal="1003"),
            WorldCall("4006", BORIS, CUTOFF, 60, deal="1012"),
            WorldCall("4007", BORIS, START, 30, deal="1012"),
            WorldCall("4008", BORIS, START - SECOND, 0, incoming=True, deal="1012"),
        ],
        companies=[
            WorldCompany("5001", "ООО «Ромашка»", ANNA, BORIS, START + HOUR),
            WorldCompany("5002", "Привезённая", ROBOT, ANNA, START + HOUR),
            WorldCompany("5003", "Завтрашняя", BORIS, BORIS, CUTOFF),
            WorldCompany("5004", "Ровно в шесть", BORIS, BORIS, START),
        ],
        comments=[
            WorldComment("6001", "1001", ANNA, CUTOFF - 3 * DAY),
            WorldComment("6002", "1003", BORIS, CUTOFF - 2 * DAY),
            WorldComment("6003", "1010", ROBOT, CUTOFF - 2 * DAY, human=False),
            WorldComment("6004", "1012", BORIS, CUTOFF - SECOND),
            WorldComment("6005", "1015", BORIS, CUTOFF - 9 * DAY),
            WorldComment("6006", "1016", ANNA, CUTOFF - 30 * DAY),
        ],
    )


EXPECTED: dict[str, dict[str, object]] = {
    ANNA: {
        "companies_added": 1,
        "meetings_held": 2,
        "calls_held": 2,
        "talk_minutes": 4,
        "missed_calls": 1,
        "deals_won": 2,
        "won_amount": {"RUB": Decimal(105000)},
        "deals_lost": 2,
        "lost_without_reason": 1,
        "deals_open": 3,
        "overdue_tasks": 3,
        "deals_without_task": 1,
        "deals_without_comment": 1,
        "deals_missing_fields": 1,
        "stale_deals": 1,
    },
    BORIS: {
        "companies_added": 1,
        "meetings_held": 0,
        "calls_held": 1,
        "talk_minutes": 0,
        "missed_calls": 0,
        "deals_won": 1,
        "won_amount": {"RUB": Decimal(20000)},
        "deals_lost": 0,
        "lost_without_reason": 0,
        "deals_open": 5,
        "overdue_tasks": 1,
        "deals_without_task": 1,
        "deals_without_comment": 1,
        "deals_missing_fields": 0,
        "stale_deals": 1,
    },
}

TITLES: dict[str, dict[str, set[str]]] = {
    ANNA: {
        "companies_added": {"ООО «Ромашка»"},
        "deals_won": {"Насосы", "Сервис"},
        "deals_lost": {"Дорого", "Тишина"},
        "lost_without_reason": {"Тишина"},
        "overdue_tasks": {"Позвонить", "Помочь коллеге", "Сдать отчёт"},
        "deals_without_task": {"Поставка фильтров"},
        "deals_without_comment": {"Поставка фильтров"},
        "deals_missing_fields": {"Поставка фильтров"},
        "stale_deals": {"Поставка фильтров"},
    },
    BORIS: {
        "companies_added": {"Ровно в шесть"},
        "deals_won": {"Вернулись"},
        "overdue_tasks": {"Встретиться"},
        "deals_without_task": {"Вентиляция"},
        "deals_without_comment": {"Вентиляция"},
        "stale_deals": {"Вентиляция"},
    },
}


def two_hours_later() -> World:
    """The same company read at eight in the evening: much has been tidied up since the cutoff."""
    world = company()
    world.now = CUTOFF + 2 * HOUR
    after = CUTOFF + timedelta(minutes=10)
    deals = {deal.id: deal for deal in world.deals}

    def move(deal: str, *moves: Move) -> None:
        old = deals[deal]
        deals[deal] = WorldDeal(**{**old.__dict__, "moves": (*old.moves, *moves)})

    move("1001", Move(after, WON))
    move("1010", Move(after, OPEN, "new"))
    move("1016", Move(after, LOST))
    world.deals = [*deals.values(), WorldDeal("1091", "Новая", ANNA, created_at=after)]
    world.tasks = [
        WorldTask(**{**task.__dict__, "done_at": after}) if task.id in ("2002", "2006") else task
        for task in world.tasks
    ]
    world.tasks.append(WorldTask("2091", "Спохватилась", ANNA, TODAY + DAY, created_at=after, deals=("1002",)))
    world.comments.append(WorldComment("6091", "1002", ANNA, after))
    world.companies.append(WorldCompany("5091", "Поздняя", ANNA, ANNA, after))
    world.calls.append(WorldCall("4091", BORIS, after, 300, deal="1012"))
    world.meetings.append(WorldMeeting("3091", "Вечерняя", BORIS, after, CUTOFF + timedelta(minutes=1), "1012"))
    return world
