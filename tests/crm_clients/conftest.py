"""Retries that do not wait. Tests against a real Odoo take part only where one is named, else they are deselected."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import stamina

from tests.crm_clients.amocrm.team import two_managers
from tests.crm_clients.amocrm.world import World

pytest.register_assert_rewrite("tests.crm_clients.client_under_test", "tests.crm_clients.conformance")

REAL_ODOO = ("ODOO_URL", "ODOO_DATABASE", "ODOO_LOGIN", "ODOO_API_KEY")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what needs a real Odoo server if the environment names none."""
    missing = [name for name in REAL_ODOO if not os.environ.get(name)]
    if not missing:
        return
    real = [item for item in items if item.get_closest_marker("odoo")]
    if real and "odoo" in config.option.markexpr.split():
        raise pytest.UsageError(f"tests against a real Odoo need {', '.join(missing)} in the environment")
    if real:
        config.hook.pytest_deselected(items=real)
        items[:] = [item for item in items if item not in real]


@pytest.fixture
def no_backoff() -> Iterator[None]:
    """Retries are made as in earnest but do not wait."""
    with stamina.set_testing(True, attempts=1000, cap=True):
        yield


@pytest.fixture
def world() -> World:
    """An amoCRM account of two managers, with nothing in it."""
    return two_managers()
