"""What facts are made of, by the hundred thousand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[T]) -> type[T]:
    """A dataclass with slots whose fields are set once: the type checker sees to it, nothing does when it runs.

    A `dataclass(frozen=True)` sets each field by a call, and takes three times as long to make.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)
