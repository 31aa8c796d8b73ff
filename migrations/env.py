"""Run Alembic on the connection that `storage.db.schema` hands over, inside the transaction of that connection."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from storage.db.models import Base
from storage.db.types import CanonicalJson, ExactDecimal, UtcDateTime


def _ours(name: str | None, kind: str, _parents: Any) -> bool:  # Alembic's mapping
    """Exclude the tables of the task queue, which has migrations of its own."""
    return not (kind == "table" and (name or "").startswith("procrastinate_"))


def _spelled(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Write column types of storage by name into new migrations."""
    if kind == "type" and isinstance(item, (UtcDateTime, ExactDecimal, CanonicalJson)):
        autogen.imports.add(f"from storage.db.types import {type(item).__name__}")
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
