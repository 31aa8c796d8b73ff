"""What facts are made of."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from scoring.records import Comment

AT = datetime(2026, 3, 2, tzinfo=UTC)


def test_facts_are_equal_by_their_fields_and_have_no_others() -> None:
    assert Comment("1", AT) == Comment("1", AT)
    assert len({Comment("1", AT), Comment("1", AT), Comment("2", AT)}) == 2
    with pytest.raises(AttributeError):
        Comment("1").author = "7"  # type: ignore[attr-defined]
