"""A scripted CRM a moment after the cutoff of Thursday, and the clock that a test moves."""

from __future__ import annotations

import pytest

from tests.reglament.day.thursday import COMPANY, OVERDUE
from tests.reglament.scripted import ScriptedCrm, TestClock, facts


@pytest.fixture
def clock():
    return TestClock()


@pytest.fixture
def crm(clock):
    return ScriptedCrm(clock, facts([COMPANY, OVERDUE]))
