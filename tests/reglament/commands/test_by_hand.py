"""`reglament pardon|adjust|correct` as an operator types them, on the made-up company."""

from __future__ import annotations

import pytest

from reglament.commands.by_hand.show import parse_outcome
from reglament.errors import SettingsError
from storage.ledger.refusals import PointsRefused
from tests.reglament.commands.test_commands import config, run, scored

__all__ = ["config"]

WHY = ("--reason", "CRM стояла", "--author", "Ольга Главная")


def test_a_day_is_corrected_pardoned_and_adjusted_on_the_command_line(config):
    managers = scored()["managers"]
    rules = {each["crm_user"]: {line["rule"]: line["outcome"] for line in each["lines"]} for each in managers}
    user, rule = next((user, id_) for user, of in rules.items() for id_, out in of.items() if out == "broken")
    day = "2026-11-19"
    assert f"{rule} kept: +1" in run("correct", user, day, rule, "kept", *WHY)
    with pytest.raises(PointsRefused, match="the owner alone"):
        run("correct", user, day, rule, "broken", *WHY)
    assert f"{rule} broken: -2" in run("correct", user, day, rule, "broken", *WHY, "--as-owner")

    broken = sum(out == "broken" for of in rules.values() for out in of.values())
    assert run("pardon", day, "--team", "sales", *WHY).count("reversed: +2") == broken

    assert "adjusted by -3" in run("adjust", "вера", "--points", "-3", "--day", day, *WHY)
    everyone = run("adjust", "--everyone", "--team", "sales", "--points", "1", "--day", day, *WHY)
    assert everyone.count("adjusted by +1") == len(managers)
    with pytest.raises(PointsRefused, match="at most 10 points"):
        run("adjust", "вера", "--points", "7", "--day", day, *WHY)
    run("verify")


def test_outcomes_are_named():
    with pytest.raises(SettingsError, match="kept, excused, broken"):
        parse_outcome("no_data")
