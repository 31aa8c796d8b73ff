"""Store each item of evidence once and name it day by day (docs/decisions/0016-evidence-stored-once.md)."""
