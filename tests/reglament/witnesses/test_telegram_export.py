"""The exported history of a group is a witness: every digest in it must be a day of the journal, in order."""

from __future__ import annotations

import html
import json
import re
from io import StringIO

import pytest
from rich.console import Console
from sqlalchemy import text

from reglament.commands.verify import verify
from reglament.commands.witnesses import compare_witnesses
from reglament.errors import SettingsError, WorkFailed
from reglament.witnesses.anchors import append_anchors
from reglament.witnesses.telegram_export import read_export
from storage.days import runs
from storage.journal import anchored
from storage.journal.digests import JournalDay, journal_days
from tests.bot.office import GROUP, opened_office

_PIECE = re.compile(r'<a href="([^"]*)">(.*?)</a>|<b>(.*?)</b>|<[^>]*>')


def exported(message) -> dict[str, object]:
    """A message as Telegram Desktop exports it: strings, and objects with `href` for links behind words."""
    parts: list[object] = []
    last = 0
    for piece in _PIECE.finditer(message.html):
        parts.append(html.unescape(message.html[last : piece.start()]))
        href, words, bold = piece.groups()
        if href:
            parts.append({"type": "text_link", "text": words, "href": html.unescape(href)})
        elif bold:
            parts.append({"type": "bold", "text": html.unescape(bold)})
        last = piece.end()
    parts.append(html.unescape(message.html[last:]))
    return {
        "id": message.id, "type": "message", "date": "2026-11-19T18:00:03", "date_unixtime": "1763564403",
        "from": "Reglament", "from_id": "user42", "text": [part for part in parts if part], "text_entities": [],
    }  # fmt: skip


@pytest.fixture
async def office(sqlite_url):
    """Two evenings in a group."""
    async with opened_office(sqlite_url) as office:
        await office.evening()
        await office.rest()
        await office.cutoff(days=1)
        await office.send()
        yield office


@pytest.fixture
def history(office):
    """The messages of the group, between words of people."""
    talk = {"id": 1, "type": "message", "date": "2026-11-19T17:00:00", "from": "Анна", "text": "Ledger: what is that?"}
    service = {"id": 2, "type": "service", "date": "2026-11-19T17:01:00", "action": "pin_message", "text": ""}
    boards = [exported(item) for item in office.api.chat(GROUP).messages if item.text]
    return {"name": "Отдел продаж", "type": "private_group", "id": 1001, "messages": [talk, service, *boards]}


async def compared(office, tmp_path, content, *, raw: bool = False) -> tuple[bool, str]:
    file = tmp_path / "result.json"
    file.write_text(content if raw else json.dumps(content, ensure_ascii=False), encoding="utf-8")
    said = StringIO()
    fine = await compare_witnesses(office.process.settings, None, None, file, Console(file=said, width=300))
    return fine, said.getvalue()


async def test_the_whole_history_stands_as_a_chat_and_in_the_export_of_an_account(office, history, tmp_path):
    fine, said = await compared(office, tmp_path, history)
    assert fine
    assert "sales: 2 days, 2026-11-19 to 2026-11-20" in said
    assert "2 messages with digests, 0 weak (12 digits), 0 by the short form alone, 0 do not stand" in said
    fine, said = await compared(office, tmp_path, {"chats": {"about": "", "list": [history]}})
    assert fine


async def test_a_digest_that_no_day_has_is_named_with_its_message(office, history, tmp_path):
    board = history["messages"][-1]
    link = next(part for part in board["text"] if isinstance(part, dict) and "href" in part)
    link["href"] = re.sub(r"d_.*", "d_" + "a" * 32, link["href"])
    fine, said = await compared(office, tmp_path, history)
    assert not fine
    assert f"message {board['id']} of 2026-11-19T18:00:03 by Reglament: digest {'a' * 32} does not stand" in said


async def test_days_out_of_order_do_not_stand_but_forwarded_messages_may(office, history, tmp_path):
    history["messages"].reverse()
    fine, said = await compared(office, tmp_path, history)
    assert not fine
    assert "sales 2026-11-19 comes after 2026-11-20" in said
    for message in history["messages"]:
        message["forwarded_from"] = "Reglament"
    assert (await compared(office, tmp_path, history))[0]


