"""Keep the journal: a chain of events per team beside the ledger, for all that moves money or blame."""
