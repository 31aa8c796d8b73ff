"""The ledger of points: writing, chaining, verifying, periods."""
