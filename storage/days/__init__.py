"""Keep business days: runs, snapshots, rulebooks, queries, heartbeats, retention."""
