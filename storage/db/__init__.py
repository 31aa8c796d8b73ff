"""Open the database: address, engine, schema, tables, column types, locks."""
