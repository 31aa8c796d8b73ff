"""Pardon days, adjust points and correct judgements by hand, with all that follows in ledger and messages."""
