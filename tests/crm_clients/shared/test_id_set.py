"""A set of ids that takes little memory."""

from __future__ import annotations

from crm_clients.shared.id_set import IdSet


def test_a_set_of_ids_holds_near_and_far_ones() -> None:
    ids = IdSet()
    wanted = {0, 1, 7, 8, 4095, 4096, 10**6, 2**31 - 1, 2**40}
    for key in wanted:
        ids.add(key)
    assert all(key in ids for key in wanted)
    assert not any(key + 2 in ids for key in wanted)
