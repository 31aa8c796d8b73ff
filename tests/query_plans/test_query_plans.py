"""No query of the day, the bot or the reports walks through years of rows, on either database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import make_url

from storage.db.schema import upgrade
from tests.query_plans.asked import CalmWorld, ask_reports
from tests.query_plans.plans import walks
from tests.query_plans.years import fill
from tests.simulation.world import TEAM


@pytest.fixture
def years(database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Another migrated database of the same kind."""
    if database_url.startswith("sqlite"):
        url = f"sqlite:///{tmp_path / 'years.db'}"
    else:
        url = request.getfixturevalue("empty_postgresql_url")
    upgrade(url)
    driver = "sqlite" if database_url.startswith("sqlite") else "postgresql+psycopg"
    engine = create_engine(make_url(url).set(drivername=driver))
    yield engine
    engine.dispose()


async def test_no_query_of_days_taps_and_reports_walks_through_years(database_url, years):
    world = CalmWorld(3, database_url)
    await world.live()
    await ask_reports(world)
    assert len(world.statements) > 80
    fill(years, TEAM, world.days[-1])
    with years.connect() as connection:
        found = {text: steps for text, values in world.statements.items() if (steps := walks(connection, text, values))}
    assert not found, "\n\n".join(f"{steps}\n{text}" for text, steps in found.items())
