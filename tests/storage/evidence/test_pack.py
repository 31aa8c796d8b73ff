"""Packs and lists give back what was put in, for any evidence; damaged bytes are refused."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.records import Money
from scoring.snapshot import Evidence, Spared, Value
from storage.days.codec import readings_from_json, readings_to_json
from storage.evidence import lists, pack
from storage.evidence.lists import Lists
from storage.evidence.pack import to_item

EARLIER_PACK = (
    "0103029812985dc945b97aa91589b90539a9fa20297d25887de8da81fa0d406e3007bbe4c212a07f765fec0185"
    "c0c56e9090a1b9a5a981899989014815c8d92065406d00"
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=3)), timezone(timedelta(hours=-9, minutes=-30))])
INSTANTS = st.builds(
    lambda days, micros, zone: (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days, 0, micros)).astimezone(zone),
    st.integers(-700_000, 2_000_000),
    st.integers(0, 10**11),
    ZONES,
)
EVIDENCE = st.builds(
    Evidence,
    kind=st.sampled_from(["deal", "task", "call", "own"]),
    id=st.one_of(TEXT, st.integers(0, 10**18).map(str)),
    title=TEXT,
    url=st.one_of(TEXT, st.just("https://crm.example/deal/7/")),
    amount=st.none() | st.builds(Money, st.decimals(allow_nan=False, allow_infinity=False, places=2), TEXT),
    since=st.none() | INSTANTS | INSTANTS.map(lambda at: at.replace(microsecond=0)),
    again=st.booleans(),
    deal=TEXT,
    late=st.booleans(),
    spared=st.sampled_from(["", Spared.YOUNG.value, Spared.INHERITED.value]),
    missing_fields=st.just(()) | st.lists(st.text("абв (1)", min_size=1), max_size=3).map(tuple),
)


def exact(item: Evidence) -> tuple[object, ...]:
    """All that a snapshot says of an item, letter for letter."""
    amount = None if item.amount is None else (format(item.amount.amount, "f"), item.amount.currency)
    since = None if item.since is None else item.since.isoformat()
    words = item.kind, item.id, item.title, item.url, item.missing_fields
    return (*words, amount, since, item.again, item.deal, item.late, item.spared)


@given(st.lists(EVIDENCE, max_size=8))
def test_a_pack_gives_back_every_letter(items):
    found = pack.decode(pack.encode(map(to_item, items)))
    assert [exact(found.evidence(place)) for place in range(len(found))] == list(map(exact, items))
    assert list(found) == list(map(to_item, items))
    assert [found.key(place) for place in range(len(found))] == [item.key for item in items]


@given(st.lists(EVIDENCE, max_size=8), st.frozensets(st.integers(0, 8)))
def test_blanking_takes_titles_links_and_names_of_fields_alone(items, keep):
    found = pack.decode(pack.without_titles(pack.encode(map(to_item, items)), keep))
    for place, item in enumerate(items):
        kind, key, title, url, fields, *rest = exact(item)
        blank = (kind, key, title, url, fields) if place in keep else (kind, key, "", "", ())
        assert exact(found.evidence(place)) == (*blank, *rest)


def test_a_pack_of_an_earlier_release_is_read_and_a_pack_without_fields_is_still_written_so():
    """Bytes that version 0.1.0's successor wrote before there were empty fields."""
    stored = bytes.fromhex(EARLIER_PACK)
    [item] = [pack.decode(stored).evidence(0)]
    assert item == Evidence(
        "deal", "7", "Фильтры", "https://crm.example/deal/7", since=datetime(2026, 11, 19, tzinfo=UTC)
    )
    assert pack.encode([to_item(item)]) == stored


ADDRESSES = st.lists(st.integers(0, 999), min_size=1, max_size=40)


@given(
    st.dictionaries(st.text(min_size=1, max_size=8), ADDRESSES, max_size=4),
    st.integers(1, 2**40),
    st.integers(0, 1000),
)
def test_lists_give_back_order_and_sources(addresses, run_id, split):
    stored = Lists([(run_id, split), (run_id + 1, 1000 - split)], addresses)
    found = lists.decode(lists.encode(stored))
    assert {kpi: list(named) for kpi, named in found.addresses.items()} == addresses
    assert list(found.sources) == stored.sources


def test_a_long_list_that_did_not_change_takes_a_few_bytes():
    stored = Lists([(7, 5000)], {"overdue_tasks": range(5000)})
    assert len(lists.encode(stored)) < 30


@pytest.mark.parametrize(
    "data",
    [
        b"\x02",
        b"\x01not deflated",
        b"\x01" + zlib.compress(b"[]"),
        pack.encode([to_item(Evidence("a", "1", "", ""))])[:-4],
    ],
)
def test_bytes_that_are_no_pack_are_refused(data):
    with pytest.raises(ValueError, match="pack"):
        pack.decode(data)


@pytest.mark.parametrize(
    "columns",
    [b'[[["a","",null,"",false,false,""]],[0],[],[],[],[],[]]', b"[[],[0],[0],[0],[0],[0],[0]]", b"[[[]]]"],
)
def test_columns_that_do_not_fit_together_are_refused(columns):
    compressor = zlib.compressobj(wbits=-15, zdict=pack._WORDS)
    with pytest.raises(ValueError, match="pack"):
        pack.decode(b"\x01" + compressor.compress(columns) + compressor.flush())


@pytest.mark.parametrize("data", [b"", b"\x02", b"\x01\x01\x80", b"\x01\x01\x07\x02\x01a\x01\x00\x03"])
def test_bytes_that_are_no_lists_are_refused(data):
    with pytest.raises(ValueError, match="list"):
        lists.decode(data)


@pytest.mark.parametrize("reason", [None, "", "Дорого", "Выбрали <другого>"])
def test_the_reason_of_a_loss_is_kept_and_goes_with_the_titles(reason):
    """A reason that the CRM does not give is something else than a reason that nobody stored."""
    item = Evidence("deal", "7", "Фильтры", "https://crm.example/deal/7", loss_reason=reason)
    stored = pack.encode([to_item(item)])
    assert pack.decode(stored).evidence(0) == item
    assert pack.decode(pack.without_titles(stored)).evidence(0).loss_reason is None
    readings = {"deals_lost": Value(1, (item,))}
    assert readings_from_json(readings_to_json(readings)) == readings
