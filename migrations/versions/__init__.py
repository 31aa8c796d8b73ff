"""Hold one file per change of the schema, by date."""
