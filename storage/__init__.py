"""Everything that is kept: one schema on SQLite and PostgreSQL. What leaves is neutral (`scoring`, `rows`)."""
