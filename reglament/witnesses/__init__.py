"""Keep digests of days outside the database, and compare the journal with digests kept elsewhere."""
