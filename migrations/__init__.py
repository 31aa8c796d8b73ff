"""The schema's history (Alembic). Run by `storage.schema`, never from a file with an address in it."""
