"""A mistake of ours ends in one helpful line, with the number under which it is logged."""

from __future__ import annotations

import structlog

from tests.bot.office import ANNA


async def test_a_mistake_of_ours_is_told_with_the_number_it_is_logged_under(office, monkeypatch):
    async def broken(*_args: object) -> None:
        raise KeyError("planted")

    await office.join_anna()
    monkeypatch.setattr("bot.handlers.manager.load_own_month", broken)
    with structlog.testing.capture_logs() as logged:
        office.api.user(ANNA).says("/me")
        told = await office.api.message(ANNA, "ошибка у меня, не у вас")
    (line,) = [line for line in logged if line["event"] == "handler_failed"]
    assert f"в журнале {line['update']}" in told.text
    assert "planted" not in told.text
    assert "KeyError" not in told.text
