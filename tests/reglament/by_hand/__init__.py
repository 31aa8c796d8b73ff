"""Points by hand."""
