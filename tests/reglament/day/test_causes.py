"""Which words people read when a CRM could not be read: docs/product.md §8, Errors."""

from __future__ import annotations

import pytest

from bot.texts import LANGUAGES, texts
from crm_clients import errors
from reglament.day.read import cause_of

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.CrmError)]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not errors.CrmError])
def test_every_kind_of_error_has_words_in_each_language(kind: type[errors.CrmError]) -> None:
    cause = cause_of(kind("HTTP 503"))
    assert all(texts(language).has(f"problem-{cause}") for language in LANGUAGES)


def test_the_particular_goes_before_the_general() -> None:
    assert cause_of(errors.RightsMissing("scope")) == "rights"
    assert cause_of(errors.DeadlineExceeded("slow")) == "unavailable"
    assert cause_of(None) == ""
