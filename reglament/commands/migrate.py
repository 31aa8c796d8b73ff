"""Bring the database's tables up to date for `reglament migrate`."""

from __future__ import annotations

from reglament.config.settings import Settings
from storage.db import schema


def migrate(settings: Settings) -> str:
    """Upgrade the tables and return the revisions before and after in words."""
    url = settings.database.url
    before = schema.current_revision(url)
    schema.upgrade(url)
    after = schema.current_revision(url)
    return f"already up to date: {after}" if before == after else f"{before or 'empty'} → {after}"
