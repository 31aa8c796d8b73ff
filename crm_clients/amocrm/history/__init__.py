"""Tell how the records of amoCRM stood at the cutoff, from the events since then."""
