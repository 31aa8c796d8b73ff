"""How Alembic runs here: on the connection that `storage.schema` hands in, inside its transaction."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from storage.db.models import Base
from storage.db.types import CanonicalJson, ExactDecimal, UtcDateTime


def _ours(name: str | None, kind: str, _parents: Any) -> bool:  # Alembic's mapping
    """Leave the tables of the task queue alone: it brings and updates its own."""
    return not (kind == "table" and (name or "").startswith("procrastinate_"))


def _spelled(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Write our own types by their names."""
    if kind == "type" and isinstance(item, (UtcDateTime, ExactDecimal, CanonicalJson)):
        autogen.imports.add(f"from storage.types import {type(item).__name__}")
        return f"{type(item).__name__}()"
    return False


connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit("run migrations with `reglament migrate`")
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    include_name=_ours,
    render_item=_spelled,
    transaction_per_migration=False,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