async def test_short_digests_without_a_link_and_old_ones_count(office, history, tmp_path):
    async with office.process.db.reading() as session:
        [day, _] = await journal_days(session)
    async with office.process.db.transaction() as session:
        await session.execute(text("UPDATE runs SET digest = '0123456789ab' WHERE day = '2026-11-20'"))
    old = ["Отдел\nLedger: ", {"type": "code", "text": "0123456789ab"}]
    history["messages"][2:] = [
        {"id": 7, "type": "message", "date": "2026-11-19T18:00:03", "text": f"Отдел\nЖурнал: {day.digest[:8]}"},
        {"id": 8, "type": "message", "date": "2026-11-20T18:00:03", "text": old},
    ]  # fmt: skip
    fine, said = await compared(office, tmp_path, history)
    assert fine
    assert "1 weak (12 digits), 1 by the short form alone, 0 do not stand" in said
    history["messages"][2]["text"] = "Отдел\nЖурнал: zzzzzzzz"
    assert not (await compared(office, tmp_path, history))[0]


async def test_an_export_without_digests_proves_nothing(office, history, tmp_path):
    del history["messages"][2:]
    fine, said = await compared(office, tmp_path, history)
    assert not fine
    assert "0 messages with digests" in said


async def test_control_characters_are_read_as_telegram_desktop_writes_them(office, history, tmp_path):
    history["messages"][0]["text"] = "MARK"
    raw = json.dumps(history, ensure_ascii=False).replace("MARK", r"a\x0Bb\\x0B")
    assert (await compared(office, tmp_path, raw, raw=True))[0]


@pytest.mark.parametrize(("content", "problem"), [("{", "not JSON"), ("[]", "no export"), ("{}", "no export")])
def test_another_file_is_named(tmp_path, content, problem):
    file = tmp_path / "result.json"
    file.write_text(content)
    with pytest.raises(WorkFailed, match=problem):
        read_export(file)


async def said_of(office, digest: str) -> tuple[bool, str]:
    said = StringIO()
    fine = await verify(office.process.settings, None, digest, Console(file=said, width=300))
    return fine, said.getvalue()


async def test_a_message_as_people_copy_it_names_its_day(office):
    async with office.process.db.reading() as session:
        run = await runs.find(session, "sales", (await journal_days(session))[0].day)
    board = next(item for item in office.api.chat(GROUP).messages if item.text)
    fine, said = await said_of(office, board.text)
    assert fine
    assert f"{run.digest[:8]}: sales, 2026-11-19, digest {run.digest}, by the short form alone" in said
    fine, said = await said_of(office, f"https://t.me/reglament_bot?start=d_{run.digest}")
    assert fine
    assert said.rstrip().endswith("stands")
    assert "short" not in said
    fine, said = await said_of(office, f"https://t.me/reglament_bot?start=d_{'a' * 32}")
    assert not fine
    assert "the message or the ledger was changed" in said
    async with office.process.db.transaction() as session:
        anchored.accept(session, "made-up", ["a" * 32], is_lost=False, author="test", at=office.clock())
    fine, said = await said_of(office, f"https://t.me/reglament_bot?start=d_{'a' * 32}")
    assert not fine
    assert "a day given up by --accept-anchors" in said
    with pytest.raises(SettingsError, match="no digest in this text"):
        await said_of(office, "Итог дня: +2 балла")


async def test_anchors_are_compared_line_by_line(office, tmp_path):
    file = tmp_path / "anchors.jsonl"
    async with office.process.db.reading() as session:
        days = await journal_days(session)

    async def against() -> tuple[bool, str]:
        said = StringIO()
        fine = await compare_witnesses(office.process.settings, None, file, None, Console(file=said, width=300))
        return fine, said.getvalue()

    append_anchors(file, days[:1])
    fine, said = await against()
    assert fine
    assert "anchors of 1 days and 0 events, 0 do not stand, 1 days without an anchor" in said
    forged = JournalDay(days[1].team, days[1].day, "a" * 32, days[1].seq, days[1].at)
    append_anchors(file, [forged])
    fine, said = await against()
    assert not fine
    assert f"sales 2026-11-20: anchored with digest {'a' * 32}" in said
    assert f"but the journal has digest {days[1].digest}" in said
    moved = JournalDay(days[1].team, days[0].day, days[1].digest, days[1].seq, days[1].at)
    file.unlink()
    append_anchors(file, [moved])
    assert "in another place" in (await against())[1]
