"""The database itself: address, engine, schema, types, locks."""
