"""Load the words of the reports from the Fluent files in `reports/locales`."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any

from fluent.runtime import FluentBundle, FluentResource

from reports.fluent import format_message

LANGUAGES = ("ru", "en")


class Labels:
    """Hold all labels of one language: `labels("totals-name")`."""

    def __init__(self, language: str, *sources: str) -> None:
        self.language = language
        self._bundle = FluentBundle([language], use_isolating=False)
        for source in sources:
            self._bundle.add_resource(FluentResource(source))

    def __call__(self, key: str, **args: Any) -> str:
        """Return a label with the arguments filled in. Raises LookupError for an unknown key or a missing argument."""
        if not self._bundle.has_message(key):
            raise LookupError(f"no label {key!r} in {self.language}")
        pattern = self._bundle.get_message(key).value
        if pattern is None:
            raise LookupError(f"label {key!r} in {self.language} has no text")
        text, errors = format_message(self._bundle, pattern, args)
        if errors:
            raise LookupError(f"label {key!r} in {self.language}: {errors[0]}")
        return text


@lru_cache(maxsize=len(LANGUAGES))
def labels(language: str) -> Labels:
    """Load the labels of `ru` or `en`. Raises ValueError for another language."""
    if language not in LANGUAGES:
        raise ValueError(f"reports speak {' and '.join(LANGUAGES)}, not {language!r}")
    return Labels(language, _source(f"{language}.ftl"), kpi_texts(language))


def kpi_texts(language: str) -> str:
    """Read the catalogue of KPI names in Fluent: the same names for the bot, pictures, workbook and documents."""
    return _source(f"kpis.{language}.ftl")


def _source(name: str) -> str:
    return files("reports").joinpath("locales", name).read_text(encoding="utf-8")
