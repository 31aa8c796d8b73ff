"""Keep the ledger of points: writing, chaining, verifying, periods."""
