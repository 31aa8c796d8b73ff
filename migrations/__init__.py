"""Hold the history of the schema (Alembic); run by `storage.db.schema`, never from a file with an address."""
