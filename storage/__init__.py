"""Keep everything that is stored: one schema on SQLite and PostgreSQL. Results are values of `scoring` and `values`."""
