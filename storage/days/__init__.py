"""Business days: runs, snapshots, rulebooks, queries, retention."""
